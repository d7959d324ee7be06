"""The drift alarm: a delivery that is unlike those of its source before is held, before anything of it is in effect.

What is compared, and how: `mappings/drift.py`. Only deliveries that were taken teach the profile; one that an operator
released teaches that this is how it is now. A map with wards is not judged: its census is a function of the set of all
events, and a message that is held would make it wrong.
"""

import zlib
from collections.abc import Collection, Mapping

import msgspec
import orjson
from sqlalchemy import Connection, delete, insert, select

from hub.store.tables import source_profile, statement
from mappings.delivery_tally import FEWEST, DeliveryTally, Known
from mappings.drift import Profile, findings
from mappings.errors import Issue
from mappings.identity import resource_id
from mappings.source_map import SourceMap

__all__ = ["Drift"]

_CHUNK = 500


class _Address(msgspec.Struct):
    street: str
    postal_code: str
    city: str


class _Facility(msgspec.Struct):
    name: str
    address: _Address


class _Counts(msgspec.Struct):
    accepting: int | None


class _Report(msgspec.Struct):
    """What is looked at of a stored report: the rest is skipped."""

    facility: _Facility
    counts: _Counts


_REPORT = msgspec.json.Decoder(_Report)


class Drift:
    """Holds deliveries against the profile of their source, in the transaction of whoever calls."""

    def examine(self, connection: Connection, source_map: SourceMap, tally: DeliveryTally) -> tuple[Issue, ...]:
        """What is unlike before, nothing of the delivery being in effect yet; an error among it: hold the delivery.

        The first of several is then the one that says who must act, of code `drift`.
        """
        if source_map.wards or tally.records < FEWEST:
            return ()
        profile = _profile(connection, source_map.name)
        if not profile.snapshots:
            return ()
        tally.known = _known(connection, source_map.name, tally.sample)
        found = findings(profile, tally.snapshot(at=0, known=tally.known))
        return (_held(), *found) if any(issue.severity == "error" for issue in found) else found

    def learn(
        self, connection: Connection, source_map: SourceMap, tally: DeliveryTally, *, at: int, accepted: bool = False
    ) -> None:
        """Add a delivery that is taken to the profile; to be called before its reports are written, too, since it is
        held against what was known before. `at` is the moment of receipt in microseconds, `accepted`: by a person."""
        if source_map.wards or tally.records < FEWEST:
            return
        profile = _profile(connection, source_map.name)
        if not accepted and not profile.is_news(at, tally.records):
            return
        known = tally.known if tally.known is not None else _known(connection, source_map.name, tally.sample)
        learnt = profile.with_one_more(tally.snapshot(at=at, known=known, accepted=accepted))
        connection.execute(delete(source_profile).where(source_profile.c.source == source_map.name))
        content = zlib.compress(orjson.dumps(learnt.to_json()), 1)
        row = {"source": source_map.name, "content": content, "updated_at": at}
        connection.execute(insert(source_profile), row)


def _profile(connection: Connection, source: str) -> Profile:
    chosen = select(source_profile.c.content).where(source_profile.c.source == source)
    content = connection.execute(chosen).scalar()
    return Profile() if content is None else Profile.from_json(orjson.loads(zlib.decompress(content)))


def _known(connection: Connection, source: str, keys: Collection[str]) -> Mapping[str, Known]:
    """What is in effect of some offers of a source, by their keys."""
    ids = {resource_id(source, "HealthcareService", key): key for key in keys}
    found: dict[str, Known] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), _CHUNK):
        chosen = select(statement.c.offer, statement.c.report).where(
            statement.c.offer.in_(wanted[start : start + _CHUNK])
        )
        for row in connection.execute(chosen):
            report = _REPORT.decode(row.report)
            facility, address = report.facility, report.facility.address
            found[ids[row.offer]] = Known(
                accepting=report.counts.accepting,
                facility=(facility.name, address.street, address.postal_code, address.city),
            )
    return found


def _held() -> Issue:
    return Issue(
        code="drift",
        text_de="Diese Lieferung ist anders als die bisherigen dieser Quelle und deshalb zurückgehalten; nichts davon "
        "gilt. Der Betreiber entscheidet (platzfrei drift); erneut senden hilft nicht, berichtigt senden schon.",
        text_en="This delivery is unlike those of its source before and therefore held; nothing of it is in effect. "
        "The operator decides (platzfrei drift); sending it again does not help, sending it corrected does.",
        fhir_code="business-rule",
    )
