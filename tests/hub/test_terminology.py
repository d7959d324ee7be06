"""Code systems, value sets and concept maps: what is in them, by results worked out by hand."""

import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import pytest

from hub.errors import Invalid, Malformed, NotFound
from hub.terminology import parameters, translation, validation
from hub.terminology.codes import above, below, codes_in
from hub.terminology.concepts import CodeSystem
from hub.terminology.definitions import Definitions, Find, Unknown, nothing_stored
from hub.terminology.expansion import Wanted, expand
from hub.terminology.languages import languages
from hub.terminology.lookup import described, known_concept, subsumption
from hub.terminology.value_sets import ValueSet

CARE_FORM = "https://platzfrei.org/fhir/CodeSystem/care-form"
CARE_FORMS = "https://platzfrei.org/fhir/ValueSet/care-form"
DTA = "https://platzfrei.org/fhir/sid/gkv-dta/leistungsart"
GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
ANIMALS = "http://example.org/animals"
AT = "2026-11-22T08:00:00Z"

ANIMAL_SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": ANIMALS,
    "version": "1",
    "name": "Animals",
    "status": "active",
    "caseSensitive": False,
    "content": "complete",
    "property": [
        {"code": "legs", "type": "integer"},
        {"code": "parent", "type": "code", "uri": "http://hl7.org/fhir/concept-properties#parent"},
        {"code": "gone", "type": "boolean", "uri": "http://hl7.org/fhir/concept-properties#inactive"},
        {"code": "group", "type": "boolean", "uri": "http://hl7.org/fhir/concept-properties#notSelectable"},
    ],
    "concept": [
        {"code": "animal", "display": "Animal", "property": [{"code": "group", "valueBoolean": True}]},
        {
            "code": "bird",
            "display": "Bird",
            "property": [{"code": "parent", "valueCode": "animal"}, {"code": "legs", "valueInteger": 2}],
            "concept": [
                {"code": "duck", "display": "Duck", "property": [{"code": "legs", "valueInteger": 2}]},
                {"code": "dodo", "display": "Dodo", "property": [{"code": "gone", "valueBoolean": True}]},
            ],
        },
        {
            "code": "cat",
            "display": "Cat",
            "designation": [{"language": "de-DE", "value": "Katze"}],
            "property": [{"code": "parent", "valueCode": "animal"}, {"code": "legs", "valueInteger": 4}],
        },
        {"code": "stone", "display": "Stone"},
    ],
}


def storing(*trees: Mapping[str, Any]) -> Find:
    def find(kind: str, url: str, version: str | None) -> Mapping[str, Any] | None:
        return next(
            (
                tree
                for tree in trees
                if (tree["resourceType"], tree["url"]) == (kind, url) and version in (None, tree.get("version"))
            ),
            None,
        )

    return find


def value_set(compose: Mapping[str, Any], *others: Mapping[str, Any], url: str = "http://example.org/vs") -> ValueSet:
    tree = {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose}
    return ValueSet(tree, Definitions(storing(ANIMAL_SYSTEM, tree, *others)))


def composed(*included: Mapping[str, Any], exclude: tuple[Mapping[str, Any], ...] = (), **more: Any) -> list[str]:
    compose = {"include": list(included), **({"exclude": list(exclude)} if exclude else {}), **more}
    return [member.code for member in value_set(compose).members()]


def filtered(name: str, operator: str, value: str) -> list[str]:
    return composed({"system": ANIMALS, "filter": [{"property": name, "op": operator, "value": value}]})


def values_of(tree: Mapping[str, Any], name: str) -> list[Any]:
    return [
        next((value for key, value in part.items() if key.startswith("value")), part.get("part"))
        for part in tree["parameter"]
        if part["name"] == name
    ]


# Code systems


def test_a_kind_of_hospice_is_below_hospice() -> None:
    assert below(CARE_FORM, "hospiz", nothing_stored) == ("hospiz", "hospiz-stationaer", "hospizdienst-ambulant")
    assert above(CARE_FORM, "hospiz-stationaer", nothing_stored) == ("hospiz-stationaer", "hospiz")


def test_a_parent_property_makes_a_kind() -> None:
    assert above(ANIMALS, "duck", storing(ANIMAL_SYSTEM)) == ("duck", "bird", "animal")
    assert below(ANIMALS, "animal", storing(ANIMAL_SYSTEM)) == ("animal", "bird", "cat", "duck", "dodo")


