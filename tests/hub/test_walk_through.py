"""The README's way from an unknown file to a green receipt, word for word: its file, its commands, its edits."""

import json
import re
import shlex
from pathlib import Path

import pytest

from hub import cli

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTION = README.split("### From an unknown file to a green receipt")[1].split("\n### ")[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTION, flags=re.DOTALL)


def run(line: str) -> int:
    program, *arguments = shlex.split(line)
    assert program == "platzfrei"
    return cli.main(arguments)


def test_the_steps_of_the_readme_end_in_a_green_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    for name in ("PLATZFREI_DATABASE", "PLATZFREI_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    Path("belegung.csv").write_text(blocks("csv")[0], "utf-8")
    first, second = (block.strip().splitlines() for block in blocks("sh"))
    assert [run(line) for line in first] == [0, 1]
    told = capsys.readouterr().out
    assert "unknown code Bereich: Gastpflege" in told
    assert "read by nobody: Bewohner (3)" in told
    table = Path("platzfrei-data/terminology/moorsoft-care-form.json")
    (decided,) = blocks("json")
    written = table.read_text("utf-8")
    assert '{"code": "Gastpflege"},' in written
    table.write_text(written.replace('{"code": "Gastpflege"},', decided.strip()), "utf-8")
    source = Path("platzfrei-data/sources/moorsoft.yaml")
    source.write_text(source.read_text("utf-8") + blocks("yaml")[0], "utf-8")
    assert [run(line) for line in second] == [0, 0, 0]
    told = capsys.readouterr().out
    assert "moorsoft: 1 example, it comes true" in told
    assert "records 3: 3 taken\n  offers 3: 3 applied" in told
    assert "facility.key (text) = 101" in told


MAP = """source: own
title: {de: Eigene, en: Own}
format: csv_records
options: {columns: [Nr, Name, Art, Frei]}
fields:
  facility.key: Nr
  facility.name: Name
  offer.care_form: {from: Art, table: csv-angebot}
  counts.accepting: {from: Frei, default: 0}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    sources = tmp_path / "platzfrei-data" / "sources"
    sources.mkdir(parents=True)
    (sources / "own.yaml").write_text(MAP, "utf-8")
    return sources


def test_a_trial_says_cell_by_cell_what_came_of_it_and_stores_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.csv").write_text("Nr;Name;Art;Frei;Neu\n1;Haus;KZP;2;x\n2;Hof;Apotheke;;x\n3;Weg;Tages-Pflege;drei;x\n")
    assert run("platzfrei map --language de try a.csv --source own") == 1
    told = capsys.readouterr().out
    assert "Art   KZP → offer.care_form (text · csv-angebot) = kurzzeitpflege" in told
    assert "Frei  2 → counts.accepting (count) = 2" in told
    assert "(count, Vorgabe) = 0" in told
    assert "Frei  drei → counts.accepting (count) ✗ erwartet: eine ganze Zahl" in told
    assert "vielleicht tagespflege" in told
    assert "liest niemand: Neu (3)" in told
    assert "= Haus (1): Kurzzeitpflege, 2 frei; 2 frei" in told
    assert "1 würde übernommen, 2 würden beiseitegelegt" in told
    assert "Zeile 4, Spalte Frei" in told
    assert sorted(path.name for path in folder.parent.rglob("*")) == ["own.yaml", "sources"]


def test_a_trial_for_machines_is_a_record_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("Nr;Name;Art;Frei\n1;Haus;KZP;2\n2;Hof;KZP;x\n3;Hof;KZP;3\n")
    assert run("platzfrei map try a.csv --source platzfrei-data/sources/own.yaml --rows 1 --json") == 1
    first, wrong, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["cells"][0] == {
        "field": "Nr",
        "target": "facility.key",
        "as": "text",
        "table": "",
        "value": "1",
        "result": "1",
        "default": False,
        "expected": None,
        "candidates": [],
    }
    assert first["reports"][0]["counts"]["accepting"] == 2
    assert (wrong["place"], wrong["setAside"]) == ("line 3", True)
    assert (last["summary"]["taken"], last["summary"]["setAside"], last["summary"]["offers"]) == (2, 1, 2)
    assert last["summary"]["fhir"]["professional"]["Slot"] == 2


def test_a_trial_of_hospital_messages_shows_the_census(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.hub.deliveries import PATIENT, adt

    Path("a.hl7").write_text(adt("A20", 4, "NPU|KZP1^101^1|U") + adt("A08", 5, PATIENT), newline="")
    run("platzfrei map --language en try a.hl7 --source kis-adt")
    told = capsys.readouterr().out
    assert "= bed-status" in told
    assert "= no offer" in told
    assert "Canaria" not in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("platzfrei map --language en try missing.csv --source own", "missing.csv: the file cannot be read"),
        ("platzfrei map --language en try a.csv --source nobody", "there is no such source; known: csv-long"),
        ("platzfrei map --language en try a.csv --source broken", "broken.yaml: fields: Error in the source map"),
        (
            "platzfrei map --language en draft a.csv --name own --output platzfrei-data/sources/own.yaml",
            "not overwritten",
        ),
        (
            "platzfrei map --language en draft empty.csv",
            "neither a table nor JSON, nor another format that can be drafted (csv_records, ",
        ),
        ("platzfrei map --language de try a.csv --source own", "platzfrei: Zeile 1: Spalten fehlen: Anders"),
    ],
)
def test_wrong_usage_of_maps_is_a_sentence(
    folder: Path, line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.csv").write_text("Nr;Name;Art;Frei\n1;Haus;KZP;2\n")
    Path("empty.csv").write_text("")
    (folder / "broken.yaml").write_text(MAP.replace("  facility.key: Nr\n", "").replace("own", "broken"))
    if "language de" in line:
        (folder / "own.yaml").write_text(MAP.replace("columns: [", "columns: [Anders, "))
    assert run(line) == 2
    assert told in capsys.readouterr().err


def test_check_tells_what_differs_by_its_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("platzfrei map --language en check") == 0
    wrong = "examples: [{description: d, input: {Nr: '1', Name: N, Art: KZP, Frei: '2'}, offers: [{state: none}]}]\n"
    (folder / "own.yaml").write_text(MAP + wrong)
    assert run("platzfrei map --language en check own") == 1
    told = capsys.readouterr().out
    assert "own.yaml: examples[0]: \"d\" gives offers[0].state: 'some'; the example says 'none'" in told
    assert "own: 1 example, 1 difference" in told
    assert run("platzfrei map check csv-long") == 0


def test_a_draft_goes_to_the_terminal_unless_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("Größe 1.csv").write_text("Nr;Name;Art;Frei\n1;Haus am Moor;KZP;2\n2;Lindenhof;Pflegeplatz;0\n", "utf-8")
    assert run("platzfrei map draft 'Größe 1.csv' --language de") == 0
    told = capsys.readouterr().out
    assert "source: grosse-1" in told
    assert "table: csv-angebot" in told
    assert "#   Pflegeplatz (1×)" in told


WIDE = """Nr;Name;PLZ;KZP frei;Seniorenflügel frei;Gartenhaus
1;Haus am Moor;49661;2;3;4
2;Lindenhof;49377;0;1;0
"""


def test_places_that_a_draft_leaves_out_are_told_and_the_trial_is_not_green(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.csv").write_text(WIDE + "", "utf-8")
    assert run("platzfrei map --language en draft a.csv --name wide --output platzfrei-data/sources/wide.yaml") == 0
    told = capsys.readouterr().out
    assert "✗ Seniorenflügel frei, Gartenhaus: seem to count places and are in no rule" in told
    assert run("platzfrei map --language en try a.csv --source wide") == 1
    told = capsys.readouterr().out
    assert "records 2: 2 would be taken" in told
    assert "✗ Seniorenflügel frei, Gartenhaus: seem to count places" in told
    assert run("platzfrei map try a.csv --source wide --json") == 1
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert summary["uncounted"] == ["Seniorenflügel frei", "Gartenhaus"]
    source = folder / "wide.yaml"
    source.write_text(source.read_text("utf-8") + "unread: {ignore: [Seniorenflügel frei, Gartenhaus]}\n", "utf-8")
    assert run("platzfrei map try a.csv --source wide") == 0


UNDECIDED = """{"resourceType": "ConceptMap", "group": [{"element": [
  {"code": "Gastpflege"}, {"code": "KZP", "target": [{"code": "kurzzeitpflege", "equivalence": "equivalent"}]}]}]}"""


@pytest.fixture
def table(folder: Path) -> Path:
    (folder / "own.yaml").write_text(MAP.replace("csv-angebot", "own-art"), "utf-8")
    path = folder.parent / "terminology" / "own-art.json"
    path.parent.mkdir()
    path.write_text(UNDECIDED, "utf-8")
    return path


def test_a_code_that_the_table_names_is_kept_and_read_again_once_it_is_decided(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.csv").write_text("Nr;Name;Art;Frei\n1;Haus;Gastpflege;2\n2;Hof;Erna Muster;1\n")
    assert run("platzfrei ingest --language en --source own a.csv") == 1
    told = capsys.readouterr().out
    assert (
        'What "Gastpflege" means is not decided yet; expected: a target for the code in terminology/own-art.json'
        in told
    )
    assert "The code was not known, and was not kept" in told
    assert "Erna" not in told
    table.write_text(UNDECIDED.replace('"Gastpflege"}', '"Gastpflege", "target": [{"code": "kurzzeitpflege", '
                                       '"equivalence": "equivalent"}]}'), "utf-8")  # fmt: skip
    assert run("platzfrei ingest --language en --rerun") == 1
    told = capsys.readouterr().out
    assert "1 applied" in told
    assert "was not kept" in told
    assert "the sender sends again" in told
    for path in table.parents[1].glob("*.db*"):
        assert b"Erna" not in path.read_bytes()


def test_commands_that_are_not_about_sources_say_nothing_of_them(
    table: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.yaml").write_text("source: broken\nfields: {nothing: x}\n", "utf-8")
    run("platzfrei sources --language en")
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "(terminology/own-art.json, broken.yaml): platzfrei map check" in told[0]
    run("platzfrei find --near 49661")
    assert capsys.readouterr().err == ""


def test_a_map_is_checked_with_its_own_tables_alone(
    table: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other.yaml").write_text(MAP.replace("source: own", "source: other"), "utf-8")
    assert run("platzfrei map --language en check other") == 0
    assert capsys.readouterr().out == "other: 0 examples\n"
    assert run("platzfrei map --language en check own") == 1
    assert "without a target, and so unknown: Gastpflege" in capsys.readouterr().out
    assert run("platzfrei map check") == 1
