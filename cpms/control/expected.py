"""What a plan reckons with: power, prices, CO2 and vehicles yet to come, per step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cpms.control.arrivals import Arrivals
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.plan import LikelyDay
from cpms.domain.session import Session
from cpms.domain.tariff import Tariff
from cpms.domain.time import Interval

MEDIAN = 0.5
SUNS = {0.1: 0.3, MEDIAN: 0.4, 0.9: 0.3}
"""Quantiles that stand for all of a forecast, and how probable each is (Hurst, Brown and Swanson, 2000)."""
Forecasts = Mapping[ForecastQuantity, Forecast]


def medians(
    forecast: Forecast | None, steps: Sequence[Interval], default: Sequence[float], level: float = MEDIAN
) -> tuple[float, ...]:
    """The median, or another quantile, at the start of each step; `default` where there is no forecast of it."""
    if forecast is None:
        return tuple(default)
    told = [forecast.at(step.starts_at, level) for step in steps]
    return tuple(simple if value is None else value for value, simple in zip(told, default, strict=True))


def energy_prices(
    tariff: Tariff | None, forecasts: Forecasts, steps: Sequence[Interval]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Import and export price per kWh; of a tariff that follows the market, beyond what is published, the forecast import price."""
    if tariff is None:
        return (0.0,) * len(steps), (0.0,) * len(steps)
    imports = [float(tariff.import_price_per_kwh(step.starts_at)) for step in steps]
    exports = tuple(float(tariff.export_price_per_kwh_at(step.starts_at)) for step in steps)
    if tariff.day_ahead is None:
        return tuple(imports), exports
    told = medians(forecasts.get(ForecastQuantity.IMPORT_PRICE_PER_KWH), steps, imports)
    known = [tariff.published_at(step.starts_at) is not None for step in steps]
    return tuple(p if k else f for p, k, f in zip(imports, known, told, strict=True)), exports


def co2_g_per_kwh(forecasts: Forecasts, steps: Sequence[Interval]) -> tuple[float, ...]:
    """Grams of CO2 per kWh from the grid; the last value known where nobody tells further. Empty where nobody tells at all."""
    forecast = forecasts.get(ForecastQuantity.CO2_G_PER_KWH)
    if forecast is None or forecast.intervals[-1].ends_at <= steps[0].starts_at:
        return ()
    last = forecast.quantile(MEDIAN)[-1]
    return medians(forecast, steps, (last,) * len(steps))


def likely_days(
    arrivals: Arrivals | None, sessions: Iterable[Session], steps: Sequence[Interval]
) -> tuple[LikelyDay, ...]:
    """How the day may go on, by how many have come: those counted when `arrivals` was issued, and `sessions` that began since."""
    if arrivals is None:
        return ()
    since = sum(session.started_at > arrivals.issued_at for session in sessions)
    return arrivals.likely(steps, arrivals.arrived + since)


def under_the_sun(
    days: Sequence[LikelyDay], forecast: Forecast | None, steps: Sequence[Interval], expected_kw: Sequence[float]
) -> tuple[LikelyDay, ...]:
    """The most probable of the days (the only one, where nothing is known of arrivals) as three, by how much sun there may be: what
    charges when the sun comes only perhaps costs what it does on average, which is more than under the average sun."""
    suns_kw = {level: medians(forecast, steps, expected_kw, level) for level in SUNS}
    if len(set(suns_kw.values())) == 1:
        return tuple(days)
    usual = max(days, key=lambda day: day.probability, default=LikelyDay(1.0))
    sunny = [replace(usual, probability=SUNS[level] * usual.probability, solar_kw=suns_kw[level]) for level in SUNS]
    return (*sunny, *(day for day in days if day is not usual))
