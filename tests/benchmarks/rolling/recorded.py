"""A stretch of recorded sessions: what really happened, what drivers said, and what could be known of each at plug-in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from cpms.domain.errors import InvalidInput
from cpms.domain.session import Session
from cpms.domain.tariff import Tariff
from forecasting.score import FINE_LEVELS
from forecasting.series import zone_of
from forecasting.sessions.backtest import SessionHindcast, hindcast_sessions
from forecasting.sessions.features import stays_of
from forecasting.sessions.outlook import SessionOutlook

PERIOD = timedelta(minutes=5)
PERIOD_H = PERIOD.total_seconds() / 3600
MAX_A = 32.0
VOLTAGE_V = 208.0
MAX_KW = MAX_A * VOLTAGE_V / 1000
DEAREST_TIMES = 2.0
"""A kWh that is missing at departure costs so many times the dearest kWh of the stretch: what the planner itself reckons with."""


@dataclass(frozen=True)
class Hindcast:
    """What the product's forecast said of each session from `since` on at its plug-in: models are trained every week, and their record
    is kept, on what had ended. `sessions`: all there are, by start."""

    sessions: tuple[Session, ...]
    since: datetime
    timezone: str

    @classmethod
    def of(cls, sessions: Sequence[Session], since: datetime, until: datetime, timezone: str) -> Hindcast:
        """For the sessions that begin in `[since, until)`."""
        known = (s for s in sessions if s.started_at < until)
        return cls(tuple(sorted(known, key=lambda s: s.started_at)), since, timezone)

    @cached_property
    def outlooks(self) -> dict[str, SessionOutlook]:
        """By session; InvalidInput where too little had ended by `since`."""
        made = hindcast_sessions(stays_of(self.sessions, zone_of(self.timezone)), int(self.since.timestamp()))
        return {s.id: outlook_of(self.sessions, made, s.id) for s in self.sessions if s.started_at >= self.since}


@dataclass(frozen=True)
class Recorded:
    """Sessions that begin in a stretch, by arrival, in whole periods, and what was forecast of them."""

    sessions: tuple[Session, ...]
    start: datetime
    tariff: Tariff
    hindcast: Hindcast

    @classmethod
    def read(cls, hindcast: Hindcast, start: datetime, end: datetime, tariff: Tariff) -> Recorded:
        """The stretch of a hindcast's sessions; InvalidInput if nobody comes."""
        chosen = tuple(s for s in hindcast.sessions if start <= s.started_at < end)
        if not chosen:
            raise InvalidInput("sessions", f"none begins from {start:%Y-%m-%d} to {end:%Y-%m-%d}", "give another file")
        return cls(chosen, start, tariff, hindcast)

    def period(self, instant: datetime) -> int:
        """The period that contains an instant."""
        return int((instant - self.start) // PERIOD)

    def at(self, period: int) -> datetime:
        """When a period begins."""
        return self.start + period * PERIOD

    @cached_property
    def stays(self) -> dict[str, range]:
        """Periods in which each session is there, whole ones only."""
        return {s.id: range(self.period(s.started_at) + 1, self.period(departure_of(s))) for s in self.sessions}

    @cached_property
    def energy_kwh(self) -> dict[str, float]:
        """What each session wants [kWh]: what it really took, as far as it fits into its stay."""
        return {s.id: min(s.energy_kwh, MAX_KW * PERIOD_H * len(self.stays[s.id])) for s in self.sessions}

    @cached_property
    def price_per_kwh(self) -> list[float]:
        """Money per kWh of every period up to the last departure."""
        last = max(stay.stop for stay in self.stays.values())
        return [float(self.tariff.import_price_per_kwh(self.at(k))) for k in range(last + 1)]

    @property
    def missing_per_kwh(self) -> float:
        """What a kWh costs that somebody lacks at departure."""
        return DEAREST_TIMES * max(self.price_per_kwh)


def outlook_of(ordered: Sequence[Session], made: dict[str, SessionHindcast], session_id: str) -> SessionOutlook:
    """One session's forecasts as an outlook."""
    place = next(n for n, session in enumerate(ordered) if session.id == session_id)
    row = int(np.flatnonzero(made["stay_h"].places == place)[0])
    return SessionOutlook(
        started_at=ordered[place].started_at,
        levels=tuple(float(level) for level in FINE_LEVELS),
        stay_h=tuple(made["stay_h"].quantiles[row].tolist()),
        energy_kwh=tuple(made["energy_kwh"].quantiles[row].tolist()),
        method="hindcast",
    )


def departure_of(session: Session) -> datetime:
    """When a recorded session ended."""
    if session.ended_at is None:
        raise InvalidInput("sessions", f"{session.id} has no end", "give sessions that are over")
    return session.ended_at
