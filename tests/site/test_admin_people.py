"""Accounts that staff make can be used at once; outlines keep their sum."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from domains.models import Outline
from issmp_site.roles import INSTRUCTORS
from tests.questions.desk import enter
from tests.world import World

PASSWORD = "a quiet morning by the sea"
USERS = "/admin/accounts/user/"


def root() -> Client:
    return enter(User.objects.create_superuser("root@example.org"))


def test_a_person_made_by_staff_logs_in_without_a_mail(world: World) -> None:
    reply = root().post(
        f"{USERS}add/",
        {"email": "New@Example.org", "name": "Noor", "password1": PASSWORD, "password2": PASSWORD},
    )
    person = User.objects.get(email="new@example.org")
    assert reply["Location"] == f"{USERS}{person.pk}/change/"
    client = Client()
    reply = client.post("/accounts/login/", {"login": "new@example.org", "password": PASSWORD})
    assert reply["Location"] == "/"
    assert client.session["_auth_user_id"] == str(person.pk)


def test_so_does_the_first_administrator(world: World) -> None:
    User.objects.create_superuser("first@example.org", PASSWORD)
    client = Client()
    client.post("/accounts/login/", {"login": "first@example.org", "password": PASSWORD})
    assert client.get("/admin/").status_code == 200


def test_a_taken_address_is_refused_whatever_its_case(world: World) -> None:
    taken = world.ada.email.upper()
    reply = root().post(
        f"{USERS}add/", {"email": taken, "password1": PASSWORD, "password2": PASSWORD}
    )
    assert reply.status_code == 200
    assert "already exists" in reply.content.decode()


def test_making_an_instructor_and_moving_an_address(world: World) -> None:
    person = world.ben
    group = Group.objects.get(name=INSTRUCTORS)
    reply = root().post(
        f"{USERS}{person.pk}/change/",
        {
            "email": "ben@elsewhere.example",
            "name": "Ben",
            "time_zone": "Europe/Berlin",
            "extra_time_percent": "25",
            "is_active": "on",
            "is_staff": "on",
            "groups": [group.pk],
        },
    )
    assert reply.status_code == 302
    person.refresh_from_db()
    assert person.extra_time_percent == 25
    assert (
        enter(User.objects.get(pk=person.pk)).get("/admin/questions/question/").status_code == 200
    )
    addresses = EmailAddress.objects.filter(user=person)
    assert [(a.email, a.primary, a.verified) for a in addresses] == [
        ("ben@elsewhere.example", True, True)
    ]


def test_setting_a_password(world: World) -> None:
    client = root()
    url = f"{USERS}{world.ben.pk}/password/"
    assert client.get(url).status_code == 200
    reply = client.post(
        url, {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    )
    assert reply.status_code == 302
    world.ben.refresh_from_db()
    assert world.ben.check_password(PASSWORD)


def test_the_weights_of_an_outline_add_up_to_100(world: World) -> None:
    client = root()
    outline = Outline.objects.default()
    url = f"/admin/domains/outline/{outline.pk}/change/"
    domains = list(outline.domains.order_by("number"))
    sent = {
        "title": outline.title,
        "key": outline.key,
        "effective_from": "",
        "is_default": "on",
        "note": outline.note,
        "domains-TOTAL_FORMS": "6",
        "domains-INITIAL_FORMS": "6",
    }
    for row, domain in enumerate(domains):
        sent |= {
            f"domains-{row}-id": str(domain.pk),
            f"domains-{row}-outline": str(outline.pk),
            f"domains-{row}-number": str(domain.number),
            f"domains-{row}-name": domain.name,
            f"domains-{row}-weight": str(domain.weight),
        }
    html = client.get(url).content.decode()
    assert all(f'name="{name}"' in html for name in sent)
    assert client.post(url, sent).status_code == 302

    heavier = sent | {"domains-0-weight": str(domains[0].weight + 1)}
    html = client.post(url, heavier).content.decode()
    assert "have to add up to 100. These add up to 101" in html
    domains[0].refresh_from_db()
    assert sum(outline.domains.values_list("weight", flat=True)) == 100
