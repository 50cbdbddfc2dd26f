"""What stations and meters say, in our words, and what they are answered."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from cpms.domain.identity import AuthorizationStatus, ConnectorKey
from cpms.domain.station_clock import StationClock
from cpms.domain.units import Phase

PerPhase = tuple[float | None, float | None, float | None]
NO_PHASES: PerPhase = (None, None, None)


@dataclass(frozen=True)
class Sample:
    """One reading of a connector's meter. Unknown values are None, never 0.

    `energy_kwh` [kWh]: import register, lifetime. `power_kw` [kW]: active import. `derived`: `power_kw` was computed
    from V x I or from registers. `sampled_at` is corrected for the station's clock; `reported_at` is what it wrote.
    """

    connector: ConnectorKey
    sampled_at: datetime
    received_at: datetime
    transaction_id: str | None = None
    power_kw: float | None = None
    energy_kwh: float | None = None
    current_a: PerPhase = NO_PHASES
    voltage_v: PerPhase = NO_PHASES
    offered_a: float | None = None
    soc_pct: float | None = None
    derived: bool = False
    reported_at: datetime | None = None


@dataclass(frozen=True)
class FeederMeasurement:
    """Mean over the last second(s) of a meter on a feeder. On the root, `power_kw` is net import and `solar_kw`,
    `other_load_kw` (before solar, without vehicles) are what it knows of the rest."""

    site_id: str
    feeder_id: str
    measured_at: datetime
    power_kw: float
    current_a: PerPhase = NO_PHASES
    solar_kw: float | None = None
    other_load_kw: float | None = None


class ConnectorStatus(enum.Enum):
    """OCPP 1.6's nine states; 2.0.1's five map onto them."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


@dataclass(frozen=True)
class StationEvent:
    """Anything that happens at a station; `received_at` is ours. `clock`: what is known of the station's, None for nothing new."""

    station_id: str
    received_at: datetime
    clock: StationClock | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class StationConnected(StationEvent):
    """Authenticated and connected; `protocol` is "ocpp1.6" or "ocpp2.0.1". Replaces any earlier connection."""

    protocol: str


@dataclass(frozen=True)
class StationDisconnected(StationEvent):
    """Its connection is gone; what it was granted still counts."""

    reason: str = ""


@dataclass(frozen=True)
class StationBooted(StationEvent):
    """BootNotification. `capabilities` arrive later in StationCapabilities."""

    vendor: str = ""
    model: str = ""
    serial_number: str | None = None
    firmware_version: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class StationCapabilities(StationEvent):
    """What the station said of its smart charging (configuration keys or variables); None = it did not say.

    `selects_phase`: which phase it charges on, where it is told one, can be said (2.0.1, ACPhaseSwitchingSupported).
    """

    max_stack_level: int | None = None
    max_periods: int | None = None
    max_profiles: int | None = None
    rate_units: frozenset[str] = frozenset({"A"})
    connector_count: int | None = None
    selects_phase: bool = False


@dataclass(frozen=True)
class HeartbeatReceived(StationEvent):
    """It lives."""


@dataclass(frozen=True)
class ConnectorStatusChanged(StationEvent):
    """StatusNotification; `connector_id` 0 is the station itself."""

    connector_id: int
    status: ConnectorStatus
    error_code: str = "NoError"
    changed_at: datetime | None = None
    info: str = ""


@dataclass(frozen=True)
class AuthorizeRequested(StationEvent):
    """May this idTag charge? Answered by AuthorizeReply."""

    id_tag: str


@dataclass(frozen=True)
class TransactionStarted(StationEvent):
    """A transaction began (1.6 StartTransaction, 2.0.1 TransactionEvent Started). Answered by TransactionReply.

    `transaction_id` is None in 1.6: ours to choose. `offline`: it happened while not connected. `reported_at`: what the station wrote
    of when it was, before its clock was corrected.
    Idempotent on (station, connector, id_tag, reported_at, meter_start_kwh) in 1.6, on transaction_id in 2.0.1.
    """

    connector_id: int
    started_at: datetime
    transaction_id: str | None = None
    id_tag: str | None = None
    meter_start_kwh: float | None = None
    samples: tuple[Sample, ...] = ()
    offline: bool = False
    charging: bool = False
    sequence_number: int | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True)
class TransactionUpdated(StationEvent):
    """2.0.1 TransactionEvent Updated. `charging` is None where the station does not say. Answered by TransactionReply."""

    connector_id: int | None
    transaction_id: str
    updated_at: datetime
    id_tag: str | None = None
    charging: bool | None = None
    samples: tuple[Sample, ...] = ()
    offline: bool = False
    sequence_number: int | None = None


@dataclass(frozen=True)
class TransactionEnded(StationEvent):
    """StopTransaction, TransactionEvent Ended. Answered by TransactionReply, always accepted. `reported_at`: as in
    TransactionStarted."""

    transaction_id: str
    ended_at: datetime
    connector_id: int | None = None
    meter_stop_kwh: float | None = None
    id_tag: str | None = None
    reason: str | None = None
    samples: tuple[Sample, ...] = ()
    offline: bool = False
    sequence_number: int | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True)
class SamplesReceived(StationEvent):
    """MeterValues."""

    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class DataTransferReceived(StationEvent):
    """A vendor's own message; answered UnknownVendorId unless somebody knows it."""

    vendor_id: str
    message_id: str | None = None
    data: str | None = None


@dataclass(frozen=True)
class DeviationSeen(StationEvent):
    """The station broke the protocol in a way we could read anyhow, or not (`rejected`)."""

    action: str
    problem: str
    raw: str
    rejected: bool = False


@dataclass(frozen=True)
class AuthorizeReply:
    """Answer to AuthorizeRequested."""

    status: AuthorizationStatus


@dataclass(frozen=True)
class TransactionReply:
    """Answer to a transaction event, given after it is durable (invariant B1). `connector_id`: where it is, if that is known."""

    transaction_id: str
    status: AuthorizationStatus | None = None
    connector_id: int | None = None


@dataclass(frozen=True)
class BootReply:
    """Answer to StationBooted. `heartbeat_interval_s` in the station's own seconds."""

    heartbeat_interval_s: int
    accepted: bool = True


Reply = AuthorizeReply | TransactionReply | BootReply | None


class CommandOutcome(enum.Enum):
    """What became of a command. Everything but ACCEPTED means: not known to be applied (invariant G6)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SUPPORTED = "not_supported"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class CommandResult:
    """Outcome and what the station answered, in plain values."""

    outcome: CommandOutcome
    detail: str = ""
    values: dict[str, object] = field(default_factory=dict)


def phases_in_use(current_a: PerPhase, phases: tuple[Phase, ...], threshold_a: float = 1.0) -> tuple[Phase, ...]:
    """Grid phases of a connector (its rotation) on which more than `threshold_a` [A] flows."""
    return tuple(p for p, c in zip(phases, current_a, strict=False) if c is not None and c > threshold_a)


@dataclass(frozen=True)
class Alarm:
    """Something people should know of. `kind` is a short stable word, `message` a sentence."""

    site_id: str
    raised_at: datetime
    kind: str
    message: str
    station_id: str | None = None
