"""Hostile requests: each is refused with an OperationOutcome or answered rightly, soon, and the next one is served."""

import json
import logging
from collections.abc import Iterator

import httpx
import orjson
import pytest

from hub.app import application
from hub.fhir.interactions import read
from hub.hub import Hub
from tests.hub.fhir import attacks, searches
from tests.hub.fhir.hostility import CANARY, Attack, Outcome, complaints, sent
from tests.hub.fhir.served import Served, served

_EVERYDAY = 120
"""Of a group, spread over it; the soak sends them all."""
_MEGABYTE = 1 << 20
_GROWS_AT_MOST = 150 * _MEGABYTE // 1024
_HEAD = "Host: 127.0.0.1\r\nAccept: application/fhir+json\r\nContent-Type: application/fhir+json\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as one:
        yield one


def wrong(hub: Hub, told: Iterator[Attack]) -> list[str]:
    """What is amiss with the answers to attacks, and with the one after them."""
    app = application(hub, sandbox=True)
    found = []
    for one in attacks.seed():
        found += [f"{one.name}: {said}" for said in complaints(one, sent(app, one))]
    for one in told:
        found += [f"{one.name}: {said}" for said in complaints(one, sent(app, one))]
    ordinary = sent(app, Attack(name="after all that", path="/fhir/Organization/o1"))
    if ordinary.status != 200 or orjson.loads(ordinary.content)["name"] != "Haus":
        found.append("an ordinary read is not answered any more")
    return found


