"""Made-up sites for the planner's ladder and tests: seeded, with a two-level three-phase feeder tree, sun, time-of-use price."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import ChargingNeed, DemandPrice, FeederCap, PlanRequest
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, power_kw

START = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)
VOLTAGE_V = 230.0
CONNECTORS_PER_FEEDER = 10
SCARCE_SHARE = 0.8
"""Of the mean power that would carry all the energy: what the root's fuse leaves where energy is scarce."""


def made_up_request(
    connectors: int, steps: int = 96, step_min: int = 15, scarce: bool = False, seed: int = 1, step_a: float = 0.1
) -> PlanRequest:
    """A day of `connectors` vehicles. With room, or scarce: about a quarter of the energy cannot be had."""
    rng = random.Random(seed)
    horizon = _steps(steps, step_min)
    feeder_count = max(1, connectors // CONNECTORS_PER_FEEDER)
    needs = tuple(_need(rng, n, feeder_count, horizon, step_a) for n in range(connectors))
    nameplate_kw = sum(power_kw(n.max_current_a, VOLTAGE_V, len(n.phases)) for n in needs)
    hours = [t.starts_at.hour + t.starts_at.minute / 60 for t in horizon]
    solar = tuple(
        0.15 * nameplate_kw * max(0.0, math.sin(math.pi * (h - 5) / 14)) if 5 < h < 19 else 0.0 for h in hours
    )
    other = tuple(0.03 * nameplate_kw * (1 + 0.5 * math.sin(h / 24 * 2 * math.pi)) for h in hours)
    price = tuple(0.12 if h < 7 or h >= 22 else 0.32 if 16 <= h < 20 else 0.2 for h in hours)
    return PlanRequest(
        id=f"made-up-{connectors}",
        site_id="made-up",
        requested_at=START,
        steps=horizon,
        voltage_v=VOLTAGE_V,
        feeders=_feeders(needs, feeder_count, nameplate_kw, steps, scarce),
        needs=needs,
        import_price_per_kwh=price,
        export_price_per_kwh=tuple(0.05 for _ in horizon),
        solar_kw=solar,
        other_load_kw=other,
        demand=(DemandPrice(12.0, 0.05 * nameplate_kw, tuple(True for _ in horizon)),),
    )


def under_one_cap(asked: PlanRequest) -> PlanRequest:
    """The same vehicles at one grid connection, capped in kW alone: no feeders, no phases."""
    root, count = asked.feeders[0], len(asked.steps)
    return replace(
        asked,
        feeders=(replace(root, limit_a=(1e6,) * count),),
        needs=tuple(replace(need, feeder_id=root.feeder_id) for need in asked.needs),
    )


def _steps(count: int, step_min: int) -> tuple[Interval, ...]:
    length = timedelta(minutes=step_min)
    return tuple(Interval(START + t * length, START + (t + 1) * length) for t in range(count))


def _need(rng: random.Random, n: int, feeders: int, horizon: tuple[Interval, ...], step_a: float) -> ChargingNeed:
    phases = PHASES if rng.random() < 0.5 else (PHASES[n % 3],)
    max_current_a = rng.choice([16.0, 32.0])
    stay = rng.randint(8, 50)
    first = rng.randint(0, max(0, len(horizon) - stay))
    arrives_at, departs_at = horizon[first].starts_at, horizon[min(first + stay, len(horizon)) - 1].ends_at
    hours = (departs_at - arrives_at).total_seconds() / 3600
    most_kwh = power_kw(max_current_a, VOLTAGE_V, len(phases)) * hours
    return ChargingNeed(
        session_id=f"s{n}",
        connector=ConnectorKey(f"st{n}", 1),
        feeder_id=f"f{n % feeders}",
        energy_kwh=min(rng.uniform(5, 50), 0.8 * most_kwh),
        arrives_at=arrives_at,
        departs_at=departs_at,
        phases=phases,
        max_current_a=max_current_a,
        step_a=step_a,
    )


def _mean_kw(needs: tuple[ChargingNeed, ...]) -> float:
    """Power [kW] that would carry all the energy if it could be spread over the whole time."""
    first = min(n.arrives_at or START for n in needs)
    return sum(n.energy_kwh for n in needs) / ((max(n.departs_at for n in needs) - first).total_seconds() / 3600)


def _feeders(
    needs: tuple[ChargingNeed, ...], count: int, nameplate_kw: float, steps: int, scarce: bool
) -> tuple[FeederCap, ...]:
    """Leaves fused at 0.6 of their nameplate; a root capped at half of it, or fused per phase so that a quarter of the energy
    cannot be had."""
    balanced_a = nameplate_kw * 1000 / VOLTAGE_V / 3
    root_a = SCARCE_SHARE * _mean_kw(needs) * 1000 / VOLTAGE_V / 3 if scarce else 0.6 * balanced_a
    zero = (0.0,) * steps
    cap_kw = (None,) * steps if scarce else (0.5 * nameplate_kw,) * steps
    root = FeederCap("root", None, (root_a,) * steps, cap_kw, zero, ("grid connection",) * steps)
    leaf_a = max(32.0, 0.6 * balanced_a / count)
    return (root, *(FeederCap(f"f{i}", "root", (leaf_a,) * steps, (None,) * steps, zero) for i in range(count)))
