"""Departure and energy of a session as distributions: learned where that is better than the rolling median, else that."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from forecasting.learning.compete import leader
from forecasting.learning.conformal import corrected_levels, lessons, positions, with_tails
from forecasting.learning.learn import LEVELS, Growth, QuantileModel, fit_quantiles
from forecasting.quantiles import at_levels
from forecasting.score import FINE_LEVELS
from forecasting.series import DAY_S, Floats, Ints
from forecasting.sessions.features import Stays, describe, same_hour

GROWTH = Growth(rounds=200, leaves=16, min_rows_per_leaf=15, learning_rate=0.05, middle_members=4)
BLIND = replace(GROWTH, middle_members=1)
"""The model that only shows where values it has not seen fall; nobody plans with its median."""

MIN_TRAINING_ROWS = 200
HOLDOUT_BLOCKS = 5
BLOCK_ROWS = 40
MAX_STAY_H = 24.0 * 14
MAX_ENERGY_KWH = 300.0
LEAST = 0.05
"""Shorter stays [h] and smaller energies [kWh] are learned as this: ratios tell people apart, and of nothing there is none."""

TAIL_REACH = 2.0
"""Trees know no stay shorter or longer than they have seen: what nobody did yet may lie far outside of it."""

LATELY = 150
"""Ended sessions that decide who serves and how bands are corrected."""

MARGIN = 0.02
LEARNED, ROLLING = "learned", "rolling median"


@dataclass(frozen=True)
class LearnedQuantity:
    """Quantiles of one quantity (stay [h] or energy [kWh]), and positions of held-out values in them.

    `model`: of the quantity's logarithm, as who is wrong by half is wrong alike about short and long stays.
    `trained_until_s` [s]: it knows sessions that had ended by then.
    """

    model: QuantileModel
    holdout: Floats
    largest: float
    trained_until_s: int

    def distribution(self, features: Floats) -> tuple[Floats, Floats]:
        """Levels from 0 to 1 and quantiles (rows x levels)."""
        return _distribution(self.model, features, self.largest)


@dataclass(frozen=True)
class SessionModel:
    """Learned stay [h] and energy [kWh]."""

    stay_h: LearnedQuantity
    energy_kwh: LearnedQuantity

    def to_text(self) -> str:
        """Everything needed to forecast, as text that `from_text` reads."""
        parts = {
            name: {**vars(part), "model": part.model.to_text(), "holdout": part.holdout.tolist()}
            for name, part in vars(self).items()
        }
        return json.dumps(parts)

    @classmethod
    def from_text(cls, text: str) -> SessionModel:
        """Inverse of `to_text`."""
        parts = json.loads(text)
        for part in parts.values():
            part["model"], part["holdout"] = QuantileModel.from_text(part["model"]), np.array(part["holdout"])
        return cls(**{name: LearnedQuantity(**part) for name, part in parts.items()})


def feature_rows(stays: Stays, places: Ints) -> Floats:
    """Features of the sessions at `places`, each from what had ended when it began."""
    rows = [describe(stays, int(place)) for place in places]
    return np.array(rows) if rows else np.zeros((0, 0))


def train_sessions(stays: Stays, features: Floats, until_s: int) -> SessionModel | None:
    """Train on the sessions that had ended by `until_s` [s]; `features` are the rows of all `stays`. None if too few."""
    over = np.flatnonzero(stays.ended_s <= until_s)
    if len(over) < MIN_TRAINING_ROWS:
        return None
    stay_h = _learn(features[over], stays.stay_h[over], MAX_STAY_H, until_s)
    return SessionModel(stay_h, _learn(features[over], stays.energy_kwh[over], MAX_ENERGY_KWH, until_s))


def _learn(features: Floats, target: Floats, largest: float, until_s: int) -> LearnedQuantity:
    """A model of every row, and positions from one that has not seen every fifth block of them."""
    held = np.arange(len(target)) // BLOCK_ROWS % HOLDOUT_BLOCKS == HOLDOUT_BLOCKS - 1
    logarithm, weight = np.log(np.maximum(target, LEAST)), np.ones(len(target))
    blind = fit_quantiles(features[~held], logarithm[~held], weight[~held], BLIND, LEVELS)
    levels, quantiles = _distribution(blind, features[held], largest)
    model = fit_quantiles(features, logarithm, weight, GROWTH, LEVELS)
    return LearnedQuantity(model, positions(levels, quantiles, target[held]), largest, until_s)


def _distribution(model: QuantileModel, features: Floats, largest: float) -> tuple[Floats, Floats]:
    return with_tails(np.array(model.levels), np.exp(model.predict(features)), 0.0, largest, TAIL_REACH)


def rolling_quantiles(values: Floats, past: Stays, hour_h: float, default: float) -> Floats:
    """The rolling baseline at FINE_LEVELS: quantiles of `values` (of `past`) over sessions begun at about this time of day."""
    alike = values[same_hour(past, hour_h)]
    return np.quantile(alike, FINE_LEVELS) if len(alike) else np.full(len(FINE_LEVELS), default)


@dataclass(frozen=True)
class Record:
    """How forecasts of ended sessions came out, in order of their end: positions in the learned distribution, absolute errors."""

    positions: Floats
    learned_error: Floats
    rolling_error: Floats
    ended_s: Ints

    def lately(self, epoch_s: float) -> Record:
        """Only the last LATELY that were over at `epoch_s` [s]."""
        known = np.flatnonzero(self.ended_s <= epoch_s)[-LATELY:]
        return Record(self.positions[known], self.learned_error[known], self.rolling_error[known], self.ended_s[known])

    def serving(self) -> str:
        """Who has the smaller mean error; the learned one while there is no record yet."""
        losses = {LEARNED: self.learned_error.tolist(), ROLLING: self.rolling_error.tolist()}
        return leader(losses, LEARNED, MARGIN)


def corrected(learned: LearnedQuantity, features: Floats, record: Record) -> Floats:
    """Quantiles at FINE_LEVELS of one session, corrected by the recent `record`."""
    levels, quantiles = learned.distribution(features)
    past = lessons((record.positions, record.positions), learned.holdout, record.ended_s // DAY_S)
    return at_levels(levels, quantiles, corrected_levels(FINE_LEVELS, past))
