"""GET through the gate, from real servers that answer as servers do, and as some should not."""

import gzip
import http.server
import json
import os
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.gate import Deadline, Gate, Target, target
from adapters.http_get import Got, get
from mappings.errors import PlatzfreiError, Rejected, Retriable
from tests.conftest import NOW, Clock
from tests.peers import Answer, gzip_of_zeros, http_peer, raw_peer


def got(url: str, *, gate: Gate | None = None, seconds: float = 10, **more: object) -> Got:
    to = target(url, schemes=("https", "http"), private=True)
    return get(gate or Gate(), to, clock=Clock(), deadline=Deadline(seconds), **more)  # type: ignore[arg-type]


def fetched(answer: Answer, **more: object) -> Got:
    with http_peer(lambda _path, _headers: answer) as peer:
        return got(f"{peer.address}/x?y=1", **more)  # type: ignore[arg-type]


def refused(answer: Answer, **more: object) -> PlatzfreiError:
    with pytest.raises(PlatzfreiError) as caught:
        fetched(answer, **more)
    assert caught.value.issues[0].text_de
    return caught.value


def test_a_body_comes_as_it_is_and_gzip_unpacked() -> None:
    table = b"a;b\r\n" * 1000
    assert fetched(Answer(body=table)).body == table
    assert fetched(Answer(body=gzip.compress(table), headers={"Content-Encoding": "gzip"})).body == table


def test_who_asks_says_what_it_takes_and_host_and_path_are_the_addresss() -> None:
    with http_peer(lambda _path, _headers: Answer(headers={"ETag": '"1"'})) as peer:
        gate = Gate(lambda _host, _port: ["127.0.0.1"])
        to = Target(scheme="http", host="kis.example", port=peer.port, path="/x?y=1", private=True)
        told = get(gate, to, clock=Clock(), deadline=Deadline(5), headers={"If-None-Match": '"0"'})
        (path, headers), *more = peer.requests
    assert not more
    assert path == "/x?y=1"
    assert headers["host"] == f"kis.example:{peer.port}"
    assert headers["if-none-match"] == '"0"'
    assert headers["accept-encoding"] == "gzip"
    assert told.headers["etag"] == '"1"'


def test_nothing_new_is_no_body() -> None:
    assert fetched(Answer(status=304)).body is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["127.0.0.1", "169.254.169.254"])
