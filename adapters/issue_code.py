"""The published issue codes (`CodeSystem/ingest-issue`): what each is called, and whether sending again helps."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from conformance import spec

__all__ = ["SYSTEM", "IssueCode", "published"]

SYSTEM = spec.canonical("CodeSystem", "ingest-issue")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCode:
    """A code as it is published; `resend` is `corrected`, `again`, `no` or `unneeded`."""

    display_de: str
    display_en: str
    resend: str


@cache
def published() -> Mapping[str, IssueCode]:
    """Every published code, by its name."""
    (system,) = (one for one in spec.load("CodeSystem") if one["url"] == SYSTEM)
    return MappingProxyType(
        {
            one["code"]: IssueCode(
                display_de=next(said["value"] for said in one["designation"] if said["language"] == "de"),
                display_en=one["display"],
                resend=one["property"][0]["valueString"],
            )
            for one in system["concept"]
        }
    )
