"""The picture of a day: power per connector stacked under the limit, ours beside uncontrolled, with price, sun and event."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter, HourLocator, date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cpms.simulation.result import DayResult, DemoResult
from cpms.simulation.scenario import Day
from cpms.simulation.vehicle import FloatArray

SMOOTH_MIN = 3
PALETTES = ("Blues", "Greens", "Oranges", "Purples", "Reds", "Greys")
LIMIT_COLOUR, NET_COLOUR, SUN_COLOUR, PRICE_COLOUR = "#b3122e", "#111111", "#f2b705", "#37577d"


def draw(result: DemoResult, path: Path) -> None:
    """Write the picture to `path` (png)."""
    shown = [result.results[0], *(r for r in result.results if r.controller == "uncontrolled")]
    figure = Figure(figsize=(7.5 * len(shown), 7.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(shown), sharex=True, sharey="row", height_ratios=(3.2, 1), squeeze=False)
    for column, each in enumerate(shown):
        _power(axes[0][column], result.day, each)
        _surroundings(axes[1][column], result.day, last=column == len(shown) - 1)
    axes[0][0].set_ylabel("power [kW]")
    axes[0][0].legend(handles=_legend(axes[0][0], result.day), loc="upper left", fontsize=8, ncols=2, framealpha=0.9)
    axes[1][0].set_ylabel(f"price [{result.day.tariff.currency}/kWh]", color=PRICE_COLOUR)
    figure.suptitle(f"{result.day.site.name}, {result.day.name}", fontsize=14, fontweight="bold")
    figure.savefig(path, dpi=130)


def _power(axis: Axes, day: Day, result: DayResult) -> None:
    at = _minutes(day, len(result.net_kw))
    axis.stackplot(_axis(at), _smooth(result.connector_kw[: len(at)]).T, colors=_colours(day), linewidth=0)
    axis.plot(_axis(at), _smooth(result.net_kw), color=NET_COLOUR, linewidth=1.1, label="import at the grid connection")
    root = day.site.root.id
    limits = [day.timeline.at(root, instant).limit_kw or np.nan for instant in at]
    axis.step(_axis(at), limits, where="post", color=LIMIT_COLOUR, linewidth=2, label="limit of the grid connection")
    for event in day.events:
        axis.axvspan(*_axis([event.starts_at, event.ends_at]), color=LIMIT_COLOUR, alpha=0.08, linewidth=0)
    over_s = result.overload_s
    verdict = f"{over_s} s above a limit" if over_s else "never above a limit"
    axis.set_title(
        f"{result.controller}: {result.energy_kwh:.0f} kWh, {result.needs_met} of {len(result.visits)} needs met,"
        f" {result.cost:.2f} {result.currency}\npeak {result.bill.peak_kw:.0f} kW, {verdict}",
        fontsize=11,
    )
    axis.axhline(0, color="black", linewidth=0.6)
    axis.grid(axis="y", alpha=0.25)


def _surroundings(axis: Axes, day: Day, *, last: bool) -> None:
    at = _minutes(day, day.duration_s // 60)
    prices = [float(day.tariff.import_price_per_kwh(instant)) for instant in at]
    axis.step(_axis(at), prices, where="post", color=PRICE_COLOUR, linewidth=1.6)
    axis.set_ylim(bottom=min(0.0, *prices))
    sun = axis.twinx()
    sun.fill_between(_axis(at), np.array(day.solar_kw[: len(at)]), color=SUN_COLOUR, alpha=0.55, linewidth=0)
    sun.set_ylim(0, max(1.0, *day.solar_kw) * 1.1)
    sun.set_zorder(axis.get_zorder() - 1)
    axis.patch.set_visible(False)
    sun.tick_params(labelright=last)
    if last:
        sun.set_ylabel("sun [kW]", color="#a67c00")
    zone = ZoneInfo(day.site.timezone)
    axis.xaxis.set_major_locator(HourLocator(byhour=range(0, 24, 3), tz=zone))  # type: ignore[no-untyped-call]  # matplotlib types it not
    axis.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]  # likewise
    axis.set_xlim(*_axis([day.starts_at, day.ends_at]))


def _legend(axis: Axes, day: Day) -> list[object]:
    feeders = [f.id for f in day.site.feeders if any(s.feeder_id == f.id for s in day.site.stations)]
    patches = [Patch(color=_shade(n, 0.6), label=f"vehicles on {feeder}") for n, feeder in enumerate(feeders)]
    return [*axis.get_legend_handles_labels()[0][-2:], *patches]


def _colours(day: Day) -> list[tuple[float, float, float, float]]:
    """A hue per feeder, a shade per connector."""
    feeders = [f.id for f in day.site.feeders if any(s.feeder_id == f.id for s in day.site.stations)]
    of = [feeders.index(day.site.station_by_id[key.station_id].feeder_id) for key in day.site.connectors]
    shades = []
    for position, feeder in enumerate(of):
        mates = [p for p, other in enumerate(of) if other == feeder]
        shades.append(_shade(feeder, 0.35 + 0.5 * mates.index(position) / max(1, len(mates) - 1)))
    return shades


def _shade(feeder: int, depth: float) -> tuple[float, float, float, float]:
    red, green, blue, alpha = mpl.colormaps[PALETTES[feeder % len(PALETTES)]](depth)
    return float(red), float(green), float(blue), float(alpha)


def _minutes(day: Day, count: int) -> list[datetime]:
    return [day.starts_at + timedelta(minutes=minute) for minute in range(count)]


def _axis(instants: list[datetime]) -> FloatArray:
    """Instants as matplotlib counts them."""
    return np.array([date2num(instant) for instant in instants], dtype=np.float64)  # type: ignore[no-untyped-call]  # likewise


def _smooth(values: FloatArray) -> FloatArray:
    """Means over a few minutes: what is drawn is legible, what is counted is every second."""
    kernel = np.ones(SMOOTH_MIN) / SMOOTH_MIN
    smoothed = np.apply_along_axis(lambda column: np.convolve(column, kernel, "same"), 0, values)
    return np.asarray(smoothed, dtype=np.float64)
