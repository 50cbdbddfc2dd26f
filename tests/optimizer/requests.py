"""Small requests to plan for, with one word per wish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import ChargingNeed, DemandPrice, FeederCap, PlanRequest
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, Phase

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


def steps(count: int, minutes: int = 60) -> tuple[Interval, ...]:
    length = timedelta(minutes=minutes)
    return tuple(Interval(NOW + t * length, NOW + (t + 1) * length) for t in range(count))


def feeder(
    count: int,
    name: str = "root",
    parent: str | None = None,
    limit_a: float = 100.0,
    import_kw: float | None = None,
    other_load_kw: float = 0.0,
) -> FeederCap:
    return FeederCap(
        name, parent, (limit_a,) * count, (import_kw,) * count, (other_load_kw,) * count, ("grid connection",) * count
    )


def need(
    name: str = "a",
    energy_kwh: float = 10.0,
    hours: float = 4.0,
    *,
    feeder_id: str = "root",
    phases: tuple[Phase, ...] = PHASES,
    max_current_a: float = 16.0,
    min_current_a: float = 6.0,
    step_a: float = 0.1,
    priority: int = 0,
    arrives_h: float | None = None,
) -> ChargingNeed:
    return ChargingNeed(
        session_id=name,
        connector=ConnectorKey(f"station-{name}", 1),
        feeder_id=feeder_id,
        energy_kwh=energy_kwh,
        departs_at=NOW + timedelta(hours=hours),
        phases=phases,
        max_current_a=max_current_a,
        min_current_a=min_current_a,
        step_a=step_a,
        priority=priority,
        arrives_at=None if arrives_h is None else NOW + timedelta(hours=arrives_h),
    )


def request(
    *needs: ChargingNeed,
    count: int = 4,
    minutes: int = 60,
    feeders: tuple[FeederCap, ...] | None = None,
    price: tuple[float, ...] | None = None,
    export_price: tuple[float, ...] | None = None,
    solar_kw: tuple[float, ...] | None = None,
    other_load_kw: tuple[float, ...] | None = None,
    demand: tuple[DemandPrice, ...] = (),
    gap_target: float = 0.001,
) -> PlanRequest:
    zero = (0.0,) * count
    return PlanRequest(
        id="r1",
        site_id="site",
        requested_at=NOW,
        steps=steps(count, minutes),
        voltage_v=230.0,
        feeders=feeders or (feeder(count),),
        needs=needs,
        import_price_per_kwh=price or (0.2,) * count,
        export_price_per_kwh=export_price or zero,
        solar_kw=solar_kw or zero,
        other_load_kw=other_load_kw or zero,
        demand=demand,
        gap_target=gap_target,
    )
