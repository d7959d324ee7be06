"""Exports: what the public view says and nothing else, as of now, in every format; by HTTP and by command."""

import gzip
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import registry
from hub import cli
from hub.hub import Hub
from hub.settings import Settings
from mappings.vacancy import Block, BlockStatus, Contact, State, VacancyReport
from mappings.view import View
from tests.adapters.test_outbound_contract import read_back
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.deliveries import csv_long, long_row, send
from tests.hub.region import facility, report, tell

LATER = {"seconds": 11}
"""After which an export is looked at again."""


def exported(hub: Hub, view: View = View.PUBLIC) -> list[VacancyReport]:
    with hub.database.reading() as connection:
        return list(hub.exports(view).reports(connection, now=hub.clock()))


def test_an_export_is_what_the_public_may_see(hub: Hub, clock: Clock) -> None:
    tell(hub, report("moor", free=7, held=2, valid_at=clock()), report("see", free=0, valid_at=clock()))
    by_state = {one.state: one for one in exported(hub)}
    some, none = by_state[State.SOME], by_state[State.NONE]
    assert (some.counts.accepting, some.counts.held, some.coarsened) == (2, None, True)
    assert [contact.value for contact in some.facility.contacts] == ["04471 555-0"]
    assert (none.counts.accepting, none.blocks, none.coarsened) == (0, (), False)
    assert some.valid_at == clock()


def test_professionals_get_what_was_said(hub: Hub, clock: Clock) -> None:
    said = report("moor", free=7, held=2, valid_at=clock())
    tell(hub, said)
    (found,) = exported(hub, View.PROFESSIONAL)
    keys = replace(said.facility, key=found.facility.key, operator=found.facility.operator)
    mine = replace(said.offer, key=found.offer.key)
    assert found == replace(said, facility=keys, offer=mine, source_kind="facility-software")
    assert found.facility.operator is not None
    assert found.facility.operator.name == "Pflegewerk Test"


def test_keys_of_two_sources_do_not_meet_and_facilities_stay_together(hub: Hub, clock: Clock) -> None:
    tell(hub, *(report(key, care_form=form, valid_at=clock()) for form in ("hospiz", "dauerpflege") for key in "abc"))
    send(hub, "csv-long", csv_long(long_row("a")))
    found = exported(hub)
    facilities = [one.facility.key for one in found]
    assert len(found) == 7
    assert len(set(facilities)) == 4
    assert sorted(facilities) == facilities


def test_many_offers_come_each_once(sqlite_hub: Hub, clock: Clock) -> None:
    tell(sqlite_hub, *(report(f"haus-{number}", valid_at=clock()) for number in range(603)))
    found = exported(sqlite_hub)
    assert len(found) == len({one.offer.key for one in found}) == 603


def test_what_has_expired_is_unknown_without_numbers_even_before_the_job_came(hub: Hub, clock: Clock) -> None:
    tell(hub, report("moor", free=3, valid_at=clock()))
    clock.forward(days=7, seconds=-1)
    assert exported(hub)[0].state is State.SOME
    clock.forward(seconds=1)
    (late,) = exported(hub)
    assert (late.state, late.counts.accepting, late.counts.licensed, late.blocks) == (State.UNKNOWN, None, None, ())
    hub.pipeline.expire()
    assert exported(hub) == [late]


def test_a_heartbeat_makes_the_export_newer(hub: Hub, clock: Clock) -> None:
    tell(hub, report("moor", valid_at=clock()))
    clock.forward(hours=5)
    tell(hub, report("moor", valid_at=clock()))
    assert exported(hub)[0].valid_at == clock()


def test_a_source_without_moments_is_as_of_its_last_word(hub: Hub, clock: Clock) -> None:
    tell(hub, report("moor"))
    assert exported(hub)[0].valid_at == clock()


def _twins() -> tuple[list[VacancyReport], list[VacancyReport]]:
    """Reports that differ in all that professionals alone may see."""
    one = report("moor", free=7, held=2)
    other = replace(
        one,
        facility=replace(
            facility("moor"),
            contacts=(
                *facility("moor").contacts[:1],
                Contact(system="email", value="geheim@haus.example", internal=True),
            ),
        ),
        offer=replace(one.offer, pool="geheim", contacts=(Contact(system="phone", value="0441 4711", internal=True),)),
        counts=replace(one.counts, accepting=4, held=5, operable=11, occupied=9),
        blocks=(
            Block(count=4),
            Block(count=5, status=BlockStatus.HELD),
            Block(count=1, status=BlockStatus.CLOSED, closing_reason="infection"),
        ),
    )
    return [one], [other]


