"""JSON Patch and FHIRPath Patch."""

from contextlib import suppress
from copy import deepcopy
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Invalid
from hub.fhir import fhirpath_patch, json_patch, merge_patch
from mappings.errors import Rejected
from tests.hub.client import Client
from tests.hub.fhir.resources import organization, put, sent

JSON_PATCH = "application/json-patch+json"


def operation(kind: str, path: str, **parts: Any) -> dict[str, Any]:
    """An operation; `value=("String", "x")` is a typed value, a list the parts of an object."""
    told: list[dict[str, Any]] = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        if isinstance(value, tuple):
            told.append({"name": name, f"value{value[0]}": value[1]})
        elif isinstance(value, list):
            told.append({"name": name, "part": value})
        elif isinstance(value, dict):
            told.append({"name": name, **value})
        elif isinstance(value, int):
            told.append({"name": name, "valueInteger": value})
        else:
            told.append({"name": name, "valueString": value})
    return {"name": "operation", "part": told}


def parameters(*told: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(told)}


def applied(tree: dict[str, Any], *told: dict[str, Any]) -> dict[str, Any]:
    fhirpath_patch.apply(tree, fhirpath_patch.operations(parameters(*told)), size=1000)
    return tree


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


EXTENSION = {"url": "urn:example:e", "valueString": "x"}
VALUE_A, VALUE_B, VALUE_C = ({"value": letter} for letter in "abc")


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        (patient(), operation("add", "Patient", name="birthDate", value=("Date", "1930-01-01")),
         patient(birthDate="1930-01-01")),
        (patient(), operation("add", "Patient", name="name", value=("HumanName", {"text": "x"})),
         patient(name=[{"text": "x"}])),
        (patient(name=[{"text": "x"}]), operation("add", "Patient", name="name", value=("HumanName", {"text": "y"})),
         patient(name=[{"text": "x"}, {"text": "y"}])),
        (patient(), operation("add", "Patient", name="deceased", value=("Boolean", True)),
         patient(deceasedBoolean=True)),
        (patient(), operation("add", "Patient", name="deceased[x]", value=("DateTime", "2020")),
         patient(deceasedDateTime="2020")),
        (patient(), operation("add", "Patient", name="contact", value=[
            {"name": "name", "valueHumanName": {"text": "x"}},
            {"name": "relationship", "valueCodeableConcept": {"text": "1"}},
            {"name": "relationship", "valueCodeableConcept": {"text": "2"}}]),
         patient(contact=[{"name": {"text": "x"}, "relationship": [{"text": "1"}, {"text": "2"}]}])),
        (patient(birthDate="1930"), operation("add", "Patient.birthDate", name="extension",
                                              value=("Extension", EXTENSION)),
         patient(birthDate="1930", _birthDate={"extension": [EXTENSION]})),
        (patient(name=[{"given": ["a", "b"]}]),
         operation("add", "Patient.name.given[1]", name="extension", value=("Extension", EXTENSION)),
         patient(name=[{"given": ["a", "b"], "_given": [None, {"extension": [EXTENSION]}]}])),
        (patient(), operation("add", "Patient", name="contained",
                              value={"resource": {"resourceType": "Organization", "id": "o"}}),
         patient(contained=[{"resourceType": "Organization", "id": "o"}])),
        (patient(identifier=[VALUE_A, VALUE_C]), operation("insert", "Patient.identifier", index=1,
                                                           value=("Identifier", VALUE_B)),
         patient(identifier=[VALUE_A, VALUE_B, VALUE_C])),
        (patient(identifier=[VALUE_A]), operation("insert", "Patient.identifier", index=1,
                                                  value=("Identifier", VALUE_B)),
         patient(identifier=[VALUE_A, VALUE_B])),
        (patient(), operation("insert", "Patient.identifier", index=0, value=("Identifier", VALUE_A)),
         patient(identifier=[VALUE_A])),
        (patient(name=[{"given": ["a", "c"], "_given": [None, {"id": "3"}]}]),
         operation("insert", "Patient.name.given", index=1,
                   value={"valueString": "b", "_valueString": {"id": "2"}}),
         patient(name=[{"given": ["a", "b", "c"], "_given": [None, {"id": "2"}, {"id": "3"}]}])),
        (patient(birthDate="1930", _birthDate={"id": "1"}), operation("delete", "Patient.birthDate"), patient()),
        (patient(), operation("delete", "Patient.birthDate"), patient()),
        (patient(contact=[{"name": {"text": "x"}}], active=True), operation("delete", "Patient.contact.name.text"),
         patient(active=True)),
        (patient(identifier=[VALUE_A, VALUE_B]), operation("delete", "Patient.identifier.where(value = 'a')"),
         patient(identifier=[VALUE_B])),
        (patient(name=[{"given": ["a", "b"], "_given": [{"id": "1"}, None]}]),
         operation("delete", "Patient.name.given.first()"), patient(name=[{"given": ["b"]}])),
        (patient(birthDate="1930", _birthDate={"extension": [EXTENSION]}),
         operation("delete", "Patient.birthDate.extension[0]"), patient(birthDate="1930")),
        (patient(_birthDate={"extension": [EXTENSION]}), operation("delete", "Patient.birthDate.extension[0]"),
         patient()),
        (patient(birthDate="1930", _birthDate={"id": "1"}),
         operation("replace", "Patient.birthDate", value=("Date", "1931")), patient(birthDate="1931")),
        (patient(deceasedBoolean=True), operation("replace", "Patient.deceased", value=("DateTime", "2020")),
         patient(deceasedDateTime="2020")),
        (patient(name=[{"given": ["a", "b"]}]), operation("replace", "Patient.name.given[1]", value=("String", "c")),
         patient(name=[{"given": ["a", "c"]}])),
        (patient(identifier=[VALUE_A, VALUE_B, VALUE_C]),
         operation("move", "Patient.identifier", source=2, destination=0),
         patient(identifier=[VALUE_C, VALUE_A, VALUE_B])),
        (patient(name=[{"given": ["a", "b"], "_given": [None, {"id": "2"}]}]),
         operation("move", "Patient.name.given", source=1, destination=0),
         patient(name=[{"given": ["b", "a"], "_given": [{"id": "2"}, None]}])),
    ],
)  # fmt: skip
def test_fhirpath_patch_changes_what_the_path_finds(
    before: dict[str, Any], told: dict[str, Any], after: dict[str, Any]
) -> None:
    assert applied(before, told) == after


