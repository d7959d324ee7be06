"""The way back: the conversions by which `mappings/sources/fhir.yaml` reads what `mappings/to_fhir.py` writes, and
what plain FHIR says without our extensions (https://hl7.org/fhir/R4/json.html).

Each takes the JSON of one element, or a list of several where the map's `from:` is a list; an absent one is None there.
Whatever else stands there is `Unreadable`, and no text repeats it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from types import MappingProxyType
from typing import Any

from mappings import terminology
from mappings.conversions import Unreadable, iks, languages, plz, telematik_id, text
from mappings.offer_terms import ADMISSION, KIM, OWN_SHARE, PAYER, PAYERS, PER_CODES
from mappings.reader import is_blank
from mappings.to_fhir import (
    AGS,
    AGS_EXTENSION,
    BCP_47,
    CAPACITY_CODES,
    CAPACITY_STATUS,
    CARE_FORM,
    CLOSING_REASON,
    COVERAGE_POSTAL_CODE,
    DTA,
    HOUSE_NUMBER,
    IK,
    INTERNAL,
    NEED,
    OPS,
    OPS_CARE_GRADES,
    PLACE,
    PRECINCT,
    ROOM_TYPE,
    SLOT_CAPACITY,
    SLOT_STATUS,
    SOURCE,
    STREET_NAME,
    TELEMATIK_ID,
    VACANCY,
)
from mappings.vacancy import (
    ZONE,
    Address,
    Admission,
    Block,
    BlockStatus,
    Contact,
    Counts,
    Hours,
    Operator,
    OwnShare,
    Position,
    Room,
    Sex,
    State,
    Weekday,
)
from mappings.weekly import in_week_order

__all__ = ["CONVERSIONS"]

_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?")
_BLOCK_STATUS = {code: status for status, code in SLOT_STATUS.items()}
_LAST_INSTANT = datetime(2099, 12, 31, tzinfo=UTC)
# Local time had seconds in its offset before, and the last hours of time have no local time at all.
_FIRST_YEAR, _MAX_YEAR = 1900, 9999
_CARE_GRADES = {code: grade for grade, code in OPS_CARE_GRADES.items()}
_STATES = {
    "capacity": State.SOME,
    "no-capacity": State.NONE,
    "waitlist": State.NONE,
    "additional-assessment-required": State.ASK,
}
_CONTACT_SYSTEMS = ("phone", "fax", "email", "url")
_PERS = {code: per for per, code in PER_CODES.items()}
_MOST_CENTS = 10_000_000
_COUNTS = ("licensed", "operable", "occupied", "held", "accepting", "waiting")


def fhir_key(nodes: Any) -> str:
    """A thing's stable name from `[identifier, id]`: an identifier of our making or the sender's, then the
    Telematik-ID, then the resource id; never the IK, of which one can have many sites, and never a patient's number."""
    identifiers, resource_id = _parts(nodes, 2)[:2]
    stated = sorted(_identifiers(identifiers))
    ours = [value for system, value in stated if system.startswith(SOURCE)]
    theirs = [f"{system}|{value}" for system, value in stated if system not in (IK, TELEMATIK_ID)]
    telematik = [f"{system}|{value}" for system, value in stated if system == TELEMATIK_ID]
    ids = [] if is_blank(resource_id) else [text(resource_id)]
    for key in (*ours, *theirs, *telematik, *ids):
        return key
    raise Unreadable("identifier mit system und value", "an identifier with system and value")


def fhir_iks(node: Any) -> Any:
    """The IKs among identifiers."""
    return iks([value for system, value in _identifiers(node) if system == IK])


def fhir_telematik_id(node: Any) -> str:
    """The Telematik-ID among identifiers; empty where there is none."""
    return next((telematik_id(value) for system, value in _identifiers(node) if system == TELEMATIK_ID), "")


def fhir_operator(node: Any) -> Operator:
    """The operator of an Organization."""
    organization = _mapping(node)
    return Operator(
        key=fhir_key([organization.get("identifier"), organization.get("id")]), name=text(organization.get("name"))
    )


