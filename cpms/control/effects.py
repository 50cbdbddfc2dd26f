"""What the controller wants done. The shell does the effects of one `handle()` call strictly in order.

If StoreGrants fails, the shell drops the effects behind it in that call and answers every grant it did not send with
GrantAnswered(REJECTED): nothing is sent that is not durable (G10).
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
from cpms.domain.units import Phase


@dataclass(frozen=True)
class StoreGrants:
    """Make these durable, state STORED, in one commit, before anything behind it happens."""

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


Effect = StoreGrants | SendGrant | RecordGrantStates | RecordQuarantine | AskPlan | RaiseAlarm | SessionLearned
