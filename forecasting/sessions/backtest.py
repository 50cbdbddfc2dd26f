"""What session forecasts would have said at each plug-in, from the sessions that were over by then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpms.domain.errors import InvalidInput
from forecasting.learning.conformal import positions
from forecasting.score import FINE_LEVELS
from forecasting.series import DAY_S, Floats, Ints
from forecasting.sessions.features import Stays
from forecasting.sessions.model import (
    LEARNED,
    LearnedQuantity,
    Record,
    SessionModel,
    corrected,
    feature_rows,
    rolling_quantiles,
    train_sessions,
)

MEDIAN = int(np.flatnonzero(np.isclose(FINE_LEVELS, 0.5))[0])
QUANTITIES = {"stay_h": 4.0, "energy_kwh": 10.0}
"""What is forecast, and what the rolling baseline says when there is no past at all."""


@dataclass(frozen=True)
class SessionHindcast:
    """Forecasts of one quantity for the sessions at `places`: quantiles at FINE_LEVELS, medians, and what came."""

    places: Ints
    quantiles: Floats
    learned_median: Floats
    rolling_median: Floats
    rolling_quantiles: Floats
    actual: Floats
    learned_served: Floats


def hindcast_sessions(stays: Stays, from_s: int, refit_days: int = 7) -> dict[str, SessionHindcast]:
    """Forecasts for every session that begins from `from_s` [s] on; a new model every `refit_days`.

    InvalidInput where too few sessions had ended by `from_s`.
    """
    features = feature_rows(stays, np.arange(len(stays)))
    asked = np.flatnonzero(stays.started_s >= from_s)
    terms = [(begin, train_sessions(stays, features, begin)) for begin in _refits(stays, from_s, refit_days)]
    first = terms[0][1] if terms else None
    if first is None:
        raise InvalidInput("train-until", "leaves too few ended sessions before it", "give a later date")
    models = [(begin, model if model is not None else first) for begin, model in terms]
    return {name: _one_quantity(name, stays, features, asked, models) for name in QUANTITIES}


def _refits(stays: Stays, from_s: int, refit_days: int) -> range:
    return range(from_s, int(stays.started_s[-1]) + 1, refit_days * DAY_S)


def _one_quantity(
    name: str, stays: Stays, features: Floats, asked: Ints, models: list[tuple[int, SessionModel]]
) -> SessionHindcast:
    actual: Floats = getattr(stays, name)[asked]
    serving = np.searchsorted([begin for begin, _ in models], stays.started_s[asked], side="right") - 1
    learned: list[LearnedQuantity] = [getattr(models[term][1], name) for term in serving]
    raw = [one.distribution(features[[place]]) for one, place in zip(learned, asked, strict=True)]
    where = np.array([positions(*one, actual[[k]])[0] for k, one in enumerate(raw)])
    rolling = np.array([_rolling(name, stays, int(place)) for place in asked])
    middles = np.array([np.interp(0.5, levels, quantiles[0]) for levels, quantiles in raw])
    record = _record(where, np.abs(middles - actual), np.abs(rolling[:, MEDIAN] - actual), stays.ended_s[asked])
    quantiles, by_learned = np.empty((len(asked), len(FINE_LEVELS))), np.zeros(len(asked))
    for k, place in enumerate(asked):
        lately = record.lately(float(stays.started_s[place]))
        by_learned[k] = lately.serving() == LEARNED
        quantiles[k] = corrected(learned[k], features[[place]], lately)[0] if by_learned[k] else rolling[k]
    return SessionHindcast(asked, quantiles, middles, rolling[:, MEDIAN], rolling, actual, by_learned)


def _rolling(name: str, stays: Stays, place: int) -> Floats:
    past = stays.ended_by(float(stays.started_s[place]))
    return rolling_quantiles(getattr(past, name), past, float(stays.hour_h[place]), QUANTITIES[name])


def _record(where: Floats, learned_error: Floats, rolling_error: Floats, ended_s: Ints) -> Record:
    order = np.argsort(ended_s, kind="stable")
    return Record(where[order], learned_error[order], rolling_error[order], ended_s[order])
