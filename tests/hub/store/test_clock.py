"""Moments as FHIR writes them."""

from datetime import UTC, datetime

import hypothesis.strategies as st
from hypothesis import given

from hub.store.clock import instant, micros

MOMENTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moment=MOMENTS)
def test_an_instant_is_the_moment_to_the_millisecond(moment: datetime) -> None:
    assert instant(micros(moment)) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
