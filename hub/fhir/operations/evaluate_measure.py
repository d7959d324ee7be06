"""Measure/$evaluate-measure: the figures of a region as a MeasureReport
(https://hl7.org/fhir/R4/measure-operation-evaluate-measure.html).

Told is what was kept of each day. A report is of type `summary`; its `subject` is a district, by the 5 digits of its
AGS. Exact places and searches are for professionals: the public view has coverage and freshness alone.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date

import orjson

from conformance import spec
from conformance.formats.grouped import grouped
from hub.errors import Malformed, NotFound, http_part
from hub.fhir.context import Context
from hub.fhir.form import BYTES_MAX
from hub.fhir.measure_report import EVERYBODYS, MEASURES, SEARCHES, measure_report
from hub.fhir.parameters import given, plain, posted
from hub.fhir.request import Answer, Request
from hub.reports.period import DAYS, DAYS_OF_DISTRICT, ROWS, Period
from hub.store.reader import Reader
from mappings import gazetteer
from mappings.errors import Issue

__all__ = ["NAME", "ROUTES", "WRITES", "answer"]

NAME = "evaluate-measure"
ROUTES = (
    ("GET", "/Measure/$evaluate-measure"),
    ("POST", "/Measure/$evaluate-measure"),
    ("GET", "/Measure/{id}/$evaluate-measure"),
    ("POST", "/Measure/{id}/$evaluate-measure"),
)
WRITES = False

_KNOWN = ("measure", "periodStart", "periodEnd", "reportType", "subject")


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """The MeasureReport of a period, both of its days inclusive."""
    told = _told(request)
    name = _measure(request.variables.get("id"), told)
    public = context.repository.projection.name == "public"
    if context.region is None or (public and name not in EVERYBODYS):
        raise _not_here()
    period = _period(told)
    days, district = (period.first, period.last), period.district
    searches = name == SEARCHES
    rows = context.region.rows(reader, *days, district=district, searches=searches, most=ROWS + 1)
    if len(rows) > ROWS:
        raise _wrong(
            "periodStart",
            f"der Bericht hätte mehr als {grouped(ROWS)} Zeilen; mit subject einen Landkreis nennen oder weniger Tage",
            f"the report would have more than {ROWS:,} rows; name a district as subject, or fewer days",
            "too-costly",
        )
    missed = context.region.missed(reader, *days, district=district) if searches else ()
    return Answer(content=orjson.dumps(measure_report(name, period, rows, missed, at=context.clock())))


def _told(request: Request) -> dict[str, str]:
    pairs, sent = posted(request, most=BYTES_MAX)
    if sent is not None:
        pairs += plain(given(sent))
    told: dict[str, str] = {}
    for name, value in pairs:
        if name in ("_format", "_pretty"):
            continue
        if name not in _KNOWN:
            listed = ", ".join(_KNOWN)
            raise _wrong(
                name[:40],
                f"kein Parameter, der hier etwas bewirkt; bekannt: {listed}",
                f"not a parameter that does anything here; known: {listed}",
                "not-supported",
            )
        if name in told:
            raise _wrong(name, "darf nur einmal stehen", "may be given only once")
        told[name] = value.strip()
    if told.get("reportType", "summary") != "summary":
        raise _wrong("reportType", "möglich ist summary", "possible: summary", "not-supported")
    return told


def _measure(of_path: str | None, told: Mapping[str, str]) -> str:
    asked = of_path or told.get("measure", "").removeprefix(spec.canonical("Measure", "")).removeprefix("Measure/")
    if asked not in MEASURES:
        listed = ", ".join(MEASURES)
        if of_path is not None:
            raise NotFound(_issue("measure", f"es gibt {listed}", f"there are {listed}", "not-found"))
        raise _wrong("measure", f"erwartet wird eines von: {listed}", f"expected one of: {listed}")
    if of_path is not None and "measure" in told:
        raise _wrong("measure", "die Adresse nennt es schon", "the address names it already", "business-rule")
    return asked


def _period(told: Mapping[str, str]) -> Period:
    first = _date("periodStart", told, last=False)
    last = _date("periodEnd", told, last=True)
    district = told.get("subject")
    if district is not None and district not in gazetteer.districts():
        raise _wrong(
            "subject",
            "erwartet werden die 5 Ziffern des AGS eines Landkreises oder einer kreisfreien Stadt, zum Beispiel 03453",
            "expected the 5 digits of a district's AGS, for example 03453",
        )
    period = Period(first=first, last=last, district=district)
    if period.is_too_long:
        raise _wrong(
            "periodEnd",
            f"erwartet wird ein Tag von periodStart an, höchstens {DAYS} Tage auf einmal, mit subject "
            f"{DAYS_OF_DISTRICT}",
            f"expected a day from periodStart on, at most {DAYS} days at once, with subject {DAYS_OF_DISTRICT}",
        )
    return period


def _date(name: str, told: Mapping[str, str], *, last: bool) -> date:
    """The first or the last day of what is a year, a month or a day."""
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", told.get(name, ""), re.ASCII)
    try:
        if found is None:
            raise ValueError
        year, month = int(found[1]), int(found[2] or (12 if last else 1))
        return date(year, month, int(found[3] or (monthrange(year, month)[1] if last else 1)))
    except ValueError:
        raise _wrong(
            name,
            "erwartet wird ein Tag, Monat oder Jahr, zum Beispiel 2026-11-22 oder 2026-11",
            "expected a day, a month or a year, for example 2026-11-22 or 2026-11",
            "value" if name in told else "required",
        ) from None


def _not_here() -> NotFound:
    return NotFound(
        _issue(
            "measure",
            "diesen Bericht gibt es öffentlich nicht; öffentlich ist region-coverage",
            "this report is not public; public is region-coverage",
            "not-found",
        )
    )


def _wrong(name: str, text_de: str, text_en: str, fhir_code: str = "value") -> Malformed:
    return Malformed(_issue(name, text_de, text_en, fhir_code))


def _issue(name: str, text_de: str, text_en: str, fhir_code: str) -> Issue:
    known = name in _KNOWN
    return Issue(
        code="evaluate-measure" if known else "unknown-parameter",
        fhir_code=fhir_code,
        place=http_part(name) if known else "http",
        text_de=f"{name}: {text_de}",
        text_en=f"{name}: {text_en}",
    )
