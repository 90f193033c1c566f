"""Holds the database against the candidates' own record: acknowledged = stored, closed = scored,
once each, and nobody past the deadline. Call after everything has settled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q

from attempts.models import AnswerEvent, Attempt, AttemptItem, DomainResult, EarlierResult
from attempts.states import State
from bench.chaos.record import Acknowledged, Chosen, Line, Odd, Refused, Started, Submitted
from domains.models import Domain


@dataclass(slots=True)
class Finding:
    """One thing that must hold: how often it was looked at, and where it did not."""

    name: str
    checked: int = 0
    violations: list[str] = field(default_factory=list)

    def hold(self, true: bool, where: object) -> None:
        self.checked += 1
        if not true:
            self.violations.append(str(where))


class Told:
    """The record, read into what each check needs."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.chosen: dict[str, Chosen] = {}
        self.acknowledged: dict[str, Acknowledged] = {}
        self.started: set[str] = set()
        self.submitted: set[str] = set()
        self.refused: list[str] = []
        self.odd: list[str] = []
        for line in lines:
            match line:
                case Chosen():
                    self.chosen[line.op] = line
                case Acknowledged():
                    self.acknowledged[line.op] = line
                case Started():
                    self.started.add(line.attempt)
                case Submitted():
                    self.submitted.add(line.attempt)
                case Refused():
                    self.refused.append(f"{line}")
                case Odd():
                    self.odd.append(line.what)

    def newest(self) -> Iterator[tuple[str, int, list[Chosen]]]:
        """attempt, position, and the choices that may stand there at the end: the newest that was
        acknowledged, or one made after it whose reply was never heard."""
        made: defaultdict[tuple[str, int], list[Chosen]] = defaultdict(list)
        for choice in self.chosen.values():
            made[choice.attempt, choice.position].append(choice)
        for (attempt, position), choices in made.items():
            heard = [at for at, choice in enumerate(choices) if choice.op in self.acknowledged]
            if heard:
                yield attempt, position, choices[heard[-1] :]


def audit(told: Told, now: datetime, *, replies: int = 0) -> list[Finding]:
    """replies: how many the candidates were given, odd ones among them."""
    attempts = {str(attempt.public_id): attempt for attempt in Attempt.objects.all()}
    return [
        *_answers(told),
        *_moves(told, attempts),
        *_closing(attempts.values(), now),
        *_scoring(attempts.values()),
        Finding("no answer chosen in time was refused", len(told.chosen), told.refused),
        Finding("every reply was an answer or a calm 503", replies, told.odd),
    ]


def _answers(told: Told) -> list[Finding]:
    stored = Finding("an acknowledged answer is stored, once, as it was chosen")
    stands = Finding("the newest acknowledged answer of a question is its answer")
    ours = Finding("a stored answer was chosen by its candidate")
    in_time = Finding("an answer was accepted in time, or is marked as late")
    found: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    grace = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
    for event in AnswerEvent.objects.exclude(op=None).select_related("item__attempt"):
        op, attempt = str(event.op), event.item.attempt
        found[op].append((str(attempt.public_id), event.item.position, event.choice_id))
        ours.hold(op in told.chosen, f"op {op} of attempt {attempt.public_id}")
        end = min(attempt.deadline, attempt.closed_at or attempt.deadline) + grace
        in_time.hold(event.late or event.at <= end, f"op {op} at {event.at}, end {end}")
    for op in told.acknowledged:
        made = told.chosen[op]
        expected = [(made.attempt, made.position, made.choice)]
        stored.hold(found[op] == expected, f"op {op}: told {expected}, stored {found[op]}")
    names = {line.attempt for line in told.chosen.values()}
    rows = AttemptItem.objects.filter(attempt__public_id__in=names, choice__isnull=False)
    answers = {
        (str(name), position): choice
        for name, position, choice in rows.values_list(
            "attempt__public_id", "position", "choice_id"
        )
    }
    for name, position, possible in told.newest():
        answer = answers.get((name, position))
        stands.hold(
            answer in [made.choice for made in possible],
            f"question {position} of attempt {name}: {answer}, told {possible[0].choice}",
        )
    return [stored, stands, ours, in_time]


def _moves(told: Told, attempts: dict[str, Attempt]) -> list[Finding]:
    started = Finding("an attempt that was started is there")
    submitted = Finding("an attempt that was submitted is over")
    for name in told.started:
        started.hold(name in attempts, f"attempt {name}")
    for name in told.submitted:
        over = name in attempts and attempts[name].closed_at is not None
        submitted.hold(over, f"attempt {name}")
    return [started, submitted]


def _closing(attempts: Iterable[Attempt], now: datetime) -> list[Finding]:
    overdue = Finding("no attempt is in progress past its deadline")
    stamp = Finding("an attempt closed by the clock was closed at its deadline, any other before")
    grace = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
    for attempt in attempts:
        if attempt.status is State.IN_PROGRESS:
            overdue.hold(attempt.deadline + grace >= now, f"attempt {attempt.public_id}")
        if attempt.closed_at is not None:
            by_clock = attempt.close_reason == Attempt.CloseReason.CLOCK
            right = attempt.closed_at <= attempt.deadline
            if by_clock:
                right = attempt.closed_at == attempt.deadline
            stamp.hold(right, f"attempt {attempt.public_id} at {attempt.closed_at}")
    return [overdue, stamp]


def _scoring(attempts: Iterable[Attempt]) -> list[Finding]:
    scored = Finding("a closed attempt is scored")
    once = Finding("and exactly once, or again for each answer that came late")
    results = Finding("with one set of results")
    right = Finding("and its score is what its answers are worth")
    domains = Counter(Domain.objects.values_list("outline_id", flat=True))
    sets = Counter(DomainResult.objects.values_list("attempt_id", "scope"))
    earlier = Counter(EarlierResult.objects.values_list("attempt_id", flat=True))
    late = Counter(AnswerEvent.objects.filter(late=True).values_list("item__attempt_id", flat=True))
    worth = {
        pk: (answered, correct)
        for pk, answered, correct in Attempt.objects.annotate(
            answered=Count("items", filter=Q(items__choice__isnull=False)),
            correct=Count("items", filter=Q(items__choice__is_correct=True)),
        ).values_list("pk", "answered", "correct")
    }
    for attempt in attempts:
        if attempt.closed_at is None or attempt.status is State.VOID:
            continue
        where = f"attempt {attempt.public_id}"
        scored.hold(attempt.status is State.SCORED and attempt.scored_at is not None, where)
        if attempt.status is not State.SCORED:
            continue
        times = 1 + earlier[attempt.pk]
        once.hold(times <= 1 + late[attempt.pk], f"{where}: {times} times, {late[attempt.pk]} late")
        expected = dict.fromkeys(DomainResult.Scope.values, domains[attempt.outline_id])
        if attempt.domain_id is not None:
            expected[DomainResult.Scope.ATTEMPT] = 1
        found = {scope: sets[attempt.pk, scope] for scope in expected}
        results.hold(found == expected, f"{where}: {found}")
        told = (attempt.answered_count, attempt.correct_count)
        right.hold(told == worth[attempt.pk], f"{where}: {told}, worth {worth[attempt.pk]}")
    return [scored, once, results, right]


def unsettled(by: datetime) -> int:
    """Attempts that the worker still has to score, or the clock to close by then."""
    waits = Q(state=State.CLOSED) | Q(state=State.IN_PROGRESS, deadline__lt=by)
    return Attempt.objects.filter(waits).count()


def violations(findings: Sequence[Finding]) -> int:
    return sum(len(finding.violations) for finding in findings)
