"""What the terminology operations share: what is asked, and of which resource
(https://hl7.org/fhir/R4/terminology-service.html).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance import spec
from hub.errors import Invalid, Malformed, NotFound, http_part
from hub.fhir.context import Context
from hub.fhir.definitions import StoredDefinitions
from hub.fhir.parameters import Given, given, posted
from hub.fhir.request import Request
from hub.fhir.resource_id import ID, unknown_id
from hub.fhir.validation import refuse_invalid
from hub.fhir.versioned import versioned
from hub.store.reader import Reader
from hub.store.repository import tree_of
from hub.terminology import parameters
from hub.terminology.definitions import Definitions, Unknown
from hub.terminology.languages import languages
from mappings.errors import Issue

__all__ = ["Coded", "Question", "missing", "question"]

_BYTES_MAX = 1024 * 1024
_CODED = ("code", "coding", "codeableConcept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A code that is asked about."""

    code: str
    system: str
    version: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An operation's request: its parameters, and the resource that it is asked of, where it is asked of one."""

    told: parameters.Told
    instance: Mapping[str, Any] | None
    definitions: Definitions
    languages: tuple[str, ...]

    def one(self, name: str, otherwise: Any = "") -> Any:
        """The value of a parameter, or what counts where it is not given."""
        return self.told[name][0] if name in self.told else otherwise

    def all(self, name: str) -> tuple[Any, ...]:
        """Every value of a parameter that may be repeated."""
        return tuple(self.told.get(name, ()))

    def subject(self, kind: str, *, inline: str, url: str = "", version: str = "") -> Mapping[str, Any] | None:
        """The resource asked about: the one in the address, the one sent along, or the one with the canonical URL.

        None where the question names none; `NotFound` where nobody knows it, or not in the version asked about.
        """
        given: Mapping[str, Any] | None = self.instance if self.instance is not None else self.one(inline, None)
        if given is not None:
            known = str(given.get("version", ""))
            if version not in ("", known):
                raise NotFound(_unknown(Unknown(kind, str(given.get("url", "")), version, known=known)))
            return given
        return self.defined(kind, url, version) if url else None

    def defined(self, kind: str, url: str, version: str = "") -> Mapping[str, Any]:
        """The resource with a canonical URL; `NotFound` where nobody knows it."""
        try:
            return self.definitions.tree(kind, url, version or None)
        except Unknown as error:
            raise NotFound(_unknown(error)) from error

    def coded(self) -> list[Coded]:
        """The codes asked about, given as code, coding or codeableConcept; `Malformed` where it is not one of them."""
        given = [name for name in _CODED if name in self.told]
        if len(given) != 1:
            listed = " / ".join(_CODED)
            raise missing(listed, f"erwartet wird genau eines von {listed}", f"expected exactly one of {listed}")
        if given == ["codeableConcept"]:
            return list(_codings(self.one("codeableConcept").get("coding", ())))
        if given == ["coding"]:
            return list(_codings([self.one("coding")]))
        version = self.one("systemVersion") or self.one("version")
        return [Coded(code=self.one("code"), system=self.one("system"), version=version, display=self.one("display"))]

    def unresolved(self, error: Unknown) -> Invalid:
        """The refusal where a definition needs another that nobody knows."""
        return Invalid(_unknown(error))


def question(
    context: Context, reader: Reader, request: Request, known: Mapping[str, str], *, operation: str
) -> Question:
    """What a request asks an operation. `known` says the types of its parameters, as `parameters.told` wants them."""
    told = parameters.told(known, *_given(context, reader, request, known), operation)
    return Question(
        told=told,
        instance=_instance(context, reader, request),
        definitions=Definitions(StoredDefinitions(context, reader)),
        languages=languages(told.get("displayLanguage", ("",))[0], request.header("accept-language")),
    )


def missing(name: str, text_de: str, text_en: str) -> Malformed:
    """The refusal of a question that does not say what it is about."""
    place = http_part(name) if " " not in name else "http"
    return Malformed(
        Issue(code="parameter-missing", fhir_code="required", place=place, text_de=text_de, text_en=text_en)
    )


def _given(
    context: Context, reader: Reader, request: Request, known: Mapping[str, str]
) -> tuple[list[tuple[str, str]], list[Given]]:
    pairs, sent = posted(request, most=_BYTES_MAX)
    if sent is None:
        return pairs, []
    refuse_invalid(context, reader, sent)
    # "If the operation has only one parameter that is a resource", the resource may stand for itself
    # (https://hl7.org/fhir/R4/operations.html#executing).
    own = next((name for name, kind in known.items() if kind == sent["resourceType"]), None)
    return pairs, given(sent) if own is None else [(own, "resource", sent)]


def _instance(context: Context, reader: Reader, request: Request) -> Mapping[str, Any] | None:
    if "id" not in request.variables:
        return None
    resource_type, resource_id = request.variables["type"], request.variables["id"]
    if not ID.fullmatch(resource_id):
        raise unknown_id(resource_type)
    unconditional = Request(method="GET", path=request.path, variables=request.variables)
    return tree_of(versioned(unconditional, context.repository.read(reader, resource_type, resource_id)).content)


def _codings(codings: Any) -> Iterator[Coded]:
    for coding in codings:
        if "code" in coding:
            yield Coded(
                code=coding["code"],
                system=coding.get("system", ""),
                version=coding.get("version", ""),
                display=coding.get("display", ""),
            )


def _unknown(error: Unknown) -> Issue:
    ours = ", ".join(tree["url"] for tree in spec.load(error.kind))
    version_de = f"; bekannt ist Version {error.known}" if error.known else ""
    version_en = f"; version {error.known} is known" if error.known else ""
    known_de = f"; eigene: {ours}; dazu die von FHIR R4 und die hier gespeicherten" if ours else ""
    known_en = f"; our own: {ours}; and those of FHIR R4 and those stored here" if ours else ""
    return Issue(
        code="unknown-definition",
        fhir_code="not-found",
        place=error.kind,
        text_de=f"dieses {error.kind} ist hier nicht bekannt{version_de or known_de}",
        text_en=f"this {error.kind} is not known here{version_en or known_en}",
    )
