"""The feeds of a hub: one YAML file each in the operator's folder `feeds/`, named by the file.

source: csv-long                       # whose deliveries these are: a name that `platzfrei sources` lists
transport: sftp_poll                   # a module of `adapters/transport/`
address: sftp://sftp.example.org/out
every: 15m                             # 30s, 15m, 24h or 7d
credentials: {user: heim, key_file: /etc/platzfrei/heim}
options: {host_key: "SHA256:…", pattern: "*.csv"}
private: true                          # the address is one of the own network
unencrypted: true                      # others may read what comes
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from adapters import transports
from adapters.feed import Feed, all_of, unready, wrong
from hub.errors import NotFound
from mappings import yaml_document
from mappings.errors import Issue, Rejected

__all__ = ["Feeds", "holds_secret"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_EVERY = re.compile("([1-9][0-9]{0,4})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SOONEST = timedelta(seconds=5)
_LATEST = timedelta(days=31)
_KEYS = ("address", "credentials", "every", "options", "private", "source", "transport", "unencrypted")
_TEXTS = ("source", "transport", "address")
_SECRETS = frozenset({"password", "token", "key", "passphrase"})
_BYTES_MAX = 64 * 1024


class Feeds:
    """Feeds by name; one whose file is wrong is left out, and told in `problems`: it stops no other."""

    def __init__(self, folder: Path, sources: Collection[str]) -> None:
        self.folder = folder
        self._feeds: dict[str, Feed] = {}
        problems: list[Issue] = []
        for path in sorted(folder.glob("*.yaml")):
            try:
                self._feeds[path.stem] = _loaded(path, sources)
            except Rejected as error:
                problems += (
                    replace(issue, place=f"feeds/{path.name}: {issue.place}".removesuffix(": "))
                    for issue in error.issues
                )
        self.problems = tuple(problems)

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._feeds.values())

    def unready(self, environment: Mapping[str, str]) -> tuple[Issue, ...]:
        """What the feeds need of this machine and do not find now: folders, secrets."""
        found: list[Issue] = []
        for feed in self:
            issues = list(unready(feed, environment))
            try:
                transports.named(feed.transport).check_here(feed)
            except Rejected as error:
                issues += error.issues
            found += (replace(issue, place=f"feeds/{feed.name}.yaml: {issue.place}") for issue in issues)
        return tuple(found)

    def of(self, source: str) -> tuple[Feed, ...]:
        """Those that fetch deliveries of a source."""
        return tuple(feed for feed in self if feed.source == source)

    def named(self, name: str) -> Feed:
        """Raises `NotFound`, naming those that there are."""
        if name in self._feeds:
            return self._feeds[name]
        listed = ", ".join(self._feeds) or "–"
        raise NotFound(
            Issue(
                code="unknown-feed",
                fhir_code="not-found",
                text_de=f"diesen Abruf gibt es nicht; bekannt: {listed}",
                text_en=f"there is no such feed; known: {listed}",
            )
        )


def holds_secret(content: bytes) -> bool:
    """Whether the file of a feed holds a secret itself, in the place of a name: no such feed runs."""
    try:
        document = yaml_document.parse(content)
    except yaml_document.NotYaml:
        return True  # Nobody can tell.
    if not isinstance(document, dict):
        return False
    credentials, address = document.get("credentials"), document.get("address")
    in_credentials = isinstance(credentials, dict) and not _SECRETS.isdisjoint(credentials)
    return in_credentials or (isinstance(address, str) and "@" in address.partition("://")[2].partition("/")[0])


def _loaded(path: Path, sources: Collection[str]) -> Feed:
    try:
        with path.open("rb") as file:
            document = yaml_document.parse(file.read(_BYTES_MAX))
    except OSError:
        raise wrong(
            "", "eine Datei, die sich lesen lässt; Rechte prüfen", "a file that can be read; check its permissions"
        ) from None
    except yaml_document.NotYaml as error:
        place = f"line {error.line}, column {error.column}"
        raise wrong(place, f"YAML ({error.reason})", f"YAML ({error.reason})") from None
    return _feed(path.stem, document, sources)


def _feed(name: str, document: Any, sources: Collection[str]) -> Feed:
    if not _NAME.fullmatch(name):
        raise wrong(
            "",
            "ein Dateiname aus Kleinbuchstaben, Ziffern, „.“, „_“ und „-“, höchstens 63 Zeichen",
            "a file name of lower-case letters, digits, '.', '_' and '-', at most 63 characters",
        )
    if not isinstance(document, dict):
        raise wrong("", "eine Zuordnung (source: …)", "a mapping (source: …)")
    all_of(
        *(partial(_known_key, key) for key in document),
        *(partial(_text, document, key) for key in _TEXTS),
        *(partial(_flag, document, key) for key in ("private", "unencrypted")),
        lambda: _refuse_unknown("source", document.get("source"), sources),
        lambda: _refuse_unknown("transport", document.get("transport"), transports.names()),
        lambda: _every(document.get("every")),
        lambda: _credentials(document),
        lambda: _section(document, "options"),
        lambda: _check_early(name, document),
    )
    feed = _made(name, document)
    transports.named(feed.transport).check(feed)
    return feed


def _check_early(name: str, document: Mapping[str, Any]) -> None:
    """What the transport says, as if what is wrong elsewhere were mended: who mends a file wants all of it at once."""
    address, transport = document.get("address"), document.get("transport")
    if transport not in transports.names() or not isinstance(address, str) or not address.strip():
        return
    credentials, options = (
        found if isinstance(found := document.get(key), dict) else {} for key in ("credentials", "options")
    )
    mended = {
        "source": "",
        "transport": transport,
        "address": address,
        "every": "1h",
        "credentials": {f"{each}_env" if each in _SECRETS else each: "X" for each in credentials},
        "options": options,
        "private": document.get("private") is True,
        "unencrypted": document.get("unencrypted") is True,
    }
    try:
        transports.named(transport).check(_made(name, mended))
    except Rejected as error:
        # Of credentials that are wrong already nothing more is said: the names here are not the file's.
        strange = not _SECRETS.isdisjoint(credentials)
        issues = [issue for issue in error.issues if not (strange and issue.place.startswith("credentials"))]
        if issues:
            raise Rejected(*issues) from None


def _made(name: str, document: Mapping[str, Any]) -> Feed:
    return Feed(
        name=name,
        source=document["source"],
        transport=document["transport"],
        address=document["address"].strip(),
        every=_every(document["every"]),
        credentials=_credentials(document),
        options=_section(document, "options"),
        private=document.get("private", False),
        unencrypted=document.get("unencrypted", False),
    )


def _known_key(key: str) -> None:
    if key not in _KEYS:
        raise wrong(key, f"eines von {', '.join(_KEYS)}", f"one of {', '.join(_KEYS)}")


def _text(document: Mapping[str, Any], key: str) -> None:
    if not isinstance(document.get(key), str) or not document[key].strip():
        raise wrong(key, "ein Text; er fehlt oder ist keiner", "a text; it is missing or none")


def _flag(document: Mapping[str, Any], key: str) -> None:
    if not isinstance(document.get(key, False), bool):
        raise wrong(key, "true oder false", "true or false")


def _refuse_unknown(key: str, value: Any, known: Collection[str]) -> None:
    if isinstance(value, str) and value.strip() and value not in known:
        listed = ", ".join(sorted(known))
        raise wrong(key, f"eines von {listed}", f"one of {listed}")


def _every(told: Any) -> timedelta:
    match = _EVERY.fullmatch(told) if isinstance(told, str) else None
    every = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not _SOONEST <= every <= _LATEST:
        raise wrong(
            "every",
            "eine Dauer wie 30s, 15m oder 24h, von 5s bis 31d",
            "a duration like 30s, 15m or 24h, from 5s to 31d",
        )
    return every


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = document.get(key, {})
    if not isinstance(section, dict):
        raise wrong(key, "eine Zuordnung (Schlüssel: Wert)", "a mapping (key: value)")
    return section


def _credentials(document: Mapping[str, Any]) -> Mapping[str, str]:
    section = _section(document, "credentials")
    all_of(*(partial(_credential, name, value) for name, value in section.items()))
    return section


def _credential(name: str, value: Any) -> None:
    if name in _SECRETS:
        raise wrong(
            f"credentials.{name}",
            f"{name}_env (eine Umgebungsvariable) oder {name}_file (ein Pfad); das Geheimnis selbst steht nie hier",
            f"{name}_env (an environment variable) or {name}_file (a path); the secret itself never stands here",
        )
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"credentials.{name}", "ein Text", "a text")
