"""Commands that wait for a station."""

import pytest

from cpms.domain.command import (
    ClearProfiles,
    Command,
    CommandPriority,
    InstallGrant,
    ReadCompositeSchedule,
    RemoteStop,
)
from cpms.ocpp.queue import CommandQueue, Waiting
from tests.cpms.ocpp.grants import CONNECTOR, KEY, grant


def install(sequence: int, priority: CommandPriority = CommandPriority.SCHEDULE, base: bool = False) -> InstallGrant:
    return InstallGrant(grant(16, sequence=sequence, transaction_id=None if base else "7"), CONNECTOR, priority)


def queued(*commands: Command) -> tuple[CommandQueue, list[int]]:
    queue, superseded = CommandQueue(), []
    for ticket, command in enumerate(commands, start=1):
        superseded += queue.add(Waiting(ticket, command, command.priority))
    return queue, superseded


def order(queue: CommandQueue) -> list[int]:
    return [queue.pop().ticket for _ in range(len(queue))]


def test_safety_precedes_schedules_and_these_precede_diagnostics():
    queue, _ = queued(ReadCompositeSchedule(KEY, 60), ClearProfiles(KEY), RemoteStop("7"), ClearProfiles(KEY))
    assert order(queue) == [3, 2, 4, 1]


def test_a_newer_grant_supersedes_one_that_waits():
    queue, superseded = queued(install(1), install(2))
    assert (order(queue), superseded) == ([2], [1])


def test_an_older_grant_that_comes_late_is_superseded_itself():
    queue, superseded = queued(install(2), install(1))
    assert (order(queue), superseded) == ([1], [2])


def test_what_supersedes_something_urgent_is_urgent():
    queue, _ = queued(install(1, CommandPriority.SAFETY), ClearProfiles(KEY), install(2))
    assert order(queue) == [3, 2]


def test_the_grant_of_a_transaction_leaves_the_default_of_the_connector_alone():
    queue, superseded = queued(install(1, base=True), install(2))
    assert (order(queue), superseded) == ([1, 2], [])


def test_an_empty_queue_has_nothing_to_give():
    with pytest.raises(IndexError):
        CommandQueue().pop()
