"""What reading and writing a message needs to know of its station."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec

from cpms.domain.command import Command
from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import CommandResult, Reply, StationCapabilities, StationEvent
from cpms.ocpp.measurands import Registers
from cpms.ocpp.profiles import ProfileAbilities
from cpms.ocpp.station_time import StationTime

_REMEMBERED_TRANSACTIONS = 64


@dataclass
class StationMemory:
    """What outlives a station's connections (but not the server; nothing here bills or protects)."""

    time: StationTime = field(default_factory=StationTime)
    registers: Registers = field(default_factory=Registers)
    abilities: ProfileAbilities = field(default_factory=ProfileAbilities)
    connector_of_transaction: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def remember_connector(self, transaction_id: str, connector_id: int) -> None:
        """1.6 does not name the connector when a transaction stops, 2.0.1 only once per transaction (E01.FR.16)."""
        self.connector_of_transaction[transaction_id] = connector_id
        if len(self.connector_of_transaction) > _REMEMBERED_TRANSACTIONS:
            self.connector_of_transaction.popitem(last=False)


@dataclass
class Context:
    """One incoming message's surroundings. `deviations` collects what was wrong with it but could be read."""

    station_id: str
    received_at: datetime
    memory: StationMemory
    deviations: list[str] = field(default_factory=list)

    def connector(self, connector_id: int) -> ConnectorKey:
        """The key of one of this station's connectors."""
        return ConnectorKey(self.station_id, connector_id)

    def instant(self, text: str | None) -> tuple[datetime, datetime | None]:
        """`(at, reported_at)` of a timestamp, corrected for the station's clock."""
        return self.memory.time.resolve(text, self.received_at, self.deviations)


@dataclass(frozen=True)
class Incoming:
    """A message read: the event it tells of, if any, and whether the answer must name the status of an idTag."""

    event: StationEvent | None
    has_id_tag: bool = False


@dataclass(frozen=True)
class Outgoing:
    """A request ready to be framed."""

    action: str
    payload: Mapping[str, Any]


class Dialect(Protocol):
    """One version of the protocol: messages in, answers out, commands out, answers in. No state but the memory it is given."""

    @property
    def protocol(self) -> str:
        """Its WebSocket subprotocol."""
        ...

    @property
    def capability_keys(self) -> tuple[str, ...]:
        """What ReadConfiguration asks of a station's smart charging."""
        ...

    def read(self, action: str, payload: bytes | msgspec.Raw, context: Context) -> Incoming | None:
        """A message; None if this action is not one of ours. Violation if it cannot be used."""
        ...

    def answer(self, action: str, incoming: Incoming, reply: Reply, now: datetime) -> Mapping[str, Any]:
        """The payload that says `reply`. ProtocolError if the reply does not fit the question."""
        ...

    def request(self, command: Command, abilities: ProfileAbilities, now: datetime, number: int) -> Outgoing:
        """A command as a request. InvalidInput if it cannot be said in this version. `number`: unique per connection."""
        ...

    def result(self, command: Command, payload: Mapping[str, Any]) -> CommandResult:
        """What a station's answer to `command` means."""
        ...

    def capabilities(self, station_id: str, now: datetime, values: Mapping[str, Any]) -> StationCapabilities:
        """What the values of `capability_keys` say."""
        ...
