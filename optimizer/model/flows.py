"""Flows: every decision that moves power through the feeder tree, whoever declared it.

A flow is a variable [kW] at a point of the tree in a step, drawing (sign +1) or delivering (sign -1) there. What couples the site (the
balance at the grid connection, the limits of the feeders) is written over flows and knows nothing of vehicles or batteries.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from optimizer.problem.horizon import Floats, Ints


@dataclass
class Flows:
    """F flows in the order in which they were added: `variables[f]` of at most `most_kw[f]` [kW] at `point[f]` in `step[f]`, with
    `sign[f]`, for `present[f]` of it (0 to 1): meters count its mean, limits hold it whole. Points are columns of `Limits.share`."""

    variables: list[object] = field(default_factory=list)
    point: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    step: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sign: Floats = field(default_factory=lambda: np.zeros(0))
    most_kw: Floats = field(default_factory=lambda: np.zeros(0))
    present: Floats = field(default_factory=lambda: np.zeros(0))

    def add(
        self,
        variables: list[object],
        point: Ints,
        step: Ints,
        most_kw: Floats,
        sign: float = 1.0,
        present: Floats | None = None,
    ) -> None:
        """One more family of flows, each argument in the order of its variables; `present` None: all of every step."""
        self.variables.extend(variables)
        self.point = np.concatenate([self.point, point])
        self.step = np.concatenate([self.step, step])
        self.sign = np.concatenate([self.sign, np.full(len(variables), sign)])
        self.most_kw = np.concatenate([self.most_kw, most_kw])
        self.present = np.concatenate([self.present, np.ones(len(variables)) if present is None else present])

    @property
    def most_metered_kw(self) -> Floats:
        """Most that each flow can be on average over its step [kW]."""
        return self.present * self.most_kw

    def most_drawn_kw(self, step_count: int) -> Floats:
        """Most that could be drawn per step [kW] if nothing were delivered."""
        return self._per_step(np.where(self.sign > 0, self.most_metered_kw, 0.0), step_count)

    def most_delivered_kw(self, step_count: int) -> Floats:
        """Most that could be delivered per step [kW] if nothing were drawn."""
        return self._per_step(np.where(self.sign < 0, self.most_metered_kw, 0.0), step_count)

    def _per_step(self, power_kw: Floats, step_count: int) -> Floats:
        return np.bincount(self.step, weights=power_kw, minlength=step_count).astype(np.float64)


def members(group: Ints) -> dict[int, list[int]]:
    """Positions by value of `group`, ascending."""
    order = np.argsort(group, kind="stable")
    values, starts = np.unique(group[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(values) else []
    return {int(value): part.tolist() for value, part in zip(values, parts, strict=True)}
