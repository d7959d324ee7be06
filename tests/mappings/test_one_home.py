"""What several modules need is written down in one."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("said", "home"),
    [
        ('ZoneInfo("Europe/Berlin")', "mappings/vacancy.py"),
        ('"(withheld name)"', "mappings/patient_filter.py"),
        ("Fields = Mapping[", "mappings/reader.py"),
    ],
)
def test_it_is_said_once(said: str, home: str) -> None:
    modules = [path for layer in ("conformance", "mappings", "adapters") for path in (ROOT / layer).rglob("*.py")]
    assert [path.relative_to(ROOT).as_posix() for path in modules if said in path.read_text("utf-8")] == [home]
