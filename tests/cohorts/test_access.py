"""Every address of this app, tried by everyone who has no business there."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from cohorts import access, services, urls
from cohorts.models import Cohort, Membership
from tests.cohorts.circle import NOW, Circle

LEADS_ONLY = {
    "cohort-people": "get",
    "cohort-csv": "get",
    "cohort-remove": "post",
    "cohort-invite-create": "post",
    "cohort-invite-revoke": "post",
    "cohort-close": "post",
}
IN_THE_GROUP = {"cohort-detail": "get", "cohort-leave": "post"}
MEMBERS_ONLY = {"cohort-consent": "post"}
EVERYONE = {"cohort-list": "get", "cohort-create": "get", "cohort-join": "get"}
POST_ONLY = ["cohort-invite-create", "cohort-invite-revoke", "cohort-consent"]
GET_ONLY = ["cohort-list", "cohort-detail", "cohort-people", "cohort-csv"]

Case = tuple[str, str]


def cases(*tables: dict[str, str]) -> list[Case]:
    return [case for table in tables for case in table.items()]


def test_no_address_is_forgotten_here() -> None:
    named = {pattern.name for pattern in urls.urlpatterns}
    assert named == {name for name, _ in cases(LEADS_ONLY, IN_THE_GROUP, MEMBERS_ONLY, EVERYONE)}


@pytest.fixture
def address(circle: Circle) -> Callable[[str], str]:
    member = circle.join("Amara", results=True)

    def of(name: str) -> str:
        group = circle.cohort.public_id
        arguments: dict[str, list[object]] = {
            "cohort-list": [],
            "cohort-create": [],
            "cohort-join": [circle.invite.token],
            "cohort-remove": [group, member.pk],
            "cohort-invite-revoke": [group, circle.invite.pk],
        }
        return reverse(name, args=arguments.get(name, [group]))

    return of


@pytest.fixture
def another_lead(circle: Circle) -> User:
    """Leads a group of their own, with a member and an invite of its own."""
    other = Circle(circle.world, "Southern circle")
    Membership.objects.filter(cohort=other.cohort).update(user=circle.world.ines)
    return circle.world.ines


def ask(client: Client, method: str, url: str) -> int:
    return int(getattr(client, method)(url).status_code)


@pytest.mark.parametrize(("name", "method"), cases(LEADS_ONLY, IN_THE_GROUP, MEMBERS_ONLY))
def test_outsiders_and_other_leads_get_404(
    name: str,
    method: str,
    circle: Circle,
    address: Callable[[str], str],
    another_lead: User,
    client: Client,
) -> None:
    gone = circle.join("Bjørn").user
    Membership.objects.filter(user=gone).update(
        ended_at=circle.invite.created_at, end_reason="left"
    )
    for person in (circle.world.ben, another_lead, gone):
        client.force_login(person)
        assert ask(client, method, address(name)) == 404, person
    assert Cohort.objects.count() == 2
    assert Membership.objects.current().filter(cohort=circle.cohort).count() == 2


@pytest.mark.parametrize(("name", "method"), cases(LEADS_ONLY))
def test_members_get_404_on_the_leads_pages(
    name: str, method: str, circle: Circle, address: Callable[[str], str], client: Client
) -> None:
    client.force_login(circle.join("Amara").user)
    assert ask(client, method, address(name)) == 404
    assert ask(client, "get", address(name)) in (404, 405)


@pytest.mark.parametrize(("name", "method"), cases(MEMBERS_ONLY))
def test_leads_get_404_where_only_members_have_something_to_say(
    name: str, method: str, address: Callable[[str], str], lead: Client
) -> None:
    assert ask(lead, method, address(name)) == 404


@pytest.mark.parametrize(
    ("name", "method"), cases(LEADS_ONLY, IN_THE_GROUP, MEMBERS_ONLY, EVERYONE)
)
def test_anonymous_people_are_sent_to_the_log_in(
    name: str, method: str, address: Callable[[str], str], client: Client
) -> None:
    response = getattr(client, method)(address(name))
    assert response.status_code == 302
    assert response.url.startswith(reverse("account_login"))


@pytest.mark.parametrize("name", POST_ONLY)
def test_what_changes_something_is_not_done_by_a_get(
    name: str, address: Callable[[str], str], lead: Client
) -> None:
    assert ask(lead, "get", address(name)) == 405


@pytest.mark.parametrize("name", GET_ONLY)
def test_what_only_shows_something_takes_no_post(
    name: str, address: Callable[[str], str], lead: Client
) -> None:
    assert ask(lead, "post", address(name)) == 405


@pytest.mark.parametrize("name", ["cohort-remove", "cohort-close", "cohort-leave", "cohort-join"])
def test_a_confirmation_page_changes_nothing(
    name: str, circle: Circle, address: Callable[[str], str], lead: Client
) -> None:
    lead.get(address(name))
    assert Membership.objects.current().filter(cohort=circle.cohort).count() == 2


def test_the_leads_own_pages_open(
    circle: Circle, address: Callable[[str], str], lead: Client
) -> None:
    for name in ("cohort-detail", "cohort-people", "cohort-csv", "cohort-remove", "cohort-close"):
        assert ask(lead, "get", address(name)) == 200, name


def test_another_groups_member_and_invite_are_out_of_a_leads_reach(
    circle: Circle, another_lead: User, client: Client
) -> None:
    """The lead of the other group, by the way of their own group's address."""
    member = circle.join("Amara")
    theirs = Cohort.objects.get(name="Southern circle").public_id
    client.force_login(another_lead)
    for name, pk in (("cohort-remove", member.pk), ("cohort-invite-revoke", circle.invite.pk)):
        assert client.post(reverse(name, args=[theirs, pk])).status_code == 404
    circle.invite.refresh_from_db()
    assert circle.invite.revoked_at is None
    assert Membership.objects.current().filter(pk=member.pk).exists()


def test_a_group_that_never_was_looks_like_one_of_somebody_else(lead: Client) -> None:
    assert lead.get(reverse("cohort-detail", args=[uuid4()])).status_code == 404


def test_posts_need_the_csrf_token(circle: Circle) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(circle.lead)
    url = reverse("cohort-close", args=[circle.cohort.public_id])
    assert strict.post(url).status_code == 403
    assert Cohort.objects.exists()


@pytest.mark.parametrize("name", ["cohort-consent", "cohort-leave", "cohort-remove"])
def test_what_ended_between_the_look_and_the_lock_is_a_404(
    name: str, circle: Circle, address: Callable[[str], str], client: Client
) -> None:
    member = circle.join("Amara")
    client.force_login(circle.lead if name == "cohort-remove" else member.user)
    url = address(name)
    services.leave(member, NOW)
    with (
        patch("cohorts.access.membership_of", return_value=member),
        patch("cohorts.access.member_for_lead", return_value=member),
    ):
        assert client.post(url).status_code == 404


@pytest.mark.parametrize("name", ["cohort-join", "cohort-invite-create", "cohort-invite-revoke"])
def test_a_group_closed_between_the_look_and_the_lock_is_a_404(
    name: str, circle: Circle, address: Callable[[str], str], client: Client
) -> None:
    client.force_login(circle.world.ben if name == "cohort-join" else circle.lead)
    url = address(name)
    invite = access.invite_for_holder(circle.invite.token)
    services.close(circle.cohort)
    with (
        patch("cohorts.access.invite_for_holder", return_value=invite),
        patch("cohorts.access.invite_for_lead", return_value=invite),
        patch("cohorts.access.cohort_for_lead", return_value=circle.cohort),
    ):
        assert client.post(url).status_code == 404
