"""The tables of R4 agree with each other, and with what R4's text says."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.formats import r4_tables, r4_types
from conformance.formats.r4_primitives import PRIMITIVES

EVERY_TYPE = sorted(r4_types.names())


def test_there_are_r4s_146_resource_types() -> None:
    assert len(r4_types.resource_types()) == 146
    assert {"Slot", "Bundle", "Parameters"} <= r4_types.resource_types()
    assert r4_types.resource_types().isdisjoint({"Resource", "DomainResource", "HumanName", "Patient.contact"})


def test_every_word_of_a_type_is_defined() -> None:
    for name in EVERY_TYPE:
        found = r4_types.named(name)
        assert found.base is None or found.base in r4_types.names()
        keys = list(found.invariants)
        for element in found.elements.values():
            assert set(element.types) <= r4_types.names()
            assert element.is_choice or len(element.types) == 1
            assert set(element.targets) <= r4_types.resource_types()
            assert element.max is None or element.max == 1
            assert element.min in (0, 1)
            keys.extend(element.invariants)
        assert all(r4_types.invariant(key).expression for key in keys)


def test_every_primitive_type_has_its_values() -> None:
    assert {name for name in EVERY_TYPE if r4_types.named(name).kind == "primitive"} == set(PRIMITIVES)


def test_elements_are_inherited_and_in_the_order_of_the_schema() -> None:
    assert list(r4_types.element_types("Slot")) == [
        *("id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"),
        *("identifier", "serviceCategory", "serviceType", "specialty", "appointmentType", "schedule", "status"),
        *("start", "end", "overbooked", "comment"),
    ]


def test_an_element_knows_its_rules() -> None:
    schedule = r4_types.element_types("Slot")["schedule"]
    assert (schedule.types, schedule.min, schedule.max, schedule.targets) == (("Reference",), 1, 1, ("Schedule",))
    status = r4_types.element_types("Slot")["status"]
    assert status.binding is not None
    assert r4_types.codes(status.binding) == {
        "http://hl7.org/fhir/slotstatus": ("busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error")
    }
    assert r4_types.element_types("Organization")["address"].invariants == ("org-2",)
    assert r4_types.element_types("Observation.referenceRange")["low"].invariants == ("sqty-1",)
    assert r4_types.element_types("Bundle.entry")["link"].types == ("Bundle.link",)
    assert r4_types.element_types("Patient")["id"].types == ("id",)
    assert r4_types.named("Patient.contact").invariants == ("ele-1", "pat-1")


def test_a_choice_has_a_name_in_json_for_each_type() -> None:
    names = r4_types.json_names("Patient")
    assert names["deceasedBoolean"][0].name == names["deceasedDateTime"][0].name == "deceased[x]"
    assert names["deceasedDateTime"][1] == "dateTime"
    assert "deceased" not in names


def test_a_rule_of_several_meanings_is_named_with_its_type() -> None:
    assert "inv-1" not in {key for name in EVERY_TYPE for key in r4_types.named(name).invariants}
    assert "lastModified" in r4_types.invariant("Task:inv-1").expression


def test_best_practice_is_a_warning() -> None:
    assert r4_types.invariant("dom-6").severity == "warning"
    assert r4_types.invariant("dom-2").severity == "error"


def test_what_nobody_can_list_is_left_out() -> None:
    assert r4_types.codes("http://hl7.org/fhir/ValueSet/mimetypes") is None


def test_hl7s_search_parameters_are_there() -> None:
    found = {(base, one["code"]): one for one in r4_types.search_parameters() for base in one["base"]}
    assert len(r4_types.search_parameters()) == 1390
    assert found["Slot", "schedule"]["expression"] == "Slot.schedule"
    assert found["Account", "patient"]["target"] == ["Patient"]
    assert len(found["Observation", "code-value-quantity"]["component"]) == 2


# A package of one data type, one resource type, one profile and their codes.
def _element(path: str, kind: str = "", **more: Any) -> dict[str, Any]:
    return {"path": path, "min": 0, "max": "1", **({"type": [{"code": kind}]} if kind else {}), **more}


def _rule(key: str, expression: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "severity": "error", "human": key, "expression": expression, **more}


CORE = "http://hl7.org/fhir/StructureDefinition/"
BEST = [{"url": f"{CORE}elementdefinition-bestpractice", "valueBoolean": True}]
BINDING = {"strength": "required", "valueSet": "http://x.example/vs|1"}
THING = {
    "kind": "resource",
    "name": "Thing",
    "abstract": False,
    "baseDefinition": f"{CORE}DomainResource",
    "snapshot": {
        "element": [
            _element("Thing", constraint=[_rule("ele-1", "true"), _rule("thg-1", "a", extension=BEST)]),
            _element("Thing.id", "string"),
            _element("Thing.code", "code", binding=BINDING, isSummary=True),
            _element(
                "Thing.size",
                type=[{"code": "Amount", "profile": [f"{CORE}SimpleAmount"]}],
                constraint=[_rule("ele-1", "true")],
            ),
            _element("Thing.part", "BackboneElement", max="*", constraint=[_rule("thg-2", "b")]),
            _element("Thing.part.of", type=[{"code": "Reference", "targetProfile": [f"{CORE}Thing"]}]),
            _element("Thing.part.part", contentReference="#Thing.part", max="*"),
            _element("Thing.part.gone", "string", max="0"),
        ]
    },
}
SIMPLE = {
    "kind": "complex-type",
    "derivation": "constraint",
    "name": "SimpleAmount",
    "url": f"{CORE}SimpleAmount",
    "snapshot": {"element": []},
    "differential": {"element": [_element("Amount", constraint=[_rule("sam-1", "c")])]},
}
VALUE_SET = {"url": "http://x.example/vs", "compose": {"include": [{"system": "http://x.example/cs"}]}}
CODES: dict[str, Any] = {
    "url": "http://x.example/cs",
    "content": "complete",
    "concept": [
        {"code": "a", "concept": [{"code": "b"}]},
        {"code": "c", "property": [{"code": "notSelectable", "valueBoolean": True}]},
    ],
}
SEARCH = {
    "url": "http://x.example/sp",
    "code": "code",
    "type": "token",
    "base": ["Thing"],
    "expression": "Thing.code",
    "description": "What it is. And more.",
    "status": "draft",
}


COMPARTMENT = {
    "resourceType": "CompartmentDefinition",
    "url": "http://x.example/compartment",
    "code": "Patient",
    "resource": [{"code": "Thing", "param": ["subject"]}, {"code": "Other"}],
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, artefact in {
        "StructureDefinition-Thing": THING,
        "StructureDefinition-SimpleAmount": SIMPLE,
        "ValueSet-vs": VALUE_SET,
        "CodeSystem-cs": CODES,
        "SearchParameter-sp": SEARCH,
        "CompartmentDefinition-patient": {**COMPARTMENT, "version": "4.0.1"},
        "CompartmentDefinition-example": {**COMPARTMENT, "url": "http://x.example/none", "code": "Device"},
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(artefact), "utf-8")
    return tmp_path


def test_tables_are_made_from_a_package(package: Path) -> None:
    found = r4_tables.tables(package)
    assert found["types.json"] == {
        "Thing": {
            "kind": "resource",
            "base": "DomainResource",
            "abstract": False,
            "elements": {
                "id": {"types": ["id"], "min": 0, "max": "1"},
                "code": {"types": ["code"], "min": 0, "max": "1", "binding": "http://x.example/vs", "summary": True},
                "size": {"types": ["Amount"], "min": 0, "max": "1", "invariants": ["sam-1"]},
                "part": {"types": ["Thing.part"], "min": 0, "max": "*"},
            },
            "invariants": ["thg-1"],
        },
        "Thing.part": {
            "kind": "element",
            "base": "BackboneElement",
            "abstract": False,
            "elements": {
                "of": {"types": ["Reference"], "min": 0, "max": "1", "targets": ["Thing"]},
                "part": {"types": ["Thing.part"], "min": 0, "max": "*"},
            },
            "invariants": ["thg-2"],
        },
    }
    assert found["codes.json"] == {"http://x.example/vs": {"http://x.example/cs": ["a", "b"]}}
    assert found["invariants.json"]["thg-1"]["severity"] == "warning"  # type: ignore[call-overload]  # a table of names
    kept = ("url", "code", "type", "base", "expression")
    assert found["search-parameters.json"] == [{**{name: SEARCH[name] for name in kept}, "description": "What it is."}]
    assert found["compartments.json"] == {
        "Patient": {"url": "http://x.example/compartment", "types": {"Thing": ["subject"]}}
    }


def test_a_key_of_two_meanings_is_told_apart(package: Path) -> None:
    other = json.loads(json.dumps(THING).replace("Thing", "Item").replace('"expression": "a"', '"expression": "z"'))
    (package / "StructureDefinition-Item.json").write_text(json.dumps(other), "utf-8")
    found = r4_tables.tables(package)["invariants.json"]
    assert {"Thing:thg-1", "Item:thg-1", "thg-2"} <= set(found)
    assert "thg-1" not in found
