"""ValueSet/$validate-code and CodeSystem/$validate-code: whether a code is right, and what would be
(https://hl7.org/fhir/R4/valueset-operation-validate-code.html, https://hl7.org/fhir/R4/codesystem-operation-validate-code.html).

There are no definitions of other days here: `date` changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from hub.fhir.context import Context
from hub.fhir.formats import encoded
from hub.fhir.request import Answer, Request
from hub.fhir.terminology import Coded, Question, missing, question
from hub.store.reader import Reader
from hub.terminology import validation
from hub.terminology.concepts import CodeSystem
from hub.terminology.validation import Validation
from hub.terminology.value_sets import ValueSet

__all__ = ["NAME", "ROUTES", "WRITES", "answer"]

NAME = "validate-code"
ROUTES = tuple(
    (method, f"/{kind}/{where}${NAME}")
    for kind in ("CodeSystem", "ValueSet")
    for where in ("", "{id}/")
    for method in ("GET", "POST")
)
WRITES = False

_EITHER = {
    "url": "uri",
    "code": "code",
    "display": "string",
    "coding": "Coding",
    "codeableConcept": "CodeableConcept",
    "abstract": "boolean",
    "date": "dateTime",
    "displayLanguage": "code",
}
_OF_VALUE_SET = {
    **_EITHER,
    "valueSet": "ValueSet",
    "valueSetVersion": "string",
    "system": "uri",
    "systemVersion": "string",
}
_OF_CODE_SYSTEM = {**_EITHER, "codeSystem": "CodeSystem", "version": "string"}


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A Parameters resource with `result`, and where that is false a `message`; 404 for a url that nobody knows."""
    if request.variables["type"] == "ValueSet":
        asked = question(context, reader, request, _OF_VALUE_SET, operation=NAME)
        verdict = _in_value_set(asked)
    else:
        asked = question(context, reader, request, _OF_CODE_SYSTEM, operation=NAME)
        verdict = _in_code_system(asked)
    return Answer(content=encoded(validation.written(verdict, asked.languages)))


def _in_value_set(asked: Question) -> Validation:
    tree = asked.subject("ValueSet", inline="valueSet", url=asked.one("url"), version=asked.one("valueSetVersion"))
    if tree is None:
        raise missing("url", "erwartet wird url oder valueSet", "expected url or valueSet")
    value_set = ValueSet(tree, asked.definitions)
    return validation.best(validation.in_value_set(value_set, _asked(asked, coded)) for coded in asked.coded())


def _in_code_system(asked: Question) -> Validation:
    codes = asked.coded()
    return validation.best(_of_system(asked, coded) for coded in codes)


def _of_system(asked: Question, coded: Coded) -> Validation:
    tree = asked.subject(
        "CodeSystem", inline="codeSystem", url=asked.one("url") or coded.system, version=asked.one("version")
    )
    if tree is None:
        raise missing("url", "erwartet wird url oder codeSystem", "expected url or codeSystem")
    if coded.system not in ("", tree.get("url")):
        return _of_another(tree)
    return validation.in_code_system(CodeSystem(tree), _asked(asked, coded))


def _of_another(tree: Mapping[str, Any]) -> Validation:
    url = tree.get("url", "CodeSystem")
    return Validation(
        result=False,
        text_de=f"Das coding ist aus einem anderen Codesystem als {url}",
        text_en=f"The coding is of another code system than {url}",
    )


def _asked(asked: Question, coded: Coded) -> validation.Asked:
    return validation.Asked(
        code=coded.code,
        system=coded.system,
        version=coded.version,
        display=coded.display,
        abstract=asked.one("abstract", True),
        languages=asked.languages,
    )
