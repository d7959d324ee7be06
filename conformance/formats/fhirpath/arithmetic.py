"""`+ - * / div mod &` of two items (https://hl7.org/fhirpath/N1/#math-1)."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from conformance.formats.fhirpath import moments
from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.errors import CannotEvaluate
from conformance.formats.fhirpath.model import NUMBERS, SYSTEM, TEMPORALS
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.quantities import Quantity, calendar_unit, canonical
from conformance.formats.fhirpath.values import NUMERIC, quantity, single, string, system

__all__ = ["OPERATORS", "concatenated", "decimal_nodes", "integer_nodes", "negated"]

_LARGEST: Final = 2**31 - 1


def integer_nodes(number: int) -> list[Node]:
    """The Integer; empty where it has more than 32 bits."""
    return [Node("System.Integer", number)] if -_LARGEST - 1 <= number <= _LARGEST else []


def decimal_nodes(result: Callable[[], Decimal]) -> list[Node]:
    """The Decimal that comes out; empty where none does."""
    try:
        number = result()
    except ArithmeticError:
        return []
    return [Node("System.Decimal", number)] if number.is_finite() and abs(number.adjusted()) <= 200 else []


def negated(nodes: Sequence[Node]) -> list[Node]:
    """The one number with the other sign."""
    node = single(nodes)
    if node is None:
        return []
    found = quantity(node)
    if found is not None:
        return [Node("System.Quantity", found._replace(value=NUMERIC.minus(found.value)))]
    number = system(node) if SYSTEM.get(node.type) in NUMBERS else None
    if number is None:
        raise CannotEvaluate(f"{node.type} has no sign")
    return [Node(SYSTEM[node.type], -number if isinstance(number, int) else NUMERIC.minus(number))]


def concatenated(left: Sequence[Node], right: Sequence[Node], evaluation: Context) -> list[Node]:
    """`&`: empty counts as an empty text."""
    one, other = string(left) or "", string(right) or ""
    evaluation.text(len(one) + len(other))
    return [Node("System.String", one + other)]


def _both(operator: str, apply: Callable[[Node, Node, Context], list[Node]]) -> "Operator":
    def applied(left: Sequence[Node], right: Sequence[Node], evaluation: Context) -> list[Node]:
        one, other = single(left), single(right)
        if one is None or other is None or one.value is None or other.value is None:
            return []
        try:
            return apply(one, other, evaluation)
        except _NotForThese:
            raise CannotEvaluate(f"{one.type} {operator} {other.type} is not defined") from None

    return applied


class _NotForThese(Exception):
    """The types of the operands are none that the operator takes."""


def _added(left: Node, right: Node, evaluation: Context, sign: int) -> list[Node]:
    a, b = SYSTEM.get(left.type), SYSTEM.get(right.type)
    if sign > 0 and a == b == "System.String":
        return concatenated([left], [right], evaluation)
    if a in TEMPORALS or a == "System.Time":
        return _moved(left, right, sign)
    if a in NUMBERS and b in NUMBERS:
        return _sum(left, right, sign)
    one, other = quantity(left), quantity(right)
    if one is None or other is None:
        raise _NotForThese
    if (one.unit, one.calendar) == (other.unit, other.calendar):
        return [Node("System.Quantity", one._replace(value=NUMERIC.add(one.value, sign * other.value)))]
    x, y = canonical(one.unit, calendar=one.calendar), canonical(other.unit, calendar=other.calendar)
    if x is None or y is None or x[1] != y[1]:
        return []
    more = NUMERIC.divide(NUMERIC.multiply(other.value, y[0]), x[0])
    return [Node("System.Quantity", one._replace(value=NUMERIC.add(one.value, sign * more)))]


def _moved(left: Node, right: Node, sign: int) -> list[Node]:
    by = quantity(right)
    if by is None or not isinstance(left.value, str):
        raise _NotForThese
    unit = calendar_unit(by)
    if unit is None:
        raise CannotEvaluate("a date is moved by units of the calendar")
    text = moments.moved(left.value, sign * by.value, unit, is_time=SYSTEM[left.type] == "System.Time")
    return [] if text is None else [Node(SYSTEM[left.type], text)]


def _sum(left: Node, right: Node, sign: int) -> list[Node]:
    x, y = _two_numbers(left, right)
    if isinstance(x, int) and isinstance(y, int):
        return integer_nodes(x + sign * y)
    return decimal_nodes(lambda: NUMERIC.add(Decimal(x), sign * Decimal(y)))


def _multiplied(left: Node, right: Node, _: Context) -> list[Node]:
    if SYSTEM.get(left.type) in NUMBERS and SYSTEM.get(right.type) in NUMBERS:
        x, y = _two_numbers(left, right)
        if isinstance(x, int) and isinstance(y, int):
            return integer_nodes(x * y)
        return decimal_nodes(lambda: NUMERIC.multiply(Decimal(x), Decimal(y)))
    one, other = _as_quantities(left, right)
    return [
        Node("System.Quantity", Quantity(NUMERIC.multiply(one.value, other.value), _joined(one, ".", other), False))
    ]


def _divided(left: Node, right: Node, _: Context) -> list[Node]:
    if SYSTEM.get(left.type) in NUMBERS and SYSTEM.get(right.type) in NUMBERS:
        x, y = _two_numbers(left, right)
        return decimal_nodes(lambda: NUMERIC.divide(Decimal(x), Decimal(y)))
    one, other = _as_quantities(left, right)
    if not other.value:
        return []
    return [Node("System.Quantity", Quantity(NUMERIC.divide(one.value, other.value), _joined(one, "/", other), False))]


def _whole(left: Node, right: Node, _: Context) -> list[Node]:
    x, y = _two_numbers(left, right)
    if not y:
        return []
    try:
        return integer_nodes(int(NUMERIC.divide_int(Decimal(x), Decimal(y))))
    except ArithmeticError:
        return []


def _rest(left: Node, right: Node, _: Context) -> list[Node]:
    x, y = _two_numbers(left, right)
    if isinstance(x, int) and isinstance(y, int):
        return integer_nodes(int(NUMERIC.remainder(Decimal(x), Decimal(y)))) if y else []
    return decimal_nodes(lambda: NUMERIC.remainder(Decimal(x), Decimal(y)))


def _two_numbers(left: Node, right: Node) -> tuple[int | Decimal, int | Decimal]:
    if SYSTEM.get(left.type) not in NUMBERS or SYSTEM.get(right.type) not in NUMBERS:
        raise _NotForThese
    x, y = system(left), system(right)
    if x is None or y is None:
        raise _NotForThese
    return x, y


def _as_quantities(left: Node, right: Node) -> tuple[Quantity, Quantity]:
    found = []
    for node in (left, right):
        number = system(node) if SYSTEM.get(node.type) in NUMBERS else None
        one = quantity(node) if number is None else Quantity(Decimal(number), "1", False)
        if one is None:
            raise _NotForThese
        found.append(one)
    return found[0], found[1]


def _joined(left: Quantity, sign: str, right: Quantity) -> str:
    if right.unit == "1":
        return left.unit
    if sign == "/" and left.unit == right.unit:
        return "1"
    if left.unit == "1" and sign == ".":
        return right.unit
    # What is divided by a unit that divides is multiplied by its divisor.
    turned = right.unit.translate(str.maketrans("./", "/.")) if sign == "/" else right.unit
    return f"{left.unit}{sign}{turned}"


Operator = Callable[[Sequence[Node], Sequence[Node], Context], list[Node]]

OPERATORS: Final[dict[str, Operator]] = {
    "+": _both("+", lambda left, right, evaluation: _added(left, right, evaluation, 1)),
    "-": _both("-", lambda left, right, evaluation: _added(left, right, evaluation, -1)),
    "*": _both("*", _multiplied),
    "/": _both("/", _divided),
    "div": _both("div", _whole),
    "mod": _both("mod", _rest),
    "&": concatenated,
}
