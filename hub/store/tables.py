"""The one schema, for SQLite and PostgreSQL alike.

Two projections of the same data stand side by side, each with its own resources, versions and index; a request reads
exactly one of them, so nothing that only professionals may see can reach the public by any filter, count or version.

Times are microseconds since 1970 in UTC, days are days since 1970; so both engines compare them alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from mappings.district_figures import FIGURES

__all__ = [
    "PROFESSIONAL",
    "PUBLIC",
    "VIEWS",
    "Projection",
    "about",
    "census",
    "course_run",
    "delivery",
    "delivery_part",
    "facility",
    "facility_likeness",
    "facility_match_key",
    "feed",
    "home",
    "identity_decision",
    "job",
    "joined_offer",
    "metadata",
    "offer_part",
    "pool_bound",
    "region_day",
    "region_taken",
    "reminder",
    "search_tally",
    "set_aside",
    "set_aside_offer",
    "shown_facility",
    "source_profile",
    "statement",
    "still_free",
    "still_free_score",
    "suspect",
    "token",
]

metadata = MetaData()

_Serial = BigInteger().with_variant(Integer, "sqlite")
# Sorting and comparing text must not depend on the locale of the server.
_Text = Text().with_variant(Text(collation="C"), "postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The tables of one view of the data."""

    name: str
    resource: Table
    history: Table
    count: Table
    indexes: Mapping[str, Table]
    """The index tables that search parameters fill, by their name."""
    freshness: Table
    vacancy: Table
    change: Table
    service_area: Table
    member: Table


def _index_table(view: str, kind: str, *columns: Column[Any]) -> Table:
    """Rows (param, value …, rid), found by value and cleared by rid."""
    return Table(
        f"{view}_{kind}",
        metadata,
        Column("param", BigInteger, primary_key=True, autoincrement=False),
        *columns,
        Column("rid", BigInteger, primary_key=True, autoincrement=False),
        Index(f"{view}_{kind}_by_rid", "rid", "param"),
        sqlite_with_rowid=False,
    )


