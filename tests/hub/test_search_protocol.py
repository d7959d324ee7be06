"""$search-protocol: what it tells, and in whose words; that nothing of it can be changed, and nothing is stored."""

import base64
import hashlib
import random
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from sqlalchemy.exc import OperationalError

from conformance import spec
from hub.cli import main
from hub.fhir.operations import search_protocol
from hub.fhir.search_protocol.check import checked
from hub.fhir.search_protocol.page import document_in
from hub.fhir.search_protocol.signing import Signer, canonical, signed_by
from hub.fhir.search_protocol.texts import criterion, value
from hub.fhir.vacancy_parameters import ONCE, REPEATABLE
from hub.fhir.validation import issues_of
from hub.hub import Hub
from hub.settings import Settings
from hub.store.tables import metadata
from mappings.vacancy import Block, Room, Sex, State
from tests.conftest import NOW
from tests.hub.client import Client
from tests.hub.region import facility, report, tell

OPERATION = "/fhir/HealthcareService/$search-protocol"
FIND = "/fhir/HealthcareService/$find-vacancies"
TODAY = NOW.date()
START = TODAY + timedelta(days=4)
SEARCH = f"postal-code=49661&distance=20&care-form=kurzzeitpflege&start={START}"
HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def region(hub: Hub) -> None:
    double = Block(count=3, start=TODAY + timedelta(days=2), room=Room.DOUBLE, sex=Sex.FEMALE)
    tell(hub, report("moor", free=3, blocks=[double]), report("<b>see", free=1, latitude=52.9))
    tell(hub, report("voll", free=0, state=State.NONE))


def resources(document: Any) -> dict[str, Any]:
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in document["entry"]}


def texts(page: bytes) -> str:
    """What a reader sees of it."""
    told = re.sub(r"(?s)<style>.*?</style>|<div hidden.*?</div>|<[^>]+>", " ", page.decode())
    return " ".join(told.split())


def test_a_document_of_the_search_as_it_is_answered(hub: Hub) -> None:
    region(hub)
    client = Client(hub)
    document = client.json(f"{OPERATION}?{SEARCH}")
    assert [one for one in issues_of(document) if one.severity != "warning"] == []
    assert [entry["resource"]["resourceType"] for entry in document["entry"]] == [
        "Composition",
        "Device",
        "Provenance",
        "Bundle",
    ]
    told = resources(document)
    answer = client.json(f"{FIND}?{SEARCH}&why-not=true")
    assert told["Bundle"]["entry"] == answer["entry"]
    assert told["Bundle"]["total"] == answer["total"] == 2
    assert "subject" not in told["Composition"]
    assert told["Composition"]["date"] == document["timestamp"] == "2026-11-22T09:00:00.000Z"
    assert told["Provenance"]["recorded"] == document["timestamp"]
    where = {entry["fullUrl"] for entry in document["entry"]}
    assert {told["Composition"]["author"][0]["reference"], document["signature"]["who"]["reference"]} <= where
    assert told["Provenance"]["entity"][0]["what"]["reference"] in where


def test_its_signature_is_a_jws_that_any_tool_checks(hub: Hub) -> None:
    """By the key set that is served, RFC 7515 and nothing of ours."""
    region(hub)
    client = Client(hub)
    document = client.json(f"{OPERATION}?{SEARCH}")
    (key,) = client.json("/.well-known/jwks.json")["keys"]
    jws = base64.b64decode(document["signature"].pop("data")).decode()
    header, nothing, signature = jws.split(".")
    assert nothing == ""
    told = orjson.loads(base64.urlsafe_b64decode(header + "=="))
    assert (
        (told["alg"], told["kid"])
        == (key["alg"], key["kid"])
        == ("ES256", Signer.of(hub.key.derived("search protocol")).fingerprint)
    )
    # No number of it has more zeros than JSON needs, so any sorting writer gives the same bytes.
    payload = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    assert payload == canonical(document)
    x, y = (int.from_bytes(base64.urlsafe_b64decode(key[name] + "=")) for name in ("x", "y"))
    raw = base64.urlsafe_b64decode(signature + "==")
    whole = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    signed = b".".join((header.encode(), base64.urlsafe_b64encode(payload).rstrip(b"=")))
    ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().verify(whole, signed, ec.ECDSA(hashes.SHA256()))


