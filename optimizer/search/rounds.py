"""Rounds of restricted problems around the relaxation, widened while the certificate is not good enough."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpms.domain.errors import PlanFailed
from optimizer.model.kinds import CONTINUOUS
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.certify import relative_gap
from optimizer.search.completion import Found
from optimizer.search.covers import with_covers
from optimizer.search.dive import Dived, dive, gives, settle
from optimizer.search.domains import setpoints_near, undecided
from optimizer.search.flips import flipped
from optimizer.search.incumbent import PART_OF_TARGET, Incumbent
from optimizer.search.near import left_open, setpoints_around
from optimizer.search.neighbourhoods import OPEN_SLOTS, neighbourhoods
from optimizer.search.peak_levels import PeakLevels
from optimizer.search.permissions import permitted_kw
from optimizer.search.relaxing import Relaxation
from optimizer.search.solve import Solver
from optimizer.search.whole import Whole


@dataclass(frozen=True)
class Round:
    """One look at the problem: who is on, in `time_share` of the time that is left, then the setpoints, in ROUNDING_SHARE of it.

    `widening`: share of the remaining gap up to which a slot's reduced cost re-opens it; None: only what the relaxation left between
    off and minimum is open, 1: nothing that could improve the plan is left out. `reach`: setpoints further away than the nearest ones
    that are tried.
    """

    widening: float | None
    reach: int
    time_share: float


ROUNDS = (Round(None, 1, 0.5), Round(0.0, 1, 0.5), Round(0.1, 1, 0.4), Round(1.0, 2, 0.5))

FIRST_LOOK = Round(0.0, 1, 0.22)
"""At small sites, before the whole choice."""

BRANCHING_SHARE = 0.3
"""Of the time that is left: for a better bound where there are yes and no besides who charges."""

NEAR_SHARE = 0.3
"""Of the time that is left: for what a dive left open, and for the setpoints around it."""

ROUNDING_SHARE = 0.1
"""Of the time that is left: the last setpoint's worth of peak is hard to find and worth little."""

MOST_TIGHTENINGS, LEAST_TIGHTENING = 10, 1e-5
"""Rounds of further rows, and by which share of itself the bound has to rise for another one."""

FEW_TO_CHOOSE = 1_200
"""Up to so many slots the whole choice is one mixed-integer program."""

AROUND_SHARE, NEIGHBOURHOOD_SHARE, MOST_IN_VAIN, MANY_PARTS = 0.7, 0.08, 12, 3
"""Of the time that is left: for parts of a plan decided anew, and for one part; so many in a row that improve nothing are the last.
Sites that are not several times as large as a part are solved as a whole."""

WHOLE_SHARE = 0.6
"""Of the time that is left: for the whole choice near a plan, then for all of it."""

PATIENCE = 5.0
"""Within this many times the gap that is aimed for, a round that closes less than a tenth of it is the last one."""


