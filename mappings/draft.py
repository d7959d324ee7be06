"""Proposes a source map for a sample: which field fills which place of the model, by its name and by its values.

A proposal and nothing more: what is unsure is marked, what is not understood is listed, an unknown code is never
translated. Words for names: `mappings/synonyms.yaml`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mappings import targets, terminology
from mappings.column import (
    TABLES,
    Column,
    codes_in,
    is_known,
    name_likeness,
    suitability,
    table_of,
)
from mappings.place_counts import uncounted
from mappings.reader import Fields, is_blank
from mappings.vacancy import ZONE
from mappings.vocabulary import CareForm, care_form, is_of_people, vocabulary

__all__ = ["Guess", "Level", "Proposal", "UnknownCodes", "propose"]

_SURE = 0.8
_LIKELY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A rule proposed: the place, the field, and the words of the language beside `from`."""

    target: str
    column: str
    likelihood: float
    words: Mapping[str, str] = field(default_factory=dict)
    by_values: bool = False
    """Its name says nothing; the values look like it."""

    @property
    def is_sure(self) -> bool:
        """Whether name and values agree."""
        return self.likelihood >= _SURE


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCodes:
    """Words of a field that its table does not know, with how often they stand there, and all that it uses."""

    column: str
    target: str
    table: str
    known: Mapping[str, str]
    unknown: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class Level:
    """The rules of a record, or of an element of a list in it."""

    guesses: list[Guess] = field(default_factory=list)
    each: str = ""
    """The name of the list; blank for the record itself."""
    offers: "Level | None" = None
    literals: list[tuple[str, list[Guess]]] = field(default_factory=list)
    """Offers whose care form is in the names of columns: its code, and the rules."""
    blocks: "Level | None" = None


@dataclass(slots=True, kw_only=True)
class Proposal:
    """A whole map as proposed."""

    root: Level
    unread: list[tuple[str, str, str]] = field(default_factory=list)
    """Fields that are in no rule, and why (German, English; blank: nothing is known of them)."""
    uncounted: tuple[str, ...] = ()
    """Those of them that seem to count places: what is free there would be lost."""
    codes: list[UnknownCodes] = field(default_factory=list)
    by: tuple[str, str] | None = None
    """The columns that rows of one offer have in common, where an offer has several rows."""
    rows: tuple[str, ...] = ()
    defaults: list[str] = field(default_factory=list)
    """Places that nothing in the sample fills and that a map needs."""

    @property
    def unsure(self) -> int:
        """How many rules a person has to look at, because they are guessed at or made up."""
        return len(self.defaults) + sum(not guess.is_sure for guess in _guesses(self.root))

    @property
    def dated(self) -> tuple[str, ...]:
        """Columns in rules whose names bear a week or a day, and so are likely to be others next time."""
        return tuple(dict.fromkeys(guess.column for guess in _guesses(self.root) if _DATED.search(guess.column)))


_DATED = re.compile(
    r"\b(kw|cw|kalenderwoche|calendar week)[ ._]*\d{1,2}\b|\b\d{1,2}\.\d{1,2}\.|\b\d{4}-\d{2}-\d{2}\b", re.IGNORECASE
)
"""`KW 48`, `22.11.`, `2026-11-22`."""

_BY_VALUES = {
    "facility.postal_code": 1.0,
    "facility.iks": 1.0,
    "facility.contacts.email": 1.0,
    "facility.contacts.url": 0.9,
    "facility.contacts.phone": 0.6,
    "facility.latitude": 1.0,
    "facility.longitude": 1.0,
    "valid_at": 0.8,
    "offer.care_form": 0.6,
    "block.room": 0.8,
}
"""Places that values alone may show, and how well they must fit."""


def _likelihoods(columns: Sequence[Column], known: Iterable[str]) -> Iterator[tuple[float, Column, str, bool]]:
    for target in known:
        is_number = target.startswith(("counts.", "block.count"))
        for column in columns:
            by_name = name_likeness(column.name, target)
            if by_name < 0.45 and target not in _BY_VALUES:
                continue
            if not is_number and by_name < 0.9 and uncounted({column.name: column.sample}):
                continue  # A number of places is nothing else, though half of its name be a ward's or a need's.
            fit = suitability(target, column)
            if fit <= -1.0:
                continue
            if by_name >= 0.45:
                by_name += 0.1 * _beside_a_street(target, column, columns)
                yield by_name + (0.12 * fit if fit > 0 else 0.6 * fit), column, target, False
            elif fit >= _BY_VALUES[target]:
                yield 0.45 + 0.2 * fit, column, target, True


