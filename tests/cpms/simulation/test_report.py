from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cpms.simulation import report
from cpms.simulation.comparison import compare
from cpms.simulation.result import DemoResult
from cpms.simulation.scenario import Day, Visit

PLAN = {"made_at": "2026-03-02T06:00:00Z", "status": "optimal", "gap": 0.0004, "cpu_s": 0.21}
SESSION = {"ended_at": "2026-03-02T06:50:00Z", "estimated": False, "energy_kwh": 5.0}


@pytest.fixture
def result(make_day: Callable[..., Day], make_visit: Callable[..., Visit]) -> DemoResult:
    day = make_day([make_visit(name, energy_kwh=12.0) for name in "abc"], other_kw=5.0, import_limit_kw=30.0)
    return DemoResult(day, compare(day, 1), (PLAN,), (SESSION,), (), 1)


def test_the_report_has_every_figure_per_controller_limit_and_plan(result: DemoResult, tmp_path: Path) -> None:
    report.require_writable(tmp_path / "made")
    report.write(result, tmp_path / "made")
    written = json.loads((tmp_path / "made" / "report.json").read_text())
    assert set(written["controllers"]) == {"uncontrolled", "equal sharing", "earliest deadline first"}
    ours = written["controllers"]["uncontrolled"]
    assert ours["energy_kwh"] == pytest.approx(36.0, abs=0.05)
    assert (ours["needs"], ours["needs_met"]) == (3, 3)
    assert ours["cost"] == pytest.approx(ours["energy_cost"] + ours["demand_cost"], abs=0.011)
    assert ours["limits"]["grid connection"]["overload_s"] > 0
    assert ours["limits"]["grid connection"]["worst_overload_pct"] > 10
    assert written["plans"] == [PLAN]
    assert written["restarts"] == 1
    assert any("when a vehicle will leave" in note for note in written["notes"])


def test_the_picture_is_a_png(result: DemoResult, tmp_path: Path) -> None:
    report.write(result, tmp_path)
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")


def test_the_tables_name_controllers_and_limits(result: DemoResult) -> None:
    console = Console(record=True, width=100, file=StringIO())
    report.show(result, console)
    text = console.export_text()
    for expected in ("uncontrolled", "equal sharing", "grid connection", "feeder row", "certified gap median 0.040%"):
        assert expected in text


def test_the_bill_is_energy_at_its_price_plus_the_highest_quarter_hour(result: DemoResult) -> None:
    uncontrolled = result.results[0]
    energy_kwh = uncontrolled.net_kw.sum() / 60
    assert float(uncontrolled.bill.energy_cost) == pytest.approx(0.2 * energy_kwh)
    assert float(uncontrolled.bill.demand_cost) == pytest.approx(uncontrolled.bill.peak_kw)
