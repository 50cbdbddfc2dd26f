"""The store: everything durable, in domain words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cpms.domain.errors import StoreUnavailable
from data.access import Access
from data.control import Control
from data.database import Database
from data.energy import Energy
from data.forecast_records import ForecastRecords
from data.grants import Grants
from data.market import Market
from data.means import Means
from data.past_sessions import PastSessions
from data.retention import Retention
from data.retirement import Retirement
from data.series import Series
from data.sessions import Sessions
from data.sites import Sites
from data.stations import Stations
from data.transactions import Transactions


class Store(
    Sites,
    Stations,
    Access,
    Transactions,
    Sessions,
    PastSessions,
    Series,
    Means,
    Control,
    Market,
    ForecastRecords,
    Grants,
    Energy,
    Retention,
    Retirement,
):
    """A migrated database (see `data.migrate`). What a method has returned from is on disk.

    Every method: StoreUnavailable if the database does not answer; InvalidInput for values it refuses.
    """

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, max_connections: int = 10, timeout_s: float = 10.0) -> AsyncIterator[Store]:
        """Connect to the database at `dsn`; StoreUnavailable if it does not answer within `timeout_s` [s], now and later."""
        async with Database.open(dsn, max_connections, timeout_s) as database:
            yield cls(database)

    @property
    def dsn(self) -> str:
        """Where it is, for processes that open it themselves; it may hold a password."""
        return self._db.dsn

    async def healthy(self) -> None:
        """StoreUnavailable unless the database answers and takes writes."""
        row = await self._db.row("takes_writes")
        if row is None or not row["answer"]:
            raise StoreUnavailable("the database takes no writes; it is a replica or read-only")
