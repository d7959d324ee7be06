"""`platzfrei homes`: homes without software, their links, their reminders, and reports on their behalf."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

from hub.commands.counted import counted
from hub.commands.home_text import TEXTS, attribute, changes, due_row, reported, row, withdrawn
from hub.commands.options import opened, parser, run, text
from hub.commands.receipt_text import render
from hub.commands.table import table
from hub.errors import Invalid
from hub.homes.home import Home, HomeOffer
from hub.homes.homes import not_offered
from hub.homes.links import LIFETIME
from hub.hub import Hub
from hub.purpose import Purpose, claim
from hub.settings import DEFAULT_BASE_URL
from mappings.errors import Issue, Rejected
from mappings.vacancy import ReportedBy

__all__ = ["main"]

Action = Callable[[argparse.Namespace, Hub], int]


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where a report was not taken or a mail not sent."""
    made = parser("homes", "Homes without software: list and add them, make links, remind, report on their behalf.")
    made.add_argument("action", nargs="?", choices=_ACTIONS, default="list")
    made.add_argument("id", nargs="?", metavar="ID", help="the home, as you call it: small letters, digits, dashes")
    for option, told in TEXTS.items():
        made.add_argument(option, help=told)
    made.add_argument(
        "--offer",
        action="append",
        metavar="CARE-FORM[=PLACES]",
        help="add: what it offers; change: one more, or another number of places; may be repeated",
    )
    made.add_argument(
        "--without", action="append", metavar="CARE-FORM", help="change: what it offers no more; may be repeated"
    )
    made.add_argument("--days", type=int, metavar="N", help="link: how long it is valid; default 180, at most 730")
    made.add_argument(
        "--free", action="append", metavar="[CARE-FORM=]N", help="report: places that are free now; may be repeated"
    )
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.action in _OF_ALL) != (options.id is None):
        _usage(made)
    if (options.action == "add" and not options.name) or (options.action == "report" and not options.free):
        _usage(made)
    given = {option for option in _OPTIONS if getattr(options, attribute(option)) is not None}
    if options.action == "change" and not given:
        _usage(made)
    for option in sorted(given):
        if options.action not in _OPTIONS[option]:
            made.error(f"{option} goes with: {', '.join(_OPTIONS[option])}")
    if options.days is not None and not 1 <= options.days <= 730:
        made.error("--days: 1 to 730")
    hub = opened(options)
    try:
        claim(hub.database, Purpose.REGION)
        return _ACTIONS[options.action](options, hub)
    finally:
        hub.close()


def _usage(made: argparse.ArgumentParser) -> NoReturn:
    made.error(
        "expected: platzfrei homes; add ID --name … --postal-code … --offer …; change ID --phone …; "
        "link|revoke|remove ID; report ID --free …; due; remind"
    )


_OPTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*TEXTS, "--offer"), ("add", "change")),
    "--without": ("change",),
    "--days": ("link",),
    "--free": ("report",),
}
_WHO = ("--name", "--postal-code", "--city", "--street", "--house-number")
"""What tells one home from another."""


def _list(options: argparse.Namespace, hub: Hub) -> int:
    homes = hub.homes.all()
    if not homes:
        print(text(options, "noch kein Haus; eines anlegen: platzfrei homes add", "no home yet: platzfrei homes add"))
        return 0
    heads = ("Haus", "Name", "Ort", "frei", "Stand") if options.language == "de" else _HEADS
    rows = [row(hub.homes.standing(home), hub.clock(), options.language) for home in homes]
    print(table(heads, rows, widest=_WIDEST))
    return 0


_HEADS = ("home", "name", "town", "free", "as of")
_WIDEST = 200
"""Care forms with their numbers are never cut: a number that is missing misleads."""


def _add(options: argparse.Namespace, hub: Hub) -> int:
    told: dict[str, Any] = {attribute(option): getattr(options, attribute(option)) or "" for option in TEXTS}
    hub.homes.add(Home(id=options.id, offers=tuple(_offer(one) for one in options.offer or ()), **told))
    print(text(options, "angelegt; der Link dazu:", "added; its link:") + f" platzfrei homes link {options.id}")
    return 0


def _change(options: argparse.Namespace, hub: Hub) -> int:
    before = hub.homes.named(options.id)
    given = {
        attribute(option): getattr(options, attribute(option))
        for option in TEXTS
        if getattr(options, attribute(option)) is not None
    }
    after = replace(before, **given, offers=_offers(before, options))
    told = changes(before, after, options.language)
    if not told:
        print(text(options, "nichts geändert: das steht schon so da", "nothing changed: it is known like this"))
        return 0
    gone = hub.homes.change(after)
    print("\n".join(told))
    print(text(options, "geändert; seine Links gelten weiter", "changed; its links stay valid"))
    offered = {offer.care_form for offer in after.offers}
    remaining = tuple(offer for offer in before.offers if offer.care_form in offered)
    if after.to_json() != replace(before, offers=remaining).to_json():
        print(
            text(
                options,
                "Andere sehen das ab seiner nächsten Meldung.",
                "Others see this from its next report on.",
            )
        )
    if gone:
        print(withdrawn(gone, options.language))
    if any(getattr(before, attribute(option)) != getattr(after, attribute(option)) for option in _WHO):
        note = text(
            options,
            f"Hinweis: Name oder Anschrift ist anders. Ist es noch dasselbe Haus? Wer einen Link von "
            f"„{before.name}“ hat, meldet jetzt für „{after.name}“. Ein anderes Haus braucht eine eigene ID (platzfrei "
            "homes add).",
            f"note: its name or address is another. Is it still the same home? Whoever has a link of '{before.name}' "
            f"now reports for '{after.name}'. Another home belongs under an ID of its own (platzfrei homes add).",
        )
        print(note, file=sys.stderr)
    return 0


