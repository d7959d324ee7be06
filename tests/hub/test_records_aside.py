"""What lies aside: listed with why and what helps, by command and by HTTP, a source's for itself, never with values."""

import json
from pathlib import Path

import orjson
import pytest

from adapters.base import Delivery
from hub import cli
from hub.hub import Hub
from hub.records_aside import records_aside
from tests.hub.client import Client
from tests.hub.deliveries import CANARIES, csv_long, long_row, planted

BAD_SLOTS = (Path(__file__).parents[1] / "golden/fhir_bundle/batch-with-bad-slots/in.json").read_bytes()


def take(hub: Hub, source: str, body: bytes) -> int:
    return hub.pipeline.receive(Delivery(source=source, body=body, received_at=hub.clock())).delivery


def test_every_record_is_listed_with_where_and_why_the_newest_delivery_first(hub: Hub) -> None:
    first = take(hub, "csv-long", csv_long(long_row("a"), long_row("b", free="viele"), long_row("c", kind="Palast")))
    second = take(hub, "csv-long", csv_long(long_row("d", as_of="gestern")))
    with hub.database.reading() as connection:
        aside = records_aside(connection, "csv-long")
        newest = records_aside(connection, most=1)
    assert aside.count == 3
    assert aside.not_shown == 0
    assert [(one.delivery, one.place, [issue.code for issue in one.errors]) for one in aside.records] == [
        (second, "line 2", ["unreadable"]),
        (first, "line 3", ["unreadable"]),
        (first, "line 4", ["unknown-code"]),
    ]
    assert all(one.rerun for one in aside.records)
    assert (newest.count, newest.not_shown, newest.records) == (3, 2, aside.records[:1])


def test_what_its_adapter_refused_can_only_be_sent_again(hub: Hub) -> None:
    take(hub, "fhir", BAD_SLOTS)
    with hub.database.reading() as connection:
        told = records_aside(connection, "fhir").to_json()["records"]
    assert [(one["place"], one["rerun"], one["resend"]["how"]) for one in told] == [
        ("Bundle.entry[5]", False, "corrected"),
        ("Bundle.entry[8]", False, "corrected"),
    ]


def test_no_value_of_a_delivery_is_listed(hub: Hub) -> None:
    for source, body in planted():
        take(hub, source, body)
    with hub.database.reading() as connection:
        aside = records_aside(connection)
    assert len({record.source for record in aside.records}) > 3
    told = json.dumps(aside.to_json(), ensure_ascii=False)
    assert [canary for canary in CANARIES if canary in told] == []


def test_a_source_sees_its_own_by_its_token(hub: Hub) -> None:
    take(hub, "csv-long", csv_long(long_row("b", free="viele")))
    mine, other = (hub.sources.make_token(name, hub.clock()) for name in ("csv-long", "json"))
    client = Client(hub)

    def asked(source: str, token: str, status: int) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {token}"}
        told: dict[str, object] = client.json(f"/ingest/{source}/aside", status=status, headers=headers)
        return told

    told = asked("csv-long", mine, 200)
    assert (told["source"], told["count"], told["notShown"]) == ("csv-long", 1, 0)
    assert asked("json", other, 200)["count"] == 0
    asked("csv-long", other, 401)
    assert client.get("/ingest/csv-long/aside").status_code == 401


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", ["Zeile 2, Spalte Frei [unreadable]", "neu senden: erst berichtigt", "„platzfrei ingest --rerun“"]),
        ("en", ["line 2, column Frei [unreadable]", "send again: once corrected", "'platzfrei ingest --rerun'"]),
    ],
)
def test_the_command_lists_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, expected: list[str]
) -> None:
    file, at = tmp_path / "a.csv", ["--database", f"sqlite:///{tmp_path}/hub.db", "--language", language]
    file.write_bytes(csv_long(long_row("b", free="viele")))
    assert cli.main(["ingest", "--source", "csv-long", str(file), *at]) == 1
    capsys.readouterr()
    assert cli.main(["ingest", "--aside", *at]) == 0
    shown = capsys.readouterr().out
    assert [text for text in expected if text not in shown] == []
    assert "viele" not in shown
    assert cli.main(["ingest", "--aside", "--source", "csv-long", "--json", *at]) == 0
    (record,) = orjson.loads(capsys.readouterr().out)
    assert "unreadable" in {issue["code"] for issue in record["issues"]}
    assert "--discard --delivery" in shown
    assert cli.main(["ingest", "--discard", "--all", *at]) == 0
    assert capsys.readouterr().out.strip() in ("1 Datensatz verworfen", "1 record discarded")
    assert cli.main(["ingest", "--aside", "--json", *at]) == 0
    assert orjson.loads(capsys.readouterr().out) == []
    assert cli.main(["ingest", "--aside", *at]) == 0
    assert capsys.readouterr().out.strip() in ("nichts liegt beiseite", "nothing is set aside")


