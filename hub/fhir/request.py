"""What is asked of the FHIR API, whether by HTTP or by an entry of a Bundle (https://hl7.org/fhir/R4/http.html)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

__all__ = ["Answer", "Request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` and `query` are those below `base`, `path` decoded; `headers` have lower-case names.

    A `body` is the bytes that came, in the format that `content-type` says.
    """

    method: str
    path: tuple[str, ...]
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What stands in the path where the route has a name: `type`, `id`, `version`."""
    _ahead: list[Any] = field(default_factory=list, compare=False, repr=False)

    def routed(self, variables: Mapping[str, str]) -> "Request":
        """The request with the variables of its route."""
        return replace(self, variables=variables)

    def with_ahead(self, work: object) -> "Request":
        """The request with what its module's `ahead` made of it, before it has its turn at the writer."""
        return replace(self, _ahead=[work])

    def take_ahead(self) -> Any:
        """That, once: who answers a second time, after a lost race, begins anew. None where nothing was done ahead."""
        return self._ahead.pop() if self._ahead else None

    def header(self, name: str) -> str:
        """The value of a header, blank where there is none."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered: `content` is FHIR JSON, or blank; `version` and `updated` are those of the one resource it
    is about, `location` where that stands below the base.
    """

    status: int = 200
    content: bytes = b""
    version: int | None = None
    updated: datetime | None = None
    location: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str | None:
        """https://hl7.org/fhir/R4/http.html#versioning"""
        return None if self.version is None else f'W/"{self.version}"'

    def http_headers(self, base: str) -> dict[str, str]:
        """The headers of the answer by HTTP."""
        told = dict(self.headers)
        if self.etag is not None:
            told["ETag"] = self.etag
        if self.updated is not None:
            told["Last-Modified"] = format_datetime(self.updated.astimezone(UTC).replace(microsecond=0), usegmt=True)
        if self.location is not None:
            told["Location"] = f"{base}/{self.location}"
        return told
