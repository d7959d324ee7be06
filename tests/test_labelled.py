"""How well facilities of three sources are recognised, on an invented set of which the truth is known."""

import pytest

from tests.labelled import evaluated, labelled


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_joined_wrongly_and_little_is_missed(seed: int) -> None:
    figures = evaluated(labelled(seed=seed, size=1_400))
    assert figures.joined > 2_000
    assert figures.precision == 1.0
    assert figures.recall > 0.55, "the others lack the Telematik-ID or the IK in one of the sources"
    assert figures.proposal_precision > 0.9
    assert figures.proposal_recall > 0.95
