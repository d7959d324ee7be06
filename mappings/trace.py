"""What a source map makes of one record, cell by cell, for whoever writes the map; it shows values, so it is never
kept."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mappings import terminology
from mappings.conversions import Unreadable
from mappings.language import CONVERSIONS, SourceMap
from mappings.reader import Fields, Reader, is_blank
from mappings.rules import Reading, Rule, UnknownCode

__all__ = ["Cell", "candidates", "trace"]

_NAMES = {id(convert): name for name, convert in CONVERSIONS.items()}
_CANDIDATES = 3
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
    known = {code: code for code in sorted(codes)}
    for system in _SYSTEMS:
        for code in sorted(codes & terminology.codes(system)):
            known |= {terminology.display(system, code, "de"): code, terminology.display(system, code, "en"): code}
    if rule.table is not None:
        for spelled in rule.table.known():
            for code in rule.table.translate(spelled).codes:
                known[spelled] = code
    return known


def candidates(word: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """The codes, the likeliest first, whose words are like a word: a proposal for a person, and nothing else.

    `known` are words with their codes.
    """
    wanted = _plain(word)
    if not wanted:
        return ()
    likeness: dict[str, float] = {}
    for spelled, code in known.items():
        likeness[code] = max(likeness.get(code, 0.0), _likeness(wanted, _plain(spelled)))
    near = sorted((code for code, like in likeness.items() if like >= 0.6), key=lambda code: -likeness[code])
    return tuple(near[:_CANDIDATES])


def _likeness(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    shared = _shared_words(one.split(), other.split())
    return max(difflib.SequenceMatcher(None, one, other).ratio(), shared)


def _shared_words(one: Iterable[str], other: Iterable[str]) -> float:
    first, second = set(one), set(other)
    shared = {word for word in first & second if len(word) > 2}
    return 0.95 * len(shared) / min(len(first), len(second)) if shared else 0.0


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _plain(word: str) -> str:
    folded = word.casefold().translate(_UMLAUTS)
    return " ".join("".join(letter if letter.isalnum() else " " for letter in folded).split())
