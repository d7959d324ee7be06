"""MLLP over real sockets: framing, order, what is said and what is not, limits, TLS, and a client that others wrote."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable

import pytest
import trustme
from hl7.mllp import open_hl7_connection
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Delivery
from adapters.receipt import Receipt
from adapters.reply.hl7v2_ack import Code, Policy
from adapters.transport.mllp import Limits, Senders
from adapters.transport.mllp_frames import Frames, Unframed, framed
from mappings.errors import Issue, Rejected, Retriable
from tests.adapters.mllp_server import Recorder, adt, connected, listening, msa


def run(test: Callable[[], Awaitable[None]]) -> None:
    """A test's coroutine to its end; it leaves no task behind."""

    async def whole() -> None:
        await test()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=3)
        assert not [task for task in left if not task.done()]

    asyncio.run(whole())


def aside(delivery: Delivery) -> Receipt:
    receipt = Receipt(source=delivery.source, delivery=7, records=1, set_aside=1)
    receipt.note(Issue(code="hl7-value", text_de="falsch", text_en="wrong", place="message 1, PV1-3.1"))
    return receipt


# --- framing --------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.binary(min_size=1, max_size=20).map(lambda b: b.translate(None, b"\x0b\x1c")), max_size=5), st.data()
)
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"\r\n".join(framed(message) for message in messages)
    frames = Frames(largest=100)
    found, at = [], 0
    while at < len(stream):
        to = data.draw(st.integers(at + 1, len(stream)))
        frames.feed(stream[at:to])
        at = to
        while (message := frames.take()) is not None:
            found.append(message)
    assert found == messages
    assert not frames.begun


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_unframed(stream: bytes) -> None:
    frames = Frames(largest=50)
    frames.feed(stream)
    try:
        while (message := frames.take(last=True)) is not None:
            assert b"\x0b" not in message
            assert len(message) <= 50
    except Unframed as error:
        assert len(error.begun) <= 200


def test_a_message_that_drips_is_not_read_again_from_its_beginning() -> None:
    frames = Frames(largest=1_000_000)
    body = framed(b"x" * 300_000)
    begun = time.perf_counter()
    for at in range(0, len(body), 10):
        frames.feed(body[at : at + 10])
        found = frames.take()
    assert found == body[1:-2]
    assert time.perf_counter() - begun < 2


def test_a_frame_split_at_every_byte_is_one_message_with_one_answer() -> None:
    async def test() -> None:
        recorder, message = Recorder(), adt()
        stream = framed(message)
        async with listening(recorder) as listener, connected(listener) as client:
            for at in range(1, len(stream)):
                await client.send(stream[:at])
                await asyncio.sleep(0)
                await client.send(stream[at:])
                assert msa(await client.answer()) == ("AA", "1")
        assert [delivery.body for delivery in recorder.taken] == [message] * (len(stream) - 1)

    run(test)


def test_a_frame_that_comes_byte_by_byte_is_one_message() -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener, connected(listener) as client:
            for byte in framed(adt()):
                await client.send(bytes([byte]))
                await asyncio.sleep(0)
            assert msa(await client.answer()) == ("AA", "1")
        assert [delivery.body for delivery in recorder.taken] == [adt()]

    run(test)


def test_pipelined_messages_are_answered_in_their_order_one_in_flight_at_a_time() -> None:
    async def test() -> None:
        flying, most = 0, 0

        async def slowly(delivery: Delivery) -> Receipt:
            nonlocal flying, most
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0.001)
            flying -= 1
            return Receipt(source="kis", delivery=1, records=1, taken=1)

        recorder = Recorder(slowly)
        async with listening(recorder) as listener, connected(listener) as client:
            await client.send(b"".join(framed(adt(str(number))) for number in range(1, 41)))
            assert [msa(await client.answer()) for _ in range(40)] == [("AA", str(n)) for n in range(1, 41)]
        assert most == 1

    run(test)


def test_an_end_block_without_carriage_return_is_forgiven() -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener, connected(listener) as client:
            await client.send(b"\x0b" + adt("1") + b"\x1c")
            assert msa(await client.answer()) == ("AA", "1")
            await client.send(b"\x0b" + adt("2") + b"\x1c\x0b" + adt("3") + b"\x1c\r\n \r" + framed(adt("4")))
            assert [msa(await client.answer())[1] for _ in range(3)] == ["2", "3", "4"]
            await client.send(b"\r\x0b" + adt("5") + b"\x1c")
            client.writer.write_eof()
            assert msa(await client.answer()) == ("AA", "5")

    run(test)


