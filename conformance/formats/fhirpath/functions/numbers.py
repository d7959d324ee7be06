"""Functions on numbers (https://hl7.org/fhirpath/N1/#math)."""

from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from conformance.formats.fhirpath.arithmetic import decimal_nodes, integer_nodes
from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.errors import CannotEvaluate
from conformance.formats.fhirpath.model import NUMBERS, SYSTEM
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.part import Function
from conformance.formats.fhirpath.values import NUMERIC, quantity, single, singular, system

__all__ = ["FUNCTIONS"]

Arguments = list[list[Node]]
_INTEGER = frozenset({"System.Integer"})
_DECIMAL = frozenset({"System.Decimal"})


def _number(nodes: list[Node]) -> Any:
    node = single(nodes)
    if node is None or node.value is None:
        return None
    if SYSTEM.get(node.type) not in NUMBERS:
        raise CannotEvaluate(f"a number is expected, not {node.type}")
    return system(node)


def _whole(rounding: str) -> Function:
    def apply(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
        number = _number(nodes)
        return [] if number is None else integer_nodes(int(Decimal(number).to_integral_value(rounding)))

    return Function(apply, result=_INTEGER)


def _decimal(result: Callable[[Decimal], Decimal]) -> Function:
    def apply(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
        number = _number(nodes)
        return [] if number is None else decimal_nodes(lambda: result(Decimal(number)))

    return Function(apply, result=_DECIMAL)


def _abs(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    node = single(nodes)
    found = quantity(node) if node is not None else None
    if found is not None:
        return [Node("System.Quantity", found._replace(value=NUMERIC.abs(found.value)))]
    number = _number(nodes)
    if number is None:
        return []
    return integer_nodes(abs(number)) if isinstance(number, int) else decimal_nodes(lambda: NUMERIC.abs(number))


def _log(_: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    number, base = _number(nodes), _number(arguments[0])
    if number is None or base is None:
        return []
    return decimal_nodes(
        # Of more digits than are kept, so that 16.log(2) is 4.
        lambda: NUMERIC.divide(NUMERIC.ln(Decimal(number)), NUMERIC.ln(Decimal(base))).quantize(Decimal("1e-20"))
    )


def _power(_: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    number, exponent = _number(nodes), _number(arguments[0])
    if number is None or exponent is None:
        return []
    found = decimal_nodes(lambda: NUMERIC.power(Decimal(number), Decimal(exponent)))
    if found and isinstance(number, int) and isinstance(exponent, int) and exponent >= 0:
        return integer_nodes(int(found[0].value)) if abs(found[0].value) < 2**32 else []
    return found


def _round(_: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    number = _number(nodes)
    digits = singular(arguments[0], "System.Integer") if arguments else 0
    if number is None or digits is None:
        return []
    if not 0 <= digits <= 28:
        raise CannotEvaluate("round() takes 0 to 28 digits")
    return decimal_nodes(lambda: Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, NUMERIC))


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(_abs),
    "ceiling": _whole(ROUND_CEILING),
    "floor": _whole(ROUND_FLOOR),
    "truncate": _whole(ROUND_DOWN),
    "exp": _decimal(NUMERIC.exp),
    "ln": _decimal(NUMERIC.ln),
    "sqrt": _decimal(NUMERIC.sqrt),
    "log": Function(_log, 1, 1, _DECIMAL),
    "power": Function(_power, 1, 1),
    "round": Function(_round, 0, 1, _DECIMAL),
}
