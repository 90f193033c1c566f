"""Takes the README's pictures from a running demo installation.

    python3 manage.py up                       (in another terminal)
    .venv/bin/python docs/pictures/take.py --password <the one `up` printed>

Needs the development environment (`python3 manage.py test` builds it). The candidate sits part of a
quick check for the picture of the exam room, which is discarded afterwards.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

HERE = Path(__file__).resolve().parent
DESK = {"width": 1280, "height": 800}


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes the README's pictures.")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--password", required=True, help="of the demo accounts")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )

        def person(email: str) -> Page:
            context = browser.new_context(base_url=options.url, viewport=DESK)  # type: ignore[arg-type]  # a plain dict is a ViewportSize
            page = context.new_page()
            page.goto("/accounts/login/")
            page.get_by_label("E-mail").fill(email)
            page.get_by_label("Password", exact=True).fill(options.password)
            page.locator("main").get_by_role("button", name="Log in").click()
            expect(page).to_have_url(re.compile(r"/$"))
            return page

        candidate = person("candidate@example.org")
        take_room(candidate)
        take_report(candidate)
        take_dashboard(person("lead@example.org"))
        browser.close()


def take_room(page: Page) -> None:
    page.goto("/exams/quick/")
    page.get_by_label("I agree to these terms").check()
    page.get_by_role("button", name=re.compile("Start")).click()
    for number in range(1, 5):
        expect(page.locator(".counter b")).to_have_text(str(number))
        page.locator(".option").nth(1).click()
        expect(page.locator("#save-state")).to_have_text(re.compile("Saved"))
        page.get_by_role("button", name="Next").click()
    expect(page.locator(".counter b")).to_have_text("5")
    page.locator(".option").nth(2).click()
    expect(page.locator("#save-state")).to_have_text(re.compile("Saved"))
    page.keyboard.press("Shift+D")  # struck out
    page.get_by_role("button", name="Flag").click()
    expect(page.get_by_role("button", name="Flagged")).to_be_visible()
    page.screenshot(path=HERE / "exam.png")
    page.get_by_role("button", name="All questions").click()
    page.get_by_role("link", name="Discard this exam").click()
    page.get_by_role("button", name=re.compile("Discard")).click()


def take_report(page: Page) -> None:
    page.goto("/attempts/")
    page.get_by_role("link", name="Half exam").first.click()
    page.screenshot(path=HERE / "report.png")


def take_dashboard(page: Page) -> None:
    page.goto("/groups/")
    page.get_by_role("link", name="Thursday study group").click()
    page.set_viewport_size({"width": 1280, "height": 1160})
    page.screenshot(path=HERE / "dashboard.png")


if __name__ == "__main__":
    main()
