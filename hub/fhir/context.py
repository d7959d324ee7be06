"""What every FHIR request is answered from: the database, one projection of it, and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.store.database import Database
from hub.store.repository import Repository

__all__ = ["FHIR_JSON", "Context", "base_url", "fhir_response"]

T = TypeVar("T")

FHIR_JSON = "application/fhir+json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`repository` is that of the view the server shows; nothing of the other can be reached from here."""

    database: Database
    repository: Repository
    clock: Callable[[], datetime]
    sandbox: bool
    is_due: Callable[[Connection], bool]
    """Whether a snapshot holds what may not be shown any more; `withdraw` takes that away, for the next snapshot."""
    withdraw: Callable[[], object]

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds in one snapshot.

        SQLite answers in the event loop: its searches take a fraction of a millisecond, a thread hop costs as much.
        PostgreSQL is waited for in a thread.
        """
        if self.database.dialect == "sqlite":
            return self._snapshot(work)
        return await run_in_threadpool(self._snapshot, work)

    def _snapshot(self, work: Callable[[Connection], T]) -> T:
        with self.database.reading() as connection:
            if not self.is_due(connection):
                return work(connection)
        self.withdraw()
        with self.database.reading() as connection:
            return work(connection)


def base_url(request: Request) -> str:
    """The address under which the client reached `/fhir`."""
    return f"{request.url.scheme}://{request.url.netloc}/fhir"


def fhir_response(content: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in FHIR JSON."""
    return Response(content, status_code=status, headers=headers, media_type=FHIR_JSON)
