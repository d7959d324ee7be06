"""What an adapter is: bytes of one wire format into records, and nothing else.

An adapter parses and never interprets; what a field means, a source map says (`mappings/sources/`). One adapter is one
module in `adapters/inbound/` with a constant `FORMAT` (the name source maps use) and the functions
`check(options) -> None` and `decode(body, options) -> Decoded`; `adapters.registry` finds it,
`tests/adapters/test_contract.py` holds it to the promises made here.

The other way, one encoder is one module in `adapters/outbound/` with the constants `FORMAT`, `MEDIA_TYPE`, `SUFFIX` and
the function `encode(reports, *, at) -> Iterator[bytes]`; `tests/adapters/test_outbound_contract.py` holds it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from mappings.errors import Issue
from mappings.reader import Fields
from mappings.vacancy import VacancyReport

__all__ = ["Adapter", "Broken", "Decoded", "Delivery", "Encoder", "NamesFields", "Options", "Record"]

Options = Mapping[str, Any]
"""A source map's `options:`, checked by the adapter that reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Bytes received: from which source, when (our clock), and by what message id, if any."""

    source: str
    body: bytes
    received_at: datetime
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing a delivery tells, as its format wrote it; `place` is where it stands (`line 12`, `feature 7`)."""

    place: str
    fields: Fields
    issues: tuple[Issue, ...] = ()
    """What the adapter itself found odd; an issue of severity `error` sets the record aside."""
    dropped: tuple[str, ...] = ()
    """Names of parts that the format says cannot be vacancy data (`PID`, `Patient`): never kept, always reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A stretch of bytes that cannot be cut into a record: kept as hash and length, as bytes only from a source
    without patient data."""

    place: str
    body: bytes = field(repr=False)
    issue: Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A delivery cut into records; `atomic` says that the sender wants all of them or none (a FHIR transaction)."""

    records: Iterator[Record | Broken]
    atomic: bool = False
    message_id: str | None = None
    """The id that the message itself bears; what carried it may name another, which goes before."""


class Adapter(Protocol):
    """The shape of a module in `adapters/inbound/`."""

    FORMAT: str

    def check(self, options: Options) -> None:
        """Raises `Rejected` for options that `decode` refuses too: an issue `source-map` whose place is the option's
        (`options.group.by`), with what is expected there."""
        ...

    def decode(self, body: bytes, options: Options) -> Decoded:
        """The records of a delivery in their order.

        Raises `Rejected` (here, or from the iterator before its first record) where nothing of the delivery can be
        taken: no header line, a DOCTYPE. Any bytes end in records, `Broken` or `Rejected`, in bounded time.
        """
        ...


@runtime_checkable
class NamesFields(Protocol):
    """What a module in `adapters/inbound/` has besides, whose options say which fields a record can have."""

    def check_names(self, options: Options, names: Collection[str]) -> None:
        """Raises `Rejected`, as `check` does, for fields that no record will ever have."""
        ...


class Encoder(Protocol):
    """The shape of a module in `adapters/outbound/`."""

    FORMAT: str
    """The name by which an export is asked for."""
    MEDIA_TYPE: str
    SUFFIX: str
    """Of a file that holds such an export, with its dot."""

    def encode(self, reports: Iterable[VacancyReport], *, at: datetime) -> Iterator[bytes]:
        """The bytes of an export, piece by piece: memory holds one facility, however many there are.

        Reports of one facility follow one another, and keys are unique over all of them. `at` is the moment as of
        which the export is made; the same reports at the same moment are the same bytes. Any report can be written;
        what the format has no place for is left out, never bent into something else.
        """
        ...
