"""Grants: durable before they are sent, and written by one controller only (invariant G10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cpms.domain.errors import Conflict
from cpms.domain.grid import Grant, GrantState, LimitPeriod
from cpms.domain.identity import ConnectorKey
from cpms.domain.units import Phase
from data.database import Row, Topic


class Grants(Topic):
    """What connectors may draw, as it was promised."""

    async def next_epoch(self, site_id: str) -> int:
        """A higher epoch for the site than any before; from now on grants of lower ones are refused. NotFound."""
        row = await self._db.row("next_epoch", site_id=site_id)
        assert row is not None  # noqa: S101 - INSERT ... RETURNING gives its row
        return int(row["epoch"])

    async def store_grants(self, grants: Sequence[Grant]) -> None:
        """Keep grants in one durable commit, before any is sent. Conflict, and nothing is kept, if a newer controller has taken
        one of their sites over. The same grant twice is one."""
        epochs: dict[str, int] = {}
        for grant in grants:
            epochs[grant.site_id] = min(grant.epoch, epochs.get(grant.site_id, grant.epoch))
        async with self._db.transaction() as work:
            for site_id in sorted(epochs):
                held = await work.row("hold_epoch", site_id=site_id)
                if held is not None and epochs[site_id] < held["epoch"]:
                    raise Conflict(
                        f"epoch {epochs[site_id]} of site {site_id} is over; a controller has {held['epoch']}"
                    )
            await work.run_many("add_grant", (_values(grant) for grant in grants))

    async def set_grant_states(self, states: Mapping[str, GrantState]) -> None:
        """Keep what became of grants, by id, in one commit."""
        async with self._db.transaction() as work:
            await work.run_many(
                "set_grant_state", ({"grant_id": key, "state": state.value} for key, state in sorted(states.items()))
            )

    async def live_grants(self, site_id: str) -> list[tuple[Grant, GrantState]]:
        """Every grant that is not rejected, superseded or ended, by connector and sequence."""
        return [(_grant(row), GrantState(row["state"])) for row in await self._db.rows("live_grants", site_id=site_id)]

    async def set_quarantines(self, quarantined: Mapping[ConnectorKey, bool]) -> None:
        """Keep which connectors count at their hardware maximum because they disobeyed, or no longer, in one commit."""
        async with self._db.transaction() as work:
            for key, is_quarantined in sorted(quarantined.items()):
                query = "quarantine_connector" if is_quarantined else "release_connector"
                await work.run(query, station_id=key.station_id, connector_id=key.connector_id)

    async def quarantined_connectors(self, site_id: str) -> frozenset[ConnectorKey]:
        """The site's connectors that are quarantined."""
        rows = await self._db.rows("quarantined_connectors", site_id=site_id)
        return frozenset(ConnectorKey(**row) for row in rows)


def _values(grant: Grant) -> dict[str, object]:
    return {
        "id": grant.id,
        "site_id": grant.site_id,
        "station_id": grant.connector.station_id,
        "connector_id": grant.connector.connector_id,
        "sequence": grant.sequence,
        "issued_at": grant.issued_at,
        "fallback_a": grant.fallback_a,
        "transaction_id": grant.transaction_id,
        "period_starts_at": [period.starts_at for period in grant.periods],
        "period_limit_a": [float(period.limit_a) for period in grant.periods],
        "lease_ends_at": grant.lease_ends_at,
        "epoch": grant.epoch,
        "plan_id": grant.plan_id,
        "clock_ahead_s": grant.clock_ahead_s,
        "single_phase": None if grant.single_phase is None else grant.single_phase.value,
        "switched_at": grant.switched_at,
    }


def _grant(row: Row) -> Grant:
    periods = zip(row["period_starts_at"], row["period_limit_a"], strict=True)
    return Grant(
        id=row["id"],
        site_id=row["site_id"],
        connector=ConnectorKey(row["station_id"], row["connector_id"]),
        sequence=row["sequence"],
        issued_at=row["issued_at"],
        fallback_a=row["fallback_a"],
        transaction_id=row["transaction_id"],
        periods=tuple(LimitPeriod(starts_at, limit_a) for starts_at, limit_a in periods),
        lease_ends_at=row["lease_ends_at"],
        epoch=row["epoch"],
        plan_id=row["plan_id"],
        clock_ahead_s=row["clock_ahead_s"],
        single_phase=None if row["single_phase"] is None else Phase(row["single_phase"]),
        switched_at=row["switched_at"],
    )
