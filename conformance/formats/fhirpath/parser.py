"""An expression into its syntax tree, by precedence (https://hl7.org/fhirpath/N1/#operator-precedence)."""

from decimal import Decimal
from typing import Final

from conformance.formats.fhirpath import moments
from conformance.formats.fhirpath.errors import NotFhirPath
from conformance.formats.fhirpath.lexer import Token, tokens, unescaped
from conformance.formats.fhirpath.quantities import CALENDAR_UNITS, Quantity
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
    Step,
    Syntax,
    TypeName,
    TypeOperation,
    Union,
    Variable,
)

__all__ = ["LONGEST", "parse"]

LONGEST: Final = 2_000
"""Characters; HL7's longest search expression has 1,386."""
_DEEPEST: Final = 50
_MOST_OPERATORS: Final = 150

_BINDING: Final = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    "<=": 6,
    ">": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
_TAKE_A_TYPE: Final = frozenset({"is", "as", "ofType"})


def parse(expression: str) -> Syntax:
    """The syntax tree of the expression. Raises `NotFhirPath`, also for one too long or too deep to be meant."""
    if len(expression) > LONGEST:
        raise NotFhirPath(f"longer than {LONGEST} characters", LONGEST)
    parser = _Parser(tokens(expression))
    found = parser.expression(0)
    parser.expect_end()
    return found


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._next = 0
        self._depth = 0
        self._operators = 0

    def expression(self, binding: int) -> Syntax:
        left = self._operand()
        while (operator := self._operator()) is not None and _BINDING[operator.text] > binding:
            self._next += 1
            strength = _BINDING[operator.text]
            if operator.text in ("is", "as"):
                self._count(operator.at)
                left = TypeOperation(at=operator.at, operator=operator.text, subject=left, type=self._type())
                continue
            right = self.expression(strength)
            if operator.text == "|":
                parts = left.parts if isinstance(left, Union) else (left,)
                left = Union(at=operator.at, parts=(*parts, right))
            else:
                self._count(operator.at)
                left = Operation(at=operator.at, operator=operator.text, left=left, right=right)
        return left

    def expect_end(self) -> None:
        if self._word.kind != "end":
            raise NotFhirPath("here the expression should end, or an operator stand", self._word.at)

    @property
    def _word(self) -> Token:
        return self._words[self._next]

    def _operator(self) -> Token | None:
        word = self._word
        return word if word.kind in ("symbol", "identifier") and word.text in _BINDING else None

    def _count(self, at: int) -> None:
        # Evaluation goes as deep as there are operators and functions in a chain.
        self._operators += 1
        if self._operators > _MOST_OPERATORS:
            raise NotFhirPath(f"more than {_MOST_OPERATORS} operators and functions", at)

    def _take(self, symbol: str) -> bool:
        if self._word.kind == "symbol" and self._word.text == symbol:
            self._next += 1
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise NotFhirPath(f"here '{symbol}' is expected", self._word.at)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotFhirPath(f"nested deeper than {_DEEPEST} levels", self._word.at)

    def _operand(self) -> Syntax:
        word = self._word
        if self._take("-") or self._take("+"):
            self._deeper()
            found = Sign(at=word.at, minus=word.text == "-", subject=self._operand())
            self._depth -= 1
            return found
        head = self._term()
        steps: list[Step] = []
        while True:
            at = self._word.at
            if self._take("."):
                steps.append(self._invocation())
            elif self._take("["):
                self._count(at)
                steps.append(Indexer(at=at, place=self._inner("]")))
            else:
                return Chain(at=word.at, head=head, steps=tuple(steps)) if steps else head

    def _inner(self, closing: str) -> Syntax:
        self._deeper()
        found = self.expression(0)
        self._expect(closing)
        self._depth -= 1
        return found

    def _term(self) -> Syntax:
        word = self._word
        if word.kind in ("identifier", "delimited"):
            if word.kind == "identifier" and word.text in ("true", "false"):
                self._next += 1
                return Literal(at=word.at, type="System.Boolean", value=word.text == "true")
            return self._invocation()
        self._next += 1
        match word.kind, word.text:
            case "symbol", "(":
                return self._inner(")")
            case "symbol", "{":
                self._expect("}")
                return Nothing(at=word.at)
            case "symbol", "%":
                return self._variable()
            case "special", "$this" | "$index" | "$total":
                return Special(at=word.at, name=word.text)
            case "string", _:
                return Literal(at=word.at, type="System.String", value=unescaped(word))
            case "number", _:
                return self._number(word)
            case "temporal", _:
                return _temporal(word)
        raise NotFhirPath("here a value, a name or '(' is expected", word.at)

    def _variable(self) -> Variable:
        word = self._word
        if word.kind not in ("identifier", "delimited", "string"):
            raise NotFhirPath("here the name of a variable is expected", word.at)
        self._next += 1
        return Variable(at=word.at, name=word.text if word.kind == "identifier" else unescaped(word))

    def _number(self, word: Token) -> Literal:
        number: int | Decimal = Decimal(word.text) if "." in word.text else int(word.text)
        following = self._word
        if following.kind == "string":
            self._next += 1
            return _quantity(word, number, unescaped(following), calendar=False)
        if following.kind == "identifier" and following.text in CALENDAR_UNITS:
            self._next += 1
            return _quantity(word, number, following.text, calendar=True)
        if isinstance(number, Decimal):
            return Literal(at=word.at, type="System.Decimal", value=number)
        if number > 2**31:
            raise NotFhirPath("an Integer has 32 bits", word.at)
        return Literal(at=word.at, type="System.Integer", value=number)

    def _name(self) -> str:
        word = self._word
        if word.kind not in ("identifier", "delimited"):
            raise NotFhirPath("here a name is expected", word.at)
        self._next += 1
        return unescaped(word) if word.kind == "delimited" else word.text

    def _type(self) -> TypeName:
        at = self._word.at
        name = self._name()
        if self._word.text == "." and name in ("FHIR", "System"):
            self._next += 1
            return TypeName(at=at, namespace=name, name=self._name())
        return TypeName(at=at, namespace=None, name=name)

    def _invocation(self) -> Member | Call:
        at = self._word.at
        name = self._name()
        if not self._take("("):
            return Member(at=at, name=name)
        self._count(at)
        if name in _TAKE_A_TYPE:
            type_name = self._type()
            self._expect(")")
            return Call(at=at, name=name, arguments=(), type=type_name)
        arguments: list[Syntax] = []
        self._deeper()
        if not self._take(")"):
            arguments.append(self.expression(0))
            while self._take(","):
                arguments.append(self.expression(0))
            self._expect(")")
        self._depth -= 1
        return Call(at=at, name=name, arguments=tuple(arguments), type=None)


def _quantity(word: Token, number: int | Decimal, unit: str, *, calendar: bool) -> Literal:
    return Literal(at=word.at, type="System.Quantity", value=Quantity(Decimal(number), unit, calendar))


def _temporal(word: Token) -> Literal:
    text = word.text[1:]
    if text.startswith("T"):
        kind, text = "System.Time", text[1:]
    else:
        kind = "System.DateTime" if "T" in text else "System.Date"
    if moments.moment(text, is_time=kind == "System.Time") is None:
        raise NotFhirPath("a date or time that no calendar or clock has", word.at)
    return Literal(at=word.at, type=kind, value=text)
