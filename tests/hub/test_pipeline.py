"""Deliveries end in receipts that can be trusted: good records go in, bad ones lie aside, and nothing counts twice."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.errors import Invalid, NotFound
from hub.hub import Hub
from hub.ingest.reconcile import Reconciler
from hub.settings import Settings
from hub.store.tables import census, delivery, set_aside
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.deliveries import adt, csv_long, everything_stored, long_row, send

DIRECTORY = "hilfe-verzeichnis"


def help_offer(number: str = "1", kind: str = "Beratung") -> dict[str, Any]:
    return {"nr": number, "art": kind, "name": "Pflegestützpunkt", "plz": "49661", "ort": "Cloppenburg"}


def directory(*offers: Any) -> bytes:
    return json.dumps({"angebote": offers}).encode()


def count(hub: Hub, table: Any) -> int:
    with hub.database.reading() as connection:
        return len(connection.execute(select(table)).all())


def codes(receipt: Any) -> list[str]:
    return [issue.code for issue in receipt.issues if issue.severity == "error"]


def test_good_rows_go_in_and_bad_ones_lie_aside(hub: Hub) -> None:
    receipt = send(hub, "csv-long", csv_long(long_row("a"), long_row("b", free="viele"), long_row("c")))
    assert (receipt.records, receipt.taken, receipt.set_aside, receipt.applied) == (3, 2, 1, 2)
    assert [issue.place for issue in receipt.issues if issue.severity == "error"] == ["line 3, column Frei"]
    assert dict(receipt.unread) == {"Bewohner": 3}
    assert Client(hub).json("/fhir/HealthcareService")["total"] == 2


def test_a_missing_column_rejects_the_whole_file(hub: Hub) -> None:
    receipt = send(hub, "csv-long", csv_long(long_row("a")).replace(b";Angebot;", b";Angebote;"))
    assert (receipt.rejected, receipt.taken, receipt.applied) == (1, 0, 0)
    assert "Angebot" in receipt.issues[0].text_en


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (b"", 0),
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", 0),
        (b"<a/>", 0),
        (b"<a><b></a>", 0),
        (b"\xff\xfe\x00", 0),
        (b"\x00" * 50, 0),
    ],
)
@pytest.mark.parametrize(
    "source",
    [
        "landkreis-lup",
        "csv-long",
        "csv-wide",
        "json",
        "fhir",
        "kis-adt",
        "have",
        "hsds",
        "isik-betten",
    ],
)
def test_what_cannot_be_read_is_answered_not_raised(sqlite_hub: Hub, source: str, body: bytes, taken: int) -> None:
    receipt = send(sqlite_hub, source, body)
    assert receipt.taken == taken
    assert receipt.rejected + receipt.set_aside >= 1
    assert all(issue.text_de and issue.text_en for issue in receipt.issues)
    assert send(sqlite_hub, "csv-long", csv_long(long_row("next"))).good


def test_unknown_source_is_not_found(sqlite_hub: Hub) -> None:
    with pytest.raises(NotFound, match="known: csv-long"):
        send(sqlite_hub, "nobody", b"")


def test_the_same_message_id_gives_the_same_receipt(hub: Hub, clock: Clock) -> None:
    body = csv_long(long_row("a"))
    first = send(hub, "csv-long", body, message_id="m-1")
    clock.forward(hours=1)
    again = send(hub, "csv-long", body, message_id="m-1")
    assert again.duplicate
    assert {**again.to_json(), "duplicate": False} == first.to_json()
    assert count(hub, delivery) == 1
    with pytest.raises(Invalid):
        send(hub, "csv-long", csv_long(long_row("b")), message_id="m-1")
    assert count(hub, delivery) == 1


def test_the_same_bytes_without_an_id_are_a_heartbeat_or_a_stuck_export(hub: Hub, clock: Clock) -> None:
    timeless = csv_long(long_row("a", as_of=""))
    send(hub, "csv-long", timeless)
    clock.forward(hours=1)
    receipt = send(hub, "csv-long", timeless)
    assert (receipt.unchanged, receipt.versions) == (1, 0)


OWN_MAP = """
source: own
title: {de: Eigene, en: Own}
format: json_records
options: {records: offers}
patient_free: true
fields:
  facility.key: nr
  facility.name: name
  facility.postal_code: plz
  offer.care_form: {from: art, table: TABLE}
