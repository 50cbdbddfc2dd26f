from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.time import Interval

NOON = datetime(2024, 6, 12, 12, tzinfo=UTC)
HOUR = Interval(NOON, NOON + timedelta(hours=1))


def forecast(levels: tuple[float, ...], row: tuple[float, ...]) -> Forecast:
    return Forecast("site", ForecastQuantity.SOLAR_KW, NOON, (HOUR,), levels, (row,))


def test_quantiles_are_linear_between_levels_and_flat_beyond() -> None:
    solar = forecast((0.1, 0.5, 0.9), (1.0, 5.0, 7.0))
    assert [solar.quantile(level)[0] for level in (0.05, 0.1, 0.3, 0.9, 0.99)] == [1.0, 1.0, 3.0, 7.0, 7.0]


def test_nothing_is_said_of_times_outside_the_intervals() -> None:
    solar = forecast((0.5,), (5.0,))
    assert solar.at(NOON) == 5.0
    assert solar.at(HOUR.ends_at) is None


@pytest.mark.parametrize(("levels", "row"), [((0.5, 0.1), (1.0, 2.0)), ((0.5,), (1.0, 2.0)), ((), ())])
def test_a_forecast_of_the_wrong_shape_is_refused(levels: tuple[float, ...], row: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInput):
        forecast(levels, row)
