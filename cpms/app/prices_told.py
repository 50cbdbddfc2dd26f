"""What is said of prices beyond the published day: which statements are kept to be scored, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cpms.domain.forecast import Forecast
from cpms.domain.forecast_record import ForecastPoint
from cpms.domain.tariff import PriceInterval, Tariff
from forecasting.prices.day_ahead import price_series

WEEK = timedelta(days=7)
MEMORY_S = 90 * 86400


def prices_that_came(tariff: Tariff | None, market: Sequence[PriceInterval]) -> dict[datetime, float]:
    """Import price [money/kWh] by the begin of each quarter hour that `market` has published, as the tariff follows it."""
    if tariff is None or tariff.day_ahead is None or not market:
        return {}
    series = price_series([tariff.day_ahead.price(one) for one in market], MEMORY_S)
    begins = (datetime.fromtimestamp(begin_s, UTC) for begin_s in series.epochs_s.tolist())
    return dict(zip(begins, series.values.tolist(), strict=True))


def price_points(
    forecast: Forecast, published: dict[datetime, float], steps: Sequence[int]
) -> tuple[ForecastPoint, ...]:
    """The statements at `steps` of `forecast` that are not published yet, beside the price at the same time a week before."""
    points = []
    for step in steps:
        begins_at = forecast.intervals[step].starts_at
        last_week = published.get(begins_at - WEEK)
        if begins_at not in published and last_week is not None:
            points.append(
                ForecastPoint(
                    site_id=forecast.site_id,
                    quantity=forecast.quantity,
                    issued_at=forecast.issued_at,
                    valid_at=begins_at,
                    horizon_s=int((begins_at - forecast.intervals[0].starts_at).total_seconds()),
                    levels=forecast.levels,
                    values=forecast.values[step],
                    floor_values=(last_week,) * len(forecast.levels),
                )
            )
    return tuple(points)
