"""Moments as the tables hold them: microseconds and days since 1970, in UTC."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

__all__ = ["FAR_DAY", "NO_DAY", "day", "instant", "micros", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)

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
    days, rest = divmod(stamp // 1000, 86_400_000)
    seconds, milliseconds = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{_written(days)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{milliseconds:03}Z"


@lru_cache(maxsize=1024)
def _written(days: int) -> str:
    return (_EPOCH_DAY + timedelta(days=days)).isoformat()


def day(value: date) -> int:
    """Days since 1970."""
    return (value - _EPOCH_DAY).days
