"""The HL7 v2 reader: where messages begin and end, delimiters, character sets, escapes, times."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.formats.hl7v2 import Flaw, Message, Precision, Unreadable, codec, messages, timestamp

BERLIN = ZoneInfo("Europe/Berlin")
HEADER = "MSH|^~\\&|KIS|KH|||20260302080000||ADT^A20^ADT_A20|1|P|2.5"


def one(text: str | bytes, charset: str | None = None) -> Message:
    body = text if isinstance(text, bytes) else text.encode()
    (found,) = messages(body, charset=charset)
    assert isinstance(found, Message)
    return found


def flaw(body: bytes, charset: str | None = None) -> tuple[Flaw, int]:
    (found,) = messages(body, charset=charset)
    assert isinstance(found, Unreadable)
    return found.flaw, found.at


@pytest.mark.parametrize("terminator", ["\r", "\n", "\r\n"])
def test_segments_end_in_cr_or_lf_or_both(terminator: str) -> None:
    message = one(terminator.join([HEADER, "EVN|A20|20260302080000", "NPU|KZP1^101^1|U", ""]))
    assert [segment.name for segment in message.segments] == ["MSH", "EVN", "NPU"]
    assert message.field("NPU-2") == "U"
    assert message.terminated


def test_fields_of_msh_are_counted_from_its_delimiter() -> None:
    message = one(HEADER)
    assert message.field("MSH-1") == "|"
    assert (message.field("MSH-3"), message.field("MSH-9.2"), message.field("MSH-12")) == ("KIS", "A20", "2.5")


def test_a_field_is_its_first_component_and_first_repetition() -> None:
    message = one(f"{HEADER}\rPV1|1|I|KZP1&x^101^1~UEP1^201^1")
    assert message.field("PV1-3") == message.field("PV1-3.1") == "KZP1"
    assert message.field("PV1-3.3") == "1"
    assert message.field("PV1-3.4") == message.field("PV1-44") == message.field("NPU-2") == ""


@pytest.mark.parametrize("position", ["PV1", "PV1-0", "PV1-3.", "pv1-3", "PV1-3.1.1"])
def test_what_is_no_position_is_refused(position: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        one(HEADER).field(position)


def test_delimiters_are_those_of_the_header() -> None:
    message = one("MSH$*@!%$KIS$KH$$$20260302$$ADT*A20$1$P$2.5\rNPU$KZP1%x*101*1@B$U")
    assert message.field("MSH-9.2") == "A20"
    assert [message.field(f"NPU-1.{n}") for n in (1, 2, 3)] == ["KZP1", "101", "1"]


def test_a_batch_envelope_belongs_to_no_message() -> None:
    found = list(messages(f"FHS|^~\\&\rBHS|^~\\&\r{HEADER}\rEVN|A20\r{HEADER}\rBTS|2\rFTS|1\r".encode()))
    assert [[s.name for s in m.segments] for m in found if isinstance(m, Message)] == [["MSH", "EVN"], ["MSH"]]
    assert [m.number for m in found] == [1, 2]


def test_mllp_block_characters_are_tolerated_around_messages() -> None:
    found = list(messages(f"\x0b{HEADER}\rNPU|A^1^1|U\r\x1c\r\x0b{HEADER}\rNPU|A^1^2|O\r\x1c\r".encode()))
    assert [m.field("NPU-2") for m in found if isinstance(m, Message)] == ["U", "O"]


@pytest.mark.parametrize("control", [b"\x00", b"\x0b", b"\x1c"])
def test_a_control_character_inside_a_segment_is_a_flaw_at_its_byte(control: bytes) -> None:
    body = HEADER.encode() + b"\rNPU|KZP" + control + b"1^101^1|U\r"
    assert flaw(body) == (Flaw.CONTROL, body.index(control))


def test_what_stands_before_the_first_header_is_a_flaw_and_the_next_message_is_read() -> None:
    broken, message = messages(f"PV1|1|I|X\rEVN|A01\r{HEADER}\r".encode())
    assert isinstance(broken, Unreadable)
    assert (broken.flaw, broken.offset, broken.body) == (Flaw.NO_HEADER, 0, b"PV1|1|I|X\rEVN|A01")
    assert isinstance(message, Message)
    assert (message.number, message.offset) == (2, 18)


@pytest.mark.parametrize(
    "cut", ["MSH", "MSH|", "MSH|^~\\&|KIS|KH", "MSH|^~\\&|KIS|KH|||20260302||", "MSH|^~\\&|||||||  "]
)
def test_a_header_cut_before_its_message_type_is_a_flaw_at_the_cut(cut: str) -> None:
    assert flaw(cut.encode()) == (Flaw.CUT_HEADER, len(cut))


@pytest.mark.parametrize("marks", ["|^^\\&", "|^~\\", "|^~a&", "| ~\\&", "é^~\\&", "|^~\\&#!"])
def test_delimiters_must_be_five_different_marks(marks: str) -> None:
    body = f"MSH{marks}{'x'.join(marks[0] * 8)}ADT{marks[0]}1".encode("latin-1")
    assert flaw(body) == (Flaw.DELIMITERS, 3)


def test_the_truncation_mark_of_later_versions_is_tolerated() -> None:
    assert one(HEADER.replace("^~\\&", "^~\\&#")).field("MSH-9.2") == "A20"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("8859/1", "iso8859-1"),
        ("8859/15", "iso8859-15"),
        ("ISO8859-15", "iso8859-15"),
        ("8859/15~UNICODE UTF-8", "iso8859-15"),
    ],
)
def test_msh_18_says_how_the_bytes_are_read(declared: str, encoding: str) -> None:
    body = f"{HEADER}||||||{declared}\rNPU|Süd^1^1|U".encode(encoding)
    assert one(body).field("NPU-1.1") == "Süd"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
def test_without_msh_18_the_bytes_tell(encoding: str) -> None:
    assert one(f"{HEADER}\rNPU|Süd^1^1|U".encode(encoding)).field("NPU-1.1") == "Süd"


def test_a_byte_order_mark_holds_the_file_to_utf_8() -> None:
    body = b"\xef\xbb\xbf" + f"{HEADER}\rNPU|S".encode() + b"\xfcd^1^1|U"
    assert flaw(body) == (Flaw.ENCODING, body.index(b"\xfc"))


def test_a_charset_given_overrides_msh_18() -> None:
    assert one(f"{HEADER}||||||ASCII\rNPU|Süd^1^1|U".encode("cp1252"), "CP1252").field("NPU-1.1") == "Süd"


@pytest.mark.parametrize("declared", ["ASCII", "UNICODE UTF-8"])
def test_bytes_of_another_charset_are_a_flaw_at_their_place(declared: str) -> None:
    body = f"{HEADER}||||||{declared}\rNPU|Süd^1^1|U".encode("cp1252")
    assert flaw(body) == (Flaw.ENCODING, body.index(b"\xfc"))


def test_an_unknown_charset_is_a_flaw_at_msh_18() -> None:
    body = f"{HEADER}||||||ISO IR87\r".encode()
    assert flaw(body) == (Flaw.CHARSET, body.index(b"ISO IR87"))
    with pytest.raises(LookupError):
        codec("ISO IR87")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (r"S\XFC\d", "Süd"),
        (r"S\XC3BC\d", "SÃ¼d"),
        (r"\H\fett\N\ ", "fett "),
        (r"zwei\.br\Zeilen", "zwei\nZeilen"),
        (r"\Zeigen\ \Xzz\ ein\ e", r"\Zeigen\ \Xzz\ ein\ e"),
    ],
)
def test_escapes_are_undone_in_the_charset_of_the_message(sent: str, read: str) -> None:
    assert one(f"{HEADER}||||||8859/1\rNTE|{sent}".encode("latin-1")).field("NTE-1") == read


def test_leaves_are_all_values_but_blanks_and_the_delimiters() -> None:
    message = one("MSH|^~\\&|KIS||||||ADT^A01\rPV1||I|A&b^^1~C")
    assert [(x.field, x.component, x.value) for x in message.segments[0].leaves()] == [
        (3, 1, "KIS"),
        (9, 1, "ADT"),
        (9, 2, "A01"),
    ]
    assert [(x.field, x.repetition, x.component, x.subcomponent, x.value) for x in message.segments[1].leaves()] == [
        (2, 1, 1, 1, "I"),
        (3, 1, 1, 1, "A"),
        (3, 1, 1, 2, "b"),
        (3, 1, 3, 1, "1"),
        (3, 2, 1, 1, "C"),
    ]


def test_a_file_without_its_last_segment_terminator_says_so() -> None:
    first, last = messages(f"{HEADER}\r{HEADER}".encode())
    assert isinstance(first, Message)
    assert isinstance(last, Message)
    assert (first.terminated, last.terminated) == (True, False)


@pytest.mark.parametrize(
    ("text", "instant", "precision"),
    [
        ("2026", datetime(2026, 1, 1, tzinfo=BERLIN), Precision.YEAR),
        ("202603", datetime(2026, 3, 1, tzinfo=BERLIN), Precision.MONTH),
        ("20260302", datetime(2026, 3, 2, tzinfo=BERLIN), Precision.DAY),
        ("2026030208", datetime(2026, 3, 2, 8, tzinfo=BERLIN), Precision.HOUR),
        ("202607020830", datetime(2026, 7, 2, 6, 30, tzinfo=UTC), Precision.MINUTE),
        ("20260302083015", datetime(2026, 3, 2, 7, 30, 15, tzinfo=UTC), Precision.SECOND),
        ("20210817151943.4+0200", datetime(2021, 8, 17, 13, 19, 43, 400000, tzinfo=UTC), Precision.SECOND),
        ("202603020830-0330", datetime(2026, 3, 2, 12, tzinfo=UTC), Precision.MINUTE),
    ],
)
def test_times_are_read_to_the_precision_they_have(text: str, instant: datetime, precision: Precision) -> None:
    found = timestamp(text, BERLIN)
    assert found.instant.astimezone(UTC) == instant.astimezone(UTC)
    assert (found.precision, found.ambiguous) == (precision, False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "202", "20261", "20261301", "20260230", "2026030225", "20260302083060", "202603020830.5", "20260302+1"),
        *("2026-03-02", "20260302 ", "٢٠٢٦٠٣٠٢", "20260302+9900", "20260302+0060", "00010101+0100"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        timestamp(text, UTC)


@pytest.mark.parametrize("text", ["202610250230", "202603290230"])
def test_a_time_its_zone_has_twice_or_never_is_ambiguous_without_an_offset(text: str) -> None:
    assert timestamp(text, BERLIN).ambiguous
    assert not timestamp(f"{text}+0100", BERLIN).ambiguous


def test_of_a_doubled_hour_the_earlier_is_meant() -> None:
    assert timestamp("202610250230", BERLIN).instant.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(
    st.integers(min_value=-2_000_000_000, max_value=4_000_000_000),
    st.integers(min_value=-14, max_value=14),
)
def test_a_time_written_is_the_time_read(seconds: int, hours: int) -> None:
    stated = datetime.fromtimestamp(seconds, timezone(timedelta(hours=hours)))
    assert timestamp(stated.strftime("%Y%m%d%H%M%S%z"), BERLIN).instant == stated


@given(st.binary(max_size=300) | st.text(alphabet="MSHPV1|^~\\&\r\nXF0aü\x0b", max_size=200).map(str.encode))
def test_any_bytes_are_cut_without_losing_any_in_between(body: bytes) -> None:
    for found in messages(body):
        if isinstance(found, Unreadable):
            assert body[found.offset :].startswith(found.body)
            assert found.offset <= found.at <= len(body)
        else:
            assert [leaf for segment in found.segments for leaf in segment.leaves()]


_VALUES = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@given(st.lists(_VALUES, min_size=1, max_size=5))
def test_what_is_escaped_comes_back_as_it_was(values: list[str]) -> None:
    marks = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
    sent = "^".join("".join(marks.get(character, character) for character in value) for value in values)
    message = one(f"{HEADER}||||||UNICODE UTF-8\rNTE|{sent}|end\r")
    assert [message.field(f"NTE-1.{n}") for n in range(1, len(values) + 1)] == values
