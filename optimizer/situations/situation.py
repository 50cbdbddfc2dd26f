"""A situation as a person writes it (JSON) into a PlanRequest. Times are hours after the start (`from_h`, `until_h`, `leaves_h`).

    {"title": "...", "starts_at": "2026-03-02T18:00:00Z", "steps": [{"count": 12, "minutes": 5}, {"count": 20, "minutes": 15}],
     "feeders": [{"id": "grid", "limit_a": 63, "import_kw": 40}, {"id": "garage", "parent": "grid", "limit_a": 40}],
     "limits": [{"feeder": "grid", "import_kw": 10, "from_h": 1, "until_h": 2, "reason": "utility event"}],
     "import_price_per_kwh": 0.3, "export_price_per_kwh": [{"from_h": 1, "until_h": 3, "value": 0.05}], "solar_kw": 0,
     "other_load_kw": 5, "demand": [{"price_per_kw": 10, "peak_so_far_kw": 20, "window_min": 15,
                                                    "rises": [{"from_kw": 30, "price_per_kw": 15}]}],
     "likely": [{"probability": 0.5, "coming": [{"feeder": "garage", "least_kwh": [{"from_h": 1, "value": 6}], "most_kwh": 6,
                                                 "most_kw": 7}]}, {"probability": 0.5}],
     "sessions": [{"id": "a", "feeder": "garage", "need_kwh": 20, "leaves_h": 3, "phases": "L1L2L3", "max_a": 16, "priority": 0}],
     "batteries": [{"id": "b", "feeder": "grid", "capacity_kwh": 100, "stored_kwh": 50, "max_kw": 50, "reserve_kwh": 10}]}

Everything a session may have: see `optimizer.situations.need`.

A quantity over time is a number, or pieces of which the last that covers a step holds (0 where none does). `other_load_kw` is at
the grid connection; a feeder may have its own besides. What a battery may have besides: `situation_storage`; contracts,
CO2 and utilities: `situation_contract`. A limit or feeder may have `export_kw`, a feeder `surplus_kw`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from cpms.domain.errors import InvalidInput
from cpms.domain.need import Fairness
from cpms.domain.plan import Coming, DemandPrice, FeederCap, LikelyDay, PlanRequest
from cpms.domain.time import Interval, require_aware
from cpms.domain.units import PHASES
from optimizer.situations.contract import bands_of, connection_of, energy_by_of, subscription_of, uncertain_of
from optimizer.situations.document import Document, covers, series, touches
from optimizer.situations.need import need_of
from optimizer.situations.storage import battery_of


def read_situation(text: str) -> PlanRequest:
    """The request a JSON document describes; InvalidInput names what cannot be read."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput("situation", f"is not JSON ({error})", "correct it at that place") from error
    if not isinstance(document, dict):
        raise InvalidInput(
            "situation", "is no JSON object", "write it as {...}, such as tests/situations/*/situation.json"
        )
    try:
        return request_of(document)
    except KeyError as error:
        raise InvalidInput(f"situation.{error.args[0]}", "is missing", "give it") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(
            "situation", f"has a value of the wrong kind ({error})", "see optimizer.situations.situation"
        ) from error


def request_of(document: Document) -> PlanRequest:
    """The request of a parsed situation."""
    starts_at = require_aware(datetime.fromisoformat(document["starts_at"]), "situation.starts_at")
    steps = _steps(starts_at, document["steps"])
    other_load = series(document.get("other_load_kw", 0.0), starts_at, steps)
    return PlanRequest(
        id=document.get("id", "situation"),
        site_id=document.get("site_id", "situation"),
        requested_at=starts_at,
        steps=steps,
        voltage_v=float(document.get("voltage_v", 230.0)),
        feeders=tuple(_feeder(one, document, starts_at, steps, other_load) for one in document["feeders"]),
        needs=tuple(
            need_of(one, document["feeders"][0]["id"], starts_at, steps) for one in document.get("sessions", ())
        ),
        import_price_per_kwh=series(document.get("import_price_per_kwh", 0.0), starts_at, steps),
        export_price_per_kwh=series(document.get("export_price_per_kwh", 0.0), starts_at, steps),
        solar_kw=series(document.get("solar_kw", 0.0), starts_at, steps),
        other_load_kw=other_load,
        demand=tuple(_demand(one, starts_at, steps) for one in document.get("demand", ())),
        likely=tuple(
            _likely(one, starts_at, steps, document["feeders"][0]["id"]) for one in document.get("likely", ())
        ),
        fairness=Fairness(document.get("fairness", Fairness.HALF_FIRST.value)),
        shortfall_price_per_kwh=float(document.get("shortfall_price_per_kwh", 0.0)),
        time_limit_s=float(document.get("time_limit_s", 2.0)),
        gap_target=float(document.get("gap_target", 0.001)),
        batteries=tuple(battery_of(one, document) for one in document.get("batteries", ())),
        subscriptions=tuple(subscription_of(one, starts_at, steps) for one in document.get("subscriptions", ())),
        bands=bands_of(document, starts_at, steps),
        connections=tuple(connection_of(one, starts_at, steps) for one in document.get("connections", ())),
        uncertain=tuple(uncertain_of(one, document, starts_at, steps) for one in document.get("uncertain", ())),
        chance_level=float(document.get("chance_level", 0.95)),
        energy_by=tuple(energy_by_of(one, starts_at) for one in document.get("energy_by", ())),
        co2_g_per_kwh=series(document["co2_g_per_kwh"], starts_at, steps) if "co2_g_per_kwh" in document else (),
        co2_price_per_kg=float(document.get("co2_price_per_kg", 0.0)),
    )


