"""Quantities with units: the ones that can be compared with each other are brought to the same unit
(https://hl7.org/fhirpath/N1/#quantity, https://ucum.org/ucum)."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["CALENDAR_UNITS", "Quantity", "calendar_unit", "canonical"]

CALENDAR_UNITS: Final = {
    plural: unit
    for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in (unit, f"{unit}s")
}
"""Word → its singular."""

_UCUM_OF_CALENDAR: Final = {
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
_CALENDAR_OF_UCUM: Final = {ucum: word for word, ucum in _UCUM_OF_CALENDAR.items()}

_PREFIXES: Final = {
    "": 0,
    "da": 1,
    "h": 2,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "d": -1,
    "c": -2,
    "m": -3,
    "u": -6,
    "n": -9,
    "p": -12,
    "f": -15,
}
_METRIC: Final = {
    "m": ("1", {"m": 1}),
    "g": ("1", {"g": 1}),
    "s": ("1", {"s": 1}),
    "K": ("1", {"K": 1}),
    "mol": ("1", {"mol": 1}),
    "L": ("0.001", {"m": 3}),
    "l": ("0.001", {"m": 3}),
    "Pa": ("1000", {"g": 1, "m": -1, "s": -2}),
    "J": ("1000", {"g": 1, "m": 2, "s": -2}),
    "W": ("1000", {"g": 1, "m": 2, "s": -3}),
    "Hz": ("1", {"s": -1}),
}
_OTHERS: Final[dict[str, tuple[str, dict[str, int]]]] = {
    "1": ("1", {}),
    "%": ("0.01", {}),
    "min": ("60", {"s": 1}),
    "h": ("3600", {"s": 1}),
    "d": ("86400", {"s": 1}),
    "wk": ("604800", {"s": 1}),
    "mo": ("2629800", {"s": 1}),
    "a": ("31557600", {"s": 1}),
    "[in_i]": ("0.0254", {"m": 1}),
    "[ft_i]": ("0.3048", {"m": 1}),
    "[lb_av]": ("453.59237", {"g": 1}),
    "[oz_av]": ("28.349523125", {"g": 1}),
}
_LONGEST: Final = 50
_TERM = re.compile(r"([^0-9./+-]+|1)([+-]?[0-9]{1,2})?")


class Quantity(NamedTuple):
    """A number and its unit: UCUM's, or a word of the calendar."""

    value: Decimal
    unit: str
    calendar: bool


Dimensions = frozenset[tuple[str, int]]


def calendar_unit(quantity: Quantity) -> str | None:
    """The word of the calendar (`day`) that dates are moved by; None where the unit has none."""
    # A UCUM month or year is a mean one: dates are not moved by it.
    return CALENDAR_UNITS.get(quantity.unit) or (None if quantity.calendar else _CALENDAR_OF_UCUM.get(quantity.unit))


def canonical(unit: str, *, calendar: bool) -> tuple[Decimal, Dimensions] | None:
    """How many of which base units one of this unit is; None where we do not know the unit."""
    return _canonical(unit, calendar=calendar) if len(unit) <= _LONGEST else None


@lru_cache(maxsize=1024)
def _canonical(unit: str, *, calendar: bool) -> tuple[Decimal, Dimensions] | None:
    if calendar:
        word = CALENDAR_UNITS[unit]
        if word in ("year", "month"):
            return Decimal(12 if word == "year" else 1), frozenset({("calendar month", 1)})
        unit = _UCUM_OF_CALENDAR[word]
    factor = Decimal(1)
    dimensions: dict[str, int] = {}
    for sign, term in re.findall(r"(^|[./])([^./]*)", unit):
        match = _TERM.fullmatch(term)
        one = _atom(match[1]) if match else None
        if match is None or one is None:
            return None
        power = int(match[2] or 1) * (-1 if sign == "/" else 1)
        try:
            factor *= one[0] ** power
        except ArithmeticError:
            return None
        for name, exponent in one[1].items():
            dimensions[name] = dimensions.get(name, 0) + exponent * power
    return factor, frozenset((name, exponent) for name, exponent in dimensions.items() if exponent)


def _atom(text: str) -> tuple[Decimal, dict[str, int]] | None:
    if text in _OTHERS:
        factor, dimensions = _OTHERS[text]
        return Decimal(factor), dimensions
    for name, (factor, dimensions) in _METRIC.items():
        prefix = text.removesuffix(name)
        if prefix != text and prefix in _PREFIXES:
            return Decimal(factor).scaleb(_PREFIXES[prefix]), dimensions
    return None
