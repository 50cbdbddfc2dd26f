"""What the controller is told besides the stations' own events (`cpms.domain.telemetry.StationEvent`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cpms.control.arrivals import Arrivals
from cpms.domain.forecast import Forecast
from cpms.domain.grid import DemandResponseEvent, GridLimit
from cpms.domain.plan import Plan
from cpms.domain.session import EnergyNeed, Session
from cpms.domain.site import Site
from cpms.domain.station_clock import StationClock
from cpms.domain.tariff import Tariff
from cpms.domain.telemetry import CommandOutcome, FeederMeasurement, StationEvent


@dataclass(frozen=True)
class SessionOpened:
    """A transaction began and is durable. `clock`: what is known of its station's, None for nothing new."""

    session: Session
    clock: StationClock | None = None

    @property
    def station_id(self) -> str:
        """Where it began."""
        return self.session.connector.station_id


@dataclass(frozen=True)
class SessionClosed:
    """A transaction ended. `session.estimated`: nobody heard the station say so, hence its grants count on until their lease ends."""

    session: Session


@dataclass(frozen=True)
class NeedChanged:
    """A driver or operator said what a session needs; `need` None withdraws it, `priority` None leaves it."""

    session_id: str
    need: EnergyNeed | None
    priority: int | None = None


@dataclass(frozen=True)
class SiteChanged:
    """The site was edited: stations added or removed, feeders or reserves changed."""

    site: Site


@dataclass(frozen=True)
class LimitsChanged:
    """All operator limits and utility events there are now."""

    limits: tuple[GridLimit, ...]
    events: tuple[DemandResponseEvent, ...] = ()


@dataclass(frozen=True)
class TariffChanged:
    """The tariff, or its published prices, changed."""

    tariff: Tariff


@dataclass(frozen=True)
class ForecastsChanged:
    """New forecasts; each replaces the one of its quantity. `arrivals`: who may still come; None: as before."""

    forecasts: tuple[Forecast, ...]
    arrivals: Arrivals | None = None


@dataclass(frozen=True)
class FeederMeasured:
    """A meter on a feeder spoke."""

    measurement: FeederMeasurement


@dataclass(frozen=True)
class PlanArrived:
    """The optimizer answered; `plan.request_id` says what."""

    plan: Plan


@dataclass(frozen=True)
class PlanFailed:
    """The optimizer did not answer."""

    request_id: str
    reason: str


@dataclass(frozen=True)
class GrantAnswered:
    """What became of a SendGrant. ACCEPTED is a claim; REJECTED and NOT_SUPPORTED mean it never took effect; the rest, unknown.

    Also REJECTED, by the shell, for grants it could not store and therefore did not send.
    """

    grant_id: str
    outcome: CommandOutcome
    detail: str = ""


@dataclass(frozen=True)
class ClockSet:
    """Our clock was set, not time passed: an instant `t` before it is `t + by` now (G12)."""

    by: timedelta


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


ControlEvent = (
    SessionOpened
    | SessionClosed
    | NeedChanged
    | SiteChanged
    | LimitsChanged
    | TariffChanged
    | ForecastsChanged
    | FeederMeasured
    | PlanArrived
    | PlanFailed
    | GrantAnswered
    | ClockSet
    | Tick
    | StationEvent
)
