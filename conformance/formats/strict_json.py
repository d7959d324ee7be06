"""JSON without its ambiguities: no key twice, no NaN, no lone surrogate, bounded depth and digits, decimals exact
(I-JSON, https://www.rfc-editor.org/rfc/rfc7493; RFC 8259, https://www.rfc-editor.org/rfc/rfc8259)."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NoReturn

from conformance.formats.grouped import grouped

__all__ = ["NotJson", "parse"]

_DEEPEST = 50
_MOST_OBJECTS = 500_000
"""And lists: what is in each is looked at, however little it is; a hundred thousand facilities have fewer."""
_LONGEST_NUMBER = 100
_LARGEST_EXPONENT = 400
_BOM = b"\xef\xbb\xbf"


class NotJson(ValueError):
    """Bytes that are no JSON that we take: why, and where; the reason repeats nothing of the content.

    `reason` is English, `reason_de` German.
    """

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.reason_de = _REASONS_DE.get(reason, _REASON_DE_ELSE)
        self.line = line
        self.column = column


class _Offence(ValueError):
    """One of the things that Python's parser lets pass; where it stands is looked for afterwards."""


_TOO_MANY = f"more than {_MOST_OBJECTS:,} objects and lists; divide it"
_TOO_DEEP = f"nested deeper than {_DEEPEST} levels"
_TWICE = "a key stands twice in one object"
_NO_NUMBER = "NaN and Infinity are no JSON"
_TOO_LONG = f"a number of more than {_LONGEST_NUMBER} digits"
_NO_TEXT = "a NUL or half a surrogate pair in a text"
_NO_UTF8 = "bytes that are not UTF-8"
_REASONS_DE: Mapping[str, str] = MappingProxyType(
    {
        _TOO_MANY: f"mehr als {grouped(_MOST_OBJECTS)} Objekte und Listen; teilen",
        _TOO_DEEP: f"tiefer als {_DEEPEST} Ebenen geschachtelt",
        _TWICE: "ein Schlüssel steht zweimal in einem Objekt",
        _NO_NUMBER: "NaN und Infinity sind kein JSON",
        _TOO_LONG: f"eine Zahl mit mehr als {_LONGEST_NUMBER} Ziffern",
        _NO_TEXT: "ein NUL oder ein halbes Surrogatpaar in einem Text",
        _NO_UTF8: "Bytes, die kein UTF-8 sind",
        "expecting value": "ein Wert wird erwartet",
        "expecting property name enclosed in double quotes": "ein Name in doppelten Anführungszeichen wird erwartet",
        "expecting ':' delimiter": "ein „:“ wird erwartet",
        "expecting ',' delimiter": "ein „,“ oder das Ende des Objekts oder der Liste wird erwartet",
        "extra data": "nach dem Ende steht noch etwas",
        "illegal trailing comma before end of object": "ein Komma vor dem Ende des Objekts",
        "illegal trailing comma before end of array": "ein Komma vor dem Ende der Liste",
        "unterminated string starting at": "ein Text, der hier beginnt, endet nicht",
        "invalid control character at": "ein Steuerzeichen in einem Text",
        r"invalid \escape": r"ein Zeichen nach „\“, das JSON nicht kennt",
        r"invalid \uXXXX escape": r"nach „\u“ stehen keine vier Hexadezimalziffern",
    }
)
"""The reasons in German; those of Python's parser are as `_reason` gives them."""
_REASON_DE_ELSE = "kein gültiges JSON"


def parse(body: bytes) -> Any:
    """The value that the bytes write; whole numbers are `int`, all others `Decimal`. Raises `NotJson`.

    UTF-8, with or without a byte-order mark.
    """
    body = body.removeprefix(_BOM)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        raise NotJson(_NO_UTF8, *_at(before, len(before))) from None
    _refuse_shape(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
        )
        if _MAYBE_BAD.search(text):
            _refuse_bad_text(value)
    except json.JSONDecodeError as error:
        raise NotJson(_reason(error), error.lineno, error.colno) from None
    except _Offence as offence:
        raise NotJson(str(offence), *_at(text, _position(text, str(offence)))) from None
    return value


