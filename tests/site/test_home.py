from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from attempts.models import Attempt, AttemptItem, DomainResult, Exam
from attempts.reports import report_of
from attempts.services import discard_attempt, submit
from attempts.states import State
from cohorts.services import accept_invite, create_cohort, create_invite
from issmp_site.home import dashboard_of
from tests.world import World, right, wrong

pytestmark = pytest.mark.usefixtures("at_noon")

HOME = reverse("home")


def page(client: Client) -> str:
    response = client.get(HOME)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.fixture
def ada(world: World, client: Client) -> User:
    client.force_login(world.ada)
    return world.ada


def weak_in(number: int, world: World) -> Attempt:
    """A half exam with everything wrong in one domain and right elsewhere."""
    domain = world.domain(number).pk

    def choose(item: AttemptItem) -> int:
        return wrong(item) if item.domain_id == domain else right(item)

    return world.sat(world.ada, "half", choose)


def test_strangers_see_the_front_page_without_a_query(
    client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.get(HOME)
    assert response.status_code == 200
    assert "home/landing.html" in [template.name for template in response.templates]


def test_a_newcomer_is_offered_the_quick_check(client: Client, world: World, ada: User) -> None:
    said = page(client)
    assert "Quick check: 24 questions across all six domains in 35 minutes" in said
    assert reverse("exam-rules", kwargs={"key": "quick"}) in said
    assert "Recent results" not in said
    User.objects.filter(pk=ada.pk).update(extra_time_percent=100)
    assert "in 70 minutes" in page(client)


def test_a_newcomer_is_not_sent_to_an_exam_that_was_withdrawn(client: Client, ada: User) -> None:
    Exam.objects.filter(kind=Exam.Kind.QUICK).update(is_offered=False)
    said = page(client)
    assert "Quick check" not in said
    assert reverse("exam-list") in said


def test_an_open_attempt_comes_first(client: Client, world: World, ada: User) -> None:
    world.sat(ada, now=timezone.now() - timedelta(days=1))
    attempt = world.start(ada, now=timezone.now() - timedelta(minutes=10, seconds=30))
    Attempt.objects.filter(pk=attempt.pk).update(last_position=17)
    said = page(client)
    assert "Question 17 of 24, 24 minutes left" in said
    assert reverse("attempt-resume", args=[attempt.public_id]) in said
    assert said.index("Resume") < said.index("Study first") < said.index("Recent results")
    assert "Drill this domain" not in said  # one open attempt at a time


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(seconds=90), "1 minute left"),
        (timedelta(seconds=30), "less than a minute left"),
        (timedelta(seconds=-2), "less than a minute left"),
    ],
)
def test_the_last_minutes(
    client: Client, world: World, ada: User, left: timedelta, words: str
) -> None:
    attempt = world.start(ada)
    Attempt.objects.filter(pk=attempt.pk).update(
        started_at=timezone.now() - timedelta(minutes=30), deadline=timezone.now() + left
    )
    assert words in page(client)


def test_an_attempt_whose_time_is_up_is_closed_here(
    client: Client, world: World, ada: User
) -> None:
    attempt = world.start(ada, now=timezone.now() - timedelta(hours=2))
    said = page(client)
    attempt.refresh_from_db()
    assert attempt.state == State.CLOSED
    assert attempt.closed_at == attempt.deadline
    assert "Being scored" in said
    assert "Resume" not in said
    assert "Start with a short exam" not in said


def test_points_at_the_weak_domain(client: Client, world: World, ada: User) -> None:
    weak_in(3, world)
    said = page(client)
    drill = reverse("exam-rules", kwargs={"key": "drill"})
    assert f"{drill}?outline={world.outline.key}&amp;domain=3" in said
    assert "Together these probably hold your weakest domain" in said
    first, *rest = dashboard_of(ada, timezone.now()).study_first
    assert first.name == world.domain(3).name
    assert rest, "the weakest alone is wrong too often to be named alone"
    assert (first.low, first.high, first.answers) < (60, 70, 20)


def test_says_that_few_answers_are_a_hint(client: Client, world: World, ada: User) -> None:
    world.sat(ada, "half", choose=wrong)
    assert "take it as a hint" in page(client)


