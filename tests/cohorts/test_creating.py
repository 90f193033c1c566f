"""Starting a group, and the pages before anything is in it."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects

from cohorts.models import Cohort, Membership
from tests.cohorts.circle import Circle, sat
from tests.world import World


def test_anyone_can_start_a_group_and_leads_it(world: World, client: Client) -> None:
    client.force_login(world.ada)
    response = client.post(reverse("cohort-create"), {"name": "  Evening circle "})
    cohort = Cohort.objects.get()
    assertRedirects(response, reverse("cohort-people", args=[cohort.public_id]))
    assert cohort.name == "Evening circle"
    membership = Membership.objects.get()
    assert (membership.user, membership.role) == (world.ada, Membership.Role.LEAD)
    assert not membership.shares_results
    assert not membership.shares_pooled


def test_a_group_without_a_name_is_not_started(world: World, client: Client) -> None:
    client.force_login(world.ada)
    response = client.post(reverse("cohort-create"), {"name": "   "})
    assertContains(response, "Give the group a name.")
    assert not Cohort.objects.exists()


def test_a_name_that_is_too_long_is_told_its_limit(world: World, client: Client) -> None:
    client.force_login(world.ada)
    response = client.post(reverse("cohort-create"), {"name": "x" * 81})
    assertContains(response, "at most 80 characters")
    assert not Cohort.objects.exists()


def test_a_name_is_text_not_markup(world: World, client: Client) -> None:
    client.force_login(world.ada)
    client.post(reverse("cohort-create"), {"name": "<script>alert(1)</script>"})
    response = client.get(reverse("cohort-list"))
    assertContains(response, "&lt;script&gt;alert(1)&lt;/script&gt;")


def test_the_list_before_the_first_group(world: World, client: Client) -> None:
    client.force_login(world.ada)
    assertContains(client.get(reverse("cohort-list")), "You are in no group yet")


def test_the_list_shows_ones_own_groups_with_part_and_sharing(
    circle: Circle, client: Client
) -> None:
    ada = circle.join("Amara", pooled=True).user
    Circle(circle.world, "Somebody else’s")
    client.force_login(ada)
    response = client.get(reverse("cohort-list"))
    assertContains(response, "Northern circle")
    assertContains(response, "Answers in group figures, without your name")
    assert "Somebody else’s" not in response.content.decode()
    (row,) = response.context["memberships"]
    assert row.members == 1, "the lead is not counted"


def test_an_empty_group_says_what_will_be_here(circle: Circle, lead: Client) -> None:
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "Nobody but you yet.")
    assertContains(response, "Invite people")
    assertContains(response, "need 5 members who agree to be counted")


def test_a_group_in_which_nobody_shares(circle: Circle, lead: Client) -> None:
    circle.join("Amara")
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "Nobody shares results by name")
    assertContains(response, "Does not share results. Joined 3 Mar 2027.")


def test_a_group_in_which_nobody_has_sat_an_exam(circle: Circle, lead: Client) -> None:
    circle.join("Amara", results=True)
    circle.refresh()
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "No exam finished yet.")
    assertContains(response, "There are 0 so far.")


def test_a_member_of_two_groups_shares_with_each_what_they_chose_there(circle: Circle) -> None:
    other = Circle(circle.world, "Southern circle")
    here = circle.join("Amara", results=True)
    there = other.join("Amara")
    sat(here.user, {0: True})
    assert here.user == there.user
    assert (here.shares_results, there.shares_results) == (True, False)
