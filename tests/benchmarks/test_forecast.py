import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cpms.domain.site import SolarArray
from forecasting.series import zone_of
from forecasting.solar.clearsky import clear_sky_kw
from tests.benchmarks.forecast_solar import read_power
from tests.benchmarks.recorded_sessions import read_sessions
from tests.forecasting.weather_worlds import ARRAY, cloudy_series

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared/data/sessions/caltech_2019-05-01_2019-08-31.csv.gz"


def run(*arguments):
    command = [sys.executable, "-m", "tests.benchmarks.forecast", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_solar_command_scores_any_file_of_its_format(tmp_path):
    series = cloudy_series(150)
    stamps = pd.to_datetime(series.epochs_s, unit="s", utc=True)
    frame = pd.DataFrame({"measured_on": stamps, "ac_power": 1000.0 * series.values})
    frame.to_parquet(tmp_path / "power.parquet")
    place = ("--latitude", str(ARRAY.latitude_deg), "--longitude", str(ARRAY.longitude_deg), "--timezone", "UTC")
    time = ("--train-until", "2026-06-20", "--horizons", "4", "--capacity-kw", "50")
    done = run("solar", "--json", "--power", str(tmp_path / "power.parquet"), *place, *time)
    assert done.returncode == 0, done.stderr
    scored = json.loads(done.stdout)["horizons"]["4"]
    assert scored["count"] > 500
    assert scored["skill"] > 0.0
    assert {"nrmse", "crps", "coverage_80", "smart_persistence"} <= set(scored)


def test_a_file_that_leaves_too_little_to_learn_from_is_named(tmp_path):
    series = cloudy_series(20)
    frame = pd.DataFrame({"t": pd.to_datetime(series.epochs_s, unit="s", utc=True), "w": 1000.0 * series.values})
    frame.to_parquet(tmp_path / "power.parquet")
    done = run("solar", "--power", str(tmp_path / "power.parquet"), "--timezone", "UTC", "--train-until", "2026-03-04")
    assert done.returncode == 2
    assert "train-until" in done.stderr


@pytest.mark.filterwarnings("error")
def test_a_power_file_whose_clock_follows_summer_time_is_read_as_wall_clock(tmp_path):
    zone = zone_of("Europe/Berlin")
    epochs_s = int(datetime(2026, 2, 10, tzinfo=UTC).timestamp()) + 900 * np.arange(96 * 100)
    true = pd.to_datetime(epochs_s, unit="s", utc=True).tz_convert(zone)
    claimed = true.tz_localize(None).tz_localize("Etc/GMT-1")
    array = SolarArray(48.0, 11.0, 30.0, 180.0, 50.0)
    frame = pd.DataFrame({"measured_on": claimed, "w": 1000.0 * clear_sky_kw(array, epochs_s + 450)})
    frame.to_parquet(tmp_path / "power.parquet")
    read, clock = read_power(tmp_path / "power.parquet", array, zone, int(epochs_s[-1]))
    assert "wall clock" in clock
    assert np.isin(read.epochs_s, epochs_s).all()


@pytest.mark.skipif(not RECORDED.exists(), reason="needs the recorded sessions beside the repository")
def test_a_session_without_a_driver_shows_nobody_its_outcome():
    frame = pd.read_csv(RECORDED)
    unclaimed = frame[~frame["claimed"]]
    assert (unclaimed["requested_energy (kWh)"] == unclaimed["delivered_energy (kWh)"]).all()
    sessions = read_sessions(RECORDED)
    assert sum(session.need is None for session in sessions) == len(unclaimed)


def test_the_carbon_command_scores_recorded_words_of_an_operator(tmp_path):
    rng = np.random.default_rng(1)
    stamps = pd.date_range("2026-01-01", periods=288 * 45, freq="5min", tz="UTC")
    moer = 0.2 + 0.05 * np.sin(np.arange(len(stamps)) / 45.8)
    told = {f"f{k}": np.roll(moer, -k) + rng.normal(0, 0.002 * k, len(stamps)) for k in range(1, 19)}
    pd.DataFrame({"time": stamps, "moer": moer, **told}).to_csv(tmp_path / "grid.csv", index=False)
    done = run("carbon", "--json", "--carbon", str(tmp_path / "grid.csv"), "--timezone", "UTC")
    assert done.returncode == 0, done.stderr
    leads = json.loads(done.stdout)["leads_h"]
    assert set(leads) == {"0.5", "1"}
    assert leads["0.5"]["crps"] < leads["1"]["crps"] < leads["1"]["as_told"]["crps"]
    assert leads["1"]["coverage_80"] == pytest.approx(0.8, abs=0.06)
    nothing = run("carbon", "--carbon", str(tmp_path / "grid.csv"), "--train-until", "2027-01-01")
    assert nothing.returncode == 2
    assert "train-until" in nothing.stderr
