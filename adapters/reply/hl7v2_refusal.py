"""Why an HL7 v2 message is not taken at all, wherever it comes in one by one and gets an answer of its own."""

import re
from collections.abc import Collection

from adapters.reply.hl7v2_ack import Header
from mappings.errors import Issue

__all__ = ["refusal"]

_SECOND = re.compile(rb"[\r\n]\s*MSH[^A-Za-z0-9\r\n]")
_BATCH = re.compile(rb"\s*[FB]HS[^A-Za-z0-9\r\n]")
_VERSION = re.compile(r"2(\.[0-9]{1,2}){0,2}")
_ID_MAX = 199


def refusal(
    asked: Header | None, message: bytes, *, processing: Collection[str] = ("P",), names: Collection[str] = ()
) -> Issue | None:
    """What refuses a message before anything of it is read; None where nothing does.

    `processing` are the MSH-11 that are taken, `names` whose messages are, `MSH-3|MSH-4`; none: anybody's.
    """
    if _BATCH.match(message):
        return _issue("hl7-batch", *_NO_BATCH)
    if asked is None:
        return _issue("hl7-no-header", *_NO_HEADER)
    if _SECOND.search(message, 4):
        return _issue("hl7-second-message", *_SECOND_MESSAGE)
    if len(asked.fields) < 10:
        return _issue("hl7-cut-header", *_CUT_HEADER, place="MSH")
    if asked.part(9) != "ADT":
        return _issue("hl7-message-type", *_NO_ADT, place="MSH-9.1")
    version = asked.field(12).split(asked.marks[1:2])[0].decode("latin-1").strip()
    if version and not _VERSION.fullmatch(version):
        return _issue("hl7-version", *_NO_VERSION, place="MSH-12")
    if asked.message_id is None or len(asked.field(10)) > _ID_MAX:
        return _issue("hl7-message-id", *_NO_ID, place="MSH-10")
    if (asked.part(11) or "P") not in processing:
        return _issue("hl7-processing-id", *_NO_PROCESSING, place="MSH-11")
    if names and f"{asked.part(3)}|{asked.part(4)}" not in names:
        return _issue("hl7-sender", *_NO_SENDER, place="MSH-4")
    return None


def _issue(code: str, text_de: str, text_en: str, *, place: str = "") -> Issue:
    return Issue(code=code, text_de=text_de, text_en=text_en, place=place, fhir_code="not-supported")


_NO_BATCH = (
    "ein Stapel (FHS, BHS) wird hier nicht angenommen; der Absender schickt jede Nachricht für sich",
    "a batch (FHS, BHS) is not taken here; the sender sends each message by itself",
)
_NO_HEADER = (
    "erwartet wird das Segment MSH am Anfang; der Absender berichtigt die Nachricht",
    "segment MSH expected at the beginning; the sender corrects the message",
)
_CUT_HEADER = (
    "MSH ist vor MSH-9 (Nachrichtentyp) abgeschnitten; der Absender schickt die Nachricht ganz",
    "MSH is cut before MSH-9 (message type); the sender sends the whole message",
)
_SECOND_MESSAGE = (
    "zwei Nachrichten stehen, wo eine erwartet wird; der Absender schickt jede für sich",
    "two messages stand where one is expected; the sender sends each by itself",
)
_NO_ADT = (
    "hier werden nur ADT-Nachrichten angenommen; wer die Schnittstelle pflegt, schickt andere nicht hierher",
    "ADT messages alone are taken here; whoever keeps the interface sends no others here",
)
_NO_VERSION = (
    "erwartet wird HL7 Version 2.x in MSH-12; der Absender berichtigt das Feld",
    "HL7 version 2.x expected in MSH-12; the sender corrects the field",
)
_NO_ID = (
    "MSH-10 fehlt oder hat mehr als 199 Zeichen: ohne Kennung ist keine Antwort möglich; der Absender ergänzt sie",
    "MSH-10 is missing or longer than 199 characters: without an id there is no answer; the sender fills it in",
)
_NO_PROCESSING = (
    "Nachrichten dieser Verarbeitung (MSH-11) werden hier nicht angenommen: Test und Schulung bewegen keine Belegung",
    "messages of this processing id (MSH-11) are not taken here: tests and training move no census",
)
_NO_SENDER = (
    "dieser Absender (MSH-3 und MSH-4) ist hier nicht zugelassen; wer den Zugang betreibt, trägt ihn ein",
    "this sender (MSH-3 and MSH-4) is not admitted here; whoever runs the listener adds it",
)
