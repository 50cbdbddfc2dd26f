"""The grid promise where connectors are switched between one phase and all, whatever fails (G9)."""

from dataclasses import replace
from itertools import pairwise

import pytest

from cpms.control.effects import AlarmKind
from cpms.control.settings import ControlSettings
from tests.cpms.control.test_closed_loop import commission, kinds, planned_and_given_a
from tests.cpms.control.world import DWELL_S, MANY, NONE, Faults, World, make_site

SOON = ControlSettings(phases_trusted_s=60.0)


def switching_world(seed: int, faults: Faults, limit_a: float = 60.0, **options) -> World:
    print(f"seed {seed}")
    site = make_site(8, limit_a=limit_a, import_kw=36.0, rotations_known=True, switching=True)
    world = World(site, seed, faults, settings=SOON, other_kw=lambda _: 5.0, **options)
    commission(world)
    for key in world.site.connectors:
        world.plug_in(key)
    return world


def trusted_alone(world: World) -> int:
    ledger = world.controller._s.ledger
    return sum(
        account.connector.switching is not None and len(ledger.weights(key)) == 2
        for key, account in ledger.accounts.items()
    )


@pytest.mark.parametrize("seed", range(3))
def test_no_limit_is_exceeded_on_any_phase_while_connectors_switch_and_whatever_fails(seed):
    world = switching_world(seed, MANY)
    counted_alone = 0
    for _ in range(3600):
        assert world.step() == []
        counted_alone = max(counted_alone, trusted_alone(world))
    assert counted_alone > 0, "some were seen to charge on one phase, and counted there alone"
    assert AlarmKind.GRANT_NOT_ADMITTED not in kinds(world)


@pytest.mark.parametrize("seed", range(2))
def test_stations_that_ignore_the_number_of_phases_never_overload_and_are_left_on_all_of_them(seed):
    world = switching_world(seed, replace(NONE, latency_s=(0.0, 5.0)))
    for station in world.stations.values():
        station.ignores_phases = True
    assert world.run(3600) == []
    assert AlarmKind.PHASES_NOT_SWITCHED in kinds(world)
    assert AlarmKind.STATION_DISOBEYS not in kinds(world)
    told = [send.grant.single_phase for at, send in world.sent if (world.now - at).total_seconds() < 900]
    assert set(told) == {None}


def test_nobody_is_switched_before_its_dwell_is_over():
    world = switching_world(3, replace(NONE, latency_s=(0.0, 15.0), lost=0.05, ack_lost=0.05))
    assert world.run(3600) == []
    switches = 0
    for key in world.site.connectors:
        grants = [send.grant for _, send in world.sent if send.grant.connector == key and not send.grant.is_base]
        switched = [b for a, b in pairwise(grants) if a.single_phase != b.single_phase]
        assert all(g.switched_at == g.issued_at for g in switched)
        assert all((b.issued_at - a.issued_at).total_seconds() >= DWELL_S for a, b in pairwise(switched))
        switches += len(switched)
    assert switches > 10


def test_once_shown_one_phase_leaves_the_others_to_others():
    world = switching_world(7, replace(NONE, whims=False))
    world.run(900)
    planned, given = planned_and_given_a(world, 20)
    assert given >= 0.98 * planned > 0