@pytest.mark.parametrize(
    ("stream", "said", "text"),
    [
        (b"\x0b" + adt("1") + framed(adt("2")), ("AR", "1"), "1C 0D"),
        (b"\x0b" + adt("1")[:40] + b"\x0b" + adt("1")[40:] + b"\x1c\r", ("AR", ""), "1C 0D"),
        (framed(adt("1") + b"NTE|1|\x1cmore\r"), ("AR", "1"), "0D"),
        (framed(adt("1") + adt("2")), ("AR", "1"), "zwei Nachrichten"),
        (framed(adt("1").replace(b"\r", b"\n") + adt("2").replace(b"\r", b"\n")), ("AR", "1"), "zwei Nachrichten"),
        (framed(b"FHS|^~\\&|KIS\rBHS|^~\\&|KIS\r" + adt("1") + b"BTS|1\rFTS|1\r"), ("AR", "1"), "Stapel"),
        (framed(adt("1") + b"NTE|1|" + b"x" * 5000), ("AR", "1"), "4096"),
        (framed(b""), ("AR", ""), "MSH"),
        (framed(b"{}"), ("AR", ""), "MSH"),
        (framed(b"MSH|^~\\&|KIS|KH"), ("AR", ""), "MSH-9"),
        (framed(adt("")), ("AR", ""), "MSH-10"),
        (framed(adt("9" * 200)), ("AR", "9" * 200), "MSH-10"),
        (framed(adt("1").replace(b"ADT^", b"ORU^")), ("AR", "1"), "ADT"),
        (framed(adt("1", version="3.0")), ("AR", "1"), "2.x"),
        (framed(adt("1").replace(b"|P|2", b"|T|2")), ("AR", "1"), "MSH-11"),
    ],
)
def test_what_is_no_message_for_us_is_refused_and_never_taken(stream: bytes, said: tuple[str, str], text: str) -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder, limits=Limits(largest=4096)) as listener, connected(listener) as client:
            await client.send(stream)
            answer = await client.answer()
            assert msa(answer) == said
            assert text in answer
            assert recorder.taken == []

    run(test)


@pytest.mark.parametrize(
    "stream", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", adt("1") + b"\x1c\r", b"\x1c\r", b"\r\nx"]
)
def test_what_is_no_mllp_is_cut_off_without_an_answer(stream: bytes) -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener:
            async with connected(listener) as client:
                await client.send(stream)
                assert await client.rest() == b""
            assert listener.told == {"silent": 1}
            async with connected(listener) as client:
                assert msa(await client.ask(adt("2"))) == ("AA", "2")
        assert len(recorder.taken) == 1

    run(test)


def test_a_message_without_end_block_is_not_taken_when_its_sender_leaves() -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener:
            async with connected(listener) as client:
                await client.send(b"\x0b" + adt())
                client.writer.write_eof()
                assert await client.rest() == b""
            assert (recorder.taken, listener.told) == ([], {"silent": 1})

    run(test)


def test_sixteen_megabytes_are_refused_at_the_limit_and_the_next_connection_works() -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener:
            async with connected(listener) as client:
                client.writer.write(framed(adt("1") + b"OBX|1|ED|" + b"A" * 16_000_000))
                assert msa(await client.answer()) == ("AR", "1")
            async with connected(listener) as client:
                assert msa(await client.ask(adt("2"))) == ("AA", "2")
        assert len(recorder.taken) == 1

    run(test)


def test_an_acknowledgement_is_never_acknowledged() -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener, connected(listener) as client:
            await client.send(framed(b"MSH|^~\\&|A|B|C|D|20261122||ACK|9|P|2.5\rMSA|AA|1\r"))
            assert msa(await client.ask(adt("2"))) == ("AA", "2")
        assert len(recorder.taken) == 1

    run(test)


# --- what is said ---------------------------------------------------------------------------------------------------


def test_a_message_is_told_apart_by_application_facility_and_number() -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener, connected(listener) as client:
            await client.ask(adt("1"))
            await client.ask(adt("1").replace(b"|KH|", b"|KX|"))
        first, second = recorder.taken
        assert (first.source, first.body) == ("kis", adt("1"))
        assert (first.message_id, second.message_id) == ("KIS\x1fKH\x1f1", "KIS\x1fKX\x1f1")

    run(test)


