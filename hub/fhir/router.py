"""Finds who answers a request: the interactions and operations that are there (https://hl7.org/fhir/R4/http.html#summary).

An interaction is a module of `hub.fhir.interactions`, an operation one of `hub.fhir.operations`; each says its own
`ROUTES`, whether it `WRITES`, and has an `answer`. One that writes may say that a request `joins` others: then its
`answers` writes all that wait at once. One that reads by one statement says so (`READS_ONCE`), and is spared a
transaction.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, ClassVar

from hub.errors import MethodNotAllowed, NotFound
from hub.fhir import interactions, operations
from hub.fhir.context import Context
from hub.fhir.cross_origin import refuse_foreign
from hub.fhir.request import Answer, Request
from hub.fhir.unknown_address import unknown_address
from hub.store.reader import Reader
from mappings.errors import Issue

__all__ = ["modules", "perform", "routed", "writes"]


@dataclass(slots=True)
class _Node:
    """Where a path can go on from here, and who answers it here."""

    words: dict[str, "_Node"] = field(default_factory=dict)
    variable: tuple[str, "_Node"] | None = None
    methods: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """Answers what is done to an address (https://www.rfc-editor.org/rfc/rfc9110#name-options)."""

    allowed: str
    WRITES: ClassVar[bool] = False

    def answer(self, _context: Context, _reader: Reader, _request: Request) -> Answer:
        return Answer(status=204, headers={"Allow": self.allowed})


def modules() -> Iterator[Any]:
    """Every interaction and every operation."""
    for package in (interactions, operations):
        for info in pkgutil.iter_modules(package.__path__):
            module: ModuleType = importlib.import_module(f"{package.__name__}.{info.name}")
            if hasattr(module, "ROUTES"):
                yield module


def routed(context: Context, request: Request) -> tuple[Any, Request]:
    """The module that answers a request, and the request with the variables of its path.

    Raises `NotFound` for an address that there is not, `MethodNotAllowed` for what is not done to it, `Forbidden` for
    what is not done for the page that asks.
    """
    node, variables = _tree(), {}
    for position, word in enumerate(request.path):
        if word in node.words:
            node = node.words[word]
            if position == 0 and word[0].isupper():
                variables["type"] = word  # an operation's own type
        elif node.variable is not None and _can_be(node.variable[0], word):
            variables[node.variable[0]] = word
            node = node.variable[1]
        else:
            raise _unknown_address(context, request)
    told = variables.get("type")
    if told is not None and not context.registry().serves(told):
        raise _unknown_address(context, request)
    if not node.methods:
        raise _unknown_address(context, request)
    module = node.methods.get(request.method)
    if module is None or not _is_done(context, module):
        allowed = _allowed(context, node.methods)
        if request.method != "OPTIONS":
            raise _not_done(context, allowed)
        module = _Options(allowed=allowed)
    found = request.routed(variables)
    if module.WRITES and request.header("origin") and writes(context, module, found):
        refuse_foreign(request.header("origin"))
    return module, found


def writes(context: Context, module: Any, request: Request) -> bool:
    """Whether a request needs a transaction."""
    asked = getattr(module, "writes", None)
    return bool(module.WRITES if asked is None else asked(context, request))


def perform(context: Context, reader: Reader, request: Request) -> Answer:
    """The answer to any request."""
    module, found = routed(context, request)
    answer: Answer = module.answer(context, reader, found)
    return answer


@cache
def _tree() -> _Node:
    root = _Node()
    for module in modules():
        for method, path in module.ROUTES:
            node = root
            for word in path.strip("/").split("/") if path != "/" else ():
                if word.startswith("{"):
                    name = word.strip("{}")
                    if node.variable is None:
                        node.variable = (name, _Node())
                    node = node.variable[1]
                else:
                    node = node.words.setdefault(word, _Node())
            if method in node.methods:
                raise ValueError(f"{method} {path} is answered twice")
            node.methods[method] = module
    _graft(root)
    return root


def _graft(node: _Node) -> None:
    """What holds for every type holds for one that has routes of its own: `Location/$x` must not hide `Location/1`."""
    if node.variable is not None:
        for word, below in node.words.items():
            if word[0].isupper():
                _merge(below, node.variable[1])
    for below in node.words.values():
        _graft(below)
    if node.variable is not None:
        _graft(node.variable[1])


def _merge(own: _Node, general: _Node) -> None:
    for method, module in general.methods.items():
        own.methods.setdefault(method, module)
    for word, below in general.words.items():
        _merge(own.words.setdefault(word, _Node()), below)
    if general.variable is not None:
        if own.variable is None:
            own.variable = (general.variable[0], _Node())
        _merge(own.variable[1], general.variable[1])


def _can_be(name: str, word: str) -> bool:
    """A word of the protocol is nobody's type or id."""
    return word[:1].isalpha() and word.isascii() if name == "type" else not word.startswith(("$", "_"))


def _is_done(context: Context, module: Any) -> bool:
    """Whether a server that may not write does it."""
    return context.store is not None or not module.WRITES or hasattr(module, "writes")


def _allowed(context: Context, methods: Mapping[str, Any]) -> str:
    done = {method for method, module in methods.items() if _is_done(context, module)}
    return ", ".join(sorted(done | {"OPTIONS"} | ({"HEAD"} if "GET" in done else set())))


def _not_done(context: Context, allowed: str) -> MethodNotAllowed:
    text_de, text_en = f"das geht hier nicht; möglich: {allowed}", f"this is not done here; possible: {allowed}"
    if context.store is None:
        text_de += (
            ". /fhir wird nur gelesen, mit GET und mit POST (_search, Bundles vom Typ batch, Operationen); Meldungen "
            "nimmt POST /ingest/{Quelle} an; Schreiben probiert man mit platzfrei serve --sandbox aus"
        )
        text_en += (
            ". /fhir is only read, by GET and by POST (_search, Bundles of type batch, operations); "
            "POST /ingest/{source} takes reports; writing can be tried with platzfrei serve --sandbox"
        )
    return MethodNotAllowed(
        Issue(code="read-only", fhir_code="not-supported", place="http", text_de=text_de, text_en=text_en),
        headers={"Allow": allowed},
    )


def _unknown_address(context: Context, request: Request) -> NotFound:
    return unknown_address(request.path, types=context.registry().types, operations=_operations())


@cache
def _operations() -> tuple[str, ...]:
    routes = (path for module in modules() if hasattr(module, "NAME") for _, path in module.ROUTES)
    return tuple(dict.fromkeys(routes))
