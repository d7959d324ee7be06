"""HSDS 3.1, the Human Services Data Specification of Open Referral, as its API answers: pages of services, of
organizations with their services, or of services at locations, a bare list of these, or one alone
(https://docs.openreferral.org/, https://docs.openreferral.org/en/latest/hsds/api_reference.html).

    options:
      units: [places, Plätze]            # the units of a capacity that are places, by name or identifier
      terms: {careForm: URI}             # fields → taxonomies: the one code that the service's attributes have there
      lists: {needs: URI}                # the same, for taxonomies of which a service can have several codes
      later: URI                         # the taxonomy of a capacity's attributes that say `2 from 2026-12-11`
      identifiers: {iks: URI}            # fields → schemes: the organization's identifiers, a list where it has several

A record is a service: `id`, `name`, `status`, `email`, `url`, `phone`, its `languages` and the `postalCodes` of its
service areas, `organization` with `id`, `name`, `email`, `website`, `phone` and what `identifiers` names, `location`
with `id`, `name`, `latitude`, `longitude`, `address_1`, `city`, `postal_code` and `state_province`, `available` and
`maximum` of the capacity in places, `later` (how many there will be from which days on: `2 from 2026-12-11; 3 from …`),
`updated` (of the capacity, else of the service), and what `terms` and `lists` name. The
tabular form, a Tabular Data Package, is not read.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters import options as option
from adapters.base import Broken, Decoded, Options, Record
from adapters.folding import folded
from conformance.formats import strict_json
from mappings.errors import Issue, Rejected, Severity
from mappings.patient_filter import safe_name

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "hsds"

_OWN = ("id", "name", "status", "email", "url")
_ORGANIZATION = ("id", "name", "email", "website")
_LOCATION = ("id", "name", "latitude", "longitude")
_ADDRESS = ("address_1", "city", "postal_code", "state_province")
_SERVICE_PARTS = ("phones", "languages", "service_areas", "organization", "service_at_locations", "capacities")
_NAMES = frozenset(
    [
        "accessibility",
        "accreditations",
        "additional_urls",
        "additional_websites",
        "address_2",
        "alert",
        "alternate_name",
        "application_process",
        "assured_date",
        "assurer_email",
        "attention",
        "attributes",
        "capacities",
        "contacts",
        "cost_options",
        "country",
        "description",
        "eligibility_description",
        "external_identifier",
        "external_identifier_type",
        "fees",
        "fees_description",
        "funding",
        "interpretation_services",
        "last_modified",
        "legal_status",
        "licenses",
        "location_type",
        "locations",
        "logo",
        "maximum_age",
        "metadata",
        "minimum_age",
        "organization_id",
        "organization_identifiers",
        "parent_organization_id",
        "program",
        "program_id",
        "programs",
        "region",
        "required_documents",
        "schedules",
        "service_areas",
        "services",
        "tax_id",
        "tax_status",
        "transportation",
        "uri",
        "wait_time",
        "year_incorporated",
    ]
)
"""Properties of the standard that are dropped by their name; any other name may be a sender's own."""
_SILENT = frozenset(
    {"last_modified", "description", "location_type", "country", "organization_id", "parent_organization_id"}
)
"""What is read elsewhere, or only restates."""
_CARE_GRADES = re.compile("Pflegegrad [1-5](?:, [1-5])*")
_POSTAL_CODE = re.compile("[0-9]{5}")
_BESIDE = frozenset(
    {"contents", "total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The options, checked."""

    units: frozenset[str]
    terms: Mapping[str, str]
    lists: Mapping[str, str]
    identifiers: Mapping[str, str]
    later: str | None = None

    @classmethod
    def of(cls, options: Options) -> "_Wanted":
        option.only(options, {"units", "terms", "lists", "identifiers", "later"})
        return cls(
            units=frozenset(_folded(unit) for unit in option.texts(options, "units")),
            terms=_names(options, "terms"),
            lists=_names(options, "lists"),
            identifiers=_names(options, "identifiers"),
            later=option.text(options, "later"),
        )


def _names(options: Options, name: str) -> Mapping[str, str]:
    found = option.section(options, name)
    for key, value in found.items():
        if not isinstance(key, str) or not key or not isinstance(value, str) or not value:
            raise option.refused(f"options.{name}", "Feldnamen mit je einer URI", "names of fields, each with a URI,")
    return found


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not."""
    _Wanted.of(options)


def decode(body: bytes, options: Options) -> Decoded:
    """One record a service; what is no object, or tells of no service, is `Broken`."""
    wanted = _Wanted.of(options)
    try:
        document = strict_json.parse(body)
    except strict_json.NotJson as wrong:
        raise _rejected(
            f"line {wrong.line}, column {wrong.column}",
            f"kein gültiges JSON ({wrong.reason_de})",
            f"not JSON: {wrong.reason}",
        ) from None
    beside: tuple[str, ...] = ()
    if isinstance(document, dict) and "contents" in document:
        beside = tuple(dict.fromkeys(safe_name(name) for name in document if name not in _BESIDE))
        things, place = document["contents"], "contents"
    elif isinstance(document, dict):
        things, place = [document], ""
    else:
        things, place = document, ""
    if not isinstance(things, list):
        raise _rejected(
            place or "$",
            "eine Seite (contents), eine Liste oder ein Dienst der HSDS-API ist erwartet",
            "a page (contents), a list or a service of the HSDS API is expected",
        )
    return Decoded(records=folded(_records(things, place, wanted, beside), between=b"\n"))


def _records(things: Sequence[Any], place: str, wanted: _Wanted, beside: tuple[str, ...]) -> Iterator[Record | Broken]:
    for position, thing in enumerate(things):
        where = f"{place}[{position}]"
        services = list(_services(thing, where))
        if not services:
            yield _broken(thing, where)
        for service in services:
            record = service.record(wanted)
            if beside:
                record = Record(
                    place=record.place,
                    fields=record.fields,
                    issues=record.issues,
                    dropped=tuple(dict.fromkeys((*beside, *record.dropped))),
                )
                beside = ()
            yield record


def _services(thing: Any, place: str) -> Iterator["_Service"]:
    """The services that one thing of a page tells of, with the organization and the location that it names."""
    if not isinstance(thing, dict):
        return
    if isinstance(thing.get("service"), dict):
        at = [site for site in (thing.get("location"),) if isinstance(site, dict)]
        yield _Service(place=place, service=thing["service"], locations=[*at])
    elif isinstance(thing.get("services"), list):
        shared = [one for one in _list(thing.get("locations")) if isinstance(one, dict)]
        for position, service in enumerate(thing["services"]):
            if isinstance(service, dict):
                yield _Service(
                    place=f"{place}.services[{position}]",
                    service=service,
                    locations=[*shared] if len(shared) == 1 else [],
                    organization=thing,
                )
    elif "status" in thing or any(part in thing for part in _SERVICE_PARTS[3:]):
        yield _Service(place=place, service=thing)


@dataclass(slots=True, kw_only=True)
class _Service:
    """One service on its way into a record."""

    place: str
    service: Mapping[str, Any]
    locations: list[Mapping[str, Any]] = field(default_factory=list)
    organization: Mapping[str, Any] | None = None
    issues: list[Issue] = field(default_factory=list)
    dropped: dict[str, None] = field(default_factory=dict)

    def record(self, wanted: _Wanted) -> Record:
        """The record, what is wrong with it among its issues."""
        service = self.service
        fields: dict[str, Any] = self._taken(service, _OWN, (*_SERVICE_PARTS, "attributes"))
        self._attributes(fields, wanted)
        self._phone(fields, service, "phones")
        languages = [one.get("code") for one in self._objects(service, "languages")]
        fields["languages"] = [code for code in languages if isinstance(code, str)]
        fields["postalCodes"] = list(self._postal_codes())
        organization = self.organization if self.organization is not None else self._object("organization")
        if organization is not None:
            fields["organization"] = self._organization(organization, wanted)
        location = self._location()
        if location is not None:
            fields["location"] = self._site(location)
        fields["updated"] = service.get("last_modified")
        self._capacity(fields, wanted)
        return Record(
            place=self.place,
            fields={name: value for name, value in fields.items() if value not in (None, [])},
            issues=tuple(self.issues),
            dropped=tuple(self.dropped),
        )

    def _taken(self, node: Mapping[str, Any], names: Collection[str], parts: Collection[str]) -> dict[str, Any]:
        for name in node:
            if name == "eligibility_description" and _CARE_GRADES.fullmatch(str(node[name])):
                continue  # Our own words for what the codes of the attributes say.
            if name not in names and name not in parts and name not in _SILENT:
                self.dropped[name if name in _NAMES else safe_name(name)] = None
        return {name: node[name] for name in names if node.get(name) not in (None, "")}

    def _object(self, name: str) -> Mapping[str, Any] | None:
        found = self.service.get(name)
        if found is None or isinstance(found, dict):
            return found
        self.issues.append(_structure(f"{self.place}.{name}", "ein Objekt", "an object"))
        return None

    def _objects(self, node: Mapping[str, Any], name: str, within: str = "") -> list[Mapping[str, Any]]:
        found = node.get(name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            place = f"{self.place}.{within}{name}"
            self.issues.append(_structure(place, "eine Liste von Objekten", "a list of objects"))
            return []
        return found

    def _attributes(self, fields: dict[str, Any], wanted: _Wanted) -> None:
        codes: dict[str, list[str]] = {}
        for attribute in self._objects(self.service, "attributes"):
            term = attribute.get("taxonomy_term")
            if not isinstance(term, dict):
                continue
            of = _taxonomies(term)
            code = term.get("code")
            for name, taxonomy in (*wanted.terms.items(), *wanted.lists.items()):
                if taxonomy in of and isinstance(code, str) and code not in codes.setdefault(name, []):
                    codes[name].append(code)
            if not {*wanted.terms.values(), *wanted.lists.values()}.intersection(
                one for one in of if isinstance(one, str)
            ):
                self.dropped["attributes"] = None
        for name in wanted.lists:
            fields[name] = codes.get(name, [])
        for name in wanted.terms:
            found = codes.get(name, [])
            fields[name] = found[0] if found else None
            if len(found) > 1:
                self.issues.append(_one_only(f"{self.place}.attributes", f"Code für {name}", f"code for {name}"))

    def _phone(self, fields: dict[str, Any], node: Mapping[str, Any], within: str) -> None:
        for phone in self._objects(node, "phones", within.removesuffix("phones")):
            if phone.get("type") in (None, "", "voice", "cell") and phone.get("number"):
                fields.setdefault("phone", phone["number"])
            elif phone.get("type") == "fax" and phone.get("number"):
                fields.setdefault("fax", phone["number"])

    def _postal_codes(self) -> Iterator[str]:
        for area in self._objects(self.service, "service_areas"):
            name = area.get("name")
            if isinstance(name, str) and _POSTAL_CODE.fullmatch(name):
                yield name
            else:
                self.dropped["service_areas"] = None

    def _organization(self, organization: Mapping[str, Any], wanted: _Wanted) -> dict[str, Any]:
        parts = ("phones", "organization_identifiers", "services", "locations")
        found = self._taken(organization, _ORGANIZATION, parts)
        self._phone(found, organization, "organization.phones")
        identifiers = self._objects(organization, "organization_identifiers", "organization.")
        for name, scheme in wanted.identifiers.items():
            values = [
                each.get("identifier")
                for each in identifiers
                if scheme in (each.get("identifier_scheme"), each.get("identifier_type"))
            ]
            if values:
                found[name] = values[0] if len(values) == 1 else values
        return found

    def _location(self) -> Mapping[str, Any] | None:
        sites = [at.get("location") for at in self._objects(self.service, "service_at_locations")]
        found = [*self.locations, *(site for site in sites if isinstance(site, dict))]
        different = {json.dumps(one.get("id"), default=str) for one in found}
        if len(different) > 1:
            self.issues.append(
                _issue(
                    "hsds-locations",
                    f"{self.place}.service_at_locations",
                    "Der Dienst ist an mehreren Orten; die Plätze zählen am ersten. Der Absender sollte ihn teilen.",
                    "The service is at several locations; its places count at the first. The sender should split it.",
                    severity="warning",
                )
            )
        return found[0] if found else None

    def _site(self, location: Mapping[str, Any]) -> dict[str, Any]:
        site = self._taken(location, _LOCATION, ("addresses", "phones", "languages", "url", "organization_id"))
        addresses = self._objects(location, "addresses", "location.")
        physical = [one for one in addresses if one.get("address_type") == "physical"] or addresses
        for address in physical[:1]:
            site.update(self._taken(address, _ADDRESS, ("id", "address_type", "location_id")))
        return site

    def _capacity(self, fields: dict[str, Any], wanted: _Wanted) -> None:
        places = []
        for position, capacity in enumerate(self._objects(self.service, "capacities")):
            unit = capacity.get("unit")
            names = (unit.get("name"), unit.get("identifier")) if isinstance(unit, dict) else ()
            if wanted.units.isdisjoint(_folded(name) for name in names if isinstance(name, str)):
                self.issues.append(_other_unit(f"{self.place}.capacities[{position}].unit", wanted.units))
            else:
                places.append(capacity)
        if len(places) > 1:
            self.issues.append(_one_only(f"{self.place}.capacities", "Kapazität in Plätzen", "capacity in places"))
        for capacity in places[:1]:
            fields.update({name: capacity.get(name) for name in ("available", "maximum")})
            fields["updated"] = capacity.get("updated") or fields["updated"]
            fields["later"] = "; ".join(self._later(capacity, wanted)) or None

    def _later(self, capacity: Mapping[str, Any], wanted: _Wanted) -> Iterator[str]:
        for attribute in self._objects(capacity, "attributes", "capacities."):
            term, value = attribute.get("taxonomy_term"), attribute.get("value")
            if isinstance(term, dict) and wanted.later in _taxonomies(term) and isinstance(value, str):
                yield value
            else:
                self.dropped["attributes"] = None


def _taxonomies(term: Mapping[str, Any]) -> list[Any]:
    """By what the taxonomy of a term is named."""
    detail = term.get("taxonomy_detail")
    return [term.get("taxonomy"), *((detail.get("uri"), detail.get("name")) if isinstance(detail, dict) else ())]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _broken(thing: Any, place: str) -> Broken:
    return Broken(
        place=place,
        body=json.dumps(thing, default=str, ensure_ascii=False).encode("utf-8", "replace"),
        issue=_issue(
            "not-a-service",
            place,
            "Erwartet: ein Dienst (service), eine Organisation mit services oder ein service_at_location mit service. "
            "Der Absender muss den Eintrag berichtigen.",
            "Expected: a service, an organization with services or a service_at_location with its service. "
            "The sender must correct the entry.",
        ),
    )


def _other_unit(place: str, units: Collection[str]) -> Issue:
    listed = ", ".join(sorted(units))
    return _issue(
        "hsds-unit",
        place,
        f"Keine Einheit, in der Plätze gezählt werden ({listed}); die Kapazität ist ausgelassen. Wer die Quelle "
        "pflegt, muss die Einheit hinzunehmen, wenn es Plätze sind.",
        f"No unit in which places are counted ({listed}); the capacity is left out. Whoever keeps the source must add "
        "the unit if these are places.",
        severity="warning",
    )


def _one_only(place: str, german: str, english: str) -> Issue:
    return _issue(
        "hsds-one-only",
        place,
        f"Erwartet ist je Dienst höchstens ein {german}. Der Absender muss sie aufteilen.",
        f"Expected is one {english} for each service at most. The sender must split them.",
    )


def _structure(place: str, german: str, english: str) -> Issue:
    return _issue(
        "hsds-structure",
        place,
        f"Erwartet: {german}. Der Absender muss das Feld berichtigen.",
        f"Expected: {english}. The sender must correct the field.",
    )


def _issue(code: str, place: str, german: str, english: str, *, severity: Severity = "error") -> Issue:
    return Issue(code=code, place=place, text_de=german, text_en=english, severity=severity, fhir_code="structure")


def _rejected(place: str, german: str, english: str) -> Rejected:
    return Rejected(
        _issue(
            "not-hsds",
            place,
            f"{german}. Der Absender muss die Nachricht berichtigen.",
            f"{english}. The sender must correct the message.",
        )
    )
