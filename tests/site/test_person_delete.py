"""Deleting an account: asked twice, complete, and nobody else loses anything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.mail import EmailMessage
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from attempts.models import AnswerEvent, Attempt, AttemptItem, DomainResult
from attempts.remedies import extend
from cohorts.models import Cohort, CohortReport, Membership
from cohorts.services import accept_invite, create_cohort, create_invite, leave
from issmp_site import person as person_module
from issmp_site.person import erase
from issmp_site.roles import INSTRUCTORS
from questions.models import QuestionVersion
from tests.world import PASSWORD, World

URL, GONE = reverse("profile-delete"), reverse("profile-deleted")


def give_everything(world: World, user: User) -> None:
    """At least one row in every table that points at a person."""
    now = timezone.now()
    world.sat(user, now=now - timedelta(days=1))
    running = world.start(user)
    world.answer(running)
    extend(running, 10, "The help desk was down", user, now)
    own = create_cohort(user, "Led alone", now)
    create_invite(own, user, now)
    invite = create_invite(create_cohort(world.lena, "Lena’s", now), world.lena, now)
    left = accept_invite(user, invite, shares_results=True, shares_pooled=True, now=now)
    leave(left, now)
    accept_invite(user, invite, shares_results=True, shares_pooled=True, now=now)
    user.groups.add(Group.objects.get(name=INSTRUCTORS))
    user.user_permissions.add(Permission.objects.earliest("pk"))
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr="x",
        action_flag=CHANGE,
    )
    EmailAddress.objects.create(user=user, email=f"second-{user.email}")
    version = QuestionVersion.objects.filter(created_by=None, status="published").first()
    assert version is not None
    QuestionVersion.objects.filter(pk=version.pk).update(created_by=user)


def rows_of(pk: int) -> dict[str, int]:
    """Per foreign key to a person, in any app: how many rows point at this one."""
    return {
        f"{model._meta.label}.{field.name}": model._default_manager.filter(
            **{field.name: pk}
        ).count()
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model is User
    }


def test_removes_every_row_and_no_other(world: World) -> None:
    ben, lena = world.ben, world.lena
    bens = world.sat(ben)
    give_everything(world, world.ada)
    ada = world.ada.pk
    others = {"ben": rows_of(ben.pk), "lena": rows_of(lena.pk)}
    assert all(count for count in rows_of(ada).values()), "the test leaves a table out"
    authored = QuestionVersion.objects.get(created_by=ada)

    erase(world.ada)

    assert not any(rows_of(ada).values())
    assert not User.objects.filter(pk=ada).exists()
    assert {"ben": rows_of(ben.pk), "lena": rows_of(lena.pk)} == others
    assert Attempt.objects.count() == 1
    assert AttemptItem.objects.count() == bens.item_count
    assert not AnswerEvent.objects.exclude(item__attempt=bens).exists()
    assert not DomainResult.objects.exclude(attempt=bens).exists()
    authored.refresh_from_db()
    assert authored.created_by is None
    assert authored.status == "published"


def test_the_whole_way(
    client: Client,
    world: World,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client.force_login(world.ada)
    page = client.get(URL).content.decode()
    assert "Delete your account?" in page
    assert "Your password" in page

    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(URL, {"proof": PASSWORD})
    assert (done.status_code, done["Location"]) == (302, GONE)
    assert "Your account is deleted" in client.get(GONE).content.decode()
    assert [(m.to, m.subject) for m in mailoutbox] == [
        (["ada@example.org"], "Your Touchstone account is deleted")
    ]
    assert client.get(reverse("profile")).status_code == 302
    again = Client().post(
        reverse("account_login"), {"login": "ada@example.org", "password": PASSWORD}
    )
    assert again.status_code == 200


def test_logs_out_everywhere_and_leaves_no_session(client: Client, world: World) -> None:
    """Sessions have no foreign key, yet allauth notes the address in them."""
    phone, bens = Client(), Client()
    for device, person in ((client, world.ada), (phone, world.ada), (bens, world.ben)):
        login = {"login": person.email, "password": PASSWORD}
        assert device.post(reverse("account_login"), login).status_code == 302
    client.post(URL, {"proof": PASSWORD})
    assert not User.objects.filter(email="ada@example.org").exists()
    (left,) = Session.objects.all()
    assert "ada@example.org" not in str(left.get_decoded())
    assert phone.get(reverse("profile")).status_code == 302
    assert bens.get(reverse("profile")).status_code == 200


@pytest.mark.parametrize("proof", ["", "not the password", f"{PASSWORD} ", "ada@example.org"])
def test_nothing_goes_without_the_password(client: Client, world: World, proof: str) -> None:
    client.force_login(world.ada)
    response = client.post(URL, {"proof": proof})
    assert response.status_code == 200
    assert "field-invalid" in response.content.decode()
    assert User.objects.filter(pk=world.ada.pk).exists()


def test_without_a_password_the_address_is_asked(client: Client, world: World) -> None:
    world.ada.set_unusable_password()
    world.ada.save()
    client.force_login(world.ada)
    assert "Your e-mail address" in client.get(URL).content.decode()
    assert client.post(URL, {"proof": "ben@example.org"}).status_code == 200
    assert client.post(URL, {"proof": " Ada@Example.org "})["Location"] == GONE
    assert not User.objects.filter(email="ada@example.org").exists()


def test_passwords_cannot_be_tried_without_end(client: Client, world: World) -> None:
    client.force_login(world.ada)
    for _ in range(10):
        assert client.post(URL, {"proof": ""}).status_code == 200
    stopped = client.post(URL, {"proof": PASSWORD})
    assert stopped.status_code == 429
    assert User.objects.filter(pk=world.ada.pk).exists()
    assert client.get(URL).status_code == 200


def test_says_what_goes(client: Client, world: World) -> None:
    client.force_login(world.ada)
    assert "you have none yet" in client.get(URL).content.decode()
    world.sat(world.ada)
    assert "Your 1 exam with 24 answers" in client.get(URL).content.decode()
    world.answer(world.start(world.ada))
    assert "Your 2 exams with 48 answers" in client.get(URL).content.decode()


def test_the_only_lead_is_told_that_the_group_goes(client: Client, world: World) -> None:
    now = timezone.now()
    cohort = create_cohort(world.lena, "Northern group", now)
    invite = create_invite(cohort, world.lena, now)
    for member in (world.ada, world.ben):
        accept_invite(member, invite, shares_results=False, shares_pooled=False, now=now)
    leave(Membership.objects.get(user=world.ben), now)
    client.force_login(world.lena)
    page = client.get(URL).content.decode()
    assert "You are the only lead of Northern group" in page
    assert "1 other person loses it" in page
    client.post(URL, {"proof": PASSWORD})
    assert not Cohort.objects.exists()
    assert User.objects.filter(pk=world.ada.pk).exists()


def test_a_group_with_another_lead_stays(client: Client, world: World) -> None:
    now = timezone.now()
    cohort = create_cohort(world.lena, "Northern group", now)
    Membership.objects.create(
        cohort=cohort, user=world.ben, role=Membership.Role.LEAD, joined_at=now
    )
    client.force_login(world.lena)
    page = client.get(URL).content.decode()
    assert "only lead" not in page
    assert "Your place in Northern group" in page
    erase(world.lena)
    assert Cohort.objects.get() == cohort


def test_pooled_figures_are_worked_out_again(world: World) -> None:
    now = timezone.now()
    cohort = create_cohort(world.lena, "Northern group", now)
    invite = create_invite(cohort, world.lena, now)
    accept_invite(world.ada, invite, shares_results=True, shares_pooled=True, now=now)
    CohortReport.objects.filter(cohort=cohort).update(stale=False)
    erase(world.ada)
    assert CohortReport.objects.get(cohort=cohort).stale


def test_all_or_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    give_everything(world, world.ada)
    before = rows_of(world.ada.pk)

    def broken(person: User) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(person_module, "_end_sessions", broken)
    with pytest.raises(RuntimeError):
        erase(world.ada)
    assert rows_of(world.ada.pk) == before
    assert not mail.outbox


def test_a_mail_server_that_is_away_does_not_bring_the_account_back(
    client: Client,
    world: World,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    client.force_login(world.ada)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(URL, {"proof": PASSWORD})["Location"] == GONE
    assert not User.objects.filter(email="ada@example.org").exists()
    assert "Connection refused" in caplog.text


def test_strangers_are_sent_to_log_in(client: Client, db: None) -> None:
    there = {"Referer": f"http://testserver{URL}"}
    for response in (client.get(URL), client.post(URL, {"proof": "x"}, headers=there)):
        assert response["Location"] == f"{reverse('account_login')}?next={URL}"


def test_getting_the_page_deletes_nothing(client: Client, world: World) -> None:
    client.force_login(world.ada)
    client.get(URL, {"proof": PASSWORD})
    assert client.delete(URL).status_code == 405
    assert User.objects.filter(pk=world.ada.pk).exists()


def test_a_post_without_token_is_refused(world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.ada)
    assert strict.post(URL, {"proof": PASSWORD}).status_code == 403
    assert User.objects.filter(pk=world.ada.pk).exists()


def test_the_farewell_is_for_those_who_are_gone(client: Client, world: World) -> None:
    client.force_login(world.ada)
    assert client.get(GONE)["Location"] == reverse("profile")