def test_a_page_tells_it_to_people(hub: Hub) -> None:
    region(hub)
    page = Client(hub, sandbox=True).get(f"{OPERATION}?{SEARCH}", headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-language"] == "de"
    told = texts(page.content)
    for part in (
        "Suchprotokoll freie Pflegeplätze",
        "22.11.2026, 10:00 Uhr (MEZ)",
        "Um die Postleitzahl 49661",
        "Umkreis 20 km",
        "Versorgungsform Kurzzeitpflege",
        "Ab 26.11.2026",
        "Plätze 1 (wenn nichts angegeben ist)",
        "2 Angebote passten",
        "Sicht für Fachleute: genaue Zahlen.",
        "Haus moor",
        "Lange Straße 3, 49661 Cloppenburg",
        "Pflegewerk Test",
        "Plätze frei: 3",
        "ab 24.11.2026",
        "Doppelzimmer (Frauen)",
        "Aktuell",
        "04471 555-0",
        "1 Angebot hier passt sonst; dort ist nichts frei",
        "platzfrei protocol verify",
        "http://127.0.0.1:8080/.well-known/jwks.json",
        Signer.of(hub.key.derived("search protocol")).fingerprint,
    ):
        assert part in told, part
    assert "Haus &lt;b&gt;see" in told
    assert "voll" not in told


def test_it_shows_what_its_view_shows(hub: Hub) -> None:
    region(hub)
    public, professional = (
        texts(Client(hub, sandbox=sandbox).get(f"{OPERATION}?{SEARCH}", headers=HTML).content)
        for sandbox in (False, True)
    )
    assert "Plätze frei: 2+" in public
    assert "Öffentliche Sicht" in public
    assert "04471 555-99" not in public
    assert "04471 555-99" in professional
    document = Client(hub).get(f"{OPERATION}?{SEARCH}").text
    assert "555-99" not in document


def test_english_where_that_is_accepted_first(hub: Hub) -> None:
    region(hub)
    client = Client(hub)
    english = {"accept-language": "en-GB,en;q=0.9,de;q=0.5"}
    page = client.get(f"{OPERATION}?{SEARCH}&_format=html", headers=english)
    assert "Search protocol: free care places" in texts(page.content)
    assert "22 Nov 2026, 10:00 (CET)" in texts(page.content)
    document = client.get(f"{OPERATION}?{SEARCH}", headers=english).json()
    assert resources(document)["Composition"]["language"] == "en"
    assert "2 offers fitted" in resources(document)["Composition"]["text"]["div"]


def test_nothing_in_a_page_runs_or_comes_from_elsewhere(hub: Hub) -> None:
    region(hub)
    page = Client(hub).get(f"{OPERATION}?{SEARCH}&_format=text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    style = re.search(rb"(?s)<style>(.*?)</style>", page.content)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]
    assert not re.search(rb"(?i)<script|<link|<img|<iframe|\son\w+=|\ssrc=|\shref=|url\(|@import", page.content)


def test_no_hit_is_a_protocol_too(hub: Hub) -> None:
    region(hub)
    page = Client(hub).get(f"{OPERATION}?postal-code=10115&distance=5", headers=HTML)
    assert "Kein Angebot passte." in texts(page.content)
    found = checked(page.content)
    assert found is not None
    assert found.is_whole


def test_what_was_not_said_is_what_the_search_takes(hub: Hub) -> None:
    """The page names what counts unless it is said: it must be so."""
    region(hub)
    client = Client(hub)
    said = client.json(f"{FIND}?postal-code=49661&distance=25&state=some&places=1")
    assert said["entry"] == client.json(f"{FIND}?postal-code=49661")["entry"]
    assert "Umkreis 25 km (wenn nichts angegeben ist)" in texts(
        client.get(f"{OPERATION}?postal-code=49661", headers=HTML).content
    )


def test_every_parameter_of_the_search_has_words() -> None:
    for name in (*REPEATABLE, *ONCE):
        if name not in ("_count", "_after", "_since", "why-not", "monitor"):
            assert criterion(name, "de") != name != criterion(name, "en"), name
    for name, written, german in (
        ("need", "dialyse", "Dialyse"),
        ("prefer", "single", "Einzelzimmer"),
        ("payer", "pflegekasse", "Pflegekasse"),
        ("max-age", "24h", "24 Stunden"),
        ("duration", "14", "14 Tage"),
        ("own-share", "2000.50", "2000,50 €"),
        ("near", "52.85|8.05|7.5|km", "52.85 N, 8.05 E, 7,5 km"),
        ("sex", "female", "Frauen"),
        ("_sort", "freshness", "Aktualität"),
        ("city", "Cloppenburg", "Cloppenburg"),
    ):
        assert value(name, written, "de") == german


def test_the_parameters_are_those_of_the_search() -> None:
    search, protocol = (
        {
            one["name"]: one
            for one in next(one for one in spec.load("OperationDefinition") if one["id"] == name)["parameter"]
        }
        for name in ("find-vacancies", "search-protocol")
    )
    for told in (search, protocol):
        told.pop("return")
    search.pop("_since")
    search.pop("monitor")
    assert protocol == search


@pytest.mark.parametrize("form", ["form", "parameters"])
def test_post_is_equal(hub: Hub, form: str) -> None:
    region(hub)
    client = Client(hub)
    asked = dict(pair.split("=") for pair in SEARCH.split("&"))
    if form == "form":
        answer = client.request("POST", OPERATION, data=asked)
    else:
        parameters = [{"name": name, "valueString": value} for name, value in asked.items()]
        tree = {"resourceType": "Parameters", "parameter": parameters}
        answer = client.request("POST", OPERATION, json=tree, headers={"content-type": "application/fhir+json"})
    assert resources(answer.json())["Bundle"]["total"] == 2


def test_what_cannot_be_asked_is_refused_as_by_the_search(hub: Hub) -> None:
    client = Client(hub)
    for wrong in ("", "postal-code=00000", f"{SEARCH}&patient=x", f"{SEARCH}&_since=x", f"{SEARCH}&places=3"):
        answer = client.json(f"{OPERATION}?{wrong}", status=400)
        assert answer == client.json(f"{OPERATION}?{wrong}", status=400, headers={"accept": "application/fhir+json"})
        assert answer["resourceType"] == "OperationOutcome"
        page = client.get(f"{OPERATION}?{wrong}", headers=HTML)
        assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8"), wrong


def test_a_person_reads_why_there_is_none(hub: Hub) -> None:
    client = Client(hub)
    wrong = f"{OPERATION}?postal-code=49661&start=2020-01-01&own-share=<b>viel"
    page = client.get(wrong, headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert (
        page.headers["content-security-policy"]
        == client.get(f"{OPERATION}?{SEARCH}", headers=HTML).headers["content-security-policy"]
    )
    assert page.headers["cache-control"] == "no-store"
    told = client.json(wrong, status=400)["issue"]
    start, own_share = (issue["details"]["_text"]["extension"][0]["extension"][1]["valueString"] for issue in told)
    assert "Ab start 2020-01-01 " + start.removeprefix("start: ") in texts(page.content)
    assert "own-share &lt;b&gt;viel " + own_share.removeprefix("own-share: ") in texts(page.content)
    assert '<html lang="de">' in page.text
    english = {**HTML, "accept-language": "en-GB,en;q=0.8,de;q=0.5"}
    page = client.get(f"{OPERATION}?postal-code=49661&own-share=<b>viel", headers=english)
    assert "Own share a month at most own-share &lt;b&gt;viel expected euros a month" in texts(page.content)
    assert page.headers["content-language"] == "en"
    posted = client.request(
        "POST",
        f"{OPERATION}?_format=html",
        content=b"postal-code=00000",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert "Um die Postleitzahl postal-code 00000" in texts(posted.content)
    nobody = client.get(f"{OPERATION}?postal-code=49661&farbe=X110411675", headers=HTML)
    assert nobody.status_code == 400
    assert "Versichertennummer" in nobody.text
    assert "X110411675" not in nobody.text


def test_a_page_that_cannot_be_had_now_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise OperationalError("canary", {}, Exception("canary"))

    monkeypatch.setattr(search_protocol, "prepare", broken)
    page = Client(hub).get(f"{OPERATION}?{SEARCH}", headers=HTML)
    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert "Das Protokoll ist gerade nicht zu haben" in texts(page.content)
    assert "canary" not in page.text
    outcome = Client(hub).get(f"{OPERATION}?{SEARCH}")
    assert outcome.status_code == 503
    assert "try the same again in a few seconds" in outcome.json()["issue"][0]["diagnostics"]
    assert "senden" not in outcome.text


def test_an_entry_of_a_batch_is_fhir(hub: Hub) -> None:
    region(hub)
    url = f"HealthcareService/$search-protocol?{SEARCH}&_format=html"
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": url}}]}
    answer = Client(hub).request("POST", "/fhir", json=batch, headers={"content-type": "application/fhir+json"})
    assert answer.json()["entry"][0]["resource"]["type"] == "document"


def test_nothing_is_stored(hub: Hub) -> None:
    region(hub)
    client = Client(hub)

    def rows() -> dict[str, int]:
        with hub.database.reading() as connection:
            return {
                name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
                for name in metadata.tables
            }

    client.json(FIND + f"?{SEARCH}")
    before = rows()
    for headers in ({}, HTML):
        assert client.get(f"{OPERATION}?{SEARCH}", headers=headers).status_code == 200
    assert rows() == before


def files(hub: Hub) -> dict[str, bytes]:
    region(hub)
    client = Client(hub)
    return {kind: client.get(f"{OPERATION}?{SEARCH}&_format={kind}").content for kind in ("json", "xml", "html")}


def test_every_kind_of_file_is_checked(sqlite_hub: Hub) -> None:
    for kind, content in files(sqlite_hub).items():
        found = checked(content)
        assert found is not None, kind
        assert found.is_whole, kind
        assert found.fingerprint == Signer.of(sqlite_hub.key.derived("search protocol")).fingerprint
        assert found.made_at == "2026-11-22T09:00:00.000Z"


@pytest.mark.parametrize("kind", ["json", "html"])
def test_no_byte_can_be_changed(sqlite_hub: Hub, kind: str) -> None:
    content = files(sqlite_hub)[kind]
    draw = random.Random(1)
    places = set(draw.sample(range(len(content)), 400))
    # All of the signatures, too.
    for marker in (b'"data":"', b'"signature":', b'id="page-signature">', b'id="fhir"'):
        at = content.find(marker)
        places |= set(range(max(at, 0), min(max(at, 0) + 120, len(content))))
    for place in places:
        other = draw.choice([byte for byte in b'aZ09 "<{' if byte != content[place]])
        changed = content[:place] + bytes([other]) + content[place + 1 :]
        found = checked(changed)
        assert found is None or not found.is_whole, (place, content[place - 20 : place + 20])


def test_a_page_says_what_of_it_was_changed(sqlite_hub: Hub) -> None:
    content = files(sqlite_hub)["html"]
    prettier = content.replace(b"<strong>2+</strong>", b"<strong>9+</strong>")
    assert prettier != content
    found = checked(prettier)
    assert found is not None
    assert (found.page is None, found.document is None) == (True, False)
    inside = document_in(content)
    assert inside is not None
    assert checked(inside) is not None


def test_signed_by_somebody_else_is_no_page_of_this_document() -> None:
    """Another key over a changed page, and the true document in it."""
    mine, other = Signer.of(b"a" * 32), Signer.of(b"b" * 32)
    jws = other.sign(b"told")
    assert signed_by(jws, b"told") == other.fingerprint != mine.fingerprint
    assert signed_by(jws, b"tolD") is None
    header = base64.urlsafe_b64encode(orjson.dumps({"alg": "none", "kid": mine.fingerprint, "jwk": mine.public}))
    assert signed_by(f"{header.decode().rstrip('=')}..", b"told") is None
    swapped = orjson.dumps({"alg": "ES256", "kid": mine.fingerprint, "jwk": other.public})
    forged = base64.urlsafe_b64encode(swapped).decode().rstrip("=")
    assert signed_by(f"{forged}..{jws.split('.')[2]}", b"told") is None


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"<html></html>", b'{"resourceType":"Bundle","type":"document"}', b"\0"]
)
def test_other_files_are_none(content: bytes) -> None:
    assert checked(content) is None


def test_the_command_checks_with_its_own_key_or_those_given(
    sqlite_hub: Hub, sqlite_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = files(sqlite_hub)
    keys = tmp_path / "jwks.json"
    keys.write_bytes(Client(sqlite_hub).get("/.well-known/jwks.json").content)
    for kind, content in saved.items():
        path = tmp_path / f"protocol.{kind}"
        path.write_bytes(content)
        own = ["--database", sqlite_settings.database]
        assert main(["protocol", "verify", str(path), *own, "--language", "de"]) == 0
        assert "gültig" in capsys.readouterr().out
        elsewhere = ["--database", f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}", "--language", "en"]
        assert main(["protocol", "verify", str(path), *elsewhere]) == 1
        assert "UNKNOWN KEY" in capsys.readouterr().out
        assert not (tmp_path / "nowhere").exists()
        assert main(["protocol", "verify", str(path), *elsewhere, "--keys", str(keys)]) == 0
        assert "valid" in capsys.readouterr().out
        path.write_bytes(content.replace(b"Haus moor", b"Haus Moor"))
        assert main(["protocol", "verify", str(path), *own, "--language", "en"]) == 1
        assert "CHANGED" in capsys.readouterr().out
    assert main(["protocol", "verify", str(keys), *own, "--language", "en"]) == 2
    assert "no search protocol" in capsys.readouterr().err


def test_the_facility_of_the_tests_has_an_internal_number() -> None:
    """Or the test of the views would prove nothing."""
    assert any(contact.internal and contact.value == "04471 555-99" for contact in facility().contacts)
