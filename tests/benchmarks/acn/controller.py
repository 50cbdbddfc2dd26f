"""The planner as a controller of acnportal's simulator."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

import numpy as np
from acnportal.acnsim.interface import SessionInfo
from acnportal.algorithms import BaseAlgorithm

from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import ChargingNeed, DemandPrice, FeederCap, LikelyDay, PhasorLimit, PlanRequest
from cpms.domain.time import Interval
from optimizer import plan
from tests.benchmarks.acn.data import (
    MAX_A,
    ONE_PHASE,
    PERIOD_S,
    PERIODS_PER_HOUR,
    ROOT,
    VOLTAGE_V,
    instant,
)
from tests.benchmarks.acn.horizon import FINE, mean_over, steps_until
from tests.benchmarks.acn.network import Network, network_of, phasor_limits_of, pods_of
from tests.benchmarks.acn.probes import wish_of, with_probes
from tests.benchmarks.acn.tails import PERIOD_MEANS, Tails

KW_PER_A = VOLTAGE_V / 1000
STEP_A = 0.001
"""The published protocol knows no setpoints; stations that do know tenths of an ampere."""
NO_LIMIT_A = 1e4
PLENTY_S = 60.0
GAP_TARGET = 0.002
BRIEF_S, ROUGH_GAP, PEAK_GAP = 1.0, 0.05, 0.01
"""Where stations know a few currents the last of them is worth little, and the next plan is a few minutes away; where a peak is paid
for it is worth more."""
LEAST_A = 0.2
"""A vehicle that is nearly full is planned with no less."""
WATCHED = 1
"""So often [periods] vehicles that taper are looked at and planned for, as often as by the others."""


class PlannedController(BaseAlgorithm):  # type: ignore[misc]  # acnportal ships no types
    """Plans with `optimizer.plan` at every plug-in and unplug, and when the steps that departures cut are over."""

    def __init__(self, start: datetime, price_per_kwh: Sequence[float]) -> None:
        super().__init__()
        self.max_recompute = FINE
        self.start = start
        self.price_per_kwh = price_per_kwh
        self.plans = 0
        self.cpu_s = 0.0
        self._tails = Tails()

    def schedule(self, active_sessions: list[SessionInfo]) -> dict[str, list[float]]:
        """Currents [A] per station for the whole horizon."""
        if not active_sessions:
            return {}
        self._learn(active_sessions)
        began_s = time.process_time()
        request = self.request(active_sessions)
        made = plan(request)
        self.cpu_s += time.process_time() - began_s
        self.plans += 1
        periods = [round(step.duration_h * 3600 / PERIOD_S) for step in request.steps]
        schedule = {
            need.connector.station_id: np.repeat(planned.current_a, periods).tolist()
            for need, planned in zip(request.needs, made.sessions, strict=True)
        }
        self._probe(active_sessions, schedule)
        return schedule

    def _probe(self, sessions: Sequence[SessionInfo], schedule: dict[str, list[float]]) -> None:
        """In the next period permit more where nobody wants the room, so that vehicles take what they can, and show it."""
        found = (
            wish_of(
                self._places[session.station_id],
                self._setpoints_a.get(session.station_id, ()),
                self._accepts_a(session) + PERIOD_MEANS.left_a,
            )
            for session in sessions
        )
        now_a = np.zeros(len(self._places))
        for station_id, row in schedule.items():
            now_a[self._places[station_id]] = row[0]
        permitted_a = with_probes(now_a, [wish for wish in found if wish is not None], self._network)
        for station_id, row in schedule.items():
            row[0] = float(permitted_a[self._places[station_id]])

    def _learn(self, sessions: Sequence[SessionInfo]) -> None:
        """From what vehicles took of what they were offered in the last period."""
        now, offered_a = instant(self.start, self.interface.current_time), self.interface.last_applied_pilot_signals
        taken_a = self.interface.last_actual_charging_rate
        for session in sessions:
            took_a = taken_a.get(session.session_id, 0.0)
            missing_kwh = session.remaining_demand + took_a * KW_PER_A / PERIODS_PER_HOUR
            self._tails.learn(session.session_id, offered_a.get(session.session_id, 0.0), took_a, missing_kwh, now)

    def request(self, sessions: Sequence[SessionInfo]) -> PlanRequest:
        """What is known of the garage now."""
        now = self.interface.current_time
        steps = steps_until(self.start, now, [session.departure for session in sessions])
        none = (0.0,) * len(steps)
        needs, demand = tuple(self._need(session) for session in sessions), self.demand(steps)
        return PlanRequest(
            id=f"{now}",
            site_id=ROOT,
            requested_at=instant(self.start, now),
            steps=steps,
            voltage_v=VOLTAGE_V,
            feeders=self._feeders(len(steps)),
            needs=needs,
            phasor_limits=tuple(replace(limit, limit_a=limit.limit_a * len(steps)) for limit in self._vector_limits),
            import_price_per_kwh=mean_over(self.price_per_kwh, self.start, steps),
            export_price_per_kwh=none,
            solar_kw=none,
            other_load_kw=none,
            demand=demand,
            likely=self.likely(steps),
            time_limit_s=BRIEF_S if self._setpoints_a else PLENTY_S,
            gap_target=self._gap_target(bool(demand)),
        )

    def _gap_target(self, peak_costs: bool) -> float:
        if not self._setpoints_a:
            return GAP_TARGET
        return PEAK_GAP if peak_costs else ROUGH_GAP

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
    def _network(self) -> Network:
        return network_of(self.interface.infrastructure_info())

    @cached_property
    def _places(self) -> dict[str, int]:
        return {station_id: n for n, station_id in enumerate(self.interface.infrastructure_info().station_ids)}

    @cached_property
    def _pods(self) -> tuple[dict[str, float], dict[str, str]]:
        return pods_of(self.interface.infrastructure_info())

    def _feeders(self, steps: int) -> tuple[FeederCap, ...]:
        """The garage, which itself has no limit, and its pods."""
        return tuple(
            FeederCap(name, None if name == ROOT else ROOT, (limit_a,) * steps, (None,) * steps, (0.0,) * steps)
            for name, limit_a in {ROOT: NO_LIMIT_A, **self._pods[0]}.items()
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
        """On a station that knows a few currents; with the highest that the vehicle takes whole."""
        need = replace(self._ideal_need(session), min_current_a=setpoints_a[0], step_a=1.0, setpoints_a=setpoints_a)
        accepted_a = self._accepts_a(session)
        whole_a = [a for a in setpoints_a if a <= accepted_a + PERIOD_MEANS.left_a]
        return replace(need, max_current_a=whole_a[-1]) if whole_a else replace(need, draws_a=max(accepted_a, LEAST_A))

    def _accepts_a(self, session: SessionInfo) -> float:
        return self._tails.accepts_a(session.session_id, session.remaining_demand)

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
