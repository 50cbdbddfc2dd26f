"""The planner as a controller of acnportal's simulator, and the published one beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from acnportal.acnsim.interface import InfrastructureInfo, SessionInfo
from acnportal.algorithms import BaseAlgorithm

from forecasting.arrivals import Outlook, Visit, outlook
from tests.benchmarks.acn.data import PERIOD_S, TIMEZONE, VOLTAGE_V, ZONE, instant
from tests.benchmarks.acn.horizon import Steps
from tests.benchmarks.acn.program import Floats
from tests.benchmarks.acn.scenario_plan import Here, Network, ScenarioPlan, ToCome

KW_PER_A = VOLTAGE_V / 1000
NO_POWER_KW = 1e-9


class PlanningController(BaseAlgorithm):  # type: ignore[misc]  # acnportal ships no types
    """Plans at every plug-in and unplug with what the day's outlook says; sees the past and who is here, nothing else."""

    def __init__(
        self,
        start: datetime,
        billing_ends_at: datetime,
        price_per_kwh: Floats,
        demand_per_kw: float,
        history: Callable[[datetime], Sequence[Visit]],
        expected_peak_kw: float | None,
    ) -> None:
        super().__init__()
        self.start = start
        self.billing_ends_at = billing_ends_at
        self.price_per_kwh = price_per_kwh
        self.demand_per_kw = demand_per_kw
        self.history = history
        self.expected_peak_kw = expected_peak_kw
        self.view: Outlook | None = None
        self.network: Network | None = None
        self.plans = 0
        self.cpu_s = 0.0

    def schedule(self, active_sessions: list[SessionInfo]) -> dict[str, list[float]]:
        """Currents [A] per station for the whole horizon."""
        if not active_sessions:
            return {}
        infrastructure = self.interface._infrastructure_info()  # a copy would cost more than the plan
        began_s = time.process_time()
        currents = self._plan(active_sessions, infrastructure)
        self.cpu_s += time.process_time() - began_s
        self.plans += 1
        return currents

    def _plan(self, sessions: list[SessionInfo], infrastructure: InfrastructureInfo) -> dict[str, list[float]]:
        now = self.interface.current_time
        here = [
            Here(s.departure - now, s.remaining_demand, infrastructure.get_station_index(s.station_id))
            for s in sessions
        ]
        steps = Steps.until_departures(now, (vehicle.departure for vehicle in here))
        plan = ScenarioPlan(
            steps,
            steps.mean(self.price_per_kwh[now:]),
            self.peak_prices(now),
            here,
            self.likely(now, int(steps.edges[-1])),
            self._network(infrastructure),
        )
        power = plan.power_kw()
        power[power < NO_POWER_KW] = 0.0
        amps = np.repeat(power / KW_PER_A, steps.periods, axis=1)
        return {session.station_id: row.tolist() for session, row in zip(sessions, amps, strict=True)}

    def peak_prices(self, now: int) -> list[tuple[float, float]]:
        """The outlook's prices from the highest period so far on."""
        so_far_kw = self.interface.get_prev_peak() * KW_PER_A
        prices = [(p.above_kw, p.price_per_kw) for p in self._outlook(now).peak_prices]
        holding = max(n for n, (above_kw, _) in enumerate(prices) if above_kw <= so_far_kw or n == 0)
        return [(max(so_far_kw, prices[holding][0]), prices[holding][1]), *prices[holding + 1 :]]

    def likely(self, now: int, horizon: int) -> list[list[ToCome]]:
        """Who may come before the last vehicle here departs, per likely day."""
        at = instant(self.start, now)
        ends_at = at + timedelta(seconds=horizon * PERIOD_S)
        return [
            [_to_come(visit, at) for visit in day if visit.arrives_at < ends_at]
            for day in self._outlook(now).still_to_come(at)
        ]

    def _outlook(self, now: int) -> Outlook:
        """The day's view, made when its first plan is."""
        at = instant(self.start, now)
        if self.view is None or self.view.issued_at.astimezone(ZONE).date() != at.date():
            self.view = outlook(
                self.history(at), at, self.billing_ends_at, TIMEZONE, self.demand_per_kw, self.expected_peak_kw
            )
        return self.view

    def _network(self, infrastructure: InfrastructureInfo) -> Network:
        if self.network is None:
            self.network = network_of(infrastructure)
        return self.network


class PublishedController(PlanningController):
    """The objective of "Pricing EV Charging Service with Demand Charge" (PSCC 2020): demand charge over the days left, peak hint."""

    hint_kw: float = 0.0

    def peak_prices(self, now: int) -> list[tuple[float, float]]:
        """One price above the highest of peak so far and hint."""
        at = instant(self.start, now)
        left = max(1, (self.billing_ends_at.date() - at.date()).days)
        return [(max(self.interface.get_prev_peak() * KW_PER_A, self.hint_kw), self.demand_per_kw / left)]

    def likely(self, now: int, horizon: int) -> list[list[ToCome]]:
        """Nobody."""
        return []


def network_of(infrastructure: InfrastructureInfo) -> Network:
    """acnportal's constraints."""
    return Network(
        np.asarray(infrastructure.constraint_matrix, dtype=float),
        np.deg2rad(infrastructure.phases),
        np.asarray(infrastructure.constraint_limits, dtype=float),
    )


def _to_come(visit: Visit, at: datetime) -> ToCome:
    arrival, departure = ((when - at).total_seconds() / PERIOD_S for when in (visit.arrives_at, visit.departs_at))
    return ToCome(arrival, departure, visit.energy_kwh)
