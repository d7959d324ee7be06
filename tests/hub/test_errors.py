"""Every error has a status and says who must act."""

import re
from pathlib import Path

from hub import errors
from hub.errors import http_part, status_of
from mappings.errors import Issue, PlatzfreiError

FHIR_CODES = """
invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported
duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient
lock-error no-store exception timeout incomplete throttled informational
"""


def leaves(error: type[PlatzfreiError]) -> list[type[PlatzfreiError]]:
    return [error, *(leaf for below in error.__subclasses__() for leaf in leaves(below))]


def test_every_error_has_a_status() -> None:
    for error in leaves(PlatzfreiError)[1:]:
        assert 200 <= status_of(error(Issue(code="x", text_de="x", text_en="x"))) < 600, error


def test_the_tree_that_is_drawn_names_every_error() -> None:
    assert errors.__doc__ is not None
    for error in leaves(PlatzfreiError):
        assert error.__name__ in errors.__doc__


def test_fhir_codes_are_fhirs() -> None:

    root = Path(__file__).parents[2]
    for path in (*root.glob("hub/**/*.py"), *root.glob("mappings/*.py"), *root.glob("adapters/**/*.py")):
        for code in re.findall(r'fhir_code="([^"]+)"', path.read_text("utf-8")):
            assert code in FHIR_CODES.split(), (path, code)


def test_parts_of_a_request_are_fhirpaths() -> None:
    assert http_part("near") == "http.near"
    assert http_part("postal-code") == "http.`postal-code`"
