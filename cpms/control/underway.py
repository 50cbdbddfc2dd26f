"""Setpoints on their way to a station: no decision any more, but what a plan has to build on."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf

from cpms.control.ledger import Ledger
from cpms.domain.grid import Grant
from cpms.domain.session import Session


def under_way(session: Session, ledger: Ledger, now: datetime) -> Grant | None:
    """The newest grant of a session that its station may still answer, None where nothing is on its way."""
    oldest_at = now - timedelta(seconds=ledger.settings.answer_timeout_s)
    waiting = [
        holding.grant
        for holding in ledger.accounts[session.connector].grants
        if not holding.answered
        and holding.ends_s == inf
        and holding.grant.transaction_id == session.transaction_id
        and holding.grant.issued_at > oldest_at
    ]
    return max(waiting, key=lambda grant: grant.sequence, default=None)
