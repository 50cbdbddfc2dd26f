from datetime import timedelta

from cpms.domain.grid import GrantState
from data.series import RawMessage
from data.store import Store
from tests.data.examples import NOW, build
from tests.data.test_forecast_records import POINT, SCORE
from tests.data.test_grants import GRANT


async def test_raw_messages_go_by_whole_days_and_the_rest_stays(store: Store) -> None:
    await build(store)
    ages = [0.0, 1.0, 29.4, 29.6, 31.0, 300.0]
    await store.add_raw_messages([RawMessage("CP-1", NOW - timedelta(days=age), "in", str(age)) for age in ages])
    for _ in range(2):
        await store.forget_raw_messages(NOW - timedelta(days=29))  # at noon: the day before is over, this one is not
    left = [message.text for message in await store.raw_messages("CP-1", NOW - timedelta(days=400))]
    assert sorted(left) == ["0.0", "1.0", "29.4"]


async def test_grants_that_are_over_go_and_those_that_may_be_in_force_stay(store: Store) -> None:
    await build(store)
    await store.store_grants([GRANT])
    await store.forget_control_history(NOW + timedelta(days=500))
    assert len(await store.live_grants("depot")) == 1
    await store.set_grant_states({GRANT.id: GrantState.SUPERSEDED})
    await store.forget_control_history(NOW + timedelta(days=500))
    await store.set_grant_states({GRANT.id: GrantState.STORED})
    assert await store.live_grants("depot") == []


async def test_a_station_was_last_seen_when_it_last_said_anything(store: Store) -> None:
    await build(store)
    await store.record_seen({"CP-1": NOW, "NOBODY": NOW})
    await store.record_seen({"CP-1": NOW - timedelta(hours=1)})
    assert (await store.connection_states("depot"))["CP-1"].last_seen_at == NOW


async def test_how_forecasts_came_out_goes_with_the_past_of_controlling(store: Store) -> None:
    await build(store)
    await store.add_points([POINT])
    await store.add_scores([SCORE])
    for before, left in ((NOW, 1), (NOW + timedelta(seconds=1), 0)):
        await store.forget_control_history(before)
        points = await store.forecast_points("depot", POINT.quantity, NOW, NOW + timedelta(days=9))
        assert (len(points), len(await store.forecast_scores("depot", NOW))) == (left, left)
