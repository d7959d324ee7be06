"""Functions on texts (https://hl7.org/fhirpath/N1/#string-manipulation)."""

from collections.abc import Callable, Mapping

from conformance.formats.fhirpath import regular
from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.errors import CannotEvaluate
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.part import BOOLEAN, Function
from conformance.formats.fhirpath.values import singular, string

__all__ = ["FUNCTIONS"]

Arguments = list[list[Node]]
_TEXT = frozenset({"System.String"})
_INTEGER = frozenset({"System.Integer"})


def _text(evaluation: Context, text: str) -> list[Node]:
    evaluation.text(len(text))
    return [Node("System.String", text)]


def _test(holds: Callable[[str, str], bool]) -> Function:
    def apply(evaluation: Context, nodes: list[Node], arguments: Arguments) -> bool | None:
        text, part = string(nodes), string(arguments[0])
        if text is None or part is None:
            return None
        evaluation.text(len(text))
        return holds(text, part)

    return Function(apply, 1, 1, BOOLEAN)


def _index_of(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    text, part = string(nodes), string(arguments[0])
    if text is None or part is None:
        return []
    evaluation.text(len(text))
    return [Node("System.Integer", text.find(part))]


def _substring(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    text, start = string(nodes), singular(arguments[0], "System.Integer")
    length = singular(arguments[1], "System.Integer") if len(arguments) > 1 else None
    if text is None or start is None or not 0 <= start < len(text):
        return []
    return _text(evaluation, text[start:] if length is None else text[start : start + max(length, 0)])


def _changed(change: Callable[[str], str]) -> Function:
    def apply(evaluation: Context, nodes: list[Node], _: Arguments) -> list[Node]:
        text = string(nodes)
        return [] if text is None else _text(evaluation, change(text))

    return Function(apply, result=_TEXT)


def _length(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    text = string(nodes)
    return [] if text is None else [Node("System.Integer", len(text))]


def _replace(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    text, part, by = string(nodes), string(arguments[0]), string(arguments[1])
    if text is None or part is None or by is None:
        return []
    # Before it is made: a few replacements by themselves make a text of any length.
    evaluation.text(len(text) + text.count(part) * len(by))
    return _text(evaluation, text.replace(part, by))


def _pattern(text: str) -> regular.Pattern:
    try:
        return regular.pattern(text)
    except regular.NotRegular as error:
        raise CannotEvaluate(f"no regular expression that is taken: {error}") from None


def _matches(whole: bool) -> Function:
    def apply(evaluation: Context, nodes: list[Node], arguments: Arguments) -> bool | None:
        text, pattern = string(nodes), string(arguments[0])
        if text is None or pattern is None:
            return None
        found = _pattern(pattern)
        return found.matches(text, evaluation.spend) if whole else found.found_in(text, evaluation.spend)

    return Function(apply, 1, 1, BOOLEAN)


def _replace_matches(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    text, pattern, by = string(nodes), string(arguments[0]), string(arguments[1])
    if text is None or pattern is None or by is None:
        return []
    try:
        return _text(evaluation, _pattern(pattern).replaced(text, by, evaluation.spend))
    except regular.NotRegular as error:
        raise CannotEvaluate(str(error)) from None


def _to_chars(evaluation: Context, nodes: list[Node], _: Arguments) -> list[Node]:
    text = string(nodes) or ""
    evaluation.spend(len(text))
    return [Node("System.String", character) for character in text]


def _split(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    text, separator = string(nodes), string(arguments[0])
    if text is None or not separator:
        return []
    evaluation.spend(text.count(separator) + 1)
    return [Node("System.String", part) for part in text.split(separator)]


def _join(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    separator = string(arguments[0]) if arguments else ""
    texts = [text for node in nodes if (text := string([node])) is not None]
    evaluation.text(sum(map(len, texts)) + len(separator or "") * len(texts))
    return _text(evaluation, (separator or "").join(texts)) if texts else []


FUNCTIONS: Mapping[str, Function] = {
    "indexOf": Function(_index_of, 1, 1, _INTEGER),
    "substring": Function(_substring, 1, 2, _TEXT),
    "startsWith": _test(str.startswith),
    "endsWith": _test(str.endswith),
    "contains": _test(str.__contains__),
    "upper": _changed(str.upper),
    "lower": _changed(str.lower),
    "trim": _changed(str.strip),
    "length": Function(_length, result=_INTEGER),
    "replace": Function(_replace, 2, 2, _TEXT),
    "matches": _matches(whole=False),
    "matchesFull": _matches(whole=True),
    "replaceMatches": Function(_replace_matches, 2, 2, _TEXT),
    "toChars": Function(_to_chars, result=_TEXT),
    "split": Function(_split, 1, 1, _TEXT),
    "join": Function(_join, 0, 1, _TEXT),
}
