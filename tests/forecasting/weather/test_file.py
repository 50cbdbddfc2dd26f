import os
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.weather import WeatherForecast
from forecasting.weather.file import FileWeather, read_weather

NOW = datetime(2026, 6, 15, 6, tzinfo=UTC)
HEADER = "issued_at,valid_at,global_w_m2,air_c\n"


def rows(issued_at, watts=(0.0, 300.0)):
    return "".join(
        f"{issued_at.isoformat()},{(issued_at + timedelta(hours=n)).isoformat()},{w},15.5\n"
        for n, w in enumerate(watts)
    )


def issue(issued_at, watts=(0.0, 300.0)):
    hours = tuple(issued_at + timedelta(hours=n) for n in range(len(watts)))
    return WeatherForecast(issued_at, hours, tuple(watts), (15.5,) * len(watts))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weather.csv"


async def test_the_latest_issue_that_was_known_serves(path):
    early, late = NOW - timedelta(hours=6), NOW + timedelta(hours=1)
    path.write_text(HEADER + rows(late, (9.0, 9.0)) + rows(early))
    weather = FileWeather(path)
    assert await weather.forecast(52.0, 5.0, NOW) == issue(early)
    assert await weather.forecast(52.0, 5.0, late) == issue(late, (9.0, 9.0))
    assert await weather.forecast(52.0, 5.0, NOW + timedelta(days=2)) is None


async def test_a_file_that_changes_is_read_again_and_one_that_breaks_leaves_what_was_known(path, caplog):
    path.write_text(HEADER + rows(NOW))
    weather = FileWeather(path)
    assert await weather.forecast(52.0, 5.0, NOW) == issue(NOW)
    for number, spoiled in enumerate((HEADER + "x,y,z,1\n", "", "a,b\n1,2\n")):
        path.write_text(spoiled)
        os.utime(path, ns=(number, number))
        assert await weather.forecast(52.0, 5.0, NOW) == issue(NOW)
    path.unlink()
    assert await weather.forecast(52.0, 5.0, NOW) == issue(NOW)
    assert caplog.text.count("no new weather") == 4


async def test_a_file_that_is_not_there_is_no_weather_and_no_error(path):
    assert await FileWeather(path).forecast(52.0, 5.0, NOW) is None


def test_parquet_is_read_like_csv(tmp_path, path):
    path.write_text(HEADER + rows(NOW))
    frame = pd.read_csv(path, parse_dates=["issued_at", "valid_at"])
    frame.to_parquet(tmp_path / "weather.parquet")
    assert read_weather(tmp_path / "weather.parquet") == read_weather(path) == (issue(NOW),)


def test_rows_without_a_value_are_left_out(path):
    path.write_text(HEADER + rows(NOW, (0.0, "", 100.0)))
    assert len(read_weather(path)[0].valid_at) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("issued_at,valid_at,air_c\n", "no column 'global_w_m2'"),
        (HEADER + "2026-06-15T06:00:00,2026-06-15T06:00:00Z,1,1\n", "no time zone"),
        (HEADER + "soon,2026-06-15T06:00:00Z,1,1\n", "no instant"),
        (HEADER + "2026-06-15T06:00:00Z,2026-06-15T06:00:00Z,much,1\n", "no numbers"),
        (HEADER + "2026-06-15T06:00:00Z,2026-06-15T06:00:00Z,99999,1\n", "units"),
        (HEADER + "2026-06-15T06:00:00Z,2026-06-15T06:00:00Z,1,300\n", "units"),
        ("", "cannot be read"),
    ],
)
def test_what_cannot_be_weather_is_refused_by_name(path, text, problem):
    path.write_text(text)
    with pytest.raises(InvalidInput, match=problem) as error:
        read_weather(path)
    assert str(path) in str(error.value)
