"""API tokens as the database knows them, or, while it does not answer, as it last did: a meter must be heard even then (G7)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta

from cpms.domain.errors import StoreUnavailable
from cpms.domain.identity import ApiToken
from data.store import Store

PATIENCE_REAL_S = 0.5
"""So long the database is waited for where it is known what it last said."""
REMEMBERED_FOR = timedelta(hours=1)
_MOST = 1000


class KnownTokens:
    """Looks tokens up and remembers them for an hour. A revocation that the database cannot tell of yet counts once it can."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._remembered: OrderedDict[bytes, tuple[datetime, ApiToken]] = OrderedDict()

    async def by_hash(self, secret_hash: bytes, now: datetime) -> ApiToken | None:
        """The token with this hash, None if there is none. StoreUnavailable if nobody knows."""
        known = self._recent(secret_hash, now)
        try:
            async with asyncio.timeout(None if known is None else PATIENCE_REAL_S):
                token = await self._store.api_token_by_hash(secret_hash)
        except (StoreUnavailable, TimeoutError):
            if known is None:
                raise
            return known
        self._remembered.pop(secret_hash, None)
        if token is not None:
            self._remembered[secret_hash] = (now, token)
            if len(self._remembered) > _MOST:
                self._remembered.popitem(last=False)
        return token

    def _recent(self, secret_hash: bytes, now: datetime) -> ApiToken | None:
        at, token = self._remembered.get(secret_hash, (None, None))
        return token if at is not None and now - at < REMEMBERED_FOR else None
