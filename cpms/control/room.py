"""What is left of the limits at a site's feeders: per feeder four rows, L1, L2, L3 [A] and in all [kW], per bin of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from cpms.control.bins import Bins, Vector
from cpms.control.loads import Loads
from cpms.control.rows import limit_rows
from cpms.domain.grid import LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Site


class Room:
    """The rows of a site's feeders, kept up to date as connectors take some and give it back. Of what may be told to whom it knows
    nothing: that is the ledger's.

    `loads`: how connectors load rows. `limits`, `left`: by feeder, before any connector, and after all.
    """

    def __init__(self, loads: Loads) -> None:
        self.loads = loads
        self.limits: dict[str, list[Vector]] = {}
        self.left: dict[str, list[Vector]] = {}
        self._paths: dict[ConnectorKey, tuple[str, ...]] = {}

    def adopt(self, site: Site) -> None:
        """Take over a changed site; `clear` before anything else."""
        self._paths = {key: site.feeders_of(key) for key in site.connectors}
        self.loads.adopt(site)

    def clear(self, timeline: LimitTimeline, bins: Bins, other_load_kw: float) -> None:
        """Begin anew, for other bins: nobody has taken any, other load at the root has `other_load_kw` [kW]."""
        site = timeline.site
        other_kw = {site.root.id: other_load_kw}
        self.limits = {f.id: limit_rows(timeline, f.id, bins, other_kw.get(f.id, 0.0)) for f in site.feeders}
        self.left = {key: [list(row) for row in rows] for key, rows in self.limits.items()}

    def path(self, key: ConnectorKey) -> tuple[str, ...]:
        """Feeders that carry a connector, from its own to the root."""
        return self._paths[key]

    def take(self, key: ConnectorKey, more_a: Sequence[float]) -> None:
        """A connector counts with so much more [A per phase] per bin (less, below 0)."""
        if not any(more_a):
            return
        for feeder_id in self._paths[key]:
            rows = self.left[feeder_id]
            for row, weight in self.loads.now(key).items():
                rows[row] = [free - more * weight for free, more in zip(rows[row], more_a, strict=True)]

    def for_a(self, key: ConnectorKey, counted_a: Vector, then: Mapping[int, float]) -> Vector:
        """What is left above a connector, in its own current [A per phase] per bin, if it loaded rows as `then` says with
        `counted_a`."""
        now, found = self.loads.now(key), []
        for row, weight in then.items():
            more = weight - now.get(row, 0.0)
            for free in self._limited(key, row):
                left = [f - more * a for f, a in zip(free, counted_a, strict=True)] if more else free
                found.append(left if weight == 1.0 else [f / weight for f in left])
        return list(map(min, *found)) if len(found) > 1 else found[0]

    def lacking(self, key: ConnectorKey, tolerance: float) -> list[bool]:
        """Per bin, whether a row that a connector loads is overdrawn at some feeder above it, by more than `tolerance`."""
        lacks = [False] * len(next(iter(self.left.values()))[0])
        for feeder_id in self._paths[key]:
            for row in self.loads.now(key):
                free = self.left[feeder_id][row]
                if min(free) < -tolerance:
                    lacks = [o or f < -tolerance for o, f in zip(lacks, free, strict=True)]
        return lacks

    def now(self, feeder_id: str) -> tuple[float, float, float, float]:
        """Left now on L1, L2, L3 [A] and in all [kW, inf without a limit]; negative where the worst case exceeds the limit."""
        rows = self.left[feeder_id]
        return rows[0][0], rows[1][0], rows[2][0], rows[3][0]

    def _limited(self, key: ConnectorKey, row: int) -> Iterator[Vector]:
        """What is left of a row at the feeders above a connector that limit it."""
        for free in (self.left[feeder_id][row] for feeder_id in self._paths[key]):
            if free[-1] < inf or min(free) < inf:
                yield free
