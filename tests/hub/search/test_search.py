"""Whatever is asked, in every way that the engine has of answering it, the answer is the brute-force one."""

from collections.abc import Iterator
from itertools import pairwise, product
from math import asin, cos, radians, sin, sqrt
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Malformed
from hub.search import page as page_module
from hub.store.database import Database
from hub.store.repository import Repository
from hub.store.shown import address
from hub.store.tables import PROFESSIONAL
from tests.hub.search.expected import CRITERIA, PREFIXES, fulfils
from tests.hub.search.universe import (
    BASE,
    CODES,
    DATES,
    NUMBERS,
    REGISTRY,
    SYSTEMS,
    URLS,
    WORDS,
    Tree,
    at,
    bare,
    ids,
    page,
    span,
    stored,
    universe,
)

TREES = universe(3)

_TOKENS = [*CODES, "true", "false", "male", "http://hl7.org/fhir/administrative-gender|female", "A@B.example"]
_TOKENS += [f"{system}|{code}" for system, code in product(SYSTEMS, (*CODES, "male"))] + [f"{SYSTEMS[0]}|"]
_PARTS = [*WORDS, "mu", "LER", "0%", "a_", "a-b", "ab", "st marien", "marien st", "zzz", "doppelt leer", "0"]
_SUBJECTS = ["p3", "Patient/p3", "Patient/p7", "Group/p7", f"{BASE}/Patient/p9", "http://else.example/fhir/Patient/p3"]
_VALUES: dict[str, list[str]] = {
    "birthdate": [*DATES],
    "date": [*DATES],
    "family": _PARTS,
    "name": _PARTS,
    "code:text": _PARTS,
    "identifier:of-type": [f"{system}|{code}|{value}" for system, code, value in product(SYSTEMS[:2], CODES, CODES)],
    "probability": [*NUMBERS],
    "subject": _SUBJECTS,
    "subject:identifier": [token for token in _TOKENS if not token.endswith("|")],
    "subject:Patient": ["p3", "Patient/p3", "p9", f"{BASE}/Patient/p9"],
    "url": [*URLS, "http://a.example/fhir/Questionnaire/1/2", "http://a"],
    "value-quantity": [
        f"{number}{unit}" for number, unit in product(NUMBERS, ("", "||mg", "|http://unitsofmeasure.org|mg"))
    ],
}


@st.composite
def criterion(draw: st.DrawFn, resource_type: str) -> tuple[str, str, str, str]:
    """The name in a query, the value in a query, the criterion it is, and its value without a prefix."""
    of_type = sorted(code for base, code in CRITERIA if base == resource_type)
    told = draw(st.sampled_from(of_type))
    code, equals, prefix = told.partition("=")
    values = _VALUES.get(code) or _VALUES.get(code.partition(":")[0], _TOKENS)
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True))
    return code, ",".join(prefix + one for one in chosen), told if equals else code, ",".join(chosen)


def query_of(criteria: list[tuple[str, str, str, str]]) -> str:
    return "&".join(f"{code}={quote(value, safe=',')}" for code, value, _, _ in criteria)


