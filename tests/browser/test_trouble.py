"""The exam room among servers that answer nonsense, stores that refuse, tabs that hang, and people
who are quick."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import APIResponse, Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from attempts.models import AnswerEvent, Attempt, Marking, Scratchpad
from tests.browser.conftest import AsPerson, Complaints
from tests.browser.room import (
    SAVED,
    at,
    choose,
    delivered,
    forgive_the_network,
    held,
    log_in,
    option,
    ready,
    saved,
    stored,
    wait_until,
)
from tests.world import World

_STATE = "import('/static/js/room/state.js')"
_SYNC = "**/sync/"


@pytest.fixture(autouse=True)
def _expected_complaints(complaints: Complaints) -> Iterator[None]:
    yield
    forgive_the_network(complaints)
    expected = ("browser's storage", "status of 50", "service worker")
    complaints[:] = [line for line in complaints if not any(word in line for word in expected)]


def syncs(page: Page) -> list[dict[str, Any]]:
    """The bodies of the deliveries from now on."""
    bodies: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/sync/"):
            bodies.append(json.loads(request.post_data or "{}"))

    page.on("request", note)
    return bodies


def prepared(as_person: AsPerson, attempt: Attempt, script: str) -> Page:
    """The room in a browser that `script` has changed beforehand."""
    page = as_person(attempt.user, "/")
    page.context.add_init_script(script)
    page.goto(f"/attempts/{attempt.public_id}/")
    return page


# --- What answers is not what was asked -------------------------------------------------------

HOTEL: dict[str, Callable[[Route], None]] = {
    "bad gateway": lambda route: route.fulfill(status=502, body="Bad gateway"),
    "away": lambda route: route.fulfill(
        status=503, headers={"Retry-After": "3600"}, content_type="text/html", body="Away"
    ),
    "a page": lambda route: route.fulfill(content_type="text/html", body="<h1>Welcome</h1>"),
    "half": lambda route: route.fulfill(content_type="application/json", body='{"now": 17'),
    "other JSON": lambda route: route.fulfill(content_type="application/json", body='{"ok": true}'),
    "null": lambda route: route.fulfill(content_type="application/json", body="null"),
    "log-in": lambda route: route.fulfill(status=302, headers={"Location": "/accounts/login/"}),
}


@pytest.mark.parametrize("answer", HOTEL.values(), ids=HOTEL)
def test_whatever_answers_for_the_server_has_taken_nothing(
    room: Page, attempt: Attempt, answer: Callable[[Route], None]
) -> None:
    room.route(_SYNC, answer)
    choose(room, 2)
    expect(room.locator("#save-state")).to_have_text("1 answer waiting to be saved")
    assert re.fullmatch(r"0:3\d:\d\d", room.locator(".clock-value").inner_text())
    room.unroute(_SYNC)
    room.evaluate("dispatchEvent(new Event('online'))")
    saved(room)
    assert stored(attempt, 1) == option(attempt, 1, 2)
    assert AnswerEvent.objects.count() == 1


def test_a_failure_is_tried_again_by_itself_whatever_pause_is_asked_for(
    room: Page, attempt: Attempt
) -> None:
    """Within the first back-off of all: an hour that some box asks for is not waited."""
    room.evaluate("Math.random = () => 0.5")
    room.route(_SYNC, HOTEL["bad gateway"])
    choose(room, 2)
    expect(room.locator("#save-state")).to_have_text("1 answer waiting to be saved")
    room.unroute(_SYNC)
    saved(room)
    assert stored(attempt, 1) == option(attempt, 1, 2)


def test_the_next_try_is_spread_over_the_whole_pause(room: Page) -> None:
    """Ten thousand browsers cut off together must not come back together."""
    assert pause_with_luck(room, 0) < pause_with_luck(room, 0.99) - 0.4


def pause_with_luck(room: Page, luck: float) -> float:
    """Seconds between the first failure and the next try."""
    room.evaluate(f"Math.random = () => {luck}")
    times: list[float] = []

    def fail(route: Route) -> None:
        times.append(time.monotonic())
        route.fulfill(status=503)

    room.route(_SYNC, fail)
    choose(room, 1 if luck else 0)
    wait_until(room, lambda: len(times) > 1, 10)
    room.unroute(_SYNC)
    room.evaluate("dispatchEvent(new Event('online'))")
    delivered(room)
    return times[1] - times[0]


def test_ending_with_a_lost_session_asks_to_log_in(room: Page, attempt: Attempt) -> None:
    room.get_by_role("button", name="All questions").click()
    room.get_by_role("link", name="Review and end").click()
    room.evaluate("import('/static/js/room/queue.js').then((queue) => queue.deliver())")
    delivered(room)  # with nothing to send, nothing else would notice
    room.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    room.get_by_role("button", name="End the exam with 24 unanswered").click()
    expect(room.locator("#notices")).to_contain_text("You have been logged out.")
    assert "/review/" in room.url
    attempt.refresh_from_db()
    assert attempt.state == "in_progress"


# --- A browser that refuses -------------------------------------------------------------------

REFUSALS = {
    "no channel": "delete globalThis.BroadcastChannel",
    "no locks": "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })",
    "no store": "IDBFactory.prototype.open = () => { throw new DOMException('', 'SecurityError') }",
    "store hangs": "IDBFactory.prototype.open = () => new EventTarget()",
    "disk full": """for (const name of ["add", "put"]) {
        const ask = IDBObjectStore.prototype[name];
        IDBObjectStore.prototype[name] = function (...all) {
            queueMicrotask(() => { try { this.transaction.abort(); } catch {} });
            return ask.apply(this, all);
        };
    }""",
    "store broken": """IDBDatabase.prototype.transaction = () => {
        throw new DOMException('', 'InvalidStateError');
    }""",
    "no local storage": """for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get: () => { throw new DOMException('') } })""",
    "no worker": """ServiceWorkerContainer.prototype.register = () =>
        Promise.reject(new DOMException('', 'SecurityError'))""",
}


@pytest.mark.parametrize("script", REFUSALS.values(), ids=REFUSALS)
def test_a_browser_that_refuses_still_saves(
    as_person: AsPerson, attempt: Attempt, script: str
) -> None:
    page = prepared(as_person, attempt, script)
    # The room's own, not the form without a script: a store that hangs is given up after a while.
    expect(page.locator(".strike")).to_have_count(4, timeout=20_000)
    page.wait_for_function("window.performance.now() > 0")
    choose(page, 1)
    expect(page.locator("#save-state")).to_have_text(re.compile("^Saved"), timeout=30_000)
    choose(page, 3)
    expect(page.locator("#save-state")).to_have_text(re.compile("^Saved"), timeout=30_000)
    wait_until(page, lambda: stored(attempt, 1) == option(attempt, 1, 3), 30)
    page.get_by_role("button", name="Next").click()
    at(page, 2)
    assert list(AnswerEvent.objects.values_list("revision", flat=True)) == [1, 2]


def test_a_tab_that_hangs_does_not_hold_up_the_others(room: Page, attempt: Attempt) -> None:
    hung = room.context.new_page()
    hung.goto("/")
    hung.evaluate(
        f"void navigator.locks.request('touchstone-room:{attempt.public_id}',"
        " () => new Promise(() => {}))"
    )
    choose(room, 2)
    expect(room.locator("#save-state")).to_have_text(re.compile("^Saved"), timeout=30_000)
    assert stored(attempt, 1) == option(attempt, 1, 2)


def test_a_choice_made_while_a_delivery_comes_to_its_end_is_delivered(
    as_person: AsPerson, attempt: Attempt
) -> None:
    """Between a delivery's last look at the queue and its lock's release."""
    page = prepared(
        as_person,
        attempt,
        """const request = LockManager.prototype.request;
        LockManager.prototype.request = async function (...all) {
            const result = await request.apply(this, all);
            await new Promise((done) => setTimeout(done, 1500));
            return result;
        };""",
    )
    ready(page)
    choose(page, 0)
    saved(page)
    choose(page, 2)
    wait_until(page, lambda: stored(attempt, 1) == option(attempt, 1, 2), 15)


# --- Much at once -----------------------------------------------------------------------------


def test_a_long_queue_goes_in_few_deliveries_and_the_end_is_noticed(
    room: Page, attempt: Attempt
) -> None:
    """Six hundred changes of mind, and the attempt has been ended elsewhere meanwhile."""
    room.context.set_offline(True)
    choices = {item.position: item.choice_order for item in attempt.items.all()}
    room.evaluate(
        f"""async (choices) => {{
            const {{ record }} = await {_STATE};
            const all = [];
            for (let change = 0; change < 25; change += 1)
                for (let position = 1; position <= 24; position += 1)
                    all.push(record({{
                        kind: "answer", position, choice: choices[position][change % 4],
                    }}));
            await Promise.all(all);
        }}""",
        choices,
    )
    assert held(room) >= 600
    bodies = syncs(room)
    room.context.set_offline(False)
    delivered(room)
    assert len([body for body in bodies if body["ops"]]) <= 5
    assert AnswerEvent.objects.filter(item__attempt=attempt).count() == 600
    assert stored(attempt, 24) == option(attempt, 24, 0)
    assert not AnswerEvent.objects.exclude(chosen_at__isnull=False).exists()


def test_an_end_elsewhere_is_noticed_when_the_queue_is_through(
    room: Page, attempt: Attempt
) -> None:
    room.context.set_offline(True)
    choices = attempt.items.get(position=1).choice_order
    room.evaluate(
        f"""async (choices) => {{
            const {{ record }} = await {_STATE};
            for (let change = 0; change < 250; change += 1)
                await record({{ kind: "answer", position: 1, choice: choices[change % 4] }});
        }}""",
        choices,
    )
    Attempt.objects.filter(pk=attempt.pk).update(
        state="closed", closed_at=timezone.now(), close_reason="submitted"
    )
    room.context.set_offline(False)
    room.wait_for_url(re.compile("/(over|report)/"), timeout=30_000)


def test_what_another_device_answered_is_told_in_one_line(
    room: Page, as_person: AsPerson, attempt: Attempt
) -> None:
    phone = as_person(attempt.user, f"/attempts/{attempt.public_id}/items/1/")
    ready(phone)
    for _ in range(3):
        choose(room, 1)
        saved(room)
        room.get_by_role("button", name="Next").click()
    phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(phone.locator("#notices")).to_contain_text(
        "3 questions were answered in another tab or on another device."
    )
    expect(phone.locator("#announcer p")).to_have_count(1)


def test_a_forward_only_next_pressed_twice_goes_on_once(
    as_person: AsPerson, attempt: Attempt
) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(navigation="forward")
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    ready(page)
    choose(page, 2)
    moves: list[str] = []
    page.on("request", lambda r: moves.append(r.url) if "go=next" in (r.post_data or "") else None)
    page.get_by_role("button", name="Next").dblclick()
    at(page, 2)
    page.wait_for_timeout(500)
    at(page, 2)
    assert len(moves) == 1
    expect(page.locator("#notices")).not_to_contain_text("Choose an option first")


def test_a_drill_goes_on_while_the_reasons_are_long_in_coming(
    as_person: AsPerson, live_world: World
) -> None:
    drill = live_world.start(live_world.ada, "drill", domain=3)
    page = as_person(live_world.ada, f"/attempts/{drill.public_id}/")
    ready(page)
    waiting: list[Route] = []
    page.route("**/items/1/", lambda route: waiting.append(route))
    choose(page, 1)
    page.get_by_role("button", name="Answer").click()
    wait_until(page, lambda: bool(waiting), 10)
    page.locator("[data-foot=next]:visible").click()
    at(page, 2)
    waiting[0].continue_()
    page.wait_for_timeout(1_000)
    at(page, 2)


# --- Before the scripts are there, and after the page has gone ----------------------------------


def test_a_press_that_the_scripts_arrive_in_is_not_lost(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = as_person(attempt.user, "/")
    script: list[Route] = []
    page.route("**/js/room/room.js", lambda route: script.append(route))
    page.goto(f"/attempts/{attempt.public_id}/items/1/", wait_until="commit")
    page.locator("input[name=choice]").nth(1).hover()
    page.mouse.down()
    wait_until(page, lambda: bool(script), 10)
    script[0].continue_()
    expect(page.locator(".strike")).to_have_count(4)
    page.mouse.up()
    saved(page)
    assert stored(attempt, 1) == option(attempt, 1, 1)


def test_a_form_that_was_put_together_meanwhile_takes_nothing_back(
    as_person: AsPerson, attempt: Attempt
) -> None:
    """The server read the questions just before the first answer was stored; it had looked at its
    clock just after that answer came in, and its form arrives last."""
    page = as_person(attempt.user, "/")
    forms: list[tuple[Route, APIResponse]] = []
    page.route("**/form/", lambda route: forms.append((route, route.fetch())))
    page.goto(f"/attempts/{attempt.public_id}/items/1/")
    wait_until(page, lambda: bool(forms), 10)
    choose(page, 1)
    page.locator("#flag").click()
    page.locator("label.option").nth(3).click(button="right")
    page.keyboard.press("s")
    page.keyboard.type("mine")
    page.keyboard.press("Escape")
    saved(page)
    delivered(page)
    [(route, form)] = forms
    route.fulfill(response=form, json=form.json() | {"now": int(time.time() * 1000) + 1_000})
    ready(page)  # the form is kept, so it was taken in
    expect(page.locator("input[name=choice]").nth(1)).to_be_checked()
    expect(page.locator("#save-state")).to_have_text(SAVED)
    expect(page.get_by_role("button", name="Flagged")).to_be_visible()
    expect(page.locator("label.option").nth(3)).to_have_class(re.compile("is-struck"))
    assert page.evaluate(f"{_STATE}.then((state) => state.notes())") == "mine"
    choose(page, 2)
    saved(page)
    delivered(page)
    assert stored(attempt, 1) == option(attempt, 1, 2)
    expect(page.locator("#notices")).not_to_contain_text("another tab")


def test_what_waits_for_company_is_sent_when_the_page_goes(room: Page, attempt: Attempt) -> None:
    choose(room, 1)
    saved(room)
    delivered(room)
    for _ in range(3):
        room.get_by_role("button", name="Next").click()
    at(room, 4)  # a move that the page has not made is not told
    room.goto("/")

    def there() -> bool:
        attempt.refresh_from_db()
        return attempt.last_position == 4

    wait_until(room, there, 10)


def test_time_on_a_question_that_may_have_arrived_is_not_told_under_another_name(
    room: Page, attempt: Attempt
) -> None:
    # The server hears it, the reply is lost, and the person comes back to the question meanwhile.
    room.route("**/sync/", lambda route: (route.fetch(), route.abort())[1])
    told = room.evaluate(
        """async () => {
            const state = await import("/static/js/room/state.js");
            const queue = await import("/static/js/room/queue.js");
            await state.record({ kind: "seen", position: 7, visible_ms: 100 });
            await queue.deliver();
            await state.record({ kind: "seen", position: 7, visible_ms: 20 });
            await state.record({ kind: "seen", position: 7, visible_ms: 3 });
            return state.held().filter((op) => op.position === 7).map((op) => op.visible_ms);
        }"""
    )
    assert told == [100, 23]
    room.unroute("**/sync/")
    delivered(room)
    assert attempt.items.get(position=7).visible_ms == 123


def test_looking_around_waits_for_company(as_person: AsPerson, attempt: Attempt) -> None:
    page = as_person(attempt.user, "/")
    page.clock.install()
    page.goto(f"/attempts/{attempt.public_id}/")
    expect(page.locator(".strike")).to_have_count(4)
    page.clock.run_for(3_000)
    page.wait_for_timeout(1_000)
    bodies = syncs(page)
    for _ in range(3):
        page.get_by_role("button", name="Next").click()
        page.clock.run_for(5_000)
    page.clock.run_for(10_000)
    page.wait_for_timeout(500)
    assert bodies == []
    choose(page, 1)
    page.clock.run_for(1_000)
    wait_until(page, lambda: stored(attempt, 4) is not None, 15)
    assert {op["kind"] for op in bodies[0]["ops"]} == {"seen", "answer"}


def test_a_kept_page_shows_nothing_but_what_was_asked_for(room: Page, attempt: Attempt) -> None:
    room.context.add_init_script(
        """window.counted = new Set();
        (function look() {
            const room = document.getElementById("room");
            if (room && getComputedStyle(room).visibility === "visible")
                window.counted.add(document.querySelector("#counter b")?.textContent);
            requestAnimationFrame(look);
        })();"""
    )
    room.context.set_offline(True)
    room.goto(f"/attempts/{attempt.public_id}/items/7/")
    at(room, 7)
    room.wait_for_timeout(200)
    assert room.evaluate("[...window.counted]") == ["7"]
    assert room.evaluate("document.activeElement.id") == "main"


# --- What another device left -------------------------------------------------------------------


def left_by_another_device(attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    Marking.objects.create(item=item, struck=[item.choice_order[3]], highlights=[[0, 5]])
    Scratchpad.objects.create(attempt=attempt, text="from the phone", written_at=timezone.now())


def test_marks_and_notes_come_along_though_an_answer_was_quicker(
    as_person: AsPerson, attempt: Attempt
) -> None:
    left_by_another_device(attempt)
    page = as_person(attempt.user, "/")

    def late(route: Route) -> None:
        response = route.fetch()
        choose(page, 0)
        saved(page)
        route.fulfill(response=response)

    page.route("**/form/", late)
    page.goto(f"/attempts/{attempt.public_id}/")
    expect(page.locator("label.option").nth(3)).to_have_class(re.compile("is-struck"))
    page.keyboard.press("s")
    expect(page.locator("#scratchpad textarea")).to_have_value("from the phone")


def test_marks_and_notes_of_another_device_come_with_a_reload(room: Page, attempt: Attempt) -> None:
    left_by_another_device(attempt)
    room.reload()
    expect(room.locator("label.option").nth(3)).to_have_class(
        re.compile("is-struck"), timeout=10_000
    )
    room.keyboard.press("s")
    expect(room.locator("#scratchpad textarea")).to_have_value("from the phone")


def test_answers_of_an_earlier_exam_are_delivered_and_vouch_for_nothing_to_come(
    room: Page, attempt: Attempt, live_world: World
) -> None:
    room.context.set_offline(True)
    choose(room, 1)
    wait_until(room, lambda: held(room) > 0, 10)
    room.close(run_before_unload=False)
    ended = timezone.now() + timedelta(seconds=2)
    Attempt.objects.filter(pk=attempt.pk).update(
        state="closed", closed_at=ended, close_reason="submitted"
    )
    following = live_world.start(live_world.ada, "half", seed=8)
    page = room.context.new_page()
    bodies = syncs(page)
    room.context.set_offline(False)
    page.goto(f"/attempts/{following.public_id}/")
    delivered(page)
    assert stored(attempt, 1) == option(attempt, 1, 1)
    assert all(isinstance(body["pending_since"], int) for body in bodies)


# --- The end ----------------------------------------------------------------------------------


def shorten(attempt: Attempt, seconds: float) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        deadline=timezone.now() + timedelta(seconds=seconds)
    )


def test_when_time_is_up_the_tools_are_put_down_too(as_person: AsPerson, attempt: Attempt) -> None:
    shorten(attempt, 8)
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    ready(page)
    page.keyboard.press("s")
    page.context.set_offline(True)
    expect(page.locator("#notices")).to_contain_text("Time is up", timeout=15_000)
    expect(page.locator("#scratchpad textarea")).not_to_be_editable()
    page.keyboard.press("Shift+B")
    page.get_by_role("button", name="Highlight", exact=True).first.click()
    page.locator("#highlights input[type=checkbox]").first.click()
    marks = page.evaluate(f"{_STATE}.then((s) => s.itemAt(1))")
    assert (marks["struck"], marks["highlights"]) == ([], [])
    later = timezone.now() + timedelta(minutes=15)
    Attempt.objects.filter(pk=attempt.pk).update(deadline=later)
    page.context.set_offline(False)
    page.locator("#highlights").get_by_role("button", name="Close").click()
    expect(page.locator("input[name=choice]").first).to_be_enabled(timeout=20_000)
    expect(page.locator("#scratchpad textarea")).to_be_editable()


def test_time_that_is_added_leads_back_from_the_page_of_the_end(
    as_person: AsPerson, attempt: Attempt
) -> None:
    shorten(attempt, 5)
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    page.wait_for_url(re.compile("/over/"), timeout=20_000)
    shorten(attempt, 900)
    page.wait_for_url(re.compile("/items/"), timeout=20_000)
    choose(page, 1)
    saved(page)


def test_a_broken_page_of_the_end_is_not_run_down(room: Page, attempt: Attempt) -> None:
    asked: list[str] = []

    def broken(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500, content_type="text/html", body="Broken")

    room.context.route("**/over/", broken)
    Attempt.objects.filter(pk=attempt.pk).update(
        state="closed", closed_at=timezone.now(), close_reason="submitted"
    )
    room.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    wait_until(room, lambda: len(asked) > 0, 10)
    room.wait_for_timeout(6_000)
    assert len(asked) <= 2


def test_another_persons_log_in_ends_nothing(
    room: Page, attempt: Attempt, live_world: World, live_server: LiveServer
) -> None:
    log_in(room.context, live_world.ben, live_server.url)
    room.get_by_role("button", name="All questions").click()
    room.get_by_role("link", name="Review and end").click()
    room.get_by_role("button", name="End the exam with 24 unanswered").click()
    expect(room.locator("#notices")).to_contain_text("logged in as somebody else")
    attempt.refresh_from_db()
    assert attempt.state == "in_progress"


@override_settings(ANSWER_GRACE_SECONDS=60)
def test_who_waits_for_the_close_asks_ever_more_seldom(
    as_person: AsPerson, attempt: Attempt
) -> None:
    """A whole cohort waits for the same second."""
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(
        started_at=now - timedelta(minutes=30), deadline=now - timedelta(seconds=1)
    )
    page = as_person(attempt.user, "/")
    page.context.add_init_script("Math.random = () => 0.999;")
    bodies = syncs(page)
    page.goto(f"/attempts/{attempt.public_id}/over/")
    page.wait_for_timeout(10_000)
    assert 3 <= len(bodies) <= 5  # at once, and after 2, 5 and 9.5 seconds
