"""When a connector is told to charge on one phase, and when on all again: as planned, but never sooner than its dwell allows."""

from __future__ import annotations

from datetime import datetime, timedelta

from cpms.control.known import Known
from cpms.control.wishes import PlanInForce
from cpms.domain.grid import Grant
from cpms.domain.need import PhaseSwitching
from cpms.domain.session import Session
from cpms.domain.units import Phase


def switching_of(session: Session, known: Known) -> tuple[PhaseSwitching | None, Grant | None]:
    """How a session's connector may be switched between one phase and all, if it may, and what it was told last."""
    connector = known.site.connectors[session.connector]
    told = known.ledger.accounts[session.connector].last_told(session.transaction_id)
    return (connector.switching if known.book.may_switch(session, connector) else None), told


def phase_to_tell(session: Session, known: Known, plan: PlanInForce | None, now: datetime) -> Phase | None:
    """The phase to charge on alone, None for all: what the plan says, once the dwell is over; without a plan as it was told last."""
    switching, told = switching_of(session, known)
    if switching is None:
        return None
    last = None if told is None else told.single_phase
    planned = None if plan is None else plan.on_single_phase(session.id, known.ledger.bins)
    if planned is None or (told is not None and not _dwelt(told, switching, now)):
        return last
    return switching.single if planned else None


def _dwelt(told: Grant, switching: PhaseSwitching, now: datetime) -> bool:
    return told.switched_at is None or now - told.switched_at >= timedelta(seconds=switching.min_dwell_s)
