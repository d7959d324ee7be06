"""The beds of a hospital's system as a FHIR search answers them: Locations of ISiK, `ISiKStandortBettenstellplatz` and
what they are part of (https://simplifier.net/isik-basis-v4, https://terminology.hl7.org/CodeSystem-v2-0116.html).

    options:
      wards:                             # the wards whose beds are care places; beds of others are left out
        - ward: Station-KZP              # id, name or an identifier's value of the ward's Location, or of the
          careForm: kurzzeitpflege       # Organization that manages the beds; all else is the record's as it stands
          facility: {key: kh, name: Klinikum}

A record is a declared ward: what its entry says, `operationalStatus` with the code of each of its beds (`unknown` where
it has none), and `lastUpdated` of the searchset. The searches, of which a transport does one, and then follows each
`next` link:

    Location?partof:below=Location/Station-KZP&_count=200
    Location?organization=Organization/Abteilung-KZP&_include:iterate=Location:partof&_count=200
    Location?_count=200                  # where a hospital's system knows neither: ISiK demands none of them

`physicalType` is no search parameter of R4, and `operational-status=U` would leave out the beds that are not free, and
so their number. The pages come as they are, as a JSON list of Bundles, or one alone; a list that lacks its last page is
refused, since wards would look smaller than they are.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters import options as option
from adapters import r4
from adapters.base import Broken, Decoded, Options, Record
from adapters.folding import folded
from conformance.formats import strict_json
from mappings.errors import Issue, Rejected
from mappings.patient_filter import WITHHELD_NAME

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "isik_beds"

_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"
_CLOSED = "C"
_UNKNOWN = "unknown"
"""As data-absent-reason says it: a list of blanks would say nothing at all."""
_READ = ("lastUpdated", "operationalStatus")
_DEEPEST = 12


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not, and where no ward is declared."""
    _wards(options)


def _wards(options: Options) -> Mapping[str, Mapping[str, Any]]:
    """The entries of the declared wards by the name that each goes by."""
    option.only(options, {"wards"})
    entries = options.get("wards")
    expected = ("eine Liste mit Einträgen, jeder mit ward", "a list with entries, each with ward,")
    if not isinstance(entries, list) or not entries:
        raise option.refused("options.wards", *expected)
    found: dict[str, Mapping[str, Any]] = {}
    for position, entry in enumerate(entries):
        place = f"options.wards[{position}]"
        name = entry.get("ward") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(name, str) or not name.strip():
            raise option.refused(place, *expected)
        if not all(isinstance(key, str) for key in entry) or not set(_READ).isdisjoint(entry):
            raise option.refused(place, "andere Feldnamen", "other names of fields")
        if name in found:
            raise option.refused(f"{place}.ward", "jede Station nur einmal", "each ward once")
        found[name] = entry
    return found


def decode(body: bytes, options: Options) -> Decoded:
    """One record a declared ward; a bed of which cannot be told whose it is, is `Broken`."""
    wards = _wards(options)
    try:
        document = strict_json.parse(body)
    except strict_json.NotJson as wrong:
        raise _rejected(
            "not-json",
            f"line {wrong.line}, column {wrong.column}",
            f"kein gültiges JSON ({wrong.reason_de})",
            f"not JSON: {wrong.reason}",
        ) from None
    pages = document if isinstance(document, list) else [document]
    for number, page in enumerate(pages):
        _refuse(page, _page(number, document), is_last=number == len(pages) - 1)
    if not pages:
        raise _rejected("not-a-bundle", "$", "ein Searchset ist erwartet", "a searchset is expected")
    return Decoded(records=folded(_records(pages, document, wards), between=b"\n"))


def _page(number: int, document: Any) -> str:
    return f"[{number}].Bundle" if isinstance(document, list) else "Bundle"