def _steps(starts_at: datetime, runs: Sequence[Document]) -> tuple[Interval, ...]:
    steps, edge = [], starts_at
    for run in runs:
        for _ in range(int(run["count"])):
            ends_at = edge + timedelta(minutes=float(run["minutes"]))
            steps.append(Interval(edge, ends_at))
            edge = ends_at
    return tuple(steps)


def _feeder(
    one: Document, document: Document, starts_at: datetime, steps: Sequence[Interval], other_load: tuple[float, ...]
) -> FeederCap:
    own = series(one.get("other_load_kw", 0.0), starts_at, steps)
    own_meter = [c for c in document.get("connections", ()) if c["feeder"] == one["id"]]
    if own_meter:
        other_load = series(own_meter[0].get("other_load_kw", 0.0), starts_at, steps)
    is_root = bool(own_meter) or one.get("parent") is None
    pieces = [one, *(limit for limit in document.get("limits", ()) if limit["feeder"] == one["id"])]
    held = [[piece for piece in pieces if piece is one or touches(piece, starts_at, step)] for step in steps]
    lowest = [
        min((p for p in row if "import_kw" in p), key=lambda p: float(p["import_kw"]), default=one) for row in held
    ]
    return FeederCap(
        feeder_id=one["id"],
        parent_id=one.get("parent"),
        limit_a=tuple(min(float(p["limit_a"]) for p in row if "limit_a" in p) for row in held),
        import_kw=tuple(float(low["import_kw"]) if "import_kw" in low else None for low in lowest),
        other_load_kw=tuple(a + b for a, b in zip(own, other_load, strict=True)) if is_root else own,
        reason=tuple(low.get("reason", "installation") for low in lowest),
        export_kw=tuple(_lowest(row, "export_kw") for row in held) if any("export_kw" in p for p in pieces) else (),
        voltage_v=float(one["voltage_v"]) if "voltage_v" in one else None,
        surplus_kw=series(one["surplus_kw"], starts_at, steps) if "surplus_kw" in one else (),
    )


def _lowest(pieces: Sequence[Document], name: str) -> float | None:
    return min((float(piece[name]) for piece in pieces if name in piece), default=None)


def _demand(one: Document, starts_at: datetime, steps: Sequence[Interval]) -> DemandPrice:
    return DemandPrice(
        price_per_kw=float(one["price_per_kw"]),
        peak_so_far_kw=float(one.get("peak_so_far_kw", 0.0)),
        applies=tuple(covers(one, starts_at, step) for step in steps),
        window_s=int(60 * float(one.get("window_min", 15))),
        measured_at=one.get("measured_at"),
        rises=tuple((float(rise["from_kw"]), float(rise["price_per_kw"])) for rise in one.get("rises", ())),
    )


def _likely(one: Document, starts_at: datetime, steps: Sequence[Interval], feeder_id: str) -> LikelyDay:
    return LikelyDay(
        float(one["probability"]), tuple(_coming(c, starts_at, steps, feeder_id) for c in one.get("coming", ()))
    )


def _coming(one: Document, starts_at: datetime, steps: Sequence[Interval], feeder_id: str) -> Coming:
    least_kwh, most_kwh, most_kw = (
        series(one.get(name, 0.0), starts_at, steps) for name in ("least_kwh", "most_kwh", "most_kw")
    )
    phases = tuple(phase for phase in PHASES if phase.value in one.get("phases", "L1L2L3"))
    return Coming(one.get("feeder", feeder_id), least_kwh, most_kwh, most_kw, phases)
