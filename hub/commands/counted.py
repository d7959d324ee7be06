"""A number and what it counts, as a person says it."""

from mappings.terminology import Language

__all__ = ["counted"]

_NOUNS: dict[str, dict[Language, tuple[str, str]]] = {
    "record": {"de": ("Datensatz", "Datensätze"), "en": ("record", "records")},
    "offer": {"de": ("Angebot", "Angebote"), "en": ("offer", "offers")},
    "delivery": {"de": ("Lieferung", "Lieferungen"), "en": ("delivery", "deliveries")},
    "finding": {"de": ("weiterer Hinweis", "weitere Hinweise"), "en": ("more finding", "more findings")},
    "reason": {"de": ("weiterer Grund", "weitere Gründe"), "en": ("more reason", "more reasons")},
    "more record": {"de": ("weiterer Datensatz", "weitere Datensätze"), "en": ("more record", "more records")},
    "example": {"de": ("Beispiel", "Beispiele"), "en": ("example", "examples")},
    "difference": {"de": ("Abweichung", "Abweichungen"), "en": ("difference", "differences")},
    "token": {"de": ("Token", "Token"), "en": ("token", "tokens")},
    "reminder": {"de": ("Erinnerung", "Erinnerungen"), "en": ("reminder", "reminders")},
    "free place": {"de": ("freier Platz", "freie Plätze"), "en": ("free place", "free places")},
    "provider": {"de": ("Anbieter", "Anbieter"), "en": ("provider", "providers")},
}


def counted(count: int, noun: str, language: Language) -> str:
    """`1 Datensatz`, `2 Datensätze`; `noun` is one of those that commands count, by its English name."""
    one, many = _NOUNS[noun][language]
    return f"{count} {one if count == 1 else many}"
