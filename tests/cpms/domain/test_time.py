import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput
from cpms.domain.time import (
    AcceleratedClock,
    Interval,
    ManualClock,
    Resolution,
    StepWatch,
    SystemClock,
    floor_time,
    local_steps,
    require_aware,
)

START = datetime(2024, 6, 12, 4, tzinfo=UTC)


def test_an_instant_without_zone_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"departs_at: .* no time zone"):
        require_aware(datetime(2024, 1, 1), "departs_at")  # noqa: DTZ001 - the naive instant is the point


def test_an_offset_becomes_utc() -> None:
    local = datetime(2024, 6, 12, 12, tzinfo=timezone(timedelta(hours=2)))
    assert require_aware(local, "at") == datetime(2024, 6, 12, 10, tzinfo=UTC)


def test_an_interval_contains_its_start_and_not_its_end() -> None:
    hour = Interval(START, START + timedelta(hours=1))
    assert hour.contains(hour.starts_at)
    assert not hour.contains(hour.ends_at)
    assert hour.duration_h == 1.0


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ends_at"):
        Interval(START, START)


def test_an_accelerated_clock_runs_at_its_speed_until_its_end_and_then_at_the_worlds() -> None:
    clock = AcceleratedClock(START, START + timedelta(hours=1), 60.0, origin_s=100.0)
    assert clock._elapsed_s(-1.0) == 0.0
    assert clock._elapsed_s(10.0) == 600.0
    assert clock._elapsed_s(60.0) == 3600.0
    assert clock._elapsed_s(70.0) == 3610.0


@given(st.floats(0, 20_000))
def test_the_real_instant_of_an_accelerated_one_is_exact(elapsed_s: float) -> None:
    clock = AcceleratedClock(START, START + timedelta(hours=1), 480.0, origin_s=0.0)
    assert abs(clock._elapsed_s(clock._real_s(elapsed_s)) - elapsed_s) < 1e-6


def moving(speed: float) -> AcceleratedClock:
    """A clock that shows START at this moment."""
    return AcceleratedClock(START, START + timedelta(days=1), speed, time.monotonic())


def test_an_accelerated_clock_survives_being_written_down() -> None:
    clock = moving(480.0)
    assert AcceleratedClock.parse(str(clock)) == clock


@pytest.mark.parametrize("text", ["", "now", "2024-01-01|2024-01-02|1|0", "2024-01-01T00:00Z|x|1|0"])
def test_a_clock_that_cannot_be_read_says_what_it_wants(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"clock"):
        AcceleratedClock.parse(text)


async def test_a_held_clock_stands_still_in_every_process_until_it_is_released(tmp_path: Path) -> None:
    ours = AcceleratedClock.held(START, START + timedelta(days=1), 10_000.0, tmp_path / "origin")
    theirs = AcceleratedClock.parse(str(ours))
    assert (ours.now(), theirs.now()) == (START, START)
    sleeper = asyncio.create_task(theirs.sleep(60.0))
    ours.release()
    await asyncio.wait_for(sleeper, 5)
    assert theirs.now() >= START + timedelta(seconds=60)
    assert theirs.origin_s == ours.origin_s


async def test_an_accelerated_clock_sleeps_its_own_seconds() -> None:
    clock = moving(10_000.0)
    before = clock.now()
    await clock.sleep(60.0)
    assert clock.now() - before >= timedelta(seconds=60)


async def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(START)
    await clock.sleep(90.0)
    assert clock.now() == START + timedelta(seconds=90)
    assert clock.monotonic_s() == 90.0


async def test_the_system_clock_is_aware_and_does_not_go_back() -> None:
    clock = SystemClock()
    before_s = clock.monotonic_s()
    await clock.sleep(0.0)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic_s() >= before_s


def test_floor_time_goes_to_the_last_whole_step() -> None:
    assert floor_time(START + timedelta(minutes=14, seconds=59), 900) == START


def test_a_clock_that_is_set_is_noticed_once_and_time_that_passes_is_not():
    clock = ManualClock(datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC))  # as summer time begins, which UTC does not know
    watch = StepWatch(clock)
    for _ in range(100):
        clock.advance(37.0)
        assert watch.step() == timedelta()
    clock.set_to(clock.now() - timedelta(seconds=0.9))  # a leap second, smeared or not, is no step
    assert watch.step() == timedelta()
    clock.set_to(clock.now() - timedelta(hours=1))
    assert watch.step() == timedelta(hours=-1, seconds=-0.9)
    assert watch.step() == timedelta()


def test_an_accelerated_clock_is_never_set_however_fast():
    clock = moving(480.0)
    watch = StepWatch(clock)
    assert {watch.step() for _ in range(2000)} == {timedelta()}


def test_steps_of_local_time_are_whole_and_days_last_as_long_as_they_do() -> None:
    def told(since: str, until: str, resolution: Resolution, timezone: str) -> list[tuple[str, float]]:
        steps = local_steps(datetime.fromisoformat(since), datetime.fromisoformat(until), resolution, timezone)
        return [(f"{step.starts_at:%dT%H:%M}", step.duration_h) for step in steps]

    amsterdam = "Europe/Amsterdam"
    assert told("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", Resolution.DAY, amsterdam) == [
        ("27T23:00", 24.0), ("28T23:00", 23.0), ("29T22:00", 24.0),
    ]  # fmt: skip
    assert told("2026-10-25T00:10:00Z", "2026-10-25T02:00:00Z", Resolution.HOUR, amsterdam) == [
        ("25T00:00", 1.0), ("25T01:00", 1.0),
    ]  # fmt: skip
    assert told("2026-01-01T10:20:00Z", "2026-01-01T10:31:00Z", Resolution.HOUR, "Asia/Kathmandu") == [
        ("01T10:15", 1.0)
    ]  # fmt: skip
    assert told("2026-01-01T10:20:00Z", "2026-01-01T10:30:01Z", Resolution.QUARTER, "UTC") == [
        ("01T10:15", 0.25), ("01T10:30", 0.25),
    ]  # fmt: skip