def fhir_address(node: Any) -> Address:
    """An address of address-de-basis; its first line stands for the street where no extension names one."""
    address = _mapping(node)
    line = next(iter(_list(address.get("_line"))), None)
    parts = {} if line is None else _by_url(_mapping(line).get("extension"))
    street = _text(_value(parts, STREET_NAME))
    number = _text(_value(parts, HOUSE_NUMBER))
    precinct = _text(_value(_by_url(address.get("extension")), PRECINCT))
    lines = [_text(each) for each in _list(address.get("line"))]
    if not parts and lines and lines[0] != precinct:
        street = lines[0]
    ags = _value(_by_url(_mapping(address.get("_city") or {}).get("extension")), AGS_EXTENSION)
    return Address(
        street=street,
        house_number=number,
        postal_code=plz(address["postalCode"]) if address.get("postalCode") else "",
        city=_text(address.get("city")),
        precinct=precinct,
        ags="" if ags is None else next(_codes([ags], AGS), ""),
        state=_text(address.get("state")),
    )


def fhir_position(node: Any) -> Position:
    """A point in WGS 84."""
    position = _mapping(node)
    try:
        point = Position(float(position["latitude"]), float(position["longitude"]))
    except (KeyError, TypeError, ValueError):
        point = None
    if point is None or not (-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180):
        raise Unreadable("latitude und longitude in Grad", "latitude and longitude in degrees")
    return point


def fhir_contacts(node: Any) -> tuple[Contact, ...]:
    """The contact points of telephone, fax, e-mail and web; an e-mail address that is marked so is one of KIM."""
    return tuple(
        _contact(point, _by_url(point.get("extension")))
        for point in _mappings(node)
        if point.get("system") in _CONTACT_SYSTEMS and point.get("value")
    )


def _contact(point: Mapping[str, Any], extensions: Mapping[str, list[Mapping[str, Any]]]) -> Contact:
    is_kim = point["system"] == "email" and _value(extensions, KIM) is True
    return Contact(
        system="kim" if is_kim else point["system"],
        value=text(point["value"]),
        internal=_value(extensions, INTERNAL) is True,
    )


def fhir_care_form(node: Any) -> str:
    """The care form that type codings say: of ours the narrowest, else the one that a DTA key means."""
    codings = [coding for concept in _mappings(node) for coding in _mappings(concept.get("coding"))]
    known = terminology.codes("care-form")
    ours = set(_codes(codings, CARE_FORM))
    if ours <= known:
        wider = {above for code in ours for above in terminology.ancestors(code)[1:]}
        found = ours - wider or {code for key in _codes(codings, DTA) for code in _translated(key)}
        if len(found) == 1:
            return found.pop()
    expected = ", ".join(sorted(known))
    raise Unreadable(f"genau eine Versorgungsform: {expected}", f"exactly one care form: {expected}")


def fhir_offer_name(node: Any) -> str:
    """The offer's own name; none where it only says the care form."""
    name = text(node)
    return "" if name in _care_form_names() else name


def fhir_needs(node: Any) -> tuple[str, ...]:
    """The needs that characteristics say."""
    return _known("need", *(code for concept in _mappings(node) for code in _codes(concept.get("coding"), NEED)))


def fhir_care_grades(node: Any) -> tuple[int, ...]:
    """The care grades (Pflegegrade) that eligibilities say, as codes of the OPS."""
    stated = [
        code
        for eligibility in _mappings(node)
        for code in _codes(_mapping(eligibility.get("code") or {}).get("coding"), OPS)
    ]
    if not _CARE_GRADES.keys() >= set(stated):
        codes = ", ".join(_CARE_GRADES)
        raise Unreadable(f"Pflegegrade als OPS-Codes: {codes}", f"care grades as codes of the OPS: {codes}")
    return tuple(sorted({_CARE_GRADES[code] for code in stated}))


def fhir_languages(node: Any) -> tuple[str, ...]:
    """The languages spoken, as BCP 47 codes."""
    return languages([code for concept in _mappings(node) for code in _codes(concept.get("coding"), BCP_47)])


def fhir_catchment(node: Any) -> tuple[str, ...]:
    """The postal codes of the coverage areas."""
    return tuple(
        plz(extension.get("valueString"))
        for area in _mappings(node)
        for extension in _mappings(area.get("extension"))
        if extension.get("url") == COVERAGE_POSTAL_CODE
    )


