"""Features of a geodata service: OGC WFS feature collections in GML 2 and 3
(https://www.ogc.org/standards/gml, OGC 02-069; https://www.ogc.org/standards/wfs, OGC 02-058).

    options:
      feature: "{http://example.org/namespace}Feature"

A record's fields are the feature's properties by local name, text trimmed, and of its point `@crs`, `@x` and `@y`.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters import options as option
from adapters.base import Broken, Decoded, Options, Record
from adapters.broken_xml import broken_xml
from conformance.formats import safe_xml
from mappings.errors import Issue, Rejected
from mappings.patient_filter import safe_name

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "gml"

_NAMESPACES = ("http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2")
_WFS = ("http://www.opengis.net/wfs", "http://www.opengis.net/wfs/2.0")
_MEMBERS = frozenset(
    {f"{{{namespace}}}{name}" for namespace in _NAMESPACES for name in ("featureMember", "featureMembers")}
    | {f"{{{_WFS[1]}}}member"}
)
_COLLECTIONS = frozenset(f"{{{namespace}}}FeatureCollection" for namespace in (*_NAMESPACES, *_WFS))
_MEMBER_END = re.compile(rb"</(?:[\w.-]+:)?(?:featureMembers?|member)\s*>")
_FEATURE = re.compile(r"(?:\{[^{}\s]+\})?[^{}\s:]+")
_FID = re.compile(r"([A-Za-z]+)\.[0-9]{1,6}")


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not, and where the name of the features is missing."""
    _feature(options)


def decode(body: bytes, options: Options) -> Decoded:
    """One record a feature; another kind of feature is `Broken`, as is the rest of a document that breaks midway."""
    return Decoded(records=_records(body, _feature(options)))


def _feature(options: Options) -> str:
    option.only(options, {"feature"})
    feature = option.text(options, "feature")
    if feature is None or not _FEATURE.fullmatch(feature):
        raise option.refused(
            "options.feature",
            "der Name der Objekte wie {Namensraum}Name",
            "the name of the features as {namespace}name",
        )
    return feature


def _records(body: bytes, feature: str) -> Iterator[Record | Broken]:
    found = safe_xml.iterate(body, _MEMBERS)
    ordinal = 0
    try:
        root = next(found)
        if root.tag not in _COLLECTIONS:
            raise _rejected("line 1", "Erwartet: eine FeatureCollection", "Expected: a FeatureCollection")
        for member in found:
            for element in member:
                ordinal += 1
                yield _record(element, ordinal) if element.tag == feature else _other(element, ordinal)
    except safe_xml.NotXml as wrong:
        place = f"line {wrong.line}, column {wrong.column}"
        if ordinal == 0:
            raise _rejected(place, f"Kein gültiges XML ({wrong.reason_de})", f"Not XML: {wrong.reason}") from None
        yield broken_xml(body, wrong, _MEMBER_END)


def _record(feature: etree._Element, ordinal: int) -> Record:
    fields: dict[str, Any] = {}
    twice = []
    for child in feature:
        if _geometry(child, fields):
            continue
        name = etree.QName(child).localname
        if name in fields:
            twice.append(name)
        fields[name] = "".join(map(str, child.itertext())).strip()
    place = _place(feature, ordinal)
    return Record(place=place, fields=fields, issues=tuple(_twice(place, name) for name in dict.fromkeys(twice)))


def _geometry(child: etree._Element, fields: dict[str, Any]) -> bool:
    """Whether a property is a geometry, and if it is the first point its coordinates as fields."""
    within = [child, *child.iter()]
    if not any(isinstance(each.tag, str) and etree.QName(each).namespace in _NAMESPACES for each in within):
        return False
    point = next((each for each in within if each.tag in _tags("Point")), None)
    if point is None or "@x" in fields:
        return True
    written = next((each.text or "" for each in point.iter() if each.tag in _tags("coordinates", "pos")), "")
    parts = re.split(r"[,\s]+", written.strip())
    if len(parts) >= 2:
        fields["@crs"] = point.get("srsName", "")
        fields["@x"], fields["@y"] = parts[:2]
    return True


def _tags(*names: str) -> frozenset[str]:
    return frozenset(f"{{{namespace}}}{name}" for namespace in _NAMESPACES for name in names)


def _place(feature: etree._Element, ordinal: int) -> str:
    """The feature's own id where it is its kind and a number, else its position."""
    fid = feature.get("fid") or next((feature.get(f"{{{each}}}id") for each in _NAMESPACES), None) or ""
    match = _FID.fullmatch(fid)
    return f"feature {fid if match and match[1] == etree.QName(feature).localname else ordinal}"


def _other(element: etree._Element, ordinal: int) -> Broken:
    return Broken(
        place=f"feature {ordinal}",
        body=etree.tostring(element),
        issue=Issue(
            code="other-feature",
            place=f"feature {ordinal}",
            text_de="Eine andere Art von Objekt als erwartet. Wer die Quelle pflegt, muss sie hinzunehmen "
            "oder abwählen.",
            text_en="Another kind of feature than expected. Whoever keeps the source must add or deselect it.",
            fhir_code="structure",
        ),
    )


def _twice(place: str, name: str) -> Issue:
    return Issue(
        code="property-twice",
        place=f"{place}, {safe_name(name)}",
        text_de="Diese Eigenschaft steht zweimal. Der Absender muss eine davon streichen.",
        text_en="This property stands twice. The sender must remove one of the two.",
        fhir_code="structure",
    )


def _rejected(place: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code="not-gml",
            place=place,
            text_de=f"{german}. Der Absender muss die Datei berichtigen.",
            text_en=f"{english}. The sender must correct the file.",
            fhir_code="structure",
        )
    )
