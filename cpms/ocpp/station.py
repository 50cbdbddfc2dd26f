"""One connection of one station, without any socket: bytes and commands in, `Output`s out.

Two times are given to it and never mixed: `now` (the clock's, what has meaning) and `real_s` (seconds of the machine, what
protects the connection).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from cpms.domain.command import Command, CommandPriority, ReadConfiguration
from cpms.domain.errors import CpmsError
from cpms.domain.telemetry import (
    BootReply,
    CommandOutcome,
    CommandResult,
    DeviationSeen,
    Reply,
    StationBooted,
    StationEvent,
    TransactionReply,
)
from cpms.ocpp import frame
from cpms.ocpp.answers import refused
from cpms.ocpp.context import Context, Dialect, Incoming, StationMemory
from cpms.ocpp.profiles import ProfileAbilities
from cpms.ocpp.queue import SUPERSEDED, CommandQueue, Waiting
from cpms.ocpp.schemas import refusal
from cpms.ocpp.violations import ErrorCode, Violation

_OWN_TICKET = 0
_MAX_DEVIATIONS = 256
_MAX_RAW = 4000


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send this frame."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """The station asks; answer with `StationCore.reply` or `StationCore.refuse`."""

    message_id: str
    action: str
    incoming: Incoming
    event: StationEvent


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know; no answer is due."""

    event: StationEvent


@dataclass(frozen=True, slots=True)
class Done:
    """A command has its result."""

    ticket: int
    result: CommandResult


Output = Transmit | Request | Notice | Done


@dataclass(frozen=True, slots=True)
class _InFlight:
    message_id: str
    waiting: Waiting
    until_s: float


