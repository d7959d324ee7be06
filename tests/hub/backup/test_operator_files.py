"""A backup holds the files that an operator wrote, and no secret; restored they stand where they stood."""

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from hub.backup import backups, postgresql_dump, sqlite_file
from hub.hub import Hub
from hub.settings import Settings
from hub.store.tables import delivery
from mappings.errors import Rejected
from tests.hub.backup.test_backup import deliver, keys, opened, run
from tests.hub.backup.test_backup import folder as folder
from tests.hub.backup.test_backup import programs as programs
from tests.hub.backup.test_backup import settings as settings

SHIPPED = Path(__file__).parents[3] / "mappings/sources"
FILES = {
    "sources/moorsoft.yaml": (SHIPPED / "csv-long.yaml").read_text().replace("source: csv-long", "source: moorsoft"),
    "terminology/moorsoft-care-form.json": (SHIPPED.parent / "terminology/csv-angebot.json").read_text(),
    "feeds/heim.yaml": "{source: moorsoft, transport: drop_folder, address: /srv/eingang, every: 30s}",
    "listeners/heidesee.yaml": "{source: kis-adt, port: 2575}",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def names(file: Path) -> set[str]:
    with tarfile.open(file) as tar:
        return set(tar.getnames())


def elsewhere(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Another machine, where the key has been put back: of the data there is nothing."""
    chosen = replace(settings, folder=tmp_path / "elsewhere")
    chosen.folder.mkdir()
    chosen.key_file.write_text(settings.key_file.read_text())
    monkeypatch.setenv("PLATZFREI_FOLDER", str(chosen.folder))
    return chosen


def test_the_operators_files_are_in_a_backup_and_come_back_with_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(settings.folder, FILES)
    hub = opened(settings)
    deliver(hub, "a")
    hub.sources.make_token("moorsoft", hub.clock())
    hub.close()
    assert run(settings, "backup", str(tmp_path / "b")) == 0
    assert "sources/ 1, terminology/ 1, feeds/ 1, listeners/ 1" in capsys.readouterr().out
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith("b")] == ["b"]
    there = elsewhere(settings, tmp_path, monkeypatch)
    assert run(there, "restore", "--overwrite", str(tmp_path / "b")) == 0
    told = capsys.readouterr().out
    assert f"restored and verified: files of your own to {there.folder}: sources/ 1, terminology/ 1" in told
    assert {name: (there.folder / name).read_text() for name in FILES} == FILES
    assert "map" not in told
    hub = opened(there)
    assert hub.sources.is_own("moorsoft")
    assert [feed.name for feed in hub.fetcher.feeds] == ["heim"]
    hub.close()
    assert sorted(entry.name for entry in there.folder.iterdir() if "unpacked" in entry.name) == []


def test_secrets_are_not_in_a_backup_and_that_is_said(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(settings).close()
    secret = "geheim4711"
    write(
        settings.folder,
        FILES
        | {
            "listeners/server.key": secret,
            "feeds/token": secret,
            "feeds/wrong.yaml": f"source: json\ncredentials: {{user: heim, password: {secret}}}",
            "feeds/worse.yaml": f"address: sftp://heim:{secret}@sftp.example.org/out",
            "feeds/broken.yaml": f"[{secret}",
            "feeds/.heim.yaml.swp": secret,
            "sources/old/map.yaml": secret,
        },
    )
    assert run(settings, "backup", str(tmp_path / "b")) == 0
    assert names(tmp_path / "b") == {"database", "contents.json", *FILES}
    assert secret.encode() not in (tmp_path / "b").read_bytes()
    told = capsys.readouterr().out
    assert "Not in it: secrets that feeds and listeners name by variable or file" in told
    assert (
        "Not in it, keep these yourself: sources/old/, feeds/broken.yaml, feeds/token, feeds/worse.yaml, "
        "feeds/wrong.yaml, listeners/server.key" in told
    )


def test_other_files_are_not_overwritten_by_themselves_and_stay_when_they_are(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(settings.folder, FILES)
    opened(settings).close()
    backups.save(settings, tmp_path / "b")
    there = elsewhere(settings, tmp_path, monkeypatch)
    write(there.folder, {"feeds/heim.yaml": "mine", "feeds/other.yaml": "other"})
    if settings.file is not None:
        # A database of its own that is not there yet: only the files are in the way.
        there = replace(there, database=f"sqlite:///{there.folder / 'platzfrei.db'}")
        assert run(there, "restore", str(tmp_path / "b")) == 2
        assert "other versions of feeds/heim.yaml stand here already" in capsys.readouterr().err
        assert there.file is not None
        assert not there.file.exists()
        assert not (there.folder / "sources").exists()
    assert run(there, "restore", "--overwrite", str(tmp_path / "b")) == 0
    assert {name: (there.folder / name).read_text() for name in FILES} == FILES
    (kept,) = (there.folder / "feeds").glob("heim.yaml.before-*")
    assert kept.read_text() == "mine"
    assert str(kept) in capsys.readouterr().out
    assert (there.folder / "feeds/other.yaml").read_text() == "other"
    assert run(there, "restore", "--overwrite", str(tmp_path / "b")) == 0


def test_a_source_that_no_map_reads_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(settings.folder, FILES)
    hub = opened(settings)
    hub.sources.make_token("moorsoft", hub.clock())
    with hub.database.writing() as connection:
        row = {"source": "seesoft", "digest": b"", "length": 0, "received_at": 0, "status": "done", "content": b""}
        connection.execute(insert(delivery), row)
    hub.close()
    (settings.folder / "sources/moorsoft.yaml").unlink()
    backups.save(settings, tmp_path / "b")
    assert run(settings, "restore", "--overwrite", str(tmp_path / "b")) == 1
    assert "Without a source map, their deliveries are refused: moorsoft, seesoft." in capsys.readouterr().out


def test_a_backup_of_an_earlier_version_is_restored_and_says_what_it_lacks(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(settings.folder, FILES)
    hub = opened(settings)
    deliver(hub, "a")
    hub.sources.make_token("moorsoft", hub.clock())
    hub.close()
    # What earlier versions wrote: the database's copy alone.
    if settings.file is not None:
        sqlite_file.save(settings.file, tmp_path / "old")
    else:
        postgresql_dump.save(settings.database, tmp_path / "old")
    (settings.folder / "sources/moorsoft.yaml").unlink()
    assert run(settings, "restore", "--overwrite", str(tmp_path / "old")) == 1
    told = capsys.readouterr().out
    assert "holds no files of your own: put sources/, terminology/, feeds/ and listeners/ back" in told
    assert "Without a source map, their deliveries are refused: moorsoft." in told
    assert (tmp_path / "old").exists()
    assert keys(settings) == {"a"}


@pytest.mark.parametrize("name", ["../platzfrei.key", "sources/../../x.yaml", "sources/.x.yaml", "other/x.yaml", "x"])
def test_a_backup_with_a_strange_file_is_none(sqlite_settings: Settings, tmp_path: Path, name: str) -> None:
    opened(sqlite_settings).close()
    backups.save(sqlite_settings, tmp_path / "b")
    with tarfile.open(tmp_path / "b") as tar, tarfile.open(tmp_path / "c", "w") as other:
        other.addfile(tarfile.TarInfo(name))
        for member in tar:
            other.addfile(member, tar.extractfile(member))
    with pytest.raises(Rejected, match="no undamaged backup"):
        backups.restore(sqlite_settings, tmp_path / "c", overwrite=True)


def test_a_file_that_was_changed_in_a_backup_is_found(sqlite_settings: Settings, tmp_path: Path) -> None:
    write(sqlite_settings.folder, FILES)
    Hub.open(sqlite_settings).close()
    backups.save(sqlite_settings, tmp_path / "b")
    body = (tmp_path / "b").read_bytes()
    assert b"/srv/eingang" in body
    (tmp_path / "b").write_bytes(body.replace(b"/srv/eingang", b"/srv/ausgang"))
    with pytest.raises(Rejected, match="no undamaged backup"):
        backups.restore(sqlite_settings, tmp_path / "b", overwrite=True)
