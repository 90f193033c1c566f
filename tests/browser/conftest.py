"""Real Chromium. `as_person` opens a context logged in as somebody; `axe_clean` judges a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User

AsPerson = Callable[..., Page]


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


def axe_clean(page: Page) -> None:
    """Fails with axe's own words when it finds anything at all on the page as it stands."""
    results = Axe().run(page)
    report = results.generate_report()
    assert results.violations_count == 0, report
