"""Who gets which items: fills a blueprint from the bank by integer programming. Pure; same inputs,
same form.

Hard: the quota of every domain, no two enemies on one form, a scenario set whole or not at all.
Then, one after the other: as few questions as possible that this person has met (in a simulation,
first of all none from an earlier one); those met longest ago; those the bank has shown least;
each domain as difficult as its pool; objectives evenly. Chance decides between equals.

A form can be drawn so that others, the reserves, can still be filled from questions the person has
never met: a full simulation under each outline.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, Protocol, TypeVar

import numpy as np

from attempts.programme import Model

# The soft rules, in order of importance; what a whole step of each costs. Chance costs up to 1.
AGE: Final = 16.0  # an item met yesterday, against one met longest ago
EXPOSURE: Final = 4.0  # an item shown twice as often as the average, against one never shown
DIFFICULTY: Final = 4.0  # a domain whose difficulties sum to 1 more or less than its pool's would
SPREAD: Final = 2.0  # one item more, or fewer, from an objective than its even share
FROM_A_SIMULATION: Final = 1_000  # repeats in a simulation: one of these outweighs all others

_GAP: Final = 0.03  # soft rules: this near to the best is as good, and much sooner found
SHORTLIST: Final = 4  # times its even share: how many items of an objective are tried first
_SECONDS: Final = 6.0  # for one draw with all its questions; a hundred times what a bank takes


@dataclass(frozen=True, slots=True)
class Candidate:
    """One published item as the assembler sees it."""

    version: int
    question: int
    domain: int  # its number in the attempt's outline
    objective: str = ""  # its code in that outline
    difficulty: float = 0.65  # judged probability of a correct answer
    enemies: frozenset[int] = frozenset()  # question ids
    scenario: int | None = None
    times_met: int = 0  # by this person
    met_at: float = 0.0  # when this person last met it, in any unit that grows with time
    met_in_simulation: bool = False
    exposure: int = 0  # times the bank has shown it to anybody


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that unseen items outside the one drawn must still be able to fill.

    quotas: domain number -> items; domains: question id -> its domain, by the reserve's outline.
    Without effect where it cannot be filled even now.
    """

    quotas: Mapping[int, int]
    domains: Mapping[int, int]


class Reserve(StrEnum):
    """What to do where keeping the reserves whole would cost repeats that could be avoided."""

    ASK = "ask"  # raise ReserveInTheWay
    KEEP = "keep"  # repeat questions the person has met
    BREAK = "break"  # use up the reserve


class NotEnoughItems(Exception):
    """The bank cannot fill the form. `missing`: domain number -> how many items it is short by."""

    def __init__(self, missing: Mapping[int, int]) -> None:
        self.missing = dict(missing)
        listed = ", ".join(f"domain {d} by {n}" for d, n in sorted(missing.items()))
        super().__init__(f"The bank is short in {listed}.")

    @property
    def total(self) -> int:
        return sum(self.missing.values())


class ReserveInTheWay(Exception):
    """The person has to choose: fewer repeats, or a reserve left whole. Or what they chose is not
    to be had any more.

    repeats: how many questions the person has met a form would hold that keeps the reserves; None
    when there is no such form at all. repeats_without: the same, if they are given up.
    """

    def __init__(self, repeats: int | None, repeats_without: int) -> None:
        super().__init__("Keeping a full unseen form would cost repeats.")
        self.repeats, self.repeats_without = repeats, repeats_without


def missing_items(pool: Mapping[int, int], quotas: Mapping[int, int]) -> dict[int, int]:
    """domain -> shortfall, from counts alone; empty when the form may be filled."""
    return {
        domain: quota - pool.get(domain, 0)
        for domain, quota in quotas.items()
        if pool.get(domain, 0) < quota
    }


