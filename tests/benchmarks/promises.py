"""What forecasts promise, against the figures that a command printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]

HORIZONS = {"solar": "horizons", "load": "horizons", "prices": "days_beyond", "carbon": "leads_h"}
"""Where a quantity keeps its figures per horizon."""

YEAR, MONTH = (0.78, 0.82), (0.70, 0.90)
"""Shares that bands of 80 % may hold in all, and in any month."""

LEAST_SKILL = {"1": 0.11, "4": 0.24, "24": 0.19}
LEAST_SKILL_WITH_WEATHER = {"24": 0.45}
MOST_SOLAR_CRPS = {"1": 0.05}
MOST_DEPARTURE_H, MOST_ENERGY_KWH = 2.1, 7.4
MOST_SET_MS, MOST_TRAINING_S = 200.0, 10.0


def of(figures: Figures) -> dict[str, dict[str, object]]:
    """Each promise about a quantity: the figures, and whether all of them keep it. Nothing about what was not asked for."""
    quantity = figures["quantity"]
    told = _bands(figures[HORIZONS[quantity]].values()) if quantity in HORIZONS else {}
    told |= PROMISES.get(quantity, _nothing)(figures)
    return {name: one for name, one in told.items() if one["figures"]}


def _kept(values: Iterable[float], least: float = -float("inf"), most: float = float("inf")) -> dict[str, object]:
    figures = list(values)
    return {"figures": figures, "kept": all(least <= value <= most for value in figures)}


def _bands(told: Iterable[Figures]) -> dict[str, dict[str, object]]:
    every = list(told)
    return {
        "80 % bands cover 78 to 82 %": _kept((one["coverage_80"] for one in every), *YEAR),
        "80 % bands cover 70 to 90 % in every month": _kept(
            (share for one in every for share in one.get("coverage_80_months", ())), *MONTH
        ),
    }


def _solar(figures: Figures) -> dict[str, dict[str, object]]:
    told = figures["horizons"]
    least = LEAST_SKILL_WITH_WEATHER if figures["weather"] else LEAST_SKILL
    crps = {} if figures["weather"] else MOST_SOLAR_CRPS
    return {
        **{f"skill at {h} h at least {share:.0%}": _kept(_at(told, h, "skill"), share) for h, share in least.items()},
        **{f"CRPS at {h} h at most {share:.1%}": _kept(_at(told, h, "crps"), most=share) for h, share in crps.items()},
        "never worse than smart persistence": _kept((one["skill"] for one in told.values()), 0.0),
    }


def _at(told: Mapping[str, Figures], horizon: str, name: str) -> Sequence[float]:
    return [told[horizon][name]] if horizon in told else []


def _sessions(figures: Figures) -> dict[str, dict[str, object]]:
    departure, energy = figures["departure_h"], figures["energy_kwh"]
    over = [one["rolling_median"]["mae"] - one["mae"] for one in (departure, energy)]
    return {
        f"departures within {MOST_DEPARTURE_H} h": _kept([departure["mae"]], most=MOST_DEPARTURE_H),
        f"energy within {MOST_ENERGY_KWH} kWh": _kept([energy["mae"]], most=MOST_ENERGY_KWH),
        "never worse than the rolling median": _kept((round(one, 3) for one in over), 0.0),
        **_bands({**one, "coverage_80_months": _months(one)} for one in (departure, energy)),
        **{f"arrivals: {name}": one for name, one in _arrivals(figures["arrivals_to_come"]).items()},
    }


def _arrivals(figures: Figures) -> dict[str, dict[str, object]]:
    whole_days = figures["issued_at_hour"]["0"]
    better_kwh = round(whole_days["last_week_mae_kwh"] - whole_days["mae_kwh"], 2)
    return {
        "a day's energy to come better than the same day last week": _kept([better_kwh], 0.0),
        **_bands([{**figures["all_hours"], "coverage_80_months": _months(figures)}]),
    }


def _months(figures: Figures) -> list[float]:
    return [month["coverage_80"] for month in figures["months"].values()]


def _set(figures: Figures) -> dict[str, dict[str, object]]:
    return {
        f"a set in {MOST_SET_MS:.0f} ms of CPU": _kept([figures["set_cpu_ms"]["total"]], most=MOST_SET_MS),
        f"an array's year in {MOST_TRAINING_S:.0f} s": _kept(
            [figures["training_cpu_s"]["solar"]], most=MOST_TRAINING_S
        ),
    }


def _load(figures: Figures) -> dict[str, dict[str, object]]:
    skills, peak = [one["skill"] for one in figures["horizons"].values()], figures["month_peak"]
    months = peak.get("coverage_80_by_month_of_issue", {})
    peaks = _bands([{**peak, "coverage_80_months": months.values()}] if peak else [])
    return {
        "never worse than the same time last week": _kept(skills, 0.0),
        **{f"the month's peak: {name}": one for name, one in peaks.items()},
    }


def _nothing(_: Figures) -> dict[str, dict[str, object]]:
    return {}


PROMISES = {"solar": _solar, "sessions": _sessions, "arrivals": _arrivals, "set": _set, "load": _load}
