"""FHIR R4 in JSON or XML: one record per HealthcareService, with what belongs to it in the same Bundle
(https://hl7.org/fhir/R4/bundle.html, https://hl7.org/fhir/R4/http.html#transaction).

A HealthcareService by itself, or a Schedule, is read as a Bundle of it and of what it has `contained`
(https://hl7.org/fhir/R4/references.html#contained), if that is all it refers to; resources contained in an entry of a
Bundle are read, too. The id of a contained resource means nothing outside: it is left out.

A record's fields are the resources by their role: `HealthcareService`, `Organization` (the facility), `Operator` (its
partOf), `Location`, `Schedule` and the list `Slot`. Of them only what the source map's `options:` name comes through:

    elements: by role, the elements to keep (`adapters/elements.py`)
    silent:   elements that only restate others: left out without being reported
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters import options as option
from adapters import r4
from adapters.base import Broken, Decoded, Options, Record
from adapters.elements import Kept, Tree, tree
from conformance.formats import fhir_xml, strict_json
from conformance.formats.grouped import grouped
from mappings.errors import Issue, Rejected
from mappings.patient_filter import WITHHELD_NAME

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "fhir_bundle"

_WITH_REQUESTS = ("transaction", "batch")
_TAKEN = (*_WITH_REQUESTS, "collection", "searchset")
_USED = ("HealthcareService", "Organization", "Location", "Schedule", "Slot")
_WHOLE = ("HealthcareService", "Schedule")
"""What can tell all of an offer by itself: a Slot says nothing of the others, a Location nothing of places."""
_ELSEWHERE = "fhir-incomplete"
_TAGS_MAX = 500_000
"""So many tags of XML are read at once: a tree of more takes more memory than a delivery may."""
_BEGINS_XML = tuple(
    mark + "<".encode(codec)
    for codec, mark in (
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
    )
)
_ROLES = ("HealthcareService", "Organization", "Operator", "Location", "Schedule", "Slot")


@dataclass(slots=True, kw_only=True, eq=False)
class _Entry:
    """An entry with a resource that we use or that cannot be told, what is wrong with it, and what hangs on it."""

    place: str
    """Where it stands, as a record is told."""
    root: str
    """Where its resource stands: the path below which its elements are told."""
    kind: str
    """Blank where the entry does not say it rightly: then it is what any reference to it expects."""
    resource: Mapping[str, Any]
    scope: str
    """What stands before `#id` where resources are contained: each `#id` means one of the same container."""
    written: Any = None
    """The entry as it was sent."""
    is_alone: bool = False
    """There is no Bundle around."""
    issues: list[Issue] = field(default_factory=list)
    schedules: "list[_Entry]" = field(default_factory=list)
    slots: "list[_Entry]" = field(default_factory=list)

    def path(self, element: str) -> str:
        return f"{self.root}.{element}"

    def miss(self, element: str, kind: str) -> None:
        """Notes that a reference leads nowhere, unless something is wrong with the reference as it is."""
        place = self.path(element)
        if not any(issue.place.startswith(place) for issue in self.issues):
            self.issues.append((_not_contained if self.is_alone else _no_target)(place, kind))


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not, and where no element is named."""
    _Taker(options)


def decode(body: bytes, options: Options) -> Decoded:
    """The records of a Bundle or of one resource, in the order of their HealthcareServices; a transaction is `atomic`.

    A wrong entry is among the issues of every record that needs it, and `Broken` where none does. Types that we do not
    use, and resources that no HealthcareService refers to, are dropped by type, with the first record.
    """
    take, resource = _Taker(options), _parsed(body)
    if resource["resourceType"] == "Bundle":
        return Decoded(records=_records(_entries(_bundle(resource)), take), atomic=resource["type"] == "transaction")
    return Decoded(records=_records(_alone(resource), take))


