"""What open sessions are likely to take, and the needs to plan them for: as stated, or earlier where drivers leave earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cpms.domain.errors import InvalidInput
from cpms.domain.forecast_record import ForecastModel
from cpms.domain.session import EnergyNeed, NeedSource, Session
from forecasting.serving import SERVED_LEVELS
from forecasting.sessions.model import Record, SessionModel
from forecasting.sessions.outlook import SessionOutlook, expect_sessions
from forecasting.sessions.training import read_sessions

EARLY_LEVEL = 0.1
"""One vehicle in ten leaves before the early departure that is planned for."""

AMPLE_LEVEL = 0.95
"""One vehicle in twenty takes more than what is planned for by then, and where nobody stated a need."""


@dataclass(frozen=True)
class Expected:
    """A session's outlook as it is now and the rolling medians' beside it, and the need to plan for; `model_version` 0 and
    `fallback` as of a Forecast."""

    session: Session
    outlook: SessionOutlook
    floor: SessionOutlook
    need: EnergyNeed
    model_version: int = 0
    fallback: str = ""


def serve_sessions(
    history: Sequence[Session],
    sessions: Sequence[Session],
    timezone: str,
    now: datetime,
    model: ForecastModel | None = None,
    records: Mapping[str, Record] | None = None,
) -> tuple[Expected, ...]:
    """The open `sessions`, each from its start, its driver's words, `history` and how long it has lasted at `now`.

    Without a readable model needs stay as they are: the rolling medians know no driver well enough to doubt a statement.
    """
    learned, fallback = _readable(model)

    def expected(by: SessionModel | None) -> list[SessionOutlook]:
        at_start = expect_sessions(history, sessions, timezone, by, SERVED_LEVELS, records)
        return [one.given(now, session.energy_kwh) for one, session in zip(at_start, sessions, strict=True)]

    floors = expected(None)
    if model is None or learned is None:
        return tuple(
            Expected(session, floor, floor, session.need or floor.need(EARLY_LEVEL, AMPLE_LEVEL), 0, fallback)
            for session, floor in zip(sessions, floors, strict=True)
        )
    return tuple(
        Expected(session, outlook, floor, need_to_plan(session, outlook), model.version)
        for session, outlook, floor in zip(sessions, expected(learned), floors, strict=True)
    )


def need_to_plan(session: Session, outlook: SessionOutlook) -> EnergyNeed:
    """The stated energy by the stated departure, and before that, where vehicles like this may have gone earlier, what they take:
    who says too much would else be in everybody's way. Never later, never less.

    An operator's word stands. Where nobody stated anything: an ample energy by an early departure.
    """
    likely, stated = outlook.need(EARLY_LEVEL, AMPLE_LEVEL), session.need
    if stated is None or stated.source is NeedSource.FORECAST:
        return likely
    if stated.source is NeedSource.OPERATOR or stated.departs_at <= likely.departs_at:
        return stated
    return replace(stated, early_kwh=min(likely.energy_kwh, stated.energy_kwh), early_at=likely.departs_at)


def _readable(model: ForecastModel | None) -> tuple[SessionModel | None, str]:
    if model is None:
        return None, ""
    try:
        return read_sessions(model.text), ""
    except InvalidInput as problem:
        return None, f"{problem.field}: {problem.problem}"
