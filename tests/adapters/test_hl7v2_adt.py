"""ADT messages as records: the allow-list, what is withheld, what is set aside and where, and the shipped examples."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Broken, Record
from adapters.inbound import hl7v2_adt
from mappings.census import fold, ward_report
from mappings.census_event import event_of, pseudonymised
from mappings.errors import Rejected
from mappings.wards import WardExample, WardIndex, parse_examples, parse_wards

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "hl7v2_adt"
SAMPLES = ROOT / "../shared/data/hl7v2/census-segments"
KIS_ADT = yaml.safe_load((ROOT / "mappings" / "sources" / "kis-adt.yaml").read_bytes())

MSH = "MSH|^~\\&|KIS|KH|||20260302080000||ADT^{0}|1|P|2.5"
EVN = "EVN|{0}|20260302080000"
PV1 = "PV1|1|I|KZP1^101^1||||||||||||||||F-1"


def read(*segments: str, trigger: str = "A01") -> Record:
    body = "".join(f"{segment}\r" for segment in (MSH, *segments)).format(trigger)
    (found,) = hl7v2_adt.decode(body.encode(), {}).records
    assert isinstance(found, Record)
    return found


def errors(record: Record) -> list[str]:
    return [str(issue) for issue in record.issues if issue.severity == "error"]


def warnings(record: Record) -> list[str]:
    return [issue.place for issue in record.issues if issue.severity == "warning"]


def test_only_fields_of_the_allow_list_enter() -> None:
    record = read(
        EVN + "|||PLANTED",
        "PID|1||KVNR-PLANTED||PLANTED^NAME",
        "NK1|1|PLANTED",
        "PV1|1|I|KZP1^101^1^PLANTED|PLANTED||UEP1^201^1|PLANTED~X|||INN||||||||PLANTED|F-1^PLANTED||PLANTED",
        "ZBE|M-1^PLANTED|20260302080000||INSERT|N||PLANTED",
        "ZPA|PLANTED",
        "PLANTED as a broken note",
    )
    assert "PLANTED" not in repr(record)
    assert record.fields["PV1-3.1"] == "KZP1"
    assert record.fields["PV1-6.3"] == "1"
    assert (record.fields["PV1-10"], record.fields["PV1-19"], record.fields["ZBE-1"]) == ("INN", "F-1", "M-1")
    assert record.dropped == (
        *("MSH-11", "EVN-5", "PID", "NK1", "PV1-1", "PV1-3.4", "PV1-4", "PV1-7", "PV1-18", "PV1-19.2", "PV1-21"),
        *("ZBE-1.2", "ZBE-7", "(withheld name)"),
    )
    assert errors(record) == []


@pytest.mark.parametrize(
    ("segment", "allowed"),
    [
        ("EVN", {1, 2, 3, 6}),
        ("NPU", {1, 2}),
        ("ZBE", {1, 2, 4, 5, 6}),
        ("PV1", {2, 3, 6, 10, 19, 40, 44, 45}),
        ("PV2", {1, 8, 9}),
    ],
)
def test_of_a_segment_every_field_but_those_a_census_needs_is_dropped(segment: str, allowed: set[int]) -> None:
    record = read(f"{segment}|" + "|".join(["X"] * 60))
    assert set(record.dropped) - {"MSH-11"} == {f"{segment}-{field}" for field in range(1, 61) if field not in allowed}


def test_a_word_that_begins_a_broken_line_is_no_segment_name() -> None:
    assert read(EVN, PV1, "EVA", "MAX|x").dropped[-1] == "(withheld name)"


@pytest.mark.parametrize(
    ("trigger", "segments", "place"),
    [
        ("A20", (EVN, "NPU|KZP1^101^1|frei seit heute"), "NPU-2"),
        ("A20", (EVN, "NPU|KZP1^101^Bett am Fenster rechts hinten|U"), "NPU-1.3"),
        ("A20", ("EVN|A20|gestern", "NPU|KZP1^101^1|U"), "EVN-2"),
        ("A01", (EVN, PV1.replace("|I|", "|stationär|")), "PV1-2"),
        ("A01", (EVN, PV1.replace("F-1", "F" * 41)), "PV1-19"),
        ("A01", (EVN, PV1, "ZBE|M-1|20260302||DELETE"), "ZBE-4"),
        ("A01", (EVN, PV1.replace("KZP1", r"KZP\X0D\PID\F\PLANTED")), "PV1-3.1"),
    ],
)
def test_a_value_of_the_wrong_shape_is_withheld_and_sets_the_message_aside(
    trigger: str, segments: Sequence[str], place: str
) -> None:
    record = read(*segments, trigger=trigger)
    (issue,) = [issue for issue in record.issues if issue.severity == "error"]
    assert (issue.code, issue.place) == ("hl7-value", f"message 1, {place}")
    assert place not in record.fields
    for planted in ("frei seit", "Fenster", "gestern", "stationär", "FFFF", "DELETE", "PLANTED"):
        assert planted not in repr(record)


def test_a_value_no_census_needs_costs_a_warning_when_it_is_withheld() -> None:
    record = read(EVN, PV1 + "|" * 21 + "Klinik in der Stadt am See", "PV2||||||||bald")
    assert (errors(record), warnings(record)) == ([], ["message 1, PV1-40", "message 1, PV2-8"])


def test_a_message_without_census_effect_is_never_set_aside() -> None:
    record = read("EVN|A31|gestern", "PV1|1|stationär", trigger="A31")
    assert (errors(record), warnings(record)) == ([], ["message 1, EVN-2", "message 1, PV1-2"])


@pytest.mark.parametrize(
    ("trigger", "segments", "expected"),
    [
        ("A20", (EVN,), "message 1, NPU: segment NPU expected after EVN; the sender sends the whole message"),
        ("A20", (), "message 1, EVN: segment EVN expected after MSH; the sender sends the whole message"),
        (
            "A01",
            (EVN, "PID|1||X"),
            "message 1, PV1: segment PV1 expected after EVN; the sender sends the whole message",
        ),
        ("A13", (EVN,), "message 1, PV1: segment PV1 expected after EVN; the sender sends the whole message"),
        ("A01", (EVN, "PV1|1|I"), "message 1, PV1-3.1: PV1-3.1 is missing; the sender fills the field in"),
        ("A20", (EVN, "NPU|KZP1^1^1"), "message 1, NPU-2: NPU-2 is missing; the sender fills the field in"),
        ("A20", (EVN, 'NPU|KZP1^1^1|""'), "message 1, NPU-2: NPU-2 is missing; the sender fills the field in"),
    ],
)
def test_a_cut_message_is_set_aside_with_what_was_expected(
    trigger: str, segments: Sequence[str], expected: str
) -> None:
    assert errors(read(*segments, trigger=trigger)) == [expected]


def test_two_messages_run_together_are_set_aside() -> None:
    record = read(EVN, PV1, EVN, PV1.replace("KZP1", "UEP1"))
    assert record.fields["PV1-3.1"] == "KZP1"
    assert [issue.split(":")[1] for issue in errors(record)] == [
        " one segment EVN expected, not 2; is an MSH missing between them?",
        " one segment PV1 expected, not 2; is an MSH missing between them?",
    ]


def test_every_cut_of_a_movement_sets_it_aside_or_is_doubted() -> None:
    whole = "\r".join([MSH, EVN, "PID|1||TEST-4711", f"{PV1}|", "ZBE|M-1|20260302||INSERT|N"]).format("A01").encode()
    for end in range(len(MSH.format("A01")), len(whole) + 1):
        (found,) = hl7v2_adt.decode(whole[:end], {}).records
        assert isinstance(found, Record)
        if end <= whole.index(b"KZP1"):
            assert errors(found)
        else:
            assert warnings(found) == ["message 1"] or whole[:end].endswith(b"\r")


def test_a_status_at_the_end_of_a_file_needs_no_terminator() -> None:
    body = "\r".join([MSH, EVN, "NPU|KZP1^101^1|U"]).format("A20").encode()
    (record,) = hl7v2_adt.decode(body, {}).records
    assert isinstance(record, Record)
    assert record.issues == ()


def test_the_message_type_counts_before_the_event_segment() -> None:
    record = read("EVN|A01|20260302080000", "NPU|KZP1^101^1|U", trigger="A20")
    assert warnings(record) == ["message 1, EVN-1"]
    assert record.fields["MSH-9.2"] == "A20"


def test_a_message_without_a_trigger_anywhere_is_set_aside() -> None:
    body = "MSH|^~\\&|KIS|KH|||20260302080000||ADT|1|P|2.5\rEVN||20260302080000\r"
    (record,) = hl7v2_adt.decode(body.encode(), {}).records
    assert isinstance(record, Record)
    assert errors(record) == ["message 1, MSH-9.2: MSH-9.2 is missing; the sender fills the field in"]


@pytest.mark.parametrize("body", [b"", b"\r\n", b"PID|1||X\rPV1|1|I", "MSH|^~\\&|KIS".encode("utf-16"), b"{}"])
def test_a_file_without_any_message_is_rejected(body: bytes) -> None:
    with pytest.raises(Rejected, match="segment MSH expected"):
        list(hl7v2_adt.decode(body, {}).records)


def test_a_stretch_that_is_no_message_is_broken_and_the_rest_is_read() -> None:
    good = "\r".join([MSH, EVN, "NPU|KZP1^101^1|U", ""]).format("A20")
    body = f"NPU|KZP1^101^1|U\r{good}MSH|^~\\&|KIS|KH\r{good}".encode()
    cut = body.index(b"KH\r") + 2
    found = list(hl7v2_adt.decode(body, {}).records)
    assert [type(each) for each in found] == [Broken, Record, Broken, Record]
    assert [each.place for each in found] == ["message 1, byte 0", "message 2", f"message 3, byte {cut}", "message 4"]
    assert isinstance(found[2], Broken)
    assert found[2].body == b"MSH|^~\\&|KIS|KH"


def test_a_long_run_of_what_is_no_message_ends_in_one_part() -> None:
    parts = list(hl7v2_adt.decode(b"MSH\r" * 20_000, {}).records)
    assert len(parts) == 101
    assert parts[-1].place == "message 101, byte 403 to message 20000, byte 79999"


def test_a_wrong_encoding_is_broken_at_its_byte() -> None:
    body = f"{MSH}||||||UNICODE UTF-8\rEVN|A01|20260302080000\rPID|1||M\xfcller".format("A01").encode("latin-1")
    (found,) = hl7v2_adt.decode(body, {}).records
    assert isinstance(found, Broken)
    assert found.place == f"message 1, byte {body.index(0xFC)}"
    assert (found.issue.code, found.issue.place) == ("hl7-encoding", found.place)
    (record,) = hl7v2_adt.decode(body, {"charset": "8859/1"}).records
    assert isinstance(record, Record)


@pytest.mark.parametrize("options", [{"charset": "EBCDIC"}, {"encoding": "UTF-8"}])
def test_an_option_that_does_not_exist_is_rejected(options: dict[str, str]) -> None:
    with pytest.raises(Rejected, match=r"options\."):
        hl7v2_adt.decode(b"", options)


@given(st.lists(st.sampled_from([MSH, EVN, PV1, "NPU|KZP1^101^1|U", "PID|1||X", "ZBE|1", "BTS|1", "\x0b"]), max_size=8))
def test_any_order_of_segments_ends_in_records_broken_or_rejected(segments: list[str]) -> None:
    body = "\r".join(segments).format("A20").encode()
    try:
        found = list(hl7v2_adt.decode(body, {}).records)
    except Rejected:
        assert not any(segment == MSH for segment in segments)
    else:
        assert sum(isinstance(each, Record) for each in found) == segments.count(MSH)


@pytest.mark.parametrize("case", sorted(path.name for path in GOLDEN.iterdir()))
def test_golden(case: str) -> None:
    found = [
        {
            "place": each.place,
            "fields": dict(each.fields) if isinstance(each, Record) else None,
            "issues": [
                f"{issue.severity} {issue.code} {issue.place}"
                for issue in (each.issues if isinstance(each, Record) else (each.issue,))
            ],
            "dropped": list(each.dropped) if isinstance(each, Record) else [],
        }
        for each in hl7v2_adt.decode((GOLDEN / case / "in.hl7").read_bytes(), {}).records
    ]
    assert found == json.loads((GOLDEN / case / "records.json").read_bytes())


@pytest.mark.parametrize("example", parse_examples(KIS_ADT["examples"]), ids=lambda example: example.description)
def test_the_examples_of_the_shipped_map_hold(example: WardExample) -> None:
    wards = parse_wards(KIS_ADT["wards"])
    events = []
    for record in hl7v2_adt.decode("".join(f"{text}\n" for text in example.messages).encode(), {}).records:
        assert isinstance(record, Record)
        assert record.issues == ()
        fields = pseudonymised(record.fields, lambda text: hashlib.sha256(text.encode()).hexdigest())
        reading = event_of(fields, WardIndex(wards), datetime(2026, 3, 3, tzinfo=UTC))
        assert (reading.issues, reading.left_out) == ((), "")
        assert reading.event is not None
        events.append(reading.event)
    reports = {ward.care_form: ward_report(ward, fold(events, ward)) for ward in wards}
    for offer in example.offers:
        report = reports[offer["care_form"]]
        assert {
            "care_form": report.offer.care_form,
            "state": report.state.value,
            "accepting": report.counts.accepting,
            "occupied": report.counts.occupied,
        } == offer


PUBLISHED = {
    **dict.fromkeys(("A01", "A02", "A03"), "event"),
    **dict.fromkeys(("A05", "A14", "A26", "A27", "A08"), "left out"),
    "A06": "left out",  # to a bed outside the ward, and without the number of a visit
    **dict.fromkeys(("A11", "A13", "A25"), "PV1-19"),  # a cancel that does not say of which visit
    "A16": "left out",
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the published samples in ../shared/data/hl7v2 are not there")
def test_published_messages_are_read_by_their_type() -> None:
    (ward,) = parse_wards(
        [
            {
                "ward": "HUH AE OMU",
                "care_form": "uebergangspflege",
                "beds": ["OMU B/Bed 03"],
                "facility": {"key": "h", "name": "H"},
            }
        ]
    )
    paths = sorted(SAMPLES.glob("*.hl7"))
    for path in paths:
        (record,) = hl7v2_adt.decode(path.read_bytes(), {}).records
        assert isinstance(record, Record)
        assert record.fields["MSH-9.2"] == path.name[4:7]
        assert record.fields["EVN-2"]
        assert errors(record) == []
        reading = event_of(record.fields, WardIndex([ward]), datetime(2029, 8, 2, tzinfo=UTC))
        told = "event" if reading.event else "left out" if reading.left_out else reading.issues[0].place
        assert (path.name, told) == (path.name, PUBLISHED[path.name[4:7]])
        early = event_of(record.fields, WardIndex([ward]), datetime(2026, 11, 22, tzinfo=UTC))
        assert reading.event is None or {issue.code for issue in early.issues} == {"time-in-future"}
    assert len(paths) == 13


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("8859/1", "iso8859-1"),
        ("ISO8859-1", "iso8859-1"),
        ("ISO-8859-1", "iso8859-1"),
        ("ISO IR100", "iso8859-1"),
        ("ISO_IR 100", "iso8859-1"),
        ("8859/15", "iso8859-15"),
        ("ISO8859-15", "iso8859-15"),
        ("ISO 8859/15", "iso8859-15"),
        ("UNICODE UTF-8", "utf-8"),
        ("unicode utf-8", "utf-8"),
        ("UTF-8", "utf-8"),
        ("UTF8", "utf-8"),
        ("ISO_IR 192", "utf-8"),
        ("ASCII", "ascii"),
        ("US-ASCII", "ascii"),
        ("ISO IR6", "ascii"),
        ("WINDOWS-1252", "cp1252"),
    ],
)
def test_a_character_set_is_known_however_it_is_spelled(name: str, codec: str) -> None:
    text = "gr" + ("o" if codec == "ascii" else "ö") + "n"
    body = f"{MSH}||||||{name}\r{EVN}\rNPU|KZP1^{text}^1|U\r".format("A20").encode(codec)
    (record,) = hl7v2_adt.decode(body, {}).records
    assert isinstance(record, Record)
    assert (record.fields["NPU-1.2"], record.issues) == (text, ())
