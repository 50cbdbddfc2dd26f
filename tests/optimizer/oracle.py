"""An independent check of plans, straight from the request: no code of the optimizer."""

from __future__ import annotations

import cmath
import itertools
from collections.abc import Iterator
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from cpms.domain.contract import UncertainLoad
from cpms.domain.plan import ChargingNeed, FeederCap, PhasorLimit, Plan, PlanRequest, SessionPlan
from cpms.domain.units import PHASES, Phase


def hours_of(request: PlanRequest, need: ChargingNeed) -> list[float]:
    """Hours [h] of each step in which the need's vehicle is there."""
    arrives_at = need.arrives_at or request.steps[0].starts_at
    return [
        max(0.0, (min(step.ends_at, need.departs_at) - max(step.starts_at, arrives_at)).total_seconds() / 3600)
        for step in request.steps
    ]


def energy_kwh(request: PlanRequest, need: ChargingNeed, session: SessionPlan) -> float:
    """What the need gets [kWh], less what has to be charged again for what its vehicle gives."""
    hours = hours_of(request, need)
    given_kwh = sum(h * p for h, p in zip(hours, session.discharge_kw or [0.0] * len(hours), strict=True))
    lost_kwh = given_kwh / need.v2g.efficiency if need.v2g else 0.0
    return sum(h * p for h, p in zip(hours, session.power_kw, strict=True)) - lost_kwh


def held_kwh(request: PlanRequest, need: ChargingNeed, session: SessionPlan) -> list[float]:
    """What a vehicle that may give holds after each step [kWh], until it is full."""
    assert need.battery is not None
    assert need.v2g is not None
    held = [need.battery.soc * need.battery.capacity_kwh]
    for h, taken, given in zip(hours_of(request, need), session.power_kw, session.discharge_kw, strict=True):
        held.append(min(held[-1] + h * (taken - given / need.v2g.efficiency), need.battery.capacity_kwh))
    return held[1:]


def assert_certified(made: Plan) -> None:
    """It has a bound at most its value, which is the sum of its terms."""
    assert made.objective is not None
    assert made.bound is not None
    assert made.bound <= made.objective
    assert sum(made.cost_by_term.values()) == pytest.approx(made.objective)


def flowing_a(need: ChargingNeed, session: SessionPlan, t: int) -> float:
    """What flows on into a step [A per phase]: what is set before, but a switch of phases interrupts it."""
    if need.switching is not None:
        single = session.single_phase[t - 1] if t else need.on_single_phase
        if single != session.single_phase[t]:
            return 0.0
    return session.current_a[t - 1] if t else need.current_a


def starts(need: ChargingNeed, session: SessionPlan) -> int:
    """How often charging begins after what is frozen."""
    planned = range(len(need.frozen_a), len(session.current_a))
    return sum(session.current_a[t] > 0 >= flowing_a(need, session, t) for t in planned)


def rises_gently(request: PlanRequest, need: ChargingNeed, session: SessionPlan) -> bool:
    """Whether what is planned after what is frozen never rises faster than allowed."""
    least_a = min((a for a in need.setpoints_a if a >= need.min_current_a), default=need.min_current_a)
    for t in range(len(need.frozen_a), len(session.current_a)):
        flowing, rise_a = flowing_a(need, session, t), float("inf")
        if need.max_rise_a_per_min is not None:
            rise_a = need.max_rise_a_per_min * 60 * request.steps[t].duration_h
        if session.current_a[t] > (flowing + rise_a if flowing else max(rise_a, least_a)) + 1e-6:
            return False
    return True


def net_current_a(session: SessionPlan, t: int) -> float:
    return session.current_a[t] - (session.discharge_a[t] if session.discharge_a else 0.0)


def setpoint_kw(request: PlanRequest, phase_count: int, current_a: float) -> float:
    return current_a * request.voltage_v * phase_count / 1000


def phases_of(need: ChargingNeed, session: SessionPlan, t: int) -> tuple[Phase, ...]:
    """Phases on which a session draws in a step."""
    if need.switching is not None and session.single_phase[t]:
        return (need.switching.single,)
    return need.phases


def _on_phase_kw(request: PlanRequest, phases: tuple[Phase, ...], phase: Phase, current_a: float) -> float:
    return current_a * request.voltage_v / 1000 if phase in phases else 0.0


