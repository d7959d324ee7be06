"""R4's most frequent invariants as plain Python, for speed; the others run as the FHIRPath that they are
(https://hl7.org/fhir/R4/conformance-rules.html#constraints).

Each function takes the JSON object of the element on which the rule stands, whose structure may be wrong; the tests
hold each against its expression.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

__all__ = ["GERMAN", "RULES", "Rule"]

Node = dict[str, Any]
Rule = Callable[[Node], bool]


def _has(node: Node, name: str) -> bool:
    return name in node or f"_{name}" in node


def _first_needs(name: str, other: str) -> Rule:
    hidden, other_hidden = f"_{name}", f"_{other}"
    return lambda node: (name not in node and hidden not in node) or other in node or other_hidden in node


def _any_of(*names: str) -> Rule:
    return lambda node: any(name in node for name in names)


def _period(node: Node) -> bool:
    start, end = node.get("start"), node.get("end")
    return not (isinstance(start, str) and isinstance(end, str)) or not _is_after(start, end)


def _is_after(start: str, end: str) -> bool:
    """Whether it surely is: what one of the two does not say is not compared."""
    try:
        if "T" in start and "T" in end:
            return datetime.fromisoformat(start) > datetime.fromisoformat(end)
        one, other = _day(start), _day(end)
    except (ValueError, TypeError, OverflowError):
        return False
    precision = min(len(one), len(other))
    return one[:precision] > other[:precision]


def _day(moment: str) -> str:
    """A day, month or year as it is; a moment's day in UTC, as FHIRPath compares them."""
    return datetime.fromisoformat(moment).astimezone(UTC).date().isoformat() if "T" in moment else moment


def _ratio(node: Node) -> bool:
    numerator = "numerator" in node
    return numerator == ("denominator" in node) and (numerator or "extension" in node)


def _extension(node: Node) -> bool:
    return ("extension" in node) != any(name.startswith(("value", "_value")) for name in node)


def _organization(node: Node) -> bool:
    return "identifier" in node or _has(node, "name")


def _entries(bundle: Node) -> list[Node]:
    entries = bundle.get("entry")
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _total_is_of_a_list(bundle: Node) -> bool:
    return not _has(bundle, "total") or bundle.get("type") in ("searchset", "history")


def _search_is_of_a_search(bundle: Node) -> bool:
    return bundle.get("type") == "searchset" or not any("search" in entry for entry in _entries(bundle))


def _requests_fit(bundle: Node) -> bool:
    wanted = bundle.get("type") in ("batch", "transaction", "history")
    return all(("request" in entry) == wanted for entry in _entries(bundle))


def _responses_fit(bundle: Node) -> bool:
    wanted = bundle.get("type") in ("batch-response", "transaction-response", "history")
    return all(("response" in entry) == wanted for entry in _entries(bundle))


def _full_urls_are_unique(bundle: Node) -> bool:
    if bundle.get("type") == "history":
        return True
    seen = set()
    for entry in _entries(bundle):
        url = entry.get("fullUrl")
        if isinstance(url, str):
            name = url + _version(entry)
            if name in seen:
                return False
            seen.add(name)
    return True


def _version(entry: Node) -> str:
    resource = entry.get("resource")
    meta = resource.get("meta") if isinstance(resource, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else ""


def _is_of_no_version(entry: Node) -> bool:
    url = entry.get("fullUrl")
    return not isinstance(url, str) or "/_history/" not in url


def _is_no_home(node: Node) -> bool:
    return node.get("use") != "home"


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "att-1": _first_needs("data", "contentType"),
        "bdl-1": _total_is_of_a_list,
        "bdl-2": _search_is_of_a_search,
        "bdl-3": _requests_fit,
        "bdl-4": _responses_fit,
        "bdl-5": _any_of("resource", "request", "response"),
        "bdl-7": _full_urls_are_unique,
        "bdl-8": _is_of_no_version,
        "cpt-2": _first_needs("value", "system"),
        "ext-1": _extension,
        "org-1": _organization,
        "org-2": _is_no_home,
        "org-3": _is_no_home,
        "pat-1": _any_of("name", "telecom", "address", "organization"),
        "per-1": _period,
        "qty-3": _first_needs("code", "system"),
        "rat-1": _ratio,
        "sqty-1": lambda node: not _has(node, "comparator"),
    }
)

GERMAN: Mapping[str, str] = MappingProxyType(
    {
        "att-1": "zu data gehört contentType",
        "bdl-1": "total gibt es nur bei searchset und history",
        "bdl-2": "entry.search gibt es nur bei searchset",
        "bdl-3": "entry.request muss es bei batch, transaction und history geben, sonst nicht",
        "bdl-4": "entry.response muss es bei batch-response, transaction-response und history geben, sonst nicht",
        "bdl-5": "ein Eintrag braucht resource, request oder response",
        "bdl-7": "eine fullUrl darf es nur einmal geben, außer mit verschiedener meta.versionId",
        "bdl-8": "fullUrl nennt keine Version (_history)",
        "cpt-2": "zu value gehört system",
        "dom-3": "auf eine enthaltene Ressource muss verwiesen werden, oder sie verweist auf die umgebende (#)",
        "dom-4": "eine enthaltene Ressource hat weder meta.versionId noch meta.lastUpdated",
        "dom-5": "eine enthaltene Ressource hat kein meta.security",
        "dom-6": "eine Ressource sollte einen lesbaren Text haben (text.div)",
        "ext-1": "eine Erweiterung hat entweder einen Wert oder Erweiterungen, nicht beides und nicht keines",
        "org-1": "eine Organization hat mindestens einen Namen oder einen Identifier",
        "org-2": "die Adresse einer Organization ist nie von der Art home",
        "org-3": "die Rufnummer einer Organization ist nie von der Art home",
        "pat-1": "ein Kontakt hat mindestens name, telecom, address oder organization",
        "per-1": "start darf nicht nach end liegen",
        "qty-3": "zu code gehört system",
        "rat-1": "numerator und denominator gibt es beide oder keines; fehlen beide, so braucht es eine Erweiterung",
        "sqty-1": "hier gibt es keinen comparator",
    }
)
"""What the rules say that we meet most, in German."""
