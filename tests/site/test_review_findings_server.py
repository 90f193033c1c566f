"""Found in review of the exam room's server: doors that told too much, and numbers too large."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from importlib import import_module
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from attempts import remedies, services
from attempts.access import may_see_result, results_to_see
from attempts.deliveries import Departure, Seen
from attempts.export import attempts_of
from attempts.models import Attempt, AttemptItem, Exam, NotCounted
from attempts.receipts import log_of
from attempts.reports import progress_of
from attempts.results import score_attempt
from attempts.saving import SaveStatus
from issmp_site.database.base import DatabaseWrapper
from issmp_site.home import dashboard_of
from issmp_site.roles import EXAM_STAFF
from tests.attempts.device import Device, answer
from tests.questions.desk import enter
from tests.world import NOON, World, right, wrong

pytestmark = pytest.mark.usefixtures("at_noon")

NOW = NOON
MINUTE = timedelta(minutes=1)


def stored(attempt: Attempt) -> Attempt:
    return Attempt.objects.get(pk=attempt.pk)


# --- The authoring area ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "lookup",
    ["correct_count__gte=1", "share_low__gt=0.9", "departures__gte=1", "away_ms=0", "seed__gt=0"],
)
def test_staff_cannot_ask_the_list_for_what_no_page_tells_them(world: World, lookup: str) -> None:
    """By halving, an address like this would tell a person's score."""
    emil = world.person("emil@example.org", "Emil", is_staff=True)
    emil.groups.add(Group.objects.get(name=EXAM_STAFF))
    world.sat(world.ada)
    staff = enter(emil)
    page = "/admin/attempts/attempt/"
    assert staff.get(f"{page}?{lookup}").status_code == 400
    for allowed in ("exam__id__exact=1", "outline__id__exact=1", "standing=running", "remedy=void"):
        assert staff.get(f"{page}?{allowed}").status_code == 200


# --- Keys -----------------------------------------------------------------------------------


@pytest.fixture
def over(world: World) -> Attempt:
    """Ada's, scored, its report unopened, with a device that may still deliver."""
    attempt = world.start(world.ada, now=NOW - 30 * MINUTE)
    services.submit(attempt, NOW)
    score_attempt(attempt.pk, NOW)
    return stored(attempt)


def late(attempt: Attempt, device: Device, position: int, now: datetime) -> SaveStatus:
    item = attempt.items.get(position=position)
    op = answer(position, right(item), item.revision, at=NOW - MINUTE)
    return device.one(op, now=now).status


def test_a_report_that_counts_these_answers_too_ends_the_allowance(
    world: World, over: Attempt
) -> None:
    """What is known to date moves with every late answer: beside another exam's report, one could
    try options until it does."""
    device = Device(over, met=NOW - 20 * MINUTE)
    assert late(over, device, 1, NOW + MINUTE) is SaveStatus.LATE
    score_attempt(over.pk, NOW + MINUTE)
    other = world.start(world.ada, now=NOW + 2 * MINUTE, seed=2)
    services.submit(other, NOW + 3 * MINUTE)
    score_attempt(other.pk, NOW + 3 * MINUTE)
    assert late(over, device, 2, NOW + 4 * MINUTE) is SaveStatus.LATE
    score_attempt(over.pk, NOW + 4 * MINUTE)
    services.open_report(stored(other), NOW + 5 * MINUTE)
    assert late(over, device, 3, NOW + 6 * MINUTE) is SaveStatus.NOT_COUNTED
    assert NotCounted.objects.get().reason == NotCounted.Reason.REPORT_OPEN


def test_an_old_report_looked_at_again_ends_nothing(world: World, over: Attempt) -> None:
    old = world.sat(world.ada, now=NOW - timedelta(days=1), seed=3)
    services.open_report(stored(old), NOW - timedelta(hours=2))
    device = Device(over, met=NOW - 20 * MINUTE)
    assert late(over, device, 1, NOW + MINUTE) is SaveStatus.LATE


def _explained_by_a_drill(world: World, item: AttemptItem) -> Attempt:
    """A drill, begun a minute after NOW, that has asked the same and explained it."""
    drill = world.start(world.ada, "drill", domain=1, now=NOW + MINUTE, seed=2)
    asked = drill.items.get(position=1)
    AttemptItem.objects.filter(pk=asked.pk).update(
        version=item.version, choice_order=item.choice_order
    )
    asked.refresh_from_db()
    Device(drill, met=NOW + MINUTE).one(answer(1, wrong(asked)), now=NOW + 2 * MINUTE)
    return drill


