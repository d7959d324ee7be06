"""Polling by HTTP: what counts as new, and what a search's pages may lead to."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters import transports
from adapters.feed import Feed, Round
from mappings.errors import PlatzfreiError, Rejected, Retriable
from tests.peers import Answer, Hub, a_round, http_peer


def feed(address: str, transport: str = "http_poll", **more: Any) -> Feed:
    return Feed(
        name="heim",
        source="csv-long",
        transport=transport,
        address=address,
        every=timedelta(minutes=15),
        private=True,
        **more,
    )


def poll(told: Feed, hub: Hub, memory: dict[str, Any] | None = None, **more: Any) -> Round:
    one = a_round(told, hub, memory={} if memory is None else memory, **more)
    transports.named(told.transport).fetch(one)
    return one


def refused(told: Feed, hub: Hub, **more: Any) -> PlatzfreiError:
    with pytest.raises(PlatzfreiError) as caught:
        poll(told, hub, **more)
    return caught.value


def test_validators_are_sent_back_and_304_delivers_nothing() -> None:
    validators = {"ETag": 'W/"a"', "Last-Modified": "Sun, 22 Nov 2026 08:00:00 GMT"}

    def answer(_path: str, headers: dict[str, str]) -> Answer:
        known = headers.get("if-none-match") == 'W/"a"' and "if-modified-since" in headers
        return Answer(304) if known else Answer(200, b"x", validators)

    hub = Hub()
    with http_peer(answer) as peer:
        memory = poll(feed(peer.address), hub).memory
        poll(feed(peer.address), hub, memory)
        assert len(peer.requests) == 2
    assert hub.bodies == [b"x"]
    assert memory == {"etag": 'W/"a"', "last-modified": "Sun, 22 Nov 2026 08:00:00 GMT"}


def test_validators_that_a_server_tells_and_does_not_heed_count_all_the_same() -> None:
    hub = Hub()
    with http_peer(lambda _path, _headers: Answer(200, b"x", {"ETag": '"a"'})) as peer:
        memory = poll(feed(peer.address), hub).memory
        poll(feed(peer.address), hub, memory)
    assert len(hub.delivered) == 1


def test_without_validators_the_answer_is_of_now_and_confirms() -> None:
    hub = Hub()
    with http_peer(lambda _path, _headers: Answer(200, b"x")) as peer:
        memory = poll(feed(peer.address), hub).memory
        poll(feed(peer.address), hub, memory)
    assert hub.bodies == [b"x", b"x"]
    assert {delivery.message_id for delivery in hub.delivered} == {None}


def test_what_was_written_anew_with_the_same_content_confirms() -> None:
    times = iter(("08:00", "09:00"))
    hub = Hub()

    def answer(_path: str, _headers: dict[str, str]) -> Answer:
        return Answer(200, b"x", {"Last-Modified": f"Sun, 22 Nov 2026 {next(times)}:00 GMT"})

    with http_peer(answer) as peer:
        memory = poll(feed(peer.address), hub).memory
        poll(feed(peer.address), hub, memory)
    assert len(hub.delivered) == 2


def test_what_was_rejected_is_asked_for_again() -> None:
    with http_peer(lambda _path, _headers: Answer(200, b"x", {"ETag": '"a"'})) as peer:
        memory = poll(feed(peer.address), Hub(rejects=True)).memory
        hub = Hub()
        poll(feed(peer.address), hub, memory)
    assert hub.bodies == [b"x"]


def test_a_busy_server_says_when() -> None:
    with http_peer(lambda _path, _headers: Answer(503, b"", {"Retry-After": "7"})) as peer:
        error = refused(feed(peer.address), Hub())
    assert isinstance(error, Retriable)
    assert error.headers == {"Retry-After": "7"}


def test_a_dripping_server_is_given_up() -> None:
    with http_peer(lambda _path, _headers: Answer(200, b"x" * 1000, drip=0.02)) as peer:
        error = refused(feed(peer.address), Hub(), seconds=0.3)
    assert error.issues[0].code == "peer-too-slow"


def test_a_token_with_a_line_break_becomes_no_header() -> None:
    with http_peer(lambda _path, _headers: Answer(200, b"x")) as peer:
        told = feed(peer.address, credentials={"token_env": "TOKEN"})
        error = refused(told, Hub(), environment={"TOKEN": "a\r\nX: y"})
        assert peer.requests == []
    assert error.issues[0].place == "credentials"


def page(*names: str, following: object = None) -> bytes:
    link = [] if following is None else [{"relation": "next", "url": following}]
    entries = [{"resource": {"resourceType": "Location", "name": name}} for name in names]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries}).encode()


def searched(answer: Callable[[str, dict[str, str]], Answer], hub: Hub, **options: Any) -> Round:
    with http_peer(answer) as peer:
        return poll(feed(f"{peer.address}/fhir/Location", "fhir_poll", options=options), hub)


def test_all_pages_are_one_delivery() -> None:
    pages = {
        "/fhir/Location": page("a", "b", following="Location?page=2"),
        "/fhir/Location?page=2": page("c", following="/fhir/Location?page=3"),
        "/fhir/Location?page=3": page(),
    }
    hub = Hub()
    searched(lambda path, _headers: Answer(200, pages[path]), hub)
    (body,) = hub.bodies
    assert json.loads(body) == [json.loads(page) for page in pages.values()]


def test_one_page_is_delivered_as_it_came() -> None:
    hub = Hub()
    searched(lambda _path, _headers: Answer(200, b"\xef\xbb\xbf" + page("a", "b")), hub)
    assert hub.bodies == [page("a", "b")]


@pytest.mark.parametrize(
    ("following", "code"),
    [
        ("http://169.254.169.254/latest", "address"),
        ("https://127.0.0.1/fhir/Location?page=2", "peer-paging"),
        ("http://127.0.0.1:1/x", "address"),
        ("http://127.0.0.1:2222/x", "peer-paging"),
        ("http://localhost/x", "peer-paging"),
        ("file:///etc/passwd", "address"),
        ("//other.example:8080/x", "address"),
        ("http://127.0.0.1@other.example/x", "address"),
        ("Location", "peer-paging"),
        (7, "peer-paging"),
    ],
)
def test_a_next_link_leads_nowhere_else_and_not_in_circles(following: object, code: str) -> None:
    hub = Hub()
    with http_peer(lambda _path, _headers: Answer(200, page("a", following=following))) as peer:
        error = refused(feed(f"{peer.address}/fhir/Location", "fhir_poll"), hub)
        assert len(peer.requests) == 1
    assert isinstance(error, Rejected)
    assert error.issues[0].code == code
    assert hub.delivered == []


def test_credentials_go_to_no_other_origin() -> None:
    with http_peer(lambda _path, _headers: Answer(200, page("b"))) as other:
        pages = page("a", following=f"{other.address}/fhir/Location?page=2")
        with http_peer(lambda _path, _headers: Answer(200, pages)) as peer:
            told = feed(f"{peer.address}/fhir/Location", "fhir_poll", credentials={"token_env": "TOKEN"})
            refused(told, Hub())
            assert peer.requests[0][1]["authorization"] == "Bearer pf_token"
        assert other.requests == []


def test_a_search_without_an_end_is_given_up() -> None:
    numbers = iter(range(1000))

    def answer(_path: str, _headers: dict[str, str]) -> Answer:
        return Answer(200, page("a", following=f"Location?page={next(numbers)}"))

    with http_peer(answer) as peer:
        told = feed(f"{peer.address}/fhir/Location", "fhir_poll", options={"pages": 5})
        error = refused(told, Hub())
        assert len(peer.requests) == 5
    assert "no end after 5 pages" in error.issues[0].text_en
    with pytest.raises(Rejected, match="a number from 1 to 1000"):
        transports.named("fhir_poll").check(replace(told, options={"pages": 0}))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"resourceType": "Patient"}', b'{"resourceType": "Bundle", "entry": 7}', b"\xff"],
)
def test_what_is_no_bundle_is_refused_without_repeating_it(body: bytes) -> None:
    hub = Hub()
    with http_peer(lambda _path, _headers: Answer(200, body)) as peer:
        error = refused(feed(f"{peer.address}/fhir/Location", "fhir_poll"), hub)
    assert error.issues[0].code == "peer-format"
    assert "html" not in str(error)
    assert hub.delivered == []


def test_a_page_that_fails_delivers_none_of_them() -> None:
    hub = Hub()
    with pytest.raises(Retriable):
        searched(
            lambda path, _headers: Answer(500) if "page" in path else Answer(200, page("a", following="?page=2")), hub
        )
    assert hub.delivered == []
