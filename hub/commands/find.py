"""`platzfrei find`: free places near a place, as a table or as the Bundle that the API answers."""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from shutil import get_terminal_size
from typing import Any

import orjson

from hub.commands.counted import counted
from hub.commands.options import existing, opened, parser, run, text
from hub.commands.table import table
from hub.fhir.fitting_slots import fitting_slots
from hub.fhir.vacancy_search import prepare
from hub.store.tables import PUBLIC
from mappings import place_names, terminology
from mappings.errors import Issue, Rejected
from mappings.place_names import Town
from mappings.search_place import SearchPlace, Way, resolve
from mappings.to_fhir import PLACE, SLOT_CAPACITY, VACANCY
from mappings.vacancy import ZONE

__all__ = ["main"]

_OPEN_END = "2099"
_DEFAULT_KM = "25"
_WAY = Way(town='--near "{name}, {ags}"', district='--near "{name}"', postal_code="--near {code}")


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser(
        "find", "Find free places near a postal code, a town or a point, or in a district, in the public view."
    )
    made.add_argument(
        "--near",
        required=True,
        metavar="PLACE",
        help="a postal code (49661), a town (Cloppenburg; of several: Neustadt, 16061), a district (Landkreis "
        "Cloppenburg) or latitude,longitude",
    )
    made.add_argument("--distance", metavar="KM", help="default 25km; in a district without: all of it")
    made.add_argument("--care-form", action="append", default=[], metavar="CODE", help="may be repeated")
    made.add_argument("--start", metavar="DAY", help="free from this day (2026-12-01); default: any time from today")
    made.add_argument("--places", metavar="N", help="how many places; the public view tells up to 2")
    made.add_argument(
        "--state", action="append", default=[], metavar="STATE", help="some (default), none, ask, unknown"
    )
    made.add_argument("--end", metavar="DAY", help="the last day of a stay")
    made.add_argument("--duration", metavar="DAYS", help="how long the stay is, where --end does not say it")
    made.add_argument("--care-grade", metavar="N", help="Pflegegrad, 1 to 5")
    made.add_argument("--need", action="append", default=[], metavar="CODE", help="all must be served; may be repeated")
    made.add_argument("--prefer", action="append", default=[], metavar="CODE", help="a need or room that is wished for")
    made.add_argument("--room", action="append", default=[], metavar="CODE", help="single, double, shared")
    made.add_argument("--sex", metavar="CODE", help="female, male, other")
    made.add_argument("--speaks", metavar="CODE", help="a language that is spoken there: tr, ru, pl")
    made.add_argument("--operator", metavar="ID", help="the Organization that runs it")
    made.add_argument("--payer", action="append", default=[], metavar="CODE", help="who pays, where it is stated")
    made.add_argument("--own-share", metavar="EUROS", help="what the person pays a month at most, where it is stated")
    made.add_argument("--max-age", metavar="AGE", help="statements no older than this: 24h, 3d")
    made.add_argument("--sort", metavar="ORDER", help="distance (default), freshness, start, score")
    made.add_argument("--count", default="20", metavar="N", help="how many to show; default 20")
    made.add_argument("--json", action="store_true", help="the FHIR Bundle")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    place, understood = _place(options)
    hub = opened(options, existing(options))
    try:
        search = prepare([*place, *_criteria(options)], PUBLIC, now=hub.clock(), base=f"{hub.settings.base_url}/fhir")
        with hub.database.snapshot() as reader:
            content = search(reader)
        now = hub.clock()
    finally:
        hub.close()
    if options.json:
        print(content.decode())
    else:
        print(_told(orjson.loads(content), options, now) + understood)
    return 0


def _place(options: argparse.Namespace) -> tuple[list[tuple[str, str]], str]:
    """The place as parameters of the search, and a line that says which was understood, where a name was given."""
    written = options.near.strip()
    kilometres = re.sub(r"\s*km$", "", (options.distance or "").strip(), flags=re.IGNORECASE).replace(",", ".")
    if re.fullmatch(r"\d{5}", written):
        return [("postal-code", written), ("distance", kilometres or _DEFAULT_KM)], ""
    if re.fullmatch(r"-?\d+(\.\d+)?\s*,\s*-?\d+(\.\d+)?", written):
        point = (part.strip() for part in written.split(","))
        return [("near", "|".join((*point, kilometres or _DEFAULT_KM, "km")))], ""
    found = _named(written)
    if found.ags and not kilometres:
        return [("district", found.ags)], text(options, f"\nGesucht in: {found.name}.", f"\nSearched in: {found.name}.")
    kilometres = kilometres or _DEFAULT_KM
    return [("near", f"{found.latitude}|{found.longitude}|{kilometres}|km")], text(
        options, f"\nGesucht {kilometres} km um {found.name}.", f"\nSearched {kilometres} km around {found.name}."
    )


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