def test_a_source_that_there_is_not_has_nothing_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["ingest", "--aside", "--source", "nobody", "--database", f"sqlite:///{tmp_path}/hub.db"]
    assert cli.main(arguments) != 0
    assert "csv-long" in capsys.readouterr().err


HOME = {"id": "H1", "name": "Haus", "postalCode": "49661", "city": "Ort"}


def places(*offers: dict[str, object], **facility: str) -> bytes:
    return orjson.dumps({"facilities": [{**HOME, **facility, "offers": list(offers)}]})


def offer(key: str, **said: object) -> dict[str, object]:
    return {"id": key, "careForm": "kurzzeitpflege", "free": 1, "validAt": "2026-11-22T08:00:00+01:00", **said}


def aside(hub: Hub, source: str) -> list[int]:
    with hub.database.reading() as connection:
        return [one.delivery for one in records_aside(connection, source).records]


def test_what_was_said_again_and_taken_lies_aside_no_more(hub: Hub) -> None:
    first = take(hub, "json", places(offer("a", free="viele"), offer("b")))
    assert aside(hub, "json") == [first]
    take(hub, "json", places(offer("a")))
    # Its other offer was not told of since.
    assert aside(hub, "json") == [first]
    take(hub, "json", places(offer("b")))
    assert aside(hub, "json") == []
    assert hub.pipeline.rerun() == []


def test_what_speaks_of_a_later_moment_stays(hub: Hub) -> None:
    first = take(hub, "json", places(offer("a", free="viele", validAt="2026-11-22T09:00:00+01:00")))
    take(hub, "json", places(offer("a")))
    assert aside(hub, "json") == [first]
    take(hub, "json", places(offer("a", validAt="2026-11-22T09:30:00+01:00")))
    assert aside(hub, "json") == []


def test_what_cannot_be_told_apart_stays(hub: Hub) -> None:
    # Without its care form, nobody knows which offer of the home the row speaks of.
    first = take(hub, "csv-long", csv_long(long_row("a", kind="Palast")))
    take(hub, "csv-long", csv_long(long_row("a")))
    assert aside(hub, "csv-long") == [first]
    second = take(hub, "csv-long", csv_long(long_row("b", free="viele")))
    assert aside(hub, "csv-long") == [second, first]
    take(hub, "csv-long", csv_long(long_row("b")))
    assert aside(hub, "csv-long") == [first]


def test_of_one_delivery_the_corrected_record_does_not_clear_the_wrong_one(hub: Hub) -> None:
    both = orjson.dumps({"facilities": [{**HOME, "offers": [offer("a", free=free)]} for free in ("viele", 1)]})
    number = take(hub, "json", both)
    assert aside(hub, "json") == [number]


def test_one_delivery_is_discarded_alone(hub: Hub) -> None:
    first, second = (take(hub, "csv-long", csv_long(long_row(key, free="viele"))) for key in "ab")
    other = take(hub, "json", places(offer("a", free="viele")))
    assert hub.pipeline.discard(delivery=first) == 1
    assert (aside(hub, "csv-long"), aside(hub, "json")) == ([second], [other])
    assert hub.pipeline.discard("csv-long") == 1
    assert hub.pipeline.discard("csv-long", delivery=other) == 0
    assert aside(hub, "json") == [other]


@pytest.mark.parametrize(
    "options",
    [["--discard"], ["--discard", "--all", "--source", "json"], ["--rerun", "--all"], ["--aside", "--delivery", "1"]],
)
def test_nobody_discards_everything_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["ingest", *options, "--database", f"sqlite:///{tmp_path}/hub.db", "--language", "de"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("platzfrei ingest: erwartet wird: --")
    assert line.endswith("siehe: platzfrei ingest --help")
