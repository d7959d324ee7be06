"""Hospital messages by MLLP into a real hub: what is said is on disk, and what an operator declares is checked."""

import asyncio
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from sqlalchemy import func, select

from adapters.base import Delivery
from adapters.receipt import Receipt
from adapters.transport.mllp_frames import framed
from hub.hub import Hub
from hub.listeners import Listener, Listeners
from hub.listening import delivering, listen
from hub.store.tables import census
from hub.store.tables import delivery as deliveries
from tests.adapters.mllp_server import Client, connected, listening, msa

FOLDER = "listeners"
SAMPLES = Path(__file__).parents[2] / "../shared/data/hl7v2/census-segments"


def adt(number: int, event: str, *segments: str, hospital: str = "KH-HEIDESEE", at: str = "20261122080000") -> bytes:
    head = rf"MSH|^~\&|KIS|{hospital}|PF|HUB|{at}||ADT^{event}|M{number}|P|2.5||||||UNICODE UTF-8"
    return "\r".join((head, f"EVN|{event}|{at}", *segments, "")).encode()


def admitted(number: int, bed: str = "KZP1^101^1", visit: str = "F-1") -> bytes:
    return adt(number, "A01", "PID|1||4711||Canaria", f"PV1|1|I|{bed}||||||||||||||||{visit}")


@contextmanager
def submitting(hub: Hub) -> Iterator[Callable[[Delivery], "Future[Receipt]"]]:
    with ThreadPoolExecutor(4) as pool:
        yield lambda delivery: pool.submit(hub.pipeline.receive, delivery)


