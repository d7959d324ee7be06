"""What came, went or changed since the same search was asked before: the client keeps a signed cursor, the hub nothing.

The first page of a search that is asked with `monitor=true` carries a link `monitor`
(https://www.rfc-editor.org/rfc/rfc5989, a relation that IANA lists); followed, it answers a searchset of the offers
that came or changed, an outcome that says of each what became of it, and the next such link. What a client knew,
changed by that, is what fits now.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import orjson

from conformance.spec import canonical
from hub.errors import Gone, Malformed, TooCostly, http_part
from hub.fhir.bundle import outcome_entry
from hub.fhir.vacancy_parameters import MONITOR, SINCE
from hub.search.marks import Marks, Went, went
from hub.search.seen import OFFERS_MAX, Cursors, Difference, Refusal, Seen, compare, criteria_digest
from hub.store.reader import Reader
from hub.store.shown import address
from hub.store.tables import Projection
from mappings import terminology
from mappings.errors import Issue, PlatzfreiError

__all__ = ["RELATION", "Link", "News", "Told", "not_together", "pairs_of", "said", "with_cursor"]

RELATION = "monitor"

Pair = tuple[str, str]
_CODES = canonical("CodeSystem", "search-news")
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_URL_MAX = 8_000
_SECOND = 1_000_000
_DAY = 86_400
_NO_CRITERIA = (SINCE, MONITOR, "_count", "_after", "_sort", "prefer", "why-not")
"""What decides how the offers that fit are shown, and not which they are."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a first page carries so that its news can be asked for: a link, or an entry that says why not."""

    links: Sequence[tuple[str, str]] = ()
    entries: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell: how the offers that fit differ, and the cursor for the next time."""

    difference: Difference
    went: Sequence[Went]
    cursor: str

    @property
    def shown(self) -> frozenset[int]:
        """The rows of the offers that are shown whole."""
        return self.difference.came | self.difference.changed


class News:
    """That of one view; `secret` is a key that signs cursors and nothing else."""

    def __init__(self, secret: bytes, projection: Projection) -> None:
        self._cursors = Cursors(secret, projection.name)
        self._marks = Marks(projection)
        self._projection = projection

    def link(self, reader: Reader, rids: Sequence[int], criteria: Iterable[Pair], here: str, *, at: int) -> Link:
        """The link that asks for the news of a search, whose own URL is `here`, where its cursor is not too long.

        `rids` are the rows of all that fit `at` a moment (microseconds since 1970).
        """
        if len(rids) > OFFERS_MAX:
            return _no_link()
        url = with_cursor(here, self._cursors.make(self._seen(reader, rids, at), _digest(criteria)))
        return Link(links=[(RELATION, url)]) if len(url) <= _URL_MAX else _no_link()

    def read(self, cursor: str, criteria: Iterable[Pair], *, at: int) -> Seen:
        """What the client saw; raises `Malformed`, or `Gone` where he has to search anew."""
        seen = self._cursors.read(cursor, _digest(criteria), at=at // _SECOND)
        if isinstance(seen, Refusal):
            raise _refused(seen)
        return seen

    def told(
        self, reader: Reader, rids: Sequence[int], seen: Seen, cursor: str, criteria: Iterable[Pair], *, at: int
    ) -> Told:
        """How what fits now differs from what was seen; raises `TooCostly` where by now too much fits."""
        if len(rids) > OFFERS_MAX:
            raise _too_many_now()
        if self._marks.state(reader) == seen.state and seen.marks.keys() == set(rids):
            # Nothing of the whole view has another version.
            now, difference = seen, Difference(frozenset(), frozenset(), frozenset())
            if at // _SECOND - seen.at < _DAY:
                return Told(difference, (), cursor)
            now = Seen(at=at // _SECOND, state=seen.state, marks=seen.marks)
        else:
            now = self._seen(reader, rids, at)
            difference = compare(seen.marks, now.marks)
        gone = went(reader, self._projection, difference.went, now=at) if difference.went else ()
        if gone is None:
            raise _refused(Refusal.TOO_OLD)
        return Told(difference, gone, self._cursors.make(now, _digest(criteria)))

    def _seen(self, reader: Reader, rids: Sequence[int], at: int) -> Seen:
        state = self._marks.state(reader)
        return Seen(at=at // _SECOND, state=state, marks=self._marks.of(reader, rids, state))


def with_cursor(here: str, cursor: str) -> str:
    """The URL of a search with its cursor."""
    return f"{here}&{SINCE}={cursor}"


def said(told: Told, hits: Iterable[tuple[int, bytes]]) -> list[bytes]:
    """The entry that says what became of each offer, where anything did; `hits` are row and what is shown of those that
    came or changed.
    """
    codes = [
        ("came" if rid in told.difference.came else "changed", "/".join(address(shown))) for rid, shown in hits
    ] + [(one.why, f"HealthcareService/{one.id}") for one in told.went]
    if not codes:
        return []
    issues = [{**_said(code), "diagnostics": where} for code, where in codes]
    return [outcome_entry(orjson.dumps({"resourceType": "OperationOutcome", "issue": issues}))]


def pairs_of(told: Mapping[str, Sequence[str]]) -> list[Pair]:
    """Name and value of parameters, in order."""
    return [(name, value) for name, values in told.items() for value in values]


def not_together(*, here: bool) -> Malformed:
    """That news have no pages, or are not told `here`."""
    if not here:
        return Malformed(
            _issue(
                "gibt es hier nicht, nur bei $find-vacancies",
                "is not told here, but by $find-vacancies alone",
                "not-supported",
            )
        )
    return Malformed(
        _issue(
            "geht nur mit den Kriterien der Suche, nicht mit _after",
            "goes with the criteria of the search alone, not with _after",
            "not-supported",
        )
    )


@cache
def _no_link() -> Link:
    """The entry that says why a search has no link."""
    text_en = (
        f"what is new is told of searches that at most {OFFERS_MAX} offers fit and that a URL of {_URL_MAX} characters "
        "holds; a smaller distance or one more criterion makes it one"
    )
    text_de = (
        f"was neu ist, wird zu Suchen gesagt, zu denen höchstens {OFFERS_MAX} Angebote passen und die in eine URL von "
        f"{_URL_MAX} Zeichen gehen; ein kleinerer Umkreis oder ein Kriterium mehr macht sie dazu"
    )
    issue = {"severity": "information", "code": "too-costly", "details": _text(text_en, text_de)}
    return Link(entries=[outcome_entry(orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]}))])


def _digest(criteria: Iterable[Pair]) -> bytes:
    return criteria_digest(pair for pair in criteria if pair[0] not in _NO_CRITERIA)


@cache
def _said(code: str) -> dict[str, object]:
    display = terminology.display("search-news", code, "en")
    details = {
        "coding": [{"system": _CODES, "code": code, "display": display}],
        **_text(display, terminology.display("search-news", code, "de")),
    }
    return {"severity": "information", "code": "informational", "details": details}


def _text(text_en: str, text_de: str) -> dict[str, object]:
    parts = [{"url": "lang", "valueCode": "de"}, {"url": "content", "valueString": text_de}]
    return {"text": text_en, "_text": {"extension": [{"url": _TRANSLATION, "extension": parts}]}}


_REFUSED: dict[Refusal, tuple[Callable[[Issue], PlatzfreiError], str, str]] = {
    Refusal.UNREADABLE: (
        Malformed,
        "erwartet wird der Wert, den der Link „monitor“ trägt, unverändert; sonst ohne _since neu suchen",
        "expected the value that this server's link 'monitor' carries, unchanged; else search anew without _since",
    ),
    Refusal.OTHER_CRITERIA: (
        Malformed,
        "dieser Wert gehört zu einer anderen Suche; dieselben Kriterien angeben, oder ohne _since neu suchen",
        "this value belongs to another search; give the same criteria as then, or search anew without _since",
    ),
    Refusal.OTHER_VIEW: (
        Malformed,
        "dieser Wert gehört zur anderen Sicht (öffentlich oder für Fachleute); hier ohne _since neu suchen",
        "this value belongs to the other view (public or professional); search anew here without _since",
    ),
    Refusal.TOO_OLD: (
        Gone,
        "dieser Wert ist zu alt: er gilt 30 Tage und nicht über eine Rücksicherung hinaus; ohne _since neu suchen",
        "this value is too old: it is good for 30 days and not beyond a restore; search anew without _since",
    ),
}


def _refused(why: Refusal) -> PlatzfreiError:
    error, text_de, text_en = _REFUSED[why]
    return error(_issue(text_de, text_en, "value"))


def _too_many_now() -> TooCostly:
    return TooCostly(
        _issue(
            f"inzwischen passen mehr als {OFFERS_MAX} Angebote; enger und ohne _since neu suchen",
            f"more than {OFFERS_MAX} offers fit by now; ask for less, and search anew without _since",
            "too-costly",
        )
    )


def _issue(text_de: str, text_en: str, fhir_code: str) -> Issue:
    return Issue(
        code=f"find-vacancies-{SINCE}",
        fhir_code=fhir_code,
        place=http_part(SINCE),
        text_de=f"{SINCE}: {text_de}",
        text_en=f"{SINCE}: {text_en}",
    )
