"""What a planner believes of a session that is there: the driver, the middle of the forecast, all of the forecast, or the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cpms.domain.identity import ConnectorKey
from cpms.domain.need import EnergyTarget, LikelyStay
from cpms.domain.plan import ChargingNeed
from cpms.domain.session import Session
from cpms.domain.units import Phase
from forecasting.sessions.outlook import SessionOutlook
from forecasting.sessions.serving import need_to_plan
from tests.benchmarks.rolling.recorded import MAX_A, MAX_KW, Recorded

OVERDUE = timedelta(minutes=30)
"""Who stays longer than expected is expected to stay so much longer."""
STILL_WANTED_KWH = 1.0
"""Who goes on charging beyond what was expected is expected to take so much more [kWh]."""
DEPARTURE_LEVELS = tuple((k + 0.5) / 20 for k in range(20))
ENERGY_LEVELS = tuple((k + 0.5) / 5 for k in range(5))

View = Callable[[Recorded, Session, float, datetime], ChargingNeed]


@dataclass(frozen=True)
class Belief:
    """Energy from plug-in [kWh] and departure."""

    energy_kwh: float
    departs_at: datetime


def statements(recorded: Recorded, session: Session, taken_kwh: float, now: datetime) -> ChargingNeed:
    """The driver's words, believed; the middle of the forecast where there are none."""
    if session.need is None:
        return medians(recorded, session, taken_kwh, now)
    return _need(session, Belief(session.need.energy_kwh, session.need.departs_at), taken_kwh, now)


def medians(recorded: Recorded, session: Session, taken_kwh: float, now: datetime) -> ChargingNeed:
    """The middle of what the forecast leaves possible."""
    middle = recorded.hindcast.outlooks[session.id].given(now, taken_kwh).need()
    return _need(session, Belief(middle.energy_kwh, middle.departs_at), taken_kwh, now)


def careful(recorded: Recorded, session: Session, taken_kwh: float, now: datetime) -> ChargingNeed:
    """What the product plans for: the driver's words, and what vehicles like this one take by when they may leave."""
    need = need_to_plan(session, recorded.hindcast.outlooks[session.id].given(now, taken_kwh))
    planned = _need(session, Belief(need.energy_kwh, need.departs_at), taken_kwh, now)
    if need.early_at is None or need.early_kwh <= taken_kwh:
        return planned
    early = EnergyTarget(need.early_kwh - taken_kwh, max(need.early_at, now + timedelta(minutes=5)))
    return replace(planned, targets=(early,))


def distributions(recorded: Recorded, session: Session, taken_kwh: float, now: datetime) -> ChargingNeed:
    """All that the forecast leaves possible, by its chances."""
    outlook = recorded.hindcast.outlooks[session.id].given(now, taken_kwh)
    likely = _likely(outlook, taken_kwh, now)
    most = Belief(max(one.energy_kwh for one in likely) + taken_kwh, max(one.departs_at for one in likely))
    return replace(_need(session, most, taken_kwh, now), likely=likely)


def truth(recorded: Recorded, session: Session, taken_kwh: float, now: datetime) -> ChargingNeed:
    """What will be, known from plug-in on."""
    departs_at = recorded.at(recorded.stays[session.id].stop)
    return _need(session, Belief(recorded.energy_kwh[session.id], departs_at), taken_kwh, now)


def _likely(outlook: SessionOutlook, taken_kwh: float, now: datetime) -> tuple[LikelyStay, ...]:
    """Departures times energies, as if independent."""
    chance = 1 / len(DEPARTURE_LEVELS) / len(ENERGY_LEVELS)
    pairs = (outlook.need(departure, energy) for departure in DEPARTURE_LEVELS for energy in ENERGY_LEVELS)
    return tuple(
        LikelyStay(
            max(STILL_WANTED_KWH, one.energy_kwh - taken_kwh), max(one.departs_at, now + timedelta(minutes=5)), chance
        )
        for one in pairs
    )


def _need(session: Session, belief: Belief, taken_kwh: float, now: datetime) -> ChargingNeed:
    """A need that is neither over nor met while the vehicle stays and charges, and that could be met."""
    departs_at = belief.departs_at if belief.departs_at > now else now + OVERDUE
    possible_kwh = MAX_KW * (departs_at - now).total_seconds() / 3600
    return ChargingNeed(
        session_id=session.id,
        connector=ConnectorKey(session.connector.station_id, 1),
        feeder_id="garage",
        energy_kwh=min(max(STILL_WANTED_KWH, belief.energy_kwh - taken_kwh), possible_kwh),
        departs_at=departs_at,
        phases=(Phase.L1,),
        max_current_a=MAX_A,
    )