def test_nothing_is_said_before_the_message_is_taken() -> None:
    async def test() -> None:
        taken, go = asyncio.Event(), asyncio.Event()

        async def waits(delivery: Delivery) -> Receipt:
            taken.set()
            await go.wait()
            return Receipt(source="kis", records=1, taken=1)

        async with listening(waits) as listener, connected(listener) as client:
            await client.send(framed(adt()))
            await taken.wait()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.reader.read(1)
            go.set()
            assert msa(await client.answer()) == ("AA", "1")

    run(test)


def test_a_record_set_aside_is_ae_with_its_place_and_its_delivery() -> None:
    async def test() -> None:
        async def fate(delivery: Delivery) -> Receipt:
            return aside(delivery)

        async with listening(Recorder(fate)) as listener, connected(listener) as client:
            answer = await client.ask(adt())
            assert msa(answer) == ("AE", "1")
            assert "ERR||PV1^1^3^1^1|102^Data type error^HL70357|E|hl7-value^^PLATZFREI|7|wrong|falsch" in answer
            assert msa(await client.ask(adt("2"))) == ("AE", "2")
        async with (
            listening(Recorder(fate), policy=Policy(content=Code.REFUSED)) as listener,
            connected(listener) as client,
        ):
            assert msa(await client.ask(adt())) == ("AR", "1")

    run(test)


def test_what_must_not_come_again_has_its_final_answer_at_once_and_the_next_message_is_taken() -> None:
    async def test() -> None:
        async def fate(delivery: Delivery) -> Receipt:
            if b"|1|P" in delivery.body:
                raise Rejected(Issue(code="message-id-reused", text_de="schon da", text_en="was here"))
            return Receipt(source="kis", records=1, taken=1)

        async with listening(Recorder(fate)) as listener, connected(listener) as client:
            answer = await client.ask(adt("1"))
            assert (msa(answer), "205^Duplicate key identifier" in answer) == (("AE", "1"), True)
            assert msa(await client.ask(adt("2"))) == ("AA", "2")

    run(test)


@pytest.mark.parametrize("error", [Retriable(), OSError("disk"), RuntimeError("any"), TimeoutError()])
def test_what_cannot_be_kept_now_is_not_answered_and_the_connection_ends(error: Exception) -> None:
    async def test() -> None:
        async def fate(delivery: Delivery) -> Receipt:
            raise error

        async with listening(Recorder(fate)) as listener:
            async with connected(listener) as client:
                await client.send(framed(adt("1")) + framed(adt("2")))
                assert await client.rest() == b""
            assert listener.told == {"silent": 1}

    run(test)


def test_who_takes_too_long_to_keep_a_message_says_nothing() -> None:
    async def test() -> None:
        async def fate(delivery: Delivery) -> Receipt:
            await asyncio.sleep(60)
            raise AssertionError

        async with listening(Recorder(fate), limits=Limits(deliver=0.1)) as listener, connected(listener) as client:
            await client.send(framed(adt()))
            assert await client.rest() == b""

    run(test)


def test_a_listener_that_closes_answers_what_is_in_flight_and_takes_no_more() -> None:
    async def test() -> None:
        taken = asyncio.Event()

        async def fate(delivery: Delivery) -> Receipt:
            taken.set()
            await asyncio.sleep(0.1)
            return Receipt(source="kis", records=1, taken=1)

        recorder = Recorder(fate)
        async with listening(recorder) as listener, connected(listener) as busy, connected(listener) as idle:
            port = listener.port
            await busy.send(framed(adt("1")) + framed(adt("2")))
            await taken.wait()
            await listener.close(within=5)
            assert msa(await busy.answer()) == ("AA", "1")
            assert (await busy.rest(), await idle.rest()) == (b"", b"")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
        assert len(recorder.taken) == 1

    run(test)


def test_a_listener_that_closes_says_nothing_of_what_takes_too_long() -> None:
    async def test() -> None:
        async def fate(delivery: Delivery) -> Receipt:
            await asyncio.sleep(60)
            raise AssertionError

        async with listening(Recorder(fate)) as listener, connected(listener) as client:
            await client.send(framed(adt("1")))
            await asyncio.sleep(0.05)
            await listener.close(within=0.05)
            assert await client.rest() == b""

    run(test)


def test_foreign_senders_are_refused_by_name() -> None:
    async def test() -> None:
        recorder = Recorder()
        senders = Senders(names=frozenset({"KIS|KH"}), processing=frozenset({"T"}))
        async with listening(recorder, senders=senders) as listener, connected(listener) as client:
            foreign = adt("1").replace(b"|KH|", b"|OTHER|").replace(b"|P|", b"|T|")
            answer = await client.ask(foreign)
            assert (msa(answer), "hl7-sender" in answer, recorder.taken) == (("AR", "1"), True, [])
            assert msa(await client.ask(adt("2").replace(b"|P|", b"|T|"))) == ("AA", "2")

    run(test)


