"""FHIR XML: what is written is valid by HL7's schemas, and what is read is what was written."""

import gzip
import tempfile
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from conformance.formats import r4_types, strict_json
from conformance.formats.fhir_xml import NotFhirXml, parse, write

SCHEMAS = Path(__file__).parent / "xsd"
FHIR = 'xmlns="http://hl7.org/fhir"'
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


@cache
def schema() -> etree.XMLSchema:
    with tempfile.TemporaryDirectory() as folder:
        for packed in SCHEMAS.glob("*.xsd.gz"):
            (Path(folder) / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
        return etree.XMLSchema(etree.parse(str(Path(folder) / "fhir-single.xsd")))


def faults(body: bytes) -> list[str]:
    """What HL7's schemas have against a document."""
    found = schema()
    return [] if found.validate(etree.fromstring(body)) else str(found.error_log).splitlines()


def patient(content: str, attributes: str = "") -> bytes:
    return f"<Patient {FHIR}{attributes}>{content}</Patient>".encode()


def narrative(div: str, attributes: str = "") -> Any:
    """The narrative that is read from a Patient with this div."""
    return parse(patient(f'<text><status value="generated"/>{div}</text>', attributes))["text"]["div"]


def refusal(body: bytes) -> NotFhirXml:
    with pytest.raises(NotFhirXml) as caught:
        parse(body)
    return caught.value


# --- trees as R4's table allows them ---

TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=8)
PRIMITIVES: Mapping[str, st.SearchStrategy[Any]] = {
    "base64Binary": st.sampled_from(["AAAA", "aGFs", "/+8="]),
    "boolean": st.booleans(),
    "code": st.from_regex(r"[^\s]+( [^\s]+)?", fullmatch=True, alphabet="abc-.:<&\"'ä"),
    "date": st.sampled_from(["2026", "2026-11", "2026-11-22"]),
    "dateTime": st.sampled_from(["2026", "2026-11", "2026-11-22", "2026-11-22T09:00:00.120+01:00"]),
    "decimal": st.integers(-(10**18), 10**18)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(
        lambda one: abs(one.as_tuple().exponent) < 60 and one.as_tuple().exponent != 0  # type: ignore[arg-type]  # finite
    ),
    "id": st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True),
    "instant": st.sampled_from(["2026-11-22T09:00:00Z", "2026-11-22T09:00:00.123456+01:00"]),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "markdown": TEXT.map(lambda text: f"{text}\n\t{text}"),
    "oid": st.just("urn:oid:1.2.276.0"),
    "positiveInt": st.integers(1, 2**31 - 1),
    "string": TEXT | TEXT.map(lambda text: f" {text}\r\n"),
    "time": st.sampled_from(["09:00:00", "23:59:59.500"]),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "uuid": st.uuids().map(lambda one: f"urn:uuid:{one}"),
} | dict.fromkeys(("canonical", "uri", "url"), st.sampled_from(["http://example.org/a?b=c&d", "urn:x:ä"]))
DIV = TEXT.map(
    lambda text: f"<div {XHTML}><p class='a'>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>\r\n</div>"
)


@st.composite
def tree_of(draw: Callable[[st.SearchStrategy[Any]], Any], type_name: str, budget: int) -> dict[str, Any]:
    """A tree of a type: all that is required, and some more; the order of its keys is any."""
    found: dict[str, Any] = {}
    kind = r4_types.named(type_name)
    for name, element in kind.elements.items():
        wanted = element.min > 0 or (budget > 0 and draw(st.integers(0, 5)) == 0)
        if not wanted or (budget <= 0 and name == "contained"):
            continue
        used = draw(st.sampled_from(element.types))
        key = f"{name.removesuffix('[x]')}{used[0].upper()}{used[1:]}" if element.is_choice else name
        items = [draw(value_of(used, budget - 1)) for _ in range(draw(st.integers(1, 2)) if element.repeats else 1)]
        found[key] = items if element.repeats else items[0]
        is_attribute = kind.kind != "resource" and key in ("id", "url") and (key == "id" or type_name == "Extension")
        if used in PRIMITIVES and not is_attribute and budget > 0 and draw(st.integers(0, 3)) == 0:
            beside = {"id": draw(PRIMITIVES["id"]), "extension": [{"url": "urn:x", "valueBoolean": True}]}
            found[f"_{key}"] = [beside, *[None] * (len(items) - 1)] if element.repeats else beside
            if element.repeats and draw(st.booleans()):
                found[key] = [None, *items]
                found[f"_{key}"].append(None)
    if kind.kind == "resource":
        found["resourceType"] = type_name
    elif len(found) == 0 or set(found) == {"id"}:
        found["extension"] = [{"url": "urn:x", "valueString": "x"}]
    return {key: found[key] for key in draw(st.permutations(list(found)))}


