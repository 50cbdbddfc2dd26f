"""A made-up sky for tests: seeded clouds that last, over an array whose cloudless power is known."""

from datetime import UTC, datetime, timedelta

import numpy as np

from cpms.domain.site import SolarArray
from cpms.domain.time import Interval
from forecasting.series import Series
from forecasting.solar.clearsky import clear_sky_kw

ARRAY = SolarArray(latitude_deg=48.0, longitude_deg=11.0, tilt_deg=30.0, azimuth_deg=180.0, peak_kw=50.0)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def cloudy_series(days, array=ARRAY, begin=BEGIN, seed=1):
    """Quarter hours [kW]: cloudless power times an index that drifts between overcast and clear."""
    rng = np.random.default_rng(seed)
    count = days * 96
    noise = rng.normal(0.0, 0.25, count)
    state = np.zeros(count)
    for k in range(1, count):
        state[k] = 0.97 * state[k - 1] + noise[k]
    index = 0.15 + 0.85 / (1.0 + np.exp(-2.0 * (state + 0.6)))
    epochs_s = int(begin.timestamp()) + 900 * np.arange(count, dtype=np.int64)
    return Series(epochs_s, index * clear_sky_kw(array, epochs_s + 450), 900)


def as_history(series):
    return [
        (datetime.fromtimestamp(int(s), UTC), float(kw)) for s, kw in zip(series.epochs_s, series.values, strict=True)
    ]


def steps(start, count=192):
    return [Interval(start + k * QUARTER, start + (k + 1) * QUARTER) for k in range(count)]
