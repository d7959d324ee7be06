"""Nodes as values: read as System types, equal, equivalent, before or after
(https://hl7.org/fhirpath/N1/#equality, https://hl7.org/fhirpath/N1/#comparison)."""

from collections.abc import Hashable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final

from conformance.formats.fhirpath import moments
from conformance.formats.fhirpath.context import Context as Evaluation
from conformance.formats.fhirpath.errors import CannotEvaluate
from conformance.formats.fhirpath.model import NUMBERS, QUANTITIES, SYSTEM, TEMPORALS
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.quantities import Quantity, canonical

__all__ = [
    "NUMERIC",
    "compared",
    "distinct",
    "equal",
    "equivalent",
    "identity",
    "quantity",
    "same",
    "single",
    "singular",
    "string",
    "system",
    "written",
]

NUMERIC: Final = Context(prec=60)
"""Numbers of a resource have at most 100 digits; results keep 60."""

_UCUM: Final = "http://unitsofmeasure.org"
_PYTHON: Final[dict[str, tuple[type, ...]]] = {
    "System.Boolean": (bool,),
    "System.String": (str,),
    "System.Integer": (int,),
    "System.Decimal": (Decimal, int),
    "System.Date": (str,),
    "System.DateTime": (str,),
    "System.Time": (str,),
    "System.Quantity": (Quantity,),
}


def single(nodes: Sequence[Node]) -> Node | None:
    """The one node, or none. Raises `CannotEvaluate` where there are several."""
    if len(nodes) > 1:
        raise CannotEvaluate(f"one item is expected, and there are {len(nodes)}")
    return nodes[0] if nodes else None


def singular(nodes: Sequence[Node], kind: str) -> Any:
    """The value of the one node, of this System type, or None. Raises `CannotEvaluate`."""
    node = single(nodes)
    if node is None or node.value is None:
        return None
    if kind == "System.Quantity":
        found = quantity(node)
        if found is not None:
            return found
    elif SYSTEM.get(node.type) == kind and (value := system(node)) is not None:
        return value
    raise CannotEvaluate(f"{kind.removeprefix('System.')} is expected, not {node.type.removeprefix('System.')}")


def string(nodes: Sequence[Node]) -> str | None:
    """The text of the one node, or None. Raises `CannotEvaluate` where it is no text."""
    found: str | None = singular(nodes, "System.String")
    return found


def system(node: Node) -> Any:
    """The value, if it is one of its System type; else None."""
    kind = SYSTEM.get(node.type)
    value = node.value
    if kind is None or not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) != (kind == "System.Boolean")):
        return None
    return value


def quantity(node: Node) -> Quantity | None:
    """A System Quantity, or the FHIR one that can be read as it (https://hl7.org/fhir/R4/fhirpath.html#quantity)."""
    if node.type == "System.Quantity":
        found: Quantity = node.value
        return found
    value = node.value
    if node.type not in QUANTITIES or not isinstance(value, dict) or "comparator" in value:
        return None
    number, code, where = value.get("value"), value.get("code"), value.get("system")
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        return None
    if where == _UCUM and isinstance(code, str):
        return Quantity(Decimal(number), code, False)
    # A unit of another system is comparable with itself alone.
    return Quantity(Decimal(number), f"{where or ''}|{code or value.get('unit') or ''}", False)


def identity(node: Node, evaluation: Evaluation) -> Hashable:
    """What is equal for nodes that are, as far as that can be said: sets of nodes are sets of these."""
    kind, value = SYSTEM.get(node.type), node.value
    if kind == "System.String":
        if isinstance(value, str):
            return value
        kind = None
    if value is None:
        return ("extension", _frozen(node.extra, evaluation))
    if kind in TEMPORALS or kind == "System.Time":
        moment = _moment(node, kind)
        return ("moment", kind == "System.Time", moment) if moment else ("text", str(value))
    if kind == "System.Quantity":
        known = canonical(value.unit, calendar=value.calendar)
        return ("quantity", NUMERIC.multiply(value.value, known[0]), known[1]) if known else ("quantity", *value)
    return _frozen(value, evaluation)


def distinct(nodes: Sequence[Node], evaluation: Evaluation) -> list[Node]:
    """The nodes without those that equal an earlier one."""
    evaluation.spend(len(nodes))
    if len(nodes) < 2:
        return list(nodes)
    seen: dict[Hashable, Node] = {}
    for node in nodes:
        seen.setdefault(identity(node, evaluation), node)
    return list(seen.values())


def equal(left: Node, right: Node, evaluation: Evaluation) -> bool | None:
    """`=` of two items; None where it cannot be said."""
    a, b = SYSTEM.get(left.type), SYSTEM.get(right.type)
    if left.value is None or right.value is None:
        return left.value is right.value and identity(left, evaluation) == identity(right, evaluation)
    if (a in TEMPORALS and b in TEMPORALS) or a == b == "System.Time":
        order = _order_of_moments(left, right)
        return None if order is None else order == 0
    if "System.Quantity" in (a, b):
        one, other = quantity(left), quantity(right)
        if one is None or other is None:
            return False
        order = _order_of_quantities(one, other)
        return _incomparable(one, other) if order is None else order == 0
    if a == b or (a in NUMBERS and b in NUMBERS):
        if isinstance(left.value, str):
            evaluation.text(len(left.value))
        return identity(left, evaluation) == identity(right, evaluation)
    return False


