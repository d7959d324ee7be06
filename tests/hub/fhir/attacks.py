"""What people send to break a FHIR server: requests by what they aim at."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tests.hub.fhir.hostility import CANARY, Attack

__all__ = ["GROUPS", "LIMIT", "group", "seed", "zeros"]

LIMIT = 40 * 1024 * 1024
"""The longest body that is read."""

_XML = (("content-type", "application/fhir+xml"),)
_GZIP = (("content-encoding", "gzip"),)
_FORM = (("content-type", "application/x-www-form-urlencoded"),)
_JSON_PATCH = (("content-type", "application/json-patch+json"),)
_NS = 'xmlns="http://hl7.org/fhir"'
_PATIENT = {"resourceType": "Patient", "name": [{"family": "Muster"}]}
_ORGANIZATION = {"resourceType": "Organization", "id": "o1", "name": "Haus", "active": True}

INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE public_resource; --",
    '" OR ""="',
    "1) UNION SELECT content FROM professional_resource --",
    "%' ESCAPE '",
    ":param",
    "%(param)s",
    "?1",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "\\",
    "%",
    "_",
    "\r\nSet-Cookie: a=b",
    "\n",
    "\t",
    "\x00",
    "\ufeff",
    "\u202e",
    "\U0001f600",
    "İ",
    "ß" * 300,
    "a" * 10_000,
    "<script>alert(1)</script>",
    "&amp;",
    "|",
    "||",
    "|||",
    ",",
    ",,,,",
    "$",
    "$$",
    "\\,",
    "\\|",
    "-",
    "--",
    ":",
    "::",
    ".",
    "..",
    "a.b.c.d.e.f.g.h.i.j.k.l",
    "_has:",
    "_has:::",
    "_has:Observation:patient:_has:Observation:patient:",
    "0000",
    "0000-01-01",
    "9999-99",
    "9999-12-31T23:59:60Z",
    "10000-01-01",
    "2026-02-30",
    "2026-01-01T25:00:00Z",
    "2026-01-01T00:00:00+99:99",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "ap9999-12-31",
    "ap0001",
    "1e400000",
    "-1e400000",
    "1" * 5_000,
    "0." + "1" * 5_000,
    "NaN",
    "Infinity",
    "ap1e399",
    "90|180|1000|km",
    "91|181|1|km",
    "NaN|NaN|NaN|km",
    "1e400|1|1|km",
    "52|8|-1|km",
    "52|8|0|km",
    "http://[",
    "http://a:b@c:99999999/%zz",
    "Patient/../../etc/passwd",
    "urn:uuid:",
    "true",
    "null",
    "TRUE",
    "-1",
    "1000000000",
    CANARY,
)


def seed() -> Iterator[Attack]:
    """What the attacks are aimed at."""
    for tree in (_ORGANIZATION, {**_PATIENT, "id": "p1"}):
        yield Attack(
            name="seed",
            method="PUT",
            path=f"/fhir/{tree['resourceType']}/{tree['id']}",
            body=json.dumps(tree).encode(),
            answers="2",
        )


def _bytes(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def _nested(opening: bytes, closing: bytes, levels: int, inside: bytes = b"1") -> bytes:
    return opening * levels + inside + closing * levels


def _json_bodies() -> Iterator[tuple[str, bytes]]:
    for levels in (49, 60, 1_000, 100_000):
        yield f"arrays {levels} deep", _nested(b"[", b"]", levels)
        yield f"objects {levels} deep", _nested(b'{"a":', b"}", levels)
        yield f"names {levels} deep", b'{"resourceType":"Patient","name":' + _nested(b"[", b"]", levels) + b"}"
        extensions = _nested(b'[{"url":"http://a.example","extension":', b"}]", levels, b"[]")
        yield f"extensions {levels} deep", b'{"resourceType":"Patient","extension":' + extensions + b"}"
        contained = _nested(b'[{"resourceType":"Patient","contained":', b"}]", levels, b"[]")
        yield f"contained {levels} deep", b'{"resourceType":"Patient","contained":' + contained + b"}"
        entries = _nested(b'[{"resource":{"resourceType":"Bundle","type":"batch","entry":', b"}}]", levels, b"[]")
        yield f"entries {levels} deep", b'{"resourceType":"Bundle","type":"batch","entry":' + entries + b"}"
        yield f"unclosed {levels} deep", b'{"resourceType":"Patient","a":' + b"[" * levels
        yield f"deep {levels} in a string", b'{"resourceType":"Patient","id":"' + b"[" * levels + b'"}'
    wrong = ("NaN", "Infinity", "-Infinity", "1" * 5_000, "-" + "1" * 5_000, "1e400000", "1e-400000", "1E+9999999999")
    for number in (*wrong, "0." + "1" * 5_000, "01", "1.", ".5", "+1", "0x10", "1_000", "--1"):
        for element in ("multipleBirthInteger", "birthDate", "active", "unknown"):
            yield f"{element} {number[:12]}", f'{{"resourceType":"Patient","{element}":{number}}}'.encode()
    for text in (r"\ud800", r"\udc00\ud800", r"\u0000", r"\uZZZZ", "\x00", "\x01", "\n", r"\x41", "\\"):
        for place in ('"id":"@"', '"@":"a"', '"name":[{"family":"@"}]', '"text":{"status":"generated","div":"@"}'):
            yield f"{text!r} in {place}", f'{{"resourceType":"Patient",{place.replace("@", text)}}}'.encode()
    yield "a key twice", b'{"resourceType":"Patient","resourceType":"Group"}'
    yield "an inner key twice", b'{"resourceType":"Patient","name":[{"family":"a","family":"b"}]}'
    patient = _bytes(_PATIENT)
    yield "two byte-order marks", b"\xef\xbb\xbf\xef\xbb\xbf" + patient
    for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"):
        yield coding, patient.decode().encode(coding) if coding != "utf-7" else b"+AHsAIg-"
    for octets in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3"):
        yield f"octets {octets!r}", b'{"resourceType":"Patient","name":[{"family":"' + octets + b'"}]}'
    for text in (
        "",
        " ",
        "null",
        "true",
        "1",
        '"a"',
        "[]",
        "{}",
        "[{}]",
        "[null]",
        "{",
        '{"a"',
        '{"a":',
        "//",
        "/**/{}",
    ):
        yield f"body {text!r}", text.encode()
    for kind in ("null", "1", "[]", "{}", '"patient"', '"../Patient"', '"Resource"', '"DomainResource"', '"HumanName"'):
        yield f"resourceType {kind}", f'{{"resourceType":{kind}}}'.encode()
    yield "a tail", patient + b"}"
    yield "two documents", patient + b"\n" + patient
    yield "a comment", patient[:-1] + b"/**/}"
    yield "a trailing comma", patient[:-1] + b",}"
    for name, value in _WRONG_TREES.items():
        yield name, _bytes({"resourceType": "Patient", **value})


_WRONG_TREES: Mapping[str, dict[str, Any]] = {
    "an id of 65 characters": {"id": "a" * 65},
    "an id that leads out": {"id": "../../etc/passwd"},
    "an id that is a list": {"id": ["a"]},
    "an id with a line": {"id": "a\r\nSet-Cookie: a=b"},
    "names that are texts": {"name": ["a"] * 5_000},
    "names that are numbers": {"name": list(range(5_000))},
    "nulls": {"name": [None] * 5_000},
    "given nulls": {"name": [{"given": [None] * 5_000}]},
    "companions too many": {"name": [{"given": ["a"], "_given": [None] * 5_000}]},
    "unknown elements": {f"x{number}": CANARY for number in range(5_000)},
    "an unknown element with a long name": {"x" * 100_000: CANARY},
    "an unknown element with lines": {"x\r\n\u2028y": CANARY},
    "a code that is none": {"gender": CANARY},
    "a date of the year 0": {"birthDate": "0000-01-01"},
    "a date that is none": {"birthDate": "9999-99-99"},
    "a narrative with a script": {"text": {"status": "generated", "div": "<div><script>alert(1)</script></div>"}},
    "a narrative that expands": {
        "text": {
            "status": "generated",
            "div": '<!DOCTYPE a [<!ENTITY b "c">]><div xmlns="http://www.w3.org/1999/xhtml">&b;</div>',
        }
    },
    "a narrative 5,000 deep": {
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">' + "<b>" * 5_000 + "</b>" * 5_000 + "</div>",
        }
    },
    "a reference that leads out": {"managingOrganization": {"reference": "../../etc/passwd"}},
    "a reference to another type": {"managingOrganization": {"reference": f"Patient/{CANARY}"}},
    "a meta that is a text": {"meta": CANARY},
    "profiles that are objects": {"meta": {"profile": [{}, [], 1]}},
    "a version of its own": {"meta": {"versionId": "../1", "lastUpdated": "soon"}},
}


def bodies() -> Iterator[Attack]:
    """JSON that is none, or too much of it."""
    routes = (
        ("POST", "/fhir/Patient", "4"),
        ("PUT", "/fhir/Patient/p1", "4"),
        ("PATCH", "/fhir/Patient/p1", "4"),
        ("POST", "/fhir", "4"),
        ("POST", "/fhir/Patient/$validate", "24"),
        ("POST", "/fhir/ValueSet/$expand", "24"),
        ("POST", "/fhir/CodeSystem/$lookup", "24"),
        ("POST", "/fhir/ConceptMap/$translate", "24"),
        ("POST", "/fhir/HealthcareService/$find-vacancies", "24"),
    )
    for name, body in _json_bodies():
        for method, path, answers in routes:
            # An entry that cannot be done is answered in the batch.
            batch = path == "/fhir" and name.startswith("entries")
            # FHIR has a create leave aside what id is brought.
            unread = path == "/fhir/Patient" and (name.startswith("an id") or name.endswith("in a string"))
            right = "2" if unread else "24" if batch else answers
            yield Attack(name=f"{name} → {path}", method=method, path=path, body=body, answers=right)
        for form in (_JSON_PATCH, _FORM):
            path, method = ("/fhir/Patient/p1", "PATCH") if form is _JSON_PATCH else ("/fhir/Patient/_search", "POST")
            yield Attack(
                name=f"{name} as {form[0][1]}", method=method, path=path, headers=form, body=body, answers="24"
            )
    yield Attack(name="a byte-order mark", method="POST", body=b"\xef\xbb\xbf" + _bytes(_PATIENT), answers="2")


def _xml_bodies() -> Iterator[tuple[str, str | bytes]]:
    def patient(inside: str, before: str = "") -> str:
        return f"{before}<Patient {_NS}>{inside}</Patient>"

    bomb = "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 12))
    yield (
        "a billion laughs",
        patient('<name><family value="&a11;"/></name>', f'<!DOCTYPE Patient [<!ENTITY a0 "a">{bomb}]>'),
    )
    entity = '<!DOCTYPE Patient [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    yield "an external entity", patient('<name><family value="&a;"/></name>', entity)
    yield (
        "an external entity in a text",
        patient('<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">&a;</div></text>', entity),
    )
    yield "a parameter entity", patient("", '<!DOCTYPE Patient [<!ENTITY % a SYSTEM "http://127.0.0.1:9/a"> %a;]>')
    yield "an external DTD", patient("", '<!DOCTYPE Patient SYSTEM "http://127.0.0.1:9/a.dtd">')
    yield "a bare DOCTYPE", patient("", "<!DOCTYPE Patient>")
    yield "an unknown entity", patient('<name><family value="&nothing;"/></name>')
    yield "CDATA", patient("<![CDATA[<script>]]>")
    yield "text between elements", patient("a" * 1000)
    yield "no namespace", "<Patient/>"
    yield "another namespace", '<Patient xmlns="http://a.example"/>'
    yield (
        "a prefix",
        f'<f:Patient xmlns:f="http://hl7.org/fhir"><f:name><f:family value="{CANARY}" x="1"/></f:name></f:Patient>',
    )
    yield "an include", patient('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>')
    yield "many attributes", patient("<name " + " ".join(f'a{number}="1"' for number in range(100_000)) + "/>")
    yield (
        "many namespaces",
        patient("<name " + " ".join(f'xmlns:a{number}="u{number}"' for number in range(5_000)) + "/>"),
    )
    yield "the same attribute twice", patient('<active value="true" value="false"/>')
    yield "a value of the wrong type", patient(f'<active value="{CANARY}"/>')
    yield "a number too long", patient(f'<multipleBirthInteger value="{"1" * 5_000}"/>')
    yield "a number too large", patient('<extension url="a"><valueDecimal value="1e400000"/></extension>')
    yield "NaN", patient('<extension url="a"><valueDecimal value="NaN"/></extension>')
    yield "an element twice", patient('<active value="true"/><active value="true"/>')
    yield "elements out of order", patient('<birthDate value="2000-01-01"/><active value="true"/>')
    yield "an unclosed element", f"<Patient {_NS}>"
    yield "nothing", ""
    yield "no XML", "{}"
    yield "two roots", patient("") * 2
    yield "another resource", f"<Group {_NS}/>"
    yield "no resource", f"<HumanName {_NS}/>"
    yield "a NUL", patient('<name><family value="\x00"/></name>')
    yield "a NUL by number", patient('<name><family value="&#0;"/></name>')
    yield "a surrogate by number", patient('<name><family value="&#xD800;"/></name>')
    yield "another encoding", patient("", '<?xml version="1.0" encoding="bogus"?>')
    yield "XML 1.1", patient("<a/>", '<?xml version="1.1"?>')
    for levels in (60, 1_000, 100_000):
        yield (
            f"extensions {levels} deep",
            patient('<extension url="http://a.example">' * levels + "</extension>" * levels),
        )
        yield f"contained {levels} deep", patient("<contained><Patient>" * levels + "</Patient></contained>" * levels)
        div = '<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">'
        yield f"narrative {levels} deep", patient(f"{div}{'<b>' * levels}{'</b>' * levels}</div></text>")
    yield "a long attribute", patient(f'<name><family value="{"a" * 11_000_000}"/></name>')
    yield "many of a name", patient("<bogus/>" * 100_000)
    yield "a long comment", patient(f"<!--{'-' * 100_000}-->")


def xml() -> Iterator[Attack]:
    """FHIR XML that is none."""
    for name, text in _xml_bodies():
        body = text.encode() if isinstance(text, str) else text
        for method, path in (("POST", "/fhir/Patient"), ("PUT", "/fhir/Patient/p1"), ("POST", "/fhir")):
            yield Attack(name=f"{name} → {path}", method=method, path=path, headers=_XML, body=body)
    active = f'<Patient {_NS}><active value="true"/></Patient>'
    for name, body in {
        "an instruction": f'<?xml-stylesheet href="http://127.0.0.1:9/a.xsl"?>{active}'.encode(),
        "UTF-16": f'<?xml version="1.0" encoding="UTF-16"?>{active}'.encode("utf-16"),
        "UTF-16 that says UTF-8": f'<?xml version="1.0" encoding="UTF-8"?>{active}'.encode("utf-16"),
        "UTF-7": f'<?xml version="1.0" encoding="UTF-7"?>{active}'.encode(),
    }.items():
        # What it says is plain; nothing is fetched or done for it.
        yield Attack(name=name, method="POST", headers=_XML, body=body, answers="24")


def packed() -> Iterator[Attack]:
    """Bodies that are not what they take on the wire."""
    patient = gzip.compress(_bytes(_PATIENT))
    huge = zeros(200 * 1024 * 1024)
    cases = {
        "a bomb": huge,
        "a bomb in a bomb": gzip.compress(huge),
        "a truncated one": patient[:-9],
        "only the header": patient[:10],
        "nothing": b"",
        "garbage": b"\x00" * 100,
        "a tail": patient + b"garbage",
        "two members": patient + patient,
        "a wrong checksum": patient[:-8] + b"\x00" * 8,
        "deflate": zlib.compress(_bytes(_PATIENT)),
    }
    for name, body in cases.items():
        yield Attack(name=f"gzip: {name}", method="POST", headers=_GZIP, body=body)
    for coding in ("br", "deflate", "gzip, gzip", "identity, gzip", "zstd", "*", "GZIP\r\n", CANARY):
        yield Attack(name=f"coding {coding!r}", method="POST", headers=(("content-encoding", coding),), body=patient)
    yield Attack(name="gzip", method="POST", headers=_GZIP, body=patient, answers="2")


def zeros(length: int) -> bytes:
    """So many blanks, compressed."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b" " * (1 << 20)
    return b"".join([*(pack.compress(piece) for _ in range(length >> 20)), pack.flush()])


