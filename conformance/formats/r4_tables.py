"""Makes the tables of `conformance/spec/r4/` from HL7's package hl7.fhir.r4.core, as unpacked in a folder
(https://hl7.org/fhir/R4/downloads.html, CC0): `python -m conformance.formats.r4_tables FOLDER`.

The tables are what is committed; this runs only when they are to change.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["tables"]

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_FHIR_TYPE = f"{_CORE}structuredefinition-fhir-type"
_BEST_PRACTICE = f"{_CORE}elementdefinition-bestpractice"
_KINDS = {"resource": "resource", "complex-type": "complex", "primitive-type": "primitive"}
_BACKBONES = ("BackboneElement", "Element")
# Every element inherits these from Element and Extension: they are said once, of the types.
_EVERYWHERE = ("ele-1", "ext-1")
_LONGEST_DESCRIPTION = 200


def tables(folder: Path) -> dict[str, dict[str, Any] | list[Any]]:
    """File name → table, from the package's JSON files."""
    # Two profiles come without their snapshot; no element is of them.
    structures = [
        one for one in _artefacts(folder, "StructureDefinition") if one["kind"] in _KINDS and "snapshot" in one
    ]
    invariants = _Invariants(structures)
    types: dict[str, Any] = {}
    for structure in structures:
        if structure.get("derivation") != "constraint":
            types.update(_types(structure, invariants))
    kept = {
        element["binding"] for one in types.values() for element in one["elements"].values() if "binding" in element
    }
    return {
        "types.json": dict(sorted(types.items())),
        "invariants.json": dict(sorted(invariants.table.items())),
        "codes.json": _codes(folder, sorted(kept)),
        "search-parameters.json": sorted(
            # Ten say of no type that they search it.
            (_search_parameter(one) for one in _artefacts(folder, "SearchParameter") if "base" in one),
            key=lambda one: str(one["url"]),
        ),
        "compartments.json": {
            one["code"]: _compartment(one)
            for one in _artefacts(folder, "CompartmentDefinition")
            # The package's example is of no version.
            if "version" in one
        },
    }


def _artefacts(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(f"{kind}-*.json")):
        yield json.loads(path.read_bytes())


class _Invariants:
    """The rules by their names; a key that means different things in different types is named "Type:key"."""

    def __init__(self, structures: Iterable[Mapping[str, Any]]) -> None:
        self.table: dict[str, dict[str, str]] = {}
        self._of_profile: dict[str, list[dict[str, Any]]] = {}
        meanings: dict[str, set[str]] = {}
        for structure in structures:
            if structure.get("derivation") == "constraint":
                first = structure["differential"]["element"][0]
                self._of_profile[structure["url"]] = first.get("constraint", [])
                continue
            for definition in structure["snapshot"]["element"]:
                for rule in definition.get("constraint", ()):
                    meanings.setdefault(rule["key"], set()).add(rule["expression"])
        self._ambiguous = {key for key, expressions in meanings.items() if len(expressions) > 1}

    def names(self, definition: Mapping[str, Any], type_name: str) -> list[str]:
        """The names of an element's rules, which are put into the table."""
        rules = list(definition.get("constraint", ()))
        for used in definition.get("type", ()):
            for profile in used.get("profile", ()):
                rules.extend(self._of_profile[profile])
        return list(dict.fromkeys(self._name(rule, type_name) for rule in rules))

    def _name(self, rule: Mapping[str, Any], type_name: str) -> str:
        key = f"{type_name.partition('.')[0]}:{rule['key']}" if rule["key"] in self._ambiguous else rule["key"]
        best_practice = any(one["url"] == _BEST_PRACTICE for one in rule.get("extension", ()))
        self.table[key] = {
            "severity": "warning" if best_practice else rule["severity"],
            "expression": rule["expression"],
            "human": rule["human"],
        }
        return key


def _types(structure: Mapping[str, Any], invariants: _Invariants) -> dict[str, Any]:
    """The type of a StructureDefinition, and each of its backbone elements as a type of its own."""
    first, *rest = structure["snapshot"]["element"]
    name = structure["name"]
    base = structure.get("baseDefinition")
    types: dict[str, Any] = {
        name: {
            "kind": _KINDS[structure["kind"]],
            "base": base.removeprefix(_CORE) if base else None,
            "abstract": structure["abstract"],
            "elements": {},
            "invariants": invariants.names(first, name),
        }
    }
    if structure["kind"] == "resource":
        types[name]["invariants"] = [key for key in types[name]["invariants"] if key not in _EVERYWHERE]
    for definition in rest:
        above, _, element = definition["path"].rpartition(".")
        if definition["max"] == "0" or (structure["kind"] == "primitive-type" and element == "value"):
            continue
        used = _types_of(definition, resource=structure["kind"] == "resource" and above == name)
        rules = invariants.names(definition, name)
        if _is_backbone(used, rest, definition["path"]):
            types[definition["path"]] = {
                "kind": "element",
                "base": used[0],
                "abstract": False,
                "elements": {},
                "invariants": rules,
            }
            used, rules = [definition["path"]], []
        types[above]["elements"][element] = _element(definition, used, [one for one in rules if one not in _EVERYWHERE])
    return types


