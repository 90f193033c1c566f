"""The tools of the test centre in a real browser: what they do, keep, and never do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from attempts.models import Attempt, Marking, Scratchpad
from tests.browser.conftest import AsPerson, Complaints
from tests.world import World

PHONE = {"width": 360, "height": 740}
DIVISION = "Cannot divide by zero"
LARGE = "Too large to show"

CALCULATIONS = [
    ("1 2 3", "123"),
    ("0 0 7", "7"),
    (". 5", "0.5"),
    ("1 . 2 . 3", "1.23"),
    (". 1 + . 2 =", "0.3"),
    ("1 . 1 * 1 . 1 =", "1.21"),
    ("1 / 3 =", "0.33333333333"),
    ("1 / 3 * 3 =", "1"),
    ("2 / 3 =", "0.66666666667"),
    ("1 0 0 - 9 9 . 9 9 =", "0.01"),
    ("2 + 3 * 4 =", "20"),  # a desk calculator goes from left to right
    ("5 - 8 =", "\u22123"),
    ("5 + + 2 =", "7"),
    ("5 + - 2 =", "3"),
    ("5 + 3 = =", "11"),
    ("5 * =", "25"),
    ("2 0 0 + 1 0 % =", "220"),
    ("2 0 0 * 1 0 % =", "20"),
    ("5 0 %", "0.5"),
    ("9 sign", "\u22129"),
    ("9 sign sign", "9"),
    ("2 * 3 sign =", "\u22126"),
    ("1 2 3 back", "12"),
    ("1 back back", "0"),
    ("4 + 4 = 5", "5"),
    ("4 + 4 = + 1 =", "9"),
    ("7 clear", "0"),
    ("7 / 0 =", DIVISION),
    ("7 / 0 = + 1 =", "1"),  # a number begins anew
    ("7 / 0 = =", DIVISION),
    ("7 / 0 = 4", "4"),
    ("7 / 0 = clear", "0"),
    ("1 2 3 4 5 6 7 8 9 0 1 2 3", "123456789012"),
    ("9 9 9 9 9 9 9 9 9 9 9 9 + 1 =", LARGE),
    ("9 9 9 9 9 9 9 9 9 9 9 9 + . 5 =", LARGE),  # it would round to thirteen digits
    ("9 9 9 9 9 9 9 9 9 9 9 9 + . 4 =", "999999999999"),
    ("0 . 0 0 0 0 0 1 * 0 . 0 0 0 0 0 1 =", "0"),
    ("1 sign / 3 =", "\u22120.33333333333"),
]


@pytest.fixture
def room(as_person: AsPerson, attempt: Attempt) -> Page:
    return opened(as_person(attempt.user, path(attempt)))


def path(attempt: Attempt, position: int = 1) -> str:
    return f"/attempts/{attempt.public_id}/items/{position}/"


def opened(page: Page) -> Page:
    """The tools are there, and the form has arrived: moving needs no request any more."""
    page.locator(".strike, .sheet .verdict, .nav-cell").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    return page


def run(page: Page, module: str, body: str, argument: object = None) -> Any:
    """What a function of one of our modules gives back: `m` is the module, `x` the argument."""
    return page.evaluate(
        f"async (x) => {{ const m = await import('/static/js/room/{module}.js'); {body} }}",
        argument,
    )


def option(page: Page, letter: str) -> Locator:
    return page.locator(".option-row").nth("ABCD".index(letter))


def select_words(page: Page, start: int, end: int) -> None:
    """Select characters of the stem, as a mouse would."""
    page.evaluate(
        """([start, end]) => {
            const walker = document.createTreeWalker(
                document.getElementById("stem"), NodeFilter.SHOW_TEXT);
            const range = document.createRange();
            let at = 0;
            while (walker.nextNode()) {
                const node = walker.currentNode;
                const inside = (point) => point >= at && point <= at + node.length;
                if (inside(start)) range.setStart(node, start - at);
                if (inside(end)) { range.setEnd(node, end - at); break; }
                at += node.length;
            }
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }""",
        [start, end],
    )


def highlighted(page: Page) -> list[str]:
    """The words that are painted, by whichever way the browser has."""
    found: list[str] = page.evaluate(
        """() => CSS.highlights?.get("stem")
            ? [...CSS.highlights.get("stem")].map(String)
            : [...document.querySelectorAll("#stem mark")].map((mark) => mark.textContent)"""
    )
    return found


def stem_text(page: Page) -> str:
    text = page.locator("#stem").text_content()
    assert text is not None
    return text


def kept(page: Page) -> None:
    """Wait until nothing waits for delivery any more."""
    for _ in range(100):
        if run(page, "state", "return m.held().length;") == 0:
            return
        page.wait_for_timeout(50)
    pytest.fail("Something is still waiting to be delivered.")


def marking(attempt: Attempt, position: int = 1) -> Marking:
    return Marking.objects.get(item__attempt=attempt, item__position=position)


def announced(page: Page) -> str:
    return page.locator("#announcer").inner_text()


# --- The arithmetic


def test_the_calculator_reckons_exactly(room: Page) -> None:
    shown = run(
        room,
        "calculator",
        "return x.map((keys) => m.shown(keys.split(' ').reduce(m.press, m.START)));",
        [keys for keys, _ in CALCULATIONS],
    )
    expected = [result for _, result in CALCULATIONS]
    assert dict(zip([k for k, _ in CALCULATIONS], shown, strict=True)) == dict(CALCULATIONS)
    assert shown == expected


def test_spans_are_merged_and_cut(room: Page) -> None:
    merged = run(
        room,
        "highlight",
        "return x.map((spans) => m.merge(spans));",
        [[[5, 9], [0, 3]], [[0, 5], [5, 9]], [[0, 9], [2, 4]], [[4, 4]], []],
    )
    assert merged == [[[0, 3], [5, 9]], [[0, 9]], [[0, 9]], [], []]
    cut = run(
        room,
        "highlight",
        "return x.map(([spans, span]) => m.without(spans, span));",
        [([[0, 9]], [3, 5]), ([[0, 3], [5, 9]], [2, 6]), ([[2, 4]], [0, 9]), ([[2, 4]], [5, 6])],
    )
    assert cut == [[[0, 3], [5, 9]], [[0, 2], [6, 9]], [], [[2, 4]]]


def test_sentences_come_without_the_blanks_around_them(room: Page) -> None:
    text = "  It failed. Twice.  What now?"
    spans = run(room, "highlight", "return m.sentences(x);", text)
    assert [text[start:end] for start, end in spans] == ["It failed.", "Twice.", "What now?"]


def test_the_pace_is_an_even_one(room: Page) -> None:
    cases = [
        (0, 0, 0, "Pace: question 0. You: 0, on pace."),
        (90, 62, 62, "Pace: question 62. You: 62, on pace."),
        (90, 50, 62, "Pace: question 62. You: 50, 17 minutes behind."),
        (90, 63, 62, "Pace: question 62. You: 63, 1 minute ahead."),
        (200, 125, 125, "Pace: question 125. You: 125, on pace."),
    ]
    exam = {"count": 125, "started": 0, "deadline": 180 * 60_000}
    at = [{**exam, "now": now * 60_000, "answered": answered} for now, answered, _, _ in cases]
    assert run(room, "pace", "return x.map(m.pace);", at) == [
        {"due": due, "words": words} for _, _, due, words in cases
    ]


def test_a_departure_s_length_in_words(room: Page) -> None:
    lengths = [400, 12_000, 60_000, 61_000, 3_723_000]
    assert run(room, "strict", "return x.map((ms) => m.duration(ms));", lengths) == [
        "1 second",
        "12 seconds",
        "1 minute",
        "1 minute 1 second",
        "62 minutes 3 seconds",
    ]


# --- Strike out


@pytest.mark.parametrize("way", ["button", "key", "right click"])
def test_an_option_is_struck_out_and_stays_so(room: Page, attempt: Attempt, way: str) -> None:
    second = option(room, "B")
    if way == "button":
        second.hover()
        room.get_by_role("button", name="Strike out B").click()
    elif way == "key":
        room.keyboard.press("Shift+B")
    else:
        second.click(button="right")
    struck = room.get_by_role("radio", name=re.compile(r"\(struck out\)$"))
    expect(struck).to_have_count(1)
    expect(second.locator(".option-text")).to_have_css(
        "text-decoration", re.compile("line-through")
    )
    expect(room.get_by_role("button", name="Strike out B")).to_have_attribute(
        "aria-pressed", "true"
    )
    kept(room)
    assert marking(attempt).struck == [attempt.items.get(position=1).choice_order[1]]
    opened(room).reload()
    expect(struck).to_have_count(1)
    expect(room.locator(".counter b")).to_have_text("1")  # no key did anything else
    room.keyboard.press("Shift+B")
    expect(struck).to_have_count(0)


def test_a_stroke_never_touches_the_answer(room: Page, attempt: Attempt) -> None:
    room.keyboard.press("c")
    room.keyboard.press("Shift+C")
    expect(option(room, "C").locator("label")).to_have_class(re.compile("is-struck"))
    expect(option(room, "C").locator("input")).to_be_checked()
    kept(room)
    item = attempt.items.get(position=1)
    assert item.choice_id == item.choice_order[2]


def test_choosing_a_struck_option_takes_the_stroke_away(room: Page, attempt: Attempt) -> None:
    room.keyboard.press("Shift+A")
    expect(option(room, "A").locator("label")).to_have_class(re.compile("is-struck"))
    option(room, "A").locator("label").click(position={"x": 40, "y": 20})
    expect(option(room, "A").locator("input")).to_be_checked()
    expect(option(room, "A").locator("label")).not_to_have_class(re.compile("is-struck"))
    kept(room)
    assert marking(attempt).struck == []


def test_strokes_follow_their_question(room: Page) -> None:
    room.keyboard.press("Shift+D")
    room.keyboard.press("n")
    expect(room.locator(".counter b")).to_have_text("2")
    expect(room.locator(".is-struck")).to_have_count(0)
    expect(room.locator(".strike")).to_have_count(4)
    room.keyboard.press("p")
    expect(room.locator(".counter b")).to_have_text("1")
    expect(option(room, "D").locator("label")).to_have_class(re.compile("is-struck"))


# --- Highlight


def test_words_are_highlighted_and_stay_so(room: Page, attempt: Attempt) -> None:
    text = stem_text(room)
    select_words(room, 2, 14)
    room.locator("#highlight-here").click()
    expect(room.locator("#highlight-here")).to_be_hidden()
    assert highlighted(room) == [text[2:14].strip()]
    kept(room)
    [[start, end]] = marking(attempt).highlights
    assert text[start:end] == text[2:14].strip()
    opened(room).reload()
    opened(room)
    assert highlighted(room) == [text[2:14].strip()]
    room.keyboard.press("n")
    expect(room.locator(".counter b")).to_have_text("2")
    assert highlighted(room) == []
    room.keyboard.press("p")
    expect(room.locator(".counter b")).to_have_text("1")
    assert highlighted(room) == [text[2:14].strip()]


def test_a_click_on_a_highlight_takes_it_away(room: Page) -> None:
    select_words(room, 0, 12)
    room.keyboard.press("h")
    assert highlighted(room) == [stem_text(room)[0:12].strip()]
    room.locator("#stem").click(position={"x": 12, "y": 12})
    assert highlighted(room) == []


def test_h_on_highlighted_words_takes_them_out(room: Page) -> None:
    text = stem_text(room)
    end = len(text[:30].rstrip())
    select_words(room, 0, end)
    room.keyboard.press("h")
    select_words(room, 4, 9)
    expect(room.locator("#highlight-here")).to_have_text("Remove highlight")
    room.keyboard.press("h")
    assert "".join(highlighted(room)) == text[0:4] + text[9:end]


def test_highlighting_by_the_sentence_needs_no_mouse(room: Page, attempt: Attempt) -> None:
    room.keyboard.press("h")
    dialog = room.get_by_role("dialog", name="Highlight")
    boxes = dialog.get_by_role("checkbox")
    boxes.first.focus()
    room.keyboard.press("Space")
    expect(boxes.first).to_be_checked()
    expect(boxes.first).to_be_focused()
    words = dialog.locator(".choice > span").first.inner_text()
    assert "".join(highlighted(room)) == words
    dialog.get_by_role("button", name="Remove all highlights").click()
    expect(boxes.first).not_to_be_checked()
    room.keyboard.press("Escape")
    assert highlighted(room) == []
    kept(room)
    assert marking(attempt).highlights == []


def test_a_browser_that_cannot_paint_ranges_gets_marks(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = as_person(attempt.user, "/")
    page.add_init_script("delete CSS.highlights; delete CSS.__proto__.highlights")
    page.goto(path(attempt))
    opened(page)
    text = stem_text(page)
    select_words(page, 0, 12)
    page.keyboard.press("h")
    select_words(page, 5, 20)
    page.keyboard.press("h")
    assert page.locator("#stem mark").all_text_contents() == [text[0:20].strip()]
    assert stem_text(page) == text
    page.locator("#stem mark").click()
    expect(page.locator("#stem mark")).to_have_count(0)


# --- In every kind of exam


def test_a_drill_keeps_the_marks_beside_its_reasons(as_person: AsPerson, live_world: World) -> None:
    drill = live_world.start(live_world.ada, "drill", domain=3)
    page = opened(as_person(drill.user, path(drill)))
    page.keyboard.press("b")
    page.keyboard.press("Shift+A")
    expect(option(page, "B").locator("input")).to_be_checked()  # not answered with yet
    select_words(page, 0, 12)
    page.keyboard.press("h")
    expect(option(page, "B").locator("input")).to_be_checked()
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator(".verdict")).to_be_visible()
    assert highlighted(page) == [stem_text(page)[0:12].strip()]
    expect(page.locator(".strike")).to_have_count(0)
    page.keyboard.press("Shift+C")  # there is nothing left to strike
    kept(page)
    assert marking(drill).struck == [drill.items.get(position=1).choice_order[0]]


def test_a_forward_only_exam_has_the_tools_and_no_keys_back(
    as_person: AsPerson, live_world: World
) -> None:
    attempt = live_world.start(live_world.ada, "quick", seed=7)
    Attempt.objects.filter(pk=attempt.pk).update(navigation="forward")
    page = opened(as_person(attempt.user, path(attempt)))
    page.keyboard.press("Shift+D")
    page.keyboard.press("a")
    page.keyboard.press("n")
    expect(page.locator(".counter b")).to_have_text("2")
    expect(page.locator(".strike")).to_have_count(4)
    expect(page.locator(".is-struck")).to_have_count(0)
    for key in ("p", "f", "q"):
        page.keyboard.press(key)
    expect(page.locator(".counter b")).to_have_text("2")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="On the keyboard")
    expect(keys.get_by_text("next question")).to_be_visible()
    expect(keys.get_by_text("previous question")).to_have_count(0)
    assert marking(attempt).struck == [attempt.items.get(position=1).choice_order[3]]


def test_without_a_network_the_marks_wait_and_arrive(
    room: Page, attempt: Attempt, complaints: Complaints
) -> None:
    room.context.set_offline(True)
    room.keyboard.press("Shift+B")
    select_words(room, 0, 12)
    room.keyboard.press("h")
    room.keyboard.press("s")
    room.keyboard.type("offline")
    room.keyboard.press("Escape")
    room.wait_for_timeout(300)
    assert run(room, "state", "return m.held().map((op) => op.kind).sort();") == ["marks", "notes"]
    assert not Marking.objects.filter(item__attempt=attempt).exists()
    room.context.set_offline(False)
    kept(room)
    assert len(marking(attempt).struck) == len(marking(attempt).highlights) == 1
    assert Scratchpad.objects.get(attempt=attempt).text == "offline"
    complaints[:] = [c for c in complaints if "ERR_INTERNET_DISCONNECTED" not in c]


# --- Scratchpad and calculator


def test_notes_are_kept_as_they_are_written(room: Page, attempt: Attempt) -> None:
    room.keyboard.press("s")
    pad = room.get_by_role("textbox", name="Scratchpad")
    expect(pad).to_be_focused()
    room.keyboard.type("next: a b c d n q ?")
    expect(room.locator(".counter b")).to_have_text("1")
    expect(room.locator("input[name=choice]:checked")).to_have_count(0)
    room.wait_for_timeout(700)  # the pause after which it saves
    kept(room)
    assert Scratchpad.objects.get(attempt=attempt).text == "next: a b c d n q ?"
    room.keyboard.press("Escape")
    expect(pad).to_be_hidden()
    opened(room).reload()
    opened(room).get_by_role("button", name="Scratchpad").click()
    expect(pad).to_have_value("next: a b c d n q ?")
    room.locator(".foot-next").click()
    expect(room.locator(".counter b")).to_have_text("2")
    expect(pad).to_be_visible()  # it stays while one moves


def test_the_last_words_are_kept_when_the_page_goes(room: Page) -> None:
    room.keyboard.press("s")
    room.keyboard.type("last words")
    room.reload()
    opened(room).keyboard.press("s")
    expect(room.get_by_role("textbox", name="Scratchpad")).to_have_value("last words")


def test_the_scratchpad_says_when_it_is_nearly_full(room: Page) -> None:
    room.keyboard.press("s")
    pad = room.get_by_role("textbox", name="Scratchpad")
    pad.fill("x" * 18_999)
    expect(room.locator("#scratchpad-left")).to_have_text("")
    pad.fill("x" * 19_400)
    expect(room.locator("#scratchpad-left")).to_have_text("600 characters left")
    assert "characters left" not in announced(room)
    pad.fill("x" * 19_950)
    expect(room.locator("#scratchpad-left")).to_have_text("50 characters left")
    assert "50 characters left on the scratchpad" in announced(room)


def test_the_calculator_by_keyboard(room: Page) -> None:
    room.keyboard.press("k")
    display = room.get_by_role("textbox", name="Display")
    expect(display).to_be_focused()
    room.keyboard.type("0,1+0.2")
    assert announced(room) == ""  # keys are heard as they are pressed
    room.keyboard.press("Enter")
    expect(display).to_have_value("0.3")
    assert announced(room) == "0.3"
    expect(room.locator("input[name=choice]:checked")).to_have_count(0)
    room.keyboard.type("/0=")
    expect(display).to_have_value(DIVISION)
    room.keyboard.press("c")
    expect(display).to_have_value("0")
    room.keyboard.press("Escape")
    expect(display).to_be_hidden()
    expect(room.locator(".counter b")).to_have_text("1")


def test_the_calculator_by_its_buttons(room: Page) -> None:
    opener = room.get_by_role("button", name="Calculator", exact=True)
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    for name in ("1", "2", "Times", "3", "Equals"):
        room.get_by_role("button", name=name, exact=True).click()
    expect(room.get_by_role("textbox", name="Display")).to_have_value("36")
    room.get_by_role("button", name="Close the calculator").click()
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")


# --- All questions, filtered


def test_the_navigator_filters(room: Page) -> None:
    room.keyboard.press("a")
    room.keyboard.press("n")
    expect(room.locator(".counter b")).to_have_text("2")
    room.keyboard.press("f")
    expect(room.get_by_role("button", name="Flagged")).to_be_visible()
    room.keyboard.press("q")
    filters = room.get_by_role("group", name="Show")
    expect(filters.get_by_role("button")).to_have_text(
        ["All 24", "Incomplete 23", "Flagged 1", "Unseen 22"]
    )
    expect(room.locator(".nav-cell:visible")).to_have_count(24)
    filters.get_by_role("button", name="Flagged").click()
    expect(room.locator(".nav-cell:visible")).to_have_count(1)
    assert "1 question shown" in announced(room)
    room.get_by_role("link", name=re.compile("Question 2,")).click()
    expect(room.locator(".counter b")).to_have_text("2")
    room.keyboard.press("f")
    room.keyboard.press("q")
    expect(room.get_by_text("No question is flagged.").first).to_be_visible()
    expect(room.locator(".nav-cell:visible")).to_have_count(0)
    filters.get_by_role("button", name="Unseen").click()
    expect(room.locator(".nav-cell:visible")).to_have_count(22)
    filters.get_by_role("button", name="All").click()
    expect(room.locator(".nav-cell:visible")).to_have_count(24)


# --- Settings


def test_settings_hold_for_the_next_page(room: Page) -> None:
    room.keyboard.press("g")
    dialog = room.get_by_role("dialog", name="Settings")
    dialog.get_by_label("Show the counter").uncheck()
    dialog.get_by_label("Show the clock").uncheck()
    dialog.get_by_label("Show the pace line").check()
    dialog.get_by_role("button", name="Close").click()
    for _ in range(2):
        expect(room.locator(".counter")).not_to_be_visible()
        expect(room.locator(".clock-value")).not_to_be_visible()
        expect(room.locator("#pace")).to_have_text(re.compile(r"Pace: question \d+\. You: 0, "))
        assert "Pace" not in announced(room)
        room.evaluate("sessionStorage.clear()")  # as in another tab
        room.reload()
        opened(room)
    room.keyboard.press("t")
    expect(room.locator(".clock-value")).to_be_visible()
    room.keyboard.press("g")
    expect(dialog.get_by_label("Show the clock")).to_be_checked()


def test_single_keys_can_be_switched_off(room: Page) -> None:
    room.keyboard.press("?")
    room.get_by_role("dialog", name="On the keyboard").get_by_label("Single keys work").uncheck()
    room.keyboard.press("Escape")
    for key in ("n", "a", "Shift+A", "k", "s", "g", "h", "q", "?"):
        room.keyboard.press(key)
    expect(room.locator(".counter b")).to_have_text("1")
    expect(room.locator("dialog[open], .is-struck, input[name=choice]:checked")).to_have_count(0)
    room.get_by_role("button", name="Keys on the keyboard").click()
    room.get_by_role("dialog", name="On the keyboard").get_by_label("Single keys work").check()
    room.keyboard.press("Escape")
    room.keyboard.press("n")
    expect(room.locator(".counter b")).to_have_text("2")


def test_a_key_is_heard_as_soon_as_a_dialog_is_closed(room: Page) -> None:
    room.keyboard.press("g")
    expect(room.get_by_label("Show the pace line")).to_be_visible()
    room.evaluate(
        """() => {
            const field = document.activeElement;
            field.closest("dialog").close();
            const key = { key: "A", shiftKey: true, bubbles: true };
            field.dispatchEvent(new KeyboardEvent("keydown", key));
        }"""
    )
    expect(room.locator(".is-struck")).to_have_count(1)


def test_a_key_held_with_another_is_the_browser_s(room: Page) -> None:
    for key in ("Control+a", "Alt+b", "Meta+d", "Control+Shift+C"):
        room.keyboard.press(key)
    expect(room.locator("input[name=choice]:checked, .is-struck")).to_have_count(0)


def test_a_browser_that_refuses_storage_still_has_the_tools(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = as_person(attempt.user, "/")
    page.add_init_script(
        """for (const name of ["localStorage", "sessionStorage"]) {
            Object.defineProperty(window, name, {
                get() { throw new DOMException("Refused", "SecurityError"); },
            });
        }"""
    )
    page.goto(path(attempt))
    opened(page)
    page.keyboard.press("g")
    page.get_by_label("Show the pace line").check()
    page.keyboard.press("Escape")
    expect(page.locator("#pace")).to_be_visible()
    page.keyboard.press("Shift+A")
    expect(page.locator(".is-struck")).to_have_count(1)


# --- Time


def ends_in(attempt: Attempt, **left: float) -> None:
    """Of an exam that began with more time than any warning is about."""
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(
        started_at=now - timedelta(minutes=30), deadline=now + timedelta(**left)
    )


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (30, "30 minutes left."),
        (10, "10 minutes left."),
        (5, "5 minutes left."),
        (1, "1 minute left. Whatever you have chosen by then counts."),
    ],
)
def test_a_warning_is_given_once(
    as_person: AsPerson, attempt: Attempt, minutes: int, words: str
) -> None:
    ends_in(attempt, minutes=minutes, seconds=4)
    page = as_person(attempt.user, path(attempt))
    expect(page.locator(".strike")).to_have_count(4)
    expect(page.locator("#notices")).not_to_contain_text(" left.")
    expect(page.locator("#notices")).to_contain_text(words, timeout=10_000)
    assert announced(page).count(words) == 1
    page.wait_for_timeout(1500)
    assert announced(page).count(words) == 1
    page.reload()
    opened(page)
    page.wait_for_timeout(1500)
    expect(page.locator("#notices")).not_to_contain_text(" left.")
    assert words not in announced(page)


def test_added_time_brings_the_warning_back(as_person: AsPerson, attempt: Attempt) -> None:
    ends_in(attempt, minutes=10, seconds=-1)
    page = opened(as_person(attempt.user, path(attempt)))
    expect(page.locator("#notices")).to_contain_text("10 minutes left.")
    ends_in(attempt, minutes=20)
    page.reload()
    opened(page)
    page.wait_for_timeout(1500)  # a tick or two with the new deadline
    expect(page.locator("#notices")).not_to_contain_text(" left.")
    ends_in(attempt, minutes=10, seconds=-1)
    page.reload()
    expect(opened(page).locator("#notices")).to_contain_text("10 minutes left.")


def test_an_exam_of_thirty_minutes_does_not_begin_with_a_warning(
    as_person: AsPerson, attempt: Attempt
) -> None:
    now = timezone.now()
    times = Attempt.objects.filter(pk=attempt.pk)
    times.update(started_at=now, deadline=now + timedelta(minutes=30))
    page = opened(as_person(attempt.user, path(attempt)))
    page.wait_for_timeout(1500)  # a tick or two
    expect(page.locator("#notices")).not_to_contain_text(" left.")
    assert "30 minutes left." not in announced(page)
    times.update(started_at=now - timedelta(seconds=1))  # begun with a second more
    page.reload()
    expect(opened(page).locator("#notices")).to_contain_text("30 minutes left.")


@pytest.mark.parametrize(
    ("seconds", "clock", "words"),
    [
        (29 * 60 + 10, r"0:29:\d\d", "You have 29 minutes left."),
        (60 + 40, r"0:01:\d\d", "You have 1 minute left."),
        (40, r"0:00:\d\d", "You have less than a minute left."),
    ],
)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_review_says_the_time_as_the_clock_does(
    as_person: AsPerson, attempt: Attempt, seconds: int, clock: str, words: str, scripts: bool
) -> None:
    ends_in(attempt, seconds=seconds)
    page = as_person(
        attempt.user, f"/attempts/{attempt.public_id}/review/", java_script_enabled=scripts
    )
    if scripts:
        expect(page.locator("[data-clock-toggle]")).to_be_visible()
    expect(page.locator(".clock-value")).to_have_text(re.compile(clock))
    expect(page.locator("[data-words=left]")).to_have_text(words)


def test_the_clock_itself_never_speaks(room: Page) -> None:
    assert room.locator("#clock [aria-live=polite], #clock [role=status]").count() == 0
    expect(room.get_by_role("timer")).to_have_attribute("aria-live", "off")
    before = announced(room)
    room.wait_for_timeout(2200)
    assert announced(room) == before


def test_the_reminder_of_a_break(as_person: AsPerson, attempt: Attempt) -> None:
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(
        started_at=now - timedelta(minutes=45), deadline=now + timedelta(minutes=75)
    )
    page = opened(as_person(attempt.user, path(attempt)))
    page.wait_for_timeout(1500)
    expect(page.locator("#notices")).not_to_contain_text("45 minutes done")
    page.keyboard.press("g")
    page.get_by_label("Remind me of a break").select_option("45")
    page.keyboard.press("Escape")
    expect(page.locator("#notices")).to_contain_text("45 minutes done")
    expect(page.locator("#notices")).to_contain_text("the clock goes on")
    page.reload()
    opened(page)
    page.wait_for_timeout(1500)
    expect(page.locator("#notices")).not_to_contain_text("45 minutes done")


# --- Strict rehearsal


def look_away(page: Page, milliseconds: int) -> None:
    """The page goes out of sight and comes back. (Headless pages are always in sight.)"""
    set_hidden = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(set_hidden, True)
    page.wait_for_timeout(milliseconds)
    page.evaluate(set_hidden, False)


def lose_focus(page: Page, milliseconds: int) -> None:
    page.evaluate("dispatchEvent(new Event('blur'))")
    page.wait_for_timeout(milliseconds)
    page.evaluate("dispatchEvent(new Event('focus'))")


def test_in_strict_mode_leaving_is_counted_and_said(as_person: AsPerson, attempt: Attempt) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(strict=True)
    page = opened(as_person(attempt.user, path(attempt)))
    look_away(page, 1200)
    expect(page.locator("#notices")).to_contain_text(
        "You left the window for 1 second. In strict mode this is counted and shown to you alone, "
        "at the end."
    )
    lose_focus(page, 500)  # a glance
    lose_focus(page, 2500)
    kept(page)
    attempt.refresh_from_db()
    assert attempt.departures == 2
    assert 3_500 <= attempt.away_ms <= 6_000
    page.reload()  # is no departure
    opened(page)
    attempt.refresh_from_db()
    assert attempt.departures == 2


def test_closing_the_page_is_no_way_around_strict_mode(
    as_person: AsPerson, attempt: Attempt
) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(strict=True)
    page = opened(as_person(attempt.user, path(attempt)))
    page.goto("/")
    page.wait_for_timeout(5_500)
    page.goto(path(attempt))
    expect(page.locator("#notices")).to_contain_text("You left the window for")
    kept(opened(page))
    attempt.refresh_from_db()
    assert attempt.departures == 1
    assert attempt.away_ms >= 5_000


def test_after_the_end_nothing_is_a_departure(as_person: AsPerson, attempt: Attempt) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(strict=True)
    page = opened(as_person(attempt.user, path(attempt)))
    remembered = f"localStorage.getItem('touchstone.left:{attempt.public_id}')"
    page.evaluate("document.dispatchEvent(new CustomEvent('room:over'))")
    page.evaluate("dispatchEvent(new Event('blur'))")
    assert page.evaluate(remembered) is None
    page.evaluate("document.dispatchEvent(new CustomEvent('room:on'))")  # staff added time
    page.evaluate("dispatchEvent(new Event('blur'))")
    assert page.evaluate(remembered) is not None


def test_otherwise_nobody_counts_departures(room: Page, attempt: Attempt) -> None:
    look_away(room, 300)
    lose_focus(room, 2_200)
    kept(room)
    attempt.refresh_from_db()
    assert (attempt.departures, attempt.away_ms) == (0, 0)
    expect(room.locator("#notices")).not_to_contain_text("You left")


# --- On a phone


def test_one_handed_on_a_phone(as_person: AsPerson, attempt: Attempt) -> None:
    page = opened(
        as_person(attempt.user, path(attempt), viewport=PHONE, has_touch=True, is_mobile=True)
    )
    strike = page.get_by_role("button", name="Strike out A")
    expect(strike).to_have_css("opacity", "1")  # there is nothing to hover with
    strike.tap()
    expect(page.locator(".is-struck")).to_have_count(1)
    expect(page.get_by_role("button", name="Calculator")).to_be_hidden()
    page.get_by_role("button", name="Tools").tap()
    for tool in page.locator(".tools-list > .tool:visible").all():
        box = tool.bounding_box()
        assert box is not None
        assert box["y"] > 370  # in the lower half, under the thumb
        assert box["height"] >= 44
    page.get_by_role("button", name="Calculator").tap()
    expect(page.locator("#tools-list")).to_be_hidden()
    expect(page.locator("#calculator")).to_be_visible()
    page.get_by_role("button", name="Close the calculator").tap()
    page.get_by_role("button", name="Tools").tap()
    page.get_by_role("button", name="Scratchpad").tap()
    expect(page.locator("#scratchpad")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Close the scratchpad").tap()
    small = page.evaluate(
        """() => [...document.querySelectorAll("#room :is(button, a, summary, select)")]
            .filter((e) => e.checkVisibility({ opacityProperty: true }))
            .filter((e) => e.getBoundingClientRect().height < 44
                && !e.closest(".visually-hidden, #stem"))
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert small == []
