"""The language of the source maps: what a map may say, what its reports say, and what it complains about."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.errors import Issue, Rejected
from mappings.language import load, shipped
from mappings.source_map import Ladder, Mapped, SourceMap
from mappings.vacancy import Admission, Block, BlockStatus, Counts, OwnShare, Per, Room, Sex, State, Weekday
from tests.strategies import cells, json_values

HEAD = "source: test\ntitle: {de: Prüfung, en: Test}\nformat: json_records\n"
FIELDS = """\
fields:
  facility.key: nr
  facility.name: {from: name}
  offer.care_form: {from: art, default: dauerpflege}
"""


def map_of(fields: str, head: str = HEAD) -> SourceMap:
    return load((head + FIELDS + fields).encode(), origin="test.yaml")


def read(fields: str, record: dict[str, Any], head: str = HEAD) -> Mapped:
    return map_of(fields, head).read({"nr": "1", "name": "Haus am Moor", **record})


def refusal(text: str) -> Issue:
    with pytest.raises(Rejected) as caught:
        load(text.encode(), origin="test.yaml")
    (issue,) = caught.value.issues
    return issue


def codes(mapped: Mapped) -> list[str]:
    return [issue.code for issue in mapped.issues]


# What a map may say.


def test_a_map_says_how_its_source_is_to_be_taken() -> None:
    source_map = map_of(
        "unread: {ignore: [note]}",
        HEAD
        + "patient_free: true\nkind: portal\nrank: 2\nfreshness: {fresh: 90m, stale: 14d}\noptions: {records: a.b}\n",
    )
    assert (source_map.name, source_map.format, source_map.title) == (
        "test",
        "json_records",
        {"de": "Prüfung", "en": "Test"},
    )
    assert (source_map.patient_free, source_map.options) == (True, {"records": "a.b"})
    assert source_map.ladder == Ladder(fresh=timedelta(minutes=90), stale=timedelta(days=14))
    assert (source_map.rank, source_map.kind) == (2, "portal")


def test_unless_said_a_source_may_hold_patient_data() -> None:
    assert map_of("").patient_free is False
    assert map_of("").ladder == Ladder(fresh=timedelta(hours=24), aging=timedelta(hours=72), stale=timedelta(days=7))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("source: a\nsource: b", "test.yaml: line 2, column 1"),
        ("source: a\nsource: b", "test.yaml: line 2, column 1"),
        ("- 1", "test.yaml"),
        ("\xff", "test.yaml"),
        (HEAD, "test.yaml"),
        (HEAD + FIELDS + "wards: []", "test.yaml"),
        (HEAD + FIELDS + "fieldz: {}", "test.yaml: fieldz"),
        (HEAD.replace("source: test", "source: Test Quelle") + FIELDS, "test.yaml: source"),
        (HEAD.replace(", en: Test", "") + FIELDS, "test.yaml: title.en"),
        (HEAD.replace("format: json_records\n", "") + FIELDS, "test.yaml: format"),
        (HEAD.replace("json_records", "hl7v2_adt") + FIELDS, "test.yaml: format"),
        (HEAD + "wards: []", "test.yaml: format"),
        (HEAD + "patient_free: ja\n" + FIELDS, "test.yaml: patient_free"),
        (HEAD + "rank: 0\n" + FIELDS, "test.yaml: rank"),
        (HEAD + "freshness: {fresh: 1 Tag}\n" + FIELDS, "test.yaml: freshness.fresh"),
        (HEAD + "freshness: {fresh: 8d}\n" + FIELDS, "test.yaml: freshness"),
        (HEAD + "rank: 0\n" + FIELDS, "test.yaml: rank"),
        (HEAD + "kind: zeitung\n" + FIELDS, "test.yaml: kind"),
        (HEAD + "kind: 7\n" + FIELDS, "test.yaml: kind"),
        (HEAD + "rank: erster\n" + FIELDS, "test.yaml: rank"),
        (HEAD + "rank: true\n" + FIELDS, "test.yaml: rank"),
        (HEAD + "unread: reject\n" + FIELDS, "test.yaml: unread"),
        (HEAD + "examples: [{input: {}}]\n" + FIELDS, "test.yaml: examples"),
        (HEAD + "fields: {facility.key: a, facility.name: b}", "test.yaml: fields"),
        (HEAD + "fields: {offer.care_form: a, facility.name: b}", "test.yaml: fields"),
        (HEAD + FIELDS + "  facility.nam: a", "test.yaml: fields.facility.nam"),
        (HEAD + FIELDS + "  offer.needs.wunder: a", "test.yaml: fields.offer.needs.wunder"),
        (HEAD + FIELDS + "  block.count: a", "test.yaml: fields.block.count"),
        (HEAD + FIELDS + "  offer.name: {form: a}", "test.yaml: fields.offer.name.form"),
        (HEAD + FIELDS + "  offer.name: {as: text}", "test.yaml: fields.offer.name"),
        (HEAD + FIELDS + "  offer.name: {from: 7}", "test.yaml: fields.offer.name.from"),
        (HEAD + FIELDS + "  offer.name: {from: a, as: magic}", "test.yaml: fields.offer.name.as"),
        (HEAD + FIELDS + "  counts: a", "test.yaml: fields.counts.as"),
        (HEAD + FIELDS + "  offer.name: {from: a, table: none}", "test.yaml: fields.offer.name.table"),
        (HEAD + FIELDS + "  valid_at: {from: a, zone: Mars/Olympus}", "test.yaml: fields.valid_at.zone"),
        (HEAD + FIELDS + "  valid_at: {from: a, zone: ../etc}", "test.yaml: fields.valid_at.zone"),
        (HEAD + FIELDS + "  offer.name: {from: a, zone: Europe/Berlin}", "test.yaml: fields.offer.name.zone"),
        (
            HEAD + FIELDS + "  offers: {each: a, fields: {facility.name: b}}",
            "test.yaml: fields.offers.fields.facility.name",
        ),
        (HEAD + FIELDS + "  offers: {each: a, field: {}}", "test.yaml: fields.offers.field"),
        (HEAD + FIELDS + "  blocks: {each: a, fields: {state: b}}", "test.yaml: fields.blocks.fields.state"),
    ],
)
def test_what_a_map_says_wrong_is_named_with_its_place(text: str, place: str) -> None:
    issue = refusal(text)
    assert (issue.code, issue.place) == ("source-map", place)


def test_words_stay_words_and_numbers_keep_their_zeros() -> None:
    source_map = map_of("examples: [{description: d, input: {a: no, b: 01234, c: 2026-03-01, d: 1.50, e: 7, f: null}}]")
    record = source_map.examples[0].input
    assert [str(value) for value in record.values()] == ["no", "01234", "2026-03-01", "1.50", "7", "None"]


# What reports say.


def test_the_accepting_count_is_a_block_and_a_state() -> None:
    (report,) = read(
        "  counts.accepting: frei\n  block.room: zimmer\n  block.sex: sex",
        {"frei": 3, "zimmer": "single", "sex": "female"},
    ).reports
    assert report.state is State.SOME
    assert report.blocks == (Block(count=3, room=Room.SINGLE, sex=Sex.FEMALE),)


@pytest.mark.parametrize(
    ("free", "state"), [(0, State.NONE), (-2, State.NONE), (None, State.UNKNOWN), (" ", State.UNKNOWN)]
)
def test_zero_is_none_and_blank_is_unknown(free: Any, state: State) -> None:
    (report,) = read("  counts.accepting: frei", {"frei": free}).reports
    assert (report.state, report.blocks) == (state, ())


def test_held_places_are_a_block_of_their_own() -> None:
    (report,) = read("  counts.held: reserviert", {"reserviert": 2}).reports
    assert report.blocks == (Block(count=2, status=BlockStatus.HELD),)
    assert report.state is State.UNKNOWN


BLOCKS = "  counts.accepting: frei\n  blocks: {each: b, fields: {block.count: n, block.status: s}}"


def test_a_blank_accepting_count_is_the_sum_of_the_free_blocks() -> None:
    record = {"b": [{"n": 2}, {"n": 1, "s": "free"}, {"n": 4, "s": "closed"}]}
    (report,) = read(BLOCKS, record).reports
    assert (report.counts, report.state, len(report.blocks)) == (Counts(accepting=3), State.SOME, 3)


def test_a_block_without_a_number_makes_the_sum_unknown() -> None:
    (report,) = read(BLOCKS, {"b": [{"n": 2}, {"n": ""}]}).reports
    assert (report.counts.accepting, report.state, len(report.blocks)) == (None, State.UNKNOWN, 1)


def test_a_stated_accepting_count_goes_before_the_sum() -> None:
    mapped = read(BLOCKS, {"frei": 5, "b": [{"n": 2}, {"n": 9, "s": "closed"}]})
    (report,) = mapped.reports
    assert report.counts.accepting == 5
    assert [(block.count, block.status) for block in report.blocks] == [(2, "free"), (9, "closed"), (3, "free")]
    assert mapped.issues == ()


@pytest.mark.parametrize("stated", [0, 1, -1])
def test_more_listed_than_free_is_kept_as_told_and_warned_of(stated: int) -> None:
    mapped = read(BLOCKS, {"frei": stated, "b": [{"n": 2}]})
    (report,) = mapped.reports
    assert (report.counts.accepting, [block.count for block in report.blocks]) == (stated, [2])
    (issue,) = [issue for issue in mapped.issues if issue.code == "blocks-exceed-free"]
    assert issue.severity == "warning"


def test_held_places_that_no_block_tells_of_are_a_block() -> None:
    (report,) = read(BLOCKS + "\n  counts.held: r", {"frei": 0, "r": 3, "b": [{"n": 1, "s": "held"}]}).reports
    assert [(block.count, block.status) for block in report.blocks] == [(1, "held"), (2, "held")]


def test_a_map_knows_the_fields_it_reads() -> None:
    fields = "  offers: {each: o, fields: {offer.name: n, blocks: {each: b, fields: {block.count: c}}}}"
    assert map_of(fields).names == {"nr", "name", "art", "o", "o.n", "o.b", "o.b.c"}
    assert map_of("  offers: [{counts.accepting: frei}, {counts.held: r}]").names == {
        "nr",
        "name",
        "art",
        "frei",
        "r",
    }


OFFERS = """\
  valid_at: t
  offers: {each: o, fields: {offer.care_form: a, offer.key: k, counts.accepting: f, valid_at: t}}
