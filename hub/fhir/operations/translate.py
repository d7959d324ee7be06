"""ConceptMap/$translate: what a code is in another code system (https://hl7.org/fhir/R4/conceptmap-operation-translate.html).

Where no map is named, ours are looked in, and all that are stored from the code's system.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.fhir.context import Context
from hub.fhir.definitions import StoredDefinitions
from hub.fhir.formats import encoded
from hub.fhir.request import Answer, Request
from hub.fhir.terminology import Question, missing, question
from hub.store.reader import Reader
from hub.terminology import translation
from hub.terminology.definitions import Unknown

__all__ = ["NAME", "ROUTES", "WRITES", "answer"]

NAME = "translate"
ROUTES = tuple((method, f"/ConceptMap/{where}${NAME}") for where in ("", "{id}/") for method in ("GET", "POST"))
WRITES = False

_PARAMETERS = {
    "url": "uri",
    "conceptMap": "ConceptMap",
    "conceptMapVersion": "string",
    "code": "code",
    "system": "uri",
    "version": "string",
    "source": "uri",
    "coding": "Coding",
    "codeableConcept": "CodeableConcept",
    "target": "uri",
    "targetsystem": "uri",
    "dependency": "part*",
    "reverse": "boolean",
}


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A Parameters resource with `result` and every match; 404 for a url that nobody knows."""
    asked = question(context, reader, request, _PARAMETERS, operation=NAME)
    tree = asked.subject(
        "ConceptMap", inline="conceptMap", url=asked.one("url"), version=asked.one("conceptMapVersion")
    )
    found: list[translation.Match] = []
    targets: set[str] = set()
    stored, reverse = StoredDefinitions(context, reader), asked.one("reverse", False)
    try:
        for coded in asked.coded():
            if tree is None and not coded.system:
                raise missing(
                    "system", "erwartet wird system, oder url einer Tabelle", "expected system, or a map's url"
                )
            one = _asked(asked, coded.code, coded.system)
            shipped = asked.definitions.concept_maps()
            maps = (tree,) if tree is not None else (*shipped, *stored.concept_maps(coded.system, reverse=reverse))
            targets |= translation.target_systems(maps, one)
            found += (each for each in translation.matches(maps, one, asked.definitions) if each not in found)
    except Unknown as error:
        raise asked.unresolved(error) from error
    instead = set() if asked.one("targetsystem") in {"", *targets} else targets
    return Answer(content=encoded(translation.written(found, asked.languages, sorted(instead))))


def _asked(asked: Question, code: str, system: str) -> translation.Asked:
    return translation.Asked(
        code=code,
        system=system,
        source=asked.one("source"),
        target=asked.one("target"),
        target_system=asked.one("targetsystem"),
        reverse=asked.one("reverse", False),
        dependencies=tuple(_dependency(parts) for parts in asked.all("dependency")),
        languages=asked.languages,
    )


def _dependency(parts: Sequence[Mapping[str, Any]]) -> tuple[str, frozenset[tuple[str, str]]]:
    told = {part.get("name"): part for part in parts}
    codings = told.get("concept", {}).get("valueCodeableConcept", {}).get("coding", ())
    return told.get("element", {}).get("valueUri", ""), frozenset(
        (coding.get("system", ""), coding.get("code", "")) for coding in codings
    )
