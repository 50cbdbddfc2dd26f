"""What a session will need when nobody says it: medians of the driver's, the hour's and the site's recent sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from cpms.domain.session import EnergyNeed, NeedSource, Session
from cpms.domain.time import require_aware
from forecasting.series import zone_of

OWN_SESSIONS = 15
OWN_PRIOR = 3.0
"""A driver's own median counts n / (n + OWN_PRIOR) against the site's."""

HOUR_SESSIONS = 120
MIN_HOUR_SESSIONS = 5
SITE_SESSIONS = 300
FALSE_START = timedelta(minutes=5)
FALSE_START_KWH = 0.2


@dataclass(frozen=True)
class Stay:
    """A session that is over: stay [h], energy [kWh], and the local time of day it began [h]."""

    ended_at: datetime
    id_tag: str | None
    time_of_day_h: float
    stay_h: float
    energy_kwh: float


def expect_need(
    history: Sequence[Session],
    started_at: datetime,
    id_tag: str | None,
    timezone: str,
    default_energy_kwh: float = 15.0,
    default_stay_h: float = 4.0,
) -> EnergyNeed:
    """Energy [kWh] and departure to expect of a session that starts at `started_at` with `id_tag` (None: unknown).

    `history`: sessions in any order; only those ended by `started_at` are looked at, and the most recent ones count. The
    driver's own median is mixed with that of sessions which began within an hour of the same local time of day, which falls
    back to the whole site's, and that to the defaults. InvalidInput for an unknown zone.
    """
    require_aware(started_at, "started_at")
    zone = zone_of(timezone)
    past = past_stays(history, started_at, zone)
    own = [stay for stay in past if id_tag is not None and stay.id_tag == id_tag][:OWN_SESSIONS]
    others = _alike(past, time_of_day_h(started_at, zone))
    stay_h = _mixed([s.stay_h for s in own], [s.stay_h for s in others], default_stay_h)
    energy_kwh = _mixed([s.energy_kwh for s in own], [s.energy_kwh for s in others], default_energy_kwh)
    return EnergyNeed(max(0.0, energy_kwh), started_at + timedelta(hours=stay_h), NeedSource.FORECAST)


def past_stays(history: Sequence[Session], until: datetime, zone: ZoneInfo) -> list[Stay]:
    """The sessions of `history` that ended by `until`, the latest first."""
    stays = [
        Stay(
            ended_at=session.ended_at,
            id_tag=session.id_tag,
            time_of_day_h=time_of_day_h(session.started_at, zone),
            stay_h=(session.ended_at - session.started_at).total_seconds() / 3600.0,
            energy_kwh=session.energy_kwh,
        )
        for session in history
        if session.ended_at is not None and session.ended_at <= until and not _is_false_start(session, session.ended_at)
    ]
    return sorted(stays, key=lambda stay: stay.ended_at, reverse=True)


def _is_false_start(session: Session, ended_at: datetime) -> bool:
    """A plug put in and out again says nothing about needs."""
    return session.energy_kwh < FALSE_START_KWH or ended_at - session.started_at < FALSE_START


def time_of_day_h(instant: datetime, zone: ZoneInfo) -> float:
    """Local time of day [h]."""
    local = instant.astimezone(zone)
    return local.hour + local.minute / 60.0


def _alike(past: Sequence[Stay], began_h: float) -> Sequence[Stay]:
    """Stays that began at about the same time of day, or just the latest where there are too few of them."""
    apart_h = (abs(stay.time_of_day_h - began_h) for stay in past)
    alike = [stay for stay, apart in zip(past, apart_h, strict=True) if min(apart, 24.0 - apart) <= 1.0]
    return alike[:HOUR_SESSIONS] if len(alike) >= MIN_HOUR_SESSIONS else past[:SITE_SESSIONS]


def _mixed(own: Sequence[float], others: Sequence[float], default: float) -> float:
    site = median(others) if others else default
    if not own:
        return site
    weight = len(own) / (len(own) + OWN_PRIOR)
    return weight * median(own) + (1 - weight) * site
