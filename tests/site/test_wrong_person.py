"""Every URL of the product, tried by people it is not for.

The table below has to name each URL: a new one fails the test until somebody decides who may see
it. What each page does for the right person is tested beside its app.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from attempts.models import Attempt
from cohorts import services as cohorts
from cohorts.models import Membership
from tests.world import World


class For(Enum):
    ANYONE = auto()  # public, shows nothing of anybody
    SELF = auto()  # whoever is logged in, and only ever their own
    OWNER = auto()  # one person's object: 404 for everybody else
    LEAD = auto()  # one group's lead: 404 for members and other leads
    MEMBER = auto()  # one group's people: 404 for everybody else
    STAFF = auto()  # the admin


URLS = {
    "home": For.ANYONE,
    "health-live": For.ANYONE,
    "health-ready": For.ANYONE,
    "exam-list": For.SELF,
    "exam-rules": For.SELF,
    "exam-tutorial": For.SELF,
    "exam-tutorial-item": For.SELF,
    "exam-tutorial-list": For.SELF,
    "attempt-list": For.SELF,
    "profile": For.SELF,
    "profile-data": For.SELF,
    "profile-delete": For.SELF,
    "profile-deleted": For.ANYONE,
    "attempt-resume": For.OWNER,
    "attempt-item": For.OWNER,
    "attempt-form": For.OWNER,
    "attempt-over": For.OWNER,
    "room-worker": For.ANYONE,  # a script, the same for everybody
    "attempt-questions": For.OWNER,
    "attempt-review": For.OWNER,
    "attempt-pass": For.ANYONE,  # tells who asks, by a name that says nothing about them
    "attempt-sync": For.OWNER,
    "attempt-submit": For.OWNER,
    "attempt-discard": For.OWNER,
    "attempt-log": For.OWNER,
    "attempt-report": For.OWNER,
    "attempt-report-question": For.OWNER,
    "attempt-report-status": For.OWNER,
    "cohort-list": For.SELF,
    "cohort-create": For.SELF,
    "cohort-join": For.ANYONE,  # the token is the key; it names the group, not its people
    "cohort-detail": For.MEMBER,
    "cohort-people": For.LEAD,
    "cohort-csv": For.LEAD,
    "cohort-close": For.LEAD,
    "cohort-invite-create": For.LEAD,
    "cohort-invite-revoke": For.LEAD,
    "cohort-remove": For.LEAD,
    "cohort-consent": For.MEMBER,
    "cohort-leave": For.MEMBER,
}


# Asked by a script, which must not be sent to another page: it is told where to log in.
JSON = {"attempt-sync", "attempt-form"}


@dataclass(frozen=True)
class Scene:
    world: World
    arguments: dict[str, object]


@pytest.fixture
def scene(world: World) -> Scene:
    """Ada has an open attempt and leads a group with Ben in it; nobody else belongs there."""
    now = timezone.now()
    attempt = world.start(world.ada)
    cohort = cohorts.create_cohort(world.ada, "Ada's group", now)
    invite = cohorts.create_invite(cohort, world.ada, now)
    cohorts.accept_invite(world.ben, invite, shares_results=True, shares_pooled=True, now=now)
    membership = Membership.objects.get(cohort=cohort, user=world.ben)
    other = cohorts.create_cohort(world.lena, "Lena's group", now)
    cohorts.create_invite(other, world.lena, now + timedelta(seconds=1))
    return Scene(
        world,
        {
            "key": "quick",
            "view": "review",
            "attempt": attempt.public_id,
            "cohort": cohort.public_id,
            "position": 1,
            "token": invite.token,
            "invite_id": invite.pk,
            "membership_id": membership.pk,
        },
    )


def ours() -> Iterator[tuple[str, list[str]]]:
    """Every URL of ours by name, with its arguments; not allauth's, not the admin's."""
    for entry in get_resolver().url_patterns:
        prefix = str(entry.pattern)
        if prefix in {"accounts/", "admin/"}:
            continue
        patterns = entry.url_patterns if isinstance(entry, URLResolver) else [entry]
        for pattern in patterns:
            assert isinstance(pattern, URLPattern)
            assert pattern.name, f"{prefix}{pattern.pattern} has no name"
            yield pattern.name, [*pattern.pattern.converters]


def test_the_table_names_every_url() -> None:
    assert {name for name, _ in ours()} == set(URLS)


def address(name: str, scene: Scene) -> str:
    arguments = dict(ours())[name]
    values = {
        argument: scene.arguments["attempt" if name.startswith("attempt") else "cohort"]
        if argument == "public_id"
        else scene.arguments[argument]
        for argument in arguments
    }
    return reverse(name, kwargs=values)


def visit(client: Client, url: str) -> list[int]:
    """Status of GET and of POST."""
    return [client.get(url).status_code, client.post(url).status_code]


@pytest.mark.parametrize("name", [n for n, who in URLS.items() if who is not For.ANYONE])
def test_nobody_gets_in_without_logging_in(client: Client, scene: Scene, name: str) -> None:
    url = address(name, scene)
    responses = [client.get(url), client.post(url)]
    answered = [response for response in responses if response.status_code != 405]
    assert answered
    for response in answered:
        if name in JSON:
            assert response.status_code == 401
            where = response.json()["login"]
        else:
            assert response.status_code == 302
            where = response["Location"]
        assert where.startswith(reverse("account_login"))


@pytest.mark.parametrize("person", ["lena", "ines", "boss"])
@pytest.mark.parametrize(
    "name", [n for n, who in URLS.items() if who in {For.OWNER, For.LEAD, For.MEMBER}]
)
def test_outsiders_find_nothing(client: Client, scene: Scene, name: str, person: str) -> None:
    """Another candidate who leads a group of her own, an instructor, and a superuser."""
    if person == "boss":
        user = scene.world.person("boss@example.org", is_staff=True, is_superuser=True)
    else:
        user = getattr(scene.world, person)
    client.force_login(user)
    statuses = visit(client, address(name, scene))
    assert set(statuses) <= {404, 405}
    assert 404 in statuses
    assert Attempt.objects.get(user=scene.world.ada).state == "in_progress"
    assert Membership.objects.get(user=scene.world.ben).ended_at is None


@pytest.mark.parametrize("name", [n for n, who in URLS.items() if who is For.LEAD])
def test_a_member_does_not_find_the_leads_pages(client: Client, scene: Scene, name: str) -> None:
    client.force_login(scene.world.ben)
    statuses = visit(client, address(name, scene))
    assert set(statuses) <= {404, 405}
    assert 404 in statuses


@pytest.mark.parametrize("name", [n for n, who in URLS.items() if who is For.OWNER])
def test_the_lead_of_a_persons_group_does_not_find_their_attempts(
    client: Client, scene: Scene, name: str
) -> None:
    """Ben's own attempt, tried by Ada, who leads his group and was shown his results."""
    theirs = scene.world.start(scene.world.ben)
    client.force_login(scene.world.ada)
    statuses = visit(
        client, address(name, Scene(scene.world, {**scene.arguments, "attempt": theirs.public_id}))
    )
    assert set(statuses) <= {404, 405}
    assert 404 in statuses
