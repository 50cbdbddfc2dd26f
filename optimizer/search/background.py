"""What charging finds: the site's net power and the headroom of every limit once everything else has its share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.switching import in_courses
from optimizer.search.following import followed
from optimizer.search.giving import giving_setpoints_kw
from optimizer.search.giving_limits import within_limits_kw

DUST_KW = 1e-6
"""Power below this is none."""


@dataclass(frozen=True)
class Background:
    """`net_kw[t]` [kW] at the grid connection without charging; `headroom_kw[l, t]` [kW] that each limit leaves to charging;
    `taken[n, t]`: need n does something else in step t; `give_kw[s]` [kW]: it gives so much back, a setpoint."""

    net_kw: Floats
    headroom_kw: Floats
    taken: NDArray[np.bool_]
    give_kw: Floats


def bare(horizon: Horizon) -> Background:
    """With nothing but the base load."""
    free = np.zeros((len(horizon.need_kwh), horizon.step_count), dtype=np.bool_)
    nothing_kw = np.zeros(len(horizon.slots.need))
    return Background(horizon.base_kw, np.maximum(horizon.limits.headroom_kw, 0.0), free, nothing_kw)


def background(program: LinearProgram, horizon: Horizon, values: Floats) -> Background:
    """With every flow but charging as in `values` (a value per column), what vehicles give as setpoints."""
    power, flows = program.columns["power"], program.flows
    (other,) = np.nonzero((program.flow_column < power.start) | (program.flow_column >= power.stop))
    if not len(other):
        return bare(horizon)
    values, give_kw = _giving_on_grid(program, horizon, values)
    value_kw, place = values[program.flow_column[other]], (np.arange(len(other)), flows.step[other])
    flow_kw = flows.sign[other] * value_kw
    carried = horizon.limits.carried(flows.point[other], flows.sign[other])
    load_kw = (carried @ csr_array((value_kw, place), shape=(len(other), horizon.step_count))).toarray()
    return Background(
        net_kw=horizon.base_kw + np.bincount(flows.step[other], flows.present[other] * flow_kw, horizon.step_count),
        headroom_kw=np.maximum(horizon.limits.headroom_kw - load_kw, 0.0),
        taken=_taken(horizon, give_kw),
        give_kw=give_kw,
    )


def _taken(horizon: Horizon, give_kw: Floats) -> NDArray[np.bool_]:
    slots, taken = horizon.slots, np.zeros((len(horizon.need_kwh), horizon.step_count), dtype=np.bool_)
    giving = give_kw > DUST_KW
    taken[slots.need[giving], slots.step[giving]] = True
    return taken


def _giving_on_grid(program: LinearProgram, horizon: Horizon, values: Floats) -> tuple[Floats, Floats]:
    """The columns with what is given as setpoints, and these per slot [kW], on the phases of one course."""
    power_kw, give_kw = values[program.columns["power"]], program.whole("give", values, len(horizon.slots.need))
    if not program.index.get("give"):
        return values, give_kw
    if horizon.switching:
        single = horizon.courses(np.maximum(power_kw, give_kw))
        power_kw = in_courses(horizon.slots, single, power_kw, horizon.slots.most_kw)
        give_kw = in_courses(horizon.slots, single, give_kw, np.asarray(horizon.giving.most_kw))
    capped = any(feeder.export_kw for feeder in horizon.request.feeders)
    give_kw = giving_setpoints_kw(horizon, power_kw, give_kw, capped)
    _, give_kw = followed(horizon, np.where(give_kw > 0, 0.0, power_kw), give_kw)
    give_kw = within_limits_kw(horizon, give_kw)
    values = values.copy()
    values[program.columns["give"]] = give_kw[program.places("give")]
    return values, give_kw
