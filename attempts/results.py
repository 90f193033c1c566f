"""Scoring an attempt: reads its answers, asks the pure functions, writes the results once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Avg, Count, FloatField, Q, Sum
from django.db.models.functions import Cast

from attempts import fingerprint
from attempts.earlier import RESULT_COLUMNS
from attempts.locks import lock_attempt
from attempts.models import Attempt, AttemptItem, DomainResult
from attempts.psychometrics.mastery import (
    DomainCount,
    DomainMastery,
    domain_mastery,
    judged_cut,
)
from attempts.scoring import Answer, Tally, score
from attempts.states import State, require_move
from domains.models import Domain, Outline
from questions.models import QuestionVersion

GROUP_OF_OUR_OWN = 30  # people with results, before their mean replaces the judged cut
_MOST_KEPT: Final = 50  # outlines, each as it was at some time


def score_attempt(pk: int, now: datetime) -> bool:
    """Score a closed attempt; False when there is nothing to do: scored already, still open, or
    deleted with its person since the task was queued.

    Holds the attempt's lock throughout: of eight scorers one writes, seven find it done.
    """
    mean = people_mean()  # before the lock: it reads everybody's results, at most once an hour
    with transaction.atomic():
        try:
            attempt = lock_attempt(pk)
        except Attempt.DoesNotExist:
            return False
        if attempt.status is not State.CLOSED:
            return False
        answers = _answers(attempt)
        result = score(answers)
        right = [answer.item for answer in answers if answer.correct]
        _mark(attempt, right)
        standing = _standing(attempt, pass_share=result.pass_share, group_rate=mean)
        DomainResult.objects.bulk_create(
            [*_here(attempt, result.domains, standing), *_to_date(attempt, standing)]
        )
        attempt.answered_count, attempt.correct_count = result.answered, result.correct
        attempt.first_count, attempt.first_correct = result.first_count, result.first_correct
        attempt.share_low, attempt.share_high = result.low, result.high
        attempt.pass_share, attempt.group_rate = result.pass_share, standing.group_rate
        require_move(attempt.status, State.SCORED)
        attempt.state, attempt.scored_at = State.SCORED, now
        attempt.save(update_fields=["state", "scored_at", *RESULT_COLUMNS])
        renew_later_standings(attempt, attempt.closed_at)
        return True


def renew_later_standings(locked: Attempt, closed_at: datetime | None) -> None:
    """Work out anew what the person's later results say of everything so far: this attempt's
    answers have changed, or count no more. closed_at: when it was over; None if it was not.

    A later one that is being scored right now is waited for: it may have read the old answers.
    """
    if closed_at is None:
        return
    later = Attempt.objects.filter(user=locked.user_id, closed_at__gte=closed_at)
    if not later.exclude(pk=locked.pk).exists():
        return  # as a rule, and this is much less to ask
    for attempt in _lock_later(locked, closed_at):
        if attempt.status is State.SCORED:
            _renew_to_date(attempt)


def _lock_later(locked: Attempt, closed_at: datetime) -> Iterable[Attempt]:
    return (
        Attempt.objects.select_for_update(of=("self",))
        .filter(user=locked.user_id, state__in=[State.CLOSED, State.SCORED])
        .filter(closed_at__gte=closed_at)
        .exclude(pk=locked.pk)
        .order_by("closed_at", "pk")
    )


def _renew_to_date(attempt: Attempt) -> None:
    """With the group's rate of its own scoring: only the answers are new."""
    assert attempt.pass_share is not None  # scored
    standing = _standing(attempt, pass_share=attempt.pass_share, group_rate=attempt.group_rate)
    attempt.domain_results.filter(scope=DomainResult.Scope.TO_DATE).delete()
    DomainResult.objects.bulk_create(_to_date(attempt, standing))


def _answers(attempt: Attempt) -> list[Answer]:
    """Bare columns: the texts of a hundred questions are no matter of scoring. Raises KeyError for
    a question without a key: left out, it would count for nobody and nobody would hear of it."""
    rows = attempt.items.filter(version__choices__is_correct=True).order_by("position")
    answers = [
        Answer(
            item=item,
            domain=domain,
            chosen=chosen,
            key=key,
            difficulty=float(difficulty),
            first_exposure=first_exposure,
        )
        for item, domain, chosen, key, difficulty, first_exposure in rows.values_list(
            "pk",
            "domain_id",
            "choice_id",
            "version__choices__pk",
            "version__difficulty",
            "first_exposure",
        )
    ]
    if len(answers) != attempt.item_count:
        raise KeyError(f"attempt {attempt.pk}: {len(answers)} keys, {attempt.item_count} questions")
    return answers


def _mark(attempt: Attempt, right: list[int]) -> None:
    """By hand: a hundred placeholders cost more to write than the rows do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE attempts_attemptitem SET is_correct = id = ANY(%s) WHERE attempt_id = %s",
            [right, attempt.pk],
        )


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the domains of an attempt are measured against."""

    domains: Mapping[int, Domain]
    cut: float
    group_rate: float


def _standing(attempt: Attempt, *, pass_share: float, group_rate: float | None) -> _Standing:
    """group_rate: None leans on the judged cut."""
    domains, published = _outline_of(attempt)
    cut = pass_share if published is None else published
    return _Standing(domains, cut, cut if group_rate is None else group_rate)


