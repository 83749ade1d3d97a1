"""Use case: how much each change between two scenarios, or two days, moved what it is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from app import __version__
from app.catalog.catalog import Catalog
from app.estimator.bridge import Group, MethodBridge, Stage, bridges
from app.estimator.hardware import Offer
from app.estimator.leading import leading_method
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.book_access import INSTALLATION, Asker
from app.services.bridge_inputs import MOST_STEPS, Change, changed_groups, changes_of
from app.services.estimates import estimate
from app.services.problems import InputProblems, Problem
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import SharedScenario
from app.services.slots import ESTIMATES

MOST_WORK = 100.0
"""Work of one bridge, in estimates of 10,000 draws over 36 months, at most.

It leaves room for every change of two scenarios with the usual draws, each looked at alone as well,
over the longest horizon (26 estimates of 120 months), and takes about ten seconds of one core."""

_USUAL = 10_000 * 36


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """One change on the way from the first scenario to the second.

    Parameters
    ----------
    key : tables (studies, prices of other things than rented GPUs, the estimator), prices (of
        rented GPUs, and their age), or the first input that changes.
    label : as a reader knows it.
    day : of tables and prices, the ISO date for which the scenario was shared; empty for inputs.
    back : whether it leads from today to that day, and not from that day to today.
    changes : the inputs that change; none for tables and prices.
    """

    key: str
    label: str
    day: str = ""
    back: bool = False
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Bridge:
    """From one answer to another, change by change.

    Parameters
    ----------
    steps : in the order in which they are made; the spans of `methods` count them.
    methods : the recommended method first, then each that fits at both ends; none without steps.
    left_out : keys of methods that fit at one end alone.
    """

    steps: tuple[BridgeStep, ...]
    methods: tuple[MethodBridge, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class End:
    """One end of a bridge.

    Parameters
    ----------
    report : of the scenario: today's, or the one that was shared.
    shared : what was saved, where it was; the prices are then those of its own price book.
    """

    scenario: ScenarioInput
    report: Report
    shared: SharedScenario | None = None

    @classmethod
    def saved(cls, shared: SharedScenario) -> End:
        """A saved scenario with the numbers that were shared."""
        return cls(shared.scenario, shared.report, shared)


@dataclass(frozen=True, slots=True)
class _Way:
    """What lies between two ends, before anything is computed.

    Parameters
    ----------
    groups : inputs that change, as they are counted.
    then : of either end, whether its answer is not one of today.
    private : whether a price book that is not the asker's is behind either end.
    """

    groups: tuple[Group, ...]
    then: tuple[bool, bool]
    private: bool

    def estimates(self, alone: bool) -> int:
        """How many answers are computed, at most."""
        return 2 * sum(self.then) + max(0, len(self.groups) - 1) * (2 if alone else 1)


@dataclass(frozen=True, slots=True)
class Bridges:
    """Bridges between scenarios, for one reader on one day.

    Parameters
    ----------
    catalog : the facts of today, with the built-in prices.
    asker : who asks; see `ScenarioPrices`.
    """

    catalog: Catalog
    prices: ScenarioPrices
    today: date
    asker: Asker

    def end(self, scenario: ScenarioInput) -> End:
        """A scenario as it is worth today.

        Raises
        ------
        InputProblems, Busy : see `estimate`.
        """
        priced = self.prices.priced(self.catalog, scenario.price_book, self.asker)
        return End(scenario, estimate(scenario, priced, self.today, brief=True))

    def work(self, start: End, finish: End, *, alone: bool = False) -> float:
        """What `between` has to compute, at most, where it counts changes one by one.
        [estimates of 10,000 draws over 36 months]
        """
        return self._way(start, finish).estimates(alone) * _weight(start, finish)

    def between(self, start: End, finish: End, *, alone: bool = False) -> Bridge:
        """What each change moved.

        Parameters
        ----------
        alone : also compute what each change of an input does without those before it.

        Notes
        -----
        A shared answer is led to today's tables first, since everything in between is computed
        with today's. What a mixed scenario is worth is an estimate like any other, with the draws
        and the seed that it names, so equal draws are compared.

        A price book that is not the asker's is used only with the inputs that its owner shared: its
        change is the first one, or the last. Where both ends have one, all inputs change at once.

        Changes are counted by part of the form where one by one would be more than `MOST_WORK`.

        Raises
        ------
        InputProblems : even so it is more.
        Busy : see `estimate`. A bridge takes the place of one estimate.
        """
        way = self._way(start, finish)
        weight = _weight(start, finish)
        if way.estimates(alone) * weight > MOST_WORK:
            way = self._way(start, finish, grouped=True)
        if way.estimates(alone) * weight > MOST_WORK:
            raise _too_much()
        with ESTIMATES.one():
            return self._made(way, start, finish, alone)

    def _made(self, way: _Way, start: End, finish: End, alone: bool) -> Bridge:
        here, there = _stage(start.report), _stage(finish.report)
        trail = _Trail(here)
        if way.then[0]:
            known = None if way.groups or way.then[1] else there
            for step, stage in self._to_today(start, known):
                trail.add(step, stage)
        today = trail.stages[-1]
        back = self._to_today(finish, None if way.groups else today) if way.then[1] else []
        goal = back[-1][1] if back else there
        mixed = start.scenario
        for place, group in enumerate(way.groups):
            update = {name: getattr(finish.scenario, name) for name in group.members}
            mixed = mixed.model_copy(update=update)
            last = place == len(way.groups) - 1
            stage = goal if last else self._worth(mixed, start, finish)
            by_itself: Stage | None = None
            if alone and place == 0:
                by_itself = stage
            elif alone and not way.private:
                one = start.scenario.model_copy(update=update)
                by_itself = self._worth(one, start, finish)
            changes = changes_of(group, start.scenario, finish.scenario)
            label = group.label or changes[0].label
            trail.add(BridgeStep(group.members[0], label, changes=changes), stage, by_itself)
        # The steps of the second to today, the other way round.
        for place in range(len(back) - 1, -1, -1):
            trail.add(replace(back[place][0], back=True), back[place - 1][1] if place else there)
        worth = [set(stage.npv_usd) for stage in (here, there)]
        return Bridge(tuple(trail.steps), trail.bridges(), tuple(sorted(worth[0] ^ worth[1])))

    def _way(self, start: End, finish: End, grouped: bool = False) -> _Way:
        private = [
            self.prices.shown(end.scenario, self.asker) != end.scenario for end in (start, finish)
        ]
        return _Way(
            changed_groups(
                start.scenario,
                finish.scenario,
                book_first=private[0],
                book_last=private[1],
                most=0 if grouped else MOST_STEPS,
            ),
            (self._is_of_then(start), self._is_of_then(finish)),
            any(private),
        )

    def _is_of_then(self, end: End) -> bool:
        """Whether the answer was computed with other tables, or for another day, than today's."""
        if end.shared is None:
            return False
        try:
            facts = self._priced(end).content_hash
        except InputProblems:
            return True
        report = end.report
        return (report.estimator_version, report.catalog_hash, report.as_of) != (
            __version__,
            facts,
            self.today.isoformat(),
        )

    def _to_today(self, end: End, known: Stage | None) -> list[tuple[BridgeStep, Stage]]:
        """The steps from a shared answer to today's of the same inputs, and where each leads.

        Parameters
        ----------
        known : what it is worth today, where that is known.

        Notes
        -----
        Offers that are no longer listed are not kept with all that a plan needs, so they count as
        gone in the first step.
        """
        day = end.report.as_of
        today = known or self._worth(end.scenario, end)
        then = self.prices.price_list(end.shared.price_list_hash) if end.shared else None
        try:
            now = self._priced(end)
        except InputProblems:
            then = None
        if then is None:
            step = BridgeStep("tables", "Prices, studies, other tables and the estimator", day)
            return [(step, today)]
        old = {price.key: (price.usd_per_instance_hour, price.valid_from) for price in then}
        gone = old.keys() - {offer.key for offer in now.listed}
        priced = replace(
            now, offers=_priced_as(now.offers, old), listed=_priced_as(now.listed, old)
        )
        rest = "Studies, other tables and the estimator"
        if gone:
            rest = "Offers that are gone, studies, other tables and the estimator"
        return [
            (
                BridgeStep("tables", rest, day),
                _estimated(end.scenario, priced, date.fromisoformat(day)),
            ),
            (BridgeStep("prices", "Prices of GPUs, and their age", day), today),
        ]

    def _priced(self, end: End) -> Catalog:
        asker = self.asker if end.shared is None else INSTALLATION
        return self.prices.priced(self.catalog, end.scenario.price_book, asker)

    def _worth(self, scenario: ScenarioInput, *ends: End) -> Stage:
        """What a scenario with the price book of one of the ends is worth today."""
        owner = next(end for end in ends if end.scenario.price_book == scenario.price_book)
        try:
            return _estimated(scenario, self._priced(owner), self.today)
        except InputProblems:
            return Stage({})


