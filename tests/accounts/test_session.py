"""Who a request belongs to. Session and person are read by statements of ours, which have to say
what Django's would."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.backends import PersonBackend
from accounts.models import User
from accounts.sessions import SessionStore
from tests.world import World

pytestmark = pytest.mark.django_db


def logged_in(client: Client) -> bool:
    return client.get(reverse("profile")).status_code == 200


def test_the_person_read_is_the_one_django_reads(world: World) -> None:
    User.objects.filter(pk=world.ada.pk).update(
        name="Ada", time_zone="Asia/Tokyo", exam_date=date(2027, 1, 2), extra_time_percent=50
    )
    theirs, ours = User.objects.get(pk=world.ada.pk), PersonBackend().get_user(world.ada.pk)
    assert ours is not None
    assert ours == theirs
    names = [field.attname for field in User._meta.concrete_fields]
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
    assert not ours.get_deferred_fields()
    ours.name = "Ada L."
    ours.save()  # an update: the person is known to be stored
    assert User.objects.get(pk=world.ada.pk).name == "Ada L."


def test_a_person_who_is_gone_or_was_shut_out_is_nobody(world: World) -> None:
    assert PersonBackend().get_user(0) is None
    User.objects.filter(pk=world.ada.pk).update(is_active=False)
    assert PersonBackend().get_user(world.ada.pk) is None


def test_session_and_person_take_one_statement_each(
    client: Client, world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(world.ada)
    assert client.session["_auth_user_backend"] == settings.AUTHENTICATION_BACKENDS[0]
    with django_assert_num_queries(2) as asked:
        assert client.get(reverse("attempt-pass")).json()["person"]
    assert [query["sql"].split()[1].partition(",")[0] for query in asked.captured_queries] == [
        "session_data",
        '"accounts_user"."id"',
    ]


def test_a_session_of_the_version_before_goes_on(client: Client, world: World) -> None:
    """Signed by Django's store, and of a person whom Django's backend had logged in."""
    client.force_login(world.ada, "django.contrib.auth.backends.ModelBackend")
    before = db.SessionStore(client.session.session_key)
    before["seen"] = True
    before.save()
    assert SessionStore(before.session_key)["seen"] is True
    assert logged_in(client)


def test_a_session_that_ran_out_or_was_never_begun_is_none(client: Client, world: World) -> None:
    client.force_login(world.ada)
    key = client.session.session_key
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not logged_in(client)
    for unknown in (key, "x" * 32):
        store = SessionStore(unknown)
        assert store.load() == {}
        assert store.session_key is None  # the next one is not begun under a name from outside
