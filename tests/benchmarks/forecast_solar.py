"""The solar figures: any file of NREL PVDAQ's power and NSRDB's weather, scored over the time after `train-until`."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cpms.domain.errors import InvalidInput
from cpms.domain.site import SolarArray
from forecasting.score import inside, rmse
from forecasting.series import DAY_S, Series, zone_of
from forecasting.solar.array_fit import fit_array
from forecasting.solar.backtest import Hindcast, hindcast_solar, terms
from forecasting.solar.features import QUARTER_S, SolarGrid, SolarTable, lay_grid
from forecasting.solar.sensors import find_bad, follows_summer_time, leave_out
from tests.benchmarks.bands import bands

FOLDER = Path(__file__).parents[2].parent / "shared/data/solar"
HALF_HOUR_H = 0.5
MIN_MONTH_ROWS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--power", type=Path, default=FOLDER / "system_50_ac_power_2_full_DST.parquet")
    parser.add_argument("--weather", type=Path, help="NSRDB file taken as a perfect weather forecast")
    parser.add_argument("--latitude", type=float, default=39.7406)
    parser.add_argument("--longitude", type=float, default=-105.1775)
    parser.add_argument("--timezone", default="America/Denver", help="zone whose wall clock the power file shows")
    parser.add_argument("--capacity-kw", type=float, default=3.368)
    parser.add_argument("--train-until", default="2013-01-01")
    parser.add_argument("--refit-days", type=int, default=91)
    parser.add_argument("--horizons", type=float, nargs="+", default=[0.5, 1, 2, 4, 8, 12, 24, 36, 48], metavar="H")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Per horizon [h]: nrmse, skill, crps, coverage_80 of the forecast and the same of smart persistence."""
    zone = zone_of(arguments.timezone)
    nominal = SolarArray(
        arguments.latitude, arguments.longitude, min(60.0, abs(arguments.latitude)), 180.0, arguments.capacity_kw
    )
    if arguments.latitude < 0:
        nominal = replace(nominal, azimuth_deg=0.0)
    split_s = int(datetime.fromisoformat(arguments.train_until).replace(tzinfo=zone).timestamp())
    measured, clock = read_power(arguments.power, nominal, zone, split_s)
    bad = find_bad(nominal, measured)
    measured = leave_out(measured, bad)
    array = fit_array(nominal, before(measured, split_s))
    grid = lay_grid(array, measured, int(measured.epochs_s[0]), int(measured.epochs_s[-1]) + 900)
    if arguments.weather:
        grid = with_weather(grid, arguments.weather)
    table = SolarTable(grid)
    started_s = time.process_time()
    served = terms(table, grid.position(split_s), arguments.refit_days)
    cpu_s = (time.process_time() - started_s) / len(served)
    horizons = {}
    for hours in arguments.horizons:
        made = hindcast_solar(table, served, round(hours / HALF_HOUR_H) - 1, arguments.capacity_kw)
        horizons[f"{hours:g}"] = _figures(made, arguments.capacity_kw, grid.start_s, zone)
    return {
        "quantity": "solar",
        "weather": bool(arguments.weather),
        "array": {"tilt_deg": array.tilt_deg, "azimuth_deg": array.azimuth_deg, "peak_kw": round(array.peak_kw, 3)},
        "clock": clock,
        "left_out": [f"{span.starts_at:%Y-%m-%d %H:%M} {span.note}" for span in bad],
        "models": len(served),
        "training_cpu_s": round(cpu_s, 1),
        "horizons": horizons,
    }


def read_power(path: Path, array: SolarArray, zone: ZoneInfo, split_s: int) -> tuple[Series, str]:
    """Quarter-hourly power [kW] from a file of local stamps and W, and how its clock was read."""
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    stamps = pd.DatetimeIndex(pd.to_datetime(frame.iloc[:, 0]))
    watt = frame.iloc[:, 1].to_numpy(dtype=np.float64)
    if stamps.tz is not None:
        as_said = _series(stamps.tz_convert("UTC"), watt)
        if not follows_summer_time(array, before(as_said, split_s), zone):
            return as_said, "as its stamps say"
    wall = stamps.tz_localize(None).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return _series(wall.tz_convert("UTC"), watt), f"the wall clock of {zone}"


def _series(stamps: pd.DatetimeIndex, watt: np.ndarray) -> Series:
    known = ~np.isnan(watt) & ~np.asarray(stamps.isna())
    epochs_s = stamps[known].as_unit("s").asi8 // QUARTER_S * QUARTER_S
    quarters, place = np.unique(epochs_s, return_inverse=True)
    mean_w = np.bincount(place, weights=watt[known]) / np.bincount(place)
    if len(quarters) < DAY_S // QUARTER_S:
        raise InvalidInput("power", "holds less than a day of numbers", "give a file of time and W")
    return Series(quarters, mean_w / 1000.0, QUARTER_S)


def before(measured: Series, until_s: int) -> Series:
    keep = measured.epochs_s < until_s
    return Series(measured.epochs_s[keep], measured.values[keep], measured.step_s)


def with_weather(grid: SolarGrid, path: Path) -> SolarGrid:
    """The grid with the file's irradiance over its own cloudless sky and temperature, interpolated to quarter hours."""
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    epochs_s = pd.DatetimeIndex(frame.iloc[:, 0]).tz_convert("UTC").as_unit("s").asi8
    middle_s = grid.start_s + QUARTER_S * np.arange(len(grid.power_kw)) + QUARTER_S // 2
    ghi_w_m2 = np.interp(middle_s, epochs_s, frame["ghi"], left=np.nan, right=np.nan)
    air_c = np.interp(middle_s, epochs_s, frame["temp_air"], left=np.nan, right=np.nan)
    light = grid.sky.global_w_m2
    index = np.where(light > 20.0, ghi_w_m2 / np.maximum(light, 20.0), np.nan)
    return replace(grid, weather_index=np.clip(index, 0.0, 1.6), weather_c=air_c)


def _figures(made: Hindcast, capacity_kw: float, start_s: int, zone: ZoneInfo) -> dict[str, object]:
    scored = made.score(capacity_kw)
    held = inside(made.levels, made.quantiles_kw, made.actual_kw)
    error_kw = np.abs(made.persistence_kw - made.actual_kw)
    return {
        **scored.to_dict(),
        **bands(held, start_s + QUARTER_S * made.targets, zone.key, MIN_MONTH_ROWS),
        "smart_persistence": {
            "nrmse": round(rmse(made.persistence_kw, made.actual_kw) / capacity_kw, 4),
            "crps": round(float(error_kw.mean()) / capacity_kw, 4),
        },
    }
