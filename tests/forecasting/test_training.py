from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.errors import InvalidInput
from forecasting.training import TrainedModel, promote

NOW = datetime(2026, 6, 15, tzinfo=UTC)
OLD = TrainedModel("solar", 3, NOW, NOW - timedelta(days=365), NOW, "old", crps=0.05, scored=500)


def test_a_better_model_takes_over_with_the_next_version():
    serving, why = promote(OLD, replace(OLD, text="new", crps=0.04))
    assert (serving.text, serving.version) == ("new", 4)
    assert "0.04" in why


def test_a_worse_model_is_not_put_in_service_and_the_reason_is_given():
    serving, why = promote(OLD, replace(OLD, text="new", crps=0.06))
    assert serving is OLD
    assert "worse" in why


def test_a_model_hardly_scored_is_not_put_in_service():
    assert promote(OLD, replace(OLD, crps=0.01, scored=10))[0] is OLD
    assert promote(OLD, replace(OLD, crps=None))[0] is OLD


def test_the_first_model_serves_and_another_kind_is_refused():
    assert promote(None, OLD)[0].version == 1
    with pytest.raises(InvalidInput, match="kind"):
        promote(OLD, replace(OLD, kind="sessions"))
