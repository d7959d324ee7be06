"""Towns and districts by their names, as people write them: with variants and typing errors, and never a guess.

A name that several towns bear (`Neustadt`) is `Ambiguous`, unless the district says which is meant, or what was added
to the name (`Halle (Westf.)`), or one is by far the largest: it alone is a kreisfreie Stadt of just this name, or it
has five postal codes and more where no other has two. What is written right beats a variant (`Osnabruck`), a variant
beats a typing error, one error beats two; what is equally near is ambiguous. `Neustadt in Holstein` bears the name
`Neustadt`, too: many leave out what is added.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from math import cos, hypot, radians
from statistics import fmean

from mappings import gazetteer
from mappings.gazetteer import Place
from mappings.place_spelling import LONGEST, Name, Spellings, abbreviates, bare, name_of

__all__ = ["Ambiguous", "Box", "District", "Kind", "Town", "city", "district", "says_district", "towns"]


class Kind(StrEnum):
    """What a district is."""

    CITY = "city"
    """A kreisfreie Stadt: a town that is its own district."""
    COUNTY = "county"


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A town or village: its middle in WGS 84, its postal codes, and its district (AGS, empty where there is none)."""

    name: str
    district_ags: str
    latitude: float
    longitude: float
    postal_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The least rectangle around points, in degrees of WGS 84."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A Landkreis or a kreisfreie Stadt: the middle and the box of its postal codes, in WGS 84."""

    ags: str
    name: str
    kind: Kind
    latitude: float
    longitude: float
    box: Box
    postal_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """The places that may be meant, the largest first."""

    towns: tuple[Town, ...] = ()
    districts: tuple[District, ...] = ()
    elsewhere: bool = False
    """None of the towns, were it only one, is in the district that was asked for."""


_APART_KM, _ACROSS_KM = 19.0, 6.0
"""Postal codes of one name are one town up to so far from one another: within a district, and across its border."""
_NEAR_KM = 60.0
"""So far from a town its neighbours tell where it lies: Halle (Saale) is not far from Alsleben (Saale)."""
_MANY = 5
_CITY_TITLES = frozenset(("stadt", "kreisfreie", "kfr", "krfr", "kreisfr", "stadtkreis", "landeshauptstadt"))
_COUNTY_WORDS = frozenset(
    ("landkreis", "kreis", "lk", "lkr", "lkrs", "lkreis", "kr", "krs", "region", "staedteregion", "regionalverband")
)
_COUNTY_TITLES = _COUNTY_WORDS | {"grafschaft", "herzogtum"}
_DISTRICT_TITLES = _CITY_TITLES | _COUNTY_TITLES
_TITLES = frozenset(
    (
        *("stadt", "gemeinde", "samtgemeinde", "verbandsgemeinde", "flecken", "markt", "ort", "insel", "ortsteil"),
        *("kreisstadt", "hansestadt", "landeshauptstadt", "universitaetsstadt", "lutherstadt", "reuterstadt"),
        *("ostseebad", "nordseebad", "nordseeheilbad", "ostseeheilbad", "seebad", "seeheilbad", "heilbad"),
    )
)
_LEFT_OUT = (_TITLES - {"markt"}) | {"bad"}
"""What people leave out of a name; `Markt Wald` without it is another place."""


def city(text: str, *, district: str = "") -> Town | Ambiguous | None:
    """The town that a name means, within a district (its AGS or name) if one is given; None where there is no such.

    `Ambiguous` where several are meant, or where the only ones lie in other districts. Any text is taken.
    """
    postal_code, written = _addressed(text)
    found = _named(written)
    if postal_code:
        found = [town for town in found if postal_code in town.postal_codes]
    if not district.strip():
        return _decided(found, written)
    where = _districts_of(district)
    if where is None:
        return None
    inside = [town for town in found if town.district_ags in where] or _named(written, within=where)
    if inside or not found:
        return _decided(inside, written)
    return Ambiguous(towns=tuple(_largest_first(found)), elsewhere=True)


def district(text: str) -> District | Ambiguous | None:
    """The district that an AGS (5 digits), a municipality key (8 digits) or a name means; None where there is no such.

    `Ambiguous` where a town and a Landkreis bear the name (`Oldenburg`), unless the text says which. Any text is taken.
    """
    written = text.strip()
    if re.fullmatch(r"\d{5}|\d{8}", written, re.ASCII):
        return _district(written[:5]) if written[:5] in gazetteer.districts() else None
    if len(text) > LONGEST:
        return None
    found = [_district(ags) for ags in _districts_named(text)]
    return found[0] if len(found) == 1 else Ambiguous(districts=tuple(found)) if found else None


