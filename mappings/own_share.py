"""The own share (Eigenanteil) as people write it: an amount of euros, and whether a month or a day costs it."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from mappings.conversions import Unreadable, folded, text
from mappings.reader import is_blank
from mappings.vacancy import OwnShare, Per

__all__ = ["CONVERSIONS"]

_A_MONTHS = 30_000
"""In cents: what costs less may be a day's, and a number alone does not say so."""
_MOST = 10_000_000
_AMOUNT = re.compile(
    r"(?:euro?|€)? ?"
    r"(?P<whole>[0-9]{1,6}|[0-9]{1,3}(?P<thousands>[., ])[0-9]{3})(?:(?P<point>[.,])(?P<cents>[0-9]{1,2}|-{1,2}|–))?"
    r" ?(?:euro?|€)? ?(?P<per>[a-zäöü/].*)?"
)
_PERS: Mapping[str, Per] = {
    **dict.fromkeys(("monat", "mtl", "mtl.", "monatlich", "month", "monthly", "m", "mon", "mon."), Per.MONTH),
    **dict.fromkeys(("tag", "tgl", "tgl.", "täglich", "day", "daily", "t", "d"), Per.DAY),
}
_BEFORE_PER = re.compile(r"^(?:/|pro|je|im|am|per|a|each) ?")


def own_share(value: Any) -> OwnShare:
    """The own share of a text or number, or of `[amount, month or day]`; from 300 euros on a month's unless said."""
    amount, time = value if isinstance(value, list) and len(value) == 2 else (value, None)
    cents, per = _number(amount) if isinstance(amount, int | Decimal) else _text(amount)
    said = None if is_blank(time) else _per(time)
    per = per or said
    if per is None and (cents == 0 or cents >= _A_MONTHS):
        per = Per.MONTH
    if per is None or (said is not None and said is not per) or cents > _MOST:
        raise _unreadable()
    return OwnShare(cents=cents, per=per)


def _number(value: int | Decimal) -> tuple[int, None]:
    cents = Decimal(value) * 100
    if isinstance(value, bool) or not cents.is_finite() or not 0 <= cents <= _MOST or cents != int(cents):
        raise _unreadable()
    return int(cents), None


def _text(value: Any) -> tuple[int, Per | None]:
    try:
        match = _AMOUNT.fullmatch(folded(text(value)))
    except Unreadable:
        match = None
    if match is None or (match["thousands"] and match["thousands"] == match["point"]):
        raise _unreadable()
    cents = (match["cents"] or "").strip("-–").ljust(2, "0")
    return int(re.sub("[., ]", "", match["whole"]) + cents), _per(match["per"]) if match["per"] else None


def _per(value: Any) -> Per:
    said = _BEFORE_PER.sub("", folded(value)) if isinstance(value, str) else ""
    if said not in _PERS:
        raise _unreadable()
    return _PERS[said]


def _unreadable() -> Unreadable:
    return Unreadable(
        "ein Betrag in Euro mit seiner Zeit wie „1.845,50 € im Monat“ oder „62,30 € am Tag“",
        'an amount in euros with its time like "1845.50 EUR a month" or "62.30 EUR a day"',
        whole=True,
    )


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({"own_share": own_share})
"""The conversions by the name that a source map calls them."""
