"""EDXL-HAVE as it goes wrong: other versions, broken XML, structure that is not the standard's, wrong values."""

from tests.adapters.malformed import Malformed

__all__ = ["CASES", "FORMAT", "OPTIONS", "SOURCE"]

FORMAT = "edxl_have"
OPTIONS: dict[str, object] = {}
SOURCE = "have"

_HEAD = (
    '<have:HAVE xmlns:have="urn:oasis:names:tc:emergency:edxl:have:2.0" '
    'xmlns:ct="urn:oasis:names:tc:emergency:edxl:ct:1.0" xmlns:gml="http://www.opengis.net/gml/3.2">\n'
)
_TAIL = "</have:HAVE>"
_TREE = "have:facility", "have:facilityInformation"


def _element(name: str, content: str = "") -> str:
    return f"<have:{name}>{content}</have:{name}>"


def _facility(
    services: str = "", *, key: str = "haus-1", name: str = "Haus am Moor", information: str = "", more: str = ""
) -> str:
    said = f"{_element('facilityID', key) if key else ''}{_element('facilityName', name) if name else ''}{information}"
    listed = _element("serviceList", services)
    return _element("facility", _element("facilityInformation", said) + more + listed) + "\n"


def _service(*content: str, key: str = "hospiz") -> str:
    said = (_element("serviceTaxonomyKeyValue", key) if key else "", _element("serviceName", "Hospiz"), *content)
    return _element("serviceListItem", "".join(said))


def _beds(**counts: str) -> str:
    return _element("serviceBedCapacity", "".join(_element(name, value) for name, value in counts.items()))


def _status(content: str) -> str:
    return _element("serviceStatus", content)


def _colour(value: str) -> str:
    return _status(_element("colourStatus", _element("colourCodeDefault", f"<ct:Value>{value}</ct:Value>")))


def _have(*facilities: str) -> bytes:
    return (_HEAD + "".join(facilities) + _TAIL).encode()


def _point(content: str, system: str = "") -> str:
    name = f' srsName="{system}"' if system else ""
    return _element("facilityGeoLocation", f"<gml:Point{name}><gml:pos>{content}</gml:pos></gml:Point>")


def _period(moment: str) -> str:
    return _element("reportingPeriod", f"<ct:fromDateTime>{moment}</ct:fromDateTime>")


_GOOD = _facility(_service(_beds(availableCount="1")))

