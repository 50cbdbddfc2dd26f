"""What is expected, how earlier expectations came out, and the models behind them."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from api.auth import VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import Id, Instant, Items
from api.schemas.forecasts import ForecastView, ModelView, ScoreView
from cpms.domain.forecast import ForecastQuantity

router = APIRouter(prefix="/sites/{site_id}/forecasts", tags=["forecasts"])

SCORES_HISTORY = timedelta(days=2)
MODELS_HISTORY = timedelta(days=90)


@router.get("", dependencies=[VIEWER])
async def list_forecasts(site_id: Id, services: ServicesDep) -> Items[ForecastView]:
    """The latest forecast of each quantity, with its bands, who made it, and why not a model where there is one."""
    await services.store.site(site_id)
    latest = [await services.store.latest_forecast(site_id, quantity) for quantity in ForecastQuantity]
    return Items(items=[ForecastView.of(forecast) for forecast in latest if forecast is not None])


@router.get("/scores", dependencies=[VIEWER])
async def list_scores(site_id: Id, services: ServicesDep, since: Instant | None = None) -> Items[ScoreView]:
    """How forecasts came out, per quantity and horizon, newest first: scores reckoned since then (default: two days ago)."""
    await services.store.site(site_id)
    since = since or services.clock.now() - SCORES_HISTORY
    return Items(items=[ScoreView.of(score) for score in await services.store.forecast_scores(site_id, since)])


@router.get("/models", dependencies=[VIEWER])
async def list_models(site_id: Id, services: ServicesDep, since: Instant | None = None) -> Items[ModelView]:
    """Trainings since then (default: 90 days ago), put in service or not and why, by kind, newest first."""
    await services.store.site(site_id)
    since = since or services.clock.now() - MODELS_HISTORY
    return Items(items=[ModelView.of(model) for model in await services.store.forecast_models(site_id, since)])
