"""A learned forecast of one array: quantiles of its clear-sky index, by bands of lead time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from cpms.domain.site import SolarArray
from forecasting.learning.conformal import positions, with_tails
from forecasting.learning.learn import Growth, QuantileModel, fit_quantiles
from forecasting.series import Floats, Ints
from forecasting.solar.features import DAY_QUARTERS, SolarTable

HALF_HOUR_QUARTERS = 2
LEAD_BANDS = ((0, 1, 2, 3), (4, 5, 7, 9, 11, 15), (19, 27, 35, 47, 59, 71, 83, 95))
"""Half hours ahead that are trained on, per band: to 2 h, to 8 h, beyond. Other leads use the band they fall into."""

GROWTH = (
    Growth(rounds=90, leaves=20, min_rows_per_leaf=150, learning_rate=0.08, max_rows=50_000, draw_every=5),
    Growth(rounds=60, learning_rate=0.08, max_rows=12_000, draw_every=5),
    Growth(rounds=52, leaves=6, min_rows_per_leaf=300, learning_rate=0.08, max_rows=12_000, draw_every=5),
)
HOLDOUT_WEEKS = 5
"""Every fifth week is kept from training; how it comes out is the first calibration."""

MIN_TRAINING_ROWS = 1500
TOP_INDEX = 1.25


@dataclass(frozen=True)
class SolarModel:
    """One ensemble per lead band, and the positions of held-out values in their forecasts (see conformal.py).

    `trained_from_s`, `trained_until_s` [s]: window of the data it knows.
    """

    array: SolarArray
    trained_from_s: int
    trained_until_s: int
    uses_weather: bool
    bands: tuple[QuantileModel, ...]
    holdout: tuple[Floats, ...]

    def to_text(self) -> str:
        """Everything needed to forecast, as text that `from_text` reads."""
        stored = {
            "array": asdict(self.array),
            "trained_from_s": self.trained_from_s,
            "trained_until_s": self.trained_until_s,
            "uses_weather": self.uses_weather,
            "bands": [band.to_text() for band in self.bands],
            "holdout": [np.round(held, 4).tolist() for held in self.holdout],
        }
        return json.dumps(stored)

    @classmethod
    def from_text(cls, text: str) -> SolarModel:
        """Inverse of `to_text`."""
        stored = json.loads(text)
        return cls(
            array=SolarArray(**stored["array"]),
            trained_from_s=stored["trained_from_s"],
            trained_until_s=stored["trained_until_s"],
            uses_weather=stored["uses_weather"],
            bands=tuple(QuantileModel.from_text(band) for band in stored["bands"]),
            holdout=tuple(np.array(held) for held in stored["holdout"]),
        )

    def raw_kw(self, table: SolarTable, issues: Ints, ahead: Ints) -> tuple[Floats, Floats]:
        """Levels from 0 to 1 and uncorrected quantiles [kW] of the half hours `ahead` of `issues`, all of one lead band."""
        model = self.bands[band_of(int(ahead.max(initial=0)))]
        features = table.rows(issues, ahead)
        levels, index = with_tails(np.array(model.levels), model.predict(features), 0.0, TOP_INDEX)
        return levels, np.clip(index, 0.0, None) * scale_kw(table, issues + 2 * ahead)[:, None]


def band_of(ahead: int) -> int:
    """Number of the lead band of a half hour `ahead`."""
    return sum(ahead > leads[-1] for leads in LEAD_BANDS[:-1])


def train_solar(table: SolarTable, from_quarter: int, until_quarter: int) -> SolarModel | None:
    """Train on what `table` knows of quarters `[from_quarter, until_quarter)`; None where that is too little."""
    bands, holdout = [], []
    for leads, growth in zip(LEAD_BANDS, GROWTH, strict=True):
        issues, ahead = _training_rows(table, leads, from_quarter, until_quarter)
        held = (issues // DAY_QUARTERS // 7) % HOLDOUT_WEEKS == HOLDOUT_WEEKS - 1
        if (~held).sum() < MIN_TRAINING_ROWS:
            return None
        features, targets = table.rows(issues, ahead), issues + 2 * ahead
        weight_kw = scale_kw(table, targets)
        index = np.clip(table.power_kw(targets) / weight_kw, 0.0, 2.0)
        # the pinball loss of an index weighted with its cloudless power is the pinball loss of the power
        model = fit_quantiles(features[~held], index[~held], weight_kw[~held], growth)
        bands.append(model)
        levels, quantiles = with_tails(np.array(model.levels), model.predict(features[held]), 0.0, TOP_INDEX)
        holdout.append(positions(levels, quantiles, index[held]))
    weather = bool(np.isfinite(table.grid.weather_index[from_quarter:until_quarter]).any())
    start_s = table.grid.start_s
    return SolarModel(
        table.grid.array,
        start_s + 900 * from_quarter,
        start_s + 900 * until_quarter,
        weather,
        tuple(bands),
        tuple(holdout),
    )


def _training_rows(table: SolarTable, leads: tuple[int, ...], start: int, end: int) -> tuple[Ints, Ints]:
    """Every half-hourly issue with every lead whose target was measured in the sun before `end`."""
    issues = np.arange(start + DAY_QUARTERS, end, HALF_HOUR_QUARTERS)
    pairs = np.stack(np.meshgrid(issues, np.array(leads), indexing="ij")).reshape(2, -1)
    pairs = pairs[:, pairs[0] + 2 * pairs[1] + 2 <= end]
    targets = pairs[0] + 2 * pairs[1]
    lit = np.isfinite(table.power_kw(targets)) & (table.grid.sky.zenith_deg[targets] < 87.0)
    return pairs[0, lit], pairs[1, lit]


def scale_kw(table: SolarTable, targets: Ints) -> Floats:
    """What an index is multiplied with: cloudless power, held up at dawn where dividing by it would blow up noise."""
    clear_kw = table.clear_kw(targets)
    return np.asarray(np.where(clear_kw > 0.0, np.maximum(clear_kw, 0.4 * table.grid.floor_kw), 0.0))
