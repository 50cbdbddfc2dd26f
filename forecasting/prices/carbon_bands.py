"""How far CO2 of the grid came from what its operator had told: bands around what is told next, from the errors of the last weeks.

Errors are taken by how long before they were told. Each end of a band follows what lay outside of it (`forecasting.learning.spread`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.forecast_record import ForecastPoint
from cpms.domain.time import require_aware
from forecasting.learning.spread import BAND, Paced, Spread, ends_loss
from forecasting.prices.carbon import MOST_G_PER_KWH, CarbonInterval
from forecasting.quantiles import DEFAULT_LEVELS, require_levels, to_forecast
from forecasting.series import DAY_S, HOUR_S, Floats, Ints

REVIEW = timedelta(days=28)
MIN_ERRORS = 40
"""Fewer say little about the tails."""

LEADS_S = (0, int(HOUR_S), 4 * int(HOUR_S), 24 * int(HOUR_S), 45 * int(HOUR_S))
"""How long before statements are kept, to learn from them and to score them."""

MEDIAN = (0.5,)


@dataclass(frozen=True)
class CarbonLead:
    """What came less what was told at least `lead_s` [s] before [g/kWh], and how bands made of that are spread."""

    lead_s: int
    errors: Floats
    spread: Spread

    def at(self, levels: Floats) -> Floats:
        """Quantiles of the next error."""
        middle, away = float(np.median(self.errors)), np.quantile(self.errors, levels) - np.median(self.errors)
        return middle + self.spread.of(away)


CarbonRecord = tuple[CarbonLead, ...]
"""By ascending lead; leads of which too little is known are not there."""


def lead_record(lead_s: int, errors: Floats, days: Ints) -> CarbonLead | None:
    """What `errors` in order of their `days` (numbers) say of the next ones; None where they are too few."""
    if len(errors) < MIN_ERRORS:
        return None
    paced, begins = Paced(), np.flatnonzero(np.diff(days, prepend=-1)).tolist()
    for begin, end in itertools.pairwise([*begins, len(errors)]):
        if begin >= MIN_ERRORS:
            low, middle, high = np.quantile(errors[:begin], [BAND[0], 0.5, BAND[1]])
            lows, highs = middle + paced.below * (low - middle), middle + paced.above * (high - middle)
            came = errors[begin:end, None]
            lost = ends_loss(lows, highs, came).mean(axis=0)
            paced = paced.after((came < lows).mean(axis=0), (came > highs).mean(axis=0), lost)
    return CarbonLead(lead_s, errors, paced.spread)


def review_carbon(points: Sequence[ForecastPoint], came: Mapping[datetime, float]) -> CarbonRecord:
    """What `points` (their `floor_values` say what was told) and what `came` by the begin of its interval say of the next ones."""
    records = []
    for lead_s in LEADS_S:
        rows = sorted(
            (int(point.valid_at.timestamp()), came[point.valid_at] - point.floor_values[0])
            for point in points
            if point.horizon_s == lead_s and point.valid_at in came
        )
        errors = np.array([error for _, error in rows])
        records.append(lead_record(lead_s, errors, np.array([at_s // DAY_S for at_s, _ in rows], dtype=np.int64)))
    return tuple(record for record in records if record is not None)


def forecast_carbon(
    site_id: str,
    told: Sequence[CarbonInterval],
    issued_at: datetime,
    levels: Sequence[float] = DEFAULT_LEVELS,
    record: CarbonRecord = (),
) -> Forecast:
    """Grams of CO2 per kWh as `told` at `issued_at`, in bands of what such words were worth lately; without a `record` only what was
    told. InvalidInput for impossible levels or a naive instant."""
    require_aware(issued_at, "issued_at")
    wanted = require_levels(levels)
    intervals, grams = [one.interval for one in told], np.array([one.co2_g_per_kwh for one in told])
    method, quantity = "as the grid's operator tells", ForecastQuantity.CO2_G_PER_KWH
    if not record:
        return to_forecast(site_id, quantity, issued_at, intervals, MEDIAN, grams[:, None], method)
    ahead_s = np.array([(one.starts_at - issued_at).total_seconds() for one in intervals])
    lead = np.maximum(np.searchsorted([one.lead_s for one in record], ahead_s, side="right") - 1, 0)
    values = np.clip(grams[:, None] + np.array([one.at(wanted) for one in record])[lead], 0.0, MOST_G_PER_KWH)
    return to_forecast(site_id, quantity, issued_at, intervals, levels, values, f"{method}, by its errors lately")


def carbon_points(forecast: Forecast, told: Sequence[CarbonInterval]) -> tuple[ForecastPoint, ...]:
    """The statements of `forecast` that are kept, at LEADS_S, beside what was `told` of the same intervals."""
    points = []
    for lead_s in LEADS_S:
        at = forecast.issued_at + timedelta(seconds=lead_s)
        for interval, values, one in zip(forecast.intervals, forecast.values, told, strict=True):
            if interval.starts_at <= at < interval.ends_at:
                points.append(_point(forecast, interval.starts_at, lead_s, values, one.co2_g_per_kwh))
    return tuple(points)


def _point(
    forecast: Forecast, valid_at: datetime, lead_s: int, values: tuple[float, ...], told: float
) -> ForecastPoint:
    return ForecastPoint(
        site_id=forecast.site_id,
        quantity=forecast.quantity,
        issued_at=forecast.issued_at,
        valid_at=valid_at,
        horizon_s=lead_s,
        levels=forecast.levels,
        values=values,
        floor_values=(told,) * len(values),
    )
