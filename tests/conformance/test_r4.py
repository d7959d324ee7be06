"""The validator accepts right resources and names what is wrong with others, each thing at its place."""

import copy
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.formats import fhirpath, r4, r4_rules, r4_types
from tests.strategies import json_values

Resource = dict[str, Any]
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">Haus am Moor</div>'
TEXT = {"status": "generated", "div": DIV}


def slot(**more: Any) -> Resource:
    return {
        "resourceType": "Slot",
        "text": TEXT,
        "schedule": {"reference": "Schedule/1"},
        "status": "free",
        "start": "2026-11-22T08:00:00+01:00",
        "end": "2099-12-31T23:59:59Z",
        **more,
    }


def patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", "text": TEXT, **more}


def organization(**more: Any) -> Resource:
    return {"resourceType": "Organization", "text": TEXT, "name": "Haus am Moor", **more}


def observation(**more: Any) -> Resource:
    return {"resourceType": "Observation", "text": TEXT, "status": "final", "code": {"text": "a"}, **more}


def bundle(*entries: Resource, kind: str = "collection", **more: Any) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


def found(resource: Resource) -> list[tuple[str, str]]:
    """The rules that are broken, with their places."""
    return [(one.key, one.expression) for one in r4.findings(resource)]


EXTENSION = {"url": "http://x.example/e", "valueString": "a"}
FULL_PATIENT = patient(
    id="p-1",
    meta={"versionId": "1", "lastUpdated": "2026-11-22T08:00:00.123Z", "profile": ["http://x.example/p"]},
    language="de",
    contained=[
        {"resourceType": "Organization", "id": "o", "name": "a"},
        {"resourceType": "Basic", "code": {"text": "a"}, "subject": {"reference": "#"}},
    ],
    extension=[EXTENSION, {"url": "http://x.example/f", "extension": [EXTENSION]}],
    identifier=[
        {"use": "official", "system": "urn:oid:1.2.3", "value": "1", "period": {"start": "2020", "end": "2021-01-01"}}
    ],
    active=True,
    name=[{"family": "a", "given": ["b", None], "_given": [None, {"extension": [EXTENSION]}]}],
    telecom=[{"system": "phone", "value": "1", "rank": 1}],
    gender="female",
    _birthDate={"extension": [EXTENSION]},
    deceasedBoolean=False,
    maritalStatus={"coding": [{"system": "http://x.example/cs", "code": "x"}]},
    multipleBirthInteger=2,
    photo=[{"contentType": "image/png", "data": "AAAA"}],
    contact=[{"name": {"text": "c"}, "organization": {"reference": "http://x.example/fhir/Organization/1"}}],
    communication=[{"language": {"text": "d"}, "preferred": True}],
    generalPractitioner=[
        {"reference": "Practitioner/1/_history/2"},
        {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "type": "Practitioner"},
        {"identifier": {"value": "1"}, "type": "http://hl7.org/fhir/StructureDefinition/Practitioner"},
        {"reference": "Practitioner?identifier=x|1"},
        {"reference": "#o"},
        {"display": "e"},
    ],
    managingOrganization={"reference": "#o"},
)
FULL_OBSERVATION = observation(
    effectivePeriod={"start": "2026-11-22T08:00:00+01:00", "end": "2026-11-22T08:00:00Z"},
    valueQuantity={"value": Decimal("52.50"), "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    referenceRange=[{"low": {"value": 1}, "high": {"value": 2}}],
    component=[{"code": {"text": "b"}, "_valueString": {"extension": [EXTENSION]}}],
)
FULL_BUNDLE = bundle(
    {"fullUrl": "http://x.example/fhir/Slot/1", "resource": slot(id="1"), "search": {"mode": "match", "score": 1}},
    {"fullUrl": "http://x.example/fhir/Patient/p-1", "resource": FULL_PATIENT, "search": {"mode": "include"}},
    kind="searchset",
    total=1,
    link=[{"relation": "self", "url": "http://x.example/fhir/Slot?status=free"}],
)
RIGHT = [slot(), FULL_PATIENT, FULL_OBSERVATION, FULL_BUNDLE, organization()]


@pytest.mark.parametrize("resource", RIGHT, ids=lambda resource: str(resource["resourceType"]))
def test_a_right_resource_is_found_right(resource: Resource) -> None:
    assert found(resource) == []


META = {"versionId": "1", "security": [{"code": "a"}]}
TASK = {"resourceType": "Task", "text": TEXT, "status": "draft", "intent": "order"}
WRONG: list[tuple[Resource, list[tuple[str, str]]]] = [
    # unknown elements
    (slot(geburtstag="1930"), [("element", "Slot")]),
    (slot(schedule={"reference": "Schedule/1", "x": 1}), [("element", "Slot.schedule")]),
    (slot(_schedule={"id": "a"}), [("element", "Slot")]),
    (slot(fhir_comments=["a"]), [("element", "Slot")]),
    (observation(valueAddress={"city": "a"}), [("element", "Observation")]),
    (observation(value="a"), [("element", "Observation")]),
    # how many
    ({name: value for name, value in slot().items() if name != "status"}, [("required", "Slot.status")]),
    (patient(link=[{"other": {"reference": "Patient/2"}}]), [("required", "Patient.link[0].type")]),
    (patient(communication=[{"preferred": True}]), [("required", "Patient.communication[0].language")]),
    (patient(extension=[{"valueString": "a"}]), [("required", "Patient.extension[0].url")]),
    (slot(schedule=[{"reference": "Schedule/1"}]), [("cardinality", "Slot.schedule")]),
    (slot(status=["free"]), [("cardinality", "Slot.status")]),
    (patient(name={"text": "a"}), [("cardinality", "Patient.name")]),
    (patient(name=[{"given": "a"}]), [("cardinality", "Patient.name[0].given")]),
    (patient(_birthDate=[{"id": "a"}]), [("type", "Patient.birthDate")]),
    (patient(name=[{"_given": {"id": "a"}}]), [("cardinality", "Patient.name[0].given")]),
    (observation(valueString="a", valueInteger=1), [("choice", "Observation.value")]),
    (observation(valueString="a", _valueInteger={"extension": [EXTENSION]}), [("choice", "Observation.value")]),
    # nothing there
    (patient(name=[]), [("empty", "Patient.name")]),
    (patient(name=[{}]), [("empty", "Patient.name[0]")]),
    (patient(name=[{"given": []}]), [("empty", "Patient.name[0].given")]),
    (patient(name=[{"_given": []}]), [("empty", "Patient.name[0].given")]),
    (patient(name=[{"given": [""]}]), [("empty", "Patient.name[0].given[0]")]),
    (patient(managingOrganization={}), [("empty", "Patient.managingOrganization")]),
    (patient(birthDate=""), [("empty", "Patient.birthDate")]),
    (patient(_birthDate={}), [("empty", "Patient.birthDate")]),
    (patient(_birthDate={"id": "a"}), [("ele-1", "Patient.birthDate")]),
    (patient(managingOrganization={"id": "a"}), [("ele-1", "Patient.managingOrganization")]),
    # null
    (patient(birthDate=None), [("null", "Patient.birthDate")]),
    (patient(managingOrganization=None), [("null", "Patient.managingOrganization")]),
    (patient(name=[None]), [("null", "Patient.name[0]")]),
    (patient(name=[{"given": ["a", None]}]), [("null", "Patient.name[0].given[1]")]),
    (patient(name=[{"given": ["a", None], "_given": [{"id": "b"}]}]), [("null", "Patient.name[0].given[1]")]),
    (patient(name=[{"_given": [None, {"extension": [EXTENSION]}]}]), [("null", "Patient.name[0].given[0]")]),
    (patient(_birthDate=None), [("null", "Patient.birthDate")]),
    # kinds and formats of values
    (patient(active="true"), [("type", "Patient.active")]),
    (patient(active=1), [("type", "Patient.active")]),
    (patient(birthDate=1930), [("type", "Patient.birthDate")]),
    (patient(birthDate={"a": 1}), [("type", "Patient.birthDate")]),
    (patient(managingOrganization="Organization/1"), [("type", "Patient.managingOrganization")]),
    (patient(name=["a"]), [("type", "Patient.name[0]")]),
    (patient(birthDate="1930-02-30"), [("format", "Patient.birthDate")]),
    (patient(multipleBirthInteger=Decimal("1.0")), [("type", "Patient.multipleBirth.ofType(integer)")]),
    (patient(telecom=[{"rank": 0}]), [("format", "Patient.telecom[0].rank")]),
    (patient(id="a_b"), [("format", "Patient.id")]),
    (patient(name=[{"family": "a\x08"}]), [("format", "Patient.name[0].family")]),
    (slot(start="2026-11-22T08:00:00"), [("format", "Slot.start")]),
    (patient(meta={"lastUpdated": "2026-11-22"}), [("format", "Patient.meta.lastUpdated")]),
    (
        patient(_birthDate={"extension": [{"url": "a b", "valueString": "a"}]}),
        [("format", "Patient.birthDate.extension[0].url")],
    ),
    # codes
    (slot(status="banana"), [("code", "Slot.status")]),
    (patient(contact=[{"name": {"text": "a"}, "gender": "x"}]), [("code", "Patient.contact[0].gender")]),
    (
        {
            "resourceType": "AllergyIntolerance",
            "text": TEXT,
            "patient": {"reference": "Patient/1"},
            "clinicalStatus": {"coding": [{"system": "http://x.example", "code": "active"}]},
        },
        [("code", "AllergyIntolerance.clinicalStatus")],
    ),
    (
        organization(endpoint=[{"reference": "Endpoint/1"}], contact=[{"address": {"type": "x", "use": "work"}}]),
        [("code", "Organization.contact[0].address.type")],
    ),
    # references
    (slot(schedule={"reference": "Patient/1"}), [("target", "Slot.schedule.reference")]),
    (slot(schedule={"reference": "http://x.example/fhir/Patient/1"}), [("target", "Slot.schedule.reference")]),
    (slot(schedule={"reference": "Patient?identifier=1"}), [("target", "Slot.schedule.reference")]),
    (slot(schedule={"reference": "Banana/1"}), [("reference", "Slot.schedule.reference")]),
    (slot(schedule={"reference": "nowhere"}), [("reference", "Slot.schedule.reference")]),
    (slot(schedule={"reference": "Schedule/a b"}), [("reference", "Slot.schedule.reference")]),
    (slot(schedule={"type": "Patient", "display": "a"}), [("target", "Slot.schedule.type")]),
    (slot(schedule={"type": "Banana", "display": "a"}), [("target", "Slot.schedule.type")]),
    (slot(schedule={"reference": "#s"}), [("ref-1", "Slot.schedule.reference")]),
    (
        patient(generalPractitioner=[{"reference": "Organization/1", "type": "Practitioner"}]),
        [("target", "Patient.generalPractitioner[0].type")],
    ),
    (
        slot(schedule={"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}]),
        [("target", "Slot.schedule.reference")],
    ),
    (
        bundle(
            {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "resource": patient()},
            {"resource": slot(schedule={"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"})},
        ),
        [("target", "Bundle.entry[1].resource.schedule.reference")],
    ),
    # resources
    ({"resourceType": "Banana"}, [("resource-type", "Resource")]),
    ({"resourceType": "DomainResource"}, [("resource-type", "Resource")]),
    ({"resourceType": ["Slot"]}, [("resource-type", "Resource")]),
    ({}, [("resource-type", "Resource")]),
    (
        patient(contained=[{"resourceType": "Banana"}]),
        [("resource-type", "Patient.contained[0]"), ("dom-3", "Patient.contained[0]")],
    ),
    (
        patient(managingOrganization={"reference": "Organization/1", "resourceType": "Reference"}),
        [("element", "Patient.managingOrganization")],
    ),
    (bundle({"resource": {"resourceType": "Banana"}}), [("resource-type", "Bundle.entry[0].resource")]),
    (bundle({"resource": slot(status="x")}), [("code", "Bundle.entry[0].resource.status")]),
    (
        {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": slot(status="x")}]},
        [("code", "Parameters.parameter[0].resource.status")],
    ),
    # contained
    (
        patient(
            managingOrganization={"reference": "#o"},
            contained=[{"resourceType": "Organization", "id": "o", "name": "a", "contained": [slot()]}],
        ),
        [("dom-2", "Patient.contained[0].contained")],
    ),
    (
        patient(contained=[{"resourceType": "Organization", "id": "o", "name": "a"}]),
        [("dom-3", "Patient.contained[0]")],
    ),
    (
        patient(
            managingOrganization={"reference": "#o"},
            contained=[{"resourceType": "Organization", "id": "o", "name": "a", "meta": META}],
        ),
        [("dom-4", "Patient.contained[0]"), ("dom-5", "Patient.contained[0]")],
    ),
    (
        patient(managingOrganization={"reference": "#o"}, contained=[{"resourceType": "Organization", "id": "o"}]),
        [("org-1", "Patient.contained[0]")],
    ),
    # narrative
    (slot(text={"status": "generated", "div": DIV.replace("Haus", "<script/>")}), [("txt-1", "Slot.text.div")]),
    (slot(text={"status": "generated", "div": DIV.replace("Haus am Moor", " ")}), [("txt-2", "Slot.text.div")]),
    (slot(text={"status": "generated"}), [("required", "Slot.text.div"), ("dom-6", "Slot")]),
    (slot(text={"status": "generated", "div": 1}), [("type", "Slot.text.div")]),
    # rules in Python
    (patient(photo=[{"data": "AAAA"}]), [("att-1", "Patient.photo[0]")]),
    (patient(telecom=[{"value": "1"}]), [("cpt-2", "Patient.telecom[0]")]),
    (patient(extension=[{"url": "a"}]), [("ext-1", "Patient.extension[0]")]),
    (patient(extension=[{**EXTENSION, "extension": [EXTENSION]}]), [("ext-1", "Patient.extension[0]")]),
    (patient(contact=[{"gender": "male"}]), [("pat-1", "Patient.contact[0]")]),
    (
        patient(identifier=[{"period": {"start": "2021", "end": "2020-12-31"}}]),
        [("per-1", "Patient.identifier[0].period")],
    ),
    (organization(name=None), [("null", "Organization.name")]),
    ({"resourceType": "Organization", "text": TEXT}, [("org-1", "Organization")]),
    (organization(address=[{"city": "a"}, {"use": "home"}]), [("org-2", "Organization.address[1]")]),
    (organization(telecom=[{"use": "home", "system": "phone", "value": "1"}]), [("org-3", "Organization.telecom[0]")]),
    (observation(valueQuantity={"code": "kg"}), [("qty-3", "Observation.value.ofType(Quantity)")]),
    (observation(valueRatio={"numerator": {"value": 1}}), [("rat-1", "Observation.value.ofType(Ratio)")]),
    (
        observation(referenceRange=[{"low": {"value": 1, "comparator": "<"}}]),
        [("sqty-1", "Observation.referenceRange[0].low")],
    ),
    (bundle(total=1), [("empty", "Bundle.entry"), ("bdl-1", "Bundle")]),
    (bundle({"resource": slot(), "search": {"mode": "match"}}), [("bdl-2", "Bundle")]),
    (bundle({"resource": slot()}, kind="batch"), [("bdl-3", "Bundle")]),
    (bundle({"resource": slot()}, kind="history"), [("bdl-3", "Bundle"), ("bdl-4", "Bundle")]),
    (bundle({"fullUrl": "urn:x:1"}), [("bdl-5", "Bundle.entry[0]")]),
    (
        bundle({"fullUrl": "urn:x:1", "resource": slot()}, {"fullUrl": "urn:x:1", "resource": slot()}),
        [("bdl-7", "Bundle")],
    ),
    (bundle({"fullUrl": "http://x.example/Slot/1/_history/1", "resource": slot()}), [("bdl-8", "Bundle.entry[0]")]),
    # rules in FHIRPath
    (observation(dataAbsentReason={"text": "a"}, valueString="b"), [("obs-6", "Observation")]),
    (observation(referenceRange=[{"age": {"low": {"value": 1}}}]), [("obs-3", "Observation.referenceRange[0]")]),
    (
        {**TASK, "authoredOn": "2026-11-22", "lastModified": "2026-11-21"},
        [("Task:inv-1", "Task")],
    ),
    (bundle({"resource": slot()}, kind="document"), [("bdl-9", "Bundle"), ("bdl-10", "Bundle"), ("bdl-11", "Bundle")]),
    (
        {"resourceType": "Parameters", "parameter": [{"name": "a", "valueString": "b", "resource": slot()}]},
        [("Parameters:inv-1", "Parameters.parameter[0]")],
    ),
    (
        slot(_comment={"extension": [{"url": "a", "valueTiming": {"repeat": {"period": 1}}}]}),
        [("tim-2", "Slot.comment.extension[0].value.ofType(Timing).repeat")],
    ),
    ({"resourceType": "Patient"}, [("dom-6", "Patient")]),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "expected"), WRONG)
def test_what_is_wrong_is_named_with_its_place(resource: Resource, expected: list[tuple[str, str]]) -> None:
    assert found(resource) == expected


def test_all_is_told_at_once() -> None:
    wrong = slot(status="x", start="y", schedule={"reference": "Patient/1"}, comment="", extension=[{"url": "a"}])
    assert {key for key, _ in found(wrong)} == {"code", "format", "target", "empty", "ext-1"}


def test_a_finding_says_what_would_be_right() -> None:
    (one,) = r4.findings(slot(status="banana"))
    for text in (one.text_en, one.text_de):
        assert "busy, free, busy-unavailable, busy-tentative, entered-in-error" in text
        assert "banana" not in text
    assert (one.severity, one.code) == ("error", "code-invalid")
    (one,) = r4.findings(slot(schedule={"reference": "Patient/1"}))
    assert "Schedule" in one.text_en
    (one,) = r4.findings(slot(stauts="free"))
    assert "status" in one.text_en
    assert "stauts" not in one.text_en + one.text_de


def test_a_long_list_of_codes_is_cut() -> None:
    (one,) = r4.findings({"resourceType": "List", "text": TEXT, "status": "x", "mode": "working"})
    assert one.text_en.count(",") < 20
    definition = {"resourceType": "GraphDefinition", "text": TEXT, "name": "A", "status": "draft", "start": "x"}
    (one,) = r4.findings(definition)
    assert "… (+" in one.text_en


def test_best_practice_only_warns() -> None:
    (one,) = r4.findings({"resourceType": "Patient"})
    assert (one.key, one.severity) == ("dom-6", "warning")


def test_a_resource_must_be_of_the_type_that_is_asked_for() -> None:
    assert [(one.key, one.expression) for one in r4.findings(slot(), type_name="Patient")] == [
        ("resource-type", "Slot")
    ]
    assert r4.findings(slot(), type_name="Slot") == []


def test_a_hash_means_the_resource_in_whose_entry_it_stands() -> None:
    contained = {"resourceType": "Organization", "id": "o", "name": "a"}
    one = patient(managingOrganization={"reference": "#o"}, contained=[contained])
    other = patient(managingOrganization={"reference": "#o"})
    assert found(bundle({"resource": one}, {"resource": other})) == [
        ("ref-1", "Bundle.entry[1].resource.managingOrganization.reference")
    ]


def test_more_than_two_hundred_findings_are_cut() -> None:
    many = r4.findings(patient(name=[{"use": "x"}] * 1000))
    assert len(many) == 201
    assert (many[-1].severity, many[-1].key) == ("information", "too-many")


def test_warnings_do_not_crowd_out_errors() -> None:
    plain = [{"resource": {name: value for name, value in slot().items() if name != "text"}}] * 1000
    errors = [one for one in r4.findings(bundle(*plain, {"resource": slot(status="x")})) if one.severity == "error"]
    assert [one.expression for one in errors] == ["Bundle.entry[1000].resource.status"]


def test_a_hostile_body_is_judged_in_linear_time() -> None:
    started = time.process_time()
    for hostile in (
        patient(**{f"x{number}": 1 for number in range(50_000)}),
        patient(contained=[{"resourceType": "Basic", "id": str(number)} for number in range(10_000)]),
        patient(managingOrganization={"reference": "http://x" + "/A/a#" * 200_000 + " "}),
        patient(photo=[{"contentType": "image/png", "data": "A A" * 300_000}]),
    ):
        r4.findings(hostile)
    assert time.process_time() - started < 5


def test_threads_may_meet_a_type_for_the_first_time_together() -> None:
    names = ("Claim", "Contract", "PlanDefinition", "MolecularSequence")
    resources = [{"resourceType": name, "text": TEXT, "id": "a b", "extension": [EXTENSION]} for name in names]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(found, [one for one in resources for _ in range(4)]))
    assert len(results) == 16
    for keys in ({key for key, _ in one} for one in results):
        assert "format" in keys
        assert "element" not in keys


@pytest.mark.parametrize("name", sorted(r4_types.resource_types()))
def test_every_type_can_be_judged(name: str) -> None:
    keys = {one.key for one in r4.findings({"resourceType": name, "id": "a_b"})}
    assert "format" in keys
    assert "element" not in keys


def test_rules_that_no_expression_can_be_made_of_are_known() -> None:
    """Of a choice, a rule is for one type: sqty-1 for the Quantity, ras-1 for the Range. And cid-0 is HL7's mistake."""
    lost: set[str] = set()
    for type_name in r4_types.names():
        found_type = r4_types.named(type_name)
        lost.update(key for key in found_type.invariants if r4._compiled(key, type_name) is None)
        for element in found_type.elements.values():
            for key in element.invariants:
                uncompiled = [one for one in element.types if r4._compiled(key, one) is None]
                if uncompiled == list(element.types) or (uncompiled and not element.is_choice):
                    lost.add(key)
    assert lost == {"cid-0"}


# --- the rules that are Python are what R4 says -----------------------------------------------------------------------

NAMES = {
    "att-1": ("Attachment", ("data", "contentType", "_data", "_contentType", "url")),
    "bdl-5": ("Bundle.entry", ("resource", "request", "response", "fullUrl")),
    "cpt-2": ("ContactPoint", ("value", "system", "_value", "_system", "use")),
    "ext-1": ("Extension", ("url", "extension", "valueString", "_valueString", "valuePeriod")),
    "org-1": ("Organization", ("identifier", "name", "_name", "alias")),
    "org-2": ("Address", ("use", "city")),
    "org-3": ("ContactPoint", ("use", "system")),
    "pat-1": ("Patient.contact", ("name", "telecom", "address", "organization", "gender")),
    "per-1": ("Period", ("start", "end", "_start")),
    "qty-3": ("Quantity", ("code", "system", "_code", "_system", "value")),
    "rat-1": ("Ratio", ("numerator", "denominator", "extension")),
    "sqty-1": ("Quantity", ("comparator", "_comparator", "value")),
    "bdl-8": ("Bundle.entry", ("fullUrl", "resource")),
}
MOMENTS = st.sampled_from(
    ["2020", "2020-06", "2020-06-15", "2021-01-01", "2020-06-15T10:00:00Z", "2020-06-15T10:00:00+05:00",
     "2020-06-15T11:30:00.5+02:00", "2019-12-31T23:30:00-05:00"]
)  # fmt: skip
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "fullUrl": st.sampled_from(["urn:x:1", "urn:x:2", "http://x.example/Slot/1/_history/1"]),
        "resource": st.builds(
            lambda version: {"resourceType": "Basic", **({"meta": {"versionId": version}} if version else {})},
            st.sampled_from(["", "1", "2"]),
        ),
        "request": st.just({"method": "GET", "url": "a"}),
        "response": st.just({"status": "200"}),
        "search": st.just({"mode": "match"}),
    },
).filter(bool)
BUNDLE_TYPES = (
    *("document", "message", "transaction", "transaction-response", "batch", "batch-response", "history"),
    *("searchset", "collection"),
)
BUNDLES = st.builds(
    lambda kind, more: {"resourceType": "Bundle", "type": kind, **more},
    st.sampled_from(BUNDLE_TYPES),
    st.fixed_dictionaries({}, optional={"total": st.just(1), "entry": st.lists(ENTRY, min_size=1, max_size=3)}),
)


