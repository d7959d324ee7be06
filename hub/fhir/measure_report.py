"""The figures of a region as FHIR MeasureReports of the measures in `conformance/spec/`
(https://hl7.org/fhir/R4/measurereport.html).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from conformance import spec
from hub.reports.period import Period
from hub.reports.published import Missed, by_need
from hub.reports.region_days import Row
from mappings import gazetteer, terminology
from mappings.district_figures import ALL, COVERAGE, Figures
from mappings.to_fhir import AGS

__all__ = ["EVERYBODYS", "MEASURES", "SEARCHES", "measure_report"]

Tree = dict[str, Any]

SEARCHES = "region-missed-searches"
"""The measure of searches that found nothing."""
MEASURES = ("region-coverage", "region-places", SEARCHES)
"""The measures, by the ids of their resources."""
EVERYBODYS = frozenset(("region-coverage",))
"""Those that everybody may see; the others are for professionals."""

_FIGURES = spec.canonical("CodeSystem", "region-figure")
_CARE_FORMS = spec.canonical("CodeSystem", "care-form")
_NEEDS = spec.canonical("CodeSystem", "need")
_PLACES = ("free", "licensed")
_OFFERS = ("offers", "some", "none", "ask", "unknown", "uncounted")


def measure_report(
    measure: str, period: Period, rows: Sequence[Row], missed: Iterable[Missed], *, at: datetime
) -> Tree:
    """The report of one of `MEASURES`, made `at` a moment; `pending` where nothing is known of the period yet."""
    groups = {"region-coverage": _coverage, "region-places": _places}.get(measure)
    group = _searches(rows, missed) if groups is None else groups([row for row in rows if row.figures is not None])
    told: Tree = {
        "resourceType": "MeasureReport",
        "status": "complete" if group else "pending",
        "type": "summary",
        "measure": spec.canonical("Measure", measure),
        "date": at.isoformat(timespec="seconds"),
        "reporter": {"display": "Platzfrei"},
        "period": {"start": period.first.isoformat(), "end": period.last.isoformat()},
    }
    if period.district is not None:
        told["subject"] = {
            "type": "Location",
            "identifier": {"system": AGS, "value": period.district},
            "display": gazetteer.districts().get(period.district, period.district),
        }
    return {**told, "group": group} if group else told


def _coverage(rows: Sequence[Row]) -> list[Tree]:
    if not rows:
        return []
    return [_group("region-coverage", 0, rows, COVERAGE, score=_share)]


def _places(rows: Sequence[Row]) -> list[Tree]:
    if not rows:
        return []
    return [_group("region-places", 0, rows, _OFFERS), _group("region-places", 1, rows, _PLACES)]


def _group(
    measure: str,
    number: int,
    rows: Sequence[Row],
    names: Sequence[str],
    *,
    score: Callable[[Figures], Tree | None] = lambda _: None,
) -> Tree:
    """A group of the measure: its numbers of the last day, and each row as a stratum."""
    defined = _measure(measure)["group"][number]
    last = max(row.day for row in rows)
    total = Figures()
    for row in rows:
        if row.day == last and row.care_form == ALL and row.figures is not None:
            total += row.figures
    strata = []
    for row in rows:
        assert row.figures is not None, "rows without figures are left out"
        strata.append(
            _scored(
                {"component": _components(row), **_populations(defined, row.figures, names)},
                score(row.figures),
            )
        )
    made = {
        "code": defined["code"],
        **_populations(defined, total, names),
        "stratifier": [{"code": _parts(defined["stratifier"][0]), "stratum": strata}],
    }
    return _scored(made, score(total), before="stratifier")


def _searches(rows: Sequence[Row], missed: Iterable[Missed]) -> list[Tree]:
    defined = _measure(SEARCHES)["group"][0]
    (code,) = (each["code"] for each in defined["population"])
    days, places = map(_parts, defined["stratifier"])
    over = [row for row in rows if row.missed is not None]
    if not over:
        return []
    by_day: list[Tree] = [
        {"component": _components(row), "population": [{"code": code, "count": row.missed}]}
        for row in over
        if row.missed
    ]
    by_place: list[Tree] = [
        {
            "component": [
                _component("district", _district(district)),
                *([_component("municipality", {"text": municipality})] if municipality else []),
                *([_component("need", _coded(_NEEDS, need, terminology.display("need", need, "en")))] if need else []),
            ],
            "population": [{"code": code, "count": searches}],
        }
        for (district, municipality, need), searches in sorted(by_need(missed).items())
    ]
    stratifiers = [
        {"code": named, "stratum": strata} for named, strata in ((days, by_day), (places, by_place)) if strata
    ]
    total = sum(row.missed or 0 for row in over if row.care_form == ALL)
    made: Tree = {"code": defined["code"], "population": [{"code": code, "count": total}]}
    return [{**made, "stratifier": stratifiers} if stratifiers else made]


def _populations(defined: Mapping[str, Any], figures: Figures, names: Sequence[str]) -> Tree:
    """What is known; a number that nobody says is left out."""
    known = [
        {"code": each["code"], "count": count}
        for each, name in zip(defined["population"], names, strict=True)
        if (count := figures.known(name)) is not None
    ]
    return {"population": known} if known else {}


def _parts(stratifier: Mapping[str, Any]) -> list[Tree]:
    return [component["code"] for component in stratifier["component"]]


def _components(row: Row) -> list[Tree]:
    told = [_component("day", {"text": row.day.isoformat()}), _component("district", _district(row.district))]
    if row.care_form != ALL:
        display = terminology.display("care-form", row.care_form, "en")
        told.append(_component("care-form", _coded(_CARE_FORMS, row.care_form, display)))
    return told


def _component(code: str, value: Tree) -> Tree:
    return {"code": _coded(_FIGURES, code, terminology.display("region-figure", code, "en")), "value": value}


def _district(district: str) -> Tree:
    if not district:
        return {"text": "not known"}
    return _coded(AGS, district, gazetteer.districts().get(district, district))


def _coded(system: str, code: str, display: str) -> Tree:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _share(figures: Figures) -> Tree | None:
    return {"value": round(figures.reporting / figures.offers, 4)} if figures.offers else None


def _scored(tree: Tree, score: Tree | None, *, before: str = "") -> Tree:
    """With the score where R4 has it, for XML has an order."""
    if score is None:
        return tree
    told = {name: value for name, value in tree.items() if name != before}
    told["measureScore"] = score
    return told | ({before: tree[before]} if before else {})


@cache
def _measure(name: str) -> Mapping[str, Any]:
    return next(each for each in spec.load("Measure") if each["id"] == name)
