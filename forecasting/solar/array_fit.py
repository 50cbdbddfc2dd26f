"""Which way an array looks, found in what it measured: the plane whose cloudless sky envelopes the measurements best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import numpy as np

from cpms.domain.site import SolarArray
from forecasting.series import DAY_S, Floats, Series
from forecasting.solar.clearsky import ClearSky, array_kw, clear_sky

MIN_DAYS = 45
SAMPLES = 4000
CLEAR_BAND = 0.03
"""An instant counts as cloudless when it is within this share of the cloudless power."""

ENVELOPE_LEVEL = 0.8


def fit_array(nominal: SolarArray, measured: Series) -> SolarArray:
    """`nominal` with the tilt, azimuth and peak under which most of `measured` [kW] is a cloudless sky.

    Peak is what clear sky times it equals measured power, so it holds losses too. `nominal` itself where there are too few days.
    """
    if len(np.unique(measured.epochs_s // DAY_S)) < MIN_DAYS:
        return nominal
    keep = np.linspace(0, len(measured) - 1, min(4 * SAMPLES, len(measured))).astype(int)
    epochs_s, power_kw = measured.epochs_s[keep] + measured.step_s // 2, measured.values[keep]
    sky = clear_sky(nominal.latitude_deg, nominal.longitude_deg, epochs_s)
    day = np.flatnonzero(sky.zenith_deg < 80.0)[:: max(1, int((sky.zenith_deg < 80.0).sum()) // SAMPLES)]
    sky = ClearSky(**{name: getattr(sky, name)[day] for name in ClearSky.__dataclass_fields__})
    facing = nominal.azimuth_deg
    best = _best(nominal, sky, power_kw[day], product(range(0, 81, 10), (facing + turn for turn in range(-90, 91, 15))))
    near = product((best.tilt_deg + t for t in (-5, 0, 5)), (best.azimuth_deg + t for t in (-10, -5, 0, 5, 10)))
    return _best(nominal, sky, power_kw[day], near)


def _best(nominal: SolarArray, sky: ClearSky, power_kw: Floats, planes: Iterable[tuple[float, float]]) -> SolarArray:
    scored = [_fitted(nominal, sky, power_kw, tilt, azimuth) for tilt, azimuth in planes if 0 <= tilt <= 90]
    return max(scored, key=lambda pair: pair[0])[1]


def _fitted(
    nominal: SolarArray, sky: ClearSky, power_kw: Floats, tilt_deg: float, azimuth_deg: float
) -> tuple[float, SolarArray]:
    """Share of cloudless instants under this plane, and the array with the peak that makes them most."""
    # a peak of 1 kW here: no clipping inside, the measured scale comes after
    unit = replace(nominal, tilt_deg=float(tilt_deg), azimuth_deg=float(azimuth_deg) % 360.0, peak_kw=1.0)
    clear_kw = array_kw(unit, sky)
    lit = clear_kw > 0.05
    if lit.sum() < 0.5 * len(clear_kw):
        return 0.0, replace(unit, peak_kw=nominal.peak_kw)
    peak_kw = float(np.quantile(power_kw[lit] / clear_kw[lit], ENVELOPE_LEVEL))
    near = np.abs(power_kw[lit] - peak_kw * clear_kw[lit]) < CLEAR_BAND * peak_kw
    return float(near.mean()), replace(unit, peak_kw=peak_kw)
