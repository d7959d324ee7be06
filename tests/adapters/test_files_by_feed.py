"""Files that are taken from a folder, here or on an SFTP server: complete ones alone, once, and never another's."""

import getpass
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from adapters import http_get, transports
from adapters.feed import Feed, Round
from adapters.transport import drop_folder, sftp_poll
from mappings.errors import PlatzfreiError, Rejected, Retriable
from tests.peers import Hub, SftpPeer, a_round, sftp_peer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def peer(folder: Path) -> Iterator[SftpPeer]:
    with sftp_peer(folder) as running:
        yield running


def dropped(folder: Path, **options: Any) -> Feed:
    return Feed(
        name="heim",
        source="csv-long",
        transport="drop_folder",
        address=str(folder),
        every=timedelta(minutes=1),
        options={"settle": 0, **options},
    )


def served(peer: SftpPeer, **options: Any) -> Feed:
    return Feed(
        name="heim",
        source="csv-long",
        transport="sftp_poll",
        address=peer.address,
        every=timedelta(minutes=1),
        credentials={"user": "heim", "password_env": "PASSWORD"},
        options={"settle": 0, "host_key": peer.fingerprint, **options},
        private=True,
    )


@pytest.fixture(params=["drop_folder", "sftp_poll"])
def feed(request: pytest.FixtureRequest, folder: Path) -> Feed:
    return dropped(folder) if request.param == "drop_folder" else served(request.getfixturevalue("peer"))


def run(feed: Feed, hub: Hub, memory: dict[str, Any] | None = None, **more: Any) -> Round:
    one = a_round(feed, hub, memory={} if memory is None else memory, **more)
    transports.named(feed.transport).fetch(one)
    return one


def refused(feed: Feed, hub: Hub, **more: Any) -> PlatzfreiError:
    with pytest.raises(PlatzfreiError) as caught:
        run(feed, hub, **more)
    return caught.value


def with_options(feed: Feed, **options: Any) -> Feed:
    return replace(feed, options={**feed.options, **options})


