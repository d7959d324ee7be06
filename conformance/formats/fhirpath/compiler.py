"""A syntax tree into closures over nodes (https://hl7.org/fhirpath/N1/#expressions).

What is known of types is used twice: elements that a type does not have are refused when the expression is compiled,
and where a type is only known from the resource, paths find their way when they are walked.
"""

from collections.abc import Callable, Sequence

from conformance.formats import r4_types
from conformance.formats.fhirpath import iteration, regular
from conformance.formats.fhirpath.arithmetic import OPERATORS, negated
from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.errors import NotFhirPath
from conformance.formats.fhirpath.functions import FUNCTIONS
from conformance.formats.fhirpath.model import ABSTRACT, ancestors, ways
from conformance.formats.fhirpath.node import Node, collect
from conformance.formats.fhirpath.part import BOOLEAN, Function, Nodes, Part, Truth, Types, boolean, truth_of
from conformance.formats.fhirpath.references import enclosing, outermost
from conformance.formats.fhirpath.syntax import (
    Call,
    Chain,
    Indexer,
    Literal,
    Member,
    Nothing,
    Operation,
    Sign,
    Special,
    Syntax,
    TypeName,
    TypeOperation,
    Union,
    Variable,
)
from conformance.formats.fhirpath.typing_rules import fhir_type, matcher
from conformance.formats.fhirpath.values import compared, distinct, equal, equivalent, same, single, singular

__all__ = ["compiled"]

_CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def compiled(syntax: Syntax, of: str) -> Part:
    """The expression for a focus of this type. Raises `NotFhirPath`."""
    return _Compiler(None if of in ABSTRACT else frozenset({of})).part(syntax)


