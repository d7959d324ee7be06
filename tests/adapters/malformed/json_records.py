"""Our simple JSON as programs get it wrong: syntax, shape, kinds of values, codes and numbers."""

import gzip
import json
from typing import Any

from mappings.language import shipped
from tests.adapters.malformed import Malformed

FORMAT = "json_records"
SOURCE = "json"
OPTIONS = shipped()[SOURCE].options

OFFER: dict[str, Any] = {"id": "H1-KZP", "careForm": "kurzzeitpflege", "free": 2}
HOME: dict[str, Any] = {"id": "H1", "name": "Haus am Moor", "offers": [OFFER]}


def home(**fields: Any) -> bytes:
    return json.dumps({"facilities": [{**HOME, **fields}]}, ensure_ascii=False).encode()


def offer(**fields: Any) -> bytes:
    return home(offers=[{**OFFER, **fields}])


def block(**fields: Any) -> bytes:
    return offer(blocks=[{"count": 1, **fields}])


GOOD = block(room="single")


def _no_json(name: str, body: bytes, place: str, text_en: str) -> Malformed:
    return Malformed(name, body, "not-json-records", place, text_en)


FILES = [
    _no_json("an empty file", b"", "line 1, column 1", "not JSON: expecting value"),
    _no_json("CSV", b"id;name\n", "line 1, column 1", "not JSON: expecting value"),
    _no_json("XML", b"<facilities/>", "line 1, column 1", "not JSON: expecting value"),
    _no_json("a form", b"facilities=%5B%5D", "line 1, column 1", "not JSON: expecting value"),
    _no_json("packed by gzip", gzip.compress(GOOD, mtime=0), "line 1, column 2", "bytes that are not UTF-8"),
    _no_json("Windows-1252", home(name="Mühle").decode().encode("cp1252"), "line 1, column 40", "are not UTF-8"),
    _no_json("UTF-16", GOOD.decode().encode("utf-16"), "line 1, column 1", "bytes that are not UTF-8"),
    _no_json("cut", GOOD[:40], "line 1, column 38", "unterminated string starting at"),
    _no_json("cut behind a comma", b'{"facilities": [{"id": "1",', "line 1, column 28", "expecting property name"),
    _no_json("two documents", GOOD + b"\n" + GOOD, "line 2, column 1", "extra data"),
    _no_json("a line for each home", b'{"id": "1"}\n{"id": "2"}\n', "line 2, column 1", "extra data"),
    _no_json("a comma behind the last", b'{"facilities": [{"id": "1"},]}', "line 1, column 29", "not JSON: "),
    _no_json("a comma missing", b'{"facilities": [{"id": "1"} {"id": "2"}]}', "line 1, column 29", "',' delimiter"),
    _no_json("single quotation marks", b"{'facilities': []}", "line 1, column 2", "enclosed in double quotes"),
    _no_json("names without quotation marks", b"{facilities: []}", "line 1, column 2", "enclosed in double quotes"),
    _no_json("a comment", b'{"facilities": [] // all\n}', "line 1, column 19", "',' delimiter"),
    _no_json("None of Python", b'{"facilities": None}', "line 1, column 16", "expecting value"),
    _no_json("NaN of a data frame", b'{"facilities": [{"free": NaN}]}', "line 1, column 26", "NaN and Infinity"),
    _no_json("undefined of JavaScript", b'{"facilities": undefined}', "line 1, column 16", "expecting value"),
    _no_json("a leading zero", b'{"facilities": [{"postalCode": 01067}]}', "line 1, column 33", "',' delimiter"),
    _no_json("a decimal comma", b'{"facilities": [{"latitude": 52,8}]}', "line 1, column 33", "property name"),
    _no_json(
        "a line break in a text",
        b'{"facilities": [{"name": "Haus\nMoor"}]}',
        "line 1, column 31",
        "invalid control character",
    ),
    _no_json("a backslash of Windows", b'{"facilities": [{"name": "C:\\Haus"}]}', "line 1, column 29", "escape"),
    _no_json("half a surrogate pair", b'{"facilities": [{"name": "\\ud83c"}]}', "line 1, column 26", "surrogate pair"),
    _no_json("a NUL", b'{"facilities": [{"name": "Haus\\u0000"}]}', "line 1, column 26", "a NUL or half"),
    _no_json("a key twice", b'{"facilities": [{"id": "1", "id": "2"}]}', "line 1, column 29", "a key stands twice"),
    _no_json(
        "a number without end",
        b'{"facilities": [{"free": 1' + b"0" * 200 + b"}]}",
        "line 1, column 26",
        "a number of more than 100 digits",
    ),
    _no_json(
        "brackets without end", b'{"facilities": ' + b"[" * 200, "line 1, column 65", "nested deeper than 50 levels"
    ),
]

