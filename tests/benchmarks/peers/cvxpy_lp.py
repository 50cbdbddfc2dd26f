"""The common case in cvxpy with HiGHS; runs in the peers' environment. Reads the case from stdin, prints its answer."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import cvxpy as cp
import numpy as np


def solve(case: dict) -> tuple[float, float]:
    """Objective [money] and CPU seconds, building included."""
    started_s = time.process_time()
    present, most_kw = np.array(case["present"], dtype=float), np.array(case["max_kw"])
    power = cp.Variable(present.shape, nonneg=True)
    excess = cp.Variable(nonneg=True)
    net = cp.sum(power, axis=0) + np.array(case["base_kw"])
    constraints = [
        power <= most_kw[:, None] * present,
        cp.sum(power, axis=1) * case["step_h"] == np.array(case["need_kwh"]),
        net <= np.array(case["cap_kw"]),
        net - case["peak_so_far_kw"] <= excess,
    ]
    cost = case["step_h"] * (np.array(case["price_per_kwh"]) @ net) + case["price_per_kw"] * excess
    problem = cp.Problem(cp.Minimize(cost), constraints)
    problem.solve(solver=cp.HIGHS)
    return float(problem.value), time.process_time() - started_s


if __name__ == "__main__":
    whole = json.load(sys.stdin)
    solve(whole["warm_up"])
    objective, cpu_s = solve(whole)
    print(json.dumps({"objective": objective, "cpu_s": round(cpu_s, 3), "version": version("cvxpy")}))
