"""The answer in its sender's words: codes, places, delimiters, character sets, both modes; read by another's parser."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.receipt import Receipt
from adapters.reply.hl7v2_ack import Code, Policy, acknowledgements, header
from mappings.errors import Issue
from tests.adapters.mllp_server import adt

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GOOD = Receipt(source="kis", delivery=3, records=1, taken=1)
WRONG = Issue(
    code="bed-not-declared",
    text_de="Größe | unbekannt – berichtigen",
    text_en="size ^ unknown\r& corrected",
    place="message 1, PV1-3.3",
    fhir_code="code-invalid",
)
UNREADABLE = Issue(code="hl7-encoding", text_de="Bytes", text_en="bytes", place="message 1, byte 7")
TYPE = Issue(code="hl7-message-type", text_de="kein ADT", text_en="not ADT", place="MSH-9.1")


def receipt(*issues: Issue, set_aside: int = 1, rejected: int = 0) -> Receipt:
    made = Receipt(source="kis", delivery=3, records=1, set_aside=set_aside, rejected=rejected)
    made.note(*issues)
    return made


def said(message: bytes, told: Receipt | Sequence[Issue] = GOOD, **options: Policy) -> list[bytes]:
    return list(acknowledgements(header(message), told, control_id="PF1", at=AT, **options))


def lines(answer: bytes, codec: str = "utf-8") -> list[str]:
    assert answer.endswith(b"\r")
    return answer.decode(codec).split("\r")[:-1]


def test_an_answer_goes_back_to_who_asked_in_its_own_delimiters() -> None:
    (answer,) = said(adt("4711"))
    assert lines(answer) == [
        r"MSH|^~\&|PLATZFREI|HUB|KIS|KH|20261122090000+0000||ACK^A01^ACK|PF1|P|2.5",
        "MSA|AA|4711",
    ]
    odd = (
        adt("4711").replace(b"|", b"#").replace(b"^", b"$").replace(b"~", b"%").replace(b"\\", b"!").replace(b"&", b"@")
    )
    (answer,) = said(odd, receipt(WRONG))
    head, acknowledged, error = lines(answer, "ascii")
    assert head == "MSH#$%!@#PLATZFREI#HUB#KIS#KH#20261122090000+0000##ACK$A01$ACK#PF1#P#2.5"
    assert acknowledged == "MSA#AE#4711#PV1-3.3: Groesse | unbekannt - berichtigen"
    assert error.startswith(
        "ERR##PV1$1$3$1$3#204$Unknown key identifier$HL70357#E#bed-not-declared$$PLATZFREI#3#size ^ unk"
    )


def test_text_of_ours_can_make_no_structure() -> None:
    (answer,) = said(adt(), receipt(WRONG))
    assert [line[:3] for line in lines(answer)] == ["MSH", "MSA", "ERR"]
    error = hl7.parse(answer.decode())[2]
    assert str(error[7]) == r"size \S\ unknown \T\ corrected"
    assert str(error[8]) == r"Groesse \F\ unbekannt - berichtigen"


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("UNICODE UTF-8", "utf-8", "PV1-3.3: Größe \\F\\ unbekannt – berichtigen"),
        ("8859/1", "latin-1", "PV1-3.3: Größe \\F\\ unbekannt - berichtigen"),
        ("8859/15", "iso8859-15", "PV1-3.3: Größe \\F\\ unbekannt - berichtigen"),
        ("ASCII", "ascii", "PV1-3.3: Groesse \\F\\ unbekannt - berichtigen"),
        ("", "ascii", "PV1-3.3: Groesse \\F\\ unbekannt - berichtigen"),
        ("EBCDIC", "ascii", "PV1-3.3: Groesse \\F\\ unbekannt - berichtigen"),
    ],
)
def test_an_answer_is_in_the_character_set_of_the_question(charset: str, codec: str, text: str) -> None:
    (answer,) = said(adt(more=f"||||||{charset}"), receipt(WRONG))
    head, acknowledged, _ = lines(answer, codec)
    fields = [*head.split("|"), *[""] * 9]
    assert fields[17] == ("ASCII" if charset == "EBCDIC" else charset)
    assert acknowledged.split("|")[3] == text


def test_the_language_of_the_question_comes_first() -> None:
    for language, first, second in (
        ("de-DE", "German", "English"),
        ("en-US", "English", "German"),
        ("", "German", "English"),
    ):
        issue = Issue(code="hl7-value", text_de="German", text_en="English", place="message 1, EVN-2")
        (answer,) = said(adt(more=f"|||||||{language}"), receipt(issue))
        _, acknowledged, error = lines(answer)
        assert acknowledged == f"MSA|AE|1|EVN-2: {first}"
        assert error.endswith(f"|{second}|{first}")


LONG = Issue(
    code="hl7-value",
    text_de="erwartet wird eine Zeit JJJJMMTT[HHMM[SS]][+/-HHMM] | auf Deutsch; der Absender berichtigt das Feld",
    text_en="a time YYYYMMDD[HHMM[SS]][+/-HHMM] expected; the sender corrects the field",
    place="message 1, EVN-2",
    fhir_code="value",
)


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        (
            "UNICODE UTF-8",
            "utf-8",
            r"EVN-2: erwartet wird eine Zeit JJJJMMTT[HHMM[SS]][+/-HHMM] \F\ auf Deutsch; …",
        ),
        ("8859/1", "latin-1", r"EVN-2: erwartet wird eine Zeit JJJJMMTT[HHMM[SS]][+/-HHMM] \F\ auf Deutsch; ..."),
    ],
)
def test_what_is_too_long_for_msa_begins_with_the_place_and_ends_with_a_word(
    charset: str, codec: str, text: str
) -> None:
    _, acknowledged, error = lines(said(adt(more=f"||||||{charset}"), receipt(LONG))[0], codec)
    assert acknowledged == f"MSA|AE|1|{text}"
    assert len(text) <= 80
    assert error.endswith("auf Deutsch; der Absender berichtigt das Feld"), "ERR has room for all of it"


def test_a_word_that_is_too_long_itself_is_cut() -> None:
    _, acknowledged, _ = lines(said(adt(), receipt(replace(LONG, text_de="&" * 99)))[0])
    assert acknowledged == f"MSA|AE|1|EVN-2: {chr(46) * 3}"
    _, acknowledged, _ = lines(said(adt(), receipt(replace(LONG, text_de="x" * 99, place="")))[0])
    assert acknowledged == f"MSA|AE|1|{'x' * 77}..."


@given(st.text(alphabet="äx |&^ …", max_size=200), st.sampled_from(["", "8859/1", "UNICODE UTF-8"]))
def test_whatever_is_said_fits_its_field(text: str, charset: str) -> None:
    told = receipt(replace(LONG, text_de=text, text_en=text))
    _, acknowledged, error = said(adt(more=f"||||||{charset}"), told)[0].decode("utf-8", "replace").split("\r")[:3]
    assert len([*acknowledged.split("|"), ""][3]) <= 80
    assert len([*error.split("|"), *[""] * 9][8]) <= 250


def test_a_place_that_a_text_begins_with_is_said_once() -> None:
    missing = Issue(code="hl7-field-missing", text_de="PV1-3.1 fehlt", text_en="no", place="message 1, PV1-3.1")
    assert lines(said(adt(), receipt(missing))[0])[1] == "MSA|AE|1|PV1-3.1 fehlt"


def test_a_message_without_effect_is_accepted_and_told_so() -> None:
    told = Receipt(source="kis", records=1)
    told.left_out["keine Wirkung (A04) / no effect (A04)"] = 1
    assert lines(said(adt(), told)[0])[1] == "MSA|AA|1|keine Wirkung (A04)"
    assert lines(said(adt(more="|||||||EN"), told)[0])[1] == "MSA|AA|1|no effect (A04)"


_OLD = ["MSA|AE|1|PV1-3.1: Text|||101^Required field missing^HL70357", "ERR|PV1^1^3^101&Required field missing&HL70357"]
_NEW = [
    "MSA|AE|1|PV1-3.1: Text",
    "ERR||PV1^1^3^1^1|101^Required field missing^HL70357|E|hl7-field-missing^^PLATZFREI|3|Text|Text",
]


@pytest.mark.parametrize(
    ("version", "kind", "told"),
    [
        ("2.1", "ACK", _OLD),
        ("2.3", "ACK^A01", _OLD),
        ("2.4", "ACK^A01^ACK", _OLD),
        ("2.5", "ACK^A01^ACK", _NEW),
        ("2.5.1", "ACK^A01^ACK", _NEW),
        ("2.8", "ACK^A01^ACK", _NEW),
    ],
)
def test_every_version_is_answered_in_its_own_shape(version: str, kind: str, told: list[str]) -> None:
    issue = Issue(code="hl7-field-missing", text_de="Text", text_en="Text", place="message 1, PV1-3.1")
    head, *rest = lines(said(adt(version=version), receipt(issue))[0])
    assert (head.split("|")[8], head.split("|")[11]) == (kind, version)
    assert rest == told


@pytest.mark.parametrize(
    ("issue", "location", "code"),
    [
        (("hl7-value", "message 1, EVN-2", "value"), "EVN^1^2", "102"),
        (("hl7-segment-missing", "message 1, NPU", "structure"), "NPU^1", "100"),
        (("hl7-field-missing", "message 1, patient 2, PV1-3.1", "required"), "PV1^2^3^1^1", "101"),
        (("time-in-future", "message 1, EVN-6", "value"), "EVN^1^6", "102"),
        (("message-id-reused", "http.`Idempotency-Key`", "duplicate"), "MSH^1^10", "205"),
        (("hl7-charset", "message 1, byte 70", "not-supported"), "MSH^1^18", "103"),
        (("hl7-encoding", "message 1, byte 99", "structure"), "", "102"),
        (("never-heard-of", "", "required"), "", "101"),
        (("never-heard-of", "", "exception"), "", "207"),
    ],
)
def test_an_issue_has_its_place_and_its_code_of_table_0357(
    issue: tuple[str, str, str], location: str, code: str
) -> None:
    name, place, fhir_code = issue
    found = Issue(code=name, text_de="T", text_en="T", place=place, fhir_code=fhir_code)
    error = lines(said(adt(), receipt(found))[0])[2].split("|")
    assert (error[2], error[3].split("^")[0], error[5]) == (location, code, f"{name}^^PLATZFREI")


def test_what_is_refused_is_ar_and_what_is_wrong_is_ae_unless_the_sender_is_told_otherwise() -> None:
    assert lines(said(adt(), receipt(WRONG))[0])[1].startswith("MSA|AE")
    assert lines(said(adt(), receipt(WRONG, set_aside=0, rejected=1))[0])[1].startswith("MSA|AE")
    assert lines(said(adt(), (TYPE,))[0])[1].startswith("MSA|AR")
    assert lines(said(adt(), (TYPE,), policy=Policy(refusal=Code.ERROR))[0])[1].startswith("MSA|AE")
    assert lines(said(adt(), receipt(WRONG), policy=Policy(content=Code.REFUSED))[0])[1].startswith("MSA|AR")


AL, NE, ER, SU = "AL", "NE", "ER", "SU"


@pytest.mark.parametrize(
    ("accept", "application", "good", "aside", "lost", "refused"),
    [
        ("", "", ["AA"], ["AE"], ["AE"], ["AR"]),
        (AL, NE, ["CA"], ["CA"], ["CE"], ["CR"]),
        (NE, AL, ["AA"], ["AE"], ["AE"], ["AR"]),
        (AL, AL, ["CA", "AA"], ["CA", "AE"], ["CE"], ["CR"]),
        (ER, NE, [], [], ["CE"], ["CR"]),
        (NE, ER, [], ["AE"], ["AE"], ["AR"]),
        (ER, ER, [], ["AE"], ["CE"], ["CR"]),
        (SU, SU, ["CA", "AA"], ["CA"], [], []),
        (NE, NE, [], [], [], []),
        ("", AL, ["AA"], ["AE"], ["AE"], ["AR"]),
        (AL, "", ["CA"], ["CA"], ["CE"], ["CR"]),
    ],
)
def test_both_modes_answer_what_was_asked_for(
    accept: str, application: str, good: list[str], aside: list[str], lost: list[str], refused: list[str]
) -> None:
    message = adt(more=f"|||{accept}|{application}")
    fates: list[tuple[Receipt | Sequence[Issue], list[str]]] = [
        (GOOD, good),
        (receipt(WRONG), aside),
        (receipt(WRONG, set_aside=0, rejected=1), lost),
        (receipt(UNREADABLE), lost),
        ((TYPE,), refused),
    ]
    for told, expected in fates:
        answers = said(message, told)
        assert [lines(answer)[1].split("|")[1] for answer in answers] == expected
        assert len({lines(answer)[0].split("|")[9] for answer in answers}) == len(answers)
        for answer in answers:
            asked_for = lines(answer)[0].split("|")[14:16]
            assert asked_for == (["NE", "NE"] if accept or application else [])


def test_an_acknowledgement_is_not_acknowledged() -> None:
    assert said(b"MSH|^~\\&|A|B|C|D|20261122||ACK^A01|9|P|2.5\rMSA|AA|1\r") == []


@pytest.mark.parametrize(
    ("message", "head", "acknowledged"),
    [
        (b"", "MSH|^~\\&|||||", "MSA|AR||"),
        (b"no message", "MSH|^~\\&|||||", "MSA|AR||"),
        (b"MSH", "MSH|^~\\&|||||", "MSA|AR||"),
        (b"MSH|", "MSH|^~\\&|||||", "MSA|AR||"),
        (b"MSH|^~\\&|KIS", "MSH|^~\\&|||KIS||", "MSA|AR||"),
        (b"MSH|ABCD|KIS|KH|PF|HUB|||ADT|77", "MSH|^~\\&|PF|HUB|KIS|KH|", "MSA|AR|77|"),
        (b"MSH^~\\&@^KIS^KH^PF^HUB^^^ADT^77", "MSH^~\\&@^PF^HUB^KIS^KH^", "MSA^AR^77^"),
        (b"\xef\xbb\xbf" + adt("5"), "MSH|^~\\&|PLATZFREI|HUB|KIS|KH|", "MSA|AR|5|"),
        (b"PID|1\r" + adt("5"), "MSH|^~\\&|PLATZFREI|HUB|KIS|KH|", "MSA|AR|5|"),
    ],
)
def test_however_little_came_the_answer_is_a_message(message: bytes, head: str, acknowledged: str) -> None:
    (answer,) = said(message, (TYPE,))
    first, second, *_ = lines(answer)
    assert first.startswith(head)
    assert second.startswith(acknowledged)


_PIECES = st.sampled_from(
    [
        b"MSH",
        b"|",
        b"^~\\&",
        b"|" * 6,
        b"\r",
        b"\x0b",
        b"\x1c",
        b"\n",
        b"ADT^A01",
        b"4711",
        b"ACK",
        b"\xff",
        b"AL",
        b"2.5",
    ]
)


@given(st.lists(_PIECES, max_size=30).map(b"".join) | st.binary(max_size=100), st.text(max_size=100))
def test_any_bytes_are_answered_with_segments_alone(message: bytes, text: str) -> None:
    issue = Issue(code="hl7-value", text_de=text, text_en=text, place="message 1, EVN-2")
    asked = header(message)
    for answer in acknowledgements(asked, receipt(issue), control_id="PF1", at=AT):
        assert answer.isascii() or asked is not None
        assert not set(b"\x0b\x1c\n\x00") & set(answer)
        assert [segment[:3] for segment in answer.split(b"\r")] == [b"MSH", b"MSA", b"ERR", b""]
        again = header(answer)
        assert again is not None
        assert again.is_answer
        if asked is not None:
            assert [*answer.split(b"\r")[1].split(asked.marks[:1]), b""][2] == asked.field(10)