def exceeded_limits(request: PlanRequest, plan: Plan, tolerance: float = 1e-6) -> list[str]:
    """Every limit that setpoints and other load exceed, where other load alone does not exceed it already."""
    return [*exceeded_vectors(request, plan, tolerance), *exceeded_backwards(request, plan, tolerance)] + [
        f"{feeder.feeder_id} step {t} {what}: {used:.3f} of {limit:.3f}"
        for feeder in request.feeders
        for t in range(len(request.steps))
        for what, used, other, limit in _loads(request, plan, feeder, t)
        if used > max(limit, other) + tolerance
    ]


def exceeded_backwards(request: PlanRequest, plan: Plan, tolerance: float) -> Iterator[str]:
    """Every phase of a feeder that what is delivered below it exceeds upwards, whoever draws, beyond what other load takes of it."""
    for feeder in request.feeders:
        below = [f for f in request.feeders if feeder.feeder_id in _ancestors(request, f.feeder_id)]
        ids, voltage_v = {f.feeder_id for f in below}, feeder.voltage_v or request.voltage_v
        uncertain = [load for load in request.uncertain if load.feeder_id in ids]
        for t, phase in itertools.product(range(len(request.steps)), PHASES):
            spare_kw = sum(f.surplus_kw[t] if f.surplus_kw else -f.other_load_kw[t] for f in below)
            spare_kw -= _sure_kw(uncertain, 1 - request.chance_level, t)
            room_a = max(0.0, feeder.limit_a[t] - spare_kw / 3 * 1000 / voltage_v)
            needs = [one for one in zip(request.needs, plan.sessions, strict=True) if one[0].feeder_id in ids]
            given_kw = sum(
                _on_phase_kw(request, phases_of(n, s, t), phase, max(0.0, -net_current_a(s, t))) for n, s in needs
            )
            stores = [one for one in zip(request.batteries, plan.batteries, strict=True) if one[0].feeder_id in ids]
            given_kw += sum(max(0.0, -p.power_kw[t]) / len(b.phases) for b, p in stores if phase in b.phases)
            if given_kw * 1000 / voltage_v > room_a + tolerance * 1000 / voltage_v + 1e-4:
                yield f"{feeder.feeder_id} step {t} {phase.value} upwards: {given_kw * 1000 / voltage_v:.3f} of {room_a:.3f} A"


def exceeded_vectors(request: PlanRequest, plan: Plan, tolerance: float) -> Iterator[str]:
    """Every limit on a vector sum that setpoints, or any part of them, exceed with what is given back."""
    for limit in request.phasor_limits:
        for t, limit_a in enumerate(limit.limit_a):
            frozen = [(n, n.phases_now, n.frozen_a[t]) for n in request.needs if t < len(n.frozen_a)]
            pairs = list(zip(request.needs, plan.sessions, strict=True))
            drawn = [_turned_a(limit, n, phases_of(n, s, t), s.current_a[t]) for n, s in pairs]
            given = sum(_turned_a(limit, n, phases_of(n, s, t), s.discharge_a[t]) for n, s in pairs if s.discharge_a)
            used_a = _longest(drawn, -given)
            if used_a > max(limit_a, _longest([_turned_a(limit, *one) for one in frozen], 0j)) + tolerance:
                yield f"{limit.feeder_id} step {t}: {used_a:.4f} of {limit_a:.4f} A"


def _turned_a(limit: PhasorLimit, need: ChargingNeed, phases: tuple[Phase, ...], current_a: float) -> complex:
    """What a current of a need on some of its phases is in a limited one [A]."""
    turns = limit.turns if phases == need.phases else limit.single_turns
    return complex(turns.get(need.connector, 0j) * current_a)


def _longest(drawn: list[complex], always: complex) -> float:
    """The longest sum of any of the vectors and one that is always there: those within a right angle of some direction."""
    edges = sorted({(cmath.phase(one) + side * np.pi / 2) % (2 * np.pi) for one in drawn if one for side in (-1, 1)})
    between = [(a + b) / 2 for a, b in pairwise([*edges, edges[0] + 2 * np.pi])] if edges else []
    sums = [sum(one for one in drawn if (one * cmath.exp(-1j * angle)).real > 0) for angle in between]
    return max(abs(always + one) for one in (0j, *sums))


