"""The case that every peer can express, and how fast each of them solves it.

Vehicles that must have their energy by departure, one cap at the grid connection, a price per step and a demand charge; no minimum
current, no phases, no feeders, no shortfall, no sun. Every planner solves it to the same objective, which the answer states.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from cpms.domain.plan import PlanRequest
from optimizer.model.formulation import formulate
from optimizer.problem.horizon import horizon
from optimizer.search.solve import Solver
from tests.benchmarks.peers.environment import SCRIPTS, ask
from tests.benchmarks.sites import made_up_request, under_one_cap

SAME = 1e-4
"""Relative difference of objectives within which two solvers have solved the same problem."""


def compare(connectors: int, seed: int, time_limit_s: float) -> dict[str, object]:
    """CPU seconds and objective of the product's formulation and of every peer."""
    asked = common_request(connectors, seed)
    ours = _ours(asked)
    case = {**as_case(asked), "warm_up": as_case(common_request(2, seed))}
    answers = {peer: ask(peer, case, time_limit_s) for peer in SCRIPTS}
    for answer in answers.values():
        if "objective" in answer:
            answer["same_objective"] = _same(float(str(answer["objective"])), float(str(ours["objective"])))
            answer["times_as_long"] = round(float(str(answer["cpu_s"])) / float(str(ours["cpu_s"])), 1)
    return {"this": ours, **answers}


def common_request(connectors: int, seed: int) -> PlanRequest:
    """A made-up site with what only the product knows taken away."""
    asked = under_one_cap(made_up_request(connectors, seed=seed))
    needs = tuple(replace(need, min_current_a=0.0) for need in asked.needs)
    return replace(asked, needs=needs, solar_kw=(0.0,) * len(asked.steps), time_limit_s=3600.0)


def as_case(asked: PlanRequest) -> dict[str, Any]:
    """The request as plain numbers: needs in rows, steps in columns."""
    problem = horizon(asked)
    present = np.zeros((len(asked.needs), problem.step_count), dtype=int)
    present[problem.slots.need, problem.slots.step] = 1
    demand = asked.demand[0]
    return {
        "starts_at": asked.steps[0].starts_at.isoformat(),
        "step_h": float(problem.step_h[0]),
        "present": present.tolist(),
        "max_kw": [float(problem.slots.most_kw[problem.slots.of(n)].max()) for n in range(len(asked.needs))],
        "need_kwh": problem.need_kwh.tolist(),
        "base_kw": problem.base_kw.tolist(),
        "cap_kw": (problem.limits.headroom_kw.min(axis=0) + problem.base_kw).tolist(),
        "price_per_kwh": list(asked.import_price_per_kwh),
        "price_per_kw": demand.price_per_kw,
        "peak_so_far_kw": demand.peak_so_far_kw,
    }


def _ours(asked: PlanRequest) -> dict[str, object]:
    """The product's relaxation as it is; its preference for early energy decides among equals and is not counted."""
    started_s = time.process_time()
    problem = horizon(asked)
    program = formulate(problem)
    relaxation = Solver(program, problem).relax()
    cpu_s = time.process_time() - started_s
    money = dict(zip(program.term_names, program.term_cost @ relaxation.values, strict=True))
    return {"objective": float(money["energy"] + money["demand"]), "cpu_s": round(cpu_s, 3)}


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(abs(one), abs(other))
