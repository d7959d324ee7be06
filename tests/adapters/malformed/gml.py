"""Answers of geodata services that went wrong: exceptions, other features, broken documents, points elsewhere."""

from mappings.language import shipped
from tests.adapters.malformed import Malformed

FORMAT = "gml"
SOURCE = "landkreis-lup"
OPTIONS = shipped()[SOURCE].options

HEAD = (
    '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:p="http://geoportal.kreis-lup.de/regismv/">\n'
)
TAIL = "</wfs:FeatureCollection>"
POINT = "259051.8,5941559.3"
FIELDS = {
    "id": "901",
    "angebot": "Tagespflege",
    "einrichtung": "Haus am Moor",
    "strasse": "Deichweg",
    "hnr": "4 a",
    "plz": "19288",
    "gemeinde": "Ludwigslust",
    "kapazitaet": "12",
}


def feature(*, more: str = "", point: str = POINT, system: str = "EPSG:25833", **fields: str) -> str:
    written = "".join(f"<p:{name}>{text}</p:{name}>" for name, text in {**FIELDS, **fields}.items())
    place = f'<p:g><gml:Point srsName="{system}"><gml:coordinates>{point}</gml:coordinates></gml:Point></p:g>'
    return f"<gml:featureMember><p:Sozialpflege>{written}{more}{place}</p:Sozialpflege></gml:featureMember>\n"


def collection(*features: str) -> bytes:
    return (HEAD + "".join(features) + TAIL).encode()


CUT = collection(feature()).split(b"</p:einrichtung>")[0]
GOOD = collection(feature(), feature(id="902", plz="19370"))


def _no_gml(name: str, body: bytes, place: str, text_en: str) -> Malformed:
    return Malformed(name, body, "not-gml", place, text_en)


def _read(name: str, body: bytes, code: str, place: str, text_en: str) -> Malformed:
    return Malformed(name, body, code, place, text_en)


CASES = [
    _no_gml("an empty answer", b"", "line 1", "an element is expected"),
    _no_gml("an error page", b"<html/>", "line 1", "Expected: a FeatureCollection"),
    _no_gml(
        "an exception of WFS 1.0",
        b"<ServiceExceptionReport><ServiceException/></ServiceExceptionReport>",
        "line 1",
        "Expected: a FeatureCollection",
    ),
    _no_gml(
        "an exception of WFS 2.0",
        b'<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1"/>',
        "line 1",
        "Expected: a FeatureCollection",
    ),
    _no_gml("capabilities", b'<WFS_Capabilities xmlns="http://www.opengis.net/wfs"/>', "line 1", "a FeatureCollection"),
    _no_gml("GeoJSON", b'{"type": "FeatureCollection", "features": []}', "line 1", "an element is expected"),
    _no_gml("a shapefile", b"\x00\x00\x27\x0a" + bytes(96), "line 1", "an element is expected"),
    _no_gml("a collection of no namespace", b"<FeatureCollection/>", "line 1", "Expected: a FeatureCollection"),
    _no_gml("a DOCTYPE", b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd">' + GOOD, "line 1", "a DOCTYPE is not taken"),
    _no_gml(
        "cut in the first feature",
        collection(feature()).split(b"</p:einrichtung>")[0],
        "line 2",
        "the document ends before its last tag",
    ),
    _no_gml("an ampersand that is not escaped", collection(feature(einrichtung="Moor & Heide")), "line 2", "a name is"),
    _no_gml("a control character", collection(feature(einrichtung="Haus\x1a")), "line 2", "that XML does not allow"),
    _no_gml("an entity of HTML", collection(feature(strasse="M&uuml;hlenweg")), "line 2", "an entity that XML itself"),
    _no_gml(
        "a prefix that is not declared", collection(feature(more="<q:hof/>")), "line 2", "prefix that is not declared"
    ),
    _no_gml("an end tag of another element", collection(feature(more="<p:x></p:y>")), "line 2", "does not match its"),
    _read("cut in the second feature", GOOD[:-200], "not-xml", "line 3", "what stands before is read"),
    _read(
        "a warning of the service behind the document", GOOD + b"<p>Warning</p>", "not-xml", "line 4", "after the end"
    ),
    _read(
        "another kind of feature",
        collection("<gml:featureMember><p:Strasse/></gml:featureMember>"),
        "other-feature",
        "feature 1",
        "Another kind of feature than expected",
    ),
    _read(
        "the features of another namespace",
        collection(feature()).replace(b"kreis-lup.de/regismv", b"kreis-lup.de/v2"),
        "other-feature",
        "feature 1",
        "Another kind of feature than expected",
    ),
    _read(
        "a property twice",
        collection(feature(more="<p:plz>19370</p:plz>")),
        "property-twice",
        "feature 1, plz",
        "This property stands twice",
    ),
    _read(
        "another reference system",
        collection(feature(system="EPSG:3857")),
        "unreadable",
        "@crs, @x, @y",
        "coordinate reference systems",
    ),
    _read(
        "the axes the wrong way round",
        collection(feature(point="5941559.3,259051.8")),
        "unreadable",
        "@crs, @x, @y",
        "a point in Germany",
    ),
    _read("no reference system", collection(feature(system="")), "unreadable", "@crs, @x, @y", "a point in Germany"),
    _read(
        "coordinates with words in them", collection(feature(point="x,y")), "unreadable", "@crs, @x, @y", "a point in"
    ),
    _read("no key", collection(feature(id="")), "missing", "id", "Something must stand here"),
    _read("no name", collection(feature(einrichtung=" ")), "missing", "einrichtung", "Something must stand here"),
    _read("no kind of offer", collection(feature(angebot="")), "missing", "angebot", "Something must stand here"),
    _read(
        "a kind of offer that nobody knows",
        collection(feature(angebot="Wellness")),
        "unknown-code",
        "angebot",
        "expected: one of: ",
    ),
    _read(
        "a capacity in words",
        collection(feature(kapazitaet="zwölf")),
        "unreadable",
        "angebot, kapazitaet",
        "a whole number like 3",
    ),
    _read(
        "a capacity of half a place",
        collection(feature(kapazitaet="12.5")),
        "unreadable",
        "angebot, kapazitaet",
        "a whole number like 3",
    ),
    _read("a postal code of four letters", collection(feature(plz="ABCD")), "unreadable", "plz", "of five digits"),
    _read(
        "a municipality key too long",
        collection(feature(gemeindeschl="130760881")),
        "unreadable",
        "gemeindeschl",
        "a municipality key (AGS) of eight digits",
    ),
    _read(
        "a website that is none",
        collection(feature(internet="nicht vorhanden")),
        "unreadable",
        "internet",
        "a web address",
    ),
]