CASES = [
    # What is no HAVE 2.0 at all
    Malformed("nothing", b"", "not-have", "line 1", "an element is expected"),
    Malformed("white space alone", b" \n ", "not-have", "line 2", "an element is expected"),
    Malformed("prose", b"Kein XML", "not-have", "line 1", "Not XML"),
    Malformed("a page of HTML", b"<html><body>502 Bad Gateway</body></html>", "not-have", "line 1", "Expected: HAVE"),
    Malformed("JSON", b'{"facility": []}', "not-have", "line 1", "Not XML"),
    Malformed(
        "HAVE 1.0",
        b'<HospitalStatus xmlns="urn:oasis:names:tc:emergency:EDXL:HAVE:1.0"><Hospital/></HospitalStatus>',
        "not-have",
        "line 1",
        "urn:oasis:names:tc:emergency:edxl:have:2.0",
    ),
    Malformed("no namespace", b"<HAVE><facility/></HAVE>", "not-have", "line 1", "Expected: HAVE in the namespace"),
    Malformed(
        "the namespace in other case",
        _have(_GOOD).replace(b"edxl:have:2.0", b"EDXL:HAVE:2.0"),
        "not-have",
        "line 1",
        "Expected: HAVE in the namespace",
    ),
    Malformed("a DOCTYPE", b"<!DOCTYPE HAVE []>" + _have(_GOOD), "not-have", "line 1", "a DOCTYPE is not taken"),
    Malformed(
        "an entity from elsewhere",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + _have(_facility(name="&x;")),
        "not-have",
        "line 1",
        "a DOCTYPE is not taken",
    ),
    Malformed("no facility", _have(), "not-have", "HAVE", "at least one facility"),
    Malformed(
        "an empty envelope",
        b'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"/>',
        "not-have",
        "HAVE",
        "at least one facility",
    ),
    Malformed(
        "an envelope of another message",
        b'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><contentObject>'
        b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/></contentObject></EDXLDistribution>',
        "not-have",
        "HAVE",
        "at least one facility",
    ),
    # Broken XML
    Malformed("cut in the head", _HEAD.encode()[:60], "not-have", "line 1", "Not XML"),
    Malformed("cut in the first facility", (_HEAD + _GOOD[:90]).encode(), "not-have", "line 2", "Not XML"),
    Malformed("cut after a facility", (_HEAD + _GOOD).encode(), "not-xml", "line 3", "what stands before is read"),
    Malformed(
        "cut in the second facility",
        (_HEAD + _GOOD + _GOOD[:70]).encode(),
        "not-xml",
        "line 3",
        "what stands before is read",
    ),
    Malformed(
        "an end tag of another element",
        _have(_GOOD.replace("</have:facilityName>", "</have:facilityname>")),
        "not-have",
        "line 2",
        "an end tag does not match",
    ),
    Malformed("a bare ampersand", _have(_facility(name="Haus & Hof")), "not-have", "line 2", "Not XML"),
    Malformed("an HTML entity", _have(_facility(name="Haus&nbsp;Moor")), "not-have", "line 2", "an entity"),
    Malformed("a control character", _have(_facility(name="Haus\x0bMoor")), "not-have", "line 2", "does not allow"),
    Malformed(
        "Latin-1 said to be UTF-8",
        b'<?xml version="1.0" encoding="UTF-8"?>' + _have(_facility(name="M\xfcller")).replace(b"\xc3\xbc", b"\xfc"),
        "not-have",
        "line 2",
        "Not XML",
    ),
    Malformed(
        "an encoding of nobody",
        b'<?xml version="1.0" encoding="klingon"?>' + _have(_GOOD),
        "not-have",
        "line 1",
        "an encoding",
    ),
    Malformed(
        "two documents in a row", _have(_GOOD) + _have(_GOOD), "not-xml", "line 3", "something stands after the end"
    ),
    Malformed(
        "a prefix that nobody declared",
        _have(_facility(information="<xal:Address/>")),
        "not-have",
        "line 2",
        "Not XML",
    ),
    # Structure
    Malformed(
        "the same facility twice", _have(_GOOD, _GOOD), "facility-twice", "facility 2, facilityID", "each facility once"
    ),
    Malformed(
        "two IDs in one facility",
        _have(_facility(information=_element("facilityID", "haus-2"))),
        "property-twice",
        "facility 1, facilityID",
        "stands twice",
    ),
    Malformed(
        "two counts in one capacity",
        _have(_facility(_service(_beds(availableCount="1") + _beds(availableCount="2")))),
        "property-twice",
        "facility 1, availableCount",
        "stands twice",
    ),
    Malformed(
        "a point in UTM",
        _have(_facility(information=_point("431000 5855000", "EPSG:25832"))),
        "position-system",
        "facility 1, facilityGeoLocation",
        "WGS 84",
    ),
    # Values
    Malformed("no ID", _have(_facility(_service(), key="")), "missing", "facilityID", "must stand here"),
    Malformed("no name", _have(_facility(_service(), name="")), "missing", "facilityName", "must stand here"),
    Malformed(
        "a service without key",
        _have(_facility(_service(key=""))),
        "missing",
        "services[0].serviceTaxonomyKeyValue",
        "must stand here",
    ),
    Malformed(
        "a service of nobody",
        _have(_facility(_service(key="wellness"))),
        "unknown-code",
        "services[0].serviceTaxonomyKeyValue",
        "one of: dauerpflege",
    ),
    Malformed(
        "a count in words",
        _have(_facility(_service(_beds(availableCount="zwei")))),
        "unreadable",
        "services[0].availableCount",
        "a whole number",
    ),
    Malformed(
        "half a bed",
        _have(_facility(_service(_beds(availableCount="1.5")))),
        "unreadable",
        "services[0].availableCount",
        "a whole number",
    ),
    Malformed(
        "fewer than no licensed beds",
        _have(_facility(_service(_beds(availableCount="0", baselineCount="-3")))),
        "unreadable",
        "services[0].baselineCount",
        "a whole number",
    ),
    Malformed(
        "more free than there are",
        _have(_facility(_service(_beds(availableCount="9", baselineCount="3")))),
        "implausible-counts",
        "services[0]",
        "do not fit together",
    ),
    Malformed(
        "over capacity",
        _have(_facility(_service(_beds(availableCount="-2")))),
        "over-capacity",
        "services[0]",
        "over capacity",
    ),
    Malformed(
        "an availability of nobody",
        _have(_facility(_service(_beds(availableCount="1", availability="Vacant")))),
        "unknown-code",
        "services[0].availability, services[0].availableCount",
        "Open, Full, Exceeded, Inactive",
    ),
    Malformed(
        "full with places",
        _have(_facility(_service(_beds(availableCount="2", availability="Full")))),
        "state-contradicts-counts",
        "services[0]",
        "contradicts",
    ),
    Malformed(
        "a colour of nobody",
        _have(_facility(_service(_colour("pink")))),
        "unknown-code",
        "services[0].colourStatus",
        "green, yellow, red",
    ),
    Malformed(
        "perhaps available",
        _have(_facility(_service(_status(_element("isAvailable", "perhaps"))))),
        "unknown-code",
        "services[0].isAvailable",
        "yes or no",
    ),
    Malformed(
        "one service twice",
        _have(_facility(_service() + _service())),
        "offer-twice",
        "services[1]",
        "has this offer already",
    ),
    Malformed(
        "a period in words",
        _have(_facility(_service(), more=_period("heute"))),
        "unreadable",
        "fromDateTime",
        "date and time",
    ),
    Malformed(
        "an hour that the clock skips",
        _have(_facility(_service(), more=_period("2026-03-29T02:30:00"))),
        "unreadable",
        "fromDateTime",
        "date and time",
    ),
    Malformed(
        "latitude and longitude the wrong way round",
        _have(_facility(_service(), information=_point("8.04 52.84"))),
        "position-outside-germany",
        "services[0]",
        "wrong way round",
    ),
    Malformed(
        "a position in words",
        _have(_facility(_service(), information=_point("hier dort"))),
        "unreadable",
        "latitude",
        "a number like",
    ),
    Malformed(
        "a name too long for one", _have(_facility(_service(), name="x" * 400)), "unreadable", "facilityName", "300"
    ),
]
