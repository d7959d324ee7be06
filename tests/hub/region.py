"""A handful of invented offers around Cloppenburg, and how tests put reports into a hub."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.receipt import Receipt
from hub.hub import Hub
from hub.ingest.changes import Told
from hub.ingest.reconcile import Reconciler
from hub.search.vacancy_query import VacancyQuery
from hub.store.clock import day
from mappings.source_map import Ladder
from mappings.vacancy import (
    Address,
    Block,
    BlockStatus,
    Contact,
    Counts,
    Facility,
    Offer,
    Operator,
    Position,
    State,
    VacancyReport,
    derived_state,
)
from tests.conftest import NOW

SOURCE = "test"


def facility(key: str = "moor", *, latitude: float = 52.85, longitude: float = 8.05) -> Facility:
    """A home some metres from the middle of Cloppenburg."""
    return Facility(
        key=key,
        name=f"Haus {key}",
        operator=Operator(key="traeger", name="Pflegewerk Test"),
        iks=("510322019",),
        address=Address(street="Lange Straße", house_number="3", postal_code="49661", city="Cloppenburg"),
        position=Position(latitude, longitude),
        contacts=(
            Contact(system="phone", value="04471 555-0"),
            Contact(system="phone", value="04471 555-99", internal=True),
        ),
    )


def report(
    key: str = "moor",
    *,
    care_form: str = "kurzzeitpflege-solitaer",
    free: int | None = 3,
    held: int = 0,
    valid_at: datetime | None = None,
    sequence: int | None = None,
    state: State | None = None,
    blocks: Sequence[Block] | None = None,
    latitude: float = 52.85,
    longitude: float = 8.05,
) -> VacancyReport:
    """A report of one offer."""
    implied = (Block(count=free),) if free else ()
    held_blocks = (Block(count=held, status=BlockStatus.HELD),) if held else ()
    return VacancyReport(
        facility=facility(key, latitude=latitude, longitude=longitude),
        offer=Offer(key=f"{key}/{care_form}", care_form=care_form, needs=("dialyse",)),
        valid_at=valid_at,
        sequence=sequence,
        state=derived_state(free) if state is None else state,
        counts=Counts(licensed=20, held=held or None, accepting=free),
        blocks=tuple(blocks) if blocks is not None else implied + held_blocks,
    )


def searched(**asked: Any) -> VacancyQuery:
    """A search for free places of short-term care around Cloppenburg, or what is asked instead."""
    told = {
        "latitude": 52.85,
        "longitude": 8.05,
        "kilometres": 40,
        "care_forms": ("kurzzeitpflege-solitaer",),
        "states": (State.SOME,),
        "today": day(NOW.date()),
        "count": 20,
    }
    return VacancyQuery(**{**told, **asked})


def tell(
    hub: Hub, *reports: VacancyReport, received_at: datetime | None = None, ladder: Ladder | None = None
) -> Receipt:
    """Reconcile reports as a delivery received now, or as soon as the newest of them can be; what became of them."""
    at = received_at or max([hub.clock(), *(one.valid_at for one in reports if one.valid_at is not None)])
    told = [Told(report=one, received_at=at, delivery=1) for one in reports]
    receipt = Receipt(source=SOURCE)
    with hub.database.transaction() as transaction:
        effects = Reconciler(hub.repositories, hub.identity).reconcile(
            transaction, told, source=SOURCE, ladder=ladder or Ladder(), now=at
        )
    for effect in effects:
        receipt.count(effect.change, effect.versions)
    return receipt


HOUR = timedelta(hours=1)


def three_homes(hub: Hub) -> None:
    """Three homes with five offers, of which `NOW` tells."""
    tell(
        hub,
        report("moor", free=3, valid_at=NOW),
        report("moor", care_form="dauerpflege", free=0, valid_at=NOW),
        report("heide", free=1, valid_at=NOW, latitude=52.95, blocks=[Block(count=1, start=(NOW + 48 * HOUR).date())]),
        report("Brücke", care_form="tagespflege", free=2, valid_at=NOW, latitude=53.5),
        report("Brücke", care_form="hospiz-stationaer", free=None, valid_at=NOW, latitude=53.5),
    )
