"""Hands a mail to the operator's mail server (RFC 5321, https://www.rfc-editor.org/rfc/rfc5321)."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from adapters.gate import Deadline, Gate, Target
from mappings.errors import Issue, PlatzfreiError, Rejected

__all__ = ["UNSENT", "Mailer", "is_refusal"]

UNSENT = (smtplib.SMTPException, OSError)
"""What is raised where a mail was not taken; their texts carry addresses: never log them."""

_SECONDS = 20
_ALL_SECONDS = 60
_CLOSING = 421
"""The server answers nobody just now: https://www.rfc-editor.org/rfc/rfc5321#section-3.8"""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_refusal(error: Exception) -> bool:
    """Whether the server was reached and refused this one mail; else no other would go, either."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code != _CLOSING for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code != _CLOSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """The mail server that settings name, and the sender of all mails."""

    sender: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls_first: bool = False
    """TLS from the first byte (`smtps`); otherwise STARTTLS, without which nothing leaves this machine."""

    @classmethod
    def of(cls, smtp: str, sender: str) -> "Mailer | None":
        """The mailer of `PLATZFREI_SMTP` and `PLATZFREI_MAIL_FROM`; None where there is none.

        Raises `Rejected` for what is no address of a mail server, and for one without a sender.
        """
        if not smtp:
            return None
        try:
            url = urlsplit(smtp)
            port = url.port
        except ValueError:
            raise Rejected(_no_server()) from None
        if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path not in ("", "/"):
            raise Rejected(_no_server())
        if "@" not in sender:
            raise Rejected(_no_sender())
        first = url.scheme == "smtps"
        return cls(
            sender=sender,
            host=url.hostname,
            port=port or (465 if first else 587),
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            tls_first=first,
        )

    def send(self, message: EmailMessage) -> None:
        """Hand one mail over; raises one of `UNSENT` unless the server took it."""
        with self._connected() as server:
            server.send_message(message)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """The one place where this package connects to anything: through the gate, and for a minute at most."""
        context = ssl.create_default_context()
        if self.tls_first:
            server: smtplib.SMTP = _GatedTls(self.host, self.port, timeout=_SECONDS, context=context)
        else:
            server = _Gated(self.host, self.port, timeout=_SECONDS)
        assert server.sock is not None, "it is connected"
        with server, Gate().cutting(server.sock, Deadline(_ALL_SECONDS)):
            if not self.tls_first and self.host not in _LOOPBACK:
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
            yield server


class _Gated(smtplib.SMTP):
    """SMTP over a socket of the gate's; the operator's own mail server may be one of the own network."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        to = Target(scheme="smtp", host=host, port=port, private=True)
        try:
            connected = Gate().connect(to, Deadline(timeout))
        except PlatzfreiError as error:
            raise OSError(error.issues[0].code) from None
        connected.settimeout(timeout)
        return connected


class _GatedTls(smtplib.SMTP_SSL, _Gated):
    """The same with TLS from the first byte."""


def _no_server() -> Issue:
    return Issue(
        code="smtp",
        place="PLATZFREI_SMTP",
        text_de="erwartet: smtps://NUTZER:KENNWORT@RECHNER oder smtp://… (mit STARTTLS)",
        text_en="expected: smtps://USER:PASSWORD@HOST or smtp://… (with STARTTLS)",
    )


def _no_sender() -> Issue:
    return Issue(
        code="mail-from",
        place="PLATZFREI_MAIL_FROM",
        text_de="erwartet: die Absenderadresse der Erinnerungen",
        text_en="expected: the address that reminders come from",
    )
