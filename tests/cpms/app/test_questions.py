"""Questions are answered in a process of their own."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

import optimizer
from cpms.app.questions import ANSWER_TIME_LIMIT_S, Questions
from cpms.domain.errors import InvalidInput, PlanFailed
from cpms.domain.plan import Plan, PlanRequest
from optimizer.questions.change import Difference, NeedChange
from tests.optimizer.requests import need, request

ASKED = replace(request(need("a")), time_limit_s=60.0)


@pytest.fixture
def questions() -> Iterator[Questions]:
    asking = Questions(60.0)
    yield asking
    asking.stop()


def process_and_patience(asked: PlanRequest, _: Plan) -> tuple[int, float, int]:
    return os.getpid(), asked.time_limit_s, os.nice(0)


def difference_of(asked: PlanRequest, _: Plan, difference: Difference) -> PlanRequest:
    return difference(asked)


def die(_: PlanRequest, __: Plan) -> None:
    os._exit(1)


async def test_an_answer_is_given_elsewhere_quietly_and_in_limited_time(questions: Questions) -> None:
    made = optimizer.plan(ASKED)
    first = await questions.ask(process_and_patience, ASKED, made)
    process_id, time_limit_s, niceness = await questions.ask(process_and_patience, ASKED, made)
    assert process_id == first[0] != os.getpid()
    assert (time_limit_s, niceness) == (ANSWER_TIME_LIMIT_S, max(10, os.nice(0)))


async def test_what_is_wrong_with_a_question_is_said_across_processes(questions: Questions) -> None:
    wrong = partial(difference_of, difference=Difference(needs=(NeedChange("nobody"),)))
    with pytest.raises(InvalidInput, match="nobody"):
        await questions.ask(wrong, ASKED, optimizer.plan(ASKED))


async def test_the_next_question_is_answered_after_a_process_died(questions: Questions) -> None:
    made = optimizer.plan(ASKED)
    with pytest.raises(PlanFailed):
        await questions.ask(die, ASKED, made)
    assert (await questions.ask(process_and_patience, ASKED, made))[0] != os.getpid()
