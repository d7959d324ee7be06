"""`platzfrei search-parameters`: those that were added here; `platzfrei search-parameters add FILE` adds one.

A file is a SearchParameter resource in JSON (https://hl7.org/fhir/R4/searchparameter.html).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from conformance.formats import r4
from hub.commands.options import opened, parser, run, text
from hub.commands.progress import Progress
from hub.fhir.formats import read
from hub.fhir.negotiation import Format
from hub.hub import Hub
from hub.indexing import IndexProgress
from hub.publishing import Publisher
from hub.store.clock import micros
from hub.store.draft import Draft
from mappings.errors import Issue, Rejected

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("search-parameters", "List the search parameters that were added here; or add one.")
    made.add_argument("action", nargs="?", choices=("list", "add"), default="list")
    made.add_argument("file", nargs="?", type=Path, help="a SearchParameter resource in JSON")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.action == "list") != (options.file is None):
        made.error("expected: platzfrei search-parameters, or platzfrei search-parameters add FILE")
    hub = opened(options)
    try:
        if options.action == "add":
            _add(hub, options.file)
        for one in hub.indexing.added:
            print(f"{','.join(one['base']):<20} {one['code']:<24} {one['type']:<10} {one['url']}")
        if not hub.indexing.added:
            print(text(options, "hier wurde keiner hinzugefügt", "none was added here"))
    finally:
        hub.close()
    return 0


def _add(hub: Hub, path: Path) -> None:
    """Write the resource into both views, and index everything by it."""
    body = path.read_bytes()
    tree = read(body, Format.JSON)
    if not isinstance(tree, dict) or tree.get("resourceType") != "SearchParameter":
        raise Rejected(
            Issue(
                code="no-search-parameter",
                place=str(path),
                text_de="erwartet wird eine Ressource SearchParameter, in JSON",
                text_en="expected a SearchParameter resource, in JSON",
            )
        )
    wrong = [
        Issue(code=finding.key, place=finding.expression, text_de=finding.text_de, text_en=finding.text_en)
        for finding in r4.findings(tree)
        if finding.severity == "error"
    ]
    if wrong:
        raise Rejected(*wrong)
    publisher = Publisher(hub.repositories, hub.indexing)
    draft = Draft.received(tree, body, resource_id=tree.get("id") or str(uuid4()))
    hub.writer.submit(lambda transaction: publisher.publish(transaction, [draft], at=micros(hub.clock()))).result()
    with Progress(1) as bar:
        last = 0

        def show(progress: IndexProgress) -> None:
            nonlocal last
            bar.total(progress.total)
            bar.show(tree["code"])
            bar.advance(progress.done - last)
            last = progress.done

        hub.indexing.wait(show)