def test_a_code_system_that_says_part_of_has_no_kinds() -> None:
    parts = {**ANIMAL_SYSTEM, "hierarchyMeaning": "part-of"}
    assert below(ANIMALS, "bird", storing(parts)) == ("bird",)


def test_a_circle_of_parents_ends() -> None:
    concepts = [
        {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
        {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
    ]
    circle = {**ANIMAL_SYSTEM, "concept": concepts}
    assert set(below(ANIMALS, "a", storing(circle))) == {"a", "b"}


def test_a_child_property_of_hl7_makes_a_kind() -> None:
    role_code = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
    assert "PEDICU" in below(role_code, "PEDU", nothing_stored)


def test_case_counts_unless_the_code_system_says_otherwise() -> None:
    assert below(ANIMALS, "DUCK", storing(ANIMAL_SYSTEM)) == ("duck",)
    with pytest.raises(KeyError):
        below(GENDER, "MALE", nothing_stored)


@pytest.mark.parametrize("system", ["http://example.org/none", CARE_FORM])
def test_what_is_not_known_is_a_key_error(system: str) -> None:
    with pytest.raises(KeyError):
        below(system, "nowhere", nothing_stored)
    with pytest.raises(KeyError):
        codes_in("http://example.org/none", nothing_stored)


def test_nothing_stored_changes_our_codes() -> None:
    mine = {**ANIMAL_SYSTEM, "url": CARE_FORM}
    assert below(CARE_FORM, "hospizdienst-ambulant", storing(mine)) == ("hospizdienst-ambulant",)


def test_another_version_is_not_ours() -> None:
    with pytest.raises(Unknown) as caught:
        Definitions(nothing_stored).code_system(CARE_FORM, "9.9")
    assert caught.value.known == "0.1.0"


def test_a_code_system_without_its_codes_is_not_known() -> None:
    with pytest.raises(Unknown):
        Definitions(storing({**ANIMAL_SYSTEM, "content": "not-present"})).code_system(ANIMALS)


def test_what_lacks_its_code_with_a_reason_is_passed_over() -> None:
    reason = {"extension": [{"url": "http://example.org/why", "valueCode": "unknown"}]}
    system = {**ANIMAL_SYSTEM, "concept": [{"_code": reason, "display": "?"}, {"code": "cat"}]}
    assert list(CodeSystem(system).concepts) == ["cat"]
    assert composed({"system": ANIMALS, "concept": [{"_code": reason}, {"code": "cat"}]}) == ["cat"]


# Value sets


def test_r4s_genders_are_four() -> None:
    assert codes_in(GENDERS, nothing_stored) == {(GENDER, code) for code in ("male", "female", "other", "unknown")}


def test_every_required_value_set_of_r4_has_its_codes_with_their_concepts() -> None:
    codes = json.loads(resources.files("conformance.spec").joinpath("r4/codes.json").read_bytes())
    assert len(codes) > 200
    for url, systems in codes.items():
        assert codes_in(url, nothing_stored) == {(system, code) for system in systems for code in systems[system]}, url
    no_concept = {
        system
        for url in codes
        for member in shipped(url).members()
        for system in [member.system]
        if member.concept is None
    }
    assert no_concept <= {"http://unitsofmeasure.org"}


def test_a_canonical_may_say_its_version() -> None:
    assert len(codes_in(f"{GENDERS}|4.0.1", nothing_stored)) == 4
    with pytest.raises(KeyError):
        codes_in(f"{GENDERS}|5.0.0", nothing_stored)


def test_all_care_forms_are_22() -> None:
    assert len(codes_in(CARE_FORMS, nothing_stored)) == 22


def test_all_codes_of_an_r4_code_system_have_the_value_set_that_it_names() -> None:
    organization_types = "http://hl7.org/fhir/ValueSet/organization-type"
    assert ("http://terminology.hl7.org/CodeSystem/organization-type", "prov") in codes_in(
        organization_types, nothing_stored
    )


def test_a_whole_code_system_is_included() -> None:
    assert composed({"system": ANIMALS}) == ["animal", "bird", "duck", "dodo", "cat", "stone"]


def test_listed_codes_are_included_of_systems_nobody_knows() -> None:
    assert composed({"system": "http://example.org/none", "concept": [{"code": "x"}]}) == ["x"]


def test_a_whole_code_system_that_nobody_knows_is_unknown() -> None:
    with pytest.raises(Unknown):
        composed({"system": "http://example.org/none"})


def test_excluded_codes_are_out() -> None:
    no_birds = {"system": ANIMALS, "filter": [{"property": "concept", "op": "is-a", "value": "bird"}]}
    stones = {"system": ANIMALS, "concept": [{"code": "stone"}]}
    assert composed({"system": ANIMALS}, exclude=(no_birds, stones)) == ["animal", "cat"]


def test_codes_stand_once() -> None:
    assert composed({"system": ANIMALS, "concept": [{"code": "cat"}]}, {"system": ANIMALS})[:2] == ["cat", "animal"]
    assert composed({"system": ANIMALS}, {"system": ANIMALS}).count("cat") == 1


def test_inactive_codes_are_out_where_the_value_set_says_so() -> None:
    assert "dodo" in composed({"system": ANIMALS})
    assert "dodo" not in composed({"system": ANIMALS}, inactive=False)


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("concept", "is-a", "bird", ["bird", "duck", "dodo"]),
        ("concept", "descendent-of", "bird", ["duck", "dodo"]),
        ("concept", "is-not-a", "bird", ["animal", "cat", "stone"]),
        ("concept", "generalizes", "duck", ["animal", "bird", "duck"]),
        ("concept", "in", "cat, stone", ["cat", "stone"]),
        ("concept", "not-in", "cat,stone", ["animal", "bird", "duck", "dodo"]),
        ("legs", "=", "2", ["bird", "duck"]),
        ("legs", "in", "2,4", ["bird", "duck", "cat"]),
        ("legs", "exists", "true", ["bird", "duck", "cat"]),
        ("legs", "exists", "false", ["animal", "dodo", "stone"]),
        ("parent", "=", "animal", ["bird", "cat"]),
        ("child", "exists", "true", ["animal", "bird"]),
        ("inactive", "=", "true", ["dodo"]),
        ("notSelectable", "=", "true", ["animal"]),
        ("display", "regex", "D.*", ["duck", "dodo"]),
        ("code", "regex", "[a-c].{2}", ["cat"]),
    ],
)
def test_filters_let_through(name: str, operator: str, value: str, expected: list[str]) -> None:
    assert filtered(name, operator, value) == expected


