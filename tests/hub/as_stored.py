"""Whether what a process keeps of free blocks in memory is what the database says."""

from typing import Any

from hub.hub import Hub
from hub.store.block_rows import COLUMNS, Rows
from hub.store.blocks import Blocks
from hub.store.reader import Reader
from hub.store.tables import VIEWS, Projection
from mappings import terminology
from mappings.vacancy import State

__all__ = ["POSTAL_CODES", "assert_as_stored", "known", "told"]

POSTAL_CODES = (49661, 49681, 49401)
AREA = (51.0, 54.0, 7.0, 9.5)
"""South, north, west, east."""


def told(blocks: Blocks, rows: Rows) -> list[tuple[Any, ...]]:
    """Rows as tuples, with words for their numbers."""
    words = {"languages": blocks.languages, "care_form": blocks.care_forms, "state": blocks.states}
    columns = [
        [words[name].texts[number] for number in rows[name].tolist()] if name in words else rows[name].tolist()
        for name in COLUMNS
    ]
    return sorted(zip(*columns, strict=True))


def known(blocks: Blocks, reader: Reader, projection: Projection) -> tuple[Any, ...]:
    """All that blocks tell of a region."""
    there = blocks.follow(reader.all)
    rows = blocks.around(reader.all, there, sorted(terminology.codes("care-form")), tuple(State), *AREA)
    offers = sorted(set(rows["rid"].tolist()))
    coming = [told(blocks, blocks.coming(reader.all, there, [code])) for code in POSTAL_CODES]
    return told(blocks, rows), coming, blocks.shown(reader.all, offers), projection.name


def assert_as_stored(hub: Hub) -> None:
    """Both views; what was kept before is kept, so that the next call tells whether it was followed."""
    for view, projection in VIEWS.items():
        with hub.database.snapshot() as reader:
            assert known(reader.blocks[view], reader, projection) == known(Blocks(projection), reader, projection)
