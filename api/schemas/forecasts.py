"""Forecasts, their scores, and the models that make them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from pydantic import Field

from api.schemas.common import View
from api.schemas.plans import IntervalView
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.forecast_record import ForecastModel, ForecastScore, ModelKind


class ForecastView(View):
    """A forecast: `values[i][j]` is the `levels[j]` quantile in `intervals[i]`."""

    quantity: ForecastQuantity = Field(description="The unit is the suffix")
    issued_at: datetime = Field(description="It knows nothing later")
    method: str
    model_version: int = Field(description="The trained model that made it; 0: the simple forecast")
    fallback: str = Field(
        description="Why the simple forecast serves although there is a model; empty otherwise",
        examples=["weather: the forecast is of 2026-01-30 06:00 UTC"],
    )
    levels: list[float]
    intervals: list[IntervalView]
    values: list[list[float]]

    @classmethod
    def of(cls, forecast: Forecast) -> ForecastView:
        """A stored forecast."""
        return cls(
            quantity=forecast.quantity,
            issued_at=forecast.issued_at,
            method=forecast.method,
            model_version=forecast.model_version,
            fallback=forecast.fallback,
            levels=list(forecast.levels),
            intervals=[IntervalView.of(interval) for interval in forecast.intervals],
            values=[list(row) for row in forecast.values],
        )


class ScoreView(View):
    """How forecasts of one quantity and horizon came out. rmse, mean_error, pinball, crps and width_80 in the quantity's unit."""

    quantity: ForecastQuantity
    horizon_s: int = Field(description="From the issue to what it is about; of sessions: since their start, in s")
    scored_at: datetime
    data_from: datetime
    data_until: datetime
    count: int
    rmse: float
    nrmse: float | None = Field(description="rmse as a share of the largest value that came")
    mean_error: float = Field(description="Expected minus actual")
    skill: float | None = Field(description="1 - rmse / rmse of the simple forecast")
    pinball: float
    crps: float
    floor_crps: float = Field(description="crps of the simple forecast at the same issues")
    coverage_80: float = Field(
        description="Share of values inside of the 80 % bands; what is certain to some degree counts in part"
    )
    width_80: float = Field(description="Sharpness: mean width of the 80 % bands")
    drifting: bool = Field(description="Whether the model has drifted, over the last week")
    note: str = Field(description="A drift, in words; empty while there is none")

    @classmethod
    def of(cls, score: ForecastScore) -> ScoreView:
        """A stored score."""
        fields = asdict(score)
        fields.pop("site_id")
        return cls(**fields, drifting=bool(score.note))


class ModelView(View):
    """A training: what it learned from, how it did on days held out, and whether it serves."""

    kind: ModelKind
    version: int
    in_service: bool
    why: str = Field(examples=["crps 0.2412, the simple forecast 0.3159, the model before 0.2569"])
    trained_at: datetime
    data_from: datetime
    data_until: datetime
    rows: int
    crps: float | None
    floor_crps: float | None
    scored: int = Field(description="Forecasts of held-out days that were compared")
    notes: list[str] = Field(description="What was left out of the data, and why")

    @classmethod
    def of(cls, model: ForecastModel) -> ModelView:
        """A stored training."""
        return cls(
            kind=model.kind,
            version=model.version,
            in_service=model.in_service,
            why=model.why,
            trained_at=model.trained_at,
            data_from=model.data_from,
            data_until=model.data_until,
            rows=model.rows,
            crps=model.crps,
            floor_crps=model.floor_crps,
            scored=model.scored,
            notes=list(model.notes),
        )
