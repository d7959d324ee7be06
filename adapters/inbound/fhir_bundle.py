"""FHIR R4 Bundles in JSON: one record per HealthcareService, with what belongs to it in the same Bundle
(https://hl7.org/fhir/R4/bundle.html, https://hl7.org/fhir/R4/http.html#transaction).

A record's fields are the resources by their role: `HealthcareService`, `Organization` (the facility), `Operator` (its
partOf), `Location`, `Schedule` and the list `Slot`. Of them only what the source map's `options:` name comes through:

    elements: by role, the elements to keep (`adapters/elements.py`)
    silent:   elements that only restate others: left out without being reported
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters import options as option
from adapters import r4
from adapters.base import Broken, Decoded, Options, Record
from adapters.elements import Kept, Tree, tree
from conformance.formats import strict_json
from mappings.errors import Issue, Rejected
from mappings.patient_filter import WITHHELD_NAME

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "fhir_bundle"

_WITH_REQUESTS = ("transaction", "batch")
_TAKEN = (*_WITH_REQUESTS, "collection", "searchset")
_USED = ("HealthcareService", "Organization", "Location", "Schedule", "Slot")
_ROLES = ("HealthcareService", "Organization", "Operator", "Location", "Schedule", "Slot")


@dataclass(slots=True, kw_only=True, eq=False)
class _Entry:
    """An entry with a resource that we use or that cannot be told, what is wrong with it, and what hangs on it."""

    position: int
    kind: str
    """Blank where the entry does not say it rightly: then it is what any reference to it expects."""
    resource: Mapping[str, Any]
    issues: list[Issue] = field(default_factory=list)
    schedules: "list[_Entry]" = field(default_factory=list)
    slots: "list[_Entry]" = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.position}]"

    def path(self, element: str) -> str:
        return f"{self.place}.resource.{element}"

    def miss(self, element: str, kind: str) -> None:
        """Notes that a reference leads nowhere, unless something is wrong with the reference as it is."""
        place = self.path(element)
        if not any(issue.place.startswith(place) for issue in self.issues):
            self.issues.append(_no_target(place, kind))


def check(options: Options, names: Collection[str] = ()) -> None:  # noqa: ARG001 - its fields are those of the format
    """Raises `Rejected` for options that there are not, and where no element is named."""
    _Taker(options)


def decode(body: bytes, options: Options) -> Decoded:
    """The records of a Bundle, in the order of its HealthcareServices; a transaction is `atomic`.

    A wrong entry is among the issues of every record that needs it, and `Broken` where none does. Types that we do not
    use, and resources that no HealthcareService refers to, are dropped by type, with the first record.
    """
    take, bundle = _Taker(options), _bundle(body)
    return Decoded(records=_records(bundle, take), atomic=bundle["type"] == "transaction")


def _bundle(body: bytes) -> Mapping[str, Any]:
    try:
        bundle = strict_json.parse(body)
    except strict_json.NotJson as error:
        raise Rejected(
            Issue(
                code="not-json",
                place=f"line {error.line}, column {error.column}",
                text_de="Kein JSON. Erwartet ist ein FHIR-Bundle in JSON; der Absender muss es berichtigen.",
                text_en=f"Not JSON: {error.reason}. Expected is a FHIR Bundle in JSON; the sender must correct it.",
                fhir_code="structure",
            )
        ) from None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise Rejected(
            Issue(
                code="not-a-bundle",
                place="Bundle",
                text_de="Erwartet ist ein FHIR-Bundle (resourceType Bundle). Der Absender muss eines schicken.",
                text_en="Expected is a FHIR Bundle (resourceType Bundle). The sender must send one.",
                fhir_code="structure",
            )
        )
    if bundle.get("type") not in _TAKEN:
        taken = ", ".join(_TAKEN)
        raise Rejected(
            Issue(
                code="bundle-type",
                place="Bundle.type",
                text_de=f"Erwartet ist eines von: {taken}. Der Absender muss die Art des Bundles ändern.",
                text_en=f"Expected is one of: {taken}. The sender must change the type of the Bundle.",
                fhir_code="not-supported",
            )
        )
    if not isinstance(bundle.get("entry", []), list):
        raise Rejected(_not_an_object("Bundle.entry"))
    return bundle


def _records(bundle: Mapping[str, Any], take: "_Taker") -> Iterator[Record | Broken]:
    entries = bundle.get("entry", [])
    used: list[_Entry] = []
    broken: dict[int, Broken] = {}
    dropped: dict[str, None] = {}
    found: dict[str, _Entry] = {}
    for position, entry in enumerate(entries):
        read = _entry(position, entry, with_request=bundle["type"] in _WITH_REQUESTS)
        if isinstance(read, str):
            dropped[read] = None
        else:
            used.append(read)
            _register(read, entry, found)
    services = [entry for entry in used if entry.kind == "HealthcareService"]
    if not services:
        untold = [entry.issues[0] for entry in used if not entry.kind]
        raise Rejected(*untold) if untold else _no_service((*(entry.kind for entry in used), *dropped))
    needed = _linked(used, found)
    for entry in used:
        if entry in needed:
            continue
        if entry.issues:
            broken[entry.position] = _broken(entry.position, entries[entry.position], entry.issues[0])
        else:
            # A parent of the operator, the site of another service, a Slot of a broken Schedule: no error of its own.
            dropped[entry.kind] = None
    records = {service.position: _record(service, found, take) for service in services}
    first = services[0].position
    records[first] = replace(records[first], dropped=tuple(dict.fromkeys((*dropped, *records[first].dropped))))
    for position in sorted(records.keys() | broken.keys()):
        yield records[position] if position in records else broken[position]


def _entry(position: int, entry: Any, *, with_request: bool) -> _Entry | str:
    """The entry, with what is wrong with it, or the name of its type where we do not use it."""
    place = f"Bundle.entry[{position}]"
    untold = _Entry(position=position, kind="", resource={})
    if not isinstance(entry, dict):
        untold.issues.append(_not_an_object(place))
        return untold
    resource, request = entry.get("resource"), entry.get("request")
    method = request.get("method") if isinstance(request, dict) else None
    if with_request and method not in ("POST", "PUT"):
        untold.issues.append(_no_request(place))
        return untold
    if not isinstance(resource, dict):
        untold.issues.append(_not_an_object(f"{place}.resource"))
        return untold
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in r4.TYPES:
        if not with_request:
            return WITHHELD_NAME
        untold.issues.append(_no_type(place))
        return untold
    if kind not in _USED:
        return kind
    if method == "POST":
        # The id of a resource to be created means nothing, and may be another one tomorrow.
        resource = {name: value for name, value in resource.items() if name != "id"}
    read = _Entry(position=position, kind=kind, resource=resource)
    read.issues.extend(r4.findings(kind, resource, f"{place}.resource"))
    return read


def _register(entry: _Entry, written: Any, found: dict[str, _Entry]) -> None:
    """Makes an entry findable by all that a reference in the same Bundle may call it."""
    if not isinstance(written, dict):
        return
    request, resource = written.get("request"), written.get("resource")
    resource_id = resource.get("id") if isinstance(resource, dict) else None
    names = [
        written.get("fullUrl"),
        f"{entry.kind}/{resource_id}" if entry.kind and isinstance(resource_id, str) else None,
        request.get("url") if isinstance(request, dict) and request.get("method") != "POST" else None,
    ]
    named = [name for name in names if isinstance(name, str)]
    if entry.kind:
        found.update({name: entry for name in named if name in found and not found[name].kind})
    others = [found.setdefault(name, entry) for name in named]
    if not entry.issues and any(other is not entry for other in others):
        entry.issues.append(
            Issue(
                code="fhir-duplicate",
                place=entry.place,
                text_de="Diese Ressource steht schon im Bundle. Der Absender muss eine von beiden weglassen.",
                text_en="This resource is in the Bundle already. The sender must leave one of the two out.",
                fhir_code="duplicate",
            )
        )


def _linked(used: Sequence[_Entry], found: Mapping[str, _Entry]) -> set[_Entry]:
    """Hangs Slots on their Schedules and these on their services; answers the services and all that they need."""
    for slot in used:
        if slot.kind == "Slot":
            schedule = _target(slot, "schedule", slot.resource.get("schedule"), "Schedule", found)
            if schedule is not None:
                schedule.slots.append(slot)
    needed: set[_Entry] = set()
    for schedule in used:
        if schedule.kind == "Schedule":
            for service in _services(schedule, found):
                service.schedules.append(schedule)
                needed.update((schedule, *schedule.slots))
    for service in used:
        if service.kind == "HealthcareService":
            organization = _target(service, "providedBy", service.resource.get("providedBy"), "Organization", found)
            operator = _operator(organization, found)
            locations = [
                _target(service, f"location[{position}]", reference, "Location", found)
                for position, reference in enumerate(_list(service.resource.get("location")))
            ]
            needed.update(entry for entry in (service, organization, operator, *locations) if entry is not None)
    return needed


def _services(schedule: _Entry, found: Mapping[str, _Entry]) -> list[_Entry]:
    """The services that a Schedule tells of, which should be one."""
    actors = _list(schedule.resource.get("actor"))
    resolved = [_resolved(actor, "HealthcareService", found) for actor in actors]
    services = [service for service in resolved if service is not None]
    if not services:
        to_one = (f"actor[{position}]" for position, each in enumerate(actors) if "HealthcareService" in _literal(each))
        schedule.miss(next(to_one, "actor"), "HealthcareService")
    # An entry without a rightful type may be the Location that the Schedule names too.
    typed = [service for service in services if service.kind]
    if len(typed) > 1:
        schedule.issues.append(_one_only(schedule.path("actor"), "Schedule", "HealthcareService"))
    return typed or services


def _operator(organization: _Entry | None, found: Mapping[str, _Entry]) -> _Entry | None:
    return None if organization is None else _resolved(organization.resource.get("partOf"), "Organization", found)


def _target(entry: _Entry, element: str, reference: Any, kind: str, found: Mapping[str, _Entry]) -> _Entry | None:
    target = _resolved(reference, kind, found)
    if target is None:
        entry.miss(element, kind)
    return target


def _resolved(reference: Any, kind: str, found: Mapping[str, _Entry]) -> _Entry | None:
    target = found.get(_literal(reference).partition("/_history/")[0])
    return target if target is not None and target.kind in (kind, "") else None


def _literal(reference: Any) -> str:
    literal = reference.get("reference") if isinstance(reference, dict) else None
    return literal if isinstance(literal, str) else ""


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


class _Taker:
    """Takes over of resources what the source map names; nothing of one that is wrong."""

    def __init__(self, options: Options) -> None:
        option.only(options, {"elements", "silent"})
        elements = option.section(options, "elements", required=True)
        option.only(elements, _ROLES, "options.elements")
        self._elements = {role: _tree(elements, role) for role in elements}
        self._silent = frozenset(option.texts(options, "silent"))

    def __call__(self, role: str, entry: _Entry) -> tuple[dict[str, Any], Sequence[Issue], Iterable[str]]:
        if entry.issues:
            return {}, entry.issues, ()
        kept = Kept(
            entry.resource,
            self._elements.get(role, {}),
            role=role,
            place=f"{entry.place}.resource",
            silent=self._silent,
        )
        return ({} if kept.issues else kept.resource), kept.issues, kept.dropped


def _tree(elements: Options, role: str) -> Tree:
    paths = option.texts(elements, role, "options.elements")
    try:
        return tree(paths)
    except ValueError as error:
        raise option.refused(
            f"options.elements.{role}",
            f"statt „{error}“ ein Weg wie type.coding(SYSTEM).code",
            f'instead of "{error}" a path such as type.coding(SYSTEM).code',
        ) from None


def _record(service: _Entry, found: Mapping[str, _Entry], take: _Taker) -> Record:
    organization = _resolved(service.resource.get("providedBy"), "Organization", found)
    operator = _operator(organization, found)
    locations = _list(service.resource.get("location"))
    location = _resolved(locations[0], "Location", found) if locations else None
    schedule = service.schedules[0] if service.schedules else None
    slots = [slot for each in service.schedules for slot in each.slots]
    issues = list(_missing_links(service, organization, operator))
    dropped: dict[str, None] = {}
    fields: dict[str, Any] = {}
    roles = (
        ("HealthcareService", service),
        ("Organization", organization),
        ("Operator", operator),
        ("Location", location),
        ("Schedule", schedule),
        *(("Slot", slot) for slot in slots),
    )
    for role, entry in roles:
        if entry is None:
            continue
        kept, wrong, left = take(role, entry)
        issues.extend(wrong)
        dropped.update(dict.fromkeys(left))
        if role == "Slot":
            fields.setdefault(role, []).append(kept)
        else:
            fields[role] = kept
    return Record(place=service.place, fields=fields, issues=tuple(issues), dropped=tuple(dropped))


def _missing_links(service: _Entry, organization: _Entry | None, operator: _Entry | None) -> Iterator[Issue]:
    if len(_list(service.resource.get("location"))) > 1:
        yield _one_only(service.path("location"), "HealthcareService", "Location")
    for surplus in service.schedules[1:]:
        yield _one_only(surplus.place, "HealthcareService", "Schedule")
    if organization is not None and operator is None and "partOf" in organization.resource:
        # An offer without its operator is still an offer.
        yield replace(_no_target(organization.path("partOf"), "Organization"), severity="warning")


def _broken(position: int, entry: Any, issue: Issue) -> Broken:
    body = json.dumps(entry, ensure_ascii=False, default=str).encode()
    return Broken(place=f"Bundle.entry[{position}]", body=body, issue=issue)


def _no_service(kinds: Iterable[str]) -> Rejected:
    held = ", ".join(sorted(set(kinds)))
    return Rejected(
        Issue(
            code="no-healthcare-service",
            place="Bundle.entry",
            text_de="Das Bundle sagt von keinem Angebot etwas: erwartet ist mindestens ein HealthcareService"
            + (f"; enthalten: {held}." if held else "."),
            text_en="The Bundle tells of no offer: at least one HealthcareService is expected"
            + (f"; there are: {held}." if held else "."),
            fhir_code="required",
        )
    )


def _no_target(place: str, kind: str) -> Issue:
    return Issue(
        code="fhir-reference",
        place=place,
        text_de=f"Verweis auf {kind}: fehlt, oder das Ziel steht nicht im Bundle. Der Absender muss es mitschicken.",
        text_en=f"Reference to {kind}: missing, or its target is not in the Bundle. The sender must send it along.",
        fhir_code="not-found",
    )


def _one_only(place: str, of: str, one: str) -> Issue:
    return Issue(
        code="fhir-one-only",
        place=place,
        text_de=f"Erwartet ist je {of} genau ein {one}. Der Absender muss sie aufteilen.",
        text_en=f"Expected is exactly one {one} for each {of}. The sender must split them.",
        fhir_code="business-rule",
    )


def _no_request(place: str) -> Issue:
    return Issue(
        code="fhir-request",
        place=f"{place}.request.method",
        text_de="Erwartet ist POST oder PUT: ein Bundle sagt alles über ein Angebot, was darin fehlt, gilt nicht "
        "mehr. Der Absender muss den Eintrag ändern oder weglassen.",
        text_en="Expected is POST or PUT: a Bundle says all about an offer, what is missing in it no longer holds. "
        "The sender must change the entry or leave it out.",
        fhir_code="not-supported",
    )


def _no_type(place: str) -> Issue:
    return Issue(
        code="fhir-resource-type",
        place=f"{place}.resource.resourceType",
        text_de="Erwartet ist ein Ressourcentyp von FHIR R4. Der Absender muss ihn berichtigen.",
        text_en="Expected is a resource type of FHIR R4. The sender must correct it.",
        fhir_code="structure",
    )


def _not_an_object(place: str) -> Issue:
    return Issue(
        code="fhir-structure",
        place=place,
        text_de="Hier steht kein JSON der Form, die FHIR R4 verlangt. Der Absender muss es berichtigen.",
        text_en="There is no JSON here of the shape that FHIR R4 demands. The sender must correct it.",
        fhir_code="structure",
    )
