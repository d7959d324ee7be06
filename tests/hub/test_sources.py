"""Source maps of the operator's own: found, checked when the hub opens, and none stops the others."""

from pathlib import Path

import pytest

from hub.app import Hub
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
        (MAP + "rank: 3\n", "wrong.yaml: "),
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


def test_tokens_end_when_they_are_revoked(sqlite_hub: Hub) -> None:
    token = sqlite_hub.sources.make_token("json", sqlite_hub.clock())
    assert sqlite_hub.sources.holds("json", token)
    assert sqlite_hub.sources.revoke_tokens("json") == 1
    assert not sqlite_hub.sources.holds("json", token)


def test_an_empty_key_file_is_refused(sqlite_settings: Settings) -> None:
    sqlite_settings.key_file.write_text("")
    with pytest.raises(Rejected, match="the key must stand here"):
        Hub.open(sqlite_settings)
