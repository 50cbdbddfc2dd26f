"""What connectors should draw, per ledger bin: from the plan, or the minimum until there is one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from cpms.control.bins import Bins, Vector
from cpms.domain.plan import Plan
from cpms.domain.session import Session
from cpms.domain.site import Connector


def problem_with(plan: Plan) -> str | None:
    """Why a plan cannot be used, None if it can: everything finite, not negative, a value per step (G8)."""
    if not plan.steps:
        return "it has no steps"
    for session in plan.sessions:
        if len(session.current_a) != len(plan.steps):
            return f"session {session.session_id} has {len(session.current_a)} values for {len(plan.steps)} steps"
        if not all(isfinite(a) and a >= 0 for a in session.current_a):
            return f"session {session.session_id} has currents that are negative or no numbers"
        if session.single_phase and len(session.single_phase) != len(plan.steps):
            return f"session {session.session_id} does not say its phases for all of {len(plan.steps)} steps"
    return None


@dataclass
class PlanInForce:
    """A usable plan and what sessions had been delivered [kWh], by id, when it was asked for."""

    plan: Plan
    delivered_kwh: Mapping[str, float]

    def __post_init__(self) -> None:
        self._sessions = {session.session_id: session for session in self.plan.sessions}
        self._starts = [step.starts_at.timestamp() for step in self.plan.steps]
        self._steps_of: tuple[Bins | None, list[int]] = (None, [])

    def wanted_a(self, session_id: str, bins: Bins) -> Vector | None:
        """Planned current [A per phase] per bin, what is after the plan as its last step; None for a session it does not know."""
        planned = self._sessions.get(session_id)
        return None if planned is None else [planned.current_a[step] for step in self._steps(bins)]

    def on_single_phase(self, session_id: str, bins: Bins) -> bool | None:
        """Whether it is planned on one phase in the first bin; None for a session it does not know."""
        planned = self._sessions.get(session_id)
        return None if planned is None else bool(planned.single_phase) and planned.single_phase[self._steps(bins)[0]]

    def _steps(self, bins: Bins) -> list[int]:
        """The step in the middle of each bin."""
        if self._steps_of[0] is not bins:
            middles = (bins.begin_s(i) + bins.width_s / 2 for i in range(bins.count))
            self._steps_of = bins, [max(0, bisect_right(self._starts, s) - 1) for s in middles]
        return self._steps_of[1]

    def planned_kwh(self, session_id: str, now: datetime) -> float | None:
        """Energy [kWh] that the session should have got between the request and `now`."""
        planned = self._sessions.get(session_id)
        if planned is None:
            return None
        energy_kwh = 0.0
        for step, power_kw in zip(self.plan.steps, planned.power_kw, strict=False):
            if step.starts_at >= now:
                break
            energy_kwh += power_kw * (min(now, step.ends_at) - step.starts_at).total_seconds() / 3600.0
        return energy_kwh

    def drifted(self, session: Session, now: datetime, drift_kwh: float) -> bool:
        """Whether a session is further from its plan than `drift_kwh` [kWh]."""
        planned_kwh, before_kwh = self.planned_kwh(session.id, now), self.delivered_kwh.get(session.id)
        if planned_kwh is None or before_kwh is None:
            return False
        return abs(session.energy_kwh - before_kwh - planned_kwh) > drift_kwh


def minimum_a(connector: Connector, bins: Bins) -> Vector:
    """The least a vehicle charges with: keeps it awake and shows its phases until a plan knows it."""
    return [connector.min_current_a] * bins.count


def maximum_a(connector: Connector, bins: Bins) -> Vector:
    """All the connector can, for equal shares to cut."""
    return [connector.max_current_a] * bins.count
