"""The door of the optimizer: PlanRequest in, Plan out, in kW, kWh, A per phase and money per kWh."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cpms.domain.binding import BindingLimit, RelaxedLimit
from cpms.domain.contract import EnergyBy, GridConnection, SetpointBand, Subscription, UncertainLoad
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import EnergyTarget, Fairness, LikelyStay, PhaseSwitching, VehicleBattery, VehicleToGrid
from cpms.domain.storage import Battery, BatteryPlan
from cpms.domain.time import Interval
from cpms.domain.units import MIN_CHARGING_CURRENT_A, PHASES, Phase


@dataclass(frozen=True)
class FeederCap:
    """A feeder's limits per step; they bind everything below it, other load and solar included.

    `limit_a[t]`: per phase [A], whichever way it flows. `import_kw[t]`: in all [kW], None where there is none; `reason[t]` names who
    asks for it.
    `other_load_kw[t]`: what is not ours directly at this feeder [kW], three-phase balanced, net of the solar that may be relied on;
    it loads the feeders above as well. `export_kw[t]`: most that may flow out of it upwards [kW], None where there is no cap;
    `surplus_kw[t]`: what limits that way reckon with as generated directly at this feeder beyond its other load [kW] (empty: the
    opposite of `other_load_kw`). `voltage_v`: phase to neutral, where `limit_a` is measured [V]; None: the request's.
    """

    feeder_id: str
    parent_id: str | None
    limit_a: tuple[float, ...]
    import_kw: tuple[float | None, ...]
    other_load_kw: tuple[float, ...]
    reason: tuple[str, ...] = ()
    export_kw: tuple[float | None, ...] = ()
    surplus_kw: tuple[float, ...] = ()
    voltage_v: float | None = None


@dataclass(frozen=True)
class PhasorLimit:
    """A limit on currents that differ in phase angle: |sum over connectors of turns[c] I_c| <= limit_a[t] [A].

    `turns`: what one ampere of a connector is in the limited current, as a complex number: its size, and its angle [rad]. For
    connectors between two lines, lines behind transformers in delta and wye, and neutral conductors, where sums per phase would forbid
    too much, or know nothing. `single_turns`: the same of a connector while it is switched to its single phase.

    It holds whatever part of their setpoints vehicles draw; what they give back is as told, and turned round (-I_c).
    """

    feeder_id: str
    limit_a: tuple[float, ...]
    turns: Mapping[ConnectorKey, complex]
    reason: tuple[str, ...] = ()
    single_turns: Mapping[ConnectorKey, complex] = field(default_factory=dict)


@dataclass(frozen=True)
class ChargingNeed:
    """A session to plan for: `energy_kwh` [kWh] still wanted until `departs_at`.

    Power in {0} union [min, max] on `phases`. Missing energy costs by `priority` (each level outweighs all below it).
    `counted_phases`: limits count its current on these, all of `phases` and more, where it is not relied on which it uses; empty: on
    `phases`. `counted_ratio`: limits in kW count so many times its power.
    `current_a`: set at this moment [A per phase], for a preference against switching.
    `draws_a`: it is nearly full and draws only so much of its lowest setpoint, however much it is told [A per phase]: it is told that
    or nothing, of which limits count all, energy and money what is drawn; None: it draws what it is told.
    `arrives_at`: a session that is still to come may charge from then on (reserved or expected); None: it is here.

    `setpoints_a`: the station knows only these (and 0), instead of every multiple of `step_a` from `min_current_a` on [A per phase].
    `frozen_a`: of the first steps, on their way to the station and not to be changed [A per phase].
    `battery`: what the vehicle accepts as it fills. `minimum_now_kwh`: so much as soon as possible [kWh]. `targets`: stages before.
    `likely`: the session is uncertain; what is missing then counts by its chance in each of these, instead of `energy_kwh` until
    `departs_at`, which are the most it may take and the latest it may stay.
    `max_starts`: how often charging may begin (going on from `current_a` is none). `max_rise_a_per_min`: from one step to the next
    the current rises by no more for each minute of the next, or begins at the minimum; it may always fall.
    `switching`: in every step it may draw on all of `phases` or on one alone, whose setpoints are the same in A; at first it is
    `on_single_phase` or not, since `switched_at` (None: for long). What is frozen does not switch. A switch interrupts what
    flows: what is drawn in the step after it has begun anew, which counts as a start, and has risen from 0 A.
    `v2g`: what the vehicle may give back. `revenue_per_kwh[t]`: what the operator earns per kWh delivered [money], empty where that is
    the same at all times.
    """

    session_id: str
    connector: ConnectorKey
    feeder_id: str
    energy_kwh: float
    departs_at: datetime
    phases: tuple[Phase, ...] = PHASES
    counted_phases: tuple[Phase, ...] = ()
    counted_ratio: float = 1.0
    max_current_a: float = 32.0
    min_current_a: float = MIN_CHARGING_CURRENT_A
    step_a: float = 0.1
    priority: int = 0
    current_a: float = 0.0
    draws_a: float | None = None
    arrives_at: datetime | None = None
    setpoints_a: tuple[float, ...] = ()
    frozen_a: tuple[float, ...] = ()
    battery: VehicleBattery | None = None
    minimum_now_kwh: float = 0.0
    targets: tuple[EnergyTarget, ...] = ()
    likely: tuple[LikelyStay, ...] = ()
    max_starts: int | None = None
    max_rise_a_per_min: float | None = None
    v2g: VehicleToGrid | None = None
    revenue_per_kwh: tuple[float, ...] = ()
    switching: PhaseSwitching | None = None
    on_single_phase: bool = False
    switched_at: datetime | None = None

    @property
    def lowest_a(self) -> float:
        """Its lowest setpoint above 0 [A per phase]; infinite where it has none."""
        known_a = self.setpoints_a or (math.ceil(self.min_current_a / self.step_a - 1e-9) * self.step_a, self.step_a)
        return min((a for a in known_a if a > 0.0 and a >= self.min_current_a - 1e-9), default=math.inf)

    @property
    def told_per_drawn(self) -> float:
        """What it is told per ampere that it draws."""
        return 1.0 if self.draws_a is None else self.lowest_a / self.draws_a

    @property
    def phases_now(self) -> tuple[Phase, ...]:
        """Phases on which `current_a`, and what is frozen, flow."""
        return (self.switching.single,) if self.switching is not None and self.on_single_phase else self.phases


@dataclass(frozen=True)
class DemandPrice:
    """A demand charge in force: `price_per_kw` on the highest mean over `window_s` [s] above `peak_so_far_kw` [kW].

    `applies[t]`: whether step t counts. `rises`: (from_kw, price_per_kw), both ascending: from a level [kW] on a kW
    costs more, as a lower one may be needed on another day of the billing period anyway (`forecasting.arrivals.peak_prices`).
    `measured_at`: any feeder behind the meter that counts; None: all meters together.
    """

    price_per_kw: float
    peak_so_far_kw: float
    applies: tuple[bool, ...]
    window_s: int = 900
    rises: tuple[tuple[float, float], ...] = ()
    measured_at: str | None = None

    @property
    def highest_price_per_kw(self) -> float:
        """What a kW costs above every level."""
        return self.rises[-1][1] if self.rises else self.price_per_kw


@dataclass(frozen=True)
class Coming:
    """Vehicles yet to come to connectors below a feeder, on `phases`, taken together.

    By the end of step t they will have taken `least_kwh[t]` (all leave with what they need, as late as it can be had) to `most_kwh[t]`
    (as early as it can be had) [kWh], in step t at most `most_kw[t]` [kW].
    """

    feeder_id: str
    least_kwh: tuple[float, ...]
    most_kwh: tuple[float, ...]
    most_kw: tuple[float, ...]
    phases: tuple[Phase, ...] = PHASES


@dataclass(frozen=True)
class LikelyDay:
    """One way the horizon may go on: who is yet to come, and what else is drawn and generated. `probability` over all likely days of a
    request adds to 1.

    `other_load_kw[t]`, `solar_kw[t]` [kW]: on that day in place of the request's own, for money; empty: as the request says.
    """

    probability: float
    coming: tuple[Coming, ...] = ()
    other_load_kw: tuple[float, ...] = ()
    solar_kw: tuple[float, ...] = ()


@dataclass(frozen=True)
class PlanRequest:
    """Everything a plan depends on. Steps are consecutive; every tuple indexed by step has their number.

    `solar_kw[t]`, `other_load_kw[t]` [kW]: expected at the grid connection, for money; caps rely on `FeederCap` instead.
    `grid_price_per_kwh[t]`, `export_price_per_kwh[t]`: money per kWh.
    `phasor_limits`: besides those of the feeders, for networks in which current angles matter.
    `connections`: further ones, each with all that is below its feeder; everything else is behind the site's own. `chance_level`:
    probability with which limits hold against `uncertain` load.
    `shortfall_price_per_kwh`: what a kWh that a session of the lowest priority lacks costs at least; it counts for more than it could
    cost to serve in any case. Where departures are uncertain it is weighed against prices, and should be the same at every hour.
    `fairness`: how sessions of one priority share what is scarce.
    `likely`: how the horizon may go on; `needs` get one plan against all of it, weighed by probability.
    """

    id: str
    site_id: str
    requested_at: datetime
    steps: tuple[Interval, ...]
    voltage_v: float
    feeders: tuple[FeederCap, ...]
    needs: tuple[ChargingNeed, ...]
    import_price_per_kwh: tuple[float, ...]
    export_price_per_kwh: tuple[float, ...]
    solar_kw: tuple[float, ...]
    other_load_kw: tuple[float, ...]
    demand: tuple[DemandPrice, ...] = ()
    likely: tuple[LikelyDay, ...] = ()
    phasor_limits: tuple[PhasorLimit, ...] = ()
    shortfall_price_per_kwh: float = 0.0
    fairness: Fairness = Fairness.HALF_FIRST
    time_limit_s: float = 2.0
    gap_target: float = 0.001
    batteries: tuple[Battery, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    bands: tuple[SetpointBand, ...] = ()
    energy_by: tuple[EnergyBy, ...] = ()
    connections: tuple[GridConnection, ...] = ()
    uncertain: tuple[UncertainLoad, ...] = ()
    chance_level: float = 0.95
    co2_g_per_kwh: tuple[float, ...] = ()
    co2_price_per_kg: float = 0.0


class PlanStatus(enum.Enum):
    """How good a plan is known to be."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    FALLBACK = "fallback"