class _Compiler:
    """Compiles what stands where `$this` is of these types (None: who knows)."""

    def __init__(self, this: Types | None) -> None:
        self._this = this

    def part(self, syntax: Syntax) -> Part:
        match syntax:
            case Literal():
                node = Node(syntax.type, syntax.value)
                return Part(nodes=lambda _: [node], types=frozenset({syntax.type}))
            case Nothing():
                return Part(nodes=lambda _: [], types=frozenset())
            case Variable():
                return _variable(syntax)
            case Special():
                return self._special(syntax)
            case Member() | Call():
                return self._chain(syntax, ())
            case Chain():
                return self._chain(syntax.head, syntax.steps)
            case Sign():
                return self._sign(syntax)
            case Union():
                return self._union(syntax)
            case TypeOperation(operator="is"):
                return _is(self.part(syntax.subject), matcher(syntax.type, exact=False, lenient=True))
            case TypeOperation():
                return _of_type(self.part(syntax.subject), syntax.type)
            case Operation():
                return self._operation(syntax)

    def _focus(self) -> Part:
        return Part(nodes=lambda evaluation: evaluation.this, types=self._this)

    def _special(self, syntax: Special) -> Part:
        if syntax.name == "$this":
            return self._focus()
        if syntax.name == "$index":
            return Part(
                nodes=lambda evaluation: [] if evaluation.index is None else [Node("System.Integer", evaluation.index)],
                types=frozenset({"System.Integer"}),
            )
        return Part(nodes=lambda evaluation: evaluation.total)

    def _chain(self, head: Syntax, steps: Sequence[Member | Call | Indexer]) -> Part:
        rest = list(steps)
        if isinstance(head, Member) and head.name[:1].isupper():
            found = self._type_at_the_beginning(head)
        elif isinstance(head, Member | Call):
            found, rest = self._focus(), [head, *rest]
        else:
            found = self.part(head)
        while rest:
            step = rest.pop(0)
            if isinstance(step, Member):
                names = [step]
                while rest and isinstance(rest[0], Member):
                    names.append(rest.pop(0))  # type: ignore[arg-type]  # just asked
                found = _path(found, names)
            elif isinstance(step, Call):
                found = self._call(found, step)
            else:
                found = self._indexed(found, step)
        return found

    def _type_at_the_beginning(self, head: Member) -> Part:
        """`Patient` in `Patient.name`: the focus, if it is one."""
        name = TypeName(at=head.at, namespace=None, name=head.name)
        wanted = fhir_type(name)
        is_one = matcher(name, exact=False, lenient=False)
        types = frozenset({wanted or f"System.{head.name}"})
        if wanted in ABSTRACT:
            types_or_unknown = self._this
        else:
            types_or_unknown = types
            if self._this is not None and not any(wanted in ancestors(one) for one in self._this):
                # One expression serves several types: for this one, the branch has nothing.
                return Part(nodes=lambda _: [], types=types)
        return Part(nodes=lambda evaluation: [node for node in evaluation.this if is_one(node)], types=types_or_unknown)

    def _sign(self, syntax: Sign) -> Part:
        subject = self.part(syntax.subject)
        nodes = subject.nodes
        if syntax.minus:
            return Part(nodes=lambda evaluation: negated(nodes(evaluation)), types=subject.types)

        def positive(evaluation: Context) -> list[Node]:
            found = nodes(evaluation)
            negated(found)
            return found

        return Part(nodes=positive, types=subject.types)

    def _union(self, syntax: Union) -> Part:
        parts = [self.part(one) for one in syntax.parts]
        several = [one.nodes for one in parts]

        def union(evaluation: Context) -> list[Node]:
            return distinct([node for nodes in several for node in nodes(evaluation)], evaluation)

        return Part(nodes=union, types=_all_types(parts))

    def _operation(self, syntax: Operation) -> Part:
        left, right = self.part(syntax.left), self.part(syntax.right)
        operator = syntax.operator
        if operator in ("and", "or", "xor", "implies"):
            return boolean(_LOGIC[operator](truth_of(left), truth_of(right)))
        a, b = left.nodes, right.nodes
        match operator:
            case "=" | "!=":
                return boolean(_equality(a, b, wanted=operator == "="))
            case "~" | "!~":
                wanted = operator == "~"
                return boolean(lambda evaluation: equivalent(a(evaluation), b(evaluation), evaluation) is wanted)
            case "in":
                return boolean(_membership(a, b))
            case "contains":
                return boolean(_membership(b, a))
            case "<" | "<=" | ">" | ">=":
                holds = _COMPARISONS[operator]

                def comparison(evaluation: Context) -> bool | None:
                    order = compared(a(evaluation), b(evaluation), evaluation)
                    return None if order is None else holds(order)

                return boolean(comparison)
        apply = OPERATORS[operator]
        return Part(nodes=lambda evaluation: apply(a(evaluation), b(evaluation), evaluation))

    def _indexed(self, source: Part, step: Indexer) -> Part:
        nodes, place = source.nodes, self.part(step.place).nodes

        def indexed(evaluation: Context) -> list[Node]:
            number = singular(place(evaluation), "System.Integer")
            found = nodes(evaluation)
            return [] if number is None or not 0 <= number < len(found) else [found[number]]

        return Part(nodes=indexed, types=source.types)

    def _call(self, source: Part, call: Call) -> Part:
        if call.type is not None:
            if call.name == "is":
                return _is(source, matcher(call.type, exact=False, lenient=False))
            return _of_type(source, call.type)
        if call.name in ("exists", "empty", "not"):
            self._expect(call, 0, 1 if call.name == "exists" else 0)
            if not call.arguments:
                return boolean(_not(truth_of(source)) if call.name == "not" else _presence(source, call.name))
        if call.name in iteration.FUNCTIONS:
            return self._iterated(source, call)
        function = FUNCTIONS.get(call.name)
        if function is None:
            raise NotFhirPath(f"'{call.name}' is no function of FHIRPath that is known here", call.at)
        self._expect(call, function.least, function.most)
        if call.name in ("matches", "matchesFull", "replaceMatches"):
            _expect_regular(call)
        return self._applied(source, call, function)

    def _iterated(self, source: Part, call: Call) -> Part:
        function = iteration.FUNCTIONS[call.name]
        self._expect(call, function.least, function.most)
        inner = _Compiler(None if call.name in ("repeat", "aggregate") else source.types)
        bodies = [
            # The name of a trace and the start of an aggregate are no bodies: they are said once, from outside.
            (self if place in function.outside else inner).part(one)
            for place, one in enumerate(call.arguments)
        ]
        return function.build(source, bodies)

    def _applied(self, source: Part, call: Call, function: Function) -> Part:
        parts = [self.part(one) for one in call.arguments]
        nodes, arguments, apply = source.nodes, [one.nodes for one in parts], function.apply

        def applied(evaluation: Context) -> list[Node] | bool | None:
            return apply(evaluation, nodes(evaluation), [one(evaluation) for one in arguments])

        if function.result is BOOLEAN:
            return boolean(applied)  # type: ignore[arg-type]  # these return a bool or None
        types = source.types if function.result == "input" else function.result
        if call.name in ("union", "combine"):
            types = _all_types([source, *parts])
        return Part(nodes=applied, types=types)  # type: ignore[arg-type]  # all others return nodes

    def _expect(self, call: Call, least: int, most: int) -> None:
        if not least <= len(call.arguments) <= most:
            raise NotFhirPath(f"{call.name}() is called with the wrong number of arguments", call.at)


