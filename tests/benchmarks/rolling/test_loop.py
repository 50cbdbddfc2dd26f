"""The closed loop lives through what happened, whatever its planner believes."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session
from cpms.domain.tariff import Tariff, TimeOfUseBand
from tests.benchmarks.acn.data import TIMEZONE, ZONE
from tests.benchmarks.rolling.foresight import least_cost
from tests.benchmarks.rolling.loop import Loop
from tests.benchmarks.rolling.recorded import Hindcast, Recorded
from tests.benchmarks.rolling.views import statements, truth

START = datetime(2019, 7, 8, tzinfo=ZONE)
DEAR_AT_NOON = Tariff(
    "time of use",
    "USD",
    TIMEZONE,
    bands=(
        TimeOfUseBand(Decimal("0.1"), datetime.min.time(), datetime.min.time().replace(hour=12)),
        TimeOfUseBand(Decimal("0.3"), datetime.min.time().replace(hour=12), datetime.min.time()),
    ),
)


def session(name: str, begins_h: float, stay_h: float, kwh: float, stated_h: float, stated_kwh: float) -> Session:
    began = START + timedelta(hours=begins_h)
    return Session(
        id=name,
        site_id="recorded",
        connector=ConnectorKey(name, 1),
        transaction_id=name,
        started_at=began,
        ended_at=began + timedelta(hours=stay_h),
        energy_kwh=kwh,
        need=EnergyNeed(stated_kwh, began + timedelta(hours=stated_h)),
    )


SESSIONS = (
    session("honest", 8.0, 6.0, 12.0, 6.0, 12.0),
    session("leaves-early", 9.0, 1.5, 8.0, 8.0, 16.0),
    session("stays-longer", 9.5, 9.0, 10.0, 2.0, 20.0),
)
HINDCAST = Hindcast.of(SESSIONS, START, START + timedelta(days=1), TIMEZONE)
RECORDED = Recorded.read(HINDCAST, START, START + timedelta(days=1), DEAR_AT_NOON)


def test_nobody_gets_more_than_he_took_and_the_cap_holds():
    outcome = Loop(RECORDED, 7.0, statements, 1.0).run()
    assert outcome.highest_kw <= 7.0 + 1e-6
    assert all(outcome.delivered_kwh[s] <= wanted + 1e-6 for s, wanted in RECORDED.energy_kwh.items())
    assert outcome.plans > 3


def test_no_planner_is_cheaper_than_perfect_foresight():
    least, missing_kwh = least_cost(RECORDED, 7.0)
    for view in (statements, truth):
        outcome = Loop(RECORDED, 7.0, view, 1.0).run()
        lacking_kwh = sum(RECORDED.energy_kwh.values()) - sum(outcome.delivered_kwh.values())
        assert outcome.energy_cost + RECORDED.missing_per_kwh * lacking_kwh >= least - 1e-6
    assert missing_kwh >= 0.0


def test_a_stretch_without_sessions_is_refused():
    with pytest.raises(InvalidInput, match="none begins"):
        Recorded.read(HINDCAST, START + timedelta(days=2), START + timedelta(days=3), DEAR_AT_NOON)
