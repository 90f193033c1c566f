"""Moving takes no request and no visible wait. Times are measured and shown, never judged."""

from __future__ import annotations

import gzip
import logging
import re
import statistics
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Response, expect

from attempts.models import Attempt
from issmp_site.static import without_comments
from tests.browser.conftest import AsPerson, Complaints
from tests.browser.room import at, choose, forgive_the_network, ready, saved
from tests.world import World

logger = logging.getLogger(__name__)

_MEASURE = """async (selector) => {
    const painted = () => new Promise((done) =>
        requestAnimationFrame(() => { const channel = new MessageChannel();
            channel.port1.onmessage = done; channel.port2.postMessage(0); }));
    const before = performance.now();
    const shown = new Promise((done) =>
        document.addEventListener("room:shown", done, { once: true }));
    document.querySelector(selector).click();
    await shown;
    await painted();
    return performance.now() - before;
}"""


@pytest.fixture
def attempt(live_world: World) -> Attempt:
    return live_world.start(live_world.ada, "half", seed=7)


def test_a_move_asks_the_server_nothing(room: Page, attempt: Attempt) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/attempts/" in request.url:
            asked.append(request.url)

    room.on("request", note)
    times = [float(room.evaluate(_MEASURE, ".foot-next")) for _ in range(30)]
    at(room, 31)
    times += [float(room.evaluate(_MEASURE, ".foot-back")) for _ in range(20)]
    at(room, 11)
    room.go_back()
    at(room, 12)
    room.get_by_role("button", name="All questions").click()
    room.get_by_role("link", name="Question 40, unseen").click()
    at(room, 40)
    # What was seen goes along with the next answer, or by itself some seconds later.
    assert [url for url in asked if not url.endswith("/sync/")] == []
    logger.info(
        "a move to the next or previous question: median %.1f ms, slowest %.1f ms of %d",
        statistics.median(times),
        max(times),
        len(times),
    )


def test_focus_title_and_address_follow_a_move(room: Page, attempt: Attempt) -> None:
    room.get_by_role("button", name="Next").click()
    expect(room).to_have_title("Question 2 of 60 · Touchstone")
    expect(room).to_have_url(re.compile("/items/2/$"))
    expect(room.locator("main")).to_be_focused()
    assert room.evaluate("scrollY") == 0


def test_the_chosen_option_answers_at_once(room: Page, complaints: Complaints) -> None:
    room.context.set_offline(True)
    choose(room, 2)
    assert room.locator("input[name=choice]").nth(2).is_checked()
    room.context.set_offline(False)
    saved(room)
    forgive_the_network(complaints)


def test_a_move_before_the_form_is_there_asks_for_the_page(
    as_person: AsPerson, attempt: Attempt, complaints: Complaints
) -> None:
    page = as_person(attempt.user, "/")
    page.route("**/form/", lambda route: route.abort())
    page.goto(f"/attempts/{attempt.public_id}/")
    choose(page, 1)
    saved(page)
    page.get_by_role("button", name="Next").click()
    at(page, 2)
    expect(page).to_have_url(re.compile("/items/2/$"))
    page.get_by_role("button", name="Previous").click()
    expect(page.locator("input[name=choice]").nth(1)).to_be_checked()
    forgive_the_network(complaints)


def test_a_question_is_light_and_so_is_everything_it_needs(
    as_person: AsPerson, attempt: Attempt
) -> None:
    """Compressed sizes, as a server sends them; fonts and the prefetched form apart."""
    page = as_person(attempt.user, "/")
    bodies: dict[str, bytes] = {}

    def note(response: Response) -> None:
        path = urlsplit(response.url).path
        is_page = path.endswith("/items/1/")
        if is_page or PurePosixPath(path).suffix in {".css", ".js", ".svg"}:
            bodies[path] = response.body()

    page.on("response", note)
    page.goto(f"/attempts/{attempt.public_id}/items/1/")
    ready(page)
    sizes = {
        path: len(gzip.compress(without_comments(body) if path.endswith(".js") else body))
        for path, body in bodies.items()
    }
    question = next(size for path, size in sizes.items() if path.endswith("/items/1/"))
    logger.info(
        "a question %d bytes; cold, %d files, %d", question, len(sizes), sum(sizes.values())
    )
    assert question < 12_000
    assert sum(sizes.values()) < 60_000
