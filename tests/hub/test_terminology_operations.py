"""The terminology operations by HTTP: addresses, parameters, what is stored, and what is refused."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from hub.hub import Hub
from tests.hub.client import Client

CARE_FORM = "https://platzfrei.org/fhir/CodeSystem/care-form"
CARE_FORMS = "https://platzfrei.org/fhir/ValueSet/care-form"
DTA = "https://platzfrei.org/fhir/ConceptMap/care-form-dta"
GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
COLOURS = "http://example.org/colours"

COLOUR_SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": COLOURS,
    "version": "1",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [{"code": "red", "display": "Red", "concept": [{"code": "pink", "display": "Pink"}]}, {"code": "blue"}],
}
REDS: dict[str, Any] = {
    "resourceType": "ValueSet",
    "url": "http://example.org/reds",
    "status": "active",
    "compose": {
        "include": [{"system": COLOURS, "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}],
    },
}


@pytest.fixture
def client(hub: Hub) -> Client:
    return Client(hub, sandbox=True)


def post(client: Client, path: str, tree: Mapping[str, Any], *, status: int = 200) -> Any:
    response = client.request(
        "POST", f"/fhir/{path}", content=orjson.dumps(tree), headers={"content-type": "application/fhir+json"}
    )
    assert response.status_code == status, response.text
    return orjson.loads(response.content)


def asked(client: Client, path: str, *parameter: Mapping[str, Any], status: int = 200) -> Any:
    return post(client, path, {"resourceType": "Parameters", "parameter": list(parameter)}, status=status)


def value(tree: Mapping[str, Any], name: str) -> Any:
    found = [part for part in tree["parameter"] if part["name"] == name]
    return next((each for key, each in found[0].items() if key.startswith("value")), None) if found else None


def codes(tree: Mapping[str, Any]) -> list[str]:
    return [each["code"] for each in tree["expansion"].get("contains", ())]


def test_a_code_is_looked_up_by_get_and_post(client: Client) -> None:
    by_get = client.json(f"/fhir/CodeSystem/$lookup?system={GENDER}&code=male")
    coding = {"name": "coding", "valueCoding": {"system": GENDER, "code": "male"}}
    assert by_get == asked(client, "CodeSystem/$lookup", coding)
    assert value(by_get, "display") == "Male"


def test_names_come_in_the_language_of_the_client(client: Client) -> None:
    path = f"/fhir/CodeSystem/$lookup?system={CARE_FORM}&code=hospiz"
    assert value(client.json(path, headers={"accept-language": "de-DE,en;q=0.5"}), "display") == "Hospiz"
    assert value(client.json(f"{path}&displayLanguage=en"), "display") == "Hospice care"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"CodeSystem/$lookup?system={GENDER}&code=banana", 404, "not-found"),
        ("CodeSystem/$lookup?system=http://example.org/none&code=x", 404, "not-found"),
        (f"CodeSystem/$lookup?system={CARE_FORM}&code=hospiz&version=9", 404, "not-found"),
        ("CodeSystem/$lookup?code=male", 400, "required"),
        (f"CodeSystem/$lookup?system={GENDER}", 400, "required"),
        (f"CodeSystem/$subsumes?system={CARE_FORM}&codeA=hospiz", 400, "required"),
        (f"CodeSystem/$subsumes?system={CARE_FORM}&codeA=hospiz&codeB=banana", 404, "not-found"),
        ("ValueSet/$expand?url=http://example.org/none", 404, "not-found"),
        ("ValueSet/$expand", 400, "required"),
        (f"ValueSet/$expand?url={CARE_FORMS}&count=-1", 400, "value"),
        (f"ValueSet/$expand?url={CARE_FORMS}&wings=2", 400, "not-supported"),
        (f"ValueSet/$expand?url={CARE_FORMS}&filter=%01", 400, "value"),
        ("ValueSet/nobody/$expand", 404, "not-found"),
        ("ValueSet/$validate-code?url=http://example.org/none&code=x", 404, "not-found"),
        (f"ValueSet/$validate-code?url={CARE_FORMS}", 400, "required"),
        ("CodeSystem/$validate-code?url=http://example.org/none&code=x", 404, "not-found"),
        ("ConceptMap/$translate?url=http://example.org/none&system=x&code=x", 404, "not-found"),
        ("ConceptMap/$translate?code=x", 400, "required"),
    ],
)
def test_what_cannot_be_answered_says_why(client: Client, path: str, status: int, code: str) -> None:
    outcome = client.json(f"/fhir/{path}", status=status)
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["code"] == code


def test_an_unknown_value_set_is_answered_with_those_that_are_known(client: Client) -> None:
    outcome = client.json("/fhir/ValueSet/$expand?url=http://example.org/none", status=404)
    assert CARE_FORMS in outcome["issue"][0]["details"]["text"]


def test_a_code_is_validated_against_a_value_set(client: Client) -> None:
    path = f"/fhir/ValueSet/$validate-code?url={GENDERS}&system={GENDER}"
    assert value(client.json(f"{path}&code=female"), "result") is True
    wrong = client.json(f"{path}&code=banana")
    assert value(wrong, "result") is False
    assert "male, female, other, unknown" in value(wrong, "message")


def test_a_german_display_is_right(client: Client) -> None:
    path = f"/fhir/ValueSet/$validate-code?url={CARE_FORMS}&system={CARE_FORM}&code=tagespflege"
    assert value(client.json(f"{path}&display=Tagespflege"), "result") is True
    assert value(client.json(f"{path}&display=Hotel"), "result") is False


def test_a_codeable_concept_is_valid_by_one_of_its_codings(client: Client) -> None:
    codings = [{"system": "http://example.org/x", "code": "x"}, {"system": GENDER, "code": "other"}]
    url = {"name": "url", "valueUri": GENDERS}
    told = asked(
        client,
        "ValueSet/$validate-code",
        url,
        {"name": "codeableConcept", "valueCodeableConcept": {"coding": codings}},
    )
    assert value(told, "result") is True


def test_a_code_is_validated_against_a_code_system(client: Client) -> None:
    path = f"/fhir/CodeSystem/$validate-code?url={GENDER}"
    assert value(client.json(f"{path}&code=male"), "result") is True
    assert value(client.json(f"{path}&code=banana"), "result") is False
    other = {"name": "coding", "valueCoding": {"system": CARE_FORM, "code": "hospiz"}}
    assert value(asked(client, "CodeSystem/$validate-code", other), "result") is True
    url = {"name": "url", "valueUri": GENDER}
    assert value(asked(client, "CodeSystem/$validate-code", url, other), "result") is False


def test_what_is_stored_is_found_by_its_url_and_by_its_id(client: Client) -> None:
    system, value_set = (
        post(client, "CodeSystem", COLOUR_SYSTEM, status=201),
        post(client, "ValueSet", REDS, status=201),
    )
    assert codes(client.json(f"/fhir/ValueSet/$expand?url={REDS['url']}")) == ["red", "pink"]
    assert codes(client.json(f"/fhir/ValueSet/{value_set['id']}/$expand")) == ["red", "pink"]
    lookup = client.json(f"/fhir/CodeSystem/$lookup?system={COLOURS}&code=pink")
    assert value(lookup, "display") == "Pink"
    path = f"/fhir/ValueSet/{value_set['id']}/$validate-code?system={COLOURS}"
    assert value(client.json(f"{path}&code=pink"), "result") is True
    assert value(client.json(f"{path}&code=blue"), "result") is False
    path = f"/fhir/CodeSystem/{system['id']}/$subsumes?codeA=red&codeB=pink"
    assert value(client.json(path), "outcome") == "subsumes"
    assert value(client.json(f"/fhir/CodeSystem/{system['id']}/$validate-code?code=blue"), "result") is True


def test_of_several_versions_the_latest_counts_unless_one_is_named(client: Client) -> None:
    for version, concepts in (("9", ["a"]), ("10", ["a", "b"]), ("2", [])):
        concept = [{"code": code} for code in ["z", *concepts]]
        post(client, "CodeSystem", {**COLOUR_SYSTEM, "version": version, "concept": concept}, status=201)
    assert value(client.json(f"/fhir/CodeSystem/$lookup?system={COLOURS}&code=b"), "version") == "10"
    client.json(f"/fhir/CodeSystem/$lookup?system={COLOURS}&code=b&version=9", status=404)
    assert value(client.json(f"/fhir/CodeSystem/$lookup?system={COLOURS}&code=a&version=9"), "version") == "9"


def test_a_url_with_a_comma_is_one_url(client: Client) -> None:
    url = "http://example.org/a,b$c"
    post(client, "CodeSystem", {**COLOUR_SYSTEM, "url": url}, status=201)
    found = client.json("/fhir/CodeSystem/$lookup", params={"system": url, "code": "red"})
    assert value(found, "display") == "Red"


def test_a_value_set_is_sent_along_or_stands_for_itself(client: Client) -> None:
    inline = {
        **REDS,
        "compose": {"include": [{"system": GENDER}], "exclude": [{"system": GENDER, "concept": [{"code": "male"}]}]},
    }
    part = {"name": "valueSet", "resource": inline}
    count = {"name": "count", "valueInteger": 1}
    assert codes(asked(client, "ValueSet/$expand", part)) == ["female", "other", "unknown"]
    page = asked(client, "ValueSet/$expand", part, count)
    assert (codes(page), page["expansion"]["total"]) == (["female"], 3)
    assert codes(post(client, "ValueSet/$expand", inline)) == ["female", "other", "unknown"]


def test_what_is_sent_along_must_be_valid(client: Client) -> None:
    wrong: tuple[Any, ...] = ("x", {"include": "x"}, {"include": [{"system": 5}]}, {"include": [{"concept": [{}]}]})
    for compose in wrong:
        broken = {**REDS, "compose": compose}
        outcome = asked(client, "ValueSet/$expand", {"name": "valueSet", "resource": broken}, status=422)
        assert outcome["resourceType"] == "OperationOutcome"


def test_an_unknown_code_system_within_is_named_as_such(client: Client) -> None:
    unclear = {**REDS, "compose": {"include": [{"system": "http://example.org/none"}]}}
    outcome = post(client, "ValueSet/$expand", unclear, status=422)
    assert (outcome["issue"][0]["code"], outcome["issue"][0]["expression"]) == ("not-found", ["CodeSystem"])


def test_a_care_form_is_translated_and_back(client: Client) -> None:
    path = f"/fhir/ConceptMap/$translate?url={DTA}"
    told = client.json(f"{path}&system={CARE_FORM}&code=tagespflege")
    assert value(told, "result") is True
    match = next(part for part in told["parameter"] if part["name"] == "match")
    assert match["part"][1]["valueCoding"]["code"] == "02"
    back = client.json(f"{path}&code=02&reverse=true")
    match = next(part for part in back["parameter"] if part["name"] == "match")
    assert match["part"][1]["valueCoding"] == {"system": CARE_FORM, "code": "tagespflege", "display": "Day care"}
    none = client.json(f"{path}&system={CARE_FORM}&code=hospiz")
    assert value(none, "result") is False
    assert "SGB V" in value(none, "message")


def test_without_a_map_all_of_ours_are_looked_in(client: Client) -> None:
    told = client.json(f"/fhir/ConceptMap/$translate?system={CARE_FORM}&code=dauerpflege")
    sources = {
        part["valueUri"]
        for match in told["parameter"]
        if match["name"] == "match"
        for part in match["part"]
        if part["name"] == "source"
    }
    assert {DTA, "https://platzfrei.org/fhir/ConceptMap/care-form-ihed"} <= sources


def test_without_a_map_those_that_are_stored_are_looked_in(client: Client) -> None:
    for version, code in (("1", "old"), ("2", "new")):
        element = {"code": "red", "target": [{"code": code, "equivalence": "equal"}]}
        group = {"source": COLOURS, "target": "urn:example:paint", "element": [element]}
        stored = {"resourceType": "ConceptMap", "url": "urn:example:map", "version": version, "status": "active"}
        post(client, "ConceptMap", {**stored, "group": [group]}, status=201)
    post(
        client, "ConceptMap", {**stored, "url": "urn:example:other", "group": [{**group, "source": GENDER}]}, status=201
    )

    def found(query: str) -> list[str]:
        told = client.json(f"/fhir/ConceptMap/$translate?{query}")
        matches = [part["part"] for part in told["parameter"] if part["name"] == "match"]
        return [one["valueCoding"]["code"] for part in matches for one in part if one["name"] == "concept"]

    assert found(f"system={COLOURS}&code=red") == ["new"]
    assert found("system=urn:example:paint&code=new&reverse=true") == ["red", "red"]
    assert found(f"system={COLOURS}&code=red&targetsystem=urn:example:nothing") == []


def test_the_version_that_is_asked_about_is_that_of_the_instance(client: Client) -> None:
    value_set = post(client, "ValueSet", {**REDS, "version": "2"}, status=201)
    post(client, "CodeSystem", COLOUR_SYSTEM, status=201)
    path = f"/fhir/ValueSet/{value_set['id']}/$expand?valueSetVersion"
    assert codes(client.json(f"{path}=2")) == ["red", "pink"]
    assert client.json(f"{path}=1", status=404)["issue"][0]["code"] == "not-found"


def test_the_capability_statement_names_the_operations(client: Client) -> None:
    rest = client.json("/fhir/metadata")["rest"][0]
    named = {one["type"]: {each["name"] for each in one.get("operation", ())} for one in rest["resource"]}
    assert named["CodeSystem"] >= {"lookup", "subsumes", "validate-code"}
    assert named["ValueSet"] >= {"expand", "validate-code"}
    assert named["ConceptMap"] >= {"translate"}
