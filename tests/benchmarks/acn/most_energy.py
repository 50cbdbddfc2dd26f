"""The most energy a network can deliver to known stays: a bound for every controller, and the controller that aims at it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.acn.controller import PlanningController
from tests.benchmarks.acn.data import MAX_KW, VOLTAGE_V, Stay
from tests.benchmarks.acn.horizon import Steps
from tests.benchmarks.acn.program import Ints, Program
from tests.benchmarks.acn.scenario_plan import Network, ToCome

TANGENT_DEG = 5.0
ROUNDS = 20
TOLERANCE = 1e-4
UNBOUNDED_KW = 1e4


class EnergyController(PlanningController):
    """Peak is free: what counts is energy, the earlier the better."""

    def peak_prices(self, now: int) -> list[tuple[float, float]]:
        """Nothing is charged for peak."""
        return [(UNBOUNDED_KW, 0.0)]

    def likely(self, now: int, horizon: int) -> list[list[ToCome]]:
        """Whoever may come finds what early charging has left."""
        return []


def most_energy_kwh(stays: Sequence[Stay], stations: dict[str, int], network: Network) -> float:
    """Upper bound [kWh] by tangents at multiples of 5 degrees (at most 0.1 % too high).

    Steps run from one arrival or departure to the next: within them a mean does whatever powers could, as the limits are convex.
    """
    steps = Steps(np.unique([edge for stay in stays for edge in (stay.arrival, stay.departure)]))
    program, columns = Program(), []
    for stay in stays:
        places, _ = steps.overlap(stay.arrival, stay.departure)
        added = program.add_columns(-steps.hours[places], np.full(len(places), MAX_KW))
        program.enter(program.add_rows(np.array([stay.energy_kwh])), added, steps.hours[places])
        columns.append((stations[stay.station_id], places, added))
    known: set[tuple[int, float]] = set()
    for _ in range(ROUNDS):
        values = program.solve(solver="ipm")
        new = _exceeded(values, columns, steps, network) - known
        if not new:
            break
        known |= new
        for constraint, angle_deg in sorted(new):
            _add_tangent(program, columns, steps, network, constraint, angle_deg)
    return -float(np.concatenate(program.costs) @ values)


def _exceeded(
    values: np.ndarray, columns: Sequence[tuple[int, Ints, Ints]], steps: Steps, network: Network
) -> set[tuple[int, float]]:
    """Constraints and directions [deg] in which a current is too high."""
    amps = np.zeros((network.matrix.shape[1], steps.count))
    for station, places, added in columns:
        amps[station, places] += values[added] * 1000 / VOLTAGE_V
    currents = (network.matrix * np.exp(1j * network.angle_rad)) @ amps
    exceeded = np.argwhere(np.abs(currents) > network.limit_a[:, None] * (1 + TOLERANCE))
    angles = np.round(np.angle(currents, deg=True) / TANGENT_DEG) * TANGENT_DEG
    return {(int(m), float(angles[m, k])) for m, k in exceeded}


def _add_tangent(
    program: Program,
    columns: Sequence[tuple[int, Ints, Ints]],
    steps: Steps,
    network: Network,
    constraint: int,
    angle_deg: float,
) -> None:
    """Re(e^(-j angle) I_m) <= limit_m in every step."""
    rows = program.add_rows(np.full(steps.count, network.limit_a[constraint]))
    for station, places, added in columns:
        turned = np.exp(1j * (network.angle_rad[station] - np.deg2rad(angle_deg)))
        slope = network.matrix[constraint, station] * turned.real * 1000 / VOLTAGE_V
        if slope:
            program.enter(rows[places], added, slope)


def total_kwh(stays: Sequence[Stay]) -> float:
    """What everybody wants [kWh]."""
    return sum(stay.energy_kwh for stay in stays)
