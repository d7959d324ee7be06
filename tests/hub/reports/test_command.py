"""`platzfrei report region`, as a coordination office and a planner use it."""

import json
from pathlib import Path

import pytest

from conformance.formats import r4
from hub import cli
from hub.homes.home import Home, HomeOffer
from hub.hub import Hub
from mappings.district_figures import FIGURES
from tests.conftest import NOW, Clock
from tests.hub.reports.test_region_days import CLOPPENBURG, EXPECTED, LONG, SHORT, as_text, region
from tests.hub.reports.test_served import table, with_searches


class Command:
    """Runs the command on a hub's database; `wrong` is what it complained of last."""

    def __init__(self, hub: Hub, clock: Clock, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.hub, self.clock = hub, clock
        self._capsys = capsys
        self.wrong = ""
        patch.setattr("hub.opening.now", clock)
        patch.setenv("PLATZFREI_DATABASE", hub.settings.database)
        patch.setenv("PLATZFREI_FOLDER", str(hub.settings.folder))

    def __call__(self, *arguments: str, language: str = "de", status: int = 0) -> str:
        try:
            ended = cli.main(["report", "region", "--language", language, *arguments])
        except SystemExit as error:
            ended = int(str(error.code))
        told, self.wrong = self._capsys.readouterr()
        assert ended == status, told + self.wrong
        return told


@pytest.fixture
def command(hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(hub, clock, monkeypatch, capsys)


def test_a_planner_reads_a_sentence_for_each_district(command: Command) -> None:
    region(command.hub)
    assert command("--care-form", "Kurzzeitpflege", "--district", "Cloppenburg") == (
        "Landkreis Cloppenburg, Kurzzeitpflege: 3 Angebote, 2 melden (67 %), 1 aktuell, 2 freie Plätze\n"
    )
    assert command("--care-form", LONG, language="en") == (
        "Of unknown place, Long-term residential care: 1 offer, 1 report (100 %), 1 fresh, 1 free place\n"
        "Kreisfreie Stadt Oldenburg, Long-term residential care: 1 offer, 1 report (100 %), 1 fresh, 4 free places\n"
        "Landkreis Cloppenburg, Long-term residential care: 3 offers, 3 report (100 %), 1 fresh, 8 free places\n"
        "Together: 5 offers, 5 report (100 %), 3 fresh, 13 free places\n"
    )


def test_all_care_forms_stand_in_a_table_narrower_ones_below_wider(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    region(command.hub)
    for width, figures in ((160, [3, 3, 1, 1, 0, 1, 1, 2, 0, 0, 1, 8, 120]), (80, [3, 3, 1, 1, 8])):
        monkeypatch.setenv("COLUMNS", str(width))
        told = command("--district", "03453")
        assert told.startswith("Landkreis Cloppenburg: 6 Angebote, 5 melden (83 %), 2 aktuell, 8 freie Plätze\n\n")
        rows = told.splitlines()[4:]
        assert [row.partition("   ")[0] for row in rows[:2]] == ["Dauerpflege", "Kurzzeitpflege"]
        assert [int(word) for word in rows[0].split()[1:]] == figures
        assert rows[2].startswith("  Kurzzeitpflege, solitär")
        assert max(map(len, told.splitlines())) <= max(width, 81)


def test_what_is_not_known_is_no_zero(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    with_searches(command.hub, command.clock)
    told = command("--district", "Vechta").splitlines()
    assert told[0] == ("Landkreis Vechta: 1 Angebot, 1 melden (100 %), 0 aktuell, Zahl freier Plätze nicht bekannt")
    assert told[4].split()[-2:] == ["–", "–"]
    # A day on which nothing was taken, and something searched in two districts.
    command.clock.forward(days=1)
    for latitude, longitude in ((52.85, 8.05), (53.14, 8.21)):
        for _ in range(20):
            command.hub.tally.missed(latitude, longitude, care_forms=(LONG,), needs=())
    command.hub.tally.close()
    command.clock.forward(days=1)
    told = command("--from", "2026-11-24", "--to", "2026-11-24", "--care-form", LONG, language="en").splitlines()
    untaken, districts = "not taken on this day", ("Kreisfreie Stadt Oldenburg", "Landkreis Cloppenburg")
    assert told == [
        *(
            f"{district}, Long-term residential care: {untaken}, 20 searches without a hit (rounded)"
            for district in districts
        ),
        f"Together: {untaken}",
    ]


def test_days_that_are_over_are_told_as_they_were_taken(command: Command) -> None:
    with_searches(command.hub, command.clock)
    told = command("--from", "2026-11-21", "--to", "2026-11-23", "--district", "Cloppenburg", "--care-form", SHORT)
    assert told == (
        "22.11.2026  Landkreis Cloppenburg, Kurzzeitpflege, solitär: 2 Angebote, 1 melden (50 %), 0 aktuell, "
        "0 freie Plätze, 10 Suchen ohne Treffer (gerundet)\n"
        "23.11.2026  Landkreis Cloppenburg, Kurzzeitpflege, solitär: 2 Angebote, 1 melden (50 %), 0 aktuell, "
        "0 freie Plätze\n"
    )
    assert command("--to", "2026-11-01") == "Dazu ist nichts bekannt.\n"


def test_searches_without_a_hit_are_told_by_municipality_and_need(command: Command) -> None:
    with_searches(command.hub, command.clock)
    told = command("--searches", "--care-form", "kurzzeitpflege").splitlines()
    assert told[0].startswith("Suchen ohne Treffer, 23.10.2026 bis 22.11.2026; jede kleinste Zahl ist auf 5 gerundet")
    assert told[3] == "Landkreis Cloppenburg: 10"
    assert [line.split() for line in told[-2:]] == [["Cloppenburg", "alle", "10"], ["Cloppenburg", "Dialyse", "10"]]
    assert "im ganzen Kreis gesucht" in command("--searches")
    rows = table(command("--searches", "--csv", "-").encode())
    assert {row["missed"] for row in rows} <= {"5", "10", "20"}


def test_who_does_not_report_is_listed_the_oldest_word_first(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    region(command.hub)
    command.hub.homes.add(
        Home(
            id="deich",
            name="Haus am Deich",
            postal_code="49661",
            city="Cloppenburg",
            phone="04471 9",
            offers=(HomeOffer(care_form=LONG),),
        )
    )
    command.clock.forward(days=4)
    told = command("--missing", "--district", CLOPPENBURG).splitlines()
    assert told[0] == "Landkreis Cloppenburg: 4 Angebote"
    assert [line.split("  ")[0] for line in told[4:]] == [
        "nie",
        "nie",
        "13.11.2026 (vor 13 Tagen)",
        "17.11.2026 (vor 9 Tagen)",
    ]
    assert [name in line for name, line in zip(("Deich", "berg", "feld", "wald"), told[4:], strict=True)] == [True] * 4
    assert "04471 9" in told[4]
    monkeypatch.setenv("COLUMNS", "80")
    narrow = command("--missing", "--district", CLOPPENBURG).splitlines()
    assert [line.split("  ")[0] for line in narrow[4:]] == ["nie", "nie", "vor 13 Tagen", "vor 9 Tagen"]
    assert max(map(len, narrow)) <= 80
    rows = table(command("--missing", "--csv", "-", "--care-form", "kurzzeitpflege").encode())
    assert [(row["facility"], row["as-of"], row["source"]) for row in rows] == [("Haus berg", "", "a")]
    assert command("--missing", "--district", "Emden", language="en") == "All report.\n"


def test_a_table_and_measure_reports_are_written_to_files(command: Command, tmp_path: Path) -> None:
    region(command.hub)
    command("--csv", str(tmp_path / "a.csv"))
    rows = table((tmp_path / "a.csv").read_bytes())
    assert {
        (row["district"], row["care-form"]): {name: row[name.replace("_", "-")] for name in FIGURES} for row in rows
    } == {key: as_text(each) for key, each in EXPECTED.items()}
    (vechta,) = [row for row in rows if row["care-form"] == "tagespflege"]
    assert (vechta["offers"], vechta["free"], vechta["licensed"], vechta["uncounted"]) == ("1", "", "", "1")
    command("--fhir", str(tmp_path / "a.json"))
    bundle = json.loads((tmp_path / "a.json").read_bytes())
    assert [one for one in r4.findings(bundle) if one.severity == "error"] == []
    assert [entry["resource"]["status"] for entry in bundle["entry"]] == ["complete", "complete", "pending"]
    strata = [one for group in bundle["entry"][1]["resource"]["group"] for one in group["stratifier"][0]["stratum"]]
    of_vechta = [one for one in strata if "03460" in json.dumps(one["component"]) and len(one["component"]) == 3]
    # What no offer says is left out, and no 0: neither free nor licensed places.
    assert [len(one.get("population", ())) for one in of_vechta] == [6, 0]
    assert sorted(path.name for path in tmp_path.glob("a.*")) == ["a.csv", "a.json"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--district", "Oldenburg"), "03403 Kreisfreie Stadt Oldenburg, 03458 Landkreis Oldenburg"),
        (("--district", "Atlantis"), "diesen Landkreis gibt es nicht"),
        (("--care-form", "heim"), "erwartet wird: Dauerpflege; Kurzzeitpflege;"),
        (("--from", "2026-11-23"), "erwartet wird ein Tag bis --to"),
        (("--to", "22.11.2026"), "erwartet wird ein Tag wie 2026-11-22"),
        (("--missing", "--to", "2026-11-22"), "--missing ist von jetzt"),
        (("--fhir", "x", "--care-form", LONG), "--fhir"),
    ],
)
def test_what_cannot_be_asked_is_said(
    sqlite_hub: Hub,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    told: str,
) -> None:
    command = Command(sqlite_hub, clock, monkeypatch, capsys)
    assert command(*arguments, status=2) == ""
    assert told in command.wrong
    assert clock() == NOW