def test_says_that_it_is_too_early_where_the_report_says_so(
    client: Client, world: World, ada: User
) -> None:
    world.sat(ada, "quick", choose=wrong)
    said = page(client)
    assert "Too early to say" in said
    assert "Drill this domain" not in said


def test_names_the_same_domains_as_the_report_in_the_same_order(world: World, ada: User) -> None:
    attempt = world.sat(ada, "half", choose=wrong)
    report = report_of(attempt)
    assert report is not None
    here = [domain.name for domain in dashboard_of(ada, timezone.now()).study_first]
    assert here == [standing.domain.name for standing in report.study_first]


def test_goes_by_the_newest_scored_attempt(world: World) -> None:
    now = timezone.now()
    world.sat(world.ada, now=now - timedelta(days=2))
    newest = world.sat(world.ada, now=now - timedelta(days=1))
    submit(world.start(world.ada, now=now), now + timedelta(minutes=1))  # waits for the scorer
    shown = {domain.name for domain in dashboard_of(world.ada, now).study_first}
    stored = DomainResult.objects.filter(attempt=newest, scope="to_date", study_first=True)
    assert shown == set(stored.values_list("domain__name", flat=True)) != set()


def test_the_last_three_results(client: Client, world: World, ada: User) -> None:
    now = timezone.now()
    attempts = [world.sat(ada, now=now - timedelta(days=days)) for days in (4, 3, 2, 1)]
    said = page(client)
    for attempt, shown in zip(attempts, (False, True, True, True), strict=True):
        assert (reverse("attempt-report", args=[attempt.public_id]) in said) is shown
    assert "24 of 24" in said
    assert "100&nbsp;%" in said
    dashboard = dashboard_of(ada, now)
    figures = dashboard.recent[0].figures
    assert figures is not None
    assert attempts[-1].pass_share is not None
    assert figures.pass_mark == round(100 * attempts[-1].pass_share)


def test_a_drill_is_named_after_its_domain(client: Client, world: World, ada: User) -> None:
    world.sat(ada, "drill", domain=2)
    assert f"Domain drill: {world.domain(2).name}" in page(client)


def test_what_was_discarded_is_not_shown(client: Client, world: World, ada: User) -> None:
    discard_attempt(world.start(ada), timezone.now())
    said = page(client)
    assert "Recent results" not in said
    assert "Start with a short exam" in said


def test_groups_and_the_exam_day(client: Client, world: World, ada: User) -> None:
    said = page(client)
    assert "Add the date of your exam" in said
    assert "You are in none" in said
    now = timezone.now()
    cohort = create_cohort(world.lena, "Northern group", now)
    invite = create_invite(cohort, world.lena, now)
    accept_invite(ada, invite, shares_results=False, shares_pooled=False, now=now)
    create_cohort(ada, "My own", now)
    User.objects.filter(pk=ada.pk).update(exam_date=timezone.localdate() + timedelta(days=23))
    said = page(client)
    assert "23 days to go until your exam" in said
    assert reverse("cohort-detail", args=[cohort.public_id]) in said
    assert said.index("My own") < said.index("You lead it") < said.index("Northern group")


def test_nothing_of_anyone_else(client: Client, world: World, ada: User) -> None:
    now = timezone.now()
    theirs = world.sat(world.ben, now=now - timedelta(days=1))
    running = world.start(world.ben)
    create_cohort(world.ben, "Ben’s own", now)
    said = page(client)
    assert str(theirs.public_id) not in said
    assert str(running.public_id) not in said
    assert "Ben" not in said


def test_query_budget(
    client: Client, world: World, ada: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Session, person, and the dashboard's own five at most."""
    with django_assert_max_num_queries(7):
        client.get(HOME)
    now = timezone.now()
    for days in range(1, 6):
        world.sat(ada, now=now - timedelta(days=days))
        create_cohort(ada, f"Group {days}", now)
    world.start(ada)
    with django_assert_max_num_queries(6):
        client.get(HOME)


def test_no_key_before_its_time(client: Client, world: World, ada: User) -> None:
    attempt = world.start(ada)
    world.answer(attempt)
    submit(attempt, timezone.now())
    said = page(client)
    assert "24 of 24" not in said
    assert "100&nbsp;%" not in said


def test_other_methods_are_refused(client: Client, ada: User) -> None:
    assert client.post(HOME).status_code == 405
