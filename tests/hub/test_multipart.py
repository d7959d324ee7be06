"""Files that are uploaded by a form are taken as if they had been sent bare; what else a form holds is not kept."""

import gzip
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from hub.app import application
from hub.errors import Malformed
from hub.hub import Hub
from hub.multipart import is_multipart, uploaded
from hub.receiving import _BYTES_MAX
from mappings.errors import PlatzfreiError
from tests.hub.client import Client
from tests.hub.deliveries import csv_long, long_row
from tests.hub.test_commands import free_port

TYPE = "multipart/form-data; boundary=XX"
BODY = csv_long(long_row("a", as_of=""))


def part(content: bytes, disposition: str = 'form-data; name="file"; filename="a.csv"') -> bytes:
    return f"--XX\r\nContent-Disposition: {disposition}\r\nContent-Type: text/csv\r\n\r\n".encode() + content + b"\r\n"


END = b"--XX--\r\n"


def sent(hub: Hub, **arguments: Any) -> Any:
    return Client(hub, sandbox=True).request("POST", "/ingest/csv-long", **arguments)


def test_an_uploaded_file_is_a_delivery(hub: Hub) -> None:
    headers = {"Idempotency-Key": "1"}
    first = sent(hub, files={"file": ("plätze.csv", BODY, "text/csv")}, data={"note": "Canaria"}, headers=headers)
    assert (first.status_code, first.json()["offers"]["applied"]) == (200, 1)
    # The same message in another wrapping is the same message.
    again = sent(hub, content=BODY, headers=headers)
    assert again.json() == first.json() | {"duplicate": True}
    other = sent(hub, files={"file": ("x.csv", BODY + b"\r\n")}, headers=headers)
    assert other.status_code == 422


def test_a_compressed_form_is_unpacked_and_measured(hub: Hub) -> None:
    packed = {"Content-Type": TYPE, "Content-Encoding": "gzip"}
    assert sent(hub, content=gzip.compress(part(BODY) + END), headers=packed).status_code == 200
    bomb = gzip.compress(part(b"x" * _BYTES_MAX) + END)
    assert sent(hub, content=bomb, headers=packed).status_code == 413


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "a complete multipart/form-data message"),
        (END, "exactly one file (curl -F file=@…), there are 0"),
        (part(b"x", 'form-data; name="note"') + END, "there are 0"),
        (part(b"x") + part(b"y") + END, "there are 2; send several one by one"),
        (part(b"x"), "a complete multipart/form-data message"),
        (part(b"x")[:-2], "a complete multipart/form-data message"),
        (part(b"x").replace(b"--XX", b"--YY") + END, "a complete multipart/form-data message"),
        (b"no form", "a complete multipart/form-data message"),
        (b"--XX\r\nno header\r\n\r\nx\r\n" + END, "a complete multipart/form-data message"),
        (b"--XX\r\nX: " + b"y" * 5000 + b"\r\n\r\nx\r\n" + END, "a complete multipart/form-data message"),
        (part(b"x", 'form-data; name="note"') * 21 + END, "at most 20 parts"),
    ],
)
def test_a_wrong_form_is_refused_in_words(body: bytes, told: str) -> None:
    with pytest.raises(Malformed) as caught:
        uploaded(body, TYPE)
    (issue,) = caught.value.issues
    assert told in issue.text_en
    assert issue.code == "multipart"


@pytest.mark.parametrize("kind", ["multipart/form-data", f"multipart/form-data; boundary={'X' * 71}"])
def test_a_form_without_a_boundary_is_refused(kind: str) -> None:
    assert is_multipart(kind)
    with pytest.raises(Malformed, match="a boundary of 1 to 70"):
        uploaded(part(b"x") + END, kind)


def test_other_types_are_no_forms() -> None:
    for kind in ("", "text/csv", "application/x-www-form-urlencoded", "multipart/mixed; boundary=XX"):
        assert not is_multipart(kind)


def test_a_file_may_hold_anything_but_its_boundary() -> None:
    for content in (b"", b"\r\n--X", bytes(range(256)) * 100, b"--XX" * 1000, b"\r\n" * 50_000):
        assert uploaded(part(content) + END, TYPE) == content


@given(st.binary(max_size=300))
def test_any_bytes_are_a_file_or_refused(body: bytes) -> None:
    for told in (body, part(body) + END, part(body)[:-3] + body):
        try:
            assert isinstance(uploaded(told, TYPE), bytes)
        except PlatzfreiError as error:
            assert error.issues[0].code == "multipart"


def test_awkward_bytes_cost_no_more_than_others() -> None:
    """T11: 100 kB of each awkward character in less than 50 ms."""
    for awkward in (b"\r", b"\n", b"-", b"\r\n", b"\r\n-", b"\r\n--", b"\r\n--X", b";", b'"', b"\\", b" "):
        started = time.perf_counter()
        uploaded(part(awkward * (100_000 // len(awkward))) + END, TYPE)
        assert time.perf_counter() - started < 0.05, awkward
        started = time.perf_counter()
        is_multipart("multipart/form-data; boundary=" + awkward.decode() * (8_000 // len(awkward)))
        assert time.perf_counter() - started < 0.05, awkward


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: its forms are not shown")
def test_curl_uploads(sqlite_hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "Plätze.csv").write_bytes(BODY)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(application(sqlite_hub, sandbox=True), port=port, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        told = subprocess.run(
            ["curl", "-sS", "-F", f"file=@{tmp_path}/Plätze.csv", f"http://127.0.0.1:{port}/ingest/csv-long"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    finally:
        server.should_exit = True
        thread.join(10)
    assert '"applied":1' in told