@pytest.fixture(params=["few", "many"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Looking at few matches one by one, or walking the indexes as for many."""
    if request.param == "many":
        for name in ("_FEW", "_VERY_FEW", "_UNSORTED", "_MANY"):
            monkeypatch.setattr(page_module, name, 0)
    return str(request.param)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = stored(database_url, TREES)
    yield opened
    opened.close()


def matches(resource_type: str, *criteria: tuple[str, str]) -> set[str]:
    return {
        tree["id"]
        for tree in TREES
        if tree["resourceType"] == resource_type and all(fulfils(tree, name, value) for name, value in criteria)
    }


@pytest.mark.parametrize("resource_type", sorted({base for base, _ in CRITERIA}))
def test_a_criterion_selects_what_it_says(database: Database, way: str, resource_type: str) -> None:
    @settings(max_examples=80)
    @given(criterion(resource_type))
    def check(one: tuple[str, str, str, str]) -> None:
        _, _, told, value = one
        assert set(ids(database, resource_type, query_of([one]))) == matches(resource_type, (told, value))

    check()


@pytest.mark.parametrize("resource_type", ["Observation", "Patient"])
def test_several_criteria_hold_together(database: Database, way: str, resource_type: str) -> None:
    @settings(max_examples=60)
    @given(st.lists(criterion(resource_type), min_size=2, max_size=3))
    def check(criteria: list[tuple[str, str, str, str]]) -> None:
        told = [(name, value) for _, _, name, value in criteria]
        assert set(ids(database, resource_type, query_of(criteria))) == matches(resource_type, *told)

    check()


@pytest.mark.parametrize(
    ("resource_type", "code"),
    [
        ("Patient", "active"),
        ("Patient", "birthdate"),
        ("Patient", "identifier"),
        ("Patient", "name"),
        ("Observation", "method"),
        ("Observation", "subject"),
        ("Observation", "value-quantity"),
        ("RiskAssessment", "probability"),
        ("Location", "near"),
        ("Questionnaire", "url"),
    ],
)
def test_missing_says_whether_there_is_a_value(database: Database, way: str, resource_type: str, code: str) -> None:
    for value in ("true", "false"):
        expected = matches(resource_type, (f"{code}:missing", value))
        assert set(ids(database, resource_type, f"{code}:missing={value}")) == expected
        assert expected


def by_id(resource_type: str) -> dict[str, Tree]:
    return {tree["id"]: tree for tree in TREES if tree["resourceType"] == resource_type}


def referred(tree: Tree) -> list[str]:
    """The ids of the patients that an Observation is about, as far as they are here."""
    found = [one.removeprefix("Patient/").partition("/")[0] for one in at(tree, "subject", "reference")]
    return [one for one in found if one in by_id("Patient")]


@pytest.mark.parametrize("value", ["male", "female"])
def test_chains_follow_references(database: Database, way: str, value: str) -> None:
    patients = by_id("Patient")
    expected = {
        tree["id"]
        for tree in by_id("Observation").values()
        if any(patients[one].get("gender") == value for one in referred(tree))
    }
    assert expected
    for name in ("subject:Patient.gender", "subject.gender", "patient.gender"):
        assert set(ids(database, "Observation", f"{name}={value}")) == expected
    negated = {
        tree["id"]
        for tree in by_id("Observation").values()
        if any(patients[one].get("gender") != value for one in referred(tree))
    }
    assert set(ids(database, "Observation", f"subject:Patient.gender:not={value}")) == negated


def test_chains_go_on(database: Database, way: str) -> None:
    patients = by_id("Patient")

    def linked(tree: Tree) -> list[Tree]:
        return [patients[one.removeprefix("Patient/")] for one in at(tree, "link", "other", "reference")]

    expected = {
        tree["id"]
        for tree in by_id("Observation").values()
        if any(
            far.get("gender") == "male"
            for one in referred(tree)
            for near in linked(patients[one])
            for far in linked(near)
        )
    }
    assert expected
    query = "subject:Patient.link:Patient.link:Patient.gender=male"
    assert set(ids(database, "Observation", query)) == expected


def test_has_asks_what_refers_here(database: Database, way: str) -> None:
    found: dict[str, set[str]] = {}
    for tree in by_id("Observation").values():
        for one in referred(tree):
            found.setdefault(one, set()).update(coding["code"] for coding in at(tree, "code", "coding"))
    expected = {one for one, codes in found.items() if "y" in codes}
    assert expected
    assert set(ids(database, "Patient", "_has:Observation:subject:code=y")) == expected
    assert set(ids(database, "Patient", "_has:Observation:subject:code=y&_has:Observation:subject:code=x")) == {
        one for one, codes in found.items() if {"x", "y"} <= codes
    }
    assert set(ids(database, "Patient", "_has:Observation:subject:code:not=y")) == {
        one
        for tree in by_id("Observation").values()
        if not any(coding["code"] == "y" for coding in at(tree, "code", "coding"))
        for one in referred(tree)
    }
    behind = {
        tree["id"]
        for tree in by_id("Patient").values()
        if any(one.removeprefix("Patient/") in expected for one in at(tree, "link", "other", "reference"))
    }
    assert set(ids(database, "Patient", "link:Patient._has:Observation:subject:code=y")) == behind


def test_a_composite_holds_of_one_element(database: Database, way: str) -> None:
    for code, number in product(CODES, ("1", "5.4", "gt1", "le100")):
        prefix, bare = (number[:2], number[2:]) if number[0].isalpha() else ("", number)
        expected = {
            tree["id"]
            for tree in by_id("Observation").values()
            for element in tree["component"]
            if any(coding["code"] == code for coding in element["code"]["coding"])
            and fulfils({"resourceType": "Observation", **element}, f"value-quantity={prefix}", bare)
        }
        assert set(ids(database, "Observation", f"component-code-value-quantity={code}${number}")) == expected


def test_id_and_last_update_are_criteria_like_others(database: Database, way: str) -> None:
    assert ids(database, "Patient", "_id=p3,p5,o3") == ["p3", "p5"]
    assert set(ids(database, "Patient", "_id:not=p3")) == set(by_id("Patient")) - {"p3"}
    assert ids(database, "Patient", "_id=p3,p5&gender=x") == []
    assert len(ids(database, "Patient", "_lastUpdated=ge2030-03-17T17:46:40.000Z&_lastUpdated=lt2031")) == 40
    assert ids(database, "Patient", "_lastUpdated=lt2030-03-17T17:46:40.000Z") == []


@pytest.mark.parametrize("query", ["name=*", "name:contains=%25", "family=_", "name:contains=-"])
def test_punctuation_alone_is_no_text(database: Database, way: str, query: str) -> None:
    with pytest.raises(Malformed) as raised:
        ids(database, "Patient", query)
    assert raised.value.issues[0].text_en.endswith("expected a text with a letter or a digit")


SORTS = {
    "Patient": {
        "family": lambda tree: at(tree, "name", "family") and [bare(one) for one in at(tree, "name", "family")],
        "birthdate": lambda tree: [span(one)[0] for one in at(tree, "birthDate")],
        "gender": lambda tree: at(tree, "gender"),
        "active": lambda tree: [str(one).lower() for one in at(tree, "active")],
        "_id": lambda tree: [tree["id"]],
    },
    "RiskAssessment": {"probability": lambda tree: at(tree, "prediction", "probabilityDecimal")},
    "Questionnaire": {"url": lambda tree: at(tree, "url")},
}


@pytest.mark.parametrize("resource_type", sorted(SORTS))
def test_pages_join_to_the_whole_in_every_order(database: Database, way: str, resource_type: str) -> None:
    makers = SORTS[resource_type]
    keys = st.lists(st.tuples(st.sampled_from(sorted(makers)), st.booleans()), min_size=1, max_size=3)
    criteria = ["", "gender=male", "active:not=true", "family:missing=false"] if resource_type == "Patient" else [""]

    @settings(max_examples=40)
    @given(keys, st.sampled_from(criteria), st.sampled_from((1, 3, 7, 100)))
    def check(order: list[tuple[str, bool]], criterion: str, count: int) -> None:
        told = ",".join(f"{'-' if descending else ''}{code}" for code, descending in order)
        found = ids(database, resource_type, f"{criterion}&_sort={told}", count=count)
        name, _, value = criterion.partition("=")
        assert set(found) == (matches(resource_type, (name, value)) if name else set(by_id(resource_type)))
        trees = by_id(resource_type)
        for one, other in pairwise(found):
            assert _is_before(trees[one], trees[other], [(makers[code], descending) for code, descending in order])

    check()


def _is_before(one: Tree, other: Tree, order: list[tuple[object, bool]]) -> bool:
    for maker, descending in order:
        mine, yours = (
            (max(values) if descending else min(values)) if (values := maker(tree)) else None  # type: ignore[operator]
            for tree in (one, other)
        )
        if mine == yours:
            continue
        if mine is None or yours is None:
            return yours is None
        return bool(mine > yours) is descending
    return True


def test_pages_survive_what_changes_between_them(database: Database, way: str) -> None:
    first = page(database, "Patient", "_sort=-gender,birthdate&_count=10")
    whole = ids(database, "Patient", "_sort=-gender,birthdate")
    assert [address(entry)[1] for entry in first.matches] == whole[:10]
    # The place in the order counts, not the item that stood there.
    with database.transaction() as transaction:
        gone = [("Patient", one) for one in whole[5:12]]
        Repository(PROFESSIONAL, REGISTRY).store(transaction, [], deletions=gone, at=1_950_000_000_000_000)
    second = page(database, "Patient", f"_sort=-gender,birthdate&_count=100&_after={first.next_after}")
    assert [address(entry)[1] for entry in second.matches] == whole[12:]
    assert second.total == len(whole) - 7


def test_a_search_of_several_types_is_one_order(database: Database, way: str) -> None:
    found = ids(database, None, "_type=Patient,Questionnaire,Location&_sort=-_lastUpdated", count=7)
    assert len(found) == 120
    assert ids(database, None, "_id=p3,o3,q3", count=1) == ids(database, None, "_id=p3,o3,q3")
    assert sorted(ids(database, None, "_id=p3,o3,q3")) == ["o3", "p3", "q3"]
    assert len(ids(database, None, "_lastUpdated=ge2030", count=30)) == 200


def test_near_finds_and_sorts_by_distance(database: Database, way: str) -> None:
    def kilometres(tree: Tree) -> float:
        latitude, longitude = (float(tree["position"][name]) for name in ("latitude", "longitude"))
        half = sin(radians(latitude - 51.5) / 2) ** 2
        half += cos(radians(51.5)) * cos(radians(latitude)) * sin(radians(longitude - 7.5) / 2) ** 2
        return 2 * 6371.0088 * asin(sqrt(half))

    within = {
        tree["id"]: kilometres(tree)
        for tree in by_id("Location").values()
        if "position" in tree and kilometres(tree) <= 40
    }
    assert 5 < len(within) < 40
    assert set(ids(database, "Location", "near=51.5|7.5|40|km")) == set(within)
    nearest = sorted(within, key=lambda one: within[one])
    for count in (3, 100):
        assert ids(database, "Location", "near=51.5|7.5|40|km&_sort=near", count=count) == nearest
        assert ids(database, "Location", "near=51.5|7.5|40|km&_sort=-near", count=count) == nearest[::-1]
    shown = page(database, "Location", "near=51.5|7.5|40000|m&_count=100")
    told = zip(shown.matches, shown.kilometres, strict=True)
    assert {address(entry)[1]: pytest.approx(kilometres) for entry, kilometres in told} == within


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_span_of_dates_is_one_look_into_the_index(database: Database, way: str, prefix: str) -> None:
    for first, last in product(DATES[:4], DATES[:4]):
        told = ((f"birthdate={prefix}", first), ("birthdate=le", last))
        query = f"birthdate={quote(prefix + first)}&birthdate={quote('le' + last)}"
        assert set(ids(database, "Patient", query)) == matches("Patient", *told)


def test_one_search_of_all_types_leaves_out_those_without_the_parameter(database: Database) -> None:
    found = ids(database, None, "identifier=a", count=3)
    assert found == ids(database, None, "identifier=a")
    assert sorted(found) == sorted(
        one
        for resource_type in ("Location", "Observation", "Patient", "Questionnaire", "RiskAssessment")
        for one in ids(database, resource_type, "identifier=a")
    )


def test_urns_are_no_paths(database_url: str) -> None:
    urls = ("urn:oid:1.2", "urn:oid:1.2.3", "http://a.example/urn:oid:1.2")
    trees = (
        {"resourceType": "Questionnaire", "id": f"q{number}", "status": "draft", "url": url}
        for number, url in enumerate(urls)
    )
    database = stored(database_url, trees)
    for modifier in ("below", "above"):
        assert ids(database, "Questionnaire", f"url:{modifier}=urn:oid:1.2") == ["q0"]
    database.close()


def test_a_canonical_is_found_whatever_its_url_looks_like(database_url: str) -> None:
    canonicals = {
        "plain": "http://a.example/Questionnaire/q",
        "versioned": "http://a.example/Questionnaire/q|2",
        "other": "http://a.example/questions",
        "here": f"{BASE}/Questionnaire/h",
        "relative": "Questionnaire/h",
    }
    response = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    database = stored(database_url, ({**response, "id": one, "questionnaire": url} for one, url in canonicals.items()))
    for asked, found in {
        "questionnaire=http://a.example/Questionnaire/q": {"plain", "versioned"},
        "questionnaire=http://a.example/Questionnaire/q|2": {"versioned"},
        "questionnaire=http://a.example/Questionnaire/q|1": set(),
        "questionnaire=http://a.example/questions,http://a.example/Questionnaire/q|2": {"other", "versioned"},
        f"questionnaire={BASE}/Questionnaire/h": {"here", "relative"},
        "questionnaire=Questionnaire/h": {"here", "relative"},
        "questionnaire:Questionnaire=h": {"here", "relative"},
        "questionnaire:Questionnaire=http://a.example/Questionnaire/q": {"plain", "versioned"},
    }.items():
        assert set(ids(database, "QuestionnaireResponse", asked)) == found, asked
    database.close()


def test_a_canonical_with_its_version_is_asked_for_by_both(database_url: str) -> None:
    told = [("http://a.example/ValueSet/v", one) for one in ("1", "1.0", "2")] + [("http://a.example/ValueSet/w", "2")]
    value_set = {"resourceType": "ValueSet", "status": "active"}
    trees = [
        {**value_set, "id": f"v{number}", "url": url, "version": version} for number, (url, version) in enumerate(told)
    ]
    database = stored(database_url, trees)
    for asked, found in {
        "url=http://a.example/ValueSet/v": {"v0", "v1", "v2"},
        "url=http://a.example/ValueSet/v|1.0": {"v1"},
        "url=http://a.example/ValueSet/v|": set(),
        "url=http://a.example/ValueSet/v|3": set(),
        "url=http://a.example/ValueSet/v|1.0,http://a.example/ValueSet/w": {"v3"},
        "url:below=http://a.example|2": {"v2", "v3"},
    }.items():
        assert set(ids(database, "ValueSet", asked)) == found, asked
    database.close()


def test_below_a_mime_type_is_what_has_parameters(database_url: str) -> None:
    told = ("text/xml", "text/xml; charset=UTF-8", "text/xml;a=b", "text/xml-external", "text/x", "image/png")
    document = {"resourceType": "DocumentReference", "status": "current"}
    trees = [
        {**document, "id": f"d{number}", "content": [{"attachment": {"contentType": one}}]}
        for number, one in enumerate(told)
    ]
    database = stored(database_url, trees)
    assert set(ids(database, "DocumentReference", "contenttype=text/xml")) == {"d0"}
    assert set(ids(database, "DocumentReference", "contenttype:below=text/xml")) == {"d0", "d1", "d2"}
    assert set(ids(database, "DocumentReference", "contenttype:below=image/png,text/x")) == {"d4", "d5"}
    database.close()


def test_a_compartment_is_all_that_belongs_to_a_resource(database_url: str) -> None:
    patient = {"subject": {"reference": "Patient/p"}}
    event = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    trees = (
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"code": "AMB"}, **patient},
        {**event, "id": "of", **patient},
        {**event, "id": "by", "performer": [{"reference": "Patient/p"}]},
        {**event, "id": "other", "subject": {"reference": "Patient/q"}},
        {**event, "id": "group", "subject": {"reference": "Group/p"}},
    )
    database = stored(database_url, trees)

    def within(resource_type: str | None, query: str, *owner: str) -> list[str]:
        return [address(one)[1] for one in page(database, resource_type, query, within=(owner[0], owner[1])).matches]

    assert sorted(within("Observation", "", "Patient", "p")) == ["by", "of"]
    assert within("Observation", "subject=p", "Patient", "p") == ["of"]
    assert within("Encounter", "", "Encounter", "e") == ["e"]
    assert sorted(within(None, "", "Patient", "p")) == ["by", "e", "of"]
    assert within(None, "_type=Observation&performer=Patient/p", "Patient", "p") == ["by"]
    assert within("Observation", "", "Patient", "nobody") == []
    database.close()
