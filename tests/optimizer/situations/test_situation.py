"""Situations written by people are read, or refused with what is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.units import Phase
from optimizer.situations.situation import read_situation

DOCUMENT: dict[str, Any] = {
    "starts_at": "2026-03-02T18:00:00Z",
    "steps": [{"count": 2, "minutes": 30}, {"count": 2, "minutes": 60}],
    "feeders": [{"id": "grid", "limit_a": 63, "import_kw": 40}, {"id": "garage", "parent": "grid", "limit_a": 40}],
    "limits": [{"feeder": "grid", "import_kw": 10, "from_h": 0.75, "until_h": 1, "reason": "utility event"}],
    "import_price_per_kwh": [{"value": 0.2}, {"from_h": 1, "until_h": 2, "value": 0.5}],
    "other_load_kw": 5,
    "demand": [{"price_per_kw": 10, "peak_so_far_kw": 20, "until_h": 1}],
    "sessions": [{"id": "a", "feeder": "garage", "need_kwh": 20, "leaves_h": 2, "phases": "L2", "arrives_h": 0.5}],
}


def test_a_situation_becomes_a_request():
    asked = read_situation(json.dumps(DOCUMENT))
    assert [step.duration_h for step in asked.steps] == [0.5, 0.5, 1.0, 1.0]
    assert asked.import_price_per_kwh == (0.2, 0.2, 0.5, 0.2)
    assert asked.feeders[0].other_load_kw == (5.0,) * 4
    assert asked.feeders[1].other_load_kw == (0.0,) * 4
    assert asked.demand[0].applies == (True, True, False, False)
    assert asked.needs[0].phases == (Phase.L2,)
    assert asked.needs[0].arrives_at == asked.steps[1].starts_at


def test_a_limit_holds_in_every_step_it_touches_and_gives_its_reason():
    grid = read_situation(json.dumps(DOCUMENT)).feeders[0]
    assert grid.import_kw == (40.0, 10.0, 40.0, 40.0)
    assert grid.reason == ("installation", "utility event", "installation", "installation")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "situation"),
        ("[]", "situation"),
        ("[" * 100_000, "situation"),
        (json.dumps({**DOCUMENT, "steps": [{"minutes": 5}]}), "situation.steps[0].count"),
        (json.dumps({**DOCUMENT, "steps": [{"count": 100_000, "minutes": 5}]}), "situation.steps[0].count"),
        (json.dumps({**DOCUMENT, "feeders": []}), "situation.feeders"),
        (json.dumps({**DOCUMENT, "limits": [{"feeder": "gird", "import_kw": 5}]}), "situation.limits[0].feeder"),
        (json.dumps({**DOCUMENT, "soalr_kw": 5}), "situation.soalr_kw"),
        (
            json.dumps({**DOCUMENT, "solar_kw": [{"value": 5}, {"value": 3, "form_h": 1}]}),
            "situation.solar_kw[1].form_h",
        ),
        (json.dumps({k: v for k, v in DOCUMENT.items() if k != "feeders"}), "situation.feeders"),
        (json.dumps({**DOCUMENT, "starts_at": "2026-03-02T18:00:00"}), "situation.starts_at"),
        (json.dumps({**DOCUMENT, "starts_at": "yesterday"}), "situation.starts_at"),
        (json.dumps({**DOCUMENT, "starts_at": "9999-12-31T23:30:00Z"}), "situation.starts_at"),
        (json.dumps({**DOCUMENT, "starts_at": "0001-01-01T00:00:00+05:00"}), "situation.starts_at"),
        (json.dumps({**DOCUMENT, "solar_kw": "much"}), "situation.solar_kw"),
        (
            json.dumps({**DOCUMENT, "limits": [{"feeder": "grid", "from_h": 2, "until_h": 1}]}),
            "situation.limits[0].until_h",
        ),
        (
            json.dumps({**DOCUMENT, "demand": [{"price_per_kw": 1, "window_min": 1e6}]}),
            "situation.demand[0].window_min",
        ),
        (
            json.dumps({**DOCUMENT, "vector_sums": [{"id": "line", "limit_a": 9, "turns": [{"session": "nobody"}]}]}),
            "situation.vector_sums[0].turns[0].session",
        ),
        (json.dumps({**DOCUMENT, "id": "two\nlines"}), "situation.id"),
        (json.dumps({**DOCUMENT, "id": "\ud800"}), "situation.id"),
        ('{"voltage_v": 230, "voltage_v": 400}', "situation"),
        ('{"voltage_v": ' + "9" * 5000 + "}", "situation"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, field: str):
    with pytest.raises(InvalidInput) as refused:
        read_situation(text)
    assert refused.value.field == field


def with_session(**said: Any) -> str:
    return json.dumps({**DOCUMENT, "sessions": [{"id": "a", "leaves_h": 2, **said}]})


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (with_session(need_soc=0.8), "situation.sessions[0].need_soc"),
        (with_session(need_soc=80, battery={"capacity_kwh": 60, "soc": 0.3}), "situation.sessions[0].need_soc"),
        (
            with_session(need_soc=1, need_kwh=3, battery={"capacity_kwh": 60, "soc": 0}),
            "situation.sessions[0].need_soc",
        ),
        (with_session(need_kwh=3, max_a=-1), "situation.sessions[0].max_a"),
        (with_session(need_kwh=3, min_a=-1), "situation.sessions[0].min_a"),
        (with_session(need_kwh=3, feeder="gird"), "situation.sessions[0].feeder"),
        (with_session(need_kwh=3, switching={"dwell_min": -1}), "situation.sessions[0].switching.dwell_min"),
        (with_session(need_kwh=3, v2g={"floor_kwh": 0, "max_a": 9}), "situation.sessions[0].battery"),
        (
            json.dumps({**DOCUMENT, "vector_sums": [{"id": "line", "limit_a": -9, "turns": []}]}),
            "situation.vector_sums[0].limit_a",
        ),
        (json.dumps({**DOCUMENT, "sessions": [*DOCUMENT["sessions"]] * 2}), "situation.sessions"),
        (
            json.dumps({**DOCUMENT, "feeders": [{"id": "grid", "limit_a": 9, "parent": "b"}]}),
            "situation.feeders[0].parent",
        ),
        (
            json.dumps({**DOCUMENT, "bands": [{"least_kw": 9, "most_kw": 1, "penalty_per_kwh": 1}]}),
            "situation.bands[0].most_kw",
        ),
        (
            json.dumps({**DOCUMENT, "reductions": [{"baseline_kw": 9, "reduce_kw": 1, "penalty_per_kwh": -1}]}),
            "situation.reductions[0].penalty_per_kwh",
        ),
        (
            json.dumps({**DOCUMENT, "energy_by": [{"by_h": 1, "penalty_per_kwh": 1, "least_kwh": 9, "most_kwh": 1}]}),
            "situation.energy_by[0].most_kwh",
        ),
    ],
)
def test_what_cannot_be_planned_with_is_named_by_its_place_in_the_situation(text: str, field: str):
    with pytest.raises(InvalidInput) as refused:
        read_situation(text)
    assert refused.value.field == field


def test_a_situation_that_is_no_object_is_refused_as_such() -> None:
    with pytest.raises(InvalidInput, match="is no JSON object"):
        read_situation("[]")


EVERYTHING: dict[str, Any] = {
    **DOCUMENT,
    "title": "all there is",
    "likely": [{"probability": 1.0, "coming": [{"least_kwh": 0, "most_kwh": [{"value": 6}], "most_kw": 7}]}],
    "sessions": [
        {
            "id": "a",
            "need_soc": 0.9,
            "leaves_h": 3,
            "setpoints_a": [0, 10],
            "max_starts": 2,
            "battery": {"capacity_kwh": 60, "soc": 0.3, "acceptance": [[0.8, 11], [1, 2]]},
            "targets": [{"energy_kwh": 5, "due_h": 1}],
            "v2g": {"floor_kwh": 20, "max_a": 16},
        },
        {"id": "b", "likely": [{"energy_kwh": 12, "departs_h": 2, "probability": 1}]},
        {
            "id": "c",
            "need_kwh": 1,
            "leaves_h": 2,
            "switching": {"single": "L1", "on_single_phase": True, "switched_h": -1},
        },
    ],
    "batteries": [{"id": "b", "feeder": "grid", "capacity_kwh": 100, "stored_kwh": 50, "max_kw": 50}],
    "subscriptions": [{"subscribed_kw": 30, "fee": 10}],
    "bands": [{"least_kw": 5, "penalty_per_kwh": 1, "until_h": 2, "reason": "setpoint"}],
    "reductions": [{"baseline_kw": 30, "reduce_kw": 10, "penalty_per_kwh": 1}],
    "energy_by": [{"by_h": 3, "least_kwh": 20, "penalty_per_kwh": 1}],
    "connections": [{"feeder": "garage", "import_price_per_kwh": 0.2}],
    "uncertain": [{"feeder": "grid", "mean_kw": -4, "levels": [0.05, 0.95], "quantiles_kw": [-8, 0]}],
}


def places(part: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where there is anything in a document."""
    inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in inside:
        yield (*path, name)
        yield from places(value, (*path, name))


