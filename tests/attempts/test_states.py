"""Every state against every question that is asked of it, every move, and every named rule of the
database that holds when the code does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from attempts import saving, services
from attempts.deliveries import Answer, Batch
from attempts.locks import lock_attempt_and_person
from attempts.models import (
    AnswerEvent,
    Attempt,
    AttemptItem,
    Contact,
    DomainResult,
    Exam,
    Remedy,
)
from attempts.results import score_attempt
from attempts.saving import SaveStatus
from attempts.states import (
    LEGAL_MOVES,
    IllegalMove,
    State,
    accepts_answers,
    counts_for_measurement,
    may_take_late_answers,
    require_move,
    shows_key,
)
from questions.models import QuestionVersion
from tests.world import NOON, World, right

IN_PROGRESS, CLOSED, SCORED, VOID = State.IN_PROGRESS, State.CLOSED, State.SCORED, State.VOID
pytestmark = pytest.mark.usefixtures("at_noon")

START = NOON
LATER = START + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("state", "answers", "late", "key", "counts"),
    [
        (IN_PROGRESS, True, False, False, False),
        (CLOSED, False, True, False, False),
        (SCORED, False, True, True, True),
        (VOID, False, False, False, False),
    ],
)
def test_what_each_state_allows(
    state: State, answers: bool, late: bool, key: bool, counts: bool
) -> None:
    assert accepts_answers(state) is answers
    assert may_take_late_answers(state) is late
    assert shows_key(state) is key
    assert counts_for_measurement(state) is counts


@pytest.mark.parametrize(("source", "target"), list(product(State, State)))
def test_moves_are_these_and_no_other(source: State, target: State) -> None:
    legal = (source, target) in [
        (IN_PROGRESS, CLOSED),
        (CLOSED, SCORED),
        (SCORED, CLOSED),
        (CLOSED, IN_PROGRESS),
        (SCORED, IN_PROGRESS),
        (IN_PROGRESS, VOID),
        (CLOSED, VOID),
        (SCORED, VOID),
    ]
    assert ((source, target) in LEGAL_MOVES) is legal
    if legal:
        require_move(source, target)
    else:
        with pytest.raises(IllegalMove) as refused:
            require_move(source, target)
        assert (refused.value.source, refused.value.target) == (source, target)


# --- The same table through the services ----------------------------------------------------


def in_state(world: World, state: State) -> Attempt:
    attempt = world.start(world.ada, now=START)
    if state in {CLOSED, SCORED}:
        services.submit(attempt, START + timedelta(minutes=5))
    if state is SCORED:
        score_attempt(attempt.pk, START + timedelta(minutes=6))
    if state is VOID:
        services.discard_attempt(attempt, START + timedelta(minutes=5))
    attempt.refresh_from_db()
    assert attempt.status is state
    return attempt


def save(attempt: Attempt, now: datetime) -> SaveStatus:
    item = attempt.items.get(position=1)
    return saving.save_answer(
        attempt.user, attempt.public_id, 1, choice=right(item), revision=0, now=now
    ).status


def flag(attempt: Attempt, now: datetime) -> bool:
    return saving.set_flag(attempt, 1, True)


def score(attempt: Attempt, now: datetime) -> bool:
    return score_attempt(attempt.pk, now)


def touch_when_due(attempt: Attempt, now: datetime) -> bool:
    return services.close_if_due(attempt, attempt.deadline + timedelta(minutes=1))


def sweep_when_due(attempt: Attempt, now: datetime) -> bool:
    return bool(services.close_due_attempts(attempt.deadline + timedelta(minutes=1)))


def deliver_late(attempt: Attempt, now: datetime) -> SaveStatus:
    """Chosen in the second minute on a device that had been there since the start."""
    device = uuid4()
    Contact.objects.create(attempt=attempt, device=device, at=START)
    choice = right(attempt.items.get(position=1))
    op = Answer(uuid4(), 1, choice, 0, START + timedelta(minutes=2))
    batch = Batch("", None, False, (op,))
    return saving.deliver(attempt.user, attempt.public_id, batch, device, now).replies[0].status


def locked(
    move: Callable[[Attempt, datetime], None],
) -> Callable[[Attempt, datetime], bool]:
    """A move of staff's, on a locked row; False when it was refused."""

    def act(attempt: Attempt, now: datetime) -> bool:
        with transaction.atomic():
            try:
                move(lock_attempt_and_person(attempt.pk), now)
            except (IllegalMove, services.NotRunning):
                return False
        return True

    return act


