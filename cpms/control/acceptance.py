"""What vehicles showed that they accept, and what is believed of them until then (docs/adr/0010)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cpms.domain.session import Session
from cpms.domain.site import Connector
from cpms.domain.units import PHASES, power_kw

USUAL_A = 16.0
"""What most on-board chargers take per phase: believed of a vehicle until it shows more or less, so that no need is missed."""
OFTEN_WITHOUT_THREE_PHASES_A = 32.0
"""What many take on one phase, or between two: permitted at once where a vehicle is planned with all it is believed to take, so that
it can show it."""
STATED_SHARE = 1.5
"""Who states a need means to have it with time to spare, and tapering takes its part: the vehicle takes so many times the mean."""
PROBE = 1.25
"""How much more than what it was seen to take a vehicle is permitted until it shows its limit."""
LIMIT_BELIEVED_FOR = timedelta(minutes=15)
"""After this a vehicle is offered more again: what kept it may be over, or was misread."""


@dataclass(frozen=True)
class Meter:
    """How what a vehicle draws is known: less than `left_a` below its limit [A per phase] may be the meter's, a limit shows in so many
    `readings` in a row (1 or 2), and it may lie `above_a` higher than the higher of them [A per phase]."""

    left_a: float
    readings: int
    above_a: float


SAMPLED = Meter(left_a=1.0, readings=2, above_a=0.3)
"""Stations' samples: one alone may be of a vehicle that is waking up."""


@dataclass(frozen=True)
class Acceptance:
    """What a vehicle was seen to take [A per phase], None: nothing telling. `limited_at`: when it last left some of what it might have
    taken, None if it took all of it. `left_a`: what it drew in the last reading, if it left some then."""

    current_a: float | None = None
    limited_at: datetime | None = None
    left_a: float | None = None

    def after(self, drawn_a: float, permitted_a: float, at: datetime, meter: Meter, on_all: bool = True) -> Acceptance:
        """With a reading: `drawn_a` where `permitted_a` might have been drawn [A per phase]; `on_all` phases of its connector or not.

        A vehicle that leaves some shows its limit, or that it is nearly full; taking all of less than that shows nothing new. One that
        takes all may take more, but on all phases only if it did so on all: many take more on one.
        """
        if drawn_a < permitted_a - meter.left_a:
            before_a = drawn_a if meter.readings == 1 else self.left_a
            if before_a is None:
                return replace(self, left_a=drawn_a)
            return Acceptance(max(drawn_a, before_a) + meter.above_a, limited_at=at, left_a=drawn_a)
        known_a = USUAL_A - 1.0 if self.current_a is None else self.current_a + 0.5
        return Acceptance(drawn_a) if on_all and drawn_a > known_a else replace(self, left_a=None)


UNSEEN = Acceptance()


class Acceptances:
    """What vehicles accept, by session. `voltage_v` [V]: of the site, to neutral."""

    def __init__(self, voltage_v: float) -> None:
        self._voltage_v = voltage_v
        self._seen: dict[str, Acceptance] = {}

    def planned_a(self, session: Session, connector: Connector) -> float:
        """Most current [A per phase] to plan a vehicle with: what it showed as its limit, else the usual, what it was seen to take, or
        what its driver must think it takes, whichever is most."""
        seen = self._seen.get(session.id, UNSEEN)
        believed_a = USUAL_A if seen.current_a is None else seen.current_a
        if seen.limited_at is None:
            believed_a = max(believed_a, self._needs_a(session, connector))
        return min(connector.max_current_a, max(connector.min_current_a, believed_a))

    def _needs_a(self, session: Session, connector: Connector) -> float:
        """What a vehicle has to take [A per phase] for the need its driver states, tapering included; 0 where none is stated."""
        if session.need is None:
            return 0.0
        hours = (session.need.departs_at - session.started_at).total_seconds() / 3600.0
        if hours <= 0.0:
            return 0.0
        phases = session.active_phases or connector.phases
        return STATED_SHARE * session.need.energy_kwh / hours / power_kw(1.0, self._voltage_v, len(phases))

    def probe_a(self, session: Session, connector: Connector, now: datetime) -> float:
        """What to permit a vehicle [A per phase] that is planned with all it is believed to take, so that it can show more."""
        believed_a = self.planned_a(session, connector)
        limited_at = self._seen.get(session.id, UNSEEN).limited_at
        if limited_at is not None and now - limited_at < LIMIT_BELIEVED_FOR:
            return believed_a
        three_phases = len(connector.phases) == len(PHASES)
        often_a = USUAL_A if three_phases else OFTEN_WITHOUT_THREE_PHASES_A
        return min(connector.max_current_a, max(often_a, PROBE * believed_a))

    def note(
        self,
        session: Session,
        connector: Connector,
        drawn_a: float,
        permitted_a: float,
        at: datetime,
        on_all: bool = True,
    ) -> bool:
        """A vehicle drew `drawn_a` while it had long been permitted `permitted_a` [A per phase]; whether plans are touched by it."""
        if drawn_a < connector.min_current_a - 0.5:
            return False
        believed_a, seen = self.planned_a(session, connector), self._seen.get(session.id, UNSEEN)
        self._seen[session.id] = seen.after(drawn_a, permitted_a, at, SAMPLED, on_all)
        return abs(self.planned_a(session, connector) - believed_a) > SAMPLED.left_a

    def forget(self, session_id: str) -> None:
        """The session is over."""
        self._seen.pop(session_id, None)

    def move_instants(self, by: timedelta) -> None:
        """What was seen when is so much later, because the clock was set."""
        self._seen = {
            session_id: replace(seen, limited_at=None if seen.limited_at is None else seen.limited_at + by)
            for session_id, seen in self._seen.items()
        }
