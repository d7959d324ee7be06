"""`platzfrei find`, as a social worker asks and reads it."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import cli
from hub.commands.find_options import NOT_BY_OPTION, OPTIONS
from hub.fhir.vacancy_parameters import ONCE, REPEATABLE

HOME: dict[str, Any] = {"name": "Haus am Moor", "postalCode": "49661", "city": "Cloppenburg", "phone": "04471 555-0"}
OFFER: dict[str, Any] = {"careForm": "kurzzeitpflege", "free": 2}


@pytest.fixture
def find(tmp_path: Path) -> tuple[str, ...]:
    """The command over a home with a place for women that serves more, one with costs a day, one that says little."""
    url = f"sqlite:///{tmp_path / 'data' / 'platzfrei.db'}"
    blocks = [{"count": 1, "room": "single", "sex": "female", "needs": ["dialyse"]}, {"count": 1, "room": "double"}]
    said = {
        "needs": ["demenz"],
        "careGrades": [2, 3],
        "languages": ["tr", "pl"],
        "ownShare": {"amount": 1850.5, "per": "month"},
        "payers": ["pflegekasse", "selbstzahler"],
    }
    homes = [
        {**HOME, "id": "a", "offers": [{**OFFER, **said, "id": "a/k", "blocks": blocks}]},
        {**HOME, "id": "b", "offers": [{**OFFER, "id": "b/k", "ownShare": {"amount": 61.5, "per": "day"}}]},
        {**HOME, "id": "c", "offers": [{**OFFER, "id": "c/k"}]},
    ]
    path = tmp_path / "places.json"
    path.write_text(json.dumps({"facilities": homes}), "utf-8")
    assert cli.main(["ingest", "--database", url, "--source", "json", str(path)]) == 0
    return ("find", "--database", url, "--near", "49661")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main(list(arguments)) == 2
    return capsys.readouterr().err


def test_every_parameter_of_the_search_has_an_option_and_none_has_two() -> None:
    named = [parameter for option in OPTIONS for parameter in option.parameters]
    assert sorted([*named, *NOT_BY_OPTION]) == sorted([*REPEATABLE, *ONCE])


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.parameter not in ("near", "distance")])
def test_every_option_reaches_the_search(
    option: Any, find: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    values = {
        "N": "1",
        "DAY": (datetime.now(UTC) + timedelta(days=7)).date().isoformat(),
        "DAYS": "3",
        "CODE": "demenz",
        "STATE": "ask",
        "EUROS": "1900",
    }
    values |= {"AGE": "3d", "ORDER": "score", "ID": "Organization/nobody"}
    own = {"--room": "single", "--sex": "female", "--care-form": "hospiz", "--payer": "beihilfe", "--speaks": "tr"}
    value = own.get(option.name, values.get(option.metavar, ""))
    asked = (option.name, value) if option.metavar else (option.name,)
    if option.name == "--operator":
        assert refused(capsys, *find, "--language", "en", *asked).startswith("platzfrei: --operator: expected")
        return
    answer = json.loads(told(capsys, *find, *asked, "--json"))
    here = next(link["url"] for link in answer["link"] if link["relation"] == "self")
    assert f"{option.parameter}={value or 'true'}" in here


@pytest.mark.parametrize(
    ("option", "word", "code"),
    [
        ("--room", "Einzelzimmer", "room=single"),
        ("--sex", "weiblich", "sex=female"),
        ("--state", "Plätze frei", "state=some"),
        ("--state", "frei,Auf Anfrage", "state=some&state=ask"),
        ("--need", "Für Paare", "need=paar"),
        ("--prefer", "Doppelzimmer", "prefer=double"),
        ("--care-form", "Kurzzeitpflege, solitär", "care-form=kurzzeitpflege-solitaer"),
        ("--care-form", "Day care", "care-form=tagespflege"),
        ("--payer", "Sozialhilfeträger", "payer=sozialhilfe"),
    ],
)
def test_words_for_codes_are_understood(
    option: str, word: str, code: str, find: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = json.loads(told(capsys, *find, option, word, "--json"))
    assert code in next(link["url"] for link in answer["link"] if link["relation"] == "self")


@pytest.mark.parametrize(
    ("asked", "german", "english"),
    [
        (
            ("--room", "Suite"),
            "--room: erwartet wird: Einzelzimmer (single);",
            "--room: expected: Single room (single)",
        ),
        (("--sex", "x"), "--sex: erwartet wird: weiblich (female);", "--sex: expected: female; male; other"),
        (("--own-share", "viel"), "--own-share: erwartet werden Euro im Monat", "--own-share: expected euros a month"),
        (("--speaks", "Türkisch"), "--speaks: erwartet wird eine Sprache", "--speaks: expected a language"),
        (("--sort", "x"), "--sort: erwartet wird eine von", "--sort: expected one of"),
        (("--count", "x"), "--count: erwartet wird eine ganze", "--count: expected a whole number"),
        (("--places", "9"), "--places: erwartet wird", "--places: expected"),
        (
            ("--start", "2099-05-01", "--end", "2099-04-01"),
            "--end: erwartet wird ein Tag von 2099-05-01 (--start)",
            "--end: expected a day from 2099-05-01 (--start)",
        ),
        (
            ("--end", "2099-05-01", "--duration", "3"),
            "--duration: --end nennt das Ende schon",
            "--duration: --end states the end already",
        ),
        (
            ("--operator", "x"),
            "--operator: erwartet wird ein bekannter Träger: --operator Organization/<id>",
            "--operator",
        ),
        (("--near", "00000"), "--near: ", "--near: "),
        (("--distance", "x"), "--distance: erwartet werden Kilometer", "--distance: expected kilometres"),
    ],
)
def test_what_is_refused_names_the_option(
    asked: tuple[str, ...], german: str, english: str, find: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *find, "--language", "de", *asked).startswith(f"platzfrei: {german}")
    assert refused(capsys, *find, "--language", "en", *asked).startswith(f"platzfrei: {english}")


def columns(table: str) -> list[list[str]]:
    """The cells of a table, its heads first."""
    lines = table.splitlines()
    rule = lines[1]
    starts = [place for place, one in enumerate(rule) if one == "─" and (place == 0 or rule[place - 1] == " ")]
    ends = [*(start - 2 for start in starts[1:]), None]
    return [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in (lines[0], *lines[2:])]


def test_that_something_was_found_is_told_also_where_nothing_is_to_be_shown(
    find: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "0 of 3 offers." in told(capsys, *find, "--language", "en", "--count", "0")
    assert "Nothing found." in told(capsys, *find, "--language", "en", "--need", "wachkoma", "--count", "0")


def test_the_table_shows_what_was_asked_for_and_nothing_else(
    find: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ["km", "Einrichtung", "Ort", "Angebot", "frei", "ab", "Zimmer", "Stand", "Telefon"]
    german = (*find, "--language", "de")
    assert columns(told(capsys, *german))[0] == usual
    heads, row, *_ = columns(told(capsys, *german, "--own-share", "1900"))
    assert heads == [*usual[:-1], "Eigenanteil/Monat", "Telefon"]
    assert row[8] == "1.850 €"
    rows = columns(told(capsys, *german, "--own-share", "1900"))[1:3]
    assert [each[8] for each in rows] == ["1.850 €", "≈ 1.871 €"]
    heads, row, *_ = columns(told(capsys, *german, "--need", "demenz"))
    assert heads == [*usual[:-1], "Bedarfe", "Telefon"]
    assert row[8] == "Demenz, Dialyse"
    # Those places alone that fit: the other does not serve it.
    _, row, *_ = columns(told(capsys, *german, "--need", "demenz", "--room", "double"))
    assert row[8] == "Demenz"
    _, row, *_ = columns(told(capsys, *find, "--language", "en", "--need", "dialyse"))
    assert row[8] == "Dialysis, Dementia"
    shown = told(capsys, *find, "--language", "en", "--prefer", "demenz", "--care-grade", "2")
    heads, *rows = columns(shown)
    assert heads[8:10] == ["needs", "care grades"]
    assert [each[8:10] for each in rows[:3]] == [["Dementia, Dialysis", "2, 3"], ["–", "–"], ["–", "–"]]
    heads, row, *_ = columns(told(capsys, *find, "--language", "en", "--payer", "Self-payer", "--speaks", "pl"))
    assert heads[8:10] == ["payers", "languages"]
    assert row[9] in ("tr, pl", "pl, tr")
    assert row[8] == "Long-term care insurance, Self-payer"


def test_it_loads_what_it_needs_and_not_all_of_a_hub() -> None:
    """Half of what it took was imports."""
    needless = ("hub.hub", "hub.ingest", "hub.search.registry", "conformance.formats.fhirpath", "pydantic", "smtplib")
    code = f"import sys, hub.commands.find; print([name for name in {needless!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