extend = locked(lambda a, _: services.extend_deadline(a, a.deadline + timedelta(minutes=5)))
reopen = locked(lambda a, now: services.reopen(a, now + timedelta(minutes=5), now))
void = locked(lambda a, now: services.void(a, "The form was broken", now))


def open_report(attempt: Attempt, now: datetime) -> bool:
    services.open_report(attempt, now)
    return Attempt.objects.get(pk=attempt.pk).report_opened_at is not None


Action = Callable[[Attempt, datetime], SaveStatus | bool]


@pytest.mark.parametrize(
    ("state", "action", "answer", "afterwards"),
    [
        (IN_PROGRESS, deliver_late, SaveStatus.SAVED, IN_PROGRESS),
        (IN_PROGRESS, extend, True, IN_PROGRESS),
        (IN_PROGRESS, reopen, False, IN_PROGRESS),
        (IN_PROGRESS, void, True, VOID),
        (IN_PROGRESS, open_report, False, IN_PROGRESS),
        (IN_PROGRESS, save, SaveStatus.SAVED, IN_PROGRESS),
        (IN_PROGRESS, flag, True, IN_PROGRESS),
        (IN_PROGRESS, score, False, IN_PROGRESS),
        (IN_PROGRESS, services.submit, True, CLOSED),
        (IN_PROGRESS, services.discard_attempt, True, VOID),
        (IN_PROGRESS, services.close_if_due, False, IN_PROGRESS),
        (IN_PROGRESS, touch_when_due, True, CLOSED),
        (IN_PROGRESS, sweep_when_due, True, CLOSED),
        (CLOSED, deliver_late, SaveStatus.LATE, CLOSED),
        (CLOSED, extend, False, CLOSED),
        (CLOSED, reopen, True, IN_PROGRESS),
        (CLOSED, void, True, VOID),
        (CLOSED, open_report, False, CLOSED),
        (CLOSED, save, SaveStatus.NOT_COUNTED, CLOSED),
        (CLOSED, flag, False, CLOSED),
        (CLOSED, score, True, SCORED),
        (CLOSED, services.submit, False, CLOSED),
        (CLOSED, services.discard_attempt, False, CLOSED),
        (CLOSED, touch_when_due, False, CLOSED),
        (CLOSED, sweep_when_due, False, CLOSED),
        (SCORED, deliver_late, SaveStatus.LATE, CLOSED),
        (SCORED, extend, False, SCORED),
        (SCORED, reopen, True, IN_PROGRESS),
        (SCORED, void, True, VOID),
        (SCORED, open_report, True, SCORED),
        (SCORED, save, SaveStatus.NOT_COUNTED, SCORED),
        (SCORED, flag, False, SCORED),
        (SCORED, score, False, SCORED),
        (SCORED, services.submit, False, SCORED),
        (SCORED, services.discard_attempt, False, SCORED),
        (SCORED, touch_when_due, False, SCORED),
        (SCORED, sweep_when_due, False, SCORED),
        (VOID, deliver_late, SaveStatus.NOT_COUNTED, VOID),
        (VOID, extend, False, VOID),
        (VOID, reopen, False, VOID),
        (VOID, void, False, VOID),
        (VOID, open_report, False, VOID),
        (VOID, save, SaveStatus.NOT_COUNTED, VOID),
        (VOID, flag, False, VOID),
        (VOID, score, False, VOID),
        (VOID, services.submit, False, VOID),
        (VOID, services.discard_attempt, False, VOID),
        (VOID, touch_when_due, False, VOID),
        (VOID, sweep_when_due, False, VOID),
    ],
)
def test_what_a_service_does_in_each_state(
    world: World, state: State, action: Action, answer: SaveStatus | bool, afterwards: State
) -> None:
    attempt = in_state(world, state)
    before = list(attempt.items.values("choice", "flagged", "revision", "is_correct"))
    assert action(attempt, LATER) == answer
    stored = Attempt.objects.get(pk=attempt.pk)
    assert stored.status is afterwards
    if state is afterwards and state is not IN_PROGRESS and answer is not SaveStatus.LATE:
        assert list(stored.items.values("choice", "flagged", "revision", "is_correct")) == before


# --- What the database refuses, whoever asks ------------------------------------------------

