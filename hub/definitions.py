"""The definitions that every hub serves as resources: its code systems, value sets, maps, extensions, operations and
measures.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from conformance import spec
from hub.purpose import remember, remembered
from hub.store.database import Database
from hub.store.draft import Draft
from hub.store.repository import Repository
from mappings import terminology

__all__ = ["store_definitions"]

_KINDS = ("CodeSystem", "ValueSet", "StructureDefinition", "SearchParameter", "OperationDefinition", "Measure")
_NAME = "definitions"


def store_definitions(database: Database, repositories: Iterable[Repository], *, at: int) -> None:
    """Bring them into every view, where they are others than those that are there."""
    trees: list[dict[str, Any]] = [tree for kind in _KINDS for tree in spec.load(kind)]
    trees += terminology.concept_maps()
    fingerprint = hashlib.sha256(orjson.dumps(trees)).hexdigest()
    if remembered(database, _NAME) == fingerprint:
        return
    with database.transaction() as transaction:
        for repository in repositories:
            repository.store(transaction, [Draft.of(tree) for tree in trees], at=at)
    remember(database, _NAME, fingerprint)
