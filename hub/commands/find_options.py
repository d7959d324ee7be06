"""What `platzfrei find` is asked: its options, and the parameters of $find-vacancies that they stand for."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hub.errors import http_part
from hub.fhir.vacancy_parameters import MONITOR, ONCE, REPEATABLE, SINCE
from mappings import place_names
from mappings.code_words import listed, meant
from mappings.errors import Issue, PlatzfreiError, Rejected
from mappings.place_names import Town
from mappings.search_place import SearchPlace, Way, resolve

__all__ = ["NOT_BY_OPTION", "OPTIONS", "add_options", "criteria", "of_option", "place"]

_KM = "25"
_WAY = Way(town='--near "{name}, {ags}"', district='--near "{name}"', postal_code="--near {code}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One option: which parameters it stands for, and how its help tells of it."""

    name: str
    metavar: str
    help: str
    parameters: tuple[str, ...]
    in_words: bool = False
    """Its values are codes, or words for them."""
    default: str | None = None

    @property
    def parameter(self) -> str:
        return self.parameters[0]

    @property
    def at(self) -> str:
        """Where argparse keeps what it was told."""
        return self.name.removeprefix("--").replace("-", "_")


def _one(name: str, metavar: str, told: str, *, parameter: str = "", default: str | None = None) -> _Option:
    return _Option(
        name=name, metavar=metavar, help=told, parameters=(parameter or name.removeprefix("--"),), default=default
    )


def _code(name: str, metavar: str, told: str) -> _Option:
    return _Option(name=name, metavar=metavar, help=told, parameters=(name.removeprefix("--"),), in_words=True)


OPTIONS = (
    _Option(
        name="--near",
        metavar="PLACE",
        help="a postal code (49661), a town (Cloppenburg; of several: Neustadt, 16061), a district (Landkreis "
        "Cloppenburg) or latitude,longitude",
        parameters=("near", "postal-code", "city", "district"),
    ),
    _one("--distance", "KM", "default 25km; in a district without: all of it"),
    _code("--care-form", "CODE", "may be repeated; codes may be said in words here: Kurzzeitpflege, day care"),
    _one("--start", "DAY", "free from this day (2026-12-01); default: any time from today"),
    _one("--end", "DAY", "the last day of a stay"),
    _one("--duration", "DAYS", "how long the stay is, where --end does not say it"),
    _one("--places", "N", "how many places; the public view tells up to 2"),
    _code("--state", "STATE", "some (default), none, ask, unknown; may be repeated"),
    _one("--care-grade", "N", "Pflegegrad, 1 to 5"),
    _code("--need", "CODE", "all must be served; may be repeated"),
    _code("--prefer", "CODE", "a need or room that is wished for"),
    _code("--room", "CODE", "single, double, shared"),
    _code("--sex", "CODE", "female, male, other"),
    _one("--speaks", "CODE", "a language that is spoken there: tr, ru, pl", parameter="language"),
    _one("--operator", "ID", "the Organization that runs it"),
    _code("--payer", "CODE", "who pays, where it is stated"),
    _one("--own-share", "EUROS", "what the person pays a month at most, where it is stated"),
    _one("--max-age", "AGE", "statements no older than this: 24h, 3d"),
    _one("--sort", "ORDER", "distance (default), freshness, start, score", parameter="_sort"),
    _one("--count", "N", "how many to show; default 20", parameter="_count", default="20"),
    _Option(name="--why-not", metavar="", help="say why no more fit, however many do", parameters=("why-not",)),
)
"""All but those that every command has, and --json."""

NOT_BY_OPTION = frozenset(("_after", SINCE, MONITOR))
"""Parameters of who asks again by a link of an answer: a command has none."""

_NAMES: Mapping[str, str] = {parameter: option.name for option in OPTIONS for parameter in option.parameters}
"""The option of each parameter."""


def add_options(made: argparse.ArgumentParser) -> None:
    """The options, to a parser."""
    for option in OPTIONS:
        if not option.metavar:
            made.add_argument(option.name, action="store_true", help=option.help)
        elif option.parameter in REPEATABLE:
            made.add_argument(option.name, action="append", default=[], metavar=option.metavar, help=option.help)
        else:
            made.add_argument(
                option.name,
                metavar=option.metavar,
                help=option.help,
                default=option.default,
                required=option.parameter == "near",
            )


def criteria(options: argparse.Namespace) -> list[tuple[str, str]]:
    """All but the place as parameters; `Rejected` for a word that means no code."""
    return [
        (option.parameter, value)
        for option in OPTIONS
        if option.parameter not in ("near", "distance")
        for value in _values(option, getattr(options, option.at))
    ]


