"""What contracts add to a plan request: fees above subscribed power, and a cap on what is fed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from cpms.domain.contract import Subscription
from cpms.domain.plan import FeederCap
from cpms.domain.site import Site
from cpms.domain.tariff import Tariff
from cpms.domain.time import Interval


def subscriptions(tariff: Tariff | None, steps: Sequence[Interval]) -> tuple[Subscription, ...]:
    """The tariff's capacity subscriptions over the steps, those that hold in any."""
    if tariff is None:
        return ()
    zone = ZoneInfo(tariff.timezone)
    over_steps = (
        Subscription(
            one.subscribed_kw,
            tuple(one.applies(step.starts_at.astimezone(zone)) for step in steps),
            float(one.fee_per_kwh),
        )
        for one in tariff.subscriptions
    )
    return tuple(one for one in over_steps if any(one.applies))


def with_export_cap(cap: FeederCap, site: Site, solar_kw: Sequence[float], other_load_kw: Sequence[float]) -> FeederCap:
    """The cap of the grid connection with the site's limit on export, against the sun that is expected [kW per step]."""
    if site.export_limit_kw is None or cap.feeder_id != site.root.id:
        return cap
    surplus_kw = tuple(solar - other for solar, other in zip(solar_kw, other_load_kw, strict=True))
    return replace(cap, export_kw=(site.export_limit_kw,) * len(surplus_kw), surplus_kw=surplus_kw)
