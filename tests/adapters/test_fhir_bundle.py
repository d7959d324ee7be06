"""FHIR Bundles in: what becomes a record, what is refused, and what never comes through."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Broken, Decoded, Record
from adapters.inbound.fhir_bundle import check, decode
from conformance.formats import fhir_xml, strict_json
from mappings.errors import Rejected
from mappings.language import shipped
from mappings.patient_filter import admit
from mappings.to_fhir import to_fhir
from tests.reports import FULL

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "fhir_bundle").iterdir())
OPTIONS = shipped()["fhir"].options
PLANTED = "Mustermensch-4711"

Entry = dict[str, Any]


def entries() -> list[Entry]:
    """What facility software pushes for one offer: 0 operator, 1 facility, 2 Location, 3 HealthcareService,
    4 Schedule, 5 to 8 Slots."""
    written: list[Entry] = json.loads(
        json.dumps(
            [
                {
                    "fullUrl": f"https://haus.example/fhir/{resource['resourceType']}/{resource['id']}",
                    "resource": resource,
                    "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
                }
                for resource in to_fhir(FULL, source="haus", at=datetime(2026, 11, 2, 7, tzinfo=UTC))
            ]
        )
    )
    return written


def bundle(kind: str, *sent: Any) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": list(sent)}).encode()


def decoded(body: bytes) -> tuple[Decoded, list[Record | Broken]]:
    found = decode(body, OPTIONS)
    return found, list(found.records)


def one(body: bytes) -> Record:
    _, (record,) = decoded(body)
    assert isinstance(record, Record)
    return record


def rejected(body: bytes) -> str:
    with pytest.raises(Rejected) as refusal:
        list(decode(body, OPTIONS).records)
    return refusal.value.issues[0].code


def issues(record: Record | Broken) -> list[tuple[str, str]]:
    found = record.issues if isinstance(record, Record) else (record.issue,)
    return [(issue.code, issue.place) for issue in found]


def without_requests(sent: list[Entry]) -> list[Entry]:
    return [{name: value for name, value in entry.items() if name != "request"} for entry in sent]


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield name
            yield from strings(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from strings(value)
    else:
        yield str(node)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_a_golden_bundle_is_read_as_it_was(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    source_map = shipped()["fhir"]
    (sent,) = case.glob("in.*")
    found, records = decoded(sent.read_bytes())
    told = []
    for record in records:
        said: dict[str, Any] = {"place": record.place, "issues": [list(each) for each in issues(record)]}
        if isinstance(record, Record):
            mapped = source_map.read(admit(record.fields, source_map).fields)
            said["dropped"] = list(record.dropped)
            said["offers"] = [
                f"{report.offer.care_form} at {report.facility.name}: {report.state}, "
                f"{sum(block.count for block in report.blocks)} in {len(report.blocks)} blocks"
                for report in mapped.reports
                if not record.issues
            ]
        told.append(said)
    assert {"atomic": found.atomic, "records": told} == expected


@pytest.mark.parametrize(("kind", "atomic"), [("transaction", True), ("batch", False), ("collection", False)])
def test_a_transaction_alone_is_all_or_nothing(kind: str, atomic: bool) -> None:
    found, records = decoded(bundle(kind, *entries()))
    assert found.atomic is atomic
    assert len(records) == 1


@pytest.mark.parametrize("kind", ["collection", "searchset"])
def test_bundles_that_are_no_requests_need_none(kind: str) -> None:
    assert one(bundle(kind, *without_requests(entries()))).issues == ()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-json"),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", "bundle-type"),
        (b"[]", "not-a-bundle"),
        (b'{"resourceType": "Patient"}', "not-a-bundle"),
        (b'{"resourceType": "Slot"}', "fhir-incomplete"),
        (bundle("document"), "bundle-type"),
        (b'{"resourceType": "Bundle"}', "bundle-type"),
        (b'{"resourceType": "Bundle", "type": "batch", "entry": {}}', "fhir-structure"),
        (bundle("batch"), "no-healthcare-service"),
        (bundle("batch", *entries()[:3]), "no-healthcare-service"),
    ],
)
def test_what_tells_of_no_offer_is_rejected(body: bytes, code: str) -> None:
    assert rejected(body) == code


def test_a_rejected_bundle_says_what_it_held_instead() -> None:
    with pytest.raises(Rejected, match="there are: Location, Patient"):
        list(decode(bundle("batch", entries()[2], patient()), OPTIONS).records)


def as_xml(body: bytes) -> bytes:
    return fhir_xml.write(strict_json.parse(body))


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_bundle_in_xml_is_the_bundle_in_json(kind: str) -> None:
    sent = bundle(kind, *entries(), patient())
    found, records = decoded(sent)
    for written in (as_xml(sent), b"\xef\xbb\xbf" + as_xml(sent), b"\r\n " + as_xml(sent).partition(b"?>\n")[2]):
        found_again, again = decoded(written)
        assert again == records
        assert found_again.atomic is found.atomic
    utf16 = as_xml(sent).decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert decoded(utf16)[1] == records


def contained(root: str, others: list[Entry]) -> Entry:
    """The entries as what one of them contains."""
    (whole,) = (entry["resource"] for entry in others if entry["resource"]["resourceType"] == root)
    names = {f"{each['resource']['resourceType']}/{each['resource']['id']}": each["resource"]["id"] for each in others}
    text = json.dumps(whole)
    inner = json.dumps([each["resource"] for each in others if each["resource"] is not whole])
    for name, own in names.items():
        text, inner = text.replace(f'"{name}"', f'"#{own}"'), inner.replace(f'"{name}"', f'"#{own}"')
    inner = inner.replace(f'"#{whole["id"]}"', '"#"')
    made: Entry = json.loads(text)
    made["contained"] = json.loads(inner)
    return made


@pytest.mark.parametrize("root", ["HealthcareService", "Schedule"])
def test_a_resource_that_contains_all_it_refers_to_is_read_as_its_bundle(root: str) -> None:
    whole = one(bundle("collection", *without_requests(entries())))
    for sent in (contained(root, entries()), {**contained(root, entries()), "id": "x"}):
        record = one(json.dumps(sent).encode())
        assert record.issues == ()
        assert record.fields.keys() == whole.fields.keys()
        # The ids of what is contained mean nothing outside.
        assert "id" not in record.fields["Organization"]
        assert record.fields["Slot"] == whole.fields["Slot"]
        assert one(as_xml(json.dumps(sent).encode())) == record
    told = (bundle("collection", {"resource": contained(root, entries())}),)
    assert [one(each).fields["Schedule"] for each in told] == [whole.fields["Schedule"]]


def test_of_two_entries_each_has_its_own_contained_ones() -> None:
    first, second = contained("HealthcareService", entries()), contained("HealthcareService", entries())
    second["id"] = "second"
    for each in second["contained"]:
        if each.get("name") == FULL.facility.name:
            each["name"] = "Haus Abendrot"
    _, records = decoded(bundle("collection", {"resource": first}, {"resource": second}))
    names = [record.fields["Organization"]["name"] for record in records if isinstance(record, Record)]
    assert names == [FULL.facility.name, "Haus Abendrot"]
    assert [issues(record) for record in records] == [[], []]


def test_a_reference_into_another_entrys_container_leads_nowhere() -> None:
    first, second = contained("HealthcareService", entries()), entries()[3]["resource"]
    second["id"], second["providedBy"], second["location"] = "second", first["providedBy"], []
    del second["location"]
    _, (read, lost) = decoded(bundle("collection", {"resource": first}, {"resource": second}))
    assert issues(read) == []
    assert issues(lost) == [("fhir-reference", "Bundle.entry[1].resource.providedBy")]


def patient() -> Entry:
    return {
        "resource": {"resourceType": "Patient", "id": PLANTED, "name": [{"family": PLANTED}]},
        "request": {"method": "PUT", "url": f"Patient/{PLANTED}"},
    }


def test_references_are_found_by_fullurl_by_relative_url_and_by_type_and_id() -> None:
    relative = entries()
    absolute, by_urn = entries(), entries()
    targets = {f"{entry['resource']['resourceType']}/{entry['resource']['id']}": entry["fullUrl"] for entry in absolute}
    urns = {name: f"urn:uuid:{name.partition('/')[2]}" for name in targets}

    def rewrite(node: Any, names: dict[str, str]) -> None:
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            rewrite(value, names)
        if isinstance(node, dict) and "reference" in node:
            node["reference"] = names[node["reference"]]

    for entry in absolute:
        rewrite(entry["resource"], targets)
    for entry in by_urn:
        rewrite(entry["resource"], urns)
        entry["fullUrl"] = f"urn:uuid:{entry['resource'].pop('id')}"
        entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    for entry in relative:
        del entry["fullUrl"]
    whole = one(bundle("batch", *entries()))
    for sent in (relative, absolute, by_urn):
        record = one(bundle("batch", *sent))
        assert record.issues == ()
        assert record.fields.keys() == whole.fields.keys()
        assert record.fields["Slot"] == whole.fields["Slot"]


def test_the_id_of_a_resource_to_be_created_is_no_name() -> None:
    sent = entries()
    for entry in sent:
        entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    assert "id" in one(bundle("batch", *entries())).fields["Organization"]
    assert "id" not in one(bundle("batch", *sent)).fields["Organization"]


def test_the_order_of_the_entries_does_not_matter() -> None:
    forwards, backwards = one(bundle("batch", *entries())), one(bundle("batch", *entries()[::-1]))
    assert forwards.fields["Slot"] == backwards.fields["Slot"][::-1]
    assert {**forwards.fields, "Slot": 0} == {**backwards.fields, "Slot": 0}


def changed(position: int, /, **elements: Any) -> list[Entry]:
    sent = entries()
    for name, value in elements.items():
        if value is None:
            del sent[position]["resource"][name]
        else:
            sent[position]["resource"][name] = value
    return sent


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (changed(5, status="banana"), [("fhir-code", "Bundle.entry[5].resource.status")]),
        (changed(5, status=None), [("fhir-required", "Bundle.entry[5].resource.status")]),
        (changed(5, start="2026-11-02T08:00:00"), [("fhir-type", "Bundle.entry[5].resource.start")]),
        (changed(5, start=20261102), [("fhir-type", "Bundle.entry[5].resource.start")]),
        (changed(5, end="2020-01-01T00:00:00Z"), [("fhir-slot-span", "Bundle.entry[5].resource")]),
        (changed(5, geburtstag="1930-01-01"), [("fhir-unknown-element", "Bundle.entry[5].resource")]),
        (changed(2, status="offen"), [("fhir-code", "Bundle.entry[2].resource.status")]),
        (
            changed(2, position={"longitude": 8.0, "latitude": "52"}),
            [("fhir-type", "Bundle.entry[2].resource.position.latitude")],
        ),
        (
            changed(1, telecom=[{"system": "tel", "value": "1"}]),
            [("fhir-code", "Bundle.entry[1].resource.telecom[0].system")],
        ),
        (changed(3, active="yes"), [("fhir-type", "Bundle.entry[3].resource.active")]),
        (changed(1, name=["x"]), [("fhir-type", "Bundle.entry[1].resource.name")]),
        (
            changed(3, availableTime=[{"daysOfWeek": ["mon", "montag"]}]),
            [("fhir-code", "Bundle.entry[3].resource.availableTime[0].daysOfWeek[1]")],
        ),
        (
            changed(3, providedBy={"reference": "Organization/other"}),
            [("fhir-reference", "Bundle.entry[3].resource.providedBy")],
        ),
        (changed(3, providedBy=None), [("fhir-reference", "Bundle.entry[3].resource.providedBy")]),
        (
            changed(3, location=[{"reference": "Location/other"}]),
            [("fhir-reference", "Bundle.entry[3].resource.location[0]")],
        ),
        (
            changed(1, partOf={"reference": "Organization/other"}),
            [("fhir-reference", "Bundle.entry[1].resource.partOf")],
        ),
    ],
)
def test_what_a_record_needs_and_is_wrong_is_among_its_issues(
    sent: list[Entry], expected: list[tuple[str, str]]
) -> None:
    record = one(bundle("batch", *sent[:6]))
    assert issues(record) == expected


def test_a_facility_whose_operator_is_not_sent_along_is_only_warned_of() -> None:
    (issue,) = one(bundle("batch", *entries()[1:])).issues
    assert issue.severity == "warning"


def test_nothing_of_a_wrong_resource_comes_through() -> None:
    record = one(bundle("batch", *changed(1, banana=PLANTED)))
    assert record.fields["Organization"] == {}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            changed(4, actor=[{"reference": "Location/x"}, {"reference": "HealthcareService/other"}]),
            [(3, None), (4, ("fhir-reference", "Bundle.entry[4].resource.actor[1]"))],
        ),
        (
            changed(5, schedule={"reference": "Schedule/other"}),
            [(3, None), (5, ("fhir-reference", "Bundle.entry[5].resource.schedule"))],
        ),
        ([*entries()[:5], "banana"], [(3, None), (5, ("fhir-structure", "Bundle.entry[5]"))]),
        (
            [*entries()[:5], {"request": {"method": "DELETE", "url": "Slot/1"}}],
            [(3, None), (5, ("fhir-request", "Bundle.entry[5].request.method"))],
        ),
        (
            [*entries()[:5], {"resource": entries()[5]["resource"]}],
            [(3, None), (5, ("fhir-request", "Bundle.entry[5].request.method"))],
        ),
        (
            [*entries()[:5], {"request": {"method": "PUT", "url": "Slot/1"}}],
            [(3, None), (5, ("fhir-structure", "Bundle.entry[5].resource"))],
        ),
        ([*entries()[:5], entries()[1]], [(3, None), (5, ("fhir-duplicate", "Bundle.entry[5]"))]),
    ],
)
def test_what_no_record_needs_and_is_wrong_is_broken_and_the_others_go_in(
    sent: list[Any], expected: list[tuple[int, tuple[str, str] | None]]
) -> None:
    _, records = decoded(bundle("batch", *sent[:6]))
    assert [(record.place, next(iter(issues(record)), None)) for record in records] == [
        (f"Bundle.entry[{position}]", issue) for position, issue in expected
    ]
    assert all(json.loads(record.body) for record in records if isinstance(record, Broken))


def test_a_service_has_one_schedule_and_a_schedule_one_service() -> None:
    second = entries()[4]
    second["fullUrl"], second["resource"]["id"], second["request"]["url"] = "https://x.example/2", "2", "Schedule/2"
    record = one(bundle("batch", *entries(), second))
    assert issues(record) == [("fhir-one-only", f"Bundle.entry[{len(entries())}]")]

    other = entries()[3]
    other["fullUrl"], other["resource"]["id"], other["request"]["url"] = (
        "https://x.example/3",
        "3",
        "HealthcareService/3",
    )
    shared = entries()
    shared[4]["resource"]["actor"].append({"reference": "HealthcareService/3"})
    _, records = decoded(bundle("batch", *shared, other))
    assert [issues(each) for each in records] == [[("fhir-one-only", "Bundle.entry[4].resource.actor")]] * 2


def test_an_offer_is_at_one_site() -> None:
    sent = entries()
    sent[3]["resource"]["location"] *= 2
    assert issues(one(bundle("batch", *sent))) == [("fhir-one-only", "Bundle.entry[3].resource.location")]


def test_a_service_without_schedule_and_location_is_a_record_without_them() -> None:
    sent = entries()
    del sent[3]["resource"]["location"]
    record = one(bundle("batch", *sent[:2], sent[3]))
    assert record.issues == ()
    assert record.fields.keys() == {"HealthcareService", "Organization", "Operator"}


def test_types_without_use_are_dropped_by_name_with_the_first_record() -> None:
    strange = {"resource": {"resourceType": PLANTED}}
    other_site = entries()[2]
    other_site["fullUrl"], other_site["resource"]["id"], other_site["request"]["url"] = "urn:x", "x", "Location/x"
    record = one(bundle("collection", patient(), strange, *entries(), other_site))
    assert record.dropped == ("Patient", "(withheld name)", "Location")


@pytest.mark.parametrize("kind", [None, 7, PLANTED])
@pytest.mark.parametrize("bundle_type", ["batch", "transaction"])
def test_a_request_without_a_type_of_r4_is_a_wrong_entry(bundle_type: str, kind: Any) -> None:
    strange = {"resource": {"resourceType": kind}, "request": {"method": "POST", "url": "x"}}
    _, (record, broken) = decoded(bundle(bundle_type, *entries(), strange))
    assert isinstance(record, Record)
    assert isinstance(broken, Broken)
    assert issues(broken) == [("fhir-resource-type", f"Bundle.entry[{len(entries())}].resource.resourceType")]
    assert PLANTED not in broken.issue.text_de + broken.issue.text_en


@pytest.mark.parametrize("position", range(5))
def test_of_a_wrong_entry_only_itself_is_told(position: int) -> None:
    sent = entries()
    del sent[position]["resource"]["resourceType"]
    expected = ("fhir-resource-type", f"Bundle.entry[{position}].resource.resourceType")
    try:
        _, records = decoded(bundle("transaction", *sent))
    except Rejected as refusal:
        assert [(issue.code, issue.place) for issue in refusal.issues] == [expected]
        return
    assert [issue for record in records for issue in issues(record)] == [expected]


def test_a_reference_that_is_none_is_told_once() -> None:
    record = one(bundle("batch", *changed(3, providedBy="Organization/x")))
    assert issues(record) == [("fhir-type", "Bundle.entry[3].resource.providedBy")]


def test_what_an_entry_to_delete_is_called_another_may_be_called() -> None:
    sent = entries()
    deleted = {"fullUrl": sent[1]["fullUrl"], "request": {"method": "DELETE", "url": sent[1]["request"]["url"]}}
    _, (broken, record) = decoded(bundle("batch", deleted, *sent))
    assert issues(broken) == [("fhir-request", "Bundle.entry[0].request.method")]
    assert issues(record) == []


def plant_in_unknown_extension(sent: list[Entry]) -> None:
    for entry in sent:
        entry["resource"].setdefault("extension", []).append({"url": f"urn:{PLANTED}", "valueString": PLANTED})


def plant_in_contained(sent: list[Entry]) -> None:
    sent[3]["resource"]["contained"] = [{"resourceType": "Patient", "name": [{"family": PLANTED}]}]


def plant_in_free_text(sent: list[Entry]) -> None:
    sent[3]["resource"]["comment"] = PLANTED
    sent[3]["resource"]["extraDetails"] = PLANTED
    sent[4]["resource"]["comment"] = PLANTED
    sent[5]["resource"]["comment"] = PLANTED
    sent[5]["resource"]["text"] = {"status": "generated", "div": f"<div>{PLANTED}</div>"}
    sent[1]["resource"]["contact"] = [{"name": {"family": PLANTED}, "telecom": [{"value": PLANTED}]}]
    sent[1]["resource"]["identifier"][0]["assigner"] = {"display": PLANTED}
    sent[3]["resource"]["type"][0]["coding"].append({"system": f"urn:{PLANTED}", "code": PLANTED})
    sent[3]["resource"]["type"][0]["text"] = PLANTED


def plant_in_wrong_values(sent: list[Entry]) -> None:
    sent[5]["resource"]["status"] = PLANTED
    sent[6]["resource"][PLANTED] = PLANTED
    sent[1]["resource"]["name"] = {"family": PLANTED}
    sent[4]["resource"]["actor"].append({"reference": f"HealthcareService/{PLANTED}"})
    sent[2]["resource"]["status"] = PLANTED


def plant_in_other_entries(sent: list[Entry]) -> None:
    sent.append(patient())
    sent.append({"resource": {"resourceType": PLANTED}, "request": {"method": "POST", "url": PLANTED}})
    sent.append({"resource": {"resourceType": "Slot", PLANTED: PLANTED}, "request": {"method": "PUT", "url": PLANTED}})


@pytest.mark.parametrize(
    "plant",
    [
        plant_in_unknown_extension,
        plant_in_contained,
        plant_in_free_text,
        plant_in_wrong_values,
        plant_in_other_entries,
    ],
)
def test_no_planted_patient_comes_through_or_into_a_text(plant: Callable[[list[Entry]], None]) -> None:
    sent = entries()
    plant(sent)
    body = bundle("batch", *sent)
    assert PLANTED in body.decode()
    _, records = decoded(body)
    for record in records:
        if isinstance(record, Record):
            assert not [text for text in strings((record.fields, record.dropped)) if PLANTED in text]
        found = record.issues if isinstance(record, Record) else (record.issue,)
        for issue in found:
            assert PLANTED not in f"{issue}{issue.text_de}"
        assert PLANTED not in repr(record)


def test_elements_that_no_map_names_are_reported_by_name() -> None:
    sent = entries()
    plant_in_free_text(sent)
    assert one(bundle("batch", *sent)).dropped == (
        "HealthcareService.type.coding",
        "HealthcareService.comment",
        "HealthcareService.extraDetails",
        "Organization.identifier.assigner",
        "Organization.contact",
        "Schedule.comment",
        "Slot.comment",
    )


def test_of_a_resource_without_a_list_of_elements_nothing_comes_through() -> None:
    (record,) = decode(bundle("batch", *entries()), {"elements": {"HealthcareService": ["active"]}}).records
    assert isinstance(record, Record)
    assert {role: part for role, part in record.fields.items() if part and any(part)} == {
        "HealthcareService": {"active": True}
    }


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"elements": {}}, "elements"),
        ({"elements": ["Slot"]}, "elements"),
        ({"elements": {"Patient": ["id"]}}, "elements.Patient"),
        ({"elements": {"Slot": "id"}}, "elements.Slot"),
        ({"elements": {"Slot": ["type.coding(urn:x.code"]}}, "elements.Slot"),
        ({"elements": {"Slot": ["type..code"]}}, "elements.Slot"),
        ({"elements": {"Slot": ["type."]}}, "elements.Slot"),
        ({"elements": {"Slot": ["id"]}, "silent": "meta"}, "silent"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], place: str) -> None:
    with pytest.raises(Rejected) as caught:
        check(options)
    assert [(issue.code, issue.place) for issue in caught.value.issues] == [("source-map", f"options.{place}")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=6), children, max_size=3),
    max_leaves=6,
)


def paths(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in items:
        yield from paths(child, (*path, step))


PLACES = [path for path in paths(entries()) if path]


@settings(deadline=None, max_examples=300)
@given(path=st.sampled_from(PLACES), value=json_values, kind=st.sampled_from(["batch", "searchset"]))
def test_whatever_stands_in_an_element_ends_in_records_or_rejected(
    path: tuple[str | int, ...], value: Any, kind: str
) -> None:
    sent: Any = entries()
    node = sent
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    try:
        _, records = decoded(bundle(kind, *sent))
    except Rejected as refusal:
        assert refusal.issues
        return
    source_map = shipped()["fhir"]
    for record in records:
        if isinstance(record, Record):
            source_map.read(admit(record.fields, source_map).fields)
