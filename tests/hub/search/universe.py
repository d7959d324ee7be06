"""Some dozen invented resources, what a search must find among them said in plain Python, and how tests search."""

import random
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.fhir.form import pairs_of
from hub.search.codes import OWN_CODES
from hub.search.page import Page, find
from hub.search.query import parse
from hub.search.registry import Registry
from hub.store.database import Database
from hub.store.draft import Draft
from hub.store.repository import Repository
from hub.store.shown import address
from hub.store.tables import PROFESSIONAL

BASE = "http://127.0.0.1:8080/fhir"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
REGISTRY = Registry.shipped()
Tree = dict[str, Any]

SYSTEMS = ("http://a.example", "http://b.example", "")
CODES = ("x", "y", "X")
WORDS = (
    "Müller",
    "muller",
    "MULLER-Lüdenscheidt",
    "Meier",
    "100%",
    "a_b",
    "St. Marien",
    "St.-Marien–Stift",
    "Straße 3",
    "strasse",
    "  doppelt  leer ",
)
DATES = (
    "2026",
    "2026-03",
    "2026-03-15",
    "2026-03-15T10:00:00+01:00",
    "2026-03-15T09:00:00Z",
    "2026-03-15T09:00:00.5Z",
    "2025-12-31",
    "2027-01-01T00:30:00+02:00",
)
NUMBERS = ("0", "1", "0.5", "5.40", "5.4", "5.35", "100", "99.5", "100.5", "-3", "1e2", "0.10")
UNITS = (("mg", "http://unitsofmeasure.org", "mg"), ("Milligramm", "http://unitsofmeasure.org", "mg"), ("mg", "", ""))
URLS = (
    "http://a.example/fhir/Questionnaire/1",
    "http://a.example/fhir/Questionnaire",
    "http://a.example/fhir",
    "http://b.example/x",
    "urn:oid:1.2.3",
)


def universe(seed: int, size: int = 40) -> list[Tree]:
    """Patients, Observations about them, RiskAssessments, Questionnaires and Locations."""
    rnd = random.Random(seed)
    trees: list[Tree] = []
    for number in range(size):
        trees.append(_patient(rnd, f"p{number}", size))
        trees.append(_observation(rnd, f"o{number}", size))
        trees.append({"resourceType": "RiskAssessment", "id": f"r{number}", **_some(rnd, prediction=_risk)})
        trees.append({"resourceType": "Questionnaire", "id": f"q{number}", "status": "active", **_some(rnd, url=_url)})
        trees.append({"resourceType": "Location", "id": f"l{number}", **_some(rnd, name=_word, position=_position)})
    return trees


def _some(rnd: random.Random, **makers: Callable[[random.Random], Any]) -> Tree:
    return {name: make(rnd) for name, make in makers.items() if rnd.random() < 0.8}


def _url(rnd: random.Random) -> str:
    return rnd.choice(URLS)


def _word(rnd: random.Random) -> str:
    return rnd.choice(WORDS)


def _position(rnd: random.Random) -> Tree:
    return {"latitude": Decimal(rnd.randrange(5100, 5200)) / 100, "longitude": Decimal(rnd.randrange(700, 800)) / 100}


def _risk(rnd: random.Random) -> list[Tree]:
    return [{"probabilityDecimal": Decimal(rnd.choice(NUMBERS))} for _ in range(rnd.choice((1, 1, 2)))]


def _coding(rnd: random.Random) -> Tree:
    system = rnd.choice(SYSTEMS)
    return {"code": rnd.choice(CODES), "display": rnd.choice(WORDS), **({"system": system} if system else {})}


def _concept(rnd: random.Random) -> Tree:
    return {"coding": [_coding(rnd) for _ in range(rnd.choice((1, 2)))], **_some(rnd, text=_word)}


def _identifier(rnd: random.Random) -> Tree:
    system = rnd.choice(SYSTEMS)
    return {"value": rnd.choice(CODES), **({"system": system} if system else {}), "type": {"coding": [_coding(rnd)]}}


def _patient(rnd: random.Random, name: str, size: int) -> Tree:
    return {
        "resourceType": "Patient",
        "id": name,
        **_some(
            rnd,
            identifier=lambda rnd: [_identifier(rnd) for _ in range(rnd.choice((1, 2)))],
            active=lambda rnd: rnd.choice((True, False)),
            name=lambda rnd: [
                {"family": _word(rnd), "given": [_word(rnd) for _ in range(rnd.choice((1, 2)))]}
                for _ in range(rnd.choice((1, 2)))
            ],
            gender=lambda rnd: rnd.choice(("male", "female")),
            birthDate=lambda rnd: rnd.choice(DATES[:3]),
            telecom=lambda rnd: [{"system": "email", "value": rnd.choice(("A@b.example", "a@b.example", "c@d"))}],
            link=lambda rnd: [{"other": {"reference": f"Patient/p{rnd.randrange(size)}"}, "type": "seealso"}],
        ),
    }


