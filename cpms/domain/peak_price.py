"""What a kW of the site's peak costs today, level by level, while most of the billing period is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cpms.domain.plan import DemandPrice


@dataclass(frozen=True)
class PeakPrice:
    """From `above_kw` [kW] on (up to the next one's), a kW more of the site's peak costs `price_per_kw`."""

    above_kw: float
    price_per_kw: float


def demand_price(
    prices: Sequence[PeakPrice],
    peak_so_far_kw: float,
    applies: tuple[bool, ...],
    window_s: int = 900,
    charge_per_kw: float = 1.0,
) -> DemandPrice:
    """The prices of peak, times `charge_per_kw`, as a plan request takes them: what is below the peak so far [kW] is paid."""
    rises = tuple((price.above_kw, charge_per_kw * price.price_per_kw) for price in prices[1:])
    return DemandPrice(charge_per_kw * prices[0].price_per_kw, peak_so_far_kw, applies, window_s, rises)
