from datetime import UTC, datetime, timedelta

import pytest

from api.known_tokens import REMEMBERED_FOR, KnownTokens
from cpms.domain.errors import StoreUnavailable
from cpms.domain.identity import ApiToken, Role
from data.store import Store

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
TOKEN = ApiToken("t", Role.OPERATOR, "meter", NOW)


async def test_a_token_is_known_for_an_hour_after_the_database_is_gone(embedded_dsn: str) -> None:
    async with Store.open(embedded_dsn) as store:
        await store.create_api_token(TOKEN, b"hash")
        tokens = KnownTokens(store)
        assert await tokens.by_hash(b"hash", NOW) == TOKEN
        assert await tokens.by_hash(b"other", NOW) is None
    assert await tokens.by_hash(b"hash", NOW + REMEMBERED_FOR - timedelta(seconds=1)) == TOKEN
    for secret_hash, at in ((b"hash", NOW + REMEMBERED_FOR), (b"other", NOW)):
        with pytest.raises(StoreUnavailable):
            await tokens.by_hash(secret_hash, at)


async def test_a_token_revoked_while_the_database_answers_is_not_remembered_as_it_was(embedded_dsn: str) -> None:
    async with Store.open(embedded_dsn) as store:
        await store.create_api_token(TOKEN, b"hash")
        tokens = KnownTokens(store)
        await tokens.by_hash(b"hash", NOW)
        await store.revoke_api_token("t", NOW)
        await tokens.by_hash(b"hash", NOW)
    known = await tokens.by_hash(b"hash", NOW)
    assert known is not None
    assert known.revoked_at == NOW