@pytest.mark.parametrize(
    "told",
    [
        operation("add", "Patient", name="active", value=("Boolean", True)),
        operation("add", "Patient", name="deceased", value=("DateTime", "2020")),
        operation("add", "Patient", name="colour", value=("String", "red")),
        operation("add", "Patient", name="deceased", value=("Quantity", {"value": 1})),
        operation("add", "Patient.photo", name="title", value=("String", "x")),
        operation("add", "Patient.identifier", name="value", value=("String", "x")),
        operation("insert", "Patient.identifier", index=3, value=("Identifier", VALUE_C)),
        operation("insert", "Patient.photo", index=1, value=("Attachment", {"title": "x"})),
        operation("insert", "Patient.active", index=0, value=("Boolean", True)),
        operation("insert", "Patient.identifier[0]", index=0, value=("Identifier", VALUE_C)),
        operation("insert", "Patient.name.given", index=0, value=("String", "x")),
        operation("delete", "Patient.identifier"),
        operation("delete", "Patient"),
        operation("delete", "Patient.identifier.count()"),
        operation("delete", "'x'"),
        operation("replace", "Patient.identifier", value=("Identifier", VALUE_C)),
        operation("replace", "Patient.photo", value=("Attachment", {"title": "x"})),
        operation("replace", "Patient", value=("String", "x")),
        operation("replace", "Patient.active.not()", value=("Boolean", True)),
        operation("move", "Patient.identifier", source=2, destination=0),
        operation("move", "Patient.identifier", source=0, destination=2),
        operation("move", "Patient.photo", source=0, destination=0),
        operation("delete", "Patient.descendants()"),
        operation("delete", "Patient.where(%resource.active)"),
        operation("delete", "Patient.repeat /* */ (contact)"),
    ],
)
def test_fhirpath_patch_refuses_what_cannot_be_done(told: dict[str, Any]) -> None:
    tree = patient(
        active=True, deceasedBoolean=False, identifier=[VALUE_A, VALUE_B], name=[{"given": ["a"]}, {"given": ["b"]}]
    )
    with pytest.raises(Invalid):
        applied(tree, told)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"name": "operation"},
        {"name": "other", "part": []},
        operation("grow", "Patient"),
        operation("add", "Patient", name="active"),
        operation("move", "Patient.name", source=-1, destination=0),
        operation("move", "Patient.name", source="x", destination=0),
        operation("delete", "Patient.("),
        operation("delete", "Patient" + ".x" * 300),
        operation("add", "Patient", name="contact", value=[]),
        operation("add", "Patient", name="contact", value=[{"valueString": "x"}]),
        {"name": "operation", "part": [{"name": "type", "valueCode": "delete"}] * 2},
        {"name": "operation", "part": [7]},
    ],
)
def test_what_is_no_fhirpath_patch_is_unreadable(told: Any) -> None:
    with pytest.raises(Rejected, match=r"Parameters\.parameter"):
        applied(patient(name=[{"text": "x"}]), told)


