"""What a search for places found, as a person reads it at the terminal."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from shutil import get_terminal_size
from typing import Any

from hub.commands.age_text import age
from hub.commands.counted import counted
from hub.commands.table import table
from hub.fhir.fitting_slots import fitting_slots
from mappings import terminology
from mappings.from_fhir import fhir_own_share
from mappings.local_time import day_text, local_day
from mappings.offer_terms import PAYERS
from mappings.terminology import Language
from mappings.to_fhir import OPS_CARE_GRADES, PLACE, SLOT_CAPACITY, VACANCY
from mappings.vacancy import Per

__all__ = ["found_text"]

_OPEN_END = "2099"


@dataclass(frozen=True, slots=True)
class _Hit:
    """An offer that was found, with what is shown of it, and the Slots that fit."""

    service: Mapping[str, Any]
    schedule: Mapping[str, Any] | None
    slots: Sequence[Mapping[str, Any]]
    fitting: Sequence[Mapping[str, Any]]
    told: Mapping[str, Sequence[str]]


def found_text(
    bundle: Mapping[str, Any], asked: Sequence[tuple[str, str]], *, language: Language, now: datetime
) -> str:
    """The hits as a table, with columns for what was asked for, and why no more fit."""
    why = [line for entry in bundle.get("entry", ()) for line in _why(entry["resource"], language)]
    entries = [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] != "outcome"]
    matches = [entry for entry in entries if entry["search"]["mode"] == "match"]
    if not bundle["total"]:
        return "\n".join(("Nichts gefunden." if language == "de" else "Nothing found.", *why))
    resources = {f"{one['resource']['resourceType']}/{one['resource']['id']}": one["resource"] for one in entries}
    told: dict[str, list[str]] = {}
    for name, value in asked:
        told.setdefault(name, []).append(value)
    columns = [column for column in _ASKED if not told.keys().isdisjoint(column.parameters)]
    german = ("km", "Einrichtung", "Ort", "Angebot", "frei", "ab", "Zimmer", "Stand")
    english = ("km", "facility", "town", "offer", "free", "from", "room", "as of")
    heads = [
        *(german if language == "de" else english),
        *(column.heads[language == "en"] for column in columns),
        "Telefon" if language == "de" else "phone",
    ]
    rows = [_row(match, resources, told, columns, language, now) for match in matches]
    shown = (
        f"{len(matches)} von {bundle['total']} Angebot{'' if bundle['total'] == 1 else 'en'}. 2+ heißt: zwei oder mehr."
        if language == "de"
        else f"{len(matches)} of {counted(bundle['total'], 'offer', 'en')}. 2+ means two or more."
    )
    numbers = (0, 4, *(place for place, column in enumerate(columns, len(german)) if column.is_number))
    words = (1, 2, 3, 6, *(place for place, column in enumerate(columns, len(german)) if not column.is_number))
    return "\n".join((table(heads, rows, right=numbers, shrink=words, width=_width()), shown, *why))


def _why(resource: Mapping[str, Any], language: Language) -> list[str]:
    """Why no more fit, a line each."""
    if resource["resourceType"] != "OperationOutcome":
        return []
    said = [issue["details"] for issue in resource["issue"]]
    if language == "en":
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
    columns: Sequence["_Column"],
    language: Language,
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
    hit = _Hit(service, schedule, slots, fitting_slots(slots, told), told)
    care_form = service["type"][0]["coding"][0]["code"]
    phone = next((one["value"] for one in organization.get("telecom", ()) if one["system"] == "phone"), "–")
    address = location.get("address", {})
    return (
        f"{search['location-distance']['valueDistance']['value']:.1f}",
        str(organization.get("name", "–")),
        f"{address.get('postalCode', '')} {address.get('city', '')}".strip() or "–",
        terminology.display("care-form", care_form, language),
        _free(hit, language),
        _from(hit.fitting, language, now),
        _rooms(hit.fitting, language),
        _age(search["freshness"], language, now),
        *(column.tell(hit, language) or "–" for column in columns),
        phone,
    )


def _needs(hit: _Hit, language: Language) -> str:
    """What the places that fit serve: what was asked for first."""
    own = {coding["code"] for one in hit.service.get("characteristic", ()) for coding in one["coding"]}
    # What one place says that it serves, the offer's others do not.
    of_places = {slot["id"]: _needs_of(slot) for slot in hit.slots}
    apart = {need for needs in of_places.values() for need in needs}
    served = set().union(*((own - apart) | of_places[slot["id"]] for slot in hit.fitting)) if hit.fitting else own
    wanted = [*hit.told.get("need", ()), *hit.told.get("prefer", ())]
    order = sorted(
        (need for need in terminology.in_order("need") if need in served),
        key=lambda need: wanted.index(need) if need in wanted else len(wanted),
    )
    return ", ".join(terminology.display("need", need, language) for need in order)


def _needs_of(slot: Mapping[str, Any]) -> set[str]:
    place = _extension(slot, PLACE) or {}
    return {part["valueCoding"]["code"] for part in place.get("extension", ()) if part["url"] == "need"}


def _care_grades(hit: _Hit, _language: Language) -> str:
    codes = {coding["code"] for one in hit.service.get("eligibility", ()) for coding in one["code"]["coding"]}
    return ", ".join(str(grade) for grade, code in OPS_CARE_GRADES.items() if code in codes)


def _own_share(hit: _Hit, language: Language) -> str:
    """Euros a month, as the search compares them; what is stated for a day comes to about so much."""
    share = fhir_own_share(hit.service.get("extension", ()))
    if share is None:
        return ""
    euros = f"{share.cents_a_month / 100:,.0f}"
    about = "" if share.per is Per.MONTH else "≈ "
    return f"{about}{euros.replace(',', '.') if language == 'de' else euros} €"


def _payers(hit: _Hit, language: Language) -> str:
    told = _extension(hit.service, PAYERS) or {}
    codes = [part["valueCoding"]["code"] for part in told.get("extension", ()) if part["url"] == "payer"]
    return ", ".join(terminology.display("payer", code, language) for code in codes)


def _languages(hit: _Hit, _language: Language) -> str:
    return ", ".join(coding["code"] for one in hit.service.get("communication", ()) for coding in one["coding"])


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that is there where one of its parameters was asked for."""

    parameters: Sequence[str]
    heads: tuple[str, str]
    tell: Callable[[_Hit, Language], str]
    is_number: bool = False