def test_redirects_are_not_followed(status: int, where: str) -> None:
    with http_peer(lambda _path, _headers: Answer(body=b"secret")) as inside:
        location = f"http://{where}:{inside.port}/latest/meta-data"
        error = refused(Answer(status=status, headers={"Location": location}))
        assert inside.requests == []
    assert error.issues[0].code == "peer-moved"
    assert f"HTTP {status}" in error.issues[0].text_en


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Rejected, "peer-status"),
        (401, Rejected, "peer-refused"),
        (403, Rejected, "peer-refused"),
        (404, Rejected, "peer-status"),
        (206, Rejected, "peer-status"),
        (204, Rejected, "peer-status"),
        (429, Retriable, "peer-busy"),
        (500, Retriable, "peer-busy"),
        (503, Retriable, "peer-busy"),
    ],
)
def test_a_status_says_who_acts(status: int, kind: type[PlatzfreiError], code: str) -> None:
    error = refused(Answer(status=status, body=b"" if status == 204 else b"patient Canaria"))
    assert type(error) is kind
    assert error.issues[0].code == code
    assert "Canaria" not in str(error)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", "120"),
        ((NOW + timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT"), "300"),
        ((NOW - timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT"), "0"),
        ("999999999", "86400"),
        ("soon", None),
        ("9" * 5000, None),
        ("²", None),
    ],
)
def test_retry_after_is_told_in_seconds(told: str, seconds: str | None) -> None:
    if not told.isascii():
        told = told.encode().decode("latin-1")
    error = refused(Answer(status=503, headers={"Retry-After": told}))
    assert error.headers.get("Retry-After") == seconds


def test_a_body_is_cut_at_its_cap_whether_its_length_is_told_or_not() -> None:
    assert refused(Answer(body=b"x" * 1001), bytes_max=1000).issues[0].code == "too-large"
    assert fetched(Answer(body=b"x" * 1000), bytes_max=1000).body == b"x" * 1000

    def endless(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connected.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")

    with raw_peer(endless) as port, pytest.raises(Rejected) as caught:
        got(f"http://127.0.0.1:{port}/", bytes_max=100_000)
    assert caught.value.issues[0].code == "too-large"


def test_an_answer_whose_end_could_not_be_told_from_a_cut_is_refused() -> None:
    def say(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.0 200 OK\r\n\r\na;b\r\n1;2\r\n")

    with raw_peer(say) as port, pytest.raises(Rejected) as caught:
        got(f"http://127.0.0.1:{port}/")
    assert caught.value.issues[0].code == "peer-length"


def test_ten_gigabytes_in_ten_megabytes_of_gzip_are_refused_in_little_memory() -> None:
    bomb = gzip_of_zeros(10 << 30)
    assert len(bomb) < 11 << 20
    assert len(zlib.decompressobj(31).decompress(gzip_of_zeros(1 << 25))) == 1 << 25
    with http_peer(lambda _path, _headers: Answer(body=bomb, headers={"Content-Encoding": "gzip"})) as peer:
        tracemalloc.start()
        try:
            with pytest.raises(Rejected) as caught:
                got(peer.address)
            assert tracemalloc.get_traced_memory()[1] < 32 << 20
        finally:
            tracemalloc.stop()
    assert caught.value.issues[0].code == "too-large"


def test_tables_compress_well_and_are_taken() -> None:
    table = b"".join(b"%d;Haus am Moor;49661;Cloppenburg;KZP;12;2\r\n" % number for number in range(100_000))
    assert fetched(Answer(body=gzip.compress(table, 9), headers={"Content-Encoding": "gzip"})).body == table


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
def test_other_compressions_are_refused(encoding: str) -> None:
    error = refused(Answer(body=b"x", headers={"Content-Encoding": encoding}))
    assert error.issues[0].code == "peer-encoding"


def test_what_says_gzip_and_is_none_is_refused() -> None:
    assert refused(Answer(body=b"a;b\r\n", headers={"Content-Encoding": "gzip"})).issues[0].code == "gzip"


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n" + gzip.compress(b"x" * 99)[:15],
        b"HTTP/1.1 20",
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=["length", "chunk", "chunk-size", "gzip", "status", "nothing", "ssh", "headers", "header"],
)
def test_half_an_answer_is_none(said: bytes) -> None:
    def say(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(said)

    with raw_peer(say) as port, pytest.raises(Retriable) as caught:
        got(f"http://127.0.0.1:{port}/")
    assert caught.value.issues[0].code == "peer-broken-off"


@pytest.mark.parametrize("drips", ["body", "headers", "silence"])
def test_who_drips_is_cut_at_the_deadline(drips: str) -> None:
    """F2: the answer comes within the deadline and 200 ms."""

    def drip(connected: socket.socket) -> None:
        connected.recv(1000)
        connected.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 9999\r\n\r\n" if drips == "body" else b"X: "))
        while True:
            time.sleep(0.02)
            if drips != "silence":
                connected.sendall(b"x")

    with raw_peer(drip) as port:
        started = time.monotonic()
        with pytest.raises(Retriable) as caught:
            got(f"http://127.0.0.1:{port}/", seconds=0.5)
    assert time.monotonic() - started < 0.7
    assert caught.value.issues[0].code == "peer-too-slow"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and key for kis.example that no system trusts, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kis.example")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("kis.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "kis.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def https_port(certificate: Path) -> Iterator[tuple[int, list[str]]]:
    """An HTTPS server, and the names that its clients asked for (SNI)."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = json.dumps(self.headers["Host"]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_arguments: object) -> None:
            """Nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


def test_tls_is_with_the_name_though_the_connection_goes_to_the_address(
    https_port: tuple[int, list[str]], certificate: Path
) -> None:
    port, asked = https_port
    gate = Gate(lambda _host, _port: ["127.0.0.1"])
    told = got(f"https://kis.example:{port}/", gate=gate, authorities=certificate)
    assert told.body == f'"kis.example:{port}"'.encode()
    assert asked == ["kis.example"]
    # A certificate of another name, and one that nobody trusts.
    for url, authorities in ((f"https://other.example:{port}/", certificate), (f"https://kis.example:{port}/", None)):
        with pytest.raises(Rejected) as caught:
            got(url, gate=gate, authorities=authorities)
        assert caught.value.issues[0].code == "peer-certificate"


def test_authorities_that_are_no_file_of_certificates_are_told() -> None:
    with pytest.raises(Rejected) as caught:
        got("https://kis.example/", authorities=Path(os.devnull))
    assert caught.value.issues[0].place == "options.authorities"
