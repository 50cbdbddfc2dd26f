"""What the controller wants done, in order.

Grants are durable before they are sent (StoreGrants, G10), but for those that permit nothing that durable ones do not: these
wait for no database (RecordGrants, G7). Of a connector's grants of a kind, none is sent after one with a higher sequence.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from cpms.domain.command import CommandPriority
from cpms.domain.grid import Grant, GrantState
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import PlanRequest
from cpms.domain.session import SessionState
from cpms.domain.site import Connector
from cpms.domain.station_clock import StationClock
from cpms.domain.units import Phase


@dataclass(frozen=True)
class StoreGrants:
    """Make these durable, state STORED, in one commit, before their SendGrants are carried out. If that fails, answer each of them
    with GrantAnswered(REJECTED) instead."""

    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class RecordGrants:
    """Make these durable, state STORED, when it can be done, but before any later state of a grant."""

    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class SendGrant:
    """Send it, concurrently to other stations; the outcome comes back as GrantAnswered."""

    grant: Grant
    connector: Connector
    priority: CommandPriority = CommandPriority.SCHEDULE


@dataclass(frozen=True)
class RecordGrantStates:
    """Remember what became of grants, by id. Losing it costs capacity after a restart, never safety."""

    states: Mapping[str, GrantState]


@dataclass(frozen=True)
class RecordQuarantine:
    """Remember that a connector counts at its hardware maximum because it disobeyed, or no longer (G6)."""

    connector: ConnectorKey
    quarantined: bool


@dataclass(frozen=True)
class RecordClock:
    """Remember what is known of a station's clock. Losing it counts the clock as it was known before."""

    station_id: str
    clock: StationClock


@dataclass(frozen=True)
class AskPlan:
    """Ask the optimizer; one request at a time. Answered by PlanArrived or PlanFailed."""

    request: PlanRequest


class AlarmKind(enum.Enum):
    """What people should know."""

    STATION_DISOBEYS = "station_disobeys"
    STATION_OBEYS_AGAIN = "station_obeys_again"
    GRANT_REFUSED = "grant_refused"
    GRANT_NOT_ADMITTED = "grant_not_admitted"
    OVERLOAD_MEASURED = "overload_measured"
    OVERLOAD_OVER = "overload_over"
    METER_STALE = "meter_stale"
    METER_BACK = "meter_back"
    LIMIT_UNSAFE = "limit_unsafe"
    PLAN_FAILED = "plan_failed"
    PHASES_NOT_SWITCHED = "phases_not_switched"


@dataclass(frozen=True)
class RaiseAlarm:
    """Tell people. `subject` is the connector, feeder or request concerned."""

    kind: AlarmKind
    subject: str
    message: str


@dataclass(frozen=True)
class SessionLearned:
    """What samples taught about a session: energy delivered [kWh], state, phases in use (None: not known yet)."""

    session_id: str
    connector: ConnectorKey
    energy_kwh: float
    state: SessionState
    active_phases: tuple[Phase, ...] | None


Effect = (
    StoreGrants
    | RecordGrants
    | SendGrant
    | RecordGrantStates
    | RecordQuarantine
    | RecordClock
    | AskPlan
    | RaiseAlarm
    | SessionLearned
)
