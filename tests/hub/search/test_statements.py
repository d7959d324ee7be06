"""The statements of searches go by indexes, and there are few of them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from hub.fhir.form import pairs_of
from hub.search import page as page_module
from hub.search import statements
from hub.search.codes import OWN_CODES
from hub.search.page import find
from hub.search.query import parse
from hub.store import database as database_module
from hub.store.database import Database
from hub.store.reader import SECONDS
from hub.store.tables import PROFESSIONAL
from tests.hub.plans import Explaining
from tests.hub.search.universe import BASE, NOW, REGISTRY, page, stored, universe


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = stored(database_url, universe(3))
    if opened.dialect == "postgresql":
        with opened.writing() as connection:
            # Its own watch comes by while tests fill and empty the database: it would plan by what it saw then.
            connection.execute(text("ANALYZE"))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("resource_type", "query"),
    [
        ("Patient", "identifier=http://a.example|x"),
        ("Patient", "identifier=x,y"),
        ("Patient", "family=mu&birthdate=ge2026-03-01&birthdate=lt2026-04-01"),
        ("Patient", "_id=p1,p2"),
        ("Patient", "_sort=family"),
        ("Patient", "_sort=-_lastUpdated"),
        ("Patient", "_has:Observation:subject:code=x"),
        ("Observation", "subject=Patient/p1&_include=Observation:subject"),
        ("Observation", "subject:Patient.identifier=http://a.example|x"),
        ("Observation", "date=2026-03-15"),
        ("Observation", "value-quantity=gt5"),
        ("Location", "near=51.5|7.5|10|km&_sort=near"),
        ("Questionnaire", "url:below=http://a.example/fhir"),
        ("QuestionnaireResponse", "questionnaire=http://a.example/Questionnaire/1"),
        ("DocumentReference", "contenttype:below=text/xml,text/plain"),
    ],
)
def test_no_table_is_read_from_end_to_end(database: Database, resource_type: str, query: str) -> None:
    asked = parse(REGISTRY, resource_type, pairs_of(query), codes=OWN_CODES, base=BASE, now=NOW)
    with database.snapshot() as reader:
        if reader.dialect == "postgresql":
            # So few rows are read sooner than any index.
            reader._driver.execute("SET LOCAL enable_seqscan = off")
        explaining = Explaining(reader)
        find(explaining, PROFESSIONAL, asked)
    assert explaining.plans
    for plan in explaining.plans:
        lines = [line.strip() for line in plan.splitlines()]
        # What a statement has itself found by an index it may go through.
        own = {line.removeprefix("CO-ROUTINE ") for line in lines if line.startswith("CO-ROUTINE ")}
        for line in lines:
            scanned = line.startswith("SCAN ") and line.removeprefix("SCAN ") not in own
            fine = "json_each" in line or "CONSTANT" in line
            assert (fine or not scanned) and "Seq Scan" not in line, plan


def test_statements_do_not_grow_with_the_values(database: Database) -> None:
    page(database, "Patient", "identifier=http://a.example|x,http://a.example|y&family=a")
    page(database, "Observation", "subject=p1,p2&code=x,y")
    before = statements.candidates.cache_info().misses
    for number in range(3, 60):
        told = ",".join(f"http://a.example|{one}" for one in range(number))
        page(database, "Patient", f"identifier={told}&family=a{number}")
        page(database, "Observation", f"subject={','.join(f'p{one}' for one in range(number))}&code=x,{number}")
    assert statements.candidates.cache_info().misses == before


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize(
    ("resource_type", "query"),
    [
        ("Patient", f"family:contains={','.join(f'w{number}' for number in range(50))}"),
        ("Patient", "&".join(f"identifier:not=a{number}" for number in range(30)) + "&_sort=family,-given,birthdate"),
        ("Observation", "&".join(f"date=ne20{number:02d}" for number in range(10, 40))),
        ("Observation", f"combo-code-value-quantity={','.join(f'x$gt{number}' for number in range(50))}"),
        ("Observation", "subject.link.link.link.link.name=x"),
        ("Observation", "&".join(["subject:Patient" + ".link:Patient" * 4 + ".name=x"] * 4)),
        ("Patient", "&".join(["_has:Patient:link:" * 5 + "name=mu"] * 4)),
        ("Patient", "_has:Patient:link:" * 5 + "active:not=true"),
        ("Patient", "link:Patient._has:Observation:subject:subject:Patient.link:Patient.active:missing=true"),
        ("Location", f"near={','.join(f'51.{number}|7.5|100|km' for number in range(50))}"),
        ("Patient", "_include=*&_revinclude=*&_include:iterate=*&_revinclude:iterate=*"),
        (None, "_sort=_lastUpdated&_tag:not=x&_profile:missing=true"),
    ],
)
def test_the_worst_that_can_be_asked_is_answered(
    database: Database, monkeypatch: pytest.MonkeyPatch, resource_type: str | None, query: str, *, few: bool
) -> None:
    # This holds plans, not machines: where tests run, others may be at work.
    monkeypatch.setattr(database_module, "SECONDS", 4 * SECONDS)
    if not few:
        for name in ("_FEW", "_VERY_FEW", "_UNSORTED", "_MANY"):
            monkeypatch.setattr(page_module, name, 0)
    assert page(database, resource_type, query).total is not None
