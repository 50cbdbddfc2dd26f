from datetime import UTC, datetime, timedelta

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import (
    AuthorizationStatus,
    Role,
    Token,
    keyed_hash,
    matches_hash,
    new_api_secret,
    new_station_key,
    require_station_id,
)

NOW = datetime(2024, 6, 12, tzinfo=UTC)


def test_a_token_is_accepted_until_it_is_blocked_or_expires() -> None:
    assert Token("A").status(NOW) is AuthorizationStatus.ACCEPTED
    assert Token("A", blocked=True).status(NOW) is AuthorizationStatus.BLOCKED
    assert Token("A", expires_at=NOW).status(NOW) is AuthorizationStatus.EXPIRED
    assert Token("A", expires_at=NOW + timedelta(seconds=1)).status(NOW) is AuthorizationStatus.ACCEPTED


def test_each_role_contains_the_ones_after_it() -> None:
    assert Role.ADMIN.allows(Role.VIEWER)
    assert Role.OPERATOR.allows(Role.OPERATOR)
    assert not Role.VIEWER.allows(Role.OPERATOR)
    assert not Role.OPERATOR.allows(Role.GRID_MANAGER)


@pytest.mark.parametrize("text", ["", "a/b", "ä", "x" * 49, "-x", "a b", "a\x00"])
def test_an_identity_that_cannot_stand_in_a_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="id"):
        require_station_id(text)


def test_a_refused_identity_is_not_repeated_at_length() -> None:
    with pytest.raises(InvalidInput) as refused:
        require_station_id("x" * 5000)
    assert len(str(refused.value)) < 200


def test_a_plain_identity_is_kept() -> None:
    assert require_station_id("DE*".replace("*", ".") + "CP-1") == "DE.CP-1"


def test_keys_are_random_and_known_by_their_hash_only() -> None:
    key, pepper = new_station_key(), b"pepper"
    assert len(key) == 40
    assert key != new_station_key()
    assert new_api_secret() != new_api_secret()
    assert matches_hash(key, pepper, keyed_hash(key, pepper))
    assert not matches_hash(key, b"other", keyed_hash(key, pepper))