def says_district(text: str) -> bool:
    """Whether a text says of itself that a district is meant: `Landkreis Vechta`, `LK Vechta`."""
    words = name_of(text).words
    return len(words) > 1 and words[0] in _COUNTY_WORDS


@cache
def towns() -> tuple[Town, ...]:
    """All towns and villages, by name."""
    by_name: dict[str, list[Place]] = defaultdict(list)
    for place in gazetteer.names():
        by_name[place.name].append(place)
    return tuple(_town(places) for name in sorted(by_name) for places in _clusters(by_name[name]))


def _clusters(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    """Postal codes of one name, parted into those of each town."""
    if len(places) == 1:
        return iter((places,))
    clusters: list[list[Place]] = []
    for place in places:
        apart = [cluster for cluster in clusters if not any(_are_one(place, other) for other in cluster)]
        joined = [other for cluster in clusters if cluster not in apart for other in cluster]
        clusters = [*apart, [*joined, place]]
    return iter(clusters)


def _are_one(one: Place, other: Place) -> bool:
    within = one.district_ags == other.district_ags
    return _kilometres(one, other) <= (_APART_KM if within else _ACROSS_KM)


def _kilometres(one: Place | Town, other: Place | Town) -> float:
    """As in the plane: a few hundred metres wrong over 60 km, where only near or far is asked."""
    east = (one.longitude - other.longitude) * cos(radians(one.latitude))
    return 111.2 * hypot(one.latitude - other.latitude, east)


def _town(places: Sequence[Place]) -> Town:
    settled = [one for one in places if one.postal_code not in gazetteer.recipients()] or places
    keys = [one.district_ags for one in places]
    return Town(
        name=places[0].name,
        district_ags=max(sorted(set(keys)), key=keys.count),
        latitude=round(fmean(one.latitude for one in settled), 5),
        longitude=round(fmean(one.longitude for one in settled), 5),
        postal_codes=tuple(sorted({one.postal_code for one in places})),
    )


@dataclass(frozen=True, slots=True)
class _Index:
    """How the names of `towns()` are written: by number right, by its complement in any other way; what is added to."""

    spellings: Spellings
    additions: Mapping[int, tuple[str, ...]]

    def right(self, word: str) -> Sequence[int]:
        """The towns whose name this is, without what is added to it."""
        return [number for number in self.spellings[word] if number >= 0]

    def variant(self, word: str) -> Sequence[int]:
        """The towns whose name is written so, too."""
        return [~number for number in self.spellings[word] if number < 0]


@cache
def _index() -> _Index:
    spelt: list[tuple[str, int]] = []
    additions = {}
    for number, town in enumerate(towns()):
        name = name_of(town.name)
        spelt.append((name.base, number))
        spelt += ((word, ~number) for word in _written(town.name, name))
        if name.addition:
            additions[number] = name.addition
    return _Index(Spellings(spelt), additions)


def _written(text: str, name: Name) -> Iterator[str]:
    if name.addition:
        yield name.content
        yield name.whole
    shorter = name.words[1:] if name.words[0] in _LEFT_OUT else ()
    if shorter:
        yield "".join(shorter)
    if (without := bare(text)) != text:
        plain = name_of(without)
        yield plain.base
        if plain.addition:
            yield plain.content
            yield plain.whole
        if shorter:
            yield "".join(plain.words[1:])


def _addressed(text: str) -> tuple[str, str]:
    """`49661 Cloppenburg` parted: the postal code, or none, and the name; what is too long for one is none."""
    if len(text) > LONGEST:
        return "", ""
    parted = re.match(r"\s*(?:D\s*-\s*)?(\d{5})[\s,]+(?=\S)", text, re.ASCII)
    return (parted[1], text[parted.end() :]) if parted else ("", text)


def _named(text: str, *, within: frozenset[str] | None = None) -> list[Town]:
    """The towns that a name means equally well: as it is written, else as people write it, else as it may be meant."""
    name = name_of(text)
    for ways in (_as_written, _untitled, _parted, lambda _: _mistyped(_both(text))):
        if found := [at for at in ways(name) if within is None or towns()[at].district_ags in within]:
            return [towns()[at] for at in found]
    return []


def _both(text: str) -> Sequence[Name]:
    """A name with its umlauts as two letters, and as one: an error in or beside one counts once."""
    without = bare(text)
    return (name_of(text),) if without == text else (name_of(text), name_of(without))


def _as_written(name: Name) -> Sequence[int]:
    if not name.words:
        return ()
    index = _index()
    for written in (index.right, index.variant):
        if found := _fitting(name.addition, written(name.base)):
            return found
    return index.variant(name.content) or index.variant(name.whole)


def _untitled(name: Name) -> Sequence[int]:
    """Without what stands before a name (`Stadt`), or behind it (`Oldenburg, Stadt`)."""
    if addition := set(name.addition) & _TITLES:
        return _as_written(_without(name, addition))
    if len(name.words) > 1 and name.words[0] in _TITLES:
        return _as_written(Name(name.words[1:], name.addition, name.whole.removeprefix(name.words[0])))
    return ()


def _without(name: Name, titles: Collection[str]) -> Name:
    """A name without what is added to say only what kind of place it is."""
    addition = tuple(word for word in name.addition if word not in titles)
    return Name(name.words, addition, name.base + "".join(addition))


def _parted(name: Name) -> Sequence[int]:
    """`Halle Saale`: what was added with nothing between."""
    if name.addition or len(name.words) < 2:
        return ()
    return _as_written(Name(name.words[:-1], name.words[-1:], name.whole))


def _mistyped(names: Sequence[Name]) -> Sequence[int]:
    errors: dict[int, int] = {}
    for name, others in zip(names, (False, True), strict=False):
        if set(name.words) <= _TITLES | _DISTRICT_TITLES:
            return ()
        title = name.words[0] if name.words[0] in _TITLES else ""
        words = {word.removeprefix(way): () for word in (name.content, name.whole) for way in ("", title)}
        # Who writes an umlaut does not mean a name that has none: then only other ways to write one count.
        _count_errors(words | ({name.base: name.addition} if name.addition else {}), errors, others_only=others)
    return _fewest(errors)


def _count_errors(words: Mapping[str, tuple[str, ...]], errors: dict[int, int], *, others_only: bool) -> None:
    """Adds the towns that misspelt words may mean, each word with what was added to it, by how many errors."""
    spellings = _index().spellings
    for word, addition in words.items():
        for meant, count in spellings.misspelt(word).items():
            found = {max(number, ~number) for number in spellings[meant] if number < 0 or not others_only}
            for at in _fitting(addition, sorted(found)):
                errors[at] = min(count, errors.get(at, count))


def _fewest(errors: Mapping[int, int]) -> Sequence[int]:
    fewest = min(errors.values(), default=0)
    return sorted(at for at, count in errors.items() if count == fewest)


def _fitting(addition: tuple[str, ...], found: Sequence[int]) -> Sequence[int]:
    """Of towns of one name, those that an addition fits best: is theirs, shortens theirs, or tells where they lie."""
    if not addition:
        return found
    fits: tuple[Callable[[int, str], bool], ...] = (
        lambda at, word: word in _index().additions.get(at, ()),
        lambda at, word: any(abbreviates(word, own) for own in _index().additions.get(at, ())),
        lambda at, word: any(abbreviates(word, one) for one in _regions_of(towns()[at].district_ags)),
        lambda at, word: len(word) > 2 and any(abbreviates(word, one) for one in _words_of(towns()[at].district_ags)),
        lambda at, word: any(_kilometres(towns()[at], towns()[other]) <= _NEAR_KM for other in _adding().get(word, ())),
    )
    for fit in fits:
        if fitting := [at for at in found if all(fit(at, word) for word in addition)]:
            return fitting
    return ()


@cache
def _adding() -> dict[str, list[int]]:
    """The towns whose names have a word added."""
    adding: dict[str, list[int]] = defaultdict(list)
    for number, addition in _index().additions.items():
        for word in addition:
            adding[word].append(number)
    return dict(adding)


@cache
def _regions() -> tuple[tuple[str, str], ...]:
    """Words for regions, and how the AGS of what lies in them begins."""
    text = resources.files(__package__).joinpath("regions.csv").read_text(encoding="utf-8")
    return tuple((region, ags) for region, ags in list(csv.reader(text.splitlines()))[1:])


@cache
def _regions_of(district_ags: str) -> tuple[str, ...]:
    return tuple(region for region, ags in _regions() if district_ags.startswith(ags))


@cache
def _words_of(district_ags: str) -> tuple[str, ...]:
    name = _core(gazetteer.districts().get(district_ags, ""))
    return (*name.words, *name.addition)


def _decided(found: Sequence[Town], text: str) -> Town | Ambiguous | None:
    """One town of several, where it is by far the largest; never of towns whose names only look alike."""
    if len(found) < 2:
        return found[0] if found else None
    ordered = _largest_first(found)
    if len({name_of(town.name).base for town in found}) == 1:
        cities = [town for town in found if _is_city(town)] if not name_of(text).addition else []
        if len(cities) == 1:
            return cities[0]
        if len(ordered[0].postal_codes) >= _MANY and len(ordered[1].postal_codes) == 1:
            return ordered[0]
    return Ambiguous(towns=tuple(ordered))


def _is_city(town: Town) -> bool:
    """Whether a town is a kreisfreie Stadt of just this name."""
    named = name_of(town.name)
    own = _core(gazetteer.districts().get(town.district_ags, ""))
    return town.district_ags in gazetteer.cities() and not named.addition and named.base == own.base


def _largest_first(found: Sequence[Town]) -> list[Town]:
    return sorted(found, key=lambda town: (-len(town.postal_codes), town.name, town.postal_codes))


def _districts_of(text: str) -> frozenset[str] | None:
    """The AGS that a district's name or number may mean; None where there is no such."""
    found = district(text)
    if isinstance(found, Ambiguous):
        return frozenset(one.ags for one in found.districts)
    return None if found is None else frozenset((found.ags,))


@cache
def _district(ags: str) -> District:
    codes = _settled()[ags]
    lived_in = [one for one in codes if one.postal_code not in gazetteer.recipients()] or codes
    return District(
        ags=ags,
        name=gazetteer.districts()[ags],
        kind=Kind.CITY if ags in gazetteer.cities() else Kind.COUNTY,
        latitude=round(fmean(one.latitude for one in lived_in), 5),
        longitude=round(fmean(one.longitude for one in lived_in), 5),
        box=Box(
            south=min(one.latitude for one in codes),
            west=min(one.longitude for one in codes),
            north=max(one.latitude for one in codes),
            east=max(one.longitude for one in codes),
        ),
        postal_codes=tuple(sorted({one.postal_code for one in codes})),
    )


@cache
def _settled() -> dict[str, list[Place]]:
    """The towns and villages of each district."""
    settled: dict[str, list[Place]] = defaultdict(list)
    for place in gazetteer.names():
        settled[place.district_ags].append(place)
    return dict(settled)


def _districts_named(text: str) -> list[str]:
    both = [_untitled_district(name) for name in _both(text)]
    kind, asked = both[0]
    if set(asked.words) <= _DISTRICT_TITLES:
        return []
    ways: tuple[Callable[[], Sequence[int]], ...] = (
        lambda: _district_as_written(asked),
        lambda: _district_mistyped([name for _, name in both]),
    )
    for way in ways:
        named = (tuple(gazetteer.districts())[at] for at in way())
        if fitting := [ags for ags in named if kind is None or (ags in gazetteer.cities()) == (kind is Kind.CITY)]:
            return fitting
    return []


def _district_as_written(asked: Name) -> Sequence[int]:
    names = _district_names()
    if not asked.addition:
        return names[asked.base]
    for telling in (_district_addition, _district_regions):
        told = {at: telling(at) for at in names[asked.base]}
        if fitting := [
            at
            for at, words in told.items()
            if all(any(abbreviates(short, word) for word in words) for short in asked.addition)
        ]:
            return fitting
    return names[asked.content] or names[asked.whole]


def _district_mistyped(names: Iterable[Name]) -> Sequence[int]:
    errors: dict[int, int] = {}
    for word in {word for name in names for word in (name.content, name.whole)}:
        for meant, count in _district_names().misspelt(word).items():
            for at in _district_names()[meant]:
                errors[at] = min(count, errors.get(at, count))
    return _fewest(errors)


def _district_addition(at: int) -> tuple[str, ...]:
    return _core(tuple(gazetteer.districts().values())[at]).addition


def _district_regions(at: int) -> tuple[str, ...]:
    return _regions_of(tuple(gazetteer.districts())[at])


def _untitled_district(name: Name) -> tuple[Kind | None, Name]:
    """What kind of district is asked for, and its name; `Oldenburg (Stadt)` says it at the end."""
    words, whole, kind = name.words, name.whole, None
    while len(words) > 1 and words[0] in _DISTRICT_TITLES:
        kind = Kind.CITY if kind is Kind.CITY or words[0] in _CITY_TITLES else Kind.COUNTY
        whole, words = whole.removeprefix(words[0]), words[1:]
    asked = Name(words, name.addition, whole)
    if titles := set(name.addition) & _DISTRICT_TITLES:
        kind = Kind.CITY if titles & _CITY_TITLES else Kind.COUNTY
        asked = _without(asked, titles)
    return kind, asked


@cache
def _core(text: str) -> Name:
    """A district's name without what it is."""
    return _untitled_district(name_of(text))[1]


@cache
def _district_names() -> Spellings:
    return Spellings(
        (word, number) for number, name in enumerate(gazetteer.districts().values()) for word in _district_written(name)
    )


def _district_written(text: str) -> Iterator[str]:
    for written in {text, bare(text)}:
        name = _core(written)
        yield from (name.base, name.content, name.whole)
        if (short := name.base.removesuffix("kreis")) not in (name.base, ""):
            yield short
