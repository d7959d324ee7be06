"""The functions that FHIR adds, and those of the clock
(https://hl7.org/fhir/R4/fhirpath.html#functions, https://hl7.org/fhirpath/N1/#current-date-and-time-functions)."""

from collections.abc import Mapping

from conformance.formats import r4_types
from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.errors import CannotEvaluate
from conformance.formats.fhirpath.model import SYSTEM, ancestors
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.part import BOOLEAN, Function
from conformance.formats.fhirpath.references import resolved
from conformance.formats.fhirpath.values import single, string, system

__all__ = ["FUNCTIONS"]

Arguments = list[list[Node]]
_BASE = "http://hl7.org/fhir/StructureDefinition/"


def _has_value(_: Context, nodes: list[Node], __: Arguments) -> bool:
    return len(nodes) == 1 and nodes[0].type in SYSTEM and nodes[0].value is not None


def _get_value(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    node = nodes[0] if len(nodes) == 1 else None
    value = None if node is None else system(node)
    return [] if node is None or value is None else [Node(SYSTEM[node.type], value)]


def _resolve(evaluation: Context, nodes: list[Node], _: Arguments) -> list[Node]:
    evaluation.spend(len(nodes))
    return [found for node in nodes if (found := resolved(node, evaluation)) is not None]


def _extension(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    url = string(arguments[0])
    found = [child for node in nodes for child in node.children() if child.name == "extension"]
    evaluation.spend(len(nodes) + len(found))
    return [one for one in found if one.value.get("url") == url]


def _has_extension(evaluation: Context, nodes: list[Node], arguments: Arguments) -> bool:
    return bool(_extension(evaluation, nodes, arguments))


def _conforms_to(_: Context, nodes: list[Node], arguments: Arguments) -> bool | None:
    node, url = single(nodes), string(arguments[0])
    if node is None or url is None:
        return None
    name = url.removeprefix(_BASE)
    if name == url or name not in r4_types.names():
        raise CannotEvaluate("only the types of R4 itself are known here, no other profile")
    return name in ancestors(node.type)


def _true(_: Context, nodes: list[Node], __: Arguments) -> bool | None:
    # Codes are checked by the binding, the narrative by its own rules: here neither is a reason to refuse.
    return True if nodes else None


def _input(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    return nodes


def _type(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    found = []
    for node in nodes:
        system_type = node.type.startswith("System.")
        namespace, name = ("System", node.type.removeprefix("System.")) if system_type else ("FHIR", node.type)
        found.append(Node("System.ClassInfo", {"namespace": namespace, "name": name}))
    return found


def _now(evaluation: Context, _: list[Node], __: Arguments) -> list[Node]:
    return [Node("System.DateTime", evaluation.now.isoformat(timespec="milliseconds"))]


def _today(evaluation: Context, _: list[Node], __: Arguments) -> list[Node]:
    return [Node("System.Date", evaluation.now.date().isoformat())]


def _time_of_day(evaluation: Context, _: list[Node], __: Arguments) -> list[Node]:
    return [Node("System.Time", evaluation.now.time().isoformat(timespec="milliseconds"))]


FUNCTIONS: Mapping[str, Function] = {
    "hasValue": Function(_has_value, result=BOOLEAN),
    "getValue": Function(_get_value),
    "resolve": Function(_resolve),
    "extension": Function(_extension, 1, 1, frozenset({"Extension"})),
    "hasExtension": Function(_has_extension, 1, 1, BOOLEAN),
    "conformsTo": Function(_conforms_to, 1, 1, BOOLEAN),
    "memberOf": Function(_true, 1, 1, BOOLEAN),
    "htmlChecks": Function(_true, result=BOOLEAN),
    "checkModifiers": Function(_input, 0, 20, "input"),
    "type": Function(_type, result=frozenset({"System.ClassInfo"})),
    "now": Function(_now, result=frozenset({"System.DateTime"})),
    "today": Function(_today, result=frozenset({"System.Date"})),
    "timeOfDay": Function(_time_of_day, result=frozenset({"System.Time"})),
}