def fhir_hours(node: Any) -> tuple[Hours, ...]:
    """When somebody can be rung, of `availableTime`; one without days is of every day."""
    return tuple(_hours(each) for each in _mappings(node))


def _hours(available: Mapping[str, Any]) -> Hours:
    days = _weekdays(_list(available.get("daysOfWeek"))) or tuple(Weekday)
    if available.get("allDay") is True:
        return Hours(days=days)
    opens, closes = _time(available.get("availableStartTime")), _time(available.get("availableEndTime"))
    if not opens < closes:
        raise Unreadable("availableEndTime nach availableStartTime", "availableEndTime after availableStartTime")
    return Hours(days=days, opens=opens, closes=closes)


def fhir_admission(node: Any) -> Admission | None:
    """When new people are taken in, of a HealthcareService's extensions; None where nothing is said of it."""
    told = _sub(_by_url(node), ADMISSION)
    days, latest = _weekdays([_any_value(each) for each in told.get("day", ())]), _value(told, "latest")
    if not days and latest is None:
        return None
    return Admission(days=days, latest=None if latest is None else _time(latest))


def fhir_own_share(node: Any) -> OwnShare | None:
    """What the person pays, of a HealthcareService's extensions; None where nothing is said of it."""
    told = _sub(_by_url(node), OWN_SHARE)
    if not told:
        return None
    money, per = _mapping(_value(told, "amount")), _text(_value(told, "per"))
    try:
        cents = Decimal(str(money.get("value"))) * 100
    except InvalidOperation:
        cents = Decimal("NaN")
    is_amount = cents.is_finite() and 0 <= cents <= _MOST_CENTS and cents == int(cents)
    if not is_amount or money.get("currency") != "EUR" or per not in _PERS:
        raise Unreadable(
            "amount in Euro und Cent (currency EUR) und per mo oder d",
            "amount in euros and cents (currency EUR) and per mo or d",
        )
    return OwnShare(cents=int(cents), per=_PERS[per], as_of=_day(_value(told, "asOf")))


def fhir_payers(node: Any) -> tuple[str, ...]:
    """With whom the offer settles its costs, of a HealthcareService's extensions."""
    told = _sub(_by_url(node), PAYERS)
    return _known("payer", *_codes([_any_value(each) for each in told.get("payer", ())], PAYER))


def fhir_payers_as_of(node: Any) -> date | None:
    """As of which day the payers are told; None where none is."""
    return _day(_value(_sub(_by_url(node), PAYERS), "asOf"))


def fhir_pool(node: Any) -> str:
    """The pool that a Schedule's statement names."""
    return _text(_value(_statement(node), "pool"))


def fhir_valid_at(node: Any) -> datetime | None:
    """The moment at which a Schedule's statement was true; a day alone is its first moment in Germany."""
    stated = _value(_statement(node), "validAt")
    return None if stated is None else _moment(stated)


def fhir_estimated(node: Any) -> bool:
    """Whether a Schedule's statement says that its numbers are estimated."""
    return _value(_statement(node), "estimated") is True


def fhir_reported_by(node: Any) -> str | None:
    """Who made a Schedule's statement by hand; None where nobody did."""
    return _text(_value(_statement(node), "reportedBy")) or None


def fhir_source_kind(node: Any) -> str | None:
    """What kind of source a Schedule's statement says that it comes from; None where it does not say."""
    return _text(_value(_statement(node), "sourceKind")) or None


def fhir_counts(nodes: Any) -> Counts:
    """The numbers of a Schedule's statement from `[extension, in use …]`; none where something is not in use."""
    extension, *in_use = _parts(nodes, 1)
    if not all(map(_in_use, in_use)):
        return Counts()
    statement = _statement(extension)
    counts = {name: _value(statement, name) for name in _COUNTS}
    for name, count in counts.items():
        if count is not None and not _is_count(count, below_zero=name == "accepting"):
            raise Unreadable("ganze Zahlen ab 0", "whole numbers from 0")
    return Counts(**counts)


