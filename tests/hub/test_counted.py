"""One is said otherwise than many."""

from hub.commands.counted import counted


def test_one_and_many() -> None:
    assert [counted(count, "record", "de") for count in (0, 1, 2)] == ["0 Datensätze", "1 Datensatz", "2 Datensätze"]
    assert [counted(count, "offer", "en") for count in (0, 1, 2)] == ["0 offers", "1 offer", "2 offers"]
