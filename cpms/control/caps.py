"""The caps of feeders in a plan request: what fits them, the ledger grants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cpms.control.kept import in_words, kept
from cpms.control.known import Known
from cpms.control.rows import KW_ROW
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.grid import LimitTimeline
from cpms.domain.plan import FeederCap
from cpms.domain.time import Interval


def cap_of(known: Known, feeder_id: str, parent_id: str | None, steps: Sequence[Interval]) -> FeederCap:
    """A feeder's caps so that what fits them is granted: the lowest limit in each step, less connectors that cannot be steered, and
    in kW at the voltage the ledger reckons with."""
    limits = [_lowest(known.timeline, feeder_id, step) for step in steps]
    other_kw = _relied_other_kw(known, steps) if feeder_id == known.site.root.id else [0.0] * len(steps)
    fixed = _fixed(known, feeder_id, steps)
    derate = known.site.voltage_v / known.site.max_voltage_v
    import_kw = [
        None if kw is None else max(0.0, kw - other - used[KW_ROW]) * derate + min(other, kw)
        for (_, kw, _), other, used in zip(limits, other_kw, fixed, strict=True)
    ]
    return FeederCap(
        feeder_id=feeder_id,
        parent_id=parent_id,
        limit_a=tuple(max(0.0, a - max(used[:KW_ROW])) for (a, _, _), used in zip(limits, fixed, strict=True)),
        import_kw=tuple(import_kw),
        other_load_kw=tuple(other_kw),
        reason=tuple(_reasons(known, feeder_id, [reason for _, _, reason in limits], _indexes(known, steps))),
    )


def _reasons(known: Known, feeder_id: str, asked_by: Sequence[str], indexes: Sequence[int]) -> Iterator[str]:
    """Per step, who asks for the limit, and for whom room is kept below it that nobody can be told to give back."""
    ledger = known.ledger
    below: dict[int, str] = {}
    for reason, index in zip(asked_by, indexes, strict=True):
        if index not in below:
            found = kept(ledger, known.steerable | known.awaited, known.online, index)
            below[index] = in_words(one for one in found if feeder_id in ledger.path(one.connector))
        yield " less ".join(filter(None, (reason, below[index])))


def _indexes(known: Known, steps: Sequence[Interval]) -> list[int]:
    """The ledger's bin in which each step begins."""
    return [known.ledger.bins.index_of(step.starts_at.timestamp()) for step in steps]


def _lowest(timeline: LimitTimeline, feeder_id: str, step: Interval) -> tuple[float, float | None, str]:
    instants = [step.starts_at, *timeline.breakpoints(step.starts_at, step.ends_at)]
    limits = [timeline.at(feeder_id, instant) for instant in instants]
    capped = [limit for limit in limits if limit.limit_kw is not None]
    lowest = min(capped, key=lambda limit: limit.limit_kw or 0.0) if capped else limits[0]
    return min(limit.limit_a for limit in limits), lowest.limit_kw, lowest.reason


def _relied_other_kw(known: Known, steps: Sequence[Interval]) -> list[float]:
    """Other load that caps leave room for [kW]: the reserve, or the forecast's upper band where that is more."""
    reserve_kw = known.ledger.other_load_kw
    forecast = known.forecasts.get(ForecastQuantity.OTHER_LOAD_KW)
    if forecast is None:
        return [reserve_kw] * len(steps)
    level = known.site.policy.chance_level or known.settings.other_load_level
    upper = (forecast.at(step.starts_at, level) for step in steps)
    return [max(reserve_kw, value or 0.0) for value in upper]


def _fixed(known: Known, feeder_id: str, steps: Sequence[Interval]) -> list[list[float]]:
    """Worst case at the start of each step of what cannot be steered below a feeder: L1, L2, L3 [A], kW. Who counts at the maximum for
    a moment only, until the default is confirmed and followed, is not planned for; meanwhile the ledger gives nothing away."""
    ledger = known.ledger
    indexes = _indexes(known, steps)
    fixed = [
        (account.held if key in known.awaited or account.settles else account.counted, ledger.weights(key))
        for key, account in ledger.accounts.items()
        if key not in known.steerable and feeder_id in ledger.path(key)
    ]
    used = {
        i: [sum(v[i] * weights.get(row, 0.0) for v, weights in fixed) for row in range(KW_ROW + 1)]
        for i in set(indexes)
    }
    return [used[i] for i in indexes]
