from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from tests.world import NOON, World

pytestmark = pytest.mark.usefixtures("at_noon")

URL = reverse("profile")


@pytest.fixture
def ada(world: World, client: Client) -> User:
    client.force_login(world.ada)
    return world.ada


def post(client: Client, **fields: str) -> tuple[int, str]:
    data = {"name": "Ada", "time_zone": "UTC", "exam_date": ""} | fields
    response = client.post(URL, data)
    return response.status_code, response.content.decode()


def test_saves_name_zone_and_exam_date(client: Client, ada: User) -> None:
    day = timezone.localdate() + timedelta(days=30)
    status, _ = post(client, name="Ada L.", time_zone="Europe/Berlin", exam_date=day.isoformat())
    assert status == 302
    ada.refresh_from_db()
    assert (ada.name, ada.time_zone, ada.exam_date) == ("Ada L.", "Europe/Berlin", day)
    page = client.get(URL).content.decode()
    assert "Your profile is saved." in page
    assert "30 days to go" in page
    assert '<option value="Europe/Berlin" selected>' in page


def test_a_past_date_is_refused_and_nothing_saved(client: Client, ada: User) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    status, page = post(client, name="Other", exam_date=yesterday.isoformat())
    assert status == 200
    assert "That day has passed" in page
    assert "Nothing was saved yet" in page
    ada.refresh_from_db()
    assert (ada.name, ada.exam_date) == ("Ada", None)


def test_a_date_that_has_passed_meanwhile_keeps_nobody_from_saving(
    client: Client, ada: User
) -> None:
    passed = timezone.localdate() - timedelta(days=3)
    User.objects.filter(pk=ada.pk).update(exam_date=passed)
    status, _ = post(client, name="Ada L.", exam_date=passed.isoformat())
    assert status == 302
    ada.refresh_from_db()
    assert (ada.name, ada.exam_date) == ("Ada L.", passed)
    assert "has passed" in client.get(URL).content.decode()


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "Your exam is today"), (1, "Your exam is tomorrow"), (2, "2 days to go")],
)
def test_counts_the_days(client: Client, ada: User, days: int, words: str) -> None:
    User.objects.filter(pk=ada.pk).update(exam_date=timezone.localdate() + timedelta(days=days))
    assert words in client.get(URL).content.decode()


def test_a_day_begins_where_the_person_lives(client: Client, ada: User) -> None:
    day = NOON.date() + timedelta(days=1)
    User.objects.filter(pk=ada.pk).update(exam_date=day, time_zone="Europe/Berlin")
    with time_machine.travel(NOON.replace(hour=22, minute=59), tick=False):
        assert "Your exam is tomorrow" in client.get(URL).content.decode()
    with time_machine.travel(NOON.replace(hour=23), tick=False):
        assert "Your exam is today" in client.get(URL).content.decode()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd"])
def test_only_a_listed_zone(client: Client, ada: User, zone: str) -> None:
    status, page = post(client, time_zone=zone)
    assert status == 200
    assert "field-invalid" in page


def test_what_is_not_on_the_form_cannot_be_posted(client: Client, ada: User) -> None:
    post(client, extra_time_percent="100", is_staff="on", is_superuser="on", email="x@example.org")
    ada.refresh_from_db()
    assert (ada.extra_time_percent, ada.is_staff, ada.is_superuser) == (0, False, False)
    assert ada.email == "ada@example.org"


def test_shows_granted_extra_time(client: Client, ada: User) -> None:
    assert "ask whoever runs this site" in client.get(URL).content.decode()
    User.objects.filter(pk=ada.pk).update(extra_time_percent=25)
    assert "25 % more time, added to every exam you start" in client.get(URL).content.decode()


def test_a_name_is_escaped(client: Client, ada: User) -> None:
    post(client, name="<b>Ada</b>")
    page = client.get(URL).content.decode()
    assert "<b>Ada</b>" not in page
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page


def test_strangers_are_sent_to_log_in(client: Client, db: None) -> None:
    there = {"Referer": f"http://testserver{URL}"}
    for response in (client.get(URL), client.post(URL, {"name": "x"}, headers=there)):
        assert response.status_code == 302
        assert response["Location"] == f"{reverse('account_login')}?next={URL}"


def test_other_methods_are_refused(client: Client, ada: User) -> None:
    assert client.delete(URL).status_code == 405


def test_a_post_without_token_is_refused(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(URL, {"name": "x", "time_zone": "UTC"}).status_code == 403