def test_fhirpath_patch_has_bounds() -> None:
    told = [operation("delete", "Patient.birthDate")]
    with pytest.raises(Rejected, match="up to 100"):
        fhirpath_patch.operations(parameters(*told * 101))
    with pytest.raises(Invalid, match="too many"):
        fhirpath_patch.apply(patient(), fhirpath_patch.operations(parameters(*told * 2)), size=20_000_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "name"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "given", "a"]), inner),
    max_leaves=6,
)
POINTER = st.lists(st.sampled_from(["name", "given", "a", "0", "1", "-", "~0", "", "resourceType"]), max_size=4).map(
    lambda steps: "".join(f"/{step}" for step in steps)
)
OPERATION = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": POINTER,
        "from": POINTER,
        "value": JSON,
    }
)


@given(st.lists(OPERATION, max_size=6))
def test_json_patch_is_done_or_refused(told: list[dict[str, Any]]) -> None:
    tree = patient(name=[{"given": ["a", "b"]}, {"a": 1}])
    with suppress(Rejected):
        assert isinstance(json_patch.apply(tree, json_patch.operations(orjson.dumps(told))), dict)


KINDS = st.sampled_from(["add", "insert", "delete", "replace", "move"])
PATHS = st.sampled_from(
    [
        *("Patient", "Patient.name", "Patient.name[0]", "Patient.name.given", "Patient.name[1].given[0]", "name"),
        *("Patient.deceased", "Patient.deceased.extension", "Patient.birthDate", "Patient.birthDate.extension"),
        *("Patient.contained", "Patient.contained.name", "Patient.name.given.extension.value", "Patient.nothing"),
    ]
)
PARTS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["name", "given", "deceased", "extension", "value", "id", "birthDate", "x"]),
        "index": st.integers(0, 2),
        "source": st.integers(0, 2),
        "destination": st.integers(0, 2),
        "value": st.sampled_from(
            [
                ("String", "x"),
                ("Boolean", True),
                ("HumanName", {"given": ["c"]}),
                ("Extension", EXTENSION),
                {"_valueString": {"extension": [EXTENSION]}},
                {"valueString": "x", "_valueString": {"id": "1"}},
                [{"name": "given", "valueString": "x"}],
                {"resource": {"resourceType": "Patient", "birthDate": "1930"}},
            ]
        ),
    }
)


