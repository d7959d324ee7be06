"""`platzfrei demo`: an invented region, written as its sources write, taken in as theirs is, and served."""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from adapters.base import Delivery
from hub.commands.counted import counted
from hub.commands.options import parser, run, settings, text
from hub.commands.progress import Progress
from hub.commands.serve import HOST, check_port, serve, without_password
from hub.demo.days import days
from hub.demo.exports import Export, write
from hub.demo.region import region
from hub.hub import Hub, now
from hub.purpose import Purpose, claim, remember, remembered
from hub.settings import Settings
from mappings.district_figures import ALL
from mappings.errors import Issue, Rejected

__all__ = ["main"]

_SEED = 1
_WESER_EMS = 1_400
_GERMANY = 32_000
_DAYS = 60
"""The course of days was tried over so many (hub/README.md, Drift)."""


class _Clock:
    """The time of a region: `shift` from ours, and so far `behind` while its past is lived through."""

    def __init__(self, shift: timedelta) -> None:
        self._shift = shift
        self.behind = timedelta()

    def __call__(self) -> datetime:
        return now() + self._shift - self.behind


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("demo", "Build an invented region, take it in through the real adapters, and serve it.")
    made.add_argument("--port", type=int, default=8080, help="default 8080")
    made.add_argument(
        "--size",
        type=int,
        help=f"providers: {_WESER_EMS} is Weser-Ems (default), {_GERMANY} Germany",
    )
    made.add_argument("--seed", type=int, help="another number, another region; default 1")
    made.add_argument(
        "--as-of", type=_moment, metavar="TIME", help="the region's present (2026-03-01T08:00); default: now"
    )
    made.add_argument(
        "--days",
        type=int,
        default=0,
        metavar="N",
        help="live through so many days before its present, each taken in as its sources would have sent it, so that "
        "there are past reports and courses to learn from; some seconds a day",
    )
    made.add_argument("--build-only", action="store_true", help="build, and do not serve")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    if options.size is not None and not 1 <= options.size <= _GERMANY:
        raise Rejected(
            Issue(
                code="demo-size",
                place="--size",
                text_de=f"erwartet wird eine Zahl von 1 bis {_GERMANY}",
                text_en=f"expected a number from 1 to {_GERMANY}",
            )
        )
    if not 0 <= options.days <= _DAYS:
        raise Rejected(
            Issue(
                code="demo-days",
                place="--days",
                text_de=f"erwartet wird eine Zahl von 0 bis {_DAYS}",
                text_en=f"expected a number from 0 to {_DAYS}",
            )
        )
    if not options.build_only:
        check_port(options.port)
    chosen = settings(options)
    hub = Hub.open(chosen)
    try:
        claim(hub.database, Purpose.DEMO)
        built = remembered(hub.database, "demo_region")
        if built is not None and _differs(built, options):
            raise _another_region(built)
        if remembered(hub.database, "demo") != "complete":
            hub.close()
            hub = _build(chosen, options)
        else:
            told = text(options, "weiter mit der Region in", "going on with the region in")
            print(f"{told} {without_password(chosen.database)} ({built})")
        if not options.build_only:
            print(_requests(hub, options))
            serve(hub, options.port)
    finally:
        hub.close()
    return 0


def _build(chosen: Settings, options: argparse.Namespace) -> Hub:
    """Write the region's exports and take them in, those of the days before it first."""
    as_of = options.as_of or now()
    seed = _SEED if options.seed is None else options.seed
    size = _WESER_EMS if options.size is None else options.size
    began = time.monotonic()
    print(text(options, f"erfinde {size} Anbieter …", f"inventing {counted(size, 'provider', 'en')} …"), flush=True)
    shift, before = as_of - now() if options.as_of else timedelta(), timedelta(days=options.days)
    at_first = region(seed=seed, size=size, as_of=as_of - before)
    clock = _Clock(shift)
    hub: Hub | None = None
    offers = 0
    for number, of_day in enumerate(days(at_first, options.days + 1, joining=False)):
        exports = write(of_day, chosen.folder / "exports")
        clock.behind = before - timedelta(days=number)
        if hub is None:
            # Only now is there a source map of its clinics.
            hub = Hub.open(chosen, clock=clock)
            remember(hub.database, "time_shift", str(shift.total_seconds()))
            remember(hub.database, "demo_region", _region_told(seed, size, options.days))
        offers = _take_in(hub, exports)
        if options.days:
            hub.pipeline.expire()
            hub.region.take()
    assert hub is not None, "there is a day at least"
    if options.days:
        hub.learner.learn()
        offers = sum(row.figures.offers for row in hub.region.now() if row.care_form == ALL and row.figures is not None)
    remember(hub.database, "demo", "complete")
    seconds = time.monotonic() - began
    print(
        text(
            options,
            f"{counted(offers, 'offer', 'de')} in {seconds:.0f} s übernommen",
            f"{counted(offers, 'offer', 'en')} taken in, in {seconds:.0f} s",
        )
    )
    return hub


