"""The way back: what `to_fhir` writes is read again as it was, and what FHIR says otherwise is read or refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Record
from adapters.inbound import fhir_bundle
from mappings import from_fhir
from mappings.conversions import Doubtful, Unreadable
from mappings.language import shipped
from mappings.patient_filter import admit
from mappings.to_fhir import to_fhir
from mappings.vacancy import (
    Address,
    Block,
    BlockStatus,
    Contact,
    Counts,
    Hours,
    Position,
    State,
    VacancyReport,
    Weekday,
)
from tests.reports import FULL, reports

AT = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
VACANCY = "https://platzfrei.org/fhir/StructureDefinition/vacancy"
CARE_FORM = "https://platzfrei.org/fhir/CodeSystem/care-form"
PAYER = "https://platzfrei.org/fhir/CodeSystem/payer"
DTA = "https://platzfrei.org/fhir/sid/gkv-dta/leistungsart"


def convert(name: str, node: Any) -> Any:
    return from_fhir.CONVERSIONS[name](node)


def there_and_back(report: VacancyReport) -> VacancyReport:
    """The report by way of a transaction Bundle, the adapter, the patient filter and the source map."""
    entries = [
        {
            "fullUrl": f"https://haus.example/fhir/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for resource in to_fhir(report, source="haus", at=AT)
    ]
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    source_map = shipped()["fhir"]
    decoded = fhir_bundle.decode(body, source_map.options)
    assert decoded.atomic
    (record,) = decoded.records
    assert isinstance(record, Record)
    assert (record.issues, record.dropped) == ((), ())
    admitted = admit(record.fields, source_map)
    assert admitted.fields == record.fields
    assert admitted.dropped == ()
    mapped = source_map.read(admitted.fields)
    assert [issue for issue in mapped.issues if issue.severity == "error"] == []
    assert (mapped.unread, mapped.left_out) == ((), "")
    (found,) = mapped.reports
    return found


def carried(report: VacancyReport) -> VacancyReport:
    """The report as far as FHIR carries it: places without a start are free from the statement's moment on, which is a
    day of its own where the statement has no moment."""
    if report.valid_at is not None:
        return report
    day = AT.astimezone(ZoneInfo("Europe/Berlin")).date()
    return replace(report, blocks=tuple(replace(block, start=block.start or day) for block in report.blocks))


def test_a_report_in_which_everything_is_said_comes_back() -> None:
    assert there_and_back(FULL) == FULL


@settings(deadline=None)
@given(reports())
def test_every_report_comes_back(report: VacancyReport) -> None:
    assert there_and_back(report) == carried(report)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "url",
                    "system",
                    "code",
                    "coding",
                    "extension",
                    "value",
                    "valueInteger",
                    "identifier",
                    "status",
                    "start",
                ]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@pytest.mark.parametrize("conversion", from_fhir.CONVERSIONS.values(), ids=from_fhir.CONVERSIONS)
@given(value=json_values)
def test_whatever_stands_there_is_read_or_unreadable(conversion: Callable[[Any], Any], value: Any) -> None:
    try:
        conversion(value)
    except Unreadable as unreadable:
        assert unreadable.expected_de
        assert unreadable.expected_en


def identifiers(*stated: tuple[str, str]) -> list[dict[str, str]]:
    return [{"system": system, "value": value} for system, value in stated]


IK = ("http://fhir.de/sid/arge-ik/iknr", "260326822")
TELEMATIK_ID = ("https://gematik.de/fhir/sid/telematik-id", "9-2.245.1")
OURS = ("https://platzfrei.org/fhir/sid/source/haus", "7")
THEIRS = ("https://haus.example/nr", "7a")


@pytest.mark.parametrize(
    ("stated", "resource_id", "expected"),
    [
        ([IK, TELEMATIK_ID, THEIRS, OURS], "x", "7"),
        ([IK, TELEMATIK_ID, THEIRS], "x", "https://haus.example/nr|7a"),
        ([IK, TELEMATIK_ID], "x", "https://gematik.de/fhir/sid/telematik-id|9-2.245.1"),
        ([IK], "x", "x"),
    ],
)
def test_the_key_is_the_surest_name_a_thing_has(stated: list[tuple[str, str]], resource_id: str, expected: str) -> None:
    assert convert("fhir_key", [identifiers(*stated), resource_id]) == expected
    assert convert("fhir_key", [identifiers(*stated[::-1]), resource_id]) == expected


def test_an_ik_alone_is_no_key() -> None:
    with pytest.raises(Unreadable):
        convert("fhir_key", [identifiers(IK), None])


def test_a_wrong_check_digit_of_an_ik_is_doubtful() -> None:
    found = convert("fhir_iks", identifiers((IK[0], "260326823")))
    assert isinstance(found, Doubtful)
    assert found.value == ("260326823",)


def test_an_address_without_extensions_keeps_its_first_line_as_street() -> None:
    address = convert("fhir_address", {"line": ["Moorweg 3", "Hinterhaus"], "city": "Cloppenburg"})
    assert address == Address(street="Moorweg 3", city="Cloppenburg")


@pytest.mark.parametrize("position", [{}, {"latitude": 91, "longitude": 8}, {"latitude": 52, "longitude": 181}])
def test_a_position_is_on_the_globe(position: dict[str, float]) -> None:
    with pytest.raises(Unreadable):
        convert("fhir_position", position)
    assert convert("fhir_position", {"latitude": 52, "longitude": 8}) == Position(52.0, 8.0)


def test_pagers_are_no_contacts() -> None:
    points = [{"system": "pager", "value": "1"}, {"system": "phone", "value": "04471 5550"}, {"system": "fax"}]
    assert convert("fhir_contacts", points) == (Contact(system="phone", value="04471 5550"),)


def types(*codings: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"coding": [{"system": system, "code": code}]} for system, code in codings]


@pytest.mark.parametrize(
    ("codings", "expected"),
    [
        ([(CARE_FORM, "kurzzeitpflege"), (CARE_FORM, "kurzzeitpflege-solitaer")], "kurzzeitpflege-solitaer"),
        ([(CARE_FORM, "kurzzeitpflege-solitaer"), (DTA, "05")], "kurzzeitpflege-solitaer"),
        ([(DTA, "05")], "dauerpflege"),
    ],
)
def test_the_narrowest_care_form_of_ours_goes_before_a_key_of_others(
    codings: list[tuple[str, str]], expected: str
) -> None:
    assert convert("fhir_care_form", types(*codings)) == expected


@pytest.mark.parametrize(
    "codings",
    [
        [],
        [(CARE_FORM, "dauerpflege"), (CARE_FORM, "tagespflege")],
        [(CARE_FORM, "banana"), (CARE_FORM, "dauerpflege")],
        [(DTA, "06")],
        [(DTA, "99")],
    ],
)
def test_no_care_form_is_guessed(codings: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreadable):
        convert("fhir_care_form", types(*codings))


def statement(**said: Any) -> list[dict[str, Any]]:
    kinds = {str: "valueCode", int: "valueInteger"}
    return [{"url": VACANCY, "extension": [{"url": url, kinds[type(value)]: value} for url, value in said.items()]}]


def slot(**more: Any) -> dict[str, Any]:
    return {"status": "free", "start": "2026-12-01T00:00:00+01:00", "end": "2099-12-31T23:59:59Z", **more}


CAPACITY = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
)
CAPACITY_CODES = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"


def capacity(code: str) -> list[dict[str, Any]]:
    concept = {"coding": [{"system": CAPACITY_CODES, "code": code}]}
    return [{"url": CAPACITY, "extension": [{"url": "capacityStatus", "valueCodeableConcept": concept}]}]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([statement(state="ask"), capacity("capacity"), [slot()]], State.ASK),
        ([None, capacity("waitlist"), [slot()]], State.NONE),
        ([None, None, [slot()]], State.SOME),
        ([None, None, [slot(status="busy")]], None),
        ([None, None, None], None),
        ([statement(state="some"), None, None, False], State.UNKNOWN),
        ([statement(state="some"), None, None, True, False], State.NONE),
        ([statement(state="some"), None, None, True, True, "suspended"], State.NONE),
        ([statement(state="some"), None, None, True, True, "active"], State.SOME),
    ],
)
def test_the_state_is_what_is_said_most_plainly(nodes: list[Any], expected: State | None) -> None:
    assert convert("fhir_state", [*nodes, *[None] * (4 - len(nodes))]) is expected


def test_an_unknown_state_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="ask, none, some, unknown"):
        convert("fhir_state", [statement(state="full"), None, None, None])


def test_places_counted_as_free_or_held_that_no_slot_tells_of_are_blocks() -> None:
    blocks = convert("fhir_blocks", [None, statement(state="some", accepting=3, held=1)])
    assert blocks == (Block(count=3), Block(count=1, status=BlockStatus.HELD))
    (block,) = convert("fhir_blocks", [[slot()], statement(state="some", accepting=3)])
    assert block.count == 1


def test_over_capacity_is_read_and_other_numbers_are_never_below_zero() -> None:
    assert convert("fhir_counts", [statement(accepting=-2)]) == Counts(accepting=-2)
    with pytest.raises(Unreadable):
        convert("fhir_counts", [statement(licensed=-2)])


def test_what_is_not_in_use_has_no_numbers_and_no_blocks() -> None:
    said = statement(state="some", accepting=3)
    assert convert("fhir_counts", [said, None, False]) == Counts()
    assert convert("fhir_blocks", [[slot()], said, False]) == ()


@pytest.mark.parametrize("status", ["busy", "entered-in-error"])
def test_busy_slots_and_mistakes_are_no_blocks(status: str) -> None:
    assert convert("fhir_blocks", [[slot(status=status)], None]) == ()


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2027-01-01T00:00:00+01:00", date(2026, 12, 31)),
        ("2026-12-31T23:00:00Z", date(2026, 12, 31)),
        ("2026-12-31T18:00:00+01:00", date(2026, 12, 31)),
        ("2099-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_the_last_day_of_a_slot_is_the_last_it_reaches_into(end: str, last: date | None) -> None:
    (block,) = convert("fhir_blocks", [[slot(end=end)], None])
    assert block.end == last


def test_a_day_as_moment_is_its_first_moment_in_germany() -> None:
    said = [{"url": VACANCY, "extension": [{"url": "validAt", "valueDateTime": "2026-07-01"}]}]
    assert convert("fhir_valid_at", said) == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_a_statement_stands_once() -> None:
    with pytest.raises(Unreadable):
        convert("fhir_counts", [statement(accepting=1) * 2])


def extension(name: str, *parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"url": f"https://platzfrei.org/fhir/StructureDefinition/{name}", "extension": list(parts)}]


def money(value: Any, currency: str = "EUR", per: str = "mo") -> list[dict[str, Any]]:
    amount = {"url": "amount", "valueMoney": {"value": value, "currency": currency}}
    return extension("own-share", amount, {"url": "per", "valueCode": per})


def test_available_time_of_plain_fhir_is_read() -> None:
    said = [
        {"availableStartTime": "08:00:00", "availableEndTime": "16:00:00.000"},
        {"daysOfWeek": ["sun", "mon"], "allDay": True},
    ]
    assert convert("fhir_hours", said) == (
        Hours(days=tuple(Weekday), opens=time(8), closes=time(16)),
        Hours(days=(Weekday.MON, Weekday.SUN)),
    )


@pytest.mark.parametrize(
    ("conversion", "node"),
    [
        ("fhir_hours", [{"daysOfWeek": ["mon"]}]),
        ("fhir_hours", [{"daysOfWeek": ["montag"], "allDay": True}]),
        ("fhir_hours", [{"daysOfWeek": ["mon"], "availableStartTime": "16:00:00", "availableEndTime": "08:00:00"}]),
        ("fhir_hours", [{"daysOfWeek": ["mon"], "availableStartTime": "08:00", "availableEndTime": "24:00:00"}]),
        ("fhir_admission", extension("admission", {"url": "day", "valueCode": "Feiertag"})),
        ("fhir_admission", extension("admission", {"url": "latest", "valueTime": "25:00:00"})),
        ("fhir_own_share", money(2845.505)),
        ("fhir_own_share", money(-1)),
        ("fhir_own_share", money("viel")),
        ("fhir_own_share", money(2845, currency="USD")),
        ("fhir_own_share", money(2845, per="a")),
        ("fhir_payers", extension("payers", {"url": "payer", "valueCoding": {"system": PAYER, "code": "aok"}})),
        ("fhir_payers_as_of", extension("payers", {"url": "asOf", "valueDate": "2026-10"})),
    ],
)
def test_terms_of_an_offer_that_are_none_are_refused(conversion: str, node: Any) -> None:
    with pytest.raises(Unreadable) as refused:
        convert(conversion, node)
    assert refused.value.expected_de
    assert refused.value.expected_en


def test_what_is_not_said_of_an_offer_is_nothing() -> None:
    for conversion in ("fhir_admission", "fhir_own_share", "fhir_payers_as_of", "fhir_source_kind"):
        assert convert(conversion, None) is None
    assert convert("fhir_hours", None) == convert("fhir_payers", None) == ()


def test_an_offer_whose_hours_cannot_be_read_keeps_its_places() -> None:
    service = {"id": "tp", "type": types((CARE_FORM, "tagespflege")), "availableTime": [{"daysOfWeek": ["mon"]}]}
    record = {"HealthcareService": service, "Organization": {"id": "7", "name": "Haus"}, "Slot": [slot()]}
    mapped = shipped()["fhir"].read(admit(record, shipped()["fhir"]).fields)
    assert [(issue.code, issue.severity) for issue in mapped.issues] == [("unreadable", "warning")]
    assert mapped.reports[0].state is State.SOME
    assert (mapped.reports[0].offer.hours, mapped.reports[0].source_kind) == ((), "facility-software")
