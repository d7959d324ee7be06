"""`platzfrei homes`: homes without software, their links, their reminders, and reports on their behalf."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import NoReturn

from hub.commands.counted import counted
from hub.commands.options import opened, parser, run, text
from hub.commands.receipt_text import render
from hub.commands.table import table
from hub.homes.home import Home, HomeOffer
from hub.homes.reminders import Due
from hub.homes.texts import ago, day_and_time
from hub.hub import Hub
from hub.purpose import Purpose, claim
from hub.store.clock import moment
from mappings.errors import Issue, Rejected
from mappings.vacancy import ReportedBy

__all__ = ["main"]

Action = Callable[[argparse.Namespace, Hub], int]


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where a report was not taken or a mail not sent."""
    made = parser("homes", "Homes without software: list and add them, make links, remind, report on their behalf.")
    made.add_argument("action", nargs="?", choices=_ACTIONS, default="list")
    made.add_argument("id", nargs="?", metavar="ID", help="the home, as you call it: small letters, digits, dashes")
    made.add_argument("--name", help="add: what people call it")
    made.add_argument("--offer", action="append", default=[], metavar="CARE-FORM[=PLACES]", help="add: may be repeated")
    made.add_argument("--postal-code", default="", help="add")
    made.add_argument("--city", default="", help="add")
    made.add_argument("--street", default="", help="add")
    made.add_argument("--house-number", default="", help="add")
    made.add_argument("--phone", default="", help="add: shown to everybody")
    made.add_argument("--email", default="", help="add: where reminders go, shown to nobody")
    made.add_argument("--days", type=int, default=180, metavar="N", help="link: how long it is valid; default 180")
    made.add_argument(
        "--free",
        action="append",
        default=[],
        metavar="[CARE-FORM=]N",
        help="report: places that are free now; may be repeated",
    )
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.action in _OF_ALL) != (options.id is None):
        _usage(made)
    if (options.action == "add" and not options.name) or (options.action == "report") != bool(options.free):
        _usage(made)
    if not 1 <= options.days <= 730:
        made.error("--days: 1 to 730")
    hub = opened(options)
    try:
        claim(hub.database, Purpose.REGION)
        return _ACTIONS[options.action](options, hub)
    finally:
        hub.close()


def _usage(made: argparse.ArgumentParser) -> NoReturn:
    made.error(
        "expected: platzfrei homes; add ID --name … --postal-code … --offer …; link|revoke|remove ID; "
        "report ID --free …; due; remind"
    )


def _list(options: argparse.Namespace, hub: Hub) -> int:
    homes = hub.homes.all()
    if not homes:
        print(text(options, "noch kein Haus; eines anlegen: platzfrei homes add", "no home yet: platzfrei homes add"))
        return 0
    heads = ("Haus", "Name", "Ort", "frei", "Stand") if options.language == "de" else _HEADS
    rows = []
    for home in homes:
        standing = hub.homes.standing(home)
        free = ", ".join("?" if number is None else str(number) for number in standing.free.values())
        oldest = standing.oldest
        said = ago(moment(oldest), hub.clock(), options.language) if oldest is not None else "–"
        rows.append((home.id, home.name, f"{home.postal_code} {home.city}".strip(), free, said))
    print(table(heads, rows))
    return 0


_HEADS = ("home", "name", "town", "free", "as of")


def _add(options: argparse.Namespace, hub: Hub) -> int:
    home = Home(
        id=options.id,
        name=options.name,
        offers=tuple(_offer(told) for told in options.offer),
        postal_code=options.postal_code,
        city=options.city,
        street=options.street,
        house_number=options.house_number,
        phone=options.phone,
        email=options.email,
    )
    if hub.homes.add(home):
        print(text(options, "angelegt; der Link dazu:", "added; its link:") + f" platzfrei homes link {home.id}")
    else:
        print(text(options, "geändert; seine Links gelten weiter", "changed; its links stay valid"))
    return 0


def _offer(told: str) -> HomeOffer:
    care_form, _, places = told.partition("=")
    return HomeOffer(care_form=care_form, licensed=_number("--offer", places) if places else None)


