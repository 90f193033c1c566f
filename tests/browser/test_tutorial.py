"""The tutorial: the real room, every tool tried, nothing sent and nothing left behind."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from attempts.models import Attempt
from attempts.tutorial import QUESTIONS
from tests.browser.conftest import AsPerson, axe_clean
from tests.world import World

TUTORIAL = "/exams/tutorial/"
STEPS = 10


def tried(page: Page, count: int) -> None:
    expect(page.locator("#tutorial [data-tried]")).to_contain_text(
        f"{count} of {STEPS} tried" if count < STEPS else f"All {STEPS} tried"
    )
    expect(page.locator("#tutorial .is-done")).to_have_count(count)


def choose(page: Page) -> None:
    page.locator(".option").nth(2).click()


def strike(page: Page) -> None:
    page.locator(".option").first.click(button="right")


def highlight(page: Page) -> None:
    page.locator("#stem p").first.evaluate(
        """stem => {
            const range = document.createRange();
            range.setStart(stem.firstChild, 0);
            range.setEnd(stem.firstChild, 12);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }"""
    )
    page.get_by_role("button", name="Highlight", exact=True).last.click()


def flag(page: Page) -> None:
    page.get_by_role("button", name="Flag").first.click()
    expect(page.get_by_role("button", name="Flagged")).to_be_visible()


def scratchpad(page: Page) -> None:
    page.keyboard.press("s")
    page.keyboard.type("When they turn back")
    page.keyboard.press("Escape")


def calculator(page: Page) -> None:
    page.keyboard.press("k")
    page.keyboard.type("36*14=")
    page.keyboard.press("Escape")


def move(page: Page) -> None:
    page.get_by_role("button", name="Next").click()
    expect(page).to_have_title(f"Question 2 of {len(QUESTIONS)} · Touchstone")


def navigator(page: Page) -> None:
    page.get_by_role("button", name="All questions").click()
    expect(page.get_by_role("heading", name="All questions", level=1)).to_be_visible()


def settings(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("Escape")


def keys(page: Page) -> None:
    page.keyboard.press("?")
    page.keyboard.press("Escape")


TRIES: list[Callable[[Page], None]] = [
    choose, strike, highlight, flag, scratchpad, calculator, settings, keys, move, navigator,
]  # fmt: skip


def test_every_tool_can_be_tried_and_nothing_of_it_leaves_the_page(
    as_person: AsPerson, live_world: World
) -> None:
    page = as_person(live_world.ada, TUTORIAL, viewport={"width": 1280, "height": 900})
    tried(page, 0)
    page.wait_for_load_state("networkidle")
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    for count, what in enumerate(TRIES, 1):
        what(page)
        tried(page, count)
    expect(page.locator("#announcer")).to_contain_text("You know the room.")
    page.locator("#tutorial").get_by_role("link", name="Choose an exam").wait_for()
    page.wait_for_timeout(3_000)  # longer than the room waits with notes before it sends them
    urls = [request.url for request in sent]
    assert [url for url in urls if not url.endswith("/favicon.svg")] == []  # each new address's
    assert page.evaluate("indexedDB.databases().then(all => all.map(one => one.name))") == []
    assert not Attempt.objects.exists()

    page.goto(TUTORIAL)
    tried(page, 0)
    expect(page.locator("#save-state")).to_have_text("Not answered yet")
    page.keyboard.press("s")
    expect(page.locator("#scratchpad textarea")).to_have_value("")


def test_what_is_done_shows_as_in_an_exam(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ada, TUTORIAL)
    choose(page)
    expect(page.locator("#save-state")).to_have_text(re.compile(r"Saved \d\d:\d\d:\d\d"))
    flag(page)
    strike(page)
    move(page)
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".option input").nth(2)).to_be_checked()
    expect(page.locator(".is-struck")).to_have_count(1)
    navigator(page)
    expect(page.get_by_role("link", name="Question 1, answered, flagged")).to_be_visible()
    page.get_by_role("link", name="Review and end").click()
    expect(page.get_by_text("2 of 3 questions are unanswered.")).to_be_visible()
    expect(page.get_by_role("region", name="Flagged").get_by_role("link")).to_have_count(1)
    page.go_back()
    expect(page.get_by_role("heading", name="All questions", level=1)).to_be_visible()
    assert page.locator("#clock").count() == 0
    page.get_by_role("link", name="Leave the tutorial").click()
    expect(page).to_have_title("Choose an exam · Touchstone")


def test_by_keyboard_alone(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ada, TUTORIAL, viewport={"width": 1280, "height": 900})
    for count, pressed in enumerate(["b", "Shift+C", "f", "n", "q"], 1):
        page.keyboard.press(pressed)
        tried(page, count)
    page.keyboard.press("t")  # there is no clock to hide
    assert page.evaluate("sessionStorage.length") == 0


def test_the_first_exams_rules_lead_there_and_it_leads_back(
    as_person: AsPerson, live_world: World
) -> None:
    page = as_person(live_world.ada, "/exams/half/")
    page.get_by_role("link", name="Open the tutorial").click()
    expect(page.locator(".strike")).to_have_count(4)  # the room's script is there
    choose(page)
    tried(page, 1)
    page.goto("/exams/half/")
    page.get_by_label("I agree to these terms").check()
    page.get_by_role("button", name="Start the half exam").click()
    expect(page).to_have_title("Question 1 of 60 · Touchstone")
    expect(page.locator("#save-state")).to_have_text("Not answered yet")
    page.wait_for_load_state("networkidle")  # the form is on its way


def test_without_javascript_it_is_a_page_to_read(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ada, TUTORIAL, java_script_enabled=False)
    expect(page.get_by_text("The tools need JavaScript")).to_be_visible()
    expect(page.get_by_text("Strike out one you rule out")).to_be_visible()
    for position, question in enumerate(QUESTIONS, 1):
        expect(page.locator("#stem")).to_contain_text(question.stem[-1])
        expect(page.locator("#main")).to_contain_text(f"Question {position} of {len(QUESTIONS)}")
        page.locator(".foot-next").click()
    expect(page.get_by_role("heading", name="The end of the tutorial")).to_be_visible()
    page.get_by_role("link", name="Choose an exam").click()
    expect(page).to_have_title("Choose an exam · Touchstone")
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_for_axe_with_its_list_unfolded(
    as_person: AsPerson, live_world: World, width: int
) -> None:
    """Every page of it, folded as it opens, is in test_pages."""
    page = as_person(
        live_world.ada,
        TUTORIAL,
        viewport={"width": width, "height": 800},
        reduced_motion="reduce",
    )
    choose(page)
    tried(page, 1)
    page.locator("#tutorial").evaluate("list => list.open = true")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        axe_clean(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
