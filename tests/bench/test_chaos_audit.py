"""The audit after the chaos can fail: each line of it finds what it is there to find."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from attempts import services
from attempts.models import AnswerEvent, Attempt, DomainResult, EarlierResult
from attempts.results import score_attempt
from bench.chaos.audit import Told, audit, unsettled, violations
from bench.chaos.record import Acknowledged, Chosen, Line, Odd, Refused, Started, Submitted
from tests.world import World

Tamper = Callable[[Attempt, list[Line]], object]


@pytest.fixture
def attempt(world: World) -> Attempt:
    return world.start(world.ada, now=timezone.now() - timedelta(minutes=10))


@pytest.fixture
def told(attempt: Attempt) -> list[Line]:
    """What its candidate was told, and the database has: question 1 answered twice, question 2
    once, all wrong; handed in, and scored."""
    name, now = str(attempt.public_id), attempt.started_at + timedelta(minutes=1)
    lines: list[Line] = [Started(name)]
    for position, option in ((1, 0), (1, 1), (2, 2)):
        item = attempt.items.get(position=position)
        choice, op = item.version.choices.filter(is_correct=False)[option].pk, uuid.uuid4()
        item.choice_id, item.revision, item.answered_at = choice, item.revision + 1, now
        item.save()
        AnswerEvent.objects.create(
            item=item, revision=item.revision, choice_id=choice, at=now, op=op
        )
        lines.append(Chosen(name, position, str(op), choice))
        lines.append(Acknowledged(name, str(op), "saved"))
    services.submit(attempt, now)
    score_attempt(attempt.pk, now)
    attempt.refresh_from_db()
    return [*lines, Submitted(name)]


def broken(told: list[Line]) -> list[str]:
    findings = audit(Told(told), timezone.now())
    return [finding.name for finding in findings if finding.violations]


def test_a_true_record_finds_nothing(attempt: Attempt, told: list[Line]) -> None:
    findings = audit(Told(told), timezone.now(), replies=9)
    assert violations(findings) == 0
    idle = {finding.name for finding in findings if not finding.checked}
    assert idle == {"no attempt is in progress past its deadline"}  # none is in progress
    assert unsettled(timezone.now()) == 0


def events(attempt: Attempt) -> list[AnswerEvent]:
    return list(AnswerEvent.objects.filter(item__attempt=attempt).order_by("pk"))


def change(attempt: Attempt, **columns: object) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(**columns)


def back_in_progress(attempt: Attempt, told: list[Line]) -> None:
    overdue = timezone.now() - timedelta(minutes=1)
    change(
        attempt, state="in_progress", closed_at=None, close_reason="", scored_at=None,
        deadline=overdue,
    )  # fmt: skip


STORED = "an acknowledged answer is stored, once, as it was chosen"
STANDS = "the newest acknowledged answer of a question is its answer"
RIGHT = "and its score is what its answers are worth"


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (lambda attempt, told: events(attempt)[0].delete(), {STORED}),
        (
            lambda attempt, told: attempt.items.filter(position=2).update(choice=None),
            {STANDS, RIGHT},  # and was counted as answered
        ),
        (
            lambda attempt, told: attempt.items.filter(position=1).update(
                choice=events(attempt)[0].choice_id
            ),
            {STANDS},
        ),
        (
            lambda attempt, told: AnswerEvent.objects.filter(pk=events(attempt)[2].pk).update(
                op=uuid.uuid4()
            ),
            {STORED, "a stored answer was chosen by its candidate"},
        ),
        (
            lambda attempt, told: AnswerEvent.objects.filter(pk=events(attempt)[2].pk).update(
                at=attempt.deadline + timedelta(minutes=1)
            ),
            {"an answer was accepted in time, or is marked as late"},
        ),
        (
            lambda attempt, told: told.append(Started(str(uuid.uuid4()))),
            {"an attempt that was started is there"},
        ),
        (
            back_in_progress,
            {
                "an attempt that was submitted is over",
                "no attempt is in progress past its deadline",
            },
        ),
        (
            lambda attempt, told: change(attempt, close_reason="clock"),
            {"an attempt closed by the clock was closed at its deadline, any other before"},
        ),
        (
            lambda attempt, told: change(attempt, state="closed", scored_at=None),
            {"a closed attempt is scored"},
        ),
        (
            lambda attempt, told: EarlierResult.objects.create(
                attempt=attempt, scored_at=timezone.now(), replaced_at=timezone.now(), figures={}
            ),
            {"and exactly once, or again for each answer that came late"},
        ),
        (
            lambda attempt, told: DomainResult.objects.filter(attempt=attempt)[0].delete(),
            {"with one set of results"},
        ),
        (lambda attempt, told: change(attempt, answered_count=9), {RIGHT}),
        (
            lambda attempt, told: told.append(Refused("a", "b", "stale", "")),
            {"no answer chosen in time was refused"},
        ),
        (
            lambda attempt, told: told.append(Odd("500 from /")),
            {"every reply was an answer or a calm 503"},
        ),
    ],
)
def test_it_finds_what_is_not_so(
    attempt: Attempt, told: list[Line], tamper: Tamper, found: set[str]
) -> None:
    tamper(attempt, told)
    assert set(broken(told)) == found


def test_a_reply_never_heard_excuses_only_what_came_after(
    attempt: Attempt, told: list[Line]
) -> None:
    """The newest acknowledged answer may have been followed by one whose reply was lost; what was
    acknowledged before is no excuse."""
    name = str(attempt.public_id)
    first, second = (line for line in told if isinstance(line, Chosen) and line.position == 1)
    unheard = [line for line in told if line != Acknowledged(name, second.op, "saved")]
    assert broken(unheard) == []
    attempt.items.filter(position=1).update(choice=first.choice)
    assert STANDS not in broken(unheard)
    assert STANDS in broken(told)
