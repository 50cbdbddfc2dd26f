"""Who guesses keys waits."""

import pytest

from cpms.ocpp.attempts import MAX_FAILURES, WINDOW_S, Attempts
from cpms.ocpp.handshake import Refused


def failed(times: int) -> Attempts:
    attempts = Attempts()
    for second in range(times):
        attempts.failed("source", float(second))
    return attempts


def test_a_few_failures_are_forgiven():
    failed(MAX_FAILURES - 1).require_few("source", 10.0)


def test_many_failures_in_a_minute_are_not():
    attempts = failed(MAX_FAILURES)
    with pytest.raises(Refused) as refused:
        attempts.require_few("source", 10.0)
    assert refused.value.status == 429
    attempts.require_few("another", 10.0)


def test_after_a_minute_or_a_right_key_all_is_forgotten():
    attempts = failed(MAX_FAILURES)
    attempts.require_few("source", WINDOW_S)
    attempts.succeeded("source")
    attempts.require_few("source", 10.0)


def test_what_is_out_of_its_window_takes_no_room():
    attempts = failed(MAX_FAILURES)
    attempts.forget(WINDOW_S - 1)
    with pytest.raises(Refused):
        attempts.require_few("source", 1.0)
    attempts.forget(WINDOW_S)
    attempts.require_few("source", 1.0)
