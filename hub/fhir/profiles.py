"""Holds resources against the profiles that they claim: those that are shipped, and those stored as
StructureDefinitions (https://hl7.org/fhir/R4/profiling.html).

A profile is read once, with all that it refers to, and used again as long as nothing of that has changed in the store.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any

from conformance import spec
from conformance.formats import fhirpath, profiles, r4, r4_finding
from hub.errors import Invalid
from hub.fhir.context import Context
from hub.fhir.definitions import Asked, StoredDefinitions, latest
from hub.store.reader import Reader
from hub.terminology.codes import codes_in
from hub.terminology.definitions import parted

__all__ = ["Claimed", "claimed", "is_base", "named"]

_BASE = "http://hl7.org/fhir/StructureDefinition/"
_MOST_BOOKS = 512
_MOST_FINDINGS = 200
_MOST_CLAIMS = 1000
"""Different profiles and extensions of one resource that are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What came of a resource's claims: what its profiles find, and the places that claim what is not known here."""

    findings: tuple[r4.Finding, ...]
    unknown: tuple[str, ...]


@dataclass(slots=True)
class _Book:
    """A profile, and what the store had of each definition that it was made of: the digests of all with this URL."""

    profile: profiles.Profile | None = None
    read: dict[Asked, frozenset[bytes]] = field(default_factory=dict)


_BOOKS: OrderedDict[tuple[str, str], _Book] = OrderedDict()
_LOCK = Lock()


def claimed(context: Context, reader: Reader, tree: Mapping[str, Any]) -> Claimed:
    """Holds a resource and those inside it against their profiles, and each extension against its definition."""
    claims = list(profiles.claims(tree))
    if not claims:
        return Claimed(findings=(), unknown=())
    wanted = list(dict.fromkeys(claim.canonical for claim in claims))[:_MOST_CLAIMS]
    stored = StoredDefinitions(context, reader)
    books = _books(stored, wanted)
    findings: dict[r4.Finding, None] = {}
    unknown: list[str] = []
    for claim in claims:
        if len(findings) + len(unknown) >= _MOST_FINDINGS:
            findings[r4_finding.too_many().at(str(tree.get("resourceType")))] = None
            break
        book = books.get(claim.canonical)
        if book is not None and book.profile is not None:
            findings.update(dict.fromkeys(_held(book, claim.node, stored)))
        elif not claim.is_extension and not is_base(claim.canonical, claim.node.value):
            unknown.append(claim.place)
    return Claimed(findings=tuple(findings), unknown=tuple(unknown))


def named(context: Context, reader: Reader, tree: Mapping[str, Any], canonical: str) -> tuple[r4.Finding, ...] | None:
    """Holds a resource against a profile; None where it is not known here."""
    stored = StoredDefinitions(context, reader)
    book = _books(stored, [canonical])[canonical]
    if book.profile is None:
        return None
    return tuple(_held(book, fhirpath.root(tree), stored))


def is_base(profile: str, tree: Mapping[str, Any]) -> bool:
    """Whether a profile's URL is that of the resource's own type: that is base R4, which every resource is held to."""
    return profile.partition("|")[0] in {f"{_BASE}{kind}" for kind in (tree.get("resourceType"), *_EVERY_KIND)}


_EVERY_KIND = ("DomainResource", "Resource")


def _held(book: _Book, node: fhirpath.Node, stored: StoredDefinitions) -> Iterable[r4.Finding]:
    find = _Find(stored, book)

    def codes(value_set: str) -> frozenset[tuple[str, str]] | None:
        try:
            return codes_in(value_set, find)
        except (KeyError, Invalid):
            return None

    assert book.profile is not None
    return book.profile.findings(node, resolve=find.structure, codes_in=codes)


# --- books ------------------------------------------------------------------------------------------------------------


def _books(stored: StoredDefinitions, wanted: Iterable[str]) -> dict[str, _Book]:
    """The profiles, made of what the reader's snapshot has."""
    view = stored.view
    with _LOCK:
        known = {one: book for one in wanted if (book := _BOOKS.get((view, one))) is not None}
    asked = {each for book in known.values() for each in list(book.read)}
    now = stored.digests(asked)
    found: dict[str, _Book] = {}
    for one in wanted:
        book = known.get(one)
        if book is None or any(now.get(each, _NOTHING) != was for each, was in list(book.read.items())):
            book = _made(stored, one)
        found[one] = book
    with _LOCK:
        for one, book in found.items():
            _BOOKS[view, one] = book
            _BOOKS.move_to_end((view, one))
        while len(_BOOKS) > _MOST_BOOKS:
            _BOOKS.popitem(last=False)
    return found


def _made(stored: StoredDefinitions, canonical: str) -> _Book:
    book = _Book()
    structure = _Find(stored, book).structure(canonical)
    if structure is not None and structure.get("derivation") != "specialization":
        try:
            book.profile = profiles.Profile(structure)
        except profiles.NotAProfile:
            book.profile = None
    return book


_NOTHING: frozenset[bytes] = frozenset()


class _Find:
    """Finds definitions by their canonical URLs, and notes in a book what there was of them."""

    def __init__(self, stored: StoredDefinitions, book: _Book) -> None:
        self._stored = stored
        self._book = book

    def structure(self, canonical: str) -> Mapping[str, Any] | None:
        """A StructureDefinition: ours, or one that is stored."""
        url, version = parted(canonical)
        shipped = _shipped().get(url)
        if shipped is not None and version in (None, shipped.get("version")):
            return shipped
        return self("StructureDefinition", url, version)

    def __call__(self, kind: str, url: str, version: str | None) -> Mapping[str, Any] | None:
        """One that is stored: of several versions the latest."""
        found = self._stored.with_url(kind, url)
        self._book.read[kind, url] = frozenset(digest for digest, _ in found)
        return latest((tree for _, tree in found), version)


@cache
def _shipped() -> Mapping[str, Mapping[str, Any]]:
    return {tree["url"]: tree for tree in spec.load("StructureDefinition")}
