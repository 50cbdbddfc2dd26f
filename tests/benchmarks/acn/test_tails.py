"""A vehicle is offered what it is foreseen to take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from tests.benchmarks.acn.tails import Tails

NOON = datetime(2019, 7, 1, 12, tzinfo=UTC)


def after(*periods: tuple[float, float, float]) -> Tails:
    """What is known of a vehicle that was offered and took [A], wanting so much before [kWh]."""
    tails = Tails()
    for n, (offered_a, taken_a, missing_kwh) in enumerate(periods):
        tails.learn("a", offered_a, taken_a, missing_kwh, NOON + n * timedelta(minutes=5))
    return tails


@pytest.mark.parametrize("taken_a", [16.0, 0.0], ids=["takes all it is offered", "takes nothing"])
def test_of_a_vehicle_that_leaves_no_part_of_its_offer_no_limit_is_known(taken_a: float) -> None:
    assert after((16.0, taken_a, 5.0)).accepts_a("a", 5.0) == inf


def test_one_that_leaves_some_accepts_in_proportion_to_what_it_still_wants() -> None:
    tails = after((32.0, 20.0, 5.0))
    assert [tails.accepts_a("a", missing_kwh) for missing_kwh in (5.0, 2.5, 0.0)] == [20.0, 10.0, 0.0]


def test_taking_all_of_a_lower_offer_shows_nothing_new_and_leaving_some_again_does() -> None:
    lower = ((32.0, 20.0, 5.0), (16.0, 16.0, 4.0))
    assert after(*lower).accepts_a("a", 2.5) == 10.0
    assert after(*lower, (8.0, 6.0, 2.5)).accepts_a("a", 2.5) == 6.0
