"""The figures of scored attempts, read for their pages. Scoring stored them; nothing is recomputed.

Shares leave here as whole percents, the way every page and sentence uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from django.db.models import QuerySet

from accounts.models import User
from attempts.access import results_to_see
from attempts.charts import Interval, Scored, Trend, trend
from attempts.models import Attempt, DomainResult, Exam
from attempts.psychometrics.mastery import Band
from attempts.readings import (
    Verdict,
    departures_sentence,
    domain_sentence,
    domains_sentence,
    percent,
    percent_words,
    standing_words,
)
from attempts.states import State
from domains.models import Domain

REAL_EXAM_ITEMS: Final = 125
TREND_EXAMS: Final = 20

_SCALE: Final = 1000  # expected gain is stored in points of it
_LONG_KINDS: Final = (Exam.Kind.SIMULATION, Exam.Kind.HALF)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Marks:
    """One scored attempt as a whole."""

    items: int
    answered: int
    correct: int
    first_count: int
    first_correct: int
    share: int
    low: int
    high: int
    pass_mark: int
    expected_correct: int
    """How many of these questions a just-qualified candidate would get right."""

    @property
    def verdict(self) -> Verdict:
        return Verdict.of(low=self.low, high=self.high, pass_mark=self.pass_mark)

    @property
    def unanswered(self) -> int:
        return self.items - self.answered

    @property
    def repeats(self) -> int:
        """Answers to questions whose key the person had seen before."""
        return self.answered - self.first_count

    @property
    def first_share(self) -> int:
        return percent(self.first_correct / self.first_count) if self.first_count else 0

    @property
    def picture(self) -> Interval:
        return Interval.of(
            low=self.low / 100,
            high=self.high / 100,
            point=self.share / 100,
            target=self.pass_mark / 100,
        )


def marks_of(attempt: Attempt) -> Marks | None:
    """None until the attempt has been scored."""
    if attempt.status is not State.SCORED:
        return None
    correct, pass_share = _stored(attempt.correct_count), _stored(attempt.pass_share)
    return Marks(
        items=attempt.item_count,
        answered=_stored(attempt.answered_count),
        correct=correct,
        first_count=_stored(attempt.first_count),
        first_correct=_stored(attempt.first_correct),
        share=percent(correct / attempt.item_count),
        low=percent(_stored(attempt.share_low)),
        high=percent(_stored(attempt.share_high)),
        pass_mark=percent(pass_share),
        expected_correct=round(attempt.item_count * pass_share),
    )


def _stored(value: T | None) -> T:
    """The columns are nullable for attempts not scored yet; scoring fills all of them at once."""
    if value is None:
        raise ValueError("a scored attempt without its results")
    return value


@dataclass(frozen=True, slots=True)
class Standing:
    """One domain, from one attempt or from everything up to and with it."""

    domain: Domain
    n: int
    correct: int
    estimate: int
    low: int
    high: int
    target: int
    band: Band
    picture: Interval
    more_right: int
    """Questions more in the real exam's length, were the domain brought to the goal."""

    @classmethod
    def of(cls, result: DomainResult) -> Standing:
        return cls(
            domain=result.domain,
            n=result.n,
            correct=result.correct,
            estimate=percent(result.estimate),
            low=percent(result.low),
            high=percent(result.high),
            target=percent(result.target),
            band=Band(result.band),
            picture=Interval.of(
                low=result.low, high=result.high, point=result.estimate, target=result.target
            ),
            more_right=round(result.expected_gain * REAL_EXAM_ITEMS / _SCALE),
        )

    @property
    def words(self) -> str:
        return standing_words(self.band)

    @property
    def few(self) -> bool:
        return self.band is Band.TOO_FEW


@dataclass(frozen=True, slots=True)
class Standings:
    """The domains of one scope, by number, and the sentence above their picture."""

    domains: tuple[Standing, ...]

    @property
    def sentence(self) -> str:
        if len(self.domains) == 1:
            return domain_sentence(self.domains[0].domain.name, self.domains[0].band)
        return domains_sentence(standing.band for standing in self.domains)

    @property
    def answers(self) -> int:
        return sum(standing.n for standing in self.domains)

    @property
    def all_few(self) -> bool:
        return all(standing.few for standing in self.domains)