examples: []
"""


def test_set_aside_records_run_again_once_the_map_is_mended(hub: Hub, database_url: str, tmp_path: Path) -> None:
    def with_table(name: str) -> Hub:
        (tmp_path / "sources").mkdir(exist_ok=True)
        (tmp_path / "sources" / "own.yaml").write_text(OWN_MAP.replace("TABLE", name))
        return Hub.open(Settings(database=database_url, folder=tmp_path), clock=hub.clock)

    wrong = with_table("csv-angebot")
    offers = [{"nr": "1", "name": "A", "plz": "49661", "art": "Pflegeberatung"}, {"nr": "2", "name": "B", "art": "KZP"}]
    receipt = send(wrong, "own", json.dumps({"offers": offers}).encode())
    assert (receipt.taken, receipt.set_aside) == (1, 1)
    (again,) = wrong.pipeline.rerun()
    assert (again.taken, again.set_aside) == (0, 1)
    assert count(hub, set_aside) == 1
    wrong.close()
    mended = with_table("hilfe-art")
    (again,) = mended.pipeline.rerun("own")
    assert (again.taken, again.applied, again.set_aside) == (1, 1, 0)
    assert count(hub, set_aside) == 0
    assert mended.pipeline.rerun() == []
    mended.close()


def test_only_records_of_a_source_without_patients_are_kept_whole(hub: Hub) -> None:
    send(hub, DIRECTORY, directory({**help_offer(kind="Zauberei"), "notiz": "bleibt"}))
    send(hub, "csv-long", csv_long(long_row("b", free="viele", who="geht")))
    with hub.database.reading() as connection:
        kept = [bytes(content) for content in connection.execute(select(set_aside.c.content)).scalars()]
    assert ["Zauberei" in one.decode() and "bleibt" in one.decode() for one in kept] == [True, False]
    assert not any("geht" in one.decode() or "viele" in one.decode() for one in kept)


def test_of_a_transaction_with_a_bad_entry_nothing_goes_in(hub: Hub) -> None:
    bundle = json.loads((Path(__file__).parents[1] / "golden/fhir_bundle/batch-with-bad-slots/in.json").read_bytes())
    batch = send(hub, "fhir", json.dumps(bundle).encode())
    assert batch.set_aside > 0
    assert batch.taken > 0
    before = Client(hub).json("/fhir/HealthcareService")["total"]
    receipt = send(hub, "fhir", json.dumps({**bundle, "type": "transaction"}).encode())
    assert (receipt.taken, receipt.applied, receipt.set_aside) == (0, 0, 0)
    assert receipt.rejected == receipt.records > 0
    assert any(issue.place.startswith("Bundle.entry[") for issue in receipt.issues)
    assert Client(hub).json("/fhir/HealthcareService")["total"] == before


def test_what_a_crash_interrupted_is_finished(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    body = csv_long(long_row("a"))
    with monkeypatch.context() as patch:
        patch.setattr(Reconciler, "reconcile", killed)
        with pytest.raises(KeyboardInterrupt):
            send(hub, "csv-long", body)
    assert Client(hub).json("/fhir/HealthcareService")["total"] == 0
    (receipt,) = hub.pipeline.resume()
    assert receipt.applied == 1
    assert hub.pipeline.resume() == []
    assert Client(hub).json("/fhir/HealthcareService")["total"] == 1


def test_one_record_that_breaks_us_does_not_hold_up_the_others(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from mappings.source_map import SourceMap

    real = SourceMap.read

    def read(self: SourceMap, fields: Any) -> Any:
        if fields["EinrichtungsID"] == "poison":
            raise ZeroDivisionError
        return real(self, fields)

    monkeypatch.setattr(SourceMap, "read", read)
    receipt = send(hub, "csv-long", csv_long(long_row("a"), long_row("poison"), long_row("c")))
    assert (receipt.taken, receipt.set_aside) == (2, 1)
    assert codes(receipt) == ["fault"]


def test_wards_become_vacancies_by_their_messages(hub: Hub, clock: Clock) -> None:
    beds = hub.sources.named("kis-adt").wards[0].beds
    ward = hub.sources.named("kis-adt").wards[0]

    def location(bed: str) -> str:
        return f"{ward.ward}^{bed.replace('/', '^')}" if "/" in bed else f"{ward.ward}^^{bed}"

    free = "".join(adt("A20", number, f"NPU|{location(bed)}|U") for number, bed in enumerate(beds))
    send(hub, "kis-adt", free.encode())
    find = f"/fhir/HealthcareService/$find-vacancies?postal-code=49661&care-form={ward.care_form}&distance=500"

    def accepting() -> int:
        (match,) = Client(hub, sandbox=True).json(find + "&state=some,none")["entry"][:1]
        schedules = Client(hub, sandbox=True).json(f"/fhir/Schedule?actor=HealthcareService/{match['resource']['id']}")
        parts = schedules["entry"][0]["resource"]["extension"][0]["extension"]
        return next(int(part["valueInteger"]) for part in parts if part["url"] == "accepting")

    assert accepting() == len(beds)
    visit = f"PV1|1|I|{location(beds[0])}" + "|" * 16 + "4711"
    receipt = send(hub, "kis-adt", adt("A01", 900, visit, at="20261122083000").encode())
    assert (receipt.taken, receipt.applied) == (1, 1)
    assert accepting() == len(beds) - 1
    send(hub, "kis-adt", adt("A11", 901, visit, at="20261122084000").encode())
    assert accepting() == len(beds)
    send(hub, "kis-adt", adt("A08", 902, visit, at="20261122085000").encode())
    assert accepting() == len(beds)
    receipt = send(hub, "kis-adt", adt("A04", 903, visit).encode())
    assert (receipt.taken, receipt.left_out.total()) == (0, 1)


def test_an_expected_discharge_is_a_slot_of_its_own_until_its_day_comes(hub: Hub, clock: Clock) -> None:
    ward = hub.sources.named("kis-adt").wards[0]
    at = [bed.replace("/", "^") for bed in ward.beds]
    send(hub, "kis-adt", "".join(adt("A20", n, f"NPU|{ward.ward}^{bed}|U") for n, bed in enumerate(at)).encode())
    visit = f"PV1|1|I|{ward.ward}^{at[0]}" + "|" * 16 + "4711"
    send(hub, "kis-adt", adt("A01", 10, visit, at="20261122081000").encode())

    def slots() -> list[tuple[str, int]]:
        found = Client(hub, sandbox=True).json("/fhir/Slot?status=free").get("entry", [])
        sizes = [next(e["valueInteger"] for e in one["resource"]["extension"] if "valueInteger" in e) for one in found]
        return sorted((one["resource"]["start"][:10], size) for one, size in zip(found, sizes, strict=True))

    today = ("2026-11-22", len(at) - 1)
    assert slots() == [today]
    receipt = send(hub, "kis-adt", adt("A16", 11, visit, "PV2|||||||||20261125", at="20261122082000").encode())
    assert (receipt.taken, receipt.applied) == (1, 1)
    assert slots() == [today, ("2026-11-25", 1)]
    assert hub.pipeline.renew() == 0
    clock.forward(days=2)
    assert hub.pipeline.renew() == 0
    clock.forward(days=1)
    assert hub.pipeline.renew() == 1
    assert slots() == [today]
    assert hub.pipeline.renew() == 0


def test_stays_are_forgotten_thirty_days_after_discharge(hub: Hub, clock: Clock) -> None:
    ward = hub.sources.named("kis-adt").wards[0]
    room, _, bed = ward.beds[0].partition("/")
    visit = f"PV1|1|I|{ward.ward}^{room}^{bed}" + "|" * 16 + "4711"
    send(hub, "kis-adt", adt("A01", 1, visit, at="20261120080000").encode())
    send(hub, "kis-adt", adt("A03", 2, visit, at="20261121080000").encode())
    assert count(hub, census) == 2
    clock.forward(days=28)
    assert hub.pipeline.purge() == 0
    clock.forward(days=3)
    assert hub.pipeline.purge() == 2
    with hub.database.reading() as connection:
        assert not [stay for stay in connection.execute(select(census.c.stay)).scalars() if "visit" in stay]


def test_what_is_true_of_every_offer_of_a_record_is_said_once(sqlite_hub: Hub) -> None:
    offers = [{"id": key, "careForm": key, "free": 1, "validAt": "2020-01-01T08:00:00Z"} for key in ("hospiz", "sapv")]
    home = {"id": "1", "name": "Haus", "postalCode": "49661", "city": "Cloppenburg", "offers": offers}
    receipt = send(sqlite_hub, "json", json.dumps({"facilities": [home]}).encode())
    assert receipt.applied == 2
    assert [issue.code for issue in receipt.issues] == ["expired-already"]


HUGE = 10**30
"""A whole number that no machine's integer holds."""


