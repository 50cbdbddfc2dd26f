from __future__ import annotations

from collections.abc import Callable

from cpms.simulation.scenario import Day, Visit
from cpms.simulation.traffic import Traffic


def test_vehicles_come_and_go_once_each_in_order(
    make_day: Callable[..., Day], make_visit: Callable[..., Visit]
) -> None:
    traffic = Traffic(make_day([make_visit("b", arrives_s=300), make_visit("a", arrives_s=60, stays_s=240)]))
    assert traffic.next_second == 60
    seen = [(turn.second, visit.connector.station_id, turn.arrives) for turn, visit in traffic.due(300)]
    assert seen == [(60, "a", True), (300, "a", False), (300, "b", True)]
    assert traffic.due(300) == []
    assert [turn.second for turn, _ in traffic.due(10_000)] == [3300]
    assert traffic.next_second is None
