"""Moments as a person reads them: by the clock of the hub's zone, which is named beside them."""

from datetime import date, datetime

from mappings.terminology import Language
from mappings.vacancy import ZONE

__all__ = ["day_text", "local_day", "moment_text", "zone_name"]


def moment_text(moment: datetime, language: Language, *, seconds: bool = False) -> str:
    """`23.11.2026 05:29 MEZ`, `2026-11-23 05:29 CET`."""
    local = moment.astimezone(ZONE)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return f"{day_text(local.date(), language)} {clock} {zone_name(moment, language)}"


def day_text(day: date, language: Language) -> str:
    """`23.11.2026`, `2026-11-23`."""
    return f"{day:%d.%m.%Y}" if language == "de" else f"{day:%Y-%m-%d}"


def local_day(moment: datetime) -> date:
    """The day that it is in the hub's zone."""
    return moment.astimezone(ZONE).date()


def zone_name(moment: datetime, language: Language) -> str:
    """What the hub's zone is called at a moment: `MEZ` and `MESZ`, `CET` and `CEST`."""
    summer = bool(moment.astimezone(ZONE).dst())
    if language == "de":
        return "MESZ" if summer else "MEZ"
    return "CEST" if summer else "CET"
