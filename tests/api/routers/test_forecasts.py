from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx

from api import Services
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.forecast_record import ForecastModel, ForecastScore, ModelKind
from cpms.domain.time import Interval
from tests.api.conftest import NOW

STEPS = tuple(
    Interval(NOW + timedelta(minutes=15) * n, NOW + timedelta(minutes=15) * (n + 1)) for n in range(2)
)  # fmt: skip
FORECAST = Forecast(
    site_id="depot",
    quantity=ForecastQuantity.SOLAR_KW,
    issued_at=NOW,
    intervals=STEPS,
    levels=(0.1, 0.5, 0.9),
    values=((0.0, 1.0, 2.0), (1.0, 2.0, 3.0)),
    method="clear sky",
    fallback="weather: there is no forecast",
)
MODEL = ForecastModel(
    site_id="depot",
    kind=ModelKind.SOLAR,
    version=0,
    trained_at=NOW - timedelta(days=1),
    data_from=NOW - timedelta(days=200),
    data_until=NOW - timedelta(days=22),
    rows=12_000,
    text="trees",
    crps=1.5,
    floor_crps=2.0,
    scored=300,
    in_service=True,
    why="crps 1.5, the simple forecast 2",
    notes=("2026-01-01 00:00 to 2026-01-01 01:00: power at night",),
)
SCORE = ForecastScore(
    site_id="depot",
    quantity=ForecastQuantity.SOLAR_KW,
    horizon_s=86400,
    scored_at=NOW,
    data_from=NOW - timedelta(days=28),
    data_until=NOW,
    count=100,
    rmse=2.0,
    nrmse=0.1,
    mean_error=-0.5,
    skill=None,
    pinball=0.6,
    crps=1.1,
    floor_crps=1.4,
    coverage_80=0.81,
    width_80=5.0,
    note="80 % bands held 55% of the last 7 days",
)


async def test_the_latest_forecast_of_each_quantity_is_told_with_who_made_it_and_why(
    depot: httpx.AsyncClient, services: Services
) -> None:
    assert (await depot.get("/api/v1/sites/depot/forecasts")).json() == {"items": []}
    for forecast in (replace(FORECAST, issued_at=NOW - timedelta(hours=1), fallback="", model_version=3), FORECAST):
        await services.store.add_forecast(forecast)
    [latest] = (await depot.get("/api/v1/sites/depot/forecasts")).json()["items"]
    assert latest["intervals"].pop(1)["starts_at"] == "2026-01-15T12:15:00Z"
    assert latest == {
        "quantity": "solar_kw",
        "issued_at": "2026-01-15T12:00:00Z",
        "method": "clear sky",
        "model_version": 0,
        "fallback": "weather: there is no forecast",
        "levels": [0.1, 0.5, 0.9],
        "intervals": [{"starts_at": "2026-01-15T12:00:00Z", "ends_at": "2026-01-15T12:15:00Z"}],
        "values": [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]],
    }


async def test_scores_are_told_per_horizon_with_a_drift_in_words(depot: httpx.AsyncClient, services: Services) -> None:
    await services.store.add_scores([SCORE, replace(SCORE, scored_at=NOW - timedelta(days=3))])
    [score] = (await depot.get("/api/v1/sites/depot/forecasts/scores")).json()["items"]
    assert (score["quantity"], score["horizon_s"], score["crps"], score["floor_crps"]) == ("solar_kw", 86400, 1.1, 1.4)
    assert (score["skill"], score["coverage_80"], score["width_80"]) == (None, 0.81, 5.0)
    assert "held 55%" in score["note"]
    assert score["drifting"] is True
    earlier = {"since": "2026-01-01T00:00:00Z"}
    assert len((await depot.get("/api/v1/sites/depot/forecasts/scores", params=earlier)).json()["items"]) == 2


async def test_models_are_told_with_their_data_window_and_why_they_serve(
    depot: httpx.AsyncClient, services: Services
) -> None:
    await services.store.add_model(MODEL)
    await services.store.add_model(replace(MODEL, in_service=False, text="", why="the model in service is better"))
    rejected, serving = (await depot.get("/api/v1/sites/depot/forecasts/models")).json()["items"]
    assert (rejected["version"], rejected["in_service"], rejected["why"]) == (
        2,
        False,
        "the model in service is better",
    )
    assert serving == {
        "kind": "solar",
        "version": 1,
        "in_service": True,
        "why": "crps 1.5, the simple forecast 2",
        "trained_at": "2026-01-14T12:00:00Z",
        "data_from": "2025-06-29T12:00:00Z",
        "data_until": "2025-12-24T12:00:00Z",
        "rows": 12000,
        "crps": 1.5,
        "floor_crps": 2.0,
        "scored": 300,
        "notes": ["2026-01-01 00:00 to 2026-01-01 01:00: power at night"],
    }


async def test_an_unknown_site_has_no_forecasts(client: httpx.AsyncClient) -> None:
    for path in ("", "/scores", "/models"):
        response = await client.get(f"/api/v1/sites/nowhere/forecasts{path}")
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
