"""How old something is, as a person says it."""

from datetime import timedelta

from mappings.terminology import Language

__all__ = ["age"]

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_HOURS = 48
"""So many are still told in hours."""


def age(span: timedelta, language: Language) -> str:
    """`vor 5 h`, `3 days ago`."""
    if span < _HOUR / 2:
        return "gerade eben" if language == "de" else "just now"
    if span < _HOURS * _HOUR:
        return f"vor {span / _HOUR:.0f} h" if language == "de" else f"{span / _HOUR:.0f} h ago"
    return f"vor {span / _DAY:.0f} Tagen" if language == "de" else f"{span / _DAY:.0f} days ago"
