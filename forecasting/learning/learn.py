"""Quantile regression by gradient boosted trees (LightGBM, Ke et al. 2017), one ensemble per level."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecasting.learning.openmp import require_openmp
from forecasting.series import Floats, Ints

if TYPE_CHECKING:
    from lightgbm import Booster

MIDDLE = 0.5
LEVELS = (0.05, 0.1, 0.2, 0.35, MIDDLE, 0.65, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Growth:
    """How trees are grown: few leaves of many rows, since a band that fits its past too well is too narrow for tomorrow.

    `middle_members`: ensembles, grown from different draws, whose mean is the median: what is planned with errs least.
    `draw_every`: so many trees grow from the same draw of the rows, as drawing costs a fifth of the time of large trainings.
    """

    rounds: int = 90
    leaves: int = 8
    min_rows_per_leaf: int = 200
    learning_rate: float = 0.06
    max_rows: int = 20_000
    middle_members: int = 1
    draw_every: int = 1


@dataclass(frozen=True)
class QuantileModel:
    """Fitted ensembles per level; a level's quantile is the mean of its members."""

    levels: tuple[float, ...]
    members: tuple[tuple[Booster, ...], ...]

    def predict(self, features: Floats) -> Floats:
        """Quantiles (rows x levels), ascending in each row."""
        if len(features) == 0:
            return np.zeros((0, len(self.levels)))
        columns = [np.mean([one.predict(features, num_threads=1) for one in level], axis=0) for level in self.members]
        return np.sort(np.column_stack(columns), axis=1)

    def to_text(self) -> str:
        """Everything needed to predict, as text that `from_text` reads."""
        members = [[one.model_to_string() for one in level] for level in self.members]
        return json.dumps({"levels": self.levels, "members": members})

    @classmethod
    def from_text(cls, text: str) -> QuantileModel:
        """Inverse of `to_text`."""
        require_openmp()
        from lightgbm import Booster

        stored = json.loads(text)
        members = tuple(tuple(Booster(model_str=one) for one in level) for level in stored["members"])
        return cls(tuple(stored["levels"]), members)


def fit_quantiles(
    features: Floats, target: Floats, weight: Floats, growth: Growth, levels: tuple[float, ...] = LEVELS
) -> QuantileModel:
    """Fit on rows of `features` (NaN: not known). The same rows give the same model: one thread, fixed seed."""
    # LightGBM takes most of a second to import: only who trains or asks a trained model pays for it
    require_openmp()
    import lightgbm

    rows = _spread(len(target), growth.max_rows)
    parameters = _parameters(growth, len(rows))
    data = lightgbm.Dataset(features[rows], target[rows], weight=weight[rows], params=parameters, free_raw_data=False)

    def grown(level: float) -> tuple[Booster, ...]:
        seeds = range(1, 1 + (growth.middle_members if level == MIDDLE else 1))
        asked = [{**parameters, "alpha": level, "seed": seed} for seed in seeds]
        return tuple(lightgbm.train(one, data, growth.rounds) for one in asked)

    return QuantileModel(levels, tuple(grown(level) for level in levels))


def _parameters(growth: Growth, row_count: int) -> dict[str, object]:
    return {
        "objective": "quantile",
        "num_leaves": growth.leaves,
        "min_data_in_leaf": min(growth.min_rows_per_leaf, max(5, row_count // 20)),
        "learning_rate": growth.learning_rate,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.6,
        "bagging_freq": growth.draw_every,
        "lambda_l2": 5.0,
        "max_bin": 63,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,  # else two ways are timed on every training, and which one wins is not deterministic
        "seed": 1,
        "verbosity": -1,
    }


def _spread(count: int, at_most: int) -> Ints:
    """Indices of `at_most` of `count` rows, drawn evenly and always the same."""
    if count <= at_most:
        return np.arange(count)
    return np.sort(np.random.default_rng(1).choice(count, at_most, replace=False))
