"""Everything behind the meter but vehicles: what the same time of week usually draws, shifted by what was just measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.time import Interval, require_aware
from forecasting.calendar import PLAIN, Calendar
from forecasting.learning.conformal import Past, corrected_levels
from forecasting.quantiles import DEFAULT_LEVELS, at_levels, require_levels, to_forecast
from forecasting.series import HOUR_S, Bools, Floats, Measurement, resample, zone_of
from forecasting.time_of_week import STEP_S, WINDOW_S, week_quantiles

CORRECTED_LEADS_S = (900, int(HOUR_S), 4 * int(HOUR_S), 24 * int(HOUR_S), 47 * int(HOUR_S))
LEAD_EDGES_S = (0.5 * HOUR_S, 2 * HOUR_S, 10 * HOUR_S, 36 * HOUR_S)
"""Leads whose bands are corrected by how they came out themselves, and which of them stands for a lead between."""

Pasts = tuple[tuple[Past, Past], ...]
"""One per lead of CORRECTED_LEADS_S: of hours that may well be idle, and of those that are not. What corrects one kind is wrong for
the other (Mondrian conformal prediction: Vovk, Gammerman and Shafer 2005, section 4.5)."""

TENTH = 3
"""Column of the level 0.1 in `week_quantiles`."""

PRIOR_LEVELS = (0.02, 0.1, 0.5, 0.9, 0.98)
PRIOR_FACTOR = (0.3, 0.55, 1.0, 1.6, 2.2)
"""Level and factor on `prior_kw` while nothing was measured."""


def forecast_other_load(
    site_id: str,
    timezone: str,
    history: Sequence[Measurement],
    intervals: Sequence[Interval],
    issued_at: datetime,
    levels: Sequence[float] = DEFAULT_LEVELS,
    prior_kw: float = 0.0,
    past: Pasts | None = None,
    calendar: Calendar = PLAIN,
) -> Forecast:
    """Mean load [kW] per interval in local time of week, from `history` (instant, measured kW) before `issued_at`.

    Without any history the band is around `prior_kw`. `past`: how earlier forecasts came out
    (`forecasting.load.backtest.review_load`), to correct the band. `calendar`: holidays and temperatures, as far as known at the
    issue. InvalidInput for an unknown zone or impossible levels.
    """
    require_aware(issued_at, "issued_at")
    wanted = require_levels(levels)
    series = resample(history, issued_at, STEP_S, WINDOW_S)
    middles_s = np.array([(i.starts_at.timestamp() + i.ends_at.timestamp()) / 2 for i in intervals])
    zone = zone_of(timezone)
    if len(series) == 0:
        band = np.interp(wanted, PRIOR_LEVELS, PRIOR_FACTOR) * prior_kw
        values_kw, method = np.tile(band, (len(intervals), 1)), "no history: the prior"
    else:
        known, raw_kw = week_quantiles(series, zone, middles_s, calendar, scaled=True)
        leads_s = middles_s - issued_at.timestamp()
        told_kw = at_levels(known, raw_kw, wanted) if past is None else _corrected(known, raw_kw, wanted, leads_s, past)
        values_kw, method = np.maximum(told_kw, 0.0), "time of week, recent level"
    return to_forecast(site_id, ForecastQuantity.OTHER_LOAD_KW, issued_at, intervals, levels, values_kw, method)


def _corrected(levels: Floats, raw_kw: Floats, wanted: Floats, leads_s: Floats, pasts: Pasts) -> Floats:
    """Rows of quantiles at `wanted`, each corrected by the past of its lead and kind."""
    lead, kind = np.searchsorted(LEAD_EDGES_S, leads_s, side="right"), draws(raw_kw).astype(np.int64)
    corrected = [[at_levels(levels, raw_kw, corrected_levels(wanted, past)) for past in kinds] for kinds in pasts]
    return np.asarray(np.array(corrected)[lead, kind, np.arange(len(raw_kw))])


def draws(raw_kw: Floats) -> Bools:
    """Whether something is drawn nine times in ten, by rows of `week_quantiles`."""
    return np.asarray(raw_kw[:, TENTH] > 0.0)
