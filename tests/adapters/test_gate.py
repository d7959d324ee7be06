"""The gate: what may not be reached is not reached, in whatever form it is written, and nobody goes around it (S5)."""

import ast
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gate import Deadline, Gate, Target, system_addresses, target
from mappings.errors import Rejected, Retriable
from tests.peers import Answer, HttpPeer, http_peer, raw_peer

ROOT = Path(__file__).parents[2]

NEVER = [
    "0.0.0.0",  # noqa: S104 - never asked, not bound
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]


@pytest.fixture
def inside() -> Iterator[HttpPeer]:
    """A server that nobody outside is meant to reach."""
    with http_peer(lambda _path, _headers: Answer(body=b"secret")) as peer:
        yield peer


def resolving(*addresses: str) -> Gate:
    return Gate(lambda _host, _port: addresses)


def somewhere(*, private: bool = False, port: int = 443) -> Target:
    return Target(scheme="https", host="peer.example", port=port, private=private)


def code(addresses: Sequence[str], *, private: bool) -> str:
    """Why a name with these addresses is refused; blank where it is not."""
    try:
        resolving(*addresses).addresses(somewhere(private=private), Deadline(5))
    except Rejected as rejected:
        assert rejected.issues[0].text_de
        return rejected.issues[0].code
    return ""


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_reached(address: str) -> None:
    assert code([address], private=False) == "address-refused"
    assert code([address], private=True) == "address-refused"
    assert code([PUBLIC[0], address], private=True) == "address-refused"


@pytest.mark.parametrize("address", PRIVATE)
def test_the_own_network_is_reached_where_the_operator_says_so(address: str) -> None:
    assert code([address], private=False) == "address-private"
    assert code([PUBLIC[0], address], private=False) == "address-private"
    assert code([address], private=True) == ""


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert code([address], private=False) == ""


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
def test_other_ways_to_write_loopback_lead_there_and_are_refused(host: str) -> None:
    to = target(f"https://{host}:8443/", schemes=("https",))
    with pytest.raises(Rejected) as caught:
        Gate().addresses(to, Deadline(5))
    assert caught.value.issues[0].code == "address-private"


