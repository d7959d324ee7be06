"""Builds a vacancy report of the values that a source map found, and says what is odd about its numbers
(the rules of counts, states and blocks: `mappings/vacancy.py`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappings.conversions import folded, in_germany
from mappings.errors import Issue
from mappings.targets import CONTACTS, needs
from mappings.vacancy import (
    Address,
    Admission,
    Block,
    BlockStatus,
    Contact,
    Counts,
    Facility,
    Offer,
    Operator,
    OwnShare,
    Position,
    ReportedBy,
    Room,
    Sex,
    State,
    VacancyReport,
    derived_state,
)

__all__ = ["Found", "facility", "oddities", "oddities_of_numbers", "offer_key", "report"]

Values = Mapping[str, Any]
"""Converted values by the place of the model they belong to."""

_SHARED_POOL = "dauerpflege"
_IN_SHARED_POOL = frozenset({"dauerpflege", "kurzzeitpflege-eingestreut"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one level of a record says: values of the model, and the listed blocks (None: the map lists none)."""

    values: Values
    blocks: Sequence[Values] | None = None
    left_out: str = ""


def facility(values: Values) -> Facility:
    """The facility of a record."""
    operator = values.get("facility.operator")
    if isinstance(operator, str):
        operator = Operator(key=folded(operator), name=operator)
    return Facility(
        key=values["facility.key"],
        name=values["facility.name"],
        operator=operator,
        iks=tuple(values.get("facility.iks", ())),
        telematik_id=values.get("facility.telematik_id", ""),
        address=values.get("facility.address") or _address(values),
        position=values.get("facility.position") or _position(values),
        contacts=(*values.get("facility.contacts", ()), *_contacts(values)),
    )


def _address(values: Values) -> Address:
    return Address(
        street=values.get("facility.street", ""),
        house_number=values.get("facility.house_number", ""),
        postal_code=values.get("facility.postal_code", ""),
        city=values.get("facility.city", ""),
        precinct=values.get("facility.precinct", ""),
        ags=values.get("facility.ags", ""),
    )


def _position(values: Values) -> Position | None:
    point = _stated_position(values)
    return point if point is not None and in_germany(point) else None


def _stated_position(values: Values) -> Position | None:
    latitude, longitude = values.get("facility.latitude"), values.get("facility.longitude")
    return None if latitude is None or longitude is None else Position(latitude, longitude)


def _contacts(values: Values) -> Iterator[Contact]:
    for target, system, internal in _CONTACTS:
        value = values.get(target)
        if value:
            yield Contact(system=system, value=value, internal=internal)


_CONTACTS = tuple((f"facility.contacts.{name}", system, internal) for name, (system, internal) in CONTACTS.items())


def report(of: Facility, found: Found, *, source_kind: str, whole_blocks: bool, states_pool: bool) -> VacancyReport:
    """What a record says about one offer of the facility.

    Unless the map reads pools, Dauerpflege and eingestreute Kurzzeitpflege of a facility draw on one and the same.
    Unless it assigns the blocks as a whole, the places known to be free or held that no listed block tells of are a
    block of their own; a blank accepting count is the sum of the listed free blocks, where the count of each is known.
    `source_kind` is the source's, where the record says no other.
    """
    values = found.values
    care_form = values["offer.care_form"]
    counts = _counts(values)
    if whole_blocks:
        blocks = tuple(values.get("blocks") or ())
    else:
        blocks, accepting = _blocks(found, counts)
        if accepting != counts.accepting:
            counts = replace(counts, accepting=accepting)
    stated = values.get("state")
    return VacancyReport(
        facility=of,
        offer=Offer(
            key=values.get("offer.key") or offer_key(of.key, care_form),
            care_form=care_form,
            name=values.get("offer.name", ""),
            needs=_needs(values, "offer.needs"),
            care_grades=tuple(values.get("offer.care_grades", ())),
            languages=tuple(values.get("offer.languages", ())),
            catchment=tuple(values.get("offer.catchment", ())),
            contacts=tuple(values.get("offer.contacts", ())),
            pool=values.get("offer.pool", "")
            or (_SHARED_POOL if not states_pool and care_form in _IN_SHARED_POOL else ""),
            hours=tuple(values.get("offer.hours", ())),
            admission=_admission(values),
            own_share=_own_share(values),
            payers=tuple(dict.fromkeys(values.get("offer.payers", ()))),
            payers_as_of=values.get("offer.payers.as_of") if values.get("offer.payers") else None,
        ),
        valid_at=values.get("valid_at"),
        sequence=values.get("sequence"),
        state=State(stated) if stated else derived_state(counts.accepting),
        counts=counts,
        blocks=blocks,
        estimated=values.get("estimated", False),
        reported_by=ReportedBy(who) if (who := values.get("reported_by")) else None,
        source_kind=values.get("reported_by") or values.get("source_kind") or source_kind,
    )


