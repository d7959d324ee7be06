"""Files in a folder of an SFTP server: what is complete and new is taken, and remembered or moved there.

https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02, as OpenSSH speaks it. The server shows that it is
the one that is meant by its host key's fingerprint; nothing of the machine's own SSH settings or keys is used.
"""

import asyncio
import hashlib
import os
import posixpath
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import asyncssh

from adapters.feed import Feed, Round, all_of, only, secret, wrong
from adapters.files_at_rest import FILES_MAX, at_rest, pattern, settle, wanted
from adapters.gate import Deadline, Target, broken_off, refuse_stated, target
from adapters.http_get import BYTES_MAX
from conformance.formats.grouped import grouped
from mappings.errors import Issue, PlatzfreiError, Rejected, Retriable

__all__ = ["TRANSPORT", "check", "check_here", "fetch"]

TRANSPORT = "sftp_poll"
_CREDENTIALS = ("key_env", "key_file", "passphrase_env", "passphrase_file", "password_env", "password_file", "user")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_TAKEN = "taken"
_NAMES_MAX = 100_000
"""Of a folder: more are no exchange, and would not be remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What the protocol tells of a file: its size, and when it was written, in seconds."""

    size: int
    modified: int


def check(feed: Feed) -> None:
    """Raises `Rejected` for an address, option or credential that is none, and for a feed without a host key."""
    options = {"host_key": (str, list), "move_to": (str,), "pattern": (str,), "settle": (int,)}
    all_of(
        lambda: only(feed, options=options, credentials=_CREDENTIALS),
        lambda: refuse_stated(_where(feed)),
        lambda: _fingerprints(feed),
        lambda: _whole(feed),
        lambda: pattern(feed),
        lambda: settle(feed),
        lambda: _moved(feed),
    )


def check_here(feed: Feed) -> None:
    """Raises nothing: besides its secrets it needs nothing of this machine."""


def _whole(feed: Feed) -> None:
    told = {name.rpartition("_")[0] or name for name in feed.credentials}
    if told not in ({"user", "key"}, {"user", "key", "passphrase"}, {"user", "password"}):
        raise wrong(
            "credentials",
            "user mit key_file oder key_env (dazu passphrase_…), oder mit password_env oder password_file",
            "user with key_file or key_env (and passphrase_…), or with password_env or password_file",
        )


def _moved(feed: Feed) -> None:
    moved = str(feed.options.get("move_to", "done"))
    if not moved or moved.startswith(("/", ".")) or "/" in moved:
        raise wrong("options.move_to", "der Name eines Unterordners", "the name of a folder below")


def fetch(feed_round: Round) -> None:
    """Deliver every complete file that is new, oldest first."""
    # What waits for files to rest is no time of the server's.
    deadline = Deadline(feed_round.seconds + settle(feed_round.feed))
    connected = feed_round.gate.connect(_where(feed_round.feed), deadline)
    with connected, feed_round.gate.cutting(connected, deadline):
        try:
            asyncio.run(_fetch(feed_round, connected, deadline))
        except TimeoutError:
            raise deadline.missed() from None
        except (asyncssh.Error, OSError) as error:
            if deadline.passed:
                raise deadline.missed() from None
            raise _said(error) from None
    feed_round.end()


async def _fetch(feed_round: Round, connected: object, deadline: Deadline) -> None:
    feed, memory = feed_round.feed, feed_round.memory
    async with asyncio.timeout(deadline.left), _opened(feed_round, connected) as sftp:
        folder = unquote(_where(feed).path)
        before = await _files(sftp, folder, pattern(feed))
        # What is not there any more need not be remembered.
        there = {_hashed(name) for name in before}
        taken = {known: mark for known, mark in memory.get(_TAKEN, {}).items() if known in there}
        memory[_TAKEN] = taken
        new = {name: mark for name, mark in before.items() if taken.get(_hashed(name)) != [mark.size, mark.modified]}
        if not new:
            return
        await asyncio.sleep(settle(feed))
        now = await _files(sftp, folder, pattern(feed))
        ready = sorted(at_rest(new, now), key=lambda name: (now[name].modified, name))
        feed_round.more = len(ready) > FILES_MAX
        for name in ready[:FILES_MAX]:
            if deadline.left < feed_round.seconds / 2:
                feed_round.more = True  # To deliver takes time, too: none of it may cut a file in the middle.
                return
            await _take(feed_round, sftp, folder, name, now[name])


async def _take(feed_round: Round, sftp: asyncssh.SFTPClient, folder: str, name: str, mark: _Mark) -> None:
    path = posixpath.join(folder, name)
    try:
        body = await _content(sftp, path, mark)
    except PlatzfreiError as error:
        feed_round.failures.append(error)
        return
    if body is None:
        return  # Somebody writes it again: the next round takes it.
    receipt = feed_round.take(name, body, key=f"{name}/{mark.size}/{mark.modified}")
    if receipt is None:
        return
    if move_to := feed_round.feed.options.get("move_to"):
        away = posixpath.join(folder, move_to)
        try:
            await sftp.makedirs(away, exist_ok=True)
            await sftp.rename(path, posixpath.join(away, f"{receipt.delivery:06}-{name}"))
        except (asyncssh.SFTPFailure, asyncssh.SFTPPermissionDenied):
            feed_round.failures.append(_unmoved())
    else:
        feed_round.memory[_TAKEN][_hashed(name)] = [mark.size, mark.modified]


def _hashed(name: str) -> str:
    """What is remembered of a file's name: it may name somebody."""
    return hashlib.blake2b(os.fsencode(name), digest_size=12).hexdigest()


