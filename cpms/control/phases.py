"""On which phases a connector was told to draw, and on which its meter shows that it does (G9)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cpms.domain.units import Phase

Told = frozenset[Phase | None]
"""On which phase alone a connector may have been told to draw; None among them: on all that it has."""

ON_ALL: Told = frozenset({None})


@dataclass(frozen=True)
class PhaseProof:
    """For how long [s] a vehicle drew on `phases`, all of its connector's reported, while that was told nothing but `told`; pauses
    neither add to it nor end it."""

    phases: tuple[Phase, ...] = ()
    told: Phase | None = None
    drawn_s: float = 0.0
    last_at: datetime | None = None

    def after(self, at: datetime | None) -> PhaseProof:
        """The proof after a sample at `at`; None: one that showed no charging."""
        if at is None or self.last_at is None:
            return replace(self, last_at=at)
        drawn_s = self.drawn_s + max(0.0, (at - self.last_at).total_seconds())
        return replace(self, drawn_s=drawn_s, last_at=at)

    def shows(self, phase_count: int, after_s: float) -> tuple[Phase, ...] | None:
        """The phases that are used alone, of `phase_count`, once that lasted for `after_s` [s]; where one was told, only that one."""
        if self.drawn_s < after_s or not 0 < len(self.phases) < phase_count:
            return None
        return self.phases if self.told is None or self.phases == (self.told,) else None

    def refutes(self, after_s: float) -> bool:
        """Whether other phases than the one that was told were used for `after_s` [s]."""
        return self.told is not None and self.phases != (self.told,) and self.drawn_s >= after_s


def proof_after(
    earlier: PhaseProof | None, told: Told, seen: tuple[Phase, ...], used: tuple[Phase, ...], at: datetime | None
) -> PhaseProof:
    """The proof after a sample that shows a draw. `used`: the phases it shows, `seen`: with those seen before; `at` None: less than
    the minimum, which proves nothing. While a change is under way (several are `told`), nothing is proven."""
    if len(told) != 1:
        return PhaseProof()
    (single,) = told
    fresh = PhaseProof(seen if single is None else used, single)
    goes_on = earlier is not None and (earlier.phases, earlier.told) == (fresh.phases, fresh.told)
    return (earlier if earlier is not None and goes_on else fresh).after(at)