def test_two_filters_are_both_met() -> None:
    filters = [
        {"property": "concept", "op": "is-a", "value": "bird"},
        {"property": "legs", "op": "=", "value": "2"},
    ]
    assert composed({"system": ANIMALS, "filter": filters}) == ["bird", "duck"]


@pytest.mark.parametrize(
    ("name", "operator", "value"),
    [
        ("wings", "=", "2"),
        ("concept", "is-a", "dragon"),
        ("legs", "is-a", "bird"),
        ("legs", "exists", "maybe"),
        ("code", "regex", "("),
        ("code", "like", "x"),
    ],
)
def test_filters_that_cannot_be_are_refused(name: str, operator: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        filtered(name, operator, value)
    assert caught.value.issues[0].place.startswith("ValueSet.compose.include.filter.")


def test_a_regex_bomb_is_stopped() -> None:
    long = {**ANIMAL_SYSTEM, "concept": [{"code": f"{n}", "display": "ab" * 3_000} for n in range(1_000)]}
    bomb = {"system": ANIMALS, "filter": [{"property": "display", "op": "regex", "value": "(.*a){99}c"}]}
    tree = {"resourceType": "ValueSet", "url": "u", "status": "active", "compose": {"include": [bomb]}}
    with pytest.raises(Invalid) as caught:
        list(ValueSet(tree, Definitions(storing(long))).members())
    assert caught.value.issues[0].fhir_code == "too-costly"


def imported(url: str, *codes: str) -> dict[str, Any]:
    include = [{"system": ANIMALS, "concept": [{"code": code} for code in codes]}]
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": include}}


def test_what_is_in_an_include_is_in_every_value_set_of_it() -> None:
    some, others = imported("http://example.org/1", "cat", "duck"), imported("http://example.org/2", "cat", "bird")
    both = value_set({"include": [{"valueSet": [some["url"], others["url"]]}]}, some, others)
    assert [member.code for member in both.members()] == ["cat"]
    birds = {"property": "concept", "op": "is-a", "value": "bird"}
    narrowed = value_set({"include": [{"system": ANIMALS, "filter": [birds], "valueSet": [some["url"]]}]}, some)
    assert [member.code for member in narrowed.members()] == ["duck"]
    either = value_set({"include": [{"valueSet": [some["url"]]}, {"valueSet": [others["url"]]}]}, some, others)
    assert [member.code for member in either.members()] == ["cat", "duck", "bird"]


def test_a_value_set_that_imports_itself_is_refused() -> None:
    one = {"resourceType": "ValueSet", "url": "http://example.org/1", "compose": {"include": []}}
    one["compose"] = {"include": [{"valueSet": ["http://example.org/vs"]}]}
    with pytest.raises(Invalid):
        list(value_set({"include": [{"valueSet": ["http://example.org/1"]}]}, one).members())


def test_value_sets_that_import_each_other_without_end_are_stopped() -> None:
    def level(number: int) -> dict[str, Any]:
        include = [{"valueSet": [f"http://example.org/{number + 1}"]}] * 9
        return {"resourceType": "ValueSet", "url": f"http://example.org/{number}", "compose": {"include": include}}

    levels = [*(level(number) for number in range(15)), imported("http://example.org/15", "cat")]
    with pytest.raises(Invalid):
        list(value_set({"include": [{"valueSet": ["http://example.org/0"]}]}, *levels).members())


def test_an_expansion_is_what_a_value_set_without_definition_has() -> None:
    contains = [{"system": ANIMALS, "code": "cat", "contains": [{"system": ANIMALS, "code": "kitten"}]}]
    tree = {"url": "u", "status": "active", "expansion": {"timestamp": AT, "contains": contains}}
    assert [each.code for each in ValueSet(tree, Definitions(nothing_stored)).members()] == ["cat", "kitten"]


def test_an_expansion_helps_where_the_code_system_is_unknown_and_it_is_whole() -> None:
    compose = {"include": [{"system": "http://example.org/none"}]}
    expansion: dict[str, Any] = {"timestamp": AT, "contains": [{"system": "http://example.org/none", "code": "x"}]}
    tree = {"url": "u", "status": "active", "compose": compose, "expansion": expansion}
    assert [each.code for each in ValueSet(tree, Definitions(nothing_stored)).members()] == ["x"]
    page = {**tree, "expansion": {**expansion, "total": 7}}
    with pytest.raises(Unknown):
        list(ValueSet(page, Definitions(nothing_stored)).members())


# $expand


def shipped(url: str) -> ValueSet:
    definitions = Definitions(nothing_stored)
    return ValueSet(definitions.tree("ValueSet", url), definitions)


def test_an_expansion_has_total_codes_and_german_names() -> None:
    tree = expand(shipped(CARE_FORMS), Wanted(languages=("de",)), AT)
    assert "compose" not in tree
    assert tree["expansion"]["total"] == 22
    assert tree["expansion"]["timestamp"] == AT
    assert tree["expansion"]["contains"][0] == {"system": CARE_FORM, "code": "dauerpflege", "display": "Dauerpflege"}


def test_pages_join_to_the_whole_and_say_the_total() -> None:
    pages = [expand(shipped(CARE_FORMS), Wanted(offset=start, count=5), AT)["expansion"] for start in range(0, 25, 5)]
    assert {page["total"] for page in pages} == {22}
    assert [page["offset"] for page in pages] == [0, 5, 10, 15, 20]
    joined = [each["code"] for page in pages for each in page.get("contains", ())]
    assert joined == [member.code for member in shipped(CARE_FORMS).members()]


def test_count_zero_asks_for_the_total_alone() -> None:
    expansion = expand(shipped(CARE_FORMS), Wanted(count=0), AT)["expansion"]
    assert expansion["total"] == 22
    assert "contains" not in expansion


def test_a_filter_finds_words_in_any_language_without_accents() -> None:
    expansion = expand(shipped(CARE_FORMS), Wanted(filter="STATIONARES hosp"), AT)["expansion"]
    assert [each["code"] for each in expansion["contains"]] == ["hospiz-stationaer"]
    assert expansion["total"] == 1
    assert {"name": "filter", "valueString": "STATIONARES hosp"} in expansion["parameter"]


def test_nesting_follows_the_hierarchy() -> None:
    contains = expand(shipped(CARE_FORMS), Wanted(nested=True), AT)["expansion"]["contains"]
    hospice = next(each for each in contains if each["code"] == "hospiz")
    assert [each["code"] for each in hospice["contains"]] == ["hospiz-stationaer", "hospizdienst-ambulant"]
    assert "hospiz-stationaer" not in [each["code"] for each in contains]


def test_inactive_and_abstract_codes_are_marked() -> None:
    animals = value_set({"include": [{"system": ANIMALS}]})
    told = {each["code"]: each for each in expand(animals, Wanted(), AT)["expansion"]["contains"]}
    assert told["dodo"]["inactive"] is True
    assert told["animal"]["abstract"] is True
    active = expand(animals, Wanted(active_only=True), AT)["expansion"]
    assert active["total"] == 5


def test_designations_are_told_where_they_are_asked_for() -> None:
    animals = value_set({"include": [{"system": ANIMALS, "concept": [{"code": "cat"}]}]})
    cat = expand(animals, Wanted(include_designations=True), AT)["expansion"]["contains"][0]
    assert cat == {
        "system": ANIMALS,
        "code": "cat",
        "display": "Cat",
        "designation": [{"language": "de-DE", "value": "Katze"}],
    }
    french = expand(animals, Wanted(designations=("urn:ietf:bcp:47|fr",)), AT)["expansion"]["contains"][0]
    assert "designation" not in french


def test_the_value_sets_own_display_counts() -> None:
    animals = value_set({"include": [{"system": ANIMALS, "concept": [{"code": "cat", "display": "Puss"}]}]})
    assert expand(animals, Wanted(), AT)["expansion"]["contains"][0]["display"] == "Puss"


def test_an_expansion_names_the_version_of_the_code_system() -> None:
    parameter = expand(shipped(CARE_FORMS), Wanted(), AT)["expansion"]["parameter"]
    assert parameter == [{"name": "version", "valueUri": f"{CARE_FORM}|0.1.0"}]


def test_too_many_codes_are_refused_unless_a_page_is_asked_for() -> None:
    many = {**ANIMAL_SYSTEM, "concept": [{"code": f"c{number}"} for number in range(6_000)]}
    tree = {"url": "u", "status": "active", "compose": {"include": [{"system": ANIMALS}]}}
    with pytest.raises(Invalid) as caught:
        expand(ValueSet(tree, Definitions(storing(many))), Wanted(), AT)
    assert caught.value.issues[0].fhir_code == "too-costly"
    page = expand(ValueSet(tree, Definitions(storing(many))), Wanted(count=2, offset=5_998), AT)["expansion"]
    assert (page["total"], [each["code"] for each in page["contains"]]) == (6_000, ["c5998", "c5999"])
    clamped = expand(ValueSet(tree, Definitions(storing(many))), Wanted(count=10**9), AT)["expansion"]
    assert {"name": "count", "valueInteger": 5_000} in clamped["parameter"]


# $validate-code


def verdict(code: str, system: str = CARE_FORM, url: str = CARE_FORMS, **more: Any) -> validation.Validation:
    return validation.in_value_set(shipped(url), validation.Asked(code=code, system=system, **more))


def test_a_code_of_the_value_set_is_valid() -> None:
    told = verdict("hospiz", languages=("de",))
    assert (told.result, told.display) == (True, "Hospiz")


def test_a_code_that_is_not_in_the_value_set_is_not_valid_and_the_codes_are_told() -> None:
    told = verdict("hotel")
    assert not told.result
    assert "dauerpflege, kurzzeitpflege" in told.text_en
    assert "hotel" not in told.text_en


def test_a_code_of_another_system_is_not_valid() -> None:
    assert not verdict("hospiz", system="http://example.org/other").result


@pytest.mark.parametrize("display", ["Hospiz", "Hospice care", "hospice  CARE"])
def test_every_name_of_a_code_is_right(display: str) -> None:
    assert verdict("hospiz", display=display).result


def test_a_wrong_display_is_not_valid_and_the_right_ones_are_told() -> None:
    told = verdict("hospiz", display="Hotel")
    assert not told.result
    assert told.display == "Hospice care"
    assert '"Hospice care"' in told.text_en
    assert "„Hospiz“" in told.text_de


def test_a_code_without_system_is_that_of_the_only_one_that_has_it() -> None:
    assert verdict("male", system="", url=GENDERS).result
    ambiguous = value_set(
        {"include": [{"system": ANIMALS}, {"system": "http://example.org/b", "concept": [{"code": "cat"}]}]}
    )
    told = validation.in_value_set(ambiguous, validation.Asked(code="cat"))
    assert not told.result
    assert "http://example.org/b" in told.text_en


def test_what_needs_an_unknown_code_system_cannot_be_told() -> None:
    unclear = value_set({"include": [{"system": "http://example.org/none"}]})
    told = validation.in_value_set(unclear, validation.Asked(code="x", system="http://example.org/none"))
    assert not told.result
    assert "http://example.org/none is not known here" in told.text_en


def test_an_abstract_code_is_valid_unless_the_client_says_otherwise() -> None:
    animals = CodeSystem(ANIMAL_SYSTEM)
    assert validation.in_code_system(animals, validation.Asked(code="animal")).result
    assert not validation.in_code_system(animals, validation.Asked(code="animal", abstract=False)).result


def test_another_version_of_the_code_system_is_not_valid() -> None:
    told = verdict("hospiz", version="9.9")
    assert not told.result
    assert "0.1.0" in told.text_en


def test_an_inactive_code_is_valid_with_a_word() -> None:
    told = validation.in_code_system(CodeSystem(ANIMAL_SYSTEM), validation.Asked(code="dodo"))
    assert told.result
    assert told.text_en


def test_one_right_coding_of_several_is_enough() -> None:
    wrong, right = verdict("hotel"), verdict("hospiz")
    assert validation.best([wrong, right]).result
    assert not validation.best([wrong, wrong]).result
    assert not validation.best([]).result


def test_the_message_is_in_the_language_asked_for() -> None:
    assert "nicht im Value Set" in values_of(validation.written(verdict("hotel"), ("de",)), "message")[0]
    assert "not in the value set" in values_of(validation.written(verdict("hotel"), ("fr",)), "message")[0]


# $lookup, $subsumes


def looked_up(system: CodeSystem, code: str, *properties: str, wanted: tuple[str, ...] = ()) -> dict[str, Any]:
    return described(system, known_concept(system, code), properties=properties, languages=wanted)


def test_a_lookup_tells_name_version_display_designations_and_properties() -> None:
    tree = looked_up(Definitions(nothing_stored).code_system(CARE_FORM), "hospiz")
    assert values_of(tree, "name") == ["CareForm"]
    assert values_of(tree, "version") == ["0.1.0"]
    assert values_of(tree, "display") == ["Hospice care"]
    assert {"name": "language", "valueCode": "de"} in values_of(tree, "designation")[0]
    told = [(part[0]["valueCode"], part[1]) for part in values_of(tree, "property")]
    assert (
        "definition",
        {"name": "value", "valueString": "Care at the end of life by a hospice (§ 39a SGB V)."},
    ) in told
    assert [value["valueCode"] for name, value in told if name == "child"] == [
        "hospiz-stationaer",
        "hospizdienst-ambulant",
    ]


def test_a_lookup_speaks_german() -> None:
    system = Definitions(nothing_stored).code_system(CARE_FORM)
    assert values_of(looked_up(system, "hospiz", wanted=("de",)), "display") == ["Hospiz"]


def test_a_lookup_tells_the_properties_asked_for_and_no_others() -> None:
    tree = looked_up(CodeSystem(ANIMAL_SYSTEM), "cat", "legs")
    assert values_of(tree, "property") == [
        [{"name": "code", "valueCode": "legs"}, {"name": "value", "valueInteger": 4}]
    ]
    assert values_of(tree, "designation") == []


def test_a_lookup_of_r4s_gender_has_its_display() -> None:
    tree = looked_up(Definitions(nothing_stored).code_system(GENDER), "male")
    assert values_of(tree, "display") == ["Male"]
    assert values_of(tree, "name") == ["AdministrativeGender"]


def test_a_lookup_of_an_unknown_code_is_not_found() -> None:
    with pytest.raises(NotFound):
        known_concept(CodeSystem(ANIMAL_SYSTEM), "dragon")


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("animal", "duck", "subsumes"),
        ("duck", "animal", "subsumed-by"),
        ("duck", "duck", "equivalent"),
        ("duck", "cat", "not-subsumed"),
    ],
)
def test_subsumption(one: str, other: str, outcome: str) -> None:
    animals = CodeSystem(ANIMAL_SYSTEM)
    assert subsumption(animals, known_concept(animals, one), known_concept(animals, other)) == outcome


