from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.simulation.comparison import RULES, Share, earliest_deadline_first, equal_sharing, live
from cpms.simulation.scenario import Day, Visit

MakeDay = Callable[..., Day]
MakeVisit = Callable[..., Visit]


def share(wanted_a: list[float], room_a: float, rank: list[float] | None = None) -> Share:
    count = len(wanted_a)
    ranks = np.array(rank or range(count), float)
    return Share(np.array(wanted_a, float), np.ones((1, count)), np.array([room_a], float), ranks)


def test_equal_sharing_gives_everybody_the_same() -> None:
    assert equal_sharing(share([32, 32, 32], 30)).tolist() == pytest.approx([10, 10, 10])


def test_what_one_cannot_use_goes_to_the_others() -> None:
    assert equal_sharing(share([8, 32, 32], 40)).tolist() == pytest.approx([8, 16, 16])


def test_who_came_last_waits_when_shares_would_be_too_small_to_charge() -> None:
    assert equal_sharing(share([32, 32, 32], 15, [3.0, 1.0, 2.0])).tolist() == pytest.approx([0, 7.5, 7.5])


def test_earliest_deadline_first_serves_in_the_order_of_departure() -> None:
    assert earliest_deadline_first(share([32, 32, 32], 45, [3.0, 1.0, 2.0])).tolist() == pytest.approx([0, 32, 13])


@given(
    wanted_a=st.lists(st.sampled_from([0.0, 6.0, 16.0, 32.0]), min_size=1, max_size=6),
    room_a=st.floats(-5, 200),
    name=st.sampled_from(["equal sharing", "earliest deadline first"]),
)
def test_rules_never_use_more_than_there_is_nor_offer_too_little(
    wanted_a: list[float], room_a: float, name: str
) -> None:
    current_a = RULES[name](share(wanted_a, room_a))
    assert current_a.sum() <= max(0.0, room_a) + 1e-6
    assert all(current == 0.0 or current >= 6.0 - 1e-9 for current in current_a)
    assert (current_a <= np.array(wanted_a) + 1e-9).all()


@pytest.mark.parametrize("name", ["equal sharing", "earliest deadline first"])
def test_rules_keep_every_limit_of_a_day(name: str, make_day: MakeDay, make_visit: MakeVisit) -> None:
    visits = [make_visit(station, energy_kwh=20.0) for station in "abc"]
    result = live(make_day(visits, other_kw=8.0, import_limit_kw=30.0), 1, name)
    assert [limit.overload_s for limit in result.limits] == [0, 0, 0]
    assert result.energy_kwh > 10


def test_without_control_the_same_day_exceeds_them(make_day: MakeDay, make_visit: MakeVisit) -> None:
    visits = [make_visit(station, energy_kwh=20.0) for station in "abc"]
    result = live(make_day(visits, other_kw=8.0, import_limit_kw=30.0), 1, "uncontrolled")
    assert all(limit.overload_s > 1000 for limit in result.limits)
    assert result.needs_met == 0  # 32 A on three phases for 50 min are 18.4 kWh


def test_whoever_leaves_while_the_day_ends_is_counted(make_day: MakeDay, make_visit: MakeVisit) -> None:
    result = live(make_day([make_visit(stays_s=9000, energy_kwh=2.0)]), 1, "uncontrolled")
    assert result.needs_met == 1
    assert result.energy_kwh == pytest.approx(2.0, abs=0.01)
