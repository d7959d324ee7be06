"""The versions of a resource, a type or the whole server as a Bundle (https://hl7.org/fhir/R4/http.html#history).

What mirrors a directory asks again with `_since`, the moment it knows last: what was made at that very moment comes
again rather than never.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from hub.errors import Malformed, http_part
from hub.fhir.context import Context
from hub.fhir.form import pairs_of
from hub.fhir.request import Answer, Request
from hub.search.query_string import COUNT_DEFAULT, parse_count
from hub.search.types.date import bounds
from hub.store.clock import instant
from hub.store.reader import Reader
from hub.store.versions import FAR, After, Asked, Past, count, find
from mappings.errors import Issue

__all__ = ["history"]

_COUNTED_MOST = 100_000
_AT = re.compile(r"(eq|ge|gt|sa|le|lt|eb)?(.+)", re.DOTALL)
_CURSOR = re.compile(r"(-?\d{1,18})\.(\d{1,18})\.(\d{1,9})\.(\d{0,9})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """What a request asks for, and the parameters of it that were understood."""

    asked: Asked
    count: int
    after: After | None
    total: int | None
    used: tuple[tuple[str, str], ...]


def history(context: Context, reader: Reader, request: Request) -> Answer:
    """A page of versions, newest first; `total` is left out where there are more than are counted."""
    query = _query(request)
    projection = context.repository.projection
    rows = find(reader, projection, query.asked, after=query.after, most=query.count + 1)
    shown = rows[: query.count]
    total = query.total
    if query.after is None:
        counted = len(rows)
        if len(rows) > query.count:
            counted = count(reader, projection, query.asked, most=_COUNTED_MOST + 1)
        total = counted if counted <= _COUNTED_MOST else None
    more = bool(shown) and len(rows) > query.count
    return Answer(content=_bundle(request, query, shown, total, more=more))


def _query(request: Request) -> _Query:
    size, after, total = COUNT_DEFAULT, None, None
    since, standing, until = -FAR, None, FAR
    used: list[tuple[str, str]] = []
    for name, value in pairs_of(request.query):
        if name == "_since":
            since = max(since, _bounds(name, value)[0])
        elif name == "_at":
            first, behind = _period(value)
            if first is not None:
                standing = first if standing is None else max(standing, first)
            until = min(until, behind)
        elif name == "_count":
            size = parse_count(value)
        elif name == "_after":
            after, total = _cursor(value)
            continue
        else:
            continue
        used.append((name, value))
    used = [*(pair for pair in used if pair[0] != "_count"), ("_count", str(size))]
    asked = Asked(
        resource_type=request.variables.get("type"),
        resource_id=request.variables.get("id"),
        since=since,
        until=until,
        standing=standing,
    )
    return _Query(asked=asked, count=size, after=after, total=total, used=tuple(used))


def _period(value: str) -> tuple[int | None, int]:
    """From when, if from any, and before when the versions stood that `_at` asks for."""
    split = _AT.fullmatch(value)
    prefix, written = (split[1] or "eq", split[2]) if split else ("eq", value)
    low, high = _bounds("_at", written)
    if prefix in ("ge", "gt", "sa"):
        return (low if prefix == "ge" else high + 1), FAR
    if prefix in ("le", "lt", "eb"):
        return None, (high + 1 if prefix == "le" else low)
    return low, high + 1


def _bounds(name: str, value: str) -> tuple[int, int]:
    try:
        # An unencoded plus sign of an offset reads as a blank.
        return bounds(value.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise _wrong(
            name,
            "erwartet wird ein Zeitpunkt, zum Beispiel 2026-11-22T08:00:00Z",
            "expected a moment, for example 2026-11-22T08:00:00Z",
        ) from None


def _cursor(value: str) -> tuple[After, int | None]:
    found = _CURSOR.fullmatch(value)
    if found is None:
        raise _wrong("_after", "dem Link „next“ unverändert folgen", "follow the 'next' link unchanged")
    updated, rid, version, total = found.groups()
    return After(int(updated), int(rid), int(version)), int(total) if total else None


def _bundle(request: Request, query: _Query, shown: list[Past], total: int | None, *, more: bool) -> bytes:
    here = f"{request.base}/{'/'.join(request.path)}?{urlencode(query.used, safe=':,/')}"
    own = here
    if query.after is not None:
        own = f"{here}&_after={_written(query.after, query.total)}"
    links = [{"relation": "self", "url": own}]
    if more:
        last = shown[-1]
        position = After(last.updated, last.rid, last.version)
        links.append({"relation": "next", "url": f"{here}&_after={_written(position, total)}"})
    head: dict[str, object] = {"resourceType": "Bundle", "type": "history"}
    if shown and query.after is None:
        # The moment of the newest version: what a client asks `_since` next time.
        head["meta"] = {"lastUpdated": instant(shown[0].updated)}
    if total is not None:
        head["total"] = total
    told = orjson.dumps({**head, "link": links})
    if not shown:
        return told
    return b'%s,"entry":[%s]}' % (told[:-1], b",".join(_entry(request.base, past) for past in shown))


def _written(after: After, total: int | None) -> str:
    return f"{after.updated}.{after.rid}.{after.version}.{'' if total is None else total}"


_REQUESTS = {
    "posted": ("POST", "201"),
    "created": ("PUT", "201"),
    "updated": ("PUT", "200"),
    "deleted": ("DELETE", "204"),
}


def _entry(base: str, past: Past) -> bytes:
    where = f"{past.type}/{past.id}"
    method, status = _REQUESTS[past.change]
    asked = {"method": method, "url": past.type if method == "POST" else where}
    response = {"status": status, "etag": f'W/"{past.version}"', "lastModified": instant(past.updated)}
    resource = b"" if past.content is None else b'"resource":%s,' % past.content
    return b'{"fullUrl":%s,%s"request":%s,"response":%s}' % (
        orjson.dumps(f"{base}/{where}"),
        resource,
        orjson.dumps(asked),
        orjson.dumps(response),
    )


def _wrong(name: str, text_de: str, text_en: str) -> Malformed:
    return Malformed(
        Issue(
            code=f"history-{name.removeprefix('_')}",
            place=http_part(name),
            text_de=f"{name}: {text_de}",
            text_en=f"{name}: {text_en}",
        )
    )