def _parsed(body: bytes) -> Mapping[str, Any]:
    """The Bundle, or the resource of a type that can be read by itself."""
    resource = _xml(body) if body[:100].lstrip().startswith(_BEGINS_XML) else _json(body)
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind == "Bundle" or kind in _WHOLE:
        return resource
    if kind in _USED:
        raise Rejected(_not_by_itself(kind))
    raise Rejected(
        Issue(
            code="not-a-bundle",
            place="Bundle",
            text_de="Erwartet ist ein FHIR-Bundle (resourceType Bundle) oder ein HealthcareService, der enthält, "
            "worauf er verweist. Der Absender muss eines davon schicken.",
            text_en="Expected is a FHIR Bundle (resourceType Bundle), or a HealthcareService that contains what it "
            "refers to. The sender must send one of these.",
            fhir_code="structure",
        )
    )


def _json(body: bytes) -> Any:
    try:
        return strict_json.parse(body)
    except strict_json.NotJson as error:
        raise Rejected(
            Issue(
                code="not-json",
                place=f"line {error.line}, column {error.column}",
                text_de=f"Kein JSON: {error.reason_de}. Erwartet ist ein FHIR-Bundle in JSON oder XML; der Absender "
                "muss es berichtigen.",
                text_en=f"Not JSON: {error.reason}. Expected is a FHIR Bundle in JSON or XML; the sender must "
                "correct it.",
                fhir_code="structure",
            )
        ) from None


def _xml(body: bytes) -> Mapping[str, Any]:
    if body.count(b"<") > _TAGS_MAX:
        raise Rejected(
            Issue(
                code="too-long",
                place="Bundle",
                text_de=f"Mehr als {grouped(_TAGS_MAX)} Tags auf einmal. Der Absender muss die Lieferung teilen.",
                text_en=f"More than {_TAGS_MAX:,} tags at once. The sender must divide the delivery.",
                fhir_code="too-long",
            )
        )
    try:
        return fhir_xml.parse(body)
    except fhir_xml.NotFhirXml as error:
        raise Rejected(
            Issue(
                code="not-fhir-xml",
                place=f"line {error.line}",
                text_de=f"Kein FHIR-XML: {error.reason_de}. Erwartet ist ein FHIR-Bundle in XML oder JSON; der "
                "Absender muss es berichtigen.",
                text_en=f"Not FHIR XML: {error.reason}. Expected is a FHIR Bundle in XML or JSON; the sender must "
                "correct it.",
                fhir_code="structure",
            )
        ) from None


def _bundle(bundle: Mapping[str, Any]) -> Mapping[str, Any]:
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


@dataclass(slots=True)
class _Entries:
    """What was sent, in its order: what we use, the types that we do not, and who can be referred to by what."""

    used: list[_Entry] = field(default_factory=list)
    dropped: dict[str, None] = field(default_factory=dict)
    found: dict[str, _Entry] = field(default_factory=dict)
    alone: str = ""
    """The type of the one resource that was sent; blank where it is a Bundle."""


def _entries(bundle: Mapping[str, Any]) -> _Entries:
    entries = _Entries()
    for position, written in enumerate(bundle.get("entry", [])):
        place = f"Bundle.entry[{position}]"
        read = _entry(place, written, with_request=bundle["type"] in _WITH_REQUESTS)
        if isinstance(read, str):
            entries.dropped[read] = None
        else:
            entries.used.append(read)
            _register(read, _names(read, written), entries.found)
            _take_contained(read, entries)
    return entries


def _alone(resource: Mapping[str, Any]) -> _Entries:
    kind = resource["resourceType"]
    entries = _Entries(alone=kind)
    read = _of_type(kind, resource, place=kind, root=kind, scope=kind, is_alone=True)
    entries.used.append(read)
    _register(read, [f"{kind}/{resource['id']}"] if isinstance(resource.get("id"), str) else [], entries.found)
    _take_contained(read, entries)
    return entries


