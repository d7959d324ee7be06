"""R4's own code systems and the value sets of its required bindings, as its package publishes them
(https://hl7.org/fhir/R4/terminologies-systems.html).
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["VERSION", "code_system", "value_set"]

VERSION = "4.0.1"


def code_system(url: str) -> Mapping[str, Any] | None:
    """A CodeSystem of R4 that a required binding or one of our resources uses: codes, displays, hierarchy."""
    return _code_systems().get(url)


def value_set(url: str) -> Mapping[str, Any] | None:
    """A ValueSet of R4: one of a required binding, or all codes of a code system that is there."""
    systems = _required().get(url)
    if systems is not None:
        include = [
            {"system": system, "concept": [{"code": code} for code in codes]} for system, codes in systems.items()
        ]
    elif (whole := _whole().get(url)) is not None:
        include = [{"system": whole}]
    else:
        return None
    return {
        "resourceType": "ValueSet",
        "url": url,
        "version": VERSION,
        "name": "".join(word.capitalize() for word in url.rpartition("/")[2].split("-")),
        "status": "active",
        "compose": {"include": include},
    }


@cache
def _code_systems() -> Mapping[str, Mapping[str, Any]]:
    systems = json.loads(resources.files(__package__).joinpath("r4-code-systems.json").read_bytes())
    return {system["url"]: system for system in systems}


@cache
def _whole() -> Mapping[str, str]:
    return {system["valueSet"]: url for url, system in _code_systems().items() if "valueSet" in system}


@cache
def _required() -> Mapping[str, Mapping[str, list[str]]]:
    found: Mapping[str, Mapping[str, list[str]]] = json.loads(
        resources.files("conformance.spec").joinpath("r4/codes.json").read_bytes()
    )
    return found
