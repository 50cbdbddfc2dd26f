"""What a site's operator wants of its plans, beyond limits and prices."""

from __future__ import annotations

from dataclasses import dataclass

from cpms.domain.need import Fairness


@dataclass(frozen=True)
class PlanningPolicy:
    """`fairness`: how sessions of one priority share what is scarce. `chance_level`: probability with which plans leave room for all
    other load (0.5 to 1; None: that of the control settings). `shortfall_price_per_kwh` [money per kWh]: what a kWh that is missing at
    the departure costs at least; it counts for more than it could cost to serve in any case.
    """

    fairness: Fairness = Fairness.HALF_FIRST
    chance_level: float | None = None
    shortfall_price_per_kwh: float = 0.0
