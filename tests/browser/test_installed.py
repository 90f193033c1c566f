"""The exam room as it is installed: files with a hash in their name, the service worker, the real
server, and a browser profile that is closed and opened again. The other browser tests serve files
as they lie in the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from tests.browser.conftest import Complaints
from tests.browser.installation import PASSWORD, Installation, fresh_installation
from tests.browser.room import (
    at,
    choose,
    delivered,
    forgive_the_network,
    held,
    ready,
    saved,
    wait_until,
)

PATIENCE = 20_000
_HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")
_EVENTS = """
from attempts.models import AnswerEvent
rows = AnswerEvent.objects.filter(item__attempt__public_id="{attempt}")
rows = rows.order_by("item__position", "revision")
print([(e.item.position, e.revision) for e in rows.select_related("item")])
print(rows.order_by().values("op").distinct().count())
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with fresh_installation() as installation:
        yield installation


class Laptop:
    """One browser profile, as often as it is opened."""

    def __init__(
        self, browser_type: BrowserType, args: dict[str, object], url: str, profile: Path
    ) -> None:
        self._browser_type, self._args, self._url = browser_type, args, url
        self._profile = profile
        self.context: BrowserContext | None = None

    def page(self, complaints: Complaints) -> Page:
        self.close()
        self.context = self._browser_type.launch_persistent_context(
            self._profile,
            base_url=self._url,
            **self._args,  # type: ignore[arg-type]
        )
        self.context.set_default_timeout(PATIENCE)
        page = self.context.new_page()
        page.on("console", complaints.note)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        return page

    def close(self) -> None:
        if self.context is not None:
            self.context.close()
            self.context = None


@pytest.fixture
def laptop(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, object],
    installation: Installation,
    tmp_path: Path,
) -> Iterator[Laptop]:
    expect.set_options(timeout=PATIENCE)
    laptop = Laptop(browser_type, browser_type_launch_args, installation.url, tmp_path / "profile")
    yield laptop
    laptop.close()
    expect.set_options(timeout=5_000)


def test_a_reload_and_a_closed_browser_without_a_network(
    laptop: Laptop, installation: Installation, complaints: Complaints
) -> None:
    page = laptop.page(complaints)
    log_in(page)
    page.goto("/exams/quick/?outline=current")
    for box in page.locator("form.start input[type=checkbox]").all():
        box.check()
    page.locator("form.start button").last.click()
    page.wait_for_url(re.compile("/items/1/"))
    ready(page)
    assert complaints == []
    files = page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)"
    )
    ours = [path for path in files if path.startswith("/static/")]
    assert ours
    assert all(_HASHED.search(path) for path in ours)
    attempt = page.locator("#room").get_attribute("data-attempt") or ""

    page.context.set_offline(True)
    page.reload()
    at(page, 1)
    for position in range(1, 25):
        at(page, position)
        expect(page.locator("#stem")).not_to_be_empty()
        choose(page, position % 4)
        page.keyboard.press("n")
    page.get_by_role("link", name="Back to question").click()
    choose(page, 1)
    page.get_by_role("button", name="Flag").click()
    page.keyboard.press("Shift+D")
    page.keyboard.press("s")
    page.locator("#scratchpad textarea").fill("kept on the train")
    expect(page.locator("#save-state")).to_have_text("24 answers waiting to be saved")
    wait_until(page, lambda: held(page) > 27, 10)

    page = laptop.page(complaints)
    page.context.set_offline(True)
    page.goto(f"/attempts/{attempt}/items/24/")
    at(page, 24)
    expect(page.locator("input[name=choice]").nth(1)).to_be_checked()
    expect(page.locator("label.option").nth(3)).to_have_class(re.compile("is-struck"))
    assert page.evaluate("getComputedStyle(document.querySelector('label.option')).display") != (
        "inline"
    )  # the style sheets are there too
    page.context.set_offline(False)
    delivered(page)
    saved(page)
    listed, named = installation.shell(_EVENTS.format(attempt=attempt)).splitlines()
    assert listed == str([*[(position, 1) for position in range(1, 25)], (24, 2)])
    assert named == "25"
    page.reload()
    expect(page.locator("#flag")).to_contain_text("Flagged")
    page.keyboard.press("s")
    expect(page.locator("#scratchpad textarea")).to_have_value("kept on the train")
    forgive_the_network(complaints)


def log_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill("candidate@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").last.click()
    page.get_by_role("button", name="Log out").wait_for()
