"""The work list of identity over HTTP."""

from collections.abc import Mapping
from typing import Any

from hub.errors import Malformed
from hub.identity_work import ACTIONS, IdentityWork
from hub.work_list_endpoint import MOST, WorkListEndpoint
from mappings.errors import Issue

__all__ = ["IdentityEndpoint"]


class IdentityEndpoint(WorkListEndpoint):
    """`GET proposals`, `decisions` and `facilities/{id}`; `POST confirm`, `refuse`, `merge`, `split` and `undo` with
    `{"facilities": […], "decision": …, "who": …, "why": …}`."""

    prefix = "/identity/"
    actions = ACTIONS
    lists = ("proposals, decisions, facilities/{Id}", "proposals, decisions, facilities/{id}")
    expected = Issue(
        code="identity-body",
        fhir_code="structure",
        place="http",
        text_de='erwartet wird {"facilities": ["Id", …], "who": "…", "why": "…"}, bei undo {"decision": Nummer, …}',
        text_en='expected {"facilities": ["id", …], "who": "…", "why": "…"}, for undo {"decision": number, …}',
    )

    def __init__(self, work: IdentityWork) -> None:
        self._work = work

    def read(self, name: str, _query: Mapping[str, str], /) -> dict[str, Any] | None:
        """The proposals that wait, the latest decisions, or why a facility is what it is."""
        if name == "proposals":
            return self._work.proposals(most=MOST)
        if name == "decisions":
            return self._work.decisions(most=MOST)
        kind, _, facility = name.partition("/")
        return self._work.explain(facility) if kind == "facilities" and facility else None

    def act(self, action: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Joins, refuses, parts or takes back."""
        undone = action == "undo" and "decision" in told
        names = [str(told["decision"])] if undone else told.get("facilities", [])
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise Malformed(self.expected)
        return self._work.act(action, names, who=str(told.get("who", "")), why=str(told.get("why", "")))