def _records(entries: _Entries, take: "_Taker") -> Iterator[Record | Broken]:
    used, dropped, found = entries.used, entries.dropped, entries.found
    services = [entry for entry in used if entry.kind == "HealthcareService"]
    if not services:
        if entries.alone:
            raise Rejected(_not_by_itself(entries.alone))
        untold = [entry.issues[0] for entry in used if not entry.kind]
        raise Rejected(*untold) if untold else _no_service((*(entry.kind for entry in used), *dropped))
    needed = _linked(used, found)
    # What stands elsewhere is not guessed at: nothing of the resource can be read.
    wrong = [issue for entry in used for issue in entry.issues]
    if any(issue.code == _ELSEWHERE for issue in wrong):
        raise Rejected(*wrong)
    parts: dict[_Entry, Record | Broken] = {}
    for entry in used:
        if entry in needed:
            continue
        if entry.issues:
            parts[entry] = _broken(entry, entry.issues[0])
        else:
            # A parent of the operator, the site of another service, a Slot of a broken Schedule: no error of its own.
            dropped[entry.kind] = None
    records = {service: _record(service, found, take) for service in services}
    first = services[0]
    records[first] = replace(records[first], dropped=tuple(dict.fromkeys((*dropped, *records[first].dropped))))
    parts.update(records)
    yield from (parts[entry] for entry in used if entry in parts)


def _entry(place: str, entry: Any, *, with_request: bool) -> _Entry | str:
    """The entry, with what is wrong with it, or the name of its type where we do not use it."""
    untold = _Entry(place=place, root=f"{place}.resource", kind="", resource={}, scope=place, written=entry)
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
        resource = _without(resource, "id")
    return _of_type(kind, resource, place=place, root=f"{place}.resource", scope=place, written=entry)


def _of_type(
    kind: str,
    resource: Mapping[str, Any],
    *,
    place: str,
    root: str,
    scope: str,
    written: Any = None,
    is_alone: bool = False,
    container: str = "",
) -> _Entry:
    """An entry of a type that we use, with what is wrong with it; `container` is the type of what contains it."""
    read = _Entry(
        place=place,
        root=root,
        kind=kind,
        resource=resource,
        scope=scope,
        written=resource if written is None else written,
        is_alone=is_alone,
    )
    read.issues.extend(r4.findings(kind, _seen_from_outside(resource, container) if container else resource, root))
    return read


def _seen_from_outside(node: Any, container: str) -> Any:
    """A contained resource with `#`, its container, called by a name, so that it can be checked by itself."""
    if isinstance(node, list):
        return [_seen_from_outside(one, container) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: f"{container}/container" if name == "reference" and value == "#" else _seen_from_outside(value, container)
        for name, value in node.items()
    }


def _without(resource: Mapping[str, Any], element: str) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != element}


def _take_contained(container: _Entry, entries: _Entries) -> None:
    """Makes entries of what a resource contains; there is no container in a container."""
    contained = container.resource.get("contained")
    if contained is None:
        return
    container.resource = _without(container.resource, "contained")
    entries.found[f"{container.scope}#"] = container
    if not isinstance(contained, list):
        container.issues.append(_not_an_object(container.path("contained")))
        return
    for position, resource in enumerate(contained):
        place = container.path(f"contained[{position}]")
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(kind, str) or kind not in r4.TYPES:
            container.issues.append(_no_type(place, ""))
        elif kind not in _USED:
            entries.dropped[kind] = None
        else:
            own = resource.get("id")
            read = _of_type(
                kind,
                _without(resource, "id"),
                place=place,
                root=place,
                scope=container.scope,
                is_alone=container.is_alone,
                container=container.kind,
            )
            entries.used.append(read)
            _register(read, [f"{container.scope}#{own}"] if isinstance(own, str) else [], entries.found)


def _names(entry: _Entry, written: Any) -> list[str]:
    """All that a reference in the same Bundle may call an entry."""
    if not isinstance(written, dict):
        return []
    request, resource = written.get("request"), written.get("resource")
    resource_id = resource.get("id") if isinstance(resource, dict) else None
    names = [
        written.get("fullUrl"),
        f"{entry.kind}/{resource_id}" if entry.kind and isinstance(resource_id, str) else None,
        request.get("url") if isinstance(request, dict) and request.get("method") != "POST" else None,
    ]
    return [name for name in names if isinstance(name, str)]


