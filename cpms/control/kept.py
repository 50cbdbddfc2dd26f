"""For whom room is kept that a plan cannot give to others: connectors that cannot be told anything now, or cannot be believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cpms.control.account import Account
from cpms.control.bins import to_instant
from cpms.control.ledger import Ledger
from cpms.control.rows import KW_ROW
from cpms.domain.identity import ConnectorKey

MOST_NAMED = 2
LEAST_KW = 0.05


@dataclass(frozen=True)
class Kept:
    """A connector that counts more than its fallback without being steered: how much [kW at the highest voltage], why, and until when
    at the latest (None: until something happens)."""

    connector: ConnectorKey
    power_kw: float
    why: str
    until: datetime | None = None


def kept(ledger: Ledger, steerable: Iterable[ConnectorKey], online: frozenset[str], index: int = 0) -> tuple[Kept, ...]:
    """For whom room is kept in a bin of the ledger, most first."""
    steered = set(steerable)
    found = [
        Kept(key, power_kw, why_counted(account, key.station_id in online), _until(account))
        for key, account in ledger.accounts.items()
        if key not in steered and (power_kw := _beyond_fallback_kw(ledger, key, account, index)) >= LEAST_KW
    ]
    return tuple(sorted(found, key=lambda one: (-one.power_kw, one.connector)))


def why_counted(account: Account, online: bool) -> str:
    """Why a connector counts although nobody gave it that, or more than its fallback."""
    most = f"counted at {account.connector.max_current_a:g} A"
    if account.connector.retired:
        return "retired: what it was granted counts until the lease ends"
    if account.quarantined:
        return f"metered above its limit: {most} until it obeys"
    if not account.confirmed:
        reached = (
            "its default profile is not confirmed yet"
            if online
            else "not connected, its default profile was not confirmed"
        )
        return f"{reached}: {most} until it is"
    if not online:
        return "not connected: what it was granted counts until the lease ends, then its fallback"
    return "what it was granted counts until its lease ends or its station says that the transaction did"


def in_words(found: Iterable[Kept]) -> str:
    """ "22.1 kW kept for CP-7/1 and 2 more"; empty for nobody."""
    all_kept = tuple(found)
    if not all_kept:
        return ""
    names = [str(one.connector) for one in all_kept[:MOST_NAMED]]
    if len(all_kept) > MOST_NAMED:
        names.append(f"{len(all_kept) - MOST_NAMED} more")
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{sum(one.power_kw for one in all_kept):.1f} kW kept for {listed}"


def _beyond_fallback_kw(ledger: Ledger, key: ConnectorKey, account: Account, index: int) -> float:
    return max(0.0, account.counted[index] - account.base_a) * ledger.weights(key)[KW_ROW]


def _until(account: Account) -> datetime | None:
    if account.quarantined or not account.confirmed:
        return None
    ends_s = [
        h.grant.lease_ends_at.timestamp() + account.margins(h.grant).late_s
        for h in account.grants
        if h.grant.lease_ends_at is not None
    ]
    return to_instant(max(ends_s)) if ends_s else None
