"""The named conversions: what each reads, and that it refuses the rest without repeating it."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mappings import conversions
from mappings.conversions import CONVERSIONS, Doubtful, Unreadable, folded, ik_is_plausible
from mappings.reader import is_blank
from tests.strategies import json_values

BERLIN = ZoneInfo("Europe/Berlin")
CET = timezone(timedelta(hours=1))
CEST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("count", "3", 3),
        ("count", " 3,0 ", 3),
        ("count", "3.00", 3),
        ("count", "-2", -2),
        ("count", 17, 17),
        ("count", Decimal("4.0"), 4),
        ("integer", "9007199254740991", 2**53 - 1),
        ("decimal", "52,73", 52.73),
        ("decimal", "-8.5", -8.5),
        ("decimal", Decimal("52.7300"), 52.73),
        ("date", "01.12.2026", date(2026, 12, 1)),
        ("date", "1.2.26", date(2026, 2, 1)),
        ("date", "2026-12-01", date(2026, 12, 1)),
        ("date", " 29.02.2028 ", date(2028, 2, 29)),
        ("yes_no", "Ja", True),
        ("yes_no", "x", True),
        ("yes_no", "WAHR", True),
        ("yes_no", 1, True),
        ("yes_no", "nein", False),
        ("yes_no", "0", False),
        ("yes_no", False, False),
        ("plz", "49661", "49661"),
        ("plz", "1067", "01067"),
        ("plz", 1067, "01067"),
        ("plz", "D-49661", "49661"),
        ("plz_list", "49661, 1067;26122", ("49661", "01067", "26122")),
        ("plz_list", ["49661", 1067], ("49661", "01067")),
        ("ags", "13076088", "13076088"),
        ("ags", "1001000", "01001000"),
        ("ik", "260326822", "260326822"),
        ("ik", "26 03 26 822", "260326822"),
        ("ik", 101575519, "101575519"),
        ("iks", "260326822; 101575519", ("260326822", "101575519")),
        ("iks", ["260326822"], ("260326822",)),
        ("telematik_id", "5-2-123456", "5-2-123456"),
        ("phone", "04471 / 555-10", "04471 / 555-10"),
        ("email", "info@haus.example", "info@haus.example"),
        ("url", "www.haus.example/frei", "https://www.haus.example/frei"),
        ("url", "http://haus.example", "http://haus.example"),
        ("care_grades", "PG 2-5", (2, 3, 4, 5)),
        ("care_grades", "PG2–PG5", (2, 3, 4, 5)),
        ("care_grades", "Pflegegrad 3 bis 4", (3, 4)),
        ("care_grades", "2;3;4", (2, 3, 4)),
        ("care_grades", "2,3", (2, 3)),
        ("care_grades", "1, 3-5", (1, 3, 4, 5)),
        ("care_grades", [3, "2"], (2, 3)),
        ("care_grades", 4, (4,)),
        ("codes", "dialyse; demenz,", ("dialyse", "demenz")),
        ("codes", ["de", "tr"], ("de", "tr")),
        ("text", "  Haus \n am  Moor ", "Haus am Moor"),
        ("text", 17, "17"),
        ("key", " Haus  am MOOR", "haus am moor"),
        ("key", ["Straße", None, "4 A"], "strasse||4 a"),
        ("street", "Straße des 17. Juni 135", "Straße des 17. Juni"),
        ("house_number", "Straße des 17. Juni 135", "135"),
        ("street", "Bahnhofstr. 5 - 7 b", "Bahnhofstr."),
        ("house_number", "Bahnhofstr. 5 - 7 b", "5 - 7 b"),
        ("street", "Am Markt", "Am Markt"),
        ("house_number", "Am Markt", ""),
        ("lup_capacity", ["Dauerpflege", "60"], 60),
        ("lup_capacity", ["Kurzzeitpflege (Streuplätze)", "1"], 1),
        ("lup_capacity", ["Ambulant betreute WG", "9"], 9),
        ("lup_capacity", ["Pflegedienst", "1"], None),
        ("lup_capacity", ["Palliativversorgung", "1"], None),
        ("lup_capacity", ["Betreutes Wohnen", "0"], None),
        ("lup_capacity", ["Tagespflege\n", ""], None),
    ],
)
def test_a_value_is_read(name: str, value: Any, expected: Any) -> None:
    assert CONVERSIONS[name](value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", "drei"),
        ("count", "1.234"),
        ("count", "1.000"),
        ("count", "2,5"),
        ("count", "ca. 3"),
        ("count", "²"),
        ("count", "1000000"),
        ("count", True),
        ("count", Decimal("1e99")),
        ("integer", "-1"),
        ("integer", "9007199254740992"),
        ("decimal", "1.234,5"),
        ("decimal", "nan"),
        ("date", "31.02.2026"),
        ("date", "12/01/2026"),
        ("date", "01.12.1926"),
        ("date", "sofort"),
        ("yes_no", "vielleicht"),
        ("yes_no", 2),
        ("plz", "123"),
        ("plz", "123456"),
        ("plz", "4966a"),
        ("ags", "123456"),
        ("ik", "123456"),
        ("ik", "1234567890"),
        ("telematik_id", "2-"),
        ("phone", "bitte mailen"),
        ("email", "haus.example"),
        ("url", "javascript:alert(1)"),
        ("url", "kein Link"),
        ("care_grades", "0"),
        ("care_grades", "5-2"),
        ("care_grades", "alle"),
        ("languages", "Deutsch"),
        ("languages", ["de", "Canaria Kanarienvogel"]),
        ("languages", "de, DE"),
        ("text", "a\0b"),
        ("text", "a\ud800b"),
        ("text", "x" * 301),
        ("text", {"withheld": 3}),
        ("position", ["EPSG:25833", "5941559.3", "259051.8"]),
        ("position", ["EPSG:4326", "53.5", "11.3"]),
        ("lup_capacity", "60"),
        ("position", ["EPSG:4711", "259051", "5941559"]),
        ("position", "52.5,13.4"),
    ],
)
def test_what_cannot_be_read_is_refused(name: str, value: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        CONVERSIONS[name](value)
    assert caught.value.expected_de
    assert caught.value.expected_en


@pytest.mark.parametrize("value", [True, {"withheld": 3}, "x" * 301, "a\0b"])
@pytest.mark.parametrize(
    ("name", "german", "english"),
    [
        ("care_grades", "Pflegegrade", "care grades"),
        ("email", "E-Mail-Adresse", "e-mail address"),
        ("phone", "Telefonnummer", "telephone number"),
        ("telematik_id", "Telematik-ID", "Telematik-ID"),
        ("text", "höchstens 300 Zeichen", "at most 300 characters"),
        ("url", "Webadresse", "web address"),
    ],
)
def test_whatever_stands_there_the_refusal_says_what_should(name: str, german: str, english: str, value: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        CONVERSIONS[name](value)
    assert german in caught.value.expected_de
    assert english in caught.value.expected_en


@pytest.mark.parametrize(("name", "german"), [("iks", "Institutionskennzeichen"), ("plz_list", "Postleitzahl")])
def test_a_withheld_list_is_refused_by_what_its_parts_should_be(name: str, german: str) -> None:
    with pytest.raises(Unreadable) as caught:
        CONVERSIONS[name]({"withheld": 3})
    assert german in caught.value.expected_de


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("01.03.2026 08:00", datetime(2026, 3, 1, 8, tzinfo=CET)),
        ("1.7.26, 8:05 Uhr", datetime(2026, 7, 1, 8, 5, tzinfo=CEST)),
        ("2026-03-01T08:00:30", datetime(2026, 3, 1, 8, 0, 30, tzinfo=CET)),
        ("2026-03-01T08:00:30.123Z", datetime(2026, 3, 1, 8, 0, 30, tzinfo=UTC)),
        ("2026-03-01 08:00+05:30", datetime(2026, 3, 1, 2, 30, tzinfo=UTC)),
        ("01.03.2026", datetime(2026, 3, 1, tzinfo=CET)),
        ("29.03.2026 03:00", datetime(2026, 3, 29, 3, tzinfo=CEST)),
    ],
)
def test_a_moment_is_read_in_its_zone(value: str, expected: datetime) -> None:
    found = conversions.datetime(value, zone=BERLIN)
    assert found == expected
    assert isinstance(found, datetime)
    assert found.utcoffset() == expected.utcoffset() or "+" in value


@pytest.mark.parametrize(
    "value", ["01.03.2026 24:00", "01.03.2026 8 Uhr", "gestern", "2026-03-01T08:00+15:00", "20260301", 7]
)
def test_what_is_no_moment_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable):
        conversions.datetime(value, zone=BERLIN)


def test_a_local_time_without_a_zone_is_refused() -> None:
    with pytest.raises(Unreadable, match="offset"):
        conversions.datetime("01.03.2026 08:00")


@pytest.mark.parametrize("minute", ["00", "30", "59"])
def test_of_an_hour_that_comes_twice_the_earlier_is_taken_with_a_warning(minute: str) -> None:
    found = conversions.datetime(f"25.10.2026 02:{minute}", zone=BERLIN)
    assert isinstance(found, Doubtful)
    assert (found.value, found.code) == (datetime(2026, 10, 25, 2, int(minute), tzinfo=CEST), "doubled-hour")


@pytest.mark.parametrize("minute", ["00", "30", "59"])
def test_an_hour_that_the_clock_skips_is_refused(minute: str) -> None:
    with pytest.raises(Unreadable, match="skips"):
        conversions.datetime(f"29.03.2026 02:{minute}", zone=BERLIN)


@given(st.integers(0, 100 * 366 * 24 * 3600 - 1))
def test_every_local_moment_is_read_as_itself_or_does_not_exist(seconds: int) -> None:
    local = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(seconds=seconds)
    assume(local.year < 2100)
    try:
        found = conversions.datetime(f"{local:%d.%m.%Y %H:%M:%S}", zone=BERLIN)
    except Unreadable:
        again = local.replace(tzinfo=BERLIN).astimezone(UTC).astimezone(BERLIN).replace(tzinfo=None)
        assert again != local
        return
    moment = found.value if isinstance(found, Doubtful) else found
    assert moment.astimezone(BERLIN).replace(tzinfo=None) == local


@pytest.mark.parametrize("ik", ["260326822", "101575519", "109519005", "108018007", "261101015", "510326822"])
def test_the_check_digit_of_an_ik_holds(ik: str) -> None:
    assert ik_is_plausible(ik)


@given(st.integers(0, 99_999_999))
def test_exactly_one_check_digit_fits(body: int) -> None:
    assert [ik_is_plausible(f"{body:08d}{digit}") for digit in range(10)].count(True) == 1


def test_a_wrong_check_digit_is_kept_with_a_warning() -> None:
    found = CONVERSIONS["iks"]("260326823")
    assert isinstance(found, Doubtful)
    assert (found.value, found.code) == (("260326823",), "ik-check-digit")
    assert "260326823" not in found.text_de + found.text_en


@given(st.text())
def test_folding_is_idempotent_and_blind_to_case_and_space(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(f"  {text} \n") == folded(text)


@given(st.sampled_from(sorted(CONVERSIONS)), json_values.filter(lambda value: not is_blank(value)))
def test_any_value_is_read_or_refused(name: str, value: Any) -> None:
    try:
        CONVERSIONS[name](value)
    except Unreadable as refused:
        assert refused.expected_de
