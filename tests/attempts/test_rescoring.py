"""Scoring again: one current result, the earlier ones as history, and later standings renewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from attempts import services
from attempts.locks import lock_attempt_and_person
from attempts.models import Attempt, DomainResult, EarlierResult
from attempts.results import score_attempt
from attempts.states import State
from tests.attempts.device import Device, answer
from tests.world import NOON, World, right, wrong

pytestmark = pytest.mark.usefixtures("at_noon")

START = NOON - timedelta(days=2)
MINUTE = timedelta(minutes=1)


def stored(attempt: Attempt) -> Attempt:
    return Attempt.objects.get(pk=attempt.pk)


def figures(attempt: Attempt) -> list[tuple[object, ...]]:
    results = DomainResult.objects.filter(attempt=attempt).order_by("scope", "domain__number")
    return list(results.values_list("scope", "domain__number", "n", "correct", "estimate"))


def half_answered(world: World) -> tuple[Attempt, Device]:
    """Scored at minute 11 with twelve right answers; its device holds more."""
    attempt = world.start(world.ada, now=START)
    device = Device(attempt, met=START)
    world.answer(attempt, lambda i: right(i) if i.position <= 12 else None, now=START + MINUTE)
    services.submit(attempt, START + 10 * MINUTE)
    score_attempt(attempt.pk, START + 11 * MINUTE)
    return attempt, device


def deliver_late(attempt: Attempt, device: Device, *, wrongly: bool = False) -> None:
    """What was left open, chosen in time and delivered in minute 12."""
    choose = wrong if wrongly else right
    open_items = attempt.items.filter(choice=None).select_related("version")
    ops = [answer(i.position, choose(i), at=START + 5 * MINUTE) for i in open_items]
    replies = device.deliver(*ops, now=START + 12 * MINUTE).replies
    assert {reply.status for reply in replies} == {"late"}


def test_there_is_one_result_and_the_earlier_one_is_kept(world: World) -> None:
    attempt, device = half_answered(world)
    before = stored(attempt)
    domains = figures(attempt)
    deliver_late(attempt, device)
    between = stored(attempt)
    assert (between.status, between.scored_at, between.correct_count) == (State.CLOSED, None, None)
    assert figures(attempt) == []
    assert set(attempt.items.values_list("is_correct", flat=True)) == {None}
    assert score_attempt(attempt.pk, START + 13 * MINUTE)
    after = stored(attempt)
    assert (after.correct_count, after.answered_count) == (24, 24)
    assert (after.closed_at, after.scored_at) == (before.closed_at, START + 13 * MINUTE)
    assert set(attempt.items.values_list("is_correct", flat=True)) == {True}
    assert len(figures(attempt)) == 12
    earlier = EarlierResult.objects.get()
    assert (earlier.scored_at, earlier.replaced_at) == (before.scored_at, START + 12 * MINUTE)
    for name in ("answered_count", "correct_count", "first_count", "first_correct", "share_low",
                 "share_high", "pass_share", "group_rate"):  # fmt: skip
        assert earlier.figures[name] == getattr(before, name), name
    kept = [(d["scope"], d["n"], d["correct"], d["estimate"]) for d in earlier.figures["domains"]]
    assert sorted(kept) == sorted((scope, n, correct, e) for scope, _, n, correct, e in domains)


def test_scoring_again_gives_what_scoring_once_would_have(world: World) -> None:
    """Two candidates with the same form and answers; one of them lost the connection."""
    attempt, device = half_answered(world)
    deliver_late(attempt, device)
    score_attempt(attempt.pk, START + 13 * MINUTE)
    steady = world.start(world.ben, now=START)
    world.answer(steady, now=START + MINUTE)
    services.submit(steady, START + 10 * MINUTE)
    score_attempt(steady.pk, START + 11 * MINUTE)
    assert figures(steady) == figures(attempt)
    one, other = stored(steady), stored(attempt)
    for name in ("correct_count", "share_low", "share_high", "pass_share", "group_rate"):
        assert getattr(one, name) == getattr(other, name)


def test_scoring_twice_is_harmless(world: World) -> None:
    attempt, device = half_answered(world)
    deliver_late(attempt, device)
    assert score_attempt(attempt.pk, START + 13 * MINUTE)
    result = figures(attempt)
    assert not score_attempt(attempt.pk, START + 14 * MINUTE)
    assert figures(attempt) == result
    assert EarlierResult.objects.count() == 1
    assert stored(attempt).scored_at == START + 13 * MINUTE


def test_two_late_deliveries_leave_two_earlier_results(world: World) -> None:
    attempt, device = half_answered(world)
    items = attempt.items.filter(choice=None).select_related("version")
    for n, item in enumerate(items[:2], 12):
        op = answer(item.position, right(item), at=START + 5 * MINUTE)
        device.one(op, now=START + n * MINUTE)
        score_attempt(attempt.pk, START + n * MINUTE)
    counts = [earlier.figures["correct_count"] for earlier in EarlierResult.objects.all()]
    assert counts == [12, 13]
    assert stored(attempt).correct_count == 14


def test_a_delivery_before_the_first_scoring_replaces_nothing(world: World) -> None:
    attempt = world.start(world.ada, now=START)
    device = Device(attempt, met=START)
    services.submit(attempt, START + 10 * MINUTE)
    deliver_late(attempt, device)
    score_attempt(attempt.pk, START + 13 * MINUTE)
    assert stored(attempt).correct_count == 24
    assert not EarlierResult.objects.exists()


# --- Standings of attempts that came after --------------------------------------------------


def to_date(attempt: Attempt) -> tuple[int, int]:
    """Answers and right ones in the attempt's standing of everything so far."""
    results = attempt.domain_results.filter(scope=DomainResult.Scope.TO_DATE)
    assert results.count() == 6
    return sum(r.n for r in results), sum(r.correct for r in results)