def assemble(
    pool: Sequence[Candidate],
    quotas: Mapping[int, int],
    seed: int,
    *,
    reserves: Sequence[Kept] = (),
    policy: Reserve = Reserve.BREAK,
    promised: int | None = None,
    simulation: bool = False,
) -> tuple[Candidate, ...]:
    """Draw a form: `quotas[domain]` items of each domain, in the order they will be asked.

    promised: with Reserve.KEEP, the repeats the person agreed to; more, or a reserve that is no
    longer there to keep, and they are asked again. simulation: items of the person's earlier
    simulations are the last to be repeated. A candidate whose domain has no quota is only for the
    reserves. `pool` may come in any order; the draw depends on ids, seed and the candidates' facts
    alone. Raises NotEnoughItems, ReserveInTheWay, SolverGaveUp.
    """
    problem = _Problem(pool, quotas, simulation=simulation)
    # By far the commonest case first: nothing is repeated and nothing broken into.
    chosen = problem.draw(seed, reserves, repeats=0)
    if chosen is None:
        kept, repeats = _decide(problem, reserves, policy, promised)
        chosen = problem.draw(seed, kept, repeats=repeats)
        assert chosen is not None  # such a form was found while deciding
    return tuple(in_sequence(chosen, seed))


def foresee(
    pool: Sequence[Candidate],
    quotas: Mapping[int, int],
    *,
    reserves: Sequence[Kept] = (),
    policy: Reserve = Reserve.BREAK,
    simulation: bool = False,
) -> int:
    """How many questions the person has met `assemble` would put on the form, without drawing it.

    Raises what `assemble` would raise.
    """
    problem = _Problem(pool, quotas, simulation=simulation)
    repeats = problem.fewest_repeats(reserves, unseen_only=True)
    if repeats is None:
        _, repeats = _decide(problem, reserves, policy, None)
    return repeats % FROM_A_SIMULATION  # what is above it is weight, not count


def disjoint_forms(pool: Sequence[Candidate], quotas: Mapping[int, int]) -> int:
    """How many forms with no item in common the pool fills when they are drawn one after the
    other, each so that another is left where that can be."""
    left, forms = list(pool), 0
    while any(quotas.values()):
        try:
            form = assemble(left, quotas, seed=forms, reserves=[own_reserve(left, quotas)])
        except NotEnoughItems:
            return forms
        used = {candidate.question for candidate in form}
        left = [candidate for candidate in left if candidate.question not in used]
        forms += 1
    return forms


def own_reserve(pool: Sequence[Candidate], quotas: Mapping[int, int]) -> Kept:
    """Another form of the same outline."""
    return Kept(quotas, {candidate.question: candidate.domain for candidate in pool})


def _decide(
    problem: _Problem, reserves: Sequence[Kept], policy: Reserve, promised: int | None
) -> tuple[Sequence[Kept], int]:
    """The reserves to keep, and the repeats that takes (see `_Block.repeats`).

    Raises NotEnoughItems, ReserveInTheWay.
    """
    without = problem.fewest_repeats(())
    if without is None:
        raise NotEnoughItems(problem.shortfall())
    whole = [kept for kept in reserves if problem.can_fill_unseen(kept)]
    if not whole:
        if promised is not None:
            raise ReserveInTheWay(None, without)
        return (), without
    keeping = problem.fewest_repeats(whole)
    if keeping is not None:
        agreed = policy is Reserve.KEEP and (promised is None or keeping <= promised)
        if agreed or keeping == without:
            return whole, keeping
    if policy is Reserve.BREAK:
        return (), without
    raise ReserveInTheWay(keeping, without)


# --- The integer programme ------------------------------------------------------------------


