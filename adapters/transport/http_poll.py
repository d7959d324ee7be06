"""A file behind an HTTP address, fetched when it has changed.

Conditional requests: https://www.rfc-editor.org/rfc/rfc9110#section-13. A server that says that nothing has changed
confirms nothing: the file is as old as it was. One that tells no validators makes its answer anew, and confirms.
"""

from adapters import http_feed
from adapters.feed import Feed, Round
from adapters.gate import Deadline

__all__ = ["TRANSPORT", "check", "check_here", "fetch"]

TRANSPORT = "http_poll"
_VALIDATORS = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))


def check(feed: Feed) -> None:
    """Raises `Rejected` for an address, option or credential that is none."""
    http_feed.check(feed)


def check_here(feed: Feed) -> None:
    """Raises `Rejected` for a file of certificates that cannot be read."""
    http_feed.check_here(feed)


def fetch(feed_round: Round) -> None:
    """Deliver the file, unless the server says that it is the one that was taken last."""
    memory = feed_round.memory
    conditions = {header: memory[name] for name, header in _VALIDATORS if name in memory}
    got = http_feed.asked(
        feed_round, http_feed.where(feed_round.feed), conditions, deadline=Deadline(feed_round.seconds)
    )
    validators = {name: got.headers[name] for name, _ in _VALIDATORS if name in got.headers}
    if got.body is None or (validators and validators == memory):
        return  # Some servers tell validators and do not heed them.
    receipt = feed_round.take(feed_round.feed.name, got.body)
    if receipt is not None and not receipt.rejected:
        # What was refused is asked for again: it may be our map that was wrong.
        memory.clear()
        memory.update(validators)
    feed_round.end()
