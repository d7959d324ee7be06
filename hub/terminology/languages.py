"""The languages in which somebody wants to read names (https://www.rfc-editor.org/rfc/rfc9110#name-accept-language)."""

from collections.abc import Mapping

__all__ = ["german_first", "languages", "said"]

_MAX = 20


def languages(display_language: str, accept_language: str) -> tuple[str, ...]:
    """Base languages in order of preference: the parameter `displayLanguage` counts, else the header."""
    if display_language:
        return (_base(display_language),)
    weighed = [_weighed(part) for part in accept_language.split(",", _MAX)[:_MAX] if part.strip()]
    weighed.sort(key=lambda each: -each[1])
    return tuple(dict.fromkeys(language for language, weight in weighed if weight > 0 and language != "*"))


def german_first(wanted: tuple[str, ...]) -> bool:
    """Whether a text that there is in German and English is wanted in German."""
    return next((language == "de" for language in wanted if language in ("de", "en")), False)


def said(texts: Mapping[str, str], wanted: tuple[str, ...]) -> str:
    """The text, of one in `de` and `en`, in the language that is wanted."""
    return texts["de" if german_first(wanted) else "en"]


def _base(language: str) -> str:
    return language.strip().partition("-")[0].lower()


def _weighed(part: str) -> tuple[str, float]:
    language, _, weight = part.partition(";")
    name, _, number = weight.strip().partition("=")
    try:
        return _base(language), float(number) if name.strip() == "q" else 1.0
    except ValueError:
        return _base(language), 0.0
