"""The codes that people mean by a word: the code itself, its display in either language, what the shipped tables make
of it, and for needs what exports call them (`mappings/synonyms.yaml`).

Case, umlauts (ae, oe, ue, ss), hyphens and blanks do not matter; what a table has without a counterpart means no code.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from mappings import terminology
from mappings.terminology import Language
from mappings.vocabulary import vocabulary

__all__ = ["listed", "meant"]

_SYSTEMS: Mapping[str, Sequence[str]] = {
    "care-form": ("care-form",),
    "need": ("need",),
    "prefer": ("need", "room-type"),
    "room": ("room-type",),
    "payer": ("payer",),
    "state": ("vacancy-state",),
}
"""What is asked for → our code systems that say it."""
_TABLES: Mapping[str, Sequence[str]] = {
    "care-form": ("csv-angebot", "hilfe-art"),
    "prefer": ("csv-zimmer",),
    "room": ("csv-zimmer",),
    "payer": ("csv-kostentraeger",),
    "state": ("csv-aussage",),
    "sex": ("csv-geschlecht",),
}
_NEED = "offer.needs."
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_ASIDE = re.compile(r"\([^()]*\)")


def meant(kind: str, word: str) -> tuple[str, ...]:
    """The codes of a kind (`room`, `need`, `sex` …) that a word means; none where nobody calls one so."""
    return _words(kind).get(_folded(word), ())


def listed(kind: str, language: Language) -> str:
    """What can be said, in a language; behind it the code where that is another word."""
    told = []
    for code, name in _named(kind, language):
        told.append(name if _folded(name) == _folded(code) else f"{name} ({code})")
    return "; ".join(told)


def _named(kind: str, language: Language) -> Iterator[tuple[str, str]]:
    """Each code and what it is called; of codes that are not ours, the first whole word that a table has."""
    for system in _SYSTEMS.get(kind, ()):
        yield from ((code, terminology.display(system, code, language)) for code in terminology.in_order(system))
    if kind in _SYSTEMS:
        return
    for table in map(terminology.table, _TABLES[kind]):
        for code in sorted(table.targets()):
            words = (
                word for word in table.known() if len(word) > 1 and word.isalpha() and meant(kind, word) == (code,)
            )
            yield code, code if language == "en" else next(words, code)


@cache
def _words(kind: str) -> Mapping[str, tuple[str, ...]]:
    """Every word of a kind in one spelling; the codes go before the displays, and these before what tables know."""
    found: dict[str, tuple[str, ...]] = {}
    for word, codes in _said(kind):
        found.setdefault(_folded(word), codes)
    return MappingProxyType(found)


def _said(kind: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    systems, tables = _SYSTEMS.get(kind, ()), [terminology.table(name) for name in _TABLES.get(kind, ())]
    yield from ((code, (code,)) for system in systems for code in terminology.in_order(system))
    yield from ((code, (code,)) for table in tables for code in sorted(table.targets()))
    for system in systems:
        for code in terminology.in_order(system):
            for language in ("de", "en"):
                display = terminology.display(system, code, language)
                yield display, (code,)
                yield _ASIDE.sub("", display), (code,)
    for table in tables:
        for word in table.known():
            if codes := table.translate(word).codes:
                yield word, codes
    if "need" in systems:
        for place, phrases in vocabulary().places.items():
            if place.startswith(_NEED):
                yield from (("".join(phrase), (place.removeprefix(_NEED),)) for phrase in phrases)


def _folded(word: str) -> str:
    return "".join(one for one in word.casefold().translate(_UMLAUTS) if one.isalnum())
