"""The words of a home's page, in German and English; numbers and days as each language writes them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from mappings.terminology import Language
from mappings.vacancy import ZONE

__all__ = ["TEXTS", "ago", "day_and_time", "language"]

TEXTS: Mapping[Language, Mapping[str, str]] = {
    "de": {
        "title": "Freie Plätze melden",
        "question": "Wie viele Plätze sind heute frei?",
        "hint": "Ändern mit − und +, oder die Zahl antippen und neu schreiben.",
        "hint_first": "Bitte tragen Sie ein, wie viele Plätze heute frei sind.",
        "free": "frei",
        "of": "{} Plätze",
        "last": "zuletzt {} frei, {}",
        "last_office": "zuletzt {} frei, {}, stellvertretend gemeldet",
        "never": "noch nie gemeldet",
        "less": "einer weniger",
        "more": "einer mehr",
        "still_right": "Stimmt noch",
        "send": "Jetzt senden",
        "change": "Doch ändern",
        "check": "Das melden Sie jetzt",
        "unchanged": "unverändert",
        "before": "vorher {}",
        "not_told": "keine Angabe",
        "wrong": "Bitte eine Zahl von 0 bis {} eintragen.",
        "nothing": "Bitte wenigstens eine Zahl eintragen.",
        "changed_meanwhile": "Inzwischen wurden andere Zahlen gemeldet. Es ist nichts gesendet worden. "
        "Bitte prüfen Sie die Zahlen noch einmal.",
        "too_old": "Diese Seite war lange offen. Es ist nichts gesendet worden. "
        "Bitte prüfen Sie die Zahlen noch einmal.",
        "thanks": "Danke, Ihre Meldung ist angekommen",
        "saved": "Gespeichert am {}.",
        "due": "Nächste Meldung spätestens",
        "due_why": "Danach gilt die Angabe als veraltet, und ab {} wird Ihr Haus nicht mehr als frei gefunden.",
        "reminder": "Wir erinnern Sie vorher per E-Mail.",
        "public": "Öffentlich zu sehen ist nur „0“, „1“ oder „2 und mehr“.",
        "receipt": "Beleg Nr. {}",
        "again": "Zahlen noch einmal ändern",
        "odd": "Hinweis",
        "refused": "Ihre Meldung konnte nicht übernommen werden",
        "refused_why": "Es ist nichts geändert worden. Bitte rufen Sie die Koordinierungsstelle an.",
        "unknown": "Dieser Link funktioniert nicht",
        "unknown_why": "Er ist unvollständig, oder das Haus meldet nicht mehr auf diesem Weg. "
        "Öffnen Sie den Link noch einmal aus der E-Mail.",
        "expired": "Dieser Link ist abgelaufen",
        "expired_why": "Aus Sicherheitsgründen gilt jeder Link nur eine Zeit lang.",
        "revoked": "Dieser Link funktioniert nicht mehr",
        "revoked_why": "Die Koordinierungsstelle hat ihn gesperrt. Wenn Sie seitdem einen neuen Link bekommen haben, "
        "öffnen Sie bitte den.",
        "ask": "Einen neuen Link gibt Ihnen die Koordinierungsstelle",
        "ask_whom": "Koordinierungsstelle",
        "too_often": "Das war sehr oft hintereinander",
        "too_often_why": "Ihre letzten Meldungen sind gespeichert. Bitte versuchen Sie es in einer Stunde wieder.",
        "fault": "Das ist unser Fehler",
        "fault_why": "Wahrscheinlich ist nichts gesendet worden. "
        "Bitte öffnen Sie den Link in einigen Minuten noch einmal.",
        "unreadable": "Das Formular kam unvollständig an",
        "unreadable_why": "Es ist nichts gesendet worden. Bitte öffnen Sie den Link noch einmal.",
        "privacy": "Nur Zahlen, keine Namen: hier wird nichts über Personen gespeichert. Ohne Cookies.",
        "language": "Sprache",
    },
    "en": {
        "title": "Report free places",
        "question": "How many places are free today?",
        "hint": "Change with − and +, or tap the number and type.",
        "hint_first": "Please fill in how many places are free today.",
        "free": "free",
        "of": "{} places",
        "last": "last report: {} free, {}",
        "last_office": "last report: {} free, {}, made on your behalf",
        "never": "never reported yet",
        "less": "one less",
        "more": "one more",
        "still_right": "Still right",
        "send": "Send now",
        "change": "Change",
        "check": "You are about to report",
        "unchanged": "unchanged",
        "before": "before: {}",
        "not_told": "not stated",
        "wrong": "Please enter a number from 0 to {}.",
        "nothing": "Please enter at least one number.",
        "changed_meanwhile": "Other numbers were reported meanwhile. Nothing has been sent. "
        "Please check the numbers once more.",
        "too_old": "This page was open for long. Nothing has been sent. Please check the numbers once more.",
        "thanks": "Thank you, your report has arrived",
        "saved": "Saved on {}.",
        "due": "Next report due by",
        "due_why": "After that it counts as out of date, and from {} on your home is no longer found as having places.",
        "reminder": "We will remind you by e-mail before.",
        "public": "The public only sees “0”, “1” or “2 or more”.",
        "receipt": "Receipt no. {}",
        "again": "Change the numbers again",
        "odd": "Note",
        "refused": "Your report could not be taken",
        "refused_why": "Nothing has been changed. Please ring the coordination office.",
        "unknown": "This link does not work",
        "unknown_why": "It is incomplete, or the home no longer reports this way. "
        "Please open the link from the e-mail once more.",
        "expired": "This link has expired",
        "expired_why": "For safety, each link is valid for some time only.",
        "revoked": "This link no longer works",
        "revoked_why": "The coordination office has blocked it. If you have been given a new link since, "
        "please open that one.",
        "ask": "You get a new link from the coordination office",
        "ask_whom": "Coordination office",
        "too_often": "That was very often in a row",
        "too_often_why": "Your last reports are saved. Please try again in an hour.",
        "fault": "This is our fault",
        "fault_why": "Probably nothing has been sent. Please open the link again in a few minutes.",
        "unreadable": "The form arrived incomplete",
        "unreadable_why": "Nothing has been sent. Please open the link once more.",
        "privacy": "Numbers only, no names: nothing about persons is stored here. No cookies.",
        "language": "Language",
    },
}

_DAYS: Mapping[Language, tuple[str, ...]] = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def language(asked: str, accepted: str) -> Language:
    """The language of a page: what was asked for, else the first that a browser accepts and we speak, else German."""
    if asked in ("de", "en"):
        return "en" if asked == "en" else "de"
    for part in accepted.split(","):
        spoken = part.partition(";")[0].strip().lower()[:2]
        if spoken in ("de", "en"):
            return "en" if spoken == "en" else "de"
    return "de"


def day_and_time(moment: datetime, language: Language) -> str:
    """A moment by the clock of Germany: „Dienstag, 24.11., 10:02 Uhr“."""
    local = moment.astimezone(ZONE)
    weekday = _DAYS[language][local.weekday()]
    if language == "de":
        return f"{weekday}, {local:%d.%m.}, {local:%H:%M} Uhr"
    return f"{weekday} {local.day} {_MONTHS[local.month - 1]}, {local:%H:%M}"


def ago(moment: datetime, now: datetime, language: Language) -> str:
    """How long ago a moment was, by days of the calendar: „heute, 10:02 Uhr“, „gestern“, „vor 3 Tagen“."""
    then = moment.astimezone(ZONE)
    days = (now.astimezone(ZONE).date() - then.date()) // timedelta(days=1)
    if days <= 0:
        return f"heute, {then:%H:%M} Uhr" if language == "de" else f"today, {then:%H:%M}"
    if days == 1:
        return "gestern" if language == "de" else "yesterday"
    return f"vor {days} Tagen" if language == "de" else f"{days} days ago"
