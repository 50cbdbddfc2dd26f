"""What a virtual station says and is asked, apart from the OCPP version that words it."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from cpms.domain.identity import ConnectorKey
from cpms.ocpp.composite import ProfilePurpose, StoredProfile
from cpms.simulation.plant import Reading

Payload = dict[str, Any]


class Kind(enum.Enum):
    """What a message is about; `durable` ones belong to a transaction and are kept until answered."""

    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    AUTHORIZE = "authorize"
    START = "start"
    METER = "meter"
    STOP = "stop"

    @property
    def durable(self) -> bool:
        """Whether it survives a lost connection."""
        return self in (Kind.START, Kind.METER, Kind.STOP)


class State(enum.Enum):
    """What an outlet does, in OCPP 1.6's words."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"


@dataclass
class Transaction:
    """A transaction at this station; `id` is None until known (1.6: the server chooses it)."""

    connector_id: int
    id_tag: str
    started_at: datetime
    id: str | None = None
    sequence_number: int = 0

    def next_sequence_number(self) -> int:
        """Counts the messages of the transaction from 0 (2.0.1)."""
        self.sequence_number += 1
        return self.sequence_number - 1


@dataclass
class Outlet:
    """A connector at work. `id_tag`: of the vehicle plugged in, empty without one; `sample_at`: the next meter values."""

    key: ConnectorKey
    state: State = State.AVAILABLE
    id_tag: str = ""
    vehicle_present: bool = False
    transaction: Transaction | None = None
    sample_at: datetime | None = None


@dataclass
class Message:
    """One message to the server, worded only when it is sent, because a transaction's id may not be known before."""

    kind: Kind
    at: datetime
    connector_id: int = 0
    state: State = State.AVAILABLE
    id_tag: str = ""
    transaction: Transaction | None = None
    reading: Reading | None = None
    sequence_number: int = 0
    offline: bool = False
    reason: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempts: int = 0


@dataclass(frozen=True)
class SetProfile:
    """SetChargingProfile."""

    profile: StoredProfile


@dataclass(frozen=True)
class ClearProfiles:
    """ClearChargingProfile: what matches every criterion that is not None."""

    id: int | None = None
    connector_id: int | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None

    def matches(self, profile: StoredProfile) -> bool:
        """Whether `profile` is to go; an id alone decides (1.6, 5.3; 2.0.1, K10)."""
        if self.id is not None:
            return profile.id == self.id
        wanted = (self.connector_id, self.purpose, self.stack_level)
        given = (profile.connector_id, profile.purpose, profile.stack_level)
        return all(want is None or want == have for want, have in zip(wanted, given, strict=True))


@dataclass(frozen=True)
class ReadComposite:
    """GetCompositeSchedule for `duration_s` [s]."""

    connector_id: int
    duration_s: int


@dataclass(frozen=True)
class ReadSettings:
    """GetConfiguration or GetVariables; without keys all (1.6)."""

    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadInventory:
    """GetBaseReport."""


@dataclass(frozen=True)
class StartRemotely:
    """RemoteStartTransaction, RequestStartTransaction."""

    connector_id: int | None
    id_tag: str
    profile: StoredProfile | None = None


@dataclass(frozen=True)
class StopRemotely:
    """RemoteStopTransaction, RequestStopTransaction."""

    transaction_id: str


Command = SetProfile | ClearProfiles | ReadComposite | ReadSettings | ReadInventory | StartRemotely | StopRemotely


@dataclass(frozen=True)
class Outcome:
    """What became of a command: done or not, and what was asked for."""

    accepted: bool
    schedule: tuple[tuple[float, float], ...] = ()
    starts_at: datetime | None = None
    settings: dict[str, str | None] = field(default_factory=dict)


class Dialect(Protocol):
    """One version of OCPP, from the station's side. Pure: plain values in, plain values out."""

    subprotocol: str
    chooses_transaction_id: bool

    def encode(self, model: str, message: Message) -> tuple[str, Payload]:
        """Action and payload of a message."""
        ...

    def accepted(self, message: Message, answer: Payload) -> bool:
        """Whether the server's answer to a boot, an authorization or a transaction's start says yes."""
        ...

    def command(self, action: str, payload: Payload) -> Command | None:
        """What the server asks for; None if the station does not know the action. KeyError, TypeError, ValueError or
        InvalidInput if the payload cannot be read."""
        ...

    def reply(self, command: Command, outcome: Outcome) -> Payload:
        """The answer to a command."""
        ...


def wire_time(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
