"""How long the ledger keeps what: records a month, what was told of them and what lies aside three; runs a year.

In the transaction of whoever calls, some at a time: others write between. Why so long: hub/README.md.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select

from hub.ingest import ledger, recorded_runs
from hub.ingest.arrival import without_stay
from hub.ingest.ledger import Entry
from hub.store.clock import micros
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.tables import about
from hub.store.tables import delivery as deliveries

__all__ = ["RECEIPTS_KEPT", "RECORDS_KEPT", "STAYS_KEPT", "forget_some", "forget_stays"]

RECORDS_KEPT = timedelta(days=30)
"""Of a delivery that is done, and of each that lies with it."""
RECEIPTS_KEPT = timedelta(days=90)
"""What was told of a delivery, under which id it came, and the records that were set aside from it."""
STAYS_KEPT = timedelta(days=30)
"""In what lies aside or is held, of a stay that its census has not heard of."""

_SOME = 500
_NEXT = Prepared(
    select(deliveries.c.id, deliveries.c.received_at, deliveries.c.status)
    .where(deliveries.c.id > bindparam("after"))
    .order_by(deliveries.c.id)
    .limit(_SOME)
)
_MARK = Prepared(select(about.c.value).where(about.c.name == bindparam("told")))
_FORGET_MARK = Prepared(delete(about).where(about.c.name == bindparam("told")))
_SET_MARK = Prepared(insert(about))


def forget_some(transaction: Transaction, now: datetime) -> int:
    """Forget some of what was kept for long enough; returns how many deliveries and runs that was, 0: none is left."""
    emptied = _walk(transaction, "deliveries emptied", micros(now - RECORDS_KEPT), ("done", "rejected"), ledger.empty)
    # Of what is held nothing is in effect, and nobody decided for so long: it is no more true by now.
    over = ("done", "rejected", "held")
    dropped = _walk(transaction, "deliveries dropped", micros(now - RECEIPTS_KEPT), over, ledger.drop)
    return emptied + dropped + recorded_runs.forget_some(transaction, micros(now - recorded_runs.KEPT))


def forget_stays(transaction: Transaction, source: str, now: datetime) -> None:
    """Forget what tells of a stay in records of a source that lie aside or are held for long."""
    connection, old = transaction.connection, micros(now - STAYS_KEPT)
    for number, ordinal, entry in ledger.set_aside_before(connection, source, old):
        if (without := without_stay(entry)) != entry:
            ledger.replace_set_aside(connection, number, ordinal, without)
    for kept in ledger.held(connection, source):
        if kept.received_at < old:
            if (bare := _without_stays(kept.entries)) is not None:
                ledger.replace_entries(connection, kept.id, bare)
            for ordinal in range(kept.parts):
                if (bare := _without_stays(ledger.part(transaction, kept.id, ordinal))) is not None:
                    ledger.replace_part(transaction, kept.id, ordinal, bare)


def _without_stays(entries: Sequence[Entry]) -> list[Entry] | None:
    """The records without stays; None where they tell of none."""
    bare = [without_stay(entry) for entry in entries]
    return None if bare == list(entries) else bare


def _walk(
    transaction: Transaction,
    mark: str,
    before: int,
    statuses: Sequence[str],
    forget: Callable[[Transaction, int], None],
) -> int:
    """Go on from where the last call came to, by number, until what is younger; returns how far that was."""
    told = transaction.first(_MARK, {"told": mark})
    rows = transaction.all(_NEXT, {"after": int(told[0]) if told else 0})
    looked_at = 0
    for number, received_at, status in rows:
        if received_at >= before:
            break
        if status in statuses:
            forget(transaction, number)
        looked_at += 1
    if looked_at:
        transaction.run(_FORGET_MARK, {"told": mark})
        transaction.many_rows(_SET_MARK, [(mark, str(rows[looked_at - 1][0]))])
    return looked_at
