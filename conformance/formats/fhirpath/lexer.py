"""The words of a FHIRPath expression (https://hl7.org/fhirpath/N1/#lexical-elements)."""

import re
from dataclasses import dataclass
from typing import Literal

from conformance.formats.fhirpath.errors import NotFhirPath

__all__ = ["Token", "tokens", "unescaped"]

Kind = Literal["temporal", "number", "string", "delimited", "identifier", "special", "symbol", "end"]

_TIME = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_TOKEN = re.compile(
    rf"""(?P<space>[ \t\r\n]+ | //[^\r\n]* | /\*(?:[^*]|\*(?!/))*+\*/)
    | (?P<temporal>@(?:T{_TIME} | {_DATE}(?:T(?:{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?)?))
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<string>'(?:[^'\\]|\\.)*+')
    | (?P<delimited>`(?:[^`\\]|\\.)*+` | "(?:[^"\\]|\\.)*+")
    | (?P<identifier>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<special>\$[a-z]+)
    | (?P<symbol><=|>=|!=|!~|[.,()\[\]{{}}|&+\-*/<>=~%])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_PLAIN = {"'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/", "r": "\r", "n": "\n", "t": "\t", "f": "\f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word, and the character that it starts at."""

    kind: Kind
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """The words of the text, and one that marks its end. Raises `NotFhirPath`."""
    found = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise NotFhirPath("here starts no word of FHIRPath", at)
        kind = match.lastgroup
        if kind != "space":
            found.append(Token(kind=kind, text=match[0], at=at))  # type: ignore[arg-type]  # the groups are the kinds
        at = match.end()
    found.append(Token(kind="end", text="", at=at))
    return found


def unescaped(token: Token) -> str:
    """What stands between the quotation marks of a string or a delimited identifier. Raises `NotFhirPath`."""

    def character(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] not in _PLAIN:
            raise NotFhirPath("an escape that FHIRPath does not know", token.at + 1 + match.start())
        return _PLAIN[match[2]]

    text = _ESCAPE.sub(character, token.text[1:-1])
    try:
        # A pair of surrogates, written as two escapes, is one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise NotFhirPath("half a surrogate pair", token.at) from None
