"""The legal bodies that run facilities, as the search for places knows them."""

from functools import lru_cache

import orjson
from sqlalchemy import bindparam, select

from hub.search import contents
from hub.store.prepared import Prepared, packed_pair
from hub.store.reader import Reader
from hub.store.shown import content
from hub.store.tables import VIEWS, Projection
from hub.store.vacancy_codes import operator_number

__all__ = ["number_of"]


def number_of(reader: Reader, projection: Projection, organization: str) -> int | None:
    """The number of the legal body that an Organization's id stands for; None where there is no such Organization."""
    row = reader.first(_version(projection.name), {"id": organization})
    if row is None:
        return None
    (shown,) = contents.by_version(reader, projection, [packed_pair(*row)])
    return operator_number(str(orjson.loads(content(shown)).get("name", "")))


@lru_cache
def _version(view: str) -> Prepared:
    resource = VIEWS[view].resource
    return Prepared(
        select(resource.c.rid, resource.c.version).where(
            resource.c.type == "Organization", resource.c.id == bindparam("id"), resource.c.deleted.is_(False)
        )
    )