class Search(Incumbent):
    """What is done to find better plans and bounds."""

    def run(self, one: Round) -> None:
        """Decide who is on, then at which setpoints."""
        if not self.good_enough(self.power_cost, part=0.5):
            self._decide(one)
        if not self.good_enough(self.cost):
            self._round(one)

    def flip(self, dived: Dived) -> None:
        """A dive, or what is better near it; rounded when that may be good enough, and once more if rounding costs too much."""
        found = flipped(self.solver, dived, self.good_enough)
        self.accept(found.vertex.values)
        if self.good_enough(self.cost) or not self.good_enough(found.vertex.objective):
            return
        rounding = self.cost - found.vertex.objective

        def enough(cost: float) -> bool:
            return self.good_enough(cost + rounding) or self.good_enough(cost, PART_OF_TARGET)

        self.accept(flipped(self.solver, found, enough).vertex.values)

    def _look_near(self, start_kw: Floats | None) -> None:
        """Decide what a dive left open, then the setpoints around that, charging and giving together."""
        program, solver = self.solver.program, self.solver
        dived = dive(solver, self.horizon, self.relaxation, start_kw)
        self.offer_choice(dived.vertex.values)
        values = solver.within(left_open(program, dived), self.target, NEAR_SHARE * solver.left_s)
        if values is None:
            return
        self.accept(values)
        if not self.good_enough(self.cost):
            around = setpoints_around(program, self.horizon, values, 1)
            self.offer_choice(solver.within(around, self.target, NEAR_SHARE * solver.left_s))

    def tighten(self) -> bool:
        """A better bound by the covers that the relaxation breaks, as long as they raise it; whether there were any."""
        begun = self.bound
        for _ in range(MOST_TIGHTENINGS):
            program = with_covers(self.solver.program, self.horizon, self.relaxation.values)
            if program is None or self.solver.left_s <= 0:
                break
            self.solver.extend(program, self.relaxation.basis)
            try:
                self.relaxation = self.solver.relax()
            except PlanFailed:  # no time: what was known holds, with rows that nobody pays for
                free = np.zeros(len(program.row_upper) - len(self.relaxation.duals))
                self.relaxation = replace(self.relaxation, duals=np.append(self.relaxation.duals, free))
                break
            before = self.bound
            self.bound_by(self.relaxation)
            if relative_gap(self.bound, before) < LEAST_TIGHTENING:
                break
        return self.bound > begun

    def branch(self) -> None:
        """A better bound where the linear relaxation is between the sides of a yes or no, and what it finds on the way."""
        program, solver = self.solver.program, self.solver
        if np.all(np.delete(program.kind, np.r_[program.columns["power"]]) == CONTINUOUS):
            return
        values, bound = solver.branch(BRANCHING_SHARE * solver.left_s)
        self.bound_at(bound)
        if values is not None:
            self.offer(values[program.columns["power"]], self.background(values))

    def choose_whole(self, whole: Whole) -> None:
        """Of few slots the whole choice: first what the relaxation and the best so far disagree on, then parts of it where stations
        are particular, then all of it, which bounds as well."""
        if whole.has_lists:
            limit_s = WHOLE_SHARE * self.solver.left_s / 2
            self._offer_whole(whole, whole.near(self.relaxation.values, self.best, limit_s, lists_open=True))
        self._offer_whole(whole, whole.near(self.relaxation.values, self.best, WHOLE_SHARE * self.solver.left_s))
        if self._has_parts():
            self._look_around(whole)
        if not self.good_enough(self.cost):
            self._bound_by_peak(whole)
        if not self.good_enough(self.cost):
            values, bound = whole.best_of_all(self.best, WHOLE_SHARE * self.solver.left_s)
            self.bound_at(bound)
            self._offer_whole(whole, values)

    def _look_around(self, whole: Whole) -> None:
        """Decide parts of the best so far anew, until that is in vain."""
        in_vain, until_s = 0, (1.0 - AROUND_SHARE) * self.solver.left_s
        for free in neighbourhoods(self.horizon):
            if in_vain >= MOST_IN_VAIN or self.solver.left_s <= until_s or self.good_enough(self.cost):
                break
            before = self.cost
            values = whole.around(self.best, free, NEIGHBOURHOOD_SHARE * self.solver.left_s)
            self._offer_whole(whole, values)
            in_vain = 0 if before - self.cost > LEAST_TIGHTENING * abs(before) else in_vain + 1

    def _bound_by_peak(self, whole: Whole) -> None:
        """A better bound where setpoints are so coarse that it matters to what peaks they add up."""
        least = self.horizon.request.gap_target * abs(self.cost)
        levels = PeakLevels.of(whole.program, self.horizon)
        if levels is not None and levels.step_cost > least:
            enough = self.cost - least
            near_kw = float(self.relaxation.values[self.solver.program.columns["highest"]][0])
            ends_s = self.solver.ends_s - (1.0 - NEAR_SHARE) * self.solver.left_s
            self.bound_at(levels.bound(near_kw, enough, ends_s))

    def choose_on_grid(self, whole: Whole) -> None:
        """The whole choice among setpoints: exact if there is time for it."""
        values, bound = whole.best_on_grid(self.best, self.solver.left_s)
        self.bound_at(bound)
        self._offer_whole(whole, values)

    def _offer_whole(self, whole: Whole, values: Floats | None) -> None:
        if values is not None:
            self.offer(permitted_kw(whole.program, values), self.background(values[: len(self.solver.program.cost)]))

    def _decide(self, one: Round) -> None:
        gap = min(self.cost, self.power_cost) - self.bound
        slack = None if one.widening is None else one.widening * gap
        domain = undecided(self.horizon, self.solver.program, self.relaxation, slack)
        values = self.solver.choose(domain, self.target, one.time_share * self.solver.left_s)
        if values is not None:
            self.accept(values)

    def decide_on_grid(self) -> None:
        """Everything at once, for what little the rounds may have missed: exact if there is time for it."""
        slack = self.cost - self.bound
        domain = undecided(self.horizon, self.solver.program, self.relaxation, slack, on_grid=True)
        self.offer_choice(self.solver.choose(domain, self.target, self.solver.left_s))

    def _round(self, one: Round) -> None:
        known_kw = self.best.setpoint_kw
        domain = setpoints_near(self.horizon, self.power_kw, self.behind.give_kw, known_kw, one.reach)
        self.offer_choice(self.solver.choose(domain, self.target, ROUNDING_SHARE * self.solver.left_s, known_kw))

    def _is_small(self) -> bool:
        return 0 < len(self.power_kw) <= FEW_TO_CHOOSE

    def _has_parts(self) -> bool:
        """Whether stations are particular, and more than can be decided at once."""
        return bool(self.horizon.special) and len(self.power_kw) >= MANY_PARTS * OPEN_SLOTS

    def _dive_twice(self, start_kw: Floats | None) -> None:
        """From the relaxation, given up where it cannot be good enough; then from a tighter one, and what is better near that."""
        most = self.bound + self.horizon.request.gap_target * max(abs(self.bound), 1.0)
        found = dive(self.solver, self.horizon, self.relaxation, start_kw, most)
        given_up = found.vertex.objective > most
        if not given_up:
            self.accept(found.vertex.values)
        if self.good_enough(self.cost):
            return
        tighter = self.tighten()
        if self.good_enough(self.cost):
            return
        if tighter:
            found = dive(self.solver, self.horizon, self.relaxation, start_kw)
        elif given_up:
            found = settle(self.solver, found, 0.0)
        if self._has_parts():  # one decision turned round is hardly ever a course that such a station can be told
            self.accept(found.vertex.values)
        else:
            self.flip(found)

    def _look_twice(self, start_kw: Floats | None) -> None:
        """Near a dive from the relaxation, and where that is not good enough from a tighter one."""
        self._look_near(start_kw)
        if not self.good_enough(self.cost) and self.tighten() and not self.good_enough(self.cost):
            self._look_near(start_kw)

    def run_all(self, start_kw: Floats | None) -> None:
        """Dive, bound, and rounds that look further, until the certificate is good enough or the time over."""
        if start_kw is not None:
            self.take(start_kw)
        if not self.good_enough(self.cost):
            looked = self._look_twice if gives(self.solver.program) else self._dive_twice
            looked(start_kw)
        if not np.isfinite(self.cost):
            self.offer(np.zeros_like(self.power_kw))
        if self.good_enough(self.cost):
            return
        whole = Whole(self.solver, self.horizon) if self._is_small() else None
        if whole:
            if not self._has_parts():
                self.run(FIRST_LOOK)
            self.choose_whole(whole)
        else:
            self.branch()
        self._look_further()
        if self.good_enough(self.cost) or self.solver.left_s <= 0:
            return
        if whole:
            if not self._has_parts():  # too large to be exact: it is decided part by part
                self.choose_on_grid(whole)
        elif not self.good_enough(self.cost, part=PATIENCE):
            self.decide_on_grid()

    def _look_further(self) -> None:
        """Rounds, as long as they gain something."""
        for one in ROUNDS[self._is_small() :]:
            if self.good_enough(self.cost) or self.solver.left_s <= 0:
                return
            before = self.cost
            self.run(one)
            if self.good_enough(self.cost, part=PATIENCE) and before - self.cost < 0.1 * (before - self.bound):
                return


def search(
    solver: Solver, horizon: Horizon, relaxation: Relaxation, start_kw: Floats | None = None
) -> tuple[Found, float]:
    """The best found in the request's time, `start_kw` (setpoints per slot [kW]) if nothing is better, and a bound
    [money] below all."""
    state = Search(solver, horizon, relaxation)
    state.run_all(start_kw)
    return state.completion.settled(state.best), state.proven