@pytest.mark.parametrize("name", registry.exports())
def test_of_twins_that_differ_for_professionals_alone_the_exports_are_equal(
    name: str, sqlite_template: Path, tmp_path: Path
) -> None:
    public, professional = [], []
    for number, twin in enumerate(_twins()):
        folder = tmp_path / str(number)
        folder.mkdir()
        database = folder / "platzfrei.db"
        database.write_bytes(sqlite_template.read_bytes())
        clock = Clock()
        hub = Hub.open(Settings(database=f"sqlite:///{database}", folder=folder), clock=clock)
        try:
            tell(hub, *(replace(one, valid_at=clock()) for one in twin))
            public.append(Client(hub).get(f"/export/{name}"))
            with hub.database.reading() as connection:
                reports = list(hub.exports(View.PROFESSIONAL).reports(connection, now=clock()))
            professional.append(b"".join(registry.encoder(name).encode(reports, at=clock())))
        finally:
            hub.close()
    assert public[0].content == public[1].content
    assert dict(public[0].headers) == dict(public[1].headers)
    assert b"geheim" not in public[1].content
    # The control: whoever may see more gets different files of the two.
    assert professional[0] != professional[1]


@pytest.mark.parametrize("name", registry.exports())
def test_by_http_an_export_is_a_file_that_can_be_read_back(sqlite_hub: Hub, clock: Clock, name: str) -> None:
    tell(sqlite_hub, report("moor", valid_at=clock()), report("see", free=0, valid_at=clock()))
    answer = Client(sqlite_hub).get(f"/export/{name}", headers={"Accept-Encoding": "identity"})
    encoder = registry.encoder(name)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == encoder.MEDIA_TYPE
    assert f'filename="platzfrei-2026-11-22{encoder.SUFFIX}"' in answer.headers["content-disposition"]
    assert sorted(one.counts.accepting or 0 for one in read_back(name, answer.content)) == [0, 2]