def _is_backbone(used: list[str], definitions: Iterable[Mapping[str, Any]], path: str) -> bool:
    below = f"{path}."
    return len(used) == 1 and used[0] in _BACKBONES and any(one["path"].startswith(below) for one in definitions)


def _types_of(definition: Mapping[str, Any], *, resource: bool) -> list[str]:
    if "contentReference" in definition:
        return [definition["contentReference"].removeprefix("#")]
    if resource and definition["path"].endswith(".id"):
        # HL7's own table says `string` here and `id` in the text.
        return ["id"]
    return list(dict.fromkeys(_type_code(used) for used in definition["type"]))


def _type_code(used: Mapping[str, Any]) -> str:
    for extension in used.get("extension", ()):
        if extension["url"] == _FHIR_TYPE:
            return str(extension["valueUrl"])
    return {"http://hl7.org/fhirpath/System.String": "string"}.get(used["code"], str(used["code"]))


def _element(definition: Mapping[str, Any], used: list[str], rules: list[str]) -> dict[str, Any]:
    element: dict[str, Any] = {"types": used, "min": definition["min"], "max": definition["max"]}
    targets = sorted(
        {
            target.removeprefix(_CORE)
            for one in definition.get("type", ())
            if one["code"] == "Reference"
            for target in one.get("targetProfile", ())
        }
    )
    if targets and targets != ["Resource"]:
        element["targets"] = targets
    binding = definition.get("binding", {})
    if binding.get("strength") == "required":
        element["binding"] = binding["valueSet"].partition("|")[0]
    if rules:
        element["invariants"] = rules
    if definition.get("isSummary"):
        element["summary"] = True
    return element


def _codes(folder: Path, wanted: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    value_sets = {one["url"]: one for one in _artefacts(folder, "ValueSet")}
    systems = {one["url"]: one for one in _artefacts(folder, "CodeSystem")}
    found = {}
    for url in wanted:
        codes = _expansion(value_sets[url], systems) if url in value_sets else None
        if codes is not None:
            found[url] = codes
    return found


def _expansion(value_set: Mapping[str, Any], systems: Mapping[str, Any]) -> dict[str, list[str]] | None:
    """System → codes, or None where the codes are not the package's to list (MIME types, currencies, UCUM)."""
    codes: dict[str, list[str]] = {}
    compose = value_set["compose"]
    if "exclude" in compose:
        raise ValueError(f"{value_set['url']} excludes: not foreseen")
    for part in compose["include"]:
        if "filter" in part or "valueSet" in part:
            raise ValueError(f"{value_set['url']} filters: not foreseen")
        system = systems.get(part["system"], {})
        listed = part.get("concept") or (system.get("concept") if system.get("content") == "complete" else None)
        if listed is None:
            return None
        codes.setdefault(part["system"], []).extend(_all_codes(listed))
    return codes


def _all_codes(concepts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        # What is notSelectable groups others, and is no code to write.
        abstract = any(
            one["code"] == "notSelectable" and one.get("valueBoolean") for one in concept.get("property", ())
        )
        if not abstract:
            yield concept["code"]
        yield from _all_codes(concept.get("concept", ()))


def _compartment(artefact: Mapping[str, Any]) -> dict[str, Any]:
    types = {one["code"]: one["param"] for one in artefact["resource"] if "param" in one}
    return {"url": artefact["url"], "types": types}


def _search_parameter(artefact: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        name: artefact[name] for name in ("url", "code", "type", "base", "expression", "target") if name in artefact
    }
    if "component" in artefact:
        kept["component"] = [
            {name: one[name] for name in ("definition", "expression")} for one in artefact["component"]
        ]
    description = artefact.get("description", "")
    if not description.startswith("Multiple Resources"):
        sentence = re.split(r"(?<=[a-z)]\.)\s|\r?\n", description.strip(), maxsplit=1)[0]
        if 0 < len(sentence) <= _LONGEST_DESCRIPTION:
            kept["description"] = sentence
    return kept


def _text(table: Mapping[str, Any] | list[Any]) -> str:
    """Compact, but a line an entry, so that a diff shows what changed."""
    if isinstance(table, list):
        return "[\n" + ",\n".join(_compact(one) for one in table) + "\n]\n"
    return "{\n" + ",\n".join(f"{_compact(name)}:{_compact(value)}" for name, value in table.items()) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main(arguments: list[str]) -> None:
    """Writes the tables beside the contract."""
    (folder,) = arguments
    target = Path(str(resources.files("conformance.spec"))) / "r4"
    for name, table in tables(Path(folder)).items():
        (target / name).write_text(_text(table), "utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