def value_of(type_name: str, budget: int) -> st.SearchStrategy[Any]:
    if type_name in PRIMITIVES:
        return PRIMITIVES[type_name]
    if type_name == "xhtml":
        return DIV
    if type_name == "Resource":
        return tree_of("Basic", min(budget, 1))
    return tree_of(type_name, budget)


RESOURCES = st.sampled_from(sorted(r4_types.resource_types())).flatmap(lambda name: tree_of(name, 3))
MANY = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@MANY
@given(RESOURCES)
def test_a_tree_comes_back_as_it_was(tree: dict[str, Any]) -> None:
    read = parse(write(tree))
    assert read == tree
    assert digits(read) == digits(tree)
    assert parse(write(tree, pretty=True)) == tree


def digits(value: Any) -> Any:
    """Every number with its zeros, which `==` does not compare, in an order of keys that is always the same."""
    if isinstance(value, dict):
        return {key: digits(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [digits(one) for one in value]
    return value.as_tuple() if isinstance(value, Decimal) else (type(value), value)


@MANY
@given(RESOURCES)
def test_what_is_written_is_valid_by_the_schemas(tree: dict[str, Any]) -> None:
    # Codes of required bindings are invented here, and an enumeration is all that a schema may have against them.
    assert [fault for fault in faults(write(tree)) if "-list" not in fault and "ENUMERATION" not in fault] == []


def test_the_schemas_refuse_what_is_wrong() -> None:
    assert faults(patient("<gender value='male'/><active value='true'/>"))
    assert faults(patient("<active value='true'/><gender value='male'/>")) == []


# --- reading ---


def test_values_are_typed_as_the_table_says() -> None:
    body = f"""<?xml version="1.0"?><!-- c --><Observation {FHIR}
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">
      <?pi?><id value="o1"/><!-- c -->
      <status value="final"/>
      <code id="c1"><text value="a&#10;b &lt;&amp;"/></code>
      <valueQuantity><value value="1.50"/></valueQuantity>
      <component><code><text value="c"/></code><valueInteger value="-7"/></component>
      <component><code><text value="c"/></code><valueBoolean value="false"/></component>
      <component><code><text value="c"/></code><valueQuantity><value value="7"/></valueQuantity></component>
    </Observation>""".encode()
    code = {"text": "c"}
    assert digits(parse(body)) == digits(
        {
            "resourceType": "Observation",
            "id": "o1",
            "status": "final",
            "code": {"id": "c1", "text": "a\nb <&"},
            "valueQuantity": {"value": Decimal("1.50")},
            "component": [
                {"code": code, "valueInteger": -7},
                {"code": code, "valueBoolean": False},
                {"code": code, "valueQuantity": {"value": 7}},
            ],
        }
    )


def test_primitives_have_their_extensions_beside_them() -> None:
    extension = '<extension url="urn:x"><valueCode value="asked"/></extension>'
    body = patient(
        f'<name><given value="a"/><given id="g">{extension}</given></name><birthDate id="b" value="1950-01-01"/>'
    )
    asked = [{"url": "urn:x", "valueCode": "asked"}]
    assert parse(body) == {
        "resourceType": "Patient",
        "name": [{"given": ["a", None], "_given": [None, {"id": "g", "extension": asked}]}],
        "birthDate": "1950-01-01",
        "_birthDate": {"id": "b"},
    }


def test_a_list_without_any_value_is_only_what_is_said_beside() -> None:
    body = patient('<name><given><extension url="urn:x"><valueCode value="a"/></extension></given></name>')
    assert parse(body)["name"] == [{"_given": [{"extension": [{"url": "urn:x", "valueCode": "a"}]}]}]


def test_resources_stand_wrapped_in_resources() -> None:
    inner = "<contained><Basic><id value='1'/><code><text value='x'/></code></Basic></contained>"
    body = f"<Bundle {FHIR}><entry><resource><Patient>{inner}</Patient></resource></entry></Bundle>".encode()
    assert parse(body)["entry"] == [
        {
            "resource": {
                "resourceType": "Patient",
                "contained": [{"resourceType": "Basic", "id": "1", "code": {"text": "x"}}],
            }
        }
    ]


@pytest.mark.parametrize(
    "div",
    [
        f"<div {XHTML}>a</div>",
        f"<div\n   class='>' {XHTML} >a &#228; &amp;lt; <div><br /><br></br></div>\r\n <div/></div >",
        f"<div {XHTML}><!-- </div> -->a<!-- <div> --></div>",
        f"<div {XHTML}><![CDATA[</div>]]><?a </div>?></div>",
        f"<div {XHTML} xml:lang='de'><x:p xmlns:x='http://www.w3.org/1999/xhtml'>a</x:p></div>",
    ],
)
def test_a_narrative_stays_as_it_was_sent(div: str) -> None:
    twice = patient(
        f'<text><status value="generated"/>{div}</text><contained><Basic><text><status value="generated"/>'
        f'<div {XHTML}>other</div></text><code><text value="&lt;div>"/></code></Basic></contained>',
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    )
    found = parse(twice)
    assert found["text"]["div"] == div
    assert found["contained"][0]["text"]["div"] == f"<div {XHTML}>other</div>"
    assert narrative(div) == div


@pytest.mark.parametrize(
    ("div", "attributes"),
    [
        ('<h:div xmlns:h="http://www.w3.org/1999/xhtml">a<h:br/>&lt;<h:b h:id="1"/>c</h:div>', ""),
        ("<h:div>a<h:br/>&lt;<h:b/>c</h:div>", ' xmlns:h="http://www.w3.org/1999/xhtml"'),
        (f"<div {XHTML}>a<h:br/>&lt;<b/>c</div>", ' xmlns:h="http://www.w3.org/1999/xhtml"'),
    ],
)
def test_a_narrative_that_needs_what_stands_above_it_is_written_anew(div: str, attributes: str) -> None:
    found = narrative(div.replace(' h:id="1"', ""), attributes)
    assert found == f"<div {XHTML}>a<br/>&lt;<b></b>c</div>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_a_narrative_is_read_in_every_encoding(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    body = head + patient(f'<text><status value="generated"/><div {XHTML}>Mühle</div></text>').decode()
    assert parse(body.encode(encoding))["text"]["div"] == f"<div {XHTML}>Mühle</div>"


WRONG = {
    "no XML": b"x",
    "nothing": b"",
    "DOCTYPE": b"<!DOCTYPE Patient>" + patient(""),
    "no namespace": b"<Patient/>",
    "no resource": f"<HumanName {FHIR}/>".encode(),
    "an abstract resource": f"<DomainResource {FHIR}/>".encode(),
    "an unknown element": patient("<shoeSize value='1'/>"),
    "an element of another namespace": patient("<active xmlns='urn:x' value='true'/>"),
    "an unknown attribute": patient("", " a='1'"),
    "an unknown attribute of an element": patient("<name a='1'><text value='x'/></name>"),
    "an unknown attribute of a primitive": patient("<active value='true' a='1'/>"),
    "an attribute of a wrapper": patient("<contained id='1'><Basic/></contained>"),
    "text": patient("x"),
    "text after an element": patient("<active value='true'/>x"),
    "text in a primitive": patient("<active>true</active>"),
    "an empty resource wrapper": patient("<contained/>"),
    "two resources in a wrapper": patient("<contained><Basic/><Basic/></contained>"),
    "an empty element": patient("<name/>"),
    "a blank element": patient("<name>  </name>"),
    "an empty primitive": patient("<birthDate/>"),
    "an empty attribute": patient("<birthDate value=''/>"),
    "an empty id": patient("<name id=''/>"),
    "a wrong order": patient("<gender value='male'/><active value='true'/>"),
    "one thing twice": patient("<active value='true'/><active value='true'/>"),
    "two of a choice": patient("<deceasedBoolean value='true'/><deceasedDateTime value='2026'/>"),
    "a type that the choice has not": patient("<deceasedString value='x'/>"),
    "yes": patient("<active value='yes'/>"),
    "a fraction of a birth": patient("<multipleBirthInteger value='1.5'/>"),
    "a narrative of FHIR": patient("<text><status value='generated'/><div>a</div></text>"),
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused(body: bytes) -> None:
    refusal(body)


def test_a_refusal_names_the_line_and_the_element() -> None:
    found = refusal(patient("\n<name>\n<text value='x'/>\n<secret/></name>"))
    assert (found.line, found.reason) == (4, "an element that HumanName does not have")


@pytest.mark.parametrize("number", ["1e400000", "9" * 101, "NaN", "+1", "01", "1.", " 1", "1" * 5000, "INF", "٣"])
def test_no_decimal_is_refused(number: str) -> None:
    body = f'<Observation {FHIR}><valueQuantity><value value="{number}"/></valueQuantity></Observation>'.encode()
    assert refusal(body).reason == "the value of value is no decimal"


@pytest.mark.parametrize("levels", range(20, 30))
def test_what_is_read_is_no_deeper_than_json_may_be(levels: int) -> None:
    start, end = '<extension url="u">' * levels, "</extension>" * levels
    body = patient(f'{start}<valueHumanName><given value="a"/></valueHumanName>{end}')
    if levels > 23:
        assert "deeper" in refusal(body).reason
    else:
        tree = parse(body)
        assert strict_json.parse(as_json(tree).encode()) == tree


def test_the_deepest_that_is_read_is_the_deepest_of_json() -> None:
    deepest = '{"a":' * 48 + '{"a":["b"]}' + "}" * 48
    assert strict_json.parse(deepest.encode())
    with pytest.raises(strict_json.NotJson):
        strict_json.parse(f"[{deepest}]".encode())


def as_json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f'"{key}":{as_json(one)}' for key, one in value.items()) + "}"
    return "[" + ",".join(map(as_json, value)) + "]" if isinstance(value, list) else f'"{value}"'


HOSTILE = {
    "attributes": patient("", "".join(f' a{n}=""' for n in range(100_000))),
    "attributes of a div": patient(
        "<text><status value='generated'/><h:div xmlns:h='http://www.w3.org/1999/xhtml' "
        + "".join(f' a{n}=""' for n in range(100_000))
        + "/></text>"
    ),
    "levels": patient("<extension url='u'>" * 100_000),
    "levels in a div": patient(f"<text><status value='generated'/><div {XHTML}>" + "<p>" * 100_000),
    "prefixes": patient(
        f"<contained><Basic><text><status value='generated'/><div {XHTML}><b/></div></text></Basic></contained>" * 1000,
        "".join(f' xmlns:a{n}="u{n}"' for n in range(20_000)),
    ),
    "markup in comments": patient(
        f"<text><status value='generated'/><div {XHTML}>" + "<!-- <div -->" * 50_000 + "</div></text>"
    ),
    "open quotes": patient(f"<text><status value='generated'/><div {XHTML}>" + "<div a='" * 50_000),
    "empty elements": patient("<name/>" * 50_000),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_documents_take_no_time(body: bytes) -> None:
    started = time.process_time()
    try:
        parse(body)
    except NotFhirXml as refused:
        assert len(refused.reason) < 200
    assert time.process_time() - started < 5


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: patient(text)))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        assert parse(body)["resourceType"]
    except NotFhirXml as refused:
        assert refused.line >= 1


# --- writing ---


def test_the_order_is_the_schemas_whatever_the_tree_has() -> None:
    tree = {
        "_birthDate": {"id": "b"},
        "birthDate": "1950-01-01",
        "active": True,
        "extension": [{"valueDecimal": Decimal("0.00000000"), "url": "urn:x"}],
        "resourceType": "Patient",
    }
    assert write(tree).decode() == (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Patient {FHIR}><extension url="urn:x">'
        '<valueDecimal value="0.00000000"/></extension><active value="true"/>'
        '<birthDate id="b" value="1950-01-01"/></Patient>'
    )


def test_pretty_is_a_line_each_and_a_narrative_as_it_is() -> None:
    tree = {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": f"<div {XHTML}>a\n<b>b</b></div>"},
        "contained": [{"resourceType": "Basic"}],
        "active": True,
    }
    assert write(tree, pretty=True).decode() == (
        f"""<?xml version="1.0" encoding="UTF-8"?>
<Patient {FHIR}>
  <text>
    <status value="generated"/>
    <div {XHTML}>a
<b>b</b></div>
  </text>
  <contained>
    <Basic/>
  </contained>
  <active value="true"/>
</Patient>
"""
    )


UNSAYABLE: Mapping[str, Any] = {
    "no resource": {"active": True},
    "an unknown resource": {"resourceType": "Shoe"},
    "an unknown element": {"resourceType": "Patient", "shoeSize": 1},
    "resourceType in an element": {"resourceType": "Patient", "name": [{"resourceType": "HumanName"}]},
    "a text for a boolean": {"resourceType": "Patient", "active": "true"},
    "a number for a boolean": {"resourceType": "Patient", "active": 1},
    "a boolean for a number": {"resourceType": "Patient", "multipleBirthInteger": True},
    "a fraction for a whole number": {"resourceType": "Patient", "multipleBirthInteger": Decimal("1.0")},
    "a float": {"resourceType": "Observation", "valueQuantity": {"value": 1.5}},
    "NaN": {"resourceType": "Observation", "valueQuantity": {"value": Decimal("NaN")}},
    "one for a list": {"resourceType": "Patient", "name": {"text": "x"}},
    "a list for one": {"resourceType": "Patient", "gender": ["male"]},
    "an empty list": {"resourceType": "Patient", "name": []},
    "an empty object": {"resourceType": "Patient", "name": [{}]},
    "an empty text": {"resourceType": "Patient", "gender": ""},
    "null": {"resourceType": "Patient", "gender": None},
    "null beside something": {"resourceType": "Patient", "gender": None, "_gender": {"id": "a"}},
    "nulls alone": {"resourceType": "Patient", "name": [{"given": [None]}]},
    "two of a choice": {"resourceType": "Patient", "deceasedBoolean": True, "deceasedDateTime": "2026"},
    "a control character": {"resourceType": "Patient", "gender": "a\x01"},
    "no character": {"resourceType": "Patient", "gender": "a\uffff"},
    "half a character": {"resourceType": "Patient", "gender": "\ud800"},
    "a div that ends early": {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": f"<div {XHTML}>a</div></text><active value='true'/><text>"},
    },
    "a div without its namespace": {"resourceType": "Patient", "text": {"status": "generated", "div": "<div>a</div>"}},
}


@pytest.mark.parametrize("tree", UNSAYABLE.values(), ids=UNSAYABLE.keys())
def test_what_cannot_be_said_is_refused(tree: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        write(tree)


def test_disorder_at_every_level_takes_no_time() -> None:
    tree: dict[str, Any] = {"url": "u", "valueString": "x"}
    for _ in range(22):
        tree = {"extension": [tree], "valueString": "x", "_valueString": {"id": "a"}, "url": "u"}
    started = time.process_time()
    write({"resourceType": "Basic", "extension": [tree]})
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("body", "reason", "reason_de"),
    [
        (
            patient('<birthDat value="1930"/>'),
            "an element that Patient does not have; perhaps birthDate",
            "ein Element, das Patient nicht hat; vielleicht birthDate",
        ),
        (
            f"<Pateint {FHIR}/>".encode(),
            "expected a resource type of FHIR R4 in the namespace http://hl7.org/fhir; perhaps Patient",
            "erwartet wird ein Ressourcentyp von FHIR R4 im Namensraum http://hl7.org/fhir; vielleicht Patient",
        ),
        (
            b"<Patient/>",
            "the element is in another namespace; expected http://hl7.org/fhir",
            "das Element ist in einem anderen Namensraum; erwartet wird http://hl7.org/fhir",
        ),
        (
            patient('<text><status value="generated"/><div>x</div></text>'),
            "the element is in another namespace; expected http://www.w3.org/1999/xhtml",
            "das Element ist in einem anderen Namensraum; erwartet wird http://www.w3.org/1999/xhtml",
        ),
        (b"<a></b>", "an end tag does not match its start tag", "ein End-Tag passt nicht zu seinem Start-Tag"),
    ],
)
def test_a_refusal_says_what_is_meant_in_both_languages(body: bytes, reason: str, reason_de: str) -> None:
    found = refusal(body)
    assert (found.reason, found.reason_de) == (reason, reason_de)


def test_an_unknown_name_is_not_repeated() -> None:
    found = refusal(patient('<mustermann value="x"/>'))
    assert "mustermann" not in f"{found} {found.reason_de}"
