"""How forecasts that served came out: scores per quantity and horizon, and whether a model has drifted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from cpms.domain.forecast_record import ForecastPoint, ForecastScore
from forecasting.score import coverage, crps, mean_of, pinball, rmse, score
from forecasting.series import Floats

MIN_COUNT = 20
DRIFT_WINDOW = timedelta(days=7)
MIN_DRIFT_COUNT = 40
WORSE_BY = 1.1
"""A model has drifted when it lost so many times what the simple forecast lost lately."""

COVERAGE_80_BOUNDS = (0.6, 0.95)
"""Further off than a week's weather explains."""


Came = Callable[[ForecastPoint], float | None]
"""What came of a statement; None where nobody knows yet."""


def by_time(actual: Mapping[datetime, float] | Mapping[str, float]) -> Came:
    """What came, by session id or by the begin of the step."""
    known: dict[datetime | str, float] = dict(actual.items())
    return lambda point: known.get(point.session_id or point.valid_at)


def score_points(points: Sequence[ForecastPoint], actual: Came, scored_at: datetime) -> list[ForecastScore]:
    """Scores of `points` (of one site and quantity) per horizon, against what came.

    Points nobody can judge yet are left out, and so are those of which everybody said 0 and 0 came (nights).
    """
    horizons: dict[int, list[tuple[ForecastPoint, float]]] = defaultdict(list)
    for point in points:
        came = actual(point)
        if came is not None and (came or any(point.values) or any(point.floor_values)):
            horizons[point.horizon_s].append((point, came))
    return [
        _score(rows, scored_at)
        for _, rows in sorted(horizons.items())
        if len(rows) >= MIN_COUNT
    ]  # fmt: skip


def _score(rows: Sequence[tuple[ForecastPoint, float]], scored_at: datetime) -> ForecastScore:
    levels, values, floors, came = _columns(rows)
    first, largest = rows[0][0], float(np.abs(came).max())
    baseline = rmse(mean_of(levels, floors), came)
    scored = score(levels, values, came, 1.0, baseline)
    return ForecastScore(
        site_id=first.site_id,
        quantity=first.quantity,
        horizon_s=first.horizon_s,
        scored_at=scored_at,
        data_from=min(point.valid_at for point, _ in rows),
        data_until=max(point.valid_at for point, _ in rows),
        count=scored.count,
        rmse=scored.nrmse,
        nrmse=scored.nrmse / largest if largest > 0 else None,
        mean_error=float((mean_of(levels, values) - came).mean()),
        skill=scored.skill,
        pinball=float(pinball(levels, values, came).mean()),
        crps=scored.crps,
        floor_crps=float(crps(levels, floors, came).mean()),
        coverage_80=scored.coverage_80,
        width_80=scored.width_80,
        note=drift_note([row for row in rows if row[0].issued_at >= scored_at - DRIFT_WINDOW and row[0].model_version]),
    )


def drift_note(rows: Sequence[tuple[ForecastPoint, float]]) -> str:
    """What has become wrong with a model, in words; empty while it does what it should."""
    if len(rows) < MIN_DRIFT_COUNT:
        return ""
    levels, values, floors, came = _columns(rows)
    ours, simple = (float(crps(levels, one, came).mean()) for one in (values, floors))
    if ours > WORSE_BY * simple:
        return f"worse than the simple forecast over the last 7 days: crps {ours:.3g} against {simple:.3g}"
    covered = coverage(levels, values, came)
    if not COVERAGE_80_BOUNDS[0] <= covered <= COVERAGE_80_BOUNDS[1]:
        return f"80 % bands held {covered:.0%} of the last 7 days"
    return ""


def _columns(rows: Sequence[tuple[ForecastPoint, float]]) -> tuple[Floats, Floats, Floats, Floats]:
    """Levels, quantiles that served, the simple ones (rows x levels), and what came. Points of one kind share their levels."""
    newest = rows[-1][0].levels
    alike = [(point, came) for point, came in rows if point.levels == newest]
    return (
        np.array(newest),
        np.array([point.values for point, _ in alike]),
        np.array([point.floor_values for point, _ in alike]),
        np.array([came for _, came in alike]),
    )
