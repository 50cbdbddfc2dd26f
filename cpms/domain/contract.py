"""What supply contracts and utilities ask of a site over the steps of a plan. kW and kWh of net import, money per kWh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class GridConnection:
    """A further connection to the grid with a meter and prices of its own: everything at and below `feeder_id` is behind it.

    `solar_kw[t]`, `other_load_kw[t]` [kW]: expected behind it, for money, as in a request for the site's own connection.
    """

    feeder_id: str
    import_price_per_kwh: tuple[float, ...]
    export_price_per_kwh: tuple[float, ...]
    solar_kw: tuple[float, ...]
    other_load_kw: tuple[float, ...]


@dataclass(frozen=True)
class UncertainLoad:
    """Other load, or solar below 0, at a feeder, of which a distribution is known [kW per step].

    Money counts `mean_kw`; limits reckon with a quantile at the request's `chance_level`: of a normal distribution of
    `sigma_kw`, or by `quantiles_kw[t][j]` at `levels[j]`, ascending. It comes on top of every other load that is
    given.
    """

    feeder_id: str
    mean_kw: tuple[float, ...]
    sigma_kw: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()
    quantiles_kw: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Subscription:
    """A capacity subscription: net import above `subscribed_kw` [kW] costs `fee_per_kwh` for each kWh above, and `fee` [money] if it
    happens at all. `applies[t]`: whether it holds in step t.

    A fee on the highest kW above is a `DemandPrice` whose peak so far is what is subscribed.
    """

    subscribed_kw: float
    applies: tuple[bool, ...]
    fee_per_kwh: float = 0.0
    fee: float = 0.0


@dataclass(frozen=True)
class SetpointBand:
    """A utility's setpoint: net import stays between `least_kw[t]` and `most_kw[t]` [kW, None: free]; each kWh outside costs
    `penalty_per_kwh` [money], and is weighed against everything else that costs money."""

    least_kw: tuple[float | None, ...]
    most_kw: tuple[float | None, ...]
    penalty_per_kwh: float
    reason: str = ""


def reduction(
    baseline_kw: tuple[float, ...], reduce_kw: tuple[float | None, ...], penalty_per_kwh: float, reason: str = ""
) -> SetpointBand:
    """The band that asks for `reduce_kw[t]` [kW, None: nothing is asked] less than a baseline [kW]; what is not reduced costs
    `penalty_per_kwh`."""
    most_kw = tuple(None if less is None else base - less for base, less in zip(baseline_kw, reduce_kw, strict=True))
    return SetpointBand((None,) * len(most_kw), most_kw, penalty_per_kwh, reason)


@dataclass(frozen=True)
class EnergyBy:
    """Energy imported from the first step until `due_at` is between `least_kwh` and `most_kwh` [kWh, None: free]; each kWh off costs
    `penalty_per_kwh` [money]."""

    due_at: datetime
    penalty_per_kwh: float
    least_kwh: float | None = None
    most_kwh: float | None = None
    reason: str = ""
