"""GET by HTTP through the gate: no redirects, a cap on bytes, one deadline for all of it
(https://www.rfc-editor.org/rfc/rfc9110)."""

import http.client
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType

from adapters.gate import Deadline, Gate, Target, broken_off
from conformance.formats.grouped import grouped
from mappings.errors import Issue, Rejected, Retriable

__all__ = ["BYTES_MAX", "Got", "get"]

BYTES_MAX = 64 * 1024 * 1024
"""Of one body, unpacked."""
_PIECE = 1 << 16
_RATIO_MAX = 200
"""So many times its size may something unpack to, beyond the first MiB: tables reach a tenth of it."""
_RATIO_FREE = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS
_NOT_MODIFIED = 304
_LONGEST_WAIT = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What was answered; `body` is None where nothing has changed. `headers` have lower-case names."""

    body: bytes | None
    headers: Mapping[str, str]


def get(
    gate: Gate,
    to: Target,
    *,
    clock: Callable[[], datetime],
    deadline: Deadline,
    headers: Mapping[str, str] = MappingProxyType({}),
    bytes_max: int = BYTES_MAX,
    authorities: Path | None = None,
) -> Got:
    """The answer to a GET; `authorities` is a file of certificates that is trusted in the place of the system's.

    Raises `Rejected` where an operator must act (a redirect, a wrong password, too much), `Retriable` where time may
    help, with a header `Retry-After` in seconds where the server told one. Texts repeat nothing of the body.
    """
    context = _tls(authorities) if to.scheme == "https" else None
    connection = _Connection(to, gate.connect(to, deadline), context)
    try:
        with gate.cutting(connection.pinned, deadline):
            try:
                connection.request("GET", to.path, headers=_headers(headers))
                with connection.getresponse() as response:
                    deadline.left  # noqa: B018 - headers that were cut look complete
                    if response.status != http.client.OK:
                        return _other(response, clock)
                    body = _body(response, bytes_max)
            except (OSError, http.client.HTTPException) as error:
                if deadline.passed:
                    raise deadline.missed() from None
                raise _broken_off(error) from None
    finally:
        connection.close()
    return Got(body=body, headers=_told(response))


class _Connection(http.client.HTTPConnection):
    """A connection over a socket that the gate opened: Host, SNI and the certificate are the name's."""

    def __init__(self, to: Target, pinned: socket.socket, context: ssl.SSLContext | None) -> None:
        super().__init__(to.host, to.port)
        self.default_port = 443 if context else 80
        self.pinned = pinned
        self._context = context

    def connect(self) -> None:
        self.sock = (
            self.pinned if self._context is None else self._context.wrap_socket(self.pinned, server_hostname=self.host)
        )

    def close(self) -> None:
        super().close()
        self.pinned.close()


def _tls(authorities: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(authorities) if authorities else None)
    except OSError:
        raise Rejected(
            Issue(
                code="certificates",
                place="options.authorities",
                text_de="erwartet wird eine lesbare Datei mit Zertifikaten (PEM)",
                text_en="expected a file of certificates (PEM) that can be read",
            )
        ) from None


def _headers(more: Mapping[str, str]) -> dict[str, str]:
    return {"Accept": "*/*", "Accept-Encoding": "gzip", "Connection": "close", "User-Agent": "platzfrei", **more}


