from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.forecast_record import ForecastModel, ModelKind
from forecasting.learning.contest import Standing
from forecasting.learning.training import CHALLENGER, FLOOR, INCUMBENT, promote

NOW = datetime(2026, 6, 15, tzinfo=UTC)
NEW = ForecastModel("s", ModelKind.SOLAR, 0, NOW, NOW - timedelta(days=365), NOW, 9000, "trees")
GOOD, BAD = Standing(1.0, 500), Standing(2.0, 500)


def test_a_model_better_than_the_simple_forecast_and_the_one_in_service_takes_over():
    model = promote(NEW, {CHALLENGER: GOOD, FLOOR: BAD, INCUMBENT: Standing(1.5, 500)})
    assert model == replace(NEW, crps=1.0, floor_crps=2.0, scored=500, in_service=True, why=model.why)
    assert "1.5" in model.why


@pytest.mark.parametrize(
    ("standings", "why"),
    [
        ({CHALLENGER: BAD, FLOOR: GOOD}, "simple forecast is better"),
        ({CHALLENGER: GOOD, FLOOR: GOOD}, "simple forecast is better"),
        ({CHALLENGER: GOOD, FLOOR: BAD, INCUMBENT: Standing(0.9, 500)}, "in service is better"),
        ({CHALLENGER: Standing(1.0, 20), FLOOR: Standing(2.0, 20)}, "only 20"),
        ({CHALLENGER: Standing(float("nan"), 0), FLOOR: Standing(float("nan"), 0)}, "only 0"),
    ],
)
def test_a_worse_or_hardly_scored_model_is_not_put_in_service_and_the_reason_is_given(standings, why):
    model = promote(NEW, standings)
    assert not model.in_service
    assert model.text == ""
    assert why in model.why