def _loads(request: PlanRequest, plan: Plan, feeder: FeederCap, t: int) -> Iterator[tuple[str, float, float, float]]:
    below = {f.feeder_id for f in request.feeders if feeder.feeder_id in _ancestors(request, f.feeder_id)}
    other_kw = sum(f.other_load_kw[t] for f in request.feeders if f.feeder_id in below)
    members = [(n, s) for n, s in zip(request.needs, plan.sessions, strict=True) if n.feeder_id in below]
    stores = [
        (b, p.power_kw[t]) for b, p in zip(request.batteries, plan.batteries, strict=True) if b.feeder_id in below
    ]
    other_kw += _sure_kw([load for load in request.uncertain if load.feeder_id in below], request.chance_level, t)
    voltage_v = feeder.voltage_v or request.voltage_v
    frozen = [(n, n.frozen_a[t]) for n, _ in members if t < len(n.frozen_a)]
    for phase in PHASES:
        fixed_kw = sum(_on_phase_kw(request, n.phases_now, phase, a) for n, a in frozen)
        other_a = (other_kw / 3 + fixed_kw) * 1000 / voltage_v
        used_kw = sum(_on_phase_kw(request, phases_of(n, s, t), phase, net_current_a(s, t)) for n, s in members)
        used_kw += sum(kw / len(b.phases) for b, kw in stores if phase in b.phases) - fixed_kw
        yield phase.value, used_kw * 1000 / voltage_v + other_a, other_a, feeder.limit_a[t]
    limit_kw = feeder.import_kw[t]
    if limit_kw is not None:
        vehicles_kw = sum(setpoint_kw(request, len(phases_of(n, s, t)), net_current_a(s, t)) for n, s in members)
        fixed_kw = other_kw + sum(setpoint_kw(request, len(n.phases_now), a) for n, a in frozen)
        yield "kW", vehicles_kw + sum(kw for _, kw in stores) + other_kw, fixed_kw, limit_kw


def _sure_kw(loads: list[UncertainLoad], level: float, t: int) -> float:
    """What uncertain load stays below with the probability `level`, independent where it is normal."""
    quantiles_kw = sum(float(np.interp(level, load.levels, load.quantiles_kw[t])) for load in loads if load.levels)
    normal = [load for load in loads if not load.levels]
    variance = sum(load.sigma_kw[t] ** 2 for load in normal)
    spread_kw = NormalDist(0.0, variance**0.5).inv_cdf(level) if variance else 0.0
    return quantiles_kw + sum(load.mean_kw[t] for load in normal) + spread_kw


def _ancestors(request: PlanRequest, feeder_id: str) -> list[str]:
    parents = {f.feeder_id: f.parent_id for f in request.feeders}
    chain: list[str] = []
    above: str | None = feeder_id
    while above is not None:
        chain.append(above)
        above = parents[above]
    return chain


def money(request: PlanRequest, powers_kw: list[tuple[float, ...]]) -> float:
    """Energy and demand cost of everything behind the meter, for vehicles drawing `powers_kw[n][t]`; steps as long as windows."""
    cost = 0.0
    net_kw = []
    for t, step in enumerate(request.steps):
        net = sum(p[t] for p in powers_kw) + request.other_load_kw[t] - request.solar_kw[t]
        price = request.import_price_per_kwh[t] if net > 0 else request.export_price_per_kwh[t]
        cost += step.duration_h * net * price
        net_kw.append(net)
    for demand in request.demand:
        peak = max((net for t, net in enumerate(net_kw) if demand.applies[t]), default=0.0)
        cost += demand.price_per_kw * max(0.0, peak - demand.peak_so_far_kw)
    return cost


def all_plans_a(request: PlanRequest, choices_a: tuple[float, ...]) -> Iterator[tuple[tuple[float, ...], ...]]:
    """Every combination of currents per need and step."""
    per_need = list(itertools.product(choices_a, repeat=len(request.steps)))
    return itertools.product(per_need, repeat=len(request.needs))


def switches_in_time(request: PlanRequest, need: ChargingNeed, single: tuple[bool, ...]) -> bool:
    """Whether a course of a switching connector keeps its dwell, from its last switch before on."""
    if need.switching is None:
        return not any(single)
    last_s = float("-inf") if need.switched_at is None else need.switched_at.timestamp()
    before = need.on_single_phase
    for step, now in zip(request.steps, single, strict=True):
        starts_s = step.starts_at.timestamp()
        if now != before and starts_s < last_s + need.switching.min_dwell_s - 1e-3:
            return False
        last_s = starts_s if now != before else last_s
        before = now
    return True
