"""What every FHIR request is answered from: the repository of one view, the search parameters, the clock, and who may
write."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.course.chances import Chances
from hub.fhir.news import News
from hub.fhir.request import Answer, Request
from hub.fhir.search_protocol.signing import Signer
from hub.reports.region_days import RegionDays
from hub.reports.tally import Tally
from hub.search.registry import Registry
from hub.store.draft import Draft
from hub.store.reader import Reader, Transaction
from hub.store.repository import Repository, Written

__all__ = ["Context", "Perform", "Store"]


class Store(Protocol):
    """Writes drafts, and deletes, in every view that may show them; what it returns is that of the view served."""

    def __call__(
        self, transaction: Transaction, drafts: Iterable[Draft], *, deletions: Iterable[tuple[str, str]] = (), at: int
    ) -> Written: ...


class Perform(Protocol):
    """Answers any request, so that a Bundle's entries are answered like requests of their own.

    Raises `PlatzfreiError`; `hub.fhir.refusal.refusal` makes an answer of one. A writing request needs a Transaction.
    """

    def __call__(self, context: "Context", reader: Reader, request: Request) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`repository` is that of the view the server shows; nothing of the other can be read from here."""

    repository: Repository
    registry: Callable[[], Registry]
    """The search parameters that there are now: some can be added while the server runs."""
    clock: Callable[[], datetime]
    sandbox: bool
    store: Store | None
    """None where nothing is written through FHIR."""
    perform: Perform
    index_progress: Callable[[Reader], tuple[bool, int, int]]
    """Whether the search index is being made anew, how many resources of it are done, and of how many."""
    catch_up: Callable[[Transaction], object] | None = None
    """Brings what was written through FHIR into the search for places; None where nothing is."""
    region: RegionDays | None = None
    """The figures of districts; None where none are kept."""
    tally: Tally | None = None
    """Counts searches that find nothing; None where none are counted."""
    chances: Chances | None = None
    """How likely places are still free; None where nothing is learnt."""
    news: News | None = None
    """Tells what is new since a search for places was asked before; None where nothing signs."""
    signer: Signer | None = None
    """Signs search protocols; None where nothing does."""
