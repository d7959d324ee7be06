"""What a search protocol tells, read from the answer of the search, in one language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from conformance.spec import canonical
from hub.fhir.fitting_slots import fitting_slots
from hub.fhir.search_protocol.texts import TEXTS, criterion, day, day_and_time, value
from mappings import terminology
from mappings.terminology import Language
from mappings.to_fhir import PLACE, SLOT_CAPACITY, VACANCY
from mappings.vacancy import ZONE

__all__ = ["Line", "Record", "Tree"]

Tree = Mapping[str, Any]
_DISTANCE = "http://hl7.org/fhir/StructureDefinition/location-distance"
_FRESHNESS = canonical("StructureDefinition", "freshness")
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_OPEN_END = "2099"
_NOT_ASKED = ("_count", "_after", "monitor", "why-not")
_UNLESS_SAID = (("distance", "25", ("postal-code", "city")), ("state", "some", ()), ("places", "1", ()))
"""Parameter, its value unless it is said, and those of which one must be there for it to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An offer as it was found."""

    kilometres: str
    facility: str
    operator: str
    address: str
    offer: str
    state: str
    free: str
    from_when: str
    rooms: str
    as_of: str
    age: str
    phones: Sequence[str]
    emails: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was asked, when, and what there was."""

    when: str
    asked: Sequence[tuple[str, str]]
    total: int
    lines: Sequence[Line]
    why_not: Sequence[str]

    @classmethod
    def of(cls, answer: Tree, at: datetime, language: Language) -> "Record":
        """The record of a searchset that answered at a moment."""
        entries = answer.get("entry", ())
        told = _parameters(answer)
        found = {f"{one['resource']['resourceType']}/{one['resource'].get('id')}": one["resource"] for one in entries}
        return cls(
            when=day_and_time(at, language),
            asked=list(_asked(answer, language)),
            total=int(answer.get("total", 0)),
            lines=[_line(one, found, told, at, language) for one in entries if one["search"]["mode"] == "match"],
            why_not=[
                text
                for one in entries
                if one["search"]["mode"] == "outcome"
                for issue in one["resource"]["issue"]
                if (text := _said(issue, language))
            ],
        )


def _parameters(answer: Tree) -> dict[str, list[str]]:
    """The parameters of the search, as its own URL says them."""
    here = next(link["url"] for link in answer["link"] if link["relation"] == "self")
    told: dict[str, list[str]] = {}
    for name, written in parse_qsl(urlsplit(here).query):
        told.setdefault(name, []).append(written)
    return told


def _asked(answer: Tree, language: Language) -> Iterator[tuple[str, str]]:
    told = _parameters(answer)
    for name, values in told.items():
        if name not in _NOT_ASKED:
            yield criterion(name, language), ", ".join(value(name, one, language) for one in values)
    for name, written, any_of in _UNLESS_SAID:
        if name not in told and (not any_of or any(one in told for one in any_of)):
            said = value(name, written, language)
            yield criterion(name, language), TEXTS[language]["unless_said"].format(said)


def _line(
    match: Tree, found: Mapping[str, Tree], told: Mapping[str, Sequence[str]], at: datetime, language: Language
) -> Line:
    service = match["resource"]
    search = {part["url"]: part for part in match["search"].get("extension", ())}
    organization = found.get(_reference(service.get("providedBy")), {})
    location = found.get(_reference(next(iter(service.get("location", ())), None)), {})
    mine = f"HealthcareService/{service['id']}"
    schedule = next(
        (
            one
            for name, one in found.items()
            if name.startswith("Schedule/") and any(_reference(actor) == mine for actor in one["actor"])
        ),
        {},
    )
    slots = [
        one
        for name, one in found.items()
        if name.startswith("Slot/") and one["schedule"].get("reference") == f"Schedule/{schedule.get('id')}"
    ]
    fitting = fitting_slots(slots, told)
    statement = _parts(schedule, VACANCY)
    if len(fitting) < len(slots):
        # The number is that of all places of the offer.
        statement = {url: part for url, part in statement.items() if url != "accepting"}
    freshness = {part["url"]: part for part in search.get(_FRESHNESS, {}).get("extension", ())}
    state = statement.get("state", {}).get("valueCode", "unknown")
    distance = search.get(_DISTANCE, {}).get("valueDistance", {}).get("value")
    as_of = (freshness.get("validAt") or freshness.get("confirmedAt") or {}).get("valueDateTime")
    aged = freshness.get("class", {}).get("valueCode")
    telecom = [*service.get("telecom", ()), *organization.get("telecom", ())]
    return Line(
        kilometres="–" if distance is None else _number(f"{distance:.1f}", language),
        facility=organization.get("name") or location.get("name") or TEXTS[language]["nothing"],
        operator=found.get(_reference(organization.get("partOf")), {}).get("name", ""),
        address=_address(location),
        offer=_care_form(service, language),
        state=terminology.display("vacancy-state", state, language),
        free=_free(statement, fitting, language) if state == "some" else "",
        from_when=_from(fitting, at, language),
        rooms=_rooms(fitting, language),
        as_of=day_and_time(datetime.fromisoformat(as_of), language) if as_of else TEXTS[language]["nothing"],
        age=terminology.display("freshness", aged, language) if aged else "",
        phones=_told(telecom, "phone"),
        emails=_told(telecom, "email"),
    )


