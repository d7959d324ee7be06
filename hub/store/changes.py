"""The list of what changed in a view, for those who keep some of it in memory (`hub.store.blocks`): each write adds to
it, so that every process reads again what any of them wrote.
"""

from collections.abc import Collection

from sqlalchemy import bindparam, delete, func, insert, select

from hub.store.change_kind import ChangeKind
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.tables import Projection

__all__ = ["Changes"]

_KEPT = 200_000
"""Who is farther behind reads all anew."""
_BETWEEN = 10_000
"""So many more are kept until old ones are taken away, all at once."""


class Changes:
    """That list, of one view."""

    def __init__(self, projection: Projection) -> None:
        change = projection.change
        self._add = Prepared(insert(change).values(rid=bindparam("the_rid"), kind=bindparam("the_kind")))
        newest = select(func.max(change.c.seq)).scalar_subquery()
        self._forget = Prepared(delete(change).where(change.c.seq <= newest - bindparam("kept")))
        self._since = _BETWEEN
        """So many were added since old ones were forgotten; at first nobody knows."""

    def add(self, transaction: Transaction, kind: ChangeKind, rids: Collection[int]) -> None:
        """Tell of a change of some rows, in its own transaction.

        That has taken its turn (`hub.store.lock`): changes are committed in order, and who saw one missed none before.
        """
        if not rids:
            return
        number = kind.value
        transaction.many_rows(self._add, [(rid, number) for rid in rids])
        self._since += len(rids)
        if self._since > _BETWEEN:
            transaction.run(self._forget, {"kept": _KEPT})
            self._since = 0