def _beside_a_street(target: str, column: Column, columns: Sequence[Column]) -> int:
    """A number right of a street is the house's, and no key; without a street that lacks it, it is none of a house."""
    if target not in ("facility.house_number", "facility.key"):
        return 0
    streets = [one for one in columns if name_likeness(one.name, "facility.street") >= _SURE]
    if all(one.has_house_numbers for one in streets):
        return -5 if target == "facility.house_number" else 0
    position = next(index for index, one in enumerate(columns) if one is column)
    if not position or name_likeness(columns[position - 1].name, "facility.street") < 0.9:
        return 0
    return 1 if target == "facility.house_number" else -1


def _assigned(columns: Sequence[Column], known: Iterable[str]) -> list[Guess]:
    """Each place from one column and each column to one place, the likeliest first."""
    guesses: dict[str, Guess] = {}
    taken: set[str] = set()
    ranked = sorted(_likelihoods(columns, known), key=lambda found: (-found[0], found[1].name))
    for likelihood, column, target, by_values in ranked:
        if likelihood < _LIKELY or target in guesses or column.name in taken:
            continue
        guesses[target] = Guess(
            target=target,
            column=column.name,
            likelihood=min(likelihood, 0.79) if by_values else likelihood,
            words=_words_of(target, column),
            by_values=by_values,
        )
        taken.add(column.name)
    return list(guesses.values())


def _words_of(target: str, column: Column) -> dict[str, str]:
    if target == "valid_at" and not column.has_offset:
        return {"zone": str(ZONE)}
    if target in TABLES:
        table, _ = table_of(target, column)
        return {"table": table} if table else {}
    return {}


_AT_ROOT = (
    *targets.FACILITY,
    *targets.STATEMENT,
    *(f"offer.needs.{code}" for code in sorted(terminology.codes("need"))),
)
_OF_BLOCK = tuple(targets.BLOCK)
_FACILITY = frozenset(targets.FACILITY)


def _places(known: Iterable[str]) -> list[str]:
    return [place for place in known if place in vocabulary().places]


def propose(records: Sequence[Fields]) -> Proposal:
    """A proposal for a sample's records, of a table or nested; every field is in a rule or among the unread."""
    columns, lists = _columns(records)
    open_columns = [column for column in columns if not is_of_people(column.name)]
    unread = [
        (column.name, "kann von Menschen handeln", "may tell of people")
        for column in columns
        if is_of_people(column.name)
    ]
    wide, rest = _wide(open_columns)
    known = _places(_AT_ROOT)
    if wide:
        known = [
            place for place in known if not place.startswith(("offer.care_form", "offer.key", "counts.", "block."))
        ]
    root = Level(guesses=_assigned(rest, known), literals=wide)
    proposal = Proposal(root=root, unread=unread)
    if not wide:
        _lists(proposal, lists)
    _streets(root, {column.name: column for column in open_columns})
    _needed(proposal)
    read = {guess.column for guess in root.guesses} | {guess.column for _, guesses in wide for guess in guesses}
    proposal.unread += [
        (column.name, *_why_unread(column, known)) for column in open_columns if column.name not in read
    ]
    proposal.unread += [
        (name, "", "")
        for name in lists
        if name not in {level.each for level in (root.offers, root.blocks) if level is not None}
    ]
    proposal.codes = [one for one in map(_codes, *_coded(root, columns, lists)) if one is not None]
    if not wide and root.offers is None and root.blocks is None:
        _group(proposal, records)
    proposal.uncounted = _uncounted(proposal, dict(_values(columns, lists)), lists)
    return proposal


def _uncounted(proposal: Proposal, values: Mapping[str, Sequence[Any]], lists: Iterable[str]) -> tuple[str, ...]:
    names = {name for name, _, _ in proposal.unread}
    inside = tuple(f"{name}." for name in lists if name in names)
    unread = {name: told for name, told in values.items() if name in names or name.startswith(inside)}
    return uncounted(unread, values.keys() - unread.keys())


