"""The one door for XML stays shut to DTDs, entities and files, and says where a document breaks."""

import ast
import io
import time
from pathlib import Path
from typing import Any

import pytest

from conformance.formats import safe_xml
from conformance.formats.safe_xml import NotXml, iterate

ROOT = Path(__file__).parents[2]


def texts(body: bytes, *tags: str) -> list[str | None]:
    # An element is emptied when the next one comes: its text is taken at once. The root comes first.
    return [element.text for element in iterate(body, tags)][1:]


def refusal(body: bytes) -> NotXml:
    with pytest.raises(NotXml) as caught:
        list(iterate(body, ["b"]))
    return caught.value


def test_elements_come_complete_and_in_order() -> None:
    assert texts(b"<a><b>1</b><c><b>2</b></c><d>3</d></a>", "b") == ["1", "2"]


def test_comments_and_processing_instructions_are_passed_over() -> None:
    assert texts(b'<?xml-stylesheet href="x"?><!-- a --><a><!-- b --><b>1</b><?php x?></a>', "b") == ["1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_stated_encoding_is_read(encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><a><b>Mühle</b></a>'.encode(encoding)
    assert texts(body, "b") == ["Mühle"]


DOCTYPES = {
    "bare": "<!DOCTYPE a><a/>",
    "external": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
    "file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>',
    "attribute": '<!DOCTYPE a [<!ENTITY x "y">]><a x="&x;"><b/></a>',
    "parameter": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><a/>',
    "laughs": "<!DOCTYPE a ["
    '<!ENTITY l0 "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    + ']><a x="&l11;"><b>&l11;</b></a>',
    "quadratic": f'<!DOCTYPE a [<!ENTITY x "{"y" * 50_000}">]><a><b>{"&x;" * 50_000}</b></a>',
    "in a comment's shadow": "<!-- --><!DOCTYPE a><a/>",
}


@pytest.mark.parametrize("body", DOCTYPES.values(), ids=DOCTYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused_at_once(body: str, encoding: str) -> None:
    started = time.process_time()
    assert refusal(body.encode(encoding)).reason == "a DOCTYPE is not taken"
    assert time.process_time() - started < 1


def test_an_undeclared_entity_is_refused() -> None:
    assert refusal(b"<a>\n<b>&x;</b></a>").line == 2


def test_an_inclusion_stays_an_element() -> None:
    body = b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/><b>1</b></a>'
    assert texts(body, "b") == ["1"]


def test_deep_nesting_is_refused() -> None:
    refusal(b"<a>" * 100_000)


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        (b"", 1, "an element is expected"),
        (b"text", 1, "an element is expected"),
        (b"<a>\n<b>1</b>\n<b>", 3, "the document ends before its last tag is closed"),
        (b"<a>\n</b>", 2, "an end tag does not match its start tag"),
        (b"<a>\n<c:b/></a>", 2, "a prefix that is not declared"),
        (b"<a>\n<b>\x01</b></a>", 2, "a character that XML does not allow"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', 1, "an encoding that is not supported"),
    ],
)
def test_a_break_is_named_with_its_line(body: bytes, line: int, reason: str) -> None:
    broken = refusal(body)
    assert (broken.line, broken.reason) == (line, reason)


def test_elements_before_a_break_come() -> None:
    came = []
    with pytest.raises(NotXml):
        for element in iterate(b"<a><b>1</b><b>2</b><b>", ["b"]):
            came.append(element.text)  # noqa: PERF401 - what came before the exception is wanted
    assert came == [None, "1", "2"]


@pytest.mark.parametrize("body", [b"<PLANTED>", b"<a><PLANTED></b></a>", b"<a b='PLANTED'", b"<a>&PLANTED;</a>"])
def test_a_refusal_repeats_nothing_of_the_content(body: bytes) -> None:
    assert "PLANTED" not in str(refusal(body))


def test_memory_does_not_grow_with_the_document() -> None:
    found = iterate(b"<a>" + b"<c><b>1</b></c>" * 100_000 + b"</a>", ["b"])
    root = next(found)
    assert max(len(root) for _ in found) < 10_000


def test_a_stream_is_read_and_what_stands_beside_is_shown() -> None:
    beside: list[tuple[str, str | None]] = []
    found = iterate(
        io.BytesIO(b"<a><h>1</h><c><b>2</b></c><t/></a>"),
        ["b"],
        beside=lambda each: beside.append((each.tag, each.text)),
    )
    assert [element.text for element in found][1:] == ["2"]
    assert beside == [("h", "1"), ("c", None), ("t", None)]


@pytest.mark.parametrize("limits", [{"most": 100}, {"most_within": 50}])
def test_too_many_elements_are_refused(limits: dict[str, Any]) -> None:
    assert len(list(iterate(b"<a><b>" + b"<c/>" * 40 + b"</b></a>", ["b"], **limits))) == 2
    with pytest.raises(NotXml, match="too many elements"):
        list(iterate(b"<a><b>" + b"<c/>" * 200 + b"</b></a>", ["b"], **limits))


def test_each_reason_is_there_in_german() -> None:
    ours = {"a DOCTYPE is not taken", "a prefix that is not declared", "too many elements"}
    assert set(safe_xml._REASONS_DE) == {*safe_xml._REASONS.values(), *ours}


def test_nothing_else_parses_xml() -> None:
    parsers = {"parse", "iterparse", "fromstring", "XML", "XMLParser", "XMLPullParser", "HTMLParser", "fromstringlist"}
    for package in ("conformance", "mappings", "adapters", "hub"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name == "safe_xml.py":
                continue
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
                    assert not any(name.startswith(("xml.", "defusedxml")) for name in names), path
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "etree":
                    assert node.attr not in parsers, path
