"""Translating codes: by table, forgiving in spelling, never by guess."""

import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import terminology
from mappings.terminology import Translation, translate

COUNTY_EXPORT = Path(__file__).parents[2] / "../shared/data/lup/sozialpflege.gml"

CARE_FORMS = sorted(terminology.codes("care-form"))
WORDS = [(table, code) for table in terminology.tables() for code in terminology.known(table)]


def test_code_is_translated() -> None:
    assert translate("lup-angebot", "Kurzzeitpflege (Streuplätze)") == Translation(("kurzzeitpflege-eingestreut",))
    assert translate("csv-zimmer", "EZ") == Translation(("single",))
    assert translate("care-form-dta", "kurzzeitpflege-solitaer") == Translation(("04",))


def test_code_that_is_no_offer_has_a_reason() -> None:
    assert translate("lup-angebot", "Apotheke") == Translation(
        (), "Apotheke, kein Versorgungsangebot / pharmacy, no care offer"
    )


def test_stray_line_break_in_a_code_does_not_matter() -> None:
    assert translate("lup-angebot", "Tagespflege\r\n") == Translation(("tagespflege",))


@given(word=st.sampled_from(WORDS), data=st.data())
def test_case_and_spaces_do_not_matter(word: tuple[str, str], data: st.DataObject) -> None:
    table, code = word
    spaces = st.text(alphabet=" \t\r\n\u00a0", max_size=3)
    spelled = "".join(data.draw(st.sampled_from((letter, letter.upper(), letter.casefold()))) for letter in code)
    spelled = spelled.replace(" ", " " + data.draw(spaces))
    assert translate(table, data.draw(spaces) + spelled + data.draw(spaces)) == translate(table, code)


@pytest.mark.parametrize("code", ["", " ", "Dauerpflege?", "Tages", "Tages pflege"])
def test_unknown_code_is_a_key_error(code: str) -> None:
    with pytest.raises(KeyError):
        translate("csv-angebot", code)


@pytest.mark.parametrize("table", ["no-such-table", "", "../terminology/csv-angebot", "care-form-dta.json"])
def test_unknown_table_is_a_key_error(table: str) -> None:
    with pytest.raises(KeyError):
        translate(table, "Dauerpflege")


@pytest.mark.parametrize("table", terminology.tables())
def test_every_code_has_codes_or_a_reason(table: str) -> None:
    for code in terminology.known(table):
        translation = translate(table, code)
        assert bool(translation.codes) != bool(translation.reason), code


@pytest.mark.parametrize("table", terminology.tables())
def test_no_code_stands_twice_in_a_table(table: str) -> None:
    concept_map = json.loads(resources.files("mappings").joinpath("terminology", f"{table}.json").read_bytes())
    written = [element["code"] for group in concept_map["group"] for element in group["element"]]
    assert written == list(terminology.known(table))


@pytest.mark.parametrize("table", [table for table in terminology.tables() if table.startswith("care-form-")])
def test_every_care_form_is_in_the_tables_that_start_from_it(table: str) -> None:
    assert sorted(terminology.known(table)) == CARE_FORMS


def test_dta_key_of_a_key_is_the_key_itself() -> None:
    for key in terminology.known("dta-care-form"):
        for care_form in translate("dta-care-form", key).codes:
            assert translate("care-form-dta", care_form).codes == (key,)


def test_hierarchy_holds_both_ways() -> None:
    assert terminology.ancestors("kurzzeitpflege-solitaer") == ("kurzzeitpflege-solitaer", "kurzzeitpflege")
    assert terminology.descendants("hospiz") == ("hospiz", "hospiz-stationaer", "hospizdienst-ambulant")
    for wide in CARE_FORMS:
        for narrow in CARE_FORMS:
            assert (wide in terminology.ancestors(narrow)) == (narrow in terminology.descendants(wide))


@pytest.mark.parametrize("ask", [terminology.ancestors, terminology.descendants])
def test_hierarchy_of_an_unknown_care_form_is_a_key_error(ask: Callable[[str], tuple[str, ...]]) -> None:
    with pytest.raises(KeyError):
        ask("pflege")


def test_display_is_german_or_english() -> None:
    assert terminology.display("care-form", "tagespflege", "de") == "Tagespflege"
    assert terminology.display("care-form", "tagespflege", "en") == "Day care"


@pytest.mark.parametrize(("system", "code"), [("no-such-system", "tagespflege"), ("care-form", "no-such-code")])
def test_display_of_an_unknown_code_is_a_key_error(system: str, code: str) -> None:
    with pytest.raises(KeyError):
        terminology.display(system, code, "de")


@pytest.mark.skipif(not COUNTY_EXPORT.exists(), reason="the county's export is not on this machine")
def test_county_table_knows_every_value_of_the_real_export() -> None:
    values = set(re.findall(r"<pflegeportal:angebot>([^<]*)<", COUNTY_EXPORT.read_text(encoding="utf-8")))
    assert len(values) == 15
    for value in values:
        translate("lup-angebot", value)


BITS = {
    "need": [
        *("dialyse", "beatmung", "tracheostoma", "peg", "mre-isolation", "demenz", "geschuetzter-bereich"),
        *("adipositas", "palliativ", "wachkoma", "rollstuhl", "paar", "junge-pflege"),
    ],
    "payer": [
        *("pflegekasse", "krankenkasse", "private-versicherung", "sozialhilfe", "selbstzahler", "beihilfe"),
        *("unfallversicherung", "rentenversicherung", "eingliederungshilfe", "soziale-entschaedigung"),
    ],
}
"""Codes in the order of their bits, retired ones too: masks are stored, so what stands here stays."""


@pytest.mark.parametrize("system", BITS)
def test_bits_of_codes_are_unique_below_sixty_and_never_used_again(system: str) -> None:
    bits = terminology.bits(system)
    assert bits.keys() <= set(BITS[system])
    assert bits == {code: 1 << place for place, code in enumerate(BITS[system]) if code in bits}
    assert len(BITS[system]) <= 60
    assert bits.keys() == terminology.codes(system)


def test_a_system_without_bits_has_none() -> None:
    with pytest.raises(KeyError):
        terminology.bits("room-type")


def test_ambulatory_care_forms_come_to_the_person() -> None:
    assert terminology.ambulatory() == {
        *("ambulante-pflege", "sapv", "hospizdienst-ambulant", "lotse", "telemedizin"),
    }
