"""The demo end to end, on real parts: a server process on the embedded database, stations on sockets, killed on the way."""

import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from cpms.domain.errors import InvalidInput
from cpms.simulation.demo import run_demo
from cpms.simulation.demo_options import DemoOptions
from cpms.simulation.result import DemoResult

HOURS_S = 3600


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoResult, Path]:
    """The first four hours of the demo day, with the server killed while vans charge."""
    directory = tmp_path_factory.mktemp("demo")
    options = DemoOptions(report_dir=directory, until_s=4 * HOURS_S, kill_at_s=round(1.5 * HOURS_S), speed=300.0)
    return run_demo(options, Console(quiet=True)), directory


def test_no_second_of_the_day_is_above_a_limit_although_the_server_was_killed(
    lived: tuple[DemoResult, Path],
) -> None:
    optimized = lived[0].results[0]
    assert lived[0].restarts == 1
    assert [(limit.name, limit.worst_share) for limit in optimized.limits if limit.overload_s] == []


def test_no_second_is_above_a_limit_at_stations_whose_clocks_are_minutes_off() -> None:
    result = run_demo(DemoOptions(until_s=3 * HOURS_S // 2, speed=450.0, clocks_off_s=180.0), Console(quiet=True))
    optimized = result.results[0]
    assert len({round(ahead.total_seconds()) for ahead in result.day.clocks_ahead.values()}) > 20
    assert [(limit.name, limit.worst_share) for limit in optimized.limits if limit.overload_s] == []
    assert optimized.energy_kwh > 5


def test_no_session_is_lost_or_doubled_and_energy_is_what_the_vehicles_took(lived: tuple[DemoResult, Path]) -> None:
    result = lived[0]
    took = {v.visit.id_tag: round(v.energy_kwh, 1) for v in result.results[0].visits}
    kept = [(s["id_tag"], round(s["energy_kwh"], 1)) for s in result.sessions]
    assert len(kept) == len(took)
    assert dict(kept) == pytest.approx(took, abs=0.11)
    assert [s for s in result.sessions if s["ended_at"] is None or s["estimated"]] == []
    assert sum(took.values()) > 50


def test_every_plan_carries_its_certificate(lived: tuple[DemoResult, Path]) -> None:
    plans = json.loads((lived[1] / "report.json").read_text())["plans"]
    assert len(plans) > 10
    assert all(plan["gap"] is not None and plan["gap"] >= 0 for plan in plans if plan["status"] != "fallback")
    assert {plan["status"] for plan in plans} <= {"optimal", "feasible", "fallback"}


def test_the_report_compares_four_controllers_and_draws_the_day(lived: tuple[DemoResult, Path]) -> None:
    report = json.loads((lived[1] / "report.json").read_text())
    assert len(report["controllers"]) == 4
    for controller in report["controllers"].values():
        assert {"energy_kwh", "needs_met", "cost", "peak_kw", "shortfall_kwh", "limits"} <= controller.keys()
    assert (lived[1] / "day.png").read_bytes().startswith(b"\x89PNG")


def test_a_demo_that_is_ended_together_with_its_helpers_leaves_nothing_behind() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # the database may run as another user
        demo = subprocess.Popen(
            (sys.executable, "-m", "cpms", "demo"),
            env=os.environ | {"TMPDIR": directory},
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert demo.stdout is not None
        with demo.stdout:
            assert any("starting the server" in line for line in demo.stdout), "the demo ended by itself"
            os.killpg(demo.pid, signal.SIGTERM)
            demo.stdout.read()
        assert demo.wait(60) != 0
        assert list(Path(directory).glob("cpms-demo-*")) == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (DemoOptions(sessions=Path("sessions.csv")), "sessions"),
        (DemoOptions(report_dir=Path("/dev/null/report")), "report"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_machine_is_measured(options: DemoOptions, field: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(InvalidInput, match=field):
        run_demo(options, Console(quiet=True))
    assert resource.getrusage(resource.RUSAGE_CHILDREN) == before, "no process was started"


KEEP = """
import signal
from cpms.simulation.demo import run_demo
from cpms.simulation.demo_options import DemoOptions
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
run_demo(DemoOptions(keep=True, until_s=1800, speed=900.0))
"""


def test_a_demo_that_is_kept_serves_on_until_ctrl_c_and_leaves_nothing_behind() -> None:
    kept = subprocess.Popen([sys.executable, "-c", KEEP], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert kept.stdout is not None
    said = "".join(itertools.takewhile(lambda line: "Ctrl-C stops" not in line, kept.stdout)).replace("\n", "")
    served = re.search(r"still serving: (http://[0-9.:]+)/openapi.json with the token (\S+?); stations", said)
    assert served is not None, said
    url, token = served.groups()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:
        assert http.get("/readyz").status_code == 200
        assert len(http.get("/api/v1/sites").json()["items"]) == 1
        kept.send_signal(signal.SIGINT)
        problems, _ = kept.communicate(timeout=60)
        with pytest.raises(httpx.TransportError):
            http.get("/readyz")
    assert kept.returncode == -signal.SIGINT, problems
    directory = re.search(r"preparing the database in (/\S+?cpms-demo-[a-z0-9_]+)", said)
    assert directory is not None, said
    assert not Path(directory[1]).exists()