SHAPES = [
    _no_json("a list for the document", b"[]", "$", 'an object with "facilities" is expected'),
    _no_json("one home for the document", json.dumps(HOME).encode(), "$", 'an object with "facilities" is expected'),
    _no_json("another name of the list", b'{"Facilities": []}', "$", 'an object with "facilities" is expected'),
    _no_json("a text for the document", b'"facilities"', "$", 'an object with "facilities" is expected'),
    _no_json("JSON packed into a text", json.dumps(GOOD.decode()).encode(), "$", 'an object with "facilities"'),
    _no_json("one home for the list", b'{"facilities": {"id": "1"}}', "$.facilities", "a list is expected"),
    _no_json("null for the list", b'{"facilities": null}', "$.facilities", "a list is expected"),
    Malformed("a text for a home", b'{"facilities": ["H1"]}', "not-an-object", "facilities[0]", "Expected: an object"),
    Malformed("null for a home", b'{"facilities": [null]}', "not-an-object", "facilities[0]", "Expected: an object"),
    Malformed("a list for a home", b'{"facilities": [[]]}', "not-an-object", "facilities[0]", "Expected: an object"),
]


def _read(name: str, body: bytes, code: str, place: str, text_en: str) -> Malformed:
    return Malformed(name, body, code, place, text_en)


