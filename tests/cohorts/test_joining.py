"""Invite links: who gets in by one, until when, and what the page behind it asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from cohorts import services
from cohorts.models import Invite, Membership
from cohorts.services import INVITE_LIFE, InviteRefused, Refusal
from tests.cohorts.circle import NOW, Circle
from tests.world import World


def join_url(invite: Invite) -> str:
    return reverse("cohort-join", args=[invite.token])


def test_the_lead_makes_a_link_that_is_good_for_two_weeks(circle: Circle, lead: Client) -> None:
    Invite.objects.all().delete()
    lead.post(reverse("cohort-invite-create", args=[circle.cohort.public_id]))
    invite = Invite.objects.get()
    assert invite.expires_at == NOW + timedelta(days=14)
    assert len(invite.token) >= 32
    page = lead.get(reverse("cohort-people", args=[circle.cohort.public_id]))
    assertContains(page, f"/groups/join/{invite.token}/")


def test_each_link_is_another_one(circle: Circle) -> None:
    tokens = {services.create_invite(circle.cohort, circle.lead, NOW).token for _ in range(20)}
    assert len(tokens) == 20


def test_the_join_page_asks_and_ticks_nothing_beforehand(
    circle: Circle, world: World, client: Client
) -> None:
    client.force_login(world.ada)
    response = client.get(join_url(circle.invite))
    assertContains(response, "Join Northern circle")
    assertContains(response, "Lena leads this group")
    assertContains(response, 'type="checkbox"', count=2)
    assertNotContains(response, "checked")
    assert not Membership.objects.filter(user=world.ada).exists()


@pytest.mark.parametrize("results", [True, False])
@pytest.mark.parametrize("pooled", [True, False])
def test_joining_shares_what_was_ticked_and_nothing_else(
    circle: Circle, world: World, client: Client, results: bool, pooled: bool
) -> None:
    client.force_login(world.ada)
    ticked = {"shares_results": "on"} if results else {}
    ticked |= {"shares_pooled": "on"} if pooled else {}
    response = client.post(join_url(circle.invite), ticked)
    assertRedirects(response, reverse("cohort-detail", args=[circle.cohort.public_id]))
    membership = Membership.objects.get(user=world.ada)
    assert membership.role == Membership.Role.MEMBER
    assert membership.shares_results_since == (NOW if results else None)
    assert membership.shares_pooled_since == (NOW if pooled else None)


def test_accepting_twice_makes_one_membership_and_keeps_the_first_consent(circle: Circle) -> None:
    first = circle.join("Amara", results=True)
    second = circle.join("Amara", pooled=True)
    assert first == second
    second.refresh_from_db()
    assert (second.shares_results, second.shares_pooled) == (True, False)


def test_someone_who_is_in_already_is_told_so(circle: Circle, client: Client) -> None:
    ada = circle.join("Amara").user
    client.force_login(ada)
    response = client.get(join_url(circle.invite), follow=True)
    assertContains(response, "You are in Northern circle already. Nothing has changed.")


def test_the_lead_does_not_become_a_member_by_their_own_link(circle: Circle, lead: Client) -> None:
    lead.post(join_url(circle.invite), {"shares_results": "on"})
    membership = Membership.objects.get(user=circle.lead)
    assert membership.is_lead
    assert not membership.shares_results


def test_anonymous_people_come_back_here_after_logging_in(
    circle: Circle, world: World, client: Client
) -> None:
    response = client.get(join_url(circle.invite))
    login = f"{reverse('account_login')}?next={join_url(circle.invite)}"
    assertRedirects(response, login, fetch_redirect_response=False)
    page = client.get(login)
    assertContains(page, f"{reverse('account_signup')}?next=")
    assertNotContains(page, "Northern circle")


def test_an_expired_link_says_so_and_lets_nobody_in(
    circle: Circle, world: World, client: Client
) -> None:
    with time_machine.travel(NOW + INVITE_LIFE - timedelta(seconds=1), tick=False):
        client.force_login(world.ada)
        assert client.get(join_url(circle.invite)).status_code == 200
    with time_machine.travel(NOW + INVITE_LIFE, tick=False):
        for response in (
            client.get(join_url(circle.invite)),
            client.post(join_url(circle.invite), {"shares_results": "on"}),
        ):
            assertContains(response, "This invite has expired", status_code=410)
    assert not Membership.objects.filter(user=world.ada).exists()


def test_a_revoked_link_says_so_and_lets_nobody_in(
    circle: Circle, world: World, lead: Client
) -> None:
    lead.post(reverse("cohort-invite-revoke", args=[circle.cohort.public_id, circle.invite.pk]))
    page = lead.get(reverse("cohort-people", args=[circle.cohort.public_id]))
    assertNotContains(page, circle.invite.token)
    client = Client()
    client.force_login(world.ada)
    response = client.post(join_url(circle.invite), {"shares_results": "on"})
    assertContains(response, "This invite was taken back", status_code=410)
    assert not Membership.objects.filter(user=world.ada).exists()


def test_revoking_twice_keeps_the_first_time(circle: Circle) -> None:
    services.revoke_invite(circle.invite, NOW)
    services.revoke_invite(circle.invite, NOW + timedelta(hours=1))
    circle.invite.refresh_from_db()
    assert circle.invite.revoked_at == NOW


def test_a_stale_invite_object_does_not_let_anyone_in(circle: Circle, world: World) -> None:
    """Revoked between the page's look and the lock: what is stored counts."""
    stale = Invite.objects.get(pk=circle.invite.pk)
    services.revoke_invite(circle.invite, NOW)
    with pytest.raises(InviteRefused) as refused:
        services.accept_invite(world.ada, stale, shares_results=False, shares_pooled=False, now=NOW)
    assert refused.value.reason is Refusal.REVOKED


def test_a_removed_member_needs_a_link_made_after_that(circle: Circle, client: Client) -> None:
    membership = circle.join("Amara")
    services.remove_member(membership, NOW + timedelta(hours=1))
    client.force_login(membership.user)
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        response = client.get(join_url(circle.invite))
        assertContains(response, "You were removed from this group", status_code=403)
        client.post(join_url(circle.invite), {})
        assert not Membership.objects.current().filter(user=membership.user).exists()
        fresh = services.create_invite(circle.cohort, circle.lead, timezone.now())
        client.post(join_url(fresh), {})
    assert Membership.objects.current().filter(user=membership.user).exists()


def test_someone_who_left_comes_back_by_the_same_link(circle: Circle) -> None:
    before = circle.join("Amara", results=True)
    services.leave(before, NOW)
    after = circle.join("Amara")
    assert after.pk != before.pk
    assert not after.shares_results, "consent does not come back with the person"


def test_a_token_nobody_made_is_not_found(world: World, client: Client) -> None:
    client.force_login(world.ada)
    assert client.get(reverse("cohort-join", args=["x" * 32])).status_code == 404
