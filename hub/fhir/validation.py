"""Whether a resource may be stored: all findings at once (https://hl7.org/fhir/R4/validation.html)."""

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.formats import r4
from hub.errors import Invalid
from hub.fhir import profiles
from hub.fhir.context import Context
from hub.store.reader import Reader
from mappings.errors import Issue

__all__ = ["issues_of", "refuse_invalid", "validate"]


def validate(
    context: Context,
    reader: Reader,
    tree: Mapping[str, Any],
    *,
    place: str | None = None,
    follows: Sequence[str] = (),
    base: Sequence[Issue] | None = None,
) -> list[Issue]:
    """Everything there is to say of a resource; `place` is where it stands, unless that is its own type, and `base`
    what `issues_of` said already.

    It is held to the profiles that it claims, and to those it `follows`; of these, what is not known is passed over.
    """
    found = issues_of(tree, place=place) if base is None else list(base)
    if not isinstance(tree.get("resourceType"), str):
        return found
    claimed = profiles.claimed(context, reader, tree)
    held = dict.fromkeys(claimed.findings)
    for canonical in follows:
        held.update(dict.fromkeys(profiles.named(context, reader, tree, canonical) or ()))
    found += [_issue(finding, place) for finding in held]
    found += [_unknown_profile(_placed(expression, place)) for expression in claimed.unknown]
    return found


def issues_of(tree: Mapping[str, Any], *, place: str | None = None) -> list[Issue]:
    """What base R4 has against a resource."""
    return [_issue(finding, place) for finding in r4.findings(tree)]


def refuse_invalid(
    context: Context, reader: Reader, tree: Mapping[str, Any], base: Sequence[Issue] | None = None
) -> None:
    """Raises `Invalid` with everything there is to say, errors first, where one finding is an error; `base` is what
    `issues_of` said already."""
    issues = validate(context, reader, tree, base=base)
    if any(issue.severity == "error" for issue in issues):
        raise Invalid(*sorted(issues, key=lambda issue: issue.severity != "error"))


def _issue(finding: r4.Finding, place: str | None) -> Issue:
    return Issue(
        code=finding.key,
        fhir_code=finding.code,
        severity=finding.severity,
        place=_placed(finding.expression, place),
        text_de=finding.text_de,
        text_en=finding.text_en,
    )


def _placed(expression: str, place: str | None) -> str:
    return expression if place is None else place + expression[len(expression.partition(".")[0]) :]


def _unknown_profile(place: str) -> Issue:
    return Issue(
        code="unknown-profile",
        fhir_code="not-found",
        severity="warning",
        place=place,
        text_de="dieses Profil ist hier nicht bekannt; geprüft wurde nach FHIR R4 ohne Profil",
        text_en="this profile is not known here; the resource was held to FHIR R4 without a profile",
    )
