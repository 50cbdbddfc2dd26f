"""Trained models in service: each with the window it learned from and its score; a worse one does not replace a better one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cpms.domain.errors import InvalidInput

MIN_SCORED = 200


@dataclass(frozen=True)
class TrainedModel:
    """A model as stored. `text`: what its kind's `from_text` reads. `crps`: mean over `scored` forecasts of the same held-out
    days for every contender (None before it was scored)."""

    kind: str
    version: int
    trained_at: datetime
    data_from: datetime
    data_until: datetime
    text: str
    crps: float | None = None
    scored: int = 0


def promote(incumbent: TrainedModel | None, challenger: TrainedModel) -> tuple[TrainedModel, str]:
    """Who serves from now on, and why in words. Both must have been scored on the same days.

    InvalidInput where they forecast different things.
    """
    if incumbent is None:
        return replace(challenger, version=1), "first of its kind"
    if incumbent.kind != challenger.kind:
        raise InvalidInput(
            "kind", f"{challenger.kind!r} cannot replace {incumbent.kind!r}", "compare models of one kind"
        )
    if challenger.crps is None or challenger.scored < MIN_SCORED:
        return incumbent, f"the new one was scored on {challenger.scored} forecasts only"
    if incumbent.crps is not None and challenger.crps > incumbent.crps:
        return incumbent, f"the new one is worse: crps {challenger.crps:.4g} against {incumbent.crps:.4g}"
    return replace(challenger, version=incumbent.version + 1), f"crps {challenger.crps:.4g}"
