"""What an array gives under a cloudless sky.

By pvlib: sun position by NREL's algorithm (Reda and Andreas 2003), irradiance by Ineichen and Perez (2002) with the
climatological Linke turbidity, transposition by Hay and Davies (1980). Then cell temperature by Ross (1976), and an
inverter that is an efficiency and a clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cpms.domain.errors import InvalidInput
from cpms.domain.site import SolarArray
from forecasting.series import Floats, Ints

MODULE_TEMPERATURE_COEFFICIENT_PER_K = -0.004
ROSS_COEFFICIENT_K_M2_PER_W = 0.03
SYSTEM_EFFICIENCY = 0.9
"""Inverter, wiring, soiling and mismatch together (PVWatts version 5 reckons with 0.86 to 0.96)."""


@dataclass(frozen=True)
class ClearSky:
    """The cloudless sky over a place at some instants: sun [deg], irradiance [W/m2] and air [degC], one each per instant."""

    zenith_deg: Floats
    azimuth_deg: Floats
    beam_w_m2: Floats
    global_w_m2: Floats
    diffuse_w_m2: Floats
    extraterrestrial_w_m2: Floats
    air_c: Floats


def clear_sky(latitude_deg: float, longitude_deg: float, epochs_s: Ints) -> ClearSky:
    """The cloudless sky at UTC `epochs_s` [s]; irradiance is 0 while the sun is down."""
    # pvlib takes most of a second to import: only who forecasts the sun pays for it
    from pvlib import atmosphere, clearsky, irradiance, spa

    zenith, _, _, _, azimuth, _ = spa.solar_position(
        epochs_s.astype(np.float64), latitude_deg, longitude_deg, 0.0, 1013.25, 12.0, 69.0, 0.5667, numthreads=1
    )
    day = _day_of_year(epochs_s)
    extra = irradiance.get_extra_radiation(day)
    beam, total, diffuse = (np.zeros(len(epochs_s)) for _ in range(3))
    up = zenith < 90.0
    if up.any():
        turbidity = _turbidity(latitude_deg, longitude_deg, day[up])
        airmass = atmosphere.get_relative_airmass(zenith[up])
        sky = clearsky.ineichen(zenith[up], airmass, turbidity, dni_extra=extra[up])
        for component, name in ((beam, "dni"), (total, "ghi"), (diffuse, "dhi")):
            component[up] = np.nan_to_num(sky[name]).clip(min=0.0)
    return ClearSky(zenith, azimuth, beam, total, diffuse, extra, _air_temperature_c(latitude_deg, day))


def array_kw(array: SolarArray, sky: ClearSky) -> Floats:
    """AC power [kW] of `array` under `sky`."""
    from pvlib import irradiance

    power_kw = np.zeros(len(sky.zenith_deg))
    up = sky.zenith_deg < 90.0
    if not up.any():
        return power_kw
    plane = irradiance.get_total_irradiance(
        array.tilt_deg,
        array.azimuth_deg,
        sky.zenith_deg[up],
        sky.azimuth_deg[up],
        *(sky.beam_w_m2[up], sky.global_w_m2[up], sky.diffuse_w_m2[up], sky.extraterrestrial_w_m2[up]),
        model="haydavies",
    )
    poa_w_m2 = np.nan_to_num(plane["poa_global"]).clip(min=0.0)
    cell_c = sky.air_c[up] + ROSS_COEFFICIENT_K_M2_PER_W * poa_w_m2
    derating = 1 + MODULE_TEMPERATURE_COEFFICIENT_PER_K * (cell_c - 25.0)
    power_kw[up] = array.peak_kw * poa_w_m2 / 1000.0 * derating * SYSTEM_EFFICIENCY
    return np.clip(power_kw, 0.0, array.peak_kw)


def clear_sky_kw(array: SolarArray, epochs_s: Ints) -> Floats:
    """AC power [kW] of `array` at UTC `epochs_s` [s] under a cloudless sky; 0 while the sun is down."""
    return array_kw(array, clear_sky(array.latitude_deg, array.longitude_deg, epochs_s))


def require_array(array: SolarArray) -> SolarArray:
    """`array`; InvalidInput naming the field that cannot be."""
    bounds = {
        "latitude_deg": (-90.0, 90.0),
        "longitude_deg": (-180.0, 180.0),
        "tilt_deg": (0.0, 90.0),
        "azimuth_deg": (0.0, 360.0),
        "peak_kw": (0.0, 1e7),
    }
    for field, (low, high) in bounds.items():
        if not low <= getattr(array, field) <= high:
            raise InvalidInput(field, f"{getattr(array, field)} is out of range", f"give {low:g} to {high:g}")
    return array


def _turbidity(latitude_deg: float, longitude_deg: float, day_of_year: Floats) -> Floats:
    """Linke turbidity by day, linear between the middles of the months."""
    monthly = np.array(_monthly_turbidity(latitude_deg, longitude_deg))
    return np.asarray(np.interp(day_of_year, np.arange(12) * 30.4 + 15.2, monthly, period=365.0))


@lru_cache(maxsize=256)
def _monthly_turbidity(latitude_deg: float, longitude_deg: float) -> tuple[float, ...]:
    import pandas as pd
    from pvlib import clearsky

    months = pd.date_range("2001-01-01", periods=12, freq="MS", tz="UTC")
    return tuple(clearsky.lookup_linke_turbidity(months, latitude_deg, longitude_deg, interp_turbidity=False))


def _day_of_year(epochs_s: Ints) -> Floats:
    """1 to 366, as a yearly angle needs it: the calendar's leap days are smoothed out."""
    return np.asarray((epochs_s / 86400.0) % 365.2425 + 1.0)


def _air_temperature_c(latitude_deg: float, day_of_year: Floats) -> Floats:
    """A rough yearly course by latitude: an error of 10 K costs 4 % of power, which the measured index corrects."""
    mean_c = 28.0 - 0.4 * abs(latitude_deg)
    swing_c = 0.25 * latitude_deg
    # the coldest day is around 20 January in the north, half a year later in the south (negative swing)
    return np.asarray(mean_c - swing_c * np.cos(2 * np.pi * (day_of_year - 20.0) / 365.2425))