def talk(hub: Hub, conversation: Callable[[Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        with submitting(hub) as submit:
            deliver = delivering(submit)

            async def to_kis_adt(delivery: Delivery) -> Receipt:
                return await deliver(
                    Delivery(
                        source="kis-adt",
                        body=delivery.body,
                        received_at=delivery.received_at,
                        message_id=delivery.message_id,
                    )
                )

            async with listening(to_kis_adt) as listener, connected(listener) as client:
                await conversation(client)

    asyncio.run(whole())


def count(hub: Hub) -> tuple[int, int]:
    """(deliveries, census events) that another connection sees."""
    with hub.database.reading() as connection:
        return (
            connection.execute(select(func.count()).select_from(deliveries)).scalar_one(),
            connection.execute(select(func.count()).select_from(census)).scalar_one(),
        )


def test_what_is_accepted_is_on_disk_and_sent_again_it_has_no_effect(hub: Hub) -> None:
    async def conversation(client: Client) -> None:
        assert msa(await client.ask(admitted(1))) == ("AA", "M1")
        assert count(hub) == (1, 1)
        assert msa(await client.ask(admitted(1))) == ("AA", "M1")
        assert count(hub) == (1, 1)
        late = adt(2, "A03", "PV1|1|I|KZP1^101^1||||||||||||||||F-9", at="20261121080000")
        assert msa(await client.ask(late)) == ("AA", "M2")
        assert count(hub) == (2, 2)

    talk(hub, conversation)


def test_what_is_wrong_is_told_in_the_sender_s_words(sqlite_hub: Hub) -> None:
    async def conversation(client: Client) -> None:
        await client.ask(admitted(1))
        reused = await client.ask(admitted(1, "KZP1^101^2"))
        assert msa(reused) == ("AE", "M1")
        assert "ERR||MSH^1^10|205^Duplicate key identifier^HL70357|E|message-id-reused^^PLATZFREI" in reused
        unknown = await client.ask(admitted(2, "KZP1^999^9"))
        assert msa(unknown) == ("AE", "M2")
        assert re.search(
            r"ERR\|\|PV1\^1\^3\^1\^3\|204\^Unknown key identifier\^HL70357\|E\|bed-not-decl.*\|2\|", unknown
        )
        assert "Station KH-HEIDESEE/KZP1 hat dieses Bett" in unknown
        cut = await client.ask(adt(3, "A01", "PID|1||4711"))
        assert msa(cut) == ("AE", "M3")
        assert "ERR||PV1^1|100^Segment sequence error^HL70357|E|hl7-segment-missing^^PLATZFREI|3|" in cut
        elsewhere = await client.ask(adt(4, "A04", "PV1|1|O|AMB"))
        assert "MSA|AA|M4|keine Wirkung auf die Belegung (A04)\r" in elsewhere
        assert "Canaria" not in "".join((reused, unknown, cut, elsewhere))

    talk(sqlite_hub, conversation)


def test_while_the_database_is_away_nothing_is_said_and_later_the_message_is_taken(sqlite_hub: Hub) -> None:
    async def away(client: Client) -> None:
        await client.send(framed(admitted(1)))
        assert await client.rest() == b""

    async def back(client: Client) -> None:
        assert msa(await client.ask(admitted(1))) == ("AA", "M1")

    with sqlite_hub.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE delivery RENAME TO gone")
    talk(sqlite_hub, away)
    with sqlite_hub.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO delivery")
    talk(sqlite_hub, back)


def test_a_message_that_our_side_cannot_bear_has_its_final_answer_at_the_first_try() -> None:
    async def test() -> None:
        def submit(delivery: Delivery) -> "Future[Receipt]":
            future: Future[Receipt] = Future()
            if b"|M1|" in delivery.body:
                future.set_exception(ZeroDivisionError("Canaria"))
            else:
                future.set_result(Receipt(source="kis", records=1, taken=1))
            return future

        async with listening(delivering(submit)) as listener, connected(listener) as client:
            answer = await client.ask(admitted(1))
            assert (msa(answer), "207^Application internal error" in answer) == (("AE", "M1"), True)
            assert "Canaria" not in answer
            assert msa(await client.ask(admitted(2))) == ("AA", "M2")

    asyncio.run(test())


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the published samples in ../shared/data/hl7v2 are not there")
def test_published_messages_are_answered_each_with_its_own_number(sqlite_hub: Hub) -> None:
    samples = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.hl7"))}

    async def conversation(client: Client) -> None:
        for number, (name, body) in enumerate(samples.items()):
            answer = await client.ask(re.sub(rb"MSG0000[0-9]", b"MSG%05d" % number, body))
            assert (name, *msa(answer)) == (name, "AA", f"MSG{number:05d}")
            assert answer.startswith("MSH|^~\\&|EHRApp^1.Edu^ISO|GHHRFacility^") or name.startswith("ADT-A06")
            assert "no census effect" in answer
        # As they are published all but one have the number of the second, which is the same again.
        reused = {name: msa(await client.ask(body))[0] for name, body in samples.items()}
        assert {name for name, code in reused.items() if code == "AA"} == {"ADT-A02-02.hl7", "ADT-A06-01.hl7"}
        assert set(reused.values()) == {"AA", "AE"}

    talk(sqlite_hub, conversation)


# --- what an operator declares ---------------------------------------------------------------------------------------


def declared(hub: Hub, tmp_path: Path, text: str) -> Listeners:
    folder = tmp_path / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "one.yaml").write_text(text, "utf-8")
    return Listeners(folder, hub.sources)


def test_a_listener_is_all_that_its_file_says(sqlite_hub: Hub, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("hub.example")
    folder = tmp_path / FOLDER
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "server.pem")
    (one,) = declared(
        sqlite_hub,
        tmp_path,
        """
        source: kis-adt
        host: 0.0.0.0
        port: 2575
        tls: {certificate: server.pem, key: server.key, clients: ca.pem, names: [kis.example]}
        senders: ["KIS|KH-HEIDESEE"]
        processing: [P, T]
        answers: {content: AR, refusal: AE}
        limits: {largest_bytes: 4096, frame_seconds: 5, idle_seconds: 60, connections: 3}
        """,
    )
    assert (one.name, one.source, one.host, one.port) == ("one", "kis-adt", "0.0.0.0", 2575)  # noqa: S104 - declared, not bound
    assert one.tls is not None
    assert one.tls.verify_mode.name == "CERT_REQUIRED"
    assert one.senders.names == {"KIS|KH-HEIDESEE"}
    assert one.senders.certificates == {"kis.example"}
    assert one.senders.processing == {"P", "T"}
    assert (one.policy.content.value, one.policy.refusal.value) == ("AR", "AE")
    assert (one.limits.largest, one.limits.frame, one.limits.idle, one.limits.connections) == (4096, 5, 60, 3)


def test_a_declared_listener_hears_the_hospital_by_tls_and_nobody_else(sqlite_hub: Hub, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    folder = tmp_path / FOLDER
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    tls = "{certificate: server.pem, key: server.pem, clients: ca.pem, names: [kis.example]}"
    (one,) = declared(sqlite_hub, tmp_path, f"{{source: kis-adt, port: 0, tls: {tls}}}")

    async def asked(clients: trustme.CA, name: str) -> str:
        context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        clients.issue_cert(name).configure_cert(context)
        stop, ports = asyncio.Event(), asyncio.Queue[int]()
        with submitting(sqlite_hub) as submit:

            def told(_: Listener, port: int) -> None:
                ports.put_nowait(port)

            running = asyncio.create_task(listen((one,), submit, clock=sqlite_hub.clock, stop=stop, told=told))
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", await ports.get(), ssl=context, server_hostname="localhost"
            )
            try:
                answer = await Client(reader, writer).ask(admitted(1))
            except (ssl.SSLError, ConnectionError):
                answer = ""
            writer.transport.abort()
            stop.set()
            await running
        return answer

    assert "MSA|AA|M1" in asyncio.run(asked(authority, "kis.example"))
    assert asyncio.run(asked(authority, "other.example")) == ""
    assert asyncio.run(asked(stranger, "kis.example")) == ""
    assert count(sqlite_hub) == (1, 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("nothing", ""),
        (": [", ""),
        ("port: 2575", "source"),
        ("{source: json, port: 2575}", "source"),
        ("{source: [kis-adt], port: 2575}", "source"),
        ("{source: kis-adt}", "port"),
        ("{source: kis-adt, port: '2575'}", "port"),
        ("{source: kis-adt, port: 70000}", "port"),
        ("{source: kis-adt, port: 2575, host: kis}", "host"),
        ("{source: kis-adt, port: 2575, host: 0.0.0.0}", "tls.clients"),
        ("{source: kis-adt, port: 2575, tls: {certificate: a.pem, key: one.yaml}}", "tls.certificate"),
        ("{source: kis-adt, port: 2575, tls: {certificate: one.yaml, key: one.yaml}}", "tls.key"),
        ("{source: kis-adt, port: 2575, tls: {names: [a], certificate: one.yaml, key: one.yaml}}", "tls.clients"),
        ("{source: kis-adt, port: 2575, tls: yes}", "tls"),
        ("{source: kis-adt, port: 2575, senders: [KIS]}", "senders"),
        ("{source: kis-adt, port: 2575, processing: [X]}", "processing"),
        ("{source: kis-adt, port: 2575, answers: {content: AA}}", "answers.content"),
        ("{source: kis-adt, port: 2575, limits: {connections: 0}}", "limits.connections"),
        ("{source: kis-adt, port: 2575, limits: {bytes: 1}}", "limits.bytes"),
        ("{source: kis-adt, port: 2575, charset: UTF-8}", "charset"),
    ],
)
def test_what_is_wrong_with_a_listener_is_named_by_its_place(
    sqlite_hub: Hub, tmp_path: Path, text: str, place: str
) -> None:
    found = declared(sqlite_hub, tmp_path, text)
    assert list(found) == []
    assert found.problems[0].place == (f"one.yaml: {place}" if place else "one.yaml")


def test_a_key_that_there_is_not_is_said_to_be_none(sqlite_hub: Hub, tmp_path: Path) -> None:
    (wrong,) = declared(sqlite_hub, tmp_path, "{source: kis-adt, port: 2575, hots: x}").problems
    assert wrong.text_en.startswith("there is no such key; there are source, ")
    assert wrong.text_de.startswith("das gibt es hier nicht; es gibt source, ")


def test_one_port_is_given_once_and_a_wrong_file_stops_no_other(sqlite_hub: Hub, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "two.yaml").write_text("{source: kis-adt, port: 2575}", "utf-8")
    found = declared(sqlite_hub, tmp_path, "{source: kis-adt, port: 2575}")
    assert [one.name for one in found] == ["one"]
    assert [issue.place for issue in found.problems] == ["two.yaml: port"]


# --- the command ----------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_command_listens_and_what_it_accepted_outlives_it(tmp_path: Path) -> None:
    url, port = f"sqlite:///{tmp_path / 'platzfrei.db'}", free_port()
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "heidesee.yaml").write_text(f"{{source: kis-adt, port: {port}}}", "utf-8")
    (tmp_path / FOLDER / "wrong.yaml").write_text("{source: kis-adt}", "utf-8")

    async def send(*numbers: int) -> list[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = Client(reader, writer)
        answers = [msa(await client.ask(admitted(number, visit=f"F-{number}")))[0] for number in numbers]
        writer.transport.abort()
        return answers

    for numbers, end, status in (((1, 2), signal.SIGKILL, -9), ((2, 3), signal.SIGTERM, 0)):
        command = [sys.executable, "-m", "hub.cli", "listen", "--database", url, "--language", "en"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == f"heidesee: mllp://127.0.0.1:{port} (no TLS) → kis-adt\n"
            assert asyncio.run(send(*numbers)) == ["AA"] * len(numbers)
            process.send_signal(end)
            assert process.wait(20) == status
            assert process.stderr.read().startswith("platzfrei: wrong.yaml: port: a port from 1 to 65535 expected")


def test_without_a_listener_the_command_says_where_one_belongs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hub import cli

    assert cli.main(["listen", "--database", f"sqlite:///{tmp_path / 'p.db'}", "--language", "en"]) == 2
    assert "no listener lies here" in capsys.readouterr().err
