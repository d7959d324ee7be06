"""A feed: where deliveries of a source are fetched, how, and how often; and one round of fetching.

A transport is one module in `adapters/transport/` with a constant `TRANSPORT` (the name feeds use) and the functions
`check(feed) -> None`, `check_here(feed) -> None` and `fetch(feed_round) -> None`; `adapters.transports` finds it,
`tests/adapters/test_transport_contract.py` holds it to the promises made here.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from adapters.base import Delivery
from adapters.gate import SECONDS, Gate
from adapters.receipt import Receipt
from mappings.errors import Issue, Rejected

__all__ = ["Deliver", "Feed", "Round", "Taken", "Transport", "all_of", "chosen", "only", "secret", "unready", "wrong"]

Deliver = Callable[[Delivery], Receipt]
"""Takes a delivery in; when it returns, what the receipt says is committed and synced."""
_LONGEST_SECRET = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One file of `feeds/`; `credentials` name where secrets lie and never hold one."""

    name: str
    source: str
    transport: str
    address: str
    every: timedelta
    credentials: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    private: bool = False
    """The address is one of the operator's own network."""
    unencrypted: bool = False
    """The operator knows that others can read what comes."""

    @property
    def interval(self) -> str:
        """How often, as the file says it: `30s`, `15m`, `24h`, `7d`."""
        seconds = int(self.every.total_seconds())
        for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
            # A day is told as 24h, as people do.
            if seconds % length == 0 and seconds > length * (unit == "d"):
                return f"{seconds // length}{unit}"
        return f"{seconds}s"

    @property
    def mark(self) -> str:
        """What its memory belongs to: a feed that leads elsewhere begins anew."""
        told = repr((self.source, self.transport, self.address, sorted(self.options.items(), key=repr)))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One delivery of a round: what it was called where it came from, and what became of it."""

    name: str
    receipt: Receipt


@dataclass(slots=True, kw_only=True)
class Round:
    """One round of fetching.

    What a transport writes into `memory` (JSON) it finds there in its next round; it writes when something has been
    taken, so that what fails later undoes nothing.
    """

    feed: Feed
    deliver: Deliver
    gate: Gate
    clock: Callable[[], datetime]
    environment: Mapping[str, str]
    seconds: float = SECONDS
    """For each exchange with another machine."""
    memory: dict[str, Any] = field(default_factory=dict)
    more: bool = False
    """There is more than one round takes: the next begins at once."""
    taken: list[Taken] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    """What single deliveries failed with; the round goes on, and raises the first of them at its end."""

    def take(self, name: str, body: bytes, *, key: str | None = None) -> Receipt | None:
        """Deliver; None where that failed, so that it stays where it is and comes again.

        The same `key` with the same body is the same message: its receipt is told again, and nothing counts twice.
        """
        message_id = None if key is None else self._message_id(key, body)
        delivery = Delivery(source=self.feed.source, body=body, received_at=self.clock(), message_id=message_id)
        try:
            receipt = self.deliver(delivery)
        except Exception as error:
            self.failures.append(error)
            return None
        self.taken.append(Taken(name=name, receipt=receipt))
        return receipt

    def _message_id(self, key: str, body: bytes) -> str:
        told = f"{self.feed.name}/{key}/{hashlib.sha256(body).hexdigest()}"
        # Names of files need not be UTF-8.
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()

    def end(self) -> None:
        """Raise what the first delivery that failed had failed with."""
        if self.failures:
            raise self.failures[0]


class Transport(Protocol):
    """The shape of a module in `adapters/transport/` that fetches."""

    TRANSPORT: str

    def check(self, feed: Feed) -> None:
        """Raises `Rejected` for a feed that `fetch` could not run: an issue `feed` whose place is that in its file
        (`options.host_key`), with what is expected there. Opens no connection."""
        ...

    def check_here(self, feed: Feed) -> None:
        """Raises `Rejected` for what `fetch` needs of this machine besides the secrets, and does not find now: it may
        be there later. Opens no connection."""
        ...

    def fetch(self, feed_round: Round) -> None:
        """Deliver what is there and was not taken yet.

        Raises `Rejected` where the operator must act, `Retriable` where time may help; what was delivered before that
        is taken all the same.
        """
        ...


def wrong(place: str, german: str, english: str) -> Rejected:
    """The refusal of a feed: what is expected at a place of its file."""
    return Rejected(
        Issue(
            code="feed",
            place=place,
            text_de=f"erwartet wird {german}",
            text_en=f"expected {english}",
            fhir_code="structure",
        )
    )


def all_of(*checks: Callable[[], object]) -> None:
    """Raises one `Rejected` with what is wrong by any of the checks, each thing once."""
    found: list[Issue] = []
    for check in checks:
        try:
            check()
        except Rejected as error:
            found.extend(issue for issue in error.issues if issue not in found)
    if found:
        raise Rejected(*found)


def only(feed: Feed, *, options: Mapping[str, tuple[type, ...]], credentials: tuple[str, ...] = ()) -> None:
    """Raises `Rejected` for an option or credential that the transport does not know, or an option of another type."""
    found: list[Issue] = []
    for section, known in (("options", tuple(options)), ("credentials", credentials)):
        for name in getattr(feed, section):
            if name not in known:
                listed = ", ".join(known) or "–"
                found += wrong(
                    f"{section}.{name}", f"keines oder eines von {listed}", f"none, or one of {listed}"
                ).issues
    for name, value in feed.options.items():
        if name in options and type(value) not in options[name]:
            found += wrong(f"options.{name}", *_KINDS[options[name][0]]).issues
    if found:
        raise Rejected(*found)


_KINDS: Mapping[type, tuple[str, str]] = MappingProxyType(
    {str: ("ein Text", "a text"), int: ("eine ganze Zahl", "a whole number"), list: ("eine Liste", "a list")}
)


def chosen(feed: Feed, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number among the options; raises `Rejected` for one beyond its limits."""
    stated = feed.options.get(name, default)
    value = stated if type(stated) is int else default  # Of another kind it is `only` that says so.
    if not least <= value <= most:
        raise wrong(f"options.{name}", f"eine Zahl von {least} bis {most}", f"a number from {least} to {most}")
    return value


