"""Races between real threads on real connections, each run twice: with the lock taken out, to see
the harm it prevents, and with it.

Nothing is left to luck. Without the lock, everybody reads before anybody may write; with it, all
arrive at the lock together, or one is held inside while another is seen waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from attempts import desk, locks, results, saving, services
from attempts.deliveries import Answer
from attempts.desk import Desk
from attempts.locks import lock_attempt_and_person
from attempts.models import AnswerEvent, Attempt, DomainResult
from attempts.results import score_attempt
from attempts.saving import Delivery, Reply, SaveResult, SaveStatus
from attempts.states import State
from tests.attempts.device import Device, answer
from tests.world import World, right, wrong

BOUND = 20  # seconds; no race here needs one
NOW = timezone.now().replace(microsecond=0)
SOON = NOW + timedelta(minutes=5)

real_lock_attempt = locks.lock_attempt
real_lock_desk = desk.lock_desk
real_lock_person = locks.lock_person
real_create = services._new_attempt


class Racer(threading.Thread):
    """One caller on a connection of its own; `outcome` is what it returned or raised."""

    def __init__(self, call: Callable[[], object], name: str = "") -> None:
        super().__init__(name=name, daemon=True)
        self.call = call
        self.outcome: object = None

    def run(self) -> None:
        try:
            self.outcome = self.call()
        except Exception as error:
            self.outcome = error
        finally:
            connection.close()

    def finish(self) -> object:
        self.join(BOUND)
        assert not self.is_alive(), f"{self.name} hangs"
        return self.outcome


def race(*calls: Callable[[], object]) -> list[object]:
    """Run all at once and return their outcomes in the order of the calls."""
    connection.close()  # the pool holds eight, and the racers may need all of them
    racers = [Racer(call) for call in calls]
    for racer in racers:
        racer.start()
    return [racer.finish() for racer in racers]


class Pause:
    """A place in the code where one thread, by name, stops until it is told to go on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reached, self.released = threading.Event(), threading.Event()

    def __call__(self) -> None:
        if threading.current_thread().name == self.name and not self.reached.is_set():
            self.reached.set()
            assert self.released.wait(BOUND)

    def hold(self, call: Callable[[], object]) -> Racer:
        """Start the call in a thread of that name; returns once it stands at the pause."""
        racer = Racer(call, self.name)
        racer.start()
        assert self.reached.wait(BOUND), racer.outcome
        return racer


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def wait_for_a_queue_at_the_lock() -> None:
    until = time.monotonic() + BOUND
    while not somebody_waits():
        assert time.monotonic() < until, "nobody waits for the lock"
        time.sleep(0.01)


# --- The non-locking twins ------------------------------------------------------------------


def read_attempt(pk: int) -> Attempt:
    return Attempt.objects.select_related("exam").get(pk=pk)


def take_the_desks_lock_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery then reads the same rows by the same statements, without their last line."""
    for name, last_line in [
        ("_LOCK_WITH_ITEMS", "FOR UPDATE OF attempt, item"),
        ("_LOCK", "FOR UPDATE"),
    ]:
        statement = getattr(desk, name)
        assert statement.rstrip().endswith(last_line)
        monkeypatch.setattr(desk, name, statement.rstrip().removesuffix(last_line))


def hold_at_the_desk(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[], object], *, locked: bool
) -> tuple[Pause, Racer]:
    """A delivery under way: it has read what it judges by, and goes on when it is told to."""
    if not locked:
        take_the_desks_lock_out(monkeypatch)
    pause = Pause("saver")

    def lock(*asked: Any) -> Desk:
        found = real_lock_desk(*asked)
        pause()
        return found

    monkeypatch.setattr(saving, "lock_desk", lock)
    return pause, pause.hold(call)


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Scorings that were asked for; nothing is sent."""
    asked: list[int] = []

    def note(pk: int) -> bool:
        asked.append(pk)
        return True

    monkeypatch.setattr(services, "enqueue_scoring", note)
    return asked


@pytest.fixture
def attempt(live_world: World, queued: list[int]) -> Attempt:
    return live_world.start(live_world.ada, now=NOW)


