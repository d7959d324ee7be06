"""Dates and times of any precision: compared as far as they are known, and moved by a duration
(https://hl7.org/fhirpath/N1/#datetime-equality, https://hl7.org/fhirpath/N1/#datetime-arithmetic)."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

__all__ = ["Moment", "compare", "moment", "moved"]

_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
    r"(?:T(?:([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?"
)
_TIME = re.compile(r"()()()([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?()")

_LONGEST: Final = 50
_SECOND: Final = 1_000_000_000
_HOUR: Final = 3_600 * _SECOND
_DAY: Final = 24 * _HOUR
_SIZES: Final = {3: _DAY, 4: _HOUR, 5: 60 * _SECOND, 6: 1}
_SECONDS: Final = {
    "week": Decimal(604_800),
    "day": Decimal(86_400),
    "hour": Decimal(3_600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a text of a date or time says: from when on, until when (nanoseconds), and how precisely."""

    low: int
    high: int
    precision: int
    """1 year, 2 month, 3 day, 4 hour, 5 minute, 6 second with or without its fraction."""
    zoned: bool


def moment(text: str, *, is_time: bool) -> Moment | None:
    """The moment that the text writes; None where it is none."""
    return _moment(text, is_time=is_time) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _moment(text: str, *, is_time: bool) -> Moment | None:
    match = (_TIME if is_time else _DATE).fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    parts = (year, month, day, hour, minute, second)
    precision = max(place for place, part in enumerate(parts, start=1) if part)
    if int(hour or 0) > 24 or int(minute or 0) > 59 or int(second or 0) > 60:
        return None
    try:
        ordinal = 0 if is_time else date(int(year), int(month or 1), int(day or 1)).toordinal()
    except ValueError:
        return None
    low = (
        ordinal * _DAY
        + int(hour or 0) * _HOUR
        + (int(minute or 0) * 60 + int(second or 0)) * _SECOND
        + int((fraction or "0")[:9].ljust(9, "0"))
        - _offset(zone)
    )
    if precision == 1:
        high = (date(int(year), 12, 31).toordinal() + 1) * _DAY
    elif precision == 2:
        high = low + calendar.monthrange(int(year), int(month))[1] * _DAY
    else:
        high = low + _SIZES[precision]
    return Moment(low=low, high=high, precision=precision, zoned=bool(zone))


def compare(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None where the one is not known precisely enough to say."""
    if left.precision == right.precision and left.zoned == right.zoned:
        return (left.low > right.low) - (left.low < right.low)
    a, b = (left.low, left.high), (right.low, right.high)
    if left.zoned != right.zoned:
        a, b = (a, _spans(right)) if left.zoned else (_spans(left), b)
    if a[1] <= b[0]:
        return -1
    return 1 if b[1] <= a[0] else None


def moved(text: str, amount: Decimal, unit: str, *, is_time: bool) -> str | None:
    """The text of a date or time, later by so many of the unit, as precise as before; None where no calendar has it."""
    match = (_TIME if is_time else _DATE).fullmatch(text)
    if match is None or len(text) > _LONGEST:
        return None
    # Above seconds "the decimal portion of the time-valued quantity is ignored".
    amount = amount if unit in ("second", "millisecond") else Decimal(int(amount))
    try:
        return _moved_time(match, amount, unit) if is_time else _moved_date(match, amount, unit)
    except (ValueError, OverflowError, KeyError):
        return None


def _offset(zone: str | None) -> int:
    if not zone or zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return (minutes if zone[0] == "+" else -minutes) * 60 * _SECOND


def _spans(one: Moment) -> tuple[int, int]:
    """Between which instants a moment without a zone lies, whatever its zone is."""
    return one.low - 14 * _HOUR, one.high + 12 * _HOUR


def _moved_time(match: re.Match[str], amount: Decimal, unit: str) -> str:
    _, _, _, hour, minute, second, fraction, _ = match.groups()
    start = int(hour) * 3_600 + int(minute or 0) * 60 + int(second or 0) + Decimal(f"0.{fraction or 0}")
    return _clock((start + amount * _SECONDS[unit]) % 86_400, minute, second, fraction)


def _moved_date(match: re.Match[str], amount: Decimal, unit: str) -> str:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    months = int(amount) * {"year": 12, "month": 1}.get(unit, 0)
    seconds = amount * _SECONDS[unit] if unit in _SECONDS else Decimal(0)
    days = int(seconds / 86_400)
    if day is None:
        # "The operation is performed by converting the time-based quantity to the highest precision."
        months += 0 if not days else days // 30 if month else days // 365 * 12
        if month is None:
            months = int(Decimal(months) / 12) * 12
        total = int(year) * 12 + int(month or 1) - 1 + months
        return _date(date(total // 12, total % 12 + 1, 1), month, None) + match[0][len(year) + (3 if month else 0) :]
    total = int(year) * 12 + int(month) - 1 + months
    last = calendar.monthrange(total // 12, total % 12 + 1)[1]
    moved_day = date(total // 12, total % 12 + 1, min(int(day), last))
    if hour is None:
        return _date(moved_day + timedelta(days=days), month, day) + match[0][10:]
    start = int(hour) * 3_600 + int(minute or 0) * 60 + int(second or 0) + Decimal(f"0.{fraction or 0}")
    over, clock = divmod(start + seconds, 86_400)
    if clock < 0:
        over, clock = over - 1, clock + 86_400
    when = _date(moved_day + timedelta(days=int(over)), month, day)
    return f"{when}T{_clock(clock, minute, second, fraction)}{zone or ''}"


def _date(when: date, month: str | None, day: str | None) -> str:
    return when.isoformat()[: 10 if day else 7 if month else 4]


def _clock(clock: Decimal, minute: str | None, second: str | None, fraction: str | None) -> str:
    whole = int(clock)
    text = f"{whole // 3600:02}"
    if minute is not None:
        text += f":{whole // 60 % 60:02}"
    if second is not None:
        text += f":{whole % 60:02}"
        rest = clock - whole
        if fraction is not None or rest:
            text += f"{rest:.{max(len(fraction or ''), 3)}f}"[1:]
    return text
