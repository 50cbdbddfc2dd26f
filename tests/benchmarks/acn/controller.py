"""The planner as a controller of acnportal's simulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from acnportal.acnsim.interface import SessionInfo
from acnportal.algorithms import BaseAlgorithm

from cpms.domain.identity import ConnectorKey
from cpms.domain.peak_price import demand_price
from cpms.domain.plan import ChargingNeed, DemandPrice, FeederCap, LikelyDay, PhasorLimit, PlanRequest
from cpms.domain.time import Interval
from forecasting.arrivals.rests import Outlook, outlook
from forecasting.arrivals.visits import Visit
from optimizer import plan
from tests.benchmarks.acn.acceptance import Acceptance
from tests.benchmarks.acn.data import MAX_A, ONE_PHASE, PERIOD_S, ROOT, TIMEZONE, VOLTAGE_V, ZONE, instant
from tests.benchmarks.acn.horizon import FINE, mean_over, steps_until
from tests.benchmarks.acn.network import phasor_limits_of, pods_of

KW_PER_A = VOLTAGE_V / 1000
STEP_A = 0.001
"""The published protocol knows no setpoints; stations that do know tenths of an ampere."""
NO_LIMIT_A = 1e4
PLENTY_S = 60.0
GAP_TARGET = 0.002
BRIEF_S, ROUGH_GAP = 1.0, 0.01
"""Where stations know a few currents the last of them is worth little, and the next plan is a few minutes away."""
WATCHED = 3
"""So often [periods] vehicles that taper are looked at and planned for."""
TAPERING_SHARE = 0.2
"""The last share of a vehicle's energy, in which it may accept less and less; it takes up to twice as long."""


class PlannedController(BaseAlgorithm):  # type: ignore[misc]  # acnportal ships no types
    """Plans with `optimizer.plan` at every plug-in and unplug, and when the steps that departures cut are over."""

    def __init__(self, start: datetime, price_per_kwh: Sequence[float]) -> None:
        super().__init__()
        self.max_recompute = FINE
        self.start = start
        self.price_per_kwh = price_per_kwh
        self.plans = 0
        self.cpu_s = 0.0
        self._acceptance = Acceptance()

    def schedule(self, active_sessions: list[SessionInfo]) -> dict[str, list[float]]:
        """Currents [A] per station for the whole horizon."""
        if not active_sessions:
            return {}
        self._acceptance.learn(self.interface.last_applied_pilot_signals, self.interface.last_actual_charging_rate)
        began_s = time.process_time()
        request = self.request(active_sessions)
        made = plan(request)
        self.cpu_s += time.process_time() - began_s
        self.plans += 1
        periods = [round(step.duration_h * 3600 / PERIOD_S) for step in request.steps]
        return {
            session.station_id: np.repeat(planned.current_a, periods).tolist()
            for session, planned in zip(active_sessions, made.sessions, strict=True)
        }

    def request(self, sessions: Sequence[SessionInfo]) -> PlanRequest:
        """What is known of the garage now."""
        now = self.interface.current_time
        steps = steps_until(self.start, now, [session.departure for session in sessions])
        none = (0.0,) * len(steps)
        return PlanRequest(
            id=f"{now}",
            site_id=ROOT,
            requested_at=instant(self.start, now),
            steps=steps,
            voltage_v=VOLTAGE_V,
            feeders=self._feeders(len(steps)),
            needs=tuple(self._need(session) for session in sessions),
            phasor_limits=tuple(replace(limit, limit_a=limit.limit_a * len(steps)) for limit in self._vector_limits),
            import_price_per_kwh=mean_over(self.price_per_kwh, self.start, steps),
            export_price_per_kwh=none,
            solar_kw=none,
            other_load_kw=none,
            demand=self.demand(steps),
            likely=self.likely(steps),
            time_limit_s=BRIEF_S if self._setpoints_a else PLENTY_S,
            gap_target=ROUGH_GAP if self._setpoints_a else GAP_TARGET,
        )

    def demand(self, steps: Sequence[Interval]) -> tuple[DemandPrice, ...]:
        """What peak costs: nothing."""
        return ()

    def likely(self, steps: Sequence[Interval]) -> tuple[LikelyDay, ...]:
        """Who may come: nobody knows."""
        return ()

    @property
    def peak_so_far_kw(self) -> float:
        """The highest period so far [kW]."""
        return float(self.interface.get_prev_peak() * KW_PER_A)

    @cached_property
    def _vector_limits(self) -> tuple[PhasorLimit, ...]:
        return phasor_limits_of(self.interface.infrastructure_info())

    @cached_property
    def _pods(self) -> tuple[dict[str, float], dict[str, str]]:
        return pods_of(self.interface.infrastructure_info())

    def _feeders(self, steps: int) -> tuple[FeederCap, ...]:
        """The garage, which itself has no limit, and its pods."""
        limits_a: dict[str, float] = {ROOT: NO_LIMIT_A, **self._pods[0]}
        return tuple(
            FeederCap(name, None if name == ROOT else ROOT, (limit_a,) * steps, (None,) * steps, (0.0,) * steps)
            for name, limit_a in limits_a.items()
        )

    @cached_property
    def _setpoints_a(self) -> dict[str, tuple[float, ...]]:
        """What stations know that do not know every current, but for none [A]."""
        info = self.interface.infrastructure_info()
        return {
            station_id: tuple(float(pilot) for pilot in pilots if pilot > 0)
            for station_id, pilots, any_current in zip(
                info.station_ids, info.allowable_pilots, info.is_continuous, strict=True
            )
            if not any_current
        }

    def _need(self, session: SessionInfo) -> ChargingNeed:
        setpoints_a = self._setpoints_a.get(session.station_id, ())
        if setpoints_a:
            return self._real_need(session, setpoints_a)
        return self._ideal_need(session)

    def _real_need(self, session: SessionInfo, setpoints_a: tuple[float, ...]) -> ChargingNeed:
        """On a station that knows a few currents; done before the departure by the time of tapering, where the stay allows it."""
        accepted_a = self._acceptance.highest_a(session.session_id, setpoints_a)
        tapering_h = min(session.remaining_demand, TAPERING_SHARE * session.requested_energy) / (MAX_A * KW_PER_A)
        now, departs_at = (instant(self.start, t) for t in (self.interface.current_time, session.departure))
        possible_at = now + timedelta(hours=1.05 * session.remaining_demand / (accepted_a * KW_PER_A))
        done_at = max(departs_at - timedelta(hours=tapering_h), min(possible_at, departs_at))
        return replace(
            self._ideal_need(session),
            departs_at=done_at,
            max_current_a=accepted_a,
            min_current_a=setpoints_a[0],
            step_a=1.0,
            setpoints_a=setpoints_a,
        )

    def _ideal_need(self, session: SessionInfo) -> ChargingNeed:
        return ChargingNeed(
            session_id=session.session_id,
            connector=ConnectorKey(session.station_id, 1),
            feeder_id=self._pods[1].get(session.station_id, ROOT),
            energy_kwh=session.remaining_demand,
            departs_at=instant(self.start, session.departure),
            phases=ONE_PHASE,
            max_current_a=MAX_A,
            min_current_a=0.0,
            step_a=STEP_A,
        )


