"""What is tested here are answers, not machines: a search may be kept waiting by others that work on the same one."""

import pytest

from hub.store import database
from hub.store.reader import SECONDS

_TIMES = 20


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search may take longer than those that are served."""
    monkeypatch.setattr(database, "SECONDS", _TIMES * SECONDS)