# $translate

MAP: dict[str, Any] = {
    "resourceType": "ConceptMap",
    "url": "http://example.org/map",
    "status": "active",
    "sourceUri": "http://example.org/vs-a",
    "group": [
        {
            "source": ANIMALS,
            "target": "http://example.org/food",
            "element": [
                {"code": "duck", "target": [{"code": "roast", "equivalence": "wider", "display": "Roast"}]},
                {"code": "stone", "target": [{"equivalence": "unmatched", "comment": "too hard"}]},
                {
                    "code": "cat",
                    "target": [
                        {
                            "code": "hare",
                            "equivalence": "inexact",
                            "comment": "at night",
                            "dependsOn": [{"property": "http://example.org/place", "value": "dark"}],
                            "product": [{"property": "http://example.org/sauce", "value": "brown"}],
                        }
                    ],
                },
            ],
            "unmapped": {"mode": "fixed", "code": "soup", "display": "Soup"},
        }
    ],
}


def translated(code: str, *maps: Mapping[str, Any], stored: tuple[Mapping[str, Any], ...] = (), **more: Any) -> Any:
    asked = translation.Asked(code=code, **{"system": ANIMALS, **more})
    return translation.matches(maps or (MAP,), asked, Definitions(storing(ANIMAL_SYSTEM, *stored)))


