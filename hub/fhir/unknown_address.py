"""What is said of an address at which nothing is: what could have been meant
(https://hl7.org/fhir/R4/http.html#general).
"""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

from hub.errors import NotFound
from mappings.errors import Issue

__all__ = ["unknown_address"]

_LISTED = 40
"""More types than these nobody reads."""


def unknown_address(path: Sequence[str], *, types: Collection[str], operations: Collection[str]) -> NotFound:
    """Names the operations where one was meant, else the types and the one that is written much like the word sent.

    `operations` are their routes, such as `/ValueSet/{id}/$expand`.
    """
    asked = next((word for word in path if word.startswith("$")), None)
    text_de, text_en = _types(path, types) if asked is None else _operations(path, asked, types, operations)
    return NotFound(
        Issue(code="unknown-address", fhir_code="not-found", place="http", text_de=text_de, text_en=text_en)
    )


def _types(path: Sequence[str], types: Collection[str]) -> tuple[str, str]:
    listed = ", ".join(types)
    text_de, text_en = (
        (f"die Typen {listed}", f"the types {listed}")
        if len(types) < _LISTED
        else ("alle Typen von FHIR R4", "all types of FHIR R4")
    )
    near = _near(path[0], types) if path and path[0] not in types else None
    return (
        f"hier ist nichts; es gibt /fhir/metadata und {text_de}{f'; vielleicht {near}' if near else ''}",
        f"nothing is here; there are /fhir/metadata and {text_en}{f'; perhaps {near}' if near else ''}",
    )


def _operations(
    path: Sequence[str], asked: str, types: Collection[str], operations: Collection[str]
) -> tuple[str, str]:
    served = [route for route in operations if _holder(route) == "{type}" or _holder(route) in types]
    if path[0] in types:
        here = [route for route in served if _holder(route) in ("{type}", path[0])]
        listed = ", ".join(_addresses(here, path[0]))
        text_de = f"diese Operation gibt es hier nicht; {path[0]} hat {listed}"
        text_en = f"this operation is not here; {path[0]} has {listed}"
    else:
        listed = ", ".join(_addresses(served, "{type}"))
        text_de = f"diese Operation gibt es hier nicht; es gibt {listed}"
        text_en = f"this operation is not here; there are {listed}"
        return text_de, text_en
    near = _near(asked, {route.rpartition("/")[2] for route in served})
    meant = [route for route in here if route.endswith(f"/{near}")] or [
        route for route in served if route.endswith(f"/{near}")
    ]
    perhaps = ", ".join(_addresses(meant, path[0]))
    return (f"{text_de}; vielleicht {perhaps}", f"{text_en}; perhaps {perhaps}") if meant else (text_de, text_en)


def _addresses(routes: Iterable[str], resource_type: str) -> list[str]:
    return sorted(route.strip("/").replace("{type}", resource_type) for route in routes)


def _holder(route: str) -> str:
    return route.strip("/").partition("/")[0]


def _near(word: str, possible: Iterable[str]) -> str | None:
    """The one written much like a word, whether in small or capital letters."""
    small = {one.lower(): one for one in possible}
    found = get_close_matches(word.lower(), small, n=1, cutoff=0.75)
    return small[found[0]] if found else None
