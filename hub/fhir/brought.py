"""The resources that the entries of a transaction bring, and what can be done of them before its turn at the writer
(https://hl7.org/fhir/R4/http.html#transaction).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import msgspec

from hub.fhir.conditional import none_exist
from hub.fhir.context import Context
from hub.fhir.entry import Entry
from hub.fhir.references import Link, links, renamed_in_narrative, root_of
from hub.fhir.resource_id import ID
from hub.fhir.validation import issues_of
from hub.store.draft import Draft
from mappings.errors import Issue

__all__ = ["Ahead", "Key", "Parts", "Resource", "ahead", "criteria", "encoded", "named"]

Key = tuple[str, str]

_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL)
_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(slots=True)
class Parts:
    """The entries by what is done to them, each routed to the type and id that it names."""

    deletes: list[Entry] = field(default_factory=list)
    creates: list[Entry] = field(default_factory=list)
    updates: list[Entry] = field(default_factory=list)
    patches: list[Entry] = field(default_factory=list)
    asked: list[Entry] = field(default_factory=list)
    """What is performed as it is: reads, searches, operations, and what is refused."""

    @classmethod
    def of(cls, context: Context, entries: Iterable[Entry]) -> "Parts":
        parts = cls()
        by_method = {"DELETE": parts.deletes, "POST": parts.creates, "PUT": parts.updates, "PATCH": parts.patches}
        types = context.registry().types
        for entry in entries:
            request, path = entry.request, entry.request.path
            most_words = 1 if request.method == "POST" else 2
            writes = context.store is not None and request.method in by_method
            if not writes or not 1 <= len(path) <= most_words or path[0] not in types or path[-1][:1] in "$_":
                parts.asked.append(entry)
                continue
            variables = dict(zip(("type", "id"), path, strict=False))
            by_method[request.method].append(replace(entry, request=request.routed(variables)))
        return parts


@dataclass(slots=True, kw_only=True)
class Resource:
    """What an entry brings and where that goes; of a patch, the patch."""

    entry: Entry
    type: str
    id: str
    tree: dict[str, Any]
    links: list[Link] = field(default_factory=list)
    rewritten: bool = False
    issues: list[Issue] | None = None
    """What base R4 has to say of it, where that was asked ahead."""
    drafted: Draft | None = None

    @property
    def key(self) -> Key:
        return self.type, self.id

    def rewrite(self, link: Link, text: str) -> None:
        """Have a link say something else than what was sent."""
        link.becomes(text)
        self.rewritten = True

    def rename(self, names: Mapping[str, str], base: str) -> None:
        """Have every link to a resource of the Bundle say its address here."""
        # https://hl7.org/fhir/R4/bundle.html#references: a relative one begins where its own resource stands.
        root = root_of(self.entry.full_url) or base
        for link in self.links if names else ():
            if link.kind == "narrative":
                name: str | None = renamed_in_narrative(link.text, names.get)
            elif link.kind == "reference":
                name = names.get(link.text) or names.get(f"{root}/{link.text}")
            else:
                name = names.get(link.text)
            if name is not None and name != link.text:
                self.rewrite(link, name)

    def draft(self) -> Draft:
        """As it was sent, unless it names what has another name here."""
        if self.drafted is not None:
            return self.drafted
        text = encoded(self.tree) if self.rewritten else self.entry.text
        posted = self.entry.request.method == "POST"
        return Draft.received(self.tree, text, resource_id=self.id, posted=posted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What was done of a transaction ahead: the entries by what is done to them, and the resources that they bring, by
    position; none of these where they have to wait."""

    parts: Parts
    resources: dict[int, Resource] = field(default_factory=dict)


def ahead(context: Context, entries: Sequence[Entry]) -> Ahead:
    """What can be done of a transaction before its turn at the writer: most, where nothing in it depends on what is
    stored, on what criteria find or on what a patch finds before it."""
    parts = Parts.of(context, entries)
    done = Ahead(parts=parts)
    if context.store is None or parts.patches or not _is_settled(context, parts):
        return done
    base = entries[0].request.base
    found: list[Resource] = []
    names: dict[str, str] = {}
    for entry in (*parts.creates, *parts.updates):
        variables = entry.request.variables
        if entry.tree is None or entry.tree["resourceType"] != variables["type"]:
            return done
        told = entry.tree.get("id")
        key = (variables["type"], variables.get("id") or str(uuid4()))
        if "id" in variables and (told != key[1] or not ID.fullmatch(key[1])):
            return done
        found.append(Resource(entry=entry, type=key[0], id=key[1], tree=entry.tree))
        if name := named(entry, key, base):
            names[name] = "/".join(key)
    for one in found:
        one.links = links(one.tree, uris=bool(names))
        if any(criteria(context, link, base) for link in one.links):
            return done
    for one in found:
        one.tree["id"] = one.id
        one.rename(names, base)
        one.issues = issues_of(one.tree, place=f"{one.entry.place}.resource")
        if not any(issue.severity == "error" for issue in one.issues):
            one.drafted = one.draft()
            if one.drafted.posted:
                one.drafted.found_by(context.repository.index)
    done.resources.update((one.entry.position, one) for one in found)
    return done


def _is_settled(context: Context, parts: Parts) -> bool:
    """Whether every entry that writes says itself what it is written to."""
    return all(none_exist(context, entry.request) is None for entry in parts.creates) and all(
        "id" in entry.request.variables for entry in parts.updates
    )


def named(entry: Entry, key: Key, base: str) -> str:
    """The name by which the Bundle speaks of a resource, where it has another one here; else blank."""
    return entry.full_url if entry.full_url != f"{base}/{'/'.join(key)}" else ""


def criteria(context: Context, link: Link, base: str) -> re.Match[str] | None:
    """Type and criteria of a conditional reference; None for any other link."""
    match = _CONDITIONAL.fullmatch(link.text.removeprefix(f"{base}/")) if link.kind == "reference" else None
    return match if match and match[1] in context.registry().types else None


def encoded(tree: Mapping[str, Any]) -> bytes:
    """A tree as JSON, its numbers to the last decimal zero."""
    return _JSON.encode(tree)