@dataclass(frozen=True, slots=True)
class Report:
    """A drill's standings are of its one domain, and it has no study-first set."""

    marks: Marks
    here: Standings
    to_date: Standings
    study_first: tuple[Standing, ...]
    """Greatest gain first. Empty while no domain has enough answers for anything to be said."""
    departures: str
    """What a strict rehearsal counted, for the person alone; empty where nothing was counted."""

    @property
    def is_all_there_is(self) -> bool:
        """Nothing came before this attempt, so both standings say the same."""
        return self.here.answers == self.to_date.answers


def report_of(attempt: Attempt) -> Report | None:
    """None until the attempt has been scored. One query."""
    marks = marks_of(attempt)
    if marks is None:
        return None
    results = attempt.domain_results.select_related("domain").order_by("domain__number")
    here, to_date, first = [], [], []
    for result in results:
        if result.scope == DomainResult.Scope.ATTEMPT:
            here.append(Standing.of(result))
        elif attempt.domain_id in (None, result.domain_id):
            to_date.append(Standing.of(result))
            if result.study_first:
                first.append(result)
    first.sort(key=lambda result: -result.expected_gain)
    standings = Standings(tuple(to_date))
    nothing_to_say = standings.all_few or attempt.domain_id is not None
    return Report(
        marks=marks,
        here=Standings(tuple(here)),
        to_date=standings,
        study_first=() if nothing_to_say else tuple(Standing.of(result) for result in first),
        departures=(
            departures_sentence(attempt.departures, attempt.away_ms) if attempt.strict else ""
        ),
    )


# --- All attempts of a person ---------------------------------------------------------------


def attempts_of(user: User) -> QuerySet[Attempt]:
    """Newest first, whatever their state."""
    return (
        Attempt.objects.filter(user=user)
        .select_related("exam", "domain", "outline")
        .order_by("-started_at", "-pk")
    )


@dataclass(frozen=True, slots=True)
class Point:
    """One exam of the trend: what the picture's table says of it."""

    attempt: Attempt
    marks: Marks


@dataclass(frozen=True, slots=True)
class Progress:
    """Scored exams in the order they were sat. Drills are no measure of the whole and left out."""

    points: tuple[Point, ...]

    @property
    def picture(self) -> Trend | None:
        """None when there is no before and after to show."""
        if len(self.points) < 2:
            return None
        return trend([_scored(point) for point in self.points])

    @property
    def sentence(self) -> str:
        if len(self.points) < 2:
            return ""
        return _progress_sentence(self.points[0].marks, self.points[-1].marks)


def progress_of(user: User, now: datetime) -> Progress:
    """The newest exams of a person, oldest of them first. One query."""
    newest = (
        attempts_of(user)
        .filter(results_to_see(now))
        .exclude(exam__kind=Exam.Kind.DRILL)[:TREND_EXAMS]
    )
    points = []
    for attempt in newest:
        marks = marks_of(attempt)
        if marks is not None:
            points.append(Point(attempt, marks))
    return Progress(tuple(reversed(points)))


def _scored(point: Point) -> Scored:
    marks = point.marks
    return Scored(
        at=point.attempt.started_at,
        share=marks.share / 100,
        low=marks.low / 100,
        high=marks.high / 100,
        target=marks.pass_mark / 100,
        long=point.attempt.exam.kind in _LONG_KINDS,
    )


def _progress_sentence(first: Marks, latest: Marks) -> str:
    against = {
        Verdict.ABOVE: "above its pass mark",
        Verdict.BELOW: "below its pass mark",
        Verdict.UNSETTLED: "too close to call against its pass mark",
    }[latest.verdict]
    if latest.low > first.high:
        change, because = "clearly higher than", ""
    elif latest.high < first.low:
        change, because = "clearly lower than", ""
    else:
        change, because = "not clearly different from", ": their likely ranges overlap"
    return (
        f"Your latest exam, at {percent_words(latest.share)}, is {against} "
        f"of {percent_words(latest.pass_mark)} and {change} the first one shown, "
        f"at {percent_words(first.share)}{because}."
    )