def test_a_name_that_resolves_to_another_address_a_moment_later_gains_nothing(
    inside: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding; the control is a client that looks the name up again when it connects."""

    def rebinding() -> list[str]:
        return ["127.0.0.1", "93.184.216.34"]

    answers = rebinding()
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [answers.pop()]

    # Tests reach loopback alone: the public address is refused there, and that is where it went.
    with pytest.raises(Retriable):
        Gate(resolve).connect(somewhere(port=inside.port), Deadline(5))
    assert asked == ["peer.example"]
    assert inside.requests == []

    answers = rebinding()
    assert code(resolve("peer.example", 0), private=False) == ""
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *_more: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (resolve(host, port)[0], port))],
    )
    with urllib.request.urlopen(f"http://peer.example:{inside.port}/") as control:
        assert control.read() == b"secret"
    assert len(inside.requests) == 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://peer.example/", "expected an address https://…"),
        ("file:///etc/passwd", "expected an address https://…"),
        ("https:///x", "expected an address https://…"),
        ("https://peer.example:x/", "expected an address https://…"),
        ("https://peer.example:70000/", "expected an address https://…"),
        ("https://-x.example/", "expected an address https://…"),
        ("https://a b.example/", "expected an address https://…"),
        ("https://peer.example/a\r\nHost: other", "expected an address https://…"),
        ("https://peer.example\\@other/", "expected an address https://…"),
        ("https://[fe80::1%25eth0]/", "expected an address https://…"),
        ("https://" + "a." * 130 + "example/", "expected an address https://…"),
        ("https://heim:geheim@peer.example/", "credentials never stand in the address"),
        ("https://peer.example/#x", "without '#…'"),
        ("https://peer.example:22/", "expected the port 443, or one from 1024 to 65535"),
        ("http://peer.example/", "expected an address https://…"),
    ],
)
def test_a_wrong_address_is_refused_in_words(url: str, told: str) -> None:
    with pytest.raises(Rejected) as caught:
        target(url, schemes=("https",))
    (issue,) = caught.value.issues
    assert issue.code == "address"
    assert told in issue.text_en
    assert "geheim" not in issue.text_en + issue.text_de


@given(st.text() | st.builds("https://{}".format, st.text()) | st.builds("https://a.example{}".format, st.text()))
def test_any_text_is_a_target_or_refused(url: str) -> None:
    try:
        to = target(url, schemes=("https",))
    except Rejected as rejected:
        assert rejected.issues[0].code == "address"
        return
    assert to.scheme == "https"
    assert to.host == to.host.lower()
    assert (to.host + to.path).isascii()
    assert (to.host + to.path).isprintable()
    assert " " not in to.path
    assert to.port == 443 or to.port >= 1024


def test_unencrypted_only_where_it_is_said_and_to_loopback() -> None:
    both = ("https", "http")
    with pytest.raises(Rejected, match="unencrypted"):
        target("http://peer.example/", schemes=both)
    with pytest.raises(Rejected, match="unencrypted"):
        target("http://127.0.0.1.peer.example/", schemes=both)
    assert target("http://peer.example/", schemes=both, unencrypted=True).port == 80
    assert target("http://127.0.0.1:8080/", schemes=both).origin == ("http", "127.0.0.1", 8080)
    assert target("http://[::1]/", schemes=both).host == "::1"


def test_names_and_paths_are_written_as_http_wants_them() -> None:
    to = target("https://Pflege-Börse.example/Plätze?q=ä b%20c".replace(" ", "+"), schemes=("https",))
    assert to.host == "xn--pflege-brse-yfb.example"
    assert to.path == "/Pl%C3%A4tze?q=%C3%A4+b%20c"


def test_a_resolver_that_hangs_is_given_up() -> None:
    gone = threading.Event()
    started = time.monotonic()
    with pytest.raises(Retriable) as caught:
        Gate(lambda _host, _port: [str(gone.wait(10))]).connect(somewhere(), Deadline(0.2))
    gone.set()
    assert caught.value.issues[0].code == "peer-too-slow"
    assert time.monotonic() - started < 2


def test_a_name_without_an_address_and_a_closed_port_are_told_apart() -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror

    with pytest.raises(Retriable) as caught:
        Gate(unknown).connect(somewhere(), Deadline(5))
    assert caught.value.issues[0].code == "peer-unknown"
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    with pytest.raises(Retriable) as caught:
        resolving("127.0.0.1").connect(somewhere(private=True, port=port), Deadline(5))
    assert caught.value.issues[0].code == "peer-unreachable"


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with raw_peer(lambda connected: connected.sendall(b"x")) as port:
        gate = resolving("::1", "127.0.0.1")
        with gate.connect(somewhere(private=True, port=port), Deadline(5)) as connected:
            assert connected.recv(1) == b"x"


def test_a_deadline_cuts_whoever_drips() -> None:
    """The control: a read's own timeout starts again with every byte."""

    def drip(connected: socket.socket) -> None:
        for _ in range(100):
            connected.sendall(b"x")
            time.sleep(0.02)

    with raw_peer(drip) as port:
        for cut in (True, False):
            deadline = Deadline(0.3)
            gate = resolving("127.0.0.1")
            connected = gate.connect(somewhere(private=True, port=port), deadline)
            started = time.monotonic()
            with connected:
                if cut:
                    with gate.cutting(connected, deadline):
                        while connected.recv(1):
                            pass
                else:
                    for _ in range(40):
                        assert connected.recv(1)
            assert (time.monotonic() - started < 0.6) is cut


def test_a_gate_that_closes_cuts_what_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gate = resolving("127.0.0.1")
        deadline = Deadline(30)
        with gate.connect(somewhere(private=True, port=silent.getsockname()[1]), deadline) as connected:
            threading.Timer(0.1, gate.close).start()
            started = time.monotonic()
            with gate.cutting(connected, deadline):
                assert connected.recv(1) == b""
    assert time.monotonic() - started < 5


def test_the_systems_resolver_tells_each_address_once() -> None:
    assert "127.0.0.1" in system_addresses("127.0.0.1", 80)
    assert len(set(system_addresses("localhost", 80))) == len(system_addresses("localhost", 80))


OPENS = {
    "connect",
    "connect_ex",
    "create_connection",
    "create_unix_connection",
    "open_connection",
    "open_unix_connection",
    "sock_connect",
    "urlopen",
    "urlretrieve",
}
CLIENTS = {
    "aiohttp",
    "aiosmtplib",
    "asyncssh",
    "ftplib",
    "http.client",
    "httpcore",
    "httpx",
    "imaplib",
    "paramiko",
    "poplib",
    "requests",
    "smtplib",
    "socket",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "websockets",
    "xmlrpc.client",
}
ALLOWED = {
    "adapters/gate.py": "the gate",
    "adapters/http_get.py": "http.client over a socket of the gate's; socket is a type there",
    "adapters/transport/sftp_poll.py": "asyncssh over a socket of the gate's",
    "hub/backup/sqlite_file.py": "opens a file of SQLite",
    "hub/commands/serve.py": "looks whether a port is free to listen on",
    "hub/homes/mail.py": "smtplib over a socket of the gate's",
    "hub/store/database.py": "the database's driver connects for itself",
}
"""Modules that import a client or call what connects, and why they may."""


def ways_out(source: bytes) -> set[str]:
    """The clients that a module imports and the calls in it that connect."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in CLIENTS}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            found |= names & CLIENTS
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in OPENS:
            found.add(f".{node.func.attr}()")
    return found


def test_nobody_connects_around_the_gate() -> None:
    opening = {
        path.relative_to(ROOT).as_posix()
        for package in ("adapters", "conformance", "hub", "mappings")
        for path in (ROOT / package).rglob("*.py")
        if ways_out(path.read_bytes())
    }
    assert opening == ALLOWED.keys()


@pytest.mark.parametrize(
    "planted",
    [
        "import httpx",
        "from urllib import request",
        "import urllib.request",
        "from smtplib import SMTP",
        "import asyncio\nasync def f(): await asyncio.open_connection('x', 1)",
        "def f(s): s.connect(('x', 1))",
        "async def f(loop): await loop.create_connection(f, 'x', 1)",
    ],
)
def test_a_planted_way_out_is_found(planted: str) -> None:
    assert ways_out(planted.encode())


def test_ssh_goes_over_the_gates_socket() -> None:
    (call,) = [
        node
        for node in ast.walk(ast.parse((ROOT / "adapters/transport/sftp_poll.py").read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "connect"
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "asyncssh"
    ]
    assert "sock" in {keyword.arg for keyword in call.keywords}
