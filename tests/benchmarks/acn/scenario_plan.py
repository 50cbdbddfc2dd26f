"""One plan for the vehicles that are here, against every likely rest of the day at once.

    min   sum_i sum_k w_k (c_k - R - q e_k) x_ik  +  mean_s [ sum_l p_l z_sl + sum_j sum_k w_k (c_k - R - q e_k) y_sjk ]
    s.t.  sum_k w_k x_ik <= need_i,  sum_k w_k y_sjk <= need_sj             energy of those here and of those to come [kWh]
          sum_i x_ik + sum_j y_sjk - sum_l z_sl <= P_0                      the site's peak, per likely day s and step k
          | sum_i v_mi e^(j phi_i) x_ik | <= limit_m                        currents of the network, by tangents where needed

x, y [kW] are at most what vehicle and station allow; z_sl are the priced parts of the peak above P_0. The vehicles here get one plan
for all days (nothing is decided later that would depend on which day it is), so what is kept free for later is what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.acn.data import MAX_KW, VOLTAGE_V
from tests.benchmarks.acn.horizon import Steps
from tests.benchmarks.acn.program import Floats, Ints, Program

VALUE_PER_KWH = 200.0
"""R, money per kWh: above the demand charge of a kW for one period, so energy is never withheld to save peak (published protocol)."""

EARLY_PER_KWH = 0.00577
"""q, money per kWh: the published protocol's 1e-4 per A and period."""

TANGENT_ROUNDS = 20
TOLERANCE = 1e-7
PRICED_WITHOUT_END_KW = 1e4


@dataclass(frozen=True)
class Here:
    """A vehicle that is charging: what it needs [kWh] until it departs [periods from now], and its station's place."""

    departure: int
    energy_kwh: float
    station: int


@dataclass(frozen=True)
class ToCome:
    """A vehicle of a likely day, in periods from now."""

    arrival: float
    departure: float
    energy_kwh: float


@dataclass(frozen=True)
class Network:
    """Constraints |sum_i matrix[m, i] e^(j angle_i) I_i| <= limit_a[m] over all stations [A]."""

    matrix: Floats
    angle_rad: Floats
    limit_a: Floats


@dataclass
class ScenarioPlan:
    """The program being built; `power_kw()` solves it."""

    steps: Steps
    price_per_kwh: Floats
    peak: Sequence[tuple[float, float]]
    here: Sequence[Here]
    likely: Sequence[Sequence[ToCome]]
    network: Network

    def __post_init__(self) -> None:
        self.program = Program()
        self.cost = (self.price_per_kwh - VALUE_PER_KWH - EARLY_PER_KWH * self.steps.earliness) * self.steps.hours
        self.balance = [self._peak_rows(1 / max(1, len(self.likely))) for _ in self.likely or [()]]
        self.columns = [self._charge(vehicle) for vehicle in self.here]
        for day, balance in zip(self.likely, self.balance, strict=False):
            for vehicle in day:
                self._expect(vehicle, balance, 1 / len(self.likely))

    def power_kw(self) -> Floats:
        """Power [kW] of each vehicle here in each step, within every constraint of the network."""
        for _ in range(TANGENT_ROUNDS):
            values = self.program.solve()
            power = np.zeros((len(self.here), self.steps.count))
            for n, columns in enumerate(self.columns):
                power[n, : len(columns)] = values[columns]
            if not self._cut_off(power):
                break
        return power

    def _peak_rows(self, weight: float) -> Ints:
        """Rows of one likely day, its peak priced by the piece."""
        above, price = (np.array(part) for part in zip(*self.peak, strict=True))
        width = np.append(np.diff(above), PRICED_WITHOUT_END_KW)
        pieces = self.program.add_columns(weight * price, width)
        rows = self.program.add_rows(np.full(self.steps.count, above[0]))
        self.program.enter(rows[:, None], pieces[None, :], -1.0)
        return rows

    def _charge(self, vehicle: Here) -> Ints:
        places, _ = self.steps.overlap(0, vehicle.departure)
        columns = self.program.add_columns(self.cost[places], np.full(len(places), MAX_KW))
        need = self.program.add_rows(np.array([vehicle.energy_kwh]))
        self.program.enter(need, columns, self.steps.hours[places])
        for balance in self.balance:
            self.program.enter(balance[places], columns, 1.0)
        return columns

    def _expect(self, vehicle: ToCome, balance: Ints, weight: float) -> None:
        places, share = self.steps.overlap(vehicle.arrival, vehicle.departure)
        if len(places) == 0:
            return
        columns = self.program.add_columns(weight * self.cost[places], MAX_KW * share)
        need = self.program.add_rows(np.array([vehicle.energy_kwh]))
        self.program.enter(need, columns, self.steps.hours[places])
        self.program.enter(balance[places], columns, 1.0)

    def _cut_off(self, power_kw: Floats) -> bool:
        """Add the tangent at every current that is too high; whether there was one."""
        stations = [vehicle.station for vehicle in self.here]
        phasors = self.network.matrix[:, stations] * np.exp(1j * self.network.angle_rad[stations])
        amount = phasors @ (power_kw * 1000 / VOLTAGE_V)
        exceeded = np.argwhere(np.abs(amount) > self.network.limit_a[:, None] * (1 + TOLERANCE))
        tangents = {(int(m), round(float(np.angle(amount[m, step])), 6)) for m, step in exceeded}
        for constraint, angle in sorted(tangents):
            self._keep_below(constraint, (phasors[constraint] * np.exp(-1j * angle)).real * 1000 / VOLTAGE_V)
        return len(exceeded) > 0

    def _keep_below(self, constraint: int, slope_a_per_kw: Floats) -> None:
        """A tangent holds in every step: a vertex cut off in one would only move to the next."""
        rows = self.program.add_rows(np.full(self.steps.count, self.network.limit_a[constraint]))
        for columns, slope in zip(self.columns, slope_a_per_kw, strict=True):
            if slope:
                self.program.enter(rows[: len(columns)], columns, slope)
