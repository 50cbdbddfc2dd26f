"""The feeder tree as shares and headroom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpms.domain.plan import PlanRequest
from cpms.domain.units import PHASES, Phase
from optimizer.problem.frozen import frozen_of
from optimizer.problem.limits import Limits, limits_of
from optimizer.problem.tree import path
from tests.optimizer.requests import feeder, need, request

SITE = (feeder(4, limit_a=50.0, import_kw=20.0), feeder(4, "hall", "root", 20.0, other_load_kw=6.9))
ASKED = request(need("one", phases=(Phase.L2,)), need("three", feeder_id="hall"), feeders=SITE)


def limits(asked: PlanRequest) -> Limits:
    return limits_of(asked, frozen_of(asked))


def row(feeder_id: str, phase: Phase | None) -> int:
    keys = limits(ASKED).keys
    return next(i for i, k in enumerate(keys) if (k.feeder.feeder_id, k.phase) == (feeder_id, phase))


def test_a_need_loads_its_phases_evenly_on_every_feeder_above_it():
    share = limits(ASKED).share.toarray()
    assert share[row("root", Phase.L2)].tolist() == pytest.approx([1.0, 1 / 3])
    assert share[row("root", Phase.L1)].tolist() == pytest.approx([0.0, 1 / 3])
    assert share[row("hall", Phase.L1)].tolist() == pytest.approx([0.0, 1 / 3])
    assert share[row("root", None)].tolist() == [1.0, 1.0]
    assert path(ASKED, "hall") == ["hall", "root"]


def test_a_need_that_is_counted_on_more_phases_than_it_uses_loads_them_all_with_its_current():
    one = replace(need("one", phases=(Phase.L2,)), counted_phases=PHASES, counted_ratio=3.0)
    share = limits(request(one, need("three", feeder_id="hall"), feeders=SITE)).share.toarray()
    assert [share[row("root", phase)].tolist() for phase in PHASES] == [pytest.approx([1.0, 1 / 3])] * 3
    assert share[row("root", None)].tolist() == [3.0, 1.0]


def test_other_load_of_a_feeder_loads_those_above_it_too():
    headroom = limits(ASKED).headroom_kw
    assert headroom[row("hall", Phase.L1)] == pytest.approx([20 * 0.23 - 2.3] * 4, abs=0.023)
    assert headroom[row("root", Phase.L1)] == pytest.approx([50 * 0.23 - 2.3] * 4, abs=0.023)
    assert headroom[row("root", None)] == pytest.approx([20 - 6.9] * 4, abs=0.023)


def test_headroom_is_rounded_down_to_what_setpoints_add_up_to():
    left = limits(request(need(step_a=1.0), need("b", step_a=2.0), feeders=(feeder(4, limit_a=20.7),))).headroom_kw
    assert left == pytest.approx(np.full((3, 4), 20 * 0.23))


def test_what_other_load_exceeds_is_excess_and_leaves_nothing():
    made = limits(request(need(), feeders=(feeder(4, import_kw=5.0, other_load_kw=7.0),)))
    assert made.headroom_kw[-1].tolist() == [0.0] * 4
    assert made.excess_kw[-1] == pytest.approx([2.0] * 4)


def test_the_room_of_a_need_is_that_of_its_tightest_limit():
    assert limits(ASKED).room_kw()[1] == pytest.approx([3 * (20 * 0.23 - 2.3)] * 4, abs=0.07)