def test_what_a_drill_has_explained_since_is_answered_late_no_more(
    world: World, over: Attempt
) -> None:
    first, second = over.items.select_related("version").order_by("position")[:2]
    _explained_by_a_drill(world, first)
    device = Device(over, met=NOW - 20 * MINUTE)
    assert late(over, device, first.position, NOW + 3 * MINUTE) is SaveStatus.NOT_COUNTED
    assert late(over, device, second.position, NOW + 3 * MINUTE) is SaveStatus.LATE


def test_home_says_nothing_to_date_that_a_late_answer_would_move(world: World) -> None:
    half = world.start(world.ada, "half", now=NOW - 60 * MINUTE)
    world.answer(half, wrong, now=NOW - 50 * MINUTE)
    services.submit(half, NOW)
    score_attempt(half.pk, NOW)
    drill = world.start(world.ada, "drill", domain=1, now=NOW + MINUTE)
    world.answer(drill, now=NOW + 2 * MINUTE)
    services.submit(drill, NOW + 2 * MINUTE)
    score_attempt(drill.pk, NOW + 2 * MINUTE)
    assert dashboard_of(world.ada, NOW + 3 * MINUTE).study_first == []
    assert dashboard_of(world.ada, NOW + 13 * MINUTE).study_first != []


def test_only_a_real_look_at_the_report_has_its_figures(
    client: Client, world: World, over: Attempt
) -> None:
    """HEAD opens nothing, so the length of what GET would send must not tell anything either."""
    client.force_login(world.ada)
    url = reverse("attempt-report", args=(over.public_id,))
    reply = client.head(url)
    assert [template.name for template in reply.templates] == []
    assert stored(over).report_opened_at is None
    assert client.get(url).status_code == 200
    assert client.head(url).status_code == 200


def test_an_exam_that_goes_forward_shows_no_later_question_before_its_report(
    world: World,
) -> None:
    """Staff may reopen it until then."""
    exam = world.exam()
    exam.navigation = Exam.Navigation.FORWARD
    exam.save()
    attempt = world.start(world.ada, now=NOW - 30 * MINUTE)
    services.submit(attempt, NOW)
    score_attempt(attempt.pk, NOW)

    def readable() -> int:
        (record,) = attempts_of(world.ada)
        return sum(item["stem"] is not None for item in record["items"])

    assert readable() == 1
    services.open_report(attempt, NOW)
    assert readable() == attempt.item_count


# --- Numbers --------------------------------------------------------------------------------


@pytest.fixture
def reopened(world: World) -> Attempt:
    """A strict attempt of two months ago that staff have opened again."""
    begun = NOW - timedelta(days=60)
    attempt = world.start(world.ada, now=begun)
    Attempt.objects.filter(pk=attempt.pk).update(strict=True)
    Device(attempt, met=begun).one(Seen(uuid4(), 1, 0), now=begun)
    services.submit(attempt, begun + MINUTE)
    remedies.reopen(stored(attempt), 30, "The machine was lost", world.ines, NOW)
    return stored(attempt)


def test_what_a_browser_counts_never_outgrows_its_column(reopened: Attempt) -> None:
    device = Device(reopened, met=NOW)
    most = 2**31 - 1
    for _ in range(2):
        replies = device.deliver(
            Seen(uuid4(), 1, most), Departure(uuid4(), most), now=NOW + MINUTE
        ).replies
        assert [reply.status for reply in replies] == [SaveStatus.OK, SaveStatus.OK]
    assert stored(reopened).away_ms == 2 * 60_000  # as long as it was open: a minute, and another
    assert reopened.items.get(position=1).visible_ms == most


# --- What a person is told while late answers may count ---------------------------------------


def figures_shown(client: Client, person: User) -> list[bool]:
    """Of the newest of three exams: by the rule itself, the list, the first page, the picture."""
    now = timezone.now()
    newest = Attempt.objects.filter(user=person).latest("started_at")
    dashboard = dashboard_of(person, now)
    (_, marks, _), *_ = client.get(reverse("attempt-list")).context["rows"]
    progress = progress_of(person, now)
    return [
        may_see_result(newest, now),
        marks is not None,
        dashboard.recent[0].figures is not None,
        len(progress.points) == 3,
    ]


