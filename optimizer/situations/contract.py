"""Contracts and wishes of utilities of a situation.

    "subscriptions": [{"subscribed_kw": 30, "fee_per_kwh": 0.4, "fee": 10, "from_h": 0, "until_h": 4}],
    "bands": [{"least_kw": 5, "most_kw": 20, "penalty_per_kwh": 1, "from_h": 1, "until_h": 2, "reason": "setpoint"}],
    "reductions": [{"baseline_kw": 30, "reduce_kw": 10, "penalty_per_kwh": 1, "from_h": 1, "until_h": 2}],
    "energy_by": [{"by_h": 3, "least_kwh": 20, "most_kwh": 40, "penalty_per_kwh": 1}],
    "co2_g_per_kwh": 400, "co2_price_per_kg": 0.1,
    "connections": [{"feeder": "east", "import_price_per_kwh": 0.2, "export_price_per_kwh": 0, "solar_kw": 0, "other_load_kw": 3}],
    "uncertain": [{"feeder": "grid", "mean_kw": 5, "sigma_kw": 2}, {"mean_kw": -4, "levels": [0.05, 0.95], "quantiles_kw": [-8, 0]}],
    "chance_level": 0.95

Other load of a connection loads its feeder too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cpms.domain.contract import EnergyBy, GridConnection, SetpointBand, Subscription, UncertainLoad, reduction
from cpms.domain.time import Interval
from optimizer.situations.document import Document


def subscription_of(one: Document, starts_at: datetime, steps: Sequence[Interval]) -> Subscription:
    """A capacity subscription."""
    return Subscription(
        subscribed_kw=one.number("subscribed_kw"),
        applies=one.covers(starts_at, steps),
        fee_per_kwh=one.number("fee_per_kwh", 0.0),
        fee=one.number("fee", 0.0),
    )


def bands_of(document: Document, starts_at: datetime, steps: Sequence[Interval]) -> tuple[SetpointBand, ...]:
    """Setpoint bands, and reductions as bands."""
    bands = [
        SetpointBand(
            least_kw=_within(one, "least_kw", starts_at, steps),
            most_kw=_within(one, "most_kw", starts_at, steps),
            penalty_per_kwh=one.number("penalty_per_kwh"),
            reason=one.text("reason", ""),
        )
        for one in document.parts("bands")
    ]
    reductions = [
        reduction(
            baseline_kw=one.series("baseline_kw", starts_at, steps),
            reduce_kw=_within(one, "reduce_kw", starts_at, steps),
            penalty_per_kwh=one.number("penalty_per_kwh"),
            reason=one.text("reason", ""),
        )
        for one in document.parts("reductions")
    ]
    return (*bands, *reductions)


def _within(one: Document, name: str, starts_at: datetime, steps: Sequence[Interval]) -> tuple[float | None, ...]:
    """A value in the steps that a part of a situation covers, None elsewhere."""
    value = one.maybe(name)
    return tuple(value if held else None for held in one.covers(starts_at, steps))


def connection_of(one: Document, starts_at: datetime, steps: Sequence[Interval]) -> GridConnection:
    """A further grid connection."""
    return GridConnection(
        feeder_id=one.text("feeder"),
        import_price_per_kwh=one.series("import_price_per_kwh", starts_at, steps, 0.0),
        export_price_per_kwh=one.series("export_price_per_kwh", starts_at, steps, 0.0),
        solar_kw=one.series("solar_kw", starts_at, steps, 0.0),
        other_load_kw=one.series("other_load_kw", starts_at, steps, 0.0),
    )


def uncertain_of(one: Document, feeder_id: str, starts_at: datetime, steps: Sequence[Interval]) -> UncertainLoad:
    """Load of which a distribution is known, the same quantiles in every step."""
    return UncertainLoad(
        feeder_id=one.text("feeder", feeder_id),
        mean_kw=one.series("mean_kw", starts_at, steps),
        sigma_kw=one.series("sigma_kw", starts_at, steps) if one.has("sigma_kw") else (),
        levels=one.numbers("levels"),
        quantiles_kw=(one.numbers("quantiles_kw"),) * len(steps) if one.has("quantiles_kw") else (),
    )


def energy_by_of(one: Document, starts_at: datetime) -> EnergyBy:
    """Energy that is asked for by a time."""
    return EnergyBy(
        due_at=one.instant("by_h", starts_at),
        penalty_per_kwh=one.number("penalty_per_kwh"),
        least_kwh=one.maybe("least_kwh"),
        most_kwh=one.maybe("most_kwh"),
        reason=one.text("reason", ""),
    )
