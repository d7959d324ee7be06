"""The own share as homes write it: euros a month or a day, and nothing guessed where it may be either."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from mappings.conversions import Unreadable
from mappings.own_share import CONVERSIONS
from mappings.vacancy import OwnShare, Per
from tests.strategies import json_values

own_share = CONVERSIONS["own_share"]


@pytest.mark.parametrize(
    ("value", "cents", "per"),
    [
        ("2.845,50 €", 284_550, Per.MONTH),
        ("2845,50", 284_550, Per.MONTH),
        ("2845.5 EUR", 284_550, Per.MONTH),
        ("2,845.50 EUR a month", 284_550, Per.MONTH),
        ("€ 2 845,– mtl.", 284_500, Per.MONTH),
        ("2.845 Euro pro Monat", 284_500, Per.MONTH),
        ("62,30 € am Tag", 6_230, Per.DAY),
        ("62,30 €/Tag", 6_230, Per.DAY),
        ("62 EUR tgl.", 6_200, Per.DAY),
        ("250 € im Monat", 25_000, Per.MONTH),
        ("0", 0, Per.MONTH),
        ("300", 30_000, Per.MONTH),
        (Decimal("2845.50"), 284_550, Per.MONTH),
        (2845, 284_500, Per.MONTH),
        ([Decimal("62.3"), "day"], 6_230, Per.DAY),
        ([62, "Tag"], 6_200, Per.DAY),
        (["62,30 € am Tag", "day"], 6_230, Per.DAY),
        ([2845, None], 284_500, Per.MONTH),
    ],
)
def test_an_amount_is_read_with_its_time(value: Any, cents: int, per: Per) -> None:
    assert own_share(value) == OwnShare(cents=cents, per=per)


@pytest.mark.parametrize(
    "value",
    [
        *("62,30", "62", 62, Decimal("62.3"), "299,99 €"),  # a day's or a month's
        *("-300", "2845,505", "2.845.50", "1.234.567", "2845 $", "2845 € im Jahr", "auf Anfrage", "", "100.001", "1e3"),
        *(True, None, [], {}, [62], [62, "week"], [None, "day"], ["62 € am Tag", "month"], 100_001),
        *(Decimal("845.555"), Decimal("NaN"), Decimal("-1"), Decimal("1e99"), -1),
    ],
)
def test_what_may_be_either_or_is_none_says_what_is_expected(value: Any) -> None:
    with pytest.raises(Unreadable) as refused:
        own_share(value)
    assert "62,30 € am Tag" in refused.value.expected_de
    assert "62.30 EUR a day" in refused.value.expected_en


@given(value=json_values)
def test_whatever_stands_there_is_read_or_unreadable(value: Any) -> None:
    try:
        own_share(value)
    except Unreadable as unreadable:
        assert unreadable.expected_de