@pytest.mark.parametrize("field", ["id", "name", "operator", "street", "houseNumber", "city", "phone", "postalCode"])
def test_a_number_beyond_all_bounds_is_read_or_told_never_our_fault(hub: Hub, field: str) -> None:
    offer = {"id": "o", "careForm": "tagespflege", "free": 1}
    home = {"id": "1", "name": "Haus", "postalCode": "49661", "city": "Cloppenburg", "offers": [offer], field: HUGE}
    receipt = send(hub, "json", json.dumps({"facilities": [home]}).encode())
    assert receipt.taken + receipt.set_aside == 1
    assert [issue.code for issue in receipt.issues if issue.code == "fault"] == []
    assert hub.pipeline.resume() == []


def test_a_patients_number_is_kept_nowhere(hub: Hub) -> None:
    offer = {"id": "o", "careForm": "tagespflege", "free": 1}
    home = {"id": "1", "name": "Frau Canaria X110411675", "postalCode": "49661", "offers": [offer]}
    receipt = send(hub, "json", json.dumps({"facilities": [home]}).encode())
    assert (receipt.taken, receipt.set_aside) == (0, 1)
    assert b"X110411675" not in everything_stored(hub)
    assert b"Canaria" not in everything_stored(hub)


def _with_key(source: str, key: str) -> bytes:
    """A delivery of one offer whose facility, or which itself, has that key."""
    if source == "json":
        offer = {"id": "o", "careForm": "tagespflege", "free": 1}
        home = {"id": key, "name": "Haus", "postalCode": "49661", "city": "Cloppenburg", "offers": [offer]}
        return json.dumps({"facilities": [home]}).encode()
    if source == "csv-long":
        return csv_long(long_row(key).replace(f"Haus {key}", "Haus"))
    if source == "hsds":
        care_form = {"taxonomy": "https://platzfrei.org/fhir/CodeSystem/care-form", "code": "hospiz"}
        attributes = [{"taxonomy_term": care_form}]
        of_home = {"id": "a", "name": "Hospiz", "status": "active", "organization": {"id": key, "name": "Haus"}}
        return json.dumps({"contents": [{**of_home, "attributes": attributes}]}).encode()
    coding = {"system": "https://platzfrei.org/fhir/CodeSystem/care-form", "code": "hospiz"}
    organization = {"resourceType": "Organization", "id": "o", "name": "Haus"}
    service = {"resourceType": "HealthcareService", "id": key, "type": [{"coding": [coding]}]}
    entries = [organization, {**service, "providedBy": {"reference": "Organization/o"}}]
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in entries]}
    ).encode()


