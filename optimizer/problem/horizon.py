"""The request as arrays: slots (a need in a step in which it may charge) and limits (a feeder's phase or total).

Power is in kW throughout; a limit of I [A] on a phase is I * voltage / 1000 [kW] of that phase, and a connector on k phases puts
1/k of its power on each. N needs, T steps, S slots, L limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import PlanRequest
from optimizer.problem.backflow import with_backflow
from optimizer.problem.chances import Chance, chances_of, gone_of
from optimizer.problem.conduct import Conduct, conducts_of
from optimizer.problem.frozen import Frozen, frozen_of
from optimizer.problem.giving import gives_kw, giving_grid
from optimizer.problem.held import Held
from optimizer.problem.limits import Limits, limits_of
from optimizer.problem.meters import Meters, meters_of
from optimizer.problem.phasors import with_phasors
from optimizer.problem.setpoint_grid import Grid, grid_of
from optimizer.problem.slots import Slots, slots_of
from optimizer.problem.stages import Stages, stages_of
from optimizer.problem.switching import Switching, courses, fitting, switching_of
from optimizer.problem.tree import single_point_of
from optimizer.problem.windows import DemandWindows, demand_windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERRUPTION_SHARE = 0.25
"""Of a need: what a switch while charging is taken to cost where starts or rises are limited."""


@dataclass(frozen=True)
class Horizon:
    """What the formulation is written in.

    `step_h[t]` [h]; `base_kw[t]` [kW]: other load less solar, of all meters, as expected; `need_kwh[n]` [kWh]; `certain[n]`: 1, or 0
    where the need is not known and its `chances` count instead; `quantum_kw[n]` [kW]: grid of setpoints on all its phases;
    `conduct[n]`: the setpoints of its slots, and `switching[n]` of those that may switch to a single phase; `held[n]`: what those
    hold whose battery is known, after what is frozen; `gives_kw[n]` [kW]: most it may give back, 0 where it may not, `giving` the
    setpoints for that in each slot, and `gone[s]` the chance that it has left by then. What is `frozen` is in `base_kw`, the limits
    and `need_kwh` already; of who may give back what is needed is below 0 where that is more than he wants.
    """

    request: PlanRequest
    step_h: Floats
    base_kw: Floats
    meters: Meters
    need_kwh: Floats
    certain: Floats
    quantum_kw: Floats
    conduct: tuple[Conduct, ...]
    switching: dict[int, Switching]
    gives_kw: Floats
    giving: Grid
    gone: Floats
    held: dict[int, Held]
    frozen: Frozen
    slots: Slots
    stages: Stages
    chances: dict[int, Chance]
    limits: Limits
    windows: tuple[DemandWindows, ...]

    @property
    def step_count(self) -> int:
        """Number of steps T."""
        return len(self.step_h)

    @property
    def special(self) -> list[int]:
        """Needs whose setpoints are more than multiples from a minimum on, or bind each other."""
        return [n for n, one in enumerate(self.conduct) if one.is_bound or one.grid.levels is not None]

    @property
    def tapering(self) -> list[int]:
        """Needs whose vehicles may draw less than they are told, and not only in the step in which they stop: the need being met, or,
        of those that may give back, the battery full."""
        return [n for n, one in self.held.items() if one.tapers or self.gives_kw[n] <= 0]

    def least_kw(self, slot_kw: Floats, give_kw: Floats) -> Floats:
        """What each slot has at least when it is on [kW]: the minimum; nothing where a vehicle that charges with `slot_kw` and gives
        `give_kw` accepts less than that by itself, as it may draw less than it is told."""
        least: Floats = self.slots.least_kw.copy()
        for n in self.tapering:
            held, mine = self.held[n], self.slots.of(n)
            accepted_kw = held.accepted_kw(held.net_kw(slot_kw[mine], give_kw[mine]), self.slots.hours[mine])
            least[mine] = np.where(accepted_kw < least[mine], 0.0, least[mine])
        return least

    def giving_of(self, n: int) -> Grid:
        """The setpoints of a need for giving back, slot by slot."""
        grid, mine = self.giving, self.slots.of(n)
        quantum_kw, least_kw, most_kw = (
            np.asarray(part)[mine] for part in (grid.quantum_kw, grid.least_kw, grid.most_kw)
        )
        return Grid(quantum_kw, least_kw, most_kw)

    def common_kw(self) -> Floats:
        """Of what all setpoints of each slot are multiples [kW]."""
        common_kw = self.slots.quantum_kw.copy()
        for n in self.special:
            common_kw[self.slots.of(n)] = self.conduct[n].grid.common_kw
        return common_kw

    def courses(self, slot_kw: Floats, kept_kw: Floats | None = None) -> NDArray[np.bool_]:
        """Whether each need is on a single phase in each step, shape (N, T), by where it has power [kW], and before all `kept_kw`
        [kW], which stays on its phases."""
        kept_kw = np.zeros_like(slot_kw) if kept_kw is None else kept_kw
        return courses(self.switching, self.slots, slot_kw, kept_kw, (len(self.need_kwh), self.step_count))

    def fitting_courses(self, slot_kw: Floats) -> NDArray[np.bool_]:
        """The same as best fits power [kW] that may be on both, and may still move: what must begin seldom or rise gently is not
        interrupted for little."""
        bound = np.array([one.is_bound for one in self.conduct], dtype=np.bool_)
        interruption_kwh = np.where(bound, INTERRUPTION_SHARE * np.maximum(self.need_kwh, 0.0), 0.0)
        return fitting(self.switching, self.slots, slot_kw, interruption_kwh, self.step_count)

    @cached_property
    def present(self) -> Floats:
        """Of its step, the part for which the vehicle of each slot is there."""
        return np.asarray(self.slots.hours / self.step_h[self.slots.step])

    def total_kw(self, slot_kw: Floats) -> Floats:
        """Mean power of all vehicles per step [kW], from power per slot while they are there."""
        mean_kw = self.present * slot_kw
        return np.bincount(self.slots.step, weights=mean_kw, minlength=self.step_count).astype(np.float64)

    def at_points(self, slot_kw: Floats) -> Floats:
        """Power per slot as power per point of the tree and step [kW], shape (points, T)."""
        placed = np.zeros((self.limits.share.shape[1], self.step_count))
        placed[self.slots.point, self.slots.step] = slot_kw
        return placed

    def energy_kwh(self, slot_kw: Floats) -> Floats:
        """Energy per need [kWh], from power per slot."""
        energy = slot_kw * self.slots.hours
        return np.bincount(self.slots.need, weights=energy, minlength=len(self.need_kwh)).astype(np.float64)


def horizon(request: PlanRequest) -> Horizon:
    """Arrays of a valid request."""
    steps = request.steps
    step_h = np.array([step.duration_h for step in steps])
    frozen = frozen_of(request)
    limits = with_phasors(with_backflow(limits_of(request, frozen), request), request, frozen)
    meters = meters_of(request, frozen)
    on_all = [grid_of(request, need, len(need.phases)) for need in request.needs]
    switching = {n: switching_of(request, request.needs[n]) for n in single_point_of(request)}
    gives = gives_kw(request)
    need_kwh = np.maximum([need.energy_kwh for need in request.needs], 0.0) - frozen.energy_kwh
    need_kwh = np.where(gives > 0, need_kwh, np.maximum(need_kwh, 0.0))
    grids = [(n, n, grid) for n, grid in enumerate(on_all)]
    grids += [(n, point, switching[n].single_grid) for n, point in single_point_of(request).items()]
    slots = slots_of(request, step_h, limits.room_kw(), need_kwh, gives, grids)
    gone = gone_of(request, slots.need, slots.starts_h, slots.hours)
    return Horizon(
        request=request,
        step_h=step_h,
        base_kw=meters.expected(meters.net_kw),
        meters=meters,
        need_kwh=need_kwh,
        certain=np.array([0.0 if need.likely else 1.0 for need in request.needs]),
        quantum_kw=np.array([grid.quantum_kw for grid in on_all]),
        conduct=conducts_of(request, on_all, slots),
        switching=switching,
        gives_kw=gives,
        giving=giving_grid(request, slots, step_h, gone),
        gone=gone,
        held=_held(request, frozen),
        frozen=frozen,
        slots=slots,
        stages=stages_of(request, frozen, slots.need, slots.starts_h, slots.hours),
        chances=chances_of(request, frozen, slots.need, slots.starts_h, slots.hours),
        limits=limits,
        windows=tuple(demand_windows(demand, steps) for demand in request.demand),
    )


def _held(request: PlanRequest, frozen: Frozen) -> dict[int, Held]:
    """Vehicles whose battery is known, as they are after what is frozen."""
    return {
        n: Held.of(need.battery, need.v2g, float(frozen.energy_kwh[n]))
        for n, need in enumerate(request.needs)
        if need.battery is not None
    }
