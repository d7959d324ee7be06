"""ValueSet/$expand: the codes of a value set (https://hl7.org/fhir/R4/valueset-operation-expand.html).

Paged and filtered answers are flat; nested ones are made where `excludeNested` is false. No code here is put together
of others, and no definitions of other days are kept: `excludePostCoordinated` and `date` change nothing.
"""

from hub.fhir.context import Context
from hub.fhir.formats import encoded
from hub.fhir.request import Answer, Request
from hub.fhir.terminology import missing, question
from hub.store.clock import instant, micros
from hub.store.reader import Reader
from hub.terminology import expansion
from hub.terminology.definitions import Unknown
from hub.terminology.value_sets import ValueSet

__all__ = ["NAME", "ROUTES", "WRITES", "answer"]

NAME = "expand"
ROUTES = tuple((method, f"/ValueSet/{where}${NAME}") for where in ("", "{id}/") for method in ("GET", "POST"))
WRITES = False

_PARAMETERS = {
    "url": "uri",
    "valueSet": "ValueSet",
    "valueSetVersion": "string",
    "filter": "string",
    "offset": "integer",
    "count": "integer",
    "includeDesignations": "boolean",
    "designation": "string*",
    "includeDefinition": "boolean",
    "activeOnly": "boolean",
    "excludeNested": "boolean",
    "excludeNotForUI": "boolean",
    "excludePostCoordinated": "boolean",
    "date": "dateTime",
    "displayLanguage": "code",
    "exclude-system": "canonical*",
}


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """The ValueSet with its expansion; 404 for a url that nobody knows, 422 for what cannot be expanded."""
    asked = question(context, reader, request, _PARAMETERS, operation=NAME)
    tree = asked.subject("ValueSet", inline="valueSet", url=asked.one("url"), version=asked.one("valueSetVersion"))
    if tree is None:
        raise missing("url", "erwartet wird url oder valueSet", "expected url or valueSet")
    wanted = expansion.Wanted(
        filter=asked.one("filter"),
        offset=asked.one("offset", None),
        count=asked.one("count", None),
        languages=asked.languages,
        display_language=asked.one("displayLanguage"),
        include_designations=asked.one("includeDesignations", False),
        designations=asked.all("designation"),
        include_definition=asked.one("includeDefinition", False),
        active_only=asked.one("activeOnly", False),
        selectable_only=asked.one("excludeNotForUI", False),
        nested=not asked.one("excludeNested", True),
        exclude_systems=asked.all("exclude-system"),
    )
    try:
        told = expansion.expand(ValueSet(tree, asked.definitions), wanted, instant(micros(context.clock())))
    except Unknown as error:
        raise asked.unresolved(error) from error
    return Answer(content=encoded(told))