def test_by_http_it_comes_compressed_to_who_takes_it(sqlite_hub: Hub, clock: Clock) -> None:
    tell(sqlite_hub, *(report(f"haus-{number}", valid_at=clock()) for number in range(150)))
    client = Client(sqlite_hub)
    plain = client.get("/export/hsds", headers={"Accept-Encoding": "gzip;q=0"})
    packed = client.get("/export/hsds", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 5
    assert packed.content == plain.content
    assert json.loads(plain.content)["total_items"] == 150
    head = client.request("HEAD", "/export/hsds")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", plain.headers["etag"])


def changed(client: Client, clock: Clock, **headers: str) -> int:
    clock.forward(**LATER)
    return client.get("/export/csv", headers=headers).status_code


def test_who_has_it_already_is_told_so_until_it_differs(hub: Hub, clock: Clock) -> None:
    tell(hub, report("moor", valid_at=clock()))
    client = Client(hub)
    first = client.get("/export/csv")
    known = {"If-None-Match": first.headers["etag"]}
    assert changed(client, clock, **known) == 304
    assert changed(client, clock, **{"If-Modified-Since": first.headers["last-modified"]}) == 304
    assert changed(client, clock, **{"If-None-Match": 'W/"other"'}) == 200
    tell(hub, report("moor", free=1, valid_at=clock()))
    assert changed(client, clock, **known) == 200
    assert changed(client, clock, **{"If-Modified-Since": first.headers["last-modified"]}) == 200


def test_an_expiry_and_a_new_day_make_another_export(sqlite_hub: Hub, clock: Clock) -> None:
    tell(sqlite_hub, report("moor", valid_at=clock()))
    client = Client(sqlite_hub)
    tags = []
    for span in (timedelta(), timedelta(days=1), timedelta(days=6, seconds=1)):
        clock.at += span
        tags.append(client.get("/export/csv").headers["etag"])
    assert len(set(tags)) == 3


def test_what_changes_for_professionals_alone_changes_no_export(hub: Hub, clock: Clock) -> None:
    told = report("moor", free=5, valid_at=clock())
    tell(hub, told)
    client = Client(hub)
    known = client.get("/export/have").headers
    clock.forward(**LATER)
    tell(hub, replace(told, counts=replace(told.counts, accepting=6), blocks=(Block(count=6),)))
    again = client.get("/export/have").headers
    assert (again["etag"], again["last-modified"]) == (known["etag"], known["last-modified"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/export/pdf", 404),
        ("GET", "/export/", 404),
        ("POST", "/export/csv", 405),
        ("DELETE", "/export/csv", 405),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(sqlite_hub: Hub, method: str, path: str, status: int) -> None:
    answer = Client(sqlite_hub).request(method, path)
    assert answer.status_code == status
    outcome: Any = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"


def test_the_sandbox_exports_the_public_view_too(sqlite_hub: Hub, clock: Clock) -> None:
    tell(sqlite_hub, report("moor", free=7, held=2, valid_at=clock()))
    client = Client(sqlite_hub, sandbox=True)
    assert client.get("/export/csv").content == Client(sqlite_hub).get("/export/csv").content


def test_one_push_fills_other_registers(sqlite_hub: Hub, sqlite_template: Path, tmp_path: Path, clock: Clock) -> None:
    send(sqlite_hub, "csv-long", csv_long(long_row("a"), long_row("b", kind="Tagespflege", free="0")))
    for name, source in (("csv", "csv-long"), ("have", "have"), ("hsds", "hsds")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "platzfrei.db").write_bytes(sqlite_template.read_bytes())
        other = Hub.open(Settings(database=f"sqlite:///{folder / 'platzfrei.db'}", folder=folder), clock=clock)
        try:
            receipt = send(other, source, Client(sqlite_hub).get(f"/export/{name}").content)
            assert receipt.good, receipt.to_json()
            assert receipt.applied == 2
            assert sorted(one.state for one in exported(other)) == [State.NONE, State.SOME]
        finally:
            other.close()


def test_a_have_message_is_known_by_its_own_id(hub: Hub, clock: Clock) -> None:
    body = (Path(__file__).parents[1] / "golden/edxl_have/envelope/in.xml").read_bytes()
    first = send(hub, "have", body)
    again = send(hub, "have", body)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.delivery == first.delivery


def run(*arguments: str) -> int:
    return cli.main(list(arguments))


@pytest.fixture
def told(sqlite_settings: Settings, clock: Clock) -> str:
    hub = Hub.open(sqlite_settings, clock=clock)
    tell(hub, report("moor", free=7, held=2))
    hub.close()
    return sqlite_settings.database


def test_the_command_writes_a_file_when_all_of_it_is_there(
    told: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("hub.opening.now", clock)
    path = tmp_path / "out.csv"
    arguments = ("export", "--database", told, "--language", "en", "--format", "csv")
    assert run(*arguments, "--output", str(path)) == 0
    assert b"1 offer in" in capsysbinary.readouterr().err
    assert [entry.name for entry in tmp_path.glob("out*")] == ["out.csv"]
    assert run(*arguments) == 0
    assert capsysbinary.readouterr().out == path.read_bytes()
    assert b";2;" in path.read_bytes()
    assert run(*arguments, "--view", "professional") == 0
    assert b";7;" in capsysbinary.readouterr().out


def test_the_command_tells_where_there_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--database", f"sqlite:///{tmp_path / 'none.db'}", "--format", "csv") == 2
    assert re.search("none.db", capsys.readouterr().err)


def test_the_pieces_of_a_file_are_bounded(sqlite_hub: Hub, clock: Clock) -> None:
    tell(sqlite_hub, *(report(f"haus-{number}", valid_at=clock()) for number in range(200)))
    from hub.exporting import ExportEndpoint

    copy = ExportEndpoint(sqlite_hub.exports(View.PUBLIC), sqlite_hub.database, clock)._copy("hsds")
    plain = list(copy.pieces(packed=False))
    assert max(map(len, plain)) <= 1 << 16
    assert gzip.decompress(b"".join(copy.pieces(packed=True))) == b"".join(plain)