def _all_types(parts: Sequence[Part]) -> Types | None:
    found: set[str] = set()
    for part in parts:
        if part.types is None:
            return None
        found |= part.types
    return frozenset(found)


def _path(source: Part, members: Sequence[Member]) -> Part:
    types = source.types
    for member in members:
        types = _types_of(types, member)
    names = [member.name for member in members]
    before = _walked(source.nodes, names[:-1]) if len(names) > 1 else source.nodes
    last = names[-1]

    def present(evaluation: Context) -> bool:
        return any(_is_there(node, last) for node in before(evaluation))

    return Part(nodes=_walked(source.nodes, names), present=present, types=types)


def _walked(source: Nodes, names: Sequence[str]) -> Nodes:
    def path(evaluation: Context) -> list[Node]:
        nodes = source(evaluation)
        for name in names:
            if not nodes:
                break
            found: list[Node] = []
            for node in nodes:
                several = ways(node.type).get(name)
                holder = node.value if isinstance(node.value, dict) else node.extra
                if several is not None and isinstance(holder, dict):
                    for way in several:
                        if way[0] in holder or way[1] in holder:
                            collect(node, holder, way, found)
            evaluation.spend(len(found) + 1)
            nodes = found
        return nodes

    return path


def _is_there(node: Node, name: str) -> bool:
    several = ways(node.type).get(name)
    holder = node.value if isinstance(node.value, dict) else node.extra
    if several is None or not isinstance(holder, dict):
        return False
    return any(holder.get(way[0]) is not None or (way[1] is not None and holder.get(way[1])) for way in several)


def _types_of(types: Types | None, member: Member) -> Types | None:
    """The types that an element of these types has. Raises `NotFhirPath` where none of them has it."""
    if types is None or types & ABSTRACT:
        return None
    found: set[str] = set()
    for one in types:
        found.update(way.type for way in ways(one).get(member.name, ()))
    if not found and types:
        known = ", ".join(sorted(types)) if len(types) < 5 else "any of its types"
        raise NotFhirPath(f"'{member.name}' is no element of {known}{_hint(types, member.name)}", member.at)
    return frozenset(found)


def _hint(types: Types, name: str) -> str:
    for one in types & r4_types.names():
        if name in r4_types.json_names(one):
            element, kind = r4_types.json_names(one)[name]
            return f"; paths say {element.name.removesuffix('[x]')}.ofType({kind})"
    return ""