def test_a_code_is_translated_with_its_equivalence() -> None:
    (match,) = translated("duck")
    assert match.equivalence == "wider"
    assert match.concept == {"system": "http://example.org/food", "code": "roast", "display": "Roast"}
    assert match.source == "http://example.org/map"


def test_our_care_form_is_translated_to_the_data_exchange() -> None:
    definitions = Definitions(nothing_stored)
    asked = translation.Asked(code="tagespflege", system=CARE_FORM, target_system=DTA)
    (match,) = translation.matches(definitions.concept_maps(), asked, definitions)
    assert match.concept == {"system": DTA, "code": "02"}


def test_reversed_a_wider_target_is_a_narrower_source() -> None:
    definitions = Definitions(nothing_stored)
    concept_map = definitions.tree("ConceptMap", "https://platzfrei.org/fhir/ConceptMap/care-form-dta")
    asked = translation.Asked(code="04", system=DTA, reverse=True, languages=("de",))
    found = translation.matches((concept_map,), asked, definitions)
    assert [(each.equivalence, each.concept["display"]) for each in found if each.concept] == [
        ("equivalent", "Kurzzeitpflege"),
        ("narrower", "Kurzzeitpflege, solitär"),
        ("narrower", "Kurzzeitpflege, eingestreut"),
    ]


