"""Starting, answering and looking: what the services promise one caller at a time."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries

from attempts import saving, services
from attempts.assembly import NotEnoughItems
from attempts.deliveries import Seen
from attempts.models import Attempt, AttemptItem
from attempts.saving import NotAnOption, SaveStatus
from attempts.states import State
from domains.models import Outline
from questions.models import Choice
from tests.attempts.device import Device
from tests.world import World, right, wrong

NOW = timezone.now().replace(microsecond=0)
SOON = NOW + timedelta(minutes=5)


@pytest.fixture
def attempt(world: World) -> Attempt:
    return world.start(world.ada, now=NOW)


# --- Starting -------------------------------------------------------------------------------


def test_a_start_draws_the_whole_form_with_its_four_options_each(
    world: World, attempt: Attempt
) -> None:
    items = list(attempt.items.select_related("version__question"))
    assert [item.position for item in items] == list(range(1, 25))
    assert attempt.item_count == 24
    for item in items:
        assert item.version.status == "published"
        choices = set(item.version.choices.values_list("pk", flat=True))
        assert set(item.choice_order) == choices
        assert len(item.choice_order) == 4
        placed = item.version.question.placements.get(outline=world.outline)
        assert item.domain == placed.objective.domain


def test_the_same_seed_draws_the_same_form_in_the_same_order(world: World) -> None:
    forms = [
        list(world.start(person, now=NOW, seed=11).items.values_list("version", "choice_order"))
        for person in (world.ada, world.ben)
    ]
    other = world.start(world.lena, now=NOW, seed=12)
    assert forms[0] == forms[1]
    assert list(other.items.values_list("version", "choice_order")) != forms[0]


def test_a_drill_takes_all_from_its_domain(world: World) -> None:
    attempt = world.start(world.ada, "drill", domain=4, now=NOW)
    assert {item.domain.number for item in attempt.items.select_related("domain")} == {4}
    assert attempt.items.count() == 10


def test_a_second_start_gets_the_open_attempt(world: World, attempt: Attempt) -> None:
    again, created = services.start_attempt(
        world.ada, world.exam(), world.outline, now=SOON, seed=99
    )
    assert (again, created) == (attempt, False)
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize("different", ["exam", "outline", "domain"])
def test_a_start_of_something_else_is_refused_while_one_is_open(
    world: World, different: str
) -> None:
    attempt = world.start(world.ada, "drill", domain=1, now=NOW)
    with pytest.raises(services.AnotherAttemptOpen) as refused:
        services.start_attempt(
            world.ada,
            world.exam("quick" if different == "exam" else "drill"),
            Outline.objects.get(key="2022") if different == "outline" else world.outline,
            domain=world.domain(2 if different == "domain" else 1),
            now=SOON,
            seed=1,
        )
    assert refused.value.attempt == attempt
    assert Attempt.objects.count() == 1


def test_two_people_sit_at_the_same_time(world: World, attempt: Attempt) -> None:
    assert world.start(world.ben, now=NOW) != attempt


def test_what_the_bank_cannot_fill_is_refused_with_nothing_left_behind(world: World) -> None:
    world.shrink(1, leave=20)
    world.shrink(5, leave=14)
    with pytest.raises(NotEnoughItems) as short:
        world.start(world.ada, "simulation", now=NOW)
    # Against 26/19/25/23/15/17 (shared/EXAM.md).
    assert short.value.missing == {1: 6, 5: 1}
    assert not Attempt.objects.exists()


# --- Answering ------------------------------------------------------------------------------


def save(attempt: Attempt, choice: int, revision: int = 0) -> saving.SaveResult:
    return saving.save_answer(
        attempt.user, attempt.public_id, 1, choice=choice, revision=revision, now=SOON
    )


def test_every_accepted_change_is_an_event_with_the_servers_time(attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    first, second, *_ = item.choice_order
    assert save(attempt, first).revision == 1
    assert save(attempt, second, 1).revision == 2
    assert save(attempt, second, 2).status is SaveStatus.UNCHANGED
    assert save(attempt, first, 1).status is SaveStatus.STALE
    assert list(item.events.values_list("revision", "choice", "at")) == [
        (1, first, SOON),
        (2, second, SOON),
    ]


def test_a_stale_save_is_given_what_is_stored(attempt: Attempt) -> None:
    first, second, *_ = attempt.items.get(position=1).choice_order
    save(attempt, first)
    result = save(attempt, second)
    assert result == saving.SaveResult(SaveStatus.STALE, first, 1, SOON)


def test_a_resend_after_a_lost_reply_is_no_conflict(attempt: Attempt) -> None:
    choice = attempt.items.get(position=1).choice_order[0]
    save(attempt, choice)
    assert save(attempt, choice) == saving.SaveResult(SaveStatus.UNCHANGED, choice, 1, SOON)


def test_a_revision_from_the_future_is_stale_too(attempt: Attempt) -> None:
    choice = attempt.items.get(position=1).choice_order[0]
    assert save(attempt, choice, 3).status is SaveStatus.STALE


def test_an_option_of_another_question_is_refused(attempt: Attempt) -> None:
    foreign = attempt.items.get(position=2).choice_order[0]
    with pytest.raises(NotAnOption):
        save(attempt, foreign)
    assert attempt.items.get(position=1).choice_id is None


def test_nobody_answers_in_anothers_attempt(world: World, attempt: Attempt) -> None:
    choice = attempt.items.get(position=1).choice_order[0]
    for user, public_id, position in [
        (world.ben, attempt.public_id, 1),
        (world.ada, uuid4(), 1),
        (world.ada, attempt.public_id, 25),
    ]:
        with pytest.raises(AttemptItem.DoesNotExist):
            saving.save_answer(user, public_id, position, choice=choice, revision=0, now=SOON)


def test_a_save_is_two_statements(
    attempt: Attempt, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    choice = attempt.items.get(position=1).choice_order[0]
    with django_assert_num_queries(2 + 2):  # a savepoint stands for BEGIN and COMMIT here
        save(attempt, choice)


def test_a_drill_answer_stands_whatever_revision_asks(world: World) -> None:
    drill = world.start(world.ada, "drill", domain=2, now=NOW)
    first, second, *_ = drill.items.get(position=1).choice_order
    save(drill, first)
    for revision in (0, 1, 2):
        assert save(drill, second, revision).status is SaveStatus.LOCKED
    assert drill.items.get(position=1).choice_id == first


# --- Looking, flagging, time ----------------------------------------------------------------


def test_the_first_look_is_kept_and_the_place_follows(attempt: Attempt) -> None:
    for position, now in [(3, NOW), (5, SOON), (3, SOON)]:
        saving.mark_seen(attempt, position, now)
    attempt.refresh_from_db()
    assert attempt.last_position == 3
    assert attempt.items.get(position=3).seen_at == NOW
    assert attempt.items.get(position=5).seen_at == SOON
    assert attempt.items.filter(seen_at__isnull=True).count() == 22


def test_visible_time_adds_up_to_no_more_than_has_passed(attempt: Attempt) -> None:
    saving.mark_seen(attempt, 1, NOW)
    device = Device(attempt, met=NOW)

    def visible_after(milliseconds: int, seconds: int) -> int:
        device.one(Seen(uuid4(), 1, milliseconds), now=NOW + timedelta(seconds=seconds))
        return attempt.items.get(position=1).visible_ms

    assert visible_after(4_000, 10) == 4_000
    assert visible_after(4_000, 10) == 8_000
    assert visible_after(4_000, 10) == 10_000  # only ten seconds have passed
    assert visible_after(2**31 - 1, 60) == 60_000
    assert visible_after(1_000, 30) == 60_000  # a late message does not take time away


def test_time_stops_with_the_attempt(attempt: Attempt) -> None:
    saving.mark_seen(attempt, 1, NOW)
    device = Device(attempt, met=NOW)
    services.submit(attempt, SOON)
    assert device.one(Seen(uuid4(), 1, 4_000), now=SOON).status is SaveStatus.OVER
    assert attempt.items.get(position=1).visible_ms == 0


def test_flags_of_one_question_leave_the_others(attempt: Attempt) -> None:
    assert saving.set_flag(attempt, 2, True)
    assert list(attempt.items.filter(flagged=True).values_list("position", flat=True)) == [2]
    assert saving.set_flag(attempt, 2, False)
    assert not attempt.items.filter(flagged=True).exists()


def test_a_flag_on_a_question_the_form_does_not_have_is_false(attempt: Attempt) -> None:
    assert not saving.set_flag(attempt, 25, True)


def test_the_open_attempt_is_ones_own(world: World, attempt: Attempt) -> None:
    assert services.open_attempt_of(world.ada) == attempt
    assert services.open_attempt_of(world.ben) is None
    services.discard_attempt(attempt, SOON)
    assert services.open_attempt_of(world.ada) is None


# --- Lost scoring ---------------------------------------------------------------------------


def broker_that(monkeypatch: pytest.MonkeyPatch, *, answers: bool) -> list[int]:
    """Instead of a broker; returns the list of what it is asked to have scored."""
    asked: list[int] = []

    def note(pk: int) -> bool:
        asked.append(pk)
        return answers

    monkeypatch.setattr(services, "enqueue_scoring", note)
    return asked


def test_lost_scoring_is_asked_for_again_after_half_a_minute(
    world: World, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = broker_that(monkeypatch, answers=True)
    services.submit(attempt, SOON)
    world.sat(world.ben)  # scored: nothing to ask for
    world.start(world.lena)  # open: nothing to ask for
    assert services.requeue_lost_scoring(SOON + timedelta(seconds=30)) == 0
    assert services.requeue_lost_scoring(SOON + timedelta(seconds=31)) == 1
    assert asked == [attempt.pk]
    assert Attempt.objects.get(pk=attempt.pk).status is State.CLOSED


def test_without_a_broker_the_sweep_stops_asking(
    world: World, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = broker_that(monkeypatch, answers=False)
    services.submit(attempt, SOON)
    services.submit(world.start(world.ben, now=NOW), SOON)
    assert services.requeue_lost_scoring(SOON + timedelta(minutes=1)) == 0
    assert len(asked) == 1


def test_scoring_is_asked_for_on_commit_and_not_before(
    attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:
    asked = broker_that(monkeypatch, answers=True)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        services.submit(attempt, SOON)
        assert asked == []
    assert asked == [attempt.pk]


class Queue:
    """In the place of Celery: counts who asks, and may be away."""

    def __init__(self) -> None:
        self.away, self.asked = False, 0

    def send_task(self, name: str, args: list[int]) -> None:
        self.asked += 1
        if self.away:
            raise OperationalError("nobody there")


def test_a_broker_that_is_away_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A surge of submits must not wait a second each for a broker that does not answer."""
    queue, clock = Queue(), 100.0
    monkeypatch.setattr(services, "current_app", queue)
    monkeypatch.setattr(services, "_broker", services.Broker())
    monkeypatch.setattr(services, "monotonic", lambda: clock)

    def ask(times: int) -> list[bool]:
        return [services.enqueue_scoring(1) for _ in range(times)]

    assert (ask(3), queue.asked) == ([True] * 3, 3)
    queue.away = True
    assert (ask(8), queue.asked) == ([False] * 8, 4)  # one of the eight found out
    clock += 4.9
    assert (ask(8), queue.asked) == ([False] * 8, 4)
    clock += 0.2
    assert (ask(8), queue.asked) == ([False] * 8, 5)
    queue.away = False
    assert ask(1) == [False]
    clock += 5.1
    assert (ask(8), queue.asked) == ([True] * 8, 13)