def _variable(syntax: Variable) -> Part:
    match syntax.name:
        case "context":
            return Part(nodes=lambda evaluation: [evaluation.origin])
        case "resource":
            return Part(nodes=lambda evaluation: [enclosing(evaluation.origin)])
        case "rootResource":
            return Part(nodes=lambda evaluation: [outermost(evaluation.origin)])
    text = _CONSTANTS.get(syntax.name)
    if text is None and syntax.name.startswith("vs-"):
        text = f"http://hl7.org/fhir/ValueSet/{syntax.name.removeprefix('vs-')}"
    if text is None and syntax.name.startswith("ext-"):
        text = f"http://hl7.org/fhir/StructureDefinition/{syntax.name.removeprefix('ext-')}"
    if text is None:
        raise NotFhirPath(f"'%{syntax.name}' is no variable that is known here", syntax.at)
    node = Node("System.String", text)
    return Part(nodes=lambda _: [node], types=frozenset({"System.String"}))


def _is(source: Part, is_one: Callable[[Node], bool]) -> Part:
    nodes = source.nodes

    def test(evaluation: Context) -> bool | None:
        node = single(nodes(evaluation))
        return None if node is None else is_one(node)

    return boolean(test)


def _of_type(source: Part, name: TypeName) -> Part:
    # R4's search expressions say `as` of collections; so it is a filter here, as `ofType` is.
    is_one = matcher(name, exact=True, lenient=True)
    nodes = source.nodes
    wanted = fhir_type(name)
    types = None if wanted is None or wanted in ABSTRACT else frozenset({wanted})
    return Part(nodes=lambda evaluation: [node for node in nodes(evaluation) if is_one(node)], types=types)


def _presence(source: Part, name: str) -> Truth:
    exists = name == "exists"
    if source.present is not None:
        present = source.present
        return lambda evaluation: present(evaluation) is exists
    nodes = source.nodes
    return lambda evaluation: bool(nodes(evaluation)) is exists


def _not(truth: Truth) -> Truth:
    def negation(evaluation: Context) -> bool | None:
        found = truth(evaluation)
        return None if found is None else not found

    return negation


def _equality(left: Nodes, right: Nodes, *, wanted: bool) -> Truth:
    def equality(evaluation: Context) -> bool | None:
        found = same(left(evaluation), right(evaluation), evaluation)
        return None if found is None else found is wanted

    return equality


def _membership(item: Nodes, collection: Nodes) -> Truth:
    def membership(evaluation: Context) -> bool | None:
        node = single(item(evaluation))
        if node is None:
            return None
        several = collection(evaluation)
        evaluation.spend(len(several))
        return any(equal(node, one, evaluation) is True for one in several)

    return membership


def _and(left: Truth, right: Truth) -> Truth:
    def both(evaluation: Context) -> bool | None:
        one = left(evaluation)
        if one is False:
            return False
        other = right(evaluation)
        return False if other is False else None if one is None or other is None else True

    return both


def _or(left: Truth, right: Truth) -> Truth:
    def either(evaluation: Context) -> bool | None:
        one = left(evaluation)
        if one is True:
            return True
        other = right(evaluation)
        return True if other is True else None if one is None or other is None else False

    return either


def _xor(left: Truth, right: Truth) -> Truth:
    def one_of_both(evaluation: Context) -> bool | None:
        one, other = left(evaluation), right(evaluation)
        return None if one is None or other is None else one is not other

    return one_of_both


def _implies(left: Truth, right: Truth) -> Truth:
    return _or(_not(left), right)


_LOGIC = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}


def _expect_regular(call: Call) -> None:
    """A pattern that is written down is read now, not at its first use."""
    pattern = call.arguments[0]
    if isinstance(pattern, Literal) and isinstance(pattern.value, str):
        try:
            regular.pattern(pattern.value)
        except regular.NotRegular as error:
            raise NotFhirPath(f"no regular expression that is taken: {error}", pattern.at) from None
