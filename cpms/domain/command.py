"""What we ask of stations; `cpms.ocpp` speaks it in the station's version."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from cpms.domain.grid import Grant
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector


class CommandPriority(enum.IntEnum):
    """One command is in flight per station; lower goes first."""

    SAFETY = 0
    SCHEDULE = 1
    DIAGNOSTICS = 2


@dataclass(frozen=True)
class InstallGrant:
    """SetChargingProfile. A newer grant for the same connector supersedes one still queued (outcome: REJECTED, "superseded")."""

    grant: Grant
    connector: Connector
    priority: CommandPriority = CommandPriority.SCHEDULE


@dataclass(frozen=True)
class ClearProfiles:
    """ClearChargingProfile of the transaction profiles of a connector."""

    connector: ConnectorKey
    priority: CommandPriority = CommandPriority.SCHEDULE


@dataclass(frozen=True)
class ReadCompositeSchedule:
    """GetCompositeSchedule, in A per phase; a check only, never truth."""

    connector: ConnectorKey
    duration_s: int
    priority: CommandPriority = CommandPriority.DIAGNOSTICS


@dataclass(frozen=True)
class ReadConfiguration:
    """1.6 GetConfiguration, 2.0.1 GetVariables ("Component.Variable"); without keys: all (1.6), smart charging's (2.0.1)."""

    keys: tuple[str, ...] = ()
    priority: CommandPriority = CommandPriority.DIAGNOSTICS


@dataclass(frozen=True)
class RemoteStart:
    """RemoteStartTransaction, RequestStartTransaction."""

    connector: ConnectorKey
    id_tag: str
    priority: CommandPriority = CommandPriority.SCHEDULE


@dataclass(frozen=True)
class RemoteStop:
    """RemoteStopTransaction, RequestStopTransaction."""

    transaction_id: str
    priority: CommandPriority = CommandPriority.SAFETY


Command = InstallGrant | ClearProfiles | ReadCompositeSchedule | ReadConfiguration | RemoteStart | RemoteStop
