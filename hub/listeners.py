"""The MLLP listeners that an operator declares, one file each in `listeners/` beside the database.

source: kis-heidesee            # a source map of the format hl7v2_adt
port: 2575
host: 127.0.0.1                 # another address only with tls: and clients:
tls:
  certificate: server.pem       # files beside this one, or with their whole path
  key: server.key
  clients: hospital-ca.pem      # who signs the certificates that clients must show
  names: [kis.heidesee.example] # the names these must bear; left out: any that is signed
senders: ["KIS|KH-HEIDESEE"]    # MSH-3|MSH-4; left out: any
processing: [P]                 # MSH-11
answers: {content: AE, refusal: AR}
limits: {largest_bytes: 1048576, frame_seconds: 15, idle_seconds: 3600, connections: 32}
"""

import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.reply.hl7v2_ack import Code, Policy
from adapters.transport.mllp import Limits, Senders
from hub.sources import Sources
from mappings import yaml_document
from mappings.errors import Issue

__all__ = ["FORMAT", "Listener", "Listeners"]

FORMAT = "hl7v2_adt"
"""The format of what comes by MLLP."""

_KEYS = ("source", "host", "port", "tls", "senders", "processing", "answers", "limits")
_TLS_KEYS = ("certificate", "key", "clients", "names")
_LIMITS = {"largest_bytes": "largest", "frame_seconds": "frame", "idle_seconds": "idle", "connections": "connections"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One address, and whose messages are taken there."""

    name: str
    source: str
    host: str
    port: int
    tls: ssl.SSLContext | None
    limits: Limits
    senders: Senders
    policy: Policy


class Listeners(Sequence[Listener]):
    """The listeners of a folder, by the names of their files."""

    def __init__(self, folder: Path, sources: Sources) -> None:
        """A file that is wrong is left out, and told in `problems`: it stops no other listener."""
        self.folder = folder
        found: list[Listener] = []
        problems: list[Issue] = []
        taken: dict[tuple[str, int], str] = {}
        for path in sorted(folder.glob("*.yaml")):
            reading = _Reading(path, sources)
            one = reading.listener()
            if one is not None and (one.host, one.port) in taken and one.port:
                other = taken[one.host, one.port]
                reading.wrong("port", f"ein anderer als der von {other}", f"another than that of {other}")
            if one is None or reading.issues:
                problems.extend(reading.issues)
            else:
                taken[one.host, one.port] = path.name
                found.append(one)
        self._found = tuple(found)
        self.problems = tuple(problems)

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, at: Any) -> Any:
        return self._found[at]


class _Reading:
    """One file, with what is wrong in it."""

    def __init__(self, path: Path, sources: Sources) -> None:
        self._path = path
        self._sources = sources
        self._node: Mapping[str, Any] = {}
        self.issues: list[Issue] = []

    def wrong(self, place: str, expected_de: str, expected_en: str) -> None:
        self._note(place, f"erwartet wird {expected_de}", f"{expected_en} expected")

    def _note(self, place: str, text_de: str, text_en: str) -> None:
        self.issues.append(
            Issue(
                code="listener",
                place=f"{self._path.name}: {place}" if place else self._path.name,
                text_de=f"{text_de}; wer die Datei pflegt, berichtigt sie",
                text_en=f"{text_en}; whoever keeps the file corrects it",
                fhir_code="structure",
            )
        )

    def listener(self) -> Listener | None:
        try:
            parsed = yaml_document.parse(self._path.read_bytes())
        except (OSError, yaml_document.NotYaml):
            parsed = None
        if not isinstance(parsed, dict):
            self.wrong("", "eine lesbare YAML-Datei mit Schlüsseln", "a readable YAML file with keys")
            return None
        self._node = parsed
        self._only(parsed, _KEYS, "")
        host, tls = self._host(), self._mapping("tls")
        names = self._texts(tls.get("names"), "tls.names")
        if names and "clients" not in tls:
            self.wrong("tls.clients", "die Stelle, die die Zertifikate zu names: signiert", "who signs those of names:")
        port = parsed.get("port")
        if type(port) is not int or not 0 <= port <= 65535:
            self.wrong("port", "ein Port von 1 bis 65535", "a port from 1 to 65535")
            port = 0
        made = Listener(
            name=self._path.stem,
            source=self._source(),
            host=host,
            port=port,
            tls=self._context(tls, host),
            limits=self._limits(),
            senders=Senders(
                names=self._senders(),
                certificates=frozenset(names),
                processing=self._processing(),
            ),
            policy=self._policy(),
        )
        return None if self.issues else made

    def _source(self) -> str:
        told = self._node.get("source")
        known = {one.name: one.format for one in self._sources}
        if not isinstance(told, str) or known.get(told) != FORMAT:
            listed = ", ".join(name for name, its_format in sorted(known.items()) if its_format == FORMAT)
            self.wrong("source", f"eine Quelle des Formats {FORMAT}: {listed}", f"a source of {FORMAT}: {listed}")
        return str(told)

    def _host(self) -> str:
        told = self._node.get("host", "127.0.0.1")
        try:
            return str(ipaddress.ip_address(told))
        except ValueError:
            self.wrong("host", "eine IP-Adresse dieses Rechners", "an IP address of this machine")
            return "127.0.0.1"

    def _context(self, tls: Mapping[str, Any], host: str) -> ssl.SSLContext | None:
        self._only(tls, _TLS_KEYS, "tls.")
        if not ipaddress.ip_address(host).is_loopback and "clients" not in tls:
            # Whoever reaches the port could move a census: the network does not say who that is.
            self.wrong(
                "tls.clients",
                "außerhalb dieses Rechners TLS mit Zertifikaten der Sender",
                "off this machine TLS with certificates of the senders",
            )
        if not tls:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        certificate, key = self._file(tls, "certificate"), self._file(tls, "key")
        if certificate and key:
            try:
                context.load_cert_chain(certificate, key, password="")
            except (OSError, ValueError):
                self.wrong(
                    "tls.key",
                    "ein PEM-Zertifikat und sein Schlüssel ohne Kennwort",
                    "a PEM certificate and its key without a passphrase",
                )
        if "clients" in tls and (clients := self._file(tls, "clients")):
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(clients)
            except (OSError, ValueError):
                self.wrong("tls.clients", "eine Datei mit PEM-Zertifikaten", "a file of PEM certificates")
        return context

    def _file(self, tls: Mapping[str, Any], key: str) -> Path | None:
        told = tls.get(key)
        path = self._path.parent / told if isinstance(told, str) and told else None
        if path is None or not path.is_file():
            self.wrong(f"tls.{key}", "der Name einer Datei, die es gibt", "the name of a file that exists")
            return None
        return path

    def _senders(self) -> frozenset[str]:
        told = self._texts(self._node.get("senders"), "senders")
        if any(one.count("|") != 1 for one in told):
            self.wrong("senders", "MSH-3|MSH-4, etwa KIS|KH-HEIDESEE", "MSH-3|MSH-4 such as KIS|KH-HEIDESEE")
        return frozenset(told)

    def _processing(self) -> frozenset[str]:
        told = frozenset(self._texts(self._node.get("processing"), "processing")) or Senders().processing
        if not told <= {"P", "T", "D"}:
            self.wrong("processing", "P, T oder D (Tabelle 0103)", "P, T or D (table 0103)")
        return told

    def _policy(self) -> Policy:
        told = self._mapping("answers")
        self._only(told, ("content", "refusal"), "answers.")
        for key, value in told.items():
            if value not in (Code.ERROR.value, Code.REFUSED.value):
                self.wrong(f"answers.{key}", "AE oder AR", "AE or AR")
                return Policy()
        return Policy(
            content=Code(told.get("content", Code.ERROR.value)), refusal=Code(told.get("refusal", Code.REFUSED.value))
        )

    def _limits(self) -> Limits:
        told = self._mapping("limits")
        self._only(told, tuple(_LIMITS), "limits.")
        for key, value in told.items():
            if type(value) is not int or value < 1:
                self.wrong(f"limits.{key}", "eine ganze Zahl größer als 0", "a whole number greater than 0")
                return Limits()
        return Limits(**{_LIMITS[key]: value for key, value in told.items() if key in _LIMITS})

    def _mapping(self, key: str) -> Mapping[str, Any]:
        told = self._node.get(key)
        if told is None:
            return {}
        if not isinstance(told, dict) or not told:
            self.wrong(key, "eine Zuordnung (Schlüssel: Wert)", "a mapping (key: value)")
            return {}
        return told

    def _texts(self, told: Any, place: str) -> tuple[str, ...]:
        if told is None:
            return ()
        if not isinstance(told, list) or not told or not all(isinstance(one, str) and one for one in told):
            self.wrong(place, "eine Liste von Texten", "a list of texts")
            return ()
        return tuple(told)

    def _only(self, node: Mapping[str, Any], known: Sequence[str], above: str) -> None:
        listed = ", ".join(known)
        for key in node:
            if key not in known:
                german, english = (
                    f"das gibt es hier nicht; es gibt {listed}",
                    f"there is no such key; there are {listed}",
                )
                self._note(f"{above}{key}", german, english)
