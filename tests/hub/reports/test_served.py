"""The reports over HTTP: valid, complete for professionals, and for everybody nothing but coverage and freshness."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from conformance.formats import r4
from hub.fhir.measure_report import MEASURES
from hub.hub import Hub
from mappings.district_figures import COVERAGE, FIGURES
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.reports.test_region_days import CLOPPENBURG, EXPECTED, LONG, SHORT, TODAY, as_text, offer, region, tell

OPERATION = "/fhir/Measure/{}/$evaluate-measure?periodStart=2026-11-22&periodEnd=2026-11-22"
CODES = "https://platzfrei.org/fhir/CodeSystem/region-figure"


def faults(resource: Any) -> list[Any]:
    return [one for one in r4.findings(resource) if one.severity == "error"]


def code_of(concept: Any, system: str = CODES) -> str:
    return str(next(each["code"] for each in concept["coding"] if each["system"] == system))


def strata(group: Any, number: int = 0) -> dict[tuple[str, ...], dict[str, int]]:
    """Component values → the counts, by their codes."""
    return {
        tuple(
            part["value"]["text"] if "text" in part["value"] else part["value"]["coding"][0]["code"]
            for part in one["component"]
        ): {code_of(each["code"]): each["count"] for each in one["population"]}
        for one in group["stratifier"][number]["stratum"]
    }


def table(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def with_searches(hub: Hub, clock: Clock) -> None:
    """The region as of the 22nd, with searches that found nothing on that day, seen on the day after."""
    region(hub)
    hub.region.take()
    for _ in range(10):
        hub.tally.missed(52.85, 8.05, care_forms=(SHORT,), needs=("dialyse",))
    for _ in range(20):
        hub.tally.missed_in(CLOPPENBURG, care_forms=("hospiz",), needs=())
    hub.tally.missed_in(CLOPPENBURG, care_forms=("nachtpflege",), needs=())
    hub.tally.close()
    clock.forward(days=1)


def test_coverage_is_for_everybody(hub: Hub) -> None:
    region(hub)
    hub.region.take()
    told = Client(hub).json(OPERATION.format("region-coverage"))
    assert faults(told) == []
    assert (told["status"], told["type"]) == ("complete", "summary")
    assert told["measure"] == "https://platzfrei.org/fhir/Measure/region-coverage"
    assert told["period"] == {"start": "2026-11-22", "end": "2026-11-22"}
    (group,) = told["group"]
    assert {code_of(each["code"]): each["count"] for each in group["population"]} == {
        "offers": 9,
        "reporting": 8,
        "last-day": 5,
        "fresh": 5,
        "aging": 1,
        "stale": 1,
        "expired": 1,
    }
    assert group["measureScore"] == {"value": 0.8889}
    found = strata(group)
    assert found == {
        (TODAY.isoformat(), district or "not known", *([form] if form else [])): {
            name.replace("_", "-"): figures[name] for name in COVERAGE
        }
        for (district, form), figures in EXPECTED.items()
    }


def test_places_are_for_professionals(hub: Hub) -> None:
    region(hub)
    hub.region.take()
    told = Client(hub, sandbox=True).json(OPERATION.format("region-places") + "&subject=" + CLOPPENBURG)
    assert faults(told) == []
    assert told["subject"]["identifier"]["value"] == CLOPPENBURG
    offers, places = told["group"]
    assert strata(places) == {
        (TODAY.isoformat(), CLOPPENBURG, *([form] if form else [])): {
            "free": figures["free"],
            "licensed": figures["licensed"],
        }
        for (district, form), figures in EXPECTED.items()
        if district == CLOPPENBURG
    }
    assert strata(offers)[TODAY.isoformat(), CLOPPENBURG, LONG] == {
        "offers": 3,
        "some": 2,
        "none": 0,
        "ask": 0,
        "unknown": 1,
        "uncounted": 1,
    }


def test_the_public_is_told_neither_places_nor_searches(hub: Hub, clock: Clock) -> None:
    with_searches(hub, clock)
    client = Client(hub)
    for measure in ("region-places", "region-missed-searches"):
        assert client.get(OPERATION.format(measure)).status_code == 404
    assert client.get("/reports/searches.csv").status_code == 404
    rows = table(client.get("/reports/region.csv?from=2026-11-22&to=2026-11-22").content)
    assert len(rows) == len(EXPECTED)
    assert [*rows[0]][5:] == [name.replace("_", "-") for name in COVERAGE]
    assert "free" not in rows[0]
    assert {row["care-form"] for row in rows} == {form for _, form in EXPECTED}
    (group,) = client.json(OPERATION.format("region-coverage"))["group"]
    assert len(strata(group)) == len(EXPECTED)


def test_searches_without_a_hit_are_told_by_municipality_and_need(hub: Hub, clock: Clock) -> None:
    with_searches(hub, clock)
    client = Client(hub, sandbox=True)
    told = client.json(OPERATION.format("region-missed-searches"))
    assert faults(told) == []
    (group,) = told["group"]
    by_day, by_place = strata(group), strata(group, 1)
    assert by_day[TODAY.isoformat(), CLOPPENBURG, SHORT] == {"missed": 10}
    assert by_place[CLOPPENBURG, "Cloppenburg", "dialyse"] == {"missed": 10}
    assert by_place[CLOPPENBURG, "Cloppenburg"] == {"missed": 10}
    rows = table(client.get("/reports/searches.csv?from=2026-11-22&to=2026-11-22").content)
    assert rows[-1] == {
        "day": "2026-11-22",
        "district": CLOPPENBURG,
        "district-name": "Landkreis Cloppenburg",
        "municipality": "Cloppenburg",
        "care-form": SHORT,
        "need": "dialyse",
        "missed": "10",
    }
    # A single one is shown as none or as five, never as one.
    assert {row["missed"] for row in rows} <= {"5", "10", "20"}
    assert group["population"][0]["count"] == sum(int(row["missed"]) for row in rows)


@pytest.mark.parametrize("accept", ["application/fhir+json", "application/fhir+xml"])
@pytest.mark.parametrize("measure", MEASURES)
def test_every_report_is_valid_also_where_nothing_is_known(hub: Hub, measure: str, accept: str) -> None:
    client = Client(hub, sandbox=True)
    answer = client.get(OPERATION.format(measure), headers={"Accept": accept})
    assert answer.status_code == 200
    told = client.json(OPERATION.format(measure))
    assert faults(told) == []
    assert told["status"] == "pending"


def test_the_operation_is_asked_in_every_way_of_fhir(hub: Hub) -> None:
    region(hub)
    hub.region.take()
    client = Client(hub)
    expected = client.json(OPERATION.format("region-coverage"))
    canonical = "https://platzfrei.org/fhir/Measure/region-coverage"
    period = "periodStart=2026-11-22&periodEnd=2026-11-22&reportType=summary"
    assert client.json(f"/fhir/Measure/$evaluate-measure?measure={canonical}&{period}") == expected
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "measure", "valueString": "Measure/region-coverage"},
            {"name": "periodStart", "valueDate": "2026-11-22"},
            {"name": "periodEnd", "valueDate": "2026-11-22"},
        ],
    }
    posted = client.request("POST", "/fhir/Measure/$evaluate-measure", json=parameters)
    assert posted.json() == expected
    month = client.json("/fhir/Measure/region-coverage/$evaluate-measure?periodStart=2026-11&periodEnd=2026-11")
    assert month["period"] == {"start": "2026-11-01", "end": "2026-11-30"}
    assert month["group"] == expected["group"]
    capabilities = client.json("/fhir/metadata")
    (served,) = [each for each in capabilities["rest"][0]["resource"] if each["type"] == "Measure"]
    assert {
        "name": "evaluate-measure",
        "definition": "http://hl7.org/fhir/OperationDefinition/Measure-evaluate-measure",
    } in served["operation"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("periodEnd=2026-11-22", "http.periodStart"),
        ("periodStart=2026-02-30&periodEnd=2026-11-22", "http.periodStart"),
        ("periodStart=0000&periodEnd=2026", "http.periodStart"),
        ("periodStart=2026-11-22&periodEnd=2026-11-21", "http.periodEnd"),
        ("periodStart=2026-10&periodEnd=2026-11", "http.periodEnd"),
        ("periodStart=2026-11-22&periodEnd=2026-11-22&subject=99999", "http.subject"),
        ("periodStart=2026-11-22&periodEnd=2026-11-22&reportType=subject", "http.reportType"),
        ("periodStart=2026-11-22&periodEnd=2026-11-22&practitioner=x", "http"),
        ("periodStart=2026-11-22&periodStart=2026-11-22&periodEnd=2026-11-22", "http.periodStart"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(sqlite_hub: Hub, query: str, place: str) -> None:
    told = Client(sqlite_hub).json(f"/fhir/Measure/region-coverage/$evaluate-measure?{query}", status=400)
    assert told["issue"][0]["expression"] == [place]


def test_an_unknown_measure_is_named(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    for path, status in (("x/$evaluate-measure?", 404), ("$evaluate-measure?measure=x&", 400)):
        told = client.json(f"/fhir/Measure/{path}periodStart=2026&periodEnd=2026", status=status)
        assert "region-coverage" in told["issue"][0]["diagnostics"] + str(told["issue"][0])


def test_the_table_has_every_figure_and_today_as_it_is_now(hub: Hub) -> None:
    region(hub)
    hub.region.take()
    client = Client(hub, sandbox=True)
    rows = table(client.get("/reports/region.csv").content)
    assert {
        (row["district"], row["care-form"]): {name: row[name.replace("_", "-")] for name in FIGURES} for row in rows
    } == {key: as_text(each) for key, each in EXPECTED.items()}
    assert {row["missed"] for row in rows} == {""}
    tell(hub, "a", offer("neu", LONG, 9, postal_code="49377"))
    now = table(client.get("/reports/region.csv?district=03460").content)
    assert [row["free"] for row in now if row["care-form"] == LONG] == ["9"]
    assert "Langzeit" not in now[0]["care-form-name"]
    assert now[1]["care-form-name"] == "Dauerpflege"


@pytest.mark.parametrize(
    "query", ["from=2026-11-23&to=2026-11-22", "to=22.11.2026", "district=Cloppenburg", "x=1", "from=2026-01-01"]
)
def test_a_table_that_cannot_be_asked_for_is_refused(sqlite_hub: Hub, query: str) -> None:
    assert Client(sqlite_hub).get(f"/reports/region.csv?{query}").status_code == 400


def test_reports_are_only_read(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    assert client.request("POST", "/reports/region.csv").status_code == 405
    assert client.get("/reports/other.csv").status_code == 404
    assert date.fromisoformat("2026-11-22") == TODAY
