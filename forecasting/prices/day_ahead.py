"""Day-ahead prices: read as ENTSO-E publishes them, and continued beyond the published day by time of week."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.tariff import PriceInterval
from cpms.domain.time import Interval, require_aware
from forecasting.learning.conformal import Past, corrected_levels
from forecasting.quantiles import DEFAULT_LEVELS, at_levels, require_levels, to_forecast
from forecasting.series import DAY_S, Floats, Series, zone_of
from forecasting.time_of_week import STEP_S, WINDOW_S, week_quantiles

ZONES = {"UTC": "UTC", "CET/CEST": "Europe/Brussels", "EET/EEST": "Europe/Helsinki", "WET/WEST": "Europe/Lisbon"}
STAMP = re.compile(r"(\d\d)[./](\d\d)[./](\d{4}) (\d\d):(\d\d)")
KWH_PER_MWH = Decimal(1000)
DAYS_BEYOND = 2
"""Days after the published ones whose bands are corrected by how they came out; later ones count as the last."""

Pasts = tuple[Past, ...]
"""One per day beyond."""


def read_day_ahead(text: str) -> list[PriceInterval]:
    """Prices [money/kWh] from the transparency platform's CSV (first column `MTU (zone)`, a price column in money/MWh).

    Hours repeated when summer time ends are told apart by their order. Rows without a price (not yet published) are left out.
    InvalidInput naming the line that cannot be read.
    """
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    header = next(rows, [])
    zone, column = _header(header)
    prices, last_at = [], None
    for number, row in enumerate(rows, start=2):
        if len(row) <= column or row[column].strip() in ("", "-", "n/e", "N/A"):
            continue
        interval = _interval(row[0], zone, last_at, number)
        last_at = interval.starts_at
        try:
            per_mwh = Decimal(row[column].strip())
        except InvalidOperation as error:
            raise InvalidInput(f"line {number}", f"{row[column]!r} is no price", "give money per MWh") from error
        prices.append(PriceInterval(interval, per_mwh / KWH_PER_MWH, per_mwh / KWH_PER_MWH))
    return prices


def forecast_price(
    site_id: str,
    timezone: str,
    published: Sequence[PriceInterval],
    intervals: Sequence[Interval],
    issued_at: datetime,
    levels: Sequence[float] = DEFAULT_LEVELS,
    past: Pasts | None = None,
) -> Forecast:
    """Import price [money/kWh] per interval: the published one where there is one, else by time of week with a band.

    `published`: any past and the published future; what was not known at `issued_at` must not be in it. `past`: how earlier
    bands came out (`forecasting.prices.backtest.review_prices`). InvalidInput for an unknown zone, impossible levels or no prices
    at all.
    """
    require_aware(issued_at, "issued_at")
    wanted, zone = require_levels(levels), zone_of(timezone)
    if not published:
        raise InvalidInput("published", "holds no price", "give at least the last published day")
    series = price_series(published)
    starts_s = np.array([i.starts_at.timestamp() for i in intervals])
    ends_s = np.array([i.ends_at.timestamp() for i in intervals])
    known, quantiles = week_quantiles(series, zone, (starts_s + ends_s) / 2)
    values = at_levels(known, quantiles, wanted)
    if past is not None:
        beyond = ((starts_s - series.epochs_s[-1] - STEP_S) // DAY_S).astype(np.int64)
        by_day = np.array([at_levels(known, quantiles, corrected_levels(wanted, one)) for one in past])
        values = by_day[np.clip(beyond, 0, len(past) - 1), np.arange(len(intervals))]
    said = np.array([_published(series, start_s, end_s) for start_s, end_s in zip(starts_s, ends_s, strict=True)])
    values = np.where(np.isnan(said)[:, None], values, said[:, None])
    return to_forecast(
        site_id,
        ForecastQuantity.IMPORT_PRICE_PER_KWH,
        issued_at,
        intervals,
        levels,
        values,
        f"published until {datetime.fromtimestamp(int(series.epochs_s[-1]) + STEP_S, UTC):%Y-%m-%d %H:%M} UTC, then time of week",
    )


def _header(header: Sequence[str]) -> tuple[ZoneInfo, int]:
    zone = re.search(r"MTU \(([^)]+)\)", header[0]) if header else None
    columns = [k for k, name in enumerate(header) if "price" in name.lower()]
    if zone is None or zone.group(1) not in ZONES or not columns:
        raise InvalidInput(
            "header", f"{header[:4]} is not a day-ahead table", "start with MTU (zone) and a price column"
        )
    return ZoneInfo(ZONES[zone.group(1)]), columns[0]


def _interval(text: str, zone: ZoneInfo, last_at: datetime | None, number: int) -> Interval:
    stamps = [datetime(int(y), int(m), int(d), int(h), int(n)) for d, m, y, h, n in _stamps(text)]  # noqa: DTZ001  zone comes next
    if len(stamps) != 2:
        raise InvalidInput(
            f"line {number}", f"{text!r} is no span of time", "write DD.MM.YYYY HH:MM - DD.MM.YYYY HH:MM"
        )
    starts_at = stamps[0].replace(tzinfo=zone).astimezone(UTC)
    if last_at is not None and starts_at <= last_at:
        # the clock was set back: the second time this wall clock is shown
        starts_at = stamps[0].replace(tzinfo=zone, fold=1).astimezone(UTC)
    length = stamps[1] - stamps[0]
    if length <= timedelta(0) or length > timedelta(hours=2):
        length = timedelta(hours=1)
    return Interval(starts_at, starts_at + min(length, timedelta(hours=1)))


def _stamps(text: str) -> list[tuple[str, ...]]:
    return STAMP.findall(text)


def price_series(published: Sequence[PriceInterval], window_s: int = WINDOW_S) -> Series:
    """Quarter hours of the last weeks of prices [money/kWh], which are not none; the later of two that overlap."""
    quarters = dict(_quarters(published))
    epochs_s = np.array(sorted(quarters), dtype=np.int64)
    epochs_s = epochs_s[epochs_s >= epochs_s[-1] - window_s]
    return Series(epochs_s, np.array([quarters[int(epoch_s)] for epoch_s in epochs_s]), STEP_S)


def _quarters(published: Sequence[PriceInterval]) -> Iterator[tuple[int, float]]:
    for price in published:
        start_s, end_s = (int(t.timestamp()) for t in (price.interval.starts_at, price.interval.ends_at))
        for epoch_s in range(start_s // STEP_S * STEP_S, end_s, STEP_S):
            yield epoch_s, float(price.import_price_per_kwh)


def _published(series: Series, start_s: float, end_s: float) -> float:
    """Mean published price of an interval, NaN unless all of it is published."""
    first = int(np.searchsorted(series.epochs_s, start_s // STEP_S * STEP_S))
    wanted = np.arange(start_s // STEP_S * STEP_S, end_s, STEP_S)
    there: Floats = series.values[first : first + len(wanted)]
    whole = np.array_equal(series.epochs_s[first : first + len(wanted)], wanted)
    return float(there.mean()) if whole else float("nan")
