"""What can be asked, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Malformed
from hub.fhir.form import pairs_of
from hub.search.codes import OWN_CODES
from hub.search.query import Query, parse
from hub.search.query_string import COUNT_MAX, encoded
from hub.search.registry import SERVED_TYPES, Registry
from tests.hub.search.universe import BASE, NOW

REGISTRY = Registry.shipped()


def parsed(query: str, resource_type: str | None = "Observation", **arguments: Any) -> Query:
    return parse(REGISTRY, resource_type, pairs_of(query), codes=OWN_CODES, base=BASE, now=NOW, **arguments)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("date=soon", "value"),
        ("date=gt", "value"),
        ("value-quantity=five", "value"),
        ("value-quantity=5|mg", "value"),
        ("value-quantity=1e9999", "value"),
        ("code-value-quantity=x", "value"),
        ("subject:Patient=Group/1", "value"),
        ("subject:missing=maybe", "value"),
        ("date:exact=2026", "not-supported"),
        ("code:contains=x", "not-supported"),
        ("subject:Organization=1", "not-supported"),
        ("code.text=x", "not-supported"),
        ("subject:Organization.name=x", "not-supported"),
        ("code:in=http://nowhere", "not-found"),
        ("code:below=http://nowhere|x", "not-found"),
        ("code:below=x", "value"),
        ("identifier:of-type=http://a|x", "value"),
        ("identifier:of-type=|x|y", "value"),
        ("code:below=text/xml", "value"),
        ("status:below=text", "value"),
        ("status:above=text/xml", "value"),
        ("_content=x", "not-supported"),
        ("_text=x", "not-supported"),
        ("_query=x", "not-supported"),
        ("_sort=nothing", "not-supported"),
        ("_sort=code-value-quantity", "not-supported"),
        ("_sort=date,date,date,date,date,date", "too-costly"),
        ("_summary=yes", "value"),
        ("_total=all", "value"),
        ("_contained=true", "value"),
        ("_count=-1", "value"),
        ("_count=1.5", "value"),
        ("_summary=text&_include=Observation:subject", "not-supported"),
        ("_revinclude=Provenance:target&_summary=text", "not-supported"),
        ("_include=Observation:code", "not-supported"),
        ("_include=Observation:nothing", "not-supported"),
        ("_include=Observation:subject:Organization", "not-supported"),
        ("_include:twice=Observation:subject", "not-supported"),
        ("_revinclude=Patient", "not-supported"),
        ("&".join(["_include=Observation:subject"] * 33), "too-costly"),
        ("&".join(["code=x"] * 31), "too-costly"),
        ("code=" + ",".join(map(str, range(501))), "too-costly"),
        ("code=" + ",".join(f"{number}|x" for number in range(51)), "too-costly"),
        ("value-string=" + ",".join(map(str, range(51))), "too-costly"),
        ("subject:Patient." + "link:Patient." * 6 + "name=x", "too-costly"),
        ("_has:Patient:link:" * 7 + "name=x", "too-costly"),
        ("_after=x", "value"),
        ("_after=" + "A" * 5000, "value"),
    ],
)
def test_what_cannot_be_asked_is_refused(query: str, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        parsed(query, "Patient" if query.startswith("_has") else "Observation")
    assert refused.value.issues[0].fhir_code == code


def test_chains_to_many_types_are_limited() -> None:
    query = "focus.subject.link.general-practitioner.name=x"
    with pytest.raises(Malformed) as refused:
        parsed("&".join([query] * 30))
    assert refused.value.issues[0].fhir_code == "too-costly"


@pytest.mark.parametrize("name", ["colour", "_filter", "_list", "subject.colour", "_has:Patient", "phonetic"])
def test_unknown_parameters_are_named_or_refused(name: str) -> None:
    lenient = parsed(f"{name}=x&code=x")
    assert [issue.code for issue in lenient.ignored] == ["unknown-parameter"]
    assert name not in dict(lenient.used)
    assert lenient.ignored[0].severity == "warning"
    with pytest.raises(Malformed) as refused:
        parsed(f"{name}=x&code=x", strict=True)
    (issue,) = refused.value.issues
    assert (issue.fhir_code, issue.severity) == ("not-supported", "error")


@pytest.mark.parametrize(
    "query", ["_has:Observation", "_has:Observation:subject", "_revinclude=Procedure:subject:Group"]
)
def test_what_asks_for_nothing_is_named_or_refused(query: str) -> None:
    lenient = parsed(f"{query}&name=x", "Patient")
    assert len(lenient.ignored) == 1
    assert lenient.self_query == "name=x&_count=20"
    with pytest.raises(Malformed):
        parsed(query, "Patient", strict=True)
    assert not parsed("_revinclude=Procedure:subject:Patient", "Patient").ignored
    assert not parsed("_revinclude:iterate=Procedure:subject:Group", "Patient").ignored


def test_a_type_without_the_parameter_has_nothing_that_fulfils_it() -> None:
    def types(query: str) -> list[str]:
        told = parsed(query, None, present=("Patient", "Location", "Observation"))
        return [search.type for search in told.searches] + [issue.code for issue in told.ignored]

    assert types("identifier=x") == ["Location", "Observation", "Patient"]
    assert types("name=x") == ["Location", "Patient"]
    assert types("name=x&gender=male") == ["Patient"]
    assert types("name=x&code=x") == []
    assert types("colour=red") == ["Location", "Observation", "Patient", "unknown-parameter"]


def test_types_that_are_named_have_all_parameters() -> None:
    assert len(parsed("_type=Patient,Location&name=x", None).searches) == 2
    with pytest.raises(Malformed) as refused:
        parsed("_type=Patient,Location&gender=male", None)
    assert "Patient" in refused.value.issues[0].text_en


def test_types_are_sorted_alike_or_not_at_all() -> None:
    assert parsed("_type=Patient,Practitioner&_sort=name", None).order
    # The start of a GraphDefinition is a token, that of a Slot a date.
    with pytest.raises(Malformed):
        parsed("_type=GraphDefinition,Slot&_sort=start", None)


def test_self_says_what_was_used() -> None:
    query = parsed("code=x&colour=red&_count=1000000000&_sort=-date&_format=json&code=&_include=Observation:subject")
    assert query.self_query == f"_sort=-date&_include=Observation:subject&code=x&_count={COUNT_MAX}"


def test_types_that_are_not_served_are_not_reached() -> None:
    public = Registry(SERVED_TYPES)
    for name in ("_has:Observation:subject:code", "organization:Patient.name"):
        query = parse(public, "PractitionerRole", [(name, "x")], codes=OWN_CODES) if name[0] == "_" else None
        assert query is None or query.ignored
    with pytest.raises(Malformed):
        parse(public, None, [("_type", "Patient")], codes=OWN_CODES)
    with pytest.raises(Malformed):
        parse(public, "Location", [("_revinclude", "Observation:subject")], codes=OWN_CODES)


_NAMES = st.sampled_from(
    (
        "code",
        "date",
        "subject",
        "value-quantity",
        "near",
        "code-value-quantity",
        "value-string",
        "_id",
        "_lastUpdated",
        "_profile",
        "_sort",
        "_include",
        "_revinclude",
        "_after",
        "_count",
        "_elements",
        "_summary",
        "_total",
        "_type",
    )
)
_SUFFIXES = st.sampled_from(
    ["", ":not", ":missing", ":exact", ":in", ":below", ":iterate", ".name", ":Patient.name", ":"]
)


@given(st.lists(st.tuples(st.tuples(_NAMES, _SUFFIXES).map("".join) | st.text(max_size=20), st.text(max_size=30))))
def test_any_search_is_parsed_or_refused(pairs: list[tuple[str, str]]) -> None:
    for resource_type in ("Observation", "Location", None):
        try:
            query = parse(REGISTRY, resource_type, pairs, codes=OWN_CODES, base=BASE, now=NOW, present=("Patient",))
        except Malformed:
            continue
        assert query.count <= COUNT_MAX


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_links_carry_what_was_asked(pairs: list[tuple[str, str]]) -> None:
    told = [(name, value) for name, value in pairs if "\0" not in name + value]
    assert pairs_of(encoded(told)) == told


@pytest.mark.parametrize("name", ["A123456780", "_idA123456780", "_has:X123456780:subject:code"])
def test_no_name_with_a_long_number_is_repeated(name: str) -> None:
    """It may be somebody's."""
    with pytest.raises(Malformed) as raised:
        parsed(f"{name}=x", strict=True)
    told = str([(one.place, one.text_de, one.text_en) for one in raised.value.issues])
    assert "123456780" not in told
