"""A printed plan names what matters."""

from __future__ import annotations

from dataclasses import replace

from optimizer import plan
from optimizer.report import blocks, describe
from tests.optimizer.requests import feeder, need, request


def test_a_described_plan_names_status_sessions_shortfall_and_reasons():
    asked = request(need("early-bird", 40.0), feeders=(feeder(4, import_kw=7.0),))
    text = describe(asked, plan(asked))
    assert "optimal plan, at most" in text
    assert "early-bird" in text
    assert "held back by root at 7 kW (grid connection)" in text
    assert max(len(line) for line in text.splitlines()) <= 170


def test_a_plan_by_rule_says_why():
    asked = replace(request(need()), time_limit_s=1e-9)
    text = describe(asked, plan(asked))
    assert "fallback plan, no certificate" in text
    assert "planned by rule" in text


def test_limits_that_cannot_hold_are_named():
    asked = request(need(), feeders=(feeder(4, import_kw=5.0, other_load_kw=8.0),))
    assert "other load alone is 3.0 kW above the limit" in describe(asked, plan(asked))


def test_a_session_is_drawn_as_a_block_per_step():
    assert blocks([0.0, 0.01, 8.0, 16.0], 16.0) == "·▁▄█"