def _offers(before: Home, options: argparse.Namespace) -> tuple[HomeOffer, ...]:
    """The offers of a home with those that are new or changed, without those that are no more."""
    offers = {offer.care_form: offer for offer in before.offers}
    for care_form in options.without or ():
        if offers.pop(care_form, None) is None:
            raise Invalid(not_offered(before, "--without"))
    given = [_offer(one) for one in options.offer or ()]
    new = {offer.care_form: offer for offer in given}
    if len(new) < len(given):
        raise Invalid(
            Issue(
                code="home",
                place="--offer",
                text_de="erwartet: jede Versorgungsform einmal",
                text_en="expected: each care form once",
            )
        )
    return tuple({**offers, **new}.values())


def _offer(told: str) -> HomeOffer:
    care_form, _, places = told.partition("=")
    return HomeOffer(care_form=care_form, licensed=_number("--offer", places) if places else None)


def _link(options: argparse.Namespace, hub: Hub) -> int:
    home = hub.homes.named(options.id)
    print(hub.settings.base_url + hub.homes.link(home, timedelta(days=options.days) if options.days else LIFETIME))
    if hub.settings.base_url == DEFAULT_BASE_URL:
        told = text(
            options,
            f"Hinweis: der Link beginnt mit {DEFAULT_BASE_URL}, denn PLATZFREI_BASE_URL ist nicht gesetzt: er öffnet "
            "nur auf diesem Rechner, und nur einen Server mit diesem Port. Für andere die Adresse nennen, unter der "
            "Häuser den Server erreichen, hier und wo platzfrei serve Erinnerungen versendet: "
            f"PLATZFREI_BASE_URL=https://… platzfrei homes link {home.id}",
            f"note: the link begins with {DEFAULT_BASE_URL}, for PLATZFREI_BASE_URL is not set: it opens on this "
            "machine alone, and only a server on that port. For others name the address at which homes reach the "
            "server, here and where platzfrei serve sends reminders: "
            f"PLATZFREI_BASE_URL=https://… platzfrei homes link {home.id}",
        )
        print(told, file=sys.stderr)
    elif hub.settings.base_url.startswith("http://"):
        told = text(
            options,
            "Hinweis: ohne https; PLATZFREI_BASE_URL nennt die Adresse, unter der Häuser diesen Server erreichen",
            "note: without https; PLATZFREI_BASE_URL names the address at which homes reach this server",
        )
        print(told, file=sys.stderr)
    return 0


def _revoke(options: argparse.Namespace, hub: Hub) -> int:
    hub.homes.revoke(options.id)
    told = text(
        options, "alle bisherigen Links sind ungültig; ein neuer:", "all links made so far are void; a new one:"
    )
    print(f"{told} platzfrei homes link {options.id}")
    return 0


def _remove(options: argparse.Namespace, hub: Hub) -> int:
    gone = hub.homes.remove(options.id)
    print(text(options, "entfernt; kein Link öffnet mehr", "removed; no link opens any more"))
    print(withdrawn(gone, options.language))
    return 0


def _report(options: argparse.Namespace, hub: Hub) -> int:
    home = hub.homes.named(options.id)
    receipt = hub.homes.report(home, _free(options.free, home), ReportedBy.OFFICE)
    print(render(receipt, home.name, options.language))
    if not receipt.good:
        return 1
    print(reported(hub.homes.standing(home), hub.clock(), options.language))
    return 0


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
        care_form = care_form or home.offers[0].care_form
        if care_form in numbers:
            raise Rejected(
                Issue(
                    code="care-form",
                    place="--free",
                    text_de=f"{care_form}: zweimal genannt; erwartet wird eine Zahl",
                    text_en=f"{care_form}: told twice; expected one number",
                )
            )
        numbers[care_form] = _number("--free", number)
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
        ("Haus", "Name", "Telefon", "fällig", "Stand", "veraltet ab", "erinnert")
        if options.language == "de"
        else ("home", "name", "phone", "due", "as of", "stale from", "reminded")
    )
    print(table(heads, [due_row(one, hub.clock(), options.language) for one in due], widest=_WIDEST))
    return 0


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
    if done.unreachable:
        print(
            text(
                options,
                "Der Mailserver war nicht zu erreichen oder nahm uns nicht an (PLATZFREI_SMTP, PLATZFREI_MAIL_FROM).",
                "The mail server was not to be reached, or did not accept us (PLATZFREI_SMTP, PLATZFREI_MAIL_FROM).",
            ),
            file=sys.stderr,
        )
    print(
        text(
            options,
            f"{counted(done.sent, 'reminder', 'de')} versandt, {done.failed} misslungen, {done.waiting} warten "
            "(versandt wird von 7 bis 19 Uhr)",
            f"{counted(done.sent, 'reminder', 'en')} sent, {done.failed} failed, {done.waiting} waiting "
            "(they leave from 7 to 19 h)",
        )
    )
    return 1 if done.failed or done.unreachable else 0


_OF_ALL = ("list", "due", "remind")
_ACTIONS: Mapping[str, Action] = {
    "list": _list,
    "add": _add,
    "change": _change,
    "link": _link,
    "revoke": _revoke,
    "remove": _remove,
    "report": _report,
    "due": _due,
    "remind": _remind,
}
