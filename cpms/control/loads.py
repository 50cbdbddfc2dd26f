"""How connectors load the rows of feeders, as far as it is known which phases they use (G9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpms.control.rows import row_weights
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Site
from cpms.domain.units import Phase


@dataclass(frozen=True)
class Trusted:
    """The only phases that a connector uses as long as it is told nothing but `told` (None: to use all that it has)."""

    phases: tuple[Phase, ...]
    told: Phase | None = None


class Loads:
    """Row weights of a site's connectors: on all phases they may use, or on those they are trusted to use alone."""

    def __init__(self) -> None:
        self._voltage_v = 0.0
        self._connectors: Mapping[ConnectorKey, Connector] = {}
        self._trusted: dict[ConnectorKey, Trusted] = {}
        self._now: dict[ConnectorKey, Mapping[int, float]] = {}

    def adopt(self, site: Site) -> None:
        """Take over a changed site; trust in what changed is over."""
        before, self._connectors, self._voltage_v = self._connectors, site.connectors, site.max_voltage_v
        self._trusted = {
            key: trusted
            for key, trusted in self._trusted.items()
            if key in before and before[key] == site.connectors.get(key)
        }
        self._now = {key: self._computed(key) for key in site.connectors}

    def now(self, key: ConnectorKey) -> Mapping[int, float]:
        """Rows that a connector loads, and how much per ampere."""
        return self._now[key]

    def if_told(self, key: ConnectorKey, single: Phase | None) -> Mapping[int, float]:
        """The same if it were told to use `single` alone (None: all it has), as long as nothing else is known of that; the very same
        object where it would change nothing."""
        trusted = self._trusted.get(key)
        if trusted is None or trusted.told == single:
            return self._now[key]
        return row_weights(self._connectors[key], self._voltage_v)

    def trusted(self, key: ConnectorKey) -> Trusted | None:
        """What is trusted now."""
        return self._trusted.get(key)

    def trust(self, key: ConnectorKey, trusted: Trusted | None) -> None:
        """From now on trust this, or nothing."""
        if trusted is None:
            self._trusted.pop(key, None)
        else:
            self._trusted[key] = trusted
        self._now[key] = self._computed(key)

    def _computed(self, key: ConnectorKey) -> Mapping[int, float]:
        trusted = self._trusted.get(key)
        return row_weights(self._connectors[key], self._voltage_v, None if trusted is None else trusted.phases)