# A string may lack its end here: a body that ends inside one is refused by the parser, and the scan stays linear.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)


def _refuse_shape(text: str) -> None:
    opened = text.count("[") + text.count("{")
    if opened <= _DEEPEST:
        return
    if opened > _MOST_OBJECTS and sum(1 for _ in _BRACKETS.finditer(_STRING.sub("", text))) > _MOST_OBJECTS:
        raise NotJson(_TOO_MANY, 1, 1)
    brackets = _NO_BRACKETS.sub("", _STRING.sub("", text))
    for _ in range(_DEEPEST):
        if not brackets:
            return
        brackets = _INNERMOST.sub("", brackets)
    if not brackets:
        return
    # Deeper, or never closed: the parser says the second of what is not the first.
    depth = 0
    for match in re.finditer(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', text, re.DOTALL):
        bracket = match[0]
        if bracket in "[{":
            depth += 1
            if depth > _DEEPEST:
                raise NotJson(_TOO_DEEP, *_at(text, match.start()))
        elif bracket in "]}":
            depth -= 1


_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[{]")
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_INNERMOST = re.compile(r"\[\]|\{\}")
_MAYBE_BAD = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|\x00")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Offence(_TWICE)
    return found


def _integer(digits: str) -> int:
    if _too_long(digits):
        raise _Offence(_TOO_LONG)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    if _too_long(digits):
        raise _Offence(_TOO_LONG)
    return Decimal(digits)


def _too_long(digits: str) -> bool:
    """Whether a number is longer than any that is meant, written out: `1e400000` is a bomb for who adds to it."""
    mantissa, _, exponent = digits.lower().partition("e")
    return len(mantissa) > _LONGEST_NUMBER or len(exponent) > 4 or abs(int(exponent or 0)) > _LARGEST_EXPONENT


def _constant(_: str) -> NoReturn:
    raise _Offence(_NO_NUMBER)


_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def _refuse_bad_text(value: Any) -> None:
    if isinstance(value, str):
        if _BAD_CHARACTER.search(value):
            raise _Offence(_NO_TEXT)
    elif isinstance(value, dict):
        for key, child in value.items():
            _refuse_bad_text(key)
            _refuse_bad_text(child)
    elif isinstance(value, list):
        for child in value:
            _refuse_bad_text(child)


def _reason(error: json.JSONDecodeError) -> str:
    # Python's reasons are fixed phrases, without the content.
    return error.msg[:1].lower() + error.msg[1:].partition(": ")[0]


def _position(text: str, offence: str) -> int:
    """Where the first offence of this kind stands; runs only once one is known to be there."""
    tokens = list(_TOKEN.finditer(text))
    found = _twice(tokens) if offence == _TWICE else (match for match in tokens if _offends(match[0], offence))
    first = next(iter(found), None)
    return first.start() if first else 0


def _offends(lexeme: str, offence: str) -> bool:
    if offence == _TOO_LONG:
        return lexeme[0] in "-0123456789" and _too_long(lexeme)
    if offence == _NO_NUMBER:
        return lexeme in ("NaN", "Infinity", "-Infinity")
    return lexeme[0] == '"' and bool(_BAD_CHARACTER.search(json.loads(lexeme)))


def _twice(tokens: list[re.Match[str]]) -> Iterator[re.Match[str]]:
    keys: list[set[str]] = []
    for match, following in zip(tokens, [*tokens[1:], None], strict=True):
        lexeme = match[0]
        if lexeme in "[{":
            keys.append(set())
        elif lexeme in "]}":
            keys.pop()
        elif lexeme[0] == '"' and following is not None and following[0] == ":":
            key = json.loads(lexeme)
            if key in keys[-1]:
                yield match
            keys[-1].add(key)


def _at(text: str, position: int) -> tuple[int, int]:
    line = text.count("\n", 0, position) + 1
    return line, position - (text.rfind("\n", 0, position) + 1) + 1
