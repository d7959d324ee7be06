"""Reminders leave before a report turns stale, once a period, through a real mail server."""

import logging
import re
import smtplib
import socket
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from hub.homes.home import Home
from hub.homes.homes import Opened
from hub.homes.mail import Mailer
from hub.homes.reminders import Reminded
from hub.hub import Hub
from hub.store.tables import reminder
from mappings.errors import Rejected
from mappings.vacancy import ReportedBy
from tests.conftest import Clock
from tests.hub.homes.home import MOOR, SEE, added


class Sink:
    """What a mail server was handed; while `refuses`, it takes nothing."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = ""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuses:
            return self.refuses
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Sink, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    yield sink, port
    controller.stop()


@pytest.fixture
def sink(server: tuple[Sink, int]) -> Sink:
    server[0].mails, server[0].refuses = [], ""
    return server[0]


@pytest.fixture
def mailer(server: tuple[Sink, int]) -> Mailer:
    made = Mailer.of(f"smtp://127.0.0.1:{server[1]}", "Koordinierungsstelle <melden@office.example>")
    assert made is not None
    return made


@pytest.fixture
def home(hub: Hub) -> Home:
    """A home that reported on Sunday at 10 by its clock: it turns stale on Wednesday at 10."""
    return added(hub, dauerpflege=2, tagespflege=0)


def sent(hub: Hub, mailer: Mailer) -> int:
    return hub.reminders.remind(mailer).sent


def test_a_home_is_reminded_once_a_day_before_it_turns_stale(
    hub: Hub, mailer: Mailer, sink: Sink, clock: Clock, home: Home
) -> None:
    told = []
    for hour in range(1, 96):
        clock.forward(hours=1)
        if sent(hub, mailer):
            told.append(hour)
    assert told == [48]
    (mail,) = sink.mails
    assert mail["To"] == home.email
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "bis Mittwoch, 25.11., 10:00 Uhr" in text
    assert "by Wednesday 25 Nov, 10:00" in text
    assert "Dauerpflege: 2 frei" in text
    links = set(re.findall(r"http://127\.0\.0\.1:8080/m/(\S+)", text))
    assert len(links) == 1
    opened = hub.homes.opened(links.pop())
    assert isinstance(opened, Opened)
    assert opened.home.id == "moor"


def test_who_reports_in_time_is_not_reminded_and_the_next_period_is_another(
    hub: Hub, mailer: Mailer, clock: Clock, home: Home
) -> None:
    clock.forward(hours=47)
    hub.homes.report(home, {"dauerpflege": 2, "tagespflege": 0}, ReportedBy.HOME)
    clock.forward(hours=10)
    assert sent(hub, mailer) == 0
    clock.forward(hours=38)
    assert sent(hub, mailer) == 1


def test_nobody_is_mailed_at_night_but_for_the_last_chance(hub: Hub, mailer: Mailer, clock: Clock) -> None:
    clock.forward(hours=11)  # 21 h by the clock of Germany
    added(hub, dauerpflege=2, tagespflege=0)
    clock.forward(hours=49)
    assert sent(hub, mailer) == 0
    clock.forward(hours=9)
    assert sent(hub, mailer) == 1


def test_a_new_home_is_asked_for_its_first_report_once(hub: Hub, mailer: Mailer, sink: Sink, clock: Clock) -> None:
    added(hub)
    assert [sent(hub, mailer) for _ in range(3)] == [1, 0, 0]
    assert "noch nie gemeldet" in sink.mails[0].get_content()
    clock.forward(days=30)
    assert sent(hub, mailer) == 0


def test_what_a_mail_server_does_not_take_is_tried_again_ever_later(
    hub: Hub, mailer: Mailer, sink: Sink, clock: Clock, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sink.refuses = "451 later"
    tried = []
    clock.forward(hours=48)
    for hour in range(10):
        if hub.reminders.remind(mailer).failed:
            tried.append(hour)
        clock.forward(hours=1)
    assert tried == [0, 1, 3, 7]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("hub")]
    assert ours == ["no mail to the home moor: SMTPDataError"] * 4
    sink.refuses = ""
    for _ in range(12):
        hub.reminders.remind(mailer)
        clock.forward(hours=1)
    assert len(sink.mails) == 1


def test_a_server_that_is_not_there_is_asked_once_a_round_and_costs_no_home_an_attempt(
    hub: Hub, mailer: Mailer, home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(hub, replace(SEE, email="leitung@see.example"))
    clock.forward(hours=48)
    asked = []
    real = Mailer.send

    def send_nowhere(mailer: Mailer, mail: EmailMessage) -> None:
        asked.append(mail["To"])
        real(replace(mailer, port=1), mail)

    with monkeypatch.context() as patch:
        patch.setattr(Mailer, "send", send_nowhere)
        for _ in range(4):
            assert hub.reminders.remind(mailer) == Reminded(waiting=2, unreachable=True)
            clock.forward(hours=1)
    # Who was not tried comes first.
    assert len(asked) == 4
    assert len(set(asked[:2])) == 2
    assert [due.attempts for due in hub.reminders.due()] == [0, 0]
    assert hub.reminders.remind(mailer) == Reminded(sent=2)


def test_a_server_that_is_closing_is_not_there(hub: Hub, mailer: Mailer, sink: Sink, home: Home, clock: Clock) -> None:
    sink.refuses = "421 closing"
    clock.forward(hours=48)
    assert hub.reminders.remind(mailer) == Reminded(waiting=1, unreachable=True)


def test_what_failed_in_the_evening_is_tried_again_in_the_morning(
    hub: Hub, mailer: Mailer, sink: Sink, clock: Clock
) -> None:
    clock.forward(hours=8)  # 18 h by the clock of Germany
    added(hub, dauerpflege=2, tagespflege=0)
    clock.forward(hours=48)
    sink.refuses = "451 later"
    assert hub.reminders.remind(mailer) == Reminded(failed=1, waiting=1)
    sink.refuses = ""
    told = []
    for hour in range(19, 19 + 14):
        clock.forward(hours=1)
        if sent(hub, mailer):
            told.append(hour % 24)
    assert told == [7]


def test_what_is_stale_already_rings_nobody_at_night(hub: Hub, mailer: Mailer, sink: Sink, clock: Clock) -> None:
    added(hub, dauerpflege=2, tagespflege=0)
    clock.forward(hours=4 * 24 + 13)  # 23 h, stale for more than a day
    assert hub.reminders.remind(mailer) == Reminded(waiting=1)
    clock.forward(hours=8)
    assert sent(hub, mailer) == 1
    assert "bitte bestätigen oder ändern Sie heute die" in sink.mails[0].get_content()


def test_who_reports_one_of_two_offers_is_reminded_of_that_one_and_not_nagged_for_the_other(
    hub: Hub, mailer: Mailer, sink: Sink, clock: Clock
) -> None:
    home = added(hub)
    assert sent(hub, mailer) == 1
    told = []
    for hour in range(24 * 8):
        if hour % 72 == 0 and hour < 24 * 5:
            hub.homes.report(home, {"dauerpflege": 2}, ReportedBy.HOME)
        clock.forward(hours=1)
        if sent(hub, mailer):
            told.append(hour + 1)
    assert told == [48, 120]
    assert [due.care_forms for due in hub.reminders.due()] == [("dauerpflege", "tagespflege")]


def test_another_address_gets_what_the_first_did_not_take(
    hub: Hub, mailer: Mailer, sink: Sink, clock: Clock, home: Home
) -> None:
    clock.forward(hours=48)
    sink.refuses = "550 no such user"
    assert hub.reminders.remind(mailer).failed == 1
    sink.refuses = ""
    hub.homes.change(replace(home, email="neu@haus-am-moor.example"))
    assert sent(hub, mailer) == 1
    assert sink.mails[0]["To"] == "neu@haus-am-moor.example"


def test_a_reminder_that_a_program_died_with_is_sent_again(
    hub: Hub, mailer: Mailer, sink: Sink, clock: Clock, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.forward(hours=48)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Mailer, "send", _dies)
        hub.reminders.remind(mailer)
    assert sent(hub, mailer) == 0  # it may still be on its way
    clock.forward(minutes=31)
    assert sent(hub, mailer) == 1


def _dies(_mailer: Mailer, _mail: EmailMessage) -> None:
    raise KeyboardInterrupt


def test_two_programs_send_one_mail(hub: Hub, mailer: Mailer, sink: Sink, clock: Clock, home: Home) -> None:
    clock.forward(hours=48)
    first = hub.reminders
    real = Mailer.send

    def send_while_another_looks(self: Mailer, mail: EmailMessage) -> None:
        assert first.remind(mailer) == Reminded(waiting=1)
        real(self, mail)

    patch = pytest.MonkeyPatch()
    patch.setattr(Mailer, "send", send_while_another_looks)
    try:
        assert sent(hub, mailer) == 1
    finally:
        patch.undo()
    assert len(sink.mails) == 1


def test_a_report_that_comes_while_a_mail_waits_takes_it_back(
    hub: Hub, mailer: Mailer, sink: Sink, clock: Clock, home: Home
) -> None:
    sink.refuses = "451 later"
    clock.forward(hours=48)
    hub.reminders.remind(mailer)
    hub.homes.report(home, {"dauerpflege": 2, "tagespflege": 0}, ReportedBy.HOME)
    sink.refuses = ""
    clock.forward(hours=2)
    assert sent(hub, mailer) == 0
    with hub.database.reading() as connection:
        assert connection.execute(select(reminder)).all() == []


def test_due_names_whom_to_ring(hub: Hub, mailer: Mailer, clock: Clock, home: Home) -> None:
    assert hub.reminders.due() == []
    added(hub, replace(SEE, phone="04941 1"))
    clock.forward(hours=49)
    assert [due.standing.home.id for due in hub.reminders.due()] == ["see", "moor"]
    hub.reminders.remind(mailer)
    assert [due.reminded_at is not None for due in hub.reminders.due()] == [False, True]


@pytest.mark.parametrize("smtp", ["mail.example", "http://mail.example", "smtp://", "smtp://h:port", "smtp://h/x"])
def test_what_is_no_mail_server_is_refused(smtp: str) -> None:
    with pytest.raises(Rejected, match="smtps://USER:PASSWORD@HOST"):
        Mailer.of(smtp, "a@office.example")


def test_a_mail_server_needs_a_sender_and_shows_no_password() -> None:
    with pytest.raises(Rejected, match="address that reminders come from"):
        Mailer.of("smtps://mail.example", "")
    made = Mailer.of("smtps://me:s%40fe@mail.example", "a@office.example")
    assert made is not None
    assert (made.port, made.password) == (465, "s@fe")
    assert "s@fe" not in repr(made)


def test_nothing_leaves_this_machine_without_encryption(server: tuple[Sink, int], sink: Sink) -> None:
    """The server offers no STARTTLS, and its name is not one of loopback's."""
    plain = Mailer(sender="a@office.example", host="127.0.0.1", port=server[1])
    elsewhere = replace(plain, host="LOCALHOST")
    with pytest.raises(smtplib.SMTPNotSupportedError):
        elsewhere.send(EmailMessage())
    assert sink.mails == []


def test_addresses_that_would_make_headers_are_refused() -> None:
    for email in ("a@b", "a b@c.example", "a@b.example\nBcc: x@y.example", "a@b.example, x@y.example"):
        with pytest.raises(Rejected, match="an address such as"):
            replace(MOOR, email=email)
    with pytest.raises(Rejected, match="printable"):
        replace(MOOR, name="Haus\nBcc: x@y.example")