def test_a_code_without_counterpart_is_no_translation_and_says_why() -> None:
    tree = translation.written(translated("stone"), ())
    assert values_of(tree, "result") == [False]
    assert values_of(tree, "message") == ["too hard"]
    assert values_of(tree, "match")[0][0] == {"name": "equivalence", "valueCode": "unmatched"}


def test_nothing_found_is_no_translation_and_says_so() -> None:
    tree = translation.written(translated("duck", target_system="http://example.org/none"), ("de",))
    assert values_of(tree, "result") == [False]
    assert "nennt diesen Code" in values_of(tree, "message")[0]


def test_what_a_group_does_not_name_is_its_fixed_code() -> None:
    (match,) = translated("bird")
    assert match.concept == {"system": "http://example.org/food", "code": "soup", "display": "Soup"}


def test_what_a_group_does_not_name_stays_as_provided() -> None:
    provided = {**MAP, "group": [{**MAP["group"][0], "unmapped": {"mode": "provided"}}]}
    (match,) = translated("bird", provided)
    assert match.concept == {"system": "http://example.org/food", "code": "bird"}


def test_what_a_group_does_not_name_is_what_another_map_says() -> None:
    other_map = {"mode": "other-map", "url": "http://example.org/other"}
    first = {**MAP, "group": [{**MAP["group"][0], "unmapped": other_map}]}
    element = [{"code": "bird", "target": [{"code": "stew", "equivalence": "equivalent"}]}]
    other = {
        **MAP,
        "url": "http://example.org/other",
        "group": [{"source": ANIMALS, "target": "http://example.org/food", "element": element}],
    }
    (match,) = translated("bird", first, stored=(other,))
    assert match.concept is not None
    assert (match.concept["code"], match.source) == ("stew", "http://example.org/other")
    circle = {**other, "group": first["group"]}
    itself = {**circle, "group": [{**MAP["group"][0], "unmapped": {**other_map, "url": MAP["url"]}}]}
    assert translated("bird", first, stored=(itself, first)) == []


