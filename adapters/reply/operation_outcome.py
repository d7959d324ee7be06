"""The answer to a delivery as an OperationOutcome, for senders that speak FHIR
(https://hl7.org/fhir/R4/operationoutcome.html).

One issue for each finding: how bad, FHIR's code, ours (CodeSystem ingest-issue, which says of each whether sending
again helps), the text in English with its German translation, and the place; and one that sums up what became of all.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from adapters.issue_code import SYSTEM
from adapters.receipt import Receipt
from adapters.resend import of_codes
from mappings.errors import Issue

__all__ = ["outcome_of_errors", "outcome_of_receipt"]

_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_FHIRPATH = re.compile(r"(?:[A-Z][A-Za-z]*|http)(?:\.[A-Za-z]+(?:\[[0-9]+\])?|\.`[^`]*`)*")
"""What `expression` may hold; a line and a column stand in the words of `diagnostics`."""


def outcome_of_receipt(receipt: Receipt) -> dict[str, Any]:
    """What became of a delivery, its findings first."""
    return _outcome([*map(_issue, receipt.issues), _summary(receipt)])


def outcome_of_errors(issues: Iterable[Issue], *, of_delivery: bool = True) -> dict[str, Any]:
    """Why nothing was taken and, of a delivery, whether sending it again helps; else why a question has no answer."""
    told = list(issues)
    if not of_delivery:
        return _outcome([_issue(issue) for issue in told])
    resend = of_codes(issue.code for issue in told)
    return _outcome(
        [
            *map(_issue, told),
            _told("information", "informational", f"Neu senden: {resend.text_de}", f"Send again: {resend.text_en}"),
        ]
    )


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(issue: Issue) -> dict[str, Any]:
    told = _told(issue.severity, issue.fhir_code, issue.text_de, issue.text_en)
    told["details"] = {"coding": [{"system": SYSTEM, "code": issue.code}], **told["details"]}
    if _FHIRPATH.fullmatch(issue.place):
        told["expression"] = [issue.place]
    elif issue.place:
        told["diagnostics"] = f"{issue.place}: {issue.text_en}"
    return told


def _summary(receipt: Receipt) -> dict[str, Any]:
    german = ". ".join(_words(receipt, _GERMAN))
    english = ". ".join(_words(receipt, _ENGLISH))
    resend = receipt.resend
    return _told(
        "information",
        "informational",
        f"{german}. Neu senden: {resend.text_de}",
        f"{english}. Send again: {resend.text_en}",
    )


_GERMAN = {
    "delivery": "Lieferung {}",
    "records": "Datensätze {}: {} übernommen, {} kein Angebot, {} beiseitegelegt, {} abgelehnt",
    "offers": "Angebote: {} geändert, {} unverändert, {} überholt",
    "more": "Weitere Hinweise: {}",
}
_ENGLISH = {
    "delivery": "Delivery {}",
    "records": "Records {}: {} taken, {} no offer, {} set aside, {} rejected",
    "offers": "Offers: {} applied, {} unchanged, {} superseded",
    "more": "More findings: {}",
}


def _words(receipt: Receipt, words: dict[str, str]) -> Iterator[str]:
    yield words["delivery"].format(receipt.delivery)
    yield words["records"].format(
        receipt.records, receipt.taken, receipt.left_out.total(), receipt.set_aside, receipt.rejected
    )
    yield words["offers"].format(receipt.applied, receipt.unchanged, receipt.superseded)
    if receipt.issues_not_shown:
        yield words["more"].format(receipt.issues_not_shown)


def _told(severity: str, fhir_code: str, german: str, english: str) -> dict[str, Any]:
    translated = [{"url": "lang", "valueCode": "de"}, {"url": "content", "valueString": german}]
    return {
        "severity": severity,
        "code": fhir_code,
        "details": {
            "text": english,
            "_text": {"extension": [{"url": _TRANSLATION, "extension": translated}]},
        },
        # Java's clients show this alone.
        "diagnostics": english,
    }