@asynccontextmanager
async def _opened(feed_round: Round, connected: object) -> AsyncIterator[asyncssh.SFTPClient]:
    feed = feed_round.feed
    password, key, passphrase = (secret(feed_round, name) for name in ("password", "key", "passphrase"))
    try:
        keys = [asyncssh.import_private_key(key, passphrase)] if key is not None else None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise wrong(
            "credentials.key",
            "ein privater SSH-Schlüssel, dazu seine passphrase",
            "a private SSH key, and its passphrase",
        ) from None
    fingerprints = _fingerprints(feed)
    options = asyncssh.SSHClientConnectionOptions(
        client_factory=lambda: _Client(fingerprints),
        # Nobody is known beforehand: the fingerprints decide.
        known_hosts=([], [], []),
        username=feed.credentials["user"],
        password=password.decode() if password is not None else None,
        client_keys=keys,
        agent_path=None,
        config=None,
        x509_trusted_certs=None,
        preferred_auth="publickey" if keys else "password,keyboard-interactive",
        # The deadline is for all of it.
        connect_timeout=None,
        login_timeout=feed_round.seconds,
    )
    to = _where(feed)
    connection = await asyncssh.connect(to.host, to.port, sock=connected, config=None, options=options)
    try:
        async with connection.start_sftp_client(path_errors="surrogateescape") as sftp:
            yield sftp
    finally:
        connection.abort()


class _Client(asyncssh.SSHClient):
    """Takes the server for the one that is meant when one of the fingerprints is its host key's."""

    def __init__(self, fingerprints: tuple[str, ...]) -> None:
        self._fingerprints = fingerprints

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh calls it
        return key.get_fingerprint() in self._fingerprints


async def _files(sftp: asyncssh.SFTPClient, folder: str, told: str) -> dict[str, _Mark]:
    """The regular files of a folder whose names are wanted."""
    found: dict[str, _Mark] = {}
    count = 0
    async for entry in sftp.scandir(folder):
        count += 1
        if count > _NAMES_MAX:
            raise _refused(
                f"im Ordner liegen mehr als {grouped(_NAMES_MAX)} Dateien; ältere wegräumen",
                f"there are more than {_NAMES_MAX:,} files in the folder; put older ones away",
            )
        name, attributes = str(entry.filename), entry.attrs
        mode = attributes.permissions
        regular = stat.S_ISREG(mode) if mode is not None else attributes.type == asyncssh.FILEXFER_TYPE_REGULAR
        if regular and "/" not in name and wanted(name, told) and attributes.size is not None:
            found[name] = _Mark(size=attributes.size, modified=int(attributes.mtime or 0))
    return found


async def _content(sftp: asyncssh.SFTPClient, path: str, mark: _Mark) -> bytes | None:
    """The bytes of a file; None where it is not the one that was seen, or changes while it is read."""
    if mark.size > BYTES_MAX:
        raise _refused(
            f"eine Datei hat mehr als {grouped(BYTES_MAX)} Bytes; die Lieferung teilen",
            f"a file has more than {BYTES_MAX:,} bytes; divide the delivery",
        )
    try:
        async with sftp.open(path, "rb") as file:
            body: Any = await file.read(mark.size + 1, 0)
        told = await sftp.lstat(path)
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied) as error:
        if isinstance(error, asyncssh.SFTPNoSuchFile):
            return None
        raise _refused(
            "eine Datei darf nicht gelesen werden; Rechte prüfen", "a file may not be read; check permissions"
        ) from None
    same = len(body) == mark.size and _Mark(size=told.size or 0, modified=int(told.mtime or 0)) == mark
    return body if same else None


def _where(feed: Feed) -> Target:
    return target(feed.address, schemes=("sftp",), private=feed.private)


def _fingerprints(feed: Feed) -> tuple[str, ...]:
    told = feed.options.get("host_key", [])
    listed = [told] if isinstance(told, str) else told
    if not listed or not all(isinstance(one, str) and _FINGERPRINT.fullmatch(one) for one in listed):
        raise wrong(
            "options.host_key",
            "der Fingerabdruck des Servers, SHA256:… wie ihn „ssh-keygen -lf“ zeigt, oder eine Liste davon; vom "
            "Betreiber des Servers erfragen",
            "the server's fingerprint, SHA256:… as 'ssh-keygen -lf' shows it, or a list of them; ask who runs the "
            "server",
        )
    return tuple(listed)


def _said(error: Exception) -> Rejected | Retriable:
    """What an error of the protocol means for whoever acts."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return _refused(
            "der Server zeigt einen anderen Schlüssel als options.host_key; es wurde nichts gesendet. Hat ihn der "
            "Betreiber gewechselt, den neuen Fingerabdruck eintragen",
            "the server shows another key than options.host_key; nothing was sent. If its operator changed it, enter "
            "the new fingerprint",
            code="host-key",
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return _refused(
            "der Server nimmt die Zugangsdaten nicht an; credentials prüfen",
            "the server does not take the credentials; check credentials",
            code="peer-refused",
        )
    if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
        return _refused("diesen Ordner gibt es auf dem Server nicht", "there is no such folder on the server")
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return _refused(
            "der Server erlaubt das nicht; Rechte am Ordner (und an move_to) prüfen",
            "the server does not allow that; check the rights to the folder (and to move_to)",
        )
    return broken_off(error)


def _unmoved() -> Rejected:
    return _refused(
        "eine Datei wurde übernommen und ließ sich nicht nach options.move_to verschieben: Rechte dort prüfen, und ob "
        "dort schon eine Datei ihres Namens liegt",
        "a file was taken and could not be moved to options.move_to: check the rights there, and whether a file of its "
        "name lies there already",
    )


def _refused(german: str, english: str, *, code: str = "file") -> Rejected:
    return Rejected(Issue(code=code, fhir_code="processing", place="address", text_de=german, text_en=english))
