"""The exam room without a mouse, without eyes, enlarged, in forced colours, without motion."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, ViewportSize, expect

from attempts.models import Attempt
from attempts.results import score_attempt
from tests.browser.conftest import AsPerson, axe_clean
from tests.world import PASSWORD, World

PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
DESK: Final[ViewportSize] = {"width": 1280, "height": 860}
# A window of 1280 by 1024 at 200 and at 400 per cent.
ZOOMED: Final[Sequence[ViewportSize]] = (
    {"width": 640, "height": 512},
    {"width": 320, "height": 256},
)


def room_of(attempt: Attempt) -> str:
    return f"/attempts/{attempt.public_id}/items/1/"


def settled(page: Page) -> Page:
    """The tools are there, and the form has arrived."""
    page.locator(".strike, .nav-cell").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    return page


def tab_to(page: Page, target: Locator, *, most: int = 80) -> None:
    """Press Tab until it has the focus, and see that the focus can be seen on the way."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            return
    pytest.fail(f"Tab never comes to {target}")


def go_with_enter(page: Page, target: Locator) -> None:
    tab_to(page, target)
    page.keyboard.press("Enter")


# --- Without a mouse


def test_from_log_in_to_the_report_without_a_mouse(as_person: AsPerson, live_world: World) -> None:
    ada = live_world.ada
    page = as_person(None, "/accounts/login/")
    tab_to(page, page.get_by_label("E-mail address"))
    page.keyboard.type(ada.email)
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").wait_for()
    go_with_enter(page, page.get_by_role("link", name="Exams", exact=True).first)
    quick = page.locator("li", has=page.locator("#exam-quick")).get_by_role("link")
    go_with_enter(page, quick)
    tab_to(page, page.get_by_label("I agree to these terms"))
    page.keyboard.press("Space")
    go_with_enter(page, page.get_by_role("button", name=re.compile("^Start")))
    settled(page)
    attempt = Attempt.objects.get(user=ada)

    # The first question with nothing but Tab, arrows, Space and Enter.
    expect(page.locator(".counter b")).to_have_text("1")
    tab_to(page, page.get_by_role("radio").first)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio").nth(1)).to_be_checked()
    tab_to(page, page.get_by_role("button", name="Strike out D"))
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Strike out D")).to_have_attribute(
        "aria-pressed", "true"
    )
    go_with_enter(page, page.get_by_role("button", name="Scratchpad"))
    page.keyboard.type("a thought")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Scratchpad")).to_be_focused()
    go_with_enter(page, page.get_by_role("button", name="Next", exact=True))

    # The others with single keys.
    for position in range(2, attempt.item_count + 1):
        expect(page.locator(".counter b")).to_have_text(str(position))
        page.keyboard.press("abcd"[position % 4])
        page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Before you end the exam")).to_be_visible()
    expect(page.get_by_text("All 24 questions are answered.")).to_be_visible()
    go_with_enter(page, page.get_by_role("button", name="End the exam"))
    page.wait_for_url(re.compile("/(report|over)/"))
    attempt.refresh_from_db()
    assert attempt.state == "closed"
    assert attempt.items.filter(choice__isnull=False).count() == 24
    score_attempt(attempt.pk, timezone.now())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_url(re.compile("/report/"))
    expect(page.locator(".answer-sentence")).to_be_visible(timeout=15_000)


