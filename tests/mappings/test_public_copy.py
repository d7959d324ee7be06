"""What everybody may see of a resource that was written through FHIR."""

import json
from typing import Any

import pytest

from mappings.public_copy import hides_nothing, public_copy
from mappings.to_fhir import INTERNAL

PHONE = {"system": "phone", "value": "04471 555-0"}
INTERNAL_PHONE = {"system": "phone", "value": "04471 555-99", "extension": [{"url": INTERNAL, "valueBoolean": True}]}


def home(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": "h", "name": "Haus", **elements}


def test_what_hides_nothing_is_shown_as_it_is() -> None:
    resource = home(telecom=[PHONE], contact=[{"telecom": [PHONE]}])
    assert public_copy(resource) is resource


def test_internal_contacts_go_wherever_they_stand() -> None:
    resource = home(telecom=[PHONE, INTERNAL_PHONE], contact=[{"telecom": [INTERNAL_PHONE]}])
    assert public_copy(resource) == home(telecom=[PHONE])
    assert resource["telecom"] == [PHONE, INTERNAL_PHONE]


def test_not_internal_is_not_hidden() -> None:
    told = {**PHONE, "extension": [{"url": INTERNAL, "valueBoolean": False}]}
    assert public_copy(home(telecom=[told])) == home(telecom=[told])


@pytest.mark.parametrize("kind", ["Patient", "Practitioner", "Provenance", "Slot", "Schedule", "Task", "Basic"])
def test_other_types_are_not_public(kind: str) -> None:
    assert public_copy({"resourceType": kind, "id": "x"}) is None


@pytest.mark.parametrize(("code", "shown"), [("U", True), ("L", True), ("N", False), ("R", False), ("V", False)])
def test_what_is_labelled_confidential_is_not_public(code: str, shown: bool) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": code}
    assert (public_copy(home(meta={"security": [label]})) is not None) is shown


@pytest.mark.parametrize(
    "resource",
    [
        home(telecom=[INTERNAL_PHONE]),
        home(meta={"security": [{"code": "R"}]}),
    ],
)
@pytest.mark.parametrize("escaped", [False, True])
def test_what_may_hide_something_is_looked_at(resource: dict[str, Any], escaped: bool) -> None:
    text = json.dumps(resource, separators=(",", ":"))
    if escaped:
        text = text.replace("/", "\\/").replace('"security"', '"s\\u0065curity"')
    assert json.loads(text) == resource
    assert not hides_nothing(text.encode())
    assert hides_nothing(json.dumps(home(telecom=[PHONE])).encode())


def test_headers_of_an_endpoint_are_not_public() -> None:
    endpoint = {"resourceType": "Endpoint", "id": "e", "address": "https://a.example", "header": ["Authorization: x"]}
    assert public_copy(endpoint) == {"resourceType": "Endpoint", "id": "e", "address": "https://a.example"}
    assert not hides_nothing(json.dumps(endpoint).encode())