def fhir_state(nodes: Any) -> State | None:
    """The state from `[Schedule.extension, HealthcareService.extension, Slot, Schedule in use, in use …]`.

    What our extension says goes before the capacity status, and that before a free Slot. No free Slot says nothing.
    A Schedule that is not in use makes it unknown; a service, organization or location that is not, none.
    """
    schedule, service, slots, schedule_in_use, *in_use = _parts(nodes, 4)
    if not all(map(_in_use, in_use)):
        return State.NONE
    if not _in_use(schedule_in_use):
        return State.UNKNOWN
    stated = _value(_statement(schedule), "state")
    if stated is not None:
        return State(_known("vacancy-state", _text(stated))[0])
    status = _value(_sub(_by_url(service), CAPACITY_STATUS), "capacityStatus")
    for code in _codes(_mapping(status or {}).get("coding"), CAPACITY_CODES):
        if code in _STATES:
            return _STATES[code]
    return State.SOME if any(slot.get("status") == "free" for slot in _mappings(slots)) else None


def fhir_blocks(nodes: Any) -> tuple[Block, ...]:
    """The blocks of like places from `[Slot, Schedule.extension, in use …]`; none where something is not in use.

    A Slot that starts when the statement was true is free from then on, and has no day of its own. Places that the
    statement counts as free or held, and that no Slot tells of, are a block.
    """
    slots, extension, *in_use = _parts(nodes, 2)
    if not all(map(_in_use, in_use)):
        return ()
    valid_at = fhir_valid_at(extension)
    blocks = [block for slot in _mappings(slots) for block in _block(slot, valid_at)]
    counts = fhir_counts([extension])
    for status, count in ((BlockStatus.FREE, counts.accepting), (BlockStatus.HELD, counts.held)):
        if count is not None and count > 0 and not any(block.status is status for block in blocks):
            blocks.append(Block(count=count, status=status))
    return tuple(blocks)


def _block(slot: Mapping[str, Any], valid_at: datetime | None) -> Iterator[Block]:
    status = _BLOCK_STATUS.get(_text(slot.get("status")))
    extensions = _by_url(slot.get("extension"))
    count = _value(extensions, SLOT_CAPACITY)
    if count is None:
        count = 1
    if not _is_count(count):
        raise Unreadable("slot-capacity als ganze Zahl ab 0", "slot-capacity as a whole number from 0")
    if status is None or count == 0:
        # Busy places and mistakes are no places of ours.
        return
    place = _sub(extensions, PLACE)
    room = _value_code(place, "room", ROOM_TYPE, "room-type")
    start = _moment(slot.get("start"))
    yield Block(
        count=count,
        status=status,
        start=None if start == valid_at else start.astimezone(ZONE).date(),
        end=_last_day(_moment(slot.get("end"), latest=_MAX_YEAR)),
        room=Room(room) if room else None,
        sex=_sex(_value(place, "sex")),
        needs=_known("need", *_codes([need.get("valueCoding") for need in place.get("need", [])], NEED)),
        closing_reason=_value_code(place, "closingReason", CLOSING_REASON, "closing-reason"),
    )


def _last_day(end: datetime) -> date | None:
    if end >= _LAST_INSTANT:
        return None
    local = end.astimezone(ZONE)
    at_midnight = (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
    return local.date() - timedelta(days=1) if at_midnight else local.date()


def _weekdays(codes: list[Any]) -> tuple[Weekday, ...]:
    try:
        return in_week_order([Weekday(code) for code in codes])
    except ValueError:
        raise Unreadable(f"eines von: {', '.join(Weekday)}", f"one of: {', '.join(Weekday)}") from None


def _time(value: Any) -> time:
    expected = Unreadable("eine Uhrzeit wie 15:00:00", "a time like 15:00:00")
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise expected
    return time.fromisoformat(value[:8])


def _day(value: Any) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == len("2026-03-01") else "")
    except ValueError:
        raise Unreadable("ein Datum wie 2026-03-01", "a date like 2026-03-01") from None


def _sex(code: Any) -> Sex | None:
    if code is None:
        return None
    try:
        return Sex(code)
    except ValueError:
        raise Unreadable(f"eines von: {', '.join(Sex)}", f"one of: {', '.join(Sex)}") from None


def _moment(value: Any, *, latest: int = _MAX_YEAR - 1) -> datetime:
    expected = Unreadable("ein Zeitpunkt wie 2026-03-01T08:00:00+01:00", "a moment like 2026-03-01T08:00:00+01:00")
    if not isinstance(value, str):
        raise expected
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            if len(value) != len("2026-03-01"):
                raise expected
            moment = moment.replace(tzinfo=ZONE)
    except ValueError:
        raise expected from None
    if not _FIRST_YEAR <= moment.year <= latest:
        raise expected
    return moment