class OutlookController(PlannedController):
    """With `forecasting.arrivals.rests`: likely days, and prices of peak for the month; sees the past and who is here, no more."""

    def __init__(
        self,
        start: datetime,
        price_per_kwh: Sequence[float],
        billing_ends_at: datetime,
        demand_per_kw: float,
        history: Callable[[datetime], Sequence[Visit]],
        expected_peak_kw: float | None,
    ) -> None:
        super().__init__(start, price_per_kwh)
        self.billing_ends_at = billing_ends_at
        self.demand_per_kw = demand_per_kw
        self.history = history
        self.expected_peak_kw = expected_peak_kw
        self._view: Outlook | None = None
        self._come_today: set[str] = set()

    def request(self, sessions: Sequence[SessionInfo]) -> PlanRequest:
        """What is known of the garage now, and how many have come today."""
        now = instant(self.start, self.interface.current_time)
        self._look_out(now)
        midnight = now.astimezone(ZONE).replace(hour=0, minute=0)
        self._come_today |= {s.session_id for s in sessions if instant(self.start, s.arrival) >= midnight}
        return super().request(sessions)

    def demand(self, steps: Sequence[Interval]) -> tuple[DemandPrice, ...]:
        """The outlook's prices from the highest period so far on."""
        return (demand_price(self.view.peak_prices, self.peak_so_far_kw, (True,) * len(steps), PERIOD_S),)

    def likely(self, steps: Sequence[Interval]) -> tuple[LikelyDay, ...]:
        """The outlook's rest of today."""
        return self.view.likely(steps, len(self._come_today))

    @property
    def view(self) -> Outlook:
        """Today's."""
        if self._view is None:
            raise AssertionError("a view is made before it is used")
        return self._view

    def _look_out(self, now: datetime) -> None:
        """Make the day's view when its first plan is."""
        if self._view is None or self._view.issued_at.astimezone(ZONE).date() != now.astimezone(ZONE).date():
            self._come_today = set()
            self._view = outlook(
                self.history(now), now, self.billing_ends_at, TIMEZONE, self.demand_per_kw, self.expected_peak_kw
            )


class PublishedController(PlannedController):
    """The objective of "Pricing EV Charging Service with Demand Charge" (PSCC 2020): demand charge over the days left, peak hint."""

    def __init__(
        self,
        start: datetime,
        price_per_kwh: Sequence[float],
        billing_ends_at: datetime,
        demand_per_kw: float,
        hint_kw: float,
    ) -> None:
        super().__init__(start, price_per_kwh)
        self.billing_ends_at = billing_ends_at
        self.demand_per_kw = demand_per_kw
        self.hint_kw = hint_kw

    def demand(self, steps: Sequence[Interval]) -> tuple[DemandPrice, ...]:
        """One price above the highest of peak so far and hint."""
        left = max(1, (self.billing_ends_at.date() - steps[0].starts_at.astimezone(ZONE).date()).days)
        paid_kw = max(self.peak_so_far_kw, self.hint_kw)
        return (DemandPrice(self.demand_per_kw / left, paid_kw, (True,) * len(steps), PERIOD_S),)
