"""The open sessions and what their meters teach: energy, state, phases in use, current drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite

from cpms.control.effects import SessionLearned
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session, SessionState
from cpms.domain.site import Connector, Site
from cpms.domain.telemetry import Sample, phases_in_use
from cpms.domain.units import PHASES, Phase

DRAWING_A = 1.0


@dataclass(frozen=True)
class Draw:
    """What a connector was last seen to draw: per grid phase [A], in all [kW]."""

    at: datetime
    phase_a: dict[Phase, float]
    power_kw: float

    @property
    def current_a(self) -> float:
        """On its most loaded phase [A]."""
        return max(self.phase_a.values(), default=0.0)


def draw_of(sample: Sample, connector: Connector, voltage_v: float) -> Draw | None:
    """What a sample says is drawn, None where it says nothing usable. Power alone is spread over all phases of the connector,
    which may underrate a phase but never invents current."""
    known = {p: a for p, a in zip(connector.phases, sample.current_a, strict=False) if a is not None and isfinite(a)}
    power_kw = sample.power_kw if sample.power_kw is not None and isfinite(sample.power_kw) else None
    if not known and power_kw is None:
        return None
    if not known and power_kw is not None:
        share_a = power_kw * 1000.0 / (voltage_v * len(connector.phases))
        known = dict.fromkeys(connector.phases, share_a)
    if power_kw is None:
        power_kw = sum(known.values()) * voltage_v / 1000.0
    return Draw(sample.sampled_at, known, power_kw)


class SessionBook:
    """Open sessions by id. A connector has at most one: the one that started last."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.draws: dict[ConnectorKey, Draw] = {}
        self._idle_since: dict[str, datetime] = {}

    def open(self, session: Session) -> None:
        """Take a session up; what was metered of it before stays."""
        known = self.sessions.get(session.id)
        if known is not None:
            session = replace(
                session,
                energy_kwh=max(session.energy_kwh, known.energy_kwh),
                state=known.state,
                active_phases=known.active_phases or session.active_phases,
            )
        self.sessions[session.id] = session

    def close(self, session_id: str) -> Session | None:
        """Forget a session."""
        self._idle_since.pop(session_id, None)
        return self.sessions.pop(session_id, None)

    def at(self, key: ConnectorKey) -> Session | None:
        """The session at a connector, the latest should there be two."""
        here = (s for s in self.sessions.values() if s.connector == key)
        return max(here, key=lambda s: s.started_at, default=None)

    def state_need(self, session_id: str, need: EnergyNeed | None, priority: int | None) -> bool:
        """Take over what a session needs; False if there is no such session."""
        if (session := self.sessions.get(session_id)) is None:
            return False
        self.sessions[session_id] = replace(
            session, need=need, priority=session.priority if priority is None else priority
        )
        return True

    def declines(self, session: Session, now: datetime, patience_s: float = 180.0) -> bool:
        """Whether the vehicle has drawn nothing for a while although it may."""
        since = self._idle_since.get(session.id)
        return since is not None and (now - since).total_seconds() >= patience_s

    def learn(self, sample: Sample, site: Site, permitted_a: float) -> SessionLearned | None:
        """Take a sample in; what it taught, if anything new. `permitted_a` [A]: what the vehicle might have drawn."""
        connector = site.connectors.get(sample.connector)
        if connector is None:
            return None
        last = self.draws.get(sample.connector)
        draw = draw_of(sample, connector, site.voltage_v)
        if draw is not None and (last is None or draw.at >= last.at):
            self.draws[sample.connector] = draw
        session = self._session_of(sample)
        if session is None:
            return None
        learned = replace(session, energy_kwh=_energy_kwh(session, sample))
        if draw is not None:
            learned = self._with_draw(learned, draw, connector, permitted_a)
        self.sessions[session.id] = learned
        if learned == session:
            return None
        return SessionLearned(session.id, session.connector, learned.energy_kwh, learned.state, learned.active_phases)

    def _session_of(self, sample: Sample) -> Session | None:
        session = self.at(sample.connector)
        if session is None or sample.sampled_at < session.started_at:
            return None
        return session if sample.transaction_id in (None, session.transaction_id) else None

    def _with_draw(self, session: Session, draw: Draw, connector: Connector, permitted_a: float) -> Session:
        if draw.current_a > DRAWING_A:
            self._idle_since.pop(session.id, None)
            used = phases_in_use(
                tuple(draw.phase_a.get(p) for p in PHASES),  # type: ignore[arg-type]  # PHASES are three
                PHASES,
                DRAWING_A,
            )
            seen = tuple(p for p in connector.phases if p in used or p in (session.active_phases or ()))
            return replace(session, state=SessionState.CHARGING, active_phases=seen)
        if permitted_a < connector.min_current_a:
            self._idle_since.pop(session.id, None)
        else:
            self._idle_since.setdefault(session.id, draw.at)
        return replace(session, state=SessionState.SUSPENDED) if session.state is SessionState.CHARGING else session


def _energy_kwh(session: Session, sample: Sample) -> float:
    if sample.energy_kwh is None or not isfinite(sample.energy_kwh):
        return session.energy_kwh
    return max(session.energy_kwh, sample.energy_kwh - session.meter_start_kwh)
