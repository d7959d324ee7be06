"""Why there is no search protocol, as a page for whom asked for one: where, what was said there, what is expected."""

from collections.abc import Iterator, Mapping, Sequence

from hub.errors import http_part
from hub.fhir.search_protocol.page import template
from hub.fhir.search_protocol.texts import TEXTS, criterion
from mappings.errors import Issue, PlatzfreiError, Rejected
from mappings.terminology import Language

__all__ = ["refused_page"]


def refused_page(error: PlatzfreiError, pairs: Sequence[tuple[str, str]], language: Language) -> bytes:
    """The page; `pairs` are the parameters that were sent, and go nowhere but back to who sent them."""
    text = TEXTS[language]
    is_theirs = isinstance(error, Rejected)
    made: str = template("refused.html.j2").render(
        language=language,
        text=text,
        head=text["refused" if is_theirs else "later"],
        lead=text["not_searched" if is_theirs else "ask_again"],
        findings=list(_findings(error.issues, pairs, language)),
    )
    return made.encode()


def _findings(
    issues: Sequence[Issue], pairs: Sequence[tuple[str, str]], language: Language
) -> Iterator[Mapping[str, str]]:
    for issue in issues:
        told = [(name, value) for name, value in pairs if issue.place == http_part(name)]
        name = told[0][0] if told else issue.place.removeprefix("http").strip(".`")
        said = issue.text_en if language == "en" else issue.text_de
        yield {
            "place": criterion(name, language) if name else TEXTS[language]["everywhere"],
            "parameter": name,
            "value": ", ".join(value for _, value in told) or "–",
            "expected": said.removeprefix(f"{name}: "),
        }