def test_while_one_looks_for_the_broker_the_others_do_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 100.0
    monkeypatch.setattr(services, "monotonic", lambda: clock)
    broker = services.Broker()
    broker.was(there=False)
    clock += 6
    assert [broker.may_be_asked() for _ in range(3)] == [True, False, False]


# --- Results --------------------------------------------------------------------------------


def test_scoring_marks_each_item(world: World) -> None:
    attempt = world.sat(
        world.ada,
        "quick",
        lambda item: {0: right, 1: wrong}.get(item.position % 3, lambda _: None)(item),
    )
    marks = dict(attempt.items.values_list("position", "is_correct"))
    assert marks == {position: position % 3 == 0 for position in range(1, 25)}
    assert (attempt.answered_count, attempt.correct_count) == (16, 8)
    assert (attempt.first_count, attempt.first_correct) == (16, 8)


def test_the_pass_share_is_the_mean_judged_difficulty_of_the_form(world: World) -> None:
    attempt = world.sat(world.ada)
    difficulties = [
        float(item.version.difficulty) for item in attempt.items.select_related("version")
    ]
    assert attempt.pass_share == pytest.approx(sum(difficulties) / 24)


def test_the_key_is_read_from_the_version_the_attempt_holds(world: World) -> None:
    attempt = world.sat(world.ada)
    keys = Choice.objects.filter(is_correct=True, version__in=attempt.items.values("version"))
    assert set(attempt.items.values_list("choice", flat=True)) == set(
        keys.values_list("pk", flat=True)
    )