def _admission(values: Values) -> Admission | None:
    days, latest = values.get("offer.admission.days", ()), values.get("offer.admission.latest")
    stated = Admission(days=days, latest=latest) if days or latest is not None else None
    return values.get("offer.admission") or stated


def _own_share(values: Values) -> OwnShare | None:
    own_share: OwnShare | None = values.get("offer.own_share")
    as_of = values.get("offer.own_share.as_of")
    return own_share if own_share is None or as_of is None else replace(own_share, as_of=as_of)


def offer_key(facility_key: str, care_form: str) -> str:
    """The key of an offer to which its source gives none."""
    return f"{facility_key}/{care_form}"


def _counts(values: Values) -> Counts:
    parts = {name: values[target] for target, name in _COUNTS if target in values}
    whole = values.get("counts")
    return replace(whole, **parts) if whole is not None else Counts(**parts)


_COUNTS = tuple(
    (f"counts.{name}", name) for name in ("licensed", "operable", "occupied", "held", "accepting", "waiting")
)


def _blocks(found: Found, counts: Counts) -> tuple[tuple[Block, ...], int | None]:
    listed = found.blocks or ()
    blocks = [_block(values) for values in listed if values.get("block.count", 0) > 0]
    accepting = counts.accepting
    free = [
        values.get("block.count")
        for values in listed
        if values.get("block.status", BlockStatus.FREE) == BlockStatus.FREE
    ]
    if accepting is None and free and None not in free:
        accepting = sum(count for count in free if count is not None)
    untold_free = (accepting or 0) - _total(blocks, BlockStatus.FREE)
    if untold_free > 0:
        blocks.append(_block({**found.values, "block.count": untold_free}))
    untold_held = (counts.held or 0) - _total(blocks, BlockStatus.HELD)
    if untold_held > 0:
        blocks.append(Block(count=untold_held, status=BlockStatus.HELD))
    return tuple(blocks), accepting


def _total(blocks: Iterable[Block], status: BlockStatus) -> int:
    return sum(block.count for block in blocks if block.status is status)


def _block(values: Values) -> Block:
    room, sex = values.get("block.room"), values.get("block.sex")
    return Block(
        count=values["block.count"],
        status=BlockStatus(values.get("block.status", BlockStatus.FREE)),
        start=values.get("block.start"),
        end=values.get("block.end"),
        room=Room(room) if room else None,
        sex=Sex(sex) if sex else None,
        needs=_needs(values, "block.needs"),
        closing_reason=values.get("block.closing_reason", ""),
    )


def _needs(values: Values, path: str) -> tuple[str, ...]:
    found = dict.fromkeys(values.get(path, ()))
    for target, served in values.items():
        code = needs(target) if served is True and target.startswith(path) else None
        if code:
            found[code] = None
    return tuple(found)


def oddities_of_numbers(values: Values) -> Iterator[Issue]:
    """What is odd about the numbers of an offer that cannot be reported for another reason."""
    yield from _odd_position(values)
    yield from _odd_counts(_counts(values))


