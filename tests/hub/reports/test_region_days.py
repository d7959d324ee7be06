"""The figures of districts, every one of them counted by hand."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adapters.receipt import Receipt
from hub.hub import Hub
from hub.ingest.changes import Told
from hub.ingest.reconcile import Reconciler
from hub.reports.period import DAYS_OF_DISTRICT
from hub.reports.published import draw_of
from hub.reports.region_days import SEARCHES_KEPT, RegionDays, Row
from hub.reports.silent import silent
from hub.store.tables import region_day, region_taken, search_tally
from mappings.district_figures import FIGURES, Figures
from mappings.identity import resource_id
from mappings.source_map import Ladder
from mappings.vacancy import Address, Counts, Facility, Offer, State, VacancyReport
from tests.conftest import NOW, Clock
from tests.hub.client import Client

LONG, EMBEDDED, SHORT = "dauerpflege", "kurzzeitpflege-eingestreut", "kurzzeitpflege-solitaer"
CLOPPENBURG, VECHTA, OLDENBURG = "03453", "03460", "03403"
TODAY = date(2026, 11, 22)


def offer(
    key: str,
    form: str,
    free: int | None,
    *,
    days: float = 0,
    postal_code: str = "49661",
    licensed: int | None = None,
    pool: str = "",
    state: State | None = None,
    **address: Any,
) -> VacancyReport:
    """What a home says of one care form, as of so many days before now."""
    said = State.UNKNOWN if free is None else State.SOME if free else State.NONE
    where = Facility(
        key=key,
        name=f"Haus {key}",
        iks=("510322019",) if key == "doppelt" else (),
        address=Address(street="Am Ring", house_number="3", postal_code=postal_code, city="Ort", **address),
    )
    return VacancyReport(
        facility=where,
        offer=Offer(key=f"{key}/{form}", care_form=form, pool=pool),
        valid_at=NOW - timedelta(days=days),
        state=state or said,
        counts=Counts(licensed=licensed, accepting=free),
    )


def tell(hub: Hub, source: str, *reports: VacancyReport) -> Receipt:
    with hub.database.transaction() as transaction:
        told = [Told(report=one, received_at=one.valid_at or NOW, delivery=1) for one in reports]
        Reconciler(hub.repositories, hub.identity).reconcile(
            transaction, told, source=source, ladder=Ladder(), now=hub.clock()
        )
    return Receipt(source=source)


def region(hub: Hub) -> None:
    """Three districts: what is counted of them is written down below."""
    tell(
        hub,
        "a",
        # One home in Cloppenburg whose 80 places both offers share.
        offer("moor", LONG, 3, licensed=80, pool="haus"),
        offer("moor", EMBEDDED, 2, licensed=4, pool="haus"),
        # Another: two days old; a third, five days; a fourth, nine days: of that nothing counts.
        offer("see", SHORT, 0, days=2, licensed=10),
        offer("wald", LONG, 5, days=5, licensed=40),
        offer("feld", LONG, 7, days=9, licensed=60),
        # A directory's entry, which never says anything of places.
        offer("berg", SHORT, None),
        # Vechta by its own AGS though its postal code lies in Cloppenburg; says nothing before a call.
        offer("vechta", "tagespflege", None, ags="03460009", state=State.ASK),
        # Nobody knows where this is.
        offer("irgendwo", LONG, 1, postal_code="00000"),
        # And one home in Oldenburg that two sources know.
        offer("doppelt", LONG, 4, licensed=30, postal_code="26121"),
    )
    tell(hub, "b", offer("doppelt", LONG, 4, licensed=30, postal_code="26121"))


def figures(**told: int) -> dict[str, int]:
    return dict.fromkeys(FIGURES, 0) | told


EXPECTED = {
    (CLOPPENBURG, ""): figures(
        offers=6,
        reporting=5,
        last_day=2,
        fresh=2,
        aging=1,
        stale=1,
        expired=1,
        some=3,
        none=1,
        unknown=2,
        free=3 + 0 + 5,
        uncounted=2,
        licensed=80 + 10 + 40,
    ),
    (CLOPPENBURG, LONG): figures(
        offers=3,
        reporting=3,
        last_day=1,
        fresh=1,
        stale=1,
        expired=1,
        some=2,
        unknown=1,
        free=3 + 5,
        uncounted=1,
        licensed=80 + 40,
    ),
    (CLOPPENBURG, "kurzzeitpflege"): figures(
        offers=3,
        reporting=2,
        last_day=1,
        fresh=1,
        aging=1,
        some=1,
        none=1,
        unknown=1,
        free=2,
        uncounted=1,
        licensed=4 + 10,
    ),
    (CLOPPENBURG, EMBEDDED): figures(offers=1, reporting=1, last_day=1, fresh=1, some=1, free=2, licensed=4),
    (CLOPPENBURG, SHORT): figures(offers=2, reporting=1, aging=1, none=1, unknown=1, uncounted=1, licensed=10),
    (VECHTA, ""): figures(offers=1, reporting=1, last_day=1, fresh=1, ask=1, uncounted=1),
    (VECHTA, "tagespflege"): figures(offers=1, reporting=1, last_day=1, fresh=1, ask=1, uncounted=1),
    ("", ""): figures(offers=1, reporting=1, last_day=1, fresh=1, some=1, free=1),
    ("", LONG): figures(offers=1, reporting=1, last_day=1, fresh=1, some=1, free=1),
    (OLDENBURG, ""): figures(offers=1, reporting=1, last_day=1, fresh=1, some=1, free=4, licensed=30),
    (OLDENBURG, LONG): figures(offers=1, reporting=1, last_day=1, fresh=1, some=1, free=4, licensed=30),
}
"""By district and care form; the blank district is not known, the blank care form counts all."""


def as_text(known: dict[str, int]) -> dict[str, str]:
    """The figures as a table has them: what nobody says is blank."""
    return {name: "" if (one := Figures(**known).known(name)) is None else str(one) for name in FIGURES}


def rows(hub: Hub, first: date = TODAY, last: date = TODAY, **asked: Any) -> list[Row]:
    with hub.database.snapshot() as reader:
        return hub.region.rows(reader, first, last, **asked)


def told(found: list[Row]) -> dict[tuple[str, str], dict[str, int] | None]:
    return {(row.district, row.care_form): None if row.figures is None else asdict(row.figures) for row in found}


def test_every_figure_is_as_counted_by_hand(hub: Hub) -> None:
    region(hub)
    assert told(hub.region.now()) == EXPECTED
    assert hub.region.take()
    found = rows(hub)
    assert told(found) == EXPECTED
    assert {(row.day, row.missed) for row in found} == {(TODAY, None)}
    of_district = {key: value for key, value in EXPECTED.items() if key[0] == CLOPPENBURG}
    assert told(rows(hub, district=CLOPPENBURG)) == told(hub.region.now(district=CLOPPENBURG)) == of_district


def test_figures_add_up(hub: Hub) -> None:
    region(hub)
    for row in hub.region.now():
        assert (one := row.figures) is not None
        assert one.offers == one.some + one.none + one.ask + one.unknown >= one.reporting >= one.last_day
        assert one.reporting == one.fresh + one.aging + one.stale + one.expired


def test_what_is_withdrawn_reports_and_counts_no_more(hub: Hub) -> None:
    tell(hub, "json", offer("moor", LONG, 3, licensed=80))
    hub.pipeline.withdraw("json")
    ((_, found),) = told([row for row in hub.region.now() if row.care_form]).items()
    assert found == figures(offers=1, unknown=1, uncounted=1)
    (only,) = hub.region.standings()
    assert (only.tells, only.told, only.as_of) == (False, True, NOW)
    (missing,) = silent(hub.region.standings(), now=NOW)
    assert missing.as_of == NOW


def test_what_is_removed_is_gone_for_its_source_alone(hub: Hub) -> None:
    """Two sources know the home; one removes it, then the other."""
    for source in ("a", "b"):
        tell(hub, source, offer("doppelt", LONG, 4, postal_code="26121"))
    tell(hub, "a", offer("moor", LONG, 3))
    find = "/fhir/HealthcareService/$find-vacancies?postal-code=26121&state=some&state=unknown"
    assert Client(hub).json(find)["total"] == 1
    for source, left in (("a", 1), ("b", 0)):
        gone = resource_id(source, "HealthcareService", f"doppelt/{LONG}")
        with hub.database.transaction() as transaction:
            assert hub.pipeline.remove_in(transaction, [gone]) == 1
            assert hub.pipeline.remove_in(transaction, [gone]) == 0
        for client in (Client(hub), Client(hub, sandbox=True)):
            assert client.json(find)["total"] == left
            for kind in ("HealthcareService", "Location", "Organization", "Schedule"):
                assert client.json(f"/fhir/{kind}")["total"] == 1 + left, (source, kind)
        assert len(list(hub.region.standings())) == 1 + left
    tell(hub, "b", offer("doppelt", LONG, 2, postal_code="26121"))
    assert Client(hub).json(find)["total"] == 1
    assert len(list(hub.region.standings())) == 2


def test_an_expired_word_still_reports(hub: Hub, clock: Clock) -> None:
    tell(hub, "json", offer("moor", LONG, 3, days=6.5))
    clock.forward(days=2)
    hub.pipeline.expire()
    ((_, found),) = told([row for row in hub.region.now() if row.care_form]).items()
    assert found == figures(offers=1, reporting=1, expired=1, unknown=1, uncounted=1)


def test_ages_are_those_of_the_statement_and_not_of_its_receipt(hub: Hub) -> None:
    """A stuck export, received now, that speaks of three days ago; and one that states no moment."""
    old = offer("moor", LONG, 3, days=3)
    with hub.database.transaction() as transaction:
        reports = [Told(report=one, received_at=NOW) for one in (old, replace(offer("see", LONG, 1), valid_at=None))]
        Reconciler(hub.repositories, hub.identity).reconcile(
            transaction, reports, source="json", ladder=Ladder(), now=NOW
        )
    by_name = {one.report.facility.name: one.as_of for one in hub.region.standings()}
    assert by_name == {"Haus moor": NOW - timedelta(days=3), "Haus see": NOW}
    (found,) = [row.figures for row in hub.region.now() if row.care_form]
    assert found == Figures(offers=2, reporting=2, last_day=1, fresh=1, stale=1, some=2, free=4)


@pytest.mark.parametrize(
    ("said", "free", "licensed"),
    [
        (Figures(), 0, 0),
        (Figures(offers=2, none=2), 0, None),
        (Figures(offers=2, none=1, unknown=1, uncounted=1), 0, None),
        (Figures(offers=2, ask=1, unknown=1, uncounted=2), None, None),
        (Figures(offers=2, some=1, uncounted=1, free=3, unknown=1, licensed=9), 3, 9),
    ],
)
def test_a_number_that_nobody_says_is_not_known(said: Figures, free: int | None, licensed: int | None) -> None:
    assert (said.known("free"), said.known("licensed"), said.known("offers")) == (free, licensed, said.offers)


def test_a_day_is_taken_once(hub: Hub, clock: Clock) -> None:
    region(hub)
    other = RegionDays(
        hub.database,
        lambda connection, now: hub.identity.view.standings(connection, now=now),
        draw_of(b"s"),
        clock,
    )
    assert hub.region.take()
    assert not other.take()
    tell(hub, "a", offer("neu", LONG, 1))
    assert not hub.region.take()
    assert told(rows(hub)) == EXPECTED


def test_searches_go_after_what_a_report_can_tell(hub: Hub, clock: Clock) -> None:
    def counted() -> list[int]:
        with hub.database.reading() as connection:
            return [row.searches for row in connection.execute(select(search_tally).order_by(search_tally.c.day))]

    for searches in (3, 2):
        for _ in range(searches):
            hub.tally.missed(52.85, 8.05, care_forms=(SHORT,), needs=())
        hub.tally.close()
        clock.forward(days=1)
    assert DAYS_OF_DISTRICT < SEARCHES_KEPT
    clock.forward(days=SEARCHES_KEPT - 2)
    assert hub.region.take()
    assert counted() == [3, 2]
    clock.forward(days=1)
    assert hub.region.take()
    assert counted() == [2]


def test_two_that_take_a_day_at_once_take_it_once(hub: Hub, clock: Clock) -> None:
    region(hub)
    inner: list[bool] = []

    def slow(connection: Any, now: int) -> Any:
        # While this one counts, another process has taken the day.
        inner.append(hub.region.take())
        return hub.identity.view.standings(connection, now=now)

    assert not RegionDays(hub.database, slow, draw_of(b"s"), clock).take()
    assert inner == [True]
    assert told(rows(hub)) == EXPECTED
    with hub.database.reading() as connection:
        assert len(connection.execute(select(region_taken)).all()) == 1
        assert len(connection.execute(select(region_day)).all()) == len(EXPECTED)


SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC), SPRING - timedelta(days=1)),
        (datetime(2026, 3, 28, 23, 0, 0, tzinfo=UTC), SPRING),
        (datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), SPRING),
        (datetime(2026, 3, 29, 22, 0, 0, tzinfo=UTC), SPRING + timedelta(days=1)),
        (datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC), AUTUMN - timedelta(days=1)),
        (datetime(2026, 10, 24, 22, 0, 0, tzinfo=UTC), AUTUMN),
        (datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC), AUTUMN),
        (datetime(2026, 10, 25, 23, 0, 0, tzinfo=UTC), AUTUMN + timedelta(days=1)),
    ],
)
def test_days_are_those_of_berlin_also_when_clocks_change(hub: Hub, clock: Clock, at: datetime, day: date) -> None:
    clock.at = at
    assert hub.region.today == day
    assert hub.region.take()
    with hub.database.snapshot() as reader:
        assert hub.region.taken(reader, day - timedelta(days=3), day + timedelta(days=3)) == [day]


def test_a_series_has_what_was_taken_and_says_what_was_not(hub: Hub, clock: Clock) -> None:
    tell(hub, "a", offer("moor", LONG, 3))
    hub.region.take()
    hub.tally.missed(52.85, 8.05, care_forms=("hospiz",), needs=())
    clock.forward(days=1)
    for _ in range(200):
        hub.tally.missed(52.85, 8.05, care_forms=(SHORT,), needs=("dialyse",))
    hub.tally.close()
    clock.forward(days=1)
    hub.region.take()
    found = {(row.day, row.care_form): row for row in rows(hub, TODAY, TODAY + timedelta(days=2), searches=True)}
    assert found[TODAY, LONG].figures == Figures(offers=1, reporting=1, last_day=1, fresh=1, some=1, free=3)
    assert found[TODAY, LONG].missed == 0
    # Nothing was taken on the next day, but searches were counted, for the wider care form and for all, too.
    next_day = {key[1]: row for key, row in found.items() if key[0] == TODAY + timedelta(days=1)}
    assert set(next_day) == {"", "kurzzeitpflege", SHORT}
    assert {(row.figures, row.missed) for row in next_day.values()} == {(None, 200)}
    last = found[TODAY + timedelta(days=2), LONG]
    assert last.figures == Figures(offers=1, reporting=1, aging=1, some=1, free=3)
    assert last.missed is None


def test_today_s_searches_are_not_told_before_the_day_is_over(hub: Hub, clock: Clock) -> None:
    for _ in range(50):
        hub.tally.missed(52.85, 8.05, care_forms=(), needs=())
    hub.tally.close()
    with hub.database.snapshot() as reader:
        assert hub.region.missed(reader, TODAY, TODAY) == []
        assert hub.region.rows(reader, TODAY, TODAY, searches=True) == []
    clock.forward(days=1)
    with hub.database.snapshot() as reader:
        (only,) = hub.region.missed(reader, TODAY, TODAY)
    assert (only.district, only.municipality, only.searches) == (CLOPPENBURG, "Cloppenburg", 50)


def test_offers_of_one_source_are_told_with_who_says_so(hub: Hub) -> None:
    region(hub)
    by_key = {(one.report.facility.name, one.report.offer.care_form): one for one in hub.region.standings()}
    assert len(by_key) == 9
    feld = by_key["Haus feld", LONG]
    assert (feld.source, feld.tells, feld.freshness(NOW), feld.report.state) == ("a", True, "expired", State.UNKNOWN)
    assert not by_key["Haus berg", SHORT].tells
    assert replace(feld.report.counts) == Counts()
