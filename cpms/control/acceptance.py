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
LEFT_A = 1.0
"""A vehicle that draws so much less [A per phase] than it may, in two samples in a row, has shown its limit: one alone may be of a
vehicle that is waking up."""
LIMIT_BELIEVED_FOR = timedelta(minutes=15)
"""After this a vehicle is offered more again: what kept it may be over, or was misread."""


@dataclass(frozen=True)
class Acceptance:
    """What a vehicle was seen to take [A per phase]. `limited_at`: when it last left some of what it might have taken, None if it took
    all of it."""

    current_a: float
    limited_at: datetime | None = None


class Acceptances:
    """What vehicles accept, by session. `voltage_v` [V]: of the site, to neutral."""

    def __init__(self, voltage_v: float) -> None:
        self._voltage_v = voltage_v
        self._seen: dict[str, Acceptance] = {}
        self._left_a: dict[str, float] = {}

    def planned_a(self, session: Session, connector: Connector) -> float:
        """Most current [A per phase] to plan a vehicle with: what it showed as its limit, else the usual, what it was seen to take, or
        what its driver must think it takes, whichever is most."""
        seen = self._seen.get(session.id)
        if seen is None:
            believed_a = max(USUAL_A, self._needs_a(session, connector))
        elif seen.limited_at is None:
            believed_a = max(seen.current_a, self._needs_a(session, connector))
        else:
            believed_a = seen.current_a
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
        believed_a, seen = self.planned_a(session, connector), self._seen.get(session.id)
        limited_at = None if seen is None else seen.limited_at
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
        """A vehicle drew `drawn_a` while it had long been permitted `permitted_a` [A per phase]; whether plans are touched by it.

        One that leaves some of it twice in a row shows its limit, or that it is nearly full; one that takes all may take more, but
        `on_all` phases only if it did so on all: many take more on one.
        """
        if drawn_a < connector.min_current_a - 0.5:
            return False
        believed_a, seen = self.planned_a(session, connector), self._seen.get(session.id)
        before_a = self._left_a.pop(session.id, None)
        if drawn_a < permitted_a - LEFT_A:
            self._left_a[session.id] = drawn_a
            if before_a is not None:
                self._seen[session.id] = Acceptance(max(drawn_a, before_a) + 0.3, limited_at=at)
        elif on_all and drawn_a > (USUAL_A - 1.0 if seen is None else seen.current_a + 0.5):
            self._seen[session.id] = Acceptance(drawn_a)
        return abs(self.planned_a(session, connector) - believed_a) > LEFT_A

    def forget(self, session_id: str) -> None:
        """The session is over."""
        self._seen.pop(session_id, None)
        self._left_a.pop(session_id, None)

    def move_instants(self, by: timedelta) -> None:
        """What was seen when is so much later, because the clock was set."""
        self._seen = {
            session_id: replace(seen, limited_at=None if seen.limited_at is None else seen.limited_at + by)
            for session_id, seen in self._seen.items()
        }
