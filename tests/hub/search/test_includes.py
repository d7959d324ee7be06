"""What is shown with matches: never twice, never a match, never without end."""

from collections.abc import Iterator

import pytest

from hub.search import page as page_module
from hub.store.database import Database
from hub.store.shown import address
from tests.hub.search.universe import Tree, page, stored


def trees() -> Iterator[Tree]:
    for number in range(6):
        yield {
            "resourceType": "Organization",
            "id": f"g{number}",
            "partOf": {"reference": f"Organization/g{number + 1}"},
        }
        yield {"resourceType": "Endpoint", "id": f"e{number}", "managingOrganization": {"reference": "Organization/g0"}}
        yield {
            "resourceType": "Location",
            "id": f"l{number}",
            "status": "active",
            "managingOrganization": {"reference": f"Organization/g{number % 2}"},
            "endpoint": [{"reference": f"Endpoint/e{number}"}, {"reference": "Endpoint/gone"}],
        }


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = stored(database_url, trees())
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("resource_type", "query", "expected"),
    [
        ("Location", "_id=l0&_include=Location:organization", "g0"),
        ("Location", "_id=l0,l1,l2&_include=Location:organization", "g0 g1"),
        ("Location", "_id=l0&_include=Location:organization:Organization", "g0"),
        ("Location", "_id=l0&_include=Location:organization&_include=Location:endpoint", "g0 e0"),
        ("Location", "_id=l0&_include=Location:*", "g0 e0"),
        ("Location", "_id=l0&_include=*", "g0 e0"),
        ("Location", "_id=l0&_include=Organization:partof", ""),
        ("Location", "_id=l0&_include=Location:organization&_include=Organization:partof", "g0"),
        (
            "Location",
            "_id=l0&_include=Location:organization&_include:iterate=Organization:partof",
            "g0 g1 g2 g3 g4 g5",
        ),
        (
            "Location",
            "_id=l0&_include=Location:organization&_revinclude:iterate=Endpoint:organization",
            "g0 e0 e1 e2 e3 e4 e5",
        ),
        ("Organization", "_id=g0&_revinclude=Location:organization", "l0 l2 l4"),
        ("Organization", "_id=g0&_revInclude=Location:organization", "l0 l2 l4"),
        ("Organization", "_id=g0,g1&_include=Organization:partof", "g2"),
        ("Organization", "_id=g0,g1&_revinclude=Organization:partof", ""),
        ("Organization", "_id=g1&_revinclude=*", "g0 l1 l3 l5"),
        (
            "Organization",
            "_id=g0&_revinclude=Endpoint:organization&_include:iterate=Endpoint:organization",
            "e0 e1 e2 e3 e4 e5",
        ),
        (
            None,
            "_type=Location,Organization&_id=l0,g4&_include=Location:organization&_include=Organization:partof",
            "g0 g5",
        ),
    ],
)
def test_includes_are_what_is_referred_to(
    database: Database, resource_type: str | None, query: str, expected: str
) -> None:
    found = page(database, resource_type, query)
    assert sorted(address(entry)[1] for entry in found.included) == sorted(expected.split())
    assert not found.cut


def test_a_page_is_shorter_where_its_includes_are_many(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "INCLUDED_MAX", 3)
    shown: list[list[str]] = []
    query = "_count=6&_revinclude=Location:organization&_revinclude=Endpoint:organization"
    after = ""
    while True:
        found = page(database, "Organization", query + after)
        assert found.total == 6
        assert not found.cut
        shown.append([address(entry)[1] for entry in (*found.matches, *found.included)])
        if found.next_after is None:
            break
        after = f"&_after={found.next_after}"
    everything = [f"{letter}{number}" for letter in "gle" for number in range(6)]
    assert sorted(one for ids in shown for one in ids) == sorted(everything)
    assert len(shown) == 2


def test_what_many_refer_to_counts_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "INCLUDED_MAX", 2)
    found = page(database, "Location", "_id=l0,l1,l2,l3,l4,l5&_include=Location:organization")
    assert len(found.matches) == 6
    assert [address(one)[1] for one in found.included] == ["g0", "g1"]
    assert found.next_after is None


def test_includes_of_one_match_are_cut_and_say_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "INCLUDED_MAX", 2)
    monkeypatch.setattr(page_module, "INCLUDED_OF_ONE_MAX", 4)
    for query in (
        "_id=g0&_revinclude=Endpoint:organization",
        "_id=g0&_include:iterate=Organization:partof",
        "_id=g0&_revinclude=Endpoint:organization&_revinclude=Location:organization",
    ):
        found = page(database, "Organization", query)
        assert found.cut
        assert len({address(entry)[1] for entry in found.included}) == 4
        assert found.total == 1
