"""A vehicle is offered what it showed that it takes."""

from __future__ import annotations

from tests.benchmarks.acn.acceptance import Acceptance

SETPOINTS_A = (8.0, 16.0, 24.0, 32.0)


def test_a_vehicle_is_offered_everything_until_it_leaves_some() -> None:
    seen = Acceptance()
    assert seen.highest_a("a", SETPOINTS_A) == 32.0
    seen.learn({"a": 16.0}, {"a": 16.0})
    assert seen.highest_a("a", SETPOINTS_A) == 32.0


def test_then_the_highest_setpoint_that_it_takes_whole_and_no_more_again() -> None:
    seen = Acceptance()
    seen.learn({"a": 32.0}, {"a": 19.0})
    assert seen.highest_a("a", SETPOINTS_A) == 16.0
    seen.learn({"a": 16.0}, {"a": 16.0})
    assert seen.highest_a("a", SETPOINTS_A) == 16.0


def test_nearly_full_it_is_offered_the_least_there_is() -> None:
    seen = Acceptance()
    seen.learn({"a": 8.0}, {"a": 3.0})
    assert seen.highest_a("a", SETPOINTS_A) == 8.0


def test_a_vehicle_that_takes_nothing_shows_nothing() -> None:
    seen = Acceptance()
    seen.learn({"a": 16.0}, {"a": 0.0})
    assert seen.highest_a("a", SETPOINTS_A) == 32.0
