import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cpms.domain.errors import InvalidInput
from forecasting.weather.open_meteo import OpenMeteo, read_open_meteo
from tests.forecasting.services import service

NOW = datetime(2026, 6, 15, 6, tzinfo=UTC)
HOUR_S = 3600


def answer(hours=48, radiation=400.0, air=18.0):
    """An answer with the shape of the service's, as recorded."""
    start_s = int(NOW.timestamp())
    return {
        "latitude": 52.0,
        "longitude": 5.0,
        "hourly_units": {"time": "unixtime", "shortwave_radiation_instant": "W/m²", "temperature_2m": "°C"},
        "hourly": {
            "time": [start_s + k * HOUR_S for k in range(hours)],
            "shortwave_radiation_instant": [radiation] * hours,
            "temperature_2m": [air] * hours,
        },
    }


def body(document):
    return json.dumps(document).encode()


async def test_a_place_is_asked_for_once_an_hour_and_answered_from_memory_between():
    async with (
        service((200, body(answer())), (200, body(answer(air=25.0)))) as (url, requests),
        httpx.AsyncClient() as client,
    ):
        weather = OpenMeteo(client, url)
        first = await weather.forecast(52.0, 5.0, NOW)
        again = await weather.forecast(52.001, 5.001, NOW + timedelta(minutes=59))
        later = await weather.forecast(52.0, 5.0, NOW + timedelta(minutes=60))
    assert first is again
    assert (first.air_c[0], later.air_c[0]) == (18.0, 25.0)
    assert len(requests) == 2
    assert "shortwave_radiation_instant" in requests[0]


async def test_while_the_service_is_down_the_last_forecast_serves_until_it_is_old():
    answers = [(200, body(answer())), *[(503, b"")] * 3]
    async with service(*answers) as (url, _), httpx.AsyncClient() as client:
        weather = OpenMeteo(client, url)
        first = await weather.forecast(52.0, 5.0, NOW)
        assert await weather.forecast(52.0, 5.0, NOW + timedelta(hours=6)) is first
        assert await weather.forecast(52.0, 5.0, NOW + timedelta(hours=19)) is None


async def test_a_service_that_is_slow_or_wrong_gives_no_weather_and_no_error():
    answers = [None, (200, b"<html>"), (200, body({"hourly": {}})), (200, body(answer(radiation=99999.0)))]
    async with service(*answers) as (url, requests), httpx.AsyncClient() as client:
        weather = OpenMeteo(client, url, refresh=timedelta(0), timeout_s=0.2)
        for _ in answers:
            assert await weather.forecast(52.0, 5.0, NOW) is None
    assert len(requests) == 4


async def test_a_service_that_is_not_there_gives_no_weather():
    async with httpx.AsyncClient() as client:
        assert await OpenMeteo(client, "http://127.0.0.1:9").forecast(52.0, 5.0, NOW) is None


def test_hours_without_a_value_are_left_out():
    document = answer(hours=3)
    document["hourly"]["temperature_2m"][1] = None
    assert len(read_open_meteo(document, NOW).valid_at) == 2


@pytest.mark.parametrize("spoil", ["text", None, -400.0])
def test_values_no_weather_has_are_refused(spoil):
    document = answer(hours=3)
    document["hourly"]["time" if spoil == "text" else "shortwave_radiation_instant"][0] = spoil
    if spoil is None:
        assert len(read_open_meteo(document, NOW).valid_at) == 2
    else:
        with pytest.raises(InvalidInput, match="hourly"):
            read_open_meteo(document, NOW)


async def test_a_service_that_refuses_is_left_alone_for_as_long_as_it_says():
    answers = [(429, b"", "Retry-After: 3600"), (200, body(answer()))]
    async with service(*answers) as (url, requests), httpx.AsyncClient() as client:
        weather = OpenMeteo(client, url)
        for minutes in (0, 5, 15, 59):
            assert await weather.forecast(52.0, 5.0, NOW + timedelta(minutes=minutes)) is None
        assert len(requests) == 1
        assert await weather.forecast(52.0, 5.0, NOW + timedelta(minutes=60)) is not None


async def test_after_a_failure_it_is_asked_again_soon_but_not_at_once():
    answers = [(500, b""), (200, body(answer()))]
    async with service(*answers) as (url, requests), httpx.AsyncClient() as client:
        weather = OpenMeteo(client, url)
        assert await weather.forecast(52.0, 5.0, NOW) is None
        assert await weather.forecast(52.0, 5.0, NOW + timedelta(minutes=9)) is None
        assert len(requests) == 1
        assert await weather.forecast(52.0, 5.0, NOW + timedelta(minutes=10)) is not None


@pytest.mark.parametrize("unit", ["kW/m²", "°F"])
def test_other_units_than_asked_for_are_refused(unit):
    document = answer()
    document["hourly_units"]["temperature_2m" if unit == "°F" else "shortwave_radiation_instant"] = unit
    with pytest.raises(InvalidInput, match="hourly_units"):
        read_open_meteo(document, NOW)


def test_a_number_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match="nan"):
        read_open_meteo(answer(radiation=float("nan")), NOW)
