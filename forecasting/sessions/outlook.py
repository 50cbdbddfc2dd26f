"""What a session is likely to take, as distributions, from plug-in until it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.session import EnergyNeed, NeedSource, Session
from cpms.domain.time import require_aware
from forecasting.learning.conformal import positions
from forecasting.quantiles import DEFAULT_LEVELS, at_levels, require_levels
from forecasting.score import FINE_LEVELS
from forecasting.series import HOUR_S, Floats, Ints, zone_of
from forecasting.sessions.features import Stays, stays_of
from forecasting.sessions.model import (
    LATELY,
    LEARNED,
    LearnedQuantity,
    Record,
    SessionModel,
    corrected,
    feature_rows,
    rolling_quantiles,
)

DEFAULTS = {"stay_h": 4.0, "energy_kwh": 15.0}
"""What is forecast, and what is expected of the very first session."""


@dataclass(frozen=True)
class SessionOutlook:
    """Quantiles of a session's length [h, from its start] and energy [kWh] at `levels`; `method` says who made them."""

    started_at: datetime
    levels: tuple[float, ...]
    stay_h: tuple[float, ...]
    energy_kwh: tuple[float, ...]
    method: str

    def need(self, departure_level: float = 0.5, energy_level: float = 0.5) -> EnergyNeed:
        """The need to plan for: a low departure level leaves time to spare, a high energy level energy to spare."""
        stay_h = float(np.interp(departure_level, self.levels, self.stay_h))
        energy_kwh = float(np.interp(energy_level, self.levels, self.energy_kwh))
        return EnergyNeed(energy_kwh, self.started_at + timedelta(hours=stay_h), NeedSource.FORECAST)

    def given(self, now: datetime, energy_kwh: float) -> SessionOutlook:
        """The outlook while the session lasts: it stays longer than until `now` and takes more than `energy_kwh` [kWh]."""
        elapsed_h = (now - self.started_at).total_seconds() / HOUR_S
        stay_h = _beyond(self.levels, self.stay_h, elapsed_h)
        return replace(self, stay_h=stay_h, energy_kwh=_beyond(self.levels, self.energy_kwh, energy_kwh))


def expect_session(
    history: Sequence[Session],
    session: Session,
    timezone: str,
    model: SessionModel | None = None,
    levels: Sequence[float] = DEFAULT_LEVELS,
    records: Mapping[str, Record] | None = None,
) -> SessionOutlook:
    """`expect_sessions` of one."""
    return expect_sessions(history, [session], timezone, model, levels, records)[0]


def expect_sessions(
    history: Sequence[Session],
    sessions: Sequence[Session],
    timezone: str,
    model: SessionModel | None = None,
    levels: Sequence[float] = DEFAULT_LEVELS,
    records: Mapping[str, Record] | None = None,
) -> tuple[SessionOutlook, ...]:
    """Outlooks for `sessions` at their starts, each from the sessions of `history` that were over by then.

    The driver's statement is `session.need` where its source is DRIVER; it is evidence, not truth (drivers overstate). Without
    a `model`, or where it has lost to them lately, the rolling quantiles of the time of day serve. `records`: from
    `review_outlooks`, else made here, which takes long. InvalidInput for an unknown zone or impossible levels.
    """
    for session in sessions:
        require_aware(session.started_at, "started_at")
    wanted, plugged = require_levels(levels), _plugged(history, sessions, zone_of(timezone))
    features = None if model is None or not sessions else feature_rows(plugged.stays, plugged.places)
    rows, methods = {}, []
    for name, rolling in plugged.rolling().items():
        learned: LearnedQuantity | None = None if model is None else getattr(model, name)
        record = None if records is None else records[name]
        fine, method = _quantity(learned, features, plugged, name, rolling, record)
        rows[name] = at_levels(FINE_LEVELS, fine, wanted).tolist() if sessions else []
        methods.append(method)
    return tuple(
        SessionOutlook(session.started_at, tuple(levels), tuple(stay_h), tuple(energy_kwh), ", ".join(methods))
        for session, stay_h, energy_kwh in zip(sessions, rows["stay_h"], rows["energy_kwh"], strict=True)
    )


