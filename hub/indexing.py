"""The search parameters that there are now, and the indexing anew after one was added while the hub runs.

What is written is indexed by the new parameters at once; asked for they can be when every resource is. Whoever adds one
says so in the same transaction; each process looks once a second whether somebody did, and the one that did indexes.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import bindparam, delete, insert, literal_column, select

from hub.errors import Invalid
from hub.search.registry import Registry
from hub.search.usable import Unusable
from hub.store.database import UNAVAILABLE, Database
from hub.store.prepared import Prepared
from hub.store.reader import Reader, Transaction
from hub.store.repository import Repository, current, tree_of
from hub.store.tables import PROFESSIONAL, about
from hub.store.writer import Writer
from mappings.errors import Issue

__all__ = ["IndexProgress", "Indexing"]

_CHANGED = "search_parameters_changed"
"""Another value each time that a SearchParameter is written."""
_INDEXED = "search_parameters"
"""The fingerprint of those that everything is indexed by."""
_PROGRESS = "search_parameters_progress"
_LOOK_SECONDS = 1.0
_SOME = 200
_log = logging.getLogger(__name__)

_RESOURCE, _HISTORY = PROFESSIONAL.resource, PROFESSIONAL.history
_STORED = Prepared(
    select(_HISTORY.c.content)
    .join(_RESOURCE, current(PROFESSIONAL))
    .where(_RESOURCE.c.type == literal_column("'SearchParameter'"), _RESOURCE.c.deleted.is_(False))
    .order_by(_RESOURCE.c.rid)
)
_FACT = Prepared(select(about.c.value).where(about.c.name == bindparam("name")))
_FORGET = Prepared(delete(about).where(about.c.name == bindparam("name")))
_REMEMBER = Prepared(insert(about).values(name=bindparam("name"), value=bindparam("value")))


class IndexProgress(NamedTuple):
    """How many resources are indexed by the newest parameters, of how many; `running` until all are."""

    running: bool
    done: int
    total: int


class Indexing:
    """`registry` is what can be asked for; the repositories index by the newest, which may be more."""

    def __init__(
        self, database: Database, writer: Writer, repositories: Collection[Repository], shipped: Registry
    ) -> None:
        self.registry = shipped
        """The parameters that can be asked for."""
        self._newest = shipped
        self._database = database
        self._writer = writer
        self._repositories = repositories
        self._shipped = shipped
        self._seen: str | None = None
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def added(self) -> tuple[Mapping[str, Any], ...]:
        """The definitions of the parameters that were added here."""
        return self._newest.added

    def open(self) -> None:
        """Learn what is stored, and index everything now where it is indexed otherwise."""
        if not self._learn():
            if total := self._total():
                _log.warning("%s resources are indexed anew, as this version does; then the hub opens", f"{total:,}")
            self._index_all()

    def watch(self) -> None:
        """Look from now on whether somebody added a parameter."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="indexing", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop; what is not indexed yet is when the hub opens next."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def progress(self, reader: Reader) -> IndexProgress:
        """How far the indexing is, whichever process does it."""
        newest = self._shipped.with_resources(self._usable(reader))
        running = _fact(reader, _INDEXED) != newest.fingerprint()
        done, _, total = (_fact(reader, _PROGRESS) or "0/0").partition("/")
        return IndexProgress(running=running, done=int(done) if running else int(total), total=int(total))

    def refuse_unusable(self, tree: Mapping[str, Any]) -> None:
        """Raises `Invalid` for a SearchParameter that cannot be searched by."""
        try:
            self._shipped.with_resources([tree])
        except Unusable as error:
            raise Invalid(
                Issue(
                    code="search-parameter",
                    fhir_code="invalid",
                    place="SearchParameter.expression",
                    text_de=f"nach diesem Parameter kann nicht gesucht werden: {error.text_de}",
                    text_en=f"this parameter cannot be searched by: {error.text_en}",
                )
            ) from None

    def announce(self, transaction: Transaction) -> None:
        """Say, where a SearchParameter is written, that it is; once it is durable, everything is indexed by it."""
        _remember(transaction, _CHANGED, uuid4().hex)
        total = sum(repository.left_to_index(transaction, 0) for repository in self._repositories)
        _remember(transaction, _PROGRESS, f"0/{total}")
        transaction.after_commit(self._start)

    def wait(self, report: Callable[[IndexProgress], object]) -> None:
        """Wait until everything is indexed by the newest parameters."""
        running = True
        while running and not self._closing.wait(0.1):
            with self._database.snapshot() as reader:
                progress = self.progress(reader)
            running = progress.running or self.registry is not self._newest
            report(progress)

    def _start(self) -> None:
        self._wake.set()
        self.watch()

    def _watch(self) -> None:
        while not self._closing.is_set():
            asked = self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()
            try:
                if not self._learn() and asked:
                    # Until every process has learnt of it, what they write is not indexed by it.
                    self._closing.wait(_LOOK_SECONDS * 1.5)
                    self._index_all()
            except UNAVAILABLE as error:
                _log.error("%s while looking at search parameters; once more", type(error).__name__)
                if asked:
                    self._wake.set()
                self._closing.wait(_LOOK_SECONDS)
            except Exception as error:
                _log.error("indexing stopped: %s; it goes on when the hub opens next", type(error).__name__)

    def _learn(self) -> bool:
        """Index from now on by what is stored; whether everything is indexed by it already."""
        with self._database.snapshot() as reader:
            changed, indexed = _fact(reader, _CHANGED), _fact(reader, _INDEXED)
            trees = self._usable(reader) if changed != self._seen or self._seen is None else None
        if trees is not None:
            newest = self._shipped.with_resources(trees)
            for repository in self._repositories:
                repository.index = newest
            self._newest, self._seen = newest, changed
        if indexed != self._newest.fingerprint():
            return False
        self.registry = self._newest
        return True

    def _usable(self, reader: Reader) -> list[dict[str, Any]]:
        """The parameters that were added and can be used; those shipped are known."""
        found: list[dict[str, Any]] = []
        for (content,) in reader.all(_STORED):
            tree = tree_of(content)
            if tree.get("status") == "active" and not self._shipped.knows(tree.get("url", "")):
                try:
                    self._shipped.with_resources([*found, tree])
                except ValueError:
                    _log.warning("a stored SearchParameter cannot be used: %s", tree["id"])
                else:
                    found.append(tree)
        return found

    def _total(self) -> int:
        with self._database.snapshot() as reader:
            return sum(repository.left_to_index(reader, 0) for repository in self._repositories)

    def _index_all(self) -> None:
        """Everything, by the newest parameters; whoever adds one meanwhile has it done again."""
        by = self._newest
        total = self._total()
        done = 0
        for repository in self._repositories:
            after: int | None = 0
            while after is not None:
                if self._closing.is_set():
                    return
                done = min(done + _SOME, total)
                after = self._writer.submit(_some(repository, after, f"{done}/{total}")).result()
        self._writer.submit(lambda transaction: _remember(transaction, _INDEXED, by.fingerprint())).result()
        self._learn()


def _some(repository: Repository, after: int, progress: str) -> Callable[[Transaction], int | None]:
    def work(transaction: Transaction) -> int | None:
        _remember(transaction, _PROGRESS, progress)
        return repository.reindex(transaction, after, most=_SOME)

    return work


def _fact(reader: Reader, name: str) -> str | None:
    row = reader.first(_FACT, {"name": name})
    return row[0] if row else None


def _remember(transaction: Transaction, name: str, value: str) -> None:
    transaction.run(_FORGET, {"name": name})
    transaction.run(_REMEMBER, {"name": name, "value": value})
