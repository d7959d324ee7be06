"""XML of vendors: attributes, texts, lists, what stands beside the records, and documents that break."""

from typing import Any

import pytest

from adapters.base import Broken, Record
from adapters.inbound import xml_records
from mappings.errors import Issue, Rejected

OPTIONS: dict[str, Any] = {"record": "Haus", "lists": ["Angebot", "Liste.Teil", "Wort"]}


def parts(body: str, **options: Any) -> list[Record | Broken]:
    return list(xml_records.decode(body.encode(), {**OPTIONS, **options}).records)


def fields(content: str, **options: Any) -> Any:
    (found,) = parts(f"<Export><Haus>{content}</Haus></Export>", **options)
    assert isinstance(found, Record)
    return found.fields


def rejection(body: str, **options: Any) -> Issue:
    with pytest.raises(Rejected) as caught:
        parts(body, **options)
    (issue,) = caught.value.issues
    return issue


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<Name> Haus \n am Moor\n</Name><Notiz/>", {"Name": "Haus \n am Moor", "Notiz": ""}),
        ('<Frei ab="2026-12-01">3</Frei>', {"Frei": "3", "Frei.@ab": "2026-12-01"}),
        ('<Ort plz=" 49661 "><Name>Moor</Name></Ort>', {"Ort": {"@plz": "49661", "Name": "Moor"}}),
        ("<Ort>in <Name>Moor</Name> bei</Ort>", {"Ort": {"Name": "Moor", "#text": "in bei"}}),
        ("<Wort>a</Wort>", {"Wort": ["a"]}),
        ("<Wort/>", {"Wort": [{}]}),
        ('<Angebot art="x">3</Angebot>', {"Angebot": [{"@art": "x", "#text": "3"}]}),
        ("<Angebot><Frei>3</Frei></Angebot>", {"Angebot": [{"Frei": "3"}]}),
        ("<Liste/>", {}),
        ("<Liste><Teil><A>1</A></Teil></Liste>", {"Liste": {"Teil": [{"A": "1"}]}}),
        ("<Tel>1</Tel><Tel>2</Tel><Tel>3</Tel>", {"Tel": ["1", "2", "3"]}),
        ("<x:Name xmlns:x='urn:x'>A</x:Name>", {"Name": "A"}),
        ("<Name><![CDATA[A & <B>]]></Name>", {"Name": "A & <B>"}),
    ],
)
def test_an_element_becomes_what_it_is(content: str, expected: Any) -> None:
    assert fields(content) == expected


def test_attributes_of_the_record_and_of_the_outermost_element_are_fields() -> None:
    (record,) = parts('<Export stand="2026-11-22"><Haus id="1"><Name>A</Name></Haus></Export>')
    assert isinstance(record, Record)
    assert record.fields == {"/@stand": "2026-11-22", "@id": "1", "Name": "A"}


def test_what_xml_schema_says_of_an_element_is_no_field() -> None:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    body = f'<Export xmlns:xsi="{xsi}" xsi:schemaLocation="a b"><Haus><Frei xsi:nil="true"/></Haus></Export>'
    (record,) = parts(body)
    assert isinstance(record, Record)
    assert record.fields == {"Frei": ""}


def test_what_stands_before_the_records_is_a_field_and_what_stands_behind_is_named() -> None:
    body = "<Export><Kopf><Stand>heute</Stand></Kopf><Haus/><Summe>2</Summe><Haus/><KV4711>GEHEIM</KV4711></Export>"
    first, second = parts(body)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.fields, first.dropped) == ({"/Stand": "heute"}, ("/Summe",))
    assert second.dropped == ("(withheld name)",)
    assert "GEHEIM" not in repr((first, second))


def test_the_place_is_the_record_and_its_line() -> None:
    assert [part.place for part in parts("<Export>\n<Haus/>\n\n<Haus/></Export>")] == [
        "record 1, line 2",
        "record 2, line 4",
    ]


def test_records_of_another_namespace_are_told_from_no_records() -> None:
    body = '<Export xmlns="urn:x"><Haus/></Export>'
    assert "another namespace" in rejection(body).text_en
    assert "another namespace" in rejection(body, root="{urn:x}Export").text_en
    assert len(parts(body, record="{urn:x}Haus")) == 1


def test_a_document_without_records_is_refused_unless_it_is_the_one_expected() -> None:
    assert rejection("<html><body>Fehler</body></html>").code == "not-xml-records"
    assert rejection("<html/>", root="Export").code == "not-xml-records"
    assert parts("<Export/>", root="Export") == []


def test_what_stands_before_a_break_goes_in_and_the_rest_is_set_aside() -> None:
    first, second = parts("<Export>\n<Haus><Name>A</Name></Haus>\n<Haus><Name>B</Nam")
    assert isinstance(first, Record)
    assert isinstance(second, Broken)
    assert second.body == b"\n<Haus><Name>B</Nam"
    assert second.issue.code == "not-xml"


def test_a_record_that_nests_too_deep_is_set_aside_alone() -> None:
    deep = "<A>" * 40 + "x" + "</A>" * 40
    first, second = parts(f"<Export><Haus>{deep}</Haus><Haus/></Export>")
    assert isinstance(first, Broken)
    assert first.issue.code == "too-deep"
    assert isinstance(second, Record)


def test_a_record_of_endless_parts_is_no_record() -> None:
    assert rejection(f"<Export><Haus>{'<A/>' * 100_001}</Haus></Export>").code == "not-xml-records"


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"record": None}, "record"),
        ({"record": "a:Haus"}, "record"),
        ({"record": "{}Haus"}, "record"),
        ({"root": "a b"}, "root"),
        ({"lists": ["a..b"]}, "lists"),
        ({"lists": "Angebot"}, "lists"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], place: str) -> None:
    assert rejection("<a/>", **options).place == f"options.{place}"
