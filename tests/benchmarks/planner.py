"""The planner's ladder: CPU seconds and certified gap for N connectors and 96 steps, with room and scarce, beside plain HiGHS.

    python -m tests.benchmarks.planner --connectors 100 --json

CPU seconds are of one core, building included. `plan` is semi-continuous (setpoints of 0.001 A); `on_grid` has the 0.1 A of OCPP, and
its gap includes what rounding costs. `plain_milp` is the same model given to HiGHS whole, for as long as `plan` took, and its gap
is measured against the same bound.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace

import numpy as np

from cpms.domain.plan import ChargingNeed, PlanRequest
from optimizer import plan
from optimizer.certify import relative_gap
from optimizer.formulation import formulate
from optimizer.horizon import horizon
from optimizer.kinds import CONTINUOUS, SEMI_CONTINUOUS
from optimizer.solve import Domain, Solver
from tests.benchmarks.sites import made_up_request

FINE_STEP_A = 0.001
OCPP_STEP_A = 0.1


def measure(connectors: int, scarce: bool, time_limit_s: float, seed: int) -> dict[str, object]:
    """One rung of the ladder."""
    asked = replace(made_up_request(connectors, scarce=scarce, seed=seed), time_limit_s=time_limit_s)
    fine = _with_step(asked, FINE_STEP_A)
    made = _measured(fine)
    return {
        "plan": made,
        "on_grid": _measured(_with_step(asked, OCPP_STEP_A)),
        "plain_milp": _plain_milp(fine, float(str(made["wall_s"])), made["bound"]),
    }


def _measured(asked: PlanRequest) -> dict[str, object]:
    started_s = time.monotonic()
    made = plan(asked)
    wall_s = time.monotonic() - started_s
    wanted_kwh = sum(need.energy_kwh for need in asked.needs)
    return {
        "status": made.status.value,
        "cpu_s": round(made.cpu_s, 3),
        "wall_s": round(wall_s, 3),
        "gap": made.gap,
        "objective": made.objective,
        "bound": made.bound,
        "shortfall_share": round(sum(session.shortfall_kwh for session in made.sessions) / wanted_kwh, 4),
    }


def _plain_milp(asked: PlanRequest, wall_s: float, bound: object) -> dict[str, object]:
    """HiGHS on the whole model, every slot semi-continuous, within `wall_s` seconds [s]."""
    started_s = time.process_time()
    problem = horizon(replace(asked, time_limit_s=max(wall_s, 0.05)))
    solver = Solver(formulate(problem), problem)
    least_kw = problem.min_kw[problem.slots.need]
    kind = np.where(least_kw > 0, SEMI_CONTINUOUS, CONTINUOUS).astype(np.uint8)
    domain = Domain(least_kw, problem.max_kw[problem.slots.need], kind)
    found = solver.choose(domain, -np.inf, solver.left_s)
    objective = solver.objective if found is not None else None
    gap = relative_gap(objective, bound) if objective is not None and isinstance(bound, float) else None
    return {"objective": objective, "gap": gap, "cpu_s": round(time.process_time() - started_s, 3)}


def _with_step(asked: PlanRequest, step_a: float) -> PlanRequest:
    return replace(asked, needs=tuple(_need_with_step(need, step_a) for need in asked.needs))


def _need_with_step(need: ChargingNeed, step_a: float) -> ChargingNeed:
    return replace(need, step_a=step_a)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connectors", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=60.0, help="wall clock for the solver [s]")
    parser.add_argument("--json", action="store_true", help="on one line")
    args = parser.parse_args()
    plan(made_up_request(2))  # what is imported and initialised once is not counted
    result: dict[str, object] = {"connectors": args.connectors, "steps": 96, "seed": args.seed}
    for case in ("room", "scarce"):
        result[case] = measure(args.connectors, case == "scarce", args.time_limit, args.seed)
    result["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(result, indent=None if args.json else 2))


if __name__ == "__main__":
    main()
