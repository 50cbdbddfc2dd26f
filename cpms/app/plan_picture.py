"""The picture of a plan: power per session stacked under the limits, prices and other load below, shortfalls and reasons in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cpms.domain.binding import BindingLimit
from cpms.domain.errors import InvalidInput
from cpms.domain.plan import Plan, PlanRequest
from cpms.domain.units import PHASES, power_kw

PALETTE = "tab20"
LIMIT_COLOUR, SUN_COLOUR, PRICE_COLOUR, LOAD_COLOUR = "#b3122e", "#f2b705", "#37577d", "#777777"
MOST_NAMES = 16
MOST_REASONS = 6
FORMATS = (".png", ".svg")


def require_picture(path: Path) -> None:
    """InvalidInput unless a picture can be written to `path`: said before anybody waits for a plan."""
    if path.suffix not in FORMATS:
        raise InvalidInput("--picture", f"{path.name} is none of {', '.join(FORMATS)}", "name such a file")
    if not path.parent.is_dir():
        raise InvalidInput("--picture", f"there is no folder {path.parent}", "make it, or name another")


def draw_plan(request: PlanRequest, plan: Plan, path: Path) -> None:
    """Write the picture to `path` (.png or .svg); InvalidInput for any other kind of file."""
    require_picture(path)
    figure = Figure(figsize=(11, 7.6), layout="constrained")
    FigureCanvasAgg(figure)
    power, money = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    _sessions(power, request, plan)
    _limits(power, request)
    power.legend(loc="upper right", fontsize=8, ncols=2, framealpha=0.9)
    _prices(money, request)
    gap = "no certificate" if plan.gap is None else f"at most {100 * plan.gap:.2f} % from the best there can be"
    power.set_title(f"{plan.status.value} plan, {gap}; peak {plan.peak_kw:.1f} kW", fontsize=12)
    figure.text(0.01, -0.01, "\n".join(_words(request, plan)), fontsize=8, va="top", family="monospace")
    figure.savefig(path, dpi=130, bbox_inches="tight")


def _sessions(axis: Axes, request: PlanRequest, plan: Plan) -> None:
    edges = _edges_h(request)
    colours = mpl.colormaps[PALETTE]
    below = [0.0] * len(request.steps)
    for n, session in enumerate(plan.sessions):
        above = [base + power for base, power in zip(below, session.power_kw, strict=True)]
        label = session.session_id if n < MOST_NAMES else None
        axis.stairs(above, edges, baseline=below, fill=True, color=colours(n % colours.N), label=label)
        below = above
    axis.set_ylabel("power of the vehicles [kW]")
    axis.set_ylim(bottom=0.0)
    axis.grid(axis="y", alpha=0.25)


def _limits(axis: Axes, request: PlanRequest) -> None:
    """What the grid connection leaves for vehicles, drawn where it is near what they could take."""
    most_kw = sum(power_kw(n.max_current_a, request.voltage_v, len(n.phases)) for n in request.needs)
    roots = [feeder for feeder in request.feeders if feeder.parent_id is None]
    left_kw = []
    for t in range(len(request.steps)):
        rooms = [
            min(power_kw(f.limit_a[t], request.voltage_v, len(PHASES)), _or_any(f.import_kw[t])) - f.other_load_kw[t]
            for f in roots
        ]
        left_kw.append(max(0.0, min(sum(rooms), 1.2 * most_kw)))
    axis.stairs(left_kw, _edges_h(request), baseline=None, color=LIMIT_COLOUR, linewidth=2, label="left for vehicles")


def _or_any(limit_kw: float | None) -> float:
    return float("inf") if limit_kw is None else limit_kw


def _prices(axis: Axes, request: PlanRequest) -> None:
    edges = _edges_h(request)
    axis.stairs(request.import_price_per_kwh, edges, baseline=None, color=PRICE_COLOUR, linewidth=1.6)
    axis.set_ylim(bottom=min(0.0, *request.import_price_per_kwh))
    axis.set_ylabel("price [money/kWh]", color=PRICE_COLOUR)
    axis.set_xlabel(f"hours after {request.steps[0].starts_at:%Y-%m-%d %H:%M %Z}")
    power = axis.twinx()
    power.stairs(request.solar_kw, edges, fill=True, color=SUN_COLOUR, alpha=0.5, label="sun")
    power.stairs(request.other_load_kw, edges, baseline=None, color=LOAD_COLOUR, label="other load")
    power.set_ylim(0, 1.1 * max(1.0, *request.solar_kw, *request.other_load_kw))
    power.set_ylabel("sun, other load [kW]")
    power.legend(loc="upper right", fontsize=8)


def _edges_h(request: PlanRequest) -> list[float]:
    """Edges of the steps, in hours after the first."""
    origin = request.steps[0].starts_at
    starts_h = [(step.starts_at - origin).total_seconds() / 3600 for step in request.steps]
    return [*starts_h, (request.steps[-1].ends_at - origin).total_seconds() / 3600]


def _words(request: PlanRequest, plan: Plan) -> Iterator[str]:
    for session in plan.sessions:
        if session.shortfall_kwh > 0:
            yield f"{session.session_id} lacks {session.shortfall_kwh:.1f} kWh at departure"
    for limit in _dearest(plan.binding):
        at = request.steps[limit.step].starts_at.strftime("%H:%M")
        where = f" {limit.phase.value}" if limit.phase else ""
        price = f"one more kW would save {limit.shadow_price_per_kw:.3f}"
        yield f"{at} held back by {limit.feeder_id}{where} at {round(limit.limit, 1):g} {limit.unit}: {price}"


def _dearest(limits: Sequence[BindingLimit]) -> list[BindingLimit]:
    dearest = sorted(limits, key=lambda limit: -limit.shadow_price_per_kw)[:MOST_REASONS]
    return sorted(dearest, key=lambda limit: limit.step)
