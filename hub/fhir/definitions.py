"""The definitions that are stored here, found by their canonical URLs
(https://hl7.org/fhir/R4/references.html#canonical).
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select

from hub.errors import TooCostly
from hub.fhir.context import Context
from hub.search.types.term import key
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Row
from hub.store.repository import current, tree_of
from hub.store.tables import VIEWS
from mappings.errors import Issue

__all__ = ["Asked", "StoredDefinitions", "latest"]

Asked = tuple[str, str]
"""Resource type and canonical URL of a definition."""

_MAPS_MAX = 500


class StoredDefinitions:
    """What a reader's snapshot has of the types that are served; called, it is terminology's `Find`."""

    def __init__(self, context: Context, reader: Reader) -> None:
        self.view = context.repository.projection.name
        self._repository = context.repository
        self._registry = context.registry()
        self._reader = reader

    def __call__(self, kind: str, url: str, version: str | None) -> Mapping[str, Any] | None:
        """The definition with a URL, of several versions the latest; None where there is none."""
        return latest((tree for _, tree in self.with_url(kind, url)), version)

    def with_id(self, kind: str, resource_id: str) -> Mapping[str, Any] | None:
        """The definition with an id; None where there is none."""
        stored = self._repository.read(self._reader, kind, resource_id) if self._serves(kind) else None
        return tree_of(stored.content) if stored is not None and stored.content is not None else None

    def with_url(self, kind: str, url: str) -> list[tuple[bytes, Mapping[str, Any]]]:
        """Digest and tree of every definition with a URL."""
        rows = self._found(kind, "url", url)
        found = [(bytes(digest), tree_of(content)) for digest, content in rows]
        return [(digest, tree) for digest, tree in found if tree.get("url") == url]

    def digests(self, asked: Iterable[Asked]) -> dict[Asked, frozenset[bytes]]:
        """The digests of every definition with one of the URLs."""
        names = {(self._number(kind, "url"), key(url)): (kind, url) for kind, url in asked if self._serves(kind)}
        binds = {
            "params": sorted({number for number, _ in names}),
            "uris": sorted({indexed for _, indexed in names}),
        }
        found: dict[Asked, set[bytes]] = {}
        for number, indexed, digest in self._reader.all(_digests(self.view), binds) if names else ():
            if (number, indexed) in names:
                found.setdefault(names[number, indexed], set()).add(bytes(digest))
        return {each: frozenset(digests) for each, digests in found.items()}

    def concept_maps(self, system: str, *, reverse: bool) -> list[Mapping[str, Any]]:
        """The concept maps from a code system, or `reverse` to it: of several versions the latest.

        Raises `TooCostly` where there are too many to look in.
        """
        rows = self._found("ConceptMap", "target-system" if reverse else "source-system", system)
        if len(rows) > _MAPS_MAX:
            raise _many_maps()
        by_url: dict[str, list[Mapping[str, Any]]] = {}
        for position, (_, content) in enumerate(rows):
            tree = tree_of(content)
            by_url.setdefault(tree.get("url", f"#{position}"), []).append(tree)
        return [max(trees, key=_lateness) for trees in by_url.values()]

    def _found(self, kind: str, parameter: str, uri: str) -> list[Row]:
        if not self._serves(kind):
            return []
        binds = {"param": self._number(kind, parameter), "uri": key(uri)}
        return list(self._reader.all(_contents(self.view), binds))

    def _serves(self, kind: str) -> bool:
        return kind in self._registry.types

    def _number(self, kind: str, parameter: str) -> int:
        return self._registry.parameters(kind)[parameter].number


def latest(trees: Iterable[Mapping[str, Any]], version: str | None) -> Mapping[str, Any] | None:
    """The latest of several versions of a definition, or of those that say `version`."""
    fitting = (tree for tree in trees if version in (None, tree.get("version")))
    return max(fitting, key=_lateness, default=None)


def _lateness(tree: Mapping[str, Any]) -> tuple[list[int], str]:
    numbers = [int(part) for part in re.findall(r"\d{1,9}", tree.get("version", ""), re.ASCII)]
    return numbers, tree.get("meta", {}).get("lastUpdated", "")


@cache
def _contents(view: str) -> Prepared:
    projection = VIEWS[view]
    uri, resource, history = projection.indexes["uri"], projection.resource, projection.history
    return Prepared(
        select(resource.c.digest, history.c.content)
        .join(uri, uri.c.rid == resource.c.rid)
        .join(history, current(projection))
        .where(uri.c.param == bindparam("param"), uri.c.uri == bindparam("uri"))
        .order_by(resource.c.rid)
    )


@cache
def _digests(view: str) -> Prepared:
    projection = VIEWS[view]
    uri, resource = projection.indexes["uri"], projection.resource
    return Prepared(
        select(uri.c.param, uri.c.uri, resource.c.digest)
        .join(resource, resource.c.rid == uri.c.rid)
        .where(one_of(uri.c.param, "params"), one_of(uri.c.uri, "uris"))
    )


def _many_maps() -> TooCostly:
    return TooCostly(
        Issue(
            code="too-many-maps",
            fhir_code="too-costly",
            place="ConceptMap",
            text_de=f"mehr als {_MAPS_MAX} ConceptMaps betreffen dieses Codesystem; eine mit url nennen",
            text_en=f"more than {_MAPS_MAX} concept maps concern this code system; name one by url",
        )
    )