def _told(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _body(response: http.client.HTTPResponse, most: int) -> bytes:
    encoding = (response.getheader("content-encoding") or "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise _rejected(
            "peer-encoding",
            "die Antwort ist anders verdichtet als gefragt; der Server muss gzip oder nichts senden",
            "the answer is compressed in another way than asked for; the server must send gzip or none",
        )
    if response.length is None and not response.chunked:
        # Where the end of the connection is the end of the body, half of it looks whole (RFC 9112, 8).
        raise _rejected(
            "peer-length",
            "der Server sagt nicht, wie lang seine Antwort ist: ob sie vollständig ist, ließe sich nicht sehen; ihn so "
            "einstellen, dass er Content-Length oder „Transfer-Encoding: chunked“ sendet",
            "the server does not say how long its answer is: whether it is whole could not be seen; set it up to send "
            "Content-Length or 'Transfer-Encoding: chunked'",
        )
    if response.length is not None and response.length > most:
        raise _too_large(most)
    unpack = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    found = bytearray()
    packed = 0
    while piece := response.read1(_PIECE):
        packed += len(piece)
        while piece:
            if unpack is None:
                found += piece
                piece = b""
            else:
                found += _unpacked(unpack, piece)
                piece = unpack.unconsumed_tail
                if unpack.unused_data:
                    raise _no_gzip()
            if len(found) > most or (len(found) > _RATIO_FREE and len(found) > packed * _RATIO_MAX):
                raise _too_large(most)
    # read1 ends quietly where a connection breaks off.
    if response.length:
        raise http.client.IncompleteRead(b"")
    if unpack is not None and not unpack.eof:
        raise http.client.IncompleteRead(b"")
    return bytes(found)


def _unpacked(unpack: "zlib._Decompress", piece: bytes) -> bytes:
    try:
        return unpack.decompress(piece, _RATIO_FREE)
    except zlib.error:
        raise _no_gzip() from None


def _no_gzip() -> Rejected:
    return _rejected(
        "gzip",
        "die Antwort ist kein gzip, obwohl sie es von sich sagt, oder danach folgt noch etwas; der Server muss sie "
        "berichtigen",
        "the answer is no gzip although it says so, or something follows it; the server must correct it",
    )


def _other(response: http.client.HTTPResponse, clock: Callable[[], datetime]) -> Got:
    """What any other status than 200 means."""
    status = response.status
    if status == _NOT_MODIFIED:
        return Got(body=None, headers=_told(response))
    if 300 <= status < 400:
        raise _rejected(
            "peer-moved",
            f"der Server verweist auf eine andere Adresse (HTTP {status}); Umleitungen wird nicht gefolgt, die neue "
            "Adresse eintragen",
            f"the server points to another address (HTTP {status}); redirects are not followed, enter the new address",
        )
    if status in (401, 403):
        raise _rejected(
            "peer-refused",
            f"der Server nimmt die Zugangsdaten nicht an (HTTP {status}); credentials prüfen",
            f"the server does not take the credentials (HTTP {status}); check credentials",
        )
    if status in (408, 425, 429) or status >= 500:
        raise Retriable(
            Issue(
                code="peer-busy",
                fhir_code="throttled" if status == 429 else "transient",
                place="address",
                text_de=f"der Server kann gerade nicht antworten (HTTP {status}); wird erneut versucht",
                text_en=f"the server cannot answer just now (HTTP {status}); it is tried again",
            ),
            headers=_retry_after(response.getheader("retry-after"), clock),
        )
    raise _rejected(
        "peer-status",
        f"unter dieser Adresse steht nichts, das sich holen lässt (HTTP {status}); Adresse prüfen",
        f"there is nothing to fetch at this address (HTTP {status}); check the address",
    )


def _retry_after(told: str | None, clock: Callable[[], datetime]) -> dict[str, str]:
    """Seconds, from either form of the header (https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)."""
    if told is None:
        return {}
    told = told.strip()
    if told.isascii() and told.isdigit() and len(told) < 10:
        seconds = int(told)
    else:
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return {}
        seconds = int((moment.replace(tzinfo=moment.tzinfo or UTC) - clock()).total_seconds())
    return {"Retry-After": str(min(max(seconds, 0), _LONGEST_WAIT))}


def _rejected(code: str, german: str, english: str) -> Rejected:
    return Rejected(Issue(code=code, fhir_code="processing", place="address", text_de=german, text_en=english))


def _too_large(most: int) -> Rejected:
    return _rejected(
        "too-large",
        f"mehr als {grouped(most)} Bytes, oder dichter verdichtet, als Tabellen sind; die Lieferung teilen",
        f"more than {most:,} bytes, or compressed more than tables are; divide the delivery",
    )


def _broken_off(error: Exception) -> Retriable | Rejected:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _rejected(
            "peer-certificate",
            f"dem Zertifikat des Servers ist nicht zu trauen ({error.verify_message}); Zertifikat erneuern, oder die "
            "eigene Zertifizierungsstelle als options.authorities angeben",
            f"the server's certificate is not to be trusted ({error.verify_message}); renew it, or name your own "
            "authority as options.authorities",
        )
    return broken_off(error)
