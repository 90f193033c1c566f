"""The file a person takes away: complete, theirs alone, and without a key they may not know."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from attempts import services
from attempts.models import Attempt
from cohorts.services import create_cohort, create_invite
from issmp_site.person import FORMAT, record_of
from questions.models import QuestionVersion
from tests.world import World, right, wrong

URL = reverse("profile-data")


def download(client: Client, person: User) -> dict[str, Any]:
    client.force_login(person)
    response = client.get(URL)
    assert response.status_code == 200
    record: dict[str, Any] = json.loads(response.content)
    return record


def test_is_an_attachment_nobody_keeps(client: Client, world: World) -> None:
    client.force_login(world.ada)
    response = client.get(URL)
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"].startswith('attachment; filename="touchstone-my-data-')
    assert "no-store" in response["Cache-Control"]


def test_shape(client: Client, world: World) -> None:
    """Guards the promise of FORMAT: change these sets and it needs another name."""
    world.sat(world.ada)
    create_invite(create_cohort(world.ada, "Ours", timezone.now()), world.ada, timezone.now())
    QuestionVersion.objects.filter(pk__in=QuestionVersion.objects.values("pk")[:1]).update(
        created_by=world.ada
    )
    record = download(client, world.ada)
    attempt = record["attempts"][0]
    assert record["format"] == FORMAT == "touchstone-person/1"
    assert keys(record) == ("format generated_at profile attempts groups invites authored")
    assert keys(record["profile"]) == (
        "email addresses name time_zone exam_date extra_time_percent joined_at last_login_at "
        "may_author"
    )
    assert keys(record["profile"]["addresses"][0]) == "email verified primary"
    assert keys(attempt) == (
        "id exam title outline domain state extra_time_percent started_at deadline closed_at "
        "close_reason scored_at voided_at void_reason result domains items"
    )
    assert keys(attempt["result"]) == (
        "answered correct first_exposures first_exposures_correct share_low share_high pass_share"
    )
    assert keys(attempt["domains"][0]) == (
        "scope domain name n correct target estimate low high p_below band expected_gain "
        "p_weakest study_first"
    )
    assert keys(attempt["items"][0]) == (
        "position question version domain stem chosen correct flagged first_exposure seen_at "
        "answered_at visible_ms answers"
    )
    assert keys(attempt["items"][0]["answers"][0]) == "at revision chosen"
    assert keys(record["groups"][0]) == (
        "group role joined_at shares_results_since shares_pooled_since ended_at end_reason"
    )
    assert keys(record["invites"][0]) == "group created_at expires_at revoked_at"
    assert keys(record["authored"][0]) == "question version status created_at"


def keys(record: dict[str, Any]) -> str:
    return " ".join(record)


def test_everything_that_points_at_a_person_was_decided_on() -> None:
    """A new model with a person in it fails here until someone decides whether it is exported."""
    exported = {
        "account.EmailAddress",
        "attempts.Attempt",
        "cohorts.Invite",
        "cohorts.Membership",
        "questions.QuestionVersion",
    }
    left_out = {
        "accounts.User_groups",  # rights, given by the operator
        "accounts.User_user_permissions",
        "admin.LogEntry",  # names what others own
    }
    found = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model is User
    }
    assert found == exported | left_out


def test_a_scored_attempt_says_what_was_right(client: Client, world: World) -> None:
    attempt = world.sat(world.ada, choose=lambda i: right(i) if i.position % 2 else wrong(i))
    (told,) = download(client, world.ada)["attempts"]
    assert told["state"] == "scored"
    assert [item["correct"] for item in told["items"]] == [
        bool(item["position"] % 2) for item in told["items"]
    ]
    assert told["result"]["correct"] == attempt.correct_count
    assert {domain["scope"] for domain in told["domains"]} == {"attempt", "to_date"}
    first = attempt.items.select_related("version__question", "choice").get(position=1)
    assert first.choice is not None
    assert told["items"][0]["question"] == first.version.question.key
    assert told["items"][0]["stem"] == first.version.stem
    assert told["items"][0]["chosen"] == first.choice.text
    assert [event["chosen"] for event in told["items"][0]["answers"]] == [first.choice.text]


@pytest.mark.parametrize("end", ["open", "submitted", "discarded"])
def test_an_unscored_exam_gives_no_key_away(client: Client, world: World, end: str) -> None:
    attempt = world.start(world.ada)
    world.answer(attempt)
    if end == "submitted":
        assert services.submit(attempt, timezone.now())
    elif end == "discarded":
        assert services.discard_attempt(attempt, timezone.now())
    (told,) = download(client, world.ada)["attempts"]
    assert all(item["chosen"] for item in told["items"])
    assert [item["correct"] for item in told["items"]] == [None] * len(told["items"])
    assert told["result"] is None
    assert told["domains"] == []
    text = json.dumps(told)
    for rationale in attempt.items.values_list("version__choices__rationale", flat=True):
        assert json.dumps(rationale)[1:-1] not in text


def test_even_scoring_left_over_from_before_gives_no_key_away(client: Client, world: World) -> None:
    """What a correction of state by hand may leave behind in the columns is not shown either."""
    attempt = world.start(world.ada)
    world.answer(attempt)
    attempt.items.update(is_correct=True)
    Attempt.objects.filter(pk=attempt.pk).update(correct_count=24, answered_count=24)
    (told,) = download(client, world.ada)["attempts"]
    assert {item["correct"] for item in told["items"]} == {None}
    assert told["result"] is None


def test_a_drill_tells_what_it_has_already_explained(client: Client, world: World) -> None:
    attempt = world.start(world.ada, "drill", domain=1)
    chooser = {1: right, 2: wrong}
    world.answer(attempt, lambda i: chooser[i.position](i) if i.position in chooser else None)
    (told,) = download(client, world.ada)["attempts"]
    assert told["domain"] == 1
    assert [item["correct"] for item in told["items"]][:3] == [True, False, None]


def test_holds_nobody_else(client: Client, world: World) -> None:
    now = timezone.now()
    world.sat(world.ben)
    create_cohort(world.ben, "Ben’s group", now)
    record = download(client, world.ada)
    assert record["profile"]["email"] == world.ada.email
    assert record["attempts"] == record["groups"] == record["invites"] == record["authored"] == []
    assert "ben" not in json.dumps(record).lower()


def test_no_invite_token(client: Client, world: World) -> None:
    now = timezone.now()
    invite = create_invite(create_cohort(world.ada, "Ours", now), world.ada, now)
    client.force_login(world.ada)
    assert invite.token not in client.get(URL).content.decode()


def test_queries_do_not_grow(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    world.sat(world.ada, now=now - timedelta(days=3))
    with django_assert_num_queries(8):
        record_of(world.ada, now)
    world.sat(world.ada, now=now - timedelta(days=2))
    world.sat(world.ada, "drill", domain=2, now=now - timedelta(days=1))
    create_cohort(world.ada, "Ours", now)
    with django_assert_num_queries(8):
        assert len(record_of(world.ada, now)["attempts"]) == 3


def test_strangers_are_sent_to_log_in(client: Client, db: None) -> None:
    assert client.get(URL)["Location"] == f"{reverse('account_login')}?next={URL}"


def test_other_methods_are_refused(client: Client, world: World) -> None:
    client.force_login(world.ada)
    assert client.post(URL).status_code == 405
