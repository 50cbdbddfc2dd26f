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
BELOW_A = 0.5
"""Drawing so much less than the minimum is drawing less than it [A per phase]: meters are not exact."""
DRAWING_A = 1.0
"""Drawing no more than this [A per phase] is drawing nothing."""
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


@dataclass(frozen=True)
class Tail:
    """A vehicle drew `drawn_a` [A per phase], less than its minimum, in the reading `at`; `before_a`: in the one before, None if that
    was none of a tail. It may be nearly full, or waking up: one reading shows nothing."""

    drawn_a: float
    at: datetime
    before_a: float | None = None

    def draws_a(self, now: datetime) -> float | None:
        """What it is believed to draw of the minimum [A per phase], None where that is not known, or no longer."""
        if self.before_a is None or now - self.at >= LIMIT_BELIEVED_FOR:
            return None
        return max(self.drawn_a, self.before_a)


class Acceptances:
    """What vehicles accept, by session. `voltage_v` [V]: of the site, to neutral."""

    def __init__(self, voltage_v: float) -> None:
        self._voltage_v = voltage_v
        self._seen: dict[str, Acceptance] = {}
        self._tails: dict[str, Tail] = {}

    def draws_a(self, session: Session, now: datetime) -> float | None:
        """What a vehicle is believed to draw of its connector's minimum, less than that [A per phase]; None: all it is told."""
        tail = self._tails.get(session.id)
        return None if tail is None else tail.draws_a(now)

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
        if drawn_a < connector.min_current_a - BELOW_A:
            return (
                drawn_a > DRAWING_A and permitted_a >= connector.min_current_a and self._note_tail(session, drawn_a, at)
            )
        told_all = self.draws_a(session, at) is None
        self._tails.pop(session.id, None)
        believed_a, seen = self.planned_a(session, connector), self._seen.get(session.id, UNSEEN)
        self._seen[session.id] = seen.after(drawn_a, permitted_a, at, SAMPLED, on_all)
        return not told_all or abs(self.planned_a(session, connector) - believed_a) > SAMPLED.left_a

    def _note_tail(self, session: Session, drawn_a: float, at: datetime) -> bool:
        """A vehicle drew less than the minimum although it might have drawn that."""
        last, believed_a = self._tails.get(session.id), self.draws_a(session, at)
        self._tails[session.id] = Tail(drawn_a, at, None if last is None else last.drawn_a)
        known_a = self.draws_a(session, at)
        return known_a is not None and (believed_a is None or abs(known_a - believed_a) > SAMPLED.left_a)

    def forget(self, session_id: str) -> None:
        """The session is over."""
        self._seen.pop(session_id, None)
        self._tails.pop(session_id, None)

    def move_instants(self, by: timedelta) -> None:
        """What was seen when is so much later, because the clock was set."""
        self._seen = {
            session_id: replace(seen, limited_at=None if seen.limited_at is None else seen.limited_at + by)
            for session_id, seen in self._seen.items()
        }
        self._tails = {session_id: replace(tail, at=tail.at + by) for session_id, tail in self._tails.items()}