"""


def test_what_is_said_of_the_record_holds_for_each_offer_that_says_nothing_else() -> None:
    offers = [{"a": "dauerpflege", "f": 1}, {"a": "tagespflege", "k": "x", "t": "2026-03-02T08:00Z"}]
    mapped = read(OFFERS, {"t": "2026-03-01T08:00Z", "o": offers})
    first, second = mapped.reports
    assert (first.offer.key, second.offer.key) == ("1/dauerpflege", "x")
    assert first.valid_at is not None
    assert second.valid_at is not None
    assert (first.valid_at.day, second.valid_at.day) == (1, 2)
    assert first.facility == second.facility


def test_dauerpflege_and_scattered_short_term_places_share_a_pool_unless_the_map_reads_pools() -> None:
    listed = {"o": [{"a": "dauerpflege"}, {"a": "kurzzeitpflege-eingestreut"}, {"a": "tagespflege"}]}
    assert [report.offer.pool for report in read(OFFERS, listed).reports] == ["dauerpflege", "dauerpflege", ""]
    stated = OFFERS.replace("valid_at: t}}", "offer.pool: p}}")
    assert [report.offer.pool for report in read(stated, listed).reports] == ["", "", ""]


def test_one_offer_of_several_that_is_none_is_named_and_the_others_stay() -> None:
    fields = "  offers: {each: o, fields: {offer.care_form: {from: a, table: csv-angebot}}}"
    mapped = read(fields, {"o": [{"a": "KZP"}, {"a": "Verhinderungspflege"}]})
    assert [report.offer.care_form for report in mapped.reports] == ["kurzzeitpflege"]
    assert [(issue.code, issue.severity) for issue in mapped.issues] == [("left-out", "information")]
    assert mapped.left_out == ""


def test_in_a_record_that_is_no_offer_nothing_is_wrong() -> None:
    fields = FIELDS.replace("default: dauerpflege", "table: csv-angebot") + "  counts.accepting: f"
    source_map = load((HEAD + fields).encode(), origin="test.yaml")
    mapped = source_map.read({"nr": "1", "name": "Haus", "art": "Verhinderungspflege", "f": "drei"})
    assert (mapped.reports, mapped.issues, bool(mapped.left_out)) == ((), (), True)


LITERAL = """\
  offers:
    - {counts.licensed: a, counts.accepting: b}
    - {offer.care_form: {default: tagespflege}, counts.accepting: c}
