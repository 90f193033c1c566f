"""Extending, reopening and voiding: what they do, what they leave alone, when they refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from attempts import remedies, services
from attempts.blueprint import revealed_questions
from attempts.models import Attempt, DomainResult, EarlierResult, Remedy
from attempts.remedies import Refused
from attempts.results import score_attempt
from attempts.saving import SaveStatus, save_answer
from attempts.states import State
from cohorts import refresh
from cohorts import services as cohorts
from cohorts.models import CohortReport
from tests.attempts.test_races import Pause, Racer, wait_for_a_queue_at_the_lock
from tests.world import NOON, World, right, sometimes

pytestmark = pytest.mark.usefixtures("at_noon")

NOW = NOON
MINUTE = timedelta(minutes=1)
GRACE = timedelta(seconds=settings.ANSWER_GRACE_SECONDS)
WHY = "Network outage in Lyon"

Deed = Callable[..., Remedy]


def save(attempt: Attempt, at: datetime, position: int = 1) -> SaveStatus:
    item = attempt.items.get(position=position)
    return save_answer(
        attempt.user,
        attempt.public_id,
        position,
        choice=right(item),
        revision=item.revision,
        now=at,
    ).status


def stored(attempt: Attempt) -> Attempt:
    return Attempt.objects.get(pk=attempt.pk)


def closed(world: World, attempt: Attempt) -> Attempt:
    """Its time has run out, and the clock has closed it."""
    assert services.close_if_due(attempt, attempt.deadline + GRACE + MINUTE)
    return stored(attempt)


# --- Extending ------------------------------------------------------------------------------


def test_an_extension_moves_the_deadline_and_is_on_record(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    deadline = attempt.deadline
    remedies.extend(attempt, 15, f"  {WHY}\n", world.ines, NOW + MINUTE)
    assert stored(attempt).deadline == deadline + 15 * MINUTE
    remedy = attempt.remedies.get()
    assert (remedy.kind, remedy.reason, remedy.by, remedy.at) == (
        "extend",
        WHY,
        world.ines,
        NOW + MINUTE,
    )
    assert (remedy.deadline_before, remedy.deadline_after) == (deadline, deadline + 15 * MINUTE)


@pytest.mark.parametrize(
    ("after", "counts"), [(GRACE, True), (GRACE + timedelta(microseconds=1), False)]
)
def test_an_extended_exam_takes_answers_to_its_new_deadline(
    world: World, after: timedelta, counts: bool
) -> None:
    attempt = world.start(world.ada, now=NOW)
    until = remedies.extend(attempt, 15, WHY, world.ines, NOW).deadline_after
    assert (save(attempt, until + after) is SaveStatus.SAVED) is counts
    assert stored(attempt).status is (State.IN_PROGRESS if counts else State.CLOSED)


def test_an_extension_reaches_an_exam_in_its_last_seconds(world: World) -> None:
    """The deadline has passed and the grace has not: nothing is lost, so it goes on."""
    attempt = world.start(world.ada, now=NOW)
    remedies.extend(attempt, 1, WHY, world.ines, attempt.deadline + GRACE)
    assert stored(attempt).status is State.IN_PROGRESS


def test_an_exam_whose_time_is_up_is_closed_and_not_extended(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    with pytest.raises(Refused, match="Reopen it instead"):
        remedies.extend(attempt, 15, WHY, world.ines, attempt.deadline + GRACE + MINUTE)
    assert stored(attempt).closed_at == attempt.deadline
    assert not Remedy.objects.exists()


@pytest.mark.parametrize("minutes", [-1, 0, 601])
def test_minutes_have_bounds(world: World, minutes: int) -> None:
    attempt = world.start(world.ada, now=NOW)
    for deed in (remedies.extend, remedies.reopen):
        with pytest.raises(Refused, match="from 1 to 600 minutes"):
            deed(attempt, minutes, WHY, world.ines, NOW)
    with pytest.raises(Refused, match="from 1 to 600 minutes"):
        remedies.extend_all_running(minutes, WHY, world.ines, NOW)
    assert stored(attempt).deadline == attempt.deadline


@pytest.mark.parametrize("reason", ["", " \n\t", "x" * 201])
def test_a_reason_is_required_and_short(world: World, reason: str) -> None:
    attempt = world.start(world.ada, now=NOW)
    with pytest.raises(Refused):
        remedies.extend(attempt, 5, reason, world.ines, NOW)
    with pytest.raises(Refused):
        remedies.void(attempt, reason, world.ines, NOW)
    with pytest.raises(Refused):
        remedies.extend_all_running(5, reason, world.ines, NOW)
    assert not Remedy.objects.exists()


def test_a_double_click_extends_once(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    remedies.extend(attempt, 15, WHY, world.ines, NOW, seen=0)
    with pytest.raises(Refused, match="after you opened the page"):
        remedies.extend(attempt, 15, WHY, world.ines, NOW, seen=0)
    assert stored(attempt).deadline == attempt.deadline + 15 * MINUTE
    again = remedies.newest(attempt.remedies.all())
    remedies.extend(attempt, 15, WHY, world.ines, NOW, seen=again)
    assert stored(attempt).deadline == attempt.deadline + 30 * MINUTE


# --- Reopening ------------------------------------------------------------------------------


@pytest.mark.parametrize("was", ["submitted", "clock"])
@pytest.mark.parametrize("scored", [False, True])
def test_a_reopened_exam_goes_on_and_is_scored_once_more(
    world: World, was: str, scored: bool
) -> None:
    attempt = world.start(world.ada, now=NOW)
    save(attempt, NOW, 1)
    if was == "clock":
        closed(world, attempt)
    else:
        services.submit(attempt, NOW + MINUTE)
    later = attempt.deadline + 10 * MINUTE
    if scored:
        score_attempt(attempt.pk, later)
    remedies.reopen(attempt, 20, WHY, world.ines, later)

    again = stored(attempt)
    assert (again.status, again.deadline, again.closed_at) == (
        State.IN_PROGRESS,
        later + 20 * MINUTE,
        None,
    )
    assert attempt.remedies.get().deadline_before == attempt.deadline
    assert EarlierResult.objects.count() == scored
    assert not DomainResult.objects.filter(attempt=attempt).exists()
    assert save(attempt, later + MINUTE, 2) is SaveStatus.SAVED

    assert services.submit(again, later + 2 * MINUTE)
    assert score_attempt(attempt.pk, later + 3 * MINUTE)
    assert stored(attempt).correct_count == 2


def test_once_the_report_was_opened_only_void_is_left(world: World) -> None:
    attempt = world.sat(world.ada, now=NOW - timedelta(hours=1))
    services.open_report(attempt, NOW)
    with pytest.raises(Refused, match="Make it void instead"):
        remedies.reopen(attempt, 20, WHY, world.ines, NOW)
    assert stored(attempt).status is State.SCORED
    remedies.void(attempt, WHY, world.ines, NOW)
    assert stored(attempt).status is State.VOID


def test_one_exam_at_a_time_is_open(world: World) -> None:
    attempt = world.sat(world.ada, now=NOW - timedelta(hours=1))
    world.start(world.ada, "half", now=NOW)
    with pytest.raises(Refused, match="another exam open, their half exam"):
        remedies.reopen(attempt, 20, WHY, world.ines, NOW)
    assert stored(attempt).status is State.SCORED
    assert not Remedy.objects.exists()


def test_what_runs_or_is_void_is_not_reopened(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    with pytest.raises(Refused, match="still running"):
        remedies.reopen(attempt, 20, WHY, world.ines, NOW)
    remedies.void(attempt, WHY, world.ines, NOW)
    with pytest.raises(Refused, match="void, and stays so"):
        remedies.reopen(attempt, 20, WHY, world.ines, NOW)
    with pytest.raises(Refused, match="is void"):
        remedies.extend(attempt, 20, WHY, world.ines, NOW)
    with pytest.raises(Refused, match="void already"):
        remedies.void(attempt, WHY, world.ines, NOW)
    assert attempt.remedies.count() == 1


def test_a_person_who_has_just_gone_is_no_crash(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    Attempt.objects.all().delete()
    with pytest.raises(Refused, match="deleted their account"):
        remedies.extend(attempt, 20, WHY, world.ines, NOW)


# --- Voiding --------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["in_progress", "closed", "scored"])
def test_any_attempt_can_be_made_void(world: World, state: str) -> None:
    attempt = world.start(world.ada, now=NOW)
    if state != "in_progress":
        services.submit(attempt, NOW + MINUTE)
    if state == "scored":
        score_attempt(attempt.pk, NOW + MINUTE)
    remedies.void(attempt, WHY, world.ines, NOW + 2 * MINUTE)
    gone = stored(attempt)
    assert (gone.status, gone.void_reason, gone.voided_at) == (State.VOID, WHY, NOW + 2 * MINUTE)
    assert not score_attempt(attempt.pk, NOW + 3 * MINUTE)
    assert attempt.remedies.get().kind == "void"


def test_later_standings_are_worked_out_without_a_void_attempt(world: World) -> None:
    """What the second of two says of everything so far is then what it says alone."""
    first = world.sat(world.ada, choose=sometimes(0.9), now=NOW - timedelta(days=2), seed=1)
    second = world.sat(world.ada, choose=sometimes(0.2), now=NOW - timedelta(days=1), seed=2)
    to_date = DomainResult.objects.filter(attempt=second, scope="to_date")
    alone = DomainResult.objects.filter(attempt=second, scope="attempt")
    assert sum(to_date.values_list("n", flat=True)) > sum(alone.values_list("n", flat=True))
    remedies.void(first, WHY, world.ines, NOW)
    assert list(to_date.values_list("domain", "n", "correct")) == list(
        alone.values_list("domain", "n", "correct")
    )


def test_questions_of_a_void_attempt_stay_met(world: World) -> None:
    """The keys were there to be seen; a later exam must not count them as new."""
    attempt = world.sat(world.ada, now=NOW - timedelta(days=2))
    met = set(attempt.items.values_list("version__question", flat=True))
    remedies.void(attempt, WHY, world.ines, NOW)
    assert revealed_questions(world.ada) == met
    assert not attempt.items.filter(first_exposure=False).exists()


def test_a_groups_figures_follow_at_its_next_refresh(world: World) -> None:
    at = NOW - timedelta(days=2)
    cohort = cohorts.create_cohort(world.lena, "Lena’s", at)
    invite = cohorts.create_invite(cohort, world.lena, at)
    cohorts.accept_invite(world.ada, invite, shares_results=True, shares_pooled=True, now=at)
    kept, gone = (world.sat(world.ada, now=at + n * MINUTE, seed=n) for n in (1, 20))
    refresh.refresh_report(cohort.pk, NOW - timedelta(minutes=10))
    assert refresh.due_cohorts(NOW) == []
    remedies.void(gone, WHY, world.ines, NOW)
    assert refresh.due_cohorts(NOW) == [cohort.pk]
    refresh.refresh_report(cohort.pk, NOW)
    (activity,) = CohortReport.objects.get(cohort=cohort).activity.values()
    assert activity["exams"] == 1
    assert activity["last"] == kept.closed_at.isoformat()  # type: ignore[union-attr]  # scored


# --- An outage ------------------------------------------------------------------------------


def test_everybody_who_is_sitting_an_exam_gets_the_time(world: World) -> None:
    running = [world.start(world.ada, now=NOW), world.start(world.ben, "half", now=NOW)]
    done = world.sat(world.lena, now=NOW - timedelta(hours=1))
    outage = remedies.extend_all_running(15, WHY, world.ines, NOW + MINUTE)
    assert (outage.extended, outage.reopened, outage.left_out) == (2, 0, ())
    for attempt in running:
        assert stored(attempt).deadline == attempt.deadline + 15 * MINUTE
        assert attempt.remedies.get().reason == WHY
    assert stored(done).deadline == done.deadline


def test_what_the_outage_ate_is_given_back(world: World) -> None:
    """Closed by the clock and noticed, scored already, not yet noticed: all three go on. What ran
    out before, was submitted, or has its report open stays as it is."""
    began = NOW
    people = [world.person(f"p{n}@example.org") for n in range(6)]
    start = began - 35 * MINUTE  # a quick check then ends as the outage begins
    noticed, scored, unnoticed = (
        world.start(person, now=start + 5 * MINUTE) for person in people[:3]
    )
    closed(world, noticed)
    closed(world, scored)
    score_attempt(scored.pk, NOW)
    before = closed(world, world.start(people[3], now=start - MINUTE))
    submitted = world.start(people[4], now=start + 5 * MINUTE)
    services.submit(submitted, began + MINUTE)
    opened = world.start(people[5], now=start + 5 * MINUTE)
    closed(world, opened)
    score_attempt(opened.pk, NOW)
    services.open_report(opened, NOW)

    now = began + 20 * MINUTE
    outage = remedies.extend_all_running(15, WHY, world.ines, now, closed_since=began)
    assert (outage.extended, outage.reopened, outage.left_out) == (0, 3, ())
    for attempt in (noticed, scored, unnoticed):
        again = stored(attempt)
        assert (again.status, again.deadline) == (State.IN_PROGRESS, now + 15 * MINUTE)
        assert attempt.remedies.get().kind == "reopen"
    for attempt in (before, submitted, opened):
        assert stored(attempt).status is not State.IN_PROGRESS
        assert not attempt.remedies.exists()


def test_who_sits_another_exam_meanwhile_keeps_that_one(world: World) -> None:
    first = closed(world, world.start(world.ada, now=NOW - 40 * MINUTE))
    second = world.start(world.ada, "half", now=NOW)
    outage = remedies.extend_all_running(
        15, WHY, world.ines, NOW + MINUTE, closed_since=NOW - 30 * MINUTE
    )
    assert (outage.extended, outage.reopened) == (1, 0)
    ((attempt, why),) = outage.left_out
    assert attempt == first
    assert "sitting another exam" in why
    assert stored(first).status is State.CLOSED
    assert stored(second).deadline == second.deadline + 15 * MINUTE


def test_of_two_that_ran_out_the_newer_goes_on(world: World) -> None:
    older = closed(world, world.start(world.ada, "drill", domain=1, now=NOW - 50 * MINUTE))
    newer = closed(world, world.start(world.ada, now=NOW - 40 * MINUTE))
    outage = remedies.extend_all_running(
        15, WHY, world.ines, NOW + MINUTE, closed_since=NOW - 50 * MINUTE
    )
    assert outage.reopened == 1
    assert [attempt for attempt, _ in outage.left_out] == [older]
    assert stored(newer).status is State.IN_PROGRESS


@pytest.mark.parametrize("began", [NOW - timedelta(hours=24) - MINUTE, NOW + MINUTE])
def test_an_outage_began_today_and_not_tomorrow(world: World, began: datetime) -> None:
    attempt = world.start(world.ada, now=NOW)
    with pytest.raises(Refused, match="at most 24 hours ago"):
        remedies.extend_all_running(15, WHY, world.ines, NOW, closed_since=began)
    assert stored(attempt).deadline == attempt.deadline


def test_two_colleagues_do_not_add_up(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    remedies.extend_all_running(15, WHY, world.ines, NOW, seen=0)
    with pytest.raises(Refused, match="See what it was, and decide again"):
        remedies.extend_all_running(15, WHY, world.lena, NOW, seen=0)
    assert stored(attempt).deadline == attempt.deadline + 15 * MINUTE


# --- What the person is told ----------------------------------------------------------------


def test_the_room_is_told_the_newest(world: World) -> None:
    attempt = world.start(world.ada, now=NOW.replace(hour=9, minute=0, second=0))
    assert remedies.notices(attempt) == []
    at = attempt.started_at + MINUTE
    remedies.extend(attempt, 15, WHY, world.ines, at)
    remedies.extend(attempt, 1, "The lift alarm", world.ines, at + MINUTE)
    assert remedies.notices(attempt) == [
        "Your exam was extended by 1 minute, until 09:51:00 UTC: The lift alarm"
    ]
    services.submit(attempt, at + 2 * MINUTE)
    remedies.reopen(attempt, 20, WHY, world.ines, at + 3 * MINUTE)
    assert remedies.notices(attempt) == [f"Your exam was reopened until 09:24:00 UTC: {WHY}"]


def test_an_end_on_another_day_has_its_date(world: World) -> None:
    attempt = world.start(world.ada, now=NOON.replace(hour=23, minute=30))
    remedies.extend(attempt, 15, WHY, world.ines, attempt.started_at + MINUTE)
    assert remedies.notices(attempt) == [
        f"Your exam was extended by 15 minutes, until 4 Mar 2027, 00:20:00 UTC: {WHY}"
    ]
    with timezone.override("America/New_York"):  # still the evening before
        assert remedies.notices(attempt) == [
            f"Your exam was extended by 15 minutes, until 19:20:00 EST: {WHY}"
        ]


# --- Two at once ----------------------------------------------------------------------------


Press = Callable[[World, Attempt], object]


def one_exam(world: World, attempt: Attempt) -> object:
    return remedies.extend(attempt, 15, WHY, world.ines, NOW, seen=0)


def all_exams(world: World, attempt: Attempt) -> object:
    return remedies.extend_all_running(15, WHY, world.ines, NOW, seen=0)


def double_click(
    world: World, press: Press, monkeypatch: pytest.MonkeyPatch, *, queue: bool
) -> timedelta:
    """Both presses reach the server before the first is done. How far the deadline moved."""
    attempt = world.start(world.ada, now=NOW)
    assert world.ines.pk
    pause = Pause("first press")
    real_newest = remedies.newest

    def newest(found: QuerySet[Remedy]) -> int:
        last = real_newest(found)
        pause()
        return last

    monkeypatch.setattr(remedies, "newest", newest)
    first = pause.hold(lambda: press(world, attempt))
    second = Racer(lambda: press(world, attempt))
    second.start()
    if queue:
        wait_for_a_queue_at_the_lock()
    else:
        assert not isinstance(second.finish(), Exception)
    pause.released.set()
    outcomes = [first.finish(), second.finish()]
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == queue, outcomes
    return stored(attempt).deadline - attempt.deadline


@pytest.mark.parametrize("press", [one_exam, all_exams])
def test_a_double_click_waits_its_turn_and_is_refused(
    live_world: World, press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert double_click(live_world, press, monkeypatch, queue=True) == 15 * MINUTE
    assert Remedy.objects.count() == 1


def test_a_double_click_without_the_lock_leaves_two_remedies(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(pk: int) -> Attempt:
        return Attempt.objects.select_related("exam").get(pk=pk)

    monkeypatch.setattr(remedies, "lock_attempt_and_person", read)
    double_click(live_world, one_exam, monkeypatch, queue=False)
    assert Remedy.objects.count() == 2


def test_an_outage_without_the_locks_is_remedied_twice(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda found, **_: found.all())
    double_click(live_world, all_exams, monkeypatch, queue=False)
    assert Remedy.objects.count() == 2
