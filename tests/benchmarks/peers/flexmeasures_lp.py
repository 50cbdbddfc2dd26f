"""The common case in FlexMeasures' device scheduler, with its own default solver; runs in the peers' environment.

Reads the case from stdin, prints its answer. A vehicle is a device whose stock must reach its need by the end; stock counts in
kW times steps. The base load is a device of given flow; price and demand charge are commitments.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import pandas as pd
from flask import Flask
from flexmeasures.data.models.planning.linear_optimization import device_scheduler

DEVICE = ("min", "max", "equals", "derivative min", "derivative max", "derivative equals")


def solve(case: dict) -> tuple[float, float]:
    """Objective [money] and CPU seconds, building included."""
    started_s = time.process_time()
    count = len(case["base_kw"])
    index = pd.date_range(case["starts_at"], periods=count, freq=pd.Timedelta(hours=case["step_h"]))
    rows = zip(case["present"], case["max_kw"], case["need_kwh"], strict=True)
    devices = [_vehicle(index, np.array(present), kw, kwh / case["step_h"]) for present, kw, kwh in rows]
    devices.append(_frame(index, **{"derivative equals": np.array(case["base_kw"])}))
    site = pd.DataFrame({"derivative min": -np.inf, "derivative max": case["cap_kw"]}, index=index)
    price = np.array(case["price_per_kwh"]) * case["step_h"]
    energy = _commitment(index, 0.0, price, price, range(count))
    peak = _commitment(index, case["peak_so_far_kw"], case["price_per_kw"], 0.0, 0)
    answer = device_scheduler(devices, site, commitments=[energy, peak])
    return float(answer[1]), time.process_time() - started_s


def _frame(index: pd.DatetimeIndex, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({name: columns.get(name, np.nan) for name in DEVICE}, index=index)


def _vehicle(index: pd.DatetimeIndex, present: np.ndarray, max_kw: float, need: float) -> pd.DataFrame:
    """Stock from 0 to exactly its need; no flow when away, none back."""
    least = np.zeros(len(index))
    least[-1] = need
    return _frame(index, **{"min": least, "max": need, "derivative min": 0.0, "derivative max": max_kw * present})


def _commitment(index: pd.DatetimeIndex, quantity: float, up: object, down: object, group: object) -> pd.DataFrame:
    columns = {"quantity": quantity, "upwards deviation price": up, "downwards deviation price": down, "group": group}
    return pd.DataFrame(columns, index=index)


if __name__ == "__main__":
    app = Flask("peer")
    app.config.update(FLEXMEASURES_LP_SOLVER="highspy", LOGGING_LEVEL="WARNING")
    whole = json.load(sys.stdin)
    with app.app_context():
        solve(whole["warm_up"])
        objective, cpu_s = solve(whole)
    print(json.dumps({"objective": objective, "cpu_s": round(cpu_s, 3), "version": version("flexmeasures")}))
