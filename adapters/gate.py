"""The one gate of every connection that the program opens: where to it may lead, and that it leads there.

A name is resolved once; each of its addresses is checked, and the connection goes to a checked one (so a name that
resolves to another address a moment later gains nothing), while Host and SNI keep the name. Kinds of addresses:
https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry.
"""

import contextlib
import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from mappings.errors import Issue, Rejected, Retriable

__all__ = [
    "PORTS",
    "SECONDS",
    "Deadline",
    "Gate",
    "Resolve",
    "Target",
    "broken_off",
    "refuse_stated",
    "system_addresses",
    "target",
]

SECONDS = 120.0
"""How long one exchange may take altogether, from the name's resolution to the last byte."""
PORTS = {"http": 80, "https": 443, "sftp": 22, "smtp": 25, "smtps": 465, "submission": 587}
"""The schemes that may leave, and their own ports; besides these only ports that no system service has (RFC 6335)."""
_UNENCRYPTED = ("http", "smtp")
_FREE_PORTS = range(1024, 65536)
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_LONGEST_HOST = 253
_AS_IT_IS = "%/:=&?~+!$,;'@()*[]"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host's name, as text; raises OSError where there are none."""

_METADATA = tuple(
    ipaddress.ip_address(one) for one in ("100.100.100.200", "168.63.129.16", "169.254.169.254", "fd00:ec2::254")
)
"""Where clouds tell a machine its secrets; not all of them are link-local."""
_WITH_IPV4_INSIDE = (
    (ipaddress.ip_network("64:ff9b::/96"), 0),
    (ipaddress.ip_network("64:ff9b:1::/48"), 0),
    (ipaddress.ip_network("::/96"), 0),
    (ipaddress.ip_network("2002::/16"), 80),
)
"""IPv6 networks that lead to the IPv4 address in them (RFC 6052, RFC 8215, RFC 4291, RFC 3056): how far from the right
it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a connection is to lead; `private` where its operator allows that this is the own network."""

    scheme: str
    host: str
    port: int
    path: str = "/"
    private: bool = False

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials are bound to (https://www.rfc-editor.org/rfc/rfc6454#section-4)."""
        return self.scheme, self.host, self.port


class Deadline:
    """A moment until which an exchange must have ended."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._until = time.monotonic() + seconds
        self._seconds = seconds

    @property
    def left(self) -> float:
        """Seconds until then; raises `Retriable` where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise self.missed()
        return left

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self._until

    def missed(self) -> Retriable:
        """What is said when it passed."""
        return Retriable(
            Issue(
                code="peer-too-slow",
                fhir_code="timeout",
                place="address",
                text_de=f"die Gegenstelle war nach {self._seconds:g} Sekunden nicht fertig; wird erneut versucht",
                text_en=f"the other side had not finished after {self._seconds:g} seconds; it is tried again",
            )
        )


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses that the machine's resolver gives."""
    return tuple(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class Gate:
    """Opens connections; nothing else in the program does (`tests/adapters/test_gate.py`)."""

    def __init__(self, resolve: Resolve = system_addresses) -> None:
        self._resolve = resolve
        self._open: set[socket.socket] = set()

    def addresses(self, to: Target, deadline: Deadline) -> tuple[str, ...]:
        """The addresses of a target, each of them checked.

        Raises `Rejected` where one of them may not be reached, `Retriable` where the name has none just now.
        """
        found: list[Sequence[str]] = []
        # A resolver may take longer than there is time, and cannot be interrupted.
        asking = threading.Thread(target=self._ask, args=(to, found), daemon=True)
        asking.start()
        asking.join(deadline.left)
        if asking.is_alive():
            raise deadline.missed()
        if not found or not found[0]:
            raise _unresolved(to)
        for text in found[0]:
            if (why := _refused(_address(text), private=to.private)) is not None:
                raise Rejected(why)
        return tuple(found[0])

    def _ask(self, to: Target, found: list[Sequence[str]]) -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.append(self._resolve(to.host, to.port))

    def connect(self, to: Target, deadline: Deadline) -> socket.socket:
        """A socket connected to the first address of the target that answers; raises `Rejected` and `Retriable`."""
        for text in self.addresses(to, deadline):
            family = socket.AF_INET6 if ":" in text else socket.AF_INET
            made = socket.socket(family, socket.SOCK_STREAM)
            try:
                made.settimeout(deadline.left)
                made.connect((text, to.port))
            except OSError:
                made.close()
                if deadline.passed:
                    raise deadline.missed() from None
            except BaseException:
                made.close()
                raise
            else:
                return made
        raise _unanswered(to)

    @contextlib.contextmanager
    def cutting(self, connected: socket.socket, deadline: Deadline) -> Iterator[None]:
        """Shut a socket down when the deadline passes, or the gate is closed; whoever reads it then reads its end.

        A read's own timeout would start again with each byte that a peer drips.
        """
        # A descriptor of its own: who closes the other at the same moment, or wraps it in TLS, does not meet us.
        same = connected.dup()
        self._open.add(same)
        timer = threading.Timer(deadline.left, _cut, (same,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self._open.discard(same)
            same.close()

    def close(self) -> None:
        """Cut what is open: whoever waits for a peer ends at once."""
        for one in tuple(self._open):
            _cut(one)


def target(
    url: str, *, schemes: Sequence[str], private: bool = False, unencrypted: bool = False, place: str = "address"
) -> Target:
    """Where a URL leads; raises `Rejected` for a scheme, port, host or form of it that may not leave.

    Without encryption one goes only where `unencrypted` says so, and to loopback.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts)
    except ValueError:
        parts, port, host = SplitResult("", "", "", "", ""), None, ""
    expected = ", ".join(f"{one}://…" for one in schemes)
    if parts.scheme not in schemes or not host or not url.isprintable() or " " in url or "\\" in url:
        raise _wrong(place, f"erwartet wird eine Adresse {expected}", f"expected an address {expected}")
    if parts.username is not None or parts.password is not None:
        raise _wrong(
            place,
            "Zugangsdaten stehen nie in der Adresse; sie gehören unter credentials",
            "credentials never stand in the address; they belong under credentials",
        )
    if parts.fragment:
        raise _wrong(place, "eine Adresse ohne „#…“", "expected an address without '#…'")
    port = PORTS[parts.scheme] if port is None else port
    if port != PORTS[parts.scheme] and port not in _FREE_PORTS:
        own = PORTS[parts.scheme]
        raise _wrong(
            place,
            f"erwartet wird der Port {own} oder einer von {_FREE_PORTS.start} bis {_FREE_PORTS.stop - 1}",
            f"expected the port {own}, or one from {_FREE_PORTS.start} to {_FREE_PORTS.stop - 1}",
        )
    if parts.scheme in _UNENCRYPTED and not unencrypted and not _is_loopback(host):
        raise _wrong(
            place,
            "unverschlüsselt nur, wo „unencrypted: true“ es erlaubt; besser eine Adresse https://…",
            "unencrypted only where 'unencrypted: true' allows it; better an address https://…",
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme=parts.scheme, host=host, port=port, path=quote(path, safe=_AS_IT_IS), private=private)


def refuse_stated(to: Target) -> None:
    """Raises `Rejected` where the address itself, no name, is one that no connection may lead to."""
    try:
        stated = _address("127.0.0.1" if to.host == "localhost" else to.host)
    except ValueError:
        return
    if (issue := _refused(stated, private=to.private)) is not None:
        raise Rejected(issue)


def _host(parts: SplitResult) -> str:
    """The host in the form that DNS, Host and SNI have; blank for what is none."""
    host = parts.hostname or ""
    if ":" in host:
        return str(ipaddress.IPv6Address(host)) if "%" not in host else ""
    host = host if host.isascii() else host.encode("idna").decode("ascii")
    return host if len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _leading_to(address: Address) -> Address:
    """The address that packets end at: IPv6 has several forms of an IPv4 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.teredo is not None:
        return address.teredo[1]
    if address.is_loopback or address.is_unspecified:
        return address
    for network, shift in _WITH_IPV4_INSIDE:
        if address in network:
            return ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return address


def _refused(address: Address, *, private: bool) -> Issue | None:
    """Why no connection may lead to an address, None where it may."""
    for one in {address, _leading_to(address)}:
        if (
            one in _METADATA
            or one.is_link_local
            or one.is_multicast
            or one.is_unspecified
            or (one.is_reserved and isinstance(one, ipaddress.IPv4Address))
        ):
            return Issue(
                code="address-refused",
                fhir_code="security",
                place="address",
                text_de="der Name führt zu einer Adresse, die nie gemeint ist (link-local, Metadaten, Multicast); "
                "die Adresse berichtigen",
                text_en="the name leads to an address that can never be meant (link-local, metadata, multicast); "
                "correct the address",
            )
    end = _leading_to(address)
    if not private and not end.is_global:
        return Issue(
            code="address-private",
            fhir_code="security",
            place="address",
            text_de="der Name führt in ein eigenes Netz; wenn das gewollt ist, „private: true“ sagen",
            text_en="the name leads into a private network; where that is intended, say 'private: true'",
        )
    return None


def broken_off(error: Exception) -> Retriable:
    """A connection that ended before its time, by what its library raised."""
    return Retriable(
        Issue(
            code="peer-broken-off",
            fhir_code="transient",
            place="address",
            text_de=f"die Verbindung brach ab ({type(error).__name__}); wird erneut versucht",
            text_en=f"the connection broke off ({type(error).__name__}); it is tried again",
        )
    )


def _wrong(place: str, german: str, english: str) -> Rejected:
    return Rejected(Issue(code="address", place=place, text_de=german, text_en=english))


def _unresolved(to: Target) -> Retriable:
    return Retriable(
        Issue(
            code="peer-unknown",
            fhir_code="transient",
            place="address",
            text_de=f"der Name {to.host} hat keine Adresse; Schreibweise und DNS prüfen; wird erneut versucht",
            text_en=f"the name {to.host} has no address; check its spelling and DNS; it is tried again",
        )
    )


def _unanswered(to: Target) -> Retriable:
    return Retriable(
        Issue(
            code="peer-unreachable",
            fhir_code="transient",
            place="address",
            text_de=f"{to.host}, Port {to.port}, nimmt keine Verbindung an; wird erneut versucht",
            text_en=f"{to.host}, port {to.port}, takes no connection; it is tried again",
        )
    )
