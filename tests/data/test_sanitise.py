from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import Sample
from data.sanitise import is_storable, problem_of, sort_out, storable
from tests.data.examples import KEY, NOW, sample

GOOD = sample(0, energy_kwh=1.0, power_kw=11.0)


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, power_kw=math.nan),
        replace(GOOD, energy_kwh=math.inf),
        replace(GOOD, energy_kwh=-0.1),
        replace(GOOD, soc_pct=101.0),
        replace(GOOD, current_a=(1.0, math.nan, None)),
        replace(GOOD, voltage_v=(-math.inf, None, None)),
        replace(GOOD, transaction_id="a\x00b"),
        replace(GOOD, transaction_id="a\ud800"),
        replace(GOOD, connector=ConnectorKey("CP-1", -1)),
        replace(GOOD, sampled_at=datetime(1970, 1, 1, tzinfo=UTC)),
        replace(GOOD, sampled_at=NOW + timedelta(days=2)),
        replace(GOOD, sampled_at=NOW.replace(tzinfo=None)),
    ],
)
def test_what_would_poison_a_batch_or_a_sum_is_found(bad: Sample) -> None:
    assert problem_of(bad)
    good, quarantined = sort_out([GOOD, bad])
    assert good == [GOOD]
    assert [entry.sample for entry in quarantined] == [bad]


def test_what_a_station_kept_while_offline_for_months_is_good() -> None:
    assert problem_of(replace(GOOD, connector=KEY, sampled_at=NOW - timedelta(days=200))) is None


@given(st.text(st.characters(exclude_categories=()), max_size=30))
def test_any_text_can_be_made_storable_and_good_text_stays_as_it_is(text: str) -> None:
    made = storable(text)
    assert is_storable(made)
    made.encode()
    assert made == text or not is_storable(text)
