"""A field of a sample, and how well its name and its values suit a place of the model."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mappings import conversions, gazetteer, targets, terminology
from mappings.conversions import Doubtful, Unreadable
from mappings.language import CONVERSIONS
from mappings.vacancy import ZONE
from mappings.vocabulary import vocabulary, words

__all__ = [
    "TABLES",
    "Column",
    "codes_in",
    "is_known",
    "name_likeness",
    "suitability",
    "table_of",
]

_SAMPLE = 100
_WITH_NUMBER = re.compile(r".*\S \d+ ?[A-Za-z]?([-–/+, ].*)?")
TABLES = {
    "offer.care_form": ("", "csv-angebot", "hilfe-art", "lup-angebot"),
    "block.room": ("csv-zimmer", ""),
    "block.sex": ("csv-geschlecht", ""),
    "offer.payers": ("csv-kostentraeger", ""),
}
"""The tables that translate to the codes of a place; blank: the codes themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field of the sample: its name, what stands in it where it is not blank, and of how many records."""

    name: str
    values: tuple[Any, ...]
    records: int

    @property
    def sample(self) -> tuple[Any, ...]:
        """The first of its values."""
        return self.values[:_SAMPLE]

    def share(self, test: Callable[[str], object]) -> float:
        """The share of the sample that passes a test."""
        return sum(bool(test(str(value).strip())) for value in self.sample) / len(self.sample)

    @property
    def is_wordy(self) -> bool:
        """Whether words stand in it."""
        return self.share(lambda text: re.search("[A-Za-zÄÖÜäöü]{2}", text)) > 0.9

    @property
    def has_offset(self) -> bool:
        """Whether its moments say their offset from UTC."""
        return bool(self.sample) and self.share(lambda text: re.search(r"(Z|[+-]\d\d:?\d\d)$", text)) == 1

    @property
    def has_house_numbers(self) -> bool:
        """Whether its streets end with the number of a house."""
        return bool(self.sample) and self.share(_WITH_NUMBER.fullmatch) > 0.6


_FILLERS = frozenset(
    {*("anzahl", "der", "die", "das", "des", "von", "am", "in", "of", "the", "einrichtung", "einrichtungs", "facility")}
    | {"angebot", "offer", "number", "wert", "feld", "haus", "home", "address", "adresse", "contact", "kontakt", "f"}
    | {"location", "position", "geo", "status", "gemeldet", "gesamt", "aktuell", "current", "heute", "today", "txt"}
)


@lru_cache(maxsize=10_000)
def name_likeness(name: str, target: str) -> float:
    """How much a name sounds like one for a place, from 0 to 1."""
    return _likeness(tuple(words(name.rpartition(".")[2])), tuple(words(name)), target)


def _likeness(words: tuple[str, ...], way: tuple[str, ...], target: str) -> float:
    best = 0.0
    plain = tuple(word for word in way if word not in _FILLERS)
    for rank, phrase in enumerate(vocabulary().places[target]):
        best = max(best, _phrase_likeness(words, way, plain, phrase) - 0.001 * rank)
    if target.startswith("counts.") and any(
        said & set(way) for place, said in vocabulary().numbers.items() if place != target
    ):
        best -= 0.3
    return best


def _phrase_likeness(
    words: tuple[str, ...], way: tuple[str, ...], plain: tuple[str, ...], phrase: tuple[str, ...]
) -> float:
    if phrase in (words, way):
        return 1.0
    joined, wanted = "".join(words), "".join(phrase)
    if wanted in (joined, "".join(way)):
        return 0.95
    if plain and phrase == plain:
        return 0.9
    like = 0.0
    if set(phrase) <= set(way):
        like = 0.55 + 0.3 * len(phrase) / len(way)
    if len(wanted) >= 4 and wanted in joined:
        like = max(like, 0.4 + 0.4 * len(wanted) / len(joined))
    if len(joined) >= 4 and wanted.startswith(joined):
        like = max(like, 0.45 + 0.4 * len(joined) / len(wanted))
    if len(joined) >= 5 and abs(len(joined) - len(wanted)) <= 2:
        ratio = difflib.SequenceMatcher(None, joined, wanted).ratio()
        like = max(like, 0.75 * ratio if ratio >= 0.84 else 0.0)
    return like


def _readable(convert: Callable[..., Any], values: Sequence[Any], kind: targets.Target) -> float:
    """The share of the values that a conversion reads and its place takes."""
    good = 0
    for value in values:
        try:
            read = convert(value)
        except Unreadable:
            continue
        good += kind.allows(read.value if isinstance(read, Doubtful) else read)
    return good / len(values)


def _moment(value: Any) -> Any:
    return conversions.datetime(value, zone=ZONE)


def table_of(target: str, column: Column) -> tuple[str, float]:
    """The table that knows most of a column's words, and the share of them that it knows."""
    shares: dict[str, float] = {}
    codes = _kind(target).codes
    said = [word for value in column.sample for word in codes_in(target, value)]
    for name in TABLES[target]:
        if name:
            table = terminology.table(name)
            known = sum(is_known(table, word) for word in said)
        else:
            assert codes is not None
            known = sum(word in codes() for word in said)
        shares[name] = known / max(1, len(said))
    best = max(TABLES[target], key=lambda name: shares[name])
    if not shares[best]:
        best = next(name for name in TABLES[target] if name)
    return best, shares[best]