def large() -> Iterator[Attack]:
    """Bodies of forty megabytes, and one byte more."""
    begin, end = b'{"resourceType":"Patient","name":[', b"]}"

    def filled(piece: bytes, before: bytes = begin, after: bytes = end) -> bytes:
        room = LIMIT - len(before) - len(after) - len(piece)
        return before + (piece + b",") * (room // (len(piece) + 1)) + piece + after

    cases = {
        "blanks": b" " * LIMIT,
        "brackets": b"[" * LIMIT,
        "quotes": b'"' * LIMIT,
        "escaped quotes": b'["' + rb"\"" * (LIMIT // 2 - 2),
        "backslashes": b'"' + b"\\" * (LIMIT - 1),
        "digits": b"1" * LIMIT,
        "minus": b"-" * LIMIT,
        "one text": b'{"resourceType":"Patient","name":[{"family":"' + b"a" * (LIMIT - 100) + b'"}]}',
        "one key": b'{"resourceType":"Patient","' + b"a" * (LIMIT - 100) + b'":1}',
        "numbers": filled(b"0"),
        "nulls": filled(b"null"),
        "empty objects": filled(b"{}"),
        "empty lists": filled(b"[]"),
        "names": filled(b'{"family":"a","given":["b"]}'),
        "unknown names": filled(b'{"fxmily":"a"}'),
        "empty texts": filled(b'""'),
        "extensions": filled(b'{"url":"a","valueInteger":1}', b'{"resourceType":"Patient","extension":['),
        "identifiers": filled(b'{"system":"http://a","value":"b"}', b'{"resourceType":"Patient","identifier":['),
        "contained": filled(b'{"resourceType":"Patient"}', b'{"resourceType":"Patient","contained":['),
        "entries": filled(b"{}", b'{"resourceType":"Bundle","type":"batch","entry":['),
        "reads": filled(
            b'{"request":{"method":"GET","url":"Patient"}}', b'{"resourceType":"Bundle","type":"batch","entry":['
        ),
        "surrogates": filled(rb'"\ud83d\ude00"'),
        "a surrogate at the end": b'["' + b"a" * (LIMIT - 20) + rb"\ud800" + b'"]',
    }
    for name, body in cases.items():
        path = "/fhir" if name in ("entries", "reads") else "/fhir/Patient"
        yield Attack(name=f"40 MB of {name}", method="POST", path=path, body=body)
    yield Attack(name="a byte too many", method="POST", body=b" " * (LIMIT + 1))
    div = '<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">'
    for name, before, piece, after in (
        ("elements", f"<Patient {_NS}>", "<a/>", "</Patient>"),
        ("names", f"<Patient {_NS}>", '<name><family value="a"/></name>', "</Patient>"),
        ("depth", "", "<a>", ""),
        ("text", f"<Patient {_NS}>", "a", "</Patient>"),
        ("narrative", f"<Patient {_NS}>{div}", "<b>a</b>", "</div></text></Patient>"),
    ):
        room = LIMIT - len(before) - len(after)
        body = (before + piece * (room // len(piece)) + after).encode()
        yield Attack(name=f"40 MB of XML {name}", method="POST", headers=_XML, body=body)


def paths() -> Iterator[Attack]:
    """Addresses that lead elsewhere, and methods that nobody meant."""
    words = (
        *(
            "..",
            "%2e%2e",
            "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "..%5c..",
            "%00",
            "p1%00",
            "%0d%0aSet-Cookie:%20a=b",
            "%ff",
        ),
        *("%c0%ae%c0%ae", "%u002e", "%", "%2", "%zz", "a" * 65, "a" * 100_000, "%E2%80%AE", "%F0%9F%98%80", "p1;a=b"),
        *(
            "'%20OR%20'1'='1",
            "$",
            "$$",
            "$nothing",
            "_",
            "_nothing",
            "__class__",
            "p%201",
            "p1%2f_history",
            "\udcff\udcfe",
        ),
        *(CANARY, "~", "*", "p1.json", "%7B%7B7*7%7D%7D", "\x7f", "-1", "1e400000", "p1%20"),
    )
    for word in words:
        for path in (
            f"/fhir/{word}",
            f"/fhir/Patient/{word}",
            f"/fhir/{word}/p1",
            f"/fhir/Patient/p1/{word}",
            f"/fhir/Patient/p1/_history/{word}",
            f"/fhir/{word}/_search",
            f"/fhir/Patient/{word}/_history",
        ):
            yield Attack(name=f"GET {path[:60]}", path=path, answers="24")
        for method in ("PUT", "PATCH", "DELETE", "POST"):
            body = _bytes({**_PATIENT, "id": "p1"}) if method != "DELETE" else b""
            yield Attack(
                name=f"{method} Patient/{word[:40]}",
                method=method,
                path=f"/fhir/Patient/{word}",
                body=body,
                # Who deletes what was never there is told that it is not.
                answers="24" if method == "DELETE" else "4",
            )
    for path in ("/fhir//", "/fhir///Patient", "/fhir//Patient//p1", "/fhir/" + "a/" * 50_000, "/fhir/Patient/p1/////"):
        yield Attack(name=f"GET {path[:40]}", path=path, answers="24")
    for version in ("0", "-1", "1" * 30, "1" * 5_000, "9223372036854775808", "1.0", "٣", "%D9%A3", "1e1", "abc"):
        yield Attack(name=f"version {version[:20]}", path=f"/fhir/Patient/p1/_history/{version}")
    here = (
        "/fhir",
        "/fhir/Patient",
        "/fhir/Patient/p1",
        "/fhir/Patient/p1/_history/1",
        "/fhir/metadata",
        "/fhir/nothing",
    )
    for path in here:
        for method in ("TRACE", "CONNECT", "PROPFIND", "OPTIONS", "X" * 1_000, "get"):
            yield Attack(name=f"{method[:9]} {path}", method=method, path=path, answers="24")
    for path in (
        *here,
        "/fhir/Patient/p1/_history",
        "/fhir/_history",
        "/fhir/ValueSet/$expand",
        "/fhir/Patient/absent",
    ):
        yield Attack(name=f"HEAD {path}", method="HEAD", path=path, answers="24")


def searches() -> Iterator[Attack]:
    """Searches that inject, or ask for more than anybody can read."""
    types = ("Patient", "Observation", "HealthcareService", "Location", "ValueSet", "RiskAssessment")
    places = (
        *("name", "name:exact", "name:contains", "identifier", "identifier:of-type", "identifier:not", "birthdate"),
        *(
            "general-practitioner",
            "general-practitioner:identifier",
            "general-practitioner.name",
            "_id",
            "_lastUpdated",
        ),
        *("_profile", "_tag", "_tag:text", "_tag:in", "_security", "_source", "_sort", "_count", "_after", "_summary"),
        *("_elements", "_total", "_include", "_revinclude", "_include:iterate", "_type", "_contained", "_format"),
        *(
            "_pretty",
            "_since",
            "_at",
            "_has:Observation:patient:code",
            "_text",
            "_content",
            "_filter",
            "_query",
            "_list",
        ),
        *("near", "position", "value-quantity", "code-value-quantity", "probability", "url", "url:below", "url:above"),
        *("name:missing", "code:in", "code:not-in", "code:below", "service-type", "location.near", "_type:not"),
    )
    for text in INJECTIONS:
        written = quote(text, safe="")
        for number, place in enumerate(places):
            kind = types[number % len(types)]
            yield Attack(
                name=f"{place}={text[:20]!r}", path=f"/fhir/{kind}", query=f"{quote(place)}={written}", answers="24"
            )
        if text == CANARY:
            # The name of a parameter that there is not is told.
            continue
        for query in (
            f"{written}=a",
            f"name:{written}=a",
            f"general-practitioner:{written}.name=a",
            f"general-practitioner.{written}=a",
            f"_has:{written}:patient:code=a",
            f"_has:Observation:{written}:code=a",
            f"_has:Observation:patient:{written}=a",
            f"_sort={written},-{written}",
            f"_include={written}:{written}",
            f"_include=Patient:{written}:{written}",
            f"_revinclude=Observation:{written}",
            f"_include:{written}=Patient:organization",
            f"_elements={written}",
            f"_type={written}",
            written,
        ):
            yield Attack(name=f"{query[:40]}", path="/fhir/Patient", query=query, answers="24")
            strict = (("prefer", "handling=strict"),)
            yield Attack(name=f"strict {query[:40]}", path="/fhir/Patient", query=query, headers=strict, answers="24")
        form = f"name={written}&{written}=a".encode()
        yield Attack(
            name=f"form {text[:20]!r}",
            method="POST",
            path="/fhir/Patient/_search",
            headers=_FORM,
            body=form,
            answers="24",
        )


def costly() -> Iterator[Attack]:
    """Searches whose answer would cost far more than the question."""
    queries = {
        "a million includes": "&".join(["_include=Patient:organization"] * 1_000_000),
        "33 includes": "&".join(["_include=Patient:organization"] * 33),
        "10,000 parameters": "&".join(f"name=a{number}" for number in range(10_000)),
        "31 criteria": "&".join(f"name=a{number}" for number in range(31)),
        "10,000 values": "name=" + ",".join(f"a{number}" for number in range(10_000)),
        "10,000 ids": "_id=" + ",".join(f"a{number}" for number in range(10_000)),
        "a chain of 50": "organization." + "partof." * 50 + "name=a",
        "a chain of too many": "organization." + "partof." * 5 + "name=a",
        "50 of _has": "_has:Patient:link:" * 50 + "name=a",
        "alternating": "_has:Observation:patient:subject:Patient." * 6 + "name=a",
        "100 keys": "_sort=" + ",".join(["name"] * 100),
        "100 sorts": "&".join(["_sort=name"] * 100),
        "many elements": "_elements=" + ",".join(f"a{number}" for number in range(100_000)),
        "a negative count": "_count=-1",
        "a count of letters": "_count=ten",
        "a count of other digits": "_count=%D9%A3",
        "a count too long": "_count=" + "9" * 5_000,
        "a page of another search": "_after=AAAA",
        "full text": "_text=a",
    }
    for name, query in queries.items():
        yield Attack(name=name, path="/fhir/Patient", query=query, answers="4")
        if len(query) < 60_000:
            yield Attack(
                name=f"{name} by form",
                method="POST",
                path="/fhir/Patient/_search",
                headers=_FORM,
                body=query.encode("latin-1"),
            )
    yield Attack(name="60,000 commas", query="name=" + "," * 60_000, answers="2")
    yield Attack(name="60,000 backslashes", query="name=" + "\\" * 60_000)
    anything = {
        "Provenance": "target",
        "List": "item",
        "Composition": "entry",
        "Basic": "subject",
        "Task": "focus",
        "Observation": "focus",
        "QuestionnaireResponse": "subject",
        "AuditEvent": "entity",
        "Linkage": "item",
    }
    for kind, link in anything.items():
        for depth in (1, 2, 3, 4, 5):
            query = f"{link}." * depth + "_id=a"
            yield Attack(name=f"{kind}?{query}", path=f"/fhir/{kind}", query=query, answers="24")
            sources = "_has:Provenance:target:" * depth + "_id=a"
        yield Attack(name=f"{kind}?{sources}", path=f"/fhir/{kind}", query=sources, answers="24")
    yield Attack(name="all types at once", path="/fhir", query="_sort=_lastUpdated&_total=accurate", answers="2")
    for word in (
        "name=a",
        "_has:Provenance:target:agent=a",
        "_id=a&_tag=b&_profile=c&_source=d&_security=e",
        "_type=x",
    ):
        yield Attack(name=f"system {word}", path="/fhir", query=word, answers="24")


def headers() -> Iterator[Attack]:
    """Headers that inject, or go on and on."""
    texts = (*INJECTIONS, ", " * 10_000, "a;" * 10_000, "application/fhir+json;q=" + "9" * 5_000, "\xff" * 100, "")
    names = (
        *("if-match", "if-none-match", "if-modified-since", "if-none-exist", "prefer", "accept", "content-type"),
        *("accept-charset", "accept-language", "accept-encoding", "content-length", "host", "x-forwarded-host"),
        *("x-http-method-override", "forwarded", "range", "authorization", "cookie", "content-encoding"),
    )
    patient = _bytes({**_PATIENT, "id": "p1"})
    for text in texts:
        value = text.encode().decode("latin-1")
        for name in names:
            told = ((name, value),)
            yield Attack(name=f"GET {name}: {text[:20]!r}", path="/fhir/Patient/p1", headers=told, answers="234")
            yield Attack(name=f"search {name}: {text[:20]!r}", query="name=a", headers=told, answers="24")
            yield Attack(
                name=f"PUT {name}: {text[:20]!r}",
                method="PUT",
                path="/fhir/Patient/p1",
                headers=told,
                body=patient,
                answers="24",
            )
            yield Attack(name=f"POST {name}: {text[:20]!r}", method="POST", headers=told, body=patient, answers="24")
    many = ", ".join(f"a/b{number};q=0.{number}" for number in range(10_000))
    yield Attack(name="10,000 types", headers=(("accept", many),))
    yield Attack(name="10,000 headers", headers=tuple(("accept", "a/b") for _ in range(10_000)))
    dates = ("Thu, 99 Foo 0000 99:99:99 GMT", "Thu, 01 Jan 1970 00:00:00 +9999", "Fri, 31 Dec 9999 23:59:59 -2359", "0")
    for date in dates:
        told = (("if-modified-since", date),)
        yield Attack(name=f"since {date}", path="/fhir/Patient/p1", headers=told, answers="23")


def histories() -> Iterator[Attack]:
    """Histories from times and pages that there are not."""
    for path in ("/fhir/_history", "/fhir/Patient/_history", "/fhir/Patient/p1/_history"):
        for name in ("_since", "_at", "_count", "_after", "_sort", "_list", "nothing"):
            for text in INJECTIONS:
                query = f"{name}={quote(text, safe='')}"
                yield Attack(name=f"{path}?{query[:40]}", path=path, query=query, answers="24")
        for cursor in (
            "1.1.1.1",
            "-9" + "9" * 17 + ".1.1.",
            "9" * 18 + "." + "9" * 18 + ".9.9",
            "9" * 99 + ".1.1.1",
            "...",
        ):
            yield Attack(name=f"{path} {cursor[:20]}", path=path, query=f"_after={cursor}", answers="24")


def patches() -> Iterator[Attack]:
    """Patches that grow, or never end."""
    double = [{"op": "add", "path": "/a", "value": ["x" * 100]}]
    double += [{"op": "copy", "from": "/a", "path": "/a/-"} for _ in range(40)]
    json_patches: Mapping[str, Any] = {
        "copies that double": double,
        "100,000 operations": [{"op": "test", "path": "", "value": 1}] * 100_000,
        "1,001 operations": [{"op": "add", "path": "/name/0", "value": {"family": "a"}}] * 1_001,
        "a deep path": [{"op": "add", "path": "/a" * 100_000, "value": 1}],
        "a move into itself": [{"op": "move", "from": "/name", "path": "/name/0"}],
        "the whole": [{"op": "replace", "path": "", "value": 1}],
        "the whole removed": [{"op": "remove", "path": ""}],
        "an index too large": [{"op": "add", "path": "/name/" + "9" * 5_000, "value": 1}],
        "an index below nothing": [{"op": "remove", "path": "/name/-1"}],
        "an index of other digits": [{"op": "remove", "path": "/name/٠"}],
        "another type": [{"op": "replace", "path": "/resourceType", "value": "Group"}],
        "another id": [{"op": "replace", "path": "/id", "value": "../o1"}],
        "nothing": [{"op": "nothing", "path": ""}],
        "no path": [{"op": "add", "value": CANARY}],
        "a wrong escape": [{"op": "add", "path": "/~2", "value": CANARY}],
        "a test that fails": [{"op": "test", "path": "/name/0/family", "value": CANARY}],
        "no list": {"op": "add"},
        "lists in lists": [[[]]],
        "a number too large": [{"op": "add", "path": "/multipleBirthInteger", "value": 10**99}],
    }
    for name, told in json_patches.items():
        yield Attack(
            name=f"JSON Patch: {name}", method="PATCH", path="/fhir/Patient/p1", headers=_JSON_PATCH, body=_bytes(told)
        )
    for expression in EXPRESSIONS:
        operation = [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": expression},
            {"name": "value", "valueString": CANARY},
        ]
        tree = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": operation}]}
        yield Attack(
            name=f"FHIRPath Patch: {expression[:50]}", method="PATCH", path="/fhir/Patient/p1", body=_bytes(tree)
        )
    operation = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Patient.photo"}]
    tree = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": operation}] * 100_000}
    yield Attack(name="100,000 FHIRPath operations", method="PATCH", path="/fhir/Patient/p1", body=_bytes(tree))


EXPRESSIONS = (
    "Patient.repeat($this)",
    "Patient.repeat(children())",
    "Patient.descendants().descendants().descendants().descendants()",
    "Patient.descendants().select($this.descendants().select($this.descendants()))",
    "Patient.where(descendants().where(descendants().exists()).exists())",
    "Patient.name.family.matches('(a+)+$')",
    "'" + "a" * 40 + "!'.matches('^(a|a)*$')",
    "Patient.name.replaceMatches('(.*)*', '$0$0$0$0')",
    "Patient.name.family.replace('', '" + "a" * 400 + "')",
    "(1|2|3).repeat($this + 1)",
    "9999999999 * 9999999999 * 9999999999",
    "2.power(2.power(2.power(1000)))",
    "1e400000",
    "1.0 / 0",
    "(" * 100_000,
    "Patient" + ".name" * 100_000,
    "Patient.where(" * 200 + "true" + ")" * 200,
    "-" * 200 + "1",
    "not " * 100 + "true",
    "Patient.name.family + " * 30 + "'a'",
    "Patient.aggregate($total & $total & 'a', 'a')",
    "iif(true, iif(true, " * 60,
    "%resource.%rootResource",
    "%`vs-nothing`",
    "resolve()",
    "Patient.managingOrganization.resolve().name",
    "Patient.name[9999999999999999999999]",
    "Patient.name.family.substring(-99999999999999)",
    "Patient.name.take(99999999999999999999999)",
    "@0000-00-00",
    "Patient.birthDate + 999999999999999 years",
    "'\\ud800'",
    "'\x00'",
    "/*",
    "Patient.name /*" + "*" * 400,
    "now()",
    "trace('" + CANARY + "')",
    "Patient.name.combine(Patient.name).combine(Patient.name)",
    "Patient | Patient | Patient",
    "",
    " ",
    "\\",
    "`",
    "'",
)
"""FHIRPath that would take a careless engine with it."""


def parameters() -> Iterator[Attack]:
    """SearchParameters whose expressions would be evaluated for every resource."""
    for number, expression in enumerate(EXPRESSIONS):
        tree = {
            "resourceType": "SearchParameter",
            "url": f"http://a.example/SearchParameter/{number}",
            "name": "A",
            "status": "active",
            "description": "a",
            "code": f"a{number}",
            "base": ["Patient"],
            "type": "string",
            "expression": expression,
        }
        yield Attack(
            name=f"SearchParameter {expression[:50]}",
            method="POST",
            path="/fhir/SearchParameter",
            body=_bytes(tree),
            answers="24",
        )
    changes: Mapping[str, dict[str, Any]] = {
        "a code that injects": {"code": "a' OR 1=1 --"},
        "the code of another": {"code": "_id"},
        "a base that there is not": {"base": ["Nothing"]},
        "every base": {"base": ["Resource"]},
        "a composite of itself": {"type": "composite", "component": [{"definition": "a", "expression": "$this"}]},
        "an unknown type": {"type": CANARY},
    }
    for name, change in changes.items():
        tree = {
            "resourceType": "SearchParameter",
            "url": "http://a.example/x",
            "name": "A",
            "status": "active",
            "description": "a",
            "code": "xx",
            "base": ["Patient"],
            "type": "string",
            "expression": "Patient.id",
            **change,
        }
        yield Attack(
            name=f"SearchParameter: {name}",
            method="POST",
            path="/fhir/SearchParameter",
            body=_bytes(tree),
            answers="24",
        )


def bundles() -> Iterator[Attack]:
    """Bundles in Bundles, and entries that name each other."""

    def bundle(kind: str, entries: list[Any]) -> dict[str, Any]:
        return {"resourceType": "Bundle", "type": kind, "entry": entries}

    def write(full_url: str, resource: dict[str, Any], method: str = "POST", url: str = "") -> dict[str, Any]:
        request = {"method": method, "url": url or resource["resourceType"]}
        return {"fullUrl": full_url, "resource": resource, "request": request}

    def refer(*targets: str) -> dict[str, Any]:
        return {**_PATIENT, "link": [{"other": {"reference": one}, "type": "seealso"} for one in targets]}

    one, two = "urn:uuid:11111111-1111-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"
    read = {"request": {"method": "GET", "url": "Patient/p1"}}
    inner = write(one, bundle("batch", [read]), url="/")
    cases: Mapping[str, tuple[Any, str]] = {
        "100,000 entries": (bundle("batch", [read] * 100_000), "4"),
        "5,000 reads": (bundle("batch", [read] * 5_000), "2"),
        "a batch in a batch": (bundle("batch", [inner]), "2"),
        "a transaction in a batch": (bundle("batch", [write(one, bundle("transaction", [read]), url="/")]), "2"),
        "a batch in a transaction": (bundle("transaction", [inner]), "4"),
        "references in a circle": (bundle("transaction", [write(one, refer(two)), write(two, refer(one))]), "2"),
        "a reference to itself": (bundle("transaction", [write(one, refer(one))]), "2"),
        "a reference to nobody": (bundle("transaction", [write(one, refer(two))]), "4"),
        "the same fullUrl": (bundle("transaction", [write(one, _PATIENT), write(one, _PATIENT)]), "4"),
        "the same resource": (
            bundle("transaction", [write(u, {**_PATIENT, "id": "x"}, "PUT", "Patient/x") for u in (one, two)]),
            "4",
        ),
        "conditional references": (bundle("transaction", [write(one, refer("Patient?name=nobody' OR 1=1"))]), "4"),
        "a condition of any depth": (
            bundle("transaction", [write(one, refer("Patient?" + "link." * 50 + "name=a"))]),
            "4",
        ),
        "an absolute address": (
            bundle("batch", [{"request": {"method": "GET", "url": "http://127.0.0.1:9/fhir/Patient/p1"}}]),
            "2",
        ),
        "an address that leads out": (
            bundle("batch", [{"request": {"method": "GET", "url": "../../etc/passwd"}}]),
            "2",
        ),
        "an address with a NUL": (bundle("batch", [{"request": {"method": "GET", "url": "Patient/%00"}}]), "24"),
        "methods that there are not": (bundle("batch", [{"request": {"method": "TRACE", "url": "Patient"}}]), "24"),
        "entries that are texts": (bundle("batch", ["a"] * 100), "24"),
        "entries that are nothing": (bundle("batch", [{}, None, [], 1]), "24"),
        "no entries": ({"resourceType": "Bundle", "type": "batch"}, "2"),
        "an object of entries": ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "4"),
        "another kind": (bundle("collection", [read]), "4"),
        "a header with a line": (
            bundle(
                "batch",
                [
                    {
                        "request": {"method": "PUT", "url": "Patient/y", "ifMatch": "a\r\nb: c"},
                        "resource": {**_PATIENT, "id": "y"},
                    }
                ],
            ),
            "24",
        ),
        "a fullUrl with a line": (bundle("transaction", [write("urn:uuid:\r\n", _PATIENT)]), "24"),
        "500 searches": (
            bundle("batch", [{"request": {"method": "GET", "url": "Organization?name:contains=a"}}] * 500),
            "2",
        ),
        "1,000 creates": (
            bundle(
                "transaction", [write(f"urn:uuid:{n:08}-1111-4111-8111-111111111111", _PATIENT) for n in range(1_000)]
            ),
            "2",
        ),
        "1,000 of one condition": (
            bundle(
                "transaction",
                [
                    {
                        **write("", _PATIENT),
                        "fullUrl": f"urn:oid:1.{n}",
                        "request": {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier=a|{n}"},
                    }
                    for n in range(1_000)
                ],
            ),
            "24",
        ),
    }
    for name, (tree, answers) in cases.items():
        yield Attack(name=name, method="POST", path="/fhir", body=_bytes(tree), answers=answers)


def terms() -> Iterator[Attack]:
    """Terminology that includes itself, or never ends."""
    operations = (
        "ValueSet/$expand",
        "ValueSet/$validate-code",
        "CodeSystem/$lookup",
        "CodeSystem/$validate-code",
        "CodeSystem/$subsumes",
        "ConceptMap/$translate",
    )
    names = (
        "url",
        "system",
        "code",
        "filter",
        "count",
        "offset",
        "display",
        "displayLanguage",
        "valueSet",
        "source",
        "target",
        "codeA",
        "version",
    )
    for operation in operations:
        for name in names:
            for text in INJECTIONS[::3]:
                query = f"{name}={quote(text, safe='')}"
                yield Attack(name=f"{operation}?{query[:40]}", path=f"/fhir/{operation}", query=query, answers="24")

    def value_set(compose: Any) -> bytes:
        tree = {"resourceType": "ValueSet", "status": "active", "url": "http://a.example/v", "compose": compose}
        return _bytes({"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": tree}]})

    system = "http://hl7.org/fhir/administrative-gender"
    cases = {
        "a set of itself": {"include": [{"valueSet": ["http://a.example/v"]}]},
        "1,000 includes": {"include": [{"system": system}] * 1_000},
        "a regex": {
            "include": [{"system": system, "filter": [{"property": "code", "op": "regex", "value": "(a+)+$"}]}]
        },
        "a wide regex": {
            "include": [
                {
                    "system": system,
                    "filter": [{"property": "code", "op": "regex", "value": "((a{1,999}){1,999}){1,999}"}],
                }
            ]
        },
        "100,000 codes": {"include": [{"system": system, "concept": [{"code": f"c{n}"} for n in range(100_000)]}]},
        "a system that there is not": {"include": [{"system": "http://127.0.0.1:9/"}]},
        "no list": {"include": {}},
        "a text": CANARY,
    }
    for name, compose in cases.items():
        for operation in ("$expand", "$validate-code"):
            yield Attack(
                name=f"{operation} of {name}",
                method="POST",
                path=f"/fhir/ValueSet/{operation}",
                body=value_set(compose),
                answers="24",
            )
    for name in ("place", "radius", "form", "from", "places", "age", "_count", "patient", "nothing"):
        for text in INJECTIONS:
            query = f"{name}={quote(text, safe='')}"
            yield Attack(
                name=f"$find-vacancies?{query[:40]}",
                path="/fhir/HealthcareService/$find-vacancies",
                query=query,
                answers="24",
            )


GROUPS: Mapping[str, Callable[[], Iterator[Attack]]] = {
    "bodies": bodies,
    "xml": xml,
    "packed": packed,
    "large": large,
    "paths": paths,
    "searches": searches,
    "costly": costly,
    "headers": headers,
    "histories": histories,
    "patches": patches,
    "parameters": parameters,
    "bundles": bundles,
    "terms": terms,
}


def group(name: str) -> Iterator[Attack]:
    """The attacks of a group."""
    return GROUPS[name]()
