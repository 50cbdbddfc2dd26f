"""Grants for tests: one by hand, and any at all."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from cpms.domain.grid import Grant, LimitPeriod
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector
from cpms.domain.units import PHASES

NOW = datetime(2026, 6, 1, 12, 0, 30, 250000, tzinfo=UTC)
KEY = ConnectorKey("ST-1", 1)
CONNECTOR = Connector(KEY)


def grant(*limits_a: float, sequence: int = 1, transaction_id: str | None = "7", fallback_a: float = 6.0) -> Grant:
    """A grant that changes its limit every ten minutes and whose lease ends ten minutes after the last change."""
    periods = tuple(LimitPeriod(NOW + timedelta(minutes=10 * i), a) for i, a in enumerate(limits_a))
    lease_ends_at = None if transaction_id is None else NOW + timedelta(minutes=10 * len(limits_a))
    return Grant("G", "S", KEY, sequence, NOW, fallback_a, transaction_id, periods, lease_ends_at)


_seconds = st.floats(0, 90_000, allow_nan=False)
_currents = st.one_of(st.just(0.0), st.floats(0, 80, allow_nan=False))


@st.composite
def connectors(draw: st.DrawFn) -> Connector:
    return Connector(
        KEY,
        phases=PHASES[: draw(st.integers(1, 3))],
        max_current_a=draw(st.sampled_from([10.0, 16.0, 32.0, 63.0])),
        step_a=draw(st.sampled_from([0.1, 0.25, 0.5, 1.0])),
    )


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """Any grant of a transaction, issued before or after NOW, with periods at any fraction of a second."""
    offsets_s = sorted(draw(st.lists(_seconds, min_size=0, max_size=40, unique=True)))
    issued_at = NOW - timedelta(seconds=draw(st.floats(0, 600)))
    periods = tuple(LimitPeriod(issued_at + timedelta(seconds=s - (offsets_s[0])), draw(_currents)) for s in offsets_s)
    lease_ends_at = draw(st.one_of(st.none(), st.builds(lambda s: NOW + timedelta(seconds=s - 30), _seconds)))
    return Grant("G", "S", KEY, 1, issued_at, draw(_currents), "7", periods, lease_ends_at)
