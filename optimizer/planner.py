"""From request to plan: relax, restrict, round, certify, explain; by rule if the solver fails."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cpms.domain.errors import PlanFailed
from cpms.domain.plan import BindingLimit, Plan, PlanRequest, PlanStatus, SessionPlan
from optimizer.certify import cost_of_terms, lower_bound, relative_gap
from optimizer.completion import Found, at_rest
from optimizer.explain import binding_limits, relaxed_limits, unservable
from optimizer.formulation import LinearProgram, formulate
from optimizer.horizon import Horizon, horizon
from optimizer.rules import rule_setpoints_kw
from optimizer.search import search
from optimizer.solve import Relaxation, Solver
from optimizer.validate import require_valid
from optimizer.warm import warm_setpoints_kw

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """Setpoints and what follows from them; without `relaxation` there is no proof."""

    found: Found
    relaxation: Relaxation | None
    note: str = ""


def plan(request: PlanRequest, start: Plan | None = None) -> Plan:
    """The best plan found in the time allowed, with its certificate and its reasons; `start`: an earlier plan to begin at.

    Never infeasible: needs are soft and what is missing is named per session; limits that other load alone exceeds are named too.
    If the solver fails it is `start` clipped to the limits, or made by rule (status FALLBACK). Raises InvalidInput only.
    """
    started_s = time.process_time()
    require_valid(request)
    problem = horizon(in_canonical_order(request))
    program = formulate(problem)
    made = _to_plan(problem, program, _solve(problem, program, start), started_s)
    by_id = {session.session_id: session for session in made.sessions}
    return replace(made, sessions=tuple(by_id[need.session_id] for need in request.needs))


def in_canonical_order(request: PlanRequest) -> PlanRequest:
    """Needs by session id, so that a plan does not depend on the order in which they were named."""
    return replace(request, needs=tuple(sorted(request.needs, key=lambda need: need.session_id)))


def _solve(problem: Horizon, program: LinearProgram, start: Plan | None) -> Result:
    """Optimised setpoints; where HiGHS has no answer in time the earlier plan clipped to the limits, without one those by rule."""
    start_kw = warm_setpoints_kw(problem, start) if start is not None else None
    solver = Solver(program, problem)
    try:
        relaxation = solver.relax()
    except PlanFailed as failure:
        if start_kw is not None:
            found = at_rest(program, problem, start_kw)
            return Result(found, None, f"the earlier plan within the limits of now: {failure}")
        return Result(at_rest(program, problem, rule_setpoints_kw(problem)), None, f"planned by rule: {failure}")
    return Result(search(solver, problem, relaxation, start_kw), relaxation)


def _to_plan(problem: Horizon, program: LinearProgram, result: Result, started_s: float) -> Plan:
    request = problem.request
    values, setpoint_kw = result.found.values, result.found.setpoint_kw
    drawn_kw = values[program.columns["power"]]
    costs = cost_of_terms(program, values)
    objective = float(np.sum(costs))
    bound = gap = None
    binding: tuple[BindingLimit, ...] = ()
    status = PlanStatus.FALLBACK
    if result.relaxation is not None:
        bound = min(lower_bound(program, result.relaxation.duals), objective)
        gap = relative_gap(objective, bound)
        status = PlanStatus.OPTIMAL if gap <= request.gap_target else PlanStatus.FEASIBLE
        binding = binding_limits(program, problem, result.relaxation.duals)
    net_kw = problem.base_kw + problem.total_kw(drawn_kw)
    return Plan(
        id=f"plan-{request.id}",
        request_id=request.id,
        site_id=request.site_id,
        made_at=request.requested_at,
        status=status,
        steps=request.steps,
        sessions=_session_plans(problem, setpoint_kw, drawn_kw),
        objective=objective,
        bound=bound,
        gap=gap,
        cpu_s=time.process_time() - started_s,
        peak_kw=max(0.0, float(np.max(net_kw))),
        binding=binding,
        relaxed=relaxed_limits(problem),
        cost_by_term={name: float(cost) for name, cost in zip(program.term_names, costs, strict=True)},
        note="; ".join(filter(None, (result.note, unservable(problem)))),
    )


def _session_plans(problem: Horizon, setpoint_kw: Floats, drawn_kw: Floats) -> tuple[SessionPlan, ...]:
    slots, needs = problem.slots, problem.request.needs
    multiples = np.zeros((len(needs), problem.step_count), dtype=np.int64)
    multiples[slots.need, slots.step] = np.rint(setpoint_kw / problem.quantum_kw[slots.need])
    power = np.zeros((len(needs), problem.step_count))
    power[slots.need, slots.step] = drawn_kw
    short_kwh, late_kwh = missing_kwh(problem, drawn_kw)
    return tuple(
        SessionPlan(
            session_id=need.session_id,
            connector=need.connector,
            current_a=tuple(round(multiple * need.step_a, 6) for multiple in multiples[n].tolist()),
            power_kw=tuple(power[n].tolist()),
            shortfall_kwh=float(short_kwh[n]) if short_kwh[n] > 1e-6 else 0.0,
            late_kwh=late_kwh[n],
        )
        for n, need in enumerate(needs)
    )


def missing_kwh(problem: Horizon, drawn_kw: Floats) -> tuple[Floats, list[tuple[float, ...]]]:
    """What each need lacks at departure (on average where that is uncertain), and what each of its targets lacks [kWh]."""
    stages, needs = problem.stages, problem.request.needs
    behind_kwh = stages.behind_kwh(drawn_kw)
    short_kwh = problem.need_kwh - problem.energy_kwh(drawn_kw)
    late = []
    for n, need in enumerate(needs):
        mine = behind_kwh[stages.need == n]
        late.append(tuple(mine[: len(need.targets)].tolist()))
        if need.likely:
            chances = np.array([stay.chance for stay in need.likely])
            short_kwh[n] = chances @ mine[len(mine) - len(chances) :]
    return short_kwh, late
