import numpy as np
import pytest

from tests.benchmarks.acn.network import Network
from tests.benchmarks.acn.probes import Wish, wish_of, with_probes

SETPOINTS_A = (8.0, 16.0, 24.0)


def line(limit_a: float, stations: int = 2) -> Network:
    return Network(np.ones((1, stations)), np.zeros(stations), np.array([limit_a]))


@pytest.mark.parametrize(("accepted_a", "wish"), [(15.0, Wish(0, 8.0, 16.0, 15.0)), (5.0, None), (24.0, None)])
def test_who_takes_a_setpoint_whole_and_not_the_next_wishes_for_that(accepted_a, wish):
    assert wish_of(0, SETPOINTS_A, accepted_a) == wish


def test_the_next_setpoint_goes_first_to_who_draws_more_of_it():
    wishes = [wish_of(0, SETPOINTS_A, 9.0), wish_of(1, SETPOINTS_A, 15.0)]
    assert with_probes(np.array([8.0, 8.0]), wishes, line(24.0)).tolist() == [8.0, 16.0]


def test_nobody_is_raised_above_a_limit():
    wishes = [wish_of(n, SETPOINTS_A, 15.0) for n in (0, 1)]
    assert with_probes(np.array([8.0, 8.0]), wishes, line(23.0)).tolist() == [8.0, 8.0]


def test_who_is_planned_with_less_than_it_takes_is_left_as_planned():
    assert with_probes(np.array([0.0, 8.0]), [wish_of(0, SETPOINTS_A, 15.0)], line(100.0)).tolist() == [0.0, 8.0]