@dataclass(frozen=True)
class SessionPlan:
    """A session's setpoints per step [A per phase], and what it will be short of at departure [kWh] (on average, where uncertain).

    `power_kw[t]`: mean power expected [kW]; what `current_a[t]` permits, less in the step in which the need is met.
    `late_kwh`: what each of the need's targets will lack when it is due [kWh]. `discharge_a`, `discharge_kw`: what the vehicle gives
    back per step, empty where it never does. `single_phase`: per step, whether the connector is switched to one phase; empty where it
    cannot be.
    """

    session_id: str
    connector: ConnectorKey
    current_a: tuple[float, ...]
    power_kw: tuple[float, ...]
    shortfall_kwh: float = 0.0
    late_kwh: tuple[float, ...] = ()
    discharge_a: tuple[float, ...] = ()
    discharge_kw: tuple[float, ...] = ()
    single_phase: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A plan with its certificate: `objective - bound` is at most `gap * objective` away from the best there can be.

    `import_kw[t]`: net import expected [kW]. `cost_by_term`: money by named term of the objective. `cpu_s`: CPU
    seconds spent, building included.
    """

    id: str
    request_id: str
    site_id: str
    made_at: datetime
    status: PlanStatus
    steps: tuple[Interval, ...]
    sessions: tuple[SessionPlan, ...]
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    cpu_s: float = 0.0
    peak_kw: float = 0.0
    binding: tuple[BindingLimit, ...] = ()
    relaxed: tuple[RelaxedLimit, ...] = ()
    cost_by_term: dict[str, float] = field(default_factory=dict)
    note: str = ""
    batteries: tuple[BatteryPlan, ...] = ()
    import_kw: tuple[float, ...] = ()