def sat_meanwhile(world: World) -> Attempt:
    """Another form of the same person, started, ended and scored in minutes 11 to 12."""
    later = world.start(world.ada, now=START + 11 * MINUTE, seed=99)
    world.answer(later, now=START + 11 * MINUTE)
    services.submit(later, START + 11.5 * MINUTE)
    score_attempt(later.pk, START + 11.5 * MINUTE)
    return later


def again(attempt: Attempt, device: Device) -> None:
    deliver_late(attempt, device, wrongly=True)
    score_attempt(attempt.pk, START + 13 * MINUTE)


def void(attempt: Attempt, device: Device) -> None:
    with transaction.atomic():
        locked = lock_attempt_and_person(attempt.pk)
        services.void(locked, "The form was broken", START + 12 * MINUTE)


def reopen(attempt: Attempt, device: Device) -> None:
    with transaction.atomic():
        locked = lock_attempt_and_person(attempt.pk)
        services.reopen(locked, START + 60 * MINUTE, START + 12 * MINUTE)


@pytest.mark.parametrize(
    ("change", "answers", "correct"), [(again, 12, 0), (void, -12, -12), (reopen, -12, -12)]
)
def test_later_standings_follow_what_happens_to_an_earlier_attempt(
    world: World, change: Callable[[Attempt, Device], None], answers: int, correct: int
) -> None:
    attempt, device = half_answered(world)
    later = sat_meanwhile(world)
    stranger = world.sat(world.ben, now=START + 11 * MINUTE)
    theirs = figures(stranger)
    n, right_ones = to_date(later)
    here = [row for row in figures(later) if row[0] == DomainResult.Scope.ATTEMPT]
    change(attempt, device)
    assert to_date(later) == (n + answers, right_ones + correct)
    assert [row for row in figures(later) if row[0] == DomainResult.Scope.ATTEMPT] == here
    assert stored(later).status is State.SCORED
    assert figures(stranger) == theirs


def test_earlier_standings_know_nothing_of_later_attempts(world: World) -> None:
    earlier = world.sat(world.ada, now=START - timedelta(days=1), seed=5)
    before = figures(earlier)
    attempt, device = half_answered(world)
    again(attempt, device)
    assert figures(earlier) == before


# --- Reopening ------------------------------------------------------------------------------


def reopened(attempt: Attempt, **changed: object) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(**changed)
    with transaction.atomic():
        locked = lock_attempt_and_person(attempt.pk)
        services.reopen(locked, START + 60 * MINUTE, START + 12 * MINUTE)


def test_a_reopened_attempt_goes_on_and_is_scored_when_it_ends(world: World) -> None:
    attempt, _ = half_answered(world)
    reopened(attempt)
    now = stored(attempt)
    assert (now.status, now.deadline) == (State.IN_PROGRESS, START + 60 * MINUTE)
    assert (now.closed_at, now.close_reason, now.scored_at, now.correct_count) == (
        None, "", None, None
    )  # fmt: skip
    assert figures(attempt) == []
    world.answer(now, lambda i: None if i.choice_id else right(i), now=START + 50 * MINUTE)
    services.submit(now, START + 55 * MINUTE)
    score_attempt(now.pk, START + 56 * MINUTE)
    assert stored(attempt).correct_count == 24
    assert EarlierResult.objects.get().figures["correct_count"] == 12


def test_once_the_keys_are_known_nothing_is_reopened(world: World) -> None:
    attempt, _ = half_answered(world)
    with pytest.raises(services.ReportOpened):
        reopened(attempt, report_opened_at=START + 12 * MINUTE)
    assert stored(attempt).status is State.SCORED


def test_nothing_is_reopened_beside_another_open_attempt(world: World) -> None:
    attempt, _ = half_answered(world)
    other = world.start(world.ada, now=START + 11 * MINUTE, seed=3)
    with pytest.raises(services.AnotherAttemptOpen) as refused:
        reopened(attempt)
    assert refused.value.attempt == other


def test_an_extension_only_ever_adds(world: World) -> None:
    attempt = world.start(world.ada, now=START)
    with pytest.raises(ValueError, match="later"):
        services.extend_deadline(attempt, attempt.deadline)
    services.extend_deadline(attempt, attempt.deadline + MINUTE)
    assert stored(attempt).deadline == START + 36 * MINUTE
    services.submit(attempt, START + MINUTE)
    with pytest.raises(services.NotRunning):
        services.extend_deadline(stored(attempt), START + 90 * MINUTE)