def _observation(rnd: random.Random, name: str, size: int) -> Tree:
    def subject(rnd: random.Random) -> Tree:
        number = rnd.randrange(size)
        written = rnd.choice(
            (
                f"Patient/p{number}",
                f"{BASE}/Patient/p{number}",
                f"http://else.example/fhir/Patient/p{number}",
                f"Patient/p{number}/_history/3",
                f"Group/p{number}",
                "#contained",
            )
        )
        return rnd.choice(({"reference": written}, {"reference": written}, {"identifier": _identifier(rnd)}))

    def when(rnd: random.Random) -> Tree:
        if rnd.random() < 0.6:
            return {"effectiveDateTime": rnd.choice(DATES)}
        start, end = sorted((rnd.choice(DATES), rnd.choice(DATES)), key=lambda one: (span(one)[0], span(one)[1]))
        period = _some(rnd, start=lambda _: start, end=lambda _: end)
        return {"effectivePeriod": period} if period else {}

    def quantity(rnd: random.Random) -> Tree:
        unit, system, code = rnd.choice(UNITS)
        told = {"value": Decimal(rnd.choice(NUMBERS)), "unit": unit, "system": system, "code": code}
        return {key: value for key, value in told.items() if value != ""}

    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": _concept(rnd),
        **when(rnd),
        **_some(rnd, subject=subject, valueQuantity=quantity, method=_concept),
        "component": [
            {"code": _concept(rnd), **_some(rnd, valueQuantity=quantity)} for _ in range(rnd.choice((0, 1, 2)))
        ],
    }


def stored(database_url: str, trees: Iterable[Tree]) -> Database:
    """A database with the trees in it."""
    database = Database(database_url)
    repository = Repository(PROFESSIONAL, REGISTRY)
    drafts = [Draft.of(tree) for tree in trees]
    for start in range(0, len(drafts), 30):
        with database.transaction() as transaction:
            repository.store(transaction, drafts[start : start + 30], at=1_900_000_000_000_000 + start)
    return database


def page(database: Database, resource_type: str | None, query: str, *, within: tuple[str, str] | None = None) -> Page:
    """One page of a search."""
    asked = parse(
        REGISTRY,
        resource_type,
        pairs_of(query),
        codes=OWN_CODES,
        base=BASE,
        now=NOW,
        strict=True,
        present=REGISTRY.types,
        within=within,
    )
    with database.snapshot() as reader:
        return find(reader, PROFESSIONAL, asked)


def ids(database: Database, resource_type: str | None, query: str, *, count: int = 100) -> list[str]:
    """The ids of all matches, over all pages; total is what all pages have."""
    found: list[str] = []
    totals = set()
    start = ""
    while True:
        one = page(database, resource_type, f"{query}&_count={count}{start}")
        found += [address(entry)[1] for entry in one.matches]
        totals.add(one.total)
        if one.next_after is None:
            break
        start = f"&_after={one.next_after}"
    assert totals == {len(found)}
    assert len(found) == len(set(found))
    return found


def at(node: Any, *path: str) -> list[Any]:
    """All values at a path, whatever repeats."""
    if isinstance(node, list):
        return [one for item in node for one in at(item, *path)]
    if not path:
        return [node]
    return at(node[path[0]], *path[1:]) if isinstance(node, Mapping) and path[0] in node else []


def bare(text: str) -> str:
    """A text without case, accents, punctuation and doubled blanks."""
    decomposed = unicodedata.normalize("NFD", text.replace("ß", "ss").lower())
    plain = (one for one in decomposed if not unicodedata.combining(one))
    return " ".join("".join(" " if unicodedata.category(one)[0] == "P" else one for one in plain).split())


def span(text: str) -> tuple[datetime, datetime]:
    """The first moment that a date can mean, and the first that it cannot mean any more."""
    if "T" not in text:
        parts = [int(part) for part in text.split("-")]
        first = datetime(*[*parts, 1, 1][:3], tzinfo=UTC)  # type: ignore[misc, arg-type] # three numbers
        if len(parts) == 1:
            return first, first.replace(year=first.year + 1)
        if len(parts) == 2:
            return first, (first + timedelta(days=32)).replace(day=1)
        return first, first + timedelta(days=1)
    first = datetime.fromisoformat(text.replace(".5Z", ".500Z").replace("Z", "+00:00"))
    return first, first + (timedelta(milliseconds=100) if ".5Z" in text else timedelta(seconds=1))