def save(attempt: Attempt, choice: int, now: datetime = SOON) -> SaveResult:
    return saving.save_answer(
        attempt.user, attempt.public_id, 1, choice=choice, revision=0, now=now
    )


def stored(attempt: Attempt) -> Attempt:
    return Attempt.objects.get(pk=attempt.pk)


# --- Eight scorers, one result --------------------------------------------------------------


@pytest.fixture
def closed(live_world: World, attempt: Attempt) -> Attempt:
    live_world.answer(attempt, now=SOON)
    services.submit(attempt, SOON)
    return attempt


def eight_scorers(closed: Attempt) -> list[object]:
    return race(*(partial(score_attempt, closed.pk, SOON + timedelta(seconds=n)) for n in range(8)))


def test_eight_scorers_without_the_lock_all_write(
    closed: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody_has_read = threading.Barrier(8, timeout=BOUND)

    def read(pk: int) -> Attempt:
        found = read_attempt(pk)
        everybody_has_read.wait()
        return found

    monkeypatch.setattr(results, "lock_attempt", read)
    outcomes = eight_scorers(closed)
    # All eight believe it is theirs to score; only the database's own rule stops seven of them.
    assert outcomes.count(True) == 1
    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 7


def test_eight_scorers_one_result(closed: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    all_at_the_door = threading.Barrier(8, timeout=BOUND)

    def lock(pk: int) -> Attempt:
        all_at_the_door.wait()
        return real_lock_attempt(pk)

    monkeypatch.setattr(results, "lock_attempt", lock)
    outcomes = eight_scorers(closed)
    assert sorted(map(str, outcomes)) == ["False"] * 7 + ["True"]
    result = stored(closed)
    assert (result.status, result.correct_count) == (State.SCORED, 24)
    assert result.scored_at == SOON + timedelta(seconds=outcomes.index(True))
    assert DomainResult.objects.filter(attempt=closed).count() == 12


# --- Two starts, one attempt ----------------------------------------------------------------


def two_starts(world: World, *keys: str) -> list[object]:
    user, outline = world.ada, world.outline
    exams = [world.exam(key) for key in keys]
    return race(
        *(
            partial(services.start_attempt, user, exam, outline, now=NOW, seed=seed)
            for seed, exam in enumerate(exams, 1)
        )
    )


@pytest.fixture
def together_at_the_persons_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    both_at_the_door = threading.Barrier(2, timeout=BOUND)

    def lock(pk: int) -> None:
        both_at_the_door.wait()
        real_lock_person(pk)

    monkeypatch.setattr(services, "lock_person", lock)


def test_two_starts_without_the_lock_one_fails_on_the_database(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_found_none_open = threading.Barrier(2, timeout=BOUND)

    def create(*args: Any, **rest: Any) -> Attempt:
        both_found_none_open.wait()
        return real_create(*args, **rest)

    monkeypatch.setattr(services, "lock_person", lambda user: None)
    monkeypatch.setattr(services, "_new_attempt", create)
    outcomes = two_starts(live_world, "quick", "quick")
    failures = [outcome for outcome in outcomes if isinstance(outcome, IntegrityError)]
    assert len(failures) == 1
    assert "one_open_attempt_per_person" in str(failures[0])


@pytest.mark.usefixtures("together_at_the_persons_lock")
def test_two_starts_one_attempt(live_world: World) -> None:
    one, other = two_starts(live_world, "quick", "quick")
    assert isinstance(one, tuple)
    assert isinstance(other, tuple)
    assert one[0] == other[0]
    assert sorted([one[1], other[1]]) == [False, True]
    assert Attempt.objects.get().items.count() == 24


@pytest.mark.usefixtures("together_at_the_persons_lock")
def test_two_starts_of_different_exams_one_is_told_of_the_other(live_world: World) -> None:
    outcomes = two_starts(live_world, "quick", "half")
    refused = [o for o in outcomes if isinstance(o, services.AnotherAttemptOpen)]
    assert len(refused) == 1
    assert refused[0].attempt == Attempt.objects.get()


# --- A save racing the deadline -------------------------------------------------------------


def close_and_score(attempt: Attempt) -> bool:
    late = attempt.deadline + timedelta(seconds=6)
    closed = services.close_if_due(attempt, late)
    score_attempt(attempt.pk, late)
    return closed


def test_a_save_at_the_deadline_without_the_lock_is_acknowledged_and_not_counted(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = right(attempt.items.get(position=1))
    pause, saver = hold_at_the_desk(
        monkeypatch, partial(save, attempt, choice, attempt.deadline), locked=False
    )
    close_and_score(attempt)
    pause.released.set()
    outcome = saver.finish()
    assert isinstance(outcome, SaveResult)
    assert outcome.status is SaveStatus.SAVED
    assert attempt.items.get(position=1).choice_id == choice
    assert stored(attempt).answered_count == 0  # the candidate was told it is safe


def test_a_save_at_the_deadline_is_in_the_score(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = right(attempt.items.get(position=1))
    pause, saver = hold_at_the_desk(
        monkeypatch, partial(save, attempt, choice, attempt.deadline), locked=True
    )
    closer = Racer(partial(close_and_score, attempt), "closer")
    closer.start()
    wait_for_a_queue_at_the_lock()
    pause.released.set()
    outcome = saver.finish()
    assert isinstance(outcome, SaveResult)
    assert outcome.status is SaveStatus.SAVED
    assert closer.finish() is True
    result = stored(attempt)
    assert (result.status, result.answered_count, result.correct_count) == (State.SCORED, 1, 1)


def test_a_save_that_comes_second_is_told_the_attempt_is_closed(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("closer")

    def lock(pk: int) -> Attempt:
        found = real_lock_attempt(pk)
        pause()
        return found

    monkeypatch.setattr(services, "lock_attempt", lock)
    choice = right(attempt.items.get(position=1))
    closer = pause.hold(partial(close_and_score, attempt))
    saver = Racer(partial(save, attempt, choice, attempt.deadline), "saver")
    saver.start()
    wait_for_a_queue_at_the_lock()
    pause.released.set()
    assert closer.finish() is True
    outcome = saver.finish()
    assert isinstance(outcome, SaveResult)
    assert (outcome.status, outcome.choice) == (SaveStatus.NOT_COUNTED, None)
    assert stored(attempt).answered_count == 0
    assert not AnswerEvent.objects.exists()


# --- One question answered in two tabs at once ----------------------------------------------


def meet(monkeypatch: pytest.MonkeyPatch, *, locked: bool) -> None:
    """Two deliveries arrive at the lock together; without one, both read before either writes."""
    if not locked:
        take_the_desks_lock_out(monkeypatch)
    both = threading.Barrier(2, timeout=BOUND)

    def lock(*asked: Any) -> Desk:
        if locked:
            both.wait()
            return real_lock_desk(*asked)
        found = real_lock_desk(*asked)
        both.wait()
        return found

    monkeypatch.setattr(saving, "lock_desk", lock)


def two_tabs(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, choices: list[int], *, locked: bool
) -> list[object]:
    meet(monkeypatch, locked=locked)
    return race(*(partial(save, attempt, choice) for choice in choices))


def test_two_tabs_without_the_lock_one_gets_an_error_page(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = attempt.items.get(position=1).choice_order[:2]
    outcomes = two_tabs(attempt, monkeypatch, choices, locked=False)
    failures = [outcome for outcome in outcomes if isinstance(outcome, IntegrityError)]
    assert len(failures) == 1
    assert "event_revision_once_per_item" in str(failures[0])


def test_two_tabs_one_is_saved_and_one_is_told_it_is_stale(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = attempt.items.get(position=1).choice_order[:2]
    outcomes = two_tabs(attempt, monkeypatch, choices, locked=True)
    by_status = {result.status: result for result in outcomes if isinstance(result, SaveResult)}
    assert set(by_status) == {SaveStatus.SAVED, SaveStatus.STALE}
    item = attempt.items.get(position=1)
    for outcome in by_status.values():  # the stale one is given what is stored
        assert (outcome.choice, outcome.revision) == (item.choice_id, 1)
    assert [event.choice_id for event in item.events.all()] == [item.choice_id]


def test_two_tabs_with_the_same_answer_are_one_event(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = wrong(attempt.items.select_related("version").get(position=1))
    outcomes = two_tabs(attempt, monkeypatch, [choice, choice], locked=True)
    statuses = {result.status for result in outcomes if isinstance(result, SaveResult)}
    assert statuses == {SaveStatus.SAVED, SaveStatus.UNCHANGED}
    assert AnswerEvent.objects.count() == 1


# --- Two ends of one attempt ----------------------------------------------------------------


def both_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock taken out, and two readers who wait for each other."""
    both = threading.Barrier(2, timeout=BOUND)

    def read(pk: int) -> Attempt:
        found = read_attempt(pk)
        both.wait()
        return found

    monkeypatch.setattr(services, "lock_attempt", read)


def both_at_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=BOUND)

    def lock(pk: int) -> Attempt:
        both.wait()
        return real_lock_attempt(pk)

    monkeypatch.setattr(services, "lock_attempt", lock)


def test_two_submits_without_the_lock_both_close_and_queue(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_read_first(monkeypatch)
    submit = partial(services.submit, attempt, SOON)
    assert race(submit, submit) == [True, True]
    assert queued == [attempt.pk, attempt.pk]


def test_two_submits_one_closes(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_at_the_lock(monkeypatch)
    submit = partial(services.submit, attempt, SOON)
    assert sorted(map(str, race(submit, submit))) == ["False", "True"]
    assert queued == [attempt.pk]


def test_discard_and_submit_without_the_lock_void_what_was_handed_in(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("discarder")

    def read(pk: int) -> Attempt:
        found = read_attempt(pk)
        pause()
        return found

    monkeypatch.setattr(services, "lock_attempt", read)
    discarder = pause.hold(partial(services.discard_attempt, attempt, SOON))
    assert services.submit(attempt, SOON)
    pause.released.set()
    assert discarder.finish() is True  # both were told yes
    assert stored(attempt).status is State.VOID
    assert queued == [attempt.pk]  # and nothing will ever come of this


def test_discard_and_submit_only_one_is_told_yes(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_at_the_lock(monkeypatch)
    discarded, submitted = race(
        partial(services.discard_attempt, attempt, SOON), partial(services.submit, attempt, SOON)
    )
    assert discarded is not submitted
    assert stored(attempt).status is (State.VOID if discarded else State.CLOSED)
    assert queued == ([] if discarded else [attempt.pk])


def last_second(attempt: Attempt) -> datetime:
    return attempt.deadline - timedelta(seconds=1)


def sweep(attempt: Attempt) -> int:
    return services.close_due_attempts(attempt.deadline + timedelta(seconds=6))


def test_submit_and_sweep_without_the_lock_overwrite_each_other(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("submitter")

    def read(pk: int) -> Attempt:
        found = read_attempt(pk)
        pause()
        return found

    monkeypatch.setattr(services, "lock_attempt", read)
    submitter = pause.hold(partial(services.submit, attempt, last_second(attempt)))
    assert sweep(attempt) == 1
    assert stored(attempt).close_reason == Attempt.CloseReason.CLOCK
    pause.released.set()
    assert submitter.finish() is True
    assert stored(attempt).close_reason == Attempt.CloseReason.SUBMITTED  # history rewritten
    assert len(queued) == 2


def test_a_sweep_passes_by_an_attempt_that_is_being_submitted(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("submitter")

    def lock(pk: int) -> Attempt:
        found = real_lock_attempt(pk)
        pause()
        return found

    monkeypatch.setattr(services, "lock_attempt", lock)
    submitter = pause.hold(partial(services.submit, attempt, last_second(attempt)))
    assert sweep(attempt) == 0  # it does not even wait
    pause.released.set()
    assert submitter.finish() is True
    assert sweep(attempt) == 0
    assert stored(attempt).close_reason == Attempt.CloseReason.SUBMITTED
    assert queued == [attempt.pk]


def test_a_submit_behind_the_sweep_finds_it_over(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("sweeper")
    real_close = services._close

    def close(locked: Attempt, reason: Attempt.CloseReason, at: datetime) -> None:
        pause()  # the sweep holds the row by now
        real_close(locked, reason, at)

    monkeypatch.setattr(services, "_close", close)
    sweeper = pause.hold(partial(sweep, attempt))
    submitter = Racer(partial(services.submit, attempt, last_second(attempt)), "submitter")
    submitter.start()
    wait_for_a_queue_at_the_lock()
    pause.released.set()
    assert (sweeper.finish(), submitter.finish()) == (1, False)
    assert stored(attempt).close_reason == Attempt.CloseReason.CLOCK
    assert queued == [attempt.pk]


def test_two_sweeps_at_once_share_the_work(
    attempt: Attempt, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("sweeper")
    real_close = services._close

    def close(locked: Attempt, reason: Attempt.CloseReason, at: datetime) -> None:
        pause()
        real_close(locked, reason, at)

    monkeypatch.setattr(services, "_close", close)
    sweeper = pause.hold(partial(sweep, attempt))
    assert sweep(attempt) == 0
    pause.released.set()
    assert sweeper.finish() == 1
    assert queued == [attempt.pk]


# --- A delivery and what else may happen to its attempt -------------------------------------


@pytest.fixture
def device(attempt: Attempt) -> Device:
    return Device(attempt, met=NOW)


def change(attempt: Attempt, position: int = 1, *, at: datetime = SOON) -> Answer:
    return answer(position, right(attempt.items.get(position=position)), at=at)


def status_of(racer: Racer) -> SaveStatus:
    outcome = racer.finish()
    assert isinstance(outcome, Reply), outcome
    return outcome.status


def meanwhile(call: Callable[[], object], pause: Pause) -> Racer:
    """Somebody who has to wait for the delivery that is under way."""
    racer = Racer(call, "other")
    racer.start()
    wait_for_a_queue_at_the_lock()
    pause.released.set()
    return racer


def test_a_batch_sent_twice_at_once_without_the_lock_fails(
    attempt: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(monkeypatch, locked=False)
    send = partial(device.one, change(attempt), now=SOON)
    outcomes = race(send, send)
    failures = [outcome for outcome in outcomes if isinstance(outcome, IntegrityError)]
    assert len(failures) == 1


def test_a_batch_sent_twice_at_once_is_stored_once_and_both_get_its_receipts(
    attempt: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that gave up waiting for a reply which was on its way."""
    meet(monkeypatch, locked=True)
    one, other, *_ = attempt.items.get(position=1).choice_order
    chain = [answer(1, one, 0, at=SOON), answer(1, other, 1, at=SOON)]
    outcomes = race(*(partial(device.deliver, *chain, now=SOON) for _ in range(2)))
    for outcome in outcomes:
        assert isinstance(outcome, Delivery), outcome
        assert {reply.status for reply in outcome.replies} == {SaveStatus.SAVED}
    assert [event.choice_id for event in AnswerEvent.objects.all()] == [one, other]


def submit_and_score(attempt: Attempt) -> bool:
    submitted = services.submit(attempt, SOON)
    score_attempt(attempt.pk, SOON)
    return submitted


def test_a_save_at_the_submit_without_the_lock_is_acknowledged_and_not_counted(
    attempt: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(attempt), now=SOON)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=False)
    submit_and_score(attempt)
    pause.released.set()
    assert status_of(saver) is SaveStatus.SAVED
    assert stored(attempt).answered_count == 0


def test_a_save_at_the_submit_is_in_the_score(
    attempt: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(attempt), now=SOON)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=True)
    submitter = meanwhile(partial(submit_and_score, attempt), pause)
    assert status_of(saver) is SaveStatus.SAVED
    assert submitter.finish() is True
    assert stored(attempt).answered_count == 1


def test_a_save_at_the_discard_without_the_lock_goes_into_a_void_attempt(
    attempt: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(attempt), now=SOON)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=False)
    services.discard_attempt(attempt, SOON)
    pause.released.set()
    assert status_of(saver) is SaveStatus.SAVED
    assert stored(attempt).status is State.VOID


def test_a_discard_waits_for_a_save_and_a_save_behind_it_is_told(
    attempt: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(attempt), now=SOON)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=True)
    discarder = meanwhile(partial(services.discard_attempt, attempt, SOON), pause)
    assert status_of(saver) is SaveStatus.SAVED
    assert discarder.finish() is True
    assert device.one(change(attempt, 2), now=SOON).status is SaveStatus.NOT_COUNTED
    assert AnswerEvent.objects.count() == 1


# --- A late answer and the scorer, the report, the staff ------------------------------------

OVER = NOW + timedelta(minutes=10)
LATER = OVER + timedelta(minutes=1)


@pytest.fixture
def ended(attempt: Attempt, device: Device) -> Attempt:
    """Submitted in minute 10; the device still holds what was chosen in minute 5."""
    services.submit(attempt, OVER)
    return attempt


@pytest.fixture
def scored(ended: Attempt) -> Attempt:
    assert score_attempt(ended.pk, OVER)
    return ended


def test_a_late_answer_at_the_scoring_without_the_lock_is_promised_and_never_counted(
    ended: Attempt, device: Device, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_was = read_attempt(ended.pk)
    monkeypatch.setattr(saving, "lock_attempt", lambda pk: as_it_was)
    send = partial(device.one, change(ended), now=LATER)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=False)
    assert score_attempt(ended.pk, LATER)
    pause.released.set()
    assert status_of(saver) is SaveStatus.LATE
    assert not score_attempt(ended.pk, LATER)  # the scoring it asked for: nothing to do
    assert stored(ended).answered_count == 0


def test_a_scorer_behind_a_late_answer_counts_it(
    ended: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(ended), now=LATER)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=True)
    scorer = meanwhile(partial(score_attempt, ended.pk, LATER), pause)
    assert status_of(saver) is SaveStatus.LATE
    assert scorer.finish() is True
    assert stored(ended).answered_count == 1


def test_a_late_answer_behind_the_scorer_has_it_score_again(
    ended: Attempt, device: Device, queued: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("scorer")

    def lock(pk: int) -> Attempt:
        found = real_lock_attempt(pk)
        pause()
        return found

    monkeypatch.setattr(results, "lock_attempt", lock)
    queued.clear()
    scorer = pause.hold(partial(score_attempt, ended.pk, LATER))
    saver = meanwhile(partial(device.one, change(ended), now=LATER), pause)
    assert scorer.finish() is True
    assert status_of(saver) is SaveStatus.LATE
    assert (stored(ended).status, queued) == (State.CLOSED, [ended.pk])
    assert score_attempt(ended.pk, LATER)
    assert stored(ended).answered_count == 1


def test_a_late_answer_at_the_opening_of_the_report_without_the_lock_counts_with_the_keys_known(
    scored: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(scored), now=LATER)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=False)
    services.open_report(scored, LATER)
    assert stored(scored).report_opened_at == LATER
    pause.released.set()
    assert status_of(saver) is SaveStatus.LATE


def test_a_report_behind_a_late_answer_is_not_opened(
    scored: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(scored), now=LATER)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=True)
    opener = meanwhile(partial(services.open_report, scored, LATER), pause)
    assert status_of(saver) is SaveStatus.LATE
    assert opener.finish() is None
    now = stored(scored)
    assert (now.status, now.report_opened_at) == (State.CLOSED, None)


def reopen(attempt: Attempt) -> None:
    with transaction.atomic():
        locked = lock_attempt_and_person(attempt.pk)
        services.reopen(locked, NOW + timedelta(hours=2), LATER)


def test_a_late_answer_at_the_reopening_without_the_lock_is_late_in_a_running_attempt(
    ended: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = partial(device.one, change(ended), now=LATER)
    pause, saver = hold_at_the_desk(monkeypatch, send, locked=False)
    reopen(ended)
    pause.released.set()
    assert status_of(saver) is SaveStatus.LATE
    assert stored(ended).status is State.IN_PROGRESS


def test_an_answer_behind_the_reopening_is_an_ordinary_one(
    ended: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("reopener")
    real_reopen = services.reopen

    def reopen_slowly(*asked: Any) -> None:
        real_reopen(*asked)
        pause()  # done, and not committed

    monkeypatch.setattr(services, "reopen", reopen_slowly)
    reopener = pause.hold(partial(reopen, ended))
    saver = meanwhile(partial(device.one, change(ended), now=LATER), pause)
    assert reopener.finish() is None
    assert status_of(saver) is SaveStatus.SAVED
    assert AnswerEvent.objects.get().late is False


def start_another(world: World) -> object:
    return services.start_attempt(world.ada, world.exam(), world.outline, now=LATER, seed=3)


def test_a_start_at_the_reopening_without_the_lock_fails_on_the_database(
    live_world: World, ended: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("starter")

    def create(*args: Any, **fields: Any) -> Attempt:
        pause()
        return real_create(*args, **fields)

    monkeypatch.setattr(services, "lock_person", lambda pk: None)
    monkeypatch.setattr(services, "_new_attempt", create)
    starter = pause.hold(partial(start_another, live_world))
    reopen(ended)
    pause.released.set()
    outcome = starter.finish()
    assert isinstance(outcome, IntegrityError)
    assert "one_open_attempt_per_person" in str(outcome)


def test_a_reopening_behind_a_start_is_told_of_it(
    live_world: World, ended: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause("starter")

    def create(*args: Any, **fields: Any) -> Attempt:
        pause()
        return real_create(*args, **fields)

    monkeypatch.setattr(services, "_new_attempt", create)
    starter = pause.hold(partial(start_another, live_world))
    reopener = meanwhile(partial(reopen, ended), pause)
    outcome = starter.finish()
    assert isinstance(outcome, tuple), outcome
    refused = reopener.finish()
    assert isinstance(refused, services.AnotherAttemptOpen)
    assert refused.attempt == outcome[0]


# --- A later attempt scored while an earlier one's answers change ----------------------------


@pytest.fixture
def later(live_world: World, scored: Attempt) -> Attempt:
    """Of the same person; ended, and being scored."""
    attempt = live_world.start(live_world.ada, now=OVER, seed=8)
    services.submit(attempt, LATER)
    return attempt


def scorer_of(later: Attempt, monkeypatch: pytest.MonkeyPatch) -> tuple[Pause, Racer]:
    """It has read what the person answered so far, and has not written what it makes of it."""
    pause = Pause("scorer")
    real_tallies = results.tallies_to_date

    def tallies(attempt: Attempt) -> Any:
        found = real_tallies(attempt)
        if attempt.pk == later.pk:
            pause()
        return found

    monkeypatch.setattr(results, "tallies_to_date", tallies)
    return pause, pause.hold(partial(score_attempt, later.pk, LATER))


def answers_to_date(attempt: Attempt) -> int:
    standing = attempt.domain_results.filter(scope=DomainResult.Scope.TO_DATE)
    return sum(result.n for result in standing)


def test_a_later_standing_without_the_lock_misses_the_late_answer(
    scored: Attempt, later: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def those_scored_already(locked: Attempt, closed_at: datetime) -> list[Attempt]:
        mine = Attempt.objects.filter(user=locked.user_id, state=State.SCORED)
        return list(mine.filter(closed_at__gte=closed_at).exclude(pk=locked.pk))

    monkeypatch.setattr(results, "_lock_later", those_scored_already)
    pause, scorer = scorer_of(later, monkeypatch)
    assert device.one(change(scored), now=LATER).status is SaveStatus.LATE
    assert score_attempt(scored.pk, LATER)
    pause.released.set()
    assert scorer.finish() is True
    assert answers_to_date(later) == 0


def test_a_later_standing_has_the_late_answer(
    scored: Attempt, later: Attempt, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause, scorer = scorer_of(later, monkeypatch)
    assert device.one(change(scored), now=LATER).status is SaveStatus.LATE
    again = meanwhile(partial(score_attempt, scored.pk, LATER), pause)
    assert scorer.finish() is True
    assert again.finish() is True
    assert answers_to_date(later) == 1
