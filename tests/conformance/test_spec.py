"""The contract as data: every artefact is whole and fits the others."""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from conformance import spec
from conformance.formats import fhirpath, r4_types

FOLDER = resources.files("conformance.spec")
FILES = sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".json"))
KINDS = sorted({name.split("-", 1)[0] for name in FILES})
MAPS = sorted(entry.name for entry in resources.files("mappings").joinpath("terminology").iterdir())


def _artefact(name: str) -> dict[str, Any]:
    artefact: dict[str, Any] = json.loads(FOLDER.joinpath(name).read_bytes())
    return artefact


def _map(name: str) -> dict[str, Any]:
    concept_map: dict[str, Any] = json.loads(resources.files("mappings").joinpath("terminology", name).read_bytes())
    return concept_map


def _concepts(concepts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for concept in concepts:
        yield concept
        yield from _concepts(concept.get("concept", []))


def _codes(system: dict[str, Any]) -> list[str]:
    return [concept["code"] for concept in _concepts(system["concept"])]


CODES = {system["url"]: set(_codes(system)) for system in spec.load("CodeSystem")}


def test_load_finds_every_artefact() -> None:
    assert [f"{kind}-{artefact['id']}.json" for kind in KINDS for artefact in spec.load(kind)] == FILES
    assert KINDS == [
        "CodeSystem",
        "Measure",
        "OperationDefinition",
        "SearchParameter",
        "StructureDefinition",
        "ValueSet",
    ]


@pytest.mark.parametrize("name", FILES)
def test_file_name_id_and_url_agree(name: str) -> None:
    artefact = _artefact(name)
    assert name == f"{artefact['resourceType']}-{artefact['id']}.json"
    assert artefact["url"] == spec.canonical(artefact["resourceType"], artefact["id"])
    assert artefact["status"] == "active"
    assert artefact["description"]


def test_urls_are_unique() -> None:
    urls = [_artefact(name)["url"] for name in FILES] + [_map(name)["url"] for name in MAPS]
    assert len(urls) == len(set(urls))


@pytest.mark.parametrize("system", spec.load("CodeSystem"), ids=lambda system: str(system["id"]))
def test_every_code_has_a_german_and_an_english_display(system: dict[str, Any]) -> None:
    codes = _codes(system)
    assert system["count"] == len(codes) == len(set(codes))
    displays = []
    for concept in _concepts(system["concept"]):
        german = [each["value"] for each in concept["designation"] if each["language"] == "de"]
        assert concept["display"], concept["code"]
        assert concept["definition"], concept["code"]
        assert len(german) == 1, concept["code"]
        displays.append((concept["display"], german[0]))
    assert len({english for english, _ in displays}) == len({german for _, german in displays}) == len(codes)


@pytest.mark.parametrize("system", spec.load("CodeSystem"), ids=lambda system: str(system["id"]))
def test_properties_of_codes_are_those_that_the_system_declares(system: dict[str, Any]) -> None:
    declared = {each["code"]: each["type"] for each in system.get("property", ())}
    for concept in _concepts(system["concept"]):
        for told in concept.get("property", ()):
            kind = declared[told["code"]]
            assert told.keys() == {"code", f"value{kind.capitalize()}"}


@pytest.mark.parametrize("system", spec.load("CodeSystem"), ids=lambda system: str(system["id"]))
def test_every_code_system_has_a_value_set_of_all_its_codes(system: dict[str, Any]) -> None:
    value_set = _artefact(f"ValueSet-{system['id']}.json")
    assert system["valueSet"] == value_set["url"]
    assert value_set["compose"] == {"include": [{"system": system["url"]}]}


@pytest.mark.parametrize("parameter", spec.load("SearchParameter"), ids=lambda parameter: str(parameter["id"]))
def test_search_parameter_says_what_to_index(parameter: dict[str, Any]) -> None:
    (base,) = parameter["base"]
    assert parameter["id"] == f"{base}-{parameter['code']}"
    fhirpath.compile(parameter["expression"], of=base)
    assert bool(parameter.get("target")) == (parameter["type"] == "reference")
    assert not [one for one in r4_types.search_parameters() if one["code"] == parameter["code"] and base in one["base"]]


def _elements() -> Iterator[Any]:
    for definition in spec.load("StructureDefinition"):
        for element in definition["differential"]["element"]:
            yield pytest.param(element, id=f"{definition['id']}:{element['id']}")


@pytest.mark.parametrize("element", list(_elements()))
def test_bindings_of_extensions_exist(element: dict[str, Any]) -> None:
    types = [each["code"] for each in element.get("type", [])]
    if types in (["code"], ["Coding"]):
        assert element["binding"]["strength"] == "required"
        assert element["binding"]["valueSet"] in _known_value_sets()
    else:
        assert "binding" not in element


def _known_value_sets() -> set[str]:
    ours = {value_set["url"] for value_set in spec.load("ValueSet")}
    return ours | {
        "http://hl7.org/fhir/ValueSet/administrative-gender",
        "http://hl7.org/fhir/ValueSet/days-of-week",
        "http://hl7.org/fhir/ValueSet/units-of-time",
    }


@pytest.mark.parametrize("definition", spec.load("StructureDefinition"), ids=lambda each: str(each["id"]))
def test_extension_fixes_its_url_and_those_of_its_parts(definition: dict[str, Any]) -> None:
    elements = {element["id"]: element for element in definition["differential"]["element"]}
    assert elements["Extension.url"]["fixedUri"] == definition["url"]
    parts = [element["sliceName"] for element in elements.values() if "sliceName" in element]
    simple = elements["Extension.extension"].get("max") == "0"
    assert simple != bool(parts)
    assert len(elements["Extension.value[x]"].get("type", ())) == (1 if simple else 0)
    for part in parts:
        assert elements[f"Extension.extension:{part}.url"]["fixedUri"] == part
        assert len(elements[f"Extension.extension:{part}.value[x]"]["type"]) == 1
    required = sum(element["min"] for element in elements.values() if "sliceName" in element)
    assert elements["Extension.extension"].get("min", 0) == required


def test_bindings_of_operations_exist() -> None:
    for operation in spec.load("OperationDefinition"):
        for parameter in operation["parameter"]:
            if parameter["type"] == "code":
                assert parameter["binding"]["valueSet"] in _known_value_sets()


@pytest.mark.parametrize("name", MAPS)
def test_concept_map_is_named_by_its_file(name: str) -> None:
    concept_map = _map(name)
    assert name == f"{concept_map['id']}.json"
    assert concept_map["url"] == spec.canonical("ConceptMap", concept_map["id"])


@pytest.mark.parametrize("name", MAPS)
def test_codes_of_concept_maps_exist_where_the_system_is_ours(name: str) -> None:
    for group in _map(name)["group"]:
        assert {group["source"], group["target"]} & CODES.keys() or "administrative-gender" in group["target"]
        for element in group["element"]:
            assert element["code"] in CODES.get(group["source"], {element["code"]})
            assert len({target.get("code") for target in element["target"]}) == len(element["target"])
            for target in element["target"]:
                assert ("code" in target) == (target["equivalence"] != "unmatched")
                assert "comment" in target or target["equivalence"] not in {"unmatched", "inexact", "narrower"}
                if "code" in target:
                    assert target["code"] in CODES.get(group["target"], {target["code"]})
