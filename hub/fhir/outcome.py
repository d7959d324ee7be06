"""Errors as OperationOutcomes: the only place where that happens (https://hl7.org/fhir/R4/operationoutcome.html)."""

from collections.abc import Iterable
from typing import Any

import orjson

from mappings.errors import Issue

__all__ = ["outcome", "outcome_bytes"]

_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """The OperationOutcome of one or more issues, texts in English with their German translation."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def outcome_bytes(issues: Iterable[Issue]) -> bytes:
    """The same, serialised."""
    return orjson.dumps(outcome(issues))


def _issue(issue: Issue) -> dict[str, Any]:
    told: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.fhir_code,
        "details": {
            "text": issue.text_en,
            "_text": {
                "extension": [
                    {
                        "url": _TRANSLATION,
                        "extension": [
                            {"url": "lang", "valueCode": "de"},
                            {"url": "content", "valueString": issue.text_de},
                        ],
                    }
                ]
            },
        },
    }
    # Java's clients show this alone.
    told["diagnostics"] = issue.text_en
    if issue.place:
        told["expression"] = [issue.place]
    return told
