"""`provision` prepares an installation, again and again, and opens no door it should not."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django.fixtures import Settings

from attempts.models import Attempt
from cohorts.models import Cohort
from issmp_site import demo
from questions.models import QuestionVersion
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_second_run_changes_nothing(world: World) -> None:
    before = list(QuestionVersion.objects.order_by("pk").values_list("pk", "content_hash"))
    call_command("provision", "--no-static")
    assert list(QuestionVersion.objects.order_by("pk").values_list("pk", "content_hash")) == before


def test_the_demo_world_is_made_by_the_engine(world: World) -> None:
    count = demo.create("demo password", timezone.now())
    assert Attempt.objects.filter(state="scored").count() == count > 10
    assert Cohort.objects.get().memberships.filter(role="member").count() == 8
    assert authenticate(username=demo.CANDIDATE, password="demo password")


def test_demo_accounts_are_shut_out_where_there_is_no_demo(
    world: World, settings: Settings
) -> None:
    """The data came from a demo: a later start with --no-demo, or a dump restored elsewhere."""
    demo.create("demo password", timezone.now())
    settings.DEMO = False
    call_command("provision", "--no-static")
    for email in (demo.CANDIDATE, demo.INSTRUCTOR, demo.LEAD):
        assert authenticate(username=email, password="demo password") is None
    settings.DEMO = True
    call_command("provision", "--no-static")
    assert authenticate(username=demo.LEAD, password="demo password")


def test_demo_world_is_refused_outside_the_demo(world: World, settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="Nothing was created"):
        call_command("demo_world")
