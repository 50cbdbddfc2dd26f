"""The most energy, or the most that it can be worth, which a network can deliver to known stays: a bound for every controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cpms.domain.need import VehicleBattery
from optimizer.problem.acceptance import Acceptance
from tests.benchmarks.acn.data import MAX_KW, PERIODS_PER_HOUR, VOLTAGE_V, Stay
from tests.benchmarks.acn.network import Network
from tests.benchmarks.acn.program import Floats, Ints, Program

TANGENT_DEG = 5.0
ROUNDS = 20
TOLERANCE = 1e-4
NO_BATTERIES: Mapping[str, VehicleBattery] = {}


def most_energy_kwh(stays: Sequence[Stay], stations: dict[str, int], network: Network) -> float:
    """Upper bound [kWh]."""
    return most_worth(stays, stations, network, np.ones(max(stay.departure for stay in stays)))


def most_worth(
    stays: Sequence[Stay],
    stations: dict[str, int],
    network: Network,
    worth_per_kwh: Floats,
    batteries: Mapping[str, VehicleBattery] = NO_BATTERIES,
) -> float:
    """Upper bound [money] where a kWh is worth `worth_per_kwh[t]` in period t; by tangents at multiples of 5 degrees (at most 0.1 %
    too high). `batteries`: of sessions that accept less as they fill.

    Steps run from one arrival, departure or change of worth to the next: within them a mean does whatever powers could, as the limits
    are convex.
    """
    changes = np.flatnonzero(np.diff(worth_per_kwh)) + 1
    edges = np.unique([*changes, *(edge for stay in stays for edge in (stay.arrival, stay.departure))])
    hours = np.diff(edges) / PERIODS_PER_HOUR
    worth = worth_per_kwh[edges[:-1]] * hours
    program, columns = Program(), []
    for stay in stays:
        places = np.arange(*np.searchsorted(edges, [stay.arrival, stay.departure]))
        added = program.add_columns(-worth[places], np.full(len(places), MAX_KW))
        program.enter(program.add_rows(np.array([stay.energy_kwh])), added, hours[places])
        if stay.session_id in batteries:
            _let_taper(program, added, hours[places], batteries[stay.session_id])
        columns.append((stations[stay.station_id], places, added))
    return -_least_cost(program, columns, len(hours), network)


def _let_taper(program: Program, power: Ints, hours: Floats, battery: VehicleBattery) -> None:
    """held[s + 1] = held[s] + hours[s] power[s], and hours[s] power[s] + part held[s] <= most for every cut of the acceptance."""
    curve = Acceptance.of(battery)
    held = program.add_columns(np.zeros(len(hours)), np.full(len(hours), curve.full_kwh))
    at_first_kwh = np.zeros(len(hours))
    at_first_kwh[0] = battery.soc * battery.capacity_kwh
    filling = program.add_rows(at_first_kwh, at_first_kwh)
    program.enter(filling, held, 1.0)
    program.enter(filling[1:], held[:-1], -1.0)
    program.enter(filling[1:], power[:-1], -hours[:-1])
    for cuts in zip(*(curve.cuts(lasting_h) for lasting_h in hours.tolist()), strict=True):
        most_kwh, part = np.array(cuts).T
        accepting = program.add_rows(most_kwh)
        program.enter(accepting, power, hours)
        program.enter(accepting, held, part)


def _least_cost(program: Program, columns: Sequence[tuple[int, Ints, Ints]], steps: int, network: Network) -> float:
    """With tangents added where a current is too high, until none is."""
    known: set[tuple[int, float]] = set()
    for _ in range(ROUNDS):
        values = program.solve(solver="ipm")
        new = _exceeded(values, columns, steps, network) - known
        if not new:
            break
        known |= new
        for constraint, angle_deg in sorted(new):
            _add_tangent(program, columns, steps, network, constraint, angle_deg)
    return float(np.concatenate(program.costs) @ values)


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
