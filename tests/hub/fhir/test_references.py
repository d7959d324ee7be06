"""Where a resource names others."""

import pytest

from hub.fhir.references import Target, links, renamed_in_narrative, root_of, target_of

BASE = "http://127.0.0.1:8080/fhir"

RESOURCE = {
    "resourceType": "Observation",
    "meta": {"source": "urn:uuid:1", "profile": ["urn:uuid:2"]},
    "text": {"status": "generated", "div": '<div><a href="urn:uuid:3">x</a></div>'},
    "status": "final",
    "_status": {"extension": [{"url": "urn:uuid:4", "valueReference": {"reference": "Location/5"}}]},
    "note": [{"text": "Patient/6"}],
    "contained": [{"resourceType": "Patient", "generalPractitioner": [{"reference": "Practitioner/7"}]}],
    "instantiatesCanonical": "urn:uuid:8",
}


def test_links_are_found_by_their_types() -> None:
    found = {(link.kind, link.place, link.text) for link in links(RESOURCE)}
    assert found == {
        ("uri", ".meta.source", "urn:uuid:1"),
        ("narrative", ".text.div", RESOURCE["text"]["div"]),  # type: ignore[index]
        ("reference", ".status.extension[0].valueReference.reference", "Location/5"),
        ("reference", ".contained[0].generalPractitioner[0].reference", "Practitioner/7"),
    }
    assert {link.kind for link in links(RESOURCE, uris=False)} == {"reference"}


def test_a_bundle_inside_is_left_alone() -> None:
    inner = {"resourceType": "Bundle", "entry": [{"resource": RESOURCE}]}
    assert links({"resourceType": "Parameters", "parameter": [{"name": "a", "resource": inner}]}) == []


@pytest.mark.parametrize("tree", [{}, {"resourceType": 5}, {"resourceType": "Patient", "link": "x", "photo": [None]}])
def test_what_is_no_resource_has_no_links(tree: dict[str, object]) -> None:
    assert links(tree) == []


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Location/1", Target("Location", "1")),
        ("Location/1/_history/2", Target("Location", "1")),
        (f"{BASE}/Location/1", Target("Location", "1")),
        ("http://other.example/fhir/Location/1", None),
        ("#1", None),
        ("Nothing/1", None),
        ("Location?name=x", None),
        ("urn:uuid:1", None),
    ],
)
def test_a_literal_reference_names_a_resource_of_this_server(text: str, target: Target | None) -> None:
    assert target_of(text, BASE) == target


def test_the_root_of_an_address_stands_before_its_type() -> None:
    assert root_of("http://other.example/a/Location/1") == "http://other.example/a"
    assert root_of("urn:uuid:1") is None
    assert root_of("http://other.example/a/b") is None


def test_addresses_in_a_narrative_are_renamed_and_nothing_else() -> None:
    div = """<div>urn:uuid:3 <a title="urn:uuid:3" href='urn:uuid:3'>x</a> <img src="urn:uuid:4" alt="y"/></div>"""
    names = {"urn:uuid:3": "Location/1"}
    assert renamed_in_narrative(div, names.get) == div.replace("href='urn:uuid:3'", "href='Location/1'")
