"""The examples of a source map: a record as its adapter gives it, and what must come of it; each is a test.

- description: three free short-term places
  input: {Nr: "7", Angebot: KZP, Frei: "3"}
  offers:                                # one for each report; each names attributes of the model (`vacancy.py`)
    - {facility.key: "7", offer.care_form: kurzzeitpflege, counts.accepting: 3, state: some, blocks: [{count: 3}]}
  unread: [Bemerkung]                    # dropped or unread fields, exactly these
  issues: [ik-check-digit]               # codes of all issues
  left_out: Apotheke                     # the reason, where the record is no care offer
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from typing import Any

from mappings.reader import Fields
from mappings.vacancy import VacancyReport

__all__ = ["Example", "Facts", "differences", "example"]

Facts = Mapping[str, Any]
"""What is expected of a report, by dotted attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One record, and what the map must make of it."""

    description: str
    input: Fields
    offers: tuple[Facts, ...] = ()
    unread: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    left_out: str = ""


def example(node: Any) -> Example:
    """The example that a source map writes down; ValueError for what is none."""
    if not isinstance(node, dict) or not {"description", "input"} <= node.keys():
        raise ValueError("an example needs description: and input:")
    strange = node.keys() - {"description", "input", "offers", "unread", "issues", "left_out"}
    if strange:
        raise ValueError(f"an example has no {', '.join(sorted(strange))}")
    if not isinstance(node["input"], dict):
        raise ValueError("input: of an example is a record: names and values")
    for name in ("offers", "unread", "issues"):
        kind = dict if name == "offers" else str
        found = node.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
            raise ValueError(f"{name}: of an example is a list")
    return Example(
        description=str(node["description"]),
        input=node["input"],
        offers=tuple(node.get("offers", ())),
        unread=tuple(node.get("unread", ())),
        issues=tuple(node.get("issues", ())),
        left_out=node.get("left_out", ""),
    )


def differences(expected: Facts, report: VacancyReport) -> Iterator[str]:
    """Where a report is not as expected, one line each."""
    for path, value in expected.items():
        found = _plain(_attribute(report, path))
        if not _matches(value, found):
            yield f"{path}: {found!r}, expected {value!r}"


def _attribute(node: Any, path: str) -> Any:
    for name in path.split("."):
        node = getattr(node, name, None)
    return node


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date | time):  # a datetime is a date too
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _matches(expected: Any, found: Any) -> bool:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return all(name in found and _matches(value, found[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_matches, expected, found))
    if isinstance(found, float):
        return expected is not None and abs(float(expected) - found) < 1e-6
    return bool(expected == found)