def _refuse(page: Any, place: str, *, is_last: bool) -> None:
    if not isinstance(page, dict) or page.get("resourceType") != "Bundle":
        raise _rejected("not-a-bundle", place, "ein FHIR-Bundle ist erwartet", "a FHIR Bundle is expected")
    if page.get("type") not in ("searchset", "collection"):
        raise _rejected(
            "bundle-type",
            f"{place}.type",
            "searchset oder collection ist erwartet",
            "searchset or collection is expected",
        )
    for name in ("entry", "link"):
        if not isinstance(page.get(name, []), list):
            raise _rejected("fhir-structure", f"{place}.{name}", "eine Liste ist erwartet", "a list is expected")
    if is_last and any(isinstance(link, dict) and link.get("relation") == "next" for link in page.get("link", [])):
        raise _rejected(
            "page-missing",
            f"{place}.link",
            "die Seite, auf die next zeigt, fehlt: erwartet sind alle Seiten",
            "the page that next leads to is missing: all pages are expected",
        )


@dataclass(slots=True, kw_only=True, eq=False)
class _Location:
    """A Location of the pages, and what is wrong with it."""

    place: str
    resource: Mapping[str, Any]
    raw: Any = field(repr=False)
    issues: Sequence[Issue] = ()

    @property
    def is_bed(self) -> bool:
        return any(
            _is_map(coding) and coding.get("system") == _TYPE and coding.get("code") == "bd"
            for coding in _list(_get(self.resource.get("physicalType"), "coding"))
        )

    @property
    def id(self) -> str:
        found = self.resource.get("id")
        return found if isinstance(found, str) else ""

    def names(self) -> Iterator[str]:
        """All that a declared ward may call it by."""
        for name in (self.id, self.resource.get("name")):
            if isinstance(name, str) and name:
                yield name
        for identifier in _list(self.resource.get("identifier")):
            if isinstance(value := _get(identifier, "value"), str):
                yield value

    @property
    def parent(self) -> str:
        return _referred(self.resource.get("partOf"))

    def managers(self) -> Iterator[str]:
        """What a declared ward may call the Organization that manages it."""
        organization = self.resource.get("managingOrganization")
        yield _referred(organization)
        for name in (_get(organization, "display"), _get(_get(organization, "identifier"), "value")):
            if isinstance(name, str):
                yield name

    @property
    def status(self) -> str:
        """The bed's code in table 0116; one that the hospital has taken out of use is closed."""
        if self.resource.get("status") == "suspended":
            return _CLOSED
        status = self.resource.get("operationalStatus")
        code = _get(status, "code") if _get(status, "system") in (None, _STATUS) else None
        return code if isinstance(code, str) and code else _UNKNOWN


def _records(
    pages: Sequence[Mapping[str, Any]], document: Any, wards: Mapping[str, Mapping[str, Any]]
) -> Iterator[Record | Broken]:
    dropped: dict[str, None] = {}
    broken: list[Broken] = []
    found: dict[str, _Location] = {}
    nameless = 0
    for number, page in enumerate(pages):
        for position, entry in enumerate(page.get("entry", [])):
            place = f"{_page(number, document)}.entry[{position}]"
            resource = _get(entry, "resource")
            kind = _get(resource, "resourceType")
            if not _is_map(resource) or not isinstance(kind, str):
                broken.append(_broken(place, entry, _structure(place)))
            elif kind == "Location":
                issues = tuple(r4.findings("Location", resource, f"{place}.resource"))
                nameless += 1
                location = _Location(place=place, resource=resource, raw=entry, issues=issues)
                # A bed that moved from one page to another while they were read is one bed.
                found[location.id or f"\n{nameless}"] = location
            elif kind != "OperationOutcome":
                dropped[kind if kind in r4.TYPES else WITHHELD_NAME] = None
    beds: dict[str, list[_Location]] = defaultdict(list)
    left = False
    for location in found.values():
        if (
            not location.is_bed
            or location.resource.get("mode") == "kind"
            or location.resource.get("status") == "inactive"
        ):
            continue
        ward, missing = _ward(location, found, wards)
        if ward is not None:
            beds[ward].append(location)
        elif location.issues:
            broken.append(_broken(location.place, location.raw, location.issues[0]))
        elif missing:
            broken.append(_broken(location.place, location.raw, _no_parent(f"{location.place}.resource.partOf")))
        else:
            left = True
    if left:
        dropped["Location"] = None
    moments = [_get(page.get("meta"), "lastUpdated") for page in pages]
    # The oldest page: what is newer may have changed since.
    moment = min((each for each in moments if isinstance(each, str)), default=None)
    for name, entry in wards.items():
        yield _record(name, entry, beds.get(name, []), moment, tuple(dropped))
        dropped = {}
    yield from broken


