"""The syntax tree of an expression (https://hl7.org/fhirpath/N1/#grammar)."""

from dataclasses import dataclass
from typing import Any

__all__ = [
    "Call",
    "Chain",
    "Indexer",
    "Literal",
    "Member",
    "Nothing",
    "Operation",
    "Sign",
    "Special",
    "Step",
    "Syntax",
    "TypeName",
    "TypeOperation",
    "Union",
    "Variable",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A value written down, of one of the System types."""

    at: int
    type: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """The empty collection, `{}`."""

    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A value of the environment: `%resource`."""

    at: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """`$this`, `$index` or `$total`."""

    at: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeName:
    """The name of a type, and of its namespace where that is said."""

    at: int
    namespace: str | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The elements of a name."""

    at: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function, called; `type` is set, and there are no arguments, where the function takes a type."""

    at: int
    name: str
    arguments: tuple["Syntax", ...]
    type: TypeName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexer:
    """`[place]`."""

    at: int
    place: "Syntax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Steps from a beginning on: `name.given.first()`."""

    at: int
    head: "Syntax"
    steps: tuple["Step", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Two operands and what stands between them, unions and types excepted."""

    at: int
    operator: str
    left: "Syntax"
    right: "Syntax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """Collections joined by `|`."""

    at: int
    parts: tuple["Syntax", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeOperation:
    """`is` or `as`."""

    at: int
    operator: str
    subject: "Syntax"
    type: TypeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A plus or minus before a number."""

    at: int
    minus: bool
    subject: "Syntax"


Step = Member | Call | Indexer
Syntax = Literal | Nothing | Variable | Special | Member | Call | Chain | Operation | Union | TypeOperation | Sign
