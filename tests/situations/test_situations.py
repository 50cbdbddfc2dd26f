"""Golden situations: `situation.json` says what is the case, `expected.json` what must be true of its plan.

`expected.json` knows: `shortfall_kwh` and `delivered_kwh` {session: [least, most]}; `late_kwh` {session: [[least, most], ...]},
of its targets; `starts` {session: [least, most]}; `delivered_until_kwh` [{session, until_h, between: [least, most]}], by the end
of the last step before; `power_kw` [{session or "all", from_h, until_h, between: [least, most]}] in every step that starts there,
`battery_kw` the same of {battery} and `discharge_kw` of what vehicles give; `discharged_kwh` {session: [least, most]};
`single_phase` [{session, from_h, until_h, is}] in every step that starts there; `switches` {session: [least, most]};
`stored_kwh` {battery: [least, most]} at the end; `term` {term of the objective: [least, most]}; `cost`, `peak_kw` [least, most];
`status`; `binding` and `relaxed` ["feeder" or "feeder phase"] that must be named. Every plan must besides keep all limits and
give nobody more than his need.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cpms.domain.binding import BindingLimit, RelaxedLimit
from cpms.domain.plan import Plan, PlanRequest
from optimizer import plan
from optimizer.report.page import describe
from optimizer.situations.situation import read_situation
from tests.optimizer.oracle import energy_kwh, exceeded_limits, hours_of, starts

SITUATIONS = sorted(path.parent for path in Path(__file__).parent.glob("*/situation.json"))


PATIENCE_S = 20.0
"""What must be true of a plan must not depend on how busy the machine is."""


@pytest.mark.parametrize("folder", SITUATIONS, ids=lambda folder: folder.name)
def test_situation(folder: Path):
    asked = read_situation((folder / "situation.json").read_text())
    asked = replace(asked, time_limit_s=max(asked.time_limit_s, PATIENCE_S))
    expected: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    for need, session in zip(asked.needs, made.sessions, strict=True):
        assert need.v2g or energy_kwh(asked, need, session) <= max(0.0, need.energy_kwh) + 1e-6
    for name, wanted in expected.items():
        CHECKS[name](asked, made, wanted)
    assert made.status.value in describe(asked, made)


def test_there_are_at_least_thirty_situations():
    assert len(SITUATIONS) >= 30


def _between(value: float, bounds: list[float], what: str) -> None:
    assert bounds[0] - 1e-6 <= value <= bounds[1] + 1e-6, f"{what} is {value:.4f}, not in {bounds}"


def _shortfall(asked: PlanRequest, made: Plan, wanted: dict[str, list[float]]) -> None:
    short = {session.session_id: session.shortfall_kwh for session in made.sessions}
    for name, bounds in wanted.items():
        _between(short[name], bounds, f"shortfall of {name}")


def _delivered(asked: PlanRequest, made: Plan, wanted: dict[str, list[float]]) -> None:
    for need, session in zip(asked.needs, made.sessions, strict=True):
        if need.session_id in wanted:
            _between(energy_kwh(asked, need, session), wanted[need.session_id], f"energy of {need.session_id}")


def _late(asked: PlanRequest, made: Plan, wanted: dict[str, list[list[float]]]) -> None:
    late = {session.session_id: session.late_kwh for session in made.sessions}
    for name, targets in wanted.items():
        for kwh, bounds in zip(late[name], targets, strict=True):
            _between(kwh, bounds, f"what {name} is late of")


def _delivered_until(asked: PlanRequest, made: Plan, wanted: list[dict[str, Any]]) -> None:
    for one in wanted:
        need, session = next(
            pair for pair in zip(asked.needs, made.sessions, strict=True) if pair[1].session_id == one["session"]
        )
        energy_kwh = sum(
            hours * power
            for step, hours, power in zip(asked.steps, hours_of(asked, need), session.power_kw, strict=True)
            if (step.ends_at - asked.requested_at).total_seconds() / 3600 <= one["until_h"] + 1e-9
        )
        _between(energy_kwh, one["between"], f"energy of {one['session']} until {one['until_h']} h")


def _starts(asked: PlanRequest, made: Plan, wanted: dict[str, list[float]]) -> None:
    for need, session in zip(asked.needs, made.sessions, strict=True):
        if need.session_id in wanted:
            _between(starts(need, session), wanted[need.session_id], f"starts of {need.session_id}")


def _power(asked: PlanRequest, made: Plan, wanted: list[dict[str, Any]]) -> None:
    for one in wanted:
        members = [s for s in made.sessions if one["session"] in ("all", s.session_id)]
        assert members, one
        for t, step in enumerate(asked.steps):
            after_h = (step.starts_at - asked.requested_at).total_seconds() / 3600
            if one["from_h"] <= after_h + 1e-9 < one["until_h"]:
                _between(sum(s.power_kw[t] for s in members), one["between"], f"power of {one['session']} in step {t}")


def _single_phase(asked: PlanRequest, made: Plan, wanted: list[dict[str, Any]]) -> None:
    by_id = {session.session_id: session for session in made.sessions}
    for one in wanted:
        for t, step in enumerate(asked.steps):
            after_h = (step.starts_at - asked.requested_at).total_seconds() / 3600
            if one["from_h"] <= after_h + 1e-9 < one["until_h"]:
                assert by_id[one["session"]].single_phase[t] is one["is"], f"{one['session']} in step {t}"


def _switches(asked: PlanRequest, made: Plan, wanted: dict[str, list[float]]) -> None:
    for need, session in zip(asked.needs, made.sessions, strict=True):
        if need.session_id in wanted:
            course = (need.on_single_phase, *session.single_phase)
            switched = sum(now != before for before, now in pairwise(course))
            _between(switched, wanted[need.session_id], f"switches of {need.session_id}")


def _discharge(asked: PlanRequest, made: Plan, wanted: list[dict[str, Any]]) -> None:
    by_id = {session.session_id: session for session in made.sessions}
    for one in wanted:
        for t, step in enumerate(asked.steps):
            after_h = (step.starts_at - asked.requested_at).total_seconds() / 3600
            if one["from_h"] <= after_h + 1e-9 < one["until_h"]:
                _between(
                    by_id[one["session"]].discharge_kw[t], one["between"], f"given by {one['session']} in step {t}"
                )


def _discharged(asked: PlanRequest, made: Plan, wanted: dict[str, list[float]]) -> None:
    for need, session in zip(asked.needs, made.sessions, strict=True):
        if need.session_id in wanted:
            given_kwh = sum(h * p for h, p in zip(hours_of(asked, need), session.discharge_kw, strict=True))
            _between(given_kwh, wanted[need.session_id], f"given by {need.session_id}")


def _battery_power(asked: PlanRequest, made: Plan, wanted: list[dict[str, Any]]) -> None:
    by_id = {battery.battery_id: battery for battery in made.batteries}
    for one in wanted:
        for t, step in enumerate(asked.steps):
            after_h = (step.starts_at - asked.requested_at).total_seconds() / 3600
            if one["from_h"] <= after_h + 1e-9 < one["until_h"]:
                power_kw = by_id[one["battery"]].power_kw[t]
                _between(power_kw, one["between"], f"power of {one['battery']} in step {t}")


def _stored(asked: PlanRequest, made: Plan, wanted: dict[str, list[float]]) -> None:
    for battery in made.batteries:
        if battery.battery_id in wanted:
            _between(battery.stored_kwh[-1], wanted[battery.battery_id], f"stored in {battery.battery_id}")


def _cost(asked: PlanRequest, made: Plan, wanted: list[float]) -> None:
    _between(made.cost_by_term["energy"] + made.cost_by_term["demand"], wanted, "energy and demand cost")


def _terms(asked: PlanRequest, made: Plan, wanted: dict[str, list[float]]) -> None:
    for name, bounds in wanted.items():
        _between(made.cost_by_term[name], bounds, f"term {name}")


def _peak(asked: PlanRequest, made: Plan, wanted: list[float]) -> None:
    _between(made.peak_kw, wanted, "peak")


def _status(asked: PlanRequest, made: Plan, wanted: str) -> None:
    assert made.status.value == wanted


def _binding(asked: PlanRequest, made: Plan, wanted: list[str]) -> None:
    _named(made.binding, wanted)


def _relaxed(asked: PlanRequest, made: Plan, wanted: list[str]) -> None:
    _named(made.relaxed, wanted)


def _named(limits: tuple[BindingLimit | RelaxedLimit, ...], wanted: list[str]) -> None:
    named = {one.feeder_id if one.phase is None else f"{one.feeder_id} {one.phase.value}" for one in limits}
    assert set(wanted) <= named if wanted else not named, named


CHECKS: dict[str, Callable[[PlanRequest, Plan, Any], None]] = {
    "shortfall_kwh": _shortfall,
    "delivered_kwh": _delivered,
    "delivered_until_kwh": _delivered_until,
    "late_kwh": _late,
    "starts": _starts,
    "power_kw": _power,
    "battery_kw": _battery_power,
    "discharge_kw": _discharge,
    "discharged_kwh": _discharged,
    "single_phase": _single_phase,
    "switches": _switches,
    "stored_kwh": _stored,
    "cost": _cost,
    "term": _terms,
    "peak_kw": _peak,
    "status": _status,
    "binding": _binding,
    "relaxed": _relaxed,
}