def _values(option: _Option, told: str | bool | Sequence[str] | None) -> Iterator[str]:
    if told is True:
        yield "true"
    elif isinstance(told, str):
        if option.in_words:
            yield from _meant(option, told)
        else:
            yield _day(told) if option.metavar == "DAY" else told
    elif told:
        for one in told:
            yield from _meant(option, one)


def _meant(option: _Option, told: str) -> tuple[str, ...]:
    """The codes of a value: of all of it, for displays have commas in them, else of its parts."""
    if whole := meant(option.parameter, told):
        return whole
    codes: list[str] = []
    for part in filter(None, map(str.strip, told.split(","))):
        found = meant(option.parameter, part)
        if not found:
            raise Rejected(
                Issue(
                    code="unknown-code",
                    place=option.name,
                    text_de=f"erwartet wird: {listed(option.parameter, 'de')}",
                    text_en=f"expected: {listed(option.parameter, 'en')}",
                )
            )
        codes += found
    return tuple(codes)


def _day(told: str) -> str:
    """A day as FHIR writes it; 01.12.2026 is a day, too."""
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", told)
    return f"{german[3]}-{german[2]:0>2}-{german[1]:0>2}" if german else told


def of_option(error: PlatzfreiError) -> PlatzfreiError:
    """The same error of the option that was given, where it is of a parameter."""
    return Rejected(*map(_of_option, error.issues))


def _of_option(issue: Issue) -> Issue:
    parameter = next((one for one in (*ONCE, *REPEATABLE) if issue.place.startswith(http_part(one))), None)
    if parameter is None or parameter not in _NAMES:
        return issue
    return replace(
        issue,
        place=_NAMES[parameter],
        text_de=_by_option(issue.text_de.removeprefix(f"{parameter}: ")),
        text_en=_by_option(issue.text_en.removeprefix(f"{parameter}: ")),
    )


def _by_option(text: str) -> str:
    """A text in which parameters are called as the options are."""
    return _PARAMETER.sub(
        lambda found: f"{_NAMES[found[1]]} " if found[2] == "=" else _NAMES[found[1]] + found[2], text
    )


_PARAMETER = re.compile(rf"(?<![\w-])({'|'.join(sorted(_NAMES, key=len, reverse=True))})(=|\)| nennt\b| states\b)")


def place(options: argparse.Namespace) -> tuple[list[tuple[str, str]], SearchPlace | None, str]:
    """The place as parameters; where a name was given also what it was understood as, and how many kilometres around
    (blank: all of a district)."""
    written = options.near.strip()
    kilometres = re.sub(r"\s*km$", "", (options.distance or "").strip(), flags=re.IGNORECASE).replace(",", ".")
    if re.fullmatch(r"\d{5}", written):
        return [("postal-code", written), ("distance", kilometres or _KM)], None, ""
    if re.fullmatch(r"-?\d+(\.\d+)?\s*,\s*-?\d+(\.\d+)?", written):
        point = (part.strip() for part in written.split(","))
        return [("near", "|".join((*point, kilometres or _KM, "km")))], None, ""
    found = _named(written)
    if found.ags and not kilometres:
        return [("district", found.ags)], found, ""
    kilometres = kilometres or _KM
    return [("near", f"{found.latitude}|{found.longitude}|{kilometres}|km")], found, kilometres


def _named(written: str) -> SearchPlace:
    town, comma, within = written.rpartition(",")
    means_town = None if place_names.says_district(written) else place_names.city(written)
    try:
        if comma and not isinstance(means_town, Town) and place_names.district(within) is not None:
            return resolve(city=town, district=within, way=_WAY)
        if means_town is None and place_names.district(written) is not None:
            return resolve(district=written, way=_WAY)
        return resolve(city=written, way=_WAY)
    except Rejected as refused:
        raise Rejected(*(_told_of_near(issue) for issue in refused.issues)) from None


def _told_of_near(issue: Issue) -> Issue:
    if issue.code != "place-unknown":
        return replace(issue, place="--near")
    return replace(
        issue,
        place="--near",
        text_de="erwartet wird eine Postleitzahl (49661), ein Ort (Cloppenburg), ein Kreis (Landkreis Cloppenburg) "
        "oder Breite,Länge (52.27,8.05)",
        text_en="expected a postal code (49661), a town (Cloppenburg), a district (Landkreis Cloppenburg) or "
        "latitude,longitude (52.27,8.05)",
    )
