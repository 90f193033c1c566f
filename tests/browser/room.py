"""What tests of the exam room ask the browser for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from attempts.models import Attempt

if TYPE_CHECKING:  # it leans on this module
    from tests.browser.conftest import Complaints

SAVED = re.compile(r"^Saved \d\d:\d\d:\d\d$")

_HELD = """async () => {
    const open = indexedDB.open("touchstone-room");
    const db = await new Promise((done) => (open.onsuccess = () => done(open.result)));
    const count = db.transaction("ops").objectStore("ops").count();
    const held = await new Promise((done) => (count.onsuccess = () => done(count.result)));
    db.close();
    return held;
}"""
_READY = """async () => {
    if (!navigator.serviceWorker.controller) return false;
    const base = document.querySelector("[data-base]").dataset.base;
    if (!(await caches.match(base))) return false;
    const open = indexedDB.open("touchstone-room");
    const db = await new Promise((done) => (open.onsuccess = () => done(open.result)));
    const count = db.transaction("forms").objectStore("forms").count();
    const forms = await new Promise((done) => (count.onsuccess = () => done(count.result)));
    db.close();
    return forms > 0;
}"""


def held(page: Page) -> int:
    """How many ops this browser has kept and not delivered."""
    return int(page.evaluate(_HELD))


def wait_until(page: Page, is_so: Callable[[], bool], seconds: float) -> None:
    """Playwright's own wait_for_function takes a promise for an answer."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        page.wait_for_timeout(100)


def delivered(page: Page) -> None:
    """Waits until the browser holds nothing any more."""
    wait_until(page, lambda: held(page) == 0, 40)


def ready(page: Page) -> None:
    """Waits until the page could be reloaded without a network."""
    wait_until(page, lambda: bool(page.evaluate(_READY)), 20)


def choose(page: Page, index: int) -> None:
    page.locator("label.option").nth(index).click()


def saved(page: Page) -> None:
    expect(page.locator("#save-state")).to_have_text(SAVED, timeout=15_000)


def at(page: Page, position: int) -> None:
    expect(page.locator("#counter b")).to_have_text(str(position))


def stored(attempt: Attempt, position: int) -> int | None:
    return attempt.items.get(position=position).choice_id


def option(attempt: Attempt, position: int, index: int) -> int:
    order: list[int] = attempt.items.get(position=position).choice_order
    return order[index]


def log_in(context: BrowserContext, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


def forgive_the_network(complaints: Complaints) -> None:
    """Without a network the browser complains of each request; that is what it is there for."""
    expected = (
        "ERR_INTERNET_DISCONNECTED",
        "ERR_FAILED",
        "fetching the script",
        "Failed to fetch",
        "no reload without a network",
        "status of 401",
        "status of 409",
        "status of 404",
        "ERR_NETWORK_CHANGED",
    )
    complaints[:] = [line for line in complaints if not any(word in line for word in expected)]
