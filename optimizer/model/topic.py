"""How a part of the problem is added: a topic declares its unknowns, its constraints and its terms, and nobody else knows them.

A new topic is a module in `optimizer.model.topics` with one `Topic` in the table of `optimizer.model.topics.TOPICS`. Its variables

- have finite bounds, every one: without them there is no certificate (`certify.lower_bound`);
- are columns in the order of declaration, relaxed to their bounds in the linear relaxation; `within=Binary` makes them integers in the
  mixed-integer programs, `semi_continuous` makes them 0 or at least something there;
- that move power are added to `model.flows`, by which they load or relieve the feeders, the grid connection and its peaks.

The power per slot is searched for by `search`. Once it is known every other column follows, by the closed form of its topic
(`complete`). Where that is only one possible answer and not the best (`exact` is False: a battery at rest), HiGHS solves for the
rest of the columns instead (`Solver.complete`), and the closed form is what is left if it has no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pyomo.core.expr import LinearExpression
from pyomo.environ import ConcreteModel

from optimizer.problem.horizon import Floats, Horizon

Declare = Callable[[ConcreteModel, Horizon], None]
Formula = Callable[[ConcreteModel, Horizon], LinearExpression]
Complete = Callable[[Horizon, Floats], dict[str, Floats]]
Settle = Callable[[Horizon, Callable[[str], Floats]], dict[str, Floats]]
"""From the columns of a family, in their order, to what columns of others should be settled at (NaN: open)."""


@dataclass(frozen=True)
class Term:
    """A term of the objective: its name, unit, weight and formula."""

    name: str
    unit: str
    weight: float
    formula: Formula


def always(_: Horizon) -> bool:
    """Part of every request."""
    return True


def no_columns(_: Horizon, slot_kw: Floats) -> dict[str, Floats]:
    """The closed form of a topic that has no columns of its own."""
    return {}


def nothing_to_settle(_: Horizon, value_of: Callable[[str], Floats]) -> dict[str, Floats]:
    """What a topic settles that has no yes or no of its own, or leaves it to the solver."""
    return {}


@dataclass(frozen=True)
class Topic:
    """A part of the problem. `applies`: whether a request has it at all; without it, it costs nothing.

    `variables` declare unknowns on the model, `constraints` one family of rows each. `complete(horizon, slot_kw)`: its columns by
    family, each over all indices, from the power per slot [kW]; `exact`: nothing is cheaper with that power. `settle`: which yes or no
    fits a solution of the relaxation; diving begins with it.
    `knows_limits`: what it declares depends on the headroom of limits, in more than the right-hand sides of `topics.feeders`.
    """

    name: str
    variables: tuple[Declare, ...] = ()
    constraints: tuple[Declare, ...] = ()
    terms: tuple[Term, ...] = ()
    applies: Callable[[Horizon], bool] = always
    complete: Complete = no_columns
    exact: bool = True
    settle: Settle = nothing_to_settle
    knows_limits: bool = False


class SemiContinuous(NamedTuple):
    """Least value of a variable that is not 0, and the grid it lies on (None: any value)."""

    least: float
    quantum: float | None


def semi_continuous(model: ConcreteModel, variable: object, least: float, quantum: float | None = None) -> None:
    """In mixed-integer programs `variable` is 0 or in [least, its upper bound], whole multiples of `quantum` if given."""
    model.semi[variable] = SemiContinuous(least, quantum)


def linear(parts: list[tuple[float, object]]) -> LinearExpression:
    """sum of coefficient * variable."""
    return LinearExpression(linear_coefs=[c for c, _ in parts], linear_vars=[v for _, v in parts])
