"""What is known of a site when a plan is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpms.control.arrivals import Arrivals
from cpms.control.book import SessionBook
from cpms.control.ledger import Ledger
from cpms.control.peaks import PeakTracker
from cpms.control.settings import ControlSettings
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.grid import LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Site
from cpms.domain.tariff import Tariff


@dataclass(frozen=True)
class Known:
    """Everything a request is made of. `steerable`: connectors a plan may count on; all others are load. `awaited`: those of them that
    are about to confirm their default. `online`: stations that are connected.
    """

    site: Site
    timeline: LimitTimeline
    ledger: Ledger
    book: SessionBook
    tariff: Tariff | None
    forecasts: Mapping[ForecastQuantity, Forecast]
    peaks: PeakTracker
    settings: ControlSettings
    steerable: frozenset[ConnectorKey]
    awaited: frozenset[ConnectorKey] = frozenset()
    online: frozenset[str] = frozenset()
    measured_other_kw: float | None = None
    measured_solar_kw: float | None = None
    arrivals: Arrivals | None = None
