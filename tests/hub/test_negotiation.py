"""What is asked of formats by header and parameter, and what is answered; JSON and XML say the same."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.formats import fhir_xml, strict_json
from hub.errors import Malformed, NotAcceptable, UnsupportedMediaType
from hub.fhir.formats import encoded, read, rendered
from hub.fhir.negotiation import Format, Preference, Return, sent, wanted

JSON, XML = Format.JSON, Format.XML


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/fhir+json", JSON),
        ("application/json", JSON),
        ("text/json", JSON),
        ("application/json+fhir", JSON),
        ("Application/FHIR+XML; charset=UTF-8", XML),
        ("application/xml", XML),
        ("text/xml", XML),
        ("application/xml+fhir", XML),
        ("application/fhir+xml;q=1.0, application/fhir+json;q=0.9", XML),
        ("application/fhir+xml;q=0.8, application/fhir+json;q=0.9", JSON),
        ("application/fhir+xml, application/fhir+json", XML),
        ("application/fhir+json, application/fhir+xml", JSON),
        ("application/fhir+xml;q=0.5, text/turtle", XML),
        ("*/*, application/fhir+xml", XML),
        ("application/fhir+json;q=0, */*", XML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", JSON),
        ("application/fhir+xml; fhirVersion=4.0", XML),
        ('application/fhir+xml; fhirVersion="4.0", application/fhir+json; fhirVersion=5.0', XML),
    ],
)
def test_accept_is_what_is_answered(accept: str, form: Format) -> None:
    assert wanted(accept, None) is form


@pytest.mark.parametrize(
    "accept",
    [
        "text/turtle",
        "application/pdf, image/*",
        "application/fhir+json;q=0",
        "application/fhir+json;q=x",
        "application/fhir+json; fhirVersion=3.0",
        "*/*; fhirVersion=5.0",
        ",",
    ],
)
def test_what_cannot_be_had_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        wanted(accept, None)
    assert caught.value.issues[0].place == "http.Accept"


@pytest.mark.parametrize(
    ("parameter", "form"),
    [
        ("json", JSON),
        ("xml", XML),
        ("application/fhir+xml", XML),
        ("application/fhir+json; fhirVersion=4.0", JSON),
        ("text/xml", XML),
        ("text/html", JSON),
    ],
)
def test_the_format_parameter_counts_before_accept(parameter: str, form: Format) -> None:
    assert wanted("text/turtle", parameter) is form


@pytest.mark.parametrize("parameter", ["ttl", "", "*/*", "application/fhir+xml; fhirVersion=3.0"])
def test_a_format_parameter_that_nobody_knows_is_refused(parameter: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        wanted("application/fhir+json", parameter)
    assert caught.value.issues[0].place == "http._format"


@given(st.text(max_size=60), st.none() | st.text(max_size=20))
def test_any_text_is_answered_or_refused(accept: str, parameter: str | None) -> None:
    try:
        assert wanted(accept, parameter) in Format
    except NotAcceptable as refused:
        assert refused.issues


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/fhir+json", JSON),
        ("application/json; charset=utf-8", JSON),
        ('application/fhir+xml; charset="UTF-8"; fhirVersion=4.0', XML),
        ("text/xml", XML),
    ],
)
def test_the_content_type_is_what_is_read(content_type: str, form: Format) -> None:
    assert sent(content_type) is form


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "*/*",
        "text/html",
        "text/plain",
        "application/json-patch+json",
        "application/fhir+json; fhirVersion=5.0",
        "application/fhir+xml; charset=iso-8859-1",
    ],
)
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        sent(content_type)


@pytest.mark.parametrize(
    ("prefer", "preference"),
    [
        ("", Preference()),
        ("return=minimal", Preference(returns=Return.MINIMAL)),
        ("return=representation, handling=strict", Preference(returns=Return.REPRESENTATION, strict=True)),
        ("return=OperationOutcome; handling=lenient", Preference(returns=Return.OUTCOME, strict=False)),
        ('RETURN="minimal"', Preference(returns=Return.MINIMAL)),
        ("handling=strict, handling=lenient", Preference(strict=True)),
        ("respond-async, return=nothing, wait=10", Preference()),
    ],
)
def test_preferences_that_nobody_knows_are_ignored(prefer: str, preference: Preference) -> None:
    assert Preference.of(prefer) == preference


STORED = (
    b'{"resourceType":"Observation","id":"a","status":"final",'
    b'"code":{"text":"a\\u0026b"},"valueQuantity":{"value":1.50}}'
)
WRITTEN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Observation xmlns="http://hl7.org/fhir"><id value="a"/>'
    b'<status value="final"/><code><text value="a&amp;b"/></code><valueQuantity><value value="1.50"/></valueQuantity>'
    b"</Observation>"
)


def test_json_stays_the_same_bytes() -> None:
    assert rendered(STORED, JSON, pretty=False) is STORED


def test_pretty_json_has_lines_and_the_same_decimals() -> None:
    pretty = rendered(STORED, JSON, pretty=True)
    assert pretty.count(b"\n") > 8
    assert b"1.50" in pretty
    assert strict_json.parse(pretty) == strict_json.parse(STORED)


def test_xml_says_what_the_json_says() -> None:
    assert rendered(STORED, XML, pretty=False) == WRITTEN
    assert read(WRITTEN, XML) == read(STORED, JSON)
    assert read(rendered(STORED, XML, pretty=True), XML) == read(STORED, JSON)


def test_characters_that_xml_has_not_are_replaced() -> None:
    told = encoded({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "a\x01b\uffff"}]})
    found = fhir_xml.parse(rendered(told, XML, pretty=False))
    assert found["issue"] == [{"diagnostics": "a\ufffdb\ufffd"}]


@pytest.mark.parametrize("number", ["1.50", "0.00", "100", "1" * 40, "-0.1", "123456789012345678.90"])
def test_numbers_keep_their_digits(number: str) -> None:
    tree = strict_json.parse(number.encode())
    assert encoded([tree]) == f"[{number}]".encode()
    body = f'{{"resourceType":"Observation","valueQuantity":{{"value":{number}}}}}'.encode()
    assert f'<value value="{number}"/>'.encode() in rendered(body, XML, pretty=False)
    assert encoded(read(rendered(body, XML, pretty=False), XML)) == body


def test_a_number_from_xml_is_the_one_of_the_json() -> None:
    tree = read(WRITTEN, XML)
    assert tree["valueQuantity"]["value"].as_tuple() == Decimal("1.50").as_tuple()


@pytest.mark.parametrize(
    ("body", "form", "place"),
    [
        (b'{"a":1,\n"a":2}', JSON, "line 2, column 1"),
        (b"<Patient xmlns='http://hl7.org/fhir'>\n<secret/></Patient>", XML, "line 2"),
        (b"<a", XML, "line 1"),
    ],
)
def test_a_body_that_cannot_be_read_says_where(body: bytes, form: Format, place: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(body, form)
    (issue,) = caught.value.issues
    assert issue.text_en.startswith(f"{place}: ")
    assert "secret" not in issue.text_en + issue.text_de
