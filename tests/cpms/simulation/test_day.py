from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from cpms.domain.grid import require_safe
from cpms.simulation.comparison import live
from cpms.simulation.day import RESERVED_OTHER_LOAD_KW, demo_day
from cpms.simulation.scenario import OCPP_16, OCPP_201


def test_the_day_has_what_the_demo_promises() -> None:
    day = demo_day()
    site = day.site
    connectors = site.connectors.values()
    assert len(site.stations) >= 24
    assert len(connectors) > len(site.stations)
    assert {len(c.phases) for c in connectors} == {1, 3}
    assert {round(c.max_power_kw(230), 1) for c in connectors} == {7.4, 11.0, 22.1}
    assert set(day.protocols.values()) == {OCPP_16, OCPP_201}
    assert sum(c.max_power_kw(230) for c in connectors) > 3 * (site.import_limit_kw or 0)
    assert max(len(list(site.path_to_root(f.id))) for f in site.feeders) == 3
    assert 40 <= len(day.visits) <= 50
    assert any(visit.priority for visit in day.visits)


def test_its_limits_can_be_kept_whatever_fails() -> None:
    day = demo_day()
    require_safe(day.timeline, day.starts_at)


@pytest.mark.parametrize("seed", [1, 7, 23])
def test_nobody_parks_where_somebody_stands(seed: int) -> None:
    day = demo_day(seed)
    for key in day.site.connectors:
        stays = sorted((v.arrives_at, v.departs_at) for v in day.visits if v.connector == key)
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(stays))
    assert all(v.arrives_at < v.stated_departs_at <= v.departs_at < day.ends_at for v in day.visits)


def test_the_building_stays_below_what_is_reserved_for_it() -> None:
    assert max(demo_day().other_load_kw) < RESERVED_OTHER_LOAD_KW


def test_the_same_seed_is_the_same_day() -> None:
    assert demo_day(3) == demo_day(3)
    assert demo_day(3) != demo_day(4)


def test_prices_and_sun_are_recorded_values() -> None:
    day = demo_day()
    prices = [float(price.export_price_per_kwh) for price in day.tariff.intervals]
    assert (len(prices), min(prices), max(prices)) == (48, pytest.approx(0.00019), pytest.approx(0.225))
    assert 30 < max(day.solar_kw) < 60
    assert day.history[-1].measured_at < day.starts_at


def _without_help(seed: int) -> Iterator[float]:
    """The day without sun and with the building at its bound: what may be relied on."""
    day = demo_day(seed)
    count = len(day.solar_kw)
    bare = replace(day, solar_kw=(0.0,) * count, other_load_kw=(RESERVED_OTHER_LOAD_KW,) * count)
    result = live(bare, seed, "earliest deadline first")
    yield from (visit.shortfall_kwh for visit in result.visits)


def test_every_need_can_be_met_within_the_limits_even_without_sun() -> None:
    assert max(_without_help(7)) < 0.1
