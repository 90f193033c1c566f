"""How sure can we be that a domain is weak? Counts in, estimates with their doubt out. Pure.

The idea is shrinkage (Haberman 2008, on subscores): a domain's few answers are a poor guide to the
domain, so each estimate leans on everything else the person answered, as if 20 imaginary questions
had been answered at their overall rate. The formulas and the trials behind every constant are in
the project's own measurement notes, "weakness per domain", "bands" and "what to study first".

Shares, rates, weights and probabilities are numbers from 0 to 1 throughout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from scipy.special import betainc, betaincinv

IMAGINARY_ITEMS: Final = 20
"""Weight of the prior, in answers: domain on overall rate, overall rate on the group's."""

FEWEST_ANSWERS: Final = 10
"""Below this many answers in a domain nothing is claimed about it."""

CLAIM_AT: Final = 0.80
"""Probability from which we say below or above. It keeps wrong claims at 5 to 6 %."""

GOAL: Final = 0.85
"""The share right at which a domain has nothing left to gain."""

SET_HOLDS: Final = 0.80
"""Probability with which the study-first set is to hold the weakest domain."""

_GRID_STEPS: Final = 1000
_TIE: Final = 1e-9  # probabilities closer than this differ by rounding only
_LOWEST_RATE: Final = 1e-6


class Band(StrEnum):
    """Where a domain stands against its target. The values are stored: do not change them."""

    BELOW = "below"
    ABOVE = "above"
    UNCLEAR = "unclear"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class DomainCount:
    """What one person answered in one domain, first exposures only."""

    key: int
    correct: int
    n: int
    target: float | None
    """Mean judged difficulty of the items answered here; None if there are none."""
    weight: float
    """The domain's share of the exam, 0 to 1 (not percent)."""


@dataclass(frozen=True, slots=True)
class DomainMastery:
    """What those answers allow us to say."""

    key: int
    n: int
    correct: int
    target: float
    estimate: float
    """m, the estimated true share."""
    low: float
    """5th percentile of the true share."""
    high: float
    """95th percentile of the true share."""
    p_below: float
    """Probability that the true share is below the target."""
    band: Band
    expected_gain: float
    """Points of 1000 on the whole exam to be had by bringing this domain up to GOAL."""
    p_weakest: float
    """Probability that this domain's true share is the lowest of those given."""
    study_first: bool


