"""Days and hours as homes write them: read as they are meant, or refused with what is expected."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from hypothesis import given

from mappings import weekly
from mappings.conversions import Unreadable
from mappings.vacancy import Hours, Weekday
from tests.strategies import json_values

MON, TUE, WED, THU, FRI, SAT, SUN = Weekday
WORKDAYS = (MON, TUE, WED, THU, FRI)


def convert(name: str, value: Any) -> Any:
    return weekly.CONVERSIONS[name](value)


def spans(days: tuple[Weekday, ...], *times: tuple[int, int] | tuple[float, float]) -> tuple[Hours, ...]:
    return tuple(Hours(days=days, opens=_time(opens), closes=_time(closes)) for opens, closes in times)


def _time(hour: float) -> time:
    return time(int(hour), round(hour % 1 * 60))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mo-Fr 8-16 Uhr", spans(WORKDAYS, (8, 16))),
        ("Mo–Fr: 8:00–12:00 und 14.00–16.30 Uhr", spans(WORKDAYS, (8, 12), (14, 16.5))),
        ("Montag bis Freitag von 08:00 bis 16:00 Uhr", spans(WORKDAYS, (8, 16))),
        ("Mo.-Do. 8-16 h, Fr. 8-12 h", (*spans((MON, TUE, WED, THU), (8, 16)), *spans((FRI,), (8, 12)))),
        ("Mo, Mi u. Fr 9-11; Sa/So 10-12", (*spans((MON, WED, FRI), (9, 11)), *spans((SAT, SUN), (10, 12)))),
        ("Fr-Mo 8-9", spans((MON, FRI, SAT, SUN), (8, 9))),
        ("montags und dienstags 8 Uhr - 12 Uhr", spans((MON, TUE), (8, 12))),
        ("Mon-Fri 8:00-16:00", spans(WORKDAYS, (8, 16))),
        ("täglich 8-24 Uhr", (Hours(days=tuple(Weekday), opens=time(8), closes=time(23, 59)),)),
        ("täglich 0-24 Uhr", (Hours(days=tuple(Weekday)),)),
        ("rund um die Uhr", (Hours(days=tuple(Weekday)),)),
        ("Mo-Fr 24h", (Hours(days=WORKDAYS),)),
        ("24/7", (Hours(days=tuple(Weekday)),)),
        ("Mo 8-24 h", spans((MON,), (8, 23 + 59 / 60))),
        ([{"days": ["wed", "mon"], "opens": "08:00", "closes": "16:00"}], spans((MON, WED), (8, 16))),
        ([{"days": ["sun"], "opens": "00:00", "closes": "24:00"}], (Hours(days=(SUN,)),)),
    ],
)
def test_hours_are_read(text: Any, expected: tuple[Hours, ...]) -> None:
    assert convert("hours", text) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("8-16 Uhr", "Mo-Fr", "nach Absprache", "Mo-Fr ab 8 Uhr", "Mo-Fr 16-8 Uhr", "Mo-Fr 8-25 Uhr", "Mo-Fr 8.61-9"),
        *("werktags 8-16 Uhr", "Mo-Fr 8-12 Uhr Frau Muster", "Mo-Fr 8-12 Uhr, Tel. 04471 5550", "X110411675", "8", ""),
        *([], [{}], [{"days": ["mon"]}], [{"days": [], "opens": "08:00", "closes": "16:00"}], {"days": ["mon"]}, 8),
        [{"days": ["mon"], "opens": "08:00", "closes": "16:00", "name": "Frau Muster"}],
        [{"days": ["mon"], "opens": "16:00", "closes": "16:00"}],
        [{"days": ["mon"], "opens": "08:00", "closes": "16:00"}] * 51,
    ],
)
def test_what_is_no_hours_says_what_is_expected(value: Any) -> None:
    with pytest.raises(Unreadable) as refused:
        convert("hours", value)
    assert refused.value.expected_de
    assert "Muster" not in refused.value.expected_de


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mo-Do", (MON, TUE, WED, THU)),
        ("Mi, Mo", (MON, WED)),
        ("täglich", tuple(Weekday)),
        ("weekdays", WORKDAYS),
        (["tue", "mon"], (MON, TUE)),
        (["Dienstag"], (TUE,)),
    ],
)
def test_days_are_read_in_the_order_of_the_week(value: Any, expected: tuple[Weekday, ...]) -> None:
    assert convert("weekdays", value) == expected


@pytest.mark.parametrize("value", ["werktags", "Mo-", "Mo-Fr 8-12", "nie", [], ["Feiertag"], [1], 1, None, {}])
def test_what_is_no_day_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable):
        convert("weekdays", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("15:00", time(15)),
        ("15 Uhr", time(15)),
        ("bis 15.30 Uhr", time(15, 30)),
        ("9", time(9)),
        ("15:00:00", time(15)),
        ("24:00", time(23, 59)),
    ],
)
def test_a_time_is_read(value: str, expected: time) -> None:
    assert convert("clock", value) == expected


@pytest.mark.parametrize("value", ["25:00", "12:60", "24:01", "abends", "", "15:00:30", 15, None, "0,5"])
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(Unreadable):
        convert("clock", value)


@pytest.mark.parametrize("conversion", weekly.CONVERSIONS.values(), ids=weekly.CONVERSIONS)
@given(value=json_values)
def test_whatever_stands_there_is_read_or_unreadable(conversion: Callable[[Any], Any], value: Any) -> None:
    try:
        conversion(value)
    except Unreadable as unreadable:
        assert unreadable.expected_de
        assert unreadable.expected_en
