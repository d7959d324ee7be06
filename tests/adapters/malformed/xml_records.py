"""XML of vendors that went wrong: cut, badly escaped, of another kind, or with another shape than agreed."""

import gzip

from mappings.language import shipped
from tests.adapters.malformed import Malformed

FORMAT = "xml_records"
SOURCE = "xml-belegung"
OPTIONS = shipped()[SOURCE].options
NAMELESS = {name: value for name, value in OPTIONS.items() if name != "root"}


def home(
    content: str = "", *, offer: str = '<Angebot art="KZP"><Frei>2</Frei></Angebot>', key: str = 'id="H-1"'
) -> str:
    inside = content or "<Name>Haus am Moor</Name>"
    return f"<Einrichtung {key}>{inside}<Angebote>{offer}</Angebote></Einrichtung>"


def export(*homes: str, stand: str = "2026-11-22T07:30:00") -> bytes:
    return f'<Belegung stand="{stand}">\n{chr(10).join(homes)}\n</Belegung>'.encode()


GOOD = export(home(), home().replace("H-1", "H-2"))


def _no_xml(name: str, body: bytes, text_en: str, place: str) -> Malformed:
    return Malformed(name, body, "not-xml-records", place, text_en)


FILES = [
    _no_xml("an empty file", b"", "an element is expected", "line 1"),
    _no_xml("blanks alone", b" \n", "an element is expected", "line 2"),
    _no_xml("CSV", b"H-1;Haus am Moor", "an element is expected", "line 1"),
    _no_xml("JSON", b'{"a": 1}', "an element is expected", "line 1"),
    _no_xml("packed by gzip", gzip.compress(GOOD, mtime=0), "an element is expected", "line 1"),
    _no_xml("an error page", b"<html><body>502</body></html>", "Expected: the element Belegung", "line 1"),
    _no_xml("an answer of a SOAP service", b"<Envelope><Body/></Envelope>", "the element Belegung", "line 1"),
    _no_xml("a DOCTYPE", b'<!DOCTYPE Belegung SYSTEM "b.dtd">' + GOOD, "a DOCTYPE is not taken", "line 1"),
    _no_xml("an entity bomb", b'<!DOCTYPE a [<!ENTITY x "yy">]><a>&x;</a>', "a DOCTYPE is not taken", "line 1"),
    _no_xml("a line before the declaration", b"\n<?xml version='1.0'?>" + GOOD, "not well-formed XML", "line 2"),
    _no_xml(
        "an ampersand that is not escaped", export(home("<Name>Moor & Heide</Name>")), "a name is expected", "line 2"
    ),
    _no_xml(
        "an entity of HTML",
        export(home("<Name>M&uuml;hle</Name>")),
        "an entity that XML itself does not declare",
        "line 2",
    ),
    _no_xml(
        "a control character", export(home("<Name>Haus\x0b</Name>")), "a character that XML does not allow", "line 2"
    ),
    _no_xml(
        "bytes of another encoding than the stated one",
        b'<?xml version="1.0" encoding="UTF-8"?>' + export(home("<Name>Mühle</Name>")).decode().encode("cp1252"),
        "bytes that the stated encoding does not have",
        "line 2",
    ),
    _no_xml(
        "an encoding that nobody knows",
        b'<?xml version="1.0" encoding="ANSI"?>' + GOOD,
        "an encoding that is not supported",
        "line 1",
    ),
    _no_xml(
        "an end tag of another element",
        export(home("<Name>Haus</Nam>")),
        "an end tag does not match its start tag",
        "line 2",
    ),
    _no_xml(
        "end tags in the wrong order",
        export("<Einrichtung><Name></Einrichtung></Name>"),
        "an end tag does not match its start tag",
        "line 2",
    ),
    _no_xml("an attribute without quotation marks", export(home(key="id=1")), "not well-formed XML", "line 2"),
    _no_xml("an attribute twice", export(home(key='id="1" id="2"')), "not well-formed XML", "line 2"),
    _no_xml("a prefix that is not declared", export("<b:Einrichtung/>"), "a prefix that is not declared", "line 2"),
    _no_xml(
        "cut in the first record",
        GOOD.split(b"</Name>")[0],
        "the document ends before its last tag is closed",
        "line 2",
    ),
    _no_xml(
        "the namespace of another version",
        GOOD.replace(b"<Belegung", b'<Belegung xmlns="urn:example:2"'),
        "Expected: the element Belegung",
        "line 1",
    ),
]

