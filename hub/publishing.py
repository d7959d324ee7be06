"""Writes what comes through FHIR into every view that may show it."""

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, insert, select

from hub.indexing import Indexing
from hub.store.draft import Draft
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.repository import Repository, Written
from hub.store.tables import offer_part
from mappings.public_copy import hides_nothing, is_public, public_copy
from mappings.view import View

__all__ = ["Publisher"]

_STATEMENTS = frozenset({"Schedule", "Slot"})
"""Public where a report said them; what is written over that by FHIR is not."""
_SEARCH_PARAMETER = "SearchParameter"
_OFFER_PARTS = frozenset({"HealthcareService", "Location", "Organization", "Schedule", "Slot"})
_THERE = select(offer_part.c.id).where(offer_part.c.type == bindparam("type"), offer_part.c.id == bindparam("id"))
_MARK = Prepared(
    insert(offer_part).from_select(
        ["type", "id"],
        select(bindparam("type", type_=offer_part.c.type.type), bindparam("id", type_=offer_part.c.id.type)).where(
            ~_THERE.exists()
        ),
    )
)


class Publisher:
    """Both views are written in one transaction, each with versions of its own.

    A SearchParameter is refused (`Invalid`) where one could not search by it, and learnt once it is written.
    """

    def __init__(self, repositories: Mapping[View, Repository], indexing: Indexing) -> None:
        self._indexing = indexing
        self._public = repositories[View.PUBLIC]
        self._professional = repositories[View.PROFESSIONAL]

    def publish(
        self, transaction: Transaction, drafts: Iterable[Draft], *, deletions: Iterable[tuple[str, str]] = (), at: int
    ) -> Written:
        """Store drafts and delete what is named; returns what that made of the professional view."""
        drafts, gone = list(drafts), list(deletions)
        for draft in drafts:
            if draft.type == _SEARCH_PARAMETER:
                self._indexing.refuse_unusable(draft.tree)
        written = self._professional.store(transaction, drafts, deletions=gone, at=at)
        changed = [draft for draft in drafts if written.versions[draft.type, draft.id].change != "unchanged"]
        shown, withheld = [], []
        for draft in changed:
            public = _public(draft)
            if public is not None:
                shown.append(public)
            elif is_public(draft.type) or draft.type in _STATEMENTS:
                withheld.append((draft.type, draft.id))
        if shown or withheld or gone:
            self._public.store(transaction, shown, deletions=[*gone, *withheld], at=at)
            # What may not be seen any more may not be seen in the history either; what is deleted stays told there.
            self._public.forget(transaction, withheld)
        touched = {*((draft.type, draft.id) for draft in changed), *gone}
        transaction.many(_MARK, [{"type": kind, "id": name} for kind, name in touched if kind in _OFFER_PARTS])
        if any(key[0] == _SEARCH_PARAMETER for key in written.versions):
            self._indexing.announce(transaction)
        return written


def _public(draft: Draft) -> Draft | None:
    """What everybody may see of a resource; the draft itself where that is all of it."""
    if is_public(draft.type) and hides_nothing(draft.meta) and hides_nothing(draft.rest):
        return draft
    copy = public_copy(draft.tree)
    return draft if copy is draft.tree else None if copy is None else Draft.of(copy, resource_id=draft.id)
