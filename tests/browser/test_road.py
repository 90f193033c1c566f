"""The whole road on a fresh installation, as each of the three people walks it.

`manage.py up` runs for real: its own Postgres, Redis, worker, beat and web server, on an empty
data directory. Everything a person does here is done in Chromium; only time is helped along, from
a second terminal. It is one test, because each leg starts where another has led.
"""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from issmp_site.demo import INSTRUCTOR, LEAD
from tests.browser.conftest import Complaints
from tests.browser.installation import PASSWORD, Installation, fresh_installation

NORA = "nora@example.org"  # the candidate who signs up on the way
PATIENCE = 20_000  # milliseconds; two shared cores run all of this at once


class Enter(Protocol):
    def __call__(self, email: str, **options: Any) -> Page: ...


@pytest.fixture
def installation() -> Iterator[Installation]:
    with fresh_installation() as installation:
        yield installation


@pytest.fixture(autouse=True)
def _patient() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def enter(browser: Browser, installation: Installation, complaints: Complaints) -> Iterator[Enter]:
    """A browser of one's own, logged in by the form; with no address, a stranger's."""
    contexts: list[BrowserContext] = []

    def open_browser(email: str, **options: Any) -> Page:
        context = browser.new_context(base_url=installation.url, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", complaints.note)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.goto("/")
        if email:
            log_in(page, email)
        return page

    yield open_browser
    for context in contexts:
        context.close()


def log_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").last.click()
    page.get_by_role("button", name="Log out").wait_for()


def saved(page: Page) -> None:
    expect(page.locator("#save-state")).to_have_text(re.compile(r"Saved \d\d:\d\d:\d\d"))


def words(markup: str) -> str:
    """What a reader reads of it: no tags, entities resolved, single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def test_the_whole_road(enter: Enter, installation: Installation, tmp_path: Path) -> None:
    a_stranger_signs_up(enter, installation)
    an_exam_from_its_rules_to_its_report(enter, tmp_path / "exam.har")
    the_clock_ends_an_exam_that_nobody_comes_back_to(enter, installation)
    an_instructor_writes_a_question(enter)
    the_question_appears_and_explains_itself(enter)
    a_lead_sees_how_the_group_stands(enter)
    a_candidate_joins_a_group_and_takes_it_back(enter)
    assert installation.launcher.stop() == 0
    assert installation.launcher.output.endswith("Stopped.\n")


# --- The candidate --------------------------------------------------------------------------


def a_stranger_signs_up(enter: Enter, installation: Installation) -> None:
    page = enter("", timezone_id="Europe/Lisbon")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("E-mail address").fill(NORA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()

    page.goto(installation.mailed_link(NORA))
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page.get_by_text(f"{NORA} is confirmed.")).to_be_visible()

    page.get_by_role("link", name="Profile").click()
    page.get_by_label("Name").fill("Nora")
    page.get_by_role("button", name="Choose it").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Lisbon")
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="Welcome, Nora")).to_be_visible()


def an_exam_from_its_rules_to_its_report(enter: Enter, record: Path) -> None:
    """Until it is ended, no response holds a rationale; `record` keeps what the server sent."""
    page = enter(
        NORA,
        record_har_path=record,
        record_har_content="embed",
        record_har_url_filter=re.compile("/(exams|attempts)/"),
    )
    page.get_by_role("link", name="Look at the rules").click()
    expect(
        page.get_by_text("It starts when you press the button and does not pause")
    ).to_be_visible()
    page.get_by_label("I agree to these terms").check()
    page.get_by_role("button", name="Start the quick check").click()

    stems = []
    for position in range(1, 24):
        expect(page).to_have_title(f"Question {position} of 24 · Touchstone")
        stems.append(page.locator("#stem").inner_text())
        if position <= 12:
            page.locator(".option").nth(position % 4).click()
            saved(page)
            if position == 5:
                page.get_by_role("button", name="Flag").click()
                expect(page.get_by_role("button", name="Flagged")).to_be_visible()
            page.get_by_role("button", name="Next").click()
        else:
            page.keyboard.press("abcd"[position % 4])
            saved(page)
            page.keyboard.press("n")
    expect(page).to_have_title("Question 24 of 24 · Touchstone")
    page.get_by_role("button", name="Review and end").click()
    expect(page.get_by_text("1 of 24 questions is unanswered.")).to_be_visible()
    flagged = page.get_by_role("region", name="Flagged").get_by_role("link")
    expect(flagged).to_have_text(re.compile("Question 5, answered, flagged"))
    page.get_by_role("region", name="Unanswered").get_by_role("link").click()
    expect(page).to_have_title("Question 24 of 24 · Touchstone")
    page.keyboard.press("d")
    saved(page)
    page.keyboard.press("n")
    expect(page.get_by_text("All 24 questions are answered.")).to_be_visible()
    page.get_by_role("button", name="End the exam").click()

    # The report comes by itself, from a scoring on Celery.
    page.wait_for_url(re.compile("/report/"))
    expect(page.locator(".answer-sentence")).to_contain_text(re.compile(r"Practice score \d+"))
    domains = page.get_by_role("region", name="Domain by domain")
    expect(domains.locator(".domain-row")).to_have_count(6)
    study = page.get_by_role("heading", name=re.compile("^(Study first|What to do next)$"))
    expect(study).to_be_visible()
    review = page.get_by_role("region", name="Question by question").locator(".review-item")
    expect(review).to_have_count(24)
    review.first.locator("summary").first.click()
    expect(review.first.locator(".rationale")).to_have_count(4)
    for rationale in review.first.locator(".rationale").all():
        expect(rationale).to_be_visible()
    page.get_by_role("link", name="Show all of these with the reasons on one page").click()
    for index in range(24):
        expect(review.nth(index).locator(".rationale")).to_have_count(4)
        assert review.nth(index).locator(".references li").count() >= 1
    reasons = [
        words(text) for text in review.locator(".rationale, .rationale-tag").all_text_contents()
    ]
    page.context.close()

    before, after = either_side_of_the_end(record)
    assert [stem for stem in stems if words(stem) not in before] == []
    assert [reason for reason in reasons if reason in before] == []
    assert [reason for reason in reasons if reason not in after] == []


def either_side_of_the_end(record: Path) -> tuple[str, str]:
    """Every response of the exam in words, headers included: before it was ended, and after."""
    entries = json.loads(record.read_text())["log"]["entries"]
    end = next(i for i, e in enumerate(entries) if e["request"]["url"].endswith("/submit/"))

    def said(response: dict[str, Any]) -> str:
        headers = " ".join(header["value"] for header in response["headers"])
        text = response["content"].get("text", "")
        if response["content"]["mimeType"].startswith("application/json") and text:
            text = " ".join(strings(json.loads(text)))
        return words(f"{headers} {text}")

    return (
        " ".join(said(entry["response"]) for entry in entries[:end]),
        " ".join(said(entry["response"]) for entry in entries[end:]),
    )


def strings(value: Any) -> Iterator[str]:
    """Every text in what JSON said: keys, and values at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


ABANDONED = f"""
import time
from datetime import timedelta
from django.utils import timezone
from attempts.models import Attempt

attempt = Attempt.objects.get(user__email="{NORA}", state="in_progress")
attempt.deadline = timezone.now() + timedelta(seconds=2)
attempt.save(update_fields=["deadline"])
until = time.monotonic() + 40
while attempt.state != "scored" and time.monotonic() < until:
    time.sleep(0.3)
    attempt.refresh_from_db()
print(attempt.state, attempt.close_reason, attempt.closed_at == attempt.deadline)
"""


def the_clock_ends_an_exam_that_nobody_comes_back_to(
    enter: Enter, installation: Installation
) -> None:
    page = enter(NORA)
    page.goto("/exams/quick/")
    page.get_by_label("I agree to these terms").check()
    page.get_by_role("button", name="Start the quick check").click()
    page.locator(".option").nth(2).click()
    saved(page)
    page.context.close()
    assert installation.shell(ABANDONED) == "scored clock True"

    page = enter(NORA)
    page.get_by_role("link", name="Results", exact=True).click()
    row = page.get_by_role("row").filter(has_text="Time ran out")
    expect(row).to_contain_text("Its report tells the result")  # a late answer might still count
    row.get_by_role("link", name="Quick check", exact=True).click()
    expect(page.get_by_text("23 questions were left unanswered.")).to_be_visible()
    page.goto("/attempts/")
    expect(row).to_contain_text("of 24")


# --- The instructor -------------------------------------------------------------------------

STEM = (
    "A ferry company buys a rival. The board wants one security policy by autumn; the rival’s "
    "crews work under other laws.\n\nWhat should the security manager do first?"
)
OPTIONS = [
    ("Extend the company’s own policy to the rival as it stands.", "Ignores the rival’s laws."),
    ("Compare what both must comply with.", "Obligations come before the text of a policy."),
    ("Ask the rival’s managers to write their own policy.", "The board asked for one policy."),
    ("Wait until the first audit of the rival.", "The board’s date comes before any audit."),
]
KEY = 2


def an_instructor_writes_a_question(enter: Enter) -> None:
    page = enter(INSTRUCTOR)
    page.get_by_role("link", name="Authoring").click()
    page.get_by_role("link", name="Write a question").click()
    page.get_by_label("Stem").fill(STEM)
    page.get_by_label("Judged difficulty").fill("0.65")
    page.get_by_label("Apply").check()
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("Your draft is saved, and not published yet.")).to_be_visible()
    for missing in (
        "Choose the objective this question belongs to.",
        "Option 4 has no rationale.",
        "Give at least one public, checkable reference.",
    ):
        expect(page.get_by_role("main").get_by_text(missing)).to_be_visible()

    domain_6 = page.get_by_label("Objective").locator("optgroup").last
    objective = domain_6.locator("option").first.get_attribute("value")
    page.get_by_label("Objective").select_option(objective)
    for number, (text, rationale) in enumerate(OPTIONS, 1):
        option = page.get_by_role("group", name=f"Option {number}")
        if number == KEY:
            option.get_by_label("This is the key").check()
        else:
            option.get_by_label("Misjudgement").select_option(index=number)
        option.get_by_label("Text").fill(text)
        option.get_by_label("Rationale").fill(rationale)
    page.get_by_label("References").fill("ISO/IEC 27001:2022, clause 4.2")
    page.get_by_label("Tags").fill("merger")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    expect(page.get_by_role("region", name="In the exam")).to_contain_text("A ferry company")
    expect(page.get_by_role("region", name="After the answer")).to_contain_text(OPTIONS[3][1])
    page.get_by_role("button", name="Publish version 1").click()
    expect(
        page.get_by_text("Version 1 is published: new exams draw it from now on.")
    ).to_be_visible()


