from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cpms.domain.errors import Conflict, InvalidInput, NotFound
from cpms.domain.identity import ApiToken, Role, Token
from data.store import Store
from tests.data.examples import NOW, at


async def test_an_id_tag_is_found_in_any_case(store: Store) -> None:
    await store.put_token(Token("04aBcD", label="Ann"))
    await store.put_token(Token("04ABCD", label="Bob", expires_at=NOW, priority=2))
    assert await store.token("04abcd") == Token("04ABCD", label="Bob", expires_at=NOW, priority=2)
    assert await store.tokens() == (Token("04ABCD", label="Bob", expires_at=NOW, priority=2),)
    assert await store.token("unknown") is None


async def test_an_id_tag_with_a_nul_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput):
        await store.put_token(Token("a\x00b"))


async def test_an_api_token_is_found_by_its_hash_and_stays_revoked(store: Store) -> None:
    token = ApiToken("t1", Role.OPERATOR, "console", NOW, expires_at=at(60))
    await store.create_api_token(token, b"hash")
    assert await store.api_token_by_hash(b"hash") == token
    assert await store.api_token_by_hash(b"other") is None
    await store.revoke_api_token("t1", at(1))
    await store.revoke_api_token("t1", at(2))
    assert await store.api_tokens() == (replace(token, revoked_at=at(1)),)
    with pytest.raises(Conflict):
        await store.create_api_token(replace(token, id="t2"), b"hash")
    with pytest.raises(NotFound):
        await store.revoke_api_token("t9", NOW)


async def test_the_pepper_is_made_once_even_by_many_at_once(store: Store) -> None:
    peppers = await asyncio.gather(*(store.pepper() for _ in range(8)))
    assert len(set(peppers)) == 1
    assert len(peppers[0]) == 32
