"""The month with perfect foresight: the least bill at which everybody gets everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.acn.data import MAX_KW, PERIODS_PER_HOUR, VOLTAGE_V, Stay
from tests.benchmarks.acn.network import Network
from tests.benchmarks.acn.program import Program

KW_PER_A = VOLTAGE_V / 1000


def offline_bill(
    stays: Sequence[Stay],
    price_per_kwh: np.ndarray,
    demand_per_kw: float,
    network: Network,
    station_index: dict[str, int],
    sells_per_kwh: float | None = None,
) -> tuple[float, float]:
    """Bill [money] and peak [kW]; where energy is sold, the bill less what it earns, and nobody has to be served.

    Constraints whose stations all share an angle are kept exactly; the others (transformer lines) are left out and so the bill is a
    lower bound, which is the safe side for a regret. At the published 150 kW they do not bind.
    """
    program = Program()
    periods = max(stay.departure for stay in stays)
    peak = program.add_columns(np.array([demand_per_kw]), np.array([np.inf]))
    balance = program.add_rows(np.zeros(periods))
    program.enter(balance, peak, -1.0)
    stations = np.array([station_index[stay.station_id] for stay in stays])
    pods = _pods(network, np.unique(stations))
    pod_rows = [program.add_rows(np.full(periods, network.limit_a[pod])) for pod in pods]
    for stay, station in zip(stays, stations, strict=True):
        times = np.arange(stay.arrival, stay.departure)
        cost = (price_per_kwh[times] - (sells_per_kwh or 0.0)) / PERIODS_PER_HOUR
        columns = program.add_columns(cost, np.full(len(times), MAX_KW))
        need = np.array([stay.energy_kwh])
        row = program.add_rows(need, need if sells_per_kwh is None else None)
        program.enter(row, columns, 1 / PERIODS_PER_HOUR)
        program.enter(balance[times], columns, 1.0)
        for pod, rows in zip(pods, pod_rows, strict=True):
            if network.matrix[pod, station]:
                program.enter(rows[times], columns, network.matrix[pod, station] / KW_PER_A)
    values = program.solve(solver="ipm")
    return float(np.concatenate(program.costs) @ values), float(values[peak[0]])


def _pods(network: Network, stations: np.ndarray) -> list[int]:
    """Constraints over stations of one angle."""
    members = [stations[network.matrix[m, stations] != 0] for m in range(len(network.limit_a))]
    return [m for m, group in enumerate(members) if len(group) and len(set(network.angle_rad[group])) == 1]