@dataclass(frozen=True, slots=True)
class _Beta:
    """A Beta distribution: what we believe about one true share."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    def below(self, point: float) -> float:
        return float(betainc(self.a, self.b, point))

    def quantile(self, p: float) -> float:
        return float(betaincinv(self.a, self.b, p))

    def shortfall(self, goal: float) -> float:
        """E[(goal - share)+]. The mean up to `goal` is the mean times the CDF of Beta(a + 1, b)."""
        reached = self.mean * float(betainc(self.a + 1, self.b, goal))
        return max(0.0, goal * self.below(goal) - reached)  # the difference may round below 0


def domain_mastery(
    counts: Sequence[DomainCount], *, group_rate: float, fallback_target: float
) -> tuple[DomainMastery, ...]:
    """Estimate every given domain of one person, in the order given.

    counts: one entry per domain, keys distinct. Domains without answers belong in it too: they
    take part in `p_weakest` and in the study-first set. Empty in, empty out.
    group_rate: g, the mean share right of the people this person is compared with.
    fallback_target: the target of domains that have none of their own.

    Raises ValueError for counts or rates that cannot be.
    """
    _require_share("group_rate", group_rate)
    _require_share("fallback_target", fallback_target)
    for count in counts:
        _require_possible(count)
    if len({count.key for count in counts}) < len(counts):
        raise ValueError("each domain may be given once only")

    answers = sum(count.n for count in counts)
    right = sum(count.correct for count in counts)
    rate = (right + IMAGINARY_ITEMS * group_rate) / (answers + IMAGINARY_ITEMS)
    # A group rate of exactly 0 or 1 that no answer contradicts would leave no doubt at all.
    rate = min(max(rate, _LOWEST_RATE), 1 - _LOWEST_RATE)

    # By key, so that the order in which domains are given changes nothing, not even rounding.
    beliefs = {
        count.key: _belief(count, rate, answers)
        for count in sorted(counts, key=lambda count: count.key)
    }
    p_weakest = dict(zip(beliefs, _p_weakest(list(beliefs.values())), strict=True))
    first = _study_first(beliefs, p_weakest)

    results = []
    for count in counts:
        belief = beliefs[count.key]
        target = fallback_target if count.target is None else count.target
        p_below = belief.below(target)
        results.append(
            DomainMastery(
                key=count.key,
                n=count.n,
                correct=count.correct,
                target=target,
                estimate=belief.mean,
                low=belief.quantile(0.05),
                high=belief.quantile(0.95),
                p_below=p_below,
                band=_band(count.n, p_below),
                expected_gain=1000 * count.weight * belief.shortfall(GOAL),
                p_weakest=p_weakest[count.key],
                study_first=count.key in first,
            )
        )
    return tuple(results)


def share_interval(correct: int, n: int, level: float = 0.90) -> tuple[float, float]:
    """Bounds for the true share behind the plain percentage of one attempt.

    Jeffreys: the central `level` of Beta(correct + 1/2, n - correct + 1/2). With nothing right the
    lower bound is 0, with nothing wrong the upper is 1: both are then known to be possible. No
    answers at all give (0, 1).

    Raises ValueError unless 0 <= correct <= n and 0 < level < 1.
    """
    _require_correct(correct, n)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not be {level}")
    belief = _Beta(correct + 0.5, n - correct + 0.5)
    tail = (1 - level) / 2
    low = 0.0 if correct == 0 else belief.quantile(tail)
    high = 1.0 if correct == n else belief.quantile(1 - tail)
    return low, high


def judged_cut(means: Mapping[int, float], weights: Mapping[int, float]) -> float:
    """The cut c: the share of the reference form a just-qualified candidate gets right.

    means: domain -> mean judged difficulty of its published items; domains without items are left
    out, and the others share the exam between them.
    weights: domain -> weight, in any unit; more domains than in `means` do no harm.

    Raises ValueError if `means` is empty, a domain has no usable weight, or all weights are 0.
    """
    for key, mean in means.items():
        _require_share(f"the mean of domain {key}", mean)
        if key not in weights:
            raise ValueError(f"domain {key} has a mean but no weight")
        if not (math.isfinite(weights[key]) and weights[key] >= 0):
            raise ValueError(f"the weight of domain {key} must not be negative: {weights[key]}")
    mass = math.fsum(weights[key] for key in means)
    if mass == 0:
        raise ValueError("no domain with items has a weight")
    return math.fsum(weights[key] * mean for key, mean in means.items()) / mass


def _require_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:  # so written, it refuses NaN too
        raise ValueError(f"{name} must lie between 0 and 1, not be {value}")


def _require_correct(correct: int, n: int) -> None:
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} correct of {n} answers cannot be")


def _require_possible(count: DomainCount) -> None:
    _require_correct(count.correct, count.n)
    _require_share(f"the weight of domain {count.key}", count.weight)
    if count.target is not None:
        _require_share(f"the target of domain {count.key}", count.target)


def _belief(count: DomainCount, rate: float, answers: int) -> _Beta:
    """The Beta with the estimate's mean and variance.

    rate: p0, the person's overall rate, strictly between 0 and 1; answers: N, its basis.
    """
    m = (count.correct + IMAGINARY_ITEMS * rate) / (count.n + IMAGINARY_ITEMS)
    lean = IMAGINARY_ITEMS / (count.n + IMAGINARY_ITEMS)  # how far m follows an error in the rate
    variance = m * (1 - m) / (count.n + IMAGINARY_ITEMS + 1) + lean**2 * rate * (1 - rate) / (
        answers + IMAGINARY_ITEMS + 1
    )
    # m and 1 - m are at least lean times rate and 1 - rate, so the variance is at most 2/21 of
    # m(1 - m): nu is never below 9.5 and the Beta always exists.
    nu = m * (1 - m) / variance - 1
    return _Beta(m * nu, (1 - m) * nu)


def _band(n: int, p_below: float) -> Band:
    if n < FEWEST_ANSWERS:
        return Band.TOO_FEW
    if p_below >= CLAIM_AT:
        return Band.BELOW
    if 1 - p_below >= CLAIM_AT:
        return Band.ABOVE
    return Band.UNCLEAR


def _p_weakest(beliefs: Sequence[_Beta]) -> list[float]:
    """For each belief, the probability that its share is the lowest. They add up to 1.

    The sum over a grid of P(share in the cell) times P(all others above it), the latter averaged
    over the cell's two ends. Working with cell masses, not densities, makes it safe where a
    density is infinite; the error falls with the square of the step over the narrowest spread
    (it is below .0005 up to 3,000 answers a domain).

    Approximation: the shares are taken as independent. In truth all of them lean on the same
    overall rate; its error moves them together and does not change their order. Ignoring that
    makes the probabilities a little too even and the study-first set, if anything, too large.
    """
    grid = np.linspace(0.0, 1.0, _GRID_STEPS + 1)
    a = np.array([[belief.a] for belief in beliefs])
    b = np.array([[belief.b] for belief in beliefs])
    below = betainc(a, b, grid) if beliefs else np.empty((0, grid.size))  # (domains, points)
    masses = []
    for i in range(len(beliefs)):
        others_above = np.prod(1 - np.delete(below, i, axis=0), axis=0)
        midway = (others_above[:-1] + others_above[1:]) / 2
        masses.append(float(np.diff(below[i]) @ midway))
    return [mass / sum(masses) for mass in masses]


def _study_first(beliefs: Mapping[int, _Beta], p_weakest: Mapping[int, float]) -> set[int]:
    """The smallest set that holds the weakest domain with probability SET_HOLDS.

    Never a single domain: the weakest is mislabelled in about half of all reports. Of one domain
    alone nothing can be said: the set is empty. Ties go to the lower estimate, then the lower key.
    """
    if len(beliefs) < 2:
        return set()
    chosen: set[int] = set()
    held = 0.0
    for key in sorted(
        beliefs, key=lambda key: (-round(p_weakest[key] / _TIE), beliefs[key].mean, key)
    ):
        if len(chosen) >= 2 and held >= SET_HOLDS - _TIE:
            break
        chosen.add(key)
        held += p_weakest[key]
    return chosen