def _weight(*ends: End) -> float:
    """How much longer an estimate in between may take than a usual one."""
    draws = max(end.scenario.draws for end in ends)
    months = max(end.scenario.horizon_months for end in ends)
    return max(1.0, draws * months / _USUAL)


def _too_much() -> InputProblems:
    said = (
        "The estimates between the two take too long at this many draws over this many months; "
        "{} in both scenarios, or change fewer inputs at once."
    )
    return InputProblems(
        (
            Problem("/draws", said.format("use fewer draws, such as 10,000,")),
            Problem("/horizon_months", said.format("shorten the horizon")),
        )
    )


class _Trail:
    """Steps as they are made, and what the scenario is worth after each."""

    def __init__(self, start: Stage) -> None:
        self.steps: list[BridgeStep] = []
        self.stages = [start]
        self._alone: list[Stage | None] = []

    def add(self, step: BridgeStep, stage: Stage, alone: Stage | None = None) -> None:
        """One step further; tables and prices that moved nothing are no step."""
        if step.day and stage == self.stages[-1]:
            return
        self.steps.append(step)
        self.stages.append(stage)
        self._alone.append(alone)

    def bridges(self) -> tuple[MethodBridge, ...]:
        """The waterfalls; none without steps."""
        before_inputs = sum(1 for step in self.steps if step.day and not step.back)
        return bridges(self.stages, self._alone, before_inputs) if self.steps else ()


def _priced_as(offers: Iterable[Offer], old: Mapping[str, tuple[float, date]]) -> tuple[Offer, ...]:
    """Those offers that were listed then, at the price of then."""
    return tuple(
        replace(offer, usd_per_instance_hour=old[offer.key][0], valid_from=old[offer.key][1])
        for offer in offers
        if offer.key in old
    )


def _estimated(scenario: ScenarioInput, catalog: Catalog, today: date) -> Stage:
    """What a scenario is worth; nothing where it cannot be estimated."""
    try:
        return _stage(estimate(scenario, catalog, today, brief=True))
    except InputProblems:
        return Stage({})


def _stage(report: Report) -> Stage:
    leader = leading_method(report)
    return Stage(
        {m.method: m.npv_usd.mean for m in report.methods if m.npv_usd is not None},
        leader.method if leader is not None else "",
    )
