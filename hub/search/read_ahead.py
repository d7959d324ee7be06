"""Reads the free blocks of a view before anybody asks for them: who searches first would wait for all of them."""

import logging
import math
from contextlib import suppress
from functools import lru_cache

from sqlalchemy import func, select

from hub.errors import TooCostly
from hub.store.blocks import BANDS
from hub.store.database import UNAVAILABLE, Database
from hub.store.prepared import Prepared
from hub.store.tables import VIEWS, Projection

__all__ = ["read_ahead"]

_BEYOND = 2
"""Degrees of latitude: 222 km."""
_log = logging.getLogger(__name__)


def read_ahead(database: Database, projection: Projection) -> None:
    """Reads them band by band, each in a snapshot of its own, and as far beyond all homes as why-not looks; what
    cannot be read now is read when it is asked for.
    """
    try:
        with database.snapshot() as reader:
            south, north = reader.first(_edges(projection.name)) or (None, None)
        if south is None or north is None:
            return
        first, last = (math.floor(south) - _BEYOND) * BANDS, (math.floor(north) + _BEYOND + 1) * BANDS
        for band in range(first, last):
            with suppress(TooCostly), database.snapshot() as reader:
                below = math.nextafter((band + 1) / BANDS, -math.inf)
                reader.blocks[projection.name].read_ahead(reader.all, band / BANDS, below)
        database.close_idle()
    except (TooCostly, *UNAVAILABLE) as error:
        _log.warning("not all places were read ahead: %s", type(error).__name__)


@lru_cache
def _edges(view: str) -> Prepared:
    latitude = VIEWS[view].vacancy.c.latitude
    lowest, highest = (select(edge(latitude)).scalar_subquery() for edge in (func.min, func.max))
    return Prepared(select(lowest, highest))
