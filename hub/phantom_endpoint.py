"""The work list of phantoms over HTTP."""

from collections.abc import Mapping
from typing import Any

from hub.errors import Malformed
from hub.phantom_work import ACTIONS, PhantomWork
from hub.work_list_endpoint import MOST, WorkListEndpoint
from mappings.errors import Issue

__all__ = ["PhantomEndpoint"]


class PhantomEndpoint(WorkListEndpoint):
    """`GET found` (`?source=NAME`) and `decisions`; `POST confirm` and `dismiss` with
    `{"phantom": …, "who": …, "why": …}`."""

    prefix = "/phantoms/"
    actions = ACTIONS
    lists = ("found, decisions", "found, decisions")
    expected = Issue(
        code="phantom-body",
        fhir_code="structure",
        place="http",
        text_de='erwartet wird {"phantom": "Kennung", "who": "…", "why": "…"}',
        text_en='expected {"phantom": "id", "who": "…", "why": "…"}',
    )

    def __init__(self, work: PhantomWork) -> None:
        self._work = work

    def read(self, name: str, query: Mapping[str, str], /) -> dict[str, Any] | None:
        """The phantoms that wait, or the latest decisions."""
        if name == "found":
            return self._work.found(source=query.get("source"))
        if name == "decisions":
            return self._work.decisions(most=MOST)
        return None

    def act(self, action: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Confirms or dismisses one."""
        phantom, who, why = (told.get(key, "") for key in ("phantom", "who", "why"))
        if not all(isinstance(one, str) for one in (phantom, who, why)):
            raise Malformed(self.expected)
        return self._work.act(action, phantom, who=who, why=why)