def _key(name: str, kind: type[TypeEngine[Any]] | TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _projection(view: str) -> Projection:
    resource = Table(
        f"{view}_resource",
        metadata,
        Column("rid", _Serial, primary_key=True, autoincrement=True),
        Column("type", _Text, nullable=False),
        Column("id", _Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("updated", BigInteger, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("deleted", Boolean, nullable=False),
        UniqueConstraint("type", "id", name=f"{view}_resource_by_id"),
        Index(f"{view}_resource_by_update", "type", "updated"),
        sqlite_autoincrement=True,
    )
    history = Table(
        f"{view}_history",
        metadata,
        Column("rid", BigInteger, primary_key=True, autoincrement=False),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("type", _Text, nullable=False),
        Column("updated", BigInteger, nullable=False),
        Column("change", _Text, nullable=False),  # posted, created, updated, deleted
        Column("delivery", BigInteger, nullable=False),  # 0: written through FHIR
        Column("content", LargeBinary),  # NULL: deleted
        Index(f"{view}_history_by_time", "updated", "rid", "version"),
        Index(f"{view}_history_by_type", "type", "updated", "rid", "version"),
    )
    count = Table(
        f"{view}_count",
        metadata,
        Column("type", _Text, primary_key=True),
        Column("resources", BigInteger, nullable=False),  # those not deleted
        sqlite_with_rowid=False,
    )
    freshness = Table(
        f"{view}_freshness",
        metadata,
        Column("rid", BigInteger, primary_key=True, autoincrement=False),  # of the HealthcareService
        Column("valid_at", BigInteger),
        Column("confirmed_at", BigInteger, nullable=False),
        Column("aging_at", BigInteger, nullable=False),
        Column("stale_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    vacancy = Table(
        f"{view}_vacancy",
        metadata,
        Column("rid", BigInteger, primary_key=True, autoincrement=False),  # of the HealthcareService
        Column("ordinal", Integer, primary_key=True, autoincrement=False),
        Column("care_form", _Text, nullable=False),
        Column("state", _Text, nullable=False),
        Column("latitude", Double, nullable=False),
        Column("longitude", Double, nullable=False),
        Column("starts", Integer, nullable=False),
        Column("ends", Integer, nullable=False),
        Column("places", Integer, nullable=False),
        # Sets of codes as bit masks (`terminology.bits`), 0: nothing said.
        Column("needs", BigInteger, nullable=False),
        Column("care_grades", Integer, nullable=False),
        Column("rooms", Integer, nullable=False),
        Column("sexes", Integer, nullable=False),
        Column("operator", BigInteger, nullable=False),
        Column("languages", _Text, nullable=False),  # ",de,tr,"
        Column("payers", BigInteger, nullable=False),
        Column("own_share", Integer, nullable=False),  # cents a month, -1: not said
        Column("ags", Integer, nullable=False),
        Column("by_area", Integer, nullable=False),  # 1: it says to which postal codes it comes
        sqlite_with_rowid=False,
    )
    Index(f"{view}_vacancy_by_latitude", vacancy.c.latitude)
    change = Table(
        f"{view}_change",
        metadata,
        Column("seq", _Serial, primary_key=True, autoincrement=True),
        Column("rid", BigInteger, nullable=False),
        Column("kind", Integer, nullable=False),  # `ChangeKind`
        sqlite_autoincrement=True,
    )
    service_area = Table(
        f"{view}_service_area",
        metadata,
        Column("postal_code", Integer, primary_key=True, autoincrement=False),
        Column("rid", BigInteger, primary_key=True, autoincrement=False),  # of the HealthcareService
        Index(f"{view}_service_area_rid", "rid"),
        sqlite_with_rowid=False,
    )
    member = Table(
        f"{view}_member",
        metadata,
        Column("rid", BigInteger, primary_key=True, autoincrement=False),  # of the HealthcareService
        Column("member", BigInteger, primary_key=True, autoincrement=False),  # rid of what is shown with it
        sqlite_with_rowid=False,
    )
    return Projection(
        name=view,
        resource=resource,
        history=history,
        count=count,
        indexes=MappingProxyType(_index_tables(view)),
        freshness=freshness,
        vacancy=vacancy,
        change=change,
        service_area=service_area,
        member=member,
    )


def _index_tables(view: str) -> dict[str, Table]:
    """One table for each way of comparing; a value's interval is [low, high]."""

    def table(kind: str, *columns: Column[Any]) -> Table:
        return _index_table(view, kind, *columns)

    return {
        "token": table("token", _key("code", _Text), _key("system", _Text)),
        "string": table("string", _key("folded", _Text), _key("exact", _Text)),
        # A URL that names no resource of a type has it all in target_id.
        "reference": table("reference", _key("target_id", _Text), _key("target_type", _Text)),
        "date": table("date", _key("low", BigInteger), _key("high", BigInteger)),
        "number": table("number", _key("low", Double), _key("high", Double)),
        "quantity": table(
            "quantity", _key("low", Double), _key("high", Double), _key("code", _Text), _key("system", _Text)
        ),
        "uri": table("uri", _key("uri", _Text)),
        "position": table("position", _key("latitude", Double), _key("longitude", Double)),
        # The components of one element have its ordinal in common.
        "composite": table(
            "composite",
            _key("component", Integer),
            _key("text", _Text),
            _key("low", Double),
            _key("high", Double),
            _key("system", _Text),
            _key("ordinal", Integer),
        ),
    }


PUBLIC = _projection("public")
PROFESSIONAL = _projection("professional")
VIEWS: Mapping[str, Projection] = MappingProxyType({view.name: view for view in (PUBLIC, PROFESSIONAL)})
"""Both, by name: what statements that are built once a view are told by."""

about = Table(
    "about",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("value", _Text, nullable=False),
)
"""What this database is for: `purpose` = region, demo or sandbox."""

token = Table(
    "source_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("source", _Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""Bearer tokens of sources, by SHA-256; the token itself is shown once and stored nowhere."""

delivery = Table(
    "delivery",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("source", _Text, nullable=False),
    Column("message_id", _Text),
    Column("digest", LargeBinary, nullable=False),  # keyed hash of the bytes as received
    Column("length", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("status", _Text, nullable=False),  # arriving (part by part), received, done, held, rejected
    Column("content", LargeBinary, nullable=False),  # the records as they passed the patient filter, NDJSON, zlib
    Column("receipt", LargeBinary),
    Column("parts", Integer, nullable=False, server_default="0"),  # 0: all of it is in `content`
    Column("parts_done", Integer, nullable=False, server_default="0"),  # their effect is written
    UniqueConstraint("source", "message_id", name="delivery_by_message_id"),
    Index("delivery_by_source", "source", "id"),
    Index("delivery_by_status", "status", "source", "id"),
    sqlite_autoincrement=True,
)
"""The ledger: every delivery as it passed the patient filter."""

delivery_part = Table(
    "delivery_part",
    metadata,
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
"""Some records of a large delivery, as the ledger keeps them: nobody holds all of it in memory."""

suspect = Table(
    "suspect",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # keyed hash of source and bytes
    Column("crashes", Integer, nullable=False),
)
"""Deliveries that were being read when a process died."""

set_aside = Table(
    "set_aside",
    metadata,
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("source", _Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # one line of the delivery's NDJSON
    Column("issues", LargeBinary, nullable=False),
    Index("set_aside_by_source", "source", "delivery"),
)
"""Records that an operator looks at and runs again."""

set_aside_offer = Table(
    "set_aside_offer",
    metadata,
    Column("delivery", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("offer", _Text, primary_key=True),  # the HealthcareService's id
    Column("stated_at", BigInteger),  # as of when the record speaks of it, where it says so
    Index("set_aside_offer_by_offer", "offer"),
    sqlite_with_rowid=False,
)
"""What the records that lie aside speak of, where all of it can be told: said again, they are done with."""

statement = Table(
    "statement",
    metadata,
    Column("offer", _Text, primary_key=True),  # the HealthcareService's id
    Column("source", _Text, nullable=False),
    Column("facility", _Text, nullable=False),  # the source's key of it
    Column("care_form", _Text, nullable=False),
    Column("stated_at", BigInteger),  # what the source said, were it in the future
    Column("ordered_at", BigInteger, nullable=False),  # with `sequence` what decides which statement is newer
    Column("sequence", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("public_digest", LargeBinary, nullable=False),  # of what the public sees of it
    Column("offer_digest", LargeBinary),  # of what is shown of the offer itself; NULL: not known
    Column("received_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("expired", Boolean, nullable=False),
    Column("report", LargeBinary, nullable=False),
    # How long the source has said the same, for `course_run`: as of when at first, in how many deliveries, and what.
    Column("since", BigInteger, nullable=False, server_default="0"),
    Column("said", Integer, nullable=False, server_default="1"),
    Column("state", _Text, nullable=False, server_default="unknown"),
    Column("accepting", Integer),
    Index("statement_by_expiry", "expired", "expires_at"),
    Index("statement_by_facility", "source", "facility", "care_form"),
)
"""The winning statement of each offer, and its times."""

course_run = Table(
    "course_run",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("source", _Text, nullable=False),
    Column("offer", _Text, nullable=False),  # the HealthcareService's id
    Column("care_form", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("accepting", Integer),  # NULL: no number was said
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),  # said again last
    Column("ended", BigInteger, nullable=False),  # when something else was said
    Column("said", Integer, nullable=False),
    Index("course_run_by_offer", "offer", "ended", "id"),
)
"""How long a source said the same of an offer, once it says something else; what it says now is in `statement`."""

still_free = Table(
    "still_free",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("care_form", _Text, primary_key=True),
    Column("places", Integer, primary_key=True, autoincrement=False),  # so many are asked for
    Column("reported", _Text, primary_key=True),  # so many were said to be free: 1, 2, 3+, 2+ where it is coarsened
    Column("age", Integer, primary_key=True, autoincrement=False),  # hours since that was said
    Column("probability", Double, nullable=False),
    sqlite_with_rowid=False,
)
"""How likely it is that so many places are still free, as `hub/course/still_free.py` learnt last, where it is shown."""

still_free_score = Table(
    "still_free_score",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("care_form", _Text, primary_key=True),
    Column("places", Integer, primary_key=True, autoincrement=False),
    Column("looks", BigInteger, nullable=False),  # next words that it was held against
    Column("gone", BigInteger, nullable=False),
    Column("brier", Double, nullable=False),
    Column("baseline", Double, nullable=False),
    Column("verdict", _Text, nullable=False),  # shown, or why not: few, on-change, weekly, no-better
    sqlite_with_rowid=False,
)
"""How well that foretold what was said next, and whether it is shown."""

shown_facility = Table(
    "shown_facility",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("facility", _Text, primary_key=True),  # the source's key of it
    Column("public_digest", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What each view shows of a facility, by digest: a report that says the same of it leaves it alone."""

census = Table(
    "census_event",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("stay", _Text, nullable=False),  # keyed hash; blank where the message names none
    Column("from_ward", _Text),
    Column("to_ward", _Text),
    Column("content", LargeBinary, nullable=False),
    Index("census_event_by_stay", "source", "stay"),
    Index("census_event_by_from_ward", "source", "from_ward"),
    Index("census_event_by_to_ward", "source", "to_ward"),
)
"""What a ward's census is folded from; visits stand here as keyed hashes only."""

offer_part = Table(
    "offer_part",
    metadata,
    Column("type", _Text, primary_key=True),
    Column("id", _Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""What was written through FHIR and may belong to an offer that the search for places does not know so yet."""

feed = Table(
    "feed",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("mark", _Text, nullable=False),  # of where it leads: what it remembers belongs to that alone
    Column("attempt", BigInteger, nullable=False),  # which of all rounds has it; only that one may write its end
    Column("attempted_at", BigInteger),
    Column("claimed_until", BigInteger, nullable=False),
    Column("led", Boolean, nullable=False),  # claimed by the process that leads, so that its successor may go on
    Column("succeeded_at", BigInteger),
    Column("due_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("problem", LargeBinary),  # the issues of the last round, where it failed
    # The first delivery that was not taken whole, of the last round that brought any.
    Column("not_taken", BigInteger),
    Column("memory", LargeBinary, nullable=False),  # the transport's own
)
"""How fetching stands, so that another process goes on where one ended."""

source_profile = Table(
    "source_profile",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),  # mappings.drift.Profile as JSON, zlib: names of fields and counts
    Column("updated_at", BigInteger, nullable=False),
)
"""What the deliveries of a source usually look like, so that one that does not is held."""
facility = Table(
    "facility",
    metadata,
    Column("id", _Text, primary_key=True),  # the Organization's
    Column("source", _Text, nullable=False),
    Column("key", _Text, nullable=False),  # the source's
    Column("digest", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),  # what its source says of it, and nothing of its places
    Column("joined", _Text),  # id of the Organization that stands for it; NULL: it stands for itself
    Column("withdrawn", LargeBinary),  # what gave way to that one, to be brought back as it was
    Index("facility_by_joined", "joined"),
    sqlite_with_rowid=False,
)
"""Every facility as one source tells of it, to be held against those of others."""

facility_match_key = Table(
    "facility_match_key",
    metadata,
    Column("match_key", _Text, primary_key=True),
    Column("facility", _Text, primary_key=True),
    Index("facility_match_key_by_facility", "facility"),
    sqlite_with_rowid=False,
)
"""What facilities share that are compared at all."""

facility_likeness = Table(
    "facility_likeness",
    metadata,
    Column("one", _Text, primary_key=True),
    Column("other", _Text, primary_key=True),
    Column("verdict", _Text, nullable=False),  # same, same-telematik, proposal
    Column("score", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),  # waits for a person
    Column("since", BigInteger, nullable=False),
    Index("facility_likeness_by_other", "other"),
    Index("facility_likeness_open", "is_open", "score"),
    sqlite_with_rowid=False,
)
"""Pairs of facilities of two sources that are, or may be, one; `one` is the smaller id."""

identity_decision = Table(
    "identity_decision",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("one", _Text, nullable=False),
    Column("other", _Text, nullable=False),
    Column("verdict", _Text, nullable=False),  # same, different, undone
    Column("stands", Boolean, nullable=False),
    Column("undoes", BigInteger),
    Column("decided_at", BigInteger, nullable=False),
    Column("who", _Text, nullable=False),
    Column("why", _Text, nullable=False),
    Index("identity_decision_by_one", "one", "stands"),
    Index("identity_decision_by_other", "other", "stands"),
    sqlite_autoincrement=True,
)
"""What people decided about pairs of facilities; a log, of which the newest of a pair stands."""

joined_offer = Table(
    "joined_offer",
    metadata,
    Column("id", _Text, primary_key=True),  # the HealthcareService's
    Column("joined", _Text, nullable=False),
    Column("location", _Text, nullable=False),
    Column("schedule", _Text, nullable=False),
    Column("winner", _Text, nullable=False),  # whose statement it shows: a source's HealthcareService
    Column("public_digest", LargeBinary, nullable=False),  # of what the public sees of it
    Index("joined_offer_by_joined", "joined"),
    sqlite_with_rowid=False,
)
"""The offers of joined facilities as they are shown now."""

pool_bound = Table(
    "pool_bound",
    metadata,
    Column("offer", _Text, primary_key=True),
    Column("most", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""How many places an offer has at most, because a newer word of its pool says so."""
home = Table(
    "home",
    metadata,
    Column("number", _Serial, primary_key=True, autoincrement=True),  # what a link names; never used again
    Column("id", _Text, nullable=False),
    Column("facility", LargeBinary, nullable=False),  # our simple JSON, offers without numbers
    Column("email", _Text, nullable=False),
    Column("generation", Integer, nullable=False),  # links of an older one are void
    Column("added_at", BigInteger, nullable=False),
    Column("sending_since", BigInteger, nullable=False),
    Column("sent", Integer, nullable=False),  # reports by link since then
    UniqueConstraint("id", name="home_by_id"),
    sqlite_autoincrement=True,
)
"""Homes that report by link."""

reminder = Table(
    "reminder",
    metadata,
    Column("home", BigInteger, primary_key=True, autoincrement=False),
    Column("period", BigInteger, primary_key=True, autoincrement=False),  # when the report that it is about turns stale
    Column("attempts", Integer, nullable=False),
    Column("try_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
)
"""The outbox of mails to homes: one a home and period."""

job = Table(
    "job",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("finished_at", BigInteger, nullable=False),
)
"""When each job ended well last."""

region_taken = Table(
    "region_taken",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("taken_at", BigInteger, nullable=False),
)
"""The days of which the figures of all districts were taken, and when on that day."""

region_day = Table(
    "region_day",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("district", _Text, primary_key=True),  # 5 digits of the AGS; blank: not known
    Column("care_form", _Text, primary_key=True),  # blank: all of them
    *(Column(name, Integer, nullable=False) for name in FIGURES),
    sqlite_with_rowid=False,
)
"""What a planner counts of a district, day by day, kept for years (`mappings/district_figures.py`)."""

search_tally = Table(
    "search_tally",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("district", _Text, primary_key=True),
    Column("municipality", _Text, primary_key=True),  # its name; blank: the search named the district alone
    Column("care_forms", _Text, primary_key=True),  # those asked, in order, spaces between
    Column("needs", _Text, primary_key=True),  # likewise
    Column("searches", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How many searches found nothing; exact, so never shown as they stand (`hub/reports/published.py`)."""

course_decision = Table(
    "course_decision",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("phantom", _Text, nullable=False),  # its id: kind, source and offer
    Column("verdict", _Text, nullable=False),  # confirmed, dismissed
    Column("weight", Double, nullable=False),
    Column("evidence", LargeBinary, nullable=False),  # what it was decided on, as JSON
    Column("decided_at", BigInteger, nullable=False),
    Column("who", _Text, nullable=False),
    Column("why", _Text, nullable=False),
    Index("course_decision_by_phantom", "phantom"),
    sqlite_autoincrement=True,
)
"""What people decided about offers and sources whose free places seem to be none; a log, the newest of each counts."""
