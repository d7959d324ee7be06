"""Every shipped source map holds its own examples, and reads the invented exports in `tests/golden/`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import registry
from adapters.base import Broken, Record
from mappings import yaml_document
from mappings.examples import Example, differences
from mappings.language import shipped
from mappings.patient_filter import admit
from mappings.rules import Each, Tree
from mappings.source_map import SourceMap

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*/*/expected.yaml"))
REGISTER = ROOT / "../shared/data/lup/sozialpflege.gml"

FIELD_MAPS = [source_map for source_map in shipped().values() if not source_map.wards]
EXAMPLES = [(source_map, example) for source_map in shipped().values() for example in source_map.examples]


@pytest.mark.parametrize(
    ("source_map", "example"), EXAMPLES, ids=[f"{each.name}: {example.description}" for each, example in EXAMPLES]
)
def test_a_map_makes_of_its_examples_what_they_say(source_map: SourceMap, example: Example) -> None:
    admitted = admit(example.input, source_map)
    mapped = source_map.read(admitted.fields)
    assert sorted(issue.code for issue in mapped.issues) == sorted(example.issues)
    assert {*admitted.dropped, *mapped.unread} == set(example.unread)
    assert mapped.left_out == example.left_out
    assert len(mapped.reports) == len(example.offers)
    for facts, report in zip(example.offers, mapped.reports, strict=True):
        assert list(differences(facts, report)) == []


@pytest.mark.parametrize("source_map", shipped().values(), ids=shipped())
def test_a_map_names_a_format_that_exists_and_a_title_in_both_languages(source_map: SourceMap) -> None:
    assert source_map.format in registry.formats()
    assert source_map.title.keys() == {"de", "en"}


@pytest.mark.parametrize("source_map", FIELD_MAPS, ids=lambda source_map: source_map.name)
def test_a_map_has_examples_that_succeed_and_that_fail(source_map: SourceMap) -> None:
    assert any(example.offers for example in source_map.examples)
    assert any(example.issues or example.left_out for example in source_map.examples)


def named(tree: Tree) -> Iterator[str]:
    yield from tree.sources
    for below in (tree.offers, tree.blocks):
        if isinstance(below, Each):
            yield from named(below.tree)
        for literal in below if isinstance(below, tuple) else ():
            yield from named(literal)


@pytest.mark.parametrize("name", ["csv-long", "csv-wide", "xlsx-liste"])
def test_a_map_of_a_table_declares_exactly_the_columns_that_it_reads(name: str) -> None:
    source_map = shipped()[name]
    assert set(named(source_map.tree)) == {*source_map.options["columns"], *source_map.options["optional"]}


@pytest.mark.parametrize("expected", GOLDEN, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_an_export_becomes_the_reports_that_it_tells(expected: Path) -> None:
    wanted = yaml_document.parse(expected.read_bytes())
    source_map = shipped()[wanted["source"]]
    (export,) = expected.parent.glob("in.*")
    decoded = registry.adapter(source_map.format).decode(export.read_bytes(), source_map.options)
    unread: set[str] = set()
    parts = list(decoded.records)
    # Which column of a line XML breaks in, each version of the parser says differently.
    assert [part.place.split(", column")[0] for part in parts] == [each["place"] for each in wanted["parts"]]
    for part, facts in zip(parts, wanted["parts"], strict=True):
        if isinstance(part, Broken):
            assert part.issue.code == facts["broken"]
            continue
        admitted = admit(part.fields, source_map)
        mapped = source_map.read(admitted.fields)
        unread |= {*part.dropped, *admitted.dropped, *mapped.unread}
        issues = [f"{one.code} at {one.place}" if one.place else one.code for one in (*part.issues, *mapped.issues)]
        assert issues == facts.get("issues", [])
        assert mapped.left_out == facts.get("left_out", "")
        assert len(mapped.reports) == len(facts.get("offers", []))
        for offer, report in zip(facts.get("offers", []), mapped.reports, strict=True):
            assert list(differences(offer, report)) == []
    assert unread == set(wanted.get("unread", []))


@pytest.mark.skipif(not REGISTER.exists(), reason="the county's own export is not on this machine")
def test_the_county_export_becomes_204_offers_and_nothing_of_it_is_lost() -> None:
    source_map = shipped()["landkreis-lup"]
    offers: dict[str, int] = {}
    reasons: dict[str, int] = {}
    dropped: set[str] = set()
    facilities = set()
    for part in registry.adapter("gml").decode(REGISTER.read_bytes(), source_map.options).records:
        assert isinstance(part, Record)
        admitted = admit(part.fields, source_map)
        mapped = source_map.read(admitted.fields)
        dropped.update(admitted.dropped)
        assert mapped.issues == ()
        if mapped.left_out:
            reasons[mapped.left_out] = reasons.get(mapped.left_out, 0) + 1
        for report in mapped.reports:
            offers[report.offer.care_form] = offers.get(report.offer.care_form, 0) + 1
            facilities.add(report.facility.key)
            position = report.facility.position
            assert position is not None
            assert 53.0 < position.latitude < 54.0
            assert 10.5 < position.longitude < 12.6
    assert offers == {
        "ambulante-pflege": 63,
        "betreutes-wohnen": 46,
        "dauerpflege": 37,
        "tagespflege": 22,
        "kurzzeitpflege-eingestreut": 17,
        "wohngemeinschaft": 9,
        "rehabilitation": 4,
        "hospizdienst-ambulant": 3,
        "kurzzeitpflege-solitaer": 2,
        "sapv": 1,
    }
    assert sum(offers.values()) + sum(reasons.values()) == 307
    assert len(reasons) == 4
    assert len(facilities) == 187
    assert dropped >= {"eigentuemer", "telefon", "email", "ansprechpartner"}