_ASKED = (
    _Column(("need", "prefer"), ("Bedarfe", "needs"), _needs),
    _Column(("care-grade",), ("Pflegegrade", "care grades"), _care_grades),
    _Column(("own-share",), ("Eigenanteil/Monat", "own share/month"), _own_share, is_number=True),
    _Column(("payer",), ("Kostenträger", "payers"), _payers),
    _Column(("language",), ("Sprachen", "languages"), _languages),
)


def _free(hit: _Hit, language: Language) -> str:
    told_of = _extension(hit.schedule, VACANCY) if hit.schedule else None
    statement = {part["url"]: part for part in told_of["extension"]} if told_of else {}
    state = statement.get("state", {}).get("valueCode", "unknown")
    if state != "some":
        return terminology.display("vacancy-state", state, language)
    is_all = len(hit.fitting) == len(hit.slots)
    told = statement.get("accepting", {}).get("valueInteger") if is_all else None
    places = told if told is not None else sum(_extension(slot, SLOT_CAPACITY)["valueInteger"] for slot in hit.fitting)
    if "atLeast" in statement and places >= 2:
        return f"{places}+"
    return str(places or ("ja" if language == "de" else "yes"))


def _from(slots: Sequence[Mapping[str, Any]], language: Language, now: datetime) -> str:
    starts = [datetime.fromisoformat(slot["start"]) for slot in slots]
    if not starts:
        return "–"
    begin = min(starts)
    first = ("sofort" if language == "de" else "now") if begin <= now else day_text(local_day(begin), language)
    ends = [slot["end"] for slot in slots]
    if all(not end.startswith(_OPEN_END) for end in ends):
        # A Slot ends when the next day begins: the day before is the last.
        last = max(datetime.fromisoformat(end) for end in ends) - timedelta(microseconds=1)
        return f"{first} {'bis' if language == 'de' else 'to'} {day_text(local_day(last), language)}"
    return first


def _rooms(slots: Sequence[Mapping[str, Any]], language: Language) -> str:
    told: dict[str, None] = {}
    for slot in slots:
        place = _extension(slot, PLACE)
        parts = {part["url"]: part for part in (place or {}).get("extension", ())}
        room = parts.get("room")
        name = terminology.display("room-type", room["valueCoding"]["code"], language) if room else ""
        sex = _SEX[language].get(parts["sex"]["valueCode"], "") if "sex" in parts else ""
        if name or sex:
            told[" ".join(part for part in (name, sex) if part)] = None
    return ", ".join(told) or "–"


_SEX = {
    "de": {"female": "(Frauen)", "male": "(Männer)", "other": "(divers)"},
    "en": {"female": "(women)", "male": "(men)", "other": "(diverse)"},
}


def _age(freshness: Mapping[str, Any], language: Language, now: datetime) -> str:
    parts = {part["url"]: part for part in freshness["extension"]}
    said = datetime.fromisoformat(parts.get("validAt", parts["confirmedAt"])["valueDateTime"])
    return f"{age(now - said, language)}, {terminology.display('freshness', parts['class']['valueCode'], language)}"


def _extension(resource: Mapping[str, Any], url: str) -> Any:
    return next((one for one in resource.get("extension", ()) if one["url"] == url), None)
