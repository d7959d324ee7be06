"""Every operation takes its Parameters in JSON and in XML, and says what it cannot take."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from conformance.formats import fhir_xml
from hub.fhir import router
from hub.fhir.formats import encoded
from hub.hub import Hub
from tests.hub.client import Client

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
CARE_FORM = "https://platzfrei.org/fhir/CodeSystem/care-form"
CARE_FORMS = "https://platzfrei.org/fhir/ValueSet/care-form"
DTA = "https://platzfrei.org/fhir/ConceptMap/care-form-dta"
CODED = {"code": "valueCode=hospiz", "system": f"valueUri={CARE_FORM}"}
LOCATION = {"resourceType": "Location", "status": "banana"}

ASKED: Mapping[str, Mapping[str, Any]] = {
    "HealthcareService/$find-vacancies": {
        "postal-code": "valueString=49661",
        "care-form": "valueCode=kurzzeitpflege",
        "distance": Decimal("12.5"),
        "places": 2,
    },
    "HealthcareService/$search-protocol": {"postal-code": "valueString=49661", "distance": Decimal("12.5")},
    "CodeSystem/$lookup": CODED,
    "CodeSystem/$subsumes": {
        "codeA": "valueCode=hospiz",
        "codeB": "valueCode=tagespflege",
        "system": f"valueUri={CARE_FORM}",
    },
    "CodeSystem/$validate-code": {"url": f"valueUri={CARE_FORM}", "code": "valueCode=hospiz"},
    "ValueSet/$validate-code": {"url": f"valueUri={CARE_FORMS}", **CODED},
    "ValueSet/$expand": {"url": f"valueUri={CARE_FORMS}", "count": 3, "activeOnly": True},
    "ConceptMap/$translate": {"url": f"valueUri={DTA}", **CODED},
    "Measure/$evaluate-measure": {
        "measure": "valueString=Measure/region-coverage",
        "periodStart": "valueDate=2026-11-01",
        "periodEnd": "valueDate=2026-11-30",
    },
    "Location/$validate": {"mode": "valueCode=create", "resource": LOCATION},
}


@pytest.fixture
def client(sqlite_hub: Hub) -> Client:
    return Client(sqlite_hub)


def parameters(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [_parameter(name, value) for name, value in told.items()]}


def _parameter(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        element, _, text = value.partition("=")
        return {"name": name, element: text}
    kind = {bool: "valueBoolean", int: "valueInteger", Decimal: "valueDecimal", dict: "resource"}[type(value)]
    return {"name": name, kind: value}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).partition("=")[2] or str(value)


def post(client: Client, path: str, body: bytes, media_type: str) -> httpx.Response:
    return client.request("POST", f"/fhir/{path}", content=body, headers={"content-type": media_type})


def test_none_is_left_out() -> None:
    posted = {
        path.rpartition("/")[2]
        for module in router.modules()
        for method, path in module.ROUTES
        if method == "POST" and "$" in path
    }
    assert posted == {path.rpartition("/")[2] for path in ASKED}


@pytest.mark.parametrize("path", ASKED)
def test_parameters_come_in_json_and_in_xml(client: Client, path: str) -> None:
    tree = parameters(ASKED[path])
    by_json = post(client, path, encoded(tree), FHIR_JSON)
    assert by_json.status_code == 200, by_json.text
    by_xml = post(client, path, fhir_xml.write(tree), FHIR_XML)
    assert (by_xml.status_code, _content(by_xml)) == (200, _content(by_json))


def _content(answer: httpx.Response) -> Any:
    """What is answered, without the name and the moment that an expansion has of its own, and without a signature."""
    tree = answer.json()
    tree.pop("signature", None)
    for name in ("identifier", "timestamp"):
        tree.get("expansion", {}).pop(name, None)
    return tree


@pytest.mark.parametrize("path", [path for path in ASKED if path != "Location/$validate"])
def test_what_is_in_the_query_string_counts_beside_an_empty_body(client: Client, path: str) -> None:
    told = {name: _text(value) for name, value in ASKED[path].items()}
    by_get = client.get(f"/fhir/{path}", params=told)
    assert by_get.status_code == 200, by_get.text
    by_post = client.request("POST", f"/fhir/{path}", params=told, headers={"content-type": FHIR_JSON})
    assert (by_post.status_code, _content(by_post)) == (200, _content(by_get))


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"x", "text/plain", 415),
        (b"{", FHIR_JSON, 400),
        (b"<Parameters", FHIR_XML, 400),
        (b'{"resourceType":"Parameters","parameter":[5]}', FHIR_JSON, None),
        (b'{"resourceType":"Parameters","parameter":[{"name":"url"}]}', FHIR_JSON, None),
        (b'{"resourceType":"Parameters","parameter":[{"name":"near","valueRange":{}}]}', FHIR_JSON, None),
    ],
)
def test_what_is_no_parameters_is_refused(
    client: Client, path: str, body: bytes, media_type: str, status: int | None
) -> None:
    answer = post(client, path, body, media_type)
    assert answer.status_code == status if status else answer.status_code in (400, 422), answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "one",
    [
        {"name": "postal-code", "valueBoolean": True},
        {"name": "postal-code", "valueString": "4\0"},
        {"name": "postal-code", "part": [{"name": "x", "valueString": "x"}]},
        {"name": "postal-code", "valueCoding": {"code": "x"}},
        {"name": "postal-code", "valueString": "49661", "valueCode": "49661"},
        {"valueString": "49661"},
    ],
)
def test_a_search_for_places_takes_plain_values_alone(client: Client, one: Mapping[str, Any]) -> None:
    body = orjson.dumps({"resourceType": "Parameters", "parameter": [one]})
    answer = post(client, "HealthcareService/$find-vacancies", body, FHIR_JSON)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("path", "length"),
    [("HealthcareService/$find-vacancies", 64 * 1024), ("CodeSystem/$lookup", 1024 * 1024)],
)
def test_too_much_is_refused(client: Client, path: str, length: int) -> None:
    answer = post(client, path, b" " * (length + 1), FHIR_JSON)
    assert answer.status_code == 413, answer.text
    assert f"{length:,}" in answer.json()["issue"][0]["details"]["text"]
