"""A day as it is lived against the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.time import ManualClock
from cpms.simulation.live_day import LiveDay
from cpms.simulation.pace import Pace
from cpms.simulation.platform import Platform
from tests.cpms.simulation.conftest import START, MakeDay, MakeVisit
from tests.cpms.simulation.http_peer import http_peer

KNOWN = {"items": [{"id": "s1", "connector_id": 1, "id_tag": "TAG-a-60"}]}
"""The session of the visit."""


@pytest.mark.parametrize(("leaves_after_s", "said"), [(3000, 1), (90, 0)])
async def test_a_driver_says_when_they_leave_unless_that_is_over_already(
    make_day: MakeDay, make_visit: MakeVisit, leaves_after_s: int, said: int
) -> None:
    visit = replace(make_visit(), stated_departs_at=START + timedelta(seconds=leaves_after_s))
    day = LiveDay(make_day([visit]), clock := ManualClock(START), Pace(1.0), seed=0)
    clock.advance(120.0)
    day.live()
    with http_peer(KNOWN) as api:
        platform = Platform(api.url, "token")
        await day._state_need(platform, visit)
        await platform.close()
    assert len(api.bodies) == said
