from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.errors import UnsafeConfiguration
from cpms.domain.grid import (
    DemandResponseEvent,
    EventStatus,
    Grant,
    GridLimit,
    LimitPeriod,
    LimitTimeline,
    require_safe,
)
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.units import Phase

NOON = datetime(2024, 6, 12, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = ConnectorKey("S1", 1)


def site(fallback_a: float = 6.0, reserved_kw: float = 0.0, import_kw: float | None = None) -> Site:
    stations = tuple(
        Station(f"S{n}", "site", "grid", (Connector(ConnectorKey(f"S{n}", 1), fallback_current_a=fallback_a),))
        for n in (1, 2)
    )
    return Site(
        "site", "Site", "UTC", "EUR", (Feeder("grid", 63.0),), stations,
        import_limit_kw=import_kw, reserved_other_load_kw=reserved_kw,
    )  # fmt: skip


def event(limit_kw: float, status: EventStatus = EventStatus.ACTIVE) -> DemandResponseEvent:
    return DemandResponseEvent("e", "site", "evening peak", NOON, NOON + HOUR, limit_kw, status=status)


def test_the_lowest_limit_wins_while_it_holds() -> None:
    limits = [GridLimit("l", "grid", limit_kw=30.0, reason="works"), GridLimit("m", "grid", limit_a=50.0)]
    timeline = LimitTimeline.of(site(import_kw=40.0), limits, [event(20.0)])
    assert timeline.at("grid", NOON - HOUR).limit_kw == 30.0
    assert timeline.at("grid", NOON).limit_kw == 20.0
    assert timeline.at("grid", NOON).reason == "evening peak"
    assert timeline.at("grid", NOON + HOUR).limit_kw == 30.0
    assert timeline.at("grid", NOON).limit_a == 50.0


def test_an_expired_event_never_raises_above_the_static_limit() -> None:
    timeline = LimitTimeline.of(site(import_kw=40.0), [], [event(100.0)])
    assert timeline.at("grid", NOON).limit_kw == 40.0
    assert timeline.at("grid", NOON).reason == "grid connection"


def test_a_cancelled_event_limits_nothing() -> None:
    timeline = LimitTimeline.of(site(), [], [event(20.0, EventStatus.CANCELLED)])
    assert timeline.at("grid", NOON).limit_kw is None


def test_breakpoints_are_where_limits_change() -> None:
    timeline = LimitTimeline.of(site(), [], [event(20.0)])
    assert timeline.breakpoints(NOON - HOUR, NOON + 2 * HOUR) == [NOON, NOON + HOUR]
    assert timeline.breakpoints(NOON, NOON + HOUR) == []


def test_fallbacks_below_every_limit_are_safe() -> None:
    require_safe(LimitTimeline.of(site(), [GridLimit("l", "grid", limit_kw=20.0)], [event(15.0)]), NOON - HOUR)


def test_a_limit_below_the_sum_of_fallbacks_is_refused_with_the_cure() -> None:
    with pytest.raises(
        UnsafeConfiguration, match=r"limits\[grid\].limit_kw: 5 kW .* below the 9.1 kW .* raise the limit"
    ):
        require_safe(LimitTimeline.of(site(), [GridLimit("l", "grid", limit_kw=5.0)]), NOON)


def test_a_fuse_below_fallbacks_and_reserved_load_is_refused_by_phase() -> None:
    with pytest.raises(UnsafeConfiguration, match=r"limits\[grid\].limit_a: 63 A on L1"):
        require_safe(LimitTimeline.of(site(reserved_kw=40.0)), NOON)


def test_an_event_in_the_future_is_checked_now() -> None:
    with pytest.raises(UnsafeConfiguration, match="evening peak"):
        require_safe(LimitTimeline.of(site(), [], [event(3.0)]), NOON - 5 * HOUR)


def test_fallbacks_count_on_their_own_phases_only() -> None:
    one_phase = tuple(
        Station(f"S{n}", "s", "grid", (Connector(ConnectorKey(f"S{n}", 1), (phase,), fallback_current_a=6.0),))
        for n, phase in enumerate(Phase)
    )
    require_safe(LimitTimeline.of(Site("s", "S", "UTC", "EUR", (Feeder("grid", 6.0),), one_phase)), NOON)


def test_a_grant_says_its_periods_and_falls_back_when_its_lease_ends() -> None:
    periods = (LimitPeriod(NOON, 16.0), LimitPeriod(NOON + HOUR, 10.0))
    grant = Grant("g", "site", KEY, 1, NOON, 6.0, "tx", periods, NOON + 2 * HOUR)
    instants = [NOON - HOUR, NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert [grant.limit_a_at(at) for at in instants] == [16.0, 16.0, 10.0, 6.0]
    assert not grant.is_base


def test_a_base_grant_says_its_fallback_for_ever() -> None:
    grant = Grant("g", "site", KEY, 1, NOON, 6.0)
    assert grant.is_base
    assert grant.limit_a_at(NOON + timedelta(days=365)) == 6.0
