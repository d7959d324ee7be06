"""The winning statement of each offer as it is stored, and what of each facility is shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, null, select, update
from sqlalchemy.dialects import postgresql

from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Row, Transaction
from hub.store.tables import pool_bound, shown_facility, statement
from mappings.view import View

__all__ = [
    "Due",
    "Known",
    "Offered",
    "Said",
    "confirm",
    "due",
    "end",
    "forget",
    "forget_facilities",
    "forget_said",
    "forget_shown",
    "is_due",
    "known",
    "mark_expired",
    "number",
    "of_source",
    "offered",
    "put",
    "reports",
    "rows",
    "show_facilities",
    "shown_facilities",
    "standing",
]


class Known(NamedTuple):
    """A stored statement, as far as a new one is held against it."""

    offer: str
    facility: str
    care_form: str
    stated_at: int | None
    ordered_at: int
    sequence: int
    digest: bytes
    public_digest: bytes
    offer_digest: bytes | None
    expired: bool
    since: int
    said: int
    state: str
    accepting: int | None


class Offered(NamedTuple):
    """An offer of a facility, and how new what was said of it is."""

    facility: str
    offer: str
    care_form: str
    ordered_at: int
    sequence: int


class Due(NamedTuple):
    """A statement that counts no more."""

    offer: str
    source: str
    facility: str
    ordered_at: int
    report: bytes


class Said(NamedTuple):
    """What was said of an offer, and when."""

    offer: str
    source: str
    facility: str
    ordered_at: int
    changed_at: int
    expired: bool
    report: bytes


_KNOWN = Prepared(select(*(statement.c[name] for name in Known._fields)).where(one_of(statement.c.offer, "offers")))
_OFFERED = Prepared(
    select(*(statement.c[name] for name in Offered._fields)).where(
        statement.c.source == bindparam("source"), one_of(statement.c.facility, "facilities")
    )
)
_REPORTS = Prepared(select(statement.c.offer, statement.c.report).where(one_of(statement.c.offer, "offers")))
_SAID = Prepared(select(*(statement.c[name] for name in Said._fields)).where(one_of(statement.c.offer, "offers")))
_FORGET_SHOWN = Prepared(update(statement).where(one_of(statement.c.offer, "offers")).values(offer_digest=null()))
_FORGET_SAID = Prepared(
    update(statement)
    .where(one_of(statement.c.offer, "offers"))
    .values(offer_digest=null(), digest=b"", public_digest=b"")
)
_FORGET = Prepared(delete(statement).where(one_of(statement.c.offer, "offers")))
_FORGET_BOUND = Prepared(delete(pool_bound).where(one_of(pool_bound.c.offer, "offers")))
_FORGET_FACILITIES = Prepared(
    delete(shown_facility).where(
        shown_facility.c.source == bindparam("source"), one_of(shown_facility.c.facility, "facilities")
    )
)
_PUT = Prepared(
    (new := postgresql.insert(statement)).on_conflict_do_update(
        index_elements=["offer"],
        set_={column.name: new.excluded[column.name] for column in statement.columns if column.name != "offer"},
    )
)
_SAID_ANEW = tuple(
    column.name for column in statement.columns if column.name not in ("offer", "source", "facility", "care_form")
)
_RENEW = Prepared(
    update(statement)
    .where(statement.c.offer == bindparam("the_offer"))
    .values({name: bindparam(name) for name in _SAID_ANEW})
)
"""Where the offer is that of the same facility, as nearly always: the index by facility is not touched."""
_CONFIRM = Prepared(
    update(statement)
    .where(statement.c.offer == bindparam("the_offer"))
    .values(
        said=statement.c.said + 1,
        **{name: bindparam(name) for name in ("stated_at", "ordered_at", "sequence", "confirmed_at", "expires_at")},
    )
)
_NUMBER = Prepared(
    update(statement)
    .where(statement.c.offer == bindparam("the_offer"))
    .values({name: bindparam(name) for name in ("ordered_at", "sequence")})
)
_IS_DUE = (statement.c.expired.is_(False), statement.c.expires_at <= bindparam("now"))
_FIRST_DUE = Prepared(select(statement.c.offer).where(*_IS_DUE).limit(1))
_DUE = Prepared(select(*(statement.c[name] for name in Due._fields)).where(*_IS_DUE).limit(bindparam("most")))
_EXPIRE = Prepared(update(statement).where(one_of(statement.c.offer, "offers")).values(expired=True))
_STANDING = Prepared(
    select(*(statement.c[name] for name in Due._fields))
    .where(one_of(statement.c.offer, "offers"), statement.c.expired.is_(False))
    .order_by(statement.c.offer)
)
_END = Prepared(
    update(statement)
    .where(one_of(statement.c.offer, "offers"), statement.c.expires_at > bindparam("at"))
    .values(expires_at=bindparam("at"))
)
_OF_SOURCE = Prepared(
    select(statement.c.offer)
    .where(statement.c.source == bindparam("source"), statement.c.expired.is_(False))
    .limit(bindparam("most"))
)
_FACILITIES = Prepared(
    select(shown_facility.c.facility, shown_facility.c.public_digest, shown_facility.c.digest).where(
        shown_facility.c.source == bindparam("source"), one_of(shown_facility.c.facility, "facilities")
    )
)
_SHOW = Prepared(
    (shown := postgresql.insert(shown_facility)).on_conflict_do_update(
        index_elements=["source", "facility"],
        set_={"digest": shown.excluded.digest, "public_digest": shown.excluded.public_digest},
    )
)


def known(reader: Reader, offers: Iterable[str]) -> dict[str, Known]:
    """What is stored of offers."""
    return {row[0]: Known(*row) for row in reader.all(_KNOWN, {"offers": list(offers)})}


def offered(reader: Reader, source: str, facilities: Iterable[str]) -> dict[str, list[Offered]]:
    """All that a source ever told of the offers of facilities."""
    found: dict[str, list[Offered]] = {}
    for row in reader.all(_OFFERED, {"source": source, "facilities": list(facilities)}):
        found.setdefault(row[0], []).append(Offered(*row))
    return found


def reports(reader: Reader, offers: Iterable[str]) -> dict[str, bytes]:
    """What was said of offers, as JSON."""
    return {offer: bytes(told) for offer, told in reader.all(_REPORTS, {"offers": list(offers)})}


def rows(reader: Reader, offers: Iterable[str]) -> list[Said]:
    """What is stored of offers, in their order."""
    return [Said(*row) for row in sorted(reader.all(_SAID, {"offers": list(offers)}))]


def forget_shown(transaction: Transaction, offers: Iterable[str]) -> None:
    """Note that what is shown of offers is not what was said of them alone."""
    transaction.run(_FORGET_SHOWN, {"offers": list(offers)})


def forget_said(transaction: Transaction, offers: Iterable[str]) -> None:
    """Note that somebody wrote over what was said of offers."""
    transaction.run(_FORGET_SAID, {"offers": list(offers)})


def forget(transaction: Transaction, offers: Iterable[str]) -> None:
    """Forget that anything was ever said of offers."""
    binds = {"offers": list(offers)}
    transaction.run(_FORGET, binds)
    transaction.run(_FORGET_BOUND, binds)


def forget_facilities(transaction: Transaction, source: str, facilities: Iterable[str]) -> None:
    """Forget what is shown of facilities, by their keys."""
    transaction.run(_FORGET_FACILITIES, {"source": source, "facilities": list(facilities)})


def put(transaction: Transaction, rows: Sequence[Row], known: Mapping[str, Known]) -> None:
    """Store statements, each a row in the order of the table's columns, in the place of what was said before: `known`,
    by offer."""
    new, again = [], []
    for row in rows:
        offer, _, facility, care_form, *said = row
        stored = known.get(offer)
        if stored is not None and (stored.facility, stored.care_form) == (facility, care_form):
            again.append((*said, offer))
        else:
            new.append(row)
    transaction.many_rows(_PUT, new)
    transaction.many_rows(_RENEW, again)


def confirm(transaction: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Move the times of statements, which were said once more."""
    transaction.many(_CONFIRM, rows)


