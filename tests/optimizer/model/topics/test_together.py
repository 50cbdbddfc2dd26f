"""Topics that come together: none takes the place of another's part of the model."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cpms.domain.contract import SetpointBand
from cpms.domain.need import Fairness
from cpms.domain.storage import Battery
from optimizer import plan
from optimizer.model import topics
from tests.optimizer.oracle import assert_certified, exceeded_limits
from tests.optimizer.requests import feeder, need, request

FOLDER = Path(topics.__file__).parent


def test_no_two_topics_give_a_part_of_the_model_the_same_name():
    parts = re.compile(r"^ +model\.(\w+) = ", re.MULTILINE)
    names = Counter(name for file in FOLDER.glob("*.py") for name in set(parts.findall(file.read_text())))
    assert len(names) > 30
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("fairness", Fairness)
def test_what_is_scarce_is_shared_beside_a_battery_that_is_too_empty_and_a_wish_of_the_utility(fairness: Fairness):
    asked = replace(
        request(need("a"), need("b"), feeders=(feeder(4, limit_a=16.0),)),
        fairness=fairness,
        batteries=(Battery("b", "root", 10.0, 2.0, 5.0, 5.0, 0.95, 0.95, reserve_kwh=8.0),),
        bands=(SetpointBand((None,) * 4, (9.0,) * 4, 1.0, "setpoint"),),
    )
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert_certified(made)


@pytest.mark.parametrize("fairness", Fairness)
def test_who_can_have_nothing_takes_no_part_in_the_sharing(fairness: Fairness):
    nothing = need("a", min_current_a=0.0, feeder_id="dead")
    feeders = (feeder(4), feeder(4, "dead", "root", limit_a=0.0))
    asked = replace(request(nothing, need("b"), feeders=feeders), fairness=fairness)
    made = plan(asked)
    assert_certified(made)
    assert [session.shortfall_kwh for session in made.sessions] == pytest.approx([10.0, 0.0])
