"""What a request makes a condition of: the version it knows (`If-Match`, `If-None-Match`, `If-Modified-Since`), and the
criteria of conditional interactions.

https://hl7.org/fhir/R4/http.html#concurrency, https://hl7.org/fhir/R4/http.html#cond-update
"""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import urlencode

from sqlalchemy import bindparam, func, select

from hub.errors import Malformed, PreconditionFailed, http_part
from hub.fhir.context import Context
from hub.fhir.form import pairs_of
from hub.fhir.negotiation import Preference
from hub.fhir.request import Request
from hub.search.page import matching
from hub.store.clock import moment
from hub.store.prepared import Prepared
from hub.store.reader import Reader
from hub.store.repository import Stored
from hub.store.tables import VIEWS
from mappings.errors import Issue

__all__ = ["current", "is_known", "names_version", "none_exist", "refuse_stale", "sole"]

_TAG = re.compile(r'(?:W/)?(?:"([^"]{0,64})"|([0-9]{1,9}))')
"""An ETag; many clients send the version without its quotes."""
_TAGS = re.compile(rf"\s*{_TAG.pattern}(?:\s*,\s*{_TAG.pattern})*\s*")
_DATE = re.compile(r"[A-Za-z]{3,9},? [A-Za-z0-9 -]{6,11} \d\d:\d\d:\d\d(?: \d{4})?(?: (?:GMT|UTC|[+-]\d{4}))?")
"""The three forms of an HTTP date; the library reads the first of several, and leaves the others aside."""
_OF_ANSWERS = ("_format", "_pretty", "_summary", "_elements")


def is_known(request: Request, stored: Stored) -> bool:
    """Whether the client said that it has this version already: it is answered with 304.

    What cannot be read counts as not said (https://www.rfc-editor.org/rfc/rfc9110#section-13.1).
    """
    if tags := request.header("if-none-match"):
        return _names(tags, stored.version)
    since = request.header("if-modified-since")
    if since and _DATE.fullmatch(since.strip()):
        try:
            told = parsedate_to_datetime(since)
        except ValueError:
            return False
        # The header counts in seconds.
        known_at = told if told.tzinfo else told.replace(tzinfo=UTC)
        return moment(stored.updated).replace(microsecond=0) <= known_at
    return False


def names_version(request: Request) -> bool:
    """Whether a write makes a version its condition: without one, what stands here need not be read before."""
    return "if-match" in request.headers or "if-none-match" in request.headers


def refuse_stale(request: Request, stored: Stored | None) -> None:
    """Raises `PreconditionFailed` where `If-Match` or `If-None-Match` of a write does not hold for what stands here.

    A deleted resource has the version that its deletion was answered with; `*` matches what can be read alone.
    """
    there = stored if stored is not None and stored.content is not None else None
    if expected := request.header("if-match"):
        if expected.strip() != "*" and not _TAGS.fullmatch(expected):
            raise _no_tag("If-Match")
        meant = there if expected.strip() == "*" else stored
        if meant is None or not _names(expected, meant.version):
            raise _stale("If-Match", meant)
    unwanted = request.header("if-none-match")
    if unwanted and there is not None and _names(unwanted, there.version):
        raise _stale("If-None-Match", there)


def current(context: Context, reader: Reader, resource_type: str, resource_id: str) -> Stored | None:
    """The version that a write starts from; nobody else changes it until the transaction ends."""
    if reader.dialect == "postgresql":
        reader.first(_lock(context.repository.projection.name), {"type": resource_type, "id": resource_id})
    return context.repository.read(reader, resource_type, resource_id)


def sole(context: Context, reader: Reader, resource_type: str, criteria: str, base: str) -> str | None:
    """The id of the one resource that criteria select, None where none is; `PreconditionFailed` where several are.

    Criteria are a query string, with or without the type and `?` before it. Until the transaction ends no other
    conditional interaction with the type decides: two that ask alike at the same time create one resource.
    """
    if reader.dialect == "postgresql":
        reader.first(_turn(), {"type": resource_type})
    pairs = pairs_of(criteria.rpartition("?")[2])
    found = matching(reader, context.repository.projection, context.registry(), resource_type, pairs, base)
    if len(found) > 1:
        raise PreconditionFailed(
            Issue(
                code="several-match",
                fhir_code="multiple-matches",
                place=resource_type,
                text_de=f"mehrere {resource_type} erfüllen die Bedingung; erwartet wird höchstens eine: "
                "enger fragen, zum Beispiel nach identifier mit system und value",
                text_en=f"several {resource_type} match the criteria; expected one at most: "
                "ask for less, for example for an identifier with system and value",
            )
        )
    return found[0] if found else None


def none_exist(context: Context, request: Request) -> str | None:
    """The criteria of a conditional create, None where it is not conditional.

    Criteria in the address, where FHIR has none, count as `If-None-Exist`: to ignore them would make duplicates. Where
    none of them is a search parameter they are left aside, with `handling=strict` refused.
    """
    if "if-none-exist" in request.headers or not request.query:
        return request.headers.get("if-none-exist")
    told = [(name, value) for name, value in pairs_of(request.query) if name not in _OF_ANSWERS]
    known = context.registry().parameters(request.variables["type"])
    means = any(re.split("[:.]", name)[0] in known for name, _ in told)
    return urlencode(told) if means or (told and Preference.of(request.header("prefer")).strict) else None


def _names(tags: str, version: int) -> bool:
    if tags.strip() == "*":
        return True
    return _TAGS.fullmatch(tags) is not None and str(version) in map("".join, _TAG.findall(tags))


@cache
def _lock(view: str) -> Prepared:
    resource = VIEWS[view].resource
    return Prepared(
        select(resource.c.rid)
        .where(resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
        .with_for_update()
    )


@cache
def _turn() -> Prepared:
    return Prepared(select(func.pg_advisory_xact_lock(func.hashtext(bindparam("type")))))


def _no_tag(name: str) -> Malformed:
    return Malformed(
        Issue(
            code="no-etag",
            place=http_part(name),
            text_de=f'{name}: erwartet wird die Version, wie ETag sie nannte, zum Beispiel W/"3"',
            text_en=f'{name}: expected the version as ETag named it, for example W/"3"',
        )
    )


def _stale(name: str, there: Stored | None) -> PreconditionFailed:
    if there is None:
        stands_de, stands_en = "hier steht keine", "there is none here"
    else:
        stands_de = stands_en = f'W/"{there.version}"'
    return PreconditionFailed(
        Issue(
            code="version-differs",
            fhir_code="conflict",
            place=http_part(name),
            text_de=f"{name}: die Version ist eine andere ({stands_de}); neu lesen, die Änderung darauf wiederholen",
            text_en=f"{name}: the version is another ({stands_en}); read it again and repeat the change on that",
        )
    )
