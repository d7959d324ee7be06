"""The search parameters that there are now, and the indexing anew after one was added while the hub runs.

What is written is indexed by the new parameters at once; asked for they can be when every resource is. Other processes
on the same database look once a second whether something is to be indexed otherwise.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import literal_column, select

from hub.errors import Invalid
from hub.purpose import remember, remembered
from hub.search.registry import Registry
from hub.store.database import Database
from hub.store.prepared import Prepared
from hub.store.reader import Reader, Transaction
from hub.store.repository import Repository, current, tree_of
from hub.store.tables import PROFESSIONAL
from hub.store.writer import Writer
from mappings.errors import Issue

__all__ = ["Indexing", "Progress"]

_WANTED, _DONE = "search_parameters_wanted", "search_parameters"
_LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)

_RESOURCE, _HISTORY = PROFESSIONAL.resource, PROFESSIONAL.history
_STORED = Prepared(
    select(_HISTORY.c.content)
    .join(_RESOURCE, current(PROFESSIONAL))
    .where(_RESOURCE.c.type == literal_column("'SearchParameter'"), _RESOURCE.c.deleted.is_(False))
    .order_by(_RESOURCE.c.rid)
)


class Progress(NamedTuple):
    """How many resources are indexed by the newest parameters, of how many; `running` until all are."""

    running: bool
    done: int
    total: int


class Indexing:
    """`registry` is what can be asked for; the repositories index by the newest, which may be more."""

    def __init__(
        self, database: Database, writer: Writer, repositories: Collection[Repository], shipped: Registry
    ) -> None:
        self._database = database
        self._writer = writer
        self._repositories = repositories
        self._shipped = shipped
        self._registry = self._newest = shipped
        self._progress = Progress(running=False, done=0, total=0)
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._next_look = 0.0

    @property
    def registry(self) -> Registry:
        """The parameters that can be asked for."""
        if time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + _LOOK_SECONDS
            if remembered(self._database, _WANTED) != self._newest.fingerprint():
                self._learn()
        return self._registry

    @property
    def progress(self) -> Progress:
        """How far the indexing is."""
        return self._progress

    def open(self, report: Callable[[Progress], object] = lambda _: None) -> None:
        """Learn what is stored, and index everything now where it is indexed otherwise."""
        self._learn(start=False)
        if remembered(self._database, _DONE) != self._newest.fingerprint():
            self._index_all(report)
        else:
            self._registry = self._newest
        if remembered(self._database, _WANTED) != self._newest.fingerprint():
            remember(self._database, _WANTED, self._newest.fingerprint())

    @property
    def added(self) -> tuple[Mapping[str, Any], ...]:
        """The definitions of the parameters that were added here."""
        return self._newest.added

    def wait(self, report: Callable[[Progress], object]) -> None:
        """Wait until everything is indexed by the newest parameters."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.2)
            report(self._progress)

    def close(self) -> None:
        """Stop; what is not indexed yet is when the hub opens next."""
        self._closing = True
        if self._thread is not None:
            self._thread.join()

    def refuse_unusable(self, tree: Mapping[str, Any]) -> None:
        """Raises `Invalid` for a SearchParameter that cannot be searched by."""
        try:
            self._shipped.with_resources([tree])
        except ValueError as error:
            raise Invalid(
                Issue(
                    code="search-parameter",
                    fhir_code="invalid",
                    place="SearchParameter.expression",
                    text_de=f"nach diesem Parameter kann nicht gesucht werden: {error}",
                    text_en=f"one cannot search by this parameter: {error}",
                )
            ) from None

    def changed(self) -> None:
        """A SearchParameter was written: index everything by it, in the background."""
        self._learn()

    def _learn(self, *, start: bool = True) -> None:
        with self._turn:
            with self._database.snapshot() as reader:
                trees = self._stored(reader)
            newest = self._shipped.with_resources(trees)
            if newest.fingerprint() == self._newest.fingerprint():
                return
            self._newest = newest
            for repository in self._repositories:
                repository.index = newest
            if start:
                remember(self._database, _WANTED, newest.fingerprint())
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._index_later, name="indexing", daemon=True)
                    self._thread.start()

    def _stored(self, reader: Reader) -> list[dict[str, Any]]:
        """The parameters that were added and can be used; those shipped are known."""
        found = []
        for (content,) in reader.all(_STORED):
            tree = tree_of(content)
            if tree.get("status") == "active" and not self._shipped.knows(tree.get("url", "")):
                try:
                    self._shipped.with_resources([tree])
                except ValueError:
                    _log.warning("a stored SearchParameter cannot be used: %s", tree["id"])
                else:
                    found.append(tree)
        return found

    def _index_later(self) -> None:
        # Until every process has learnt of it, what they write is not indexed by it.
        time.sleep(_LOOK_SECONDS * 1.5)
        try:
            self._index_all(lambda _: None)
        except Exception as error:
            _log.error("indexing stopped: %s; it goes on when the hub opens next", type(error).__name__)

    def _index_all(self, report: Callable[[Progress], object]) -> None:
        while True:
            by = self._newest
            with self._database.snapshot() as reader:
                total = sum(repository.left_to_index(reader, 0) for repository in self._repositories)
            done = 0
            for repository in self._repositories:
                after: int | None = 0
                while after is not None and not self._closing:
                    before = after
                    after = self._writer.submit(_some(repository, before)).result()
                    done += 0 if after is None else min(_SOME, total - done)
                    self._progress = Progress(running=True, done=done, total=total)
                    report(self._progress)
            if self._closing:
                return
            if by is self._newest:
                remember(self._database, _DONE, by.fingerprint())
                self._registry = by
                self._progress = Progress(running=False, done=total, total=total)
                report(self._progress)
                return


_SOME = 200


def _some(repository: Repository, after: int) -> Callable[[Transaction], int | None]:
    return lambda transaction: repository.reindex(transaction, after, most=_SOME)
