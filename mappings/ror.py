"""Capacities as the French directory of care services (ROR) lists them on a Location: the conversions by which
`mappings/sources/ror-capacity.yaml` reads them
(https://interop.esante.gouv.fr/ig/fhir/ror/StructureDefinition/ror-location-supported-capacity).

A row of the list is an extension: so many places (`nbCapacity`) of a status (`capacityStatus`, JDV J188), as of now or
foreseen (`temporalityCapacity`, JDV J189), perhaps for one sex (`genderCapacityAvailable`, JDV J190). The numbers of a
status add up over its rows of now. What is foreseen is no statement about today and is left out with a warning.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from mappings import terminology
from mappings.conversions import Doubtful, Unreadable
from mappings.conversions import datetime as moment
from mappings.vacancy import Block, BlockStatus, Counts, Sex, State

__all__ = ["CONVERSIONS"]

_CAPACITY = "https://interop.esante.gouv.fr/ig/fhir/ror/StructureDefinition/ror-location-supported-capacity"
_PLACE = "01"
_NOW = "01"
_FORESEEN = frozenset({"02", "03", "04", "05"})
_COUNTS: Mapping[str, str] = MappingProxyType({"01": "licensed", "02": "accepting", "03": "occupied", "04": "held"})
_FREE = "02"
_BLOCKS: Mapping[str, BlockStatus] = MappingProxyType(
    {_FREE: BlockStatus.FREE, "04": BlockStatus.HELD, "05": BlockStatus.CLOSED}
)
_STATUSES = frozenset({*_COUNTS, *_BLOCKS, "06"})
"""06 is what is put up beyond what is installed, in a crisis for example: it counts as nothing of a plan."""
_MOST = 999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    status: str
    places: int
    foreseen: bool
    sex: Sex | None
    updated: str


def ror_counts(node: Any) -> Counts | Doubtful:
    """The numbers of now; a status without a row is unknown."""
    rows = list(_rows(node))
    counts: dict[str, int] = {}
    for row in rows:
        if not row.foreseen and row.status in _COUNTS:
            name = _COUNTS[row.status]
            counts[name] = counts.get(name, 0) + row.places
    found = Counts(**counts)
    if not any(row.foreseen for row in rows):
        return found
    return Doubtful(
        value=found,
        code="forecast-left-out",
        text_de="Was für später vorhergesehen ist, sagt nichts über heute und ist ausgelassen.",
        text_en="What is foreseen for later says nothing of today and is left out.",
    )


def ror_blocks(node: Any) -> tuple[Block, ...]:
    """The free, held and closed places of now, a block a row."""
    return tuple(
        Block(count=row.places, status=_BLOCKS[row.status], sex=row.sex)
        for row in _rows(node)
        if row.status in _BLOCKS and not row.foreseen and row.places
    )


def ror_valid_at(node: Any) -> datetime | None:
    """When the free places were counted, of several rows the earliest; without such, when anything was."""
    rows = [row for row in _rows(node) if not row.foreseen]
    moments = [moment(row.updated) for row in rows if row.status == _FREE and row.updated] or [
        moment(row.updated) for row in rows if row.updated
    ]
    # A moment is doubtful only without an offset, and that the conversion refuses without a zone.
    return min((each for each in moments if isinstance(each, datetime)), default=None)


def ror_state(node: Any) -> State | None:
    """What a Location's operational status (https://terminology.hl7.org/CodeSystem-v2-0116.html) says of it as a whole;
    nothing where it is in use."""
    coding = _mapping(node)
    try:
        translation = terminology.translate("ror-operational-status", str(coding.get("code")))
    except KeyError:
        listed = ", ".join(terminology.known("ror-operational-status"))
        raise Unreadable(f"eines von: {listed}", f"one of: {listed}") from None
    return State(translation.codes[0]) if translation.codes else None


def _rows(node: Any) -> Iterator[_Row]:
    for extension in _list(node):
        if extension.get("url") != _CAPACITY:
            continue
        parts: dict[str, Any] = {}
        for part in _list(extension.get("extension")):
            parts[str(part.get("url"))] = next(
                (value for name, value in part.items() if name.startswith("value")), None
            )
        places = parts.get("nbCapacity")
        if type(places) is not int or not 0 <= places <= _MOST:
            raise Unreadable("nbCapacity: eine ganze Zahl ab 0", "nbCapacity: a whole number from 0")
        if _code(parts, "capacityType") not in ("", _PLACE):
            raise Unreadable("capacityType 01 (Betten und Plätze)", "capacityType 01 (beds and places)")
        updated = parts.get("capacityUpdateDate") or ""
        if not isinstance(updated, str):
            raise Unreadable("capacityUpdateDate: ein Zeitpunkt", "capacityUpdateDate: a moment")
        yield _Row(
            status=_known(parts, "capacityStatus", _STATUSES),
            places=places,
            foreseen=_known(parts, "temporalityCapacity", {_NOW, *_FORESEEN}) != _NOW,
            sex=_sex(_code(parts, "genderCapacityAvailable")),
            updated=updated,
        )


def _value(extension: Mapping[str, Any]) -> Any:
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def _sex(code: str) -> Sex | None:
    if not code:
        return None
    try:
        codes = terminology.translate("ror-genre", code).codes
    except KeyError:
        listed = ", ".join(terminology.known("ror-genre"))
        raise Unreadable(
            f"genderCapacityAvailable: eines von {listed}", f"genderCapacityAvailable: one of {listed}"
        ) from None
    return Sex(codes[0]) if codes else None


def _known(parts: Mapping[str, Any], name: str, codes: "frozenset[str] | set[str]") -> str:
    code = _code(parts, name)
    if code not in codes:
        listed = ", ".join(sorted(codes))
        raise Unreadable(f"{name}: eines von {listed}", f"{name}: one of {listed}")
    return code


def _code(parts: Mapping[str, Any], name: str) -> str:
    """The code of a CodeableConcept's first coding, empty where there is none."""
    concept = parts.get(name)
    if concept is None:
        return ""
    coding = next(iter(_list(_mapping(concept).get("coding"))), {})
    return str(coding.get("code") or "")


def _list(node: Any) -> list[Mapping[str, Any]]:
    if node is None:
        return []
    if not isinstance(node, list):
        raise Unreadable("eine Liste von Elementen", "a list of elements")
    return [_mapping(each) for each in node]


def _mapping(node: Any) -> Mapping[str, Any]:
    if not isinstance(node, Mapping):
        raise Unreadable("ein Element", "an element")
    return node


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {function.__name__: function for function in (ror_blocks, ror_counts, ror_state, ror_valid_at)}
)
