"""Scoring an attempt: reads its answers, asks the pure functions, writes the results once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

from django.core.cache import cache
from django.db import transaction
from django.db.models import Avg, Count, FloatField, Q, Sum
from django.db.models.functions import Cast

from attempts.models import Attempt, AttemptItem, DomainResult
from attempts.psychometrics.mastery import (
    DomainCount,
    DomainMastery,
    domain_mastery,
    judged_cut,
)
from attempts.scoring import Answer, Score, Tally, score
from attempts.services import lock_attempt
from attempts.states import State, require_move
from domains.models import Domain, Outline
from questions.models import Choice, QuestionVersion

GROUP_OF_OUR_OWN = 30  # people with results, before their mean replaces the judged cut


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
        result = score(_answers(attempt))
        attempt.items.filter(choice__is_correct=True).update(is_correct=True)
        attempt.items.exclude(choice__is_correct=True).update(is_correct=False)
        _write_domains(attempt, result, mean)
        attempt.answered_count, attempt.correct_count = result.answered, result.correct
        attempt.first_count, attempt.first_correct = result.first_count, result.first_correct
        attempt.share_low, attempt.share_high = result.low, result.high
        attempt.pass_share = result.pass_share
        require_move(attempt.status, State.SCORED)
        attempt.state, attempt.scored_at = State.SCORED, now
        attempt.save()
        return True


def _answers(attempt: Attempt) -> list[Answer]:
    keys = dict(
        Choice.objects.filter(
            is_correct=True, version__in=attempt.items.values("version")
        ).values_list("version_id", "pk")
    )
    return [
        Answer(
            item=item.pk,
            domain=item.domain_id,
            chosen=item.choice_id,
            key=keys[item.version_id],
            difficulty=float(item.version.difficulty),
            first_exposure=item.first_exposure,
        )
        for item in attempt.items.select_related("version")
    ]


def _write_domains(attempt: Attempt, result: Score, mean: float | None) -> None:
    domains = {domain.pk: domain for domain in attempt.outline.domains.all()}
    cut = cut_of(attempt.outline, otherwise=result.pass_share)
    attempt.group_rate = cut if mean is None else mean
    sat = {attempt.domain_id} if attempt.domain_id else set(domains)
    scopes: list[tuple[DomainResult.Scope, Mapping[int, Tally], Iterable[int]]] = [
        (DomainResult.Scope.ATTEMPT, result.domains, sat),
        (DomainResult.Scope.TO_DATE, tallies_to_date(attempt), domains),
    ]
    DomainResult.objects.bulk_create(
        _row(attempt, scope, mastery)
        for scope, tallies, keys in scopes
        for mastery in domain_mastery(
            [_count(domains[key], tallies.get(key, Tally())) for key in sorted(keys)],
            group_rate=attempt.group_rate,
            fallback_target=cut,
        )
    )


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
                attempt__user=attempt.user_id,
                attempt__state__in=[State.CLOSED, State.SCORED],
                attempt__closed_at__lte=attempt.closed_at,
            ),
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
    means: dict[int, float] = dict(
        QuestionVersion.objects.filter(
            status=QuestionVersion.Status.PUBLISHED, question__placements__outline=outline
        )
        .values_list("question__placements__objective__domain__number")
        .annotate(mean=Cast(Avg("difficulty"), FloatField()))
    )
    weights = {domain.number: domain.weight / 100 for domain in outline.domains.all()}
    return judged_cut(means, weights) if means else otherwise


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
