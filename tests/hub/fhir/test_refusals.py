"""What a client that is almost right is told: the name that is meant, what there is, German and English."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from hub.hub import Hub
from tests.hub.client import Client

JSON = "application/fhir+json"
CARE_FORM = "https://platzfrei.org/fhir/CodeSystem/care-form"


@pytest.fixture
def client(sqlite_hub: Hub) -> Client:
    client = Client(sqlite_hub, sandbox=True)
    sent(client, "PUT", "Location/1", {"resourceType": "Location", "id": "1", "name": "Haus"}, status=201)
    return client


def sent(client: Client, method: str, path: str, body: Any, *, status: int, kind: str = JSON) -> Any:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    response = client.request(method, f"/fhir/{path}", content=content, headers={"content-type": kind})
    assert response.status_code == status, response.text
    return orjson.loads(response.content)


def text(outcome: Mapping[str, Any]) -> str:
    return str(outcome["issue"][0]["details"]["text"])


def german(outcome: Mapping[str, Any]) -> str:
    (translation,) = outcome["issue"][0]["details"]["_text"]["extension"]
    return next(str(part["valueString"]) for part in translation["extension"] if part["url"] == "content")


def replacing(path: str) -> dict[str, Any]:
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": path},
        {"name": "value", "valueString": "x"},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


def test_broken_xml_is_told_in_one_language_at_a_time(client: Client) -> None:
    body = b'<Location xmlns="http://hl7.org/fhir"><nam value="x"/></Location>'
    outcome = sent(client, "POST", "Location", body, status=400, kind="application/fhir+xml")
    assert text(outcome) == (
        "line 1: not valid FHIR XML: an element that Location does not have; perhaps name; the sender corrects it"
    )
    assert german(outcome) == (
        "Zeile 1: kein gültiges FHIR XML: ein Element, das Location nicht hat; vielleicht name; "
        "der Absender berichtigt es"
    )


@pytest.mark.parametrize("kind", ["application/fhir+xml", JSON])
@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_is_called_empty(client: Client, kind: str, body: bytes) -> None:
    assert "the body is empty" in text(sent(client, "POST", "Location", body, status=400, kind=kind))


@pytest.mark.parametrize("kind", ["application/fhir+xml", JSON])
def test_an_operation_without_a_body_says_what_it_needs(client: Client, kind: str) -> None:
    outcome = sent(client, "POST", "ValueSet/$expand", b"", status=400, kind=kind)
    assert text(outcome) == "expected url or valueSet"


@pytest.mark.parametrize(
    ("path", "text_en", "text_de"),
    [
        ("Location.nam", "'nam' is no element of Location; perhaps name", "kein Element von Location; vielleicht name"),
        ("Location.telecom.valu", "of ContactPoint; perhaps value", "von ContactPoint; vielleicht value"),
        ("Location.zzz", "there are: address, alias", "es gibt: address, alias"),
        ("Loc.name", "'Loc' is no type", "„Loc“ ist kein Typ"),
        ("Location.name and", "character 18", "Zeichen 18: hier wird ein Wert oder Name erwartet"),
    ],
)
def test_a_path_that_cannot_be_names_the_element_that_is_meant(
    client: Client, path: str, text_en: str, text_de: str
) -> None:
    outcome = sent(client, "PATCH", "Location/1", replacing(path), status=400)
    assert text_en in text(outcome)
    assert text_de in german(outcome)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"op": "replace", "path": "/nam", "value": "x"}, "step 1 of path is not there in the resource; perhaps name"),
        ({"op": "remove", "path": "/telecom"}, "there are: resourceType, id, meta, name"),
        ({"op": "replace", "path": "/name/x", "value": "x"}, "step 2 of path is not there in the resource; a plain"),
        ({"op": "move", "path": "/zzz/x", "from": "/name"}, "step 1 of path"),
        ({"op": "copy", "path": "/alias", "from": "/nam"}, "step 1 of from is not there in the resource; perhaps name"),
        ({"op": "remove", "path": "/meta/versionI"}, "step 2 of path is not there in the resource; perhaps versionId"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_told_what_there_is(
    client: Client, operation: dict[str, str], said: str
) -> None:
    outcome = sent(client, "PATCH", "Location/1", [operation], status=422, kind="application/json-patch+json")
    assert said in text(outcome)
    assert "Haus" not in text(outcome)


def test_a_list_in_plain_json_is_a_json_patch(client: Client) -> None:
    patch = b' \n[{"op": "replace", "path": "/name", "value": "Hof"}]'
    assert sent(client, "PATCH", "Location/1", patch, status=200, kind="application/json")["name"] == "Hof"
    assert sent(client, "PATCH", "Location/1", {"name": "Gut"}, status=200, kind="application/json")["name"] == "Gut"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("Patient?_has:Foo:subject:code=x", "'Foo' is no type that is searched here; GET metadata lists all"),
        ("Patient?_has:Observatio:subject:code=x", "perhaps Observation"),
        ("Location?name:foo=x", "name: modifiers possible here: :missing, :exact, :contains"),
        ("Observation?code-value-quantity=x", "code (code, system|code or |code) $ value.as(Quantity) (number, "),
    ],
)
def test_a_search_that_cannot_be_is_told_what_could(client: Client, query: str, said: str) -> None:
    assert said in text(client.json(f"/fhir/{query}", status=400, headers={"prefer": "handling=strict"}))


@pytest.mark.parametrize(
    ("change", "text_en", "text_de"),
    [
        (
            {"type": "number"},
            "the expression gives string, never anything for number; possible: string, token, uri",
            "die expression ergibt string, nie etwas für number; möglich: string, token, uri",
        ),
        ({"expression": "Location.nam"}, "is no element of Location; perhaps name", "ist kein Element von Location"),
        ({"expression": "Location.foo()"}, "'foo' is no function", "„foo“ ist keine Funktion"),
        ({"code": "name"}, "Location has a parameter of this name", "Location hat schon einen Parameter"),
    ],
)
def test_a_search_parameter_that_cannot_work_is_refused_in_both_languages(
    client: Client, change: dict[str, str], text_en: str, text_de: str
) -> None:
    parameter = {
        "resourceType": "SearchParameter",
        "url": "http://example.org/SearchParameter/w",
        "name": "w",
        "status": "active",
        "description": "w",
        "code": "w",
        "base": ["Location"],
        "type": "string",
        "expression": "Location.name",
    } | change
    outcome = sent(client, "POST", "SearchParameter", parameter, status=422)
    assert text(outcome).startswith("this parameter cannot be searched by: ")
    assert text_en in text(outcome)
    assert text_de in german(outcome)


def test_a_code_that_is_almost_right_is_answered_with_the_right_one(client: Client) -> None:
    outcome = client.json(f"/fhir/CodeSystem/$lookup?system={CARE_FORM}&code=kurzzeitpfleg", status=404)
    assert "perhaps kurzzeitpflege; GET ValueSet/$expand?url=" in text(outcome)
    query = text(outcome).partition("GET ")[2].partition(" ")[0]
    listed = client.json(f"/fhir/{query}")["expansion"]["contains"]
    assert "kurzzeitpflege" in [each["code"] for each in listed]


@pytest.mark.parametrize(
    ("language", "said"), [("de", "; vielleicht kurzzeitpflege"), ("en", "; perhaps kurzzeitpflege")]
)
def test_a_verdict_is_in_the_language_of_the_display(client: Client, language: str, said: str) -> None:
    for path in ("CodeSystem/$validate-code", "ValueSet/$validate-code"):
        url = CARE_FORM if path[0] == "C" else CARE_FORM.replace("CodeSystem", "ValueSet")
        asked = f"/fhir/{path}?url={url}&code=kurzzeitpfleg&displayLanguage={language}"
        (message,) = (part for part in client.json(asked)["parameter"] if part["name"] == "message")
        assert said in message["valueString"]


def test_a_translation_to_an_unknown_system_is_told_those_that_there_are(client: Client) -> None:
    asked = f"/fhir/ConceptMap/$translate?system={CARE_FORM}&code=hospiz&targetsystem=urn:none"
    (message,) = (part for part in client.json(asked)["parameter"] if part["name"] == "message")
    assert message["valueString"].startswith("No concept map leads to this targetsystem; there are: ")
    assert "https://platzfrei.org/fhir/sid/gkv-dta/leistungsart" in message["valueString"]
