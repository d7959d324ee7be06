"""The patient filter: nothing that no map names, and nothing that no conversion can read, goes on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.language import load, shipped
from mappings.patient_filter import WITHHELD_NAME, Admitted, admit, safe_name
from mappings.rules import Each
from mappings.source_map import Mapped
from tests.strategies import cells, json_values

HEAD = "source: test\ntitle: {de: Prüfung, en: Test}\nformat: json_records\n"
FIELDS = """\
fields:
  facility.key: {from: [name, plz], as: key}
  facility.name: name
  facility.postal_code: plz
  facility.position: {from: [crs, x, y]}
  facility.address: {from: a.adresse, as: fhir_address}
  offer.care_form: {from: art, table: csv-angebot}
  counts.accepting: frei
  counts.licensed: {from: [art, kap], as: lup_capacity}
  estimated: frei
  blocks: {each: a.rows, fields: {block.count: n, block.sex: s}}
"""
MAP = load((HEAD + FIELDS).encode(), origin="test")
FREE = load((HEAD + "patient_free: true\n" + FIELDS).encode(), origin="test")
GOOD = {"name": "Haus am Moor", "plz": "49661", "art": "KZP", "frei": "1"}


def kept(record: dict[str, Any]) -> dict[str, Any]:
    return dict(admit({**GOOD, **record}, MAP).fields)


def test_what_the_map_names_and_can_read_goes_on_as_it_is() -> None:
    assert admit(GOOD, MAP) == Admitted(fields=GOOD)


def test_what_no_rule_names_is_dropped_and_named() -> None:
    record = {
        **GOOD,
        "patient": "GEHEIM",
        "a": {"note": "GEHEIM", "rows": [{"n": 1, "name": "GEHEIM"}, {"name": "GEHEIM"}]},
    }
    admitted = admit(record, MAP)
    assert admitted.fields == {**GOOD, "a": {"rows": [{"n": 1}, {}]}}
    assert admitted.dropped == ("patient", "a.note", "a.rows.name")


@pytest.mark.parametrize(
    ("field", "value"), [("art", "GEHEIM"), ("plz", "4711-GEHEIM"), ("frei", "GEHEIM"), ("name", {"given": "GEHEIM"})]
)
def test_what_cannot_be_read_leaves_its_length(field: str, value: Any) -> None:
    fields = kept({field: value})
    assert set(fields[field]) == {"withheld"}
    assert "GEHEIM" not in json.dumps(fields)
    assert fields[field]["withheld"] >= 6


def test_a_value_that_one_of_its_rules_cannot_read_is_withheld() -> None:
    assert kept({"frei": "3"})["frei"] == {"withheld": 1}  # `3` is a count, and no yes or no


def test_of_fields_that_cannot_be_read_together_those_are_kept_that_can_be_read_alone() -> None:
    fields = kept({"kap": "GEHEIM"})
    assert (fields["art"], fields["kap"]) == ("KZP", {"withheld": 6})
    fields = kept({"crs": "EPSG:25833", "x": "1", "y": "GEHEIM"})
    assert [set(fields[name]) for name in ("crs", "x", "y")] == [{"withheld"}] * 3


SENT_AS_WITHHELD = [{"withheld": sent} for sent in ({"GEHEIM": "GEHEIM"}, ["GEHEIM"], "GEHEIM", True, 110411675)]


@pytest.mark.parametrize("sent", SENT_AS_WITHHELD)
@pytest.mark.parametrize("field", ["name", "art", "kap", "frei"])
def test_what_a_sender_sends_as_if_it_were_withheld_is_withheld(field: str, sent: dict[str, Any]) -> None:
    fields = kept({field: sent})
    assert fields[field] == {"withheld": len(repr(sent))}
    assert [issue.place for issue in MAP.read(fields).issues if issue.severity == "error"][:1] == (
        [field] if field in ("name", "art", "frei") else ["art, kap"]
    )


def test_a_list_that_is_none_is_withheld_whole() -> None:
    assert kept({"a": {"rows": "GEHEIM"}})["a"] == {"rows": {"withheld": 6}}


def test_a_list_keeps_the_position_of_its_elements() -> None:
    fields = kept({"a": {"rows": [{"s": "GEHEIM"}, {"z": 1}, {"n": 2}]}})
    assert fields["a"] == {"rows": [{"s": {"withheld": 6}}, {}, {"n": 2}]}


def test_blank_values_stay() -> None:
    assert kept({"frei": "", "plz": None}) == {**GOOD, "frei": "", "plz": None}


def test_the_record_that_came_is_not_changed() -> None:
    record = {**GOOD, "a": {"rows": [{"n": "GEHEIM"}], "note": 1}}
    before = json.dumps(record)
    admit(record, MAP)
    assert json.dumps(record) == before


def test_a_source_without_patients_passes_whole_and_is_told_what_it_does_not_name() -> None:
    record = {**GOOD, "frei": "drei", "note": {"deep": [1]}}
    assert admit(record, FREE) == Admitted(fields=record, dropped=("note",))


def test_a_source_without_patients_is_told_any_name_that_can_be_shown() -> None:
    assert admit({**GOOD, "Canaria": 1, "2026": 2, "tab\there": 3}, FREE).dropped == ("Canaria", "2026", WITHHELD_NAME)


def test_every_name_that_a_shipped_map_reads_could_be_shown() -> None:
    for source_map in shipped().values():
        levels = [source_map.tree]
        for tree in levels:
            assert [name for name in tree.sources if safe_name(name) == WITHHELD_NAME] == []
            levels += tree.offers if isinstance(tree.offers, tuple) else ()
            levels += [each.tree for each in (tree.offers, tree.blocks) if isinstance(each, Each)]


def test_every_name_in_the_export_of_a_district_is_shown() -> None:
    export = Path(__file__).parents[2] / "../shared/data/lup/sozialpflege.gml"
    if not export.exists():
        pytest.skip(f"{export} is not here")
    names = {name.decode() for name in re.findall(rb"<(?:\w+:)?(\w+)", export.read_bytes())}
    assert len(names) > 20
    assert [name for name in sorted(names) if safe_name(name) == WITHHELD_NAME] == []


def test_a_record_of_a_map_that_names_no_fields_does_not_pass() -> None:
    assert admit({"PV1-19": "4711"}, shipped()["kis-adt"]).fields == {}


def test_names_to_ignore_are_dropped_without_a_word() -> None:
    source_map = load((HEAD + FIELDS + "unread: {ignore: [note]}").encode(), origin="test")
    assert admit({**GOOD, "note": 1}, source_map) == Admitted(fields=GOOD)


@pytest.mark.parametrize(
    "name",
    [
        *("KVNR 4711", "a@b", "x" * 61, "data" * 16, "tab\there", "04.11.37", "am 4.1.37", "Nr. 0.4.7.1"),
        *(
            "Canaria",
            "Canaria Kanarienvogel",
            "Bewohner Canaria",
            "residents.Canaria",
            "zimmerCanaria",
            "Bewohnercanaria",
        ),
        *("CANARIA", "canária", "Kanárienvogel", "Li Wu", "M. K.", "王明", "Ж"),
    ],
)
def test_a_name_that_looks_like_data_is_withheld(name: str) -> None:
    assert safe_name(name) == WITHHELD_NAME
    assert admit({**GOOD, name: 1}, MAP).dropped == (WITHHELD_NAME,)


@pytest.mark.parametrize(
    "name",
    [
        *("Frei ab", "§ 39e", "Zimmer 123", "offers.note", "(column 17)", "feld20", "PV1-3.1", "@x", "x"),
        *("Träger", "TRÄGER", "Tra\u0308ger", "eigentuemer", "versorgungsart", "IKNummer", "EinrichtungsID"),
        *("Bewohnername", "Versichertennummer", "Aufnahmedatum", "careForm", "gemeindeschl_nr", "Besonderheiten"),
    ],
)
def test_an_ordinary_name_is_shown(name: str) -> None:
    assert safe_name(name) == name


def test_a_withheld_value_is_an_error_that_says_what_was_expected() -> None:
    mapped = MAP.read(kept({"art": "GEHEIM"}))
    assert [(issue.code, issue.place) for issue in mapped.issues] == [("unknown-code", "art")]
    assert "KZP" in mapped.issues[0].text_de
    assert mapped.reports == ()


FILTERED = {name: each for name, each in shipped().items() if not each.patient_free and not each.wards} | {"test": MAP}
NAMES = ["Name", "Frei", "Angebot", "id", "angebot", *GOOD]
ELEMENT_NAMES = ["Frei", "careForm", "free", "blocks", "GEHEIM"]


def failed(mapped: Mapped) -> bool:
    return any(issue.severity == "error" for issue in mapped.issues)


@given(
    st.sampled_from(sorted(FILTERED)),
    st.dictionaries(st.sampled_from(NAMES) | cells, json_values),
    st.lists(st.dictionaries(st.sampled_from(ELEMENT_NAMES), json_values), max_size=3),
)
def test_the_filter_changes_nothing_that_the_map_makes_of_a_record(
    name: str, record: dict[str, Any], elements: list[Any]
) -> None:
    source_map, record = FILTERED[name], {**record, "rows": elements, "offers": elements}
    admitted = admit(record, source_map)
    before, after = source_map.read(record), source_map.read(admitted.fields)
    assert (after.reports, after.left_out) == (before.reports, before.left_out)
    assert failed(after) == failed(before)
    assert after.unread == ()
    again = admit(admitted.fields, source_map)
    assert (again.dropped, source_map.read(again.fields).reports) == ((), before.reports)
    assert "GEHEIM" not in repr(admitted.fields)
