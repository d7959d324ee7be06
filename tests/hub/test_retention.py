"""What the ledger keeps is forgotten in time: records after a month, receipts and what lies aside after three."""

import zlib

import pytest
from sqlalchemy import bindparam, func, select

from hub.errors import Invalid
from hub.hub import Hub
from hub.ingest import large, retention
from hub.ingest.reconcile import Reconciler
from hub.store.tables import delivery, delivery_part, set_aside
from tests.conftest import Clock
from tests.hub.deliveries import adt, csv_long, long_row, send

_DIRECTORY = "hilfe-verzeichnis"
"""A source without patients: what cannot be read of it is kept."""


def ledger(hub: Hub) -> list[tuple[int, str, int]]:
    """(number, status, lines kept) of each delivery."""
    with hub.database.reading() as connection:
        rows = connection.execute(select(delivery.c.id, delivery.c.status, delivery.c.content).order_by(delivery.c.id))
        return [(row.id, row.status, zlib.decompress(row.content).count(b"\n")) for row in rows]


def aside(hub: Hub) -> int:
    with hub.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(set_aside)).scalar_one()


@pytest.mark.parametrize("some", [1, 500])
def test_records_go_after_a_month_and_receipts_after_three(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch, some: int
) -> None:
    monkeypatch.setattr(retention, "_NEXT", retention._NEXT if some == 500 else _next(some))
    body = csv_long(long_row("a"), long_row("b", free="viele"))
    first = send(hub, "csv-long", body, message_id="m")
    send(hub, _DIRECTORY, b"{")
    clock.forward(days=20)
    send(hub, "csv-long", csv_long(long_row("c")))
    clock.forward(days=9)
    hub.pipeline.purge()
    assert ledger(hub) == [(1, "done", 2), (2, "rejected", 1), (3, "done", 1)]
    clock.forward(days=2)
    hub.pipeline.purge()
    assert ledger(hub) == [(1, "done", 0), (2, "rejected", 0), (3, "done", 1)]
    assert aside(hub) == 2
    again = send(hub, "csv-long", body, message_id="m")
    assert again.to_json() == {**first.to_json(), "duplicate": True}
    with pytest.raises(Invalid):
        send(hub, "csv-long", body + b" ", message_id="m")
    clock.forward(days=60)
    hub.pipeline.purge()
    assert ledger(hub) == [(3, "done", 0)]
    assert aside(hub) == 0


def _next(some: int) -> object:
    from hub.store.prepared import Prepared

    return Prepared(
        select(delivery.c.id, delivery.c.received_at, delivery.c.status)
        .where(delivery.c.id > bindparam("after"))
        .order_by(delivery.c.id)
        .limit(some)
    )


def test_what_was_never_finished_is_kept_however_old(hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def reconcile(*_arguments: object, **_named: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(Reconciler, "reconcile", reconcile)
        send(hub, "csv-long", csv_long(long_row("a")))
    clock.forward(days=200)
    hub.pipeline.purge()
    assert [kept[1:] for kept in ledger(hub)] == [("received", 1)]
    (receipt,) = hub.pipeline.resume()
    assert receipt.taken == 1


def test_the_parts_of_a_large_delivery_go_with_its_records(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "LARGE", 3)
    send(hub, "csv-long", csv_long(*(long_row(f"h{number}") for number in range(5))))
    clock.forward(days=31)
    hub.pipeline.purge()
    with hub.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(delivery_part)).scalar_one() == 0


def test_the_same_unreadable_bytes_are_kept_once(hub: Hub) -> None:
    receipts = [send(hub, _DIRECTORY, b"{") for _ in range(4)]
    assert [receipt.rejected for receipt in receipts] == [1, 1, 1, 1]
    assert aside(hub) == 1
    send(hub, _DIRECTORY, b"{{")
    send(hub, _DIRECTORY, b"{")
    assert aside(hub) == 2
    assert hub.pipeline.discard(_DIRECTORY) == 2
    send(hub, _DIRECTORY, b"{")
    assert aside(hub) == 1


def test_nothing_of_a_stay_is_left_in_what_is_finished_later(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ward = hub.sources.named("kis-adt").wards[0]
    room, _, bed = ward.beds[0].partition("/")
    visit = f"PV1|1|I|{ward.ward}^{room}^{bed}" + "|" * 16 + "4711"
    body = adt("A01", 1, visit).encode()

    def reconcile(*_arguments: object, **_named: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(Reconciler, "reconcile", reconcile)
        send(hub, "kis-adt", body)
    hub.writer.submit(lambda _transaction: None).result()  # after what is kept of it
    assert b"PV1-19" in _content(hub), "the event is needed until its census knows it"
    (receipt,) = hub.pipeline.resume()
    assert receipt.taken == 1
    assert b"PV1-19" not in _content(hub)


def test_nothing_of_a_stay_is_left_in_the_parts_of_a_large_delivery(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE", 2)
    monkeypatch.setattr(large, "_PART", 2)
    ward = hub.sources.named("kis-adt").wards[0]
    room, _, bed = ward.beds[0].partition("/")
    visit = f"PV1|1|I|{ward.ward}^{room}^{bed}" + "|" * 16
    body = "".join(
        adt(event, number, f"{visit}47{number}") for number, event in enumerate(("A01", "A03", "A01", "A03", "A01"))
    )
    assert send(hub, "kis-adt", body.encode()).taken == 5
    with hub.database.reading() as connection:
        kept = [zlib.decompress(content) for content in connection.execute(select(delivery_part.c.content)).scalars()]
    assert len(kept) == 3
    assert all(b"PV1-3" in part and b"PV1-19" not in part for part in kept)


def _content(hub: Hub) -> bytes:
    with hub.database.reading() as connection:
        return b"\n".join(map(zlib.decompress, connection.execute(select(delivery.c.content)).scalars()))