def _criteria(options: argparse.Namespace) -> list[tuple[str, str]]:
    given = (
        ("start", _iso(options.start)),
        ("end", _iso(options.end)),
        ("duration", options.duration),
        ("places", options.places),
        ("care-grade", options.care_grade),
        ("sex", options.sex),
        ("language", options.speaks),
        ("operator", options.operator),
        ("own-share", options.own_share),
        ("max-age", options.max_age),
        ("_sort", options.sort),
        ("_count", options.count),
    )
    several = {
        "care-form": options.care_form,
        "need": options.need,
        "prefer": options.prefer,
        "room": options.room,
        "payer": options.payer,
        "state": options.state,
    }
    return [
        *((name, code) for name, codes in several.items() for code in codes),
        *((name, value) for name, value in given if value),
    ]


def _iso(day: str | None) -> str | None:
    """A day as FHIR writes it; 01.12.2026 is a day, too."""
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", day or "")
    return f"{german[3]}-{german[2]:0>2}-{german[1]:0>2}" if german else day


def _told(bundle: Mapping[str, Any], options: argparse.Namespace, now: datetime) -> str:
    why = [line for entry in bundle.get("entry", ()) for line in _why(entry["resource"], options)]
    entries = [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] != "outcome"]
    matches = [entry for entry in entries if entry["search"]["mode"] == "match"]
    if not matches:
        return "\n".join((text(options, "Nichts gefunden.", "Nothing found."), *why))
    resources = {f"{one['resource']['resourceType']}/{one['resource']['id']}": one["resource"] for one in entries}
    heads = (
        ("km", "Einrichtung", "Ort", "Angebot", "frei", "ab", "Zimmer", "Stand", "Telefon")
        if options.language == "de"
        else ("km", "facility", "town", "offer", "free", "from", "room", "as of", "phone")
    )
    told: dict[str, list[str]] = {}
    for name, value in _criteria(options):
        told.setdefault(name, []).append(value)
    rows = [_row(match, resources, told, options, now) for match in matches]
    shown = text(
        options,
        f"{len(matches)} von {bundle['total']} Angebot{'' if bundle['total'] == 1 else 'en'}. "
        "2+ heißt: zwei oder mehr.",
        f"{len(matches)} of {counted(bundle['total'], 'offer', 'en')}. 2+ means two or more.",
    )
    return "\n".join((table(heads, rows, right=(0, 4), shrink=(1, 2, 3, 6), width=_width()), shown, *why))


def _why(resource: Mapping[str, Any], options: argparse.Namespace) -> list[str]:
    """Why no more fit, a line each."""
    if resource["resourceType"] != "OperationOutcome":
        return []
    said = [issue["details"] for issue in resource["issue"]]
    if options.language == "en":
        return [f"  · {one['text']}" for one in said]
    translations = [one["_text"]["extension"][0]["extension"] for one in said]
    return [f"  · {part['valueString']}" for parts in translations for part in parts if part["url"] == "content"]


def _width() -> int:
    """How wide a table may be; 0 for as wide as it likes, where no terminal shows it."""
    return get_terminal_size().columns if sys.stdout.isatty() else 0


