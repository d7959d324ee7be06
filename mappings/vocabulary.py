"""The words by which exports call places of the model, care forms and numbers of places (`mappings/synonyms.yaml`), and
what the name of a column or a code says by them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from mappings import terminology, yaml_document

__all__ = [
    "CareForm",
    "Phrase",
    "Vocabulary",
    "care_form",
    "care_form_words",
    "counts_places",
    "is_of_keys",
    "is_of_people",
    "vocabulary",
    "words",
]

Phrase = tuple[str, ...]
_TABLE = "csv-angebot"
_LEAST_SPECIFIC = "dauerpflege"
_COMPOUND = 7
"""So many letters has a word for a care form at least that a longer word may begin with."""
_STEM = 3
_LONGEST = 5
_IDS = frozenset({"id", "nummer", "number", "name", "code", "key", "schluessel", "kennung"})
"""The last word of a name that says which facility or offer, and nothing of places."""
_DATES = frozenset({"ab", "bis", "seit", "from", "until", "since", "am", "at", "datum", "date"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words as read; `numbers` are those that say which number of places is meant, by its place."""

    places: Mapping[str, tuple[Phrase, ...]]
    care_forms: tuple[tuple[Phrase, str], ...]
    """What care forms are called, the longest first."""
    colloquial: tuple[tuple[Phrase, str], ...]
    before_places: Mapping[str, str]
    nouns: frozenset[str]
    counting: frozenset[str]
    common: frozenset[str]
    never: frozenset[str]
    numbers: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class CareForm:
    """The care form in a name, and the words of the name without it."""

    code: str
    rest: str
    is_usual: bool = True
    """It is what everybody calls it, not what some do."""
    beside_places: bool = False
    """Its word stands for it only beside one of places."""


@cache
def _told() -> Mapping[str, Any]:
    told: Mapping[str, Any] = yaml_document.parse(resources.files(__package__).joinpath("synonyms.yaml").read_bytes())
    return told


@cache
def vocabulary() -> Vocabulary:
    """All words, each phrase cut as `words` cuts names."""
    told = _told()
    forms = _phrases(told["care_forms"])
    table = terminology.table(_TABLE)
    for spelled in table.known():
        for code in table.translate(spelled).codes:
            forms.setdefault(tuple(words(spelled)), code)
    return Vocabulary(
        places={place: tuple(tuple(words(one)) for one in phrases) for place, phrases in told["places"].items()},
        care_forms=_longest_first(forms),
        colloquial=_longest_first(_phrases(told["colloquial"])),
        before_places={word: code for code, listed in told["before_places"].items() for word in listed},
        nouns=frozenset(told["places_are"]),
        counting=frozenset(told["counting"]),
        common=frozenset(told["common"]),
        never=frozenset("".join(words(phrase)) for phrase in told["never"]),
        numbers={
            place: frozenset(told[name])
            for place, name in (("counts.accepting", "free"), ("counts.occupied", "occupied"), ("counts.held", "held"))
        },
    )


def _phrases(told: Mapping[str, Iterable[str]]) -> dict[Phrase, str]:
    return {tuple(words(phrase)): code for code, phrases in told.items() for phrase in phrases}


def _longest_first(forms: Mapping[Phrase, str]) -> tuple[tuple[Phrase, str], ...]:
    return tuple(sorted(forms.items(), key=lambda form: (-len(form[0]), -len("".join(form[0])))))


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words(name: str) -> list[str]:
    """The words of a name in lower case and without umlauts, what offices shorten written out."""
    short = _told()["abbreviations"]
    found = (word.casefold() for word in _WORD.findall(name.translate(_UMLAUTS)))
    return [short.get(word, word) for word in found]


@lru_cache(maxsize=10_000)
def is_of_people(name: str) -> bool:
    """Whether a column of this name may tell of people."""
    said = words(name)
    return any("".join(said[i:j]) in vocabulary().never for i in range(len(said)) for j in range(i + 1, len(said) + 1))


def is_of_keys(name: str) -> bool:
    """Whether a name ends in a word for a key or a name."""
    return not _IDS.isdisjoint(words(name)[-1:])


@lru_cache(maxsize=10_000)
def counts_places(name: str) -> tuple[bool, bool]:
    """Whether a name has a word for a number of places, and whether it ends in one."""
    said = _parts(words(name))
    if not said or said[-1] in _IDS | _DATES:
        return False, False
    counting = vocabulary().counting
    return not counting.isdisjoint(said), said[-1] in counting


def care_form_words() -> Iterator[tuple[str, str]]:
    """Every phrase by which a care form is called, also those of few, and its code."""
    for phrase, code in (*vocabulary().care_forms, *vocabulary().colloquial):
        yield " ".join(phrase), code


@lru_cache(maxsize=10_000)
def care_form(name: str) -> CareForm | None:
    """The care form that a name says; None where it says none."""
    said = words(name)
    if not said or is_of_keys(name):
        return None
    found = [one for way in (_parts(said), said) for one in _found(way)]
    return min(found, key=_rank, default=None)


def _rank(found: CareForm) -> tuple[bool, bool, bool]:
    """Every other goes before long-term care, which half of the words for places allude to."""
    return found.beside_places, found.code == _LEAST_SPECIFIC, not found.is_usual


def _found(said: list[str]) -> Iterator[CareForm]:
    for phrases, is_usual in ((vocabulary().care_forms, True), (vocabulary().colloquial, False)):
        codes: set[str] = set()
        for phrase, code in phrases:
            rest = _without(said, phrase)
            if rest is not None and code not in codes:
                codes.add(code)
                yield CareForm(code, rest, is_usual)
                if code != _LEAST_SPECIFIC:
                    break  # The longest that is there.
        if codes - {_LEAST_SPECIFIC}:
            return
    known = vocabulary()
    for position, word in enumerate(said):
        beside = said[position + 1] if position + 1 < len(said) else ""
        is_beside = beside in known.nouns or beside in known.counting
        ends = not beside and not known.counting.isdisjoint(said[:position])
        if word in known.before_places and (is_beside or ends):
            rest = " ".join((*said[:position], *said[position + 1 :]))
            yield CareForm(known.before_places[word], rest, beside_places=True)


def _without(said: list[str], phrase: Phrase) -> str | None:
    """The other words of a name that has a phrase in it, or a word that begins with it."""
    form = "".join(phrase)
    for start in range(len(said)):
        for end in range(start + 1, min(start + _LONGEST, len(said)) + 1):
            if "".join(said[start:end]) == form:
                return " ".join((*said[:start], *said[end:]))
    for position, word in enumerate(said):
        if len(form) >= _COMPOUND and word.startswith(form):
            rest = [*said[:position], word.removeprefix(form), *said[position + 1 :]]
            return " ".join(part for part in rest if part)
    return None


def _parts(said: list[str]) -> list[str]:
    """The same words, compounds that end in one for places cut before it."""
    return [part for word in said for part in _cut(word)]


def _cut(word: str) -> Iterator[str]:
    for noun in sorted(vocabulary().nouns, key=len, reverse=True):
        stem = word.removesuffix(noun)
        if stem != word and len(stem) >= _STEM and len(noun) >= _STEM:
            plain = stem.removesuffix("s")
            is_known = any((plain,) == phrase for phrase, _ in (*vocabulary().care_forms, *vocabulary().colloquial))
            yield plain if is_known else stem
            yield noun
            return
    yield word
