"""Answers chosen in time and delivered after the end: what counts, what does not, and why."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from attempts import services
from attempts.access import may_see_key
from attempts.export import attempts_of
from attempts.models import AnswerEvent, Attempt, EarlierResult, NotCounted
from attempts.results import score_attempt
from attempts.review import Show, review_of
from attempts.saving import CLOCK_SLACK, SaveStatus
from attempts.states import State
from tests.attempts.device import Device, answer
from tests.world import NOON, World, right, wrong

pytestmark = pytest.mark.usefixtures("at_noon")

START = NOON - timedelta(days=1)
TICK = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
ALLOWANCE = 10 * MINUTE


@pytest.fixture
def attempt(world: World) -> Attempt:
    return world.start(world.ada, now=START)


def key(attempt: Attempt, position: int = 1) -> int:
    return right(attempt.items.get(position=position))


def close(attempt: Attempt, *, score: bool) -> datetime:
    """By the clock. Returns when it was over."""
    assert services.close_if_due(attempt, attempt.deadline + MINUTE)
    if score:
        score_attempt(attempt.pk, attempt.deadline + MINUTE)
    attempt.refresh_from_db()
    assert attempt.closed_at is not None
    return attempt.closed_at


def stored(attempt: Attempt) -> Attempt:
    return Attempt.objects.get(pk=attempt.pk)


# --- What counts ----------------------------------------------------------------------------


@pytest.mark.parametrize("score", [False, True])
def test_an_answer_chosen_in_time_counts_and_both_times_are_on_record(
    attempt: Attempt,
    score: bool,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    device = Device(attempt, met=START)
    over = close(attempt, score=score)
    now = over + 5 * MINUTE
    with django_capture_on_commit_callbacks() as asked:
        reply = device.one(answer(1, key(attempt), at=over - MINUTE), now=now)
    assert (reply.status, reply.revision, reply.saved_at) == (SaveStatus.LATE, 1, now)
    event = AnswerEvent.objects.get()
    assert (event.late, event.at, event.chosen_at) == (True, now, over - MINUTE)
    assert stored(attempt).status is State.CLOSED
    assert len(asked) == 1  # to be scored again
    assert score_attempt(attempt.pk, now + MINUTE)
    result = stored(attempt)
    assert (result.status, result.answered_count, result.correct_count) == (State.SCORED, 1, 1)
    assert result.closed_at == over
    assert not NotCounted.objects.exists()


def test_the_delivery_that_finds_the_time_over_closes_the_attempt_and_counts(
    attempt: Attempt,
) -> None:
    """Nobody had looked since: no view, no sweep."""
    device = Device(attempt, met=START)
    now = attempt.deadline + MINUTE
    delivery = device.deliver(answer(1, key(attempt), at=attempt.deadline - TICK), now=now)
    assert delivery.replies[0].status is SaveStatus.LATE
    assert (delivery.state, delivery.late_until) == (State.CLOSED, attempt.deadline + ALLOWANCE)
    assert stored(attempt).closed_at == attempt.deadline


def test_in_the_grace_the_answer_is_no_late_one(attempt: Attempt) -> None:
    device = Device(attempt, met=START)
    now = attempt.deadline + timedelta(seconds=5)
    delivery = device.deliver(answer(1, key(attempt), at=now), now=now)
    assert (delivery.replies[0].status, delivery.state) == (SaveStatus.SAVED, State.IN_PROGRESS)
    assert AnswerEvent.objects.get().late is False


# --- The edges ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since_contact", "status"),
    [
        (-CLOCK_SLACK - TICK, SaveStatus.NOT_COUNTED),
        (-CLOCK_SLACK, SaveStatus.LATE),
        (timedelta(0), SaveStatus.LATE),
    ],
)
def test_a_browser_is_believed_from_its_last_contact(
    attempt: Attempt, since_contact: timedelta, status: SaveStatus
) -> None:
    met = START + 10 * MINUTE
    device = Device(attempt, met=met)
    over = close(attempt, score=True)
    reply = device.one(answer(1, key(attempt), at=met + since_contact), now=over + MINUTE)
    assert reply.status is status


@pytest.mark.parametrize(
    ("after_the_end", "status"),
    [(-TICK, SaveStatus.LATE), (timedelta(0), SaveStatus.LATE), (TICK, SaveStatus.NOT_COUNTED)],
)
def test_a_browser_is_believed_up_to_the_end(
    attempt: Attempt, after_the_end: timedelta, status: SaveStatus
) -> None:
    device = Device(attempt, met=START)
    over = close(attempt, score=True)
    reply = device.one(answer(1, key(attempt), at=over + after_the_end), now=over + MINUTE)
    assert reply.status is status
    if status is SaveStatus.NOT_COUNTED:
        assert NotCounted.objects.get().reason == NotCounted.Reason.NOT_IN_TIME


@pytest.mark.parametrize(
    ("after", "status"),
    [(ALLOWANCE, SaveStatus.LATE), (ALLOWANCE + TICK, SaveStatus.NOT_COUNTED)],
)
def test_the_allowance_has_an_end(attempt: Attempt, after: timedelta, status: SaveStatus) -> None:
    device = Device(attempt, met=START)
    over = close(attempt, score=True)
    chosen = key(attempt)
    reply = device.one(answer(1, chosen, at=over - MINUTE), now=over + after)
    assert reply.status is status
    if status is SaveStatus.NOT_COUNTED:
        assert "time for late answers was over" in reply.reason
        told = NotCounted.objects.get()
        assert (told.reason, told.choice_id, told.chosen_at, told.at) == (
            NotCounted.Reason.TOO_LATE, chosen, over - MINUTE, over + after
        )  # fmt: skip
        assert stored(attempt).status is State.SCORED
        assert attempt.items.get(position=1).choice_id is None


def test_the_allowance_is_counted_from_the_submit(attempt: Attempt) -> None:
    """What a second device still held when the first one ended the exam."""
    device = Device(attempt, met=START)
    over = START + 20 * MINUTE
    services.submit(attempt, over)
    late, too_late = answer(1, key(attempt), at=over), answer(2, key(attempt, 2), at=over + TICK)
    replies = device.deliver(late, too_late, now=over + ALLOWANCE).replies
    assert [reply.status for reply in replies] == [SaveStatus.LATE, SaveStatus.NOT_COUNTED]


def test_a_device_the_attempt_has_never_seen_is_not_believed(attempt: Attempt) -> None:
    device = Device(attempt, met=None)
    over = close(attempt, score=True)
    reply = device.one(answer(1, key(attempt), at=over - MINUTE), now=over + MINUTE)
    assert reply.status is SaveStatus.NOT_COUNTED
    assert NotCounted.objects.get().reason == NotCounted.Reason.NOT_IN_TIME


def test_what_the_browser_held_at_its_last_contact_is_still_believed(attempt: Attempt) -> None:
    """Two answers wait; the connection is there for one of them and gone again."""
    device = Device(attempt, met=START)
    first, second = START + 5 * MINUTE, START + 6 * MINUTE
    now = START + 20 * MINUTE
    device.one(answer(1, key(attempt), at=first), now=now, held_since=second)
    assert device.contact_at == second
    over = close(attempt, score=True)
    assert device.one(answer(2, key(attempt, 2), at=second), now=over + MINUTE).status is (
        SaveStatus.LATE
    )


def test_having_delivered_all_a_browser_cannot_come_with_older_choices(attempt: Attempt) -> None:
    device = Device(attempt, met=START)
    now = START + 20 * MINUTE
    device.one(answer(1, key(attempt), at=now), now=now)
    over = close(attempt, score=True)
    chosen_before = answer(2, key(attempt, 2), at=now - MINUTE)
    assert device.one(chosen_before, now=over + MINUTE).status is SaveStatus.NOT_COUNTED


# --- The same rules as ever -----------------------------------------------------------------


def test_a_late_answer_is_judged_by_its_revision(attempt: Attempt) -> None:
    device, other = Device(attempt, met=START), Device(attempt, met=START)
    mine, theirs, *_ = attempt.items.get(position=1).choice_order
    other.one(answer(1, theirs, at=START + MINUTE), now=START + MINUTE)
    over = close(attempt, score=True)
    stale = device.one(answer(1, mine, at=over - MINUTE), now=over + MINUTE)
    assert (stale.status, stale.choice, stale.revision) == (SaveStatus.STALE, theirs, 1)
    same = device.one(answer(1, theirs, at=over - MINUTE), now=over + MINUTE)
    assert same.status is SaveStatus.UNCHANGED
    assert stored(attempt).status is State.SCORED


def test_a_chain_of_late_changes_counts_to_its_last(attempt: Attempt) -> None:
    device = Device(attempt, met=START)
    a, b, c, _ = attempt.items.get(position=1).choice_order
    over = close(attempt, score=True)
    times = [over - 3 * MINUTE, over - 2 * MINUTE, over + MINUTE]
    chain = [
        answer(1, ch, n, at=at) for n, (ch, at) in enumerate(zip([a, b, c], times, strict=True))
    ]
    statuses = [reply.status for reply in device.deliver(*chain, now=over + 2 * MINUTE).replies]
    assert statuses == [SaveStatus.LATE, SaveStatus.LATE, SaveStatus.NOT_COUNTED]
    item = attempt.items.get(position=1)
    assert (item.choice_id, item.revision) == (b, 2)
    assert NotCounted.objects.get().choice_id == c


def test_a_resend_after_the_end_gets_its_receipt_again(attempt: Attempt) -> None:
    """Saved in time, the reply lost, sent again when all was over; and a late one likewise."""
    device = Device(attempt, met=START)
    saved = answer(1, key(attempt), at=START + MINUTE)
    device.one(saved, now=START + MINUTE)
    over = close(attempt, score=True)
    late = answer(2, key(attempt, 2), at=over - MINUTE)
    device.one(late, now=over + MINUTE)
    score_attempt(attempt.pk, over + 2 * MINUTE)
    services.open_report(attempt, over + 3 * MINUTE)
    replies = device.deliver(saved, late, now=over + 60 * MINUTE).replies
    assert [(r.status, r.saved_at) for r in replies] == [
        (SaveStatus.SAVED, START + MINUTE), (SaveStatus.SAVED, over + MINUTE)
    ]  # fmt: skip
    assert AnswerEvent.objects.count() == 2
    assert not NotCounted.objects.exists()


def test_a_late_answer_does_not_change_what_a_drill_has_explained(world: World) -> None:
    drill = world.start(world.ada, "drill", domain=1, now=START)
    device = Device(drill, met=START)
    item = drill.items.get(position=1)
    device.one(answer(1, wrong(item), at=START + MINUTE), now=START + MINUTE)
    over = close(drill, score=True)
    reply = device.one(answer(1, right(item), 1, at=over - MINUTE), now=over + MINUTE)
    assert reply.status is SaveStatus.LOCKED


def test_the_last_word_about_an_item_is_kept_and_no_more(attempt: Attempt) -> None:
    """A browser can send for ever."""
    device = Device(attempt, met=START)
    a, b, *_ = attempt.items.get(position=1).choice_order
    over = close(attempt, score=True)
    for choice in (a, b, a, b):
        device.one(answer(1, choice, at=over - MINUTE), now=over + 60 * MINUTE)
    assert NotCounted.objects.get().choice_id == b


# --- Opening the report ---------------------------------------------------------------------


def test_opening_the_report_ends_the_allowance_on_every_device(
    client: Client, attempt: Attempt
) -> None:
    device = Device(attempt, met=START)
    over = close(attempt, score=True)
    client.force_login(attempt.user)
    client.get(reverse("attempt-report", args=(attempt.public_id,)))
    delivery = device.deliver(answer(1, key(attempt), at=over - MINUTE), now=over + MINUTE)
    assert delivery.report_open
    assert delivery.replies[0].status is SaveStatus.NOT_COUNTED
    assert "report had been opened" in delivery.replies[0].reason
    assert NotCounted.objects.get().reason == NotCounted.Reason.REPORT_OPEN
    assert stored(attempt).status is State.SCORED


def test_only_the_owners_look_at_the_scored_report_opens_it(
    client: Client, world: World, attempt: Attempt
) -> None:
    url = reverse("attempt-report", args=(attempt.public_id,))

    def opened() -> bool:
        return stored(attempt).report_opened_at is not None

    client.force_login(world.ada)
    client.get(url)  # still running
    close(attempt, score=False)
    client.get(url)  # the wait for it
    assert not opened()
    score_attempt(attempt.pk, timezone.now())
    client.head(url)
    client.get(reverse("attempt-report-status", args=(attempt.public_id,)))
    client.get(reverse("attempt-list"))
    client.get(reverse("profile-data"))
    client.force_login(world.ben)
    assert client.get(url).status_code == 404
    assert not opened()
    client.force_login(world.ada)
    client.get(url)
    first = stored(attempt).report_opened_at
    assert first is not None
    client.get(url)
    assert stored(attempt).report_opened_at == first


def test_until_the_report_is_opened_no_key_leaves_by_any_door(
    world: World, attempt: Attempt
) -> None:
    """The download of one's own data has them as soon as the report has shown them."""
    world.answer(attempt, now=START + MINUTE)
    close(attempt, score=True)
    for opened in (False, True):
        if opened:
            services.open_report(attempt, timezone.now())
        now = stored(attempt)
        assert all(may_see_key(now, item) is opened for item in now.items.all())
        assert len(review_of(now, Show.ALL).lines) == (24 if opened else 0)
        (record,) = attempts_of(world.ada)
        told = {(item["correct"], item["question"] is None) for item in record["items"]}
        assert told == {(True, False) if opened else (None, True)}


def test_a_report_that_a_late_answer_took_back_is_the_wait_for_it_again(
    client: Client, attempt: Attempt
) -> None:
    device = Device(attempt, met=START)
    over = close(attempt, score=True)
    device.one(answer(1, key(attempt), at=over - MINUTE), now=over + MINUTE)
    client.force_login(attempt.user)
    page = client.get(reverse("attempt-report", args=(attempt.public_id,)))
    assert "attempts/report_pending.html" in [template.name for template in page.templates]
    assert stored(attempt).report_opened_at is None


def test_what_a_late_answer_replaces_is_history(attempt: Attempt) -> None:
    device = Device(attempt, met=START)
    device.one(answer(1, key(attempt), at=START + MINUTE), now=START + MINUTE)
    over = close(attempt, score=True)
    device.one(answer(2, key(attempt, 2), at=over - MINUTE), now=over + MINUTE)
    earlier = EarlierResult.objects.get()
    assert earlier.figures["correct_count"] == 1
    assert earlier.replaced_at == over + MINUTE
    assert earlier.reason
