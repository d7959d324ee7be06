"""FHIR R4's primitive types: which JSON values are of each (https://hl7.org/fhir/R4/datatypes.html#primitive)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TypeGuard

__all__ = ["PRIMITIVES", "Primitive"]

_LONGEST_STRING = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Primitive:
    """A primitive type: whether a JSON value is of it, and what is expected instead of one that is not."""

    name: str
    python: tuple[type, ...]
    """The types of the JSON values that can be right."""
    holds: Callable[[object], bool]
    expected_en: str
    expected_de: str


def _boolean(value: object) -> bool:
    return value is True or value is False


def _between(least: int, most: int) -> Callable[[object], bool]:
    # `type(…) is int`, because True and False are integers to isinstance.
    return lambda value: type(value) is int and least <= value <= most


def _decimal(value: object) -> bool:
    return type(value) is Decimal or type(value) is int or (type(value) is float and value - value == 0)


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _string(value: object) -> bool:
    return _has_content(value) and len(value) <= _LONGEST_STRING


def _has_content(value: object) -> TypeGuard[str]:
    return type(value) is str and bool(value) and (value.isprintable() or _CONTROL.search(value) is None)


def _text(pattern: str) -> Callable[[object], bool]:
    match = re.compile(pattern).fullmatch
    return lambda value: type(value) is str and match(value) is not None


_YEAR = "(?!0000)[0-9]{4}"
_MONTH = "0[1-9]|1[0-2]"
_DAY = "0[1-9]|[12][0-9]|3[01]"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = "Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)"
_DATE = f"({_YEAR})(?:-({_MONTH})(?:-({_DAY}))?)?"
_DATE_TIME = f"({_YEAR})(?:-({_MONTH})(?:-({_DAY})(?:T{_TIME}(?:{_ZONE}))?)?)?"
_INSTANT = f"({_YEAR})-({_MONTH})-({_DAY})T{_TIME}(?:{_ZONE})"
_SHORT_MONTHS = ("04", "06", "09", "11")


def _dated(pattern: str) -> Callable[[object], bool]:
    match = re.compile(pattern).fullmatch

    def holds(value: object) -> bool:
        found = match(value) if type(value) is str else None
        return found is not None and (not (day := found[3]) or day < "29" or _is_in_calendar(found[1], found[2], day))

    return holds


def _is_in_calendar(year: str, month: str, day: str) -> bool:
    if month == "02":
        number = int(year)
        return day == "29" and number % 4 == 0 and (number % 100 != 0 or number % 400 == 0)
    return day != "31" or month not in _SHORT_MONTHS


_BASE64 = re.compile(r"(?:[0-9a-zA-Z+/]{4})*+(?:[0-9a-zA-Z+/]{4}|[0-9a-zA-Z+/]{3}=|[0-9a-zA-Z+/]{2}==)?").fullmatch


def _base64(value: object) -> bool:
    if type(value) is not str or not value:
        return False
    return _BASE64(value) is not None or (bool(packed := "".join(value.split())) and _BASE64(packed) is not None)


_URI = _text(r"[^\s\x00-\x1f]++")
_URI_EN, _URI_DE = "a URI without spaces", "eine URI ohne Leerzeichen"
_STRING_EN = "a text that is not empty, up to 1 MB, without control characters"
_STRING_DE = "ein nicht leerer Text bis 1 MB ohne Steuerzeichen"


def _primitive(name: str, holds: Callable[[object], bool], en: str, de: str, *python: type) -> Primitive:
    return Primitive(name=name, python=python or (str,), holds=holds, expected_en=en, expected_de=de)


_ALL = (
    _primitive("base64Binary", _base64, "base64 with its padding (=)", "Base64 mit seinen Füllzeichen (=)"),
    _primitive(
        "boolean", _boolean, "true or false, without quotation marks", "true oder false, ohne Anführungszeichen", bool
    ),
    _primitive("canonical", _URI, _URI_EN, _URI_DE),
    _primitive(
        "code",
        _text(r"[^\s\x00-\x1f]++(?:\s[^\s\x00-\x1f]++)*+"),
        "a code without spaces around it or two in a row",
        "ein Code ohne Leerzeichen am Rand und ohne zwei hintereinander",
    ),
    _primitive(
        "date",
        _dated(_DATE),
        "a real day, month or year: 2026-11-22, 2026-11 or 2026",
        "ein wirklicher Tag, Monat oder ein Jahr: 2026-11-22, 2026-11 oder 2026",
    ),
    _primitive(
        "dateTime",
        _dated(_DATE_TIME),
        "a year, month, day, or a day with time and offset: 2026-11-22T08:00:00+01:00",
        "ein Jahr, Monat, Tag oder ein Tag mit Uhrzeit und Zeitzone: 2026-11-22T08:00:00+01:00",
    ),
    _primitive(
        "decimal",
        _decimal,
        "a number, without quotation marks",
        "eine Zahl, ohne Anführungszeichen",
        int,
        float,
        Decimal,
    ),
    _primitive(
        "id",
        _text(r"[A-Za-z0-9\-.]{1,64}"),
        "up to 64 of A-Z, a-z, 0-9, hyphen and full stop",
        "bis zu 64 Zeichen aus A-Z, a-z, 0-9, Bindestrich und Punkt",
    ),
    _primitive(
        "instant",
        _dated(_INSTANT),
        "a day with time and offset, to the second at least: 2026-11-22T08:00:00+01:00",
        "ein Tag mit Uhrzeit und Zeitzone, mindestens auf die Sekunde: 2026-11-22T08:00:00+01:00",
    ),
    _primitive(
        "integer",
        _between(-(2**31), 2**31 - 1),
        "a whole number of 32 bits, without quotation marks",
        "eine ganze Zahl mit 32 Bit, ohne Anführungszeichen",
        int,
    ),
    _primitive("markdown", _string, _STRING_EN, _STRING_DE),
    _primitive(
        "oid",
        _text(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*+))++"),
        "urn:oid: and an OID: urn:oid:1.2.3",
        "urn:oid: und eine OID: urn:oid:1.2.3",
    ),
    _primitive(
        "positiveInt",
        _between(1, 2**31 - 1),
        "a whole number from 1 up, without quotation marks",
        "eine ganze Zahl ab 1, ohne Anführungszeichen",
        int,
    ),
    _primitive("string", _string, _STRING_EN, _STRING_DE),
    _primitive("time", _text(_TIME), "a time of day with seconds: 08:00:00", "eine Uhrzeit mit Sekunden: 08:00:00"),
    _primitive(
        "unsignedInt",
        _between(0, 2**31 - 1),
        "a whole number from 0 up, without quotation marks",
        "eine ganze Zahl ab 0, ohne Anführungszeichen",
        int,
    ),
    _primitive("uri", _URI, _URI_EN, _URI_DE),
    _primitive("url", _URI, _URI_EN, _URI_DE),
    _primitive(
        "uuid",
        _text("urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        "urn:uuid: and a UUID in lower case",
        "urn:uuid: und eine UUID in Kleinbuchstaben",
    ),
    _primitive("xhtml", _has_content, "a <div> of XHTML", "ein <div> aus XHTML"),
)

PRIMITIVES: Mapping[str, Primitive] = MappingProxyType({one.name: one for one in _ALL})
"""Every primitive type by its name."""
