"""A station's messages waiting for the server: one in flight, in order, transactions' kept until answered."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from cpms.simulation.messages import Message

RETRY_INTERVAL_S = 60.0
RETRY_AT_MOST_S = 600.0
"""A refused message is sent again after this many seconds times its attempts (1.6: TransactionMessageRetryInterval)."""


class Outbox:
    """Messages in the order of their making. The first one blocks the others, as OCPP wants of transaction messages."""

    def __init__(self) -> None:
        self._queue: deque[Message] = deque()
        self._in_flight: Message | None = None
        self._not_before: datetime | None = None

    def __len__(self) -> int:
        return len(self._queue) + (self._in_flight is not None)

    @property
    def waiting(self) -> tuple[Message, ...]:
        """Everything not answered yet, in order."""
        return (*((self._in_flight,) if self._in_flight else ()), *self._queue)

    @property
    def unanswered(self) -> bool:
        """Whether one was sent and not answered yet."""
        return self._in_flight is not None

    def add(self, message: Message) -> None:
        """Put a message at the end."""
        self._queue.append(message)

    def add_first(self, messages: list[Message]) -> None:
        """Put messages before all others."""
        self._queue.extendleft(reversed(messages))

    def take(self, now: datetime) -> Message | None:
        """The message to send now: None while one is in flight or its retry is not due."""
        if self._in_flight is not None or not self._queue:
            return None
        if self._not_before is not None and now < self._not_before:
            return None
        self._in_flight, self._not_before = self._queue.popleft(), None
        self._in_flight.attempts += 1
        return self._in_flight

    def answered(self, message_id: str) -> Message | None:
        """The message in flight, if this is its id; it is done with."""
        message = self._in_flight
        if message is None or message.id != message_id:
            return None
        self._in_flight = None
        return message

    def again(self, message: Message, now: datetime) -> None:
        """Send an answered message once more, first of all, after a while."""
        self._queue.appendleft(message)
        pause_s = min(RETRY_INTERVAL_S * message.attempts, RETRY_AT_MOST_S)
        self._not_before = now + timedelta(seconds=pause_s)

    def connection_lost(self) -> list[Message]:
        """Forget what makes sense only now; returns what was forgotten. Transactions' messages stay."""
        everything = self.waiting
        self._in_flight, self._not_before = None, None
        self._queue = deque(message for message in everything if message.kind.durable)
        return [message for message in everything if not message.kind.durable]