def number(transaction: Transaction, orders: Mapping[str, tuple[int, int]]) -> None:
    """Move the places of statements in their source's order, and nothing else: what comes late is held against them."""
    rows = [{"the_offer": offer, "ordered_at": at, "sequence": told} for offer, (at, told) in orders.items()]
    transaction.many(_NUMBER, rows)


def is_due(reader: Reader, now: int) -> bool:
    """Whether a statement counts no more by `now`, and still stands."""
    return reader.first(_FIRST_DUE, {"now": now}) is not None


def due(reader: Reader, now: int, most: int) -> list[Due]:
    """Some of them."""
    return [Due(*row) for row in reader.all(_DUE, {"now": now, "most": most})]


def of_source(reader: Reader, source: str, most: int) -> list[str]:
    """Some of the offers of a source of which anything still stands."""
    return [offer for (offer,) in reader.all(_OF_SOURCE, {"source": source, "most": most})]


def standing(reader: Reader, offers: Iterable[str]) -> list[Due]:
    """What still stands of offers, in their order."""
    return [Due(*row) for row in reader.all(_STANDING, {"offers": list(offers)})]


def end(transaction: Transaction, offers: Iterable[str], at: int) -> None:
    """Let what was said of offers count until `at` and no longer."""
    transaction.run(_END, {"offers": list(offers), "at": at})


def mark_expired(transaction: Transaction, offers: Iterable[str]) -> None:
    """Note that what was said of offers is withdrawn."""
    transaction.run(_EXPIRE, {"offers": list(offers)})


def shown_facilities(reader: Reader, source: str, facilities: Iterable[str]) -> dict[str, dict[View, bytes]]:
    """What each view shows of facilities, by digest."""
    rows = reader.all(_FACILITIES, {"source": source, "facilities": list(facilities)})
    return {
        facility: {View.PUBLIC: bytes(public), View.PROFESSIONAL: bytes(professional)}
        for facility, public, professional in rows
    }


def show_facilities(transaction: Transaction, source: str, digests: Mapping[str, Mapping[View, bytes]]) -> None:
    """Note what is shown of facilities from now on."""
    rows = [(source, key, told[View.PUBLIC], told[View.PROFESSIONAL]) for key, told in digests.items()]
    transaction.many_rows(_SHOW, rows)
