"""The unknowns of the formulation. Every one has finite bounds, which is what makes the certificate possible (`certify`)."""

from __future__ import annotations

import numpy as np
from pyomo.environ import ConcreteModel, Var

from optimizer.horizon import Floats, Horizon


def declare_variables(model: ConcreteModel, horizon: Horizon) -> None:
    """All variables, in the order of the columns."""
    declare_power(model, horizon)
    declare_energy_balance(model, horizon)
    declare_exchange(model, horizon)
    declare_peaks(model, horizon)


def declare_power(model: ConcreteModel, horizon: Horizon) -> None:
    """`power[s]` [kW] of slot s, relaxed to [0, max]; what is semi-continuous about it is added by `solve`."""
    most_kw = horizon.max_kw[horizon.slots.need].tolist()
    model.power = Var(range(len(most_kw)), bounds=lambda _, s: (0.0, most_kw[s]))


def declare_energy_balance(model: ConcreteModel, horizon: Horizon) -> None:
    """`short[n]`, `deep[n]` [kWh]: what need n is short of up to half of it, and beyond.

    `spare[n]` [kWh]: room above the need in its last setpoint, less than one setpoint at the minimum for its shortest step; a vehicle
    stops by itself before using it.
    """
    half_kwh = (horizon.need_kwh / 2).tolist()
    spare_kwh = smallest_delivery_kwh(horizon).tolist()
    wanting = np.flatnonzero(horizon.need_kwh).tolist()
    model.short = Var(wanting, bounds=lambda _, n: (0.0, half_kwh[n]))
    model.deep = Var(wanting, bounds=lambda _, n: (0.0, half_kwh[n]))
    model.spare = Var(wanting, bounds=lambda _, n: (0.0, spare_kwh[n]))


def smallest_delivery_kwh(horizon: Horizon) -> Floats:
    """Least energy [kWh] a setpoint can mean, per need: minimum power for the shortest of its steps."""
    shortest_h = np.full(len(horizon.need_kwh), np.inf)
    np.minimum.at(shortest_h, horizon.slots.need, horizon.slots.hours)
    shortest_h[~np.isfinite(shortest_h)] = 0.0
    least_kwh: Floats = np.maximum(horizon.min_kw, horizon.quantum_kw) * shortest_h
    return least_kwh


def declare_exchange(model: ConcreteModel, horizon: Horizon) -> None:
    """`drawn[t]`, `fed[t]` [kW]: import and export at the grid connection; export only where there is a surplus before vehicles.
    `feeding[t]` (0 or 1) where export pays more than import costs, so that nobody sells what he buys in the same step."""
    base_kw = horizon.base_kw
    vehicles_kw = horizon.total_kw(horizon.max_kw[horizon.slots.need])
    request = horizon.request
    surplus = np.flatnonzero(base_kw < 0).tolist()
    perverse = [t for t in surplus if request.export_price_per_kwh[t] > request.import_price_per_kwh[t]]
    model.drawn = Var(range(horizon.step_count), bounds=lambda _, t: (0.0, max(0.0, base_kw[t] + vehicles_kw[t])))
    model.fed = Var(surplus, bounds=lambda _, t: (0.0, -base_kw[t]))
    model.feeding = Var(perverse, bounds=(0.0, 1.0))


def declare_peaks(model: ConcreteModel, horizon: Horizon) -> None:
    """`excess[d]` [kW]: how far the highest window mean exceeds the peak so far of demand price d."""
    most_kw = float(np.max(horizon.base_kw + horizon.total_kw(horizon.max_kw[horizon.slots.need])))
    charged = [d for d, windows in enumerate(horizon.windows) if len(windows.weight)]
    model.excess = Var(charged, bounds=lambda _, d: (0.0, max(0.0, most_kw - horizon.windows[d].price.peak_so_far_kw)))
