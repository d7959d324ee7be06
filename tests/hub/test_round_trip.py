"""What a hub exports and reads back by its own maps says the same, in state and places, and without complaint."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from adapters import registry
from adapters.base import Delivery
from hub.demo.region import region
from hub.hub import Hub
from hub.settings import Settings
from mappings.vacancy import Block, BlockStatus, Counts, State, VacancyReport, derived_state
from mappings.view import View, effective, seen
from tests.adapters.test_outbound_contract import MAPS
from tests.conftest import Clock
from tests.hub.region import report, tell

Said = tuple[str, str, str, str, int | None, tuple[tuple[date | None, int], ...]]


def exported(hub: Hub, view: View) -> list[VacancyReport]:
    with hub.database.reading() as connection:
        return list(hub.exports(view).reports(connection, now=hub.clock()))


def said(reports: list[VacancyReport], *, numbers_beside_ask: bool = True, today: date | None = None) -> list[Said]:
    """What is said of each offer: whose it is, its state, its places, and from when on they can be taken."""
    return sorted(
        (
            (
                one.facility.name,
                one.facility.address.street,
                one.offer.care_form,
                one.state.value,
                one.counts.accepting if numbers_beside_ask or one.state is not State.ASK else None,
                _free(one, today) if numbers_beside_ask or one.state is not State.ASK else (),
            )
            for one in reports
        ),
        key=repr,
    )


def _free(one: VacancyReport, today: date | None) -> tuple[tuple[date | None, int], ...]:
    free: dict[date | None, int] = {}
    for block in one.blocks:
        if block.status is BlockStatus.FREE:
            start = block.start if block.start is not None and (today is None or block.start > today) else None
            free[start] = free.get(start, 0) + block.count
    return tuple(sorted(free.items(), key=repr))


def copies(settings: Settings, template: Path, tmp_path: Path, clock: Clock) -> Iterator[tuple[str, Hub]]:
    """An empty hub for each format."""
    for name in registry.exports():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "platzfrei.db").write_bytes(template.read_bytes())
        hub = Hub.open(Settings(database=f"sqlite:///{folder / 'platzfrei.db'}", folder=folder), clock=clock)
        try:
            yield name, hub
        finally:
            hub.close()


def odd_ones(clock: Clock) -> list[VacancyReport]:
    """Statements whose numbers and states do not go together, as senders make them."""
    later = Block(count=1, start=date(2026, 12, 11))
    made = [
        report("none-but-three", free=3, state=State.NONE),
        report("unknown-but-three", free=3, state=State.UNKNOWN),
        report("ask-with-two", free=2, state=State.ASK),
        report("ask", free=None, state=State.ASK),
        report("none", free=None, state=State.NONE),
        report("some", free=None, state=State.SOME),
        report("some-but-zero", free=0, state=State.SOME),
        report("zero", free=0),
        report("later", free=1, blocks=[later]),
        report("later-though-zero", free=0, state=State.SOME, blocks=[later]),
        report("now-and-later", free=2, blocks=[Block(count=1), later]),
        report("fewer-than-listed", free=1, blocks=[Block(count=2), later]),
        report("unknown", free=None),
        report("old", free=2, valid_at=clock().replace(month=6)),
    ]
    return [
        # An IK with a wrong check digit is the sender's fault wherever it comes from.
        replace(one, valid_at=one.valid_at or clock(), facility=replace(one.facility, iks=()))
        for one in made
    ]


@pytest.mark.parametrize("view", View)
def test_every_offer_says_the_same_after_it_was_exported_and_read_back(
    sqlite_hub: Hub, sqlite_settings: Settings, sqlite_template: Path, tmp_path: Path, clock: Clock, view: View
) -> None:
    """Offers of an invented region, and statements that contradict themselves."""
    invented = region(seed=3, size=60, as_of=clock())
    tell(sqlite_hub, *(one for provider in invented.providers for one in provider.reports), *odd_ones(clock))
    told = exported(sqlite_hub, view)
    assert {one.state for one in told} == set(State)
    assert any(block.start is not None for one in told for block in one.blocks)
    for name, copy in copies(sqlite_settings, sqlite_template, tmp_path, clock):
        body = b"".join(registry.encoder(name).encode(iter(told), at=clock()))
        receipt = copy.pipeline.receive(Delivery(source=MAPS[name], body=body, received_at=clock()))
        assert receipt.good
        assert [str(issue) for issue in receipt.issues] == []
        assert receipt.unread == {}
        wanted = said(told, numbers_beside_ask=name != "have", today=clock().date())
        assert said(exported(copy, view), numbers_beside_ask=name != "have", today=clock().date()) == wanted, name


def test_no_number_of_an_export_says_more_than_its_state(sqlite_hub: Hub, clock: Clock) -> None:
    tell(sqlite_hub, *odd_ones(clock))
    found = {one.facility.name.removeprefix("Haus "): one for one in exported(sqlite_hub, View.PUBLIC)}
    numbers = {name: (one.state.value, one.counts.accepting) for name, one in found.items()}
    assert numbers == {
        "none-but-three": ("none", 0),
        "unknown-but-three": ("unknown", None),
        "ask-with-two": ("ask", 2),
        "ask": ("ask", None),
        "none": ("none", None),
        "some": ("some", None),
        "some-but-zero": ("none", 0),
        "zero": ("none", 0),
        "later": ("some", 1),
        "later-though-zero": ("some", 1),
        "now-and-later": ("some", 2),
        "fewer-than-listed": ("some", 1),
        "unknown": ("unknown", None),
        "old": ("unknown", None),
    }
    for one in found.values():
        assert sum(block.count for block in one.blocks) <= (one.counts.accepting or 0)


def test_what_says_the_same_by_state_and_number_is_left_as_it_is() -> None:
    for free in (None, 0, 1, 7):
        one = report(free=free)
        assert effective(one) == one
    public = seen(report(free=7, held=2), View.PUBLIC)
    assert effective(public) == public
    assert effective(replace(report(), counts=Counts(accepting=-2), state=State.NONE, blocks=())).counts.accepting == -2
    assert derived_state(effective(report(free=3, state=State.NONE)).counts.accepting) is State.NONE
