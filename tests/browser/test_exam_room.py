"""The exam room in a real browser: saving, moving, keys, clock, no JavaScript, a lost network."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from attempts.models import AnswerEvent, Attempt
from tests.browser.conftest import AsPerson, Complaints, axe_clean
from tests.browser.room import delivered, forgive_the_network, saved, stored, wait_until
from tests.world import World

PHONE = {"width": 360, "height": 740}


def test_a_choice_is_saved_at_once_with_a_receipt(room: Page, attempt: Attempt) -> None:
    expect(room.locator("#save-state")).to_have_text("Not answered yet")
    room.locator(".option").nth(2).click()
    expect(room.locator("#save-state")).to_have_text(re.compile(r"Saved \d\d:\d\d:\d\d"))
    assert stored(attempt, 1) == attempt.items.get(position=1).choice_order[2]


def test_a_choice_made_before_the_scripts_arrived_is_saved_when_they_do(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = as_person(attempt.user, "/")
    script: list[Route] = []
    page.route("**/js/room/room.js", lambda route: script.append(route))
    page.goto(f"/attempts/{attempt.public_id}/items/1/", wait_until="commit")
    page.locator(".option").nth(1).click()
    expect(page.locator("input[name=choice]").nth(1)).to_be_checked()
    wait_until(page, lambda: bool(script), 10)
    script[0].continue_()
    saved(page)
    expect(page.locator("input[name=choice]").nth(1)).to_be_checked()
    assert stored(attempt, 1) == attempt.items.get(position=1).choice_order[1]


def test_changing_ones_mind_quickly_keeps_the_last_choice(room: Page, attempt: Attempt) -> None:
    for index in (0, 1, 2, 3):
        room.locator(".option").nth(index).click(no_wait_after=True)
    expect(room.locator("#save-state")).to_have_text(re.compile("Saved"))
    delivered(room)
    assert stored(attempt, 1) == attempt.items.get(position=1).choice_order[3]
    events = AnswerEvent.objects.filter(item__attempt=attempt).values_list("revision", flat=True)
    assert list(events) == list(range(1, len(events) + 1))


def test_moving_swaps_the_question_and_the_back_button_works(room: Page) -> None:
    first = room.locator("#stem").inner_text()
    room.get_by_role("button", name="Next").click()
    expect(room).to_have_title("Question 2 of 24 · Touchstone")
    expect(room).to_have_url(re.compile(r"/items/2/$"))
    room.go_back()
    expect(room.locator("#stem")).to_have_text(first)
    expect(room).to_have_url(re.compile(r"/items/1/$"))


def test_the_whole_exam_by_keyboard_alone(room: Page, attempt: Attempt) -> None:
    for position in range(1, attempt.item_count + 1):
        expect(room.locator(".counter b")).to_have_text(str(position))
        room.keyboard.press("abcd"[position % 4])
        expect(room.locator("#save-state")).to_have_text(re.compile("Saved"))
        if position == 3:
            room.keyboard.press("f")
            expect(room.get_by_role("button", name="Flagged")).to_be_visible()
        room.keyboard.press("n")
    expect(room.get_by_role("heading", name="Before you end the exam")).to_be_visible()
    expect(room.get_by_text("All 24 questions are answered.")).to_be_visible()
    room.get_by_role("button", name="End the exam").focus()
    room.keyboard.press("Enter")
    room.wait_for_url(re.compile("/report/"))
    attempt.refresh_from_db()
    assert attempt.state == "closed"
    assert attempt.items.filter(choice__isnull=False).count() == 24
    assert attempt.items.get(position=3).flagged


def test_single_keys_can_be_turned_off(room: Page) -> None:
    room.keyboard.press("?")
    help_sheet = room.locator("#keys-help")
    help_sheet.get_by_label("Single keys work in the exam room").uncheck()
    help_sheet.get_by_role("button", name="Close").click()
    room.keyboard.press("n")
    room.wait_for_timeout(300)
    expect(room.locator(".counter b")).to_have_text("1")


def test_without_javascript_every_move_saves(
    as_person: AsPerson, attempt: Attempt, complaints: Complaints
) -> None:
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/", java_script_enabled=False)
    page.locator("input[name=choice]").nth(1).check()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".counter b")).to_have_text("2")
    assert stored(attempt, 1) == attempt.items.get(position=1).choice_order[1]
    page.locator("input[name=choice]").nth(0).check()
    page.get_by_role("button", name="Flag").click()
    expect(page.get_by_role("button", name="Flagged")).to_be_visible()
    assert stored(attempt, 2) is not None
    page.get_by_role("button", name="All questions").click()
    page.get_by_role("link", name="Review and end").click()
    page.get_by_role("button", name="End the exam with 22 unanswered").click()
    attempt.refresh_from_db()
    assert attempt.state == "closed"


def test_another_tab_is_told_and_shown_what_is_stored(
    room: Page, as_person: AsPerson, attempt: Attempt
) -> None:
    other = as_person(attempt.user, f"/attempts/{attempt.public_id}/items/1/")
    room.locator(".option").nth(0).click()
    expect(room.locator("#save-state")).to_have_text(re.compile("Saved"))
    other.locator(".option").nth(3).click()
    expect(other.locator("#notices")).to_contain_text("answered in another tab")
    expect(other.locator("input[name=choice]").nth(0)).to_be_checked()
    other.locator(".option").nth(3).click()
    expect(other.locator("#save-state")).to_have_text(re.compile("Saved"))
    assert stored(attempt, 1) == attempt.items.get(position=1).choice_order[3]


def test_a_save_that_fails_says_so_and_is_sent_again(
    room: Page, attempt: Attempt, complaints: Complaints
) -> None:
    room.context.set_offline(True)
    room.locator(".option").nth(1).click()
    expect(room.locator("#save-state")).to_have_text("1 answer waiting to be saved")
    assert stored(attempt, 1) is None
    room.context.set_offline(False)
    saved(room)
    assert stored(attempt, 1) == attempt.items.get(position=1).choice_order[1]
    forgive_the_network(complaints)


def test_the_clock_hides_and_comes_back_at_five_minutes(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    page.get_by_role("button", name="Hide the clock").click()
    expect(page.locator(".clock-value")).not_to_be_visible()
    Attempt.objects.filter(pk=attempt.pk).update(
        deadline=timezone.now() + timedelta(minutes=5, seconds=3)
    )
    page.reload()
    expect(page.locator(".clock-value")).not_to_be_visible()
    expect(page.locator(".clock-value")).to_be_visible(timeout=8_000)
    expect(page.locator("#notices")).to_contain_text("5 minutes left.")


def test_when_time_runs_out_the_page_finds_its_way_to_the_report(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    page.locator(".option").nth(1).click()
    expect(page.locator("#save-state")).to_have_text(re.compile("Saved"))
    Attempt.objects.filter(pk=attempt.pk).update(deadline=timezone.now() + timedelta(seconds=2))
    page.reload()
    page.wait_for_url(re.compile("/report/"), timeout=20_000)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.close_reason) == ("closed", "clock")
    assert stored(attempt, 1) is not None


def test_the_time_a_question_was_visible_is_recorded(room: Page, attempt: Attempt) -> None:
    room.wait_for_timeout(1200)
    room.get_by_role("button", name="Next").click()
    expect(room.locator(".counter b")).to_have_text("2")
    room.locator(".option").nth(1).click()  # what was seen waits for company, and now has some
    delivered(room)
    assert 1000 <= attempt.items.get(position=1).visible_ms < 20_000


def test_leaving_and_coming_back_resumes(
    room: Page, as_person: AsPerson, attempt: Attempt, live_server: LiveServer
) -> None:
    room.get_by_role("button", name="Next").click()
    expect(room.locator(".counter b")).to_have_text("2")
    room.locator(".option").nth(2).click()
    expect(room.locator("#save-state")).to_have_text(re.compile("Saved"))
    room.context.close()
    again = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    expect(again.locator(".counter b")).to_have_text("2")
    expect(again.locator("input[name=choice]").nth(2)).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 860}], ids=["phone", "desk"])
def test_axe_finds_nothing_in_any_state_of_the_room(
    as_person: AsPerson, attempt: Attempt, scheme: str, viewport: dict[str, int]
) -> None:
    page = as_person(
        attempt.user, f"/attempts/{attempt.public_id}/", color_scheme=scheme, viewport=viewport
    )
    axe_clean(page)
    page.locator(".option").nth(0).click()
    expect(page.locator("#save-state")).to_have_text(re.compile("Saved"))
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Flagged")).to_be_visible()
    axe_clean(page)
    page.keyboard.press("?")
    axe_clean(page)
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    expect(page.get_by_role("heading", name="All questions")).to_be_visible()
    axe_clean(page)
    page.get_by_role("link", name="Review and end").click()
    expect(page.get_by_role("heading", name="Before you end the exam")).to_be_visible()
    axe_clean(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_drill_explains_after_the_answer(as_person: AsPerson, live_world: World) -> None:
    drill = live_world.start(live_world.ada, "drill", domain=3)
    phone = {"width": 320, "height": 480}
    page = as_person(live_world.ada, f"/attempts/{drill.public_id}/", viewport=phone)
    assert page.locator(".rationale").count() == 0
    page.locator(".option").nth(1).click()
    page.get_by_role("button", name="Answer").click()
    expect(page.locator(".verdict")).to_be_in_viewport(ratio=1)
    assert page.locator(".rationale").count() == 4
    axe_clean(page)
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".counter b")).to_have_text("2")
    assert page.locator(".rationale").count() == 0


def test_a_scenario_that_was_closed_stays_closed_within_its_set(
    live_world: World, as_person: AsPerson
) -> None:
    """On a phone it would push every question of the set off the screen."""
    simulation = live_world.start(live_world.ada, "simulation", seed=3)
    in_sets = list(
        simulation.items.exclude(version__scenario_text="")
        .order_by("position")
        .values_list("position", "version__scenario_text")
    )
    first, text = in_sets[0]
    size = sum(other == text for _, other in in_sets)
    page = as_person(
        simulation.user, f"/attempts/{simulation.public_id}/items/{first}/", viewport=PHONE
    )
    scenario = page.locator("details.scenario")
    expect(scenario).to_have_attribute("open", "")
    page.locator("details.scenario > summary").click()
    for position in range(first + 1, first + size):
        page.get_by_role("button", name="Next").click()
        expect(page).to_have_url(re.compile(rf"/items/{position}/$"))
        expect(scenario).not_to_have_attribute("open", "")
    page.reload()
    expect(scenario).not_to_have_attribute("open", "")
    page.locator("details.scenario > summary").click()
    expect(scenario).to_have_attribute("open", "")
    page.reload()
    expect(scenario).to_have_attribute("open", "")
