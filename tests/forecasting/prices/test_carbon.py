import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cpms.domain.errors import InvalidInput
from forecasting.prices.carbon import CarbonIntensityGb, FileCarbon, read_carbon_gb, read_carbon_table
from tests.forecasting.services import service

NOW = datetime(2026, 6, 15, 12, 10, tzinfo=UTC)


def half_hour(number, forecast=200, actual=None):
    begin = datetime(2026, 6, 15, 12, tzinfo=UTC) + timedelta(minutes=30 * number)
    stamps = {"from": f"{begin:%Y-%m-%dT%H:%MZ}", "to": f"{begin + timedelta(minutes=30):%Y-%m-%dT%H:%MZ}"}
    return {**stamps, "intensity": {"forecast": forecast, "actual": actual, "index": "moderate"}}


def answer(*rows):
    return json.dumps({"data": list(rows)}).encode()


def test_what_was_measured_counts_more_than_what_was_forecast_and_gaps_are_left_out():
    known = read_carbon_gb(json.loads(answer(half_hour(0, 200, 180), half_hour(1), half_hour(2, None))))
    assert [one.co2_g_per_kwh for one in known] == [180.0, 200.0]
    assert known[0].interval.starts_at == datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": [3]},
        {"data": [{"from": "now", "to": "then", "intensity": {"forecast": 200}}]},
        {"data": [half_hour(0, "dirty")]},
        {"data": [half_hour(0, -5)]},
        {"data": [half_hour(0, 1e6)]},
    ],
)
def test_what_is_no_intensity_is_refused(document):
    with pytest.raises(InvalidInput):
        read_carbon_gb(document)


async def test_the_service_is_asked_seldom_and_its_last_answer_stays_while_it_is_down():
    rows = answer(half_hour(0), half_hour(1), half_hour(2))
    async with service((200, rows), (500, b""), (200, b"[")) as (url, requests), httpx.AsyncClient() as client:
        carbon = CarbonIntensityGb(client, url)
        assert len(await carbon.intensity(NOW)) == 3
        assert len(await carbon.intensity(NOW + timedelta(minutes=25))) == 2
        assert requests == ["GET /intensity/2026-06-15T09:10Z/fw48h HTTP/1.1"]
        assert len(await carbon.intensity(NOW + timedelta(minutes=40))) == 2
        assert len(await carbon.intensity(NOW + timedelta(minutes=60))) == 1
        assert len(requests) == 3


TABLE = """starts_at,ends_at,co2_g_per_kwh
2026-06-15T14:00+02:00,2026-06-15T15:00+02:00,310
2026-06-15T13:00+02:00,2026-06-15T14:00+02:00,290.5
"""


async def test_what_is_over_is_told_only_as_it_came():
    rows = answer(half_hour(-2, 200, 180), half_hour(-1, 210), half_hour(0, 220), half_hour(1, 230))
    async with service((200, rows)) as (url, _), httpx.AsyncClient() as client:
        known = await CarbonIntensityGb(client, url).intensity(NOW)
    assert [(one.co2_g_per_kwh, one.came) for one in known] == [(180.0, True), (220.0, False), (230.0, False)]


async def test_a_table_says_in_order_of_time_what_comes_and_what_came_lately(tmp_path):
    path = tmp_path / "carbon.csv"
    path.write_text(TABLE)
    table = FileCarbon(path)
    assert [one.co2_g_per_kwh for one in await table.intensity(NOW - timedelta(hours=1))] == [290.5, 310.0]
    assert [(one.co2_g_per_kwh, one.came) for one in await table.intensity(NOW)] == [(290.5, True), (310.0, False)]
    assert [one.came for one in await table.intensity(NOW + timedelta(hours=3))] == [True]
    assert table.problem() == ""


async def test_a_table_that_breaks_leaves_what_was_known_and_says_why(tmp_path):
    path = tmp_path / "carbon.csv"
    path.write_text(TABLE)
    table = FileCarbon(path)
    await table.intensity(NOW)
    path.write_text(TABLE.replace("310", "dirty"))
    assert [one.co2_g_per_kwh for one in await table.intensity(NOW)] == [290.5, 310.0]
    assert "dirty" in table.problem()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("starts_at,ends_at\n", "co2_g_per_kwh"),
        (TABLE.replace("310", "high"), "line 2"),
        (TABLE.replace("15:00+02:00", "15:00"), "line 2"),
        (TABLE.replace("T15:00", "T13:30"), "line 2"),
        (TABLE.replace("290.5", "-1"), "-1"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(text, named):
    with pytest.raises(InvalidInput, match=named):
        read_carbon_table(text)