def _record(
    name: str, entry: Mapping[str, Any], beds: Sequence[_Location], moment: str | None, dropped: tuple[str, ...]
) -> Record:
    place = f"ward {name}"
    issues = [issue for bed in beds for issue in bed.issues]
    if not beds:
        issues.append(_no_beds(place))
    fields = {**entry, "operationalStatus": [bed.status for bed in beds]}
    if moment is not None:
        fields["lastUpdated"] = moment
    return Record(place=place, fields=fields, issues=tuple(issues), dropped=dropped)


def _ward(bed: _Location, found: Mapping[str, _Location], wards: Collection[str]) -> tuple[str | None, bool]:
    """The declared ward that a bed is part of, if any; and whether that cannot be told, since a parent is missing."""
    location = bed
    for _ in range(_DEEPEST):
        names = (*location.names(), *location.managers(), location.parent)
        for name in names:
            if name in wards:
                return name, False
        if not location.parent:
            return None, False
        if location.parent not in found:
            return None, True
        location = found[location.parent]
    return None, True


def _referred(reference: Any) -> str:
    """The id that a literal reference ends with."""
    literal = _get(reference, "reference")
    return literal.partition("/_history/")[0].rpartition("/")[2] if isinstance(literal, str) else ""


def _is_map(node: Any) -> bool:
    return isinstance(node, dict)


def _get(node: Any, name: str) -> Any:
    return node.get(name) if isinstance(node, dict) else None


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _broken(place: str, entry: Any, issue: Issue) -> Broken:
    return Broken(place=place, body=json.dumps(entry, ensure_ascii=False, default=str).encode(), issue=issue)


def _structure(place: str) -> Issue:
    return Issue(
        code="fhir-structure",
        place=f"{place}.resource",
        text_de="Erwartet: eine Ressource mit resourceType. Der Absender muss den Eintrag berichtigen.",
        text_en="Expected: a resource with its resourceType. The sender must correct the entry.",
        fhir_code="structure",
    )


def _no_parent(place: str) -> Issue:
    return Issue(
        code="fhir-reference",
        place=place,
        text_de="Zu welcher Station dieses Bett gehört, ist nicht zu sehen: wovon es ein Teil ist, fehlt in der "
        "Antwort. Die Suche muss es mitbringen (_include:iterate=Location:partof).",
        text_en="Which ward this bed belongs to cannot be seen: what it is part of is missing in the answer. "
        "The search must bring it along (_include:iterate=Location:partof).",
        fhir_code="not-found",
    )


def _no_beds(place: str) -> Issue:
    return Issue(
        code="ward-without-beds",
        place=place,
        text_de="Von dieser Station steht kein Bett in der Antwort. Wer die Quelle pflegt, muss ihren Namen prüfen, "
        "oder der Absender, was wir sehen dürfen.",
        text_en="The answer has no bed of this ward. Whoever keeps the source must check its name, or the sender what "
        "we may see.",
        fhir_code="not-found",
    )


def _rejected(code: str, place: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code=code,
            place=place,
            text_de=f"{german}. Der Absender muss die Nachricht berichtigen.",
            text_en=f"{english}. The sender must correct the message.",
            fhir_code="structure",
        )
    )