def _register(entry: _Entry, named: Sequence[str], found: dict[str, _Entry]) -> None:
    """Makes an entry findable by its names."""
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
    resolved = [_resolved(schedule, actor, "HealthcareService", found) for actor in actors]
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
    if organization is None:
        return None
    return _resolved(organization, organization.resource.get("partOf"), "Organization", found)


def _target(entry: _Entry, element: str, reference: Any, kind: str, found: Mapping[str, _Entry]) -> _Entry | None:
    target = _resolved(entry, reference, kind, found)
    if target is None:
        entry.miss(element, kind)
    return target


def _resolved(entry: _Entry, reference: Any, kind: str, found: Mapping[str, _Entry]) -> _Entry | None:
    """What an entry refers to, if it is there and of that type."""
    literal = _literal(reference).partition("/_history/")[0]
    target = found.get(f"{entry.scope}{literal}" if literal.startswith("#") else literal)
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
            place=entry.root,
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
    organization = _resolved(service, service.resource.get("providedBy"), "Organization", found)
    operator = _operator(organization, found)
    locations = _list(service.resource.get("location"))
    location = _resolved(service, locations[0], "Location", found) if locations else None
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


def _broken(entry: _Entry, issue: Issue) -> Broken:
    body = json.dumps(entry.written, ensure_ascii=False, default=str).encode()
    return Broken(place=entry.place, body=body, issue=issue)


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


_TOGETHER_DE = (
    "Zusammen kommen: HealthcareService, seine Organization und Location, sein Schedule und alle seine Slots, als "
    "Bundle (batch, transaction oder collection) oder unter contained. Wer Schedule und Slots einzeln verschickt, "
    "schickt bei jeder Änderung alles zusammen: eine Lieferung sagt alles über ein Angebot."
)
_TOGETHER_EN = (
    "What comes together: the HealthcareService, its Organization and Location, its Schedule and all its Slots, as a "
    "Bundle (batch, transaction or collection) or under contained. Who sends Schedules and Slots one by one sends all "
    "together whenever something changes: a delivery says all about an offer."
)


def _not_by_itself(kind: str) -> Issue:
    element, said_de, said_en = _ALONE[kind]
    return Issue(
        code=_ELSEWHERE,
        place=f"{kind}.{element}" if element else kind,
        text_de=f"{said_de} {_TOGETHER_DE}",
        text_en=f"{said_en} {_TOGETHER_EN}",
        fhir_code="required",
    )


_ALONE: Mapping[str, tuple[str, str, str]] = {
    "Schedule": (
        "actor",
        "Allein sagt ein Schedule nicht, von welchem Angebot er spricht: erwartet ist sein HealthcareService dabei.",
        "Alone a Schedule does not say of which offer it speaks: its HealthcareService is expected with it.",
    ),
    "Slot": (
        "schedule",
        "Ein einzelner Slot sagt nichts über die anderen Plätze des Angebots: erwartet sind alle, mit ihrem Schedule.",
        "One Slot says nothing of the offer's other places: all of them are expected, with their Schedule.",
    ),
    "Organization": (
        "",
        "Eine Organization allein sagt von keinem Angebot etwas: erwartet ist ein HealthcareService dabei.",
        "An Organization alone tells of no offer: a HealthcareService is expected with it.",
    ),
    "Location": (
        "",
        "Eine Location allein sagt von keinem Angebot etwas: erwartet ist ein HealthcareService dabei.",
        "A Location alone tells of no offer: a HealthcareService is expected with it.",
    ),
}
"""Type → the element that leads on to what is missing, and what it does not say by itself."""


def _not_contained(place: str, kind: str) -> Issue:
    return Issue(
        code=_ELSEWHERE,
        place=place,
        text_de=f"Verweis auf {kind}: fehlt, oder das Ziel ist nicht mitgekommen. {_TOGETHER_DE}",
        text_en=f"Reference to {kind}: missing, or its target has not come along. {_TOGETHER_EN}",
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


def _no_type(place: str, resource: str = ".resource") -> Issue:
    return Issue(
        code="fhir-resource-type",
        place=f"{place}{resource}.resourceType",
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
