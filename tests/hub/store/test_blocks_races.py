"""Searches that overlap with one another and with writes: none is answered by halves, and none spoils what is kept."""

from collections.abc import Mapping
from typing import Any

import pytest

from hub.hub import Hub
from hub.store.blocks import Blocks, Read
from hub.store.prepared import Prepared
from hub.store.tables import PUBLIC
from mappings.vacancy import State
from tests.hub.as_stored import assert_as_stored, known
from tests.hub.region import report, tell


def interrupted(read: Read, meanwhile: Any, *, at: int) -> Read:
    """Reads as before; something happens just before the statement of this number."""
    number = 0

    def reading(statement: Prepared, binds: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        nonlocal number
        number += 1
        if number == at:
            meanwhile()
        return read(statement, binds)

    return reading


def test_who_comes_at_the_same_time_first_misses_nothing(hub: Hub) -> None:
    """Two searches are the first of a process, with a write between their snapshots."""
    tell(hub, report("moor", free=1))
    blocks = Blocks(PUBLIC)

    def the_other_one() -> None:
        with hub.database.snapshot() as reader:
            known(blocks, reader, PUBLIC)
        tell(hub, report("moor", free=0))

    with hub.database.snapshot() as reader:
        blocks.follow(interrupted(reader.all, the_other_one, at=1))
    with hub.database.snapshot() as reader:
        assert known(blocks, reader, PUBLIC) == known(Blocks(PUBLIC), reader, PUBLIC)


@pytest.mark.parametrize("to", [52.6, 53.4])
def test_an_offer_that_moves_meanwhile_is_found_once(hub: Hub, to: float) -> None:
    """It goes from a band that is kept to another that is read, or the other way."""
    tell(hub, report("moor", free=1, latitude=53.0), report("heide", free=1, latitude=to))
    blocks = Blocks(PUBLIC)
    everywhere = (("kurzzeitpflege-solitaer",), (State.SOME,))
    with hub.database.snapshot() as reader:
        there = blocks.follow(reader.all)
        blocks.around(reader.all, there, *everywhere, to, to, 7, 9)
        blocks.around(reader.all, there, *everywhere, 53.0, 53.0, 7, 9)

    def moved() -> None:
        tell(hub, report("moor", free=1, latitude=to))
        with hub.database.snapshot() as newer:
            blocks.follow(newer.all)

    with hub.database.snapshot() as reader:
        there = blocks.follow(reader.all)
        south, north = sorted((53.0, to))
        found = blocks.around(interrupted(reader.all, moved, at=1), there, *everywhere, south, north, 7, 9)
    assert len(found) == 2
    assert_as_stored(hub)