def test_a_translation_that_depends_needs_what_it_depends_on() -> None:
    assert translated("cat") == []
    dark = (("http://example.org/place", frozenset({("http://example.org/light", "dark")})),)
    (match,) = translated("cat", dependencies=dark)
    assert match.equivalence == "inexact"
    product = values_of(translation.written([match], ()), "match")[0][2]
    assert product["part"][1]["valueCoding"] == {"code": "brown"}


def test_a_map_from_another_value_set_is_not_looked_in() -> None:
    assert translated("duck", source="http://example.org/vs-b") == []
    assert len(translated("duck", source="http://example.org/vs-a")) == 1


def test_a_translation_is_in_the_target_value_set() -> None:
    food = imported("http://example.org/meals")
    food["compose"]["include"] = [{"system": "http://example.org/food", "concept": [{"code": "roast"}]}]
    assert len(translated("duck", target=food["url"], stored=(food,))) == 1
    food["compose"]["include"][0]["concept"] = [{"code": "soup"}]
    assert translated("duck", target=food["url"], stored=(food,)) == []


# Parameters and languages

KNOWN = {"url": "uri", "count": "integer", "activeOnly": "boolean", "coding": "Coding", "property": "code*"}


def test_parameters_come_from_the_query_and_from_a_resource() -> None:
    pairs = [("url", "u"), ("count", "5"), ("property", "a"), ("property", "b"), ("_format", "json")]
    given = [("coding", "valueCoding", {"code": "c"}), ("activeOnly", "valueBoolean", True)]
    assert parameters.told(KNOWN, pairs, given, "expand") == {
        "url": ["u"],
        "count": [5],
        "property": ["a", "b"],
        "coding": [{"code": "c"}],
        "activeOnly": [True],
    }


