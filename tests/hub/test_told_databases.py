"""What the terminal shows of a database that a command opened."""

import argparse

import pytest

from hub.commands import demo
from hub.commands.serve import without_password
from hub.hub import Hub


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///some/where.db", "sqlite:///some/where.db"),
        ("postgresql://hub:geheim@db.example:5433/region", "postgresql://hub:***@db.example:5433/region"),
        (
            "postgresql://hub@/region?host=/run/pg&password=geheim",
            "postgresql://hub@/region?host=%2Frun%2Fpg&password=***",
        ),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert without_password(url).replace("%2A", "*") == shown


@pytest.mark.parametrize(("database", "shown"), [("sqlite:///a b.db", "--database 'sqlite:///a b.db'"), (None, None)])
def test_the_command_that_demo_names_opens_its_database(
    sqlite_hub: Hub, database: str | None, shown: str | None
) -> None:
    told = demo._requests(sqlite_hub, argparse.Namespace(port=8080, language="en", database=database))
    line = next(line for line in told.splitlines() if " find --near" in line)
    assert "--database" in line if shown else "--database" not in line
    assert line.endswith(shown or "kurzzeitpflege")
