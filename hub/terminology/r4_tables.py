"""Makes `r4-code-systems.json` from HL7's package: `python -m hub.terminology.r4_tables FOLDER_OF_hl7.fhir.r4.core`.

One code system a line; of a concept its code, display, status and place in the hierarchy, and its definition where the
code system is FHIR's own.
HL7 publishes the package under CC0 (https://hl7.org/fhir/R4/license.html).
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["write"]

_OURS = (
    "http://terminology.hl7.org/CodeSystem/organization-type",
    "http://terminology.hl7.org/CodeSystem/v2-0203",
    "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
)
"""What our own resources use beyond required bindings."""

_HEADER = ("resourceType", "url", "version", "name", "status", "caseSensitive", "valueSet")
_PROPERTIES = ("notSelectable", "status", "child")


def write(package: Path, target: Path) -> None:
    """Writes the table of the code systems that are used."""
    codes = json.loads(resources.files("conformance.spec").joinpath("r4/codes.json").read_bytes())
    used = {system for systems in codes.values() for system in systems} | set(_OURS)
    systems = (json.loads(path.read_bytes()) for path in sorted(package.glob("CodeSystem-*.json")))
    lines = [
        json.dumps(_slim(system), ensure_ascii=False, separators=(",", ":"))
        for system in systems
        if system["url"] in used
    ]
    target.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _slim(system: Mapping[str, Any]) -> dict[str, Any]:
    own = system["url"].startswith("http://hl7.org/fhir/")
    kept = {name: system[name] for name in _HEADER if name in system}
    kept |= {name: system[name] for name in ("hierarchyMeaning", "content") if name in system}
    declared = [
        {name: value for name, value in each.items() if name != "description"}
        for each in system.get("property", ())
        if each["code"] in _PROPERTIES
    ]
    return kept | ({"property": declared} if declared else {}) | {"concept": list(_concepts(system["concept"], own))}


def _concepts(concepts: Sequence[Mapping[str, Any]], own: bool) -> Iterator[dict[str, Any]]:
    for concept in concepts:
        kept = {name: concept[name] for name in ("code", "display") if name in concept}
        if own and "definition" in concept:
            kept["definition"] = concept["definition"]
        if properties := [each for each in concept.get("property", ()) if each["code"] in _PROPERTIES]:
            kept["property"] = properties
        if narrower := list(_concepts(concept.get("concept", ()), own)):
            kept["concept"] = narrower
        yield kept


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(__file__).with_name("r4-code-systems.json"))
