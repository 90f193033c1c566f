"""Who may open which door of the authoring area."""

from __future__ import annotations

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from attempts.models import Exam
from domains.models import Domain, Outline
from issmp_site.security import POLICY
from questions.models import Question, Scenario
from tests.questions.desk import enter, page_of
from tests.world import World

QUESTION_PAGES = ["change", "preview", "new_version", "publish", "retire", "discard", "history"]


def every_url(world: World) -> list[str]:
    """Every page the admin has, of every model registered in it."""
    of_person = str(world.ben.pk)
    urls = [reverse("admin:index")]
    for model in site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        one = model._default_manager.first()
        pk = of_person if model is User else str(one.pk if one else 0)
        urls += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        urls += [reverse(f"{name}_{page}", args=[pk]) for page in ("change", "history", "delete")]
    question = Question.objects.get(key="d3-two-matrices")
    urls += [page_of(question, page) for page in QUESTION_PAGES]
    urls += [reverse("admin:questions_question_suggest")]
    urls += [reverse("admin:questions_question_quality")]
    urls += [reverse("admin:auth_user_password_change", args=[of_person])]
    return urls


def test_whoever_is_not_logged_in_is_led_to_the_one_log_in(world: World) -> None:
    client = Client()
    for url in every_url(world):
        for reply in (client.get(url), client.post(url)):
            assert reply.status_code == 302, url
            assert reply["Location"].startswith("/admin/login/?next="), url
    reply = client.get("/admin/login/", {"next": "/admin/questions/question/"})
    assert reply["Location"] == "/accounts/login/?next=/admin/questions/question/"


def test_the_log_in_leads_nowhere_else(world: World) -> None:
    reply = Client().get("/admin/login/", {"next": "https://elsewhere.example/"})
    assert reply["Location"] == "/accounts/login/?next=/admin/"


def test_a_candidate_is_told_and_not_sent_in_circles(world: World) -> None:
    ada = enter(world.ada)
    before = list(Question.objects.get(key="d3-two-matrices").versions.values_list("status"))
    for url in every_url(world):
        for reply in (ada.get(url, follow=True), ada.post(url, follow=True)):
            assert reply.status_code == 403, url
            assert len(reply.redirect_chain) == 1, url
            assert "This part is for instructors" in reply.content.decode(), url
    after = list(Question.objects.get(key="d3-two-matrices").versions.values_list("status"))
    assert before == after


def test_an_instructor_reaches_no_person_and_no_attempt(world: World) -> None:
    world.sat(world.ada)
    ines = enter(world.ines)
    closed = [url for url in every_url(world) if "/attempts/" in url or "/accounts/" in url]
    assert len(closed) == 16
    for url in closed:
        assert ines.get(url).status_code == 403, url
        assert ines.post(url, {"post": "yes"}).status_code == 403, url
    html = ines.get("/admin/").content.decode()
    assert "/admin/attempts/" not in html
    assert "/admin/accounts/" not in html


def test_an_instructor_reads_outlines_and_changes_none(world: World) -> None:
    ines = enter(world.ines)
    outline = Outline.objects.default()
    domain = Domain.objects.filter(outline=outline)[0]
    for url in (
        f"/admin/domains/outline/{outline.pk}/change/",
        f"/admin/domains/domain/{domain.pk}/change/",
    ):
        assert ines.get(url).status_code == 200
        assert ines.post(url, {"title": "Mine", "name": "Mine"}).status_code == 403
    assert ines.get("/admin/domains/outline/add/").status_code == 403
    outline.refresh_from_db()
    assert outline.title != "Mine"


def test_staff_without_the_role_sees_an_empty_desk(world: World) -> None:
    guest = world.person("gert@example.org", "Gert", is_staff=True)
    client = enter(guest)
    assert client.get("/admin/").status_code == 200
    question = Question.objects.get(key="d3-two-matrices")
    for url in ["/admin/questions/question/", *(page_of(question, p) for p in QUESTION_PAGES)]:
        assert client.get(url).status_code == 403, url
        assert client.post(url).status_code == 403, url
    assert client.get(reverse("admin:questions_question_suggest")).status_code == 403
    assert client.post(reverse("admin:questions_question_quality")).status_code == 403


def test_an_attempt_is_read_only_for_a_superuser_too(world: World) -> None:
    attempt = world.sat(world.ada)
    root = enter(User.objects.create_superuser("root@example.org"))
    url = f"/admin/attempts/attempt/{attempt.pk}/"
    assert root.get("/admin/attempts/attempt/").status_code == 200
    assert root.get(f"{url}change/").status_code == 200
    assert root.post(f"{url}change/", {"state": "void"}).status_code == 403
    assert root.post(f"{url}delete/", {"post": "yes"}).status_code == 403
    assert root.get("/admin/attempts/attempt/add/").status_code == 403


@pytest.mark.parametrize("name", ["auth_group", "account_emailaddress"])
def test_there_is_no_second_place_for_groups_and_addresses(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(f"admin:{name}_changelist")


def test_every_page_has_the_strict_policy(world: World) -> None:
    root = enter(User.objects.create_superuser("root@example.org"))  # who sees them all
    scenario, exam = Scenario.objects.all()[0], Exam.objects.all()[0]
    urls = every_url(world)
    urls += [f"/admin/questions/scenario/{scenario.pk}/change/"]
    urls += [f"/admin/attempts/exam/{exam.pk}/change/"]
    for url in urls:
        reply = root.get(url)
        assert reply["Content-Security-Policy"] == POLICY, url
        html = reply.content.decode()
        assert not any(
            inline in html for inline in (" style=", "<style", "<script>", " onclick=")
        ), url