def _known(system_name: str, *codes: str) -> tuple[str, ...]:
    known = terminology.codes(system_name)
    if not known.issuperset(codes):
        expected = ", ".join(sorted(known))
        raise Unreadable(f"eines von: {expected}", f"one of: {expected}")
    return codes


def _translated(dta_key: str) -> tuple[str, ...]:
    try:
        return terminology.translate("dta-care-form", dta_key).codes
    except KeyError:
        return ()


@cache
def _care_form_names() -> frozenset[str]:
    return frozenset(terminology.display("care-form", code, "de") for code in terminology.codes("care-form"))


def _in_use(flag: Any) -> bool:
    """False where an `active` is false or a Location's `status` is another than active."""
    return flag in (None, True, "active")


def _statement(node: Any) -> Mapping[str, list[Mapping[str, Any]]]:
    return _sub(_by_url(node), VACANCY)


def _sub(extensions: Mapping[str, list[Mapping[str, Any]]], url: str) -> Mapping[str, list[Mapping[str, Any]]]:
    found = extensions.get(url, [])
    if len(found) > 1:
        raise Unreadable("die Extension höchstens einmal", "the extension once at most")
    return _by_url(found[0].get("extension")) if found else {}


def _value(extensions: Mapping[str, list[Mapping[str, Any]]], url: str) -> Any:
    """The value of the one extension of a URL, None where there is none."""
    found = extensions.get(url, [])
    if len(found) > 1:
        raise Unreadable("die Extension höchstens einmal", "the extension once at most")
    return _any_value(found[0]) if found else None


def _any_value(extension: Mapping[str, Any]) -> Any:
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def _by_url(node: Any) -> Mapping[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for extension in _mappings(node):
        found.setdefault(str(extension.get("url")), []).append(extension)
    return found


def _identifiers(node: Any) -> Iterator[tuple[str, str]]:
    for identifier in _mappings(node):
        if identifier.get("value"):
            yield _text(identifier.get("system")), _text(identifier["value"])


def _value_code(extensions: Mapping[str, list[Mapping[str, Any]]], url: str, system: str, system_name: str) -> str:
    coding = _value(extensions, url)
    return next(iter(_known(system_name, *_codes([coding], system))), "") if coding is not None else ""


def _is_count(value: Any, *, below_zero: bool = False) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (below_zero or value >= 0)


def _codes(node: Any, system: str) -> Iterator[str]:
    for coding in _mappings(node):
        if coding.get("system") == system:
            yield _text(coding.get("code"))


def _text(node: Any) -> str:
    return "" if node is None else text(node)


def _parts(nodes: Any, at_least: int) -> list[Any]:
    if not isinstance(nodes, list) or len(nodes) < at_least:
        raise Unreadable(f"{at_least} Elemente", f"{at_least} elements")
    return nodes


def _mapping(node: Any) -> Mapping[str, Any]:
    if not isinstance(node, Mapping):
        raise Unreadable("ein Element von FHIR", "an element of FHIR")
    return node


def _mappings(node: Any) -> list[Mapping[str, Any]]:
    return [_mapping(each) for each in _list(node)]


def _list(node: Any) -> list[Any]:
    if node is None:
        return []
    if not isinstance(node, list):
        raise Unreadable("eine Liste von Elementen", "a list of elements")
    return node


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            fhir_address,
            fhir_admission,
            fhir_blocks,
            fhir_care_form,
            fhir_care_grades,
            fhir_catchment,
            fhir_contacts,
            fhir_counts,
            fhir_estimated,
            fhir_hours,
            fhir_iks,
            fhir_key,
            fhir_languages,
            fhir_needs,
            fhir_offer_name,
            fhir_operator,
            fhir_own_share,
            fhir_payers,
            fhir_payers_as_of,
            fhir_pool,
            fhir_position,
            fhir_reported_by,
            fhir_source_kind,
            fhir_state,
            fhir_telematik_id,
            fhir_valid_at,
        )
    }
)
"""The conversions by the name that the map calls them."""
