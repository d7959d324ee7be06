"""`platzfrei serve`: the FHIR API on loopback, until sign-in exists."""

import argparse
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import replace

import uvicorn

from hub.app import Hub, application
from hub.commands.options import opened, parser, run, settings, text
from hub.purpose import Purpose, claim
from hub.settings import Settings
from mappings.errors import Issue, Rejected

__all__ = ["HOST", "check_port", "main", "serve"]

HOST = "127.0.0.1"


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("serve", "Serve the FHIR API on 127.0.0.1 (loopback only, until sign-in exists).")
    made.add_argument("--port", type=int, default=8080, help="default 8080")
    made.add_argument(
        "--sandbox",
        action="store_true",
        help="for tests and vendors: the professional view, POST /ingest without a token; "
        "in a database of its own (default: sandbox.db beside the other), or a demo's",
    )
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    if options.sandbox and options.database is None and "PLATZFREI_DATABASE" not in os.environ:
        chosen = _own_database(chosen)
    check_port(options.port)
    hub = opened(options, chosen)
    try:
        claim(hub.database, Purpose.SANDBOX if options.sandbox else Purpose.REGION)
        where = f"http://{HOST}:{options.port}/fhir"
        if options.sandbox:
            print(
                text(
                    options,
                    f"SANDBOX, Fachsicht, ohne Anmeldung: {where}",
                    f"SANDBOX, professional view, no sign-in: {where}",
                )
            )
        else:
            print(text(options, f"öffentliche Sicht: {where}", f"public view: {where}"))
        serve(hub, options.port, sandbox=options.sandbox)
    finally:
        hub.close()
    return 0


def serve(hub: Hub, port: int, *, sandbox: bool = False) -> None:
    """Serve until interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvicorn.run(
        application(hub, sandbox=sandbox),
        host=HOST,
        port=port,
        log_level="warning",
        # The server's own access log would write down what people search for.
        access_log=False,
        server_header=False,
        timeout_keep_alive=5,
        limit_concurrency=512,
    )


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


def _own_database(chosen: Settings) -> Settings:
    return replace(chosen, database=f"sqlite:///{chosen.folder / 'sandbox.db'}")