def _values(
    columns: Sequence[Column], lists: Mapping[str, list[Fields]], way: str = ""
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What stands in every field, also in those of lists, by their way."""
    for column in columns:
        yield way + column.name, column.sample
    for name, elements in lists.items():
        yield from _values(*_columns(elements), way=f"{way}{name}.")


def _columns(records: Sequence[Fields]) -> tuple[list[Column], dict[str, list[Fields]]]:
    """The fields of records, those of nested objects by their way, and the lists of objects in them."""
    values: dict[str, list[Any]] = {}
    lists: dict[str, list[Fields]] = {}

    def look(node: Fields, prefix: str) -> None:
        for key, value in node.items():
            name = prefix + key
            if isinstance(value, Mapping):
                look(value, f"{name}.")
            elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
                lists.setdefault(name, []).extend(value)
            else:
                found = values.setdefault(name, [])
                if not is_blank(value):
                    found.append(value)

    for record in records:
        look(record, "")
    return [
        Column(name=name, values=tuple(found), records=len(records))
        for name, found in values.items()
        if name not in lists
    ], lists


def _lists(proposal: Proposal, lists: Mapping[str, list[Fields]]) -> None:
    """Which list of a record is that of its offers, which that of its blocks."""
    root = proposal.root
    has_form = any(guess.target == "offer.care_form" and not guess.by_values for guess in root.guesses)
    for name, elements in sorted(lists.items(), key=lambda found: -len(found[1])):
        columns, below = _columns(elements)
        open_columns = [column for column in columns if not is_of_people(column.name)]
        if not has_form and root.offers is None:
            known = [place for place in _places(_AT_ROOT) if place not in _FACILITY]
            guesses = _assigned(open_columns, known)
            if any(guess.target == "offer.care_form" for guess in guesses):
                guesses += _own_key(open_columns, guesses)
                root.offers = Level(guesses=guesses, each=name)
                said = {guess.target for guess in guesses if guess.is_sure}
                root.guesses = [
                    guess for guess in root.guesses if guess.target in _FACILITY or guess.target not in said
                ]
                _unread_in(proposal, name, columns, guesses)
                for inner, inner_elements in below.items():
                    _blocks(proposal, root.offers, inner, inner_elements, f"{name}.{inner}")
                continue
        if has_form and root.blocks is None:
            _blocks(proposal, root, name, elements, name)


def _own_key(columns: Sequence[Column], guesses: Sequence[Guess]) -> list[Guess]:
    """In a list of offers, what is called like any key is theirs."""
    read = {guess.column for guess in guesses}
    if any(guess.target == "offer.key" for guess in guesses):
        return []
    keys = [column for column in columns if column.name not in read and suitability("facility.key", column) > 0]
    likely = [(likelihood, column.name, column) for likelihood, column, _, _ in _likelihoods(keys, ["facility.key"])]
    if not likely:
        return []
    likelihood, name, column = max(likely, key=lambda one: one[:2])
    is_unique = len(set(map(str, column.values))) == len(column.values)
    return (
        [Guess(target="offer.key", column=name, likelihood=likelihood)] if is_unique and likelihood >= _LIKELY else []
    )


def _blocks(proposal: Proposal, level: Level, name: str, elements: Sequence[Fields], way: str) -> None:
    columns, _ = _columns(elements)
    guesses = _assigned([column for column in columns if not is_of_people(column.name)], _places(_OF_BLOCK))
    if any(guess.target == "block.count" for guess in guesses):
        level.blocks = Level(guesses=guesses, each=name)
        _unread_in(proposal, way, columns, guesses)
    else:
        proposal.unread.append((way, "", ""))


def _unread_in(proposal: Proposal, way: str, columns: Sequence[Column], guesses: Sequence[Guess]) -> None:
    read = {guess.column for guess in guesses}
    proposal.unread += [(f"{way}.{column.name}", "", "") for column in columns if column.name not in read]


def _wide(columns: Sequence[Column]) -> tuple[list[tuple[str, list[Guess]]], list[Column]]:
    """Offers whose care form is in the names of columns, where there are such, and the columns left."""
    forms: dict[str, list[tuple[Column, CareForm]]] = {}
    says_form = _says_care_form(columns)
    for column in columns:
        form = care_form(column.name)
        if form is not None and not (says_form and form.beside_places):
            forms.setdefault(form.code, []).append((column, form))
    found = [(code, guesses) for code, named in forms.items() if (guesses := _of_form(named))]
    used = {guess.column for _, guesses in found for guess in guesses}
    if len(used) < 2:
        return [], list(columns)
    return found, [column for column in columns if column.name not in used]


def _says_care_form(columns: Sequence[Column]) -> bool:
    """Whether a column has care forms as its values."""
    target = "offer.care_form"
    return any(
        column.sample
        and column.is_wordy
        and (
            suitability(target, column) > _LIKELY
            or (name_likeness(column.name, target) >= _SURE and suitability(target, column) >= 0)
        )
        for column in columns
    )


def _of_form(named: Sequence[tuple[Column, CareForm]]) -> list[Guess]:
    """The rules of one care form; none where no column of it counts its places."""
    free = vocabulary().numbers["counts.accepting"]
    says_free = any(not free.isdisjoint(form.rest.split()) for _, form in named)
    bare = "plaetze" if says_free else "frei"
    renamed = [Column(name=form.rest or bare, values=column.values, records=column.records) for column, form in named]
    of = {id(one): (column.name, form) for one, (column, form) in zip(renamed, named, strict=True)}
    guesses: dict[str, Guess] = {}
    taken: set[int] = set()
    known = _places(place for place in targets.STATEMENT if place.startswith(("counts.", "block.")))
    for likelihood, column, target, by_values in sorted(_likelihoods(renamed, known), key=lambda one: -one[0]):
        if by_values or likelihood < _LIKELY or id(column) in taken or target in guesses:
            continue
        name, form = of[id(column)]
        guesses[target] = Guess(
            target=target,
            column=name,
            likelihood=likelihood if form.rest and form.is_usual else min(likelihood, 0.6),
            words=_words_of(target, column),
        )
        taken.add(id(column))
    return list(guesses.values()) if any(target.startswith("counts.") for target in guesses) else []


def _streets(root: Level, columns: Mapping[str, Column]) -> None:
    """A street's column that has the house number in it fills both places."""
    street = next((guess for guess in root.guesses if guess.target == "facility.street"), None)
    if street is None or any(guess.target == "facility.house_number" for guess in root.guesses):
        return
    column = columns[street.column]
    if column.has_house_numbers:
        position = root.guesses.index(street)
        both = ("facility.street", "street"), ("facility.house_number", "house_number")
        root.guesses[position : position + 1] = [
            Guess(target=target, column=street.column, likelihood=street.likelihood, words={"as": convert})
            for target, convert in both
        ]


def _guesses(level: Level) -> Iterator[Guess]:
    yield from level.guesses
    for _, guesses in level.literals:
        yield from guesses
    for inner in (level.offers, level.blocks):
        if inner is not None:
            yield from _guesses(inner)


def _needed(proposal: Proposal) -> None:
    """What a map cannot do without."""
    root = proposal.root
    said = {guess.target for guess in root.guesses}
    if "facility.name" not in said:
        proposal.defaults.append("facility.name")
    if "facility.key" not in said:
        proposal.defaults.append("facility.key")
    if "offer.care_form" not in said and root.offers is None and not root.literals:
        proposal.defaults.append("offer.care_form")


def _why_unread(column: Column, known: Iterable[str]) -> tuple[str, str]:
    """Of a field that is called like a place whose values it does not have: what was expected."""
    for target in known:
        if column.sample and name_likeness(column.name, target) >= 0.9 and suitability(target, column) <= -1.0:
            return (
                f"heißt wie {target}, die Werte sind dort nicht lesbar",
                f"is named like {target}, but not readable so",
            )
    return "", ""


def _coded(
    root: Level, columns: Sequence[Column], lists: Mapping[str, list[Fields]]
) -> tuple[list[Guess], list[Column]]:
    pairs: list[tuple[Guess, Column]] = []

    def collect(level: Level, of: Sequence[Column], below: Mapping[str, list[Fields]]) -> None:
        named = {column.name: column for column in of}
        pairs.extend((guess, named[guess.column]) for guess in level.guesses if guess.words.get("table"))
        for inner in (level.offers, level.blocks):
            if inner is not None:
                collect(inner, *_columns(below[inner.each]))

    collect(root, columns, lists)
    return [guess for guess, _ in pairs], [column for _, column in pairs]


def _codes(guess: Guess, column: Column) -> UnknownCodes | None:
    table = terminology.table(guess.words["table"])
    words = Counter(word for value in column.values for word in codes_in(guess.target, value))
    known = {word: word for word in words if is_known(table, word)}
    unknown = {word: count for word, count in words.most_common() if word not in known}
    if not unknown:
        return None
    return UnknownCodes(column=guess.column, target=guess.target, table=table.name, known=known, unknown=unknown)


def _group(proposal: Proposal, records: Sequence[Fields]) -> None:
    """Where rows that follow one another speak of one offer, the columns that they share and in which they differ."""
    of = {guess.target: guess.column for guess in proposal.root.guesses}
    key, form, count = of.get("facility.key"), of.get("offer.care_form"), of.get("counts.accepting")
    if key is None or form is None or count is None or of.get("offer.key"):
        return
    together = 0
    differing: set[str] = set()
    for one, other in pairwise(records):
        if not is_blank(one.get(key)) and all(one.get(name) == other.get(name) for name in (key, form)):
            together += 1
            differing |= {name for name in one if one.get(name) != other.get(name)}
    own = [
        of[target]
        for target in ("counts.accepting", "block.start", "block.end", "block.room", "block.sex")
        if target in of
    ]
    if together and differing <= {*own, *(name for name, _, _ in proposal.unread)}:
        proposal.by = (key, form)
        proposal.rows = tuple(own)
