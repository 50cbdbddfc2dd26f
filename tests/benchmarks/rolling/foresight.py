"""Perfect foresight: the least cost when every arrival, departure and energy is known from the beginning."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.acn.program import Program
from tests.benchmarks.rolling.recorded import MAX_KW, PERIOD_H, Recorded


def least_cost(recorded: Recorded, cap_kw: float) -> tuple[float, float]:
    """Cost [money] and the energy missing in it [kWh], with any power from 0 to the maximum: a lower bound for every planner."""
    program = Program()
    price = np.array(recorded.price_per_kwh)
    cap = program.add_rows(np.full(len(price), cap_kw))
    missing = []
    for session in recorded.sessions:
        periods = np.array(recorded.stays[session.id], dtype=np.int64)
        columns = program.add_columns(price[periods] * PERIOD_H, np.full(len(periods), MAX_KW))
        need_kwh = np.array([recorded.energy_kwh[session.id]])
        short = program.add_columns(np.array([recorded.missing_per_kwh]), need_kwh)
        row = program.add_rows(need_kwh, need_kwh)
        program.enter(row, columns, PERIOD_H)
        program.enter(row, short, 1.0)
        program.enter(cap[periods], columns, 1.0)
        missing.append(short[0])
    values = program.solve(solver="ipm")
    return float(np.concatenate(program.costs) @ values), float(values[missing].sum())