@pytest.mark.parametrize("source", ["json", "csv-long", "hsds", "fhir"])
def test_a_key_that_may_be_a_patients_number_is_refused_and_not_repeated(hub: Hub, source: str) -> None:
    receipt = send(hub, source, _with_key(source, "X110411675"))
    assert (receipt.taken, receipt.set_aside) == (0, 1)
    (issue,) = [one for one in receipt.issues if one.severity == "error"]
    assert issue.place
    assert "Versichertennummer" in issue.text_de
    assert "insurance number" in issue.text_en
    assert "110411675" not in json.dumps(receipt.to_json())
    assert b"110411675" not in everything_stored(hub)
    assert send(hub, source, _with_key(source, "X-110411675")).taken == 1


def test_nothing_but_empty_records_is_refused_whole(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ingest.arrival._BROKEN_MAX", 20)
    receipt = send(hub, "json", json.dumps({"facilities": [{}] * 100}).encode())
    assert [issue.code for issue in receipt.issues] == ["too-many-broken"]
    some = [long_row(f"h{number}", free="viele" if number % 3 else "2") for number in range(90)]
    assert [issue.code for issue in send(hub, "csv-long", csv_long(*some)).issues][-1:] == ["too-many-broken"]
    some = [long_row(f"h{number}", free="2" if number % 3 else "viele") for number in range(90)]
    assert send(hub, "csv-long", csv_long(*some)).set_aside == 30


def test_a_list_longer_than_any_home_has_offers_is_told(hub: Hub) -> None:
    home = {"id": "1", "name": "Haus", "postalCode": "49661", "offers": [{}] * 2001}
    receipt = send(hub, "json", json.dumps({"facilities": [home]}).encode())
    assert [(issue.code, issue.place) for issue in receipt.issues] == [("too-many-elements", "facilities[0], offers")]


@pytest.mark.parametrize("kind", ["HealthcareService", "Location", "Organization", "Schedule", "Slot"])
def test_what_the_sandbox_deleted_comes_back_with_the_next_report(hub: Hub, kind: str) -> None:
    def home(free: int, at: str) -> bytes:
        offer = {"id": "o", "careForm": "tagespflege", "free": free, "validAt": at}
        told = {"id": "1", "name": "Haus", "postalCode": "49661", "city": "Cloppenburg", "offers": [offer]}
        return json.dumps({"facilities": [told]}).encode()

    client = Client(hub, sandbox=True)
    find = "/fhir/HealthcareService/$find-vacancies?postal-code=49661&distance=25"
    send(hub, "json", home(2, "2026-11-22T08:00:00+01:00"))
    assert len(client.matches(find)) == 1
    gone = client.json(f"/fhir/{kind}")["entry"][0]["resource"]["id"]
    client.request("DELETE", f"/fhir/{kind}/{gone}")
    assert client.get(find).status_code == 200
    for free, at in ((3, "2026-11-22T09:00:00+01:00"), (3, "2026-11-22T09:30:00+01:00")):
        assert send(hub, "json", home(free, at)).taken == 1
        assert len(client.matches(find)) == 1
        assert client.get(f"/fhir/{kind}/{gone}").status_code == 200
