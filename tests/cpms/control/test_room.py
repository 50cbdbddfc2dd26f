from datetime import UTC, datetime

import pytest

from cpms.control.bins import Bins
from cpms.control.loads import Loads, Trusted
from cpms.control.room import Room
from cpms.domain.grid import LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.units import Phase

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
KEY = ConnectorKey("S", 1)
BINS = Bins.covering(NOW.timestamp(), NOW.timestamp() + 120.0, 60.0)


def room(limit_a: float = 40.0) -> Room:
    connector = Connector(KEY, rotation_known=True)
    site = Site(
        "x", "X", "UTC", "EUR", (Feeder("r", 100.0), Feeder("f", limit_a, "r")), (Station("S", "x", "f", (connector,)),)
    )
    made = Room(Loads())
    made.adopt(site)
    made.clear(LimitTimeline(site), BINS, 0.0)
    return made


def test_what_a_connector_takes_is_gone_at_every_feeder_above_it_and_comes_back():
    kept = room()
    kept.take(KEY, [16.0] * BINS.count)
    assert kept.now("f")[:3] == (24.0, 24.0, 24.0)
    assert kept.now("r")[:3] == (84.0, 84.0, 84.0)
    kept.take(KEY, [-16.0] * BINS.count)
    assert kept.left == kept.limits


def test_room_for_a_connector_is_what_its_narrowest_feeder_leaves():
    kept = room()
    kept.take(KEY, [16.0] * BINS.count)
    assert kept.for_a(KEY, [16.0] * BINS.count, kept.loads.now(KEY)) == pytest.approx([24.0] * BINS.count)


def test_on_more_phases_than_it_is_trusted_to_use_there_is_less_room_by_what_it_draws_already():
    kept = room()
    kept.loads.trust(KEY, Trusted((Phase.L1,), Phase.L1))
    kept.take(KEY, [16.0] * BINS.count)
    assert kept.now("f")[:3] == (24.0, 40.0, 40.0)
    assert kept.for_a(KEY, [16.0] * BINS.count, kept.loads.if_told(KEY, None)) == pytest.approx([24.0] * BINS.count)


def test_only_bins_in_which_a_feeder_lacks_room_are_lacking():
    kept = room(limit_a=10.0)
    taken = [0.0] * BINS.count
    taken[1] = 16.0
    kept.take(KEY, taken)
    assert kept.lacking(KEY, 1e-6) == [index == 1 for index in range(BINS.count)]
