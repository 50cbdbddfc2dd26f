from __future__ import annotations

import math
from dataclasses import replace

import pytest

from cpms.domain.errors import Conflict, InvalidInput, NotFound
from cpms.domain.need import Fairness, PhaseSwitching
from cpms.domain.policy import PlanningPolicy
from cpms.domain.site import Feeder
from cpms.domain.units import Phase
from data.store import Store
from tests.data.examples import NOW, SITE, build, station


async def test_a_site_comes_back_with_its_stations_and_connectors(store: Store) -> None:
    await build(store, station("CP-1", 2), station("CP-2", 1))
    found = await store.site("depot")
    assert found == replace(SITE, stations=(station("CP-1", 2), station("CP-2", 1)))
    assert await store.sites() == (found,)
    assert await store.station("CP-2") == station("CP-2", 1)


async def test_how_a_connector_switches_phases_is_kept_and_may_be_taken_back(store: Store) -> None:
    (plain,) = station(connectors=1).connectors
    switching = replace(plain, switching=PhaseSwitching(Phase.L3, 900.0))
    await build(store, replace(station(), connectors=(switching,)))
    assert (await store.station("CP-1")).connectors == (switching,)
    await store.change_station(station(connectors=1), NOW)
    assert (await store.station("CP-1")).connectors == (plain,)


async def test_changing_a_site_keeps_its_stations(store: Store) -> None:
    await build(store)
    await store.put_site(replace(SITE, name="Yard", solar=None, import_limit_kw=None, region=None))
    assert await store.site("depot") == replace(
        SITE, name="Yard", solar=None, import_limit_kw=None, region=None, stations=(station(),)
    )


async def test_what_the_operator_wants_of_plans_is_kept(store: Store) -> None:
    policy = PlanningPolicy(Fairness.MAX_MIN, chance_level=0.99, shortfall_price_per_kwh=1.5)
    await build(store)
    await store.put_site(replace(SITE, policy=policy, export_limit_kw=11.0))
    found = await store.site("depot")
    assert (found.policy, found.export_limit_kw) == (policy, 11.0)
    await store.put_site(SITE)
    assert (await store.site("depot")).policy == PlanningPolicy()


async def test_a_feeder_on_which_a_station_stands_cannot_go(store: Store) -> None:
    await build(store)
    with pytest.raises(InvalidInput, match="feeder_id"):
        await store.put_site(replace(SITE, feeders=(Feeder("grid", 100.0),)))
    assert (await store.site("depot")).feeders == SITE.feeders


async def test_a_station_exists_once_in_all_sites(store: Store) -> None:
    await build(store)
    await store.put_site(replace(SITE, id="other"))
    with pytest.raises(Conflict):
        await store.add_station(station(site_id="other"), None)
    assert (await store.site("other")).stations == ()


async def test_a_station_needs_a_site_a_feeder_and_a_proper_identity(store: Store) -> None:
    with pytest.raises(NotFound, match="depot"):
        await store.add_station(station(), None)
    await store.put_site(SITE)
    with pytest.raises(InvalidInput, match="feeder_id"):
        await store.add_station(replace(station(), feeder_id="south"), None)
    with pytest.raises(InvalidInput, match="id"):
        await store.add_station(station("CP/1"), None)
    with pytest.raises(InvalidInput, match="connectors"):
        await store.add_station(replace(station(), connectors=station("CP-2").connectors), None)
    with pytest.raises(NotFound, match="CP-1"):
        await store.station("CP-1")


async def test_a_number_that_is_not_finite_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput):
        await store.put_site(replace(SITE, reserved_other_load_kw=math.nan))
    with pytest.raises(NotFound):
        await store.site("depot")
