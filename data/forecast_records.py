"""Trained models, statements about the future, their scores, and the weather as it was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from cpms.domain.forecast import ForecastQuantity
from cpms.domain.forecast_record import ForecastModel, ForecastPoint, ForecastScore, ModelKind
from cpms.domain.weather import WeatherForecast
from data.database import Row, Topic


@dataclass(frozen=True)
class Holdings:
    """How many quarter hours and ended sessions of a site are stored."""

    quarters: int
    sessions: int


@dataclass(frozen=True)
class Temperatures:
    """Air temperature [degC] at ascending instants."""

    valid_at: tuple[datetime, ...] = ()
    air_c: tuple[float, ...] = ()


class ForecastRecords(Topic):
    """What forecasting learns from and is judged by. Writing for an unknown site is NotFound."""

    async def add_model(self, model: ForecastModel) -> ForecastModel:
        """Keep a training under the next version of its site and kind; if it serves, no other of its kind does from now on."""
        key = {"site_id": model.site_id, "kind": model.kind.value}
        async with self._db.transaction() as work:
            row = await work.row("next_model_version", **key)
            numbered = replace(model, version=1 if row is None else row["version"])
            if model.in_service:
                await work.run("retire_model", **key)
            await work.run("add_model", **{**asdict(numbered), "kind": model.kind.value, "notes": list(model.notes)})
        return numbered

    async def models_in_service(self, site_id: str) -> dict[ModelKind, ForecastModel]:
        """The site's serving models, with their text."""
        models = [_model(row) for row in await self._db.rows("models_in_service", site_id=site_id)]
        return {model.kind: model for model in models}

    async def forecast_models(self, site_id: str, since: datetime) -> list[ForecastModel]:
        """Every training at `since` or later, by kind, newest first, without texts."""
        return [_model(row) for row in await self._db.rows("forecast_models", site_id=site_id, since=since)]

    async def forecasting_holdings(self, site_id: str) -> Holdings:
        """How much there is to learn from."""
        row = await self._db.row("forecasting_holdings", site_id=site_id)
        return Holdings(0, 0) if row is None else Holdings(row["quarters"], row["sessions"])

    async def add_points(self, points: Sequence[ForecastPoint]) -> None:
        """Keep statements; the same one twice is one."""
        if points:
            async with self._db.transaction() as work:
                await work.run_many("add_point", (_point_values(point) for point in points))

    async def forecast_points(
        self, site_id: str, quantity: ForecastQuantity, since: datetime, until: datetime
    ) -> list[ForecastPoint]:
        """Statements about `[since, until)`, by the time they are about."""
        rows = await self._db.rows(
            "forecast_points", site_id=site_id, quantity=quantity.value, since=since, until=until
        )
        return [_point(row) for row in rows]

    async def add_scores(self, scores: Sequence[ForecastScore]) -> None:
        """Keep scores."""
        if scores:
            async with self._db.transaction() as work:
                await work.run_many("add_score", ({**asdict(s), "quantity": s.quantity.value} for s in scores))

    async def forecast_scores(self, site_id: str, since: datetime) -> list[ForecastScore]:
        """Scores reckoned at `since` or later, newest first."""
        rows = await self._db.rows("forecast_scores", site_id=site_id, since=since)
        return [ForecastScore(**{**row, "quantity": ForecastQuantity(row["quantity"])}) for row in rows]

    async def add_weather(self, site_id: str, weather: WeatherForecast) -> None:
        """Keep a weather forecast of the site's place; the same issue twice is one."""
        await self._db.run(
            "add_weather",
            site_id=site_id,
            issued_at=weather.issued_at,
            valid_at=list(weather.valid_at),
            global_w_m2=list(weather.global_w_m2),
            air_c=list(weather.air_c),
        )

    async def weather_forecasts(self, site_id: str, since: datetime, until: datetime) -> list[WeatherForecast]:
        """Weather forecasts issued from `since` to `until`, oldest first."""
        rows = await self._db.rows("weather_forecasts", site_id=site_id, since=since, until=until)
        return [
            WeatherForecast(r["issued_at"], tuple(r["valid_at"]), tuple(r["global_w_m2"]), tuple(r["air_c"]))
            for r in rows
        ]

    async def air_temperatures(self, site_id: str, since: datetime, until: datetime) -> Temperatures:
        """Air temperature at the site over time, as each day's first weather forecast issued from `since` to `until` told it."""
        rows = await self._db.rows("air_temperatures", site_id=site_id, since=since, until=until)
        return Temperatures(tuple(r["valid_at"] for r in rows), tuple(r["air_c"] for r in rows))


def _model(row: Row) -> ForecastModel:
    return ForecastModel(**{**row, "kind": ModelKind(row["kind"]), "notes": tuple(row["notes"])})


def _point_values(point: ForecastPoint) -> dict[str, object]:
    lists = {name: list(getattr(point, name)) for name in ("levels", "values", "floor_values")}
    return {**asdict(point), **lists, "quantity": point.quantity.value}


def _point(row: Row) -> ForecastPoint:
    lists = {name: tuple(row[name]) for name in ("levels", "values", "floor_values")}
    return ForecastPoint(**{**row, **lists, "quantity": ForecastQuantity(row["quantity"])})
