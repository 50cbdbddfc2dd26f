"""Situations written by people are read, or refused with what is wrong."""

from __future__ import annotations

import json

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.units import Phase
from optimizer.situations.situation import read_situation

DOCUMENT = {
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
        (json.dumps({**DOCUMENT, "steps": [{"minutes": 5}]}), "situation.count"),
        (json.dumps({k: v for k, v in DOCUMENT.items() if k != "feeders"}), "situation.feeders"),
        (json.dumps({**DOCUMENT, "starts_at": "2026-03-02T18:00:00"}), "situation.starts_at"),
        (json.dumps({**DOCUMENT, "starts_at": "yesterday"}), "situation"),
        (json.dumps({**DOCUMENT, "solar_kw": "much"}), "situation"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, field: str):
    with pytest.raises(InvalidInput) as refused:
        read_situation(text)
    assert refused.value.field == field


def test_a_situation_that_is_no_object_is_refused_as_such() -> None:
    with pytest.raises(InvalidInput, match="is no JSON object"):
        read_situation("[]")
