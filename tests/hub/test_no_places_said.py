"""A delivery in which no offer says whether anything is free is taken, and its receipt says so."""

import pytest

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.hub import Hub
from tests.hub.deliveries import csv_long, long_row


def take(hub: Hub, *rows: str) -> Receipt:
    return hub.pipeline.receive(Delivery(source="csv-long", body=csv_long(*rows), received_at=hub.clock()))


def codes(receipt: Receipt) -> list[str]:
    return [issue.code for issue in receipt.issues]


def test_a_column_that_nobody_fills_any_more_is_told_by_name(sqlite_hub: Hub) -> None:
    receipt = take(sqlite_hub, *(long_row(key, free="") for key in "abc"))
    assert (receipt.taken, receipt.good, codes(receipt)[-1]) == (3, True, "no-places-said")
    assert "Frei" in receipt.issues[-1].text_de
    assert "Frei" in receipt.issues[-1].text_en


@pytest.mark.parametrize(
    "free", [("", "", "0"), ("", ""), ("1", "", "", "")], ids=["one says none", "only two", "one says one"]
)
def test_that_some_say_nothing_is_no_matter(sqlite_hub: Hub, free: tuple[str, ...]) -> None:
    receipt = take(sqlite_hub, *(long_row(key, free=told) for key, told in zip("abcd", free, strict=False)))
    assert receipt.taken == len(free)
    assert "no-places-said" not in codes(receipt)