_NUMBER = "expected: a whole number like 3"
_CODE = "expected: one of: "
READ = [
    _read("a home without a key", home(id=None), "missing", "id", "Something must stand here"),
    _read("a home without a name", home(name=""), "missing", "name", "Something must stand here"),
    _read("a true key", home(id=True), "unreadable", "id", "text of at most 300 characters"),
    _read("an object for a name", home(name={"de": "Haus"}), "unreadable", "name", "text of at most 300 characters"),
    _read("a postal code of six digits", home(postalCode="496610"), "unreadable", "postalCode", "of five digits"),
    _read("a postal code with decimals", home(postalCode=49661.0), "unreadable", "postalCode", "of five digits"),
    _read("one offer for the list", home(offers=OFFER), "not-a-list", "offers", "a list of objects"),
    _read("texts for offers", home(offers=["kurzzeitpflege"]), "not-a-list", "offers", "a list of objects"),
    _read("the same offer twice", home(offers=[OFFER, OFFER]), "offer-twice", "offers[1]", "has this offer already"),
    _read("an e-mail address without a domain", home(email="info@haus"), "unreadable", "email", "an e-mail address"),
    _read("a website with a space", home(website="www.haus am moor.de"), "unreadable", "website", "a web address"),
    _read("a latitude in text", home(latitude="52° N", longitude=8), "unreadable", "latitude", "a number like 52.73"),
    _read("half a position", home(latitude=52.8), "half-a-position", "offers[0]", "belong together"),
    _read("a Telematik-ID without its sector", home(telematikId="510123451"), "unreadable", "telematikId", "5-2-123"),
    _read("an IK of eight letters", home(ik="IKNUMMER"), "unreadable", "ik", "Institutionskennzeichen of nine digits"),
    _read("an offer without a care form", offer(careForm=None), "missing", "offers[0].careForm", "must stand here"),
    _read(
        "a care form by its German name", offer(careForm="Kurzzeitpflege!"), "unknown-code", "offers[0].careForm", _CODE
    ),
    _read("a care form of a program of its own", offer(careForm="KZP"), "unknown-code", "offers[0].careForm", _CODE),
    _read("a number in words", offer(free="zwei"), "unreadable", "offers[0].free", _NUMBER),
    _read("half a place", offer(free=1.5), "unreadable", "offers[0].free", _NUMBER),
    _read("true for a number", offer(free=True), "unreadable", "offers[0].free", _NUMBER),
    _read("a list for a number", offer(free=[2]), "unreadable", "offers[0].free", _NUMBER),
    _read("a number too great", offer(free=10_000_000), "unreadable", "offers[0].free", _NUMBER),
    _read("a power of ten", offer(free=1e300), "unreadable", "offers[0].free", _NUMBER),
    _read("below no places", offer(licensed=-1), "unreadable", "offers[0].licensed", "a whole number from 0"),
    _read(
        "more free places than licensed", offer(licensed=1), "implausible-counts", "offers[0]", "do not fit together"
    ),
    _read("fewer than no free places", offer(free=-2), "over-capacity", "offers[0]", "Fewer than no free places"),
    _read("a state that contradicts", offer(state="none"), "state-contradicts-counts", "offers[0]", "contradicts"),
    _read("an unknown state", offer(state="full"), "unknown-code", "offers[0].state", _CODE),
    _read("an unknown need", offer(needs=["wunder"]), "unknown-code", "offers[0].needs", _CODE),
    _read("a care grade too high", offer(careGrades=[6]), "unreadable", "offers[0].careGrades", "from 1 to 5"),
    _read("a language by its name", offer(languages=["Deutsch"]), "unreadable", "offers[0].languages", "BCP 47"),
    _read("a moment in milliseconds", offer(validAt=1763791200000), "unreadable", "offers[0].validAt", "date and time"),
    _read("a moment of RFC 822", offer(validAt="Sun, 22 Nov 2026"), "unreadable", "offers[0].validAt", "date and time"),
    _read(
        "an offset that does not exist",
        offer(validAt="2026-11-22T08:00:00+25:00"),
        "unreadable",
        "offers[0].validAt",
        "date and time",
    ),
    _read(
        "a leap day in a common year", offer(validAt="2026-02-29T08:00:00Z"), "unreadable", "offers[0].validAt", "date"
    ),
    _read("a sequence below zero", offer(sequence=-1), "unreadable", "offers[0].sequence", "a whole number from 0"),
    _read("perhaps for estimated", offer(estimated="perhaps"), "unreadable", "offers[0].estimated", "ja or nein"),
    _read("a catchment in kilometres", offer(postalCodes=["25 km"]), "unreadable", "offers[0].postalCodes", "digits"),
    _read("an object for blocks", offer(blocks={"count": 1}), "not-a-list", "offers[0].blocks", "a list of objects"),
    _read("an unknown room", block(room="suite"), "unknown-code", "offers[0].blocks[0].room", _CODE),
    _read("a sex by its German letter", block(sex="w"), "unknown-code", "offers[0].blocks[0].sex", _CODE),
    _read("an unknown status", block(status="busy"), "unknown-code", "offers[0].blocks[0].status", _CODE),
    _read(
        "a German day with a slash", block(**{"from": "01/12/2026"}), "unreadable", "offers[0].blocks[0].from", "date"
    ),
    _read(
        "a moment for a day", block(until="2026-12-01T00:00:00Z"), "unreadable", "offers[0].blocks[0].until", "a date"
    ),
    _read(
        "an unknown reason",
        block(status="closed", closingReason="corona"),
        "unknown-code",
        "offers[0].blocks[0].closingReason",
        _CODE,
    ),
    _read(
        "a block that ends before it starts",
        block(**{"from": "2026-12-02", "until": "2026-12-01"}),
        "ends-before-start",
        "offers[0]",
        "Places end before they start",
    ),
    _read("more listed than free", block(count=3), "blocks-exceed-free", "offers[0]", "More free places are listed"),
]

CASES = [*FILES, *SHAPES, *READ]
