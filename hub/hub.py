"""An open hub: its database and all that works on it, put together in one place."""

from dataclasses import dataclass, field

from hub.course.learner import Learner
from hub.course.learnt import Learnt
from hub.definitions import store_definitions
from hub.exports import Exports
from hub.feeds import Feeds
from hub.fetching import Fetcher
from hub.homes.home import SOURCE as HOMES
from hub.homes.homes import Homes
from hub.homes.mail import Mailer
from hub.homes.reminders import Reminders
from hub.indexing import Indexing
from hub.ingest.identity import Identity
from hub.ingest.in_flight import InFlight
from hub.ingest.joined_view import JoinedView
from hub.ingest.pipeline import Pipeline
from hub.ingest.reconcile import Reconciler
from hub.keys import Key
from hub.opening import Clock, now, open_database
from hub.reports.published import draw_of
from hub.reports.region_days import RegionDays
from hub.reports.tally import Tally
from hub.search.registry import Registry
from hub.settings import Settings
from hub.sources import Sources
from hub.store.clock import micros
from hub.store.database import Database
from hub.store.repository import Repository
from hub.store.tables import PROFESSIONAL, PUBLIC
from hub.store.writer import Writer
from mappings.view import View

__all__ = ["Clock", "Hub", "now"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """An open hub: its database at the newest schema, its sources, its pipeline."""

    database: Database
    writer: Writer
    indexing: Indexing
    repositories: dict[View, Repository]
    sources: Sources
    identity: Identity
    in_flight: InFlight
    pipeline: Pipeline
    learner: Learner
    learnt: Learnt
    fetcher: Fetcher
    homes: Homes
    reminders: Reminders
    region: RegionDays
    tally: Tally
    mailer: Mailer | None
    settings: Settings
    clock: Clock
    key: Key = field(repr=False)

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None) -> "Hub":
        """Raises `Rejected` for a setting that cannot be; without a clock of the caller's it is the database's."""
        found = open_database(settings)
        database, key, clock = found.database, found.key, clock or found.clock
        shipped = Registry.shipped()
        repositories = {
            View.PUBLIC: Repository(PUBLIC, shipped),
            View.PROFESSIONAL: Repository(PROFESSIONAL, shipped),
        }
        writer = Writer(database)
        indexing = Indexing(database, writer, tuple(repositories.values()), shipped)
        indexing.open()
        store_definitions(database, repositories.values(), at=micros(clock()))
        sources = Sources(settings.sources, database)
        identity = Identity(JoinedView(repositories, rank_of=sources.rank, ladder_of=sources.ladder))
        in_flight = InFlight(settings.folder, database)
        pipeline = Pipeline(
            database=database,
            writer=writer,
            sources=sources,
            reconciler=Reconciler(repositories, identity),
            key=key,
            in_flight=in_flight,
            clock=clock,
        )
        feeds = Feeds(settings.feeds, [one.name for one in sources])
        fetcher = Fetcher(database=database, feeds=feeds, deliver=pipeline.receive, clock=clock)
        homes = Homes(
            database=database,
            writer=writer,
            key=key,
            receive=pipeline.receive,
            end=pipeline.remove_in,
            ladder=sources.named(HOMES).ladder,
            clock=clock,
        )
        return cls(
            database=database,
            writer=writer,
            indexing=indexing,
            repositories=repositories,
            sources=sources,
            identity=identity,
            in_flight=in_flight,
            pipeline=pipeline,
            learnt=Learnt(),
            learner=Learner(database, writer, ladder_of=sources.ladder, clock=clock),
            fetcher=fetcher,
            homes=homes,
            reminders=Reminders(homes, settings.base_url, settings.office, clock),
            region=RegionDays(
                database,
                lambda connection, now: identity.view.standings(connection, now=now),
                draw_of(key.derived("small counts")),
                clock,
            ),
            tally=Tally(writer, clock),
            mailer=Mailer.of(settings.smtp, settings.mail_from),
            settings=settings,
            clock=clock,
            key=key,
        )

    def exports(self, view: View) -> Exports:
        """What a view's exports are made of."""
        providers = self.indexing.registry.parameters("HealthcareService")["organization"].number
        return Exports(self.repositories[view].projection, self.sources.named("fhir"), providers=providers)

    def remind(self) -> None:
        """Send the reminders that are due, where there is a mail server."""
        if self.mailer is not None:
            self.reminders.remind(self.mailer)

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self.tally.close()
        self.indexing.close()
        self.pipeline.close()
        self.writer.close()
        self.in_flight.close()
        self.database.close()