def test_only_whole_regular_files_that_are_meant_are_taken(feed: Feed, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"secret")
    (folder / "link.csv").symlink_to(secret)
    (folder / "inside.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    for name in (".hidden.csv", "a.csv.tmp", "b.csv.part", "c.csv.filepart", "d.CSV.PART", "e.csv~", "other.txt"):
        (folder / name).write_bytes(b"unfinished")
    (folder / "good.csv").write_bytes(b"good")
    hub = Hub()
    run(with_options(feed, pattern="*.csv"), hub)
    run(with_options(feed, pattern="*"), control := Hub())
    assert hub.bodies == [b"good"]
    assert b"unfinished" in control.bodies or b"good" in control.bodies
    assert b"secret" not in control.bodies
    assert (folder / "link.csv").is_symlink()
    assert (folder / ".hidden.csv").exists()


def test_oldest_first(feed: Feed, folder: Path) -> None:
    for age, name in ((10, "b"), (30, "a"), (20, "c")):
        (folder / name).write_bytes(name.encode())
        os.utime(folder / name, (time.time() - age,) * 2)
    hub = Hub()
    run(feed, hub)
    assert hub.bodies == [b"a", b"c", b"b"]


def test_a_file_that_grows_is_left_alone_until_it_rests(feed: Feed, folder: Path) -> None:
    """The control: without waiting it is taken half."""
    path = folder / "grows.csv"
    path.write_bytes(b"half")
    growing = threading.Timer(0.3, lambda: path.write_bytes(b"half and whole"))
    growing.start()
    hub = Hub()
    run(with_options(feed, settle=1), hub)
    growing.join()
    assert hub.delivered == []
    run(feed, hub)
    assert hub.bodies == [b"half and whole"]

    (folder / "other.csv").write_bytes(b"half")
    control = Hub()
    run(feed, control)
    assert b"half" in control.bodies


def test_a_file_that_changes_while_it_is_read_is_left_alone(
    folder: Path, peer: SftpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "a.csv"
    path.write_bytes(b"one")
    real = os.read

    def changed(file: int, size: int) -> bytes:
        path.write_bytes(b"two")
        return real(file, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", changed)
        hub = Hub()
        run(dropped(folder), hub)
    assert hub.delivered == []

    real_read = asyncssh.SFTPClientFile.read

    async def appended(self: Any, *arguments: Any) -> Any:
        body = await real_read(self, *arguments)
        path.write_bytes(b"three and more")
        return body

    with monkeypatch.context() as patch:
        patch.setattr(asyncssh.SFTPClientFile, "read", appended)
        run(served(peer), hub)
    assert hub.delivered == []
    run(served(peer), hub)
    assert hub.bodies == [b"three and more"]


def test_one_file_that_cannot_be_delivered_holds_up_no_other(feed: Feed, folder: Path) -> None:
    for name in ("a", "b", "c"):
        (folder / name).write_bytes(name.encode())
    hub = Hub(fails=lambda delivery: delivery.body == b"b")
    one = a_round(feed, hub)
    with pytest.raises(RuntimeError):
        transports.named(feed.transport).fetch(one)
    assert sorted(hub.bodies) == [b"a", b"c"]
    again = Hub()
    run(feed, again, one.memory)
    assert again.bodies == [b"b"]


def test_a_round_takes_so_many_files_and_says_that_there_are_more(
    feed: Feed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (drop_folder, sftp_poll):
        monkeypatch.setattr(module, "FILES_MAX", 2)
    for number in range(3):
        (folder / str(number)).write_bytes(b"x%d" % number)
    hub = Hub()
    one = run(feed, hub)
    assert (len(hub.delivered), one.more) == (2, True)
    two = run(feed, hub, one.memory)
    assert (len(hub.delivered), two.more) == (3, False)


def test_a_file_that_is_too_large_is_told_and_stays(feed: Feed, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (drop_folder, sftp_poll):
        monkeypatch.setattr(module, "BYTES_MAX", 10)
    (folder / "Mustermann.csv").write_bytes(b"x" * 11)
    error = refused(feed, Hub())
    assert "more than 10 bytes" in error.issues[0].text_en
    assert "Mustermann" not in str(error)
    assert (folder / "Mustermann.csv").exists()
    assert http_get.BYTES_MAX > 10


def test_names_need_not_be_utf8(feed: Feed, folder: Path) -> None:
    name = os.fsdecode(b"Pl\xe4tze.csv")
    (folder / name).write_bytes(b"x")
    hub = Hub()
    one = run(feed, hub)
    assert hub.bodies == [b"x"]
    assert one.taken[0].name == name
    if feed.transport == "drop_folder":
        (receipt,) = (folder / "done").glob("*.json")
        assert json.loads(receipt.read_bytes())["file"] == name


def test_a_missing_folder_is_told(feed: Feed, folder: Path) -> None:
    feed = replace(feed, address=f"{feed.address.rstrip('/')}/missing")
    error = refused(feed, Hub())
    assert error.issues[0].place == "address"


# ---- the watched folder


def test_a_taken_file_lies_in_done_with_its_receipt(folder: Path) -> None:
    (folder / "plätze.csv").write_bytes(b"x")
    run(dropped(folder), Hub())
    assert not (folder / "plätze.csv").exists()
    assert (folder / "done/000001-plätze.csv").read_bytes() == b"x"
    receipt = json.loads((folder / "done/000001-plätze.csv.receipt.json").read_bytes())
    assert (receipt["file"], receipt["records"]["taken"]) == ("plätze.csv", 1)
    assert [path.name for path in folder.rglob(".*")] == []


def test_a_refused_file_lies_in_rejected_and_put_back_it_is_read_again(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"x")
    hub = Hub(rejects=True)
    run(dropped(folder), hub)
    kept = folder / "rejected/000001-a.csv"
    assert json.loads(kept.with_name("000001-a.csv.receipt.json").read_bytes())["records"]["rejected"] == 1
    # The operator mended the source map.
    hub.rejects = False
    kept.rename(folder / "a.csv")
    run(dropped(folder), hub)
    assert (folder / "done/000002-a.csv").exists()
    assert len(hub.delivered) == 2


def test_a_crash_between_commit_and_move_counts_nothing_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.csv").write_bytes(b"x")
    hub = Hub()

    def crash(*_arguments: object) -> None:
        raise KeyboardInterrupt

    for step in ("_write", "_put_away"):
        with monkeypatch.context() as patch:
            patch.setattr(drop_folder, step, crash)
            with pytest.raises(KeyboardInterrupt):
                run(dropped(folder), hub)
        assert (folder / "a.csv").exists()
    run(dropped(folder), hub)
    assert len(hub.delivered) == 1
    assert (folder / "done/000001-a.csv").read_bytes() == b"x"
    # The control: without the file's key the same crash counts it twice.
    (folder / "control.csv").write_bytes(b"y")
    with monkeypatch.context() as patch:
        patch.setattr(Round, "_message_id", lambda *_arguments: None)
        patch.setattr(drop_folder, "_put_away", crash)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                run(dropped(folder), hub)
    assert hub.bodies == [b"x", b"y", b"y"]
    run(dropped(folder), hub)
    hub.delivered[1:] = []
    # Written anew the same content is a new word: it confirms.
    (folder / "a.csv").write_bytes(b"x")
    run(dropped(folder), hub)
    assert len(hub.delivered) == 2


def test_a_file_that_is_replaced_while_it_is_taken_stays_for_the_next_round(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"one")
    hub = Hub()
    deliver = hub.deliver

    def replacing(delivery: Any) -> Any:
        receipt = deliver(delivery)
        if delivery.body == b"one":
            (folder / ".a").write_bytes(b"two")
            (folder / ".a").rename(folder / "a.csv")
        return receipt

    hub.deliver = replacing  # type: ignore[method-assign]
    run(dropped(folder), hub)
    assert (folder / "a.csv").read_bytes() == b"two"
    run(dropped(folder), hub)
    assert hub.bodies == [b"one", b"two"]


def test_nothing_is_taken_where_it_could_not_be_moved_away(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "done").symlink_to(tmp_path / "elsewhere")
    (folder / "a.csv").write_bytes(b"x")
    hub = Hub()
    error = refused(dropped(folder), hub)
    assert error.issues[0].place == "done"
    assert hub.delivered == []
    assert list((tmp_path / "elsewhere").iterdir()) == []


# ---- SFTP


def test_a_server_with_another_host_key_gets_no_password(peer: SftpPeer, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"x")
    other = asyncssh.generate_private_key("ssh-ed25519").get_fingerprint()
    hub = Hub()
    error = refused(with_options(served(peer), host_key=other), hub)
    assert isinstance(error, Rejected)
    assert error.issues[0].code == "host-key"
    assert peer.logins == 0
    run(with_options(served(peer), host_key=[other, peer.fingerprint]), hub)
    assert hub.bodies == [b"x"]


@pytest.mark.parametrize("told", [None, "", "MD5:aa", "SHA256:short", [], [7]])
def test_a_feed_without_a_host_key_is_refused(peer: SftpPeer, told: Any) -> None:
    feed = served(peer)
    options = {name: value for name, value in feed.options.items() if name != "host_key"}
    with pytest.raises(Rejected) as caught:
        sftp_poll.check(replace(feed, options=options if told is None else options | {"host_key": told}))
    assert caught.value.issues[0].place == "options.host_key"


@pytest.mark.parametrize(
    "credentials",
    [{}, {"user": "heim"}, {"password_env": "X"}, {"user": "heim", "password_env": "X", "key_file": "y"}],
)
def test_credentials_that_are_half_there_are_refused(peer: SftpPeer, credentials: dict[str, str]) -> None:
    with pytest.raises(Rejected) as caught:
        sftp_poll.check(replace(served(peer), credentials=credentials))
    assert caught.value.issues[0].place == "credentials"


def test_a_key_in_a_file_opens_the_door(peer: SftpPeer, folder: Path, tmp_path: Path) -> None:
    (folder / "a.csv").write_bytes(b"x")
    (tmp_path / "key").write_text(peer.key)
    hub = Hub()
    run(replace(served(peer), credentials={"user": "heim", "key_file": str(tmp_path / "key")}), hub)
    assert hub.bodies == [b"x"]
    (tmp_path / "key").write_text("no key")
    error = refused(replace(served(peer), credentials={"user": "heim", "key_file": str(tmp_path / "key")}), hub)
    assert "a private SSH key" in error.issues[0].text_en
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    error = refused(
        replace(served(peer), credentials={"user": "heim", "key_env": "KEY"}), hub, environment={"KEY": other}
    )
    assert error.issues[0].code == "peer-refused"


def test_taken_files_are_moved_where_the_feed_says_so(peer: SftpPeer, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"x")
    hub = Hub()
    one = run(served(peer, move_to="done"), hub)
    assert (folder / "done/000001-a.csv").read_bytes() == b"x"
    # Lost before it was moved, as by a crash: the same message, the same receipt.
    (folder / "done/000001-a.csv").rename(folder / "a.csv")
    run(served(peer, move_to="done"), hub, one.memory)
    assert len(hub.delivered) == 1
    shutil.copy2(folder / "done/000001-a.csv", folder / "a.csv")
    error = refused(served(peer, move_to="done"), hub)
    assert "could not be moved" in error.issues[0].text_en
    assert len(hub.delivered) == 1


def test_what_is_gone_is_not_remembered_and_what_is_written_anew_is_taken(peer: SftpPeer, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"x")
    hub = Hub()
    memory = run(served(peer), hub).memory
    assert len(memory["taken"]) == 1
    assert "a.csv" not in json.dumps(memory)
    (folder / "a.csv").write_bytes(b"x")
    os.utime(folder / "a.csv", (5, 5))
    memory = run(served(peer), hub, memory).memory
    assert len(hub.delivered) == 2
    (folder / "a.csv").unlink()
    assert run(served(peer), hub, memory).memory == {"taken": {}}


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = SftpPeer(port=silent.getsockname()[1], folder=Path(), fingerprint="SHA256:" + "A" * 43, key="")
        started = time.monotonic()
        error = refused(served(told), Hub(), seconds=0.4)
    assert time.monotonic() - started < 1
    assert isinstance(error, Retriable)
    assert error.issues[0].code == "peer-too-slow"


SSHD = shutil.which("sshd") or next((path for path in ("/usr/sbin/sshd",) if Path(path).exists()), None)


@pytest.mark.skipif(SSHD is None, reason="OpenSSH's sshd is not installed: its SFTP is not shown")
def test_openssh_is_read_like_any_other(folder: Path, tmp_path: Path) -> None:
    assert SSHD is not None
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host_key.write_private_key(str(tmp_path / "host"))
    (tmp_path / "host").chmod(0o600)
    (tmp_path / "authorized").write_bytes(user_key.export_public_key())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/authorized\n"
        f"StrictModes no\nUsePAM yes\nPidFile none\nSubsystem sftp internal-sftp\n"
    )
    checked = subprocess.run([SSHD, "-t", "-f", str(tmp_path / "config")], capture_output=True, text=True, check=False)
    if checked.returncode:
        pytest.skip(f"OpenSSH's sshd does not run for this user: {checked.stderr.strip()}")
    (folder / "a.csv").write_bytes(b"x")
    with subprocess.Popen([SSHD, "-D", "-e", "-f", str(tmp_path / "config")], stderr=subprocess.DEVNULL) as server:
        try:
            hub = Hub()
            told = SftpPeer(port=port, folder=folder, fingerprint=host_key.get_fingerprint(), key="")
            feed = replace(
                served(told, move_to="done"),
                address=f"sftp://127.0.0.1:{port}{folder}",
                credentials={"user": getpass.getuser(), "key_env": "KEY"},
            )
            for _ in range(50):
                try:
                    run(feed, hub, environment={"KEY": user_key.export_private_key().decode()})
                    break
                except Retriable:
                    time.sleep(0.1)
        finally:
            server.terminate()
    assert hub.bodies == [b"x"]
    assert (folder / "done/000001-a.csv").exists()
