"""Forward-only exams: one question at a time, left by answering it, and never come back to."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from attempts import saving, services
from attempts.access import may_open
from attempts.deliveries import Flag, Marks, Seen
from attempts.models import AnswerEvent, Attempt, Exam, Marking
from attempts.saving import NotAnswered, SaveResult, SaveStatus
from tests.attempts.device import Device, answer
from tests.world import NOON, World

pytestmark = pytest.mark.usefixtures("at_noon")

NOW = NOON
SOON = NOW + timedelta(minutes=5)


@pytest.fixture
def attempt(world: World) -> Attempt:
    Exam.objects.filter(key="quick").update(navigation=Exam.Navigation.FORWARD)
    return world.start(world.ada, now=NOW)


def stored(attempt: Attempt) -> Attempt:
    return Attempt.objects.get(pk=attempt.pk)


def options(attempt: Attempt, position: int) -> list[int]:
    order: list[int] = attempt.items.get(position=position).choice_order
    return order


def save(attempt: Attempt, position: int, choice: int, revision: int = 0) -> SaveResult:
    return saving.save_answer(
        attempt.user, attempt.public_id, position, choice=choice, revision=revision, now=SOON
    )


def advance(attempt: Attempt, position: int) -> int | None:
    return saving.advance(attempt.user, attempt.public_id, position, SOON)


def test_the_rule_is_the_exams_when_it_was_started(attempt: Attempt) -> None:
    Exam.objects.update(navigation=Exam.Navigation.FREE)
    assert stored(attempt).navigation == Exam.Navigation.FORWARD


def test_only_the_question_one_is_at_may_be_opened(attempt: Attempt) -> None:
    attempt.last_position = 3
    assert [n for n in range(26) if may_open(attempt, n)] == [3]
    attempt.navigation = Exam.Navigation.FREE
    assert [n for n in range(26) if may_open(attempt, n)] == list(range(1, 25))


def test_a_question_is_left_by_answering_it(attempt: Attempt) -> None:
    with pytest.raises(NotAnswered):
        advance(attempt, 1)
    save(attempt, 1, options(attempt, 1)[0])
    assert stored(attempt).last_position == 1
    assert advance(attempt, 1) == 2
    assert stored(attempt).last_position == 2


def test_a_double_click_moves_on_once(attempt: Attempt) -> None:
    save(attempt, 1, options(attempt, 1)[0])
    assert advance(attempt, 1) == 2
    save(attempt, 2, options(attempt, 2)[0])
    assert advance(attempt, 1) == 2  # the second click of the pair, however late
    assert stored(attempt).last_position == 2


def test_nobody_skips_ahead(attempt: Attempt) -> None:
    save(attempt, 1, options(attempt, 1)[0])
    assert advance(attempt, 20) == 1


def test_the_last_question_is_where_it_ends(attempt: Attempt) -> None:
    Attempt.objects.update(last_position=24)
    save(attempt, 24, options(attempt, 24)[0])
    assert advance(attempt, 24) == 24


def test_nothing_moves_when_it_is_over_or_anothers(world: World, attempt: Attempt) -> None:
    save(attempt, 1, options(attempt, 1)[0])
    with pytest.raises(Attempt.DoesNotExist):
        saving.advance(world.ben, attempt.public_id, 1, SOON)
    late = attempt.deadline + timedelta(minutes=1)
    assert saving.advance(world.ada, attempt.public_id, 1, late) is None
    assert stored(attempt).last_position == 1


def test_an_answer_may_change_until_its_question_is_left(attempt: Attempt) -> None:
    first, second, *_ = options(attempt, 1)
    save(attempt, 1, first)
    assert save(attempt, 1, second, 1).status is SaveStatus.SAVED
    advance(attempt, 1)
    left = save(attempt, 1, first, 2)
    assert (left.status, left.choice, left.revision) == (SaveStatus.LOCKED, second, 2)
    assert AnswerEvent.objects.count() == 2


def test_nothing_ahead_can_be_answered(attempt: Attempt) -> None:
    assert save(attempt, 2, options(attempt, 2)[0]).status is SaveStatus.REFUSED
    device = Device(attempt, met=NOW)
    reply = device.one(answer(2, options(attempt, 2)[0], at=SOON), now=SOON)
    assert (reply.status, bool(reply.reason)) == (SaveStatus.REFUSED, True)
    assert not AnswerEvent.objects.exists()


def test_no_flags(attempt: Attempt) -> None:
    assert not saving.set_flag(attempt, 1, True)
    assert Device(attempt, met=NOW).one(Flag(uuid4(), 1, True), now=SOON).status is (
        SaveStatus.REFUSED
    )
    assert not attempt.items.filter(flagged=True).exists()


def test_looking_moves_nobody(attempt: Attempt) -> None:
    device = Device(attempt, met=NOW)
    ahead, here = device.deliver(Seen(uuid4(), 2, 10), Seen(uuid4(), 1, 10), now=SOON).replies
    assert (ahead.status, here.status) == (SaveStatus.REFUSED, SaveStatus.OK)
    saving.mark_seen(attempt, 5, SOON)
    assert stored(attempt).last_position == 1


def test_what_was_seen_and_drawn_is_kept_when_it_comes_after_the_move(attempt: Attempt) -> None:
    device = Device(attempt, met=NOW)
    device.one(Seen(uuid4(), 1, 0), now=NOW)
    save(attempt, 1, options(attempt, 1)[0])
    advance(attempt, 1)
    marks = Marks(uuid4(), 1, tuple(options(attempt, 1)[:1]), ((0, 3),))
    replies = device.deliver(Seen(uuid4(), 1, 4_000), marks, now=SOON).replies
    assert [reply.status for reply in replies] == [SaveStatus.OK, SaveStatus.OK]
    assert attempt.items.get(position=1).visible_ms == 4_000
    assert stored(attempt).last_position == 2
    ahead = Marks(uuid4(), 3, (), ())
    assert device.one(ahead, now=SOON).status is SaveStatus.REFUSED
    assert Marking.objects.get().item.position == 1


def test_a_late_answer_is_to_the_question_one_was_at(attempt: Attempt) -> None:
    device = Device(attempt, met=NOW)
    save(attempt, 1, options(attempt, 1)[0])
    advance(attempt, 1)
    over = attempt.deadline
    changes = [
        answer(1, options(attempt, 1)[1], 1, at=over),
        answer(2, options(attempt, 2)[1], at=over),
        answer(3, options(attempt, 3)[1], at=over),
    ]
    replies = device.deliver(*changes, now=over + timedelta(minutes=1)).replies
    assert [reply.status for reply in replies] == [
        SaveStatus.LOCKED, SaveStatus.LATE, SaveStatus.REFUSED
    ]  # fmt: skip


def test_free_exams_do_not_advance(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    save(attempt, 1, options(attempt, 1)[0])
    assert advance(attempt, 1) == 1
    assert stored(attempt).last_position == 1
    services.discard_attempt(attempt, SOON)
    assert advance(attempt, 1) is None
