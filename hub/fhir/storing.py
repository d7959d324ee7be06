"""Resources from their bodies into the store: held to FHIR R4 before their turn at the writer, then written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.errors import TooCostly
from hub.fhir.context import Context
from hub.fhir.received import Received, received
from hub.fhir.request import Request
from hub.fhir.validation import issues_of, refuse_invalid
from hub.store.clock import micros
from hub.store.draft import Draft
from hub.store.reader import Transaction
from hub.store.repository import Version
from mappings.errors import Issue, PlatzfreiError

__all__ = ["Candidate", "candidate", "store", "store_together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A resource that is to be stored under an id, and what base R4 has to say of it; what is wrong has no draft."""

    sent: Received
    id: str
    issues: list[Issue]
    draft: Draft | None

    @classmethod
    def of(cls, sent: Received, resource_id: str, *, posted: bool = False) -> "Candidate":
        """What was received, as it would be stored under an id."""
        tree = {**sent.tree, "id": resource_id}
        issues = issues_of(tree)
        wrong = any(issue.severity == "error" for issue in issues)
        draft = None if wrong else Draft.received(tree, sent.text, resource_id=resource_id, posted=posted)
        return cls(sent=sent, id=resource_id, issues=issues, draft=draft)


def candidate(request: Request, resource_id: str, *, posted: bool = False) -> Candidate:
    """The resource in the body of a request, of the type that its address says.

    Raises what `received` raises.
    """
    return Candidate.of(received(request, resource_type=request.variables["type"]), resource_id, posted=posted)


def store(context: Context, transaction: Transaction, one: Candidate) -> Version:
    """The version that a candidate has once it is written.

    Raises `Invalid` with all findings where it is not valid.
    """
    (made,) = _stored(context, transaction, [_fit(context, transaction, one)])
    return made


def store_together(
    context: Context, transaction: Transaction, several: Sequence[Candidate]
) -> list[Version | PlatzfreiError]:
    """The same for several at once, with few statements for all; of one id each is a version after the one before."""
    told: dict[int, Version | PlatzfreiError] = {}
    fit: dict[int, Draft] = {}
    for place, one in enumerate(several):
        try:
            fit[place] = _fit(context, transaction, one)
        except TooCostly:
            raise  # The time is that of all: each has its own where it is written alone.
        except PlatzfreiError as error:
            told[place] = error
    while fit:
        # The store takes each id once at a time.
        first = {(draft.type, draft.id): place for place, draft in reversed(fit.items())}
        places = sorted(first.values())
        told.update(zip(places, _stored(context, transaction, [fit.pop(place) for place in places]), strict=True))
    return [told[place] for place in range(len(several))]


def _fit(context: Context, transaction: Transaction, one: Candidate) -> Draft:
    tree = {**one.sent.tree, "id": one.id} if one.draft is None else one.draft.tree
    refuse_invalid(context, transaction, tree, one.issues)
    assert one.draft is not None, "what has none is refused"
    return one.draft


def _stored(context: Context, transaction: Transaction, drafts: Sequence[Draft]) -> Iterable[Version]:
    assert context.store is not None, "the router refuses what writes where nothing is written"
    made = context.store(transaction, drafts, at=micros(context.clock()))
    return [made.versions[draft.type, draft.id] for draft in drafts]
