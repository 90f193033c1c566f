"""Staff help in a real browser, and the person sees what was done: axe-clean all the way."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from attempts import remedies, services
from attempts.models import AnswerEvent, Attempt, NotCounted, Remedy
from attempts.results import score_attempt
from issmp_site.roles import EXAM_STAFF
from tests.browser.conftest import AsPerson, Complaints, axe_clean
from tests.browser.room import at, choose, ready, saved
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/attempts/attempt/"
WHY = "Network outage in Lyon"
LOOKS = [
    pytest.param({"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}, id="desk"),
    pytest.param({"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}, id="phone"),
]


@pytest.fixture
def emil(live_world: World) -> User:
    person = live_world.person("emil@example.org", "Emil", is_staff=True)
    person.groups.add(Group.objects.get(name=EXAM_STAFF))
    return person


@pytest.mark.usefixtures("at_noon")  # towards midnight the new end is told with its date
def test_one_exam_is_extended_and_its_person_sees_why(
    live_world: World, emil: User, as_person: AsPerson, complaints: Complaints
) -> None:
    attempt = live_world.start(live_world.ada)
    page = as_person(emil, LIST)
    axe_clean(page)
    page.get_by_label("Search", exact=True).fill("ada@")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Ada").click()
    axe_clean(page)
    page.get_by_role("link", name="Extend", exact=True).click()
    axe_clean(page)

    minutes = page.get_by_label("Minutes")
    minutes.fill("15")
    page.get_by_role("button", name="Extend the exam").click()
    expect(page.get_by_text("Say why. Nothing was done yet.")).to_be_visible()
    expect(minutes).to_have_value("15")
    assert "422" in complaints.pop()
    axe_clean(page)
    page.get_by_label("Reason").fill(WHY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The exam is extended.")
    expect(page.get_by_role("region", name="Table of remedies")).to_contain_text(WHY)
    axe_clean(page)

    until = attempt.deadline + timedelta(minutes=15)
    theirs = as_person(live_world.ada, reverse("attempt-log", args=(attempt.public_id,)))
    row = theirs.get_by_role("row").filter(has_text="Extended by 15 minutes")
    expect(row).to_contain_text(f"until {until:%H:%M:%S} UTC")
    expect(row).to_contain_text(WHY)
    axe_clean(theirs)
    theirs.goto(reverse("attempt-list"))
    expect(theirs.get_by_text(f"{until:%H:%M:%S} UTC: {WHY}")).to_be_visible()
    axe_clean(theirs)


def test_in_the_room_the_newest_end_is_told_once_and_put_away(
    live_world: World, as_person: AsPerson
) -> None:
    attempt = live_world.start(live_world.ada)
    page = as_person(live_world.ada, f"/attempts/{attempt.public_id}/")
    lines = page.locator("#notices .room-notice")
    for position, minutes in enumerate((5, 15), 1):
        remedies.extend(attempt, minutes, WHY, live_world.ines, timezone.now())
        attempt.refresh_from_db()
        choose(page, position)  # the next contact
        told = f"Your exam now ends at {attempt.deadline:%H:%M}. The log says why"
        expect(lines.locator("p")).to_have_text([told])
    axe_clean(page)
    lines.get_by_role("button", name="Close").click()
    expect(lines).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()

    page.reload()  # now the page brings its own words
    expect(lines.locator("p")).to_have_text([re.compile(f"extended by 15 minutes.*{WHY}")])
    choose(page, 3)
    saved(page)
    expect(lines).to_have_count(1)


def test_moving_on_does_not_tell_the_extension_again(
    live_world: World, as_person: AsPerson
) -> None:
    attempt = live_world.start(live_world.ada)
    Attempt.objects.filter(pk=attempt.pk).update(navigation="forward")
    remedies.extend(attempt, 15, WHY, live_world.ines, timezone.now())
    page = as_person(live_world.ada, f"/attempts/{attempt.public_id}/")
    choose(page, 1)
    saved(page)
    page.get_by_role("button", name="Next").click()
    at(page, 2)
    expect(page.locator("#notices .room-notice")).to_have_count(1)
    expect(page.locator("#announcer")).not_to_contain_text(WHY)


def test_an_exam_made_void_under_its_person_says_why(
    live_world: World, as_person: AsPerson
) -> None:
    attempt = live_world.start(live_world.ada)
    page = as_person(live_world.ada, f"/attempts/{attempt.public_id}/")
    ready(page)
    remedies.void(attempt, "Two people sat it", live_world.ines, timezone.now())
    choose(page, 1)
    page.wait_for_url("**/log/")
    expect(page.get_by_role("main")).to_contain_text("is void and counts nowhere")
    expect(page.get_by_role("main")).to_contain_text("Reason: Two people sat it")
    axe_clean(page)


def test_an_outage_says_what_it_would_do_first(
    live_world: World, emil: User, as_person: AsPerson
) -> None:
    live_world.start(live_world.ada)
    ran_out = live_world.start(live_world.ben, now=timezone.now() - timedelta(minutes=40))
    services.close_if_due(ran_out, timezone.now())
    page = as_person(emil, LIST)
    page.get_by_role("link", name="Extend all running exams").click()
    axe_clean(page)
    page.get_by_label("Minutes").fill("20")
    began = timezone.now() - timedelta(minutes=30)
    page.get_by_label("Also reopen").fill(f"{began:%Y-%m-%dT%H:%M}")
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_text("1 running exam will get 20 more minutes.")).to_be_visible()
    expect(page.get_by_text("1 exam that the clock closed since")).to_be_visible()
    axe_clean(page)
    assert not Remedy.objects.exists()
    page.get_by_role("button", name="Do it now").click()
    expect(page.get_by_role("status")).to_contain_text("1 exam was extended by 20 minutes.")
    expect(page.get_by_role("status")).to_contain_text("1 exam was reopened")
    assert sorted(Remedy.objects.values_list("kind", flat=True)) == ["extend", "reopen"]
    axe_clean(page)


def eventful(world: World) -> Attempt:
    """Ada's attempt with every kind of line a log can have."""
    start = timezone.now() - timedelta(hours=3)
    attempt = world.start(world.ada, "half", now=start)
    world.answer(attempt, now=start + timedelta(minutes=5))
    first = AnswerEvent.objects.filter(item__attempt=attempt)[:1].get()
    first.chosen_at = first.at - timedelta(seconds=42)
    first.save()
    remedies.extend(attempt, 15, WHY, world.ines, start + timedelta(minutes=6))
    services.submit(attempt, start + timedelta(minutes=30))
    score_attempt(attempt.pk, start + timedelta(minutes=31))
    remedies.reopen(attempt, 10, "Submitted by mistake", world.ines, start + timedelta(minutes=40))
    services.close_if_due(Attempt.objects.get(pk=attempt.pk), timezone.now())
    score_attempt(attempt.pk, timezone.now())
    last = AnswerEvent.objects.filter(item__attempt=attempt).order_by("-item__position")[0]
    last.late, last.at, last.chosen_at = True, start + timedelta(minutes=52), last.at
    last.save()
    item = attempt.items.get(position=7)
    NotCounted.objects.create(
        item=item,
        choice_id=item.choice_order[2],
        at=start + timedelta(minutes=70),
        chosen_at=start + timedelta(minutes=45),
        reason=NotCounted.Reason.TOO_LATE,
    )
    Attempt.objects.filter(pk=attempt.pk).update(strict=True, departures=3, away_ms=130_000)
    return attempt


@pytest.mark.parametrize("look", LOOKS)
def test_the_log_on_desk_and_phone(
    live_world: World, as_person: AsPerson, look: dict[str, object]
) -> None:
    attempt = eventful(live_world)
    page = as_person(live_world.ada, reverse("attempt-log", args=(attempt.public_id,)), **look)
    axe_clean(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_label("Show one question").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log of your half exam: question 7")
    expect(page.get_by_text("Not counted", exact=True)).to_be_visible()
    axe_clean(page)
    page.get_by_role("link", name="Show the whole log").click()
    expect(page.get_by_text("You left the window 3 times")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_staffs_pages_on_desk_and_phone(
    live_world: World, emil: User, as_person: AsPerson, look: dict[str, object]
) -> None:
    attempt = eventful(live_world)
    page = as_person(emil, f"{LIST}{attempt.pk}/change/", **look)
    for path in (f"{attempt.pk}/change/", f"{attempt.pk}/void/", "outage/", ""):
        page.goto(f"{LIST}{path}")
        axe_clean(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
