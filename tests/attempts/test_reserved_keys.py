"""An exam's key is a part of an address, and must not be another page's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import resolve, reverse
from django.urls.resolvers import RoutePattern, URLPattern

from accounts.models import User
from attempts import urls_exams
from attempts.models import Exam
from attempts.presets import PresetError, load_exams

TUTORIAL = {
    "key": "tutorial",
    "title": "A tutorial",
    "summary": "",
    "kind": "quick",
    "item_count": 24,
    "minutes": 35,
    "feedback": "at_end",
    "navigation": "free",
}
WORDS = "/exams/tutorial/ is the address of another page"

pytestmark = pytest.mark.django_db


def test_every_page_beside_the_exams_is_reserved() -> None:
    """Whoever adds a page below /exams/ adds its name to the list."""
    routes = [str(page.pattern) for page in urls_exams.urlpatterns if isinstance(page, URLPattern)]
    assert isinstance(urls_exams.urlpatterns[0].pattern, RoutePattern)
    fixed = {first for route in routes if (first := route.split("/")[0]) and "<" not in first}
    assert fixed == Exam.RESERVED_KEYS
    for key in Exam.RESERVED_KEYS:
        assert resolve(reverse("exam-rules", args=[key])).url_name != "exam-rules"


def test_an_exam_of_that_name_is_refused() -> None:
    with pytest.raises(ValidationError, match=WORDS) as refused:
        Exam(**TUTORIAL).full_clean()
    assert set(refused.value.message_dict) == {"key"}
    Exam(**TUTORIAL | {"key": "tutorials"}).full_clean()


def test_one_from_before_the_rule_can_still_be_changed() -> None:
    exam = Exam.objects.create(**TUTORIAL)
    exam.is_offered = False
    exam.full_clean()


def test_the_loader_refuses_it_and_loads_nothing(tmp_path: Path) -> None:
    file = tmp_path / "exams.yaml"
    other = TUTORIAL | {"key": "another"}
    file.write_text(yaml.safe_dump([other, TUTORIAL]), encoding="utf-8")
    before = Exam.objects.count()
    with pytest.raises(PresetError, match=WORDS):
        load_exams(file)
    assert Exam.objects.count() == before


def test_the_admin_says_so_at_the_field(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root@example.org"))
    reply = client.post(reverse("admin:attempts_exam_add"), TUTORIAL | {"position": 9})
    assert reply.status_code == 200
    assert WORDS in reply.content.decode()
    assert not Exam.objects.filter(key="tutorial").exists()