def oddities(of: VacancyReport, values: Values) -> Iterator[Issue]:
    """What is odd about a report: an error where it contradicts itself, else a warning, and the report is kept."""
    yield from _odd_position(values)
    yield from _odd_counts(of.counts)
    yield from _odd_state(of)
    if of.reported_by is ReportedBy.OFFICE:
        yield _on_behalf()
    accepting = of.counts.accepting
    if accepting is not None and _total(of.blocks, BlockStatus.FREE) > max(accepting, 0):
        yield _warning(
            "blocks-exceed-free",
            "Einzeln genannt sind mehr freie Plätze, als insgesamt frei sein sollen; beides ist übernommen. "
            "Der Absender sollte die Zahlen prüfen.",
            "More free places are listed one by one than are said to be free in all; both are kept. "
            "The sender should check the numbers.",
        )
    if any(block.start and block.end and block.end < block.start for block in of.blocks):
        yield Issue(
            code="ends-before-start",
            text_de="Plätze enden vor ihrem Beginn. Der Absender muss eines der beiden Daten berichtigen.",
            text_en="Places end before they start. The sender must correct one of the two dates.",
            fhir_code="invariant",
        )


def _odd_position(values: Values) -> Iterator[Issue]:
    if ("facility.latitude" in values) != ("facility.longitude" in values):
        yield _warning(
            "half-a-position",
            "Breite und Länge gehören zusammen; ohne die andere ist die eine nicht übernommen.",
            "Latitude and longitude belong together; the one without the other is not used.",
        )
    point = _stated_position(values)
    if point is not None and not in_germany(point):
        yield _warning(
            "position-outside-germany",
            "Breite und Länge liegen nicht in Deutschland und sind nicht übernommen; vielleicht sind sie vertauscht.",
            "Latitude and longitude are not in Germany and not used; perhaps they are the wrong way round.",
        )


def _odd_counts(counts: Counts) -> Iterator[Issue]:
    if counts.accepting is not None and counts.accepting < 0:
        yield _warning(
            "over-capacity",
            "Weniger als null freie Plätze: gelesen als überbelegt. Der Absender sollte die Zahl prüfen.",
            "Fewer than no free places: read as over capacity. The sender should check the number.",
        )
    if _implausible(counts):
        yield _warning(
            "implausible-counts",
            "Die Zahlen passen nicht zusammen (zugelassen ≥ betreibbar ≥ belegt + reserviert + frei); "
            "sie bleiben, wie sie sind. Der Absender sollte sie prüfen.",
            "The numbers do not fit together (licensed ≥ operable ≥ occupied + held + accepting); they stay "
            "as they are. The sender should check them.",
        )


def _implausible(counts: Counts) -> bool:
    in_use = sum(max(part or 0, 0) for part in (counts.occupied, counts.held, counts.accepting))
    limits = [limit for limit in (counts.operable, counts.licensed) if limit is not None]
    too_many_operable = (
        counts.operable is not None and counts.licensed is not None and counts.operable > counts.licensed
    )
    return too_many_operable or any(in_use > limit for limit in limits)


def _odd_state(of: VacancyReport) -> Iterator[Issue]:
    accepting = of.counts.accepting
    if accepting is None or of.state not in (State.SOME, State.NONE) or of.state is derived_state(accepting):
        return
    yield _warning(
        "state-contradicts-counts",
        "Die Aussage, ob etwas frei ist, widerspricht der Zahl der freien Plätze; beide sind übernommen. "
        "Der Absender sollte sie prüfen.",
        "What is said about whether there are free places contradicts their number; both are kept. "
        "The sender should check them.",
    )


def _on_behalf() -> Issue:
    return Issue(
        code="on-behalf",
        text_de="Von der Koordinierungsstelle für die Einrichtung gemeldet und so gekennzeichnet.",
        text_en="Reported by the coordination office on the home's behalf, and marked so.",
        severity="information",
        fhir_code="informational",
    )


def _warning(code: str, german: str, english: str) -> Issue:
    return Issue(code=code, text_de=german, text_en=english, severity="warning", fhir_code="business-rule")
