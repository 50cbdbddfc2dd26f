"""What limits reckon with of load that is uncertain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpms.domain.contract import GridConnection, UncertainLoad
from cpms.domain.errors import InvalidInput
from cpms.domain.plan import PlanRequest
from optimizer import plan
from optimizer.problem.bands import quantile_kw
from optimizer.problem.frozen import frozen_of
from optimizer.problem.limits import limits_of
from tests.optimizer.requests import feeder, need, request

GOOD = request(need(), feeders=(feeder(4, import_kw=20.0), feeder(4, "a", "root"), feeder(4, "b", "root")))
LOAD = UncertainLoad("a", (5.0,) * 4, (2.0,) * 4)
BAND = UncertainLoad("a", (5.0,) * 4, levels=(0.05, 0.95), quantiles_kw=((1.0, 9.0),) * 4)
CAPPED = request(need(feeder_id="a"), feeders=(replace(feeder(4, "a"), export_kw=(5.0,) * 4),))
CONNECTION = GridConnection("a", (0.2,) * 4, (0.0,) * 4, (0.0,) * 4, (0.0,) * 4)


def test_independent_loads_are_rarely_high_together():
    assert quantile_kw([LOAD], 0.95, 4) == pytest.approx([5.0 + 1.645 * 2.0] * 4, abs=0.01)
    assert quantile_kw([LOAD, LOAD], 0.95, 4) == pytest.approx([10.0 + 1.645 * 8**0.5] * 4, abs=0.01)


def test_quantiles_are_taken_between_levels_and_added():
    known = UncertainLoad("a", (1.0,) * 4, levels=(0.5, 0.9), quantiles_kw=((1.0, 3.0),) * 4)
    assert quantile_kw([known, known], 0.7, 4) == pytest.approx([4.0] * 4)


def test_a_load_counts_at_its_feeder_and_those_above():
    asked = replace(GOOD, uncertain=(LOAD,))
    limits = limits_of(asked, frozen_of(asked))
    left = {(key.feeder.feeder_id, key.phase): row[0] for key, row in zip(limits.keys, limits.headroom_kw, strict=True)}
    assert left["root", None] == pytest.approx(20.0 - 8.29, abs=0.1)
    phase = next(iter(GOOD.needs[0].phases))
    assert left["b", phase] - left["a", phase] == pytest.approx(8.29 / 3, abs=0.1)


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("chance_level", replace(GOOD, chance_level=0.2)),
        ("uncertain[0].feeder_id", replace(GOOD, uncertain=(replace(LOAD, feeder_id="x"),))),
        ("uncertain[0].mean_kw", replace(GOOD, uncertain=(replace(LOAD, mean_kw=(1.0,)),))),
        ("uncertain[0].sigma_kw", replace(GOOD, uncertain=(replace(LOAD, sigma_kw=(-1.0,) * 4),))),
        ("uncertain[0].sigma_kw", replace(GOOD, uncertain=(replace(BAND, sigma_kw=(1.0,) * 4),))),
        ("uncertain[0].levels", replace(GOOD, uncertain=(replace(BAND, levels=(0.95, 0.05)),))),
        ("uncertain[0].levels", replace(GOOD, uncertain=(replace(BAND, levels=()),))),
        ("uncertain[0].levels", replace(GOOD, uncertain=(replace(BAND, levels=(5.0, 95.0)),))),
        ("uncertain[0].levels", replace(GOOD, uncertain=(replace(BAND, levels=(0.1, 0.9)),))),
        ("uncertain[0].levels", replace(CAPPED, uncertain=(replace(BAND, levels=(0.5, 0.95)),))),
        ("uncertain[0].quantiles_kw", replace(GOOD, uncertain=(replace(BAND, quantiles_kw=()),))),
        ("uncertain[0].quantiles_kw", replace(GOOD, uncertain=(replace(BAND, quantiles_kw=((1.0,),) * 4),))),
        ("connections[x].feeder_id", replace(GOOD, connections=(replace(CONNECTION, feeder_id="x"),))),
        ("connections", replace(GOOD, connections=(CONNECTION, CONNECTION))),
        ("connections[a].feeder_id", replace(GOOD, connections=(CONNECTION, replace(CONNECTION, feeder_id="root")))),
        ("connections[a].solar_kw", replace(GOOD, connections=(replace(CONNECTION, solar_kw=(1.0,)),))),
        ("feeders[root].voltage_v", request(need(), feeders=(replace(feeder(4), voltage_v=0.0),))),
    ],
)
def test_what_cannot_be_is_refused_and_named(field: str, asked: PlanRequest):
    with pytest.raises(InvalidInput) as refused:
        plan(asked)
    assert refused.value.field == field
