"""A site's solar model: trained on what its array measured, against the simple forecast and the model that serves now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cpms.domain.forecast import Forecast
from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.site import SolarArray
from cpms.domain.time import Interval
from cpms.domain.weather import WeatherForecast
from forecasting.learning.contest import CONTEST_LEVELS, HELD_OUT, Issue, compete
from forecasting.learning.stored import pack, unpack
from forecasting.learning.training import CHALLENGER, FLOOR, INCUMBENT, promote
from forecasting.series import Measurement, Series, resample
from forecasting.solar.array_fit import fit_array
from forecasting.solar.features import QUARTER_S, SolarTable, lay_grid
from forecasting.solar.learned import forecast_learned, with_weather
from forecasting.solar.model import SolarModel, train_solar
from forecasting.solar.persistence import forecast_solar
from forecasting.solar.sensors import BadSpan, find_bad, follows_summer_time, leave_out

WINDOW = timedelta(days=2 * 365)
SEEN = timedelta(days=32)
"""What a forecast looks back on."""

MIN_WEATHER_DAYS = 60
WEATHER_LEAD = timedelta(hours=24)
"""Training sees weather as it was expected a day before, as forecasts for tomorrow do."""

MOST_NOTES = 40


def train_site_solar(
    site_id: str,
    array: SolarArray,
    zone: ZoneInfo,
    measured: Sequence[Measurement],
    weather: Sequence[WeatherForecast],
    now: datetime,
    incumbent: ForecastModel | None,
) -> ForecastModel | None:
    """A model of `array` from `measured` (means of quarter hours [kW] stamped in their middle, oldest first), scored over
    the last days; None where there is too little to learn from. `weather`: every forecast kept, oldest first."""
    series = resample(measured, now, QUARTER_S, int(WINDOW.total_seconds()))
    bad = find_bad(array, series)
    good, notes = leave_out(series, bad), _notes(bad)
    if follows_summer_time(array, good, zone):
        notes = ("the meter's clock follows summer time: set it to UTC", *notes)
    model = _train(array, good, weather, now - HELD_OUT)
    if model is None:
        return None
    text = pack({"array": asdict(array), "model": model.to_text()})
    contenders: dict[str, Issue] = {
        CHALLENGER: _learned(site_id, model, weather),
        FLOOR: lambda known, intervals, at: forecast_solar(site_id, array, known, intervals, at, CONTEST_LEVELS),
    }
    if incumbent is not None and read_solar(incumbent.text)[0] == array:
        contenders[INCUMBENT] = _learned(site_id, read_solar(incumbent.text)[1], weather)
    trained = ForecastModel(
        site_id=site_id,
        kind=ModelKind.SOLAR,
        version=0,
        trained_at=now,
        data_from=datetime.fromtimestamp(model.trained_from_s, UTC),
        data_until=datetime.fromtimestamp(model.trained_until_s, UTC),
        rows=int((good.epochs_s < model.trained_until_s).sum()),
        text=text,
        notes=notes,
    )
    held_out = [entry for entry in measured if not _inside(entry[0], bad)]
    return promote(trained, compete(contenders, held_out, SEEN, now))


@lru_cache(maxsize=64)
def read_solar(text: str) -> tuple[SolarArray, SolarModel]:
    """The array as it was described, and the model, from a stored text; InvalidInput if another version made it."""
    stored = unpack(text)
    return SolarArray(**stored["array"]), SolarModel.from_text(stored["model"])


def _train(array: SolarArray, good: Series, weather: Sequence[WeatherForecast], until: datetime) -> SolarModel | None:
    known = good.epochs_s < until.timestamp()
    past = Series(good.epochs_s[known], good.values[known], good.step_s)
    if len(past) == 0:
        return None
    fitted = fit_array(array, past)
    grid = lay_grid(fitted, past, int(past.epochs_s[0]), int(past.epochs_s[-1]) + QUARTER_S)
    expected = as_expected(weather, until)
    if expected is not None:
        grid = with_weather(grid, expected)
    return train_solar(SolarTable(grid), 0, len(grid.power_kw))


def as_expected(weather: Sequence[WeatherForecast], until: datetime) -> WeatherForecast | None:
    """For each instant before `until` the latest word on it at least WEATHER_LEAD before; None if that covers too few days."""
    words = {
        valid_at: (global_w_m2, air_c)
        for one in weather
        for valid_at, global_w_m2, air_c in zip(one.valid_at, one.global_w_m2, one.air_c, strict=True)
        if one.issued_at + WEATHER_LEAD <= valid_at < until
    }
    if len({valid_at.date() for valid_at in words}) < MIN_WEATHER_DAYS:
        return None
    instants = sorted(words)
    return WeatherForecast(
        instants[0], tuple(instants), tuple(words[at][0] for at in instants), tuple(words[at][1] for at in instants)
    )


def _learned(site_id: str, model: SolarModel, weather: Sequence[WeatherForecast]) -> Issue:
    def issue(known: Sequence[Measurement], intervals: Sequence[Interval], at: datetime) -> Forecast:
        latest = max((one for one in weather if one.issued_at <= at), key=lambda one: one.issued_at, default=None)
        return forecast_learned(site_id, model, known, intervals, at, CONTEST_LEVELS, weather=latest)

    return issue


def _inside(instant: datetime, bad: Sequence[BadSpan]) -> bool:
    return any(span.starts_at <= instant < span.ends_at for span in bad)


def _notes(bad: Sequence[BadSpan]) -> tuple[str, ...]:
    told = [f"{span.starts_at:%Y-%m-%d %H:%M} to {span.ends_at:%Y-%m-%d %H:%M}: {span.note}" for span in bad]
    more = [f"and {len(told) - MOST_NOTES} more spans"] if len(told) > MOST_NOTES else []
    return tuple(told[:MOST_NOTES] + more)
