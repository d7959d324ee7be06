"""What was shown is kept in memory: bounded, each view by itself, and never older than the snapshot that asks."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hub.search import contents
from hub.search.registry import Registry
from hub.store.database import Database
from hub.store.draft import Draft
from hub.store.prepared import packed_pair
from hub.store.reader import Reader, Transaction
from hub.store.repository import Repository
from hub.store.shown import Kept, address, content, shown
from hub.store.tables import PROFESSIONAL, PUBLIC, Projection
from tests.hub.search.universe import stored

KEY = ("Organization", "o")
_WRITE = """
import sys
from hub.search.registry import Registry
from hub.store.database import Database
from hub.store.draft import Draft
from hub.store.repository import Repository
from hub.store.tables import PROFESSIONAL
database = Database(sys.argv[1])
with database.transaction() as transaction:
    tree = {"resourceType": "Organization", "id": "o", "name": sys.argv[2]}
    Repository(PROFESSIONAL, Registry.shipped()).store(transaction, [Draft.of(tree)], at=2)
database.close()
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = stored(database_url, [])
    yield opened
    opened.close()


def named(name: str) -> dict[str, Any]:
    return {"resourceType": KEY[0], "id": KEY[1], "name": name}


def write(transaction: Transaction, projection: Projection, name: str) -> int:
    """Writes the organization; its row."""
    repository = Repository(projection, Registry.shipped())
    return repository.store(transaction, [Draft.of(named(name))], at=1).versions[KEY].rid


def name_of(reader: Reader, projection: Projection, rid: int) -> str:
    (one,) = contents.by_rid(reader, projection, [rid])
    assert address(one) == KEY
    return str(json.loads(content(one))["name"])


def keep(kept: Kept, more: dict[int, bytes]) -> None:
    """What is shown a second time is kept."""
    for _ in range(2):
        kept.add(more)


def test_what_is_shown_once_is_not_kept() -> None:
    kept = Kept()
    kept.add({1: b"a", 2: b"b"})
    assert kept.of([1, 2]) == [None, None]
    kept.add({2: b"b", 3: b"c"})
    assert kept.of([1, 2, 3]) == [None, b"b", None]


def test_of_what_is_shown_once_little_is_known() -> None:
    kept = Kept()
    for version in range(100_000):
        kept.add({version: b"a"})
    kept.add({0: b"a"})
    assert kept.of([0]) == [None], "it was forgotten"


def test_what_is_shown_once_is_known_for_a_while() -> None:
    kept = Kept()
    for version in range(10_000):
        kept.add({version: b"a"})
    kept.add({0: b"a"})
    assert kept.of([0]) == [b"a"]


def test_what_is_shown_holds_address_and_content() -> None:
    told = shown("Patient", "a.b-1", b'{"text":"\\",\\"resource\\":"}')
    assert (address(told), content(told)) == (("Patient", "a.b-1"), b'{"text":"\\",\\"resource\\":"}')


def test_what_is_kept_stays_below_its_bound_and_what_is_asked_for_stays_longest() -> None:
    kept = Kept(100_000)
    keep(kept, {0: bytes(1000)})
    for version in range(1, 1000):
        keep(kept, {version: bytes(1000)})
        assert kept.of([0]) == [bytes(1000)]
        assert sum(one is not None for one in kept.of(range(version + 1))) * 1000 <= 100_000
    assert kept.of([1, 999]) == [None, bytes(1000)]


def test_what_is_asked_for_again_is_counted_once() -> None:
    kept = Kept(100_000)
    for version in range(60):
        keep(kept, {version: bytes(1000)})
    for _ in range(1000):
        assert kept.of([0, -1]) == [bytes(1000), None]
    for version in range(60, 70):
        keep(kept, {version: bytes(1000)})
    assert kept.of([1]) == [bytes(1000)], "nothing had to go for it"


def test_what_would_take_the_place_of_many_is_not_kept() -> None:
    kept = Kept(100_000)
    keep(kept, {1: bytes(1000), 2: bytes(50_000)})
    keep(kept, {3: bytes(10_000)})
    assert kept.of([1, 2, 3]) == [bytes(1000), None, None]


def test_one_version_is_not_the_next() -> None:
    kept = Kept()
    one, *others = (packed_pair(*pair) for pair in ((1, 1), (1, 2), (2, 1)))
    keep(kept, {one: b"a"})
    assert kept.of([*others, one]) == [None, None, b"a"]


def test_what_was_shown_is_not_read_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.transaction() as transaction:
        rid = write(transaction, PROFESSIONAL, "one")
    for _ in range(2):
        with database.snapshot() as reader:
            assert name_of(reader, PROFESSIONAL, rid) == "one"
    monkeypatch.setattr(contents, "_of_versions", None)
    with database.snapshot() as reader:
        assert name_of(reader, PROFESSIONAL, rid) == "one"


def test_the_views_keep_nothing_together(database: Database) -> None:
    with database.transaction() as transaction:
        rid = write(transaction, PROFESSIONAL, "for professionals")
        assert write(transaction, PUBLIC, "for all") == rid, "the same row and version, or this shows nothing"
    for _ in range(2):
        with database.snapshot() as reader:
            assert name_of(reader, PROFESSIONAL, rid) == "for professionals"
            assert name_of(reader, PUBLIC, rid) == "for all"


def test_a_new_version_is_seen_at_once(database: Database) -> None:
    for name in ("one", "two", "three"):
        with database.transaction() as transaction:
            rid = write(transaction, PROFESSIONAL, name)
        with database.snapshot() as reader:
            assert name_of(reader, PROFESSIONAL, rid) == name


def test_a_snapshot_shows_its_own_version_whoever_wrote_the_next(database: Database) -> None:
    with database.transaction() as transaction:
        rid = write(transaction, PROFESSIONAL, "before")
    with database.snapshot() as old:
        assert name_of(old, PROFESSIONAL, rid) == "before"
        with database.transaction() as transaction:
            write(transaction, PROFESSIONAL, "after")
        with database.snapshot() as new:
            assert name_of(new, PROFESSIONAL, rid) == "after"
        assert name_of(old, PROFESSIONAL, rid) == "before"


def test_a_version_that_another_process_wrote_is_seen_at_once(database: Database, database_url: str) -> None:
    with database.transaction() as transaction:
        rid = write(transaction, PROFESSIONAL, "ours")
    with database.snapshot() as reader:
        assert name_of(reader, PROFESSIONAL, rid) == "ours"
    subprocess.run([sys.executable, "-c", _WRITE, database_url, "theirs"], check=True)
    with database.snapshot() as reader:
        assert name_of(reader, PROFESSIONAL, rid) == "theirs"


def test_what_was_undone_is_never_shown(database: Database) -> None:
    with database.transaction() as transaction:
        rid = write(transaction, PROFESSIONAL, "first")

    class Broken(Exception):
        pass

    with pytest.raises(Broken), database.transaction() as transaction:
        write(transaction, PROFESSIONAL, "undone")
        assert name_of(transaction, PROFESSIONAL, rid) == "undone"
        raise Broken
    with database.transaction() as transaction:
        write(transaction, PROFESSIONAL, "second")
    with database.snapshot() as reader:
        assert name_of(reader, PROFESSIONAL, rid) == "second"
