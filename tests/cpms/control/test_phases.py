"""What a meter shows of the phases in use, beside what was told."""

from datetime import UTC, datetime, timedelta

import pytest

from cpms.control.phases import ON_ALL, PhaseProof, Told, proof_after
from cpms.domain.units import PHASES, Phase

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
L1, L2 = Phase.L1, Phase.L2
TOLD_L1: Told = frozenset({L1})


def shown(told: Told, used: tuple[Phase, ...], minutes: int = 4, earlier: PhaseProof | None = None) -> PhaseProof:
    """The proof after samples every minute."""
    for minute in range(minutes + 1):
        earlier = proof_after(earlier, told, PHASES, used, NOW + timedelta(minutes=minute))
    return earlier or PhaseProof()


def test_what_was_told_is_shown_by_drawing_on_it_alone_for_long_enough():
    assert shown(TOLD_L1, (L1,)).shows(3, 180.0) == (L1,)
    assert shown(TOLD_L1, (L1,), minutes=2).shows(3, 180.0) is None
    assert not shown(TOLD_L1, (L1,)).refutes(180.0)


@pytest.mark.parametrize("used", [(L2,), (L1, L2), PHASES])
def test_other_phases_than_the_one_that_was_told_show_that_it_is_not_done(used: tuple[Phase, ...]):
    proof = shown(TOLD_L1, used)
    assert proof.shows(3, 180.0) is None
    assert proof.refutes(180.0)


def test_while_a_change_is_under_way_nothing_is_shown():
    proof = shown(ON_ALL | TOLD_L1, (L1,))
    assert (proof.shows(3, 0.0), proof.refutes(0.0)) == (None, False)


def test_what_was_shown_is_not_taken_over_when_something_else_is_told():
    before = shown(TOLD_L1, (L1,))
    assert shown(ON_ALL, (L1,), minutes=0, earlier=before).shows(3, 0.0) is None, "all phases were seen of this vehicle"
    again = shown(TOLD_L1, (L1,), minutes=0, earlier=shown(ON_ALL, PHASES, minutes=0, earlier=before))
    assert again.drawn_s == 0.0
