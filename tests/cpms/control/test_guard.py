from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest

from cpms.control.guard import NO_CAP, FeederGuard
from cpms.control.settings import ControlSettings
from cpms.domain.grid import FeederLimit
from cpms.domain.telemetry import FeederMeasurement

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
LIMIT = FeederLimit(100.0, 50.0)
ROOM = (93.0, 93.0, 93.0, 45.0)


def measure(guard: FeederGuard, second: float, power_kw: float, drawn_kw: float = 40.0, **currents) -> bool:
    at = NOW + timedelta(seconds=second)
    reading = FeederMeasurement("x", "r", at, power_kw, **currents)
    return guard.measured(reading, LIMIT, lambda: [60.0, 60.0, 60.0, drawn_kw], ROOM, 230.0, at)


def test_a_spike_sheds_nothing_and_three_seconds_of_overload_do():
    guard = FeederGuard(ControlSettings())
    assert [measure(guard, s, 52.0) for s in range(4)] == [False, False, False, True]
    assert guard.cap == (inf, inf, inf, pytest.approx(40.0 - 1.05 * 2.0))


def test_an_overload_well_above_the_limit_sheds_at_once():
    guard = FeederGuard(ControlSettings())
    assert measure(guard, 0, 61.0)
    assert guard.cap[3] == pytest.approx(40.0 - 1.05 * 11.0)


@pytest.mark.parametrize("meter_s", [(0, 0, 0, 0), (90, 60, 30, 0)], ids=["stands still", "runs backwards"])
def test_a_meter_whose_clock_is_wrong_is_believed_all_the_same(meter_s):
    guard = FeederGuard(ControlSettings())
    shed = []
    for second, said_s in enumerate(meter_s):
        reading = FeederMeasurement("x", "r", NOW + timedelta(seconds=said_s), 52.0)
        shed.append(
            guard.measured(
                reading, LIMIT, lambda: [60.0, 60.0, 60.0, 40.0], ROOM, 230.0, NOW + timedelta(seconds=second)
            )
        )
    assert shed == [False, False, False, True]


def test_one_overloaded_phase_is_capped_alone():
    guard = FeederGuard(ControlSettings())
    assert measure(guard, 0, 40.0, current_a=(130.0, 50.0, 50.0))
    assert guard.cap == (pytest.approx(60.0 - 31.5), inf, inf, inf)


def test_a_shed_has_time_to_show_before_more_is_shed_and_never_goes_below_nothing():
    guard = FeederGuard(ControlSettings())
    assert [measure(guard, s, 120.0) for s in range(0, 40, 5)] == [True, False, False, True, False, False, True, False]
    assert guard.cap[3] == 0.0


def test_room_is_given_back_by_halves_and_the_cap_goes_when_it_no_longer_binds():
    guard = FeederGuard(ControlSettings())
    measure(guard, 0, 61.0)
    caps = []
    for second in range(10, 600, 10):
        measure(guard, second, 30.0)
        caps.append(guard.cap[3])
    assert caps[0] < 30.0
    assert caps == sorted(caps)
    assert guard.cap == NO_CAP


def test_a_cap_goes_when_the_ledger_permits_no_more_anyway_though_vehicles_use_all_of_it():
    guard = FeederGuard(ControlSettings())
    measure(guard, 0, 61.0)
    for second in range(100, 2000, 100):
        cap_kw = guard.cap[3]
        measure(guard, second, 5.0 + min(45.0, cap_kw))
    assert guard.cap == NO_CAP


@pytest.mark.parametrize("power_kw", [nan, inf, -inf])
def test_a_meter_that_reads_no_number_has_not_spoken(power_kw):
    guard = FeederGuard(ControlSettings())
    assert not measure(guard, 0, power_kw)
    assert guard.fresh_at is None
    measure(guard, 1, 30.0)
    measure(guard, 100, power_kw)
    assert guard.stale(NOW + timedelta(seconds=100))


def test_a_cap_stays_while_the_meter_is_silent():
    guard = FeederGuard(ControlSettings())
    measure(guard, 0, 61.0)
    assert guard.shedding
    assert guard.stale(NOW + timedelta(hours=1))
    assert guard.shedding
