"""Whether a value is the one that a profile fixes, follows its pattern, or lies in its range
(https://hl7.org/fhir/R4/elementdefinition.html)."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

__all__ = ["below", "follows", "is_same", "shown"]

_LONGEST_SHOWN = 200


def is_same(value: Any, fixed: Any) -> bool:
    """Whether it is the same to the last element."""
    if isinstance(fixed, Mapping):
        return (
            isinstance(value, Mapping)
            and value.keys() == fixed.keys()
            and all(is_same(value[name], one) for name, one in fixed.items())
        )
    if isinstance(fixed, list):
        return (
            isinstance(value, list)
            and len(value) == len(fixed)
            and all(is_same(one, other) for one, other in zip(value, fixed, strict=True))
        )
    return _is_equal(value, fixed)


def follows(value: Any, pattern: Any, spend: Callable[[int], object] = lambda _: None) -> bool:
    """Whether all that the pattern says is there; there may be more. `spend` counts what it costs."""
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            name in value and follows(value[name], one, spend) for name, one in pattern.items()
        )
    if isinstance(pattern, list):
        if not isinstance(value, list):
            return False
        spend(len(value) * len(pattern) // 10)
        return all(any(follows(one, wanted, spend) for one in value) for wanted in pattern)
    return _is_equal(value, pattern)


def _is_equal(value: Any, other: Any) -> bool:
    # True is 1 to Python.
    return (type(value) is bool) == (type(other) is bool) and bool(value == other)


def below(value: Any, limit: Any) -> bool:
    """Whether a value is surely less than a limit of its type; what cannot be compared is not."""
    if isinstance(value, Mapping) and isinstance(limit, Mapping):
        units = ("system", "code", "unit")
        return all(value.get(name) == limit.get(name) for name in units[:2]) and below(
            value.get("value"), limit.get("value")
        )
    if isinstance(value, str) and isinstance(limit, str):
        return _is_before(value, limit)
    numbers = (int, float, Decimal)
    if isinstance(value, numbers) and isinstance(limit, numbers) and not isinstance(value, bool):
        return value < limit
    return False


def _is_before(value: str, limit: str) -> bool:
    try:
        if "T" in value and "T" in limit:
            return datetime.fromisoformat(value) < datetime.fromisoformat(limit)
        one, other = _day(value), _day(limit)
    except (ValueError, TypeError, OverflowError):
        return False
    precision = min(len(one), len(other))
    return one[:precision] < other[:precision]


def _day(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).date().isoformat() if "T" in moment else moment


def shown(value: Any) -> str:
    """What a profile expects, as a text of some length at most."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(one if one.isprintable() else " " for one in text[: _LONGEST_SHOWN + 1])
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"