def secret(feed_round: Round, name: str) -> bytes | None:
    """The secret that `NAME_env` or `NAME_file` of the credentials lead to, None where neither is told.

    Raises `Rejected` where there is nothing; the text names where it was looked for, never what stands there.
    """
    return _secret(feed_round.feed, name, feed_round.environment)


def unready(feed: Feed, environment: Mapping[str, str]) -> tuple[Issue, ...]:
    """The secrets that a feed leads to and that are not there: an issue each."""
    names = dict.fromkeys(key.rpartition("_")[0] for key in feed.credentials if key.endswith(("_env", "_file")))
    try:
        all_of(*(partial(_secret, feed, name, environment) for name in names))
    except Rejected as error:
        return error.issues
    return ()


def _secret(feed: Feed, name: str, environment: Mapping[str, str]) -> bytes | None:
    told = feed.credentials
    if variable := told.get(f"{name}_env"):
        if value := environment.get(variable):
            return value.encode()
        raise wrong(
            f"credentials.{name}_env",
            f"in der Umgebung die Variable {variable}; sie fehlt oder ist leer",
            f"the variable {variable} in the environment; it is missing or blank",
        )
    if file := told.get(f"{name}_file"):
        try:
            with Path(file).open("rb") as opened:
                value_of_file = opened.read(_LONGEST_SECRET).strip()
        except OSError:
            value_of_file = b""
        if value_of_file:
            return value_of_file
        raise wrong(
            f"credentials.{name}_file",
            "eine Datei, die sich lesen lässt und nicht leer ist",
            "a file that can be read and is not empty",
        )
    return None
