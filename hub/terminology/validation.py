"""Whether a code is one of a code system or a value set, and what is wrong where it is not
(https://hl7.org/fhir/R4/valueset-operation-validate-code.html).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from conformance.formats.alike import meant
from hub.terminology import parameters
from hub.terminology.concepts import CodeSystem
from hub.terminology.definitions import Unknown
from hub.terminology.languages import said
from hub.terminology.value_sets import Member, ValueSet

__all__ = ["Asked", "Validation", "best", "in_code_system", "in_value_set", "unknown", "written"]

_SHOWN = 20
_COMPARED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A code to be validated; without `system` the value set has to tell which one is meant."""

    code: str
    system: str = ""
    version: str = ""
    display: str = ""
    abstract: bool = True
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What came out: `display` is the right one, the texts say what is wrong."""

    result: bool
    display: str = ""
    text_de: str = ""
    text_en: str = ""


def in_code_system(system: CodeSystem, asked: Asked) -> Validation:
    """Whether a code system has a code, under this display."""
    concept = system.concept(asked.code)
    if concept is None:
        near_de, near_en = meant(asked.code, system.concepts)
        known_de, known_en = _listed(system.concepts, "bekannt", "known")
        known_de, known_en = f"{near_de}{known_de}", f"{near_en}{known_en}"
        if system.content != "complete":
            return Validation(
                result=False,
                text_de=f"Das lässt sich nicht sagen: nur ein Teil des Codesystems {system.name} ist bekannt{known_de}",
                text_en=f"This cannot be told: only a part of the code system {system.name} is known{known_en}",
            )
        return Validation(
            result=False,
            text_de=f"Das Codesystem {system.name} hat diesen Code nicht{known_de}",
            text_en=f"The code system {system.name} has no such code{known_en}",
        )
    member = Member(
        system=system.url,
        code=concept.code,
        concept=concept,
        code_system=system,
        inactive=concept.inactive,
        abstract=concept.abstract,
    )
    return _judged(member, asked)


def in_value_set(value_set: ValueSet, asked: Asked) -> Validation:
    """Whether a value set has a code, under this display."""
    try:
        found = [each for each in value_set.candidates(asked.code) if asked.system in ("", each.system)]
        systems = sorted({each.system for each in found})
        if not found:
            return _not_in(value_set, asked.code)
    except Unknown as error:
        return unknown(error)
    if len(systems) > 1:
        return Validation(
            result=False,
            text_de=f"Mehrere Codesysteme haben diesen Code; mit system einen nennen: {', '.join(systems)}",
            text_en=f"Several code systems have this code; name one by system: {', '.join(systems)}",
        )
    return _judged(found[0], asked)


def unknown(error: Unknown) -> Validation:
    """That it cannot be told, because a definition is missing."""
    known_de = f"; bekannt ist Version {error.known}" if error.known else ""
    known_en = f"; version {error.known} is known" if error.known else ""
    return Validation(
        result=False,
        text_de=f"Das lässt sich nicht sagen: {error.kind} {error.url} ist hier nicht bekannt{known_de}",
        text_en=f"This cannot be told: {error.kind} {error.url} is not known here{known_en}",
    )


def best(verdicts: Iterable[Validation]) -> Validation:
    """That of several codings: one that is right is enough."""
    told = list(verdicts)
    right = next((each for each in told if each.result), None)
    if right is not None:
        return right
    if not told:
        return Validation(
            result=False, text_de="Erwartet wird mindestens ein coding", text_en="Expected at least one coding"
        )
    return Validation(
        result=False,
        display=told[0].display if len(told) == 1 else "",
        text_de="; ".join(dict.fromkeys(each.text_de for each in told)),
        text_en="; ".join(dict.fromkeys(each.text_en for each in told)),
    )


def written(verdict: Validation, languages: tuple[str, ...]) -> dict[str, Any]:
    """The verdict as a Parameters resource."""
    message = said({"de": verdict.text_de, "en": verdict.text_en}, languages)
    return parameters.resource(
        parameters.part("result", valueBoolean=verdict.result),
        *([parameters.part("message", valueString=message)] if message else []),
        *([parameters.part("display", valueString=verdict.display)] if verdict.display else []),
    )


def _judged(member: Member, asked: Asked) -> Validation:
    display = member.label(asked.languages)
    version = member.code_system.version if member.code_system else ""
    if asked.version and version and asked.version != version:
        return Validation(
            result=False,
            display=display,
            text_de=f"Von diesem Codesystem ist hier Version {version} bekannt",
            text_en=f"Of this code system version {version} is known here",
        )
    if member.abstract and not asked.abstract:
        return Validation(
            result=False,
            display=display,
            text_de="Der Code ist abstrakt: er ordnet andere und wird selbst nicht verwendet",
            text_en="The code is abstract: it groups others and is not used itself",
        )
    names = member.names()
    if asked.display and names and _folded(asked.display) not in map(_folded, names):
        listed = ", ".join(f"„{name}“" for name in sorted(names))
        listed_en = ", ".join(f'"{name}"' for name in sorted(names))
        return Validation(
            result=False,
            display=display,
            text_de=f"Der Code ist richtig, der display nicht; richtig: {listed}",
            text_en=f"The code is right, its display is not; right: {listed_en}",
        )
    inactive = ("Der Code wird nicht mehr verwendet", "The code is no longer in use") if member.inactive else ("", "")
    return Validation(result=True, display=display, text_de=inactive[0], text_en=inactive[1])


def _folded(display: str) -> str:
    return " ".join(display.split()).casefold()


def _not_in(value_set: ValueSet, code: str) -> Validation:
    name = value_set.url or value_set.tree.get("name", "ValueSet")
    codes = list(islice(_codes(value_set), _COMPARED))
    near_de, near_en = meant(code, codes)
    known_de, known_en = _listed(codes, "seine Codes", "its codes")
    known_de, known_en = f"{near_de}{known_de}", f"{near_en}{known_en}"
    return Validation(
        result=False,
        text_de=f"Der Code ist nicht im Value Set {name}{known_de}",
        text_en=f"The code is not in the value set {name}{known_en}",
    )


def _codes(value_set: ValueSet) -> Iterator[str]:
    return (member.code for member in value_set.members())


def _listed(codes: Iterable[str], named_de: str, named_en: str) -> tuple[str, str]:
    shown = list(islice(codes, _SHOWN + 1))
    if not shown:
        return "", ""
    text = ", ".join(shown[:_SHOWN]) + (" …" if len(shown) > _SHOWN else "")
    return f"; {named_de}: {text}", f"; {named_en}: {text}"
