"""From request to plan: relax, restrict, round, certify, explain; by rule if the solver fails."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from cpms.domain.errors import PlanFailed
from cpms.domain.plan import Plan, PlanRequest
from optimizer.answer.outcome import Result, plan_of
from optimizer.model.formulation import LinearProgram, formulate
from optimizer.model.other_limits import with_limits_of
from optimizer.problem.horizon import Horizon, horizon
from optimizer.search.completion import Found, at_rest
from optimizer.search.highs_form import with_rows
from optimizer.search.relaxing import Basis
from optimizer.search.rounds import search
from optimizer.search.rules import rule_setpoints_kw, shared_setpoints_kw
from optimizer.search.solve import Solver
from optimizer.search.warm import carried_over_kw, warm_setpoints_kw
from optimizer.validation.request import require_valid

MANY_ROWS = 15_000
"""A relaxation of more rows (some 4,000 sessions) begins near a plan by rule, which takes less time than it saves."""


@dataclass(frozen=True)
class Solved:
    """A request with its plan, and what was made of it: arrays, model, and the vertex where its relaxation ended, if it did."""

    request: PlanRequest
    plan: Plan
    problem: Horizon
    program: LinearProgram
    basis: Basis | None


def plan(request: PlanRequest, start: Plan | None = None) -> Plan:
    """The best plan found in the time allowed, with its certificate and its reasons; `start`: an earlier plan to begin at.

    Never infeasible: needs are soft and what is missing is named per session; limits that other load alone exceeds are named too.
    If the solver fails it is `start` clipped to the limits, or made by rule (status FALLBACK). Raises InvalidInput only.
    """
    return solve(request, start).plan


def solve(request: PlanRequest, start: Plan | Solved | None = None) -> Solved:
    """As `plan`, with all that was made on the way, for questions that differ little; `start`: a plan, or all of it, to begin at."""
    started_s = time.process_time()
    require_valid(request)
    problem = horizon(in_canonical_order(request))
    known = start if isinstance(start, Solved) else None
    program = with_limits_of(known.program, known.problem, problem) if known else None
    basis = _basis_for(program, known) if known and program else None
    program = program or formulate(problem)
    solver = Solver(program, problem)
    result = _solve(problem, solver, start.plan if isinstance(start, Solved) else start, basis)
    made = in_order_of(request, plan_of(problem, program, result))
    made = replace(made, cpu_s=time.process_time() - started_s)
    return Solved(request, made, problem, program, result.relaxation.basis if result.relaxation else None)


def recalled(request: PlanRequest, made: Plan) -> Solved:
    """What `solve` had made on the way to `made`, the plan of `request`, made again without searching."""
    problem = horizon(in_canonical_order(request))
    program = formulate(problem)
    solver = Solver(program, problem)
    solver.begin_at(at_rest(program, problem, carried_over_kw(problem, made)).values)
    try:
        return Solved(request, made, problem, program, solver.relax().basis)
    except PlanFailed:
        return Solved(request, made, problem, program, None)


def _basis_for(program: LinearProgram, known: Solved) -> Basis | None:
    """Where the relaxation ended that was known, with the rows for limits that nobody could exceed before."""
    if known.basis is None:
        return None
    more = program.matrix.shape[0] - known.program.matrix.shape[0]
    return with_rows(known.basis, known.program.rows["limit"].stop, more) if more else known.basis


def plan_by_rule(request: PlanRequest) -> Plan:
    """Everybody as much as fits, by priority and departure, each in its cheapest steps: no solver, no proof (status FALLBACK)."""
    require_valid(request)
    problem = horizon(in_canonical_order(request))
    program = formulate(problem)
    return in_order_of(
        request, plan_of(problem, program, Result(_by_rule(problem, program), None, note="planned by rule"))
    )


def in_canonical_order(request: PlanRequest) -> PlanRequest:
    """Needs and batteries by id, so that a plan does not depend on the order in which they were named."""
    return replace(
        request,
        needs=tuple(sorted(request.needs, key=lambda need: need.session_id)),
        batteries=tuple(sorted(request.batteries, key=lambda battery: battery.battery_id)),
    )


def in_order_of(request: PlanRequest, made: Plan) -> Plan:
    """Sessions and batteries as the request names them."""
    sessions = {session.session_id: session for session in made.sessions}
    batteries = {battery.battery_id: battery for battery in made.batteries}
    return replace(
        made,
        sessions=tuple(sessions[need.session_id] for need in request.needs),
        batteries=tuple(batteries[battery.battery_id] for battery in request.batteries),
    )


def _solve(problem: Horizon, solver: Solver, start: Plan | None, basis: Basis | None) -> Result:
    """Optimised setpoints; where HiGHS has no answer in time the earlier plan clipped to the limits, without one those by rule.

    `basis`: where the relaxation of the same model for other limits ended.
    """
    program, start_kw = solver.program, None
    if start is not None:
        carried_kw = carried_over_kw(problem, start)
        start_kw = warm_setpoints_kw(problem, carried_kw)
        solver.begin_from(basis) if basis else solver.begin_at(at_rest(program, problem, carried_kw).values)
    elif program.matrix.shape[0] > MANY_ROWS:
        solver.begin_at(at_rest(program, problem, shared_setpoints_kw(problem)).values)
    try:
        relaxation = solver.relax()
    except PlanFailed as failure:
        if start_kw is not None:
            found = at_rest(program, problem, start_kw)
            return Result(found, None, solver.proven(), f"the earlier plan within the limits of now: {failure}")
        return Result(_by_rule(problem, program), None, solver.proven(), f"planned by rule: {failure}")
    found, bound = search(solver, problem, relaxation, start_kw)
    if not np.isfinite(found.cost):
        return Result(_by_rule(problem, program), None, bound, "planned by rule: no setpoints were found in time")
    return Result(found, relaxation, bound)


def _by_rule(problem: Horizon, program: LinearProgram) -> Found:
    return at_rest(program, problem, rule_setpoints_kw(problem))
