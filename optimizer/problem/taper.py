"""Vehicles that accept less as they fill: what they will draw of setpoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpms.domain.need import VehicleBattery
from optimizer.problem.acceptance import Acceptance

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Taper:
    """A vehicle that holds `held_kwh` [kWh] and accepts power by a curve."""

    curve: Acceptance
    held_kwh: float

    @classmethod
    def of(cls, battery: VehicleBattery) -> Taper:
        """As the request describes it."""
        return cls(Acceptance.of(battery), battery.soc * battery.capacity_kwh)

    def after(self, energy_kwh: float) -> Taper:
        """The same vehicle with more energy [kWh]."""
        return Taper(self.curve, self.held_kwh + energy_kwh)

    def drawn_kw(self, setpoint_kw: Floats, hours: Floats, most_kwh: float) -> Floats:
        """Mean power [kW] it draws under setpoints [kW] lasting `hours` [h] each, `most_kwh` [kWh] in all."""
        taken_kwh, drawn_kw = 0.0, np.zeros(len(setpoint_kw))
        for i, (set_kw, lasting) in enumerate(zip(setpoint_kw.tolist(), hours.tolist(), strict=True)):
            if set_kw > 0:
                more_kwh = self.curve.filled_kwh(self.held_kwh + taken_kwh, set_kw, lasting)
                more_kwh = min(more_kwh, most_kwh - taken_kwh)
                drawn_kw[i] = more_kwh / lasting
                taken_kwh += more_kwh
        return drawn_kw

    def accepted_kw(self, drawn_kw: Floats, hours: Floats) -> Floats:
        """Most it could draw in each of its slots [kW] when it has drawn as said in those before."""
        held_kwh = self.held_kwh + np.concatenate([[0.0], np.cumsum(drawn_kw * hours)])[: len(hours)]
        return np.array(
            [
                self.curve.filled_kwh(min(held, self.curve.full_kwh), np.inf, lasting) / lasting if lasting > 0 else 0.0
                for held, lasting in zip(held_kwh.tolist(), hours.tolist(), strict=True)
            ]
        )
