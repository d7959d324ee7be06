"""What every encoder promises (`adapters/base.py`), held against each one that the registry finds; what it writes is
read back by the adapter and the shipped map of its format, and equals what the format can carry."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import registry
from adapters.base import Record
from mappings.conversions import folded, house_number, street
from mappings.free_places import free_later
from mappings.language import shipped
from mappings.patient_filter import admit
from mappings.vacancy import (
    ZONE,
    Address,
    Block,
    BlockStatus,
    Contact,
    Counts,
    Facility,
    Offer,
    Operator,
    State,
    VacancyReport,
)
from mappings.view import effective
from tests.reports import FULL, reports

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = AT.astimezone(ZONE).date()
GOLDEN = Path(__file__).parents[1] / "golden/outbound"

MAPS = {"csv": "csv-long", "have": "have", "hsds": "hsds"}
"""The shipped source that reads a format back."""

BARE = VacancyReport(facility=Facility(key="1", name="Haus"), offer=Offer(key="1/d", care_form="dauerpflege"))

PUBLIC = replace(
    FULL,
    valid_at=datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
    facility=replace(FULL.facility, contacts=FULL.facility.contacts[:1]),
)
GROUP = (
    PUBLIC,
    replace(
        PUBLIC,
        offer=Offer(key="12/tp", care_form="tagespflege"),
        state=State.NONE,
        counts=Counts(licensed=15, accepting=-2),
        blocks=(),
        coarsened=True,
    ),
    replace(BARE, facility=Facility(key="ä b", name="=1+1"), state=State.ASK),
)


def written(name: str, told: Sequence[VacancyReport]) -> bytes:
    return b"".join(registry.encoder(name).encode(iter(told), at=AT))


def read_back(name: str, body: bytes) -> Iterator[VacancyReport]:
    source_map = shipped()[MAPS[name]]
    for record in registry.adapter(source_map.format).decode(body, source_map.options).records:
        assert isinstance(record, Record), record
        assert [issue for issue in record.issues if issue.severity == "error"] == []
        admitted = admit(record.fields, source_map)
        mapped = source_map.read(admitted.fields)
        assert [issue for issue in mapped.issues if issue.severity == "error"] == []
        assert (admitted.dropped, mapped.unread) == ((), ())
        yield from mapped.reports


def first(contacts: Sequence[Contact], *systems: str) -> tuple[Contact, ...]:
    """The first contact for everybody of each system."""
    shown = [contact for contact in contacts if not contact.internal]
    found = (next((one for one in shown if one.system == system), None) for system in systems)
    return tuple(one for one in found if one is not None)


def readable(name: str, value: str) -> bool:
    try:
        shipped_map = shipped()["json"]
        return bool(shipped_map.read({"id": "1", "name": "x", name: value}).issues == ())
    except ValueError:
        return False


def contacts(told: Sequence[Contact]) -> tuple[Contact, ...]:
    """Those that our own conversions can read: hypothesis makes texts, and a map leaves out what is no number."""
    names = {"phone": "phone", "fax": "phone", "email": "email", "url": "website"}
    kept = []
    for one in told:
        if readable(names[one.system], one.value):
            value = one.value if one.system != "url" or "://" in one.value else f"https://{one.value}"
            kept.append(replace(one, value=value))
    return tuple(kept)


def pool(care_form: str) -> str:
    return "dauerpflege" if care_form in ("dauerpflege", "kurzzeitpflege-eingestreut") else ""


def now_and_later(report: VacancyReport) -> tuple[Block, ...]:
    """The free places by the day from which on they can be taken."""
    later = free_later(report, TODAY)
    now = implied((report.counts.accepting or 0) - sum(later.values()))
    return (*now, *(Block(count=count, start=start) for start, count in later.items()))


def implied(count: int | None) -> tuple[Block, ...]:
    return (Block(count=count),) if count is not None and count > 0 else ()


def plain_address(address: Address) -> Address:
    return Address(
        street=address.street,
        house_number=address.house_number,
        postal_code=address.postal_code,
        city=address.city,
    )


def by_csv(report: VacancyReport) -> VacancyReport:
    """A table has one telephone number, four needs, and of blocks the free ones."""
    facility, offer, counts = report.facility, report.offer, report.counts
    free = [replace(block, needs=(), closing_reason="") for block in report.blocks if block.status is BlockStatus.FREE]
    listed = sum(block.count for block in free)
    accepting = counts.accepting
    held = implied(counts.held)
    return VacancyReport(
        facility=Facility(
            key=facility.key,
            name=facility.name,
            operator=_by_name(facility.operator),
            iks=facility.iks,
            address=plain_address(facility.address),
            position=facility.position,
            contacts=contacts(first(facility.contacts, "phone")),
        ),
        offer=Offer(
            key=f"{facility.key}/{offer.care_form}",
            care_form=offer.care_form,
            needs=tuple(need for need in ("demenz", "dialyse", "beatmung", "rollstuhl") if need in offer.needs),
            care_grades=offer.care_grades,
            pool=pool(offer.care_form),
        ),
        valid_at=report.valid_at.replace(microsecond=0) if report.valid_at else None,
        state=report.state,
        counts=Counts(
            licensed=counts.licensed,
            occupied=counts.occupied,
            held=counts.held,
            accepting=accepting,
            waiting=counts.waiting,
        ),
        blocks=(
            *free,
            *implied(None if accepting is None or not free else accepting - listed),
            *(() if free else implied(accepting)),
            *(replace(block, status=BlockStatus.HELD) for block in held),
        ),
    )


def _by_name(operator: Operator | None) -> Operator | None:
    return operator and Operator(key=folded(operator.name), name=operator.name)


def by_have(report: VacancyReport) -> VacancyReport:
    """HAVE says what is free and from when, of licensed places; beside `ask` it has no number."""
    facility, offer = report.facility, report.offer
    accepting = report.counts.accepting if report.state is not State.ASK else None
    licensed = report.counts.licensed if accepting is not None else None
    return VacancyReport(
        facility=Facility(
            key=facility.key,
            name=facility.name,
            operator=_by_name(facility.operator),
            address=plain_address(facility.address),
            position=facility.position,
            contacts=contacts(first(facility.contacts, "phone", "fax", "email", "url")),
        ),
        offer=Offer(
            key=f"{facility.key}/{offer.care_form}",
            care_form=offer.care_form,
            name=offer.name,
            pool=pool(offer.care_form),
        ),
        valid_at=report.valid_at.replace(microsecond=0) if report.valid_at else None,
        state=report.state,
        counts=Counts(licensed=licensed, accepting=accepting),
        blocks=now_and_later(report) if accepting is not None else (),
    )


def by_hsds(report: VacancyReport) -> VacancyReport:
    """HSDS says what is free and from when; its keys are UUIDs, and a capacity must have a moment."""
    facility, offer = report.facility, report.offer
    accepting = report.counts.accepting
    moment = report.valid_at or (AT if accepting is not None else None)
    line = " ".join(part for part in (facility.address.street, facility.address.house_number) if part)
    reachable = [
        one
        for one in facility.contacts
        if one.system in ("phone", "fax")
        or (one.system == "email" and "@" in one.value)
        or (one.system == "url" and one.value.startswith(("http://", "https://")))
    ]
    return VacancyReport(
        facility=Facility(
            key="",
            name=facility.name,
            iks=facility.iks,
            telematik_id=facility.telematik_id,
            address=Address(
                street=street(line) if line else "",
                house_number=house_number(line) if line else "",
                postal_code=facility.address.postal_code,
                city=facility.address.city,
            ),
            position=facility.position,
            contacts=contacts(first(reachable, "phone", "fax", "email", "url")),
        ),
        offer=Offer(
            key="",
            care_form=offer.care_form,
            name=offer.name,
            needs=offer.needs,
            care_grades=offer.care_grades,
            languages=offer.languages,
            catchment=offer.catchment,
            pool=pool(offer.care_form),
        ),
        valid_at=moment.replace(microsecond=0) if moment else None,
        state=report.state,
        counts=Counts(licensed=report.counts.licensed if accepting is not None else None, accepting=accepting),
        blocks=now_and_later(report) if accepting is not None else (),
    )


CARRIED: dict[str, Callable[[VacancyReport], VacancyReport]] = {"csv": by_csv, "have": by_have, "hsds": by_hsds}


def without_keys(name: str, report: VacancyReport) -> VacancyReport:
    """HSDS makes UUIDs of keys: what they are is a test of its own. The kind of the source is that of who reads."""
    report = replace(report, source_kind="")
    if name != "hsds":
        return report
    return replace(report, facility=replace(report.facility, key=""), offer=replace(report.offer, key=""))


def test_every_encoder_is_read_back_by_a_source() -> None:
    assert set(registry.exports()) == set(MAPS) == set(CARRIED)


@pytest.mark.parametrize("name", registry.exports())
def test_an_encoder_says_what_it_writes(name: str) -> None:
    encoder = registry.encoder(name)
    assert "/" in encoder.MEDIA_TYPE
    assert encoder.SUFFIX.startswith(".")


@pytest.mark.parametrize("name", registry.exports())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(report=reports().map(effective))
def test_any_report_is_written_and_what_can_be_read_back_equals(name: str, report: VacancyReport) -> None:
    (found,) = read_back(name, written(name, [report]))
    assert without_keys(name, found) == CARRIED[name](report)


@pytest.mark.parametrize("name", registry.exports())
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(told=st.lists(reports().map(effective), max_size=4))
def test_as_many_offers_come_back_as_were_written_and_the_same_bytes_again(
    name: str, told: list[VacancyReport]
) -> None:
    unique = [
        replace(
            report,
            facility=replace(report.facility, key=f"haus {number // 2}"),
            offer=replace(report.offer, key=f"offer {number}"),
        )
        for number, report in enumerate(told)
    ]
    assert written(name, unique) == written(name, unique)
    if unique or name != "have":
        found = list(read_back(name, written(name, unique)))
        assert len({report.offer.key for report in found}) == len(unique)


@pytest.mark.parametrize("name", registry.exports())
def test_two_offers_of_one_care_form_in_a_facility_stay_two(name: str) -> None:
    second = replace(FULL, offer=replace(FULL.offer, key="12/other"), counts=Counts(accepting=1), blocks=())
    found = list(read_back(name, written(name, [FULL, second])))
    assert sorted(report.counts.accepting or 0 for report in found) in ([1, 3], [1, 4])


@pytest.mark.parametrize("name", registry.exports())
def test_memory_holds_one_facility(name: str) -> None:
    asked = 0

    def endless() -> Iterator[VacancyReport]:
        nonlocal asked
        while True:
            asked += 1
            yield replace(FULL, facility=replace(FULL.facility, key=str(asked)))

    pieces = registry.encoder(name).encode(endless(), at=AT)
    for _ in range(3):
        assert next(pieces)
    assert asked <= 1000


@pytest.mark.parametrize("name", registry.exports())
def test_nothing_for_professionals_alone_is_written(name: str) -> None:
    body = written(name, [FULL]).decode()
    assert "belegung@haus.example" not in body
    assert "04471 5559" not in body


@pytest.mark.parametrize("name", registry.exports())
def test_golden(name: str) -> None:
    assert written(name, GROUP) == (GOLDEN / f"group{registry.encoder(name).SUFFIX}").read_bytes()


def test_of_hsds_a_key_that_is_a_uuid_is_the_id() -> None:
    key = "8896b788-7b3e-51ef-8db9-7f3d040352b3"
    report = replace(BARE, facility=Facility(key=key, name="Haus"), offer=replace(BARE.offer, key=key))
    (found,) = read_back("hsds", written("hsds", [report]))
    assert found.offer.key == key
    assert found.facility.key.partition("|")[0] == key
