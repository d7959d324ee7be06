"""`platzfrei feeds`, as an operator meets it."""

import json
from pathlib import Path

import pytest

from hub import cli
from tests.hub.deliveries import csv_long, long_row
from tests.hub.test_fetching import by_http, etagged
from tests.peers import Answer, http_peer


@pytest.fixture
def url(tmp_path: Path) -> str:
    (tmp_path / "feeds").mkdir()
    return f"sqlite:///{tmp_path / 'platzfrei.db'}"


def run(url: str, *arguments: str, language: str = "en") -> int:
    return cli.main(["feeds", *arguments, "--database", url, "--language", language])


def test_without_feeds_it_says_where_they_lie(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url) == 0
    assert capsys.readouterr().out == f"feeds: {tmp_path}/feeds/*.yaml\n"
    assert run(url, "check", language="de") == 0
    assert capsys.readouterr().out == "Abrufe geprüft, kein Fehler: 0\n"


def test_a_feed_runs_and_prints_its_receipt(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with http_peer(etagged) as peer:
        (tmp_path / "feeds/heim.yaml").write_text(by_http(peer))
        assert run(url) == 0
        assert "never ran" in capsys.readouterr().out
        assert run(url, "run", "heim") == 0
        assert "records 1: 1 taken" in capsys.readouterr().out
        assert run(url, "run", "heim", language="de") == 0
        assert capsys.readouterr().out == "nichts Neues\n"
        assert run(url, "run", "heim", "--again", "--json") == 0
        assert json.loads(capsys.readouterr().out)[0]["offers"]["unchanged"] == 1
        assert run(url) == 0
        told = capsys.readouterr().out
        assert "http_poll" in told
        assert "  15m  " in told
        assert "ok" in told


def test_what_fails_is_a_sentence_and_stands_in_the_list(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with http_peer(lambda _path, _headers: Answer(404)) as peer:
        (tmp_path / "feeds/heim.yaml").write_text(by_http(peer))
        assert run(url, "run", "heim") == 2
        assert "there is nothing to fetch at this address (HTTP 404)" in capsys.readouterr().err
        assert run(url) == 0
        told = capsys.readouterr().out
        assert "failed 1×" in told
        assert "✗ heim: there is nothing to fetch" in told
    assert run(url, "run", "nobody") == 2
    assert "there is no such feed; known: heim" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(url, "run")
    with pytest.raises(SystemExit):
        run(url, "check", "heim")


def test_what_was_set_aside_is_told_by_the_exit_status(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "eingang"
    folder.mkdir()
    (folder / "a.csv").write_bytes(csv_long(long_row("a", free="viele")))
    (tmp_path / "feeds/heim.yaml").write_text(
        f"{{source: csv-long, transport: drop_folder, address: '{folder}', every: 1m, options: {{settle: 0}}}}"
    )
    assert run(url, "run", "heim") == 1
    assert (folder / "rejected/000001-a.csv").exists()


def test_what_was_not_taken_stands_in_the_list_until_it_is_seen_to(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "eingang"
    folder.mkdir()
    (tmp_path / "feeds/heim.yaml").write_text(
        f"{{source: csv-long, transport: drop_folder, address: '{folder}', every: 1m, options: {{settle: 0}}}}"
    )

    def listed(language: str = "en") -> str:
        capsys.readouterr()
        assert run(url, language=language) == 0
        return capsys.readouterr().out

    (folder / "a.csv").write_bytes(b"no columns of ours")
    (folder / "b.csv").write_bytes(csv_long(long_row("b", as_of="")))
    assert run(url, "run", "heim") == 1
    assert "✗ heim: delivery 1 is rejected" in listed()
    assert "platzfrei sources receipt csv-long 1\n" in listed("de")
    assert run(url, "run", "heim") == 0  # There is nothing new, and that one is rejected still.
    assert "  abgelehnt\n" in listed("de")

    (folder / "c.csv").write_bytes(csv_long(long_row("a", free="viele"), long_row("b", as_of="")))
    assert run(url, "run", "heim") == 1
    assert "of delivery 3 set aside: 1 record; why, and what helps: platzfrei ingest --aside --source csv-long\n" in (
        listed()
    )
    assert cli.main(["ingest", "--discard", "--delivery", "3", "--database", url]) == 0
    assert "  ok\n" in listed()

    (folder / "d.csv").write_bytes(b"no columns of ours either")
    assert run(url, "run", "heim") == 1
    assert "  rejected\n" in listed()
    (folder / "e.csv").write_bytes(csv_long(long_row("a", as_of="")))
    assert run(url, "run", "heim") == 0
    assert "  ok\n" in listed()


def test_a_wrong_file_is_told_by_every_command_and_checked_by_one(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "feeds/heim.yaml").write_text("source: csv-long")
    assert run(url, "check", language="de") == 1
    assert "feeds/heim.yaml: transport: erwartet wird ein Text" in capsys.readouterr().err
    assert cli.main(["sources", "--database", url, "--language", "en"]) == 0
    assert "feeds/heim.yaml: transport: expected a text" in capsys.readouterr().err


def test_what_cannot_run_here_is_told_by_the_check(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEIM_TOKEN", raising=False)
    (tmp_path / "feeds/a.yaml").write_text(
        f"{{source: csv-long, transport: drop_folder, address: {tmp_path}/missing, every: 30s}}"
    )
    (tmp_path / "feeds/b.yaml").write_text(
        "{source: csv-long, transport: http_poll, address: 'https://example.org/x', every: 1h, "
        "credentials: {token_env: HEIM_TOKEN}}"
    )
    assert run(url, "check") == 1
    told = capsys.readouterr()
    assert "nothing wrong" not in told.out
    assert "feeds/a.yaml: address: expected a folder; there is none" in told.err
    assert "feeds/b.yaml: credentials.token_env: expected the variable HEIM_TOKEN" in told.err
    (tmp_path / "missing").mkdir()
    monkeypatch.setenv("HEIM_TOKEN", "x")
    assert run(url, "check") == 0
    assert "feeds checked, nothing wrong: 2" in capsys.readouterr().out
    assert run(url) == 0
    assert "30s" in capsys.readouterr().out
