"""`platzfrei feeds`: where deliveries are fetched, and how that stands; `platzfrei feeds run NAME`: one round now."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime

from adapters.feed import Feed
from hub.commands.counted import counted
from hub.commands.json_list import json_list
from hub.commands.options import opened, parser, run, text
from hub.commands.receipt_text import render
from hub.commands.table import table
from hub.fetching import FeedState, NotTaken
from hub.hub import Hub
from hub.purpose import Purpose, claim
from mappings.local_time import moment_text
from mappings.terminology import Language

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where a feed is wrong, or anything of a round was rejected or set aside."""
    made = parser("feeds", "List the feeds and how they stand; check their files; or run one now.")
    made.add_argument("action", nargs="?", choices=("list", "check", "run"), default="list")
    made.add_argument("name", nargs="?", help="the feed to run")
    made.add_argument("--again", action="store_true", help="run: also fetch what was taken before")
    made.add_argument("--json", action="store_true", help="run: a list of receipts, as JSON")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.action == "run") != (options.name is not None):
        made.error("expected: platzfrei feeds, platzfrei feeds check, or platzfrei feeds run NAME")
    hub = opened(options, of_sources=True)
    try:
        if options.action == "run":
            return _run(hub, options)
        if options.action == "check":
            return _check(hub, options)
        _list(hub, options)
        return 1 if hub.fetcher.feeds.problems else 0
    finally:
        hub.close()


def _check(hub: Hub, options: argparse.Namespace) -> int:
    """What is wrong with the files was told when the hub was opened; here it is what this machine lacks."""
    lacking = hub.fetcher.feeds.unready(os.environ)
    for issue in lacking:
        print(f"platzfrei: {issue.place}: {text(options, issue.text_de, issue.text_en)}", file=sys.stderr)
    if lacking or hub.fetcher.feeds.problems:
        return 1
    count = len(list(hub.fetcher.feeds))
    print(text(options, f"Abrufe geprüft, kein Fehler: {count}", f"feeds checked, nothing wrong: {count}"))
    return 0


def _run(hub: Hub, options: argparse.Namespace) -> int:
    feed = hub.fetcher.feeds.named(options.name)
    claim(hub.database, Purpose.REGION)
    taken = hub.fetcher.run(feed, again=options.again)
    # Names of files need not be UTF-8.
    named = [(one.name.encode("utf-8", "replace").decode(), one.receipt) for one in taken]
    if options.json:
        print(json_list({"file": name, **receipt.to_json()} for name, receipt in named))
    else:
        for name, receipt in named:
            print(render(receipt, name, options.language))
    if not taken and not options.json:
        print(text(options, "nichts Neues", "nothing new"))
    return 0 if all(one.receipt.good for one in taken) else 1


def _list(hub: Hub, options: argparse.Namespace) -> None:
    feeds = list(hub.fetcher.feeds)
    if feeds:
        heads = text(
            options,
            "Abruf|Quelle|Weg|alle|zuletzt gelungen|nächster Abruf|Stand",
            "feed|source|transport|every|last success|next due|state",
        ).split("|")
        states = [(feed, hub.fetcher.state(feed)) for feed in feeds]
        print(table(heads, [_line(feed, state, options) for feed, state in states]))
        for feed, state in states:
            for issue in state.issues:
                print(f"  ✗ {feed.name}: {text(options, issue.text_de, issue.text_en)}")
            if state.not_taken is not None:
                print(f"  ✗ {feed.name}: {_to_do(feed, state.not_taken, options)}")
    where = f"{hub.fetcher.feeds.folder}/*.yaml"
    print(text(options, f"Abrufe: {where}", f"feeds: {where}"))


def _line(feed: Feed, state: FeedState, options: argparse.Namespace) -> list[str]:
    if state.running_since is not None:
        since = _time(state.running_since, options.language)
        said = text(options, f"läuft seit {since}", f"running since {since}")
    elif state.failures:
        said = text(options, f"{state.failures}× misslungen", f"failed {state.failures}×")
    elif state.not_taken is not None:
        said = _wanting(state.not_taken, options)
    else:
        said = "ok" if state.succeeded_at else text(options, "noch nie", "never ran")
    return [
        feed.name,
        feed.source,
        feed.transport,
        feed.interval,
        _time(state.succeeded_at, options.language),
        _time(state.due_at, options.language),
        said,
    ]


def _wanting(one: NotTaken, options: argparse.Namespace) -> str:
    if one.rejected:
        return text(options, "abgelehnt", "rejected")
    return text(options, "zurückgehalten", "held") if one.held else text(options, "beiseitegelegt", "set aside")


def _to_do(feed: Feed, one: NotTaken, options: argparse.Namespace) -> str:
    """What became of a delivery that was not taken whole, and the command that says why and what helps."""
    if one.rejected:
        return text(
            options,
            f"Lieferung {one.delivery} ist abgelehnt, nichts davon gilt; warum, und was hilft: "
            f"platzfrei sources receipt {feed.source} {one.delivery}",
            f"delivery {one.delivery} is rejected, nothing of it is in effect; why, and what helps: "
            f"platzfrei sources receipt {feed.source} {one.delivery}",
        )
    if one.held:
        return text(
            options,
            f"Lieferung {one.delivery} ist zurückgehalten, nichts davon gilt; ansehen und entscheiden: "
            f"platzfrei drift --source {feed.source}",
            f"delivery {one.delivery} is held, nothing of it is in effect; look and decide: "
            f"platzfrei drift --source {feed.source}",
        )
    return text(
        options,
        f"von Lieferung {one.delivery} beiseitegelegt: {counted(one.set_aside, 'record', 'de')}; warum, und was hilft: "
        f"platzfrei ingest --aside --source {feed.source}",
        f"of delivery {one.delivery} set aside: {counted(one.set_aside, 'record', 'en')}; why, and what helps: "
        f"platzfrei ingest --aside --source {feed.source}",
    )


def _time(moment: datetime | None, language: Language) -> str:
    return "–" if moment is None else moment_text(moment, language, seconds=True)
