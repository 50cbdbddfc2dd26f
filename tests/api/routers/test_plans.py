from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx

from api import Services
from api.schemas.plans import PlanView
from cpms.domain.binding import BindingLimit, RelaxedLimit
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import Plan, PlanStatus, SessionPlan
from cpms.domain.time import Interval
from cpms.domain.units import Phase
from tests.api.conftest import NOW

STEPS = (
    Interval(NOW, NOW + timedelta(minutes=15)),
    Interval(NOW + timedelta(minutes=15), NOW + timedelta(minutes=30)),
)
PLAN = Plan(
    id="p1",
    request_id="r1",
    site_id="depot",
    made_at=NOW,
    status=PlanStatus.OPTIMAL,
    steps=STEPS,
    sessions=(SessionPlan("s1", ConnectorKey("CP-1", 1), (16.0, 0.0), (11.04, 0.0), shortfall_kwh=1.5),),
    objective=12.5,
    bound=12.49,
    gap=0.0008,
    cpu_s=0.12,
    peak_kw=55.0,
    binding=(
        BindingLimit(1, "grid", Phase.L1, 100.0, "A", 0.1234),
        BindingLimit(0, "grid", None, 30.0, "kW", 2.5, "Evening peak"),
    ),
    relaxed=(RelaxedLimit(0, "north", Phase.L2, 3.0, "A"),),
    cost_by_term={"energy": 12.5},
)


async def test_there_is_no_plan_before_the_first(depot: httpx.AsyncClient) -> None:
    response = await depot.get("/api/v1/sites/depot/plan")
    assert response.status_code == 404
    assert "no plan yet" in response.json()["detail"]


async def test_the_plan_comes_with_its_certificate_and_its_reasons(
    depot: httpx.AsyncClient, services: Services
) -> None:
    await services.store.add_plan(PLAN)
    body = (await depot.get("/api/v1/sites/depot/plan")).json()
    assert (body["status"], body["objective"], body["bound"], body["gap"]) == ("optimal", 12.5, 12.49, 0.0008)
    [session] = body["sessions"]
    assert (session["station_id"], session["current_a"], session["shortfall_kwh"]) == ("CP-1", [16.0, 0.0], 1.5)
    assert body["steps"][1]["starts_at"] == "2026-01-15T12:15:00Z"
    assert [limit["text"] for limit in body["binding"]] == [
        "grid connection limits L1 to 100 A at 13:15; one more kW would save 0.12 EUR",
        "Evening peak (grid connection) limits import to 30 kW (at 230 V, so that it holds at 253 V) at 13:00; "
        "one more kW would save 2.50 EUR",
    ]
    assert body["binding"][0]["starts_at"] == "2026-01-15T12:15:00Z"
    assert (body["relaxed"][0]["feeder_id"], body["relaxed"][0]["excess"]) == ("north", 3.0)
    assert body["cost_by_term"] == {"energy": 12.5}


async def test_earlier_plans_are_summed_up(depot: httpx.AsyncClient, services: Services) -> None:
    await services.store.add_plan(PLAN)
    [summary] = (await depot.get("/api/v1/sites/depot/plans")).json()["items"]
    assert summary == {
        "id": "p1",
        "made_at": "2026-01-15T12:00:00Z",
        "status": "optimal",
        "objective": 12.5,
        "bound": 12.49,
        "gap": 0.0008,
        "cpu_s": 0.12,
    }
    later = {"since": "2026-01-15T12:00:01Z"}
    assert (await depot.get("/api/v1/sites/depot/plans", params=later)).json() == {"items": []}


async def test_the_plan_says_when_a_vehicle_is_on_one_phase_and_why(
    depot: httpx.AsyncClient, services: Services
) -> None:
    connectors = [{"id": 1, "switching": {"single": "L2"}}]
    await depot.post("/api/v1/stations", json={"id": "CP-2", "site_id": "depot", "connectors": connectors})
    key = ConnectorKey("CP-2", 1)
    for power_kw, binding, reason in [
        ((2.3, 0.0), (), "2.3 kW is less than the 4.14 kW that its phases take at least"),
        ((0.0, 0.0), (), "nothing is charged meanwhile, and a switch back would be for nothing"),
        ((5.0, 0.0), PLAN.binding[:1], "there is no room on L1"),
        ((5.0, 0.0), (), "part of it is less than its phases take at least, or its last switch is too recent"),
    ]:
        session = SessionPlan("s1", key, (10.0, 0.0), power_kw, single_phase=(True, True))
        plan = replace(PLAN, id=reason[:20], made_at=NOW, sessions=(session,), binding=binding)
        await services.store.add_plan(plan)
        view = PlanView.of(plan, await services.store.site("depot")).sessions[0]
        [stretch] = view.single_phase
        assert stretch.text == f"on L2 alone from 13:00 to 13:30: {reason}"
    [shown] = (await depot.get("/api/v1/sites/depot/plan")).json()["sessions"]
    assert [s["phase"] for s in shown["single_phase"]] == ["L2"]
