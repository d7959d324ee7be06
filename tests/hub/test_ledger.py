"""The ledger gives back what was written down."""

import pytest

from adapters.base import Delivery
from hub.hub import Hub
from hub.ingest import ledger
from hub.ingest.ledger import Entry


@pytest.mark.parametrize("length", [0, 100, 4000, 4096, 5000, 100_000])
def test_records_of_every_size_come_back(hub: Hub, length: int) -> None:
    entries = (Entry(place="line 1", fields={"Frei": "1" * length}), Entry(place="line 2", fields={"Frei": "ü"}))
    delivery = Delivery(source="json", body=b"", received_at=hub.clock())
    with hub.database.transaction() as transaction:
        number = ledger.keep(transaction.connection, delivery, b"digest", entries, unread={"Name": 2})
        (kept,) = ledger.open_deliveries(transaction.connection, "json")
    assert (kept.id, kept.entries, kept.unread) == (number, entries, {"Name": 2})
