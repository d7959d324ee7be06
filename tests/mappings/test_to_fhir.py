"""Vacancy reports as FHIR R4: shapes, codes, instants, references."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import r4
from mappings import terminology
from mappings.to_fhir import Resource, to_fhir
from mappings.vacancy import Address, Block, BlockStatus, Counts, Facility, Offer, OwnShare, Per, State, VacancyReport
from mappings.view import View, seen
from tests.reports import FULL, reports

AT = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
BARE = VacancyReport(facility=Facility(key="1", name="Haus"), offer=Offer(key="1/d", care_form="dauerpflege"))


def written(report: VacancyReport, **more: Any) -> dict[str, list[Resource]]:
    by_type: dict[str, list[Resource]] = {}
    for resource in to_fhir(report, source="json", at=AT, **more):
        by_type.setdefault(resource["resourceType"], []).append(resource)
    return by_type


def slots(*blocks: Block, valid_at: datetime | None = None) -> list[Resource]:
    return written(replace(BARE, blocks=blocks, valid_at=valid_at)).get("Slot", [])


def codes(concept: Resource) -> list[tuple[str, str]]:
    return [(coding["system"], coding["code"]) for coding in concept["coding"]]


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def test_an_operator_comes_before_its_facility_which_is_part_of_it() -> None:
    operator, facility = written(FULL)["Organization"]
    assert operator["name"] == "Nordlicht Pflege gGmbH"
    assert facility["partOf"] == {"reference": f"Organization/{operator['id']}"}


def test_a_facility_without_operator_is_part_of_nothing() -> None:
    (facility,) = written(BARE)["Organization"]
    assert "partOf" not in facility


def test_a_facility_has_its_source_id_its_ik_and_its_telematik_id() -> None:
    facility = written(FULL)["Organization"][1]
    assert [
        (each["system"], each["value"], each.get("type", {}).get("coding", [{}])[0].get("code"))
        for each in facility["identifier"]
    ] == [
        ("https://platzfrei.org/fhir/sid/source/json", "12", None),
        ("http://fhir.de/sid/arge-ik/iknr", "260326822", "XX"),
        ("https://gematik.de/fhir/sid/telematik-id", "9-2.245.0000012", "PRN"),
    ]


def test_a_facility_is_an_mcsd_pair_of_organization_and_location() -> None:
    resources = written(FULL)
    facility, location = resources["Organization"][1], resources["Location"][0]
    mcsd = ("https://profiles.ihe.net/ITI/mCSD/CodeSystem/IHE.mCSD.Organization.Location.Types", "facility")
    assert codes(facility["type"][0]) == [mcsd]
    assert codes(location["type"][0]) == [mcsd]
    assert location["managingOrganization"] == {"reference": f"Organization/{facility['id']}"}


def test_a_facility_is_typed_by_all_it_offers_in_whatever_order_that_is_said() -> None:
    forms = ["tagespflege", "ambulante-pflege", "dauerpflege"]
    resources, reversed_ = written(FULL, care_forms=forms), written(FULL, care_forms=forms[::-1])
    assert resources == reversed_
    ihe_d = "http://ihe-d.de/CodeSystems/PatientBezogenenGesundheitsversorgung"
    assert [codes(each) for each in resources["Organization"][1]["type"][1:]] == [[(ihe_d, "APD")], [(ihe_d, "PFL")]]
    role = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
    assert [codes(each) for each in resources["Location"][0]["type"][1:]] == [[(role, "NCCF")], [(role, "OF")]]


@pytest.mark.parametrize("care_form", sorted(terminology.codes("care-form")))
def test_the_facility_is_the_same_whichever_of_its_offers_a_report_is_about(care_form: str) -> None:
    other = replace(FULL, offer=Offer(key="12/other", care_form=care_form))
    assert written(other)["Organization"] == written(FULL)["Organization"]
    assert written(other)["Location"] == written(FULL)["Location"]


def test_an_address_is_one_of_address_de_basis() -> None:
    assert written(FULL)["Location"][0]["address"] == {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-precinct",
                "valueString": "Emstekerfeld",
            }
        ],
        "line": ["Moorweg 3a", "Emstekerfeld"],
        "_line": [
            {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetName",
                        "valueString": "Moorweg",
                    },
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-houseNumber",
                        "valueString": "3a",
                    },
                ]
            },
            None,
        ],
        "city": "Cloppenburg",
        "_city": {
            "extension": [
                {
                    "url": "http://fhir.de/StructureDefinition/destatis/ags",
                    "valueCoding": {"system": "http://fhir.de/sid/destatis/ags", "code": "03453004"},
                }
            ]
        },
        "state": "DE-NI",
        "postalCode": "49661",
        "country": "DE",
    }


def test_a_facility_without_address_and_position_has_neither() -> None:
    location = written(BARE)["Location"][0]
    assert "address" not in location
    assert "position" not in location


def test_an_offer_is_typed_by_its_care_form_the_wider_ones_and_the_keys_of_others() -> None:
    (kind,) = written(FULL)["HealthcareService"][0]["type"]
    assert codes(kind) == [
        ("https://platzfrei.org/fhir/CodeSystem/care-form", "kurzzeitpflege-eingestreut"),
        ("https://platzfrei.org/fhir/CodeSystem/care-form", "kurzzeitpflege"),
        ("https://platzfrei.org/fhir/sid/gkv-dta/leistungsart", "04"),
        ("http://ihe-d.de/CodeSystems/PatientBezogenenGesundheitsversorgung", "PFL"),
    ]
    assert kind["text"] == "Kurzzeitpflege, eingestreut"


def test_an_offer_says_whom_it_serves_where_and_in_which_languages() -> None:
    service = written(FULL)["HealthcareService"][0]
    assert [codes(each) for each in service["characteristic"]] == [
        [("https://platzfrei.org/fhir/CodeSystem/need", "demenz")],
        [("https://platzfrei.org/fhir/CodeSystem/need", "rollstuhl")],
    ]
    assert [
        (each["code"]["coding"][0]["code"], each["code"]["coding"][0]["version"]) for each in service["eligibility"]
    ] == [
        ("9-984.7", "2026"),
        ("9-984.8", "2026"),
    ]
    assert [extension["valueString"] for extension in service["coverageArea"][0]["extension"]] == ["49661", "49685"]
    assert [codes(each) for each in service["communication"]] == [
        [("urn:ietf:bcp:47", "de")],
        [("urn:ietf:bcp:47", "pl")],
    ]


def test_an_offer_says_when_to_ring() -> None:
    assert written(FULL)["HealthcareService"][0]["availableTime"] == [
        {
            "daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
            "availableStartTime": "08:00:00",
            "availableEndTime": "16:30:00",
        },
        {"daysOfWeek": ["sat"], "allDay": True},
    ]
    assert "availableTime" not in written(BARE)["HealthcareService"][0]


def test_an_offer_says_when_people_are_taken_in_what_it_costs_and_who_pays() -> None:
    told = {each["url"]: each["extension"] for each in written(FULL)["HealthcareService"][0]["extension"][1:]}
    own = "https://platzfrei.org/fhir/StructureDefinition"
    payer = "https://platzfrei.org/fhir/CodeSystem/payer"
    assert told == {
        f"{own}/admission": [
            {"url": "day", "valueCode": "mon"},
            {"url": "day", "valueCode": "wed"},
            {"url": "latest", "valueTime": "15:00:00"},
        ],
        f"{own}/own-share": [
            {"url": "amount", "valueMoney": {"value": 62.3, "currency": "EUR"}},
            {"url": "per", "valueCode": "d"},
            {"url": "asOf", "valueDate": "2026-10-01"},
        ],
        f"{own}/payers": [
            {
                "url": "payer",
                "valueCoding": {"system": payer, "code": "pflegekasse", "display": "Long-term care insurance"},
            },
            {
                "url": "payer",
                "valueCoding": {"system": payer, "code": "sozialhilfe", "display": "Social welfare office"},
            },
            {"url": "asOf", "valueDate": "2026-01-01"},
        ],
    }


def test_costs_without_a_date_of_their_own_stay_the_same_from_day_to_day() -> None:
    undated = replace(FULL.offer, own_share=OwnShare(cents=280_000, per=Per.MONTH), payers_as_of=None)
    today = replace(FULL, offer=undated)
    tomorrow = replace(today, valid_at=AT + timedelta(days=1))
    assert written(today)["HealthcareService"] == written(tomorrow)["HealthcareService"]
    amount = written(today)["HealthcareService"][0]["extension"][2]["extension"]
    assert amount == [
        {"url": "amount", "valueMoney": {"value": 2800, "currency": "EUR"}},
        {"url": "per", "valueCode": "mo"},
    ]


def test_an_address_of_kim_is_an_email_address_that_says_so() -> None:
    assert written(FULL)["Organization"][1]["telecom"][2] == {
        "extension": [{"url": "https://platzfrei.org/fhir/StructureDefinition/kim", "valueBoolean": True}],
        "system": "email",
        "value": "aufnahme@moor.kim.telematik",
    }


def test_an_offer_without_a_name_is_called_by_its_care_form() -> None:
    assert written(BARE)["HealthcareService"][0]["name"] == "Dauerpflege"


@pytest.mark.parametrize(
    ("state", "waiting", "expected"),
    [
        (State.SOME, 5, "capacity"),
        (State.NONE, None, "no-capacity"),
        (State.NONE, 0, "no-capacity"),
        (State.NONE, 1, "waitlist"),
        (State.ASK, 1, "additional-assessment-required"),
    ],
)
def test_the_capacity_status_says_the_state(state: State, waiting: int | None, expected: str) -> None:
    service = written(replace(BARE, state=state, counts=Counts(waiting=waiting)))["HealthcareService"][0]
    (status,) = service["extension"][0]["extension"]
    assert codes(status["valueCodeableConcept"])[0][1] == expected


def test_an_unknown_state_has_no_capacity_status() -> None:
    assert "extension" not in written(BARE)["HealthcareService"][0]


def test_the_statement_of_a_schedule_is_complete_and_zero_is_a_number() -> None:
    report = replace(FULL, counts=replace(FULL.counts, waiting=0))
    (statement,) = written(report)["Schedule"][0]["extension"]
    assert statement["url"] == "https://platzfrei.org/fhir/StructureDefinition/vacancy"
    assert [tuple(each.values()) for each in statement["extension"]] == [
        ("validAt", "2026-11-02T07:30:00+01:00"),
        ("state", "some"),
        ("licensed", 20),
        ("operable", 18),
        ("occupied", 13),
        ("held", 1),
        ("accepting", 4),
        ("waiting", 0),
        ("pool", "12/dauerpflege"),
        ("estimated", True),
        ("sourceKind", "portal"),
    ]


def test_a_statement_that_says_nothing_says_unknown_alone() -> None:
    (statement,) = written(BARE)["Schedule"][0]["extension"]
    assert statement["extension"] == [{"url": "state", "valueCode": "unknown"}]


def test_the_public_statement_says_that_its_numbers_are_coarse() -> None:
    (statement,) = written(seen(FULL, View.PUBLIC))["Schedule"][0]["extension"]
    assert {"url": "atLeast", "valueBoolean": True} in statement["extension"]


def test_a_block_is_a_slot_with_its_number_and_its_kind_of_place() -> None:
    first, *_ = written(FULL)["Slot"]
    assert first["extension"][0] == {
        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/slot-capacity",
        "valueInteger": 3,
    }
    place = {extension["url"]: extension for extension in first["extension"][1]["extension"]}
    assert place["room"]["valueCoding"]["code"] == "double"
    assert place["sex"]["valueCode"] == "female"
    assert place["need"]["valueCoding"]["code"] == "demenz"


def test_blocks_are_free_tentative_or_unavailable() -> None:
    assert [slot["status"] for slot in written(FULL)["Slot"]] == ["free", "free", "busy-tentative", "busy-unavailable"]


def test_days_begin_and_end_at_midnight_in_germany_in_winter_and_in_summer() -> None:
    (slot,) = slots(Block(count=1, start=date(2026, 3, 28), end=date(2026, 3, 29)))
    assert (slot["start"], slot["end"]) == ("2026-03-28T00:00:00+01:00", "2026-03-30T00:00:00+02:00")


def test_a_block_without_days_is_open_from_the_moment_of_the_statement() -> None:
    (slot,) = slots(Block(count=1), valid_at=datetime(2026, 11, 1, 8, tzinfo=UTC))
    assert (slot["start"], slot["end"]) == ("2026-11-01T09:00:00+01:00", "2099-12-31T23:59:59Z")
    (slot,) = slots(Block(count=1))
    assert slot["start"] == "2026-11-02T08:00:00+01:00"


def test_no_slot_ends_after_2099() -> None:
    ends = {slot["end"] for day in (date(2099, 12, 31), date.max) for slot in slots(Block(count=1, end=day))}
    assert ends == {"2099-12-31T23:59:59Z"}


@pytest.mark.parametrize(
    "block",
    [
        Block(count=0),
        Block(count=1, end=date(2026, 11, 1)),
        Block(count=1, start=date(2026, 12, 2), end=date(2026, 12, 1)),
        Block(count=1, start=date(2100, 1, 1)),
    ],
)
def test_a_block_without_places_or_without_time_is_no_slot(block: Block) -> None:
    assert slots(block) == []


def test_a_start_in_a_distant_century_is_no_start() -> None:
    (slot,) = slots(Block(count=1, start=date(26, 1, 1)))
    assert slot["start"] == "2026-11-02T08:00:00+01:00"


def test_a_block_keeps_its_id_when_others_come_and_its_number_changes() -> None:
    stays = Block(count=2, start=date(2026, 12, 1))
    (before,) = slots(stays)
    (_, after) = slots(Block(count=1), replace(stays, count=1))
    assert after["id"] == before["id"]


def test_blocks_that_are_alike_have_ids_of_their_own() -> None:
    one, other = slots(Block(count=1), Block(count=1))
    assert one["id"] != other["id"]


def test_another_kind_of_place_is_another_slot() -> None:
    blocks = [Block(count=1), Block(count=1, status=BlockStatus.HELD), Block(count=1, needs=("demenz",))]
    assert len({slot["id"] for slot in slots(*blocks)}) == 3


@settings(deadline=None)
@pytest.mark.parametrize("view", View)
@given(report=reports(), care_forms=st.sets(st.sampled_from(sorted(terminology.codes("care-form")))))
def test_every_report_is_right_fhir(view: View, report: VacancyReport, care_forms: set[str]) -> None:
    resources = to_fhir(seen(report, view), source="json", at=AT, care_forms=care_forms)
    known: set[str] = set()
    for resource in resources:
        text = json.dumps(resource)
        assert list(r4.findings(resource["resourceType"], json.loads(text), "$this")) == []
        for node in nodes(resource):
            assert node not in ("", [], {})
            if isinstance(node, dict):
                assert None not in node.values()
                assert "reference" not in node or node["reference"] in known
        name = f"{resource['resourceType']}/{resource['id']}"
        assert name not in known
        assert resource["meta"] == {"source": "https://platzfrei.org/fhir/sid/source/json"}
        known.add(name)


def test_a_house_number_alone_is_a_line() -> None:
    facility = replace(BARE.facility, address=Address(house_number="7"))
    assert written(replace(BARE, facility=facility))["Location"][0]["address"]["line"] == ["7"]
