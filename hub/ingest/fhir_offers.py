"""Brings offers that were written through FHIR into the search for places, read as a Bundle of them would be.

Only where FHIR is written to: in the sandbox, so far.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select

from adapters.base import Record
from adapters.inbound import fhir_bundle
from hub.ingest import statements
from hub.ingest.vacancy_index import Times, VacancyIndex
from hub.store.clock import micros
from hub.store.prepared import Prepared
from hub.store.reader import Reader, Transaction
from hub.store.repository import Repository, Resource, tree_of
from hub.store.tables import offer_part
from mappings.errors import Rejected
from mappings.from_fhir import fhir_blocks
from mappings.patient_filter import admit
from mappings.source_map import SourceMap
from mappings.vacancy import BlockStatus, State, VacancyReport
from mappings.view import expired

__all__ = ["FhirOffers"]

Key = tuple[str, str]
_OFFER = "HealthcareService"
_SCHEDULES, _SLOTS = 5, 500
"""What one offer may have; what is more is not looked at."""
_TOGETHER = 500


class FhirOffers:
    """`numbers` are those of the reference parameters by which the parts of an offer find each other."""

    def __init__(self, repository: Repository, source_map: SourceMap, numbers: Mapping[Key, int]) -> None:
        self._repository = repository
        self._map = source_map
        self._numbers = numbers
        tables = repository.projection
        resource, reference, member = tables.resource, tables.indexes["reference"], tables.member
        self._marked = Prepared(select(offer_part.c.type, offer_part.c.id).limit(_TOGETHER))
        self._forget = Prepared(
            delete(offer_part).where(offer_part.c.type == bindparam("type"), offer_part.c.id == bindparam("id"))
        )
        self._referring = Prepared(
            select(resource.c.type, resource.c.id)
            .join(reference, reference.c.rid == resource.c.rid)
            .where(
                reference.c.param == bindparam("param"),
                reference.c.target_type == bindparam("type"),
                reference.c.target_id == bindparam("id"),
                resource.c.deleted.is_(False),
            )
            .limit(bindparam("most"))
        )
        self._rid = Prepared(
            select(resource.c.rid).where(resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
        )
        offer = resource.alias("offer")
        self._shown_with = Prepared(
            select(offer.c.id)
            .join(member, member.c.rid == offer.c.rid)
            .join(resource, resource.c.rid == member.c.member)
            .where(resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
        )
        self._vacancies = VacancyIndex(tables)

    def catch_up(self, transaction: Transaction, now: datetime) -> int:
        """Index the offers whose parts were written since; returns how many there were."""
        done = 0
        while marked := transaction.all(self._marked):
            offers = sorted({offer for kind, part in marked for offer in self._offers(transaction, kind, part)})
            for offer in offers:
                self._index(transaction, offer, now)
            # What a report said of them is not what stands there now: said again, it is written again.
            statements.forget_said(transaction, offers)
            transaction.many(self._forget, [{"type": kind, "id": part} for kind, part in marked])
            done += len(offers)
        return done

    def _offers(self, reader: Reader, kind: str, part: str) -> Iterator[str]:
        """The ids of the offers that a resource is, or was, part of."""
        yield from (offer for (offer,) in reader.all(self._shown_with, {"type": kind, "id": part}))
        if kind == _OFFER:
            yield part
        elif kind == "Location":
            yield from self._referring_ids(reader, (_OFFER, "location"), (kind, part))
        elif kind == "Organization":
            yield from self._referring_ids(reader, (_OFFER, "organization"), (kind, part))
            for facility in self._referring_ids(reader, (kind, "partof"), (kind, part)):
                yield from self._referring_ids(reader, (_OFFER, "organization"), (kind, facility))
        elif (tree := self._tree(reader, (kind, part))) is not None:
            schedules = [tree] if kind == "Schedule" else [self._target(reader, tree.get("schedule"))]
            for schedule in schedules:
                for actor in (schedule or {}).get("actor", ()):
                    target = _key(actor)
                    if target is not None and target[0] == _OFFER:
                        yield target[1]

    def _index(self, transaction: Transaction, offer: str, now: datetime) -> None:
        row = transaction.first(self._rid, {"type": _OFFER, "id": offer})
        if row is None:
            return
        group = self._group(transaction, offer)
        report = self._report(group)
        if report is None:
            self._vacancies.clear(transaction, row[0])
            return
        shown = (
            transaction.first(self._rid, {"type": one["resourceType"], "id": one["id"]})
            for one in group
            if one["resourceType"] != _OFFER
        )
        self._vacancies.put_members(transaction, {row[0]: {found[0] for found in shown if found is not None}})
        self._vacancies.put_places(transaction, {row[0]: report})
        at = min(report.valid_at or now, now)
        times = Times(
            offer=offer,
            valid_at=micros(at) if report.valid_at else None,
            confirmed_at=micros(now),
            based_on=micros(at),
            ladder=self._map.ladder,
        )
        self._vacancies.put_freshness(transaction, {row[0]: times})

    def _group(self, reader: Reader, offer: str) -> Sequence[Resource]:
        """The offer with all that says something of it; nothing where it is deleted."""
        service = self._tree(reader, (_OFFER, offer))
        if service is None:
            return ()
        organization = self._target(reader, service.get("providedBy"))
        operator = self._target(reader, organization.get("partOf")) if organization else None
        locations = [self._target(reader, one) for one in service.get("location", ())[:1]]
        found = [service, organization, operator, *locations]
        for schedule in self._referring_ids(reader, ("Schedule", "actor"), (_OFFER, offer), most=_SCHEDULES):
            found.append(self._tree(reader, ("Schedule", schedule)))
            slots = self._referring_ids(reader, ("Slot", "schedule"), ("Schedule", schedule), most=_SLOTS)
            found += [self._tree(reader, ("Slot", slot)) for slot in slots]
        return [tree for tree in found if tree is not None]

    def _report(self, group: Sequence[Resource]) -> VacancyReport | None:
        """What the map for FHIR Bundles reads; None where it says nothing of a place."""
        if not group:
            return None
        bundle = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"fullUrl": f"{self._map.name}/{one['resourceType']}/{one['id']}", "resource": one}
                for one in _provided(group)
            ],
        }
        try:
            records = list(fhir_bundle.decode(_ENCODER.encode(bundle), self._map.options).records)
        except Rejected:
            return None
        for record in records:
            if isinstance(record, Record) and not any(issue.severity == "error" for issue in record.issues):
                fields = admit(record.fields, self._map).fields
                mapped = self._map.read(fields)
                if mapped.reports and not any(issue.severity == "error" for issue in mapped.issues):
                    return _placed(mapped.reports[0], fields.get("Slot"))
        return None

    def _referring_ids(self, reader: Reader, parameter: Key, target: Key, *, most: int = 1000) -> Iterable[str]:
        values = {"param": self._numbers[parameter], "type": target[0], "id": target[1], "most": most}
        return [resource_id for _, resource_id in reader.all(self._referring, values)]

    def _target(self, reader: Reader, reference: Any) -> Resource | None:
        key = _key(reference)
        return self._tree(reader, key) if key is not None else None

    def _tree(self, reader: Reader, key: Key) -> Resource | None:
        stored = self._repository.read(reader, *key)
        return tree_of(stored.content) if stored is not None and stored.content is not None else None


def _placed(report: VacancyReport, slots: Any) -> VacancyReport:
    """The report with no free places but those of Slots: these go one by one, whatever their Schedule said before."""
    is_told = any(block.status is BlockStatus.FREE for block in fhir_blocks([slots, None]))
    return report if is_told or report.state is not State.SOME else expired(report)


def _provided(group: Sequence[Resource]) -> Sequence[Resource]:
    """The group with an Organization, as deliveries need one: FHIR does not, and may name one that is elsewhere."""
    service, *rest = group
    provider = service.get("providedBy", {})
    if provider.get("reference", "").startswith("#"):
        contained = [_identified(one, service["id"]) for one in service.get("contained", ())]
        return [{**service, "contained": contained}, *rest]
    if _key(provider) is not None:
        return group
    somebody = {"resourceType": "Organization", "id": service["id"], "name": service["id"]}
    return [{**service, "providedBy": {"reference": f"Organization/{service['id']}"}}, somebody, *rest]


def _identified(contained: Resource, within: str) -> Resource:
    """A contained resource; an Organization with an identifier, as deliveries know one by it."""
    if contained.get("resourceType") != "Organization":
        return contained
    own = {"system": "urn:ietf:rfc:3986", "value": f"{within}#{contained.get('id')}"}
    return {**contained, "identifier": [*contained.get("identifier", ()), own]}


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def _key(reference: Any) -> Key | None:
    written = reference.get("reference") if isinstance(reference, Mapping) else None
    parts = written.split("/") if isinstance(written, str) else []
    return (parts[0], parts[1]) if len(parts) >= 2 and parts[0].isalpha() else None
