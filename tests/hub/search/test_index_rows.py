"""However a resource came to say what it says, it is found by just that: an update writes what differs alone."""

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from hub.store.database import Database
from hub.store.draft import Draft
from hub.store.repository import Repository
from hub.store.tables import PROFESSIONAL
from tests.hub.search.universe import REGISTRY, Tree, stored, universe

SIZE = 12


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = stored(database_url, [])
    yield opened
    opened.close()


def rows(database: Database) -> dict[str, set[tuple[object, ...]]]:
    with database.reading() as connection:
        return {
            name: {tuple(row) for row in connection.execute(select(table))}
            for name, table in PROFESSIONAL.indexes.items()
        }


def expected(trees: dict[int, Tree]) -> dict[str, set[tuple[object, ...]]]:
    found: dict[str, set[tuple[object, ...]]] = {name: set() for name in PROFESSIONAL.indexes}
    for rid, tree in trees.items():
        for table, row in REGISTRY.rows(tree):
            found[table].add((*row, rid))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_those_of_what_is_stored_now(database: Database, seed: int) -> None:
    draw = random.Random(seed)
    repository = Repository(PROFESSIONAL, REGISTRY)
    own = rows(database)  # of the definitions that every hub has
    there: dict[int, Tree] = {}
    now: dict[tuple[str, str], Tree] = {}
    for step in range(8):
        drawn = [tree for tree in universe(seed * 100 + step, SIZE) if draw.random() < 0.5]
        for tree in drawn:
            before = now.get((tree["resourceType"], tree["id"]), {})
            # Some elements of what stood before stay as they were.
            tree.update({name: value for name, value in before.items() if draw.random() < 0.3})
            if draw.random() < 0.3:
                tree["meta"] = {"tag": [{"system": "http://a.example", "code": draw.choice("xyz")}]}
        gone = [key for key in now if draw.random() < 0.1]
        with database.transaction() as transaction:
            written = repository.store(transaction, map(Draft.of, drawn), deletions=gone, at=step + 1)
        now |= {(tree["resourceType"], tree["id"]): tree for tree in drawn}
        for key, version in written.versions.items():
            if version.change == "deleted":
                del now[key]
                there.pop(version.rid, None)
            else:
                there[version.rid] = now[key]
        assert {name: found - own[name] for name, found in rows(database).items()} == expected(there)