def _region_told(seed: int, size: int, of_days: int) -> str:
    return f"--seed {seed} --size {size}" + (f" --days {of_days}" if of_days else "")


def _differs(built: str, options: argparse.Namespace) -> bool:
    """Whether another region was asked for than the one that is there."""
    asked = (("--seed", options.seed), ("--size", options.size), ("--days", options.days or None))
    return any(value is not None and f"{name} {value} " not in f"{built} " for name, value in asked)


def _another_region(built: str) -> Rejected:
    return Rejected(
        Issue(
            code="demo-region",
            place="--database",
            text_de=f"hier liegt schon eine andere Region ({built}); mit --database eine andere Datenbank wählen",
            text_en=f"another region is here already ({built}); choose another database with --database",
        )
    )


def _take_in(hub: Hub, exports: Sequence[Export]) -> int:
    offers = 0
    with Progress(sum(export.records for export in exports)) as progress:
        for export in exports:
            progress.show(f"{export.source} · {export.path.name}")
            body = export.path.read_bytes()
            receipt = hub.pipeline.receive(Delivery(source=export.source, body=body, received_at=hub.clock()))
            if not receipt.good and not receipt.held:
                raise Rejected(*(issue for issue in receipt.issues if issue.severity == "error"))
            offers += receipt.applied
            progress.advance(export.records)
    return offers


def _requests(hub: Hub, options: argparse.Namespace) -> str:
    base = f"http://{HOST}:{options.port}/fhir"
    today = hub.clock().date()
    find = f"{base}/HealthcareService/$find-vacancies"
    asked = [
        (
            text(
                options,
                "Kurzzeitpflege im Umkreis von 25 km um 49661 Cloppenburg",
                "short-term care within 25 km of 49661 Cloppenburg",
            ),
            f"{find}?postal-code=49661&distance=25&care-form=kurzzeitpflege",
        ),
        (
            text(
                options,
                "zwei Dauerplätze um Oldenburg, frei in 14 Tagen",
                "two long-term places near Oldenburg, free in 14 days",
            ),
            f"{find}?near=53.14|8.21|30|km&care-form=dauerpflege&places=2&start={today + timedelta(days=14)}",
        ),
        (
            text(options, "wo erst gefragt werden muss", "where one has to ask first"),
            f"{find}?postal-code=26603&distance=40&state=ask",
        ),
        (
            text(options, "alle Standorte um Osnabrück", "all sites around Osnabrück"),
            f"{base}/Location?near=52.27|8.05|10|km&_include=Location:organization",
        ),
        (text(options, "was dieser Server kann", "what this server can do"), f"{base}/metadata"),
    ]
    lines = [f"  {what}\n    curl '{url}'" for what, url in asked]
    head = text(
        options,
        f"{base} · öffentliche Sicht. Fünf Anfragen, die sich lohnen:",
        f"{base} · public view. Five requests worth trying:",
    )
    command = [sys.argv[0], "find", "--near", "49661", "--distance", "25km", "--care-form", "kurzzeitpflege"]
    if options.database is not None:
        command += ["--database", without_password(options.database)]
    by_command = shlex.join(command)
    tail = text(options, f"  oder: {by_command}\nEnde mit Strg-C.", f"  or: {by_command}\nStop with Ctrl-C.")
    return "\n".join((head, *lines, tail))


def _moment(written: str) -> datetime:
    try:
        told = datetime.fromisoformat(written)
        if not 2000 <= told.year <= 2090:
            raise ValueError(written)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a time such as 2026-03-01T08:00") from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