def drill_until(page: Page, words: str, answer: str) -> None:
    """Drill domain 6 until a question with these words comes, and give it this answer.

    Questions never met come first, so it comes before the domain has been gone through; on the way
    the page may ask whether to keep a simulation unseen.
    """
    start = re.compile("Start the domain drill|Use questions from it")
    for _ in range(10):
        page.goto("/exams/drill/?domain=6")
        page.get_by_role("button", name=start).click()
        for position in range(1, 11):
            expect(page).to_have_title(f"Question {position} of 10 · Touchstone")
            expect(page.locator(".rationale")).to_have_count(0)
            found = words in page.locator("#stem").inner_text()
            options = page.locator(".option")
            (options.filter(has_text=answer) if found else options.first).click()
            page.get_by_role("button", name="Answer").click()
            expect(page.locator(".verdict")).to_be_visible()
            if found:
                return
            page.locator(".foot-next").click()
        page.get_by_role("button", name="End the exam").click()
        page.wait_for_url(re.compile("/report/"))
    raise AssertionError(f"ten drills without {words!r}")


def the_question_appears_and_explains_itself(enter: Enter) -> None:
    page = enter(NORA)
    drill_until(page, "A ferry company", OPTIONS[KEY - 1][0])
    expect(page.locator(".verdict")).to_contain_text("is the best answer.")
    for _, rationale in OPTIONS:
        expect(page.get_by_text(rationale)).to_be_visible()

    page.get_by_role("button", name="All questions").click()
    page.get_by_role("link", name="Discard this exam").click()
    page.get_by_role("button", name="Discard the exam").click()
    expect(page.get_by_text("was discarded. It counts nowhere.")).to_be_visible()
    page.get_by_role("link", name="Results", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="Void")).to_contain_text("Domain drill")


