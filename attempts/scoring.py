"""Answers -> results. Pure: what counts as correct is decided here and nowhere else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from attempts.psychometrics.mastery import share_interval


@dataclass(frozen=True, slots=True)
class Answer:
    """One item of a closed attempt. chosen: choice id or None; key: the keyed choice's id."""

    item: int
    domain: int
    chosen: int | None
    key: int
    difficulty: float  # judged probability r that a just-qualified candidate gets it right
    first_exposure: bool

    @property
    def correct(self) -> bool:
        return self.chosen == self.key


@dataclass(slots=True)
class Tally:
    """Answered first exposures of one domain."""

    n: int = 0
    correct: int = 0
    difficulty_sum: float = 0.0

    @property
    def target(self) -> float | None:
        """T: the share a just-qualified candidate is expected to get; None without items."""
        return self.difficulty_sum / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Score:
    """Shares are 0..1. An unanswered item scores nothing, as in the real exam, but says nothing
    about a domain, so the domain tallies count answered items only."""

    items: int
    answered: int
    correct: int
    first_count: int
    first_correct: int
    low: float
    high: float
    pass_share: float
    domains: dict[int, Tally] = field(default_factory=dict)


def score(answers: Sequence[Answer]) -> Score:
    """Raises ValueError for an empty form."""
    if not answers:
        raise ValueError("an attempt without items cannot be scored")
    correct = sum(answer.correct for answer in answers)
    first = [answer for answer in answers if answer.first_exposure and answer.chosen is not None]
    domains: defaultdict[int, Tally] = defaultdict(Tally)
    for answer in first:
        tally = domains[answer.domain]
        tally.n += 1
        tally.correct += answer.correct
        tally.difficulty_sum += answer.difficulty
    low, high = share_interval(correct, len(answers))
    return Score(
        items=len(answers),
        answered=sum(answer.chosen is not None for answer in answers),
        correct=correct,
        first_count=len(first),
        first_correct=sum(answer.correct for answer in first),
        low=low,
        high=high,
        pass_share=sum(answer.difficulty for answer in answers) / len(answers),
        domains=dict(domains),
    )
