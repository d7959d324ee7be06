"""Moments as the tables hold them: microseconds and days since 1970, in UTC."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

__all__ = ["FAR_DAY", "NO_DAY", "date_of", "day", "instant", "micros", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)

_IN_HOUR = tuple(f"{second // 60:02}:{second % 60:02}" for second in range(3600))

NO_DAY = -100_000
"""Before every day there is."""
FAR_DAY = (date(2099, 12, 31) - _EPOCH_DAY).days
"""The end of what is open-ended."""


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of a moment with an offset."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(stamp: int) -> datetime:
    """The moment, in UTC, of microseconds since 1970."""
    return _EPOCH + stamp * _MICROSECOND


def instant(stamp: int) -> str:
    """A FHIR instant with milliseconds (https://hl7.org/fhir/R4/datatypes.html#instant)."""
    hours, rest = divmod(stamp // 1000, 3_600_000)
    return f"{_hour(hours)}:{_IN_HOUR[rest // 1000]}.{rest % 1000:03}Z"


@lru_cache(maxsize=4096)
def _hour(hours: int) -> str:
    days, hour = divmod(hours, 24)
    return f"{date_of(days).isoformat()}T{hour:02}"


def day(value: date) -> int:
    """Days since 1970."""
    return (value - _EPOCH_DAY).days


def date_of(number: int) -> date:
    """The date of days since 1970."""
    return _EPOCH_DAY + timedelta(days=number)
