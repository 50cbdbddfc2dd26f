"""What solar forecasts would have said, issue by issue, from what was known at each issue alone.

A model is trained anew every `refit_days` on what lay before. Every day its correction is renewed with the forecasts whose half
hours were over by then, and it serves only while it has lost less than smart persistence lately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cpms.domain.errors import InvalidInput
from forecasting.learning.conformal import corrected_levels, pool, positions
from forecasting.learning.spread import BAND_SHARE
from forecasting.quantiles import at_levels
from forecasting.score import FINE_LEVELS, Score, band, mean_of, rmse, score
from forecasting.series import Floats, Ints
from forecasting.solar.features import DAY_QUARTERS, SolarTable
from forecasting.solar.model import HALF_HOUR_QUARTERS, SolarModel, band_of, train_solar

CALIBRATION_DAYS = 45
FEEDBACK_DAYS = 7
MIN_FEEDBACK_ROWS = 20
RACE_DAYS = 30
MIN_RACE_ROWS = 50
MIN_SUN_ELEVATION_DEG = 5.0


@dataclass(frozen=True)
class Hindcast:
    """Forecasts of one lead: quarters of issue and of the target's begin, quantiles [kW] at `levels`, and what came [kW]."""

    issues: Ints
    targets: Ints
    levels: Floats
    quantiles_kw: Floats
    persistence_kw: Floats
    actual_kw: Floats

    def score(self, capacity_kw: float) -> Score:
        """Scores as shares of `capacity_kw`, skill over smart persistence."""
        baseline = rmse(self.persistence_kw, self.actual_kw)
        return score(self.levels, self.quantiles_kw, self.actual_kw, capacity_kw, baseline)


@dataclass(frozen=True)
class Term:
    """A model and the quarters of issue `[begin, end)` it serves; it was trained on what lay before `begin`."""

    model: SolarModel
    begin: int
    end: int


def terms(table: SolarTable, start: int, refit_days: int) -> list[Term]:
    """Models trained one after the other from `start` on. InvalidInput where the history before `start` is too short."""
    last = len(table.grid.power_kw)
    served = []
    for begin in range(start, last, refit_days * DAY_QUARTERS):
        model = train_solar(table, 0, begin)
        if model is None:
            raise InvalidInput("train-until", "leaves too few measured days before it", "give a later date")
        served.append(Term(model, begin, min(last, begin + refit_days * DAY_QUARTERS)))
    return served


def hindcast_solar(table: SolarTable, served: Sequence[Term], ahead: int, capacity_kw: float) -> Hindcast:
    """Corrected forecasts of all half-hourly issues for the half hour `ahead`, targets with the sun above 5 degrees."""
    raw = _floored(_raw(table, served, ahead, capacity_kw), capacity_kw)
    quantiles_kw = _corrected(raw, served[0].model.holdout[band_of(ahead)])
    return replace(raw, levels=FINE_LEVELS, quantiles_kw=quantiles_kw)


def _corrected(raw: Hindcast, holdout: Floats) -> Floats:
    """Quantiles [kW] at FINE_LEVELS, day of issue by day of issue."""
    where = positions(raw.levels, raw.quantiles_kw, raw.actual_kw)
    quantiles_kw = np.empty((len(raw.issues), len(FINE_LEVELS)))
    covered = np.zeros(len(raw.issues))
    for day in np.unique(raw.issues // DAY_QUARTERS):
        issued = raw.issues // DAY_QUARTERS == day
        lately = _known(raw, int(day), FEEDBACK_DAYS)
        share = float(covered[lately].mean()) if len(lately) >= MIN_FEEDBACK_ROWS else BAND_SHARE
        past = pool(where[_known(raw, int(day), CALIBRATION_DAYS)], holdout)
        levels = corrected_levels(FINE_LEVELS, past, share)
        quantiles_kw[issued] = at_levels(raw.levels, raw.quantiles_kw[issued], levels)
        low_kw, high_kw = band(FINE_LEVELS, quantiles_kw[issued], BAND_SHARE)
        covered[issued] = (raw.actual_kw[issued] >= low_kw) & (raw.actual_kw[issued] <= high_kw)
    return quantiles_kw


def _raw(table: SolarTable, served: Sequence[Term], ahead: int, capacity_kw: float) -> Hindcast:
    parts = [_one_term(table, term, ahead, capacity_kw) for term in served]
    columns = ("issues", "targets", "quantiles_kw", "persistence_kw", "actual_kw")
    merged = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return Hindcast(levels=parts[0].levels, **merged)


def _one_term(table: SolarTable, term: Term, ahead: int, capacity_kw: float) -> Hindcast:
    last_issue = len(table.grid.power_kw) - 2 * ahead - HALF_HOUR_QUARTERS
    issues = np.arange(term.begin, max(term.begin, min(term.end, last_issue)), HALF_HOUR_QUARTERS)
    targets = issues + 2 * ahead
    high = 90.0 - table.grid.sky.zenith_deg[targets] > MIN_SUN_ELEVATION_DEG
    seen = high & np.isfinite(table.power_kw(targets))
    issues, targets = issues[seen], targets[seen]
    levels, quantiles_kw = term.model.raw_kw(table, issues, np.full(len(issues), ahead))
    held_kw = np.nan_to_num(table.persistence(issues)) * table.clear_kw(targets)
    return Hindcast(
        issues,
        targets,
        levels,
        np.minimum(quantiles_kw, capacity_kw),
        np.clip(held_kw, 0.0, capacity_kw),
        table.power_kw(targets),
    )


def _known(rows: Hindcast, day: int, window_days: int) -> Ints:
    """Rows whose target was over when `day` began, of the last `window_days`."""
    begin = day * DAY_QUARTERS
    over = rows.targets + HALF_HOUR_QUARTERS <= begin
    return np.flatnonzero(over & (rows.targets >= begin - window_days * DAY_QUARTERS))


def _floored(raw: Hindcast, capacity_kw: float) -> Hindcast:
    """Where smart persistence has lost less over the last RACE_DAYS, distributions are moved around it; corrected after that, as what
    is corrected must be what serves."""
    mean_kw = mean_of(raw.levels, raw.quantiles_kw)
    ours, theirs = (mean_kw - raw.actual_kw) ** 2, (raw.persistence_kw - raw.actual_kw) ** 2
    quantiles_kw = raw.quantiles_kw.copy()
    for day in np.unique(raw.issues // DAY_QUARTERS):
        known = _known(raw, int(day), RACE_DAYS)
        if len(known) >= MIN_RACE_ROWS and ours[known].mean() > theirs[known].mean():
            issued = raw.issues // DAY_QUARTERS == day
            shift_kw = (raw.persistence_kw - mean_kw)[issued, None]
            quantiles_kw[issued] = np.clip(quantiles_kw[issued] + shift_kw, 0.0, capacity_kw)
    return replace(raw, quantiles_kw=quantiles_kw)