_outlines: dict[tuple[str, int], tuple[Mapping[int, Domain], float | None]] = {}


def _outline_of(attempt: Attempt) -> tuple[Mapping[int, Domain], float | None]:
    """Its outline's domains by id, and c. Both stay the same as long as the bank's fingerprint, and
    thousands end in the same minutes."""
    place = fingerprint.lately(), attempt.outline_id
    known = _outlines.get(place)
    if known is None:
        outline = attempt.outline
        known = {domain.pk: domain for domain in outline.domains.all()}, _published_cut(outline)
        if len(_outlines) >= _MOST_KEPT:
            _outlines.clear()
        _outlines[place] = known
    return known


def _here(
    attempt: Attempt, tallies: Mapping[int, Tally], standing: _Standing
) -> Iterator[DomainResult]:
    sat = [attempt.domain_id] if attempt.domain_id else list(standing.domains)
    return _rows(attempt, DomainResult.Scope.ATTEMPT, tallies, sat, standing)


def _to_date(attempt: Attempt, standing: _Standing) -> Iterator[DomainResult]:
    tallies = tallies_to_date(attempt)
    return _rows(attempt, DomainResult.Scope.TO_DATE, tallies, standing.domains, standing)


def _rows(
    attempt: Attempt,
    scope: DomainResult.Scope,
    tallies: Mapping[int, Tally],
    domains: Iterable[int],
    standing: _Standing,
) -> Iterator[DomainResult]:
    counts = [_count(standing.domains[key], tallies.get(key, Tally())) for key in sorted(domains)]
    for mastery in domain_mastery(
        counts, group_rate=standing.group_rate, fallback_target=standing.cut
    ):
        yield _row(attempt, scope, mastery)


def _row(attempt: Attempt, scope: DomainResult.Scope, mastery: DomainMastery) -> DomainResult:
    """The stored columns are named as the mastery's fields; only its key is the domain's id."""
    fields = asdict(mastery)
    return DomainResult(attempt=attempt, scope=scope, domain_id=fields.pop("key"), **fields)


def _count(domain: Domain, tally: Tally) -> DomainCount:
    return DomainCount(
        key=domain.pk,
        correct=tally.correct,
        n=tally.n,
        target=tally.target,
        weight=domain.weight / 100,
    )


def tallies_to_date(attempt: Attempt) -> dict[int, Tally]:
    """domain id -> the person's answered first exposures, up to and with this attempt.

    Earlier attempts under another outline count where their questions sit in this one's. One that
    still waits to be scored counts too: after an outage the later may have its turn first.
    """
    rows = (
        AttemptItem.objects.filter(
            Q(attempt=attempt)
            | Q(
                attempt__state__in=[State.CLOSED, State.SCORED],
                attempt__closed_at__lte=attempt.closed_at,
            ),
            attempt__user=attempt.user_id,  # outside the OR: within, everybody's items are read
            first_exposure=True,
            choice__isnull=False,
            version__question__placements__outline=attempt.outline_id,
        )
        .values_list("version__question__placements__objective__domain_id")
        .annotate(
            n=Count("pk"),
            correct=Count("pk", filter=Q(choice__is_correct=True)),
            difficulty=Cast(Sum("version__difficulty"), FloatField()),
        )
    )
    return {domain: Tally(n, correct, difficulty) for domain, n, correct, difficulty in rows}


def cut_of(outline: Outline, *, otherwise: float) -> float:
    """c: the share a just-qualified candidate is expected to get right on the reference form, the
    published bank weighted by the outline; `otherwise` when all of it has been retired."""
    cut = _published_cut(outline)
    return otherwise if cut is None else cut


def _published_cut(outline: Outline) -> float | None:
    means: dict[int, float] = dict(
        QuestionVersion.objects.filter(
            status=QuestionVersion.Status.PUBLISHED, question__placements__outline=outline
        )
        .values_list("question__placements__objective__domain__number")
        .annotate(mean=Cast(Avg("difficulty"), FloatField()))
    )
    weights = {domain.number: domain.weight / 100 for domain in outline.domains.all()}
    return judged_cut(means, weights) if means else None


def people_mean() -> float | None:
    """g from our own people: the mean of their first-exposure shares, remembered for an hour.

    None below GROUP_OF_OUR_OWN people; domain estimates then lean on the judged cut.
    """
    remembered: float | None = cache.get("attempts.people_mean")
    if remembered is None:
        remembered = _people_mean() or -1.0  # -1: asked, and there are too few
        cache.set("attempts.people_mean", remembered, timeout=3600)
    return None if remembered < 0 else remembered


def _people_mean() -> float | None:
    """Mean over people of their first-exposure share; None below GROUP_OF_OUR_OWN people."""
    people = [
        correct / count
        for correct, count in Attempt.objects.filter(state=State.SCORED, first_count__gt=0)
        .values("user_id")
        .annotate(correct=Sum("first_correct"), count=Sum("first_count"))
        .values_list("correct", "count")
    ]
    return sum(people) / len(people) if len(people) >= GROUP_OF_OUR_OWN else None
