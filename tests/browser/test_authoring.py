"""The instructor's desk in a real browser: nothing for axe to find, nothing blocked by the policy,
nothing wider than a phone; and what its scripts add."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Request, Route, expect

from domains.models import Domain, Outline
from questions import services
from questions.models import Question, Scenario
from tests.browser.conftest import AsPerson, Complaints, axe_clean
from tests.questions.desk import ADD, BANK, page_of
from tests.questions.items import REASON, STEM, TEXTS
from tests.world import World


def check(page: Page) -> None:
    axe_clean(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_nothing_to_find(
    as_person: AsPerson, live_world: World, complaints: Complaints, width: int, scheme: str
) -> None:
    read, draft = Question.objects.filter(scenario__isnull=True)[:2]
    in_set = Question.objects.filter(scenario__isnull=False)[0]
    scenario = Scenario.objects.get(questions=in_set)
    services.draft_from_published(draft)
    page = as_person(
        live_world.ines,
        reverse("admin:index"),
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
    )
    check(page)
    for path in (
        BANK,
        f"{BANK}?q=zeppelin&status=published",
        page_of(read),
        page_of(draft),
        page_of(in_set, "preview"),
        page_of(draft, "preview"),
        page_of(read, "retire"),
        page_of(draft, "discard"),
        page_of(read, "history"),
        reverse("admin:questions_scenario_changelist"),
        reverse("admin:questions_scenario_change", args=[scenario.pk]),
        reverse("admin:domains_outline_change", args=[Outline.objects.default().pk]),
        reverse("admin:domains_domain_change", args=[Domain.objects.all()[0].pk]),
    ):
        page.goto(path)
        check(page)

    page.goto(ADD)
    check(page)
    page.get_by_label("Judged difficulty").fill("2")
    page.get_by_role("button", name="Save draft").click()
    page.get_by_text("Nothing was saved yet").wait_for()
    check(page)
    page.get_by_label("Judged difficulty").fill("0.5")
    page.get_by_role("button", name="Save draft").click()
    page.get_by_text("Option 4 has no rationale.").wait_for()
    check(page)
    assert [c for c in complaints if "422" not in c] == []  # the browser notes the status itself
    complaints.clear()


def test_what_the_scripts_add(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ines, ADD)
    page.get_by_label("Stem").fill("one two three")
    expect(page.get_by_text("3 words; a stem usually has 40 to 120")).to_be_visible()

    second = page.get_by_role("group", name="Option 2")
    second.get_by_label("This is the key").check()
    expect(second.get_by_label("Misjudgement")).to_be_hidden()
    page.get_by_role("group", name="Option 3").get_by_label("This is the key").check()
    expect(second.get_by_label("Misjudgement")).to_be_visible()

    entry = page.get_by_label("Never together with")
    entry.press_sequentially("two-matr")
    page.locator("datalist option[value=d3-two-matrices]").wait_for(state="attached")
    entry.fill("d3-two-matrices")
    chip = page.get_by_role("button", name="Remove d3-two-matrices")
    expect(chip).to_be_visible()
    expect(entry).to_have_value("")
    page.get_by_role("button", name="Save draft").click()
    page.get_by_text("The draft of version 1 is saved.").wait_for()
    question = Question.objects.order_by("pk").reverse()[0]
    assert [enemy.key for enemy in question.enemies.all()] == ["d3-two-matrices"]

    chip.click()
    expect(chip).to_be_hidden()
    page.get_by_role("button", name="Save draft").click()
    page.get_by_text("The draft of version 1 is saved.").wait_for()
    assert not question.enemies.exists()


def test_the_form_works_without_scripts(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ines, ADD, java_script_enabled=False)
    page.get_by_label("Stem").fill("A bank is sold. What comes first?")
    page.get_by_label("Never together with").fill("d3-two-matrices, d3-sum-of-acceptances")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    assert Question.objects.order_by("pk").reverse()[0].enemies.count() == 2


def write_sound_item(page: Page) -> None:
    page.get_by_label("Stem").fill(STEM)
    for number, text in enumerate(TEXTS, 1):
        sheet = page.get_by_role("group", name=f"Option {number}")
        sheet.get_by_label("Text").fill(text)
        sheet.get_by_label("Rationale").fill(REASON)
    page.get_by_role("group", name="Option 1").get_by_label("This is the key").check()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_a_second_look_follows_what_is_typed(
    as_person: AsPerson, live_world: World, width: int, scheme: str
) -> None:
    page = as_person(
        live_world.ines, ADD, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    look, said = page.locator("#look"), page.locator("#look-count")
    expect(look).to_contain_text("Not judged yet")
    expect(said).to_have_text("")
    write_sound_item(page)
    expect(said).to_have_text("No findings")
    check(page)

    key = page.get_by_role("group", name="Option 1").get_by_label("Text")
    key.fill(f"{TEXTS[0]} and keep one trained clerk in every clinic for the winter")
    expect(look).to_contain_text("times as long as the distractors")
    expect(look).to_contain_text("Always the longest")
    expect(said).to_have_text("1 finding")
    check(page)
    look.get_by_role("link", name="Options together").click()
    expect(page.get_by_text("Four of the same kind")).to_be_in_viewport()

    key.fill(TEXTS[0])
    expect(said).to_have_text("No findings")
    expect(look).not_to_contain_text("times as long")


def test_a_lost_connection_leaves_the_last_look(
    as_person: AsPerson, live_world: World, complaints: Complaints
) -> None:
    page = as_person(live_world.ines, ADD)
    write_sound_item(page)
    said, note = page.locator("#look-count"), page.locator("#look-note")
    expect(said).to_have_text("No findings")
    page.context.set_offline(True)
    page.get_by_label("Stem").fill("What comes first?")
    expect(note).to_be_visible()
    expect(page.locator("#look")).not_to_contain_text("The stem has")
    page.context.set_offline(False)
    expect(note).to_be_hidden()
    expect(page.locator("#look")).to_contain_text("The stem has 3 words")

    # Logged out meanwhile: the log-in page is not shown as a finding.
    page.context.clear_cookies()
    page.get_by_label("Stem").fill("What comes second?")
    expect(note).to_be_visible()
    assert page.get_by_label("Stem").input_value() == "What comes second?"
    complaints.clear()  # the browser notes each failed request itself


def test_an_older_request_gives_way_to_a_newer(
    as_person: AsPerson, live_world: World, complaints: Complaints
) -> None:
    page = as_person(live_world.ines, ADD)
    write_sound_item(page)
    expect(page.locator("#look-count")).to_have_text("No findings")
    asked: list[Route] = []
    given_up: list[Request] = []
    page.on("requestfailed", lambda request: given_up.append(request))

    def hold_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.continue_()

    page.route("**/question/quality/**", hold_the_first)
    stem = page.get_by_label("Stem")
    with page.expect_request("**/question/quality/**"):
        stem.fill("What comes first?")
    stem.fill("What comes first of all?")
    expect(page.locator("#look")).to_contain_text("The stem has 5 words")
    held, _ = asked
    assert given_up == [held.request]
    held.abort()
    complaints.clear()


def test_the_saved_draft_is_looked_at_without_scripts(
    as_person: AsPerson, live_world: World
) -> None:
    page = as_person(live_world.ines, ADD, java_script_enabled=False)
    write_sound_item(page)
    page.get_by_role("group", name="Option 3").get_by_label("Text").fill("All of the above")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#look")).to_contain_text("Points at the other options")
