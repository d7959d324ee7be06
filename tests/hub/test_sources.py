"""Source maps of the operator's own: found, checked when the hub opens, and none stops the others."""

from pathlib import Path

import pytest

from hub.hub import Hub
from hub.settings import Settings
from mappings.errors import Rejected

MAP = """
source: NAME
title: {de: Eigene, en: Own}
format: csv_records
options: {delimiter: ";", columns: [Nr, Name, Art]}
fields:
  facility.key: Nr
  facility.name: Name
  offer.care_form: {from: Art, table: csv-angebot}
examples: []
"""


@pytest.fixture
def folder(sqlite_settings: Settings) -> Path:
    sqlite_settings.sources.mkdir()
    return sqlite_settings.sources


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yaml").write_text(text, "utf-8")


def test_a_right_map_is_one_of_the_sources(sqlite_settings: Settings, folder: Path) -> None:
    write(folder, "a", MAP.replace("NAME", "a"))
    hub = Hub.open(sqlite_settings)
    assert hub.sources.problems == ()
    assert hub.sources.is_own("a")
    assert not hub.sources.is_own("json")
    hub.close()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (MAP.replace("csv_records", "csv"), "wrong.yaml: format"),
        (MAP.replace("delimiter:", "delimter:"), "wrong.yaml: options.delimter"),
        (MAP.replace("{from: Art,", "{from: Artt,"), "wrong.yaml: "),
        (MAP.replace("columns: [Nr, Name, Art]", "charset: latin"), "wrong.yaml: options"),
        ("source: [", "wrong.yaml: line"),
        (MAP + "rank: 30\n", "wrong.yaml: "),
    ],
)
def test_a_wrong_map_is_told_and_stops_no_other(sqlite_settings: Settings, folder: Path, text: str, place: str) -> None:
    write(folder, "right", MAP.replace("NAME", "right"))
    write(folder, "wrong", text.replace("NAME", "wrong"))
    hub = Hub.open(sqlite_settings)
    assert hub.sources.problems
    assert all(issue.place.startswith(place) for issue in hub.sources.problems), hub.sources.problems
    assert {"right", "json"} <= {one.name for one in hub.sources}
    hub.close()


def test_two_maps_of_one_name_are_told(sqlite_settings: Settings, folder: Path) -> None:
    for name in ("one", "two"):
        write(folder, name, MAP.replace("NAME", "same"))
    (folder / "folder.yaml").mkdir()
    hub = Hub.open(sqlite_settings)
    assert [issue.place.split(":")[0] for issue in hub.sources.problems] == ["folder.yaml", "two.yaml"]
    hub.close()


TABLE = """{"resourceType": "ConceptMap", "group": [{"element": [
  {"code": "P1", "target": [{"code": "TARGET", "equivalence": "equivalent"}]}, {"code": "P2"}]}]}"""
WITH_TABLE = MAP.replace("csv-angebot", "NAME-art").replace(
    "examples: []",
    """examples:
  - description: a word of our own
    input: {Nr: "1", Name: Haus am Moor, Art: P1}
    offers: [{offer.care_form: tagespflege}]""",
)


def write_table(folder: Path, name: str, target: str = "tagespflege") -> None:
    terminology = folder.parent / "terminology"
    terminology.mkdir(exist_ok=True)
    (terminology / f"{name}.json").write_text(TABLE.replace("TARGET", target), "utf-8")


def test_tables_of_the_operator_translate_for_maps_of_the_operator(sqlite_settings: Settings, folder: Path) -> None:
    write_table(folder, "a-art")
    write(folder, "a", WITH_TABLE.replace("NAME", "a"))
    hub = Hub.open(sqlite_settings)
    (undecided,) = hub.sources.problems
    assert undecided.text_en.startswith("without a target, and so unknown: P2")
    mapped = hub.sources.named("a").read({"Nr": "1", "Name": "Haus", "Art": "p1"})
    assert [report.offer.care_form for report in mapped.reports] == ["tagespflege"]
    unknown = hub.sources.named("a").read({"Nr": "1", "Name": "Haus", "Art": "P2"})
    assert [issue.code for issue in unknown.issues] == ["unknown-code"]
    hub.close()


def test_a_table_of_the_operator_goes_before_a_shipped_one_in_own_maps_alone(
    sqlite_settings: Settings, folder: Path
) -> None:
    write_table(folder, "csv-angebot")
    write(folder, "a", MAP.replace("NAME", "a"))
    hub = Hub.open(sqlite_settings)
    assert hub.sources.named("a").read({"Nr": "1", "Name": "Haus", "Art": "P1"}).reports
    assert not hub.sources.named("a").read({"Nr": "1", "Name": "Haus", "Art": "KZP"}).reports
    row = {"EinrichtungsID": "1", "Name": "Haus", "PLZ": "49661", "Angebot": "KZP", "Stand": "01.11.2026"}
    assert hub.sources.named("csv-long").read(row).reports
    hub.close()


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("{", "terminology/a-art.json: line 1"),
        ('{"resourceType": "Patient"}', "terminology/a-art.json"),
        ('{"resourceType": "ConceptMap", "group": 7}', "terminology/a-art.json: ConceptMap.group"),
        (TABLE.replace("equivalent", "like"), "terminology/a-art.json: ConceptMap.group[0].element[0].target[0]"),
        (TABLE.replace('"P2"', '"p1"'), "terminology/a-art.json: ConceptMap.group[0].element[1].code"),
        (TABLE, "a.yaml: fields.offer.care_form.table"),
    ],
)
def test_a_wrong_table_is_told_and_so_is_the_map_that_names_it(
    sqlite_settings: Settings, folder: Path, table: str, place: str
) -> None:
    write_table(folder, "a-art")
    (folder.parent / "terminology" / "a-art.json").write_text(table, "utf-8")
    write(folder, "a", WITH_TABLE.replace("NAME", "a"))
    hub = Hub.open(sqlite_settings)
    assert any(issue.place.startswith(place) for issue in hub.sources.problems), hub.sources.problems
    assert "json" in {one.name for one in hub.sources}
    assert not hub.sources.is_own("a")
    hub.close()


def test_an_example_that_does_not_come_true_is_told_and_its_map_used(sqlite_settings: Settings, folder: Path) -> None:
    write_table(folder, "a-art", target="nachtpflege")
    write(folder, "a", WITH_TABLE.replace("NAME", "a"))
    hub = Hub.open(sqlite_settings)
    assert hub.sources.is_own("a")
    told = [issue for issue in hub.sources.problems if issue.code == "example"]
    assert [issue.place for issue in told] == ["a.yaml: examples[0]"]
    hub.close()


def test_tokens_end_when_they_are_revoked(sqlite_hub: Hub) -> None:
    token = sqlite_hub.sources.make_token("json", sqlite_hub.clock())
    assert sqlite_hub.sources.holds("json", token)
    assert sqlite_hub.sources.revoke_tokens("json") == 1
    assert not sqlite_hub.sources.holds("json", token)


def test_an_empty_key_file_is_refused(sqlite_settings: Settings) -> None:
    sqlite_settings.key_file.write_text("")
    with pytest.raises(Rejected, match="the key must stand here"):
        Hub.open(sqlite_settings)