def _link(options: argparse.Namespace, hub: Hub) -> int:
    home = hub.homes.named(options.id)
    print(hub.settings.base_url + hub.homes.link(home, timedelta(days=options.days)))
    if hub.settings.base_url.startswith("http://"):
        told = text(
            options,
            "Hinweis: ohne https; PLATZFREI_BASE_URL nennt die Adresse, unter der Häuser diesen Server erreichen",
            "note: without https; PLATZFREI_BASE_URL names the address at which homes reach this server",
        )
        print(told, file=sys.stderr)
    return 0


def _revoke(options: argparse.Namespace, hub: Hub) -> int:
    hub.homes.revoke(options.id)
    print(text(options, "alle bisherigen Links sind ungültig", "all links made so far are void"))
    return 0


def _remove(options: argparse.Namespace, hub: Hub) -> int:
    hub.homes.remove(options.id)
    told = text(
        options,
        "entfernt; kein Link öffnet mehr, und seine letzte Meldung läuft ab",
        "removed; no link opens any more, and its last report expires",
    )
    print(told)
    return 0


def _report(options: argparse.Namespace, hub: Hub) -> int:
    home = hub.homes.named(options.id)
    receipt = hub.homes.report(home, _free(options.free, home), ReportedBy.OFFICE)
    print(render(receipt, home.name, options.language))
    return 0 if receipt.good else 1


def _free(told: Sequence[str], home: Home) -> Mapping[str, int]:
    numbers: dict[str, int] = {}
    for one in told:
        care_form, equals, number = one.rpartition("=")
        if not equals and len(home.offers) > 1:
            listed = ", ".join(offer.care_form for offer in home.offers)
            raise Rejected(
                Issue(
                    code="care-form",
                    place="--free",
                    text_de=f"das Haus hat mehrere Versorgungsformen ({listed}): --free VERSORGUNGSFORM=N",
                    text_en=f"the home has several care forms ({listed}): --free CARE-FORM=N",
                )
            )
        numbers[care_form or home.offers[0].care_form] = _number("--free", number)
    return numbers


def _number(option: str, told: str) -> int:
    if not (told.isascii() and told.isdigit() and len(told) <= 3):
        raise Rejected(
            Issue(
                code="number",
                place=option,
                text_de="erwartet wird eine ganze Zahl von 0 bis 999",
                text_en="expected a whole number from 0 to 999",
            )
        )
    return int(told)


def _due(options: argparse.Namespace, hub: Hub) -> int:
    due = hub.reminders.due()
    if not due:
        print(text(options, "niemand ist fällig", "nobody is due"))
        return 0
    heads = (
        ("Haus", "Name", "Telefon", "Stand", "veraltet ab", "erinnert")
        if options.language == "de"
        else ("home", "name", "phone", "as of", "stale from", "reminded")
    )
    print(table(heads, [_due_row(one, options, hub) for one in due]))
    return 0


def _due_row(due: Due, options: argparse.Namespace, hub: Hub) -> tuple[str, ...]:
    home, oldest, stale_at = due.standing.home, due.standing.oldest, due.standing.stale_at
    if due.reminded_at is not None:
        reminded = ago(moment(due.reminded_at), hub.clock(), options.language)
    elif due.attempts:
        reminded = text(options, f"{due.attempts}× misslungen", f"{due.attempts}× failed")
    else:
        reminded = "–"
    return (
        home.id,
        home.name,
        home.phone or "–",
        ago(moment(oldest), hub.clock(), options.language) if oldest is not None else "–",
        day_and_time(moment(stale_at), options.language) if stale_at is not None else "–",
        reminded,
    )


def _remind(options: argparse.Namespace, hub: Hub) -> int:
    if hub.mailer is None:
        raise Rejected(
            Issue(
                code="smtp",
                place="PLATZFREI_SMTP",
                text_de="kein Mailserver ist eingestellt; wen man anrufen muss, sagt: platzfrei homes due",
                text_en="no mail server is set; whom to ring is said by: platzfrei homes due",
            )
        )
    done = hub.reminders.remind(hub.mailer)
    print(
        text(
            options,
            f"{counted(done.sent, 'reminder', 'de')} versandt, {done.failed} misslungen",
            f"{counted(done.sent, 'reminder', 'en')} sent, {done.failed} failed",
        )
    )
    return 1 if done.failed else 0


_OF_ALL = ("list", "due", "remind")
_ACTIONS: Mapping[str, Action] = {
    "list": _list,
    "add": _add,
    "link": _link,
    "revoke": _revoke,
    "remove": _remove,
    "report": _report,
    "due": _due,
    "remind": _remind,
}
