"""What every transport promises (`adapters/feed.py`), held against each one that is found, with a real other side."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import transports
from adapters.feed import Feed
from mappings.errors import PlatzfreiError, Rejected
from tests.peers import Answer, Hub, a_round, http_peer, sftp_peer


@dataclass
class Bench:
    """One transport with its other side: `put` lays something there, `body` is what is delivered of it."""

    feed: Feed
    put: Callable[[bytes], None]
    body: Callable[[bytes], bytes] = lambda laid: laid
    remembers: bool = True
    """Whether what was taken is not taken again; a search tells how things are now, each time."""
    memory: dict[str, Any] = field(default_factory=dict)

    def run(self, hub: Hub, *, environment: dict[str, str] | None = None) -> None:
        """One round, which finds what the last one remembered as a database would give it back."""
        more: dict[str, Any] = {} if environment is None else {"environment": environment}
        one = a_round(self.feed, hub, memory=json.loads(json.dumps(self.memory)), **more)
        try:
            transports.named(self.feed.transport).fetch(one)
        finally:
            self.memory = one.memory


def feed(transport: str, address: str, **more: Any) -> Feed:
    return Feed(
        name="heim", source="csv-long", transport=transport, address=address, every=timedelta(minutes=15), **more
    )


def http_bench(_folder: Path, stack: ExitStack) -> Bench:
    laid: list[bytes] = []

    def answer(_path: str, headers: dict[str, str]) -> Answer:
        etag = f'"{len(laid)}"'
        if not laid or headers.get("authorization") != "Bearer pf_token":
            return Answer(status=401 if laid else 304)
        return Answer(status=304) if headers.get("if-none-match") == etag else Answer(200, laid[-1], {"ETag": etag})

    peer = stack.enter_context(http_peer(answer))
    return Bench(
        feed("http_poll", f"{peer.address}/x.csv", private=True, credentials={"token_env": "TOKEN"}), laid.append
    )


def fhir_bench(_folder: Path, stack: ExitStack) -> Bench:
    laid: list[bytes] = []

    def bundle() -> bytes:
        entries = [{"resource": {"resourceType": "Location", "name": one.decode()}} for one in laid]
        return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}).encode()

    def answer(_path: str, headers: dict[str, str]) -> Answer:
        known = headers.get("authorization") == "Basic aGVpbTpnZWhlaW0="
        return Answer(body=bundle()) if known else Answer(status=401)

    peer = stack.enter_context(http_peer(answer))
    told = feed(
        "fhir_poll",
        f"{peer.address}/fhir/Location?_count=50",
        private=True,
        credentials={"user": "heim", "password_env": "PASSWORD"},
    )
    return Bench(
        told,
        laid.append,
        body=lambda _one: bundle(),
        remembers=False,
    )


def sftp_bench(folder: Path, stack: ExitStack) -> Bench:
    peer = stack.enter_context(sftp_peer(folder))
    told = feed(
        "sftp_poll",
        peer.address,
        private=True,
        credentials={"user": "heim", "password_env": "PASSWORD"},
        options={"host_key": peer.fingerprint, "settle": 0},
    )
    return Bench(told, lambda one: put(folder, one))


def drop_bench(folder: Path, _stack: ExitStack) -> Bench:
    return Bench(feed("drop_folder", str(folder), options={"settle": 0}), lambda one: put(folder, one))


def put(folder: Path, body: bytes) -> None:
    count = sum(1 for _ in folder.rglob("*.csv"))
    (folder / f"{count}.csv").write_bytes(body)


BENCHES: dict[str, Callable[[Path, ExitStack], Bench]] = {
    "drop_folder": drop_bench,
    "fhir_poll": fhir_bench,
    "http_poll": http_bench,
    "sftp_poll": sftp_bench,
}


@pytest.fixture(params=transports.names())
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "folder"
    folder.mkdir()
    with ExitStack() as stack:
        yield BENCHES[request.param](folder, stack)


def place(told: Feed) -> str:
    with pytest.raises(Rejected) as caught:
        transports.named(told.transport).check(told)
    assert all(issue.text_de and issue.text_en for issue in caught.value.issues)
    return caught.value.issues[0].place


def test_a_module_has_the_name_of_its_transport() -> None:
    assert list(transports.names()) == sorted(BENCHES)
    for name in transports.names():
        assert (Path(__file__).parents[2] / f"adapters/transport/{name}.py").exists()


def test_a_good_feed_is_good(bench: Bench) -> None:
    transports.named(bench.feed.transport).check(bench.feed)


def test_what_a_feed_says_wrong_is_told_with_its_place(bench: Bench) -> None:
    assert place(replace(bench.feed, address="nowhere")) == "address"
    assert place(replace(bench.feed, options={**bench.feed.options, "colour": "red"})) == "options.colour"
    assert place(replace(bench.feed, credentials={**bench.feed.credentials, "pin": "1234"})) == "credentials.pin"
    known = next(iter(bench.feed.options), "authorities")
    assert place(replace(bench.feed, options={**bench.feed.options, known: {}})) == f"options.{known}"


def test_what_is_there_is_delivered_as_the_feeds_source(bench: Bench) -> None:
    hub = Hub()
    bench.put(b"one")
    bench.run(hub)
    assert hub.bodies == [bench.body(b"one")]
    assert hub.delivered[0].source == "csv-long"


def test_what_was_taken_is_not_taken_again_and_what_is_new_is(bench: Bench) -> None:
    hub = Hub()
    bench.put(b"one")
    bench.run(hub)
    bench.run(hub)
    assert len(hub.delivered) == (1 if bench.remembers else 2)
    bench.put(b"two")
    bench.run(hub)
    assert b"two" in hub.bodies[-1]
    assert len(hub.delivered) == (2 if bench.remembers else 3)


def test_what_could_not_be_delivered_comes_again(bench: Bench) -> None:
    failing = Hub(fails=lambda _delivery: True)
    bench.put(b"one")
    with pytest.raises(RuntimeError):
        bench.run(failing)
    hub = Hub()
    bench.run(hub)
    assert hub.bodies == [bench.body(b"one")]


def test_without_its_secret_nothing_is_fetched_and_the_secret_is_never_told(bench: Bench) -> None:
    if not bench.feed.credentials:
        pytest.skip("a folder asks for none")
    hub = Hub()
    bench.put(b"one")
    with pytest.raises(Rejected) as caught:
        bench.run(hub, environment={})
    assert caught.value.issues[0].place.startswith("credentials.")
    with pytest.raises(PlatzfreiError) as refused:
        bench.run(hub, environment={"PASSWORD": "falsch-falsch", "TOKEN": "falsch-falsch"})
    assert refused.value.issues[0].code == "peer-refused"
    assert "falsch-falsch" not in str(refused.value)
    assert hub.delivered == []


def test_the_own_network_is_reached_only_where_the_feed_says_so(bench: Bench) -> None:
    if not bench.feed.private:
        pytest.skip("a folder is on no network")
    bench.feed = replace(bench.feed, private=False)
    with pytest.raises(Rejected) as caught:
        bench.run(Hub())
    assert caught.value.issues[0].code == "address-private"
