"""The root of every error of Platzfrei, its four branches by who must act, and the `Issue`.

    PlatzfreiError
     ├─ Rejected      the sender changes the message
     ├─ Retriable     the clock: the same message again, later
     ├─ Quarantined   an operator: one record set aside
     └─ Fault         us

The leaves, their HTTP status and FHIR issue code stand in `hub/errors.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

__all__ = [
    "Fault",
    "Issue",
    "PlatzfreiError",
    "Quarantined",
    "Rejected",
    "Retriable",
    "Severity",
    "unknown_key",
    "wrong_map",
]

Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One finding: where it is, what stands there, what was expected; in German and English.

    `code` is stable and ours (`count-not-a-number`); `place` is the sender's own address of the thing
    (`line 12, column Frei`, `NPU-2`, `Bundle.entry[3].resource.status`); `fhir_code` is from FHIR's issue-type.
    A text never repeats a value from a source that may hold patient data: who builds the issue sees to it.
    """

    code: str
    text_de: str
    text_en: str
    place: str = ""
    severity: Severity = "error"
    fhir_code: str = "value"

    def __str__(self) -> str:
        return f"{self.place}: {self.text_en}" if self.place else self.text_en

    def to_json(self) -> dict[str, Any]:
        """As published: names and codes are stable."""
        return {
            "severity": self.severity,
            "code": self.code,
            "place": self.place,
            "text": {"de": self.text_de, "en": self.text_en},
        }

    def fields(self) -> dict[str, str]:
        """As stored: by them it is made again."""
        return {
            "code": self.code,
            "text_de": self.text_de,
            "text_en": self.text_en,
            "place": self.place,
            "severity": self.severity,
            "fhir_code": self.fhir_code,
        }


def unknown_key(place: str, known: str) -> Issue:
    """The issue of a key of a source map that there is not; `known` lists those that there are."""
    return Issue(
        code="source-map",
        text_de=f"das gibt es hier nicht; es gibt {known}; wer die Quellenkarte pflegt, berichtigt sie",
        text_en=f"there is no such key; there are {known}; whoever keeps the source map corrects it",
        place=place,
        fhir_code="structure",
    )


def wrong_map(place: str, expected_de: str, expected_en: str) -> Issue:
    """The issue of a source map that does not say what is expected at a place of it: whoever keeps the map acts."""
    return Issue(
        code="source-map",
        text_de=f"erwartet wird {expected_de}; wer die Quellenkarte pflegt, berichtigt sie",
        text_en=f"{expected_en} expected; whoever keeps the source map corrects it",
        place=place,
        fhir_code="structure",
    )


class PlatzfreiError(Exception):
    """Anything Platzfrei says went wrong, as one or more issues."""

    def __init__(self, *issues: Issue, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__("; ".join(str(issue) for issue in issues))
        self.issues = issues
        self.headers = headers


class Rejected(PlatzfreiError):
    """The message cannot be taken as it is; the sender changes it."""


class Retriable(PlatzfreiError):
    """The same message will be taken later, unchanged."""


class Quarantined(PlatzfreiError):
    """One record is set aside; an operator looks at it and runs it again."""


class Fault(PlatzfreiError):
    """We are wrong, or the machine is."""
