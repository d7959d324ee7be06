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
    (line,) = capsys.readouterr().out.splitlines()
    assert "unreadable" in {issue["code"] for issue in orjson.loads(line)["issues"]}
    assert cli.main(["ingest", "--discard", *at]) == 0
    capsys.readouterr()
    assert cli.main(["ingest", "--aside", *at]) == 0
    assert capsys.readouterr().out.strip() in ("nichts liegt beiseite", "nothing is set aside")


def test_a_source_that_there_is_not_has_nothing_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["ingest", "--aside", "--source", "nobody", "--database", f"sqlite:///{tmp_path}/hub.db"]
    assert cli.main(arguments) != 0
    assert "csv-long" in capsys.readouterr().err
