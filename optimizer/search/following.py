"""What vehicles do when they are told setpoints: what they will draw, and what of giving back their batteries support."""

from __future__ import annotations

import numpy as np

from optimizer.problem.horizon import Floats, Horizon


def followed(horizon: Horizon, setpoint_kw: Floats, give_kw: Floats) -> tuple[Floats, Floats]:
    """Mean power [kW] drawn and given per slot by vehicles told to draw `setpoint_kw` and, where they are not, to give `give_kw`.

    They draw the setpoint, as far as they accept it, until their need is met (until full, if they may give some back); they give
    setpoints, never below their driver's floor.
    """
    slots, drawn_kw, given_kw = horizon.slots, _until_met(horizon, setpoint_kw), np.zeros(len(setpoint_kw))
    for n, one in horizon.held.items():
        mine = slots.of(n)
        most_kwh = np.inf if horizon.gives_kw[n] > 0 else float(horizon.need_kwh[n])
        grid = horizon.giving_of(n)
        drawn_kw[mine], given_kw[mine] = one.told(setpoint_kw[mine], give_kw[mine], slots.hours[mine], most_kwh, grid)
    return drawn_kw, given_kw


def expected_kw(horizon: Horizon, setpoint_kw: Floats, give_kw: Floats | None = None) -> Floats:
    """What of it is drawn [kW]; nobody gives if `give_kw` is None."""
    return followed(horizon, setpoint_kw, np.zeros(len(setpoint_kw)) if give_kw is None else give_kw)[0]


def _until_met(horizon: Horizon, setpoint_kw: Floats) -> Floats:
    slots = horizon.slots
    enough_kwh = horizon.need_kwh[slots.need]
    energy = setpoint_kw * slots.hours
    running = np.cumsum(energy)
    before_need = np.concatenate(([0.0], running))[np.searchsorted(slots.need, slots.need, side="left")]
    reached = np.minimum(running - before_need, enough_kwh)
    earlier = np.minimum(running - before_need - energy, enough_kwh)
    return np.where(slots.hours > 0, (reached - earlier) / slots.hours, 0.0)
