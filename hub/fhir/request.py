"""What is asked of the FHIR API, whether by HTTP or by an entry of a Bundle (https://hl7.org/fhir/R4/http.html)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

__all__ = ["Answer", "Request"]


@dataclass(slots=True, kw_only=True)
class Request:
    """`path` and `query` are those below `base`, `path` decoded; `headers` have lower-case names.

    A `body` is the bytes that came, in the format that `content-type` says. Nobody changes one: it is not frozen only
    because that would cost as much as finding who answers it.
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
        return Request(
            method=self.method,
            path=self.path,
            query=self.query,
            headers=self.headers,
            body=self.body,
            base=self.base,
            variables=variables,
        )

    def with_ahead(self, work: object) -> "Request":
        """The request with what its module's `ahead` made of it, before it has its turn at the writer."""
        return replace(self, _ahead=[work])

    def take_ahead(self) -> Any:
        """That, once: who answers a second time, after a lost race, begins anew. None where nothing was done ahead."""
        return self._ahead.pop() if self._ahead else None

    def header(self, name: str) -> str:
        """The value of a header, blank where there is none."""
        return self.headers.get(name, "")


@dataclass(slots=True, kw_only=True)
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
    is_fhir: bool = True
    """Otherwise `content` is sent as it is; `headers` say what it is."""

    @property
    def etag(self) -> str | None:
        """https://hl7.org/fhir/R4/http.html#versioning"""
        return None if self.version is None else f'W/"{self.version}"'

    def http_headers(self, base: str) -> dict[str, str]:
        """The headers of the answer by HTTP, their names in lower case; `base` counts where there is a `location`."""
        told = {name.lower(): value for name, value in self.headers.items()} if self.headers else {}
        if self.version is not None:
            told["etag"] = f'W/"{self.version}"'
        if self.updated is not None:
            told["last-modified"] = _http_date(self.updated.replace(microsecond=0))
        if self.location is not None:
            told["location"] = f"{base}/{self.location}"
        return told


@lru_cache(maxsize=4096)
def _http_date(second: datetime) -> str:
    """https://www.rfc-editor.org/rfc/rfc9110#http.date"""
    return format_datetime(second.astimezone(UTC), usegmt=True)
