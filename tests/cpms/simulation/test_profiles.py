from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cpms.ocpp.composite import ProfileKind, ProfilePurpose, StoredPeriod, StoredProfile
from cpms.simulation.messages import ClearProfiles, Transaction
from cpms.simulation.profiles import MAX_PERIODS, ProfileStore

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RUNNING = Transaction(1, "TAG", NOW, id="77")
DEFAULT = StoredProfile(1, 1, 0, ProfilePurpose.TX_DEFAULT, ProfileKind.ABSOLUTE, (StoredPeriod(0, 0.0),))
GRANT = StoredProfile(
    2,
    1,
    0,
    ProfilePurpose.TX,
    ProfileKind.ABSOLUTE,
    (StoredPeriod(0, 16.0), StoredPeriod(900, 6.0)),
    transaction_id="77",
    starts_at=NOW,
)


@pytest.fixture
def store() -> ProfileStore:
    return ProfileStore(2, 230.0, refuses_other_ids=False)


def limit_a(store: ProfileStore, after_s: float, transaction: Transaction | None = RUNNING) -> float:
    return store.schedule(1, NOW + timedelta(seconds=after_s), 60, transaction)[0][1]


def test_a_transaction_profile_overrules_the_default_and_steps_down_by_itself(store: ProfileStore) -> None:
    assert store.install(DEFAULT, None)
    assert limit_a(store, 0) == 0.0
    assert store.install(GRANT, RUNNING)
    assert (limit_a(store, 0), limit_a(store, 900)) == (16.0, 6.0)


def test_it_dies_with_its_transaction_while_the_default_stays(store: ProfileStore) -> None:
    store.install(DEFAULT, None)
    store.install(GRANT, RUNNING)
    store.transaction_ended(1)
    assert store.stored == [DEFAULT]


def test_a_transaction_profile_needs_its_own_running_transaction(store: ProfileStore) -> None:
    assert not store.install(GRANT, None)
    assert not store.install(GRANT, Transaction(1, "TAG", NOW, id="78"))
    assert not store.install(GRANT, Transaction(1, "TAG", NOW))


def test_nothing_installed_means_no_limit(store: ProfileStore) -> None:
    assert limit_a(store, 0) == float("inf")


@pytest.mark.parametrize(
    "impossible",
    [
        replace(DEFAULT, connector_id=3),
        replace(DEFAULT, stack_level=9),
        replace(DEFAULT, periods=()),
        replace(DEFAULT, periods=(StoredPeriod(5, 6.0),)),
        replace(DEFAULT, periods=tuple(StoredPeriod(n, 6.0) for n in range(MAX_PERIODS + 1))),
    ],
)
def test_what_a_station_cannot_store_it_refuses(store: ProfileStore, impossible: StoredProfile) -> None:
    assert not store.install(impossible, None)


def test_in_its_place_1_6_replaces_a_profile_and_2_0_1_refuses_another_id(store: ProfileStore) -> None:
    strict = ProfileStore(2, 230.0, refuses_other_ids=True)
    other = replace(DEFAULT, id=9, periods=(StoredPeriod(0, 10.0),))
    for each in (store, strict):
        each.install(DEFAULT, None)
    assert store.install(other, None)
    assert store.stored == [other]
    assert not strict.install(other, None)
    assert strict.install(replace(other, id=1), None)


def test_clearing_says_whether_there_was_anything(store: ProfileStore) -> None:
    store.install(DEFAULT, None)
    assert not store.clear(ClearProfiles(id=5))
    assert not store.clear(ClearProfiles(connector_id=1, purpose=ProfilePurpose.TX))
    assert store.clear(ClearProfiles(connector_id=1, purpose=ProfilePurpose.TX_DEFAULT))
    assert store.stored == []


def test_clearing_without_criteria_clears_everything(store: ProfileStore) -> None:
    store.install(DEFAULT, None)
    store.install(GRANT, RUNNING)
    assert store.clear(ClearProfiles())
    assert store.stored == []