def value_of(type_name: str, name: str) -> st.SearchStrategy[Any]:
    if name.startswith("_"):
        return st.just({"extension": [EXTENSION]})
    element, kind = r4_types.json_names(type_name)[name]
    if kind == "dateTime":
        return MOMENTS
    if name == "fullUrl":
        return st.sampled_from(["urn:x:1", "http://x.example/Slot/1/_history/1"])
    if name == "use":
        return st.sampled_from(["home", "work"])
    one: Any = {"string": "a", "decimal": 1, "Extension": EXTENSION, "Resource": {"resourceType": "Basic"}}.get(kind)
    if one is None:
        one = "a" if r4_types.named(kind).kind == "primitive" else {"extension": [EXTENSION]}
    return st.just([one] if element.repeats else one)


@given(st.data())
@pytest.mark.parametrize("key", sorted(set(r4_rules.RULES) - {"bdl-1", "bdl-2", "bdl-3", "bdl-4", "bdl-7"}))
def test_a_rule_in_python_is_its_expression(key: str, data: st.DataObject) -> None:
    type_name, names = NAMES[key]
    node = data.draw(st.fixed_dictionaries({}, optional={name: value_of(type_name, name) for name in names}))
    assert r4_rules.RULES[key](node) == by_expression(key, type_name, node)


