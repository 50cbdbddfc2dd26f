"""What a vehicle holds whose battery is known: what it will draw of setpoints as it fills, and what it can give back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.need import VehicleBattery, VehicleToGrid
from optimizer.problem.acceptance import Acceptance
from optimizer.problem.setpoint_grid import Grid

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """A vehicle that holds `held_kwh` [kWh] at first and accepts power by a curve; it gives back no further than down to `floor_kwh`
    [kWh], and of a kWh held `efficiency` comes back."""

    curve: Acceptance
    held_kwh: float
    floor_kwh: float
    efficiency: float = 1.0

    @classmethod
    def of(cls, battery: VehicleBattery, v2g: VehicleToGrid | None = None, charged_kwh: float = 0.0) -> Held:
        """As the request describes it, after `charged_kwh` [kWh] more; below its driver's floor nothing is given."""
        curve, held_kwh = Acceptance.of(battery), battery.soc * battery.capacity_kwh + charged_kwh
        if v2g is None:
            return cls(curve, held_kwh, held_kwh)
        return cls(curve, held_kwh, min(v2g.floor_kwh, held_kwh), v2g.efficiency)

    @property
    def tapers(self) -> bool:
        """Whether it accepts less than it could be told before it is full."""
        return any(np.isfinite(piece.power_kw) for piece in self.curve.pieces)

    def net_kw(self, drawn_kw: Floats, give_kw: Floats) -> Floats:
        """Power by which what it holds changes [kW]."""
        return np.asarray(drawn_kw - give_kw / self.efficiency)

    def drawn_kw(self, setpoint_kw: Floats, hours: Floats, most_kwh: float) -> Floats:
        """Mean power [kW] it draws under setpoints [kW] lasting `hours` [h] each, `most_kwh` [kWh] in all."""
        nothing = np.zeros(len(setpoint_kw))
        return self.told(setpoint_kw, nothing, hours, most_kwh, Grid(nothing, nothing, nothing))[0]

    def told(
        self, setpoint_kw: Floats, give_kw: Floats, hours: Floats, most_kwh: float, giving: Grid
    ) -> tuple[Floats, Floats]:
        """Mean power [kW] it draws, and what it gives, when told setpoints [kW] lasting `hours` [h] each: it draws `most_kwh` [kWh]
        in all, and gives, where it is not to draw, as much of `give_kw` [kW] on the grid `giving` as its floor allows."""
        held_kwh, taken_kwh, drawn_kw, given_kw = self.held_kwh, 0.0, np.zeros(len(hours)), np.zeros(len(hours))
        for i, (set_kw, wanted_kw, lasting) in enumerate(
            zip(setpoint_kw.tolist(), give_kw.tolist(), hours.tolist(), strict=True)
        ):
            if lasting <= 0:
                continue  # it is not said to be there
            if set_kw > 0:
                more_kwh = min(self.curve.filled_kwh(held_kwh, set_kw, lasting), most_kwh - taken_kwh)
                drawn_kw[i] = more_kwh / lasting
                taken_kwh, held_kwh = taken_kwh + more_kwh, held_kwh + more_kwh
            elif wanted_kw > 0:
                able_kw = (held_kwh - self.floor_kwh) * self.efficiency / lasting
                given_kw[i] = wanted_kw if wanted_kw <= able_kw else float(giving.of(i).down(max(able_kw, 0.0)))
                held_kwh -= given_kw[i] / self.efficiency * lasting
        return drawn_kw, given_kw

    def accepted_kw(self, net_kw: Floats, hours: Floats) -> Floats:
        """Most it could draw in each of its slots [kW] when what it holds has changed by `net_kw` [kW] in those before."""
        held_kwh = self.held_kwh + np.concatenate([[0.0], np.cumsum(net_kw * hours)])[: len(hours)]
        return np.array(
            [
                self.curve.filled_kwh(min(held, self.curve.full_kwh), np.inf, lasting) / lasting if lasting > 0 else 0.0
                for held, lasting in zip(held_kwh.tolist(), hours.tolist(), strict=True)
            ]
        )
