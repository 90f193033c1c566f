"""What exam staff see of an attempt, what they can do to it, and who may not."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from attempts import services
from attempts.models import Attempt, NotCounted, Remedy
from attempts.results import score_attempt
from attempts.states import State
from issmp_site.roles import EXAM_STAFF
from tests.questions.desk import enter
from tests.world import NOON, World, right

pytestmark = pytest.mark.usefixtures("at_noon")

LIST = "/admin/attempts/attempt/"
OUTAGE = f"{LIST}outage/"
NOW = NOON
WHY = "Network outage in Lyon"


def page_of(attempt: Attempt, page: str = "change") -> str:
    return f"{LIST}{attempt.pk}/{page}/"


@pytest.fixture
def emil(world: World) -> User:
    """Of the exam staff, and nothing else."""
    person = world.person("emil@example.org", "Emil", is_staff=True)
    person.groups.add(Group.objects.get(name=EXAM_STAFF))
    return person


@pytest.fixture
def staff(emil: User) -> Client:
    return enter(emil)


def words(page: bytes) -> str:
    text = re.sub(r"<(script|style).*?</\\1>", " ", page.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def read(client: Client, url: str) -> str:
    reply = client.get(url)
    assert reply.status_code == 200
    return words(reply.content)


# --- Who ------------------------------------------------------------------------------------


REMEDIES = ["extend", "reopen", "void"]


def test_an_instructor_may_not_even_look(world: World) -> None:
    attempt = world.start(world.ada, now=NOW)
    ines = enter(world.ines)
    urls = [LIST, OUTAGE, *(page_of(attempt, page) for page in ["change", "history", *REMEDIES])]
    for url in urls:
        sent = {"minutes": "5", "reason": WHY, "seen": "0", "confirmed": "1"}
        assert ines.get(url).status_code == 403, url
        assert ines.post(url, sent).status_code == 403, url
    assert not Remedy.objects.exists()


def test_who_may_only_look_is_offered_no_remedy(world: World, emil: User) -> None:
    attempt = world.start(world.ada, now=NOW)
    group = Group.objects.get(name=EXAM_STAFF)
    group.permissions.remove(group.permissions.get(codename="remedy_attempt"))
    client = enter(User.objects.get(pk=emil.pk))
    assert client.get(LIST).status_code == 200
    page = client.get(page_of(attempt)).content.decode()
    for name in REMEDIES:
        assert page_of(attempt, name) not in page
        assert client.get(page_of(attempt, name)).status_code == 403
        assert client.post(page_of(attempt, name), {"reason": WHY}).status_code == 403
    assert client.post(OUTAGE, {"minutes": "5", "reason": WHY}).status_code == 403
    assert OUTAGE not in client.get(LIST).content.decode()
    assert not Remedy.objects.exists()


def test_exam_staff_reach_attempts_and_nothing_to_change(world: World, staff: Client) -> None:
    attempt = world.start(world.ada, now=NOW)
    assert staff.get(LIST).status_code == 200
    assert staff.get(page_of(attempt)).status_code == 200
    person = f"/admin/accounts/user/{world.ada.pk}/"
    assert staff.get(f"{person}change/").status_code == 200
    assert staff.post(f"{person}change/", {"is_superuser": "on"}).status_code == 403
    assert staff.get(f"{person}password/").status_code == 403
    assert staff.get("/admin/questions/question/").status_code == 403
    assert staff.get("/admin/attempts/exam/").status_code == 403
    assert staff.post(page_of(attempt), {"state": "void"}).status_code == 403
    assert staff.post(page_of(attempt, "delete"), {"post": "yes"}).status_code == 403


# --- Seeing ---------------------------------------------------------------------------------


def test_exam_staff_begin_with_exams_not_with_the_bank(staff: Client) -> None:
    page = read(staff, "/admin/")
    assert "Running now Closed by the clock Extend all running exams" in page
    assert "Authoring" not in page
    assert "Authoring" not in read(staff, "/")
    assert "The question bank" not in page
    assert "Your last steps" not in page


def test_an_instructor_begins_with_the_bank(world: World) -> None:
    page = read(enter(world.ines), "/admin/")
    assert "The question bank" in page
    assert "Running now" not in page


def test_changing_an_outage_keeps_what_was_typed(staff: Client) -> None:
    sent = {"minutes": "7", "reason": WHY, "seen": "0"}
    asked = staff.post(OUTAGE, sent)
    assert b'name="confirmed"' in asked.content
    again = staff.post(OUTAGE, sent | {"change": "1"})
    assert b'name="confirmed"' not in again.content
    assert b'value="7"' in again.content
    assert WHY.encode() in again.content
    assert not Remedy.objects.exists()


def test_the_list_is_filtered_by_standing(world: World, staff: Client) -> None:
    world.start(world.ada, now=NOW)
    services.close_if_due(world.start(world.ben, now=NOW - timedelta(hours=2)), NOW)
    world.sat(world.lena)
    gone = world.start(world.person("gus@example.org", "Gus"))
    services.discard_attempt(gone, NOW)
    people = {"Ada": "running", "Ben": "clock", "Lena": "submitted", "Gus": "void"}
    for name, standing in people.items():
        told = read(staff, f"{LIST}?standing={standing}")
        shown = {person for person in people if f"{person.lower()}@example.org" in told}
        assert shown == {name}
    assert "ada@example.org" in read(staff, f"{LIST}?q=ada@example")


def test_the_page_tells_what_helps_and_nothing_that_is_not_theirs(
    world: World, staff: Client
) -> None:
    attempt = world.start(world.ada, now=NOW - timedelta(minutes=20))
    Attempt.objects.filter(pk=attempt.pk).update(strict=True, departures=7, away_ms=77_000)
    world.answer(attempt, lambda i: right(i) if i.position <= 3 else None, now=NOW)
    attempt.contacts.create(device="0f0f0f0f-0000-4000-8000-000000000000", at=NOW)
    item = attempt.items.get(position=4)
    NotCounted.objects.create(
        item=item, choice_id=item.choice_order[2], at=NOW, chosen_at=NOW, reason="too_late"
    )
    staff.post(page_of(attempt, "extend"), {"minutes": "9", "reason": WHY, "seen": "0"})
    reply = staff.get(page_of(attempt))
    told = words(reply.content)
    assert "3 of 24" in told
    assert "0f0f0f0f" in told
    assert "4 C Not counted It arrived after the time for late answers was over." in told
    assert f"Extended {WHY} Emil" in told
    text = reply.content.decode().lower()
    assert not any(word in text for word in ("strict", "window", "depart", "correct"))
    for row in attempt.items.select_related("version").prefetch_related("version__choices"):
        assert row.version.question.key not in text
        for choice in row.version.choices.all():
            assert choice.text.lower() not in html.unescape(text)


def test_results_are_not_shown_to_staff(world: World, staff: Client) -> None:
    attempt = world.sat(world.ada)
    for url in (LIST, page_of(attempt)):
        assert "correct" not in read(staff, url).lower()


@pytest.mark.parametrize("unknown", ["0", "x", "9" * 30, "%00"])
def test_no_such_attempt(staff: Client, unknown: str) -> None:
    assert staff.get(f"{LIST}{unknown}/change/").status_code == 404


def test_the_log_of_one_question(world: World, staff: Client) -> None:
    attempt = world.start(world.ada, now=NOW)
    world.answer(attempt, now=NOW)
    assert "Log of question 5 1 answer saved" in read(staff, f"{page_of(attempt)}?question=5")
    assert "Nothing is on record" in read(staff, f"{page_of(attempt)}?question=99")
    assert "24 answers saved" in read(staff, f"{page_of(attempt)}?question=nine")


def test_the_page_costs_the_same_however_many_answers(
    world: World, staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    attempt = world.sat(world.ada, "half")
    with django_assert_max_num_queries(16):
        staff.get(page_of(attempt))
    with django_assert_max_num_queries(12):
        staff.get(LIST)


# --- Doing ----------------------------------------------------------------------------------


def test_extending(world: World, staff: Client, emil: User) -> None:
    attempt = world.start(world.ada, now=NOW)
    url = page_of(attempt, "extend")
    page = read(staff, url)
    assert "Its deadline moves on by as many minutes" in page
    assert not Remedy.objects.exists()
    reply = staff.post(url, {"minutes": "15", "reason": WHY, "seen": "0"}, follow=True)
    assert reply.redirect_chain == [(page_of(attempt), 302)]
    assert "The exam is extended." in words(reply.content)
    remedy = Remedy.objects.get()
    assert (remedy.by, remedy.reason) == (emil, WHY)
    assert remedy.deadline_after - attempt.deadline == timedelta(minutes=15)


def test_reopening_and_voiding(world: World, staff: Client) -> None:
    attempt = world.sat(world.ada)
    staff.post(page_of(attempt, "reopen"), {"minutes": "15", "reason": WHY, "seen": "0"})
    assert Attempt.objects.get().status is State.IN_PROGRESS
    seen = Remedy.objects.get().pk
    staff.post(page_of(attempt, "void"), {"reason": WHY, "seen": str(seen)})
    assert Attempt.objects.get().status is State.VOID
    page = staff.get(page_of(attempt)).content.decode()
    assert not any(page_of(attempt, name) in page for name in REMEDIES)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"minutes": "", "reason": WHY}, "Say how many minutes."),
        ({"minutes": "0", "reason": WHY}, "greater than or equal to 1"),
        ({"minutes": "601", "reason": WHY}, "less than or equal to 600"),
        ({"minutes": "5", "reason": " "}, "Say why. Nothing was done yet."),
        ({"minutes": "5", "reason": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_is_missing_stands_beside_its_field(
    world: World, staff: Client, sent: dict[str, str], said: str
) -> None:
    attempt = world.start(world.ada, now=NOW)
    reply = staff.post(page_of(attempt, "extend"), {**sent, "seen": "0"})
    assert reply.status_code == 422
    assert said in words(reply.content)
    assert not Remedy.objects.exists()


def test_a_refusal_is_told_and_what_was_typed_is_kept(world: World, staff: Client) -> None:
    attempt = world.start(world.ada, now=NOW)
    sent = {"minutes": "15", "reason": WHY, "seen": "0"}
    staff.post(page_of(attempt, "extend"), sent)
    reply = staff.post(page_of(attempt, "extend"), sent)
    assert reply.status_code == 409
    page = reply.content.decode()
    assert "Nothing was done. Something was done to this attempt after you opened" in words(
        reply.content
    )
    assert f'value="{WHY}"' in page
    assert f'name="seen" value="{Remedy.objects.get().pk}"' in page


def test_a_remedy_is_not_done_by_following_a_link(world: World, staff: Client) -> None:
    attempt = world.start(world.ada, now=NOW)
    for name in REMEDIES:
        staff.get(page_of(attempt, name), {"minutes": "5", "reason": WHY, "seen": "0"})
    staff.get(OUTAGE, {"minutes": "5", "reason": WHY, "seen": "0", "confirmed": "1"})
    assert not Remedy.objects.exists()


def test_an_outage_is_counted_before_anything_is_done(world: World, staff: Client) -> None:
    world.start(world.ada, now=NOW)
    world.start(world.ben, now=NOW)
    out = world.start(world.lena, now=NOW - timedelta(minutes=50))
    services.close_if_due(out, NOW)
    score_attempt(out.pk, NOW)
    assert "2 exams are running now" in read(staff, OUTAGE)
    since = (NOW - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")
    sent = {"minutes": "15", "reason": WHY, "seen": "0", "closed_since": since}
    told = words(staff.post(OUTAGE, sent).content)
    assert "2 running exams will get 15 more minutes" in told
    assert "1 exam that the clock closed since" in told
    assert not Remedy.objects.exists()

    reply = staff.post(OUTAGE, {**sent, "confirmed": "1"}, follow=True)
    assert "2 exams were extended by 15 minutes. 1 exam was reopened" in words(reply.content)
    assert sorted(Remedy.objects.values_list("kind", flat=True)) == ["extend", "extend", "reopen"]
    again = staff.post(OUTAGE, {**sent, "confirmed": "1"})
    assert again.status_code == 409
    assert Remedy.objects.count() == 3


def test_an_outage_of_last_year_is_refused_before_it_is_counted(
    world: World, staff: Client
) -> None:
    world.start(world.ada, now=NOW)
    sent = {"minutes": "15", "reason": WHY, "seen": "0", "closed_since": "2025-01-01T10:00"}
    reply = staff.post(OUTAGE, sent)
    assert reply.status_code == 409
    assert "at most 24 hours ago" in words(reply.content)


def test_those_left_out_are_named(world: World, staff: Client) -> None:
    out = world.start(world.ada, now=NOW - timedelta(minutes=50))
    services.close_if_due(out, NOW)
    world.start(world.ada, "half", now=NOW)
    since = (NOW - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")
    sent = {"minutes": "5", "reason": WHY, "seen": "0", "closed_since": since, "confirmed": "1"}
    told = words(staff.post(OUTAGE, sent, follow=True).content)
    assert "1 exam stayed closed. ada@example.org: The person is sitting another exam" in told


def test_the_record_outlives_whoever_did_it(world: World, staff: Client, emil: User) -> None:
    attempt = world.start(world.ada, now=NOW)
    staff.post(page_of(attempt, "extend"), {"minutes": "9", "reason": WHY, "seen": "0"})
    emil.delete()
    assert Remedy.objects.get().reason == WHY
    root = enter(User.objects.create_superuser("root@example.org"))
    assert f"Extended {WHY} An account since deleted" in read(root, page_of(attempt))