@pytest.mark.parametrize(
    ("pairs", "given"),
    [
        ([("count", "-1")], []),
        ([("count", "9" * 5_000)], []),
        ([("activeOnly", "yes")], []),
        ([("coding", "a|b")], []),
        ([("url", "a"), ("url", "b")], []),
        ([("wings", "2")], []),
        ([], [("count", "valueString", "x")]),
        ([], [("coding", "valueString", "x")]),
        ([], [("url", "valueUri", "")]),
        ([], [("url", "resource", {"resourceType": "ValueSet"})]),
        ([], [("wings", "valueInteger", 2)]),
    ],
)
def test_parameters_that_cannot_be_are_refused(pairs: list[tuple[str, str]], given: list[tuple[str, str, Any]]) -> None:
    with pytest.raises(Malformed) as caught:
        parameters.told(KNOWN, pairs, given, "expand")
    assert re.match(r"http(\.\w+)?$", caught.value.issues[0].place)


@pytest.mark.parametrize(
    ("parameter", "header", "expected"),
    [
        ("de-AT", "en", ("de",)),
        ("", "de-DE,de;q=0.9,en;q=0.8", ("de", "en")),
        ("", "en;q=0.1, fr, de;q=0", ("fr", "en")),
        ("", "*, de;q=x", ()),
        ("", "", ()),
    ],
)
def test_languages_are_in_order_of_preference(parameter: str, header: str, expected: tuple[str, ...]) -> None:
    assert languages(parameter, header) == expected
