"""Foreign FHIR servers to measure beside the hub: what each is, how it is started, and what it uses.

Scripts outside this repository start and stop them (`start_NAME.sh --fresh`, `start_NAME.sh stop`); each says on
standard error which processes it started and where its base is. No code of a peer is here.
"""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
import psycopg

__all__ = ["PEERS", "Peer", "Refused", "Running", "load", "postgresql", "started", "version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A foreign server and the settings that it is measured with."""

    name: str
    settings: str
    environment: Mapping[str, str] = field(default_factory=dict)
    postgresql: str = ""
    """Its database in the PostgreSQL that its script starts, empty where it keeps its data by itself."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that was started: its base and the processes whose families do its work."""

    base: str
    pids: Sequence[int]


class Refused(Exception):
    """A peer that did not start as it should, or did not take the data."""


PEERS = (
    Peer(
        name="hapi",
        settings="-Xmx2g; no validation, references checked, warnings logged (its defaults); an identical search is "
        "not answered again from memory, and no answer is indented; PostgreSQL 15 as initdb makes it, fsync on, "
        "shared_buffers 128 MB",
        environment={
            "HAPI_ARGS": "--hapi.fhir.reuse_cached_search_results_millis=0 --hapi.fhir.default_pretty_print=false"
        },
        postgresql="hapi",
    ),
    Peer(
        name="wso2",
        settings="validates against base R4, references not checked, errors logged (its defaults); 16 connections; "
        "PostgreSQL 15 as initdb makes it, fsync on, shared_buffers 128 MB",
        postgresql="fhirdb",
    ),
    Peer(name="hfs", settings="SQLite, synchronous=NORMAL; R4's search parameters; errors logged"),
)


@contextmanager
def started(peer: Peer, scripts: Path) -> Iterator[Running]:
    """The peer with an empty database; stopped afterwards."""
    script = str(scripts / f"start_{peer.name}.sh")
    environment = {**os.environ, **peer.environment}
    done = subprocess.run(
        [script, "--fresh"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    found = re.search(r"pid (\d+) base (\S+)", done.stderr)
    if done.returncode or found is None:
        raise Refused(f"{peer.name} did not start: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}")
    pids = [int(found[1])]
    if peer.postgresql and (server := re.search(r"postmaster pid (\d+)", done.stderr)):
        pids.append(int(server[1]))
    try:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        for pid in pids:
            if (niceness := os.getpriority(os.PRIO_PROCESS, pid)) != own:
                raise Refused(
                    f"process {pid} of {peer.name} was started before with niceness {niceness}, not {own}: end it first"
                )
        yield Running(found[2], pids)
    finally:
        subprocess.run([script, "stop"], env=environment, stdout=subprocess.DEVNULL, check=False)


@contextmanager
def postgresql(scripts: Path) -> Iterator[None]:
    """The PostgreSQL that the peers' scripts start is stopped at the end, unless it ran before."""
    with socket.socket() as probe:
        ran = probe.connect_ex(("127.0.0.1", _port())) == 0
    try:
        yield
    finally:
        if not ran:
            stop = [str(scripts / "start_pg.sh"), "stop"]
            subprocess.run(stop, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def load(peer: Peer, running: Running, bundles: Iterator[bytes]) -> float:
    """Sends all Bundles one after the other, has PostgreSQL look at what came; the seconds that the sending took.

    Raises `Refused` where one is not taken.
    """
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
    began = time.perf_counter()
    with httpx.Client(timeout=600, headers=headers) as client:
        for number, bundle in enumerate(bundles, start=1):
            answer = client.post(running.base, content=bundle)
            if answer.status_code >= 300:
                raise Refused(f"{peer.name} refused Bundle {number}: {answer.status_code} {answer.text[:300]}")
    took = time.perf_counter() - began
    if peer.postgresql:
        url = f"postgresql://postgres@127.0.0.1:{_port()}/{peer.postgresql}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    return took


def version(running: Running) -> str:
    """Name and version as the server's CapabilityStatement has them."""
    software = orjson.loads(httpx.get(f"{running.base}/metadata", timeout=60).content).get("software", {})
    return f"{software.get('name', '?')} {software.get('version', '?')}"


def _port() -> int:
    """Where the scripts' PostgreSQL listens."""
    return int(os.environ.get("PGPORT", "5455"))