def test_the_focus_is_always_to_be_seen(as_person: AsPerson, attempt: Attempt) -> None:
    """Nowhere on the way through a question does the focus hide: no outline, or under a bar."""
    page = settled(as_person(attempt.user, room_of(attempt), viewport=PHONE))
    hidden = []
    for _ in range(24):
        page.keyboard.press("Tab")
        lost = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (!at || at === document.body) return "";
                const row = at.closest("label.option") ?? at;
                const style = getComputedStyle(row);
                const { x, y, width, height } = row.getBoundingClientRect();
                const seen = [...Array(5).keys()].some((n) => {
                    const part = (n + 0.5) / 5;
                    const top = document.elementFromPoint(x + width / 2, y + height * part);
                    return top && (row.contains(top) || top.contains(row));
                });
                return style.outlineStyle !== "none" && seen ? "" : at.outerHTML.slice(0, 90);
            }"""
        )
        if lost:
            hidden.append(lost)
    assert hidden == []


def test_a_dialog_gives_the_focus_back(as_person: AsPerson, attempt: Attempt) -> None:
    page = settled(as_person(attempt.user, room_of(attempt), viewport=DESK))
    for name in ("Highlight", "Scratchpad", "Calculator", "Settings", "Keys on the keyboard"):
        opener = page.get_by_role("button", name=name, exact=True)
        opener.focus()
        page.keyboard.press("Enter")
        expect(page.locator("dialog[open]"), name).to_have_count(1)
        inside = "document.querySelector('dialog[open]').contains(document.activeElement)"
        assert page.evaluate(inside), name
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(opener).to_be_focused()


# --- Without eyes


def test_a_question_by_roles_and_names(as_person: AsPerson, attempt: Attempt) -> None:
    page = settled(as_person(attempt.user, room_of(attempt), viewport=DESK))
    page.keyboard.press("Shift+B")
    expect(page.get_by_role("banner")).to_match_aria_snapshot(
        """
        - banner:
          - img "Touchstone"
          - paragraph: Question 1 of 24
          - text: Time left
          - timer
          - button "Hide the clock"
          - button "Flag this question for review"
          - button "All questions"
          - button "Highlight"
          - button "Scratchpad"
          - button "Calculator"
          - button "Settings"
          - button "Keys on the keyboard"
          - progressbar "Questions answered"
        """
    )
    expect(page.get_by_role("main")).to_match_aria_snapshot(
        """
        - main:
          - article:
            - heading "Question 1 of 24" [level=1]
            - paragraph
            - group "Options":
              - radio
              - button "Strike out A"
              - radio /\\(struck out\\)$/
              - button "Strike out B" [pressed]
              - radio
              - button "Strike out C"
              - radio
              - button "Strike out D"
        """
    )
    expect(page.get_by_role("contentinfo")).to_match_aria_snapshot(
        """
        - contentinfo:
          - button "Previous" [disabled]
          - button "Next"
        """
    )
    names = page.get_by_role("radio").evaluate_all("(all) => all.map((r) => r.labels.length)")
    assert names == [1, 1, 1, 1]


def test_the_tools_by_roles_and_names(as_person: AsPerson, attempt: Attempt) -> None:
    page = settled(as_person(attempt.user, room_of(attempt), viewport=DESK))
    page.keyboard.press("k")
    calculator = page.get_by_role("dialog", name="Calculator")
    expect(calculator.get_by_role("textbox", name="Display")).to_have_attribute("readonly", "")
    for name in ("C, clear", "Change the sign", "Percent", "Divided by", "Times", "Minus", "Plus"):
        expect(calculator.get_by_role("button", name=name, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    pad = page.get_by_role("dialog", name="Scratchpad")
    expect(pad.get_by_role("textbox", name="Scratchpad")).to_have_accessible_description(
        re.compile("Kept with this exam")
    )
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    settings = page.get_by_role("dialog", name="Settings")
    expect(settings.get_by_role("checkbox")).to_have_count(4)
    expect(settings.get_by_role("combobox", name="Remind me of a break")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    rows = page.get_by_role("dialog", name="On the keyboard").get_by_role("rowheader")
    assert "Shift + A to D" in rows.all_inner_texts()
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    filters = page.get_by_role("group", name="Show")
    expect(filters.get_by_role("button", pressed=True)).to_have_text("All 24")
    expect(filters.get_by_role("button", pressed=False)).to_have_count(3)


def test_one_region_speaks(as_person: AsPerson, attempt: Attempt) -> None:
    page = settled(as_person(attempt.user, room_of(attempt)))
    live = page.locator("[aria-live=polite], [aria-live=assertive], [role=alert], [role=status]")
    expect(live).to_have_count(1)
    expect(live).to_have_attribute("id", "announcer")


# --- Enlarged


@pytest.mark.parametrize("viewport", ZOOMED, ids=["200 %", "400 %"])
def test_enlarged_nothing_is_cut_off(
    as_person: AsPerson, attempt: Attempt, viewport: ViewportSize
) -> None:
    page = settled(as_person(attempt.user, room_of(attempt), viewport=viewport))

    def fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for dialog in page.locator("dialog[open], [popover]:popover-open").all():
            box = dialog.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= viewport["width"]
            assert box["height"] <= viewport["height"]

    fits()
    for key in ("s", "k", "g", "h", "?"):
        page.keyboard.press(key)
        expect(page.locator("dialog[open]"), key).to_have_count(1)
        fits()
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    page.get_by_role("button", name="Tools").click()
    fits()
    page.keyboard.press("Escape")
    for letter in "ABCD":
        row = page.locator("label.option").nth("ABCD".index(letter))
        row.scroll_into_view_if_needed()
        page.keyboard.press(letter.lower())
        expect(row.locator("input")).to_be_checked()
    page.keyboard.press("q")
    expect(page.get_by_role("group", name="Show")).to_be_visible()
    fits()


# --- Forced colours, no motion


def test_in_forced_colours_every_state_still_differs(as_person: AsPerson, attempt: Attempt) -> None:
    page = settled(as_person(attempt.user, room_of(attempt), forced_colors="active", viewport=DESK))
    page.keyboard.press("b")
    page.keyboard.press("Shift+C")

    def styles(of: str, *properties: str) -> list[tuple[str, ...]]:
        found = page.locator(of).evaluate_all(
            "(all, names) => all.map((e) => names.map((n) => getComputedStyle(e)[n]))",
            list(properties),
        )
        return [tuple(values) for values in found]

    options = styles("label.option", "borderTopWidth", "borderTopStyle", "borderTopColor")
    assert options[1] != options[0] == options[3]
    assert options[2] != options[0]
    assert "line-through" in styles(".is-struck .option-text", "textDecorationLine")[0][0]
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    filters = styles(".nav-filter button", "backgroundColor", "color")
    assert filters[0] != filters[1] == filters[2]


def test_without_motion_nothing_moves(as_person: AsPerson, attempt: Attempt) -> None:
    page = settled(as_person(attempt.user, room_of(attempt), reduced_motion="reduce"))
    page.keyboard.press("s")
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) => {
            const { transitionDuration, animationName } = getComputedStyle(element);
            return animationName !== "none"
                || transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert moving == []
    assert page.evaluate("document.getAnimations().length") == 0


# --- Every state, judged by axe


def states(page: Page) -> dict[str, list[Callable[[], object]]]:
    """What to do for each further state of the page, one after the other, and how it shows."""
    keys = page.keyboard

    def key(name: str) -> Callable[[], object]:
        return lambda: keys.press(name)

    def there(selector: str) -> Callable[[], object]:
        return lambda: page.locator(selector).first.wait_for(state="attached")

    def says(words: str) -> Callable[[], object]:
        return lambda: expect(page.get_by_label("Display")).to_have_value(words)

    return {
        "chosen and struck": [key("a"), key("Shift+B"), there(".is-struck")],
        "words selected": [
            page.locator("#stem p").first.dblclick,
            there("#highlight-here:not([hidden])"),
        ],
        "highlighted": [key("h"), there("#highlight-here[hidden]")],
        "sentences": [key("h"), there("#highlights[open]")],
        "settings": [key("Escape"), key("g"), there("#settings[open]")],
        "pace line": [page.get_by_label("Show the pace line").check, key("Escape"), there("#pace")],
        "keys": [key("?"), there("#keys-help[open]")],
        "calculator": [key("Escape"), key("k"), there("#calculator[open]")],
        "divided by zero": [lambda: keys.type("1/0="), says("Cannot divide by zero")],
        "scratchpad": [key("Escape"), key("s"), there("#scratchpad[open]")],
        "nearly full": [
            lambda: page.locator("#scratchpad textarea").fill("x" * 19_950),
            there("#scratchpad-left:not(:empty)"),
        ],
        "all questions": [key("Escape"), key("q"), there(".nav-filter")],
        "none flagged": [
            page.get_by_role("button", name="Flagged").click,
            there("#nav-none:not([hidden])"),
        ],
        "review": [
            page.get_by_role("link", name="Review and end").click,
            there("h1:has-text('Before you end the exam')"),
        ],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_in_any_state_of_the_tools(
    as_person: AsPerson, attempt: Attempt, scheme: str, viewport: ViewportSize
) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        deadline=timezone.now() + timedelta(minutes=10, seconds=1)
    )
    page = settled(
        as_person(attempt.user, room_of(attempt), color_scheme=scheme, viewport=viewport)
    )
    expect(page.locator("#notices")).to_contain_text("10 minutes left.")
    axe_clean(page)
    for name, steps in states(page).items():
        for step in steps:
            step()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        axe_clean(page)
    if viewport == PHONE:
        page.go_back()
        page.get_by_role("button", name="Tools").click()
        axe_clean(page)