def same(left: Sequence[Node], right: Sequence[Node], evaluation: Evaluation) -> bool | None:
    """`=` of two collections."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    evaluation.spend(len(left))
    found: bool | None = True
    for one, other in zip(left, right, strict=True):
        result = equal(one, other, evaluation)
        if result is False:
            return False
        if result is None:
            found = None
    return found


def equivalent(left: Sequence[Node], right: Sequence[Node], evaluation: Evaluation) -> bool:
    """`~` of two collections: in any order, as precise as the less precise."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for one in left:
        for place, other in enumerate(rest):
            evaluation.spend(1)
            if _alike(one, other, evaluation):
                del rest[place]
                break
        else:
            return False
    return True


def compared(left: Sequence[Node], right: Sequence[Node], evaluation: Evaluation) -> int | None:
    """-1, 0 or 1; None where one side is empty or too imprecise. Raises `CannotEvaluate` for types without an order."""
    one, other = single(left), single(right)
    if one is None or other is None or one.value is None or other.value is None:
        return None
    a, b = SYSTEM.get(one.type), SYSTEM.get(other.type)
    if (a in TEMPORALS and b in TEMPORALS) or a == b == "System.Time":
        return _order_of_moments(one, other)
    if a == b == "System.String" or (a in NUMBERS and b in NUMBERS):
        x, y = system(one), system(other)
        if isinstance(x, str):
            evaluation.text(len(x))
        return None if x is None or y is None else (x > y) - (x < y)
    x, y = quantity(one), quantity(other)
    if x is None or y is None:
        if one.type in QUANTITIES and other.type in QUANTITIES:
            return None
        raise CannotEvaluate(f"{one.type} and {other.type} have no order")
    return _order_of_quantities(x, y)


def written(node: Node) -> str | None:
    """The value as `toString()` writes it; None where it has no text."""
    value = quantity(node) if node.type == "System.Quantity" else system(node)
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Quantity():
            unit = value.unit if value.calendar else f"'{value.unit}'"
            return f"{value.value:f} {unit}"
        case Decimal():
            return f"{value:f}"
    return str(value)


def _moment(node: Node, kind: str) -> moments.Moment | None:
    return moments.moment(node.value, is_time=kind == "System.Time") if isinstance(node.value, str) else None


def _order_of_moments(left: Node, right: Node) -> int | None:
    a, b = _moment(left, SYSTEM[left.type]), _moment(right, SYSTEM[right.type])
    return None if a is None or b is None else moments.compare(a, b)


def _order_of_quantities(left: Quantity, right: Quantity) -> int | None:
    x, y = left.value, right.value
    if (left.unit, left.calendar) != (right.unit, right.calendar):
        a, b = canonical(left.unit, calendar=left.calendar), canonical(right.unit, calendar=right.calendar)
        if a is None or b is None or a[1] != b[1]:
            return None
        x, y = NUMERIC.multiply(x, a[0]), NUMERIC.multiply(y, b[0])
    return (x > y) - (x < y)


def _incomparable(left: Quantity, right: Quantity) -> bool | None:
    """Kilograms are no metres; but whether a month of the calendar is UCUM's cannot be said."""
    a, b = canonical(left.unit, calendar=left.calendar), canonical(right.unit, calendar=right.calendar)
    return None if a is None or b is None or left.calendar != right.calendar else False


def _frozen(value: Any, evaluation: Evaluation) -> Hashable:
    if isinstance(value, dict):
        evaluation.spend(len(value))
        return ("object", frozenset((key, _frozen(child, evaluation)) for key, child in value.items()))
    if isinstance(value, list):
        evaluation.spend(len(value))
        return ("list", tuple(_frozen(child, evaluation) for child in value))
    # True equals 1 in Python.
    return ("boolean", value) if isinstance(value, bool) else value


def _alike(left: Node, right: Node, evaluation: Evaluation) -> bool:
    a, b = SYSTEM.get(left.type), SYSTEM.get(right.type)
    if (a in TEMPORALS and b in TEMPORALS) or a == b == "System.Time":
        x, y = _moment(left, a or ""), _moment(right, b or "")
        return x is not None and y is not None and x.precision == y.precision and moments.compare(x, y) == 0
    if "System.Quantity" in (a, b):
        one, other = quantity(left), quantity(right)
        return one is not None and other is not None and _alike_quantities(one, other, evaluation)
    return _alike_values(left.value, right.value, evaluation)


def _alike_quantities(left: Quantity, right: Quantity, evaluation: Evaluation) -> bool:
    a, b = canonical(left.unit, calendar=left.calendar), canonical(right.unit, calendar=right.calendar)
    if left.unit == right.unit:
        return _alike_values(left.value, right.value, evaluation)
    if a is None or b is None or a[1] != b[1]:
        return False
    in_unit = NUMERIC.divide(NUMERIC.multiply(right.value, b[0]), a[0]).normalize()
    return _alike_values(left.value, in_unit, evaluation)


def _alike_values(left: Any, right: Any, evaluation: Evaluation) -> bool:
    evaluation.spend(1)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        evaluation.text(len(left) + len(right))
        return " ".join(left.lower().split()) == " ".join(right.lower().split())
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return _rounded_alike(Decimal(left), Decimal(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_alike_values(left[key], right[key], evaluation) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            _alike_values(one, other, evaluation) for one, other in zip(left, right, strict=True)
        )
    return left is None and right is None


def _rounded_alike(left: Decimal, right: Decimal) -> bool:
    digits = min(_digits(left), _digits(right))
    unit = Decimal(1).scaleb(-digits)
    a, b = (NUMERIC.divide(one, unit).to_integral_value(ROUND_HALF_UP) for one in (left, right))
    return a == b


def _digits(number: Decimal) -> int:
    """Of the decimals, without the zeros at their end."""
    return max(0, -int(number.normalize(NUMERIC).as_tuple().exponent))