def written(path: tuple[str | int, ...]) -> str:
    return "situation" + "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in path)


def with_wrong(path: tuple[str | int, ...], wrong: Any) -> str:
    broken = copy.deepcopy(EVERYTHING)
    part: Any = broken
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = wrong
    return json.dumps(broken)


def refused_at(text: str) -> str | None:
    try:
        read_situation(text)
    except InvalidInput as error:
        return error.field
    return None


@pytest.mark.parametrize("wrong", ["x", {}, 0.5, True, -1e300, float("nan")], ids=repr)
def test_whatever_is_wrong_in_a_situation_is_refused_at_its_place_or_can_be_read(wrong: Any):
    others = {("feeders", 0, "id"), ("feeders", 1, "id")}  # others name them
    fields = {path: refused_at(with_wrong(path, wrong)) for path in places(EVERYTHING) if path not in others}
    refused = {written(path): field for path, field in fields.items() if field is not None}
    contradicted = set(map(written, places(EVERYTHING))) if isinstance(wrong, float) else set()
    elsewhere = {place: field for place, field in refused.items() if not field.startswith(place)}
    assert {place: field for place, field in elsewhere.items() if field not in contradicted} == {}
    assert len(refused) > 20


def test_everything_that_a_situation_may_say_can_be_read():
    asked = read_situation(json.dumps(EVERYTHING))
    assert len(asked.needs) == 3
    assert asked.needs[2].on_single_phase
    assert asked.batteries[0].max_charge_kw == 50.0
