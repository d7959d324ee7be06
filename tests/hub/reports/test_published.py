"""No number that is shown, and no difference of such numbers, says of how few searches it comes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hub.reports.published import BASE, Missed, by_care_form, by_need, draw_of, published, rounded

DISTRICTS = ("03453", "03460")
FORMS = ("dauerpflege", "kurzzeitpflege", "kurzzeitpflege-solitaer", "tagespflege")
NEEDS = ("demenz", "dialyse", "rollstuhl")


def some(codes: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(codes), max_size=2).map(lambda those: tuple(sorted(those)))


CELLS = st.lists(
    st.builds(
        Missed,
        day=st.integers(20779, 20781),
        district=st.sampled_from(DISTRICTS),
        municipality=st.sampled_from(("", "Cloppenburg", "Vechta")),
        care_forms=some(FORMS),
        needs=some(NEEDS),
        searches=st.integers(1, 40),
    ),
    unique_by=lambda cell: replace(cell, searches=0),
    max_size=30,
)


def told(cells: list[Missed], draw: Callable[[Missed], int]) -> object:
    """All that is ever shown of cells: each of them, and every total."""
    shown = published(cells, draw)
    return shown, by_care_form(shown), by_need(shown), sum(cell.searches for cell in shown)


def other_count(cell: Missed, draw: int) -> tuple[int, int]:
    """Another count that is not 1 to 4, and a chance by which it is shown as the same."""
    shown = rounded(cell.searches, draw)
    return (0, 0) if shown == 0 else (shown, 0)


@given(CELLS, st.binary(min_size=1, max_size=8))
def test_whoever_sees_all_of_it_cannot_tell_a_small_count_from_one_that_is_none(
    cells: list[Missed], secret: bytes
) -> None:
    draw = draw_of(secret)
    small = [cell for cell in cells if cell.searches < BASE]
    other = {replace(cell, searches=0): other_count(cell, draw(cell)) for cell in small}
    # Another world, in which no count is 1 to 4 and chance drew otherwise: what is shown of it is the same.
    world = [replace(cell, searches=other.get(replace(cell, searches=0), (cell.searches, 0))[0]) for cell in cells]

    def drawn(cell: Missed) -> int:
        named = replace(cell, searches=0)
        return other[named][1] if named in other else draw(cell)

    assert not [cell for cell in world if 0 < cell.searches < BASE]
    assert told(world, drawn) == told(cells, draw)


@given(st.integers(0, 100_000), st.integers(0, 4))
def test_every_number_is_a_multiple_of_five_less_than_five_away(count: int, draw: int) -> None:
    shown = rounded(count, draw)
    assert shown % BASE == 0
    assert abs(shown - count) < BASE


@given(st.integers(0, 1000))
def test_it_is_right_on_average(count: int) -> None:
    assert sum(rounded(count, draw) for draw in range(BASE)) == BASE * count


def test_chance_is_drawn_evenly_and_always_alike() -> None:
    cells = [
        Missed(day=day, district="03453", municipality="", care_forms=(), needs=(), searches=1) for day in range(2000)
    ]
    draw = draw_of(b"secret")
    counts = Counter(map(draw, cells))
    assert set(counts) == set(range(BASE))
    assert min(counts.values()) > 300
    assert [draw(cell) for cell in cells] == [draw_of(b"secret")(replace(cell, searches=7)) for cell in cells]
    assert [draw(cell) for cell in cells] != [draw_of(b"other")(cell) for cell in cells]
    # So a thousand single searches are about a thousand in the total, and none of them is seen.
    assert 1800 < sum(cell.searches for cell in published(cells, draw)) < 2200


def test_a_search_counts_once_in_each_row() -> None:
    cell = Missed(
        day=1,
        district="03453",
        municipality="Cloppenburg",
        care_forms=("kurzzeitpflege", "kurzzeitpflege-solitaer"),
        needs=("demenz", "dialyse"),
        searches=10,
    )
    assert by_care_form([cell]) == {
        (1, "03453", form): 10 for form in ("", "kurzzeitpflege", "kurzzeitpflege-solitaer")
    }
    assert by_need([cell]) == {("03453", "Cloppenburg", need): 10 for need in ("", "demenz", "dialyse")}