@given(st.lists(st.tuples(KINDS, PATHS, PARTS), min_size=1, max_size=5))
def test_fhirpath_patch_is_done_or_refused(told: list[tuple[str, str, dict[str, Any]]]) -> None:
    tree = deepcopy(
        patient(
            name=[{"given": ["a", "b"], "_given": [None, {"extension": [EXTENSION]}]}, {"given": ["c"]}],
            deceasedBoolean=True,
            _birthDate={"extension": [EXTENSION]},
        )
    )
    with suppress(Rejected):
        applied(tree, *(operation(kind, path, **deepcopy(parts)) for kind, path, parts in told))
    for name in (one for one in tree.get("name", ()) if isinstance(one, dict)):
        # https://hl7.org/fhir/R4/json.html#primitive: what stands beside a list has its length.
        beside: list[Any] = name.get("_given", [])
        values: list[Any] = name.get("given", beside)
        assert not beside or len(beside) == len(values)
    assert "" not in tree
    assert all(value not in ({}, []) for value in tree.values())


def test_a_json_patch_is_an_update(client: Client) -> None:
    put(client, "a", 201, alias=["x"])
    told = [
        {"op": "test", "path": "/name", "value": "Pflegewerk Test"},
        {"op": "add", "path": "/alias/-", "value": "y"},
        {"op": "replace", "path": "/name", "value": "Haus"},
        {"op": "add", "path": "/meta/versionId", "value": "77"},
    ]
    response = sent(client, "PATCH", "Organization/a", told, status=200, media_type=JSON_PATCH)
    assert response.headers["etag"] == 'W/"2"'
    made = response.json()
    assert (made["name"], made["alias"], made["meta"]["versionId"]) == ("Haus", ["x", "y"], "2")
    assert client.json("/fhir/Organization/a") == made


def test_what_is_said_of_a_value_stays_beside_it_where_a_json_patch_empties_what_stood_before(client: Client) -> None:
    put(client, "a", 201, alias=["x", "y"], _alias=[{"extension": [EXTENSION]}, {"extension": [EXTENSION]}])
    told = [{"op": "remove", "path": "/_alias/0/extension/0"}]
    made = sent(client, "PATCH", "Organization/a", told, status=200, media_type=JSON_PATCH).json()
    assert (made["alias"], made["_alias"]) == (["x", "y"], [None, {"extension": [EXTENSION]}])
    told = [{"op": "remove", "path": "/_alias/1/extension/0"}]
    made = sent(client, "PATCH", "Organization/a", told, status=200, media_type=JSON_PATCH).json()
    assert made["alias"] == ["x", "y"]
    assert "_alias" not in made


def test_a_json_patch_leaves_nothing_empty_behind(client: Client) -> None:
    put(client, "a", 201, alias=["x"], contact=[{"name": {"family": "B", "given": ["C"]}}, {"name": {"family": "D"}}])
    told: list[dict[str, Any]] = [
        {"op": "remove", "path": "/alias/0"},
        {"op": "move", "from": "/contact/0/name/given/0", "path": "/contact/0/name/family"},
        {"op": "remove", "path": "/contact/1/name/family"},
    ]
    made = sent(client, "PATCH", "Organization/a", told, status=200, media_type=JSON_PATCH).json()
    assert "alias" not in made
    assert made["contact"] == [{"name": {"family": "C"}}]
    told = [{"op": "move", "from": "/contact/0/name/family", "path": "/name"}]
    made = sent(client, "PATCH", "Organization/a", told, status=200, media_type=JSON_PATCH).json()
    assert (made["name"], "contact" in made) == ("C", False)
    put(client, "a", 200, contact=[{"name": {"family": "C"}}])
    # What the sender writes is held to what FHIR wants of it.
    written: list[Any] = [[], [{}], [{"name": {}}]]
    for value in written:
        told = [{"op": "remove", "path": "/contact/0"}, {"op": "add", "path": "/contact", "value": value}]
        sent(client, "PATCH", "Organization/a", told, status=422, media_type=JSON_PATCH)


def test_what_a_json_patch_empties_beside_a_value_leaves_the_others_where_they_stand(client: Client) -> None:
    beside: list[Any] = [None, {"extension": [EXTENSION]}, {"id": "c"}]
    made = patient(name=[{"given": ["a", "b", "c"], "_given": beside}])
    sent(client, "PUT", "Patient/p", {**made, "id": "p"}, status=201)
    for path, left in (
        ("/name/0/_given/1/extension/0", {"given": ["a", "b", "c"], "_given": [None, None, {"id": "c"}]}),
        ("/name/0/_given/2/id", {"given": ["a", "b", "c"]}),
    ):
        told = [{"op": "remove", "path": path}]
        assert sent(client, "PATCH", "Patient/p", told, status=200, media_type=JSON_PATCH).json()["name"] == [left]