def _row(
    match: Mapping[str, Any],
    resources: Mapping[str, Mapping[str, Any]],
    told: Mapping[str, Sequence[str]],
    options: argparse.Namespace,
    now: datetime,
) -> tuple[str, ...]:
    service = match["resource"]
    search = {part["url"].rsplit("/", 1)[-1]: part for part in match["search"]["extension"]}
    location = resources.get(service["location"][0]["reference"], {})
    organization = resources.get(service["providedBy"]["reference"], {})
    mine = f"HealthcareService/{service['id']}"
    schedule = next(
        (
            one
            for one in resources.values()
            if one["resourceType"] == "Schedule" and one["actor"][0]["reference"] == mine
        ),
        None,
    )
    slots = [
        one
        for one in resources.values()
        if one["resourceType"] == "Slot"
        and schedule is not None
        and one["schedule"]["reference"] == f"Schedule/{schedule['id']}"
    ]
    fitting = fitting_slots(slots, told)
    care_form = service["type"][0]["coding"][0]["code"]
    phone = next((one["value"] for one in organization.get("telecom", ()) if one["system"] == "phone"), "–")
    address = location.get("address", {})
    return (
        f"{search['location-distance']['valueDistance']['value']:.1f}",
        str(organization.get("name", "–")),
        f"{address.get('postalCode', '')} {address.get('city', '')}".strip() or "–",
        terminology.display("care-form", care_form, options.language),
        _free(schedule, fitting, options, of_all=len(fitting) == len(slots)),
        _from(fitting, options, now),
        _rooms(fitting, options),
        _age(search["freshness"], options, now),
        phone,
    )


def _free(
    schedule: Mapping[str, Any] | None, slots: Sequence[Mapping[str, Any]], options: argparse.Namespace, *, of_all: bool
) -> str:
    told_of = _extension(schedule, VACANCY) if schedule else None
    statement = {part["url"]: part for part in told_of["extension"]} if told_of else {}
    state = statement.get("state", {}).get("valueCode", "unknown")
    if state != "some":
        return terminology.display("vacancy-state", state, options.language)
    told = statement.get("accepting", {}).get("valueInteger") if of_all else None
    places = told if told is not None else sum(_extension(slot, SLOT_CAPACITY)["valueInteger"] for slot in slots)
    return f"{places}+" if "atLeast" in statement and places >= 2 else str(places or text(options, "ja", "yes"))


def _from(slots: Sequence[Mapping[str, Any]], options: argparse.Namespace, now: datetime) -> str:
    starts = [datetime.fromisoformat(slot["start"].replace("Z", "+00:00")) for slot in slots]
    if not starts:
        return "–"
    begin = min(starts)
    first = text(options, "sofort", "now") if begin <= now else _day(begin.astimezone(ZONE).date(), options)
    ends = [slot["end"] for slot in slots]
    if all(not end.startswith(_OPEN_END) for end in ends):
        # A Slot ends when the next day begins: the day before is the last.
        last = max(datetime.fromisoformat(end.replace("Z", "+00:00")) for end in ends) - timedelta(microseconds=1)
        return f"{first} {text(options, 'bis', 'to')} {_day(last.astimezone(ZONE).date(), options)}"
    return first


def _rooms(slots: Sequence[Mapping[str, Any]], options: argparse.Namespace) -> str:
    told: dict[str, None] = {}
    for slot in slots:
        place = _extension(slot, PLACE)
        parts = {part["url"]: part for part in (place or {}).get("extension", ())}
        room = parts.get("room")
        name = terminology.display("room-type", room["valueCoding"]["code"], options.language) if room else ""
        sex = _SEX[options.language].get(parts["sex"]["valueCode"], "") if "sex" in parts else ""
        if name or sex:
            told[" ".join(part for part in (name, sex) if part)] = None
    return ", ".join(told) or "–"


_SEX = {
    "de": {"female": "(Frauen)", "male": "(Männer)", "other": "(divers)"},
    "en": {"female": "(women)", "male": "(men)", "other": "(diverse)"},
}


def _age(freshness: Mapping[str, Any], options: argparse.Namespace, now: datetime) -> str:
    parts = {part["url"]: part for part in freshness["extension"]}
    said = parts.get("validAt", parts["confirmedAt"])["valueDateTime"]
    hours = (now - datetime.fromisoformat(said.replace("Z", "+00:00"))).total_seconds() / 3600
    if hours < 0.5:
        age = text(options, "gerade eben", "just now")
    elif hours < 48:
        age = text(options, f"vor {hours:.0f} h", f"{hours:.0f} h ago")
    else:
        age = text(options, f"vor {hours / 24:.0f} Tagen", f"{hours / 24:.0f} days ago")
    return f"{age}, {terminology.display('freshness', parts['class']['valueCode'], options.language)}"


def _extension(resource: Mapping[str, Any], url: str) -> Any:
    return next((one for one in resource.get("extension", ()) if one["url"] == url), None)


def _day(value: date, options: argparse.Namespace) -> str:
    return value.isoformat() if options.language == "en" else f"{value:%d.%m.%Y}"
