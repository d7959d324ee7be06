"""$validate: what is wrong with a resource, told without storing it
(https://hl7.org/fhir/R4/resource-operation-validate.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hub.errors import Malformed, http_part
from hub.fhir.context import Context
from hub.fhir.form import pairs_of
from hub.fhir.outcome import outcome_bytes
from hub.fhir.parameters import given
from hub.fhir.profiles import is_base, named
from hub.fhir.received import received
from hub.fhir.request import Answer, Request
from hub.fhir.validation import validate
from hub.store.reader import Reader
from hub.store.repository import tree_of
from mappings.errors import Issue

__all__ = ["NAME", "RESOURCE", "ROUTES", "WRITES", "answer"]

NAME = "validate"
RESOURCE = ""
ROUTES = (
    ("POST", "/{type}/$validate"),
    ("GET", "/{type}/{id}/$validate"),
    ("POST", "/{type}/{id}/$validate"),
)
WRITES = False

_MODES = ("create", "update", "delete", "profile")


@dataclass(slots=True)
class _Asked:
    """`resource` is None where the one that is stored is meant."""

    resource: dict[str, Any] | None = None
    mode: str | None = None
    profiles: list[str] = field(default_factory=list)


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """200 and all findings, also where there is nothing to find."""
    resource_type, resource_id = request.variables["type"], request.variables.get("id")
    asked = _asked(request)
    issues: list[Issue] = []
    if asked.resource is None or asked.mode == "delete":
        if resource_id is None:
            raise _wrong("resource", "eine Ressource im Rumpf", "a resource in the body", "required")
        # Raises where there is none.
        read = replace(request, method="GET", path=(resource_type, resource_id), query="", headers={}, body=b"")
        stored = context.perform(context, reader, read).content
        asked.resource = asked.resource or tree_of(stored)
    tree = asked.resource
    if asked.mode != "delete":
        issues += validate(context, reader, tree, follows=asked.profiles)
        issues += _addressed(tree, resource_type, resource_id, asked.mode)
    issues += [
        _not_held(profile)
        for profile in asked.profiles
        if not is_base(profile, tree) and named(context, reader, tree, profile) is None
    ]
    return Answer(content=outcome_bytes(issues or [_fine()]))


def _asked(request: Request) -> _Asked:
    asked = _Asked()
    for name, value in pairs_of(request.query):
        if name == "mode":
            asked.mode = value
        elif name == "profile":
            asked.profiles.append(value)
    if request.body:
        tree = received(request).tree
        if tree["resourceType"] == "Parameters" and (request.variables["type"] != "Parameters" or _is_envelope(tree)):
            _open(tree, asked)
        else:
            asked.resource = tree
    if asked.mode is not None and asked.mode not in _MODES:
        listed = ", ".join(_MODES)
        raise _wrong("mode", f"eines von: {listed}", f"one of: {listed}", "code-invalid")
    if asked.mode == "profile" and not asked.profiles:
        raise _wrong("profile", "die URL eines Profils", "the URL of a profile", "required")
    return asked


def _is_envelope(tree: Mapping[str, Any]) -> bool:
    """Whether a Parameters resource brings one, rather than being the one to validate."""
    told = tree.get("parameter")
    return isinstance(told, list) and any(isinstance(one, dict) and one.get("name") == "resource" for one in told)


def _open(tree: Mapping[str, Any], asked: _Asked) -> None:
    for name, element, value in given(tree):
        if name == "resource" and element == "resource" and isinstance(value, dict):
            asked.resource = value
        elif name == "mode" and isinstance(value, str):
            asked.mode = value
        elif name == "profile" and isinstance(value, str):
            asked.profiles.append(value)


def _addressed(tree: Mapping[str, Any], resource_type: str, resource_id: str | None, mode: str | None) -> list[Issue]:
    """What the address would have against the resource."""
    told = tree.get("resourceType")
    if told != resource_type:
        return [
            _amiss(
                "Resource.resourceType", f"{resource_type}, wie in der Adresse", f"{resource_type}, as in the address"
            )
        ]
    if resource_id is not None and mode != "create" and tree.get("id") != resource_id:
        return [_amiss(f"{resource_type}.id", "die Id der Adresse", "the id of the address")]
    return []


def _amiss(place: str, expected_de: str, expected_en: str) -> Issue:
    return Issue(
        code="other-address",
        fhir_code="invalid",
        place=place,
        text_de=f"erwartet wird {expected_de}; der Absender berichtigt eines von beiden",
        text_en=f"expected {expected_en}; the sender corrects one of both",
    )


def _not_held(profile: str) -> Issue:
    shown = profile if profile.isascii() and profile.isprintable() and len(profile) <= 200 else "…"
    return Issue(
        code="unknown-profile",
        fhir_code="not-found",
        place=http_part("profile"),
        text_de=f"das Profil {shown} ist hier nicht bekannt: ob die Ressource ihm folgt, ist nicht geprüft",
        text_en=f"the profile {shown} is not known here: whether the resource follows it was not checked",
    )


def _fine() -> Issue:
    return Issue(
        code="valid",
        fhir_code="informational",
        severity="information",
        text_de="nichts zu beanstanden",
        text_en="nothing to object to",
    )


def _wrong(name: str, expected_de: str, expected_en: str, fhir_code: str) -> Malformed:
    return Malformed(
        Issue(
            code="validate",
            fhir_code=fhir_code,
            place=http_part(name),
            text_de=f"{name}: erwartet wird {expected_de}",
            text_en=f"{name}: expected {expected_en}",
        )
    )