"""


def test_literal_offers_exist_where_one_of_their_fields_says_something() -> None:
    assert [report.offer.care_form for report in read(LITERAL, {"b": 0}).reports] == ["dauerpflege"]
    assert len(read(LITERAL, {"a": 1, "c": 0}).reports) == 2
    assert read(LITERAL, {"a": " ", "c": None}).left_out == "kein Angebot genannt / no offer named"


def test_needs_come_as_a_list_and_one_by_one() -> None:
    fields = "  offer.needs: n\n  offer.needs.beatmung: b\n  offer.needs.peg: p"
    (report,) = read(fields, {"n": ["dialyse"], "b": "ja", "p": "nein"}).reports
    assert report.offer.needs == ("dialyse", "beatmung")


# What it complains about.


def test_an_error_sets_the_whole_record_aside() -> None:
    mapped = read("  counts.accepting: frei", {"frei": "drei"})
    assert (mapped.reports, codes(mapped)) == ((), ["unreadable"])
    assert mapped.issues[0].place == "frei"
    assert "ganze Zahl" in mapped.issues[0].text_de


def test_a_field_that_only_describes_is_left_out_with_a_warning() -> None:
    mapped = read("  facility.contacts.phone: tel\n  facility.iks: ik", {"tel": "bitte mailen", "ik": "12"})
    (report,) = mapped.reports
    assert (report.facility.contacts, report.facility.iks) == ((), ())
    assert [issue.severity for issue in mapped.issues] == ["warning", "warning"]


@pytest.mark.parametrize("missing", ["nr", "name"])
def test_a_facility_without_key_or_name_is_an_error(missing: str) -> None:
    mapped = read("", {missing: " "})
    assert [(issue.code, issue.place) for issue in mapped.issues] == [("missing", missing)]


def test_a_required_field_must_say_something() -> None:
    assert codes(read("  valid_at: {from: t, required: true}", {})) == ["missing"]


def test_an_unknown_code_is_answered_with_the_known_ones() -> None:
    (issue,) = read("  block.room: zimmer", {"zimmer": "suite"}).issues
    assert issue.code == "unknown-code"
    assert "double, shared, single" in issue.text_en


@pytest.mark.parametrize("free", [True, False])
def test_a_value_is_repeated_only_where_no_patient_can_be_in_it(free: bool) -> None:
    (issue,) = read("  counts.accepting: f", {"f": "GEHEIM"}, HEAD + f"patient_free: {str(free).lower()}\n").issues
    assert ("GEHEIM" in issue.text_de, "GEHEIM" in issue.text_en) == (free, free)


def test_a_negative_number_is_over_capacity_where_it_is_the_accepting_one_and_else_an_error() -> None:
    mapped = read("  counts.accepting: f", {"f": -1})
    assert (codes(mapped), mapped.reports[0].counts.accepting) == (["over-capacity"], -1)
    assert codes(read("  counts.licensed: f", {"f": -1})) == ["unreadable"]


@pytest.mark.parametrize(
    "numbers",
    [
        {"licensed": 2, "accepting": 3},
        {"operable": 5, "licensed": 4},
        {"operable": 10, "occupied": 8, "held": 1, "accepting": 2},
    ],
)
def test_numbers_that_do_not_fit_are_kept_and_flagged(numbers: dict[str, int]) -> None:
    fields = "".join(f"  counts.{name}: {name}\n" for name in numbers)
    mapped = read(fields, numbers)
    assert codes(mapped) == ["implausible-counts"]
    assert mapped.reports[0].counts == Counts(**numbers)


def test_places_that_end_before_they_start_are_an_error() -> None:
    fields = "  counts.accepting: f\n  block.start: s\n  block.end: e"
    assert codes(read(fields, {"f": 1, "s": "02.12.2026", "e": "01.12.2026"})) == ["ends-before-start"]
    assert codes(read(fields, {"f": 1, "s": "01.12.2026", "e": "01.12.2026"})) == []


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [("52,8", "8,0", []), ("8,0", "52,8", ["position-outside-germany"]), ("52,8", "", ["half-a-position"])],
)
def test_a_position_that_cannot_be_is_not_used(latitude: str, longitude: str, code: list[str]) -> None:
    mapped = read("  facility.latitude: b\n  facility.longitude: l", {"b": latitude, "l": longitude})
    assert codes(mapped) == code
    assert (mapped.reports[0].facility.position is None) == bool(code)


def test_the_place_of_an_issue_is_the_way_to_the_field() -> None:
    record = {"o": [{"a": "dauerpflege"}, {"a": "tagespflege", "f": "x"}]}
    assert [issue.place for issue in read(OFFERS, record).issues] == ["o[1].f"]


def test_fields_that_need_no_mention_are_not_mentioned() -> None:
    assert read("", {"note": 1, "o": {"p": 2}}).unread == ("note", "o")
    assert read("unread: {ignore: [note]}", {"note": 1, "o": {"p": 2}}).unread == ("o",)


FIELD_MAPS = {name: source_map for name, source_map in shipped().items() if not source_map.wards}
NAMES = ["EinrichtungsID", "Haus-Nr", "Name", "Einrichtung", "Angebot", "rows", "Frei", "Stand", "id", "name", "offers"]
NAMES += ["careForm", "nr", "art", "angebot"]


@given(
    st.sampled_from(sorted(FIELD_MAPS)),
    st.dictionaries(st.sampled_from(NAMES) | cells, json_values | cells, max_size=8),
)
def test_of_any_record_there_are_reports_or_a_reason_why_not(name: str, record: dict[str, Any]) -> None:
    mapped = FIELD_MAPS[name].read(record)
    failed = any(issue.severity == "error" for issue in mapped.issues)
    assert bool(mapped.reports) + bool(mapped.left_out) + failed == 1
    for report in mapped.reports:
        assert report.facility.key
        assert report.offer.key
        assert all(block.count > 0 for block in report.blocks)
    assert FIELD_MAPS[name].read(record) == mapped


def test_a_report_says_what_kind_of_source_it_comes_from() -> None:
    portal = HEAD + "kind: portal\n"
    assert [read("", {}).reports[0].source_kind, read("", {}, portal).reports[0].source_kind] == [
        "facility-software",
        "portal",
    ]
    stated = "  source_kind: kind\n  reported_by: by\n"
    for record, kind in (
        ({"kind": "register"}, "register"),
        ({"kind": "register", "by": "office"}, "office"),
        ({"by": "home"}, "home"),
        ({}, "portal"),
    ):
        assert read(stated, record, portal).reports[0].source_kind == kind


def test_wards_are_those_of_a_hospital_system() -> None:
    assert (shipped()["kis-adt"].kind, shipped()["homes"].kind, shipped()["have"].kind) == (
        "hospital-system",
        "home",
        "register",
    )


def test_own_share_and_admission_of_several_fields_are_one() -> None:
    fields = """\
  offer.own_share: {from: [amount, per], as: own_share}
  offer.own_share.as_of: day
  offer.admission.days: days
  offer.admission.latest: until
  offer.payers.as_of: day
"""
    (found,) = read(fields, {"amount": "62,30", "per": "Tag", "day": "01.10.2026", "days": "Mo", "until": "12"}).reports
    assert found.offer.own_share == OwnShare(cents=6230, per=Per.DAY, as_of=date(2026, 10, 1))
    assert found.offer.admission == Admission(days=(Weekday.MON,), latest=time(12))
    assert found.offer.payers_as_of is None  # a date of nothing
    (found,) = read(fields, {"per": "Tag", "day": "01.10.2026"}).reports
    assert (found.offer.own_share, found.offer.admission) == (None, None)