@pytest.mark.parametrize(
    ("closed_minutes_ago", "opened", "shown"),
    [(9, False, False), (11, False, True), (9, True, True), (0, True, True)],
)
def test_figures_wait_for_the_report_or_for_the_last_late_answer(
    client: Client, world: World, closed_minutes_ago: int, opened: bool, shown: bool
) -> None:
    client.force_login(world.ada)
    old = [world.sat(world.ada, now=NOW - timedelta(days=n), seed=n) for n in (3, 2)]
    closed_at = timezone.now() - closed_minutes_ago * MINUTE
    attempt = world.start(world.ada, "half", now=closed_at - 60 * MINUTE)
    world.answer(attempt, wrong, now=closed_at - 50 * MINUTE)
    services.submit(attempt, closed_at)
    score_attempt(attempt.pk, closed_at)
    if opened:
        services.open_report(attempt, closed_at)
    assert all(may_see_result(one, NOW) for one in old)
    assert figures_shown(client, world.ada) == [shown] * 4


def test_a_drill_told_its_keys_so_its_figures_wait_for_nothing(world: World) -> None:
    drill = world.start(world.ada, "drill", domain=1, now=NOW - 10 * MINUTE)
    world.answer(drill, now=NOW - 5 * MINUTE)
    services.submit(drill, NOW)
    assert not may_see_result(stored(drill), NOW)  # not scored
    score_attempt(drill.pk, NOW)
    assert may_see_result(stored(drill), NOW)
    assert Attempt.objects.filter(results_to_see(NOW), pk=drill.pk).exists()


def test_the_log_tells_when_a_reopened_exam_had_ended(world: World) -> None:
    attempt = world.start(world.ada, now=NOW - 90 * MINUTE)
    services.submit(attempt, NOW - 60 * MINUTE)
    score_attempt(attempt.pk, NOW - 60 * MINUTE)
    remedies.reopen(stored(attempt), 30, "The machine was lost", world.ines, NOW)
    told = [(entry.at, entry.words) for entry in log_of(stored(attempt)).entries]
    ended = (NOW - 60 * MINUTE, "Ended")
    assert ended in told
    assert told.index(ended) < next(n for n, (_, w) in enumerate(told) if w.startswith("Reopened"))


def test_what_was_explained_while_it_was_over_is_no_first_exposure_once_reopened(
    world: World, over: Attempt
) -> None:
    first, second = over.items.select_related("version").order_by("position")[:2]
    drill = _explained_by_a_drill(world, first)
    services.submit(drill, NOW + 3 * MINUTE)
    remedies.reopen(over, 30, "The machine was lost", world.ines, NOW + 4 * MINUTE)
    assert not over.items.get(pk=first.pk).first_exposure
    assert over.items.get(pk=second.pk).first_exposure


# --- Migration ------------------------------------------------------------------------------


def test_reports_of_before_count_as_opened_piece_by_piece(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = import_module("attempts.migrations.0004_reports_opened_before")
    monkeypatch.setattr(migration, "PIECE", 1)
    one, two = world.sat(world.ada, seed=1), world.sat(world.ben, seed=2)
    running = world.start(world.lena)
    services.open_report(two, NOW)
    for _ in range(2):  # it can be run again
        migration.count_as_opened(apps, None)
    assert stored(one).report_opened_at == one.scored_at
    assert stored(two).report_opened_at == NOW
    assert stored(running).report_opened_at is None
    assert migration.Migration.atomic is False


# --- Connections ----------------------------------------------------------------------------


def test_a_connection_from_before_a_fork_is_not_kept(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery's children begin with the descriptor closed: kept, it would be another's by then."""
    wrapper = connections["default"].copy()
    assert isinstance(wrapper, DatabaseWrapper)
    for forked in (False, True):
        wrapper.ensure_connection()
        inner = wrapper.connection
        with monkeypatch.context() as patch:
            if forked:
                patch.setattr(os, "getpid", lambda: 1)
            wrapper.close()
        assert inner.closed is forked
    wrapper.close_pool()
