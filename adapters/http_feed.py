"""What feeds by HTTP have in common: their address, who asks, and whom they trust."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from adapters.feed import Feed, Round, all_of, only, secret, wrong
from adapters.gate import Deadline, Target, refuse_stated, target
from adapters.http_get import BYTES_MAX, Got, get

__all__ = ["asked", "check", "check_here", "where"]

_CREDENTIALS = ("password_env", "password_file", "token_env", "token_file", "user")


def check(feed: Feed, options: Mapping[str, tuple[type, ...]] | None = None) -> None:
    """Raises `Rejected` for an address that is none, for credentials that are half there, and for other options than
    `authorities` (a file of certificates that is trusted in the place of the system's) and those given."""
    known: Mapping[str, tuple[type, ...]] = {"authorities": (str,), **(options or {})}
    all_of(
        lambda: only(feed, options=known, credentials=_CREDENTIALS),
        lambda: refuse_stated(where(feed)),
        lambda: _whole(feed),
    )


def check_here(feed: Feed) -> None:
    """Raises `Rejected` where the file of `authorities` cannot be read."""
    authorities = feed.options.get("authorities")
    if authorities and not os.access(authorities, os.R_OK):
        raise wrong("options.authorities", "eine Datei, die sich lesen lässt", "a file that can be read")


def _whole(feed: Feed) -> None:
    if {name.rpartition("_")[0] or name for name in feed.credentials} not in (set(), {"token"}, {"user", "password"}):
        raise wrong(
            "credentials",
            "token_env oder token_file; oder user mit password_env oder password_file",
            "token_env or token_file; or user with password_env or password_file",
        )


def where(feed: Feed, address: str | None = None) -> Target:
    """Where the feed's address, or another, leads."""
    told = feed.address if address is None else address
    return target(told, schemes=("https", "http"), private=feed.private, unencrypted=feed.unencrypted)


def asked(
    feed_round: Round,
    to: Target,
    headers: Mapping[str, str],
    *,
    deadline: Deadline,
    bytes_max: int = BYTES_MAX,
) -> Got:
    """What is at a target; credentials go to the origin of the feed's own address alone."""
    feed = feed_round.feed
    told = _credentials(feed_round) if to.origin == where(feed).origin else {}
    authorities = feed.options.get("authorities")
    return get(
        feed_round.gate,
        to,
        clock=feed_round.clock,
        headers={**told, **headers},
        deadline=deadline,
        bytes_max=bytes_max,
        authorities=Path(authorities) if authorities else None,
    )


def _credentials(feed_round: Round) -> dict[str, str]:
    """The header that says who asks (RFC 6750, RFC 7617); none without credentials."""
    if (token := secret(feed_round, "token")) is not None:
        return {"Authorization": f"Bearer {_one_line(token)}"}
    if (password := secret(feed_round, "password")) is not None:
        pair = feed_round.feed.credentials["user"].encode() + b":" + password
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _one_line(token: bytes) -> str:
    if not token.isascii() or not token.decode().isprintable():
        raise wrong("credentials", "ein Token aus druckbaren ASCII-Zeichen", "a token of printable ASCII characters")
    return token.decode()
