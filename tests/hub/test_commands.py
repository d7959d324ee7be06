"""The command line, as an operator meets it."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub import cli
from hub.commands.usage import language_of
from hub.hub import Hub
from hub.settings import Settings
from hub.store.prepared import Prepared
from hub.store.tables import course_run
from tests.hub.deliveries import csv_long, long_row


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'platzfrei.db'}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "plaetze.csv"
    path.write_bytes(csv_long(long_row("a", as_of=""), long_row("b", free="viele"), long_row("c", as_of="")))
    return path


def run(*arguments: str) -> int:
    return cli.main(list(arguments))


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    told = capsys.readouterr().out
    assert all(name in told for name in cli.COMMANDS)
    assert run("fly") == 2


def test_ingest_prints_a_receipt_and_says_by_its_status_if_all_was_good(
    url: str, csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("ingest", "--database", url, "--language", "en", "--source", "csv-long")
    assert run(*arguments, str(csv)) == 1
    told = capsys.readouterr().out
    assert "records 3: 2 taken, 1 set aside" in told
    assert "line 3, column Frei" in told
    assert "unread: Bewohner (3)" in told
    assert run(*arguments, "--json", str(csv)) == 1
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["offers"] == {"applied": 0, "unchanged": 2, "superseded": 0}
    assert run("ingest", "--database", url, "--rerun", "--language", "de") == 1
    assert "Zeile 3, Spalte Frei" in capsys.readouterr().out


def test_wrong_usage_is_a_sentence(url: str, csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ingest", "--database", url, "--language", "en", "--source", "nobody", str(csv)) == 2
    assert "there is no such source; known: csv-long" in capsys.readouterr().err
    assert run("ingest", "--database", url, "--language", "de", "--source", "csv-long", "missing.csv") == 2
    assert "nicht lesbar" in capsys.readouterr().err
    assert run("ingest", "--database", "mysql://x/y", "--language", "en", "--rerun") == 2
    assert "expected: sqlite:///FILE or postgresql://" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("ingest", "--database", url, str(csv))


def test_find_shows_a_table_a_person_can_read(url: str, csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("ingest", "--database", url, "--source", "csv-long", str(csv))
    capsys.readouterr()
    find = ("find", "--database", url, "--near", "49661", "--care-form", "kurzzeitpflege")
    assert run(*find, "--language", "de") == 0
    told = capsys.readouterr().out
    assert "Haus a" in told
    assert "2+" in told
    assert "Einzelzimmer (Frauen)" in told
    assert "2 von 2 Angeboten" in told
    assert run(*find, "--language", "en", "--distance", "10 km", "--near", "52.85, 8.05") == 0
    assert "single room (women)" in capsys.readouterr().out.lower()
    assert run(*find, "--json") == 0
    assert json.loads(capsys.readouterr().out)["total"] == 2
    assert run(*find, "--language", "de", "--start", "2099-01-01", "--places", "1", "--near", "01067") == 0
    assert "Nichts gefunden" in capsys.readouterr().out
    assert run(*find, "--language", "de", "--near", "00000") == 2
    assert "fünf Ziffern" in capsys.readouterr().err


def test_find_takes_a_town_and_a_district(url: str, csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("ingest", "--database", url, "--source", "csv-long", str(csv))
    capsys.readouterr()
    find = ("find", "--database", url, "--language", "de", "--near")
    for written, understood in (
        ("Clopenburg", "Gesucht 25 km um Cloppenburg."),
        ("Oldenburg, Stadt", "Gesucht 25 km um Oldenburg."),
        ("Friedeburg, Wittmund", "Gesucht 25 km um Friedeburg."),
        ("LK Cloppenburg", "Gesucht in: Landkreis Cloppenburg."),
        ("Emsland", "Gesucht in: Landkreis Emsland."),
    ):
        assert run(*find, written) == 0
        assert capsys.readouterr().out.rstrip().endswith(understood)
    assert run(*find, "Landkreis Cloppenburg", "--distance", "30 km") == 0
    assert "Gesucht 30 km um Landkreis Cloppenburg." in capsys.readouterr().out
    assert run(*find, "Landkreis Cloppenburg") == 0
    assert "Haus a" in capsys.readouterr().out
    assert run(*find, "Friedeburg") == 2
    assert '--near "Friedeburg, 03462"' in capsys.readouterr().err
    assert run(*find, "Kreis Xyzzy") == 2
    told = capsys.readouterr().err
    assert "erwartet wird eine Postleitzahl (49661), ein Ort" in told
    assert "Xyzzy" not in told


def test_sources_are_listed_and_get_tokens(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sources", "--database", url, "--language", "en") == 0
    told = capsys.readouterr().out
    for name in ("csv-long", "csv-wide", "fhir", "json", "kis-adt", "landkreis-lup"):
        assert name in told
    assert run("sources", "--database", url, "token", "json") == 0
    assert capsys.readouterr().out.startswith("pf_")
    assert run("sources", "--database", url, "token", "nobody") == 2


def test_what_a_source_said_is_withdrawn_by_command(url: str, csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("ingest", "--database", url, "--source", "csv-long", str(csv))
    capsys.readouterr()
    assert run("sources", "--database", url, "withdraw", "csv-long", "--offer", "nobody") == 1
    assert run("sources", "--database", url, "--language", "de", "withdraw", "csv-long") == 0
    assert "2 Angebote zurückgenommen: unbekannt, bis die Quelle es wieder meldet" in capsys.readouterr().out
    assert run("find", "--database", url, "--language", "de", "--near", "49661") == 0
    assert "Nichts gefunden" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run("sources", "--database", url, "revoke", "csv-long", "--offer", "1")


def test_a_region_and_an_invented_one_never_share_a_database(
    url: str, csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("ingest", "--database", url, "--source", "csv-long", str(csv))
    capsys.readouterr()
    assert run("demo", "--database", url, "--build-only", "--size", "20", "--language", "en") == 2
    assert "this database is for 'region', not for 'demo'" in capsys.readouterr().err


def test_demo_builds_once_and_goes_on_with_what_it_finds(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    demo = (
        "demo",
        "--database",
        url,
        "--build-only",
        "--size",
        "40",
        "--language",
        "en",
        "--as-of",
        "2026-03-01T08:00",
    )
    assert run(*demo) == 0
    assert "offers taken in" in capsys.readouterr().out
    assert run(*demo) == 0
    assert "going on with the region" in capsys.readouterr().out
    assert run(*demo, "--days", "3") == 2
    assert "another region is here already (--seed 1 --size 40)" in capsys.readouterr().err
    assert run("find", "--database", url, "--near", "49661", "--distance", "200", "--language", "en") == 0
    assert "Fresh" in capsys.readouterr().out


def test_a_demo_has_a_past_where_it_is_asked_for(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    demo = ("demo", "--database", url, "--language", "en", "--as-of", "2026-03-20T08:00", "--size", "30")
    assert run(*demo, "--build-only", "--days", "61") == 2
    assert "--days: expected a number from 0 to 60" in capsys.readouterr().err
    assert run(*demo, "--build-only", "--days", "9") == 0
    capsys.readouterr()
    hub = Hub.open(Settings.of(database=url, environment={}), clock=lambda: datetime(2026, 3, 20, 9, tzinfo=UTC))
    try:
        with hub.database.snapshot() as reader:
            taken = hub.region.taken(reader, date(2026, 3, 1), date(2026, 3, 20))
            found = reader.all(Prepared(select(course_run.c.until)))
    finally:
        hub.close()
    assert taken == [date(2026, 3, day) for day in range(11, 21)]
    assert len(found) > 20
    assert run(*demo, "--build-only", "--days", "9") == 0
    assert run(*demo, "--build-only") == 0
    assert run(*demo, "--build-only", "--days", "5") == 2
    assert "(--seed 1 --size 30 --days 9)" in capsys.readouterr().err
    assert run("drift", "--database", url, "--language", "en") == 0
    assert "nothing is held" in capsys.readouterr().out
    assert run("find", "--database", url, "--near", "49661", "--distance", "200", "--language", "en") == 0
    assert "Fresh" in capsys.readouterr().out


@pytest.mark.parametrize("workers", [[], ["--workers", "2"]], ids=["one", "two"])
def test_serve_answers_on_loopback_and_stops_when_told(url: str, csv: Path, workers: list[str]) -> None:
    run("ingest", "--database", url, "--source", "csv-long", str(csv))
    port = free_port()
    command = [sys.executable, "-m", "hub.cli", "serve", "--database", url, "--port", str(port), *workers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            bundle = _get(f"http://127.0.0.1:{port}/fhir/HealthcareService", server)
            assert bundle["total"] == 2
            assert bundle["entry"][0]["fullUrl"].startswith(f"http://127.0.0.1:{port}/fhir/HealthcareService/")
            assert _get(f"http://127.0.0.1:{port}/health/live", server) == {"status": "alive"}
            assert _get(f"http://127.0.0.1:{port}/health/ready", server)["status"] == "ready"
            for _ in range(20):
                _get(f"http://127.0.0.1:{port}/fhir/Location", server)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as told:
                assert b'platzfrei_requests_total{interaction="search",status="200"} 21\n' in told.read()
        finally:
            server.send_signal(signal.SIGINT)
            output = server.communicate(timeout=20)[0].decode()
    assert "Traceback" not in output
    assert "HealthcareService" not in output


def test_processes_that_serve_together_write_together(tmp_path: Path) -> None:
    """Two processes, one file: every acknowledged write is there, by its own version."""
    port = free_port()
    url = f"sqlite:///{tmp_path / 's.db'}"
    command = [sys.executable, "-m", "hub.cli", "serve", "--sandbox", "--workers", "2", "--port", str(port)]
    base = f"http://127.0.0.1:{port}/fhir"
    with subprocess.Popen([*command, "--database", url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            _get(f"{base}/metadata", server)
            with ThreadPoolExecutor(8) as threads:
                told = list(threads.map(lambda number: _put(base, number % 10, number), range(200)))
            versions = {name: _get(f"{base}/Basic/b{name}", server)["meta"]["versionId"] for name in range(10)}
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=20)
    assert set(versions.values()) == {"20"}
    assert sorted(told) == sorted((number % 10, str(version)) for version in range(1, 21) for number in range(10))


def _put(base: str, name: int, number: int) -> tuple[int, str]:
    body = {"resourceType": "Basic", "id": f"b{name}", "code": {"text": str(number)}}
    headers = {"Content-Type": "application/fhir+json"}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{base}/Basic/b{name}", data=json.dumps(body).encode(), headers=headers, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
        return name, json.loads(response.read())["meta"]["versionId"]


def _get(url: str, server: "subprocess.Popen[bytes]") -> Any:
    for _ in range(600):
        assert server.poll() is None, "the server stopped"
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - loopback
                return json.loads(response.read())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


def test_a_receipt_names_its_delivery_and_is_shown_again(
    url: str, csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--database", url, "--language", "de")
    run("ingest", *at, "--source", "csv-long", str(csv))
    assert "csv-long · plaetze.csv · Lieferung 1 · " in capsys.readouterr().out
    assert run("sources", "receipt", "csv-long", "1", *at) == 0
    assert "csv-long · Lieferung 1 · " in capsys.readouterr().out
    assert run("sources", "receipt", "csv-long", "1", "--json", *at) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "done"
    for source, number in (("json", "1"), ("csv-long", "2")):
        assert run("sources", "receipt", source, number, *at) == 2
        assert "diese Quelle hat keine Lieferung mit dieser Nummer" in capsys.readouterr().err


def test_lists_for_machines_are_lists_where_nothing_is(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("drift",), ("ingest", "--aside"), ("ingest", "--rerun"), ("sources", "status")):
        assert run(*command, "--json", "--database", url) == 0
        assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("given", "german", "english"),
    [
        (("find",), "es fehlt: --near", "the following arguments are required: --near"),
        (("drift", "accept"), "erwartet wird: platzfrei drift", "expected: platzfrei drift"),
        (("ingest", "--fly"), "unbekannt: --fly", "unrecognized arguments: --fly"),
        (("serve", "--port", "x"), "--port: 'x' ist keine ganze Zahl", "invalid int value: 'x'"),
        (("export", "--format", "pdf"), "--format: 'pdf' gibt es nicht, nur", "invalid choice: 'pdf'"),
        (("identity", "undo", "1"), 'es fehlt: --why "…": wer später fragt', 'expected --why "…": whoever asks later'),
        (("ingest", "--rerun", "--all"), "--all nur mit --discard", "--delivery and --all with --discard alone"),
        (("report", "region", "--missing", "--to", "2026-11-22"), "--missing ist von jetzt", "--missing is of now"),
        (("report", "region", "--fhir", "-", "--care-form", "hospiz"), "--fhir ohne --care-form", "--fhir without"),
        (("homes", "--free", "2"), "--free gehört zu: report", "--free goes with: report"),
        (("homes", "link", "moor", "--days", "0"), "--days: 1 bis 730", "--days: 1 to 730"),
    ],
)
def test_wrong_usage_is_one_line_in_the_readers_language(
    capsys: pytest.CaptureFixture[str], given: tuple[str, ...], german: str, english: str
) -> None:
    for language, said in (("de", german), ("en", english)):
        with pytest.raises(SystemExit) as ended:
            run(*given, "--language", language)
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
        assert line.endswith(f"platzfrei {given[0]} --help")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "de"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "C"}, "de"),
    ],
)
def test_the_terminal_says_the_language(environment: dict[str, str], language: str) -> None:
    assert language_of(environment=environment) == language


def test_a_token_of_an_own_source_says_when_its_map_is_read(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "data/sources/own.yaml"
    own.parent.mkdir(parents=True)
    shipped = (Path(__file__).parents[2] / "mappings/sources/csv-long.yaml").read_text("utf-8")
    own.write_text(shipped.replace("source: csv-long", "source: own"), "utf-8")
    assert run("sources", "token", "own", "--database", url, "--language", "en") == 0
    told = capsys.readouterr()
    assert told.out.startswith("pf_")
    assert "start platzfrei serve anew" in told.err
    assert run("sources", "token", "json", "--database", url) == 0
    assert capsys.readouterr().err == ""


def test_what_is_found_links_to_where_this_hub_is(
    url: str, csv: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATZFREI_BASE_URL", "https://platzfrei.example")
    run("ingest", "--database", url, "--source", "csv-long", str(csv))
    capsys.readouterr()
    assert run("find", "--database", url, "--near", "49661", "--json") == 0
    found = capsys.readouterr().out
    assert '"https://platzfrei.example/fhir/HealthcareService/' in found
    assert "127.0.0.1" not in found
    assert run("find", "--database", url, "--near", "49661", "--language", "de") == 0
    shown = capsys.readouterr().out
    assert "gerade eben" in shown


def test_a_withheld_name_is_told_in_the_language_of_the_receipt(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "slipped.csv"
    header, row = csv_long(long_row("a", as_of="")).splitlines()
    file.write_bytes(header + b";Xaver Qwortz\n" + row + b";3\n")
    for language, told in (
        ("de", "(Feld, dessen Name nicht gezeigt wird) (1)"),
        ("en", "(withheld name) (1)"),
    ):
        run("ingest", "--database", url, "--language", language, "--source", "csv-long", str(file))
        assert told in capsys.readouterr().out


def test_what_a_workbook_has_beside_its_table_is_told_in_the_language_of_the_receipt(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(Path(__file__).parents[1] / "golden/xlsx_records/liste/in.xlsx")
    for language, told in (
        ("de", "(Zeilen über der Kopfzeile) (1), (andere Blätter) (1)"),
        ("en", "(rows above the header) (1), (other sheets) (1)"),
    ):
        run("ingest", "--database", url, "--language", language, "--source", "xlsx-liste", file)
        assert told in capsys.readouterr().out