def test_a_json_patch_that_nests_without_end_is_refused(sqlite_client: Client) -> None:
    put(sqlite_client, "a", 201)
    deep: list[dict[str, Any]] = [{"op": "add", "path": f"/x{'/x' * level}", "value": {}} for level in range(49)]
    for times in (5, 12, 30):
        told = [*deep, *[{"op": "copy", "from": "", "path": "/x" + "/x" * 48}] * times]
        for last in ([], [{"op": "remove", "path": "/name"}], [{"op": "test", "path": "", "value": {}}]):
            sent(sqlite_client, "PATCH", "Organization/a", [*told, *last], status=422, media_type=JSON_PATCH)


def test_a_fhirpath_patch_is_an_update_in_both_formats(client: Client) -> None:
    put(client, "a", 201)
    told = parameters(operation("replace", "Organization.name", value=("String", "Haus")))
    assert sent(client, "PATCH", "Organization/a", told, status=200).json()["name"] == "Haus"
    body = (
        b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>'
        b'<part><name value="type"/><valueCode value="add"/></part>'
        b'<part><name value="path"/><valueString value="Organization"/></part>'
        b'<part><name value="name"/><valueString value="alias"/></part>'
        b'<part><name value="value"/><valueString value="Heim"/></part></parameter></Parameters>'
    )
    response = sent(client, "PATCH", "Organization/a", body, status=200, media_type="application/fhir+xml")
    assert response.json()["alias"] == ["Heim"]


def test_a_patch_keeps_decimals(client: Client) -> None:
    text = b'{"resourceType":"Location","id":"a","name":"x","position":{"longitude":8.050,"latitude":52.0}}'
    sent(client, "PUT", "Location/a", text, status=201)
    body = b'[{"op":"replace","path":"/position/latitude","value":53.10}]'
    response = sent(client, "PATCH", "Location/a", body, status=200, media_type=JSON_PATCH)
    assert b'"longitude":8.050,"latitude":53.10' in response.content
    told = b'[{"op":"test","path":"/position/latitude","value":53.1}]'
    sent(client, "PATCH", "Location/a", told, status=200, media_type=JSON_PATCH)
    assert json_patch.apply({"a": Decimal("1.50")}, json_patch.operations(b"[]")) == {"a": Decimal("1.50")}


def test_a_patch_that_changes_nothing_makes_no_version(client: Client) -> None:
    put(client, "a", 201)
    assert sent(client, "PATCH", "Organization/a", [], media_type=JSON_PATCH).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([{"op": "test", "path": "/name", "value": "other"}], 422),
        ([{"op": "remove", "path": "/nothing"}], 422),
        ([{"op": "remove", "path": "/name"}, {"op": "remove", "path": "/identifier"}], 422),
        ([{"op": "remove", "path": "/name"}], 422),
        ([{"op": "replace", "path": "/id", "value": "b"}], 422),
        ([{"op": "remove", "path": "/id"}], 422),
        ([{"op": "replace", "path": "/resourceType", "value": "Location"}], 422),
        ([{"op": "replace", "path": "", "value": []}], 422),
        ([{"op": "add", "path": "/active", "value": "yes"}], 422),
        ([{"op": "copy", "from": "", "path": "/x"}] * 60, 422),
        ([{"op": "add", "path": "/x", "value": 1}] * 1001, 400),
        ([{"op": "grow", "path": "/x"}], 400),
        ([{"op": "add", "path": "/x"}], 400),
        ([{"op": "add", "path": "x", "value": 1}], 400),
        ([{"op": "add", "path": "/x" * 51, "value": 1}], 400),
        ({"op": "add"}, 400),
        ([7], 400),
        (b"[", 400),
    ],
)
def test_a_patch_that_cannot_be_done_changes_nothing(sqlite_client: Client, told: Any, status: int) -> None:
    put(sqlite_client, "a", 201)
    outcome = sent(sqlite_client, "PATCH", "Organization/a", told, status=status, media_type=JSON_PATCH).json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert sqlite_client.json("/fhir/Organization/a")["meta"]["versionId"] == "1"