WHEN = START + timedelta(minutes=7)
DEVICE = uuid4()


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        (IN_PROGRESS, {"closed_at": WHEN}),
        (IN_PROGRESS, {"close_reason": "clock"}),
        (IN_PROGRESS, {"scored_at": WHEN}),
        (IN_PROGRESS, {"voided_at": WHEN}),
        (CLOSED, {"closed_at": None}),
        (CLOSED, {"close_reason": ""}),
        (CLOSED, {"scored_at": WHEN}),
        (CLOSED, {"voided_at": WHEN}),
        (SCORED, {"closed_at": None}),
        (SCORED, {"close_reason": ""}),
        (SCORED, {"scored_at": None}),
        (SCORED, {"correct_count": None}),
        (SCORED, {"voided_at": WHEN}),
        (VOID, {"voided_at": None}),
        (VOID, {"void_reason": ""}),
        (IN_PROGRESS, {"state": "paused"}),
        (IN_PROGRESS, {"state": CLOSED}),
        (CLOSED, {"state": SCORED}),
        (SCORED, {"state": IN_PROGRESS}),
        (IN_PROGRESS, {"state": VOID}),
    ],
)
def test_a_state_without_its_columns_is_refused(
    world: World, state: State, wrong: dict[str, object]
) -> None:
    attempt = in_state(world, state)
    with pytest.raises(IntegrityError, match="attempt_state_matches_its_columns"):
        Attempt.objects.filter(pk=attempt.pk).update(**wrong)


def second_open_attempt(attempt: Attempt) -> None:
    attempt.pk, attempt._state.adding, attempt.public_id = None, True, uuid4()
    attempt.save()


def copy_item(attempt: Attempt, **changed: object) -> None:
    item = attempt.items.get(position=1)
    for name, value in changed.items():
        setattr(item, name, value)
    item.pk, item._state.adding = None, True
    item.save()


def unused_version(attempt: Attempt) -> QuestionVersion:
    used = attempt.items.values("version")
    return QuestionVersion.objects.exclude(pk__in=used).order_by("pk")[0]


def two_events(attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    for _ in range(2):
        AnswerEvent.objects.create(item=item, revision=1, choice_id=right(item), at=WHEN)


def result(attempt: Attempt, *, n: int = 3, correct: int = 2) -> DomainResult:
    return DomainResult.objects.create(
        attempt=attempt,
        domain=attempt.outline.domains.get(number=1),
        scope=DomainResult.Scope.ATTEMPT,
        **dict.fromkeys(
            ("target", "estimate", "low", "high", "p_below", "expected_gain", "p_weakest"), 0.5
        ),
        n=n,
        correct=correct,
        band=DomainResult.Band.UNCLEAR,
    )


TRIES: dict[str, Callable[[Attempt], object]] = {
    "exam_has_items_and_minutes": lambda a: Exam.objects.filter(pk=a.exam_id).update(minutes=0),
    "one_open_attempt_per_person": second_open_attempt,
    "attempt_deadline_after_start": lambda a: Attempt.objects.filter(pk=a.pk).update(
        deadline=a.started_at
    ),
    "attempt_state_matches_its_columns": lambda a: Attempt.objects.filter(pk=a.pk).update(
        state=CLOSED
    ),
    "item_position_once_per_attempt": lambda a: copy_item(a, version=unused_version(a)),
    "item_version_once_per_attempt": lambda a: copy_item(a, position=99),
    "answered_item_has_a_time": lambda a: AttemptItem.objects.filter(attempt=a, position=1).update(
        choice=right(a.items.get(position=1))
    ),
    "event_revision_once_per_item": two_events,
    "one_contact_per_attempt_and_device": lambda a: [
        Contact.objects.create(attempt=a, device=DEVICE, at=WHEN) for _ in range(2)
    ],
    "remedy_has_a_reason": lambda a: Remedy.objects.create(
        attempt=a, kind="extend", at=WHEN, deadline_before=a.deadline, deadline_after=a.deadline
    ),
    "one_result_per_domain_and_scope": lambda a: [result(a) for _ in range(2)],
    "domain_correct_within_n": lambda a: result(a, n=1, correct=2),
}


def test_every_named_rule_is_tried_below() -> None:
    declared = {
        constraint.name
        for model in apps.get_app_config("attempts").get_models()
        for constraint in model._meta.constraints
    }
    assert declared == set(TRIES)


@pytest.mark.parametrize("name", TRIES)
def test_the_database_keeps_the_rule(world: World, name: str) -> None:
    attempt = in_state(world, IN_PROGRESS)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        TRIES[name](attempt)