OTHERS = [
    Malformed("cut in the second record", GOOD[:-60], "not-xml", "line 3", "what stands before is read"),
    Malformed("a second document behind the first", GOOD + GOOD, "not-xml", "line 4", "after the end of the"),
    Malformed(
        "records of another namespace",
        export(home()).replace(b"<Einrichtung", b'<Einrichtung xmlns="urn:x"'),
        "not-xml-records",
        "line 1",
        "there are such in another namespace only",
    ),
    Malformed(
        "no records, where any document is expected",
        b"<Belegung/>",
        "not-xml-records",
        "line 1",
        "Expected: elements Einrichtung",
        NAMELESS,
    ),
    Malformed(
        "a record that nests too deep",
        export(home("<a>" * 40 + "</a>" * 40)),
        "too-deep",
        "record 1, line 2",
        "Nested deeper than 30 levels",
    ),
]


def _read(name: str, body: bytes, code: str, place: str, text_en: str) -> Malformed:
    return Malformed(name, body, code, place, text_en)


_FREE = "Angebote.Angebot[0].Frei"
READ = [
    _read("a home without a key", export(home(key="")), "missing", "@id", "Something must stand here"),
    _read("a home without a name", export(home("<Ort/>")), "missing", "Name", "Something must stand here"),
    _read("a name twice", export(home("<Name>A</Name><Name>B</Name>")), "unreadable", "Name", "text of at most 300"),
    _read("a name with elements in it", export(home("<Name><b>A</b></Name>")), "unreadable", "Name", "text of at most"),
    _read(
        "an offer without a kind",
        export(home(offer="<Angebot><Frei>2</Frei></Angebot>")),
        "missing",
        "Angebote.Angebot[0].@art",
        "Something must stand here",
    ),
    _read(
        "an offer of an unknown kind",
        export(home(offer='<Angebot art="Spa"/>')),
        "unknown-code",
        "Angebote.Angebot[0].@art",
        "one of: ",
    ),
    _read(
        "a word for a number",
        export(home(offer='<Angebot art="TP"><Frei>zwei</Frei></Angebot>')),
        "unreadable",
        _FREE,
        "a whole number like 3",
    ),
    _read(
        "a number that stands twice",
        export(home(offer='<Angebot art="TP"><Frei>1</Frei><Frei>2</Frei></Angebot>')),
        "unreadable",
        _FREE,
        "a whole number like 3",
    ),
    _read(
        "an offer that is text",
        export(home(offer="<Angebot>KZP</Angebot>")),
        "not-a-list",
        "Angebote.Angebot",
        "a list of objects",
    ),
    _read(
        "the same offer twice",
        export(home(offer='<Angebot art="TP"/><Angebot art="TP"/>')),
        "offer-twice",
        "Angebote.Angebot[1]",
        "The record has this offer already",
    ),
    _read("a German moment with a dash", export(home(), stand="22-11-2026"), "unreadable", "/@stand", "date and time"),
    _read(
        "a postal code of four letters",
        export(home("<Name>A</Name><Anschrift><PLZ>ABCD</PLZ></Anschrift>")),
        "unreadable",
        "Anschrift.PLZ",
        "a postal code of five digits",
    ),
    _read(
        "an unknown room",
        export(home(offer='<Angebot art="TP"><Zimmer typ="Saal"/></Angebot>')),
        "unknown-code",
        "Angebote.Angebot[0].Zimmer[0].@typ",
        "one of: EZ",
    ),
    _read(
        "a day that does not exist",
        export(home(offer='<Angebot art="TP"><Zimmer ab="2026-02-30"/></Angebot>')),
        "unreadable",
        "Angebote.Angebot[0].Zimmer[0].@ab",
        "a date like 01.12.2026",
    ),
    _read(
        "a language by its name",
        export(home("<Name>A</Name><Sprache>Deutsch</Sprache>")),
        "unreadable",
        "Sprache",
        "language codes of BCP 47",
    ),
    _read(
        "a latitude with a direction",
        export(home('<Name>A</Name><Anschrift breite="52N" laenge="8.0"/>')),
        "unreadable",
        "Anschrift.@breite",
        "a number like 52.73",
    ),
]

CASES = [*FILES, *OTHERS, *READ]
