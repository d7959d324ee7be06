"""`platzfrei serve`: the FHIR API on loopback, until sign-in exists."""

import argparse
import os
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import uvicorn
from sqlalchemy.engine import make_url

from hub import bounded_head
from hub.commands import worker
from hub.commands.options import opened, parser, run, settings, text
from hub.hub import Hub
from hub.metrics.board import FOLDER
from hub.purpose import Purpose, claim
from hub.settings import Settings
from mappings.errors import Issue, Rejected

__all__ = ["HOST", "check_port", "main", "serve", "without_password"]

HOST = "127.0.0.1"
_SERVER: dict[str, Any] = {
    "host": HOST,
    "http": f"{bounded_head.__name__}:{bounded_head.BoundedHead.__name__}",
    # Nothing here speaks WebSocket: its handshake would be given to what answers HTTP alone, and fail.
    "ws": "none",
    "log_level": "warning",
    # The server's own access log would write down what people search for.
    "access_log": False,
    "server_header": False,
    "timeout_keep_alive": 5,
    "limit_concurrency": 512,
}


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("serve", "Serve the FHIR API on 127.0.0.1 (loopback only, until sign-in exists).")
    made.add_argument("--port", type=int, default=8080, help="default 8080")
    made.add_argument(
        "--sandbox",
        action="store_true",
        help="for tests and vendors: every FHIR type, read and written in the professional view, POST /ingest without "
        "a token; in a database of its own (default: sandbox.db beside the other), or a demo's",
    )
    made.add_argument("--workers", type=int, default=1, help="processes that serve; default 1")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    if options.sandbox and options.database is None and "PLATZFREI_DATABASE" not in os.environ:
        chosen = _own_database(chosen)
    check_port(options.port)
    hub = opened(options, chosen, of_sources=True)
    try:
        claim(hub.database, Purpose.SANDBOX if options.sandbox else Purpose.REGION)
        where = f"http://{HOST}:{options.port}/fhir"
        if options.sandbox:
            print(
                text(
                    options,
                    f"SANDBOX, nur dieser Rechner, ohne Anmeldung: alle FHIR-Typen, lesen und schreiben: {where}\n"
                    f"Nur erfundene Daten. Zum Durchklicken: http://{HOST}:{options.port}/docs",
                    f"SANDBOX, this machine only, no sign-in: every FHIR type, read and write: {where}\n"
                    f"Invented data only. To click through: http://{HOST}:{options.port}/docs",
                )
            )
        else:
            print(text(options, f"öffentliche Sicht: {where}", f"public view: {where}"))
        opened_one = chosen.file or without_password(chosen.database)
        print(text(options, f"Datenbank: {opened_one}", f"database: {opened_one}"), flush=True)
        if options.workers > 1:
            hub.close()
            _serve_together(chosen, options)
        else:
            serve(hub, options.port, sandbox=options.sandbox)
    finally:
        hub.close()
    return 0


def serve(hub: Hub, port: int, *, sandbox: bool = False) -> None:
    """Serve until interrupted."""
    uvicorn.run(worker.served(hub, sandbox=sandbox), port=port, **_proxies(hub.settings), **_SERVER)


def _serve_together(chosen: Settings, options: argparse.Namespace) -> None:
    """Serve from several processes until interrupted; each opens the database for itself."""
    os.environ["PLATZFREI_DATABASE"] = chosen.database
    os.environ["PLATZFREI_FOLDER"] = str(chosen.folder)
    made = worker.sandbox if options.sandbox else worker.public
    name = f"{worker.__name__}:{made.__name__}"
    with tempfile.TemporaryDirectory(prefix="platzfrei-") as board:
        os.environ[FOLDER] = board
        uvicorn.run(name, factory=True, port=options.port, workers=options.workers, **_proxies(chosen), **_SERVER)


def _proxies(chosen: Settings) -> dict[str, Any]:
    """Whose X-Forwarded-For and X-Forwarded-Proto count: anybody else's are left unread."""
    trusted = chosen.trusted_proxies
    return {"proxy_headers": bool(trusted), "forwarded_allow_ips": trusted or None}


def check_port(port: int) -> None:
    """Raises `Rejected` where nothing can listen."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except (OSError, OverflowError) as error:
        raise Rejected(
            Issue(
                code="port-taken",
                place=f"--port {port}",
                text_de="dieser Port ist nicht frei; mit --port einen anderen von 1 bis 65535 wählen",
                text_en="this port is not free; choose another from 1 to 65535 with --port",
            )
        ) from error


def without_password(database: str) -> str:
    """A database's URL as it may be shown: three stars stand where its password was."""
    url = make_url(database)
    if "password" in url.query:
        url = url.update_query_dict({"password": "***"})
    return url.render_as_string(hide_password=True)


def _own_database(chosen: Settings) -> Settings:
    return replace(chosen, database=f"sqlite:///{chosen.folder / 'sandbox.db'}")
