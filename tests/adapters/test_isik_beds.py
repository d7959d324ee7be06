"""The beds of a hospital's system: which ward a bed belongs to, what of it counts, and answers that lack something."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Broken, Record
from adapters.inbound import isik_beds
from mappings.errors import Issue, Rejected
from mappings.language import shipped
from mappings.vacancy import Counts

SAMPLES = Path(__file__).parents[3] / "shared/data/gematik-isik"
OPTIONS: dict[str, Any] = {"wards": [{"ward": "KZP", "careForm": "kurzzeitpflege"}]}
TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"

Node = dict[str, Any]


def location(own: str, kind: str = "bd", part_of: str = "", status: str = "", **more: Any) -> Node:
    resource: Node = {
        "resourceType": "Location",
        "id": own,
        "physicalType": {"coding": [{"system": TYPE, "code": kind}]},
        **more,
    }
    if part_of:
        resource["partOf"] = {"reference": part_of}
    if status:
        resource["operationalStatus"] = {"system": STATUS, "code": status}
    return {"resource": resource}


def bundle(*entries: Node, **more: Any) -> Node:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **more}


def parts(document: Any, **options: Any) -> list[Record | Broken]:
    return list(isik_beds.decode(json.dumps(document).encode(), {**OPTIONS, **options}).records)


def beds(*entries: Node, **more: Any) -> list[str]:
    """The codes of the beds of the one declared ward."""
    (record,) = parts(bundle(*entries, **more))
    assert isinstance(record, Record)
    found: list[str] = record.fields["operationalStatus"]
    return found


def rejection(document: Any) -> Issue:
    with pytest.raises(Rejected) as caught:
        parts(document)
    (issue,) = caught.value.issues
    return issue


WARD = location("KZP", "wa")


@pytest.mark.parametrize(
    "reference", ["Location/KZP", "https://kis.example/fhir/Location/KZP", "Location/KZP/_history/3"]
)
def test_a_bed_belongs_to_the_ward_it_is_part_of(reference: str) -> None:
    assert beds(WARD, location("1", part_of=reference, status="U")) == ["U"]


def test_a_bed_belongs_to_the_ward_of_its_room() -> None:
    room = location("R", "ro", part_of="Location/KZP")
    assert beds(location("1", part_of="Location/R", status="O"), room, WARD) == ["O"]


@pytest.mark.parametrize(
    "ward",
    [
        location("9", "wa", name="KZP"),
        location("9", "wa", identifier=[{"system": "urn:kis", "value": "KZP"}]),
        location("9", "wa", managingOrganization={"reference": "Organization/KZP"}),
        location("9", "wa", managingOrganization={"identifier": {"value": "KZP"}}),
        location("9", "wa", managingOrganization={"display": "KZP"}),
    ],
)
def test_a_ward_goes_by_its_name_its_identifiers_and_who_manages_it(ward: Node) -> None:
    assert beds(ward, location("1", part_of="Location/9", status="U")) == ["U"]


def test_a_bed_of_a_ward_that_the_answer_lacks_is_known_by_the_reference() -> None:
    assert beds(location("1", part_of="Location/KZP", status="U")) == ["U"]


def test_rooms_and_kinds_are_no_beds_and_a_bed_out_of_use_does_not_count() -> None:
    def bed(name: str, **more: str) -> Node:
        entry = location(name, part_of="Location/KZP", status="U")
        entry["resource"].update(more)
        return entry

    room = location("R", "ro", part_of="Location/KZP", status="U")
    assert beds(
        WARD,
        room,
        bed("1", mode="kind"),
        bed("2", status="inactive"),
        bed("3", status="suspended"),
        bed("4", status="active", mode="instance"),
    ) == ["C", "U"]


def test_a_bed_that_two_pages_have_is_one_bed_as_the_later_says() -> None:
    first = bundle(location("1", part_of="Location/KZP", status="U"), link=[{"relation": "next", "url": "x"}])
    (record,) = parts([first, bundle(location("1", part_of="Location/KZP", status="O"))])
    assert isinstance(record, Record)
    assert record.fields["operationalStatus"] == ["O"]


def test_beds_of_other_wards_are_left_out_and_told() -> None:
    (record,) = parts(
        bundle(WARD, location("1", part_of="Location/KZP"), location("2", part_of="Location/X"), location("X", "wa"))
    )
    assert isinstance(record, Record)
    assert (record.fields["operationalStatus"], record.dropped) == (["unknown"], ("Location",))


def test_a_bed_whose_ward_cannot_be_seen_is_set_aside() -> None:
    record, broken = parts(bundle(location("1", part_of="Location/KZP"), location("2", part_of="Location/R")))
    assert isinstance(record, Record)
    assert isinstance(broken, Broken)
    assert (broken.issue.code, broken.issue.place) == ("fhir-reference", "Bundle.entry[1].resource.partOf")


def test_parents_in_a_circle_end() -> None:
    _, broken = parts(bundle(location("1", part_of="Location/2"), location("2", "ro", part_of="Location/1")))
    assert isinstance(broken, Broken)


def test_a_ward_without_beds_is_an_error_not_a_zero() -> None:
    (record,) = parts(bundle(WARD))
    assert isinstance(record, Record)
    assert [(issue.code, issue.severity) for issue in record.issues] == [("ward-without-beds", "error")]


def test_a_wrong_bed_of_a_ward_sets_the_ward_aside() -> None:
    (record,) = parts(bundle(location("1", part_of="Location/KZP", status="U", alias="x")))
    assert isinstance(record, Record)
    assert [issue.place for issue in record.issues] == ["Bundle.entry[0].resource.alias"]


def test_a_list_that_lacks_its_last_page_is_refused() -> None:
    page = bundle(WARD, link=[{"relation": "next", "url": "https://kis.example/2"}])
    assert rejection(page).code == "page-missing"
    assert rejection([bundle(), page]).place == "[1].Bundle.link"
    assert parts([page, bundle(location("1", part_of="Location/KZP"))])


def test_the_moment_is_the_oldest_of_the_pages() -> None:
    pages = [bundle(meta={"lastUpdated": f"2026-11-22T08:00:0{second}Z"}) for second in (2, 1, 3)]
    (record,) = parts(pages)
    assert isinstance(record, Record)
    assert record.fields["lastUpdated"] == "2026-11-22T08:00:01Z"


def test_what_else_a_search_answers_is_told_by_type_alone() -> None:
    patient = {"resource": {"resourceType": "Patient", "id": "Canaria"}}
    outcome = {"resource": {"resourceType": "OperationOutcome"}}
    (record,) = parts(bundle(patient, outcome, {"resource": {"resourceType": "Canaria"}}))
    assert isinstance(record, Record)
    assert record.dropped == ("Patient", "(withheld name)")
    assert "Canaria" not in repr(record.fields)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"wards": []},
        {"wards": ["KZP"]},
        {"wards": [{"careForm": "x"}]},
        {"wards": [{"ward": " "}]},
        {"wards": [{"ward": "a"}, {"ward": "a"}]},
        {"wards": [{"ward": "a", "operationalStatus": []}]},
    ],
)
def test_wards_that_cannot_be_are_refused(options: Node) -> None:
    with pytest.raises(Rejected) as caught:
        isik_beds.check(options)
    assert caught.value.issues[0].place.startswith("options.wards")


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples of ISiK are not on this machine")
def test_the_samples_of_isik_are_a_bed_in_a_room_of_a_department() -> None:
    samples = [json.loads(path.read_bytes()) for path in sorted(SAMPLES.glob("Location-*.json"))]
    name = "AbteilungAllgemeinchirurgieOrganisationBeispiel"
    (record,) = parts(bundle(*({"resource": each} for each in samples)), wards=[{"ward": name}])
    assert isinstance(record, Record)
    assert record.fields["operationalStatus"] == ["unknown"]
    assert record.issues == ()


@given(st.lists(st.sampled_from(["U", "O", "C", "H", "K", "I", ""]), min_size=1))
def test_only_free_beds_are_free_and_unknown_ones_leave_unknown(statuses: list[str]) -> None:
    entries = [location(str(number), part_of="Location/KZP", status=status) for number, status in enumerate(statuses)]
    source_map = shipped()["isik-betten"]
    told = {"ward": "KZP", "careForm": "kurzzeitpflege", "facility": {"key": "k", "name": "Klinikum"}}
    (record,) = parts(bundle(*entries), wards=[told])
    assert isinstance(record, Record)
    (report,) = source_map.read(record.fields).reports
    free, unknown = statuses.count("U"), statuses.count("")
    if unknown:
        assert report.counts == Counts(licensed=len(statuses), accepting=free or None)
    else:
        operable = len(statuses) - statuses.count("C")
        occupied = statuses.count("O")
        assert report.counts == Counts(licensed=len(statuses), operable=operable, occupied=occupied, accepting=free)