# --- The lead -------------------------------------------------------------------------------


def heat_table(page: Page) -> Locator:
    return page.get_by_role("region", name="Members by domains").last


def a_lead_sees_how_the_group_stands(enter: Enter) -> None:
    page = enter(LEAD)
    page.get_by_role("link", name="Groups", exact=True).click()
    page.get_by_role("link", name="Thursday study group").click()
    expect(heat_table(page).locator("tbody tr")).to_have_count(8)
    expect(heat_table(page)).to_contain_text("Does not share results.")
    domains = page.get_by_role("region", name="The group’s domains")
    expect(domains.locator(".domain-row")).to_have_count(6)
    expect(page.get_by_role("region", name="Questions missed most")).to_contain_text("of 5")
    expect(page.get_by_role("region", name="Exams over time").get_by_role("img")).to_be_visible()


def a_candidate_joins_a_group_and_takes_it_back(enter: Enter) -> None:
    lead = enter(LEAD)
    lead.goto("/groups/")
    lead.get_by_role("link", name="Start a group").click()
    lead.get_by_label("Name of the group").fill("Harbour circle")
    lead.get_by_role("button", name="Start the group").click()
    lead.get_by_role("button", name="Make an invite link").click()
    invite = lead.get_by_label("Invite link").input_value()

    nora = enter(NORA)
    nora.goto(invite)
    nora.get_by_label("Show the lead my results by name").check()
    nora.get_by_role("button", name="Join the group").click()
    expect(nora.get_by_text("You have joined Harbour circle.")).to_be_visible()
    group = nora.url
    assert nora.request.get(f"{group}people/").status == 404

    lead.goto(group)
    row = heat_table(lead).get_by_role("row").filter(has_text="Nora")
    expect(row.locator(".heat-cell")).to_have_count(6)
    with lead.expect_download() as download:
        lead.get_by_role("link", name="Download CSV").click()
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["Member"] for line in lines] == ["Nora"]
    assert download.value.suggested_filename.startswith("harbour-circle-")

    nora.get_by_label("Show the lead my results by name").uncheck()
    nora.get_by_role("button", name="Save").click()
    expect(nora.get_by_text("You share nothing")).to_be_visible()
    lead.reload()
    expect(row).to_contain_text("Does not share results.")
    expect(row.locator(".heat-cell")).to_have_count(0)

    lead.get_by_role("link", name="People and invitations").click()
    lead.get_by_role("link", name="Remove Nora").click()
    lead.get_by_role("button", name="Remove").click()
    expect(lead.get_by_text("Nora is no longer in the group.")).to_be_visible()
    assert nora.request.get(group).status == 404
