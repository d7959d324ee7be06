"""What `restore --new-key` says of a hub whose key is lost: each sentence by itself."""

from pathlib import Path

import pytest

from hub.hub import Hub
from hub.settings import Settings
from mappings.view import View
from tests.hub.backup.test_backup import folder as folder
from tests.hub.backup.test_backup import opened, run
from tests.hub.backup.test_backup import programs as programs
from tests.hub.backup.test_backup import settings as settings
from tests.hub.client import Client
from tests.hub.deliveries import PATIENT, adt, csv_long, long_row, send
from tests.hub.homes.home import added


def renewed(settings: Settings, tmp_path: Path, *, new_key: bool = True) -> Hub:
    """The hub after its backup was restored, without its old key unless that is kept."""
    assert run(settings, "backup", str(tmp_path / "b")) == 0
    if new_key:
        settings.key_file.unlink()
    options = ["--new-key"] if new_key else []
    assert run(settings, "restore", "--overwrite", *options, str(tmp_path / "b")) == 0
    return opened(settings)


def test_every_link_given_out_before_is_shut_and_new_ones_open(settings: Settings, tmp_path: Path) -> None:
    hub = opened(settings)
    link = hub.homes.link(added(hub))
    assert Client(hub).get(link).status_code == 200
    hub.close()
    hub = renewed(settings, tmp_path)
    assert Client(hub).get(link).status_code == 404
    assert Client(hub).get(hub.homes.link(hub.homes.named("moor"))).status_code == 200
    hub.close()


def test_with_the_same_key_a_link_that_was_revoked_since_is_valid_again(settings: Settings, tmp_path: Path) -> None:
    hub = opened(settings)
    link = hub.homes.link(added(hub))
    hub.close()
    assert run(settings, "backup", str(tmp_path / "before")) == 0
    hub = opened(settings)
    hub.homes.revoke("moor")
    assert Client(hub).get(link).status_code != 200
    hub.close()
    assert run(settings, "restore", "--overwrite", str(tmp_path / "before")) == 0
    hub = opened(settings)
    assert Client(hub).get(link).status_code == 200
    hub.close()


def movement(event: str, number: int, at: str) -> bytes:
    return adt(event, number, PATIENT, "PV1|1|I|KZP1^101^1||||||||||||||||4711081500", at=at).encode()


@pytest.mark.parametrize(("new_key", "occupied"), [(False, 0), (True, 1)])
def test_the_discharge_of_who_was_there_before_frees_no_bed_until_the_hospital_says_so(
    settings: Settings, tmp_path: Path, new_key: bool, occupied: int
) -> None:
    hub = opened(settings)
    send(hub, "kis-adt", adt("A20", 1, "NPU|KZP1^101^2|U", at="20261122070000").encode())
    assert send(hub, "kis-adt", movement("A01", 2, "20261122070100")).good
    hub.close()
    hub = renewed(settings, tmp_path, new_key=new_key)
    send(hub, "kis-adt", movement("A03", 3, "20261122075000"))
    assert counted(hub) == occupied
    send(hub, "kis-adt", adt("A20", 4, "NPU|KZP1^101^1|U", at="20261122075500").encode())
    assert counted(hub) == 0
    hub.close()


def counted(hub: Hub) -> int | None:
    """The beds of the ward that are occupied."""
    exports = hub.exports(View.PROFESSIONAL)
    with hub.database.reading() as connection:
        (found,) = (one.counts for one in exports.reports(connection, now=hub.clock()))
    return found.occupied


@pytest.mark.parametrize("new_key", [False, True])
def test_what_comes_again_under_an_old_id_is_taken_again(settings: Settings, tmp_path: Path, new_key: bool) -> None:
    hub = opened(settings)
    body = csv_long(long_row("a"))
    first = send(hub, "csv-long", body, message_id="m1")
    hub.close()
    hub = renewed(settings, tmp_path, new_key=new_key)
    again = send(hub, "csv-long", body, message_id="m1")
    assert again.duplicate is not new_key
    assert (again.delivery == first.delivery) is not new_key
    if new_key:
        assert (again.taken, again.unchanged) == (1, 1)
    hub.close()


def test_tokens_stay_valid_and_those_revoked_since_are_again(settings: Settings, tmp_path: Path) -> None:
    hub = opened(settings)
    token = hub.sources.make_token("json", hub.clock())
    hub.close()
    hub = renewed(settings, tmp_path)
    assert hub.sources.holds("json", token)
    hub.sources.revoke_tokens("json")
    assert not hub.sources.holds("json", token)
    hub.close()
    assert run(settings, "restore", "--overwrite", "--new-key", str(tmp_path / "b")) == 0
    hub = opened(settings)
    assert hub.sources.holds("json", token)
    hub.close()


def test_what_is_said_is_what_happens(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(settings).close()
    renewed(settings, tmp_path).close()
    told = capsys.readouterr().out
    assert "With the new key no link of a home counts that was given out before (404)" in told
    assert "the discharge frees no bed" in told
    assert "The ids of earlier deliveries are not recognised" in told
    assert "Links of homes and tokens that were revoked" not in told
