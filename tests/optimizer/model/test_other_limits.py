"""The model of one plan serves for other limits, and for nothing else."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace

import pytest

from cpms.domain.need import Fairness
from cpms.domain.plan import PlanRequest
from optimizer.model.formulation import formulate
from optimizer.model.other_limits import with_limits_of
from optimizer.model.topic import Topic
from optimizer.model.topics import TOPICS
from optimizer.problem.horizon import horizon
from optimizer.questions.what_if import Change, more_grid
from optimizer.search.highs_form import with_rows
from optimizer.search.solve import Solver
from tests.benchmarks.sites import made_up_request
from tests.optimizer.requests import need

ASKED = made_up_request(12, steps=24, scarce=True)
BEFORE = horizon(ASKED)
PROGRAM = formulate(BEFORE)


def dearer(request: PlanRequest) -> PlanRequest:
    return replace(request, import_price_per_kwh=tuple(2 * price for price in request.import_price_per_kwh))


def one_more(request: PlanRequest) -> PlanRequest:
    return replace(request, needs=(*request.needs, need("more", feeder_id="f0")))


@pytest.mark.parametrize("more_kw", [-3.0, 0.0, 2.0, 1000.0])
def test_other_limits_in_the_model_are_the_model_written_anew(more_kw: float):
    now = horizon(more_grid(more_kw)(ASKED))
    program = with_limits_of(PROGRAM, BEFORE, now)
    assert program is not None
    kept, anew = Solver(program, now), Solver(formulate(now), now)
    more = program.matrix.shape[0] - PROGRAM.matrix.shape[0]
    kept.begin_from(with_rows(Solver(PROGRAM, BEFORE).relax().basis, PROGRAM.rows["limit"].stop, more))
    kept.relax()
    anew.relax()
    assert kept.objective == pytest.approx(anew.objective)


def test_limits_that_nobody_could_exceed_before_get_their_rows():
    wide = horizon(more_grid(60.0)(ASKED))
    program = formulate(wide)
    lowered = with_limits_of(program, wide, BEFORE)
    assert lowered is not None
    assert lowered.matrix.shape[0] > program.matrix.shape[0]
    kept, anew = Solver(lowered, BEFORE), Solver(PROGRAM, BEFORE)
    kept.relax()
    anew.relax()
    assert kept.objective == pytest.approx(anew.objective)
    assert lowered.matrix[lowered.rows["energy"]].nnz == PROGRAM.matrix[PROGRAM.rows["energy"]].nnz


def test_a_little_more_grid_needs_no_new_model():
    assert with_limits_of(PROGRAM, BEFORE, horizon(more_grid(2.0)(ASKED))) is not None


def before_others(request: PlanRequest) -> PlanRequest:
    first, *others = request.needs
    return replace(request, needs=(replace(first, priority=1), *others))


@pytest.mark.parametrize("change", [dearer, one_more, before_others])
def test_whatever_else_changes_needs_one(change: Change):
    assert with_limits_of(PROGRAM, BEFORE, horizon(change(ASKED))) is None


def test_a_principle_of_fairness_that_knows_limits_needs_one():
    asked = replace(ASKED, fairness=Fairness.MAX_MIN)
    before, now = horizon(asked), horizon(more_grid(2.0)(asked))
    assert with_limits_of(formulate(before), before, now) is None


def test_every_topic_that_reads_limits_says_so():
    reading = {one.name for one in TOPICS if "horizon.limits" in source_of(one)}
    assert reading - {"feeders"} == {one.name for one in TOPICS if one.knows_limits}


def source_of(topic: Topic) -> str:
    parts = [*topic.variables, *topic.constraints, *(term.formula for term in topic.terms)]
    return "".join(inspect.getsource(sys.modules[name]) for name in {part.__module__ for part in parts})
