"""`/metrics`: what an operator's monitoring reads, as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).

Only from this machine, and not through a reverse proxy: how much is asked for, and by which sources, is nobody else's.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from sqlalchemy import Connection, case, func, select, text
from starlette.requests import Request

from hub.metrics.board import BUCKETS, Board, Counted
from hub.store.clock import micros
from hub.store.database import Database
from hub.store.tables import PROFESSIONAL, delivery, set_aside

__all__ = ["MEDIA_TYPE", "exposition", "is_from_here"]

MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_LOOPBACK = ("127.0.0.1", "::1")
_FORWARDING = ("x-forwarded-for", "x-real-ip", "forwarded", "via")
Sample = tuple[str, Mapping[str, str], float]


def is_from_here(request: Request) -> bool:
    """Whether a program of this machine asks by itself, and not a proxy on behalf of somebody."""
    host = request.client.host if request.client else ""
    return host in _LOOPBACK and not any(name in request.headers for name in _FORWARDING)


def exposition(board: Board, database: Database, jobs: Mapping[str, datetime], now: datetime) -> str:
    """The text; it reads the ledger's index and the freshness of every offer once."""
    with database.reading() as connection:
        parts = [
            *_requests(board.counted()),
            *_deliveries(connection),
            *_metric("platzfrei_set_aside_records", "gauge", "Records that wait for an operator.", _aside(connection)),
            *_metric("platzfrei_offers", "gauge", "Offers by how fresh their statement is.", _offers(connection, now)),
            *_metric("platzfrei_database_bytes", "gauge", "Size of the database.", _size(connection, database.path)),
        ]
    last = [("", {"job": name}, finished.timestamp()) for name, finished in sorted(jobs.items())]
    parts += _metric("platzfrei_job_last_success_timestamp_seconds", "gauge", "When each job ended well last.", last)
    return "\n".join((*parts, "# EOF", ""))


def _requests(counted: Mapping[str, Counted]) -> Iterator[str]:
    by_status = [
        ("_total", {"interaction": name, "status": str(status) if status else "other"}, float(count))
        for name, one in counted.items()
        for status, count in one.statuses.items()
    ]
    yield from _metric("platzfrei_requests", "counter", "Requests that were answered.", by_status)
    durations: list[Sample] = []
    for name, one in counted.items():
        bounds = (*map(str, BUCKETS), "+Inf")
        for bound, below in zip(bounds, accumulate(one.buckets), strict=True):
            durations.append(("_bucket", {"interaction": name, "le": bound}, float(below)))
        durations.append(("_count", {"interaction": name}, float(sum(one.buckets))))
        durations.append(("_sum", {"interaction": name}, one.seconds))
    yield from _metric("platzfrei_request_duration_seconds", "histogram", "How long answers took.", durations)


def _deliveries(connection: Connection) -> Iterator[str]:
    rows = connection.execute(
        select(delivery.c.status, delivery.c.source, func.count()).group_by(delivery.c.status, delivery.c.source)
    ).all()
    # It forgets what is old: these numbers can sink.
    by_status = [("", {"source": source, "status": status}, float(count)) for status, source, count in rows]
    backlog = [("", {"source": source}, float(count)) for status, source, count in rows if status == "received"]
    help_ = "Deliveries in the ledger: arriving, received (not finished), held (an operator decides), done, rejected."
    yield from _metric("platzfrei_ledger_deliveries", "gauge", help_, by_status)
    yield from _metric("platzfrei_ledger_backlog", "gauge", "Deliveries written down and not finished.", backlog)


def _aside(connection: Connection) -> list[Sample]:
    rows = connection.execute(select(set_aside.c.source, func.count()).group_by(set_aside.c.source))
    return [("", {"source": source}, float(count)) for source, count in rows]


def _offers(connection: Connection, now: datetime) -> list[Sample]:
    times, at = PROFESSIONAL.freshness.c, micros(now)
    step = case(
        (times.aging_at > at, "fresh"),
        (times.stale_at > at, "aging"),
        (times.expires_at > at, "stale"),
        else_="expired",
    )
    rows = connection.execute(select(step, func.count()).group_by(step))
    return [("", {"freshness": name}, float(count)) for name, count in rows]


def _size(connection: Connection, path: Path | None) -> list[Sample]:
    if path is None:
        return [("", {}, float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()))]
    files = (path, path.with_name(f"{path.name}-wal"))
    return [("", {}, float(sum(file.stat().st_size for file in files if file.exists())))]


def _metric(name: str, kind: str, help_: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    yield f"# HELP {name} {help_}"
    for suffix, labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text_)}"' for label, text_ in labels.items())
        number = str(int(value)) if value == int(value) else repr(value)
        yield f"{name}{suffix}{{{told}}} {number}" if told else f"{name}{suffix} {number}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
