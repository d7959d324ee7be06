"""CodeSystem/$subsumes: whether a code is a kind of another (https://hl7.org/fhir/R4/codesystem-operation-subsumes.html)."""

from hub.fhir.context import Context
from hub.fhir.formats import encoded
from hub.fhir.request import Answer, Request
from hub.fhir.terminology import Question, missing, question
from hub.store.reader import Reader
from hub.terminology import parameters
from hub.terminology.concepts import CodeSystem
from hub.terminology.lookup import known_concept, subsumption

__all__ = ["NAME", "ROUTES", "WRITES", "answer"]

NAME = "subsumes"
ROUTES = tuple((method, f"/CodeSystem/{where}${NAME}") for where in ("", "{id}/") for method in ("GET", "POST"))
WRITES = False

_PARAMETERS = {
    "codeA": "code",
    "codeB": "code",
    "system": "uri",
    "version": "string",
    "codingA": "Coding",
    "codingB": "Coding",
}


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A Parameters resource with the outcome; 404 where a code or the code system are not known."""
    asked = question(context, reader, request, _PARAMETERS, operation=NAME)
    (system_a, code_a), (system_b, code_b) = _code(asked, "A"), _code(asked, "B")
    stated = {system for system in (asked.one("system"), system_a, system_b) if system}
    tree = asked.instance
    if len(stated) > 1 or (tree is not None and stated - {tree.get("url")}):
        raise missing("system", "beide Codes müssen aus einem Codesystem sein", "both codes must be of one code system")
    if tree is None:
        if not stated:
            raise missing("system", "erwartet wird das Codesystem", "expected the code system")
        tree = asked.defined("CodeSystem", stated.pop(), asked.one("version"))
    system = CodeSystem(tree)
    outcome = subsumption(system, known_concept(system, code_a), known_concept(system, code_b))
    return Answer(content=encoded(parameters.resource(parameters.part("outcome", valueCode=outcome))))


def _code(asked: Question, letter: str) -> tuple[str, str]:
    coding = asked.one(f"coding{letter}", {})
    code = asked.one(f"code{letter}") or coding.get("code", "")
    if not code:
        name = f"code{letter}"
        raise missing(name, f"erwartet wird {name} oder coding{letter}", f"expected {name} or coding{letter}")
    return coding.get("system", ""), code
