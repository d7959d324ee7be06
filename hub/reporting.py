"""GET /reports/region.csv and /reports/searches.csv: the figures of a region as tables.

The public view has coverage and freshness alone, as they were taken after midnight; exact places and searches without a
hit are for professionals, so far in the sandbox, where today's figures are those of the moment.
"""

from collections.abc import Mapping
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from hub.errors import Malformed, MethodNotAllowed, NotFound, http_part
from hub.fhir.endpoint import answered
from hub.fhir.form import pairs_of
from hub.fhir.request import Answer
from hub.reports.period import DAYS, DAYS_OF_DISTRICT, ROWS, Period
from hub.reports.region_csv import MEDIA_TYPE, figures_csv, searches_csv
from hub.reports.region_days import RegionDays, Row
from hub.store.database import Database
from mappings import gazetteer
from mappings.errors import Issue
from mappings.view import View

__all__ = ["PREFIX", "ReportEndpoint"]

PREFIX = "/reports/"
_FIGURES, _SEARCHES = "region.csv", "searches.csv"
_KNOWN = ("from", "to", "district")


class ReportEndpoint:
    """An ASGI application: `from` and `to` are days, today unless told; `district` the 5 digits of an AGS."""

    def __init__(self, region: RegionDays, database: Database, view: View) -> None:
        self._region = region
        self._database = database
        self._view = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request by HTTP."""
        await answered(self._answer, scope, receive, send)

    async def _answer(self, scope: Scope, _receive: Receive) -> Answer:
        request = Request(scope)
        name = request.url.path.removeprefix(PREFIX)
        served = (_FIGURES,) if self._view is View.PUBLIC else (_FIGURES, _SEARCHES)
        if name not in served:
            raise _unknown(served)
        if request.method not in ("GET", "HEAD"):
            raise _only_get()
        period = self._period(request)
        make = self._figures if name == _FIGURES else self._searches
        content = await run_in_threadpool(make, period)
        told = name.removesuffix(".csv")
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Content-Disposition": f'attachment; filename="platzfrei-{told}-{period.last.isoformat()}.csv"',
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        return Answer(content=content, headers=headers, is_fhir=False)

    def _figures(self, period: Period) -> bytes:
        with self._database.snapshot() as reader:
            rows = self._region.rows(
                reader,
                period.first,
                period.last,
                district=period.district,
                searches=self._view is not View.PUBLIC,
                most=ROWS + 1,
            )
        if self._view is not View.PUBLIC and period.first <= self._region.today <= period.last:
            rows = self._with_now(rows, period.district)
        if len(rows) > ROWS:
            raise _too_many()
        return b"".join(figures_csv(rows, view=self._view, language="de"))

    def _with_now(self, rows: list[Row], district: str | None) -> list[Row]:
        now = self._region.now(district=district)
        days = {row.day for row in now}
        return [*(row for row in rows if row.day not in days), *now]

    def _searches(self, period: Period) -> bytes:
        with self._database.snapshot() as reader:
            shown = self._region.missed(reader, period.first, period.last, district=period.district)
        if len(shown) > ROWS:
            raise _too_many()
        return b"".join(searches_csv(shown))

    def _period(self, request: Request) -> Period:
        told: dict[str, str] = {}
        for name, value in pairs_of(request.url.query):
            if name not in _KNOWN or name in told:
                listed = ", ".join(_KNOWN)
                raise _wrong(name[:40], f"erwartet werden, je einmal: {listed}", f"expected are, once each: {listed}")
            told[name] = value.strip()
        district = told.get("district")
        if district is not None and district not in gazetteer.districts():
            raise _wrong(
                "district",
                "erwartet werden die 5 Ziffern des AGS eines Landkreises oder einer kreisfreien Stadt, z. B. 03453",
                "expected the 5 digits of a district's AGS, for example 03453",
            )
        last = _day("to", told, self._region.today)
        period = Period(first=_day("from", told, last), last=last, district=district)
        if period.is_too_long:
            raise _wrong(
                "to",
                f"erwartet wird ein Tag von from an, höchstens {DAYS} Tage auf einmal, mit district {DAYS_OF_DISTRICT}",
                f"expected a day from `from` on, at most {DAYS} days at once, with district {DAYS_OF_DISTRICT}",
            )
        return period


def _day(name: str, told: Mapping[str, str], otherwise: date) -> date:
    if name not in told:
        return otherwise
    try:
        if len(told[name]) != len("2026-11-22"):
            raise ValueError
        return date.fromisoformat(told[name])
    except ValueError:
        raise _wrong(name, "erwartet wird ein Tag wie 2026-11-22", "expected a day such as 2026-11-22") from None


def _wrong(name: str, text_de: str, text_en: str) -> Malformed:
    known = name in _KNOWN
    return Malformed(
        Issue(
            code="report-parameter" if known else "unknown-parameter",
            fhir_code="value" if known else "not-supported",
            place=http_part(name) if known else "http",
            text_de=f"{name}: {text_de}",
            text_en=f"{name}: {text_en}",
        )
    )


def _too_many() -> Malformed:
    return _wrong(
        "district",
        f"es wären mehr als {ROWS} Zeilen; einen Landkreis nennen oder weniger Tage",
        f"it would be more than {ROWS} rows; name a district, or fewer days",
    )


def _unknown(served: tuple[str, ...]) -> NotFound:
    listed = ", ".join(f"{PREFIX}{name}" for name in served)
    return NotFound(
        Issue(
            code="unknown-report",
            fhir_code="not-found",
            place="http",
            text_de=f"diesen Bericht gibt es hier nicht; es gibt {listed}",
            text_en=f"there is no such report here; there is {listed}",
        )
    )


def _only_get() -> MethodNotAllowed:
    return MethodNotAllowed(
        Issue(
            code="only-get",
            fhir_code="not-supported",
            place="http",
            text_de="Berichte gibt es mit GET",
            text_en="reports are had by GET",
        ),
        headers={"Allow": "GET, HEAD"},
    )
