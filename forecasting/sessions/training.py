"""A site's session model: how long vehicles stay and what they take, against the rolling medians and the model that serves now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.session import Session
from forecasting.learning.conformal import corrected_levels, pool
from forecasting.learning.contest import HELD_OUT, Standing
from forecasting.learning.stored import pack, unpack
from forecasting.learning.training import CHALLENGER, FLOOR, INCUMBENT, promote
from forecasting.quantiles import at_levels
from forecasting.score import FINE_LEVELS, crps
from forecasting.series import Floats, Ints, zone_of
from forecasting.sessions.features import Stays, stays_of
from forecasting.sessions.model import LearnedQuantity, SessionModel, feature_rows, rolling_quantiles, train_sessions
from forecasting.sessions.outlook import DEFAULTS

WINDOW = timedelta(days=120)
MOST_SESSIONS = 6000
Quantiles = Callable[[str, Ints], Floats]
"""Rows x FINE_LEVELS of a quantity for the sessions at places."""


def train_site_sessions(
    site_id: str, timezone: str, sessions: Sequence[Session], now: datetime, incumbent: ForecastModel | None
) -> ForecastModel | None:
    """A model from ended `sessions` with their statements, scored over those that began in the last days; None where there are
    too few. Its crps is a share of the rolling medians', the mean of both quantities."""
    recent = sorted((s for s in sessions if s.started_at >= now - WINDOW), key=lambda s: s.started_at)[-MOST_SESSIONS:]
    stays = stays_of(recent, zone_of(timezone))
    split_s = int((now - HELD_OUT).timestamp())
    features = feature_rows(stays, np.arange(len(stays)))
    model = train_sessions(stays, features, split_s)
    if model is None:
        return None
    asked = np.flatnonzero((stays.started_s >= split_s) & (stays.ended_s <= now.timestamp()))
    contenders = {CHALLENGER: _learned(model, features), FLOOR: _rolling(stays)}
    if incumbent is not None:
        contenders[INCUMBENT] = _learned(read_sessions(incumbent.text), features)
    trained = ForecastModel(
        site_id=site_id,
        kind=ModelKind.SESSIONS,
        version=0,
        trained_at=now,
        data_from=datetime.fromtimestamp(int(stays.started_s[0]), UTC),
        data_until=now - HELD_OUT,
        rows=int((stays.ended_s <= split_s).sum()),
        text=pack({"model": model.to_text()}),
    )
    lost = {name: _losses(one, stays, asked) for name, one in contenders.items()}
    return promote(trained, {name: _standing(losses, lost[FLOOR], len(asked)) for name, losses in lost.items()})


@lru_cache(maxsize=64)
def read_sessions(text: str) -> SessionModel:
    """The model from a stored text; InvalidInput if another version made it."""
    return SessionModel.from_text(unpack(text)["model"])


def _losses(quantiles: Quantiles, stays: Stays, asked: Ints) -> dict[str, float]:
    if len(asked) == 0:
        return {}
    return {
        name: float(crps(FINE_LEVELS, quantiles(name, asked), getattr(stays, name)[asked]).mean()) for name in DEFAULTS
    }


def _standing(losses: dict[str, float], floor: dict[str, float], count: int) -> Standing:
    shares = [lost / max(floor[name], 1e-9) for name, lost in losses.items()]
    return Standing(float(np.mean(shares)) if shares else float("nan"), count)


def _learned(model: SessionModel, features: Floats) -> Quantiles:
    def quantiles(name: str, asked: Ints) -> Floats:
        learned: LearnedQuantity = getattr(model, name)
        levels, raw = learned.distribution(features[asked])
        return at_levels(levels, raw, corrected_levels(FINE_LEVELS, pool(np.zeros(0), learned.holdout)))

    return quantiles


def _rolling(stays: Stays) -> Quantiles:
    def quantiles(name: str, asked: Ints) -> Floats:
        rows = []
        for place in asked:
            past = stays.ended_by(float(stays.started_s[place]))
            rows.append(rolling_quantiles(getattr(past, name), past, float(stays.hour_h[place]), DEFAULTS[name]))
        return np.array(rows)

    return quantiles