def codes_in(target: str, value: Any) -> list[str]:
    """The codes in a value: several where the place takes several."""
    parts = re.split("[,;]", str(value)) if _kind(target).many else (str(value),)
    return [" ".join(part.split()) for part in parts]


def is_known(table: terminology.Table, word: str) -> bool:
    """Whether a table has a code for the word."""
    try:
        return bool(table.translate(word))
    except KeyError:
        return False


def _kind(target: str) -> targets.Target:
    known = {**targets.FACILITY, **targets.STATEMENT, **targets.BLOCK}
    return known.get(target) or targets.ELEMENT


def suitability(target: str, column: Column) -> float:
    """How well the values suit a place, from -1 (not at all) to 1 (they could hardly be anything else)."""
    if not column.sample:
        return 0.0
    if target in TABLES:
        share = table_of(target, column)[1]
        distinct = len(set(map(str, column.values)))
        if target == "offer.care_form":
            return share if share > 0.3 else (0.0 if distinct <= 25 and column.is_wordy else -1.0)
        return share if share > 0.5 else -1.0
    kind = _kind(target)
    convert = _moment if target == "valid_at" else CONVERSIONS[kind.convert]
    share = _readable(convert, column.sample, kind)
    if share < 0.7:
        return -1.0
    special = _SPECIAL.get(target)
    return special(column) if special is not None else 0.2 * share


_NUMBER = re.compile(r"-?\d{1,4}([.,]\d+)?")


def _between(low: float, high: float) -> Callable[[Column], float]:
    def fit(column: Column) -> float:
        share = column.share(lambda text: _NUMBER.fullmatch(text) and low <= float(text.replace(",", ".")) <= high)
        decimals = column.share(lambda text: re.search(r"[.,]\d{2,}", text))
        return decimals if share > 0.9 else -1.0

    return fit


def _fit_key(column: Column) -> float:
    values = list(map(str, column.values))
    if len(column.values) < column.records or column.share(lambda text: len(text) <= 40) < 1:
        return -0.6
    return 0.4 if len(set(values)) >= max(1, 0.15 * len(values)) else -0.6


def _fit_name(column: Column) -> float:
    return 0.3 if column.is_wordy and column.share(lambda text: len(text) > 4) > 0.7 else -0.8


def _fit_count(column: Column) -> float:
    return 0.3 if column.share(lambda text: re.fullmatch(r"-?\d{1,3}([.,]0+)?", text)) > 0.95 else -0.5


_SPECIAL: Mapping[str, Callable[[Column], float]] = {
    "facility.key": _fit_key,
    "facility.name": _fit_name,
    "facility.operator": _fit_name,
    "facility.street": lambda column: 0.3 if column.is_wordy else -0.8,
    "facility.city": lambda column: 0.5 if column.is_wordy and column.share(str.isdigit) == 0 else -0.8,
    "facility.house_number": lambda column: (
        0.5 if column.share(lambda text: re.match(r"\d{1,4}", text) and len(text) < 10) > 0.9 else -1.0
    ),
    "facility.postal_code": lambda column: (
        1.0 if column.share(lambda text: gazetteer.place(text.removeprefix("D-").zfill(5))) > 0.85 else -0.3
    ),
    "facility.iks": lambda column: (
        1.0
        if column.share(lambda text: re.fullmatch(r"\d{9}", text) and conversions.ik_is_plausible(text)) > 0.85
        else 0.2
        if column.share(lambda text: re.fullmatch(r"\d{9}", text)) > 0.9
        else -0.5
    ),
    "facility.latitude": _between(47.0, 55.2),
    "facility.longitude": _between(5.7, 15.2),
    "facility.contacts.phone": lambda column: (
        0.6 if column.share(lambda text: re.match(r"\+|0\d{2}", text)) > 0.7 else -0.5
    ),
    "facility.contacts.email": lambda _column: 1.0,
    "facility.contacts.url": lambda column: (
        0.9 if column.share(lambda text: "www." in text or "://" in text) > 0.5 else -0.5
    ),
    "valid_at": lambda column: 0.8 if column.share(lambda text: ":" in text) > 0.5 else 0.3,
    "block.start": lambda _column: 0.3,
    "block.end": lambda _column: 0.3,
    **dict.fromkeys(
        (
            *(f"counts.{name}" for name in ("licensed", "operable", "occupied", "held", "accepting", "waiting")),
            "block.count",
        ),
        _fit_count,
    ),
}
