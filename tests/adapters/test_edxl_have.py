"""EDXL-HAVE 2.0: what is taken of a message, what stays outside, and that what we write is valid by the schema."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.base import Broken, Record
from adapters.inbound import edxl_have
from adapters.outbound import edxl_have as encoder
from mappings.errors import Issue, Rejected
from mappings.language import shipped
from mappings.patient_filter import admit
from mappings.vacancy import VacancyReport
from tests.adapters.test_outbound_contract import AT, GROUP
from tests.reports import reports

SHARED = Path(__file__).parents[3] / "shared/data/edxl-have"
SCHEMA = SHARED / "edxl-have-v2.0-working-draft.xsd"
SAMPLE = SHARED / "HAVE.xml"

XS = "{http://www.w3.org/2001/XMLSchema}"

HEAD = (
    '<have:HAVE xmlns:have="urn:oasis:names:tc:emergency:edxl:have:2.0" '
    'xmlns:ct="urn:oasis:names:tc:emergency:edxl:ct:1.0" xmlns:gml="http://www.opengis.net/gml/3.2">'
)
TAIL = "</have:HAVE>"

STUBS = {
    "edxl-ct-v1.0-wd05.xsd": (
        "urn:oasis:names:tc:emergency:edxl:ct:1.0",
        """
        <xs:complexType name="ValueKeyType"><xs:sequence><xs:element name="ValueListURI" type="xs:anyURI"/>
        <xs:element name="Value" type="xs:string"/></xs:sequence></xs:complexType>
        <xs:complexType name="ValueListType"><xs:sequence><xs:element name="ValueListURI" type="xs:anyURI"/>
        <xs:element name="Value" type="xs:string" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
        <xs:simpleType name="ValueListURIType"><xs:restriction base="xs:string"/></xs:simpleType>
        <xs:simpleType name="ValueType"><xs:restriction base="xs:string"/></xs:simpleType>
        <xs:complexType name="TimePeriodType"><xs:sequence><xs:element name="fromDateTime" type="xs:dateTime"/>
        <xs:element name="toDateTime" type="xs:dateTime" minOccurs="0"/></xs:sequence></xs:complexType>
        <xs:complexType name="EDXLLocationType"><xs:sequence><xs:any processContents="lax" maxOccurs="unbounded"/>
        </xs:sequence></xs:complexType>
        <xs:complexType name="EDXLGeoPoliticalLocationType"><xs:sequence><xs:any processContents="lax"/></xs:sequence>
        </xs:complexType>
        """,
    ),
    "edxl-gsf.v1.0.xsd": (
        "urn:oasis:names:tc:emergency:edxl:gsf:1.0",
        """<xs:complexType name="EDXLGeoLocationType"><xs:sequence><xs:any processContents="lax"/></xs:sequence>
        </xs:complexType>""",
    ),
    "edxl_xPIL.xsd": (
        "urn:oasis:names:tc:emergency:edxl:ciq:1.0:xpil",
        """<xs:complexType name="OrganisationDetailsType"><xs:sequence>
        <xs:any processContents="lax" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>""",
    ),
}
"""What the schema imports and its copy lacks, as much as it needs to judge the elements of its own namespace."""

needs_schema = pytest.mark.skipif(not SCHEMA.exists(), reason="the schema of HAVE is not on this machine")


class _Stubs(etree.Resolver):
    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:
        found = STUBS.get(system_url.rpartition("/")[2])
        if found is None:
            return None
        namespace, types = found
        return self.resolve_string(  # type: ignore[call-arg]  # lxml-stubs miss that base_url may be left out
            f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{namespace}" '
            f'elementFormDefault="qualified">{types}</xs:schema>',
            context,
        )


@cache
def schema() -> etree.XMLSchema:
    parser = etree.XMLParser()
    parser.resolvers.add(_Stubs())
    tree = etree.parse(str(SCHEMA), parser)
    types = {each.get("name") for each in tree.getroot().iter(f"{XS}complexType", f"{XS}simpleType")}
    for element in list(tree.getroot().iter(f"{XS}element")):
        kind = element.get("type") or ""
        parent = element.getparent()
        # The draft names types that it does not define, of elements that are obsolete: nobody can be valid by them.
        if parent is not None and kind and ":" not in kind and kind not in types:
            parent.remove(element)
    return etree.XMLSchema(tree)


def violations(body: bytes) -> list[str]:
    validator = schema()
    validator.validate(etree.fromstring(body))
    log: Any = validator.error_log
    return [f"{entry.line}: {entry.message}" for entry in log]


def written(told: Sequence[VacancyReport]) -> bytes:
    return b"".join(encoder.encode(told, at=AT))


@needs_schema
def test_what_we_write_is_valid() -> None:
    assert violations(written(GROUP)) == []


@needs_schema
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(report=reports())
def test_every_report_is_written_valid(report: VacancyReport) -> None:
    assert violations(written([report])) == []


@needs_schema
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"<have:isAvailable>true", b"<have:isAvailable>perhaps"),
        (b"<have:availableCount>4", b"<have:availableCount>four"),
        (b"<have:availability>Exceeded", b"<have:availability>Overfull"),
        (b"<have:facilityID>_x0031_2<", b"<have:facilityID>12<"),
        (b"have:serviceListItem>", b"have:item>"),
    ],
)
def test_the_schema_sees_what_would_be_wrong(good: bytes, bad: bytes) -> None:
    body = written(GROUP).replace(b"<have:availableCount>3", b"<have:availableCount>4")
    assert good in body
    assert violations(body.replace(good, bad)) != []


@pytest.mark.skipif(not SAMPLE.exists(), reason="the standard's sample is not on this machine")
def test_the_sample_of_seven_hospitals_is_read_and_none_is_a_care_offer() -> None:
    source_map = shipped()["have"]
    records = list(edxl_have.decode(SAMPLE.read_bytes(), source_map.options).records)
    assert len(records) == 7
    services = 0
    for record in records:
        assert isinstance(record, Record)
        assert record.issues == ()
        services += len(record.fields["services"])
        mapped = source_map.read(admit(record.fields, source_map).fields)
        assert mapped.reports == ()
        assert "Akutversorgung" in mapped.left_out
        assert {issue.severity for issue in mapped.issues} <= {"information"}
    assert services == 12


def parts(body: str, **options: object) -> list[Record | Broken]:
    return list(edxl_have.decode(body.encode(), options).records)


def facility(information: str = "", services: str = "", more: str = "") -> str:
    return (
        "<have:facility><have:facilityInformation><have:facilityID>a</have:facilityID>"
        f"<have:facilityName>Haus</have:facilityName>{information}</have:facilityInformation>{more}"
        f"<have:serviceList>{services}</have:serviceList></have:facility>"
    )


def one(body: str, **options: object) -> Record:
    (found,) = parts(HEAD + body + TAIL, **options)
    assert isinstance(found, Record)
    return found


def rejection(body: str) -> Issue:
    with pytest.raises(Rejected) as caught:
        parts(body)
    (issue,) = caught.value.issues
    return issue


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("<have:messageID>m-1</have:messageID>", "m-1"),
        ("", None),
        (f"<have:messageID>{'x' * 300}</have:messageID>", None),
    ],
)
def test_the_message_has_the_id_that_it_states(root: str, expected: str | None) -> None:
    assert edxl_have.decode((HEAD + root + facility() + TAIL).encode(), {}).message_id == expected


def test_an_envelope_is_known_by_id_sender_and_moment() -> None:
    body = (Path(__file__).parents[1] / "golden/edxl_have/envelope/in.xml").read_bytes()
    decoded = edxl_have.decode(body, {})
    assert decoded.message_id == "leitstelle@region.example|2026-11-22T08:05:00+01:00|2026-11-22-1"


def test_comments_are_dropped_by_name_and_what_nobody_knows_without_one() -> None:
    told = one(facility(more="<have:activityIn24Hr>3</have:activityIn24Hr><x:Mustermensch4711 xmlns:x='urn:x'/>"))
    assert told.dropped == ("activityIn24Hr", "(withheld name)")


@pytest.mark.parametrize(
    ("system", "position"),
    [("", True), ("EPSG:4326", True), ("urn:ogc:def:crs:EPSG::4326", True), ("EPSG:25833", False)],
)
def test_a_point_is_taken_in_wgs84_alone(system: str, position: bool) -> None:
    name = f' srsName="{system}"' if system else ""
    point = (
        f"<have:facilityGeoLocation><gml:Point{name}><gml:pos>52.8 8.0</gml:pos></gml:Point></have:facilityGeoLocation>"
    )
    told = one(facility(point))
    assert ("latitude" in told.fields) is position
    assert [issue.code for issue in told.issues] == ([] if position else ["position-system"])


def test_the_period_of_a_facility_goes_before_that_of_the_message() -> None:
    period = "<have:reportingPeriod><ct:fromDateTime>{}</ct:fromDateTime></have:reportingPeriod>"
    body = (
        HEAD + period.format("2026-11-22T08:00:00Z") + facility() + facility(more=period.format("2026-11-21T08:00:00Z"))
    )
    told = [part.fields["fromDateTime"] for part in parts(body + TAIL) if isinstance(part, Record)]
    assert told == ["2026-11-22T08:00:00Z", "2026-11-21T08:00:00Z"]


ITEM = (
    "<have:taxonomyURI>{}</have:taxonomyURI><have:serviceListItem>"
    "<have:serviceTaxonomyKeyValue>{}</have:serviceTaxonomyKeyValue></have:serviceListItem>"
)


def test_of_several_service_lists_those_of_the_taxonomies_named_are_read() -> None:
    body = facility(
        services=ITEM.format("urn:a", "x") + "</have:serviceList><have:serviceList>" + ITEM.format("urn:b", "y")
    )
    assert [each["serviceTaxonomyKeyValue"] for each in one(body).fields["services"]] == ["x", "y"]
    told = one(body, taxonomies=["urn:b"])
    assert [each["serviceTaxonomyKeyValue"] for each in told.fields["services"]] == ["y"]
    assert told.dropped == ("serviceList",)


@pytest.mark.parametrize(
    "body", ["", "<html/>", "kein XML", '<HAVE xmlns="urn:oasis:names:tc:emergency:EDXL:HAVE:1.0"/>', HEAD + TAIL]
)
def test_what_is_no_have_2_is_refused(body: str) -> None:
    assert rejection(body).code == "not-have"


def test_what_stands_before_a_break_goes_in_and_the_rest_is_set_aside() -> None:
    first, second = parts(HEAD + facility() + "\n<have:facility><have:facilityInf")
    assert isinstance(first, Record)
    assert isinstance(second, Broken)
    assert second.body == b"\n<have:facility><have:facilityInf"
    assert re.match("line 2, column ", second.place)


@given(st.text(max_size=12).filter(lambda key: key == "" or key.isprintable()))
def test_any_key_is_an_id_of_xml_and_comes_back(key: str) -> None:
    written_id = encoder._id(key)
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*|", written_id)
    assert edxl_have._unescaped(written_id) == key
