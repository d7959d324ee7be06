"""What a person reads at the terminal is by the clock of the hub's zone, and names it."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub import cli
from hub.commands.trial_text import record_lines
from hub.hub import Hub
from hub.identity_work import IdentityWork
from hub.phantom_work import PhantomWork
from hub.trial import Tried
from mappings.local_time import day_text, local_day, moment_text
from mappings.trace import Cell
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.deliveries import adt, csv_long, long_row, send
from tests.hub.test_drift import day, learn
from tests.hub.test_fetching import BODY, by_http
from tests.hub.test_phantom_work import WHY, Found
from tests.hub.test_search_protocol import OPERATION, SEARCH, region
from tests.peers import Answer, http_peer

COMMANDS = Path(__file__).parents[2] / "hub/commands"
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d)?(\S*(?: (?:MEZ|MESZ|CET|CEST)\b)?)")


@pytest.mark.parametrize(
    ("moment", "german", "english"),
    [
        (datetime(2026, 11, 22, 23, 5, 9, tzinfo=UTC), "23.11.2026 00:05 MEZ", "2026-11-23 00:05 CET"),
        (datetime(2026, 7, 1, 6, 0, tzinfo=UTC), "01.07.2026 08:00 MESZ", "2026-07-01 08:00 CEST"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "25.10.2026 02:30 MESZ", "2026-10-25 02:30 CEST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "25.10.2026 02:30 MEZ", "2026-10-25 02:30 CET"),
    ],
)
def test_a_moment_is_told_by_the_clock_of_the_zone(moment: datetime, german: str, english: str) -> None:
    assert moment_text(moment, "de") == german
    assert moment_text(moment, "en") == english
    assert german.startswith(day_text(local_day(moment), "de"))


def test_a_moment_of_a_cell_without_a_zone_is_told_as_it_stands_there() -> None:
    at = datetime(2026, 11, 22, 23, 5)  # noqa: DTZ001 - a workbook's are such
    cell = Cell(
        field="Stand", target="valid_at", conversion="datetime", table="", value=at, result=at.replace(tzinfo=UTC)
    )
    _, told = record_lines(Tried(place="row 2", cells=(cell,)), "de")
    assert "2026-11-22T23:05:00 → " in told
    assert " = 23.11.2026 00:05:00 MEZ" in told


def test_seconds_are_told_where_they_are_asked_for() -> None:
    assert (
        moment_text(datetime(2026, 11, 22, 9, 0, 7, 999, tzinfo=UTC), "de", seconds=True) == "22.11.2026 10:00:07 MEZ"
    )


def test_whatever_a_command_prints_names_the_zone(
    sqlite_hub: Hub, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = sqlite_hub
    monkeypatch.setattr("hub.phantom_work.phantoms", found := Found())
    region(hub)
    learn(hub, clock)
    held = send(hub, "csv-long", day(8, free=lambda _home: "0"))
    aside = send(hub, "csv-long", csv_long(long_row("z", free="viele")))
    assert (held.held, aside.set_aside) == (True, 1)
    phantoms = PhantomWork(hub.database, hub.clock)
    phantoms.act("dismiss", phantoms.found()["phantoms"][0]["id"], **WHY)
    found.weight *= 3
    with hub.database.reading() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM facility ORDER BY id LIMIT 2").scalars().all()
    IdentityWork(hub.database, hub.identity, hub.clock).act("merge", ids, **WHY)
    (tmp_path / "protocol.json").write_bytes(Client(hub).get(f"{OPERATION}?{SEARCH}&_format=json").content)
    (tmp_path / "a.csv").write_bytes(csv_long(long_row("a")))
    (tmp_path / "a.hl7").write_text(adt("A20", 4, "NPU|KZP1^101^1|U"), newline="")
    (hub.settings.folder / "feeds").mkdir(exist_ok=True)
    with http_peer(lambda _path, _headers: Answer(200, BODY)) as peer:
        (hub.settings.folder / "feeds/heim.yaml").write_text(by_http(peer))
        lines = [
            "feeds run heim",
            "feeds",
            "sources status",
            f"sources receipt csv-long {aside.delivery}",
            "ingest --aside",
            f"ingest --source csv-long {tmp_path}/a.csv",
            "drift",
            "identity decisions",
            "phantoms decisions",
            f"protocol verify {tmp_path}/protocol.json",
            f"map try {tmp_path}/a.csv --source csv-long",
            f"map try {tmp_path}/a.hl7 --source kis-adt",
        ]
        for line in lines:
            for language in ("de", "en"):
                cli.main([*line.split(), "--database", hub.settings.database, "--language", language])
                # What stands in a file is shown as it stands there.
                told = re.sub(r"(?m)^.* → ", "", capsys.readouterr().out)
                zones = ("MEZ", "MESZ") if language == "de" else ("CET", "CEST")
                clocks = _CLOCK.findall(told)
                assert clocks, (line, told)
                assert {after.strip(" ,()") for after in clocks} <= {*zones}, (line, told)
    cli.main(["phantoms", "--database", hub.settings.database, "--language", "de"])
    assert "abgewiesen am 08.11.2026 (" in capsys.readouterr().out


def test_no_command_writes_a_moment_by_itself() -> None:
    """File names are for machines; all else goes by `mappings.local_time`."""
    strays = [
        f"{path.name}:{node.lineno}"
        for path in COMMANDS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if (isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search("%[HMSX]", node.value))
        or (isinstance(node, ast.alias) and node.name == "instant")
    ]
    assert [stray for stray in strays if not stray.startswith("upgrade.py:")] == []
