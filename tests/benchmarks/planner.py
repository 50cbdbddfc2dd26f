"""The planner's ladder: CPU seconds and certified gap for N connectors and 96 steps, with room and scarce, beside plain HiGHS.

    python -m tests.benchmarks.planner --connectors 100 --json
    python -m tests.benchmarks.planner --connectors 10000 --cases one_cap,room,scarce --parts plan --time-limit 900 --json

CPU seconds are of one core, building included. `plan` is semi-continuous (setpoints of 0.001 A); `on_grid` has the 0.1 A of OCPP,
`whole_amperes` what many stations know, and their gaps include what rounding costs. `plugged_in`, `limited` and `what_if` begin at an
earlier plan: one without the last session, one before the grid connection lost a tenth of its current, one before it gained 10 kW; the
last two may use all that was solved for it. `plain_milp` is the same model given to HiGHS whole, for as long as `plan` took, and its
gap is measured against the same bound. `--stations` gives all stations a list of setpoints (which `plain_milp` does not know), few
starts, or gentle rises. `common_case` sets other people's planners beside this one on what they can express
(`tests.benchmarks.peers`); they are installed into an environment of their own the first time.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from cpms.domain.need import PhaseSwitching
from cpms.domain.plan import ChargingNeed, Plan, PlanRequest
from optimizer import plan
from optimizer.model.formulation import formulate
from optimizer.model.kinds import CONTINUOUS, SEMI_CONTINUOUS
from optimizer.planner import Solved, solve
from optimizer.problem.horizon import horizon
from optimizer.questions.what_if import more_grid, what_if
from optimizer.search.certify import relative_gap
from optimizer.search.solve import Domain, Solver
from tests.benchmarks.peers.case import compare
from tests.benchmarks.sites import made_up_request, under_one_cap

FINE_STEP_A = 0.001
OCPP_STEP_A = 0.1
WHOLE_STEP_A = 1.0
MORE_GRID_KW = 10.0
PATIENCE_WITH_PEERS_S = 300.0
"""No peer is waited for longer."""

Rung = dict[str, dict[str, object]]


CASES = {
    "room": lambda connectors, seed: made_up_request(connectors, seed=seed),
    "scarce": lambda connectors, seed: made_up_request(connectors, scarce=True, seed=seed),
    "one_cap": lambda connectors, seed: under_one_cap(made_up_request(connectors, seed=seed)),
}
STATIONS: dict[str, dict[str, object]] = {
    "even": {},
    "lists": {"setpoints_a": (0.0, 6.0, 10.0, 16.0, 20.0, 32.0)},
    "few-starts": {"max_starts": 1},
    "gentle": {"max_rise_a_per_min": 2.0 / 15.0},
    "switching": {"switching": PhaseSwitching()},
    "switching-few-starts": {"switching": PhaseSwitching(), "max_starts": 1},
    "switching-gentle": {"switching": PhaseSwitching(), "max_rise_a_per_min": 2.0 / 15.0},
    "mixed": {"setpoints_a": (0.0, 6.0, 10.0, 16.0, 20.0, 32.0), "max_starts": 2, "max_rise_a_per_min": 4.0 / 15.0},
}
PARTS = ("plan", "on_grid", "whole_amperes", "plugged_in", "limited", "what_if", "plain_milp")


def measure(
    connectors: int, case: str, time_limit_s: float, seed: int, parts: Collection[str] = PARTS, stations: str = "even"
) -> Rung:
    """One rung of the ladder: a case of CASES, at a sort of STATIONS."""
    asked = replace(CASES[case](connectors, seed), time_limit_s=time_limit_s)
    asked = replace(asked, needs=tuple(_at_station(need, STATIONS[stations]) for need in asked.needs))
    fine = _with_step(asked, FINE_STEP_A)
    made, rung = _measured(fine)
    rungs = {
        "plan": lambda: rung,
        "on_grid": lambda: _measured(_with_step(asked, OCPP_STEP_A))[1],
        "whole_amperes": lambda: _measured(_with_step(asked, WHOLE_STEP_A))[1],
        "plugged_in": lambda: _measured(fine, plan(replace(fine, needs=fine.needs[:-1])))[1],
        "limited": lambda: _measured(_limited(fine), solve(fine))[1],
        "what_if": lambda: _what_if(fine),
        "plain_milp": lambda: _plain_milp(fine, float(str(rung["wall_s"])), made.bound),
    }
    return {part: rungs[part]() for part in parts}


def _at_station(need: ChargingNeed, station: dict[str, object]) -> ChargingNeed:
    """A vehicle that has one phase only has none to switch."""
    switches = len(need.phases) > 1
    return replace(need, **{name: wish for name, wish in station.items() if switches or name != "switching"})


def _limited(asked: PlanRequest) -> PlanRequest:
    """A tenth less current at the grid connection."""
    root, *others = asked.feeders
    return replace(asked, feeders=(replace(root, limit_a=tuple(0.9 * limit for limit in root.limit_a)), *others))


def _what_if(asked: PlanRequest) -> dict[str, object]:
    made = solve(asked)
    started_s = time.process_time()
    seen = what_if(asked, made, more_grid(MORE_GRID_KW))
    cpu_s = time.process_time() - started_s
    between = (seen.saving_at_least, seen.saving_at_most)
    return {"cpu_s": round(cpu_s, 3), "gap": seen.after.gap, "saving": seen.saving, "saving_between": between}


def _measured(asked: PlanRequest, start: Plan | Solved | None = None) -> tuple[Plan, dict[str, object]]:
    started_s = time.monotonic()
    made = solve(asked, start).plan
    wall_s = time.monotonic() - started_s
    wanted_kwh = sum(need.energy_kwh for need in asked.needs)
    return made, {
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
    least_kw = problem.slots.least_kw
    kind = np.where(least_kw > 0, SEMI_CONTINUOUS, CONTINUOUS).astype(np.uint8)
    domain = Domain(least_kw, problem.slots.most_kw, kind)
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
    parser.add_argument("--cases", default="room,scarce", help=f"of {', '.join(CASES)}")
    parser.add_argument(
        "--stations",
        choices=STATIONS,
        default="even",
        help="what they can be told: everything, six setpoints, one start, 2 A more per step, one phase or all, or a little of each",
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--peers", action=argparse.BooleanOptionalAction, default=True, help="other people's planners too"
    )
    parser.add_argument("--json", action="store_true", help="on one line")
    args = parser.parse_args()
    plan(made_up_request(2))  # what is imported and initialised once is not counted
    result: dict[str, object] = {
        "connectors": args.connectors,
        "steps": 96,
        "seed": args.seed,
        "stations": args.stations,
    }
    for case in args.cases.split(","):
        result[case] = measure(args.connectors, case, args.time_limit, args.seed, args.parts.split(","), args.stations)
    result["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if args.peers:
        result["common_case"] = compare(args.connectors, args.seed, PATIENCE_WITH_PEERS_S)
    print(json.dumps(result, indent=None if args.json else 2))


if __name__ == "__main__":
    main()
