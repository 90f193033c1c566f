"""Real Chromium. `as_person` opens a context logged in as somebody; `axe_clean` judges a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from attempts.models import Attempt
from tests.browser.room import ready
from tests.world import World

AsPerson = Callable[..., Page]
AXE: Final = Axe().axe_script
JUDGED: Final = """async (options) => {
    const moving = document.getAnimations();
    const ending = moving.filter((one) => one.effect.getComputedTiming().endTime < Infinity);
    await Promise.allSettled(ending.map((one) => one.finished));
    return (await axe.run(options)).violations;
}"""


class Complaints(list[str]):
    """What the browser complained of: script errors, refused content, failed requests."""

    def note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.append(f"{message.type}: {message.text}")


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Collects; the test fails at its end if a page complained of anything it did not expect."""
    found = Complaints()
    yield found
    assert found == []


@pytest.fixture
def as_person(
    browser: Browser, live_server: LiveServer, complaints: Complaints
) -> Iterator[AsPerson]:
    """Open a page as a logged-in person (or nobody), with any Playwright context options."""
    contexts: list[BrowserContext] = []

    def open_page(user: User | None = None, path: str = "/", **options: object) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            context.add_cookies(
                [{"name": cookie.key, "value": cookie.value, "url": live_server.url}]
            )
        page = context.new_page()
        page.on("console", complaints.note)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def attempt(live_world: World) -> Attempt:
    """An exam that Ada has just begun."""
    return live_world.start(live_world.ada, "quick", seed=7)


@pytest.fixture
def room(as_person: AsPerson, attempt: Attempt) -> Page:
    """Her exam room, once its scripts listen and it would stand a reload without a network."""
    page = as_person(attempt.user, f"/attempts/{attempt.public_id}/")
    ready(page)
    return page


def axe_clean(page: Page) -> None:
    """Fails with axe's own words when it finds anything at all on the page as it stands."""
    found = violations(page)
    assert not found, "\n".join(found)


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """A line for each element that axe finds fault with, by all of its rules unless told which.

    What moves comes to rest first: half-way, a colour may have too little contrast. The script is
    half a megabyte and stays in the page once it is there; of the results only the faults leave the
    browser.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    faults = page.evaluate(JUDGED, options)
    return [
        f"{fault['id']} ({fault['impact']}) {node['target']}: {node['html'][:120]}"
        for fault in faults
        for node in fault["nodes"]
    ]
