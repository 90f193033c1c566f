"""The exam room with the network cut by the browser itself: nothing is lost, all of it is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, BrowserType, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from attempts.models import AnswerEvent, Attempt, NotCounted
from tests.browser.conftest import AsPerson, Complaints, axe_clean
from tests.browser.room import (
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
)
from tests.world import World


@pytest.fixture(autouse=True)
def _network_complaints(complaints: Complaints) -> Iterator[None]:
    yield
    forgive_the_network(complaints)


def cut(page: Page) -> None:
    page.context.set_offline(True)


def mend(page: Page) -> None:
    page.context.set_offline(False)


def answer_some(page: Page, attempt: Attempt) -> None:
    """Questions 1 to 4, the second thought better of, the third flagged; ends on 5."""
    choose(page, 0)
    page.get_by_role("button", name="Next").click()
    choose(page, 1)
    choose(page, 2)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Flag").click()
    choose(page, 3)
    page.get_by_role("button", name="Next").click()
    choose(page, 0)
    page.get_by_role("button", name="Next").click()
    at(page, 5)


def check_some(attempt: Attempt) -> None:
    for position, index in ((1, 0), (2, 2), (3, 3), (4, 0)):
        assert stored(attempt, position) == option(attempt, position, index)
    assert attempt.items.get(position=3).flagged
    events = AnswerEvent.objects.filter(item__attempt=attempt)
    assert list(events.values_list("item__position", "revision")) == [
        (1, 1),
        (2, 1),
        (2, 2),
        (3, 1),
        (4, 1),
    ]
    assert all(event.chosen_at and event.op and not event.late for event in events)
    assert events.values("op").distinct().count() == 5


def test_an_outage_is_sat_through_and_delivered_in_order(room: Page, attempt: Attempt) -> None:
    choose(room, 1)
    saved(room)
    cut(room)
    answer_some_later(room)
    expect(room.locator("#save-state")).to_have_text(
        re.compile(r"^3 answers waiting to be saved, last saved \d\d:\d\d:\d\d$")
    )
    assert AnswerEvent.objects.count() == 1
    mend(room)
    delivered(room)
    assert stored(attempt, 1) == option(attempt, 1, 0)
    assert stored(attempt, 2) == option(attempt, 2, 2)
    assert stored(attempt, 3) == option(attempt, 3, 3)
    at_ = AnswerEvent.objects.filter(item__attempt=attempt).order_by("chosen_at")
    assert list(at_.values_list("item__position", "revision")) == [
        (1, 1),
        (1, 2),
        (2, 1),
        (3, 1),
    ]
    room.get_by_role("button", name="Previous").click()
    saved(room)


def answer_some_later(page: Page) -> None:
    """Another thought on question 1, then 2 and 3; ends on 4."""
    choose(page, 0)
    for index in (2, 3):
        page.get_by_role("button", name="Next").click()
        choose(page, index)
    page.get_by_role("button", name="Next").click()
    at(page, 4)


def test_a_reload_without_a_network_loses_nothing(room: Page, attempt: Attempt) -> None:
    cut(room)
    answer_some(room, attempt)
    room.reload()
    at(room, 5)
    expect(room.locator("#save-state")).to_have_text("4 answers waiting to be saved")
    room.get_by_role("button", name="All questions").click()
    expect(room.locator(".nav-cell.is-answered")).to_have_count(4)
    room.get_by_role("link", name="Question 2, answered").click()
    expect(room.locator("input[name=choice]").nth(2)).to_be_checked()
    room.go_back()
    expect(room.get_by_role("heading", name="All questions")).to_be_visible()
    mend(room)
    delivered(room)
    check_some(attempt)


def test_a_crashed_tab_loses_nothing(room: Page, attempt: Attempt) -> None:
    cut(room)
    answer_some(room, attempt)
    context = room.context
    room.close(run_before_unload=False)
    again = context.new_page()
    again.goto(f"/attempts/{attempt.public_id}/items/2/")
    at(again, 2)
    expect(again.locator("input[name=choice]").nth(2)).to_be_checked()
    mend(again)
    delivered(again)
    check_some(attempt)


Laptop = Callable[[], BrowserContext]


@pytest.fixture
def laptop(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, object],
    live_server: LiveServer,
    tmp_path: Path,
) -> Iterator[Laptop]:
    """The same browser profile, as often as it is opened."""
    opened: list[BrowserContext] = []

    def open_it() -> BrowserContext:
        context = browser_type.launch_persistent_context(
            tmp_path / "profile",
            base_url=live_server.url,
            **browser_type_launch_args,  # type: ignore[arg-type]
        )
        opened.append(context)
        return context

    yield open_it
    opened[-1].close()


def test_a_closed_browser_loses_nothing_and_a_lost_session_asks_to_log_in(
    laptop: Laptop, live_server: LiveServer, attempt: Attempt
) -> None:
    context = laptop()
    log_in(context, attempt.user, live_server.url)
    page = context.new_page()
    page.goto(f"/attempts/{attempt.public_id}/")
    ready(page)
    cut(page)
    answer_some(page, attempt)
    context.close()
    context = laptop()
    context.set_offline(True)
    page = context.new_page()
    page.goto(f"/attempts/{attempt.public_id}/items/5/")
    expect(page.locator("#save-state")).to_have_text("4 answers waiting to be saved")
    context.set_offline(False)
    expect(page.locator("#notices p")).to_have_text(
        "You have been logged out. Your 4 answers are kept here. Log in to send them."
    )
    expect(page.get_by_role("link", name="Log in to send them.")).to_be_visible()
    axe_clean(page)
    assert AnswerEvent.objects.count() == 0
    log_in(context, attempt.user, live_server.url)
    page.goto(f"/attempts/{attempt.public_id}/")
    delivered(page)
    check_some(attempt)


def test_answers_are_never_sent_under_another_name(
    room: Page, attempt: Attempt, live_world: World, live_server: LiveServer
) -> None:
    log_in(room.context, live_world.ben, live_server.url)
    choose(room, 1)
    expect(room.locator("#notices")).to_contain_text(
        "You are logged in as somebody else; these answers belong to another account and are kept, "
        "not sent."
    )
    expect(room.locator("#save-state")).to_have_text("1 answer waiting to be saved")
    assert AnswerEvent.objects.count() == 0
    log_in(room.context, attempt.user, live_server.url)
    room.evaluate("window.dispatchEvent(new Event('online'))")
    saved(room)
    expect(room.locator("#notices")).not_to_contain_text("somebody else")
    assert stored(attempt, 1) == option(attempt, 1, 1)


def test_failure_and_recovery_are_spoken_once(room: Page) -> None:
    room.evaluate(
        """() => {
            window.spoken = [];
            new MutationObserver((records) => {
                for (const record of records)
                    for (const node of record.addedNodes) window.spoken.push(node.textContent);
            }).observe(document.getElementById("announcer"), { childList: true });
        }"""
    )
    cut(room)
    for index in (0, 1, 2):
        choose(room, index)
        expect(room.locator("#save-state")).to_have_text("1 answer waiting to be saved")
    mend(room)
    delivered(room)
    saved(room)
    assert room.evaluate("window.spoken") == [
        "The connection is away. Your answers are kept here and saved when it is back.",
        "The connection is back. All your answers are saved.",
    ]


def test_ending_needs_the_connection_and_says_so(room: Page, attempt: Attempt) -> None:
    cut(room)
    choose(room, 0)
    room.get_by_role("button", name="All questions").click()
    room.get_by_role("link", name="Review and end").click()
    end = room.get_by_role("button", name="End the exam with 23 unanswered")
    end.click()
    expect(room.locator("#notices")).to_contain_text("Ending needs the connection")
    expect(room.locator("#notices")).to_contain_text(
        f"the exam ends by itself at {timezone.localtime(attempt.deadline):%H:%M}"
    )
    mend(room)
    delivered(room)
    end.click()
    room.wait_for_url(re.compile("/report/"))
    attempt.refresh_from_db()
    assert attempt.state == "closed"
    assert stored(attempt, 1) == option(attempt, 1, 0)


# --- The deadline passes without a network ----------------------------------------------------


def shorten(attempt: Attempt, seconds: float) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        deadline=timezone.now() + timedelta(seconds=seconds)
    )


def overrun(as_person: AsPerson, attempt: Attempt) -> Page:
    """A page on which an answer was given without a network, and then the time ran out."""
    shorten(attempt, 9)
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    ready(page)
    cut(page)
    choose(page, 1)
    expect(page.locator("#save-state")).to_have_text("1 answer waiting to be saved")
    expect(page.locator("#notices")).to_contain_text(
        "Time is up, and the connection is away. 1 answer could not be sent yet and waits here.",
        timeout=15_000,
    )
    return page


def test_an_answer_chosen_in_time_and_delivered_late_counts(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = overrun(as_person, attempt)
    assert page.locator("input[name=choice]:enabled").count() == 0
    page.wait_for_timeout(6_000)  # past the grace, so that the server has closed it
    mend(page)
    page.wait_for_url(re.compile("/over/"), timeout=40_000)
    expect(page.get_by_role("heading", name="Saved after the end, and counted")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^Question 1, chosen \d\d:\d\d:\d\d"))).to_be_visible()
    axe_clean(page)
    event = AnswerEvent.objects.get(item__attempt=attempt)
    attempt.refresh_from_db()
    assert event.late
    assert event.chosen_at is not None
    assert event.chosen_at <= attempt.deadline < event.at
    assert stored(attempt, 1) == option(attempt, 1, 1)
    page.get_by_role("link", name="Open the report").click()
    page.wait_for_url(re.compile("/report/"))


def test_what_comes_after_the_allowance_is_told_and_not_counted(
    as_person: AsPerson, attempt: Attempt, settings: Settings
) -> None:
    settings.LATE_ANSWER_MINUTES = 0
    page = overrun(as_person, attempt)
    page.wait_for_timeout(6_000)
    mend(page)
    page.wait_for_url(re.compile("/over/"), timeout=40_000)
    expect(page.get_by_role("heading", name="Not counted")).to_be_visible()
    expect(page.get_by_text("1 answer came too late and does not count.").first).to_be_visible()
    axe_clean(page)
    assert stored(attempt, 1) is None
    assert NotCounted.objects.get().reason == "too_late"


def test_the_way_to_the_report_leads_past_what_is_still_held(
    as_person: AsPerson, attempt: Attempt
) -> None:
    page = overrun(as_person, attempt)
    page.close(run_before_unload=False)
    page.context.set_offline(False)
    Attempt.objects.filter(pk=attempt.pk).update(deadline=timezone.now() - timedelta(seconds=6))
    report = page.context.new_page()
    report.goto(f"/attempts/{attempt.public_id}/report/")
    expect(report).to_have_url(re.compile("/over/"))
    expect(report.get_by_role("heading", name="Your quick check is over")).to_be_visible()
    delivered(report)


# --- Exams with rules of their own ------------------------------------------------------------


def test_a_drill_keeps_the_answer_and_gives_the_reasons_when_it_can(
    as_person: AsPerson, live_world: World
) -> None:
    drill = live_world.start(live_world.ada, "drill", domain=3)
    page = as_person(live_world.ada, f"/attempts/{drill.public_id}/")
    ready(page)
    cut(page)
    choose(page, 1)
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#notices")).to_contain_text(
        "Your answer is kept. The reasons come when the connection is back."
    )
    assert page.locator(".rationale").count() == 0
    assert page.locator("input[name=choice]:enabled").count() == 0
    mend(page)
    expect(page.locator(".rationale")).to_have_count(4, timeout=20_000)
    assert stored(drill, 1) == option(drill, 1, 1)


def test_a_forward_only_exam_waits_for_the_connection_to_go_on(
    as_person: AsPerson, attempt: Attempt
) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(navigation="forward")
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    ready(page)
    cut(page)
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#notices")).to_contain_text("Choose an option first")
    choose(page, 2)
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#notices")).to_contain_text("Going on needs the connection")
    at(page, 1)
    page.reload()
    expect(page.locator("input[name=choice]").nth(2)).to_be_checked()
    mend(page)
    delivered(page)
    page.get_by_role("button", name="Next").click()
    at(page, 2)
    assert stored(attempt, 1) == option(attempt, 1, 2)
    page.go_back()
    at(page, 2)


def test_nothing_of_a_key_is_in_the_browser(room: Page, attempt: Attempt) -> None:
    kept = room.evaluate(
        """async () => {
            const open = indexedDB.open("touchstone-room");
            const db = await new Promise((done) => (open.onsuccess = () => done(open.result)));
            const all = [];
            for (const name of db.objectStoreNames) {
                const rows = db.transaction(name).objectStore(name).getAll();
                all.push(await new Promise((done) => (rows.onsuccess = () => done(rows.result))));
            }
            const pages = [];
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys())
                    if (request.url.includes("/attempts/"))
                        pages.push(await (await cache.match(request)).text());
            }
            return JSON.stringify(all) + pages.join("");
        }"""
    )
    for item in attempt.items.select_related("version"):
        assert item.version.stem_html[3:60] in kept
        for choice in item.version.choices.all():
            assert choice.rationale[:40] not in kept
            assert not choice.misjudgement or choice.misjudgement not in kept
    assert "is-correct" not in kept
    assert held(room) <= 1
