"""A FHIR search on another server, all its pages as one delivery: how bed Locations are read from a hospital's system.

The pages come as the server wrote them: one alone is the delivery, several are a JSON list.

Paging: https://hl7.org/fhir/R4/http.html#paging. A `next` link is followed on the origin of the feed's address alone.
"""

from typing import Any
from urllib.parse import urljoin

from adapters import http_feed
from adapters.feed import Feed, Round, all_of, chosen
from adapters.gate import Deadline, Target
from adapters.http_get import BYTES_MAX
from conformance.formats import strict_json
from mappings.errors import Issue, Rejected

__all__ = ["TRANSPORT", "check", "check_here", "fetch"]

TRANSPORT = "fhir_poll"
_PAGES = 100
_PAGES_MAX = 1000
_BOM = b"\xef\xbb\xbf"


def check(feed: Feed) -> None:
    """Raises `Rejected` for an address, option or credential that is none."""
    all_of(lambda: http_feed.check(feed, {"pages": (int,)}), lambda: _pages(feed))


def check_here(feed: Feed) -> None:
    """Raises `Rejected` for a file of certificates that cannot be read."""
    http_feed.check_here(feed)


def fetch(feed_round: Round) -> None:
    """Deliver what the search finds now; nothing, where a page of it cannot be had."""
    feed = feed_round.feed
    deadline = Deadline(feed_round.seconds)
    to: Target | None = http_feed.where(feed)
    origin = http_feed.where(feed).origin
    pages: list[bytes] = []
    seen: set[str] = set()
    left = BYTES_MAX
    while to is not None:
        if to.path in seen or len(seen) >= _pages(feed):
            raise _endless(len(seen))
        seen.add(to.path)
        got = http_feed.asked(
            feed_round, to, {"Accept": "application/fhir+json"}, deadline=deadline, bytes_max=max(left, 1)
        )
        body = got.body or b""
        left -= len(body)
        page = _bundle(body)
        pages.append(body.removeprefix(_BOM))
        to = _next(feed, to, page)
        if to is not None and to.origin != origin:
            raise _elsewhere()
    feed_round.take(feed.name, pages[0] if len(pages) == 1 else b"[" + b",".join(pages) + b"]")
    feed_round.end()


def _pages(feed: Feed) -> int:
    return chosen(feed, "pages", _PAGES, least=1, most=_PAGES_MAX)


def _bundle(body: bytes) -> dict[str, Any]:
    try:
        page = strict_json.parse(body)
    except strict_json.NotJson as error:
        raise _refused(
            "peer-format", f"die Antwort ist kein JSON: {error.reason_de}", f"the answer is no JSON: {error.reason}"
        ) from None
    if (
        not isinstance(page, dict)
        or page.get("resourceType") != "Bundle"
        or not isinstance(page.get("entry", []), list)
    ):
        raise _refused(
            "peer-format",
            "die Antwort ist kein Bundle; erwartet wird die Adresse einer FHIR-Suche (…/Location?…)",
            "the answer is no Bundle; expected the address of a FHIR search (…/Location?…)",
        )
    return page


def _next(feed: Feed, here: Target, page: dict[str, Any]) -> Target | None:
    """Where the next page is, None after the last."""
    links = page.get("link", [])
    told = (
        [one.get("url") for one in links if isinstance(one, dict) and one.get("relation") == "next"]
        if isinstance(links, list)
        else []
    )
    if not told:
        return None
    if len(told) > 1 or not isinstance(told[0], str):
        raise _refused("peer-paging", "erwartet wird höchstens ein Link „next“", "expected at most one link 'next'")
    scheme, host, port = here.origin
    base = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{here.path}"
    return http_feed.where(feed, urljoin(base, told[0]))


def _elsewhere() -> Rejected:
    return _refused(
        "peer-paging",
        "der Link „next“ führt auf einen anderen Server; ihm wird nicht gefolgt",
        "the link 'next' leads to another server; it is not followed",
    )


def _endless(pages: int) -> Rejected:
    return _refused(
        "peer-paging",
        f"nach {pages} Seiten kein Ende, oder dieselbe Seite noch einmal; die Suche enger fassen, mit _count größere "
        "Seiten verlangen, oder options.pages erhöhen",
        f"no end after {pages} pages, or the same page again; narrow the search, ask for larger pages with _count, or "
        "raise options.pages",
    )


def _refused(code: str, german: str, english: str) -> Rejected:
    return Rejected(Issue(code=code, fhir_code="processing", place="address", text_de=german, text_en=english))
