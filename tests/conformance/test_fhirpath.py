"""FHIRPath: what expressions find, what they are refused for, and what they may cost."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.formats import fhirpath, r4_types
from conformance.formats.fhirpath import CannotEvaluate, Node, NotFhirPath, TooCostly, root

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "contained": [
        {"resourceType": "Organization", "id": "o1", "name": "Haus am Moor"},
        {"resourceType": "Practitioner", "id": "d1", "active": True},
    ],
    "extension": [{"url": "http://example.org/bed", "valueString": "window"}],
    "active": True,
    "name": [
        {"use": "official", "family": "Moor", "given": ["Anne", "Berta"]},
        {"use": "usual", "given": ["Anne"], "_given": [{"extension": [{"url": "http://example.org/nick"}]}]},
        {"given": [None, "Carla"], "_given": [{"extension": [{"url": "http://example.org/hidden"}]}, None]},
    ],
    "telecom": [
        {"system": "phone", "value": "04471 555-0", "rank": 2},
        {"system": "email", "value": "mail@example.org"},
        {"system": "phone", "value": "04471 555-1", "rank": 1},
    ],
    "gender": "female",
    "birthDate": "1940-12-25",
    "_birthDate": {"extension": [{"url": "http://example.org/time", "valueDateTime": "1940-12-25T14:35:45+01:00"}]},
    "deceasedBoolean": False,
    "generalPractitioner": [
        {"reference": "#d1"},
        {"reference": "Organization/7"},
        {"reference": "https://example.org/fhir/Practitioner/9/_history/2"},
        {"type": "PractitionerRole", "identifier": {"value": "x"}},
    ],
    "managingOrganization": {"reference": "#o1"},
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-11",
    "valueQuantity": {"value": Decimal("185.0"), "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
    "component": [
        {"code": {"text": "a"}, "valueQuantity": {"value": 2, "unit": "x"}},
        {"code": {"text": "b"}, "valueString": "two"},
        {"code": {"text": "c"}, "valueInteger": 3},
    ],
}
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def found(expression: str, resource: Mapping[str, Any] = PATIENT) -> list[Any]:
    nodes = fhirpath.compile(expression, of=resource["resourceType"]).nodes(resource, now=NOW)
    return [node.value for node in nodes]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("Patient.name.family", ["Moor"]),
        ("name.given", ["Anne", "Berta", "Anne", None, "Carla"]),
        ("name.given.distinct().count()", [4]),
        ("Resource.id", ["p1"]),
        ("DomainResource.extension.url", ["http://example.org/bed"]),
        ("Practitioner.name", []),
        ("Practitioner.name.family | Patient.name.family", ["Moor"]),
        ("`Patient`.name.`family`", ["Moor"]),
        ("name[1].use", ["usual"]),
        ("name[7].use", []),
        ("name.first().use | name.last().use", ["official"]),
        ("name.where(use = 'usual').given", ["Anne"]),
        ("name.exists(use = 'nickname')", [False]),
        ("name.all(given.exists())", [True]),
        ("name.select(use)", ["official", "usual"]),
        ("telecom.select($index)", [0, 1, 2]),
        ("telecom.where(rank > 1).value", ["04471 555-0"]),
        ("telecom.rank.aggregate($this + $total, 0)", [3]),
        ("telecom.tail().skip(1).take(1).rank", [1]),
        ("(1 | 2 | 3).exclude(2) = (1 | 3)", [True]),
        ("(1 | 2 | 2).combine(2).count()", [3]),
        ("(1 | 2).subsetOf(2 | 1 | 3) and (1 | 2).supersetOf(2)", [True]),
        ("(true | false).allTrue() or (true | false).anyFalse().not()", [False]),
        ("name.given.hasValue()", [False]),
        ("birthDate.hasValue()", [True]),
        ("birthDate.getValue() is System.Date", [True]),
        ("birthDate.extension('http://example.org/time').value.ofType(dateTime)", ["1940-12-25T14:35:45+01:00"]),
        ("hasExtension('http://example.org/bed')", [True]),
        ("children().count()", [19]),
        ("descendants().ofType(Reference).reference.count()", [4]),
        ("contained.descendants().ofType(boolean)", [True]),
        ("repeat(contained).name", ["Haus am Moor"]),
        ("iif(active, 'yes', 'no')", ["yes"]),
        ("gender is code and gender is string and (gender is id).not()", [True]),
        ("gender.as(code)", ["female"]),
        ("gender.ofType(string)", []),
        ("deceased is boolean", [True]),
        ("deceased is Boolean", [True]),
        ("deceased.is(Boolean)", [False]),
        ("(deceased as dateTime)", []),
        ("type().name", ["Patient"]),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')", [True]),
        ("now().toString()", ["2026-11-22T09:30:00.000+00:00"]),
        ("today()", ["2026-11-22"]),
        ("timeOfDay()", ["09:30:00.000"]),
        ("%resource.id & '/' & %rootResource.id & '/' & %context.id", ["p1/p1/p1"]),
        ("%ucum", ["http://unitsofmeasure.org"]),
        ("%`vs-administrative-gender`", ["http://hl7.org/fhir/ValueSet/administrative-gender"]),
        ('%"ext-x"', ["http://hl7.org/fhir/StructureDefinition/x"]),
    ],
)
def test_an_expression_finds(expression: str, values: list[Any]) -> None:
    assert found(expression) == values


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("Observation.value.unit", []),
        ("(Observation.value as Quantity).code", ["[lb_av]"]),
        ("Observation.value.ofType(string)", []),
        ("Observation.value is Quantity", [True]),
        ("Observation.value = 185 '[lb_av]'", [True]),
        ("Observation.value > 83 'kg' and Observation.value < 84 'kg'", [True]),
        ("component.value.ofType(string) | component.value.ofType(integer)", ["two", 3]),
        ("component.value.ofType(Quantity).value + 1", [3]),
        ("effective = @2026-11 and effective > @2026-10-31", [True]),
        ("effective <= @2026-11-15", []),
    ],
)
def test_a_choice_is_found_without_its_type(expression: str, values: list[Any]) -> None:
    assert found(expression, OBSERVATION) == values


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("true and {}", None),
        ("false and {}", False),
        ("{} or true", True),
        ("{} or false", None),
        ("true xor {}", None),
        ("false implies {}", True),
        ("{} implies true", True),
        ("true implies {}", None),
        ("{} = {}", None),
        ("{} ~ {}", True),
        ("1 = 1.0", True),
        ("'a' = 'A'", False),
        ("'a' ~ 'A'", True),
        ("'a b' ~ 'A   b'", True),
        ("1.2 / 1.8 ~ 0.67", True),
        ("(1 | 2) ~ (2 | 1)", True),
        ("(1 | 2) = (2 | 1)", False),
        ("true = 1", False),
        ("1 / 0", None),
        ("5 div 2 = 2 and -5 div 2 = -2 and 5 mod 3 = 2", True),
        ("2147483647 + 1", None),
        ("@2026-11-22 = @2026-11-22T10:00:00", None),
        ("@2026 < @2027-01", True),
        ("@2026-01 < @2026-01-05", None),
        ("@2026-11-22T10:00:00+02:00 = @2026-11-22T08:00:00Z", True),
        ("@2026-11-22T10:00:00Z = @2026-11-22T11:00:00", None),
        ("@2026-11-22T10:00:00Z < @2026-11-24T11:00:00", True),
        ("@T10:30 < @T10:30:15", None),
        ("@T10:30:00 = @T10:30:00.0", True),
        ("@2026-11-22 ~ @2026-11", False),
        ("1 'g' = 1000 'mg' and 1 'm2' = 10000 'cm2'", True),
        ("7 days = 1 week and 1 day = 1 'd'", True),
        ("1 month = 1 'mo'", None),
        ("2 'g' > 3 'm'", None),
        ("'b' > 'a'", True),
        ("2 in (1 | 2) and (1 | 2) contains 1", True),
        ("{} in (1 | 2)", None),
    ],
)
def test_an_operator_says(expression: str, value: bool | None) -> None:
    assert found(expression) == ([] if value is None else [value])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'abc'.indexOf('c')", 2),
        ("'abcd'.substring(1, 2)", "bc"),
        ("'abc'.substring(3)", None),
        ("'abc'.startsWith('ab') and 'abc'.endsWith('bc') and 'abc'.contains('b')", True),
        ("'aBc'.upper() + 'aBc'.lower()", "ABCabc"),
        ("'aab'.replace('a', 'x')", "xxb"),
        ("'a1b22'.replaceMatches('[0-9]+', '<$0>')", "a<1>b<22>"),
        ("'12.11.2026'.replaceMatches('(\\\\d+)\\\\.(\\\\d+)\\\\.(\\\\d+)', '$3-$2-$1')", "2026-11-12"),
        ("'abc'.matches('b')", True),
        ("'abc'.matchesFull('b')", False),
        ("'ab'.toChars().count()", 2),
        ("'a,b,,c'.split(',').join('-')", "a-b--c"),
        ("' a '.trim().length()", 1),
        ("'\\u00e4\\'\\n'.length()", 3),
        ("'12'.toInteger() + 1", 13),
        ("'1.5'.convertsToInteger()", False),
        ("'yes'.toBoolean()", True),
        ("'2026-02-30'.convertsToDate()", False),
        ("'2026-11-22T10:00:00Z'.toDateTime().toDate()", "2026-11-22"),
        ("'10:30'.toTime()", "10:30"),
        ("'4 days'.toQuantity() = 4 days", True),
        ("1.50.toString()", "1.50"),
        ("(-2.5).abs() + 7.sqrt().floor()", Decimal("4.5")),
        ("2.5.round(0)", Decimal(3)),
        ("2.power(10)", 1024),
        ("(-1).sqrt()", None),
        ("1000.power(1000)", None),
        ("@2026-01-31 + 1 month", "2026-02-28"),
        ("@2024-02-29 - 1 year", "2023-02-28"),
        ("@2026-12 + 1 month", "2027-01"),
        ("@2026-11-22T23:59:59+01:00 + 1 second", "2026-11-23T00:00:00+01:00"),
        ("@2026-11-22T00:00:00Z - 1 'min'", "2026-11-21T23:59:00Z"),
        ("@T23:30 + 1 hour", "00:30"),
        ("@9999-12-31 + 1 day", None),
    ],
)
def test_a_function_returns(expression: str, value: Any) -> None:
    assert found(expression) == ([] if value is None else [value])


def test_the_type_of_a_reference_is_read_from_its_text() -> None:
    assert found("generalPractitioner.where(resolve() is Practitioner).reference") == [
        "#d1",
        "https://example.org/fhir/Practitioner/9/_history/2",
    ]
    assert found("generalPractitioner.where(resolve() is Organization).reference") == ["Organization/7"]
    assert found("generalPractitioner.resolve().ofType(PractitionerRole).exists()") == [True]


def test_what_is_contained_is_resolved() -> None:
    assert found("managingOrganization.resolve().name") == ["Haus am Moor"]
    assert found("generalPractitioner.resolve().ofType(Practitioner).active") == [True]


def test_a_resolver_gives_what_lies_elsewhere() -> None:
    asked: list[str] = []

    def resolver(reference: str) -> dict[str, Any]:
        asked.append(reference)
        return PATIENT

    expression = fhirpath.compile("subject.resolve().name.family", of="Observation")
    assert [node.value for node in expression.nodes(OBSERVATION, resolver=resolver)] == ["Moor"]
    assert asked == ["Patient/p1"]
    assert expression.nodes(OBSERVATION) == []


def test_a_node_knows_its_path() -> None:
    nodes = fhirpath.compile("name.given | deceased | birthDate.extension.value", of="Patient").nodes(PATIENT)
    assert [node.path for node in nodes] == [
        ("name", 0, "given", 0),
        ("name", 0, "given", 1),
        ("name", 2, "given", 0),
        ("name", 2, "given", 1),
        ("deceasedBoolean",),
        ("birthDate", "extension", 0, "valueDateTime"),
    ]
    assert [node.key for node in nodes[-2:]] == ["deceasedBoolean", "valueDateTime"]
    assert [node.type for node in nodes[-2:]] == ["boolean", "dateTime"]
    hidden = nodes[2]
    assert hidden.value is None
    assert [one["url"] for one in hidden.extensions] == ["http://example.org/hidden"]
    assert hidden.parent is not None
    assert hidden.parent.path == ("name", 2)


def test_an_invariant_without_a_result_holds() -> None:
    per_1 = fhirpath.compile(r4_types.invariant("per-1").expression, of="Period")
    assert per_1.holds(Node("Period", {"start": "2026-11-22", "end": "2026-11-23"}))
    assert not per_1.holds(Node("Period", {"start": "2026-11-23", "end": "2026-11-22"}))
    assert per_1.holds(Node("Period", {"start": "2026-11", "end": "2026-11-22"}))


def test_the_resource_of_a_contained_node_is_not_the_outermost() -> None:
    (name,) = fhirpath.compile("contained.name", of="Patient").nodes(PATIENT)
    both = fhirpath.compile("%resource.id | %rootResource.id", of="string").nodes_of(name)
    assert [node.value for node in both] == ["o1", "p1"]


def test_all_of_hl7s_search_expressions_compile() -> None:
    expressions = [
        (one["expression"], base) for one in r4_types.search_parameters() if "expression" in one for base in one["base"]
    ]
    assert len(expressions) > 1_600
    for expression, base in expressions:
        fhirpath.compile(expression, of=base)


def test_all_of_r4s_invariants_compile() -> None:
    refused = set()
    for name in r4_types.names():
        rules = {(key, name) for key in r4_types.named(name).invariants}
        for element in r4_types.element_types(name).values():
            # A choice's rule speaks of the elements of one of its types: which one, its values say.
            rules |= {
                (key, "Element" if element.is_choice else one) for key in element.invariants for one in element.types
            }
        for key, of in rules:
            try:
                fhirpath.compile(r4_types.invariant(key).expression, of=of)
            except NotFhirPath:
                refused.add((key, of))
    # R4's own mistake: a ChargeItemDefinition has no name.
    assert refused == {("cid-0", "ChargeItemDefinition")}


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("", 0),
        ("name.", 5),
        ("name given", 5),
        ("(name", 5),
        ("name[0", 6),
        ("1 +", 3),
        ("'open", 0),
        ("2 /* open", 3),
        ("'\\q'", 1),
        ("'\\ud800'", 0),
        ("@2026-13", 0),
        ("@T25", 0),
        ("@T10:00Z", 7),
        ("99999999999", 0),
        ("name.given1", 5),
        ("Patient.deceasedBoolean", 8),
        ("Encounter.name", 10),
        ("Nonsense.name", 0),
        ("gender is string1", 10),
        ("name.as(Nonsense)", 8),
        ("%nonsense", 1),
        ("$that", 0),
        ("name.nonsense()", 5),
        ("name.where()", 5),
        ("name.first(1)", 5),
        ("id.matches('(a')", 11),
        ("id.matches('(?=a)b')", 11),
        ("a" * 2_001, 2_000),
        ("(" * 60 + "1" + ")" * 60, 51),
        ("1" + "+1" * 200, 301),
        ("name" + "[0]" * 200, 454),
    ],
)
def test_an_expression_is_refused_where_it_is_wrong(expression: str, at: int) -> None:
    with pytest.raises(NotFhirPath) as caught:
        fhirpath.compile(expression, of="Patient")
    assert caught.value.position == at, caught.value


def test_the_refusal_of_a_json_name_says_what_paths_say() -> None:
    with pytest.raises(NotFhirPath, match=r"deceased\.ofType\(boolean\)"):
        fhirpath.compile("deceasedBoolean", of="Patient")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(NotFhirPath):
        fhirpath.compile("id", of="Nonsense")


@pytest.mark.parametrize(
    "expression",
    [
        "name.single()",
        "name.given.length()",
        "name.startsWith('x')",
        "1 > 'a'",
        "'a' - 'b'",
        "@2026-11-22 + 7",
        "@2026-11-22 + 1 'mo'",
        "-'a'",
        "(1 | 2).not()",
        "iif('a', 1, 2)",
        "1 > 2 is Boolean",
        "conformsTo('http://example.org/other')",
        "3.14.round(99)",
    ],
)
def test_what_has_no_result_is_an_error(expression: str) -> None:
    with pytest.raises(CannotEvaluate):
        found(expression)


def test_the_clock_must_be_passed_in() -> None:
    with pytest.raises(CannotEvaluate):
        fhirpath.compile("now()", of="Patient").nodes(PATIENT)


def test_an_error_repeats_no_value_of_the_resource() -> None:
    with pytest.raises(CannotEvaluate) as caught:
        found("name.family > 1")
    assert "Moor" not in str(caught.value)
    assert "Moor" not in repr(fhirpath.compile("name.family", of="Patient").nodes(PATIENT))


@pytest.mark.parametrize(
    "expression",
    [
        "'a'.repeat($this & $this)",
        "'a'.repeat($this & 'x')",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" + ".select(replace('a', $this))" * 6,
        "(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9).select(" * 12 + "$this" + ")" * 12,
        "descendants().select(" + "%resource.descendants().select(" * 8 + "$this" + ")" * 9,
    ],
)
def test_what_costs_too_much_is_stopped(expression: str) -> None:
    before = time.process_time()
    with pytest.raises(TooCostly):
        found(expression)
    assert time.process_time() - before < 20


WORDS = st.sampled_from(
    [
        *[
            "name",
            "given",
            "use",
            "telecom",
            "value",
            "deceased",
            "birthDate",
            "contained",
            "id",
            "extension",
            "Patient",
            "Resource",
            "$this",
            "$index",
        ],
        *[
            "$total",
            "%resource",
            "1",
            "2.5",
            "'a'",
            "''",
            "'(a*)*'",
            "@2026",
            "@2026-11-22T10:00:00Z",
            "@T10:00",
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            ".",
            ",",
            "|",
            "&",
            "+",
            "-",
            "*",
            "/",
        ],
        *[
            "=",
            "!=",
            "~",
            "!~",
            "<",
            "<=",
            ">",
            ">=",
            "and",
            "or",
            "xor",
            "implies",
            "in",
            "contains",
            "is",
            "as",
            "div",
            "mod",
            "true",
            "false",
            "days",
        ],
        *[
            ".where(",
            ".select(",
            ".exists()",
            ".empty()",
            ".not()",
            ".first()",
            ".count()",
            ".matches(",
            ".replaceMatches(",
            ".repeat(",
        ],
        *[
            ".ofType(Quantity)",
            ".as(string)",
            ".children()",
            ".descendants()",
            ".toString()",
            ".toQuantity()",
            ".resolve()",
            "iif(",
        ],
        *[
            ".aggregate(",
            ".all(",
            ".combine(",
            ".substring(",
            ".round(",
            ".power(",
            ".distinct()",
            ".split(",
            ".join(",
            "'mg'",
            ".toDate()",
        ],
    ]
)


@given(st.lists(WORDS, max_size=25).map(" ".join) | st.text(max_size=60))
@settings(max_examples=600, deadline=None)
def test_any_text_compiles_or_is_refused_and_evaluates_or_is_an_error(expression: str) -> None:
    try:
        compiled = fhirpath.compile(expression, of="Patient")
    except NotFhirPath as error:
        assert 0 <= error.position <= len(expression)
        return
    try:
        compiled.nodes(PATIENT, now=NOW)
    except CannotEvaluate:
        return
    assert [pair for pair in compiled.values(PATIENT) if pair[1] is None] == []


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "2026-11-22", "#o1", "Patient/1", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["given", "_given", "use", "extension", "url", "reference", "id"]), inner)
    ),
    max_leaves=12,
)
PATHS = [
    "name.given | name.use",
    "Patient.name.where(use = 'a').given",
    "descendants().count() >= children().count()",
    "Patient.generalPractitioner.where(resolve() is Patient)",
    "birthDate <= @2026",
    "contained.id.distinct()",
    "(Patient.deceased as dateTime)",
    r4_types.invariant("dom-3").expression,
    r4_types.invariant("ele-1").expression,
]


@given(
    st.dictionaries(
        st.sampled_from(["name", "birthDate", "_birthDate", "contained", "generalPractitioner", "deceasedDateTime"]),
        TREES,
    )
)
@settings(deadline=None)
def test_a_resource_of_any_shape_is_evaluated(elements: dict[str, Any]) -> None:
    resource = {**elements, "resourceType": "Patient"}
    for path in PATHS:
        expression = fhirpath.compile(path, of="Patient")
        try:
            nodes = expression.nodes(resource)
        except CannotEvaluate:
            continue
        short = sorted(map(repr, expression.values(resource)))
        assert short == sorted(repr((node.type, node.value)) for node in nodes if node.value is not None), path
        assert all(node.path == () or _at(resource, node.path) == node.value for node in nodes if node.parent), path


def _at(tree: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int):
            tree = tree[step] if step < len(tree) else None
        else:
            return None if step == 0 else tree
    return tree


@given(st.lists(st.integers(-3, 3), max_size=6), st.lists(st.integers(-3, 3), max_size=6))
def test_collections_obey_the_algebra_of_sets(left: list[int], right: list[int]) -> None:
    def text(several: list[int]) -> str:
        return f"({{}}{''.join(f'.combine({one})' for one in several)})"

    a, b = text(left), text(right)
    assert found(f"({a} | {b}).count()") == [len({*left, *right})]
    assert found(f"{a}.intersect({b}).count()") == [len({*left} & {*right})]
    assert found(f"{a}.exclude({b})") == [one for one in left if one not in right]
    assert found(f"{a}.subsetOf({b})") == [{*left} <= {*right}]
    assert found(f"({a} ~ {b})") == [sorted(left) == sorted(right)]
    assert found(f"{a}.isDistinct()") == [len({*left}) == len(left)]


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - local on purpose
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - local on purpose
)
def test_dates_are_ordered_as_the_calendar_orders_them(left: datetime, right: datetime) -> None:
    for cut in (4, 7, 10, 19):
        a, b = left.isoformat()[:cut], right.isoformat()[:cut]
        kind = "T" if cut < 11 else ""
        assert found(f"@{a}{kind} < @{b}{kind}") == [a < b]
        assert found(f"@{a}{kind} = @{b}{kind}") == [a == b]


def test_evaluations_do_not_meet() -> None:
    expression = fhirpath.compile("name.select(given.select($index))", of="Patient")
    inner = fhirpath.compile("name.where(given.where($this = 'Berta').exists()).use", of="Patient")
    assert [node.value for node in expression.nodes(PATIENT)] == [0, 1, 0, 0, 1]
    assert [node.value for node in inner.nodes_of(root(PATIENT))] == ["official"]
