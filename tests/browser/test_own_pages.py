"""A person's own pages in a real browser: nothing for axe to find, nothing blocked by the policy,
nothing wider than a phone; and the one script they have."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from cohorts.services import create_cohort
from tests.browser.conftest import AsPerson, Complaints, axe_clean
from tests.world import World, wrong


def check(page: Page) -> None:
    axe_clean(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_to_find(as_person: AsPerson, live_world: World, scheme: str, width: int) -> None:
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    now = timezone.now()
    ada = live_world.ada
    check(as_person(ada, reverse("home"), **look))

    live_world.sat(ada, choose=wrong, now=now - timedelta(days=2))
    live_world.start(ada)
    create_cohort(ada, "Northern group", now)
    ada.exam_date = timezone.localdate(now) + timedelta(days=40)
    ada.save()
    check(as_person(ada, reverse("home"), **look))

    profile = as_person(ada, reverse("profile"), **look)
    check(profile)
    profile.get_by_label("Date of your real exam").fill("2001-01-01")
    profile.get_by_role("button", name="Save").click()
    profile.get_by_text("That day has passed").wait_for()
    check(profile)

    delete = as_person(ada, reverse("profile-delete"), **look)
    check(delete)
    delete.get_by_label("Your password").fill("not the password")
    delete.get_by_role("button", name="Delete my account for good").click()
    delete.get_by_text("Nothing was deleted").wait_for()
    check(delete)

    check(as_person(None, reverse("profile-deleted"), **look))


def test_too_many_tries(as_person: AsPerson, live_world: World, complaints: Complaints) -> None:
    stranger = Client()
    for _ in range(20):
        stranger.post(reverse("account_signup"), {})
    page = as_person(None, reverse("account_signup"))
    page.locator("main form").evaluate("form => form.noValidate = true")
    page.locator("main form button[type=submit]").click()
    page.get_by_role("heading", name="Too many tries").wait_for()
    check(page)
    assert [c for c in complaints if "429" not in c] == []  # the browser notes the status itself
    complaints.clear()


def test_offers_the_browsers_time_zone(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ada, reverse("profile"), timezone_id="America/New_York")
    page.get_by_text("Your browser is set to America/New York").wait_for()
    page.get_by_role("button", name="Choose it").click()
    assert page.get_by_label("Time zone").input_value() == "America/New_York"
    assert page.get_by_role("button", name="Choose it").is_hidden()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your profile is saved").wait_for()
    live_world.ada.refresh_from_db()
    assert live_world.ada.time_zone == "America/New_York"
    assert page.get_by_text("Your browser is set to").is_hidden()


def test_offers_nothing_to_those_who_live_by_utc(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ada, reverse("profile"), timezone_id="UTC")
    assert page.get_by_text("Your browser is set to").is_hidden()


def test_works_without_javascript(as_person: AsPerson, live_world: World) -> None:
    page = as_person(live_world.ada, reverse("profile"), java_script_enabled=False)
    assert page.get_by_text("Your browser is set to").is_hidden()
    page.get_by_label("Name").fill("Ada L.")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your profile is saved").wait_for()
    live_world.ada.refresh_from_db()
    assert (live_world.ada.name, live_world.ada.time_zone) == ("Ada L.", "Europe/Berlin")
