from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.units import current_a, floor_to_setpoint, floor_to_step, power_kw


def test_sixteen_amperes_on_three_phases_are_eleven_kilowatts() -> None:
    assert round(power_kw(16.0, 230.0, 3), 2) == 11.04


def test_power_and_current_are_inverse() -> None:
    assert current_a(power_kw(13.7, 230.0, 3), 230.0, 3) == 13.7


def test_every_tenth_of_an_ampere_is_its_own_floor() -> None:
    wrong = [i for i in range(641) if floor_to_step(i / 10, 0.1) != i / 10]
    assert wrong == []


@given(st.floats(0, 100), st.sampled_from([0.1, 0.5, 1.0]))
def test_a_floored_value_never_exceeds_the_value(value: float, step: float) -> None:
    assert floor_to_step(value, step) <= value + 1e-9


@given(st.floats(-5, 100), st.floats(6, 63), st.sampled_from([0.1, 1.0]))
def test_a_setpoint_is_zero_or_between_minimum_and_maximum(wanted_a: float, max_a: float, step_a: float) -> None:
    setpoint_a = floor_to_setpoint(wanted_a, max_a, step_a)
    assert setpoint_a == 0.0 or 6.0 <= setpoint_a <= min(max_a, wanted_a) + 1e-9


def test_a_minimum_off_the_grid_of_steps_is_never_undercut() -> None:
    assert floor_to_setpoint(6.9, 32.0, 1.0, min_current_a=6.5) == 0.0
