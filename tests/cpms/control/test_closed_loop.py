"""The grid promise, lived: real currents, whatever fails (G2, G3, G4, G8, G14)."""

from datetime import timedelta

import pytest

from cpms.domain.grid import DemandResponseEvent
from tests.cpms.control.world import MANY, START, World, make_site


def commission(world: World) -> None:
    """Until a default is confirmed nobody can promise anything; vehicles come afterwards."""
    world.connect_all()
    while not all(c.confirmed for c in world.controller.state(world.now).connectors):
        world.step()


def busy_world(seed: int, faults=MANY, **options) -> World:
    print(f"seed {seed}")
    world = World(make_site(8, limit_a=70.0, import_kw=36.0), seed, faults, other_kw=lambda _: 5.0, **options)
    commission(world)
    for key in world.site.connectors:
        world.plug_in(key)
    return world


@pytest.mark.parametrize("seed", range(6))
def test_no_limit_is_ever_exceeded_whatever_fails(seed):
    event = DemandResponseEvent("e", "site", "evening", START + timedelta(hours=2), START + timedelta(hours=3), 14.0)
    world = busy_world(seed, events=(event,))
    assert world.run(4 * 3600) == []