def test_other_patches_are_refused(sqlite_client: Client) -> None:
    put(sqlite_client, "a", 201)
    response = sent(sqlite_client, "PATCH", "Organization/a", b"{}", status=415, media_type="application/xml-patch+xml")
    assert JSON_PATCH in response.headers["accept-patch"]
    sent(sqlite_client, "PATCH", "Organization/a", organization(), status=400)


@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json"])
def test_a_merge_patch_says_only_what_changes(client: Client, media_type: str) -> None:
    address = {"city": "Vechta", "text": "x"}
    put(client, "a", 201, active=True, alias=["x", "y"], address=[address])
    changes = {"resourceType": "Organization", "active": None, "alias": ["z"], "telecom": None}
    sent(client, "PATCH", "Organization/a", changes, status=200, media_type=media_type)
    after = client.json("/fhir/Organization/a")
    assert "active" not in after
    assert (after["name"], after["alias"], after["address"]) == ("Pflegewerk Test", ["z"], [address])
    wrong = {"name": {"text": "x"}}
    sent(client, "PATCH", "Organization/a", wrong, status=422, media_type=media_type)
    sent(client, "PATCH", "Organization/a", {"id": "b"}, status=422, media_type=media_type)
    for body in (b"[1]", b'"x"', b"{"):
        sent(client, "PATCH", "Organization/a", body, status=400, media_type=media_type)
    assert client.json("/fhir/Organization/a") == after


def test_parameters_in_plain_json_are_a_fhirpath_patch(sqlite_client: Client) -> None:
    put(sqlite_client, "a", 201)
    told = parameters(operation("replace", "Organization.name", value=("String", "Haus")))
    sent(sqlite_client, "PATCH", "Organization/a", told, status=200, media_type="application/json")
    assert sqlite_client.json("/fhir/Organization/a")["name"] == "Haus"


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_merges_once_and_for_all(tree: dict[str, Any], changes: dict[str, Any]) -> None:
    merged = merge_patch.apply(tree, changes)
    assert merge_patch.apply(merged, changes) == merged
    assert {name for name in merged if name not in changes} == tree.keys() - changes.keys()
    assert all((name in merged) == (value is not None) for name, value in changes.items())
    assert merge_patch.apply(tree, {}) == tree


def test_a_patch_is_made_of_the_version_that_is_known(client: Client) -> None:
    put(client, "a", 201)
    told = [{"op": "replace", "path": "/name", "value": "Haus"}]
    sent(client, "PATCH", "Organization/a", told, status=412, media_type=JSON_PATCH, if_match='W/"2"')
    sent(client, "PATCH", "Organization/a", told, status=200, media_type=JSON_PATCH, if_match='W/"1"')
    sent(client, "DELETE", "Organization/a", status=204)
    sent(client, "PATCH", "Organization/a", told, status=410, media_type=JSON_PATCH)
    sent(client, "PATCH", "Organization/b", told, status=404, media_type=JSON_PATCH)


def test_a_condition_patches_the_one_that_meets_it(client: Client) -> None:
    for resource_id, name in (("a", "Haus"), ("b", "Heim"), ("c", "Heim")):
        put(client, resource_id, 201, name=name)
    told = [{"op": "replace", "path": "/name", "value": "Hof"}]
    sent(client, "PATCH", "Organization?name=Haus", told, status=200, media_type=JSON_PATCH)
    assert client.json("/fhir/Organization/a")["name"] == "Hof"
    sent(client, "PATCH", "Organization?name=Haus", told, status=404, media_type=JSON_PATCH)
    sent(client, "PATCH", "Organization?name=Heim", told, status=412, media_type=JSON_PATCH)
    sent(client, "PATCH", "Organization", told, status=400, media_type=JSON_PATCH)
