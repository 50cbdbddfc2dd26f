"""The most energy a network can deliver to known stays: a bound for every controller."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.acn.data import MAX_KW, PERIODS_PER_HOUR, VOLTAGE_V, Stay
from tests.benchmarks.acn.network import Network
from tests.benchmarks.acn.program import Floats, Ints, Program

TANGENT_DEG = 5.0
ROUNDS = 20
TOLERANCE = 1e-4


def most_energy_kwh(stays: Sequence[Stay], stations: dict[str, int], network: Network) -> float:
    """Upper bound [kWh] by tangents at multiples of 5 degrees (at most 0.1 % too high).

    Steps run from one arrival or departure to the next: within them a mean does whatever powers could, as the limits are convex.
    """
    edges = np.unique([edge for stay in stays for edge in (stay.arrival, stay.departure)])
    hours = np.diff(edges) / PERIODS_PER_HOUR
    program, columns = Program(), []
    for stay in stays:
        places = np.arange(*np.searchsorted(edges, [stay.arrival, stay.departure]))
        added = program.add_columns(-hours[places], np.full(len(places), MAX_KW))
        program.enter(program.add_rows(np.array([stay.energy_kwh])), added, hours[places])
        columns.append((stations[stay.station_id], places, added))
    known: set[tuple[int, float]] = set()
    for _ in range(ROUNDS):
        values = program.solve(solver="ipm")
        new = _exceeded(values, columns, len(hours), network) - known
        if not new:
            break
        known |= new
        for constraint, angle_deg in sorted(new):
            _add_tangent(program, columns, len(hours), network, constraint, angle_deg)
    return -float(np.concatenate(program.costs) @ values)


def _exceeded(
    values: Floats, columns: Sequence[tuple[int, Ints, Ints]], steps: int, network: Network
) -> set[tuple[int, float]]:
    """Constraints and directions [deg] in which a current is too high."""
    amps = np.zeros((network.matrix.shape[1], steps))
    for station, places, added in columns:
        amps[station, places] += values[added] * 1000 / VOLTAGE_V
    currents = (network.matrix * np.exp(1j * network.angle_rad)) @ amps
    exceeded = np.argwhere(np.abs(currents) > network.limit_a[:, None] * (1 + TOLERANCE))
    angles = np.round(np.angle(currents, deg=True) / TANGENT_DEG) * TANGENT_DEG
    return {(int(m), float(angles[m, k])) for m, k in exceeded}


def _add_tangent(
    program: Program,
    columns: Sequence[tuple[int, Ints, Ints]],
    steps: int,
    network: Network,
    constraint: int,
    angle_deg: float,
) -> None:
    """Re(e^(-j angle) I_m) <= limit_m in every step."""
    rows = program.add_rows(np.full(steps, network.limit_a[constraint]))
    for station, places, added in columns:
        turned = np.exp(1j * (network.angle_rad[station] - np.deg2rad(angle_deg)))
        slope = network.matrix[constraint, station] * turned.real * 1000 / VOLTAGE_V
        if slope:
            program.enter(rows[places], added, slope)


def total_kwh(stays: Sequence[Stay]) -> float:
    """What everybody wants [kWh]."""
    return sum(stay.energy_kwh for stay in stays)
