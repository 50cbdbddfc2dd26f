"""When a connector is told to charge on one phase, and when on all again: as planned, but never sooner than its dwell allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cpms.control.book import SessionBook
from cpms.control.ledger import Ledger
from cpms.domain.need import PhaseSwitching
from cpms.domain.session import Session
from cpms.domain.units import Phase


@dataclass(frozen=True)
class Switchable:
    """A session that may be moved between one phase and all: how, on which phase it was last told to charge alone (None: on all), and
    since when (None: from its beginning)."""

    switching: PhaseSwitching
    single: Phase | None = None
    switched_at: datetime | None = None

    def dwelt(self, now: datetime) -> bool:
        """Whether it may be told otherwise."""
        return self.switched_at is None or now - self.switched_at >= timedelta(seconds=self.switching.min_dwell_s)


def switchable(session: Session, ledger: Ledger, book: SessionBook, now: datetime) -> Switchable | None:
    """How a session may be switched; None if it may not. A switch that seems yet to come was before our clock was set."""
    account = ledger.accounts[session.connector]
    if account.connector.switching is None or not book.may_switch(session, account.connector):
        return None
    last = account.last_told(session.transaction_id)
    if last is None:
        return Switchable(account.connector.switching)
    past = last.switched_at is not None and last.switched_at <= now
    return Switchable(account.connector.switching, last.single_phase, last.switched_at if past else None)


def phase_to_tell(one: Switchable | None, planned: bool | None, now: datetime) -> Phase | None:
    """The phase to charge on alone, None for all: as `planned` once the dwell is over; as it was told last where no plan says."""
    if one is None:
        return None
    if planned is None or not one.dwelt(now):
        return one.single
    return one.switching.single if planned else None
