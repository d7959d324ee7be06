"""Group commit: parts share a transaction, and one that fails takes none with it."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select

from hub.store.database import Database
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.tables import about
from hub.store.writer import Writer

ADD = Prepared(insert(about).values(name=bindparam("the_name"), value=bindparam("the_value")))
ALL = Prepared(select(about.c.name).where(about.c.value == "test"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def add(transaction: Transaction, name: str) -> str:
    transaction.run(ADD, {"the_name": name, "the_value": "test"})
    return name


def there(database: Database) -> set[str]:
    with database.snapshot() as reader:
        return {name for (name,) in reader.all(ALL)}


def test_every_part_is_written_and_answered(database: Database) -> None:
    writer = Writer(database)
    answers = [writer.submit(lambda transaction, name=f"n{number}": add(transaction, name)) for number in range(200)]  # type: ignore[misc]
    assert [answer.result(30) for answer in answers] == [f"n{number}" for number in range(200)]
    writer.close()
    assert len(there(database)) == 200


def test_a_part_that_fails_takes_none_with_it(database: Database) -> None:
    writer, hold = Writer(database), threading.Event()

    def broken(transaction: Transaction) -> None:
        add(transaction, "undone")
        raise LookupError("no")

    first = writer.submit(lambda _: hold.wait(30))
    parts: list[Future[Any]] = [
        writer.submit(lambda transaction: add(transaction, "before")),
        writer.submit(broken),
        writer.submit(lambda transaction: add(transaction, "after")),
    ]
    hold.set()
    assert first.result(30)
    assert (parts[0].result(30), parts[2].result(30)) == ("before", "after")
    with pytest.raises(LookupError):
        parts[1].result(30)
    writer.close()
    assert there(database) == {"before", "after"}


def test_who_lost_a_race_sees_what_won(database: Database) -> None:
    """The second of two equal names breaks the constraint once; run again alone it finds the name there."""
    writer, hold, tries = Writer(database), threading.Event(), []

    def unless_there(transaction: Transaction) -> str:
        tries.append(1)
        if len(tries) > 1 and ("n",) in transaction.all(ALL):
            return "was there"
        return add(transaction, "n")

    first = writer.submit(lambda _: hold.wait(30))
    with database.transaction() as other:
        add(other, "n")
    answer = writer.submit(unless_there)
    hold.set()
    assert first.result(30)
    assert answer.result(30) == "was there"
    writer.close()
    assert there(database) == {"n"}


def test_what_follows_a_commit_waits_for_it(database: Database) -> None:
    writer, seen = Writer(database), []

    def part(transaction: Transaction) -> None:
        add(transaction, "n")
        transaction.after_commit(lambda: seen.append(there(database)))

    writer.submit(part).result(30)
    writer.close()
    assert seen == [{"n"}]
