"""Contracts and wishes of utilities of a situation.

    "subscriptions": [{"subscribed_kw": 30, "fee_per_kwh": 0.4, "fee": 10, "from_h": 0, "until_h": 4}],
    "bands": [{"least_kw": 5, "most_kw": 20, "penalty_per_kwh": 1, "from_h": 1, "until_h": 2, "reason": "setpoint"}],
    "reductions": [{"baseline_kw": 30, "reduce_kw": 10, "penalty_per_kwh": 1, "from_h": 1, "until_h": 2}],
    "energy_by": [{"by_h": 3, "least_kwh": 20, "most_kwh": 40, "penalty_per_kwh": 1}],
    "co2_g_per_kwh": 400, "co2_price_per_kg": 0.1,
    "connections": [{"feeder": "east", "import_price_per_kwh": 0.2, "export_price_per_kwh": 0, "solar_kw": 0, "other_load_kw": 3}],
    "uncertain": [{"feeder": "grid", "mean_kw": 5, "sigma_kw": 2}, {"mean_kw": -4, "levels": [0.1, 0.9], "quantiles_kw": [-8, 0]}],
    "chance_level": 0.95

Other load of a connection loads its feeder too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cpms.domain.contract import EnergyBy, GridConnection, SetpointBand, Subscription, UncertainLoad, reduction
from cpms.domain.time import Interval
from optimizer.situations.document import Document, covers, series


def subscription_of(one: Document, starts_at: datetime, steps: Sequence[Interval]) -> Subscription:
    """A capacity subscription."""
    return Subscription(
        subscribed_kw=float(one["subscribed_kw"]),
        applies=tuple(covers(one, starts_at, step) for step in steps),
        fee_per_kwh=float(one.get("fee_per_kwh", 0.0)),
        fee=float(one.get("fee", 0.0)),
    )


def bands_of(document: Document, starts_at: datetime, steps: Sequence[Interval]) -> tuple[SetpointBand, ...]:
    """Setpoint bands, and reductions as bands."""
    bands = [
        SetpointBand(
            least_kw=_within(one, "least_kw", starts_at, steps),
            most_kw=_within(one, "most_kw", starts_at, steps),
            penalty_per_kwh=float(one["penalty_per_kwh"]),
            reason=one.get("reason", ""),
        )
        for one in document.get("bands", ())
    ]
    reductions = [
        reduction(
            baseline_kw=series(one["baseline_kw"], starts_at, steps),
            reduce_kw=_within(one, "reduce_kw", starts_at, steps),
            penalty_per_kwh=float(one["penalty_per_kwh"]),
            reason=one.get("reason", ""),
        )
        for one in document.get("reductions", ())
    ]
    return (*bands, *reductions)


def _within(one: Document, name: str, starts_at: datetime, steps: Sequence[Interval]) -> tuple[float | None, ...]:
    """A value in the steps that a part of a situation covers, None elsewhere."""
    value = float(one[name]) if name in one else None
    return tuple(value if covers(one, starts_at, step) else None for step in steps)


def connection_of(one: Document, starts_at: datetime, steps: Sequence[Interval]) -> GridConnection:
    """A further grid connection."""
    return GridConnection(
        feeder_id=one["feeder"],
        import_price_per_kwh=series(one.get("import_price_per_kwh", 0.0), starts_at, steps),
        export_price_per_kwh=series(one.get("export_price_per_kwh", 0.0), starts_at, steps),
        solar_kw=series(one.get("solar_kw", 0.0), starts_at, steps),
        other_load_kw=series(one.get("other_load_kw", 0.0), starts_at, steps),
    )


def uncertain_of(one: Document, document: Document, starts_at: datetime, steps: Sequence[Interval]) -> UncertainLoad:
    """Load of which a distribution is known, the same quantiles in every step."""
    return UncertainLoad(
        feeder_id=one.get("feeder", document["feeders"][0]["id"]),
        mean_kw=series(one["mean_kw"], starts_at, steps),
        sigma_kw=series(one["sigma_kw"], starts_at, steps) if "sigma_kw" in one else (),
        levels=tuple(float(level) for level in one.get("levels", ())),
        quantiles_kw=(tuple(float(kw) for kw in one["quantiles_kw"]),) * len(steps) if "quantiles_kw" in one else (),
    )


def energy_by_of(one: Document, starts_at: datetime) -> EnergyBy:
    """Energy that is asked for by a time."""
    return EnergyBy(
        due_at=starts_at + timedelta(hours=float(one["by_h"])),
        penalty_per_kwh=float(one["penalty_per_kwh"]),
        least_kwh=float(one["least_kwh"]) if "least_kwh" in one else None,
        most_kwh=float(one["most_kwh"]) if "most_kwh" in one else None,
        reason=one.get("reason", ""),
    )