def some(told: Iterator[Attack]) -> Iterator[Attack]:
    every = list(told)
    yield from every[:: max(1, len(every) // _EVERYDAY)]


@pytest.mark.parametrize("group", ["bundles", "headers", "histories", "patches", "searches"])
def test_an_attack_on_the_store_is_refused_or_answered(hub: Hub, group: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert wrong(hub, some(attacks.group(group))) == []
    assert CANARY not in caplog.text


@pytest.mark.parametrize("group", ["bodies", "parameters", "paths", "terms", "xml"])
def test_an_attack_on_what_reads_it_is_refused_or_answered(
    sqlite_hub: Hub, group: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert wrong(sqlite_hub, some(attacks.group(group))) == []
    assert CANARY not in caplog.text


def test_depth_is_refused_everywhere(sqlite_hub: Hub) -> None:
    deep = ("objects 1000 deep", "unclosed 100000 deep", "extensions 60 deep")
    assert wrong(sqlite_hub, (one for one in attacks.group("bodies") if one.name.startswith(deep))) == []


def test_what_would_cost_much_is_refused_or_cheap(hub: Hub) -> None:
    assert wrong(hub, attacks.group("costly")) == []


def test_a_compressed_bomb_is_refused(sqlite_hub: Hub) -> None:
    assert wrong(sqlite_hub, attacks.group("packed")) == []


def test_a_body_of_forty_megabytes_is_refused(sqlite_hub: Hub) -> None:
    chosen = ("40 MB of brackets", "40 MB of one text", "40 MB of empty objects", "a byte too many")
    assert wrong(sqlite_hub, (one for one in attacks.group("large") if one.name in chosen)) == []


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (Outcome(status=500, headers=(), content=b"{}", seconds=0), "500"),
        (Outcome(status=400, headers=(), content=b"{}", seconds=0), "no FHIR"),
        (Outcome(status=400, headers=(), content=b"", seconds=0), "no FHIR"),
        (Outcome(status=400, headers=(), content=b'{"resourceType":"Patient"}', seconds=0), "without an"),
        (Outcome(status=400, headers=(), content=b'{"resourceType":"OperationOutcome"}', seconds=0), "issue"),
        (Outcome(status=400, headers=((b"location", b"a\r\nb"),), content=b"", seconds=0), "control character"),
        (Outcome(status=400, headers=(), content=b"", seconds=2.1), "took"),
        (Outcome(status=400, headers=(), content=b'{"resourceType":"A","a":"A123456780"}', seconds=0), "repeats"),
    ],
)
def test_what_may_not_be_is_seen(outcome: Outcome, complaint: str) -> None:
    assert any(complaint in said for said in complaints(Attack(name="control"), outcome))


def test_an_interaction_that_fails_is_seen(
    sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(read, "answer", fail)
    outcome = sent(application(sqlite_hub, sandbox=True), Attack(name="control", path="/fhir/Patient/p1"))
    assert complaints(Attack(name="control"), outcome) == ["500, expected 4xx"]
    assert "RuntimeError" in caplog.text
    assert CANARY not in caplog.text


def test_a_page_has_at_most_so_many_and_says_so(hub: Hub) -> None:
    app = application(hub, sandbox=True)
    for query in ("_count=1000000000", "_count=0000001000", "_count=20&_count=999"):
        bundle = orjson.loads(sent(app, Attack(name="count", query=query)).content)
        assert bundle["link"][0]["url"] == "http://127.0.0.1:8080/fhir/Patient?_count=100"


@pytest.mark.parametrize("host", ["a.example", "a.example:80", "127.0.0.1", "[::1]:8080", "a_b~c"])
def test_links_begin_with_the_host_that_was_asked(sqlite_hub: Hub, host: str) -> None:
    answer = sent(application(sqlite_hub, sandbox=True), Attack(name="host", headers=(("host", host),)))
    assert orjson.loads(answer.content)["link"][0]["url"].startswith(f"http://{host}/fhir/Patient?")


@pytest.mark.parametrize("host", ["", "a b", "a/b", 'a"', "a@b", "a\r\nb", "a:b", "a:123456", "[", "a,b", "é"])
def test_a_host_that_is_none_is_refused(sqlite_hub: Hub, host: str) -> None:
    app = application(sqlite_hub, sandbox=True)
    attack = Attack(name="host", method="POST", headers=(("host", host),), body=b'{"resourceType":"Patient"}')
    answer = sent(app, attack)
    assert (answer.status, complaints(attack, answer)) == (400, [])
    twice = Attack(name="host", headers=(("host", "a"), ("host", "a")))
    assert sent(app, twice).status == 400


@pytest.mark.parametrize(
    "path", ["Patient/p1", "Patient/p1/_history/1", "Patient", "metadata", "Patient/p1/_history", "Patient/absent", "x"]
)
def test_head_answers_as_get_without_the_content(hub: Hub, path: str) -> None:
    app = application(hub, sandbox=True)
    for one in attacks.seed():
        sent(app, one)
    got, head = (sent(app, Attack(name=path, method=method, path=f"/fhir/{path}")) for method in ("GET", "HEAD"))
    assert (head.status, sorted(head.headers), head.content) == (got.status, sorted(got.headers), b"")
    assert got.content


def test_half_a_million_values_are_too_many(sqlite_hub: Hub) -> None:
    app = application(sqlite_hub, sandbox=True)
    for kind, piece in (("json", b"{},"), ("json", b"1,"), ("json", b"["), ("xml", b"<a/>")):
        told = (("content-type", f"application/fhir+{kind}"),)
        attack = Attack(name=f"{piece!r}", method="POST", headers=told, body=piece * 500_001)
        answer = sent(app, attack)
        assert (answer.status, complaints(attack, answer)) == (413, [])


def test_hostile_searches_are_refused_or_answered(sqlite_hub: Hub) -> None:
    searches.fuzz(application(sqlite_hub, sandbox=True), examples=200)


def test_a_message_that_is_no_http_is_refused(server: Served) -> None:
    post = f"POST /fhir/Patient HTTP/1.1\r\n{_HEAD}"
    read = f"GET /fhir/metadata HTTP/1.1\r\n{_HEAD}"
    chunked = f"{post}Transfer-Encoding: chunked\r\n\r\n"
    refused = {
        "no length": f"{post}Content-Length: a\r\n\r\n{{}}",
        "a negative length": f"{post}Content-Length: -1\r\n\r\n{{}}",
        "two lengths": f"{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
        "a length too long": f"{post}Content-Length: {'9' * 5_000}\r\n\r\n",
        "a length and chunks": f"{post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a chunk of no size": f"{chunked}zz\r\n{{}}\r\n0\r\n\r\n",
        "a chunk of a negative size": f"{chunked}-1\r\n{{}}\r\n0\r\n\r\n",
        "a chunk of a huge size": f"{chunked}{'f' * 40}\r\n{{}}\r\n0\r\n\r\n",
        "no method": "\r\n\r\n\x00\x01\x02",
        "another protocol": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "a header with a blank": f"{read}Bad Name: 1\r\n\r\n",
    }
    either = {
        "a header of 1 MB": f"{read}Long: {'a' * _MEGABYTE}\r\n\r\n",
        "an address of 1 MB": f"GET /fhir/Patient?name={'a' * _MEGABYTE} HTTP/1.1\r\n{_HEAD}\r\n",
        "no Host": "GET /fhir/Patient HTTP/1.1\r\n\r\n",
        "100,000 headers": read + "A: b\r\n" * 100_000 + "\r\n",
    }
    for name, told in either.items():
        assert server.says(told.encode(), seconds=1).split(b" ")[1][:1] in (b"2", b"4"), name
    for name, told in refused.items():
        answer = server.says(told.encode("latin-1"), seconds=1)
        assert not answer or answer.split(b"\r\n", 1)[0].split(b" ")[1][:1] == b"4", (name, answer[:100])
        assert b"\r\nHTTP/1.1 2" not in answer, name
    assert httpx.get(f"{server.base}/metadata").status_code == 200


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_who_asks_for_another_protocol_is_answered_in_this_one(server: Served, protocol: str) -> None:
    before = server.log.read_text()
    read = f"GET /fhir/metadata?_elements=name HTTP/1.1\r\n{_HEAD}"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    asks = f"{read}Connection: Upgrade\r\nUpgrade: {protocol}\r\n{key}\r\n"
    answers = server.says(asks.encode(), f"{read}\r\n".encode(), seconds=1, pause=0.5)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert server.log.read_text() == before


def test_who_breaks_off_is_not_waited_for(server: Served) -> None:
    post = f"POST /fhir/Patient HTTP/1.1\r\n{_HEAD}Content-Length: 1000\r\n\r\n{{"
    for _ in range(50):
        server.says(post.encode(), seconds=0.01)
    assert httpx.get(f"{server.base}/Patient?_summary=count").json()["total"] == 0


def test_forty_megabytes_take_bounded_memory(server: Served) -> None:
    bodies = {
        "a text": b'{"resourceType":"Patient","name":[{"family":"%s"}]}' % (b"a" * (attacks.LIMIT - 100)),
        "brackets": b"[" * attacks.LIMIT,
        "values": b'{"resourceType":"Patient","name":[%s{}]}' % (b"{}," * (attacks.LIMIT // 3 - 100)),
        "a byte too many": b" " * (attacks.LIMIT + 1),
        "a bomb": attacks.zeros(200 * _MEGABYTE),
    }
    for name, body in bodies.items():
        server.forget_peak()
        before = server.kib("VmRSS")
        told = {"Content-Type": "application/fhir+json"} | ({"Content-Encoding": "gzip"} if name == "a bomb" else {})
        answer = httpx.post(f"{server.base}/Patient", content=body, headers=told)
        assert (name, answer.status_code // 100) == (name, 4)
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert server.kib("VmHWM") - before < _GROWS_AT_MOST, name
    assert httpx.get(f"{server.base}/metadata").status_code == 200


def test_no_log_has_a_value(server: Served) -> None:
    wrong_id = {"resourceType": "Patient", "id": CANARY, "gender": CANARY, "birthDate": CANARY}
    for body in (json.dumps(wrong_id), CANARY, f'{{"resourceType":"{CANARY}"}}'):
        for method in ("POST", "PUT", "PATCH", "DELETE", CANARY):
            httpx.request(method, f"{server.base}/Patient/{CANARY}?name={CANARY}&{CANARY}={CANARY}", content=body)
    server.says(f"{CANARY} {CANARY} {CANARY}\r\n{CANARY}\r\n\r\n".encode(), seconds=1)
    log = server.log.read_text()
    assert str(server.port) in log
    assert CANARY not in log