@dataclass(frozen=True)
class Plugged:
    """All sessions that are known, and the places of those that are looked at; nobody knows how these will end."""

    stays: Stays
    places: Ints

    def rolling(self) -> dict[str, Floats]:
        """The rolling quantiles at FINE_LEVELS of each that is looked at (rows), from those that were over when it began."""
        rows: dict[str, list[Floats]] = {name: [] for name in DEFAULTS}
        for place in self.places:
            over, hour_h = self.stays.ended_by(float(self.stays.started_s[place])), float(self.stays.hour_h[place])
            for name, default in DEFAULTS.items():
                rows[name].append(rolling_quantiles(getattr(over, name), over, hour_h, default))
        return {name: np.array(found) for name, found in rows.items()}


def _plugged(history: Sequence[Session], sessions: Sequence[Session], zone: ZoneInfo) -> Plugged:
    asked = {session.id for session in sessions}
    others = [session for session in history if session.id not in asked]
    ordered = sorted([*others, *(replace(s, ended_at=None) for s in sessions)], key=lambda s: s.started_at)
    place = {session.id: number for number, session in enumerate(ordered)}
    return Plugged(stays_of(ordered, zone), np.array([place[session.id] for session in sessions], dtype=np.int64))


def _quantity(
    learned: LearnedQuantity | None,
    features: Floats | None,
    plugged: Plugged,
    name: str,
    rolling: Floats,
    record: Record | None,
) -> tuple[Floats, str]:
    """Quantiles at FINE_LEVELS of each session (rows), and who made them."""
    if learned is None or features is None:
        return rolling, f"{name}: rolling median"
    began_s = plugged.stays.started_s[plugged.places]
    if record is None:
        record = review_sessions(learned, plugged.stays, float(began_s.min()), name, DEFAULTS[name])
    if record.serving() != LEARNED:
        return rolling, f"{name}: rolling median, better lately"
    known = began_s >= plugged.stays.ended_s.min()
    return np.where(known[:, None], corrected(learned, features, record), rolling), f"{name}: learned"


def review_outlooks(history: Sequence[Session], timezone: str, model: SessionModel, now: datetime) -> dict[str, Record]:
    """How `model` would have done lately, per quantity, on the sessions of `history` that were over by `now`; those that are
    still open tell how busy it was. Once a day is enough.
    """
    stays, now_s = stays_of(history, zone_of(timezone)), now.timestamp()
    return {
        name: review_sessions(getattr(model, name), stays, now_s, name, default) for name, default in DEFAULTS.items()
    }


def review_sessions(learned: LearnedQuantity, stays: Stays, until_s: float, name: str, default: float) -> Record:
    """How `learned` and the rolling median would have done on the last LATELY of `stays` that were over by `until_s` [s] and that it
    has not learned from."""
    unseen = np.flatnonzero((stays.ended_s > learned.trained_until_s) & (stays.ended_s <= until_s))
    unseen = unseen[np.argsort(stays.ended_s[unseen], kind="stable")][-LATELY:]
    if len(unseen) == 0:
        return Record(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
    actual: Floats = getattr(stays, name)[unseen]
    levels, quantiles = learned.distribution(feature_rows(stays, unseen))
    middle = at_levels(levels, quantiles, np.array([0.5]))[:, 0]
    before = [stays.ended_by(float(stays.started_s[place])) for place in unseen]
    rolling = [
        float(np.median(rolling_quantiles(getattr(known, name), known, float(stays.hour_h[place]), default)))
        for place, known in zip(unseen, before, strict=True)
    ]
    return Record(
        positions(levels, quantiles, actual),
        np.abs(middle - actual),
        np.abs(np.array(rolling) - actual),
        stays.ended_s[unseen],
    )


def _beyond(levels: Sequence[float], values: Sequence[float], reached: float) -> tuple[float, ...]:
    """Quantiles of what is left of a distribution above `reached`."""
    if len(values) < 2 or reached <= values[0]:
        return tuple(max(value, reached) for value in values)
    share = float(np.interp(reached, values, levels))
    left = share + (1.0 - share) * np.array(levels)
    return tuple(float(max(value, reached)) for value in np.interp(left, levels, values))
