"""A narrative is safe XHTML, or it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.formats.narrative import ELEMENTS, faults

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def div(content: str) -> str:
    return f"<div {XHTML}>{content}</div>"


def rules(text: str) -> list[str]:
    return [fault.rule for fault in faults(text)]


@pytest.mark.parametrize(
    "content",
    [
        "Haus am Moor",
        "<p>a</p><table class='x'><tr><td colspan='2'>b</td></tr></table>",
        "<!-- a remark --><b>a</b>",
        '<img src="#photo" alt="a"/>',
        '<img src="data:image/png;base64,iVBORw0="/>',
        '<img src="photo.png"/>',
        '<a href="https://example.org/a?b=c&amp;d=e">a</a>',
        '<a href="mailto:info@example.org">a</a><a href="tel:+49447155">b</a><a href="#x" name="y">c</a>',
        '<p style="color: red; background: url(data: image/png;base64,iVBO)">a</p>',
        '<p xml:lang="de" lang="de">a</p>',
        "&lt;script&gt; &#160; &amp;",
    ],
)
def test_what_r4_allows_is_safe(content: str) -> None:
    assert faults(div(content)) == []


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        "<iframe src='https://example.org'/>",
        "<form><input/></form>",
        "<style>p {}</style>",
        "<object data='x'/>",
        "<font>a</font>",
        "<body>a</body>",
        '<svg xmlns="http://www.w3.org/2000/svg"><b>a</b></svg>',
        '<p xmlns="">a</p>',
        '<p onclick="alert(1)">a</p>',
        '<p ONCLICK="alert(1)">a</p>',
        '<p data-x="1">a</p>',
        '<p xmlns:x="urn:x" x:class="a">a</p>',
        '<a href="javascript:alert(1)">a</a>',
        '<a href=" java&#10;script:alert(1)">a</a>',
        '<a href="&#106;avascript:alert(1)">a</a>',
        '<a href="vbscript:x">a</a>',
        '<a href="data:text/html,x">a</a>',
        '<a href="data:image/png;base64,iVBO">a</a>',
        '<a href="file:///etc/passwd">a</a>',
        '<img src="data:image/svg+xml;base64,PHN2"/>',
        '<blockquote cite="javascript:x">a</blockquote>',
        '<p style="background: url(https://example.org/x)">a</p>',
        "<p style=\"background: URL( 'https://example.org/x' )\">a</p>",
        '<p style="width: exp/**/ression(alert(1))">a</p>',
        '<p style="width: \\65xpression(alert(1))">a</p>',
        '<p style="@import x">a</p>',
        '<p style="-moz-binding: x">a</p>',
    ],
)
def test_what_can_run_or_load_is_refused(content: str) -> None:
    assert "txt-1" in rules(div(content))


@pytest.mark.parametrize(
    "content",
    [
        "a<!--><script>alert(1)</script>-->",
        "a<![CDATA[><script>alert(1)</script>]]>",
        "a<?x ><script>alert(1)</script>?>",
    ],
)
def test_what_html_reads_otherwise_than_xml_is_refused(content: str) -> None:
    assert rules(div(content)) == ["txt-1"]


@pytest.mark.parametrize("content", ["", " \n", "<p> </p><br/>", '<img alt="x"/>', "<!-- a -->"])
def test_a_narrative_says_something(content: str) -> None:
    assert rules(div(content)) == ["txt-2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<div>a</div>",
        f"<p {XHTML}>a</p>",
        f"<div {XHTML}>a",
        f"<div {XHTML}>a</div>b",
        f"<div {XHTML}>a&nbsp;b</div>",
        f'<!DOCTYPE div [<!ENTITY x "y">]><div {XHTML}>&x;</div>',
        f"<div {XHTML}>\ud800</div>",
    ],
)
def test_it_is_one_div_of_xhtml(text: str) -> None:
    assert rules(text) == ["txt-1"]


def test_all_faults_are_told_with_their_lines() -> None:
    found = faults(div('<b>a</b>\n<script>x</script>\n<p onclick="x">b</p>'))
    assert [fault.text_en.partition(":")[0] for fault in found] == ["Line 2", "Line 3"]
    assert [fault.text_de.partition(":")[0] for fault in found] == ["Zeile 2", "Zeile 3"]


def test_no_text_repeats_what_stands_there() -> None:
    for fault in faults(div('<Hohenfels/><p Hohenfels="x">a</p><a href="Hohenfels:x">a</a>')):
        assert "ohenfels" not in fault.text_en + fault.text_de


tags = st.sampled_from([*sorted(ELEMENTS), "script", "x:y", "!--", "?"])


@given(st.lists(st.tuples(tags, st.text(max_size=5)), max_size=6), st.text(max_size=20))
def test_any_text_is_judged(parts: list[tuple[str, str]], text: str) -> None:
    for whole in (text, div(text), div("".join(f"<{tag} {inside}>" for tag, inside in parts))):
        assert isinstance(faults(whole), list)