class _Block:
    """What is drawn as one: a lone item, or a whole scenario set."""

    def __init__(self, items: Sequence[Candidate], *, simulation: bool) -> None:
        self.items = tuple(items)
        self.questions = {item.question for item in items}
        self.enemies = {enemy for item in items for enemy in item.enemies}
        self.counts = Counter(item.domain for item in items)
        self.objectives = Counter((item.domain, item.objective) for item in items)
        self.is_unseen = not any(item.times_met for item in items)
        # In a simulation, repeating one of an earlier simulation outweighs all other repeats.
        self.repeats = sum(
            1 + FROM_A_SIMULATION * (simulation and item.met_in_simulation)
            for item in items
            if item.times_met
        )

    def counts_by(self, domains: Mapping[int, int] | None) -> Counter[int]:
        """Its items by domain: those of the outline drawn from, or of another one."""
        if domains is None:
            return self.counts
        return Counter(domains.get(question, 0) for question in self.questions)

    def is_at_peace(self) -> bool:
        """A set of two enemies can be on no form at all."""
        return not self.enemies & self.questions


def _fits(counts: Mapping[int, int], quotas: Mapping[int, int]) -> bool:
    return all(count <= quotas.get(domain, 0) for domain, count in counts.items())


class _Problem:
    """One draw from one pool, and the questions one can ask about it beforehand."""

    def __init__(
        self, pool: Sequence[Candidate], quotas: Mapping[int, int], *, simulation: bool
    ) -> None:
        self._until = time.monotonic() + _SECONDS
        self.quotas = {domain: quota for domain, quota in quotas.items() if quota}
        sets: defaultdict[tuple[bool, int], list[Candidate]] = defaultdict(list)
        for item in sorted(pool, key=lambda item: item.question):
            if item.scenario is None:
                sets[False, item.question].append(item)
            else:
                sets[True, item.scenario].append(item)
        self.blocks = [_Block(items, simulation=simulation) for items in sets.values()]
        owners = {
            question: number
            for number, block in enumerate(self.blocks)
            for question in block.questions
        }
        self.hostile = sorted(
            {
                (min(number, owners[enemy]), max(number, owners[enemy]))
                for number, block in enumerate(self.blocks)
                for enemy in block.enemies
                if enemy in owners and owners[enemy] != number
            }
        )

    def fewest_repeats(self, reserves: Sequence[Kept], *, unseen_only: bool = False) -> int | None:
        """The repeats of a form with the fewest; None where no form exists."""
        model = Model()
        drawn = self._form(model, self.quotas, unseen_only=unseen_only)
        for number, variable in drawn.items():
            model.costs[variable] = self.blocks[number].repeats
        self._hold(model, reserves, drawn)
        solution = model.solve(self._until)
        if solution is None:
            return None
        return sum(self.blocks[number].repeats for number, v in drawn.items() if solution[v] > 0.5)

    def can_fill_unseen(self, kept: Kept) -> bool:
        model = Model()
        self._form(model, kept.quotas, domains=kept.domains, unseen_only=True)
        return model.solve(self._until) is not None

    def shortfall(self) -> dict[int, int]:
        """domain -> how many items are missing in the fullest form there is."""
        model = Model()
        gaps = {
            domain: model.variable(highest=quota, cost=1.0) for domain, quota in self.quotas.items()
        }
        self._form(model, self.quotas, gaps=gaps)
        solution = model.solve(self._until)
        assert solution is not None  # an empty form is one: every gap open
        missing = {domain: round(solution[gap]) for domain, gap in gaps.items()}
        return {domain: count for domain, count in missing.items() if count}

    def draw(self, seed: int, reserves: Sequence[Kept], *, repeats: int) -> list[Candidate] | None:
        """The best form that has exactly the fewest repeats there can be; None where none has."""
        costs = self._costs(random.Random(seed))
        shortlist = self._shortlist(costs, unseen_only=repeats == 0)
        # What is solved fastest first: without taking care of the reserves, for usually enough is
        # left, and among the likeliest blocks only.
        chosen = self._draw(costs, shortlist, (), repeats)
        if chosen is None:
            chosen = self._draw(costs, None, (), repeats)
        if chosen is None or all(self._leaves(chosen, kept) for kept in reserves):
            return chosen
        return self._draw(costs, None, reserves, repeats)

    def _draw(
        self,
        costs: Sequence[float],
        shortlist: Collection[int] | None,
        reserves: Sequence[Kept],
        repeats: int,
    ) -> list[Candidate] | None:
        model = Model()
        drawn = self._form(model, self.quotas, unseen_only=repeats == 0, among=shortlist)
        for number, variable in drawn.items():
            model.costs[variable] = costs[number]
        if repeats:
            model.row({v: self.blocks[n].repeats for n, v in drawn.items()}, 0, repeats)
        self._hold(model, reserves, drawn)
        for domain, quota in self.quotas.items():
            self._balance(model, drawn, domain, quota)
            self._spread(model, drawn, domain, quota)
        solution = model.solve(self._until, gap=_GAP)
        if solution is None:
            return None
        return [
            item
            for number, variable in drawn.items()
            if solution[variable] > 0.5
            for item in self.blocks[number].items
        ]

    def _leaves(self, chosen: Sequence[Candidate], kept: Kept) -> bool:
        """Whether the unseen items outside `chosen` still fill the reserve."""
        model = Model()
        held = self._form(model, kept.quotas, domains=kept.domains, unseen_only=True)
        taken = {item.question for item in chosen}
        for number, variable in held.items():
            if taken & self.blocks[number].questions:
                model.highest[variable] = 0.0
        return model.solve(self._until) is not None

    # --- Hard rules ---

    def _form(
        self,
        model: Model,
        quotas: Mapping[int, int],
        *,
        domains: Mapping[int, int] | None = None,
        unseen_only: bool = False,
        among: Collection[int] | None = None,
        gaps: Mapping[int, int] | None = None,
    ) -> dict[int, int]:
        """Variables and rows of one form; block number -> variable. domains: those of another
        outline; gaps: what may stay empty."""
        counts = {
            number: counted
            for number in self._eligible(unseen_only=unseen_only)
            if among is None or number in among
            if _fits(counted := self.blocks[number].counts_by(domains), quotas)
        }
        chosen = {number: model.variable() for number in counts}
        for domain, quota in quotas.items():
            row: dict[int, float] = {
                variable: counts[number][domain]
                for number, variable in chosen.items()
                if counts[number][domain]
            }
            if gaps:
                row[gaps[domain]] = 1
            model.row(row, quota, quota)
        for one, other in self.hostile:
            if one in chosen and other in chosen:
                model.row({chosen[one]: 1, chosen[other]: 1}, 0, 1)
        return chosen

    def _eligible(self, *, unseen_only: bool) -> list[int]:
        return [
            number
            for number, block in enumerate(self.blocks)
            if block.is_at_peace() and (block.is_unseen or not unseen_only)
        ]

    def _hold(self, model: Model, reserves: Sequence[Kept], drawn: Mapping[int, int]) -> None:
        """Other forms beside the one drawn, each of unseen items outside it. What two of them
        share is no matter: only one will be sat."""
        for kept in reserves:
            held = self._form(model, kept.quotas, domains=kept.domains, unseen_only=True)
            for number, variable in held.items():
                if number in drawn:
                    model.row({variable: 1, drawn[number]: 1}, 0, 1)

    # --- Soft rules ---

    def _costs(self, rng: random.Random) -> list[float]:
        """What each block costs by age, exposure and chance."""
        return [
            sum(
                AGE * self._recency(item) + EXPOSURE * self._exposure(item) + rng.random()
                for item in block.items
            )
            for block in self.blocks
        ]

    def _shortlist(self, costs: Sequence[float], *, unseen_only: bool) -> set[int]:
        """The cheapest blocks of each objective, several times as many as its even share: in a
        large bank the others would not be drawn, and would only be searched through."""
        eligible = [
            number
            for number in self._eligible(unseen_only=unseen_only)
            if _fits(self.blocks[number].counts, self.quotas)
        ]
        objectives = {place for number in eligible for place in self.blocks[number].objectives}
        parts = Counter(domain for domain, _ in objectives)
        left = {
            (domain, objective): SHORTLIST * math.ceil(self.quotas[domain] / parts[domain])
            for domain, objective in objectives
        }
        shortlist: set[int] = set()
        for number in sorted(eligible, key=lambda n: costs[n] / len(self.blocks[n].items)):
            places = self.blocks[number].objectives
            if any(left[place] > 0 for place in places):
                shortlist.add(number)
                for place, count in places.items():
                    left[place] -= count
        return shortlist

    def _recency(self, item: Candidate) -> float:
        """0 for what was never met or longest ago, 1 for what was met last."""
        first, last = self._met
        if not item.times_met or last == first:
            return 0.0
        return (item.met_at - first) / (last - first)

    @cached_property
    def _met(self) -> tuple[float, float]:
        times = [item.met_at for item in self._items if item.times_met]
        return min(times, default=0.0), max(times, default=0.0)

    def _exposure(self, item: Candidate) -> float:
        """0 for what was never shown, 1 for twice the average and more."""
        return min(item.exposure / (self._mean_exposure + 1), 2.0) / 2

    @cached_property
    def _mean_exposure(self) -> float:
        return float(np.mean([float(item.exposure) for item in self._items] or [0.0]))

    @cached_property
    def _items(self) -> list[Candidate]:
        return [item for block in self.blocks for item in block.items]

    def _of(self, drawn: Mapping[int, int], domain: int) -> list[tuple[Candidate, int]]:
        """Each item of a domain that can be drawn, with the variable of its block."""
        return [
            (item, variable)
            for number, variable in drawn.items()
            for item in self.blocks[number].items
            if item.domain == domain
        ]

    def _balance(self, model: Model, drawn: Mapping[int, int], domain: int, quota: int) -> None:
        """The difficulties of a domain should sum to what its pool would give on average."""
        pool = [item.difficulty for item in self._items if item.domain == domain]
        row: defaultdict[int, float] = defaultdict(float)
        for item, variable in self._of(drawn, domain):
            row[variable] += item.difficulty
        row[model.variable(highest=quota, cost=DIFFICULTY, whole=False)] = 1.0
        row[model.variable(highest=quota, cost=DIFFICULTY, whole=False)] = -1.0
        target = quota * float(np.mean(pool or [0.0]))
        model.row(row, target, target)

    def _spread(self, model: Model, drawn: Mapping[int, int], domain: int, quota: int) -> None:
        """Each objective of a domain should have its even share, rounded down or up."""
        rows: defaultdict[str, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
        for item, variable in self._of(drawn, domain):
            rows[item.objective][variable] += 1
        for row in rows.values():
            share = quota / len(rows)
            more = model.variable(highest=quota, cost=SPREAD, whole=False)
            fewer = model.variable(highest=quota, cost=SPREAD, whole=False)
            model.row({**row, more: -1, fewer: 1}, np.floor(share), np.ceil(share))


# --- The order on the page ------------------------------------------------------------------


class Sequenced(Protocol):
    """What an item's place on a form depends on."""

    @property
    def question(self) -> int: ...
    @property
    def scenario(self) -> int | None: ...


Item = TypeVar("Item", bound=Sequenced)


def in_sequence(chosen: Sequence[Item], seed: int) -> list[Item]:
    """Domains mixed as in the real exam, scenario sets kept together."""
    rng = random.Random(seed)
    groups: dict[tuple[bool, int], list[Item]] = {}
    for item in sorted(chosen, key=lambda item: item.question):
        key = (False, item.question) if item.scenario is None else (True, item.scenario)
        groups.setdefault(key, []).append(item)
    blocks = [groups[key] for key in sorted(groups)]
    rng.shuffle(blocks)
    for block in blocks:
        rng.shuffle(block)
    return [item for block in blocks for item in block]


def shuffled_choices(choice_ids: Sequence[int], seed: int, question: int) -> list[int]:
    """The order this attempt shows the options in; stored with the item."""
    order = sorted(choice_ids)
    random.Random(f"{seed}:{question}").shuffle(order)
    return order
