"""The open sessions and what their meters teach: energy, state, phases in use, current drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isfinite

from cpms.control.acceptance import BELOW_A, DRAWING_A, Acceptances
from cpms.control.effects import SessionLearned
from cpms.control.phases import ON_ALL, PhaseProof, Told, proof_after
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session, SessionState
from cpms.domain.site import Connector, Site
from cpms.domain.telemetry import Sample, phases_in_use
from cpms.domain.units import PHASES, Phase

REGISTER_MARGIN_KWH = 2.0
REGISTER_NOISE_KWH = 1.0
IDLE_AFTER = timedelta(minutes=3)
"""A vehicle that draws nothing for so long although it may has stopped by itself, until it is seen to draw."""


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
    """Open sessions by id. A connector has at most one: the one that started last. `voltage_v` [V]: of the site, to neutral."""

    def __init__(self, voltage_v: float = 230.0) -> None:
        self.acceptances = Acceptances(voltage_v)
        self.sessions: dict[str, Session] = {}
        self.draws: dict[ConnectorKey, Draw] = {}
        self._idle_since: dict[str, datetime] = {}
        self._proof: dict[str, PhaseProof] = {}
        self._zero_kwh: dict[str, float] = {}
        self._fixed: set[str] = set()

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
        self.acceptances.forget(session_id)
        self._proof.pop(session_id, None)
        self._zero_kwh.pop(session_id, None)
        self._fixed.discard(session_id)
        return self.sessions.pop(session_id, None)

    def settled_phases(self, session: Session, connector: Connector, after_s: float) -> tuple[Phase, ...] | None:
        """The phases that are used if they alone were drawn on for `after_s` [s]; None where that is all of them, or not sure."""
        return self.phase_proof(session).shows(len(connector.phases), after_s)

    def phase_proof(self, session: Session) -> PhaseProof:
        """What is known of the phases a session is charged on."""
        return self._proof.get(session.id, PhaseProof())

    def stop_switching(self, session: Session) -> bool:
        """The session stays on all phases from now on, because its station does not do what it is told; False if that is known."""
        known = session.id in self._fixed
        self._fixed.add(session.id)
        return not known

    def may_switch(self, session: Session, connector: Connector) -> bool:
        """Whether the vehicle may be moved between one phase and all: its connector can, and it was seen to use all of them."""
        uses_all = set(session.active_phases or ()) == set(connector.phases)
        return connector.switching is not None and uses_all and session.id not in self._fixed

    def knows_phases(self, session: Session, connector: Connector, after_s: float) -> bool:
        """Whether all phases of the connector were seen in use, or it is proven that the vehicle has fewer."""
        seen = len(session.active_phases or ())
        return seen == len(connector.phases) or self.settled_phases(session, connector, after_s) is not None

    def forget_phases(self, station_id: str) -> None:
        """What was seen of phases at a station no longer counts: it rebooted."""
        for session in self.sessions.values():
            if session.connector.station_id == station_id:
                self._proof.pop(session.id, None)

    def at(self, key: ConnectorKey) -> Session | None:
        """The session at a connector, the latest should there be two."""
        here = (s for s in self.sessions.values() if s.connector == key)
        return max(here, key=lambda s: s.started_at, default=None)

    def move_instants(self, by: timedelta) -> None:
        """What was seen when is so much later, because the clock was set."""
        self.draws = {key: replace(draw, at=draw.at + by) for key, draw in self.draws.items()}
        self._idle_since = {session_id: at + by for session_id, at in self._idle_since.items()}
        self._proof = {
            session_id: replace(proof, last_at=None if proof.last_at is None else proof.last_at + by)
            for session_id, proof in self._proof.items()
        }
        self.acceptances.move_instants(by)

    def state_need(self, session_id: str, need: EnergyNeed | None, priority: int | None) -> bool:
        """Take over what a session needs; False if there is no such session."""
        if (session := self.sessions.get(session_id)) is None:
            return False
        self.sessions[session_id] = replace(
            session, need=need, priority=session.priority if priority is None else priority
        )
        return True

    def declines(self, session: Session, now: datetime) -> bool:
        """Whether the vehicle stopped by itself: it drew nothing for a while although it might, and nothing since."""
        since = self._idle_since.get(session.id)
        return since is not None and now - since >= IDLE_AFTER

    def learn(self, sample: Sample, site: Site, permitted_a: float, told: Told = ON_ALL) -> SessionLearned | None:
        """Take a sample in; what it taught, if anything new. `permitted_a` [A]: what the vehicle might have drawn; `told`: on which
        phases."""
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
        most_kw = connector.max_power_kw(site.max_voltage_v)
        learned = replace(session, energy_kwh=self._energy_kwh(session, sample, most_kw))
        if draw is not None:
            learned = self._with_draw(learned, draw, connector, permitted_a, told)
        self.sessions[session.id] = learned
        if learned == session:
            return None
        return SessionLearned(session.id, session.connector, learned.energy_kwh, learned.state, learned.active_phases)

    def _session_of(self, sample: Sample) -> Session | None:
        session = self.at(sample.connector)
        if session is None or sample.sampled_at < session.started_at:
            return None
        return session if sample.transaction_id in (None, session.transaction_id) else None

    def _with_draw(self, session: Session, draw: Draw, connector: Connector, permitted_a: float, told: Told) -> Session:
        if draw.current_a > DRAWING_A:
            self._idle_since.pop(session.id, None)
            used = phases_in_use(
                tuple(draw.phase_a.get(p) for p in PHASES),  # type: ignore[arg-type]  # PHASES are three
                PHASES,
                DRAWING_A,
            )
            seen = tuple(p for p in connector.phases if p in used or p in (session.active_phases or ()))
            reported = all(p in draw.phase_a for p in connector.phases)  # silence about a phase proves nothing
            drawn_at = draw.at if draw.current_a >= connector.min_current_a - BELOW_A else None
            earlier = self._proof.pop(session.id, None)
            if reported:
                self._proof[session.id] = proof_after(earlier, told, seen, used, drawn_at)
            return replace(session, state=SessionState.CHARGING, active_phases=seen)
        if (proof := self._proof.pop(session.id, None)) is not None and told == {proof.told}:
            self._proof[session.id] = proof.after(None)
        if permitted_a >= connector.min_current_a:
            self._idle_since.setdefault(session.id, draw.at)
        elif not self.declines(session, draw.at):
            self._idle_since.pop(session.id, None)
        return replace(session, state=SessionState.SUSPENDED) if session.state is SessionState.CHARGING else session

    def _energy_kwh(self, session: Session, sample: Sample, most_kw: float) -> float:
        """Energy delivered [kWh]; a register that shows more than the connector could have given since the start is not believed.

        A session whose start told no register begins at the first one. One below that counts anew: its meter was exchanged, or
        counts per session.
        """
        register_kwh = sample.energy_kwh
        if register_kwh is None or not isfinite(register_kwh):
            return session.energy_kwh
        begun_kwh = register_kwh - session.energy_kwh
        start_kwh = begun_kwh if session.meter_start_kwh is None else session.meter_start_kwh
        zero_kwh = self._zero_kwh.setdefault(session.id, start_kwh)
        if register_kwh < zero_kwh - REGISTER_NOISE_KWH:
            zero_kwh = self._zero_kwh[session.id] = begun_kwh
        hours = (sample.sampled_at - session.started_at).total_seconds() / 3600.0
        if register_kwh - zero_kwh > REGISTER_MARGIN_KWH + 1.1 * most_kw * hours:
            return session.energy_kwh
        return max(session.energy_kwh, register_kwh - zero_kwh)
