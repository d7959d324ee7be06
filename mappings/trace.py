"""What a source map makes of one record, cell by cell, for whoever writes the map; it shows values, so it is never
kept."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mappings import terminology
from mappings.conversions import Unreadable
from mappings.language import CONVERSIONS
from mappings.reader import Fields, Reader, is_blank
from mappings.rules import Reading, Rule, UnknownCode
from mappings.source_map import SourceMap
from mappings.vocabulary import care_form, care_form_words, vocabulary, words

__all__ = ["Cell", "candidates", "spellings", "trace"]

_NAMES = {id(convert): name for name, convert in CONVERSIONS.items()}
_CANDIDATES = 3
_LIKELY = 0.8
_BEHIND = 0.15
_PART = 0.95
_SYSTEMS = ("care-form", "need", "room-type", "closing-reason", "vacancy-state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One field, or several together, on the way to one place of the model."""

    field: str
    """By its way in the record (`rows[0].Frei`); blank where the map gives the value itself."""
    target: str
    conversion: str
    table: str
    value: Any
    """What stood there, the default where nothing did."""
    result: Any = None
    is_default: bool = False
    expected_de: str = ""
    """What was expected of a value that cannot be read."""
    expected_en: str = ""
    doubt_de: str = ""
    doubt_en: str = ""
    left_out: str = ""
    candidates: tuple[str, ...] = ()
    """What an unknown code may mean; never used, only shown."""

    @property
    def is_unreadable(self) -> bool:
        """Whether the value was none."""
        return bool(self.expected_en)


def trace(source_map: SourceMap, fields: Fields) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """Every cell that the map reads of a record and that is not blank, in the map's order, and the names of the fields
    that nobody reads."""
    cells: list[Cell] = []

    def watch(reader: Reader, rule: Rule, raw: Any, outcome: Reading | Unreadable) -> None:
        if not is_blank(raw):
            cells.append(_cell(reader, rule, raw, outcome))

    mapped = source_map.read(fields, watch=watch)
    return tuple(cells), mapped.unread


def _cell(reader: Reader, rule: Rule, raw: Any, outcome: Reading | Unreadable) -> Cell:
    stood = [reader.value(source) for source in rule.sources]
    told: dict[str, Any] = {
        "field": ", ".join(f"{_way(reader)}{source}" for source in rule.sources),
        "target": rule.target,
        "conversion": _NAMES[id(rule.convert)],
        "table": rule.table.name if rule.table is not None else "",
        "value": raw,
        "is_default": is_blank(stood) and not is_blank(raw),
    }
    if isinstance(outcome, Unreadable):
        told |= {"expected_de": outcome.expected_de, "expected_en": outcome.expected_en}
        if isinstance(outcome, UnknownCode):
            told["candidates"] = candidates(str(raw), _spellings(rule))
        return Cell(**told)
    if outcome.doubt is not None:
        told |= {"doubt_de": outcome.doubt.text_de, "doubt_en": outcome.doubt.text_en}
    return Cell(**told, result=outcome.value, left_out=outcome.left_out)


def _way(reader: Reader) -> str:
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in reader.path)
    return f"{written.removeprefix('.')}." if written else ""


def _spellings(rule: Rule) -> dict[str, str]:
    """Every word by which a code of the place is known, and the code."""
    codes = rule.kind.codes() if rule.kind.codes is not None else frozenset()
    return spellings(codes, rule.table)


def spellings(codes: Collection[str], table: terminology.Table | None = None) -> dict[str, str]:
    """Every word by which some codes are known, for `candidates`: of people, of a table, and of what exports say."""
    known = {code: code for code in sorted(codes)}
    for system in _SYSTEMS:
        for code in sorted(terminology.codes(system).intersection(codes)):
            known |= {terminology.display(system, code, "de"): code, terminology.display(system, code, "en"): code}
    if codes and terminology.codes("care-form").issuperset(codes):
        known |= {words: code for words, code in care_form_words() if code in codes}
    if table is not None:
        for spelled in table.known():
            for code in table.translate(spelled).codes:
                known[spelled] = code
    return known


def candidates(word: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """The codes, the likeliest first, whose words are like a word: a proposal for a person, and nothing else.

    `known` are words with their codes. A code is only proposed where it is likely: none where nothing is.
    """
    form = care_form(word)
    if form is not None and form.code in known.values():
        return (form.code,)
    said = words(word)
    likeness: dict[str, float] = {}
    for spelled, code in known.items():
        likeness[code] = max(likeness.get(code, 0.0), _likeness(said, words(spelled)))
    best = max(likeness.values(), default=0.0)
    near = [code for code, like in likeness.items() if like >= max(_LIKELY, best - _BEHIND)]
    return tuple(sorted(near, key=lambda code: -likeness[code])[:_CANDIDATES])


def _likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """How like two spellings are, from 0 to 1, by what is their own: `Pflege` is in every second."""
    whole, wanted = "".join(one), "".join(other)
    if not whole or not wanted:
        return 0.0
    if whole == wanted:
        return 1.0
    first, second = _own(one), _own(other)
    if not first or not second:
        return 0.0
    is_part = (first <= second or second <= first) and any(len(word) > 2 for word in first & second)
    ratio = difflib.SequenceMatcher(None, " ".join(sorted(first)), " ".join(sorted(second))).ratio()
    return max(_PART if is_part else 0.0, ratio)


def _own(said: Sequence[str]) -> frozenset[str]:
    """The words of a spelling without those, and without their ends, that many have."""
    common = sorted(vocabulary().common, key=len, reverse=True)
    stems = (next((word.removesuffix(end) for end in common if word.endswith(end)), word) for word in said)
    return frozenset(stem for stem in stems if stem) - vocabulary().common
