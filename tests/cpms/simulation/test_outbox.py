from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cpms.simulation.messages import Kind, Message
from cpms.simulation.outbox import Outbox

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def box(*kinds: Kind) -> tuple[Outbox, list[Message]]:
    outbox, messages = Outbox(), [Message(kind, NOW) for kind in kinds]
    for message in messages:
        outbox.add(message)
    return outbox, messages


def test_messages_go_in_order_and_one_at_a_time() -> None:
    outbox, (first, second) = box(Kind.START, Kind.STOP)
    assert outbox.take(NOW) is first
    assert outbox.take(NOW) is None
    assert outbox.answered(first.id) is first
    assert outbox.take(NOW) is second


def test_an_answer_to_something_else_changes_nothing() -> None:
    outbox, (first,) = box(Kind.START)
    outbox.take(NOW)
    assert outbox.answered("other") is None
    assert outbox.waiting == (first,)


def test_a_lost_connection_loses_only_what_makes_sense_now() -> None:
    outbox, (status, start, heartbeat, stop) = box(Kind.STATUS, Kind.START, Kind.HEARTBEAT, Kind.STOP)
    outbox.take(NOW)
    assert outbox.connection_lost() == [status, heartbeat]
    assert outbox.waiting == (start, stop)


def test_what_was_in_flight_goes_first_again() -> None:
    outbox, (start, stop) = box(Kind.START, Kind.STOP)
    outbox.take(NOW)
    outbox.connection_lost()
    assert outbox.take(NOW) is start
    assert outbox.waiting == (start, stop)


def test_a_refused_message_blocks_the_others_until_its_time_has_come() -> None:
    outbox, (start, _) = box(Kind.START, Kind.STOP)
    outbox.take(NOW)
    outbox.answered(start.id)
    outbox.again(start, NOW)
    assert outbox.take(NOW + timedelta(seconds=59)) is None
    assert outbox.take(NOW + timedelta(seconds=60)) is start


def test_what_goes_first_keeps_its_own_order() -> None:
    outbox, (stop,) = box(Kind.STOP)
    first, second = Message(Kind.BOOT, NOW), Message(Kind.STATUS, NOW)
    outbox.add_first([first, second])
    assert outbox.waiting == (first, second, stop)
