"""HealthcareService/$search-protocol: the signed record of a search that is made now, for the file.

The contract is `conformance/spec/OperationDefinition-search-protocol.json`: parameters are those of $find-vacancies;
the answer is a FHIR document, or one HTML file where that is asked for. Nothing is stored.
"""

import hashlib
from importlib.metadata import version
from uuid import NAMESPACE_OID, uuid5

from hub.errors import MethodNotAllowed
from hub.fhir.context import Context
from hub.fhir.form import BYTES_MAX
from hub.fhir.formats import encoded, read
from hub.fhir.negotiation import Format
from hub.fhir.operations.find_vacancies import RESOURCE, writes
from hub.fhir.parameters import given, plain, posted
from hub.fhir.refusal import refusal
from hub.fhir.request import Answer, Request
from hub.fhir.search_protocol.document import document
from hub.fhir.search_protocol.page import headers, page
from hub.fhir.search_protocol.record import Record
from hub.fhir.search_protocol.refused_page import refused_page
from hub.fhir.search_protocol.texts import language_of
from hub.fhir.vacancy_search import prepare
from hub.store.reader import Reader, Transaction
from mappings.errors import Issue, PlatzfreiError

__all__ = ["ALSO_ANSWERS", "NAME", "RESOURCE", "ROUTES", "WRITES", "answer", "refused", "writes"]

NAME = "search-protocol"
ROUTES = (
    ("GET", f"/{RESOURCE}/${NAME}"),
    ("POST", f"/{RESOURCE}/${NAME}"),
)
WRITES = False

ALSO_ANSWERS = ("text/html",)

_HTML = ("html", "text/html", "application/xhtml+xml")


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """The protocol of the search, as a document Bundle or as HTML."""
    if context.signer is None:
        raise _not_here()
    if context.catch_up is not None:
        assert isinstance(reader, Transaction), "`writes` asked for one"
        context.catch_up(reader)
    pairs, sent = posted(request, most=BYTES_MAX)
    if sent is not None:
        pairs += plain(given(sent))
    if not any(name == "why-not" for name, _ in pairs):
        pairs.append(("why-not", "true"))
    now, view, base = context.clock(), context.repository.projection.name, request.base
    search = prepare(pairs, context.repository.projection, now=now, base=base)
    language = language_of(request.header("accept-language"))
    content = search(reader)
    found = read(content, Format.JSON)
    # The same answer at the same moment is the same protocol.
    number = uuid5(NAMESPACE_OID, f"{now.isoformat()} {language} {hashlib.sha256(content).hexdigest()}")
    made = document(found, base=base, view=view, at=now, language=language, number=number, signer=context.signer)
    signed = encoded(made)
    if not _wants_page(pairs, request):
        told = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language", "Content-Language": language}
        return Answer(content=signed, headers=told)
    html = page(
        Record.of(found, now, language),
        signed,
        base=base,
        view=view,
        number=str(number),
        version=version("platzfrei"),
        language=language,
        signer=context.signer,
    )
    name = f"suchprotokoll-{now:%Y%m%dT%H%M%SZ}.html"
    told = {**headers(), "Content-Language": language, "Content-Disposition": f'inline; filename="{name}"'}
    return Answer(content=html, headers=told, is_fhir=False)


def refused(request: Request, error: PlatzfreiError) -> Answer | None:
    """The page that tells a person of an error; None for who did not ask for a page."""
    try:
        pairs, _ = posted(request, most=BYTES_MAX)
    except PlatzfreiError:
        pairs = []
    if not _wants_page(pairs, request):
        return None
    language = language_of(request.header("accept-language"))
    told = refusal(error)
    html = refused_page(error, pairs, language)
    return Answer(
        status=told.status,
        content=html,
        headers={**told.headers, **headers(), "Content-Language": language},
        is_fhir=False,
    )


def _wants_page(pairs: list[tuple[str, str]], request: Request) -> bool:
    if not request.header("host"):
        return False  # An entry of a Bundle is FHIR.
    asked = [value for name, value in pairs if name == "_format"]
    if asked:
        return asked[-1].partition(";")[0].strip().lower() in _HTML
    first = request.header("accept").partition(",")[0].partition(";")[0].strip().lower()
    return first in _HTML


def _not_here() -> MethodNotAllowed:
    return MethodNotAllowed(
        Issue(
            code="search-protocol",
            fhir_code="not-supported",
            place="http",
            text_de="dieser Server signiert nichts",
            text_en="this server signs nothing",
        )
    )
