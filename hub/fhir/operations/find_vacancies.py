"""HealthcareService/$find-vacancies: the offers near a place that can take somebody, nearest first.

The contract is `conformance/spec/OperationDefinition-find-vacancies.json`. No patient data is accepted: every value is
a code, a number, a date or a place.
"""

from hub.fhir.context import Context
from hub.fhir.form import BYTES_MAX
from hub.fhir.parameters import given, plain, posted
from hub.fhir.request import Answer, Request
from hub.fhir.vacancy_search import prepare
from hub.store.reader import Reader, Transaction

__all__ = ["NAME", "RESOURCE", "ROUTES", "WRITES", "answer", "writes"]

NAME = "find-vacancies"
RESOURCE = "HealthcareService"
ROUTES = (
    ("GET", f"/{RESOURCE}/${NAME}"),
    ("POST", f"/{RESOURCE}/${NAME}"),
)

WRITES = False


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A searchset: each match with distance and freshness, its Location, Organization, Schedule and Slots included."""
    if context.catch_up is not None:
        assert isinstance(reader, Transaction), "`writes` asked for one"
        context.catch_up(reader)
    pairs, sent = posted(request, most=BYTES_MAX)
    if sent is not None:
        pairs += plain(given(sent))
    search = prepare(
        pairs,
        context.repository.projection,
        now=context.clock(),
        base=request.base,
        tally=context.tally,
        news=context.news,
        chances=context.chances,
    )
    return Answer(content=search(reader))


def writes(context: Context, _request: Request) -> bool:
    """Where FHIR is written to, what was written since is brought into the index first."""
    return context.catch_up is not None