class StationCore:
    """State of a connection: whether commands may flow yet, and the one that is in flight.

    They flow once a BootNotification was accepted, or `settle_s` after connecting where none comes. First of all, unless
    something urgent waits, the station is asked what its smart charging can do.
    """

    def __init__(
        self,
        station_id: str,
        dialect: Dialect,
        memory: StationMemory,
        connected_s: float,
        *,
        settle_s: float = 0.2,
        call_timeout_s: float = 30.0,
    ) -> None:
        self.station_id = station_id
        self.protocol = dialect.protocol
        self._dialect = dialect
        self._memory = memory
        self._call_timeout_s = call_timeout_s
        self._settled_s = connected_s + settle_s
        self._boot_pending = False
        self._in_flight: _InFlight | None = None
        self._last_ticket = _OWN_TICKET
        self._last_number = 0
        self._deviations: set[tuple[str, str]] = set()
        self._queue = CommandQueue()
        capabilities = ReadConfiguration(dialect.capability_keys)
        list(self._queue.add(Waiting(_OWN_TICKET, capabilities, CommandPriority.SCHEDULE)))

    @property
    def deadline_s(self) -> float | None:
        """When `poll` is due at the latest; None while there is nothing to wait for."""
        if self._in_flight is not None:
            return self._in_flight.until_s
        return self._settled_s if len(self._queue) and not self._boot_pending else None

    def receive(self, data: bytes | str, now: datetime, real_s: float) -> list[Output]:
        """A message of the station. Never raises, whatever it is."""
        match frame.parse(data):
            case frame.Call() as call:
                return self._called(call, data, now)
            case frame.CallResult(message_id, payload):
                return self._answered(message_id, payload, None, data, now, real_s)
            case frame.CallError(message_id, code, description):
                return self._answered(message_id, b"{}", refused(code, description), data, now, real_s)
            case frame.FrameProblem() as problem:
                return self._unreadable(problem, data, now)

    def reply(self, request: Request, reply: Reply, now: datetime, real_s: float) -> list[Output]:
        """Answer a request. ProtocolError if `reply` does not fit it."""
        payload = self._dialect.answer(request.action, request.incoming, reply, now)
        if isinstance(reply, BootReply):
            self._boot_pending = not reply.accepted
            self._settled_s = min(self._settled_s, real_s)
        if isinstance(reply, TransactionReply) and reply.connector_id:
            self._memory.remember_connector(reply.transaction_id, reply.connector_id)
        return [Transmit(frame.call_result(request.message_id, payload)), *self.poll(now, real_s)]

    def refuse(self, request: Request, problem: str, now: datetime, real_s: float) -> list[Output]:
        """Answer a request that could not be handled with InternalError; the station will ask again."""
        if isinstance(request.event, StationBooted):
            self._boot_pending = False
        error = frame.call_error(request.message_id, ErrorCode.INTERNAL.wire(self.protocol), problem)
        return [Transmit(error), *self.poll(now, real_s)]

    def submit(self, command: Command, now: datetime, real_s: float) -> tuple[int, list[Output]]:
        """Queue a command; its result comes as Done with the ticket."""
        self._last_ticket += 1
        ticket = self._last_ticket
        outputs: list[Output] = [
            Done(old, SUPERSEDED) for old in self._queue.add(Waiting(ticket, command, command.priority))
        ]
        return ticket, outputs + self.poll(now, real_s)

    def poll(self, now: datetime, real_s: float) -> list[Output]:
        """Give up on an answer that is overdue, and send what may be sent."""
        outputs: list[Output] = []
        if self._in_flight is not None and real_s >= self._in_flight.until_s:
            outputs += self._done(self._in_flight.waiting, CommandResult(CommandOutcome.TIMED_OUT, "no answer"))
            self._in_flight = None
        while self._in_flight is None and len(self._queue) and self._may_send(real_s):
            outputs += self._send(self._queue.pop(), now, real_s)
        return outputs

    def close(self) -> list[Output]:
        """The connection is gone. What was sent may have been applied: it timed out. What was queued is unreachable."""
        outputs: list[Output] = []
        if self._in_flight is not None:
            outputs += self._done(self._in_flight.waiting, CommandResult(CommandOutcome.TIMED_OUT, "connection lost"))
            self._in_flight = None
        while len(self._queue):
            outputs += self._done(
                self._queue.pop(), CommandResult(CommandOutcome.UNREACHABLE, "connection lost before it was sent")
            )
        return outputs

    def _may_send(self, real_s: float) -> bool:
        return not self._boot_pending and real_s >= self._settled_s

    def _send(self, waiting: Waiting, now: datetime, real_s: float) -> list[Output]:
        self._last_number += 1
        try:
            request = self._dialect.request(waiting.command, self._memory.abilities, now, self._last_number)
        except CpmsError as error:
            return self._done(waiting, CommandResult(CommandOutcome.REJECTED, str(error)))
        message_id = str(self._last_number)
        self._in_flight = _InFlight(message_id, waiting, real_s + self._call_timeout_s)
        return [Transmit(frame.call(message_id, request.action, request.payload))]

    def _called(self, call: frame.Call, data: bytes | str, now: datetime) -> list[Output]:
        context = Context(self.station_id, now, self._memory)
        try:
            incoming = self._dialect.read(call.action, call.payload, context)
            if incoming is None:
                raise refusal(call.action, call.payload, self.protocol)
        except Violation as violation:
            error = frame.call_error(call.message_id, violation.code.wire(self.protocol), str(violation))
            return [Transmit(error), *self._deviation(call.action, str(violation), data, now, rejected=True)]
        notices: list[Output] = []
        for problem in context.deviations:
            notices += self._deviation(call.action, problem, data, now)
        if incoming.event is None:
            return [Transmit(frame.call_result(call.message_id, {})), *notices]
        if isinstance(incoming.event, StationBooted):
            self._boot_pending = True
            self._memory.time.booted()
        event = replace(incoming.event, clock=self._memory.time.clock)
        return [*notices, Request(call.message_id, call.action, incoming, event)]

    def _answered(
        self,
        message_id: str,
        payload: bytes | msgspec.Raw,
        refusal_result: CommandResult | None,
        data: bytes | str,
        now: datetime,
        real_s: float,
    ) -> list[Output]:
        if self._in_flight is None or self._in_flight.message_id != message_id:
            return self._deviation("answer", "answers nothing that waits for an answer", data, now)
        waiting, self._in_flight = self._in_flight.waiting, None
        result = refusal_result or self._result(waiting.command, payload)
        outputs: list[Output] = []
        if waiting.ticket == _OWN_TICKET and result.outcome is CommandOutcome.ACCEPTED:
            outputs.append(self._learned(result.values, now))
        return [*outputs, *self._done(waiting, result), *self.poll(now, real_s)]

    def _result(self, command: Command, payload: bytes | msgspec.Raw) -> CommandResult:
        try:
            values = msgspec.json.decode(payload)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            values = None
        if not isinstance(values, dict):
            return CommandResult(CommandOutcome.TIMED_OUT, "the answer cannot be read")
        return self._dialect.result(command, values)

    def _learned(self, values: Mapping[str, Any], now: datetime) -> Notice:
        capabilities = self._dialect.capabilities(self.station_id, now, values)
        self._memory.abilities = ProfileAbilities(
            capabilities.max_periods, capabilities.rate_units, capabilities.selects_phase
        )
        return Notice(capabilities)

    def _done(self, waiting: Waiting, result: CommandResult) -> list[Output]:
        return [] if waiting.ticket == _OWN_TICKET else [Done(waiting.ticket, result)]

    def _unreadable(self, problem: frame.FrameProblem, data: bytes | str, now: datetime) -> list[Output]:
        outputs = self._deviation("frame", problem.problem, data, now, rejected=True)
        code = ErrorCode.MESSAGE_TYPE if problem.unknown_type else ErrorCode.FRAMEWORK
        # 2.0.1 answers even where no message id can be read, with "-1" (part 4, 4.2.3); 1.6 has no way to.
        message_id = problem.message_id or ("-1" if self.protocol != "ocpp1.6" else None)
        if problem.is_answerable and message_id is not None:
            outputs.append(Transmit(frame.call_error(message_id, code.wire(self.protocol), problem.problem)))
        return outputs

    def _deviation(
        self, action: str, problem: str, data: bytes | str, now: datetime, *, rejected: bool = False
    ) -> list[Output]:
        """A notice, once per kind and connection: a station that is wrong is wrong in every message."""
        kind = (action, problem)
        if kind in self._deviations or len(self._deviations) >= _MAX_DEVIATIONS:
            return []
        self._deviations.add(kind)
        raw = readable(data)[:_MAX_RAW]
        return [Notice(DeviationSeen(self.station_id, now, action[:50], problem, raw, rejected))]


def readable(data: bytes | str) -> str:
    """`data` as text that any database takes."""
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")
