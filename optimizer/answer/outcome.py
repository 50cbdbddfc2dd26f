"""From columns to a plan: what everybody is told, what it costs, how good it is, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpms.domain.plan import Plan, PlanStatus, SessionPlan
from cpms.domain.storage import BatteryPlan
from optimizer.answer.explain import binding_limits, relaxed_limits, unservable
from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.setpoint_grid import told_a
from optimizer.search.certify import cost_of_terms, relative_gap
from optimizer.search.completion import Found
from optimizer.search.relaxing import Relaxation

DUST_KWH = 1e-6
"""A shortfall below this is none."""


@dataclass(frozen=True)
class Result:
    """Setpoints and what follows from them; `relaxation`: where they were found from, None for those by rule; `bound` [money]: no plan
    costs less."""

    found: Found
    relaxation: Relaxation | None
    bound: float = -np.inf
    note: str = ""


def plan_of(problem: Horizon, program: LinearProgram, result: Result) -> Plan:
    """The plan that a result means."""
    request, values = problem.request, result.found.values
    costs, net_kw = cost_of_terms(program, values), net_import_kw(problem, program, values)
    made = Plan(
        id=f"plan-{request.id}",
        request_id=request.id,
        site_id=request.site_id,
        made_at=request.requested_at,
        status=PlanStatus.FALLBACK,
        steps=request.steps,
        sessions=_session_plans(problem, program, result.found),
        batteries=_battery_plans(problem, program, values),
        objective=float(np.sum(costs)),
        peak_kw=max(0.0, float(np.max(net_kw))),
        import_kw=tuple(net_kw.tolist()),
        relaxed=relaxed_limits(program, problem, values),
        cost_by_term={name: float(cost) for name, cost in zip(program.term_names, costs, strict=True)},
        note="; ".join(filter(None, (result.note, unservable(problem)))),
    )
    return _certified(made, problem, program, result) if np.isfinite(result.bound) else made


def _certified(made: Plan, problem: Horizon, program: LinearProgram, result: Result) -> Plan:
    objective = made.objective or 0.0
    bound = min(result.bound, objective)
    made = replace(made, bound=bound, gap=relative_gap(objective, bound))
    if result.relaxation is None:
        return made
    return replace(
        made,
        status=PlanStatus.OPTIMAL if (made.gap or 0.0) <= problem.request.gap_target else PlanStatus.FEASIBLE,
        binding=binding_limits(program, problem, result.relaxation.duals),
    )


def net_import_kw(problem: Horizon, program: LinearProgram, values: Floats) -> Floats:
    """Net import per step [kW], on average over the days that load and sun may be."""
    meters = problem.meters
    shape = (meters.base_kw.size,)
    metered = program.whole("drawn", values, shape) - program.whole("fed", values, shape)
    return meters.expected(metered.reshape(meters.base_kw.shape).sum(axis=1))


def _session_plans(problem: Horizon, program: LinearProgram, found: Found) -> tuple[SessionPlan, ...]:
    slots, needs = problem.slots, problem.request.needs
    drawn_kw = found.values[program.columns["power"]]
    multiples = np.zeros((len(needs), problem.step_count), dtype=np.int64)
    np.add.at(multiples, (slots.need, slots.step), np.rint(found.setpoint_kw / slots.quantum_kw).astype(np.int64))
    power = problem.frozen.drawn_kw.copy()
    np.add.at(power, (slots.need, slots.step), drawn_kw)
    step_a = np.array([told_a(need) for need in needs])
    current_a, power_kw = np.round(multiples * step_a[:, None], 6).tolist(), power.tolist()
    given_kw = np.maximum(program.whole("give", found.values, len(drawn_kw)), 0.0)
    short_kwh, late_kwh = missing_kwh(problem, drawn_kw - given_kw / _efficiency(problem))
    single = problem.courses(found.setpoint_kw, given_kw)
    given, given_a = np.zeros((2, len(needs), problem.step_count))
    np.add.at(given, (slots.need, slots.step), given_kw)
    np.add.at(given_a, (slots.need, slots.step), np.rint(given_kw / slots.quantum_kw) * step_a[slots.need])
    return tuple(
        SessionPlan(
            session_id=need.session_id,
            connector=need.connector,
            current_a=(*need.frozen_a, *current_a[n][len(need.frozen_a) :]),
            power_kw=tuple(power_kw[n]),
            shortfall_kwh=float(short_kwh[n]) if short_kwh[n] > DUST_KWH else 0.0,
            late_kwh=late_kwh[n],
            discharge_a=tuple(np.round(given_a[n], 6).tolist()) if problem.gives_kw[n] else (),
            discharge_kw=tuple(given[n].tolist()) if problem.gives_kw[n] else (),
            single_phase=tuple(single[n].tolist()) if n in problem.switching else (),
        )
        for n, need in enumerate(needs)
    )


def _efficiency(problem: Horizon) -> Floats:
    """What comes back per slot of a kWh charged, 1 where nothing does."""
    needs = problem.request.needs
    return np.array([need.v2g.efficiency if need.v2g else 1.0 for need in needs])[problem.slots.need]


def missing_kwh(problem: Horizon, drawn_kw: Floats) -> tuple[Floats, list[tuple[float, ...]]]:
    """What each need lacks at departure (on average where that is uncertain), and what each of its targets lacks [kWh]."""
    stages, needs = problem.stages, problem.request.needs
    behind_kwh = stages.behind_kwh(drawn_kw)
    short_kwh = problem.need_kwh - problem.energy_kwh(drawn_kw)
    late = [tuple(behind_kwh[stages.need == n][: len(need.targets)].tolist()) for n, need in enumerate(needs)]
    for n, need in enumerate(needs):
        if need.likely and need.v2g is not None:
            stays = behind_kwh[stages.need == n][len(need.targets) : len(need.targets) + len(need.likely)]
            short_kwh[n] = float(stays @ [stay.probability for stay in need.likely])
    for n, chance in problem.chances.items():
        mine = problem.slots.of(n)
        layered_kw = chance.layered_kw(drawn_kw[mine], problem.slots.hours[mine])
        short_kwh[n] = chance.lacking_kwh(layered_kw, problem.slots.hours[mine])
    return short_kwh, late


def _battery_plans(problem: Horizon, program: LinearProgram, values: Floats) -> tuple[BatteryPlan, ...]:
    batteries = problem.request.batteries
    shape = (len(batteries), problem.step_count)
    power_kw = program.whole("charge", values, shape) - program.whole("discharge", values, shape)
    stored_kwh = program.whole("stored", values, shape)
    return tuple(
        BatteryPlan(one.battery_id, tuple((power_kw[b] + 0.0).tolist()), tuple(stored_kwh[b].tolist()))
        for b, one in enumerate(batteries)
    )
