"""The sources a hub takes deliveries from: those shipped with it, those its operator wrote, and their tokens."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import bindparam, delete, insert, select, union

from hub.errors import NotFound
from hub.own_maps import read_own
from hub.store.clock import micros
from hub.store.database import Database
from hub.store.prepared import Prepared
from hub.store.tables import delivery
from hub.store.tables import token as tokens
from mappings.errors import Issue
from mappings.language import shipped
from mappings.source_map import DEFAULT_RANK, Ladder, SourceMap

__all__ = ["Sources", "without_a_map"]

_OWNER = Prepared(select(tokens.c.source).where(tokens.c.digest == bindparam("digest")))
_PREFIX = "pf_"  # what secret scanners look for


class Sources:
    """Source maps by name; one in the operator's folder goes before a shipped one of the same name."""

    def __init__(self, folder: Path, database: Database) -> None:
        """A map of the operator's that is wrong is left out, and told in `problems`: it stops no other source; `wrong`
        are the files that these are of."""
        self._database = database
        self.folder = folder
        own = read_own(folder)
        self._maps: Mapping[str, SourceMap] = {**shipped(), **own.maps}
        self._own = frozenset(own.maps)
        self.problems = own.problems
        self.wrong = tuple(own.wrong)

    def __iter__(self) -> Iterator[SourceMap]:
        return iter(sorted(self._maps.values(), key=lambda one: one.name))

    def is_own(self, name: str) -> bool:
        """Whether the operator wrote it."""
        return name in self._own

    def named(self, name: str) -> SourceMap:
        """Raises `NotFound`, naming those that there are."""
        if name in self._maps:
            return self._maps[name]
        listed = ", ".join(sorted(self._maps))
        raise NotFound(
            Issue(
                code="unknown-source",
                fhir_code="not-found",
                text_de=f"diese Quelle gibt es nicht; bekannt: {listed}. "
                "Eine neue Karte liest ein laufender Server, wenn er neu startet",
                text_en=f"there is no such source; known: {listed}. "
                "A running server reads a new map when it starts again",
            )
        )

    def rank(self, name: str) -> int:
        """How a source stands among others that speak of the same facility; of one without a map, as most do."""
        return self._maps[name].rank if name in self._maps else DEFAULT_RANK

    def ladder(self, name: str) -> Ladder:
        """How long a source's statements count; of one without a map, as long as most do."""
        return self._maps[name].ladder if name in self._maps else Ladder()

    def make_token(self, name: str, at: datetime) -> str:
        """A new bearer token of a source: told once, kept as a hash."""
        self.named(name)
        made = _PREFIX + secrets.token_urlsafe(32)
        with self._database.writing() as connection:
            connection.execute(insert(tokens), {"digest": _digest(made), "source": name, "created_at": micros(at)})
        return made

    def revoke_tokens(self, name: str) -> int:
        """Make all tokens of a source worthless; returns how many there were."""
        self.named(name)
        with self._database.writing() as connection:
            return connection.execute(delete(tokens).where(tokens.c.source == name)).rowcount

    def holds(self, name: str, token: str) -> bool:
        """Whether the token is one of the source's."""
        with self._database.snapshot() as reader:
            row = reader.first(_OWNER, {"digest": _digest(token)})
        return row is not None and row[0] == name


def without_a_map(database: Database, folder: Path) -> tuple[str, ...]:
    """The sources that a database has deliveries or tokens of, and that neither a shipped map nor one in the operator's
    folder reads."""
    with database.reading() as connection:
        named = connection.execute(union(select(delivery.c.source), select(tokens.c.source))).scalars().all()
    return tuple(sorted(set(named) - shipped().keys() - read_own(folder).maps.keys()))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
