"""The report's list of questions: each fetches its reasons when it is opened."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from attempts.models import Attempt
from tests.browser.conftest import AsPerson, Complaints, axe_clean
from tests.world import World, sometimes


@pytest.fixture
def attempt(live_world: World) -> Attempt:
    return live_world.sat(live_world.ada, "quick", sometimes(0.5))


@pytest.fixture
def address(attempt: Attempt) -> str:
    return f"/attempts/{attempt.public_id}/report/"


@pytest.fixture
def report(as_person: AsPerson, live_world: World, address: str) -> Page:
    return as_person(live_world.ada, address)


def test_a_question_is_fetched_once_and_the_keyboard_stays_where_it_was(report: Page) -> None:
    asked: list[str] = []
    report.on("request", lambda request: asked.append(request.url))
    second = report.locator("#question-2")
    expect(second.locator(".rationale")).to_have_count(0)
    summary = second.locator("summary").first
    summary.press("Enter")
    expect(second.locator(".rationale")).to_have_count(4)
    expect(second.locator(".rationale").first).to_be_visible()
    expect(summary).to_be_focused()
    axe_clean(report)
    for _ in range(4):
        summary.press("Enter")
    expect(second.locator(".rationale").first).to_be_visible()
    assert len([url for url in asked if "/report/" in url]) == 1  # the icon may come, too
    expect(report.locator(".rationale")).to_have_count(4)  # no other question came along


def test_what_did_not_come_has_a_link_and_is_asked_for_again(
    report: Page, complaints: Complaints
) -> None:
    third = report.locator("#question-3")
    report.context.set_offline(True)
    third.locator("summary").click()
    expect(third.get_by_role("link", name="Question 3 with its reasons")).to_be_visible()
    report.context.set_offline(False)
    third.locator("summary").click()
    third.locator("summary").click()
    expect(third.locator(".rationale")).to_have_count(4)
    assert all("ERR_INTERNET_DISCONNECTED" in said or "htmx" in said for said in complaints)
    complaints.clear()


def test_the_back_button_leads_from_a_question_to_its_report(report: Page, address: str) -> None:
    """The address of a question serves a part and a page; a browser must not mix them up."""
    report.locator("#question-2 summary").click()
    expect(report.locator("#question-2 .rationale")).to_have_count(4)
    report.goto(f"{address}2/")
    expect(report.get_by_role("heading", name="Question 2 of 24")).to_be_visible()
    report.get_by_role("link", name="Next: question 3").click()
    expect(report.get_by_role("heading", name="Question 3 of 24")).to_be_visible()
    report.go_back()
    expect(report.get_by_role("heading", name="Question 2 of 24")).to_be_visible()
    report.get_by_role("link", name="Back to the list").click()
    expect(report).to_have_url(re.compile("/report/#question-2$"))
    expect(report.locator("#question-2")).to_be_in_viewport()


def test_without_a_script_a_line_leads_to_a_page(
    as_person: AsPerson, live_world: World, address: str
) -> None:
    page = as_person(live_world.ada, f"{address}?show=wrong", java_script_enabled=False)
    line = page.locator(".review-item").first
    line.locator("summary").click()
    line.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/report/\d+/\?show=wrong$"))
    expect(page.locator(".rationale")).to_have_count(4)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".review-outcome")).to_contain_text("Wrong")
