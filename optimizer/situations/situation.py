"""A situation as a person writes it (JSON) into a PlanRequest. Times are hours after the start (`from_h`, `until_h`, `leaves_h`).

    {"title": "...", "starts_at": "2026-03-02T18:00:00Z", "steps": [{"count": 12, "minutes": 5}, {"count": 20, "minutes": 15}],
     "feeders": [{"id": "grid", "limit_a": 63, "import_kw": 40}, {"id": "garage", "parent": "grid", "limit_a": 40}],
     "limits": [{"feeder": "grid", "import_kw": 10, "from_h": 1, "until_h": 2, "reason": "utility event"}],
     "import_price_per_kwh": 0.3, "export_price_per_kwh": [{"from_h": 1, "until_h": 3, "value": 0.05}], "solar_kw": 0,
     "other_load_kw": 5, "demand": [{"price_per_kw": 10, "peak_so_far_kw": 20, "window_min": 15,
                                                    "rises": [{"from_kw": 30, "price_per_kw": 15}]}],
     "likely": [{"probability": 0.5, "coming": [{"feeder": "garage", "least_kwh": [{"from_h": 1, "value": 6}], "most_kwh": 6,
                                                 "most_kw": 7}]}, {"probability": 0.5, "other_load_kw": 5, "solar_kw": 0}],
     "sessions": [{"id": "a", "feeder": "garage", "need_kwh": 20, "leaves_h": 3, "phases": "L1L2L3", "max_a": 16, "priority": 0}],
     "batteries": [{"id": "b", "feeder": "grid", "capacity_kwh": 100, "stored_kwh": 50, "max_kw": 50, "reserve_kwh": 10}]}

Everything a session may have: see `optimizer.situations.need`.

A quantity over time is a number, or pieces of which the last that covers a step holds (0 where none does). `other_load_kw` is at
the grid connection; a feeder may have its own besides. What a battery may have besides: `optimizer.situations.storage`; contracts,
CO2 and utilities: `optimizer.situations.contract`; currents at other angles: `optimizer.situations.vector_sums`. A limit or feeder
may have `export_kw`, a feeder `surplus_kw`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from cpms.domain.errors import InvalidInput
from cpms.domain.need import Fairness
from cpms.domain.plan import Coming, DemandPrice, FeederCap, LikelyDay, PlanRequest
from cpms.domain.time import Interval, require_aware
from optimizer.situations.contract import bands_of, connection_of, energy_by_of, subscription_of, uncertain_of
from optimizer.situations.document import Document
from optimizer.situations.need import need_of
from optimizer.situations.places import at_its_place
from optimizer.situations.storage import battery_of
from optimizer.situations.vector_sums import vector_sum_of
from optimizer.validation.request import require_valid

MOST_STEPS = 10_000
"""Of a minute each: a week."""
YEARS = range(1970, 2200)
"""In which a situation may begin: whatever it may ask for, and any time zone, is then within what dates can say."""


@dataclass(frozen=True)
class _Limit:
    """What a feeder, or a limit on it, allows in the steps in which it holds [A per phase, kW]; infinite where nothing is said."""

    holds: tuple[bool, ...]
    limit_a: float
    import_kw: float
    export_kw: float
    reason: str


def read_situation(text: str) -> PlanRequest:
    """The request a JSON document describes; InvalidInput names what cannot be read or planned with, and where it stands."""
    document = Document(_parsed(text), "situation")
    asked = request_of(document)
    document.has("title")  # for people
    document.require_all_known()
    try:
        require_valid(asked)
    except InvalidInput as error:
        raise at_its_place(error, asked, document) from error
    return asked


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("situation", f"is not JSON ({error})", "correct it at that place") from error


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; InvalidInput where a name is in it twice, of which one would count for nothing."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidInput(
            "situation", f"has {', '.join(twice)} twice in {{{', '.join(names[:5])}...}}", "leave one out"
        )
    return values


def request_of(document: Document) -> PlanRequest:
    """The request of a parsed situation."""
    starts_at = _starts_at(document)
    steps = _steps(starts_at, document.parts("steps"))
    feeder_id = _root_id(document)
    needs = tuple(need_of(one, feeder_id, starts_at, steps) for one in document.parts("sessions"))
    return PlanRequest(
        id=document.text("id", "situation"),
        site_id=document.text("site_id", "situation"),
        requested_at=starts_at,
        steps=steps,
        voltage_v=document.number("voltage_v", 230.0),
        feeders=tuple(_feeder(one, document, starts_at, steps) for one in document.parts("feeders")),
        needs=needs,
        import_price_per_kwh=document.series("import_price_per_kwh", starts_at, steps, 0.0),
        export_price_per_kwh=document.series("export_price_per_kwh", starts_at, steps, 0.0),
        solar_kw=document.series("solar_kw", starts_at, steps, 0.0),
        other_load_kw=document.series("other_load_kw", starts_at, steps, 0.0),
        demand=tuple(_demand(one, starts_at, steps) for one in document.parts("demand")),
        likely=tuple(_likely(one, starts_at, steps, feeder_id) for one in document.parts("likely")),
        phasor_limits=tuple(vector_sum_of(one, needs, starts_at, steps) for one in document.parts("vector_sums")),
        fairness=document.choice("fairness", Fairness.HALF_FIRST),
        shortfall_price_per_kwh=document.number("shortfall_price_per_kwh", 0.0),
        time_limit_s=document.number("time_limit_s", 2.0),
        gap_target=document.number("gap_target", 0.001),
        batteries=tuple(battery_of(one, feeder_id) for one in document.parts("batteries")),
        subscriptions=tuple(subscription_of(one, starts_at, steps) for one in document.parts("subscriptions")),
        bands=bands_of(document, starts_at, steps),
        connections=tuple(connection_of(one, starts_at, steps) for one in document.parts("connections")),
        uncertain=tuple(uncertain_of(one, feeder_id, starts_at, steps) for one in document.parts("uncertain")),
        chance_level=document.number("chance_level", 0.95),
        energy_by=tuple(energy_by_of(one, starts_at) for one in document.parts("energy_by")),
        co2_g_per_kwh=document.series("co2_g_per_kwh", starts_at, steps) if document.has("co2_g_per_kwh") else (),
        co2_price_per_kg=document.number("co2_price_per_kg", 0.0),
    )


def _starts_at(document: Document) -> datetime:
    name, text = f"{document.path}.starts_at", document.text("starts_at")
    try:
        starts_at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(name, f"{text!r} is no instant", "write it as 2026-03-02T18:00:00Z") from None
    if starts_at.year not in YEARS:
        raise InvalidInput(name, f"{text} is ages away", f"begin from {YEARS.start} to {YEARS.stop - 1}")
    return require_aware(starts_at, name)


def _root_id(document: Document) -> str:
    """Id of the first feeder; InvalidInput where there is none, or a limit is for one that is not there."""
    ids = [one.text("id") for one in document.parts("feeders")]
    if not ids:
        raise InvalidInput(f"{document.path}.feeders", "there are none", "give at least the grid connection")
    for limit in document.parts("limits"):
        if limit.text("feeder") not in ids:
            raise InvalidInput(f"{limit.path}.feeder", f"{limit.text('feeder')!r} is no feeder", f"use one of {ids}")
    return ids[0]


def _steps(starts_at: datetime, runs: Sequence[Document]) -> tuple[Interval, ...]:
    steps: list[Interval] = []
    edge = starts_at
    for run in runs:
        count, minutes = run.whole("count"), run.number("minutes")
        if not 1 <= count <= MOST_STEPS - len(steps):
            problem = f"{count} is not from 1 to {MOST_STEPS} steps in all"
            raise InvalidInput(f"{run.path}.count", problem, "give fewer, longer ones")
        if not 0 < minutes <= 24 * 60:
            raise InvalidInput(f"{run.path}.minutes", f"{minutes:g} is no length of a step", "give up to a day")
        for _ in range(count):
            ends_at = edge + timedelta(minutes=minutes)
            steps.append(Interval(edge, ends_at))
            edge = ends_at
    return tuple(steps)


def _feeder(one: Document, document: Document, starts_at: datetime, steps: Sequence[Interval]) -> FeederCap:
    name, own = one.text("id"), _limit_of(one, one.number("limit_a"), (True,) * len(steps))
    limits = [own] + [
        _limit_of(limit, own.limit_a, limit.touches(starts_at, steps))
        for limit in document.parts("limits")
        if limit.text("feeder") == name
    ]
    held = [[limit for limit in limits if limit.holds[t]] for t in range(len(steps))]
    lowest = [min(row, key=lambda limit: limit.import_kw) for row in held]
    exports = [min(limit.export_kw for limit in row) for row in held]
    return FeederCap(
        feeder_id=name,
        parent_id=one.text("parent") if one.has("parent") else None,
        limit_a=tuple(min(limit.limit_a for limit in row) for row in held),
        import_kw=tuple(_finite(low.import_kw) for low in lowest),
        other_load_kw=_other_load_kw(one, document, starts_at, steps),
        reason=tuple(low.reason for low in lowest),
        export_kw=tuple(map(_finite, exports)) if any(limit.export_kw < inf for limit in limits) else (),
        voltage_v=one.maybe("voltage_v"),
        surplus_kw=one.series("surplus_kw", starts_at, steps) if one.has("surplus_kw") else (),
    )


def _other_load_kw(
    one: Document, document: Document, starts_at: datetime, steps: Sequence[Interval]
) -> tuple[float, ...]:
    """Its own, and at a grid connection that of the connection."""
    own_kw = one.series("other_load_kw", starts_at, steps, 0.0)
    meters = [meter for meter in document.parts("connections") if meter.text("feeder") == one.text("id")]
    if not meters and one.has("parent"):
        return own_kw
    connection_kw = (meters[0] if meters else document).series("other_load_kw", starts_at, steps, 0.0)
    return tuple(a + b for a, b in zip(own_kw, connection_kw, strict=True))


def _limit_of(one: Document, limit_a: float, holds: tuple[bool, ...]) -> _Limit:
    return _Limit(
        holds,
        one.number("limit_a", limit_a),
        one.number("import_kw", inf),
        one.number("export_kw", inf),
        one.text("reason", "installation"),
    )


def _finite(limit_kw: float) -> float | None:
    return limit_kw if limit_kw < inf else None


def _demand(one: Document, starts_at: datetime, steps: Sequence[Interval]) -> DemandPrice:
    return DemandPrice(
        price_per_kw=one.number("price_per_kw"),
        peak_so_far_kw=one.number("peak_so_far_kw", 0.0),
        applies=one.covers(starts_at, steps),
        window_s=int(one.seconds("window_min", 15.0)),
        measured_at=one.text("measured_at") if one.has("measured_at") else None,
        rises=tuple((rise.number("from_kw"), rise.number("price_per_kw")) for rise in one.parts("rises")),
    )


def _likely(one: Document, starts_at: datetime, steps: Sequence[Interval], feeder_id: str) -> LikelyDay:
    coming = tuple(_coming(c, starts_at, steps, feeder_id) for c in one.parts("coming"))
    own = {name: one.series(name, starts_at, steps) for name in ("other_load_kw", "solar_kw") if one.has(name)}
    return LikelyDay(one.number("probability"), coming, **own)


def _coming(one: Document, starts_at: datetime, steps: Sequence[Interval], feeder_id: str) -> Coming:
    least_kwh, most_kwh, most_kw = (
        one.series(name, starts_at, steps, 0.0) for name in ("least_kwh", "most_kwh", "most_kw")
    )
    return Coming(one.text("feeder", feeder_id), least_kwh, most_kwh, most_kw, one.phases())
