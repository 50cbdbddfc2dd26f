"""The charging profiles a virtual station stores, and what they permit."""

from __future__ import annotations

from datetime import datetime

from cpms.ocpp.composite import ProfilePurpose, StoredProfile, composite_phases, composite_schedule, install, occupies
from cpms.simulation.messages import ClearProfiles, Transaction

MAX_STACK_LEVEL = 8
MAX_PERIODS = 24
MAX_PROFILES = 10


class ProfileStore:
    """Profiles of one station. They survive lost connections and reboots; a TxProfile dies with its transaction.

    `refuses_other_ids`: a profile in the place of one with another id is refused (2.0.1, K01.FR.39), not a replacement.
    """

    def __init__(self, connector_count: int, voltage_v: float, *, refuses_other_ids: bool) -> None:
        self.stored: list[StoredProfile] = []
        self._connector_count = connector_count
        self._voltage_v = voltage_v
        self._refuses_other_ids = refuses_other_ids

    def install(self, profile: StoredProfile, transaction: Transaction | None) -> bool:
        """Store `profile`; False if it cannot be. `transaction` runs on its connector."""
        if not self._is_possible(profile) or not _has_its_transaction(profile, transaction):
            return False
        others = [stored for stored in self.stored if stored.id != profile.id]
        if self._refuses_other_ids and any(occupies(stored, profile) for stored in others):
            return False
        renewed = install(self.stored, profile)
        if len(renewed) > MAX_PROFILES * max(1, self._connector_count):
            return False
        self.stored = renewed
        return True

    def clear(self, command: ClearProfiles) -> bool:
        """Remove what `command` matches; False if nothing does."""
        kept = [profile for profile in self.stored if not command.matches(profile)]
        changed = len(kept) != len(self.stored)
        self.stored = kept
        return changed

    def transaction_ended(self, connector_id: int) -> None:
        """Its TxProfiles go."""
        self.stored = [p for p in self.stored if p.purpose is not ProfilePurpose.TX or p.connector_id != connector_id]

    def schedule(
        self, connector_id: int, now: datetime, duration_s: float, transaction: Transaction | None
    ) -> list[tuple[float, float]]:
        """`(start_s, limit_a)` from `now`: seconds [s] and [A per phase]; infinite where nothing limits."""
        return composite_schedule(
            self.stored, connector_id, now, duration_s, *_known_as(transaction), voltage_v=self._voltage_v
        )

    def phases(self, connector_id: int, now: datetime, transaction: Transaction | None) -> tuple[int, int | None]:
        """On how many phases the connector may charge at `now`, and on which of the station's own (1 to 3) if it is one."""
        return composite_phases(self.stored, connector_id, now, *_known_as(transaction))

    def _is_possible(self, profile: StoredProfile) -> bool:
        return (
            0 <= profile.connector_id <= self._connector_count
            and 0 <= profile.stack_level <= MAX_STACK_LEVEL
            and 1 <= len(profile.periods) <= MAX_PERIODS
            and profile.periods[0].start_s == 0
        )


def _known_as(transaction: Transaction | None) -> tuple[str | None, datetime | None]:
    """Its id, "" before it has one, and when it began; None and None where there is no transaction."""
    return (None, None) if transaction is None else (transaction.id or "", transaction.started_at)


def _has_its_transaction(profile: StoredProfile, transaction: Transaction | None) -> bool:
    """A TxProfile needs a running transaction, and the right one (1.6, 5.16.2; 2.0.1, K01.FR.03)."""
    if profile.purpose is not ProfilePurpose.TX:
        return True
    return transaction is not None and profile.transaction_id in (None, transaction.id)