# --- limits ---------------------------------------------------------------------------------------------------------


def test_who_drips_and_who_says_nothing_is_cut_off_while_others_are_served() -> None:
    async def test() -> None:
        limits = Limits(frame=0.3, idle=0.6)
        async with listening(Recorder(), limits=limits) as listener, connected(listener) as good:
            async with connected(listener) as mute, connected(listener) as dripping, connected(listener) as quiet:
                assert msa(await quiet.ask(adt("1"))) == ("AA", "1")

                async def drip() -> None:
                    for byte in framed(adt("1")):
                        await dripping.send(bytes([byte]))
                        await asyncio.sleep(0.05)

                dropping = asyncio.create_task(drip())
                begun = time.monotonic()
                assert msa(await good.ask(adt("2"))) == ("AA", "2")
                assert await mute.rest() == b""
                assert await dripping.rest() == b""
                assert time.monotonic() - begun < 0.6
                assert msa(await good.ask(adt("3"))) == ("AA", "3")
                assert await quiet.rest() == b""
                dropping.cancel()
                await asyncio.wait([dropping])
            assert listener.told["silent"] == 3

    run(test)


def test_more_connections_than_are_borne_are_cut_off() -> None:
    async def test() -> None:
        async with listening(Recorder(), limits=Limits(connections=1)) as listener:
            async with connected(listener) as first:
                assert msa(await first.ask(adt("1"))) == ("AA", "1")
                async with connected(listener) as second:
                    assert await second.rest() == b""
                assert msa(await first.ask(adt("2"))) == ("AA", "2")
            await asyncio.sleep(0.05)
            async with connected(listener) as third:
                assert msa(await third.ask(adt("3"))) == ("AA", "3")

    run(test)


# --- TLS ------------------------------------------------------------------------------------------------------------


def server_context(authority: trustme.CA, clients: trustme.CA | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(authority: trustme.CA, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certificate is not None:
        certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_messages_come_by_tls_and_plain_ones_are_not_heard(authority: trustme.CA) -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder, tls=server_context(authority, None)) as listener:
            async with connected(listener, client_context(authority)) as client:
                assert msa(await client.ask(adt("1"))) == ("AA", "1")
            async with connected(listener) as client:
                await client.send(framed(adt("2")))
                assert b"MSA" not in await client.rest()
        assert len(recorder.taken) == 1

    run(test)


def test_with_client_certificates_only_the_named_are_heard(authority: trustme.CA) -> None:
    async def test() -> None:
        recorder = Recorder()
        senders = Senders(certificates=frozenset({"kis.heidesee.example"}))
        known = authority.issue_cert("kis.heidesee.example")
        other = authority.issue_cert("other.example")
        foreign = trustme.CA().issue_cert("kis.heidesee.example")
        context = server_context(authority, authority)
        async with listening(recorder, tls=context, senders=senders) as listener:
            async with connected(listener, client_context(authority, known)) as client:
                assert msa(await client.ask(adt("1"))) == ("AA", "1")
            async with connected(listener, client_context(authority, other)) as client:
                await client.send(framed(adt("2")))
                assert await client.rest() == b""
            for certificate in (None, foreign):
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    async with connected(listener, client_context(authority, certificate)) as client:
                        await client.send(framed(adt("3")))
                        if not await client.reader.read():
                            raise ConnectionResetError
        assert len(recorder.taken) == 1

    run(test)


# --- others ---------------------------------------------------------------------------------------------------------


def test_the_client_of_python_hl7_is_understood() -> None:
    async def test() -> None:
        recorder = Recorder()
        async with listening(recorder) as listener:
            reader, writer = await open_hl7_connection("127.0.0.1", listener.port, encoding="latin-1")
            for number in ("1", "2"):
                writer.writemessage(adt(number).decode())
                await writer.drain()
                answer = await asyncio.wait_for(reader.readmessage(), 10)
                assert str(answer.segment("MSA")[1]) == "AA"
                assert str(answer.segment("MSA")[2]) == number
                assert str(answer.segment("MSH")[3]) == "PLATZFREI"
            writer.close()
        assert [delivery.body.rstrip(b"\r") for delivery in recorder.taken] == [
            adt(number).rstrip(b"\r") for number in ("1", "2")
        ]

    run(test)
