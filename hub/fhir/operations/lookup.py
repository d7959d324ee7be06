"""CodeSystem/$lookup: names, designations and properties of a code
(https://hl7.org/fhir/R4/codesystem-operation-lookup.html).

There are no definitions of other days here: `date` changes nothing.
"""

from hub.fhir.context import Context
from hub.fhir.formats import encoded
from hub.fhir.request import Answer, Request
from hub.fhir.terminology import missing, question
from hub.store.reader import Reader
from hub.terminology.concepts import CodeSystem
from hub.terminology.definitions import Unknown
from hub.terminology.lookup import described, known_concept

__all__ = ["NAME", "ROUTES", "WRITES", "answer"]

NAME = "lookup"
ROUTES = (("GET", "/CodeSystem/$lookup"), ("POST", "/CodeSystem/$lookup"))
WRITES = False

_PARAMETERS = {
    "code": "code",
    "system": "uri",
    "version": "string",
    "coding": "Coding",
    "displayLanguage": "code",
    "property": "code*",
    "date": "dateTime",
}


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A Parameters resource with what is known of the code; 404 where code or code system are not known."""
    asked = question(context, reader, request, _PARAMETERS, operation=NAME)
    coded = next(iter(asked.coded()), None)
    if coded is None or not coded.system:
        raise missing("system", "erwartet werden code und system", "expected code and system")
    asked.defined("CodeSystem", coded.system, coded.version)
    try:
        system: CodeSystem = asked.definitions.code_system(coded.system, coded.version or None)
    except Unknown as error:
        raise asked.unresolved(error) from error
    concept = known_concept(system, coded.code)
    told = described(system, concept, properties=asked.all("property"), languages=asked.languages)
    return Answer(content=encoded(told))
