from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.telemetry import Sample
from data.same_instant import merged
from data.store import Store
from tests.data.examples import KEY, NOW, at, build, sample

POWER = replace(sample(0, power_kw=7.0), current_a=(10.0, None, None))
REGISTER = replace(sample(0, 100.5), soc_pct=40.0, current_a=(11.0, 12.0, None))
DERIVED = replace(sample(0, power_kw=9.0), derived=True, transaction_id="tx")
MERGED = replace(POWER, energy_kwh=100.5, soc_pct=40.0, current_a=(11.0, 12.0, None), transaction_id="tx")
VALUES = st.none() | st.floats(0.0, 100.0)
SAMPLES = st.builds(
    lambda second, power_kw, energy_kwh, soc_pct, derived: replace(
        sample(second / 60, energy_kwh, power_kw=power_kw), soc_pct=soc_pct, derived=derived and power_kw is not None
    ),
    st.integers(0, 2), VALUES, VALUES, VALUES, st.booleans(),
)  # fmt: skip


def test_measurands_of_one_instant_are_put_together_and_a_derived_power_gives_way() -> None:
    assert merged([POWER, REGISTER, DERIVED]) == [MERGED]
    assert merged([DERIVED, REGISTER, POWER]) == [replace(MERGED, current_a=(10.0, 12.0, None))]


def test_the_later_reading_counts_but_a_register_never_falls() -> None:
    [both] = merged([sample(0, 100.5, power_kw=7.0), sample(0, 100.4, power_kw=8.0)])
    assert (both.power_kw, both.energy_kwh) == (8.0, 100.5)


@given(st.lists(SAMPLES, max_size=12))
def test_a_batch_of_batches_is_merged_like_one(samples: list[Sample]) -> None:
    half = len(samples) // 2
    assert merged([*merged(samples[:half]), *merged(samples[half:])]) == merged(samples)


async def test_the_database_merges_as_a_batch_does(store: Store) -> None:
    await build(store)
    for several in ([POWER], [sample(1, 101.0)], [REGISTER], [DERIVED, sample(-1, 99.0)], [REGISTER]):
        await store.add_samples(several)
    assert await store.samples(KEY, NOW, at(1)) == [MERGED]


async def test_what_completes_the_newest_reading_completes_the_last_value(store: Store) -> None:
    await build(store)
    for one in (POWER, sample(-1, 99.0), REGISTER, DERIVED):
        await store.add_samples([one])
    assert await store.last_values("depot") == {KEY: MERGED}
