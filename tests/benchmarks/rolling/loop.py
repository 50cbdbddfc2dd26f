"""A garage lived through in closed loop: plans on what is believed, vehicles that do what they did."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from cpms.domain.plan import ChargingNeed, FeederCap, Plan, PlanRequest
from cpms.domain.session import Session
from cpms.domain.time import Interval
from cpms.domain.units import power_kw
from optimizer import plan
from tests.benchmarks.rolling.recorded import PERIOD, PERIOD_H, VOLTAGE_V, Recorded
from tests.benchmarks.rolling.views import View

REPLAN_PERIODS = 3
FINE_STEPS, FINE, COARSE = 12, timedelta(minutes=15), timedelta(minutes=60)
MOST_STEPS = 36
FULL_KWH = 1e-6


@dataclass
class Outcome:
    """What a stretch came to: money, energy missing at departures [kWh], and the work of planning."""

    energy_cost: float = 0.0
    delivered_kwh: dict[str, float] = field(default_factory=dict)
    highest_kw: float = 0.0
    plans: int = 0
    cpu_s: float = 0.0


@dataclass
class Loop:
    """One planner in the garage behind `cap_kw` [kW]."""

    recorded: Recorded
    cap_kw: float
    view: View
    time_limit_s: float
    outcome: Outcome = field(default_factory=Outcome)

    def run(self) -> Outcome:
        """Live through the stretch, period by period."""
        made: Plan | None = None
        made_in = -REPLAN_PERIODS
        there: frozenset[str] = frozenset()
        self.outcome.delivered_kwh = {session.id: 0.0 for session in self.recorded.sessions}
        for period in range(len(self.recorded.price_per_kwh)):
            wanting = [s for s in self.recorded.sessions if self._wants(s, period)]
            now_there = frozenset(s.id for s in wanting)
            if now_there != there or period - made_in >= REPLAN_PERIODS:
                made = self._plan(wanting, period) if wanting else None
                made_in, there = period, now_there
            if made is not None:
                self._charge(made, made_in, period)
        return self.outcome

    def _wants(self, session: Session, period: int) -> bool:
        left_kwh = self.recorded.energy_kwh[session.id] - self.outcome.delivered_kwh[session.id]
        return period in self.recorded.stays[session.id] and left_kwh > FULL_KWH

    def _charge(self, made: Plan, made_in: int, period: int) -> None:
        at = self.recorded.at(period)
        step = next(t for t, interval in enumerate(made.steps) if interval.contains(at))
        drawn_kw = 0.0
        for session in made.sessions:
            stay, delivered = self.recorded.stays[session.session_id], self.outcome.delivered_kwh
            left_kwh = self.recorded.energy_kwh[session.session_id] - delivered[session.session_id]
            if period in stay:
                permitted_kwh = power_kw(session.current_a[step], VOLTAGE_V, 1) * PERIOD_H
                taken_kwh = min(permitted_kwh, left_kwh)
                delivered[session.session_id] += taken_kwh
                drawn_kw += taken_kwh / PERIOD_H
        self.outcome.energy_cost += drawn_kw * PERIOD_H * self.recorded.price_per_kwh[period]
        self.outcome.highest_kw = max(self.outcome.highest_kw, drawn_kw)

    def _plan(self, wanting: list[Session], period: int) -> Plan:
        now = self.recorded.at(period)
        needs = tuple(self.view(self.recorded, s, self.outcome.delivered_kwh[s.id], now) for s in wanting)
        began_s = time.process_time()
        made = plan(self._request(needs, now))
        self.outcome.cpu_s += time.process_time() - began_s
        self.outcome.plans += 1
        return made

    def _request(self, needs: tuple[ChargingNeed, ...], now: datetime) -> PlanRequest:
        steps = _steps(now, max(need.departs_at for need in needs))
        zero = (0.0,) * len(steps)
        cap = FeederCap("garage", None, (1e5,) * len(steps), (self.cap_kw,) * len(steps), zero)
        return PlanRequest(
            id=f"{now.isoformat()}",
            site_id="recorded",
            requested_at=now,
            steps=steps,
            voltage_v=VOLTAGE_V,
            feeders=(cap,),
            needs=needs,
            import_price_per_kwh=tuple(float(self.recorded.tariff.import_price_per_kwh(s.starts_at)) for s in steps),
            export_price_per_kwh=zero,
            solar_kw=zero,
            other_load_kw=zero,
            shortfall_price_per_kwh=self.recorded.missing_per_kwh,
            time_limit_s=self.time_limit_s,
            gap_target=0.005,
        )


def _steps(now: datetime, until: datetime) -> tuple[Interval, ...]:
    """Fine steps from now, then coarse ones on the hour."""
    edges = [now + k * FINE for k in range(FINE_STEPS + 1)]
    while edges[-1].minute % 60 or edges[-1].second:
        edges.append(edges[-1] + PERIOD * math.ceil(((60 - edges[-1].minute) % 60 or 60) / 5))
    while edges[-1] < until and len(edges) <= MOST_STEPS:
        edges.append(edges[-1] + COARSE)
    return tuple(Interval(a, b) for a, b in pairwise(edges))