def _reference(told: Tree | None) -> str:
    return str((told or {}).get("reference", ""))


def _parts(resource: Tree, url: str) -> dict[str, Tree]:
    """The parts of an extension, by their names."""
    whole: Tree = next((one for one in resource.get("extension", ()) if one["url"] == url), {})
    return {part["url"]: part for part in whole.get("extension", ())}


def _told(telecom: Sequence[Tree], system: str) -> list[str]:
    return list(dict.fromkeys(one["value"] for one in telecom if one.get("system") == system and "value" in one))


def _address(location: Tree) -> str:
    address = location.get("address", {})
    town = f"{address.get('postalCode', '')} {address.get('city', '')}".strip()
    return ", ".join(part for part in (*address.get("line", ()), town) if part)


def _care_form(service: Tree, language: Language) -> str:
    for coding in (coding for concept in service.get("type", ()) for coding in concept.get("coding", ())):
        if coding.get("code") in terminology.codes("care-form"):
            return terminology.display("care-form", coding["code"], language)
    return str(service.get("name", ""))


def _free(statement: Mapping[str, Tree], slots: Sequence[Tree], language: Language) -> str:
    told = statement.get("accepting", {}).get("valueInteger")
    listed = sum(
        one["valueInteger"] for slot in slots for one in slot.get("extension", ()) if one["url"] == SLOT_CAPACITY
    )
    places = listed if told is None else told
    return f"{places}+" if "atLeast" in statement and places >= 2 else str(places or TEXTS[language]["yes"])


def _from(slots: Sequence[Tree], at: datetime, language: Language) -> str:
    if not slots:
        return ""
    texts = TEXTS[language]
    start = min(_moment(slot["start"]) for slot in slots)
    told = texts["now"] if start <= at else texts["from"].format(day(start.astimezone(ZONE), language))
    if any(slot["end"].startswith(_OPEN_END) for slot in slots):
        return told
    # A Slot ends when the next day begins: the day before is the last.
    last = max(_moment(slot["end"]) for slot in slots) - timedelta(microseconds=1)
    return f"{told} {texts['until'].format(day(last.astimezone(ZONE), language))}"


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _rooms(slots: Sequence[Tree], language: Language) -> str:
    told: dict[str, None] = {}
    for slot in slots:
        place = _parts(slot, PLACE)
        room = place.get("room", {}).get("valueCoding", {}).get("code")
        sex = place.get("sex", {}).get("valueCode", "")
        names = [terminology.display("room-type", room, language)] if room else []
        if sex in TEXTS[language]:
            names.append(f"({TEXTS[language][sex]})")
        if names:
            told[" ".join(names)] = None
    return ", ".join(told)


def _said(issue: Tree, language: Language) -> str:
    details = issue.get("details", {})
    told = str(details.get("text") or issue.get("diagnostics", ""))
    if language == "de":
        for one in details.get("_text", {}).get("extension", ()):
            parts = {part["url"]: part for part in one.get("extension", ())}
            if one["url"] == _TRANSLATION and parts.get("lang", {}).get("valueCode") == "de":
                return str(parts["content"]["valueString"])
    return told


def _number(text: str, language: Language) -> str:
    return text.replace(".", ",") if language == "de" else text
