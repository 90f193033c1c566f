"""Two tabs of a browser, two devices, double clicks, the back button, pages gone stale."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from attempts.models import AnswerEvent, Attempt
from tests.browser.conftest import AsPerson, Complaints
from tests.browser.room import (
    at,
    choose,
    delivered,
    forgive_the_network,
    option,
    ready,
    saved,
    stored,
)


@pytest.fixture
def tab(room: Page, attempt: Attempt) -> Page:
    """A second tab of the same browser, on the same question."""
    page = room.context.new_page()
    page.goto(f"/attempts/{attempt.public_id}/items/1/")
    ready(page)
    return page


@pytest.fixture
def phone(as_person: AsPerson, room: Page, attempt: Attempt) -> Page:
    """Another device, on the same question."""
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/items/1/")
    ready(page)
    return page


def test_two_tabs_show_the_same_at_once(room: Page, tab: Page, attempt: Attempt) -> None:
    choose(room, 0)
    expect(tab.locator("input[name=choice]").nth(0)).to_be_checked()
    saved(tab)
    choose(tab, 3)
    expect(room.locator("input[name=choice]").nth(3)).to_be_checked()
    room.get_by_role("button", name="Flag").click()
    expect(tab.get_by_role("button", name="Flagged")).to_be_visible()
    delivered(tab)
    assert stored(attempt, 1) == option(attempt, 1, 3)
    events = AnswerEvent.objects.filter(item__attempt=attempt)
    assert list(events.values_list("revision", flat=True)) == [1, 2]
    expect(room.locator("#notices")).not_to_contain_text("another")


def test_two_tabs_share_what_waits(
    room: Page, tab: Page, attempt: Attempt, complaints: Complaints
) -> None:
    room.context.set_offline(True)
    choose(room, 0)
    tab.get_by_role("button", name="Next").click()
    choose(tab, 1)
    expect(room.locator("#save-state")).to_have_text("2 answers waiting to be saved")
    room.close(run_before_unload=False)
    tab.context.set_offline(False)
    delivered(tab)
    assert stored(attempt, 1) == option(attempt, 1, 0)
    assert stored(attempt, 2) == option(attempt, 2, 1)
    forgive_the_network(complaints)


def test_another_device_is_told_and_shows_what_is_stored(
    room: Page, phone: Page, attempt: Attempt
) -> None:
    choose(room, 0)
    saved(room)
    choose(phone, 3)
    expect(phone.locator("#notices")).to_contain_text(
        re.compile(
            r"This question was answered in another tab or on another device at \d\d:\d\d:\d\d"
        )
    )
    expect(phone.locator("input[name=choice]").nth(0)).to_be_checked()
    choose(phone, 3)
    saved(phone)
    delivered(phone)
    assert stored(attempt, 1) == option(attempt, 1, 3)
    assert AnswerEvent.objects.filter(item__attempt=attempt).count() == 2


def test_another_device_looks_again_when_it_is_taken_up(
    room: Page, phone: Page, attempt: Attempt
) -> None:
    choose(room, 2)
    saved(room)
    phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(phone.locator("input[name=choice]").nth(2)).to_be_checked()
    expect(phone.locator("#notices")).to_contain_text("answered in another tab")


def test_an_answer_on_one_device_overtakes_what_another_chose_without_a_network(
    room: Page, phone: Page, attempt: Attempt, complaints: Complaints
) -> None:
    """What built on the overtaken answer falls with it: nothing follows on its heels."""
    room.context.set_offline(True)
    for index in (1, 2, 3):
        choose(room, index)
    choose(phone, 0)
    saved(phone)
    room.context.set_offline(False)
    expect(room.locator("#notices")).to_contain_text("answered in another tab", timeout=20_000)
    delivered(room)
    expect(room.locator("input[name=choice]").nth(0)).to_be_checked()
    assert stored(attempt, 1) == option(attempt, 1, 0)
    assert AnswerEvent.objects.filter(item__attempt=attempt).count() == 1
    forgive_the_network(complaints)


def test_double_clicks_do_nothing_twice(room: Page, attempt: Attempt) -> None:
    room.locator("label.option").nth(1).dblclick()
    saved(room)
    room.get_by_role("button", name="Next").dblclick()
    at(room, 3)
    room.get_by_role("button", name="All questions").click()
    room.get_by_role("link", name="Review and end").click()
    room.get_by_role("button", name="End the exam with 23 unanswered").dblclick()
    room.wait_for_url(re.compile("/report/"))
    assert AnswerEvent.objects.filter(item__attempt=attempt).count() == 1
    attempt.refresh_from_db()
    assert (attempt.state, attempt.close_reason) == ("closed", "submitted")


def test_ending_in_one_tab_takes_the_other_along(room: Page, tab: Page, attempt: Attempt) -> None:
    room.get_by_role("button", name="All questions").click()
    room.get_by_role("link", name="Review and end").click()
    room.get_by_role("button", name="End the exam with 24 unanswered").click()
    room.wait_for_url(re.compile("/report/"))
    tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.wait_for_url(re.compile("/(over|report)/"))


def test_the_back_button_after_the_end_leads_to_the_report(room: Page, attempt: Attempt) -> None:
    choose(room, 1)
    saved(room)
    room.get_by_role("button", name="All questions").click()
    room.get_by_role("link", name="Review and end").click()
    room.get_by_role("button", name="End the exam with 23 unanswered").click()
    room.wait_for_url(re.compile("/report/"))
    room.go_back()
    room.wait_for_url(re.compile("/report/"))
    choices = AnswerEvent.objects.filter(item__attempt=attempt).count()
    assert choices == 1


def test_a_page_brought_back_from_the_browsers_memory_looks_again(
    room: Page, phone: Page, attempt: Attempt
) -> None:
    choose(phone, 1)
    saved(phone)
    room.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(room.locator("input[name=choice]").nth(1)).to_be_checked()


def test_a_longer_exam_is_told_and_goes_on(as_person: AsPerson, attempt: Attempt) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(deadline=timezone.now() + timedelta(seconds=4))
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    ready(page)
    later = timezone.now() + timedelta(minutes=15)
    Attempt.objects.filter(pk=attempt.pk).update(deadline=later)
    expect(page.locator("#notices")).to_contain_text(
        f"Your exam now ends at {timezone.localtime(later):%H:%M}.", timeout=15_000
    )
    expect(page.locator("input[name=choice]").nth(0)).to_be_enabled()
    choose(page, 0)
    saved(page)