@given(BUNDLES)
@pytest.mark.parametrize("key", ["bdl-1", "bdl-2", "bdl-3", "bdl-4", "bdl-7"])
def test_a_rule_for_bundles_in_python_is_its_expression(key: str, resource: Resource) -> None:
    assert r4_rules.RULES[key](resource) == by_expression(key, "Bundle", resource)


def by_expression(key: str, type_name: str, node: Resource) -> bool:
    expression = fhirpath.compile(r4_types.invariant(key).expression, of=type_name)
    return expression.holds(fhirpath.Node(type_name, node))


def test_every_rule_in_python_has_its_german_text() -> None:
    assert set(r4_rules.RULES) <= set(r4_rules.GERMAN)


# --- whatever comes ---------------------------------------------------------------------------------------------------


@st.composite
def mutations(draw: st.DrawFn) -> Resource:
    """A right resource with some of its values replaced, doubled or taken away."""
    resource = copy.deepcopy(draw(st.sampled_from(RIGHT)))
    for _ in range(draw(st.integers(1, 5))):
        changes: list[Change] = [*spots(resource), partial(resource.__setitem__, "id")]
        change = draw(st.sampled_from(changes))
        change(draw(json_values))
    return resource


Change = Callable[[Any], object]


def spots(node: Any) -> list[Change]:
    """The changes that can be made in a value, each of which takes another one."""
    found: list[Change] = []
    if isinstance(node, dict):
        for key, value in node.items():
            found += [*at(node, key), *spots(value)]
    elif isinstance(node, list):
        for index, value in enumerate(node):
            found += [partial(node.__setitem__, index), *spots(value)]
    return found


def at(node: Resource, key: str) -> tuple[Change, ...]:
    return partial(node.__setitem__, key), partial(node.__setitem__, f"_{key}"), lambda _: node.pop(key, None)


@given(mutations())
def test_a_mutated_resource_is_judged(resource: Resource) -> None:
    for one in r4.findings(resource):
        assert one.expression
        assert one.text_en
        assert one.text_de


@given(
    st.sampled_from(sorted(r4_types.resource_types())),
    st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    st.data(),
)
def test_any_resource_is_judged(name: str, more: Resource, data: st.DataObject) -> None:
    names = sorted(r4_types.json_names(name))
    elements = data.draw(st.dictionaries(st.sampled_from(names), json_values, max_size=4))
    for one in r4.findings({**more, **elements, "resourceType": name}):
        assert one.expression.startswith(name)


PLANTED = "Hohenfels"


@given(mutations())
def test_no_text_repeats_a_value_or_a_name_that_is_not_fhirs(resource: Resource) -> None:
    resource[PLANTED] = PLANTED
    resource["id"] = PLANTED * 10
    resource["language"] = f" {PLANTED}"
    for one in r4.findings(resource):
        assert PLANTED not in one.text_en + one.text_de + one.expression
