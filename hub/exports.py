"""All offers of one projection as vacancy reports, read from the FHIR resources that stand there: an export of the
public view is made of nothing that the public cannot read (`mappings/from_fhir.py`, `adapters/outbound/`).
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from hub.store.clock import micros, moment
from hub.store.repository import Resource, current, tree_of
from hub.store.tables import Projection
from mappings.source_map import SourceMap
from mappings.to_fhir import VACANCY
from mappings.vacancy import ZONE, VacancyReport
from mappings.view import effective, expired

__all__ = ["Exports", "Stand"]

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What an export of this moment would say, without making it."""

    tag: str
    """Another one where anything differs that an export says."""
    at: datetime
    """When it last changed: the last write, the last word of a source, the last expiry, the beginning of the day."""


class Exports:
    """Reads one projection; `providers` is the number of the search parameter HealthcareService.organization, by whose
    index the offers of one facility follow one another."""

    def __init__(self, projection: Projection, source_map: SourceMap, *, providers: int) -> None:
        self._projection = projection
        self._map = source_map
        self._providers = providers

    def stand(self, connection: Connection, *, now: datetime) -> Stand:
        """How things stand by `now`."""
        resource, history, freshness = self._projection.resource, self._projection.history, self._projection.freshness
        is_over = freshness.c.expires_at <= micros(now)
        versions, written = (
            connection.execute(select(func.sum(resource.c.version))).scalar(),
            connection.execute(select(func.max(history.c.updated))).scalar(),
        )
        confirmed = connection.execute(select(func.max(freshness.c.confirmed_at))).scalar()
        over, last = connection.execute(
            select(func.count(), func.max(freshness.c.expires_at)).select_from(freshness).where(is_over)
        ).one()
        midnight = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        marks = [mark for mark in (written, confirmed, last) if mark is not None]
        at = max(micros(midnight), *(mark for mark in marks if mark <= micros(now)), 0)
        told = f"{versions} {written} {confirmed} {over} {last} {midnight.isoformat()}"
        return Stand(tag=hashlib.sha256(told.encode()).hexdigest()[:24], at=moment(at))

    def reports(self, connection: Connection, *, now: datetime) -> Iterator[VacancyReport]:
        """Every offer, the offers of one facility after one another; what has expired by `now` is unknown.

        Keys are the ids of the FHIR resources, since those of two sources may be equal. `valid_at` is what freshness
        knows: the newest moment that the source stated, else when it last said so. An offer whose facility is not
        known is left out. Numbers say what the state says.
        """
        for rids in self._services(connection):
            trees = self._trees(connection, rids)
            members = self._members(connection, rids)
            times = self._times(connection, rids)
            for rid in rids:
                report = self._report(trees.get(rid), members[rid])
                if report is None:
                    continue
                if (told := times.get(rid)) is not None:
                    stated_at = told.confirmed_at if told.valid_at is None else told.valid_at
                    report = replace(report, valid_at=moment(stated_at))
                    if told.expires_at <= micros(now):
                        report = replace(expired(report), coarsened=False)
                yield effective(report)

    def _services(self, connection: Connection) -> Iterator[list[int]]:
        reference = self._projection.indexes["reference"]
        last: tuple[str, int] = ("", 0)
        while True:
            rows = connection.execute(
                select(reference.c.target_id, reference.c.rid)
                .where(
                    reference.c.param == self._providers,
                    reference.c.target_type == "Organization",
                    reference.c.target_id >= last[0],
                    or_(
                        reference.c.target_id > last[0],
                        and_(reference.c.target_id == last[0], reference.c.rid > last[1]),
                    ),
                )
                .order_by(reference.c.target_id, reference.c.rid)
                .limit(_CHUNK)
            ).all()
            if not rows:
                return
            yield [row.rid for row in rows]
            last = (rows[-1].target_id, rows[-1].rid)

    def _trees(self, connection: Connection, rids: Sequence[int]) -> dict[int, Resource]:
        resource, history = self._projection.resource, self._projection.history
        rows = connection.execute(
            select(resource.c.rid, history.c.content)
            .join(history, current(self._projection))
            .where(resource.c.rid.in_(rids), resource.c.deleted.is_(False))
        )
        return {row.rid: tree_of(row.content) for row in rows}

    def _members(self, connection: Connection, rids: Sequence[int]) -> defaultdict[int, list[Resource]]:
        """What is shown with an offer: its facility, operator, site, statement and places."""
        resource, history, member = self._projection.resource, self._projection.history, self._projection.member
        rows = connection.execute(
            select(member.c.rid, member.c.member, history.c.content)
            .join(resource, resource.c.rid == member.c.member)
            .join(history, current(self._projection))
            .where(member.c.rid.in_(rids), resource.c.deleted.is_(False))
            .order_by(member.c.rid, member.c.member)
        )
        found: defaultdict[int, list[Resource]] = defaultdict(list)
        trees: dict[int, Resource] = {}
        for row in rows:
            # What belongs to the facility is shown with each of its offers.
            if row.member not in trees:
                trees[row.member] = tree_of(row.content)
            found[row.rid].append(trees[row.member])
        return found

    def _times(self, connection: Connection, rids: Sequence[int]) -> dict[int, Any]:
        freshness = self._projection.freshness
        return {row.rid: row for row in connection.execute(select(freshness).where(freshness.c.rid.in_(rids)))}

    def _report(self, service: Resource | None, members: Sequence[Resource]) -> VacancyReport | None:
        if service is None:
            return None
        by_id = {(one["resourceType"], one["id"]): one for one in members}
        facility = _referred(service.get("providedBy"), by_id)
        if facility is None:
            return None
        operator = _referred(facility.get("partOf"), by_id)
        fields: dict[str, Any] = {"HealthcareService": service, "Organization": facility, "Slot": []}
        if operator is not None:
            fields["Operator"] = operator
        for one in members:
            if one["resourceType"] in ("Location", "Schedule"):
                fields[one["resourceType"]] = one
            elif one["resourceType"] == "Slot":
                fields["Slot"].append(one)
        for report in self._map.read(fields).reports:
            return replace(
                report,
                facility=replace(
                    report.facility,
                    key=facility["id"],
                    operator=replace(report.facility.operator, key=operator["id"])
                    if operator is not None and report.facility.operator is not None
                    else None,
                ),
                offer=replace(report.offer, key=service["id"]),
                coarsened=_is_coarsened(fields.get("Schedule")),
            )
        return None


def _referred(reference: Any, by_id: Mapping[tuple[str, str], Resource]) -> Resource | None:
    written = reference.get("reference", "") if isinstance(reference, dict) else ""
    kind, _, name = str(written).partition("/")
    return by_id.get((kind, name))


def _is_coarsened(schedule: Resource | None) -> bool:
    statement: Resource = next((one for one in (schedule or {}).get("extension", ()) if one.get("url") == VACANCY), {})
    return any(
        part.get("url") == "atLeast" and part.get("valueBoolean") is True for part in statement.get("extension", ())
    )
