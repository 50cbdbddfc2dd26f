"""A printed plan names what matters."""

from __future__ import annotations

from dataclasses import replace

from cpms.domain.need import VehicleBattery, VehicleToGrid
from cpms.domain.storage import Battery
from optimizer import explain, plan
from optimizer.report.page import blocks, describe
from tests.optimizer.requests import feeder, need, request


def test_a_described_plan_names_status_sessions_shortfall_and_reasons():
    asked = request(need("early-bird", 40.0), feeders=(feeder(4, import_kw=7.0),))
    text = describe(asked, plan(asked))
    assert "optimal plan, at most" in text
    assert "early-bird" in text
    assert "held back by root at 7 kW (grid connection)" in text
    assert max(len(line) for line in text.splitlines()) <= 170


def test_one_more_kilowatt_of_grid_is_said_to_save_what_it_saves():
    asked = request(need("early-bird", 40.0), feeders=(feeder(4, import_kw=7.0),))
    made = plan(asked)
    text = describe(asked, made, explain(asked, made))
    assert "one more kW of grid throughout would save" in text
    assert f"({made.binding[0].shadow_price_per_kwh:.3f} per kWh)" in text


def test_batteries_and_cars_that_give_are_drawn():
    giving = replace(
        need("giver", 0.0), battery=VehicleBattery(60.0, 0.5), v2g=VehicleToGrid(10.0, 16.0, efficiency=0.9)
    )
    asked = replace(
        request(giving, price=(0.9, 0.9, 0.1, 0.1), other_load_kw=(8.0, 8.0, 0.0, 0.0)),
        batteries=(Battery("house", "root", 10.0, 5.0, 5.0, 5.0),),
    )
    text = describe(asked, plan(asked))
    assert "gives back" in text
    assert "house" in text
    assert "holds" in text


def test_what_is_generated_above_an_export_cap_is_named():
    sunny = replace(feeder(4, other_load_kw=-8.0), export_kw=(3.0,) * 4)
    asked = request(feeders=(sunny,))
    assert "5.0 kW more is generated than may be fed in" in describe(asked, plan(asked))


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


def test_what_is_on_its_way_to_a_connector_that_may_do_nothing_is_drawn():
    assert blocks([16.0, 0.0], 0.0) == "█·"


def test_rounding_errors_are_not_drawn():
    assert blocks([4e-16, -1e-12], 5.0) == "··"
