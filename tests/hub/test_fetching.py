"""Feeds run: once at a time, again when due, with what they remember in the database and nowhere else."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import select, update

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub import jobs
from hub.errors import VersionConflict
from hub.feeds import Feeds
from hub.fetching import Fetcher
from hub.hub import Hub
from hub.job_runs import JobRuns
from hub.leader import Leader
from hub.settings import Settings
from hub.store.tables import feed as table
from mappings.errors import Retriable
from tests.conftest import NOW, Clock
from tests.hub.deliveries import csv_long, long_row
from tests.peers import Answer, HttpPeer, http_peer

BODY = csv_long(long_row("a", as_of=""))


def fetcher(hub: Hub, folder: Path, deliver: Callable[[Delivery], Receipt] | None = None, **feeds: str) -> Fetcher:
    """A fetcher of its own memory, as another process has it; nothing is drawn, so nothing is jittered."""
    (folder / "feeds").mkdir(exist_ok=True)
    for name, content in feeds.items():
        (folder / f"feeds/{name}.yaml").write_text(content)
    found = Feeds(folder / "feeds", [one.name for one in hub.sources])
    assert found.problems == ()
    return Fetcher(
        database=hub.database,
        feeds=found,
        deliver=deliver or hub.pipeline.receive,
        clock=hub.clock,
        environment={},
        draw=lambda: 0.5,
    )


def by_http(peer: HttpPeer, *, every: str = "15m", path: str = "x.csv") -> str:
    return (
        f"{{source: csv-long, transport: http_poll, address: '{peer.address}/{path}', every: {every}, private: true}}"
    )


def etagged(_path: str, headers: dict[str, str]) -> Answer:
    return Answer(304) if "if-none-match" in headers else Answer(200, BODY, {"ETag": '"1"'})


def test_a_round_is_taken_in_and_its_state_is_kept(hub: Hub, tmp_path: Path) -> None:
    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer))
        feed = one.feeds.named("heim")
        assert one.state(feed).attempted_at is None
        (taken,) = one.run(feed)
        assert taken.receipt.applied == 1
        state = fetcher(hub, tmp_path).state(feed)
        assert (state.attempted_at, state.succeeded_at) == (NOW, NOW)
        assert state.due_at == NOW + timedelta(minutes=15)
        assert (state.failures, state.issues, state.running_since) == (0, (), None)
        # Another process goes on where this one ended.
        assert fetcher(hub, tmp_path).run(feed) == []
        assert [headers.get("if-none-match") for _, headers in peer.requests] == [None, '"1"']


def test_a_feed_runs_when_it_is_due_and_not_before(hub: Hub, tmp_path: Path, clock: Clock) -> None:
    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer))
        feed = one.feeds.named("heim")
        for minutes, requests in ((0, 1), (14, 1), (1, 2)):
            clock.forward(minutes=minutes)
            one.run_if_due(feed)
            one.run_if_due(feed)
            assert len(peer.requests) == requests


def test_what_fails_is_told_and_tried_again_later_and_later(hub: Hub, tmp_path: Path, clock: Clock) -> None:
    status = [503]
    with http_peer(lambda _path, _headers: Answer(status[0], BODY)) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer, every="30m"))
        feed = one.feeds.named("heim")
        waits = []
        for _ in range(8):
            with pytest.raises(Retriable):
                one.run(feed)
            due = one.state(feed).due_at
            assert due is not None
            waits.append(int((due - clock()).total_seconds() / 60))
            clock.at = due
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
        state = one.state(feed)
        assert state.failures == 8
        assert state.issues[0].code == "peer-busy"
        assert state.succeeded_at is None
        status[0] = 200
        one.run_if_due(feed)
        assert (one.state(feed).failures, one.state(feed).issues) == (0, ())


def test_a_server_that_says_when_is_heeded(hub: Hub, tmp_path: Path) -> None:
    with http_peer(lambda _path, _headers: Answer(429, b"", {"Retry-After": "7200"})) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer))
        one.run_if_due(feed := one.feeds.named("heim"))
        assert one.state(feed).due_at == NOW + timedelta(hours=2)


def test_times_are_jittered(hub: Hub, tmp_path: Path) -> None:
    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer, every="10m"))
        feed = one.feeds.named("heim")
        for drawn, minutes in ((0.0, 9), (1.0, 11)):
            one._draw = lambda drawn=drawn: drawn  # type: ignore[misc]
            one.run(feed)
            assert one.state(feed).due_at == NOW + timedelta(minutes=minutes)


def test_two_never_run_a_feed_at_once(hub: Hub, tmp_path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(_path: str, _headers: dict[str, str]) -> Answer:
        inside.set()
        go_on.wait(10)
        return Answer(200, BODY)

    with http_peer(slow) as peer:
        one, two = fetcher(hub, tmp_path, heim=by_http(peer)), fetcher(hub, tmp_path)
        feed = one.feeds.named("heim")
        running = threading.Thread(target=one.run, args=(feed,))
        running.start()
        assert inside.wait(10)
        assert (two.state(feed).running_since, two.state(feed).due_at) == (NOW, None)
        with pytest.raises(VersionConflict):
            two.run(feed)
        two.run_if_due(feed)
        go_on.set()
        running.join()
        assert len(peer.requests) == 1
        assert two.state(feed).running_since is None


def test_who_takes_the_lead_goes_on_where_the_dead_one_was(hub: Hub, tmp_path: Path) -> None:
    def killed(_delivery: Delivery) -> Receipt:
        raise KeyboardInterrupt

    with http_peer(etagged) as peer:
        one, two = fetcher(hub, tmp_path, killed, heim=by_http(peer)), fetcher(hub, tmp_path)
        feed = one.feeds.named("heim")
        one._end = lambda *_arguments: None  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            one.run_if_due(feed)
        two.run_if_due(feed)
        assert two.state(feed).running_since
        two.take_over()
        two.run_if_due(feed)
        assert two.state(feed).succeeded_at == NOW
        # What a person runs is no leader's.
        with pytest.raises(KeyboardInterrupt):
            one.run(feed, again=True)
        two.take_over()
        assert two.state(feed).running_since


def test_a_first_round_that_ended_without_a_word_tells_of_no_next(hub: Hub, tmp_path: Path, clock: Clock) -> None:
    def killed(_delivery: Delivery) -> Receipt:
        raise KeyboardInterrupt

    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, killed, heim=by_http(peer))
        feed = one.feeds.named("heim")
        one._end = lambda *_arguments: None  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            one.run_if_due(feed)
    clock.forward(minutes=15)
    state = one.state(feed)
    assert (state.attempted_at, state.running_since, state.due_at) == (NOW, None, None)


def test_a_round_that_was_taken_for_dead_writes_nothing(hub: Hub, tmp_path: Path, clock: Clock) -> None:
    """The fencing token: a process that slept for an hour must not write over what its successor wrote."""
    late: list[str] = []

    def deliver(delivery: Delivery) -> Receipt:
        if not late:
            late.append("asleep")
            clock.forward(hours=1)
            two.run(feed)
        return hub.pipeline.receive(delivery)

    with http_peer(etagged) as peer:
        one, two = fetcher(hub, tmp_path, deliver, heim=by_http(peer)), fetcher(hub, tmp_path)
        feed = one.feeds.named("heim")
        one.run(feed)
    with hub.database.reading() as connection:
        row = connection.execute(select(table)).one()
    assert (row.attempt, row.claimed_until, row.failures) == (2, 0, 0)


def test_a_feed_that_leads_elsewhere_begins_anew(hub: Hub, tmp_path: Path) -> None:
    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer))
        one.run(one.feeds.named("heim"))
        moved = fetcher(hub, tmp_path, heim=by_http(peer, path="y.csv"))
        assert len(moved.run(moved.feeds.named("heim"))) == 1
        assert moved.run(moved.feeds.named("heim")) == []
        assert len(moved.run(moved.feeds.named("heim"), again=True)) == 1


def test_where_there_is_more_the_next_round_is_due_at_once(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.transport import drop_folder

    monkeypatch.setattr(drop_folder, "FILES_MAX", 2)
    folder = tmp_path / "eingang"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.csv").write_bytes(csv_long(long_row(f"h{number}", as_of="")))
    told = f"{{source: csv-long, transport: drop_folder, address: '{folder}', every: 1d, options: {{settle: 0}}}}"
    one = fetcher(hub, tmp_path, heim=told)
    feed = one.feeds.named("heim")
    assert len(one.run(feed)) == 2
    assert one.state(feed).due_at == NOW
    assert len(one.run(feed)) == 1
    assert one.state(feed).due_at == NOW + timedelta(days=1)


def test_a_fault_of_ours_is_a_state_and_repeats_no_content(hub: Hub, tmp_path: Path) -> None:
    def deliver(_delivery: Delivery) -> Receipt:
        raise RuntimeError("Canaria")

    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, deliver, heim=by_http(peer))
        one.run_if_due(feed := one.feeds.named("heim"))
        (issue,) = one.state(feed).issues
        assert (issue.code, "Canaria" in issue.text_en) == ("fault", False)
        # What was not delivered is not remembered.
        assert len(fetcher(hub, tmp_path).run(feed)) == 1


def test_the_folders_duplicate_after_a_crash_is_told_the_same_receipt(hub: Hub, tmp_path: Path) -> None:
    """Between commit and move: the real pipeline knows the message."""
    folder = tmp_path / "eingang"
    folder.mkdir()
    (folder / "a.csv").write_bytes(BODY)
    receipts: list[Receipt] = []

    def deliver(delivery: Delivery) -> Receipt:
        receipts.append(hub.pipeline.receive(delivery))
        if len(receipts) == 1:
            raise KeyboardInterrupt
        return receipts[-1]

    told = f"{{source: csv-long, transport: drop_folder, address: '{folder}', every: 1m, options: {{settle: 0}}}}"
    one = fetcher(hub, tmp_path, deliver, heim=told)
    feed = one.feeds.named("heim")
    with pytest.raises(KeyboardInterrupt):
        one.run(feed)
    one.run(feed)
    assert [receipt.duplicate for receipt in receipts] == [False, True]
    assert receipts[0].delivery == receipts[1].delivery
    assert (folder / f"done/{receipts[0].delivery:06}-a.csv").exists()


class Scheduler(BackgroundScheduler):  # type: ignore[misc]
    """Keeps what it was told, and can be asked to do it."""

    def run_all(self) -> None:
        for job in self.get_jobs():
            job.func(*job.args, **job.kwargs)


def test_jobs_run_where_the_process_leads(hub: Hub, tmp_path: Path) -> None:
    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer, every="5s"))
        leaders = [Leader(hub.database), Leader(hub.database)]
        schedulers: list[Any] = []
        for leader in leaders:
            scheduler = Scheduler(timezone="UTC")
            jobs.schedule(
                scheduler, jobs.jobs(hub.pipeline, list, list, list), JobRuns(hub.database, hub.clock), leader, one
            )
            schedulers.append(scheduler)
            assert all(job.kwargs == {} for job in scheduler.get_jobs())
        schedulers[1].run_all()
        assert [leader.leads for leader in leaders] == [False, True]
        assert len(peer.requests) == 1
        with hub.database.writing() as connection:
            connection.execute(update(table).values(due_at=0))
        schedulers[0].run_all()
        assert len(peer.requests) == 1
        leaders[1].close()
        schedulers[0].run_all()
        assert [leader.leads for leader in leaders] == [True, False]
        assert len(peer.requests) == 2
        leaders[0].close()


def test_every_job_is_coalesced_and_runs_once_at_a_time(sqlite_hub: Hub, tmp_path: Path) -> None:
    told = f"{{source: csv-long, transport: drop_folder, address: '{tmp_path}', every: 1m}}"
    one = fetcher(sqlite_hub, tmp_path, heim=told)
    scheduler = BackgroundScheduler(timezone="UTC")
    runs = JobRuns(sqlite_hub.database, sqlite_hub.clock)
    jobs.schedule(scheduler, jobs.jobs(sqlite_hub.pipeline, list, list, list), runs, Leader(sqlite_hub.database), one)
    scheduler.start(paused=True)
    try:
        assert len(scheduler.get_jobs()) == 9
        assert {(job.max_instances, job.coalesce) for job in scheduler.get_jobs()} == {(1, True)}
        assert [job.trigger.jitter for job in scheduler.get_jobs() if job.executor == "fetching"] == [2.5]
    finally:
        scheduler.shutdown()


def test_a_hub_reads_the_feeds_of_its_folder(sqlite_settings: Settings) -> None:
    folder = sqlite_settings.feeds
    folder.mkdir()
    (folder / "heim.yaml").write_text("{source: csv-long, transport: drop_folder, address: /srv/eingang, every: 1m}")
    hub = Hub.open(sqlite_settings)
    assert [feed.name for feed in hub.fetcher.feeds] == ["heim"]
    hub.close()
