"""The batch and transaction interactions: several requests as the entries of one Bundle
(https://hl7.org/fhir/R4/http.html#transaction).
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from conformance.formats.grouped import grouped
from hub.errors import Malformed, TooLarge
from hub.fhir.brought import Ahead
from hub.fhir.brought import ahead as ahead_of_transaction
from hub.fhir.context import Context
from hub.fhir.entry import Entry, read_entry, response_entry
from hub.fhir.received import received
from hub.fhir.refusal import refusal
from hub.fhir.request import Answer, Request
from hub.fhir.transaction import at_entry, transact
from hub.fhir.validation import issues_of
from hub.store.reader import Reader, Transaction
from mappings.errors import Issue, PlatzfreiError

__all__ = ["CODES", "ROUTES", "WRITES", "ahead", "answer", "writes"]

CODES = ("batch", "transaction")
ROUTES = (("POST", "/"),)
WRITES = True

_MOST = 5_000
_MOST_PUBLIC = 200
"""Entries at once; the public may ask less of us at a time."""
_BYTES_MAX = 64 * 1024 * 1024
"""Of an answer: each entry can be a search."""
_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
_READING = ("GET", "HEAD")


class _Asked(msgspec.Struct):
    method: str = ""


class _Entry(msgspec.Struct):
    request: _Asked = msgspec.field(default_factory=_Asked)
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = msgspec.field(default_factory=list)


_JSON = msgspec.json.Encoder(decimal_format="number")
_BUNDLE = msgspec.json.Decoder(_Bundle)


def writes(context: Context, request: Request) -> bool:
    """Whether an entry may write: what only reads needs no turn at the writer."""
    if context.store is None:
        return False
    try:
        return any(entry.request.method not in _READING for entry in _BUNDLE.decode(request.body).entry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # XML, or what is refused.
        return True


class _Read(NamedTuple):
    """A Bundle as it was read: its type, its entries or why one is none, and what was done of a transaction ahead."""

    kind: str
    entries: list[Entry | Malformed]
    done: Ahead | None


def ahead(context: Context, request: Request) -> _Read:
    """What can be done before the turn at the writer: reading, and of a transaction most."""
    read = _read(context, request)
    entries = [one for one in read.entries if isinstance(one, Entry)]
    if read.kind != "transaction" or not entries or len(entries) < len(read.entries):
        return read
    return read._replace(done=ahead_of_transaction(context, entries))


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A Bundle that answers each entry, in their order; a transaction of which one entry fails does nothing."""
    read: _Read = request.take_ahead() or _read(context, request)
    answered = _transaction(context, reader, read) if read.kind == "transaction" else _batch(context, reader, read)
    entries, length = [], 0
    for one, entry in answered:
        entries.append(response_entry(one, entry, request.base))
        length += len(entries[-1])
        if length > _BYTES_MAX:
            raise _too_much()
    head = b'{"resourceType":"Bundle","type":"%s-response"' % read.kind.encode()
    return Answer(content=head + (b',"entry":[%s]}' % b",".join(entries) if entries else b"}"))


def _read(context: Context, request: Request) -> _Read:
    sent = received(request, resource_type="Bundle")
    kind, told = sent.tree.get("type"), sent.tree.get("entry", [])
    if kind not in CODES:
        raise _wrong("Bundle.type", "batch oder transaction", "batch or transaction", "code-invalid")
    if not isinstance(told, list):
        raise _wrong("Bundle.entry", "eine Liste von Einträgen", "a list of entries", "structure")
    _refuse_many(len(told), _MOST_PUBLIC if context.store is None else _MOST)
    amiss = _amiss(sent.tree, told)
    if None in amiss:
        raise Malformed(*amiss[None])
    return _Read(kind, list(_entries(told, sent.text, request, amiss)), None)


def _amiss(tree: Mapping[str, Any], told: list[Any]) -> dict[int | None, list[Issue]]:
    """What the Bundle itself says wrongly, by the entry: a condition that is misspelt would be none.

    Its invariants are left out: they would refuse who sends back what a search gave.
    """
    shell = [{name: one[name] for name in one if name != "resource"} if isinstance(one, dict) else one for one in told]
    bare = {name: value for name, value in tree.items() if name not in ("entry", "id", "meta")}
    found: dict[int | None, list[Issue]] = {}
    for issue in issues_of({**bare, "entry": shell} if shell else bare):
        if issue.severity == "error" and issue.fhir_code != "invariant":
            match = _ENTRY.match(issue.place)
            found.setdefault(int(match[1]) if match else None, []).append(issue)
    return found


def _entries(
    told: list[Any], text: bytes, request: Request, amiss: Mapping[int | None, list[Issue]]
) -> Iterator[Entry | Malformed]:
    try:
        texts = [bytes(entry.resource) for entry in _BUNDLE.decode(text).entry]
    except msgspec.MsgspecError:
        # An entry that is no object of the right shape: each is told below what is wrong with it.
        texts = [_JSON.encode(one.get("resource") if isinstance(one, dict) else None) for one in told]
    for position, (one, resource) in enumerate(zip(told, texts, strict=True)):
        try:
            entry = read_entry(one, resource, position, request)
            if position in amiss:
                raise Malformed(*amiss[position])
            yield entry
        except Malformed as error:
            yield error


def _transaction(context: Context, reader: Reader, read: _Read) -> Iterator[tuple[Answer, Entry | None]]:
    entries: list[Entry] = []
    issues: list[Issue] = []
    for one in read.entries:
        if isinstance(one, Entry):
            entries.append(one)
        else:
            issues += one.issues
    if issues:
        raise Malformed(*issues)
    yield from zip(transact(context, reader, entries, read.done), entries, strict=True)


def _batch(context: Context, reader: Reader, read: _Read) -> Iterator[tuple[Answer, Entry | None]]:
    for one in read.entries:
        if not isinstance(one, Entry):
            yield refusal(one), None
            continue
        try:
            with reader.savepoint() if isinstance(reader, Transaction) else contextlib.nullcontext():
                answered = context.perform(context, reader, one.request)
        except PlatzfreiError as error:
            answered = refusal(at_entry(error, one))
        yield answered, one


def _refuse_many(count: int, most: int) -> None:
    if count > most:
        raise TooLarge(
            Issue(
                code="too-many-entries",
                fhir_code="too-costly",
                place="Bundle.entry",
                text_de=f"höchstens {most} Einträge auf einmal; das Bundle teilen",
                text_en=f"at most {most} entries at once; divide the Bundle",
            )
        )


def _too_much() -> TooLarge:
    return TooLarge(
        Issue(
            code="too-long-answer",
            fhir_code="too-costly",
            place="Bundle.entry",
            text_de=f"die Antwort wäre länger als {grouped(_BYTES_MAX)} Bytes; das Bundle teilen oder _count "
            "kleiner setzen",
            text_en=f"the answer would be longer than {_BYTES_MAX:,} bytes; divide the Bundle or lower _count",
        )
    )


def _wrong(place: str, expected_de: str, expected_en: str, fhir_code: str) -> Malformed:
    return Malformed(
        Issue(
            code="bundle",
            fhir_code=fhir_code,
            place=place,
            text_de=f"erwartet wird {expected_de}",
            text_en=f"expected {expected_en}",
        )
    )
