"""Found in review: what a page, a file or an address told or did that it should not."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from attempts.models import Exam
from issmp_site.celery import app
from questions import services
from questions.bank import Option
from questions.models import Choice, Question
from tests.world import PASSWORD, World, right

OPTIONS = [Option("the key", "because", correct=True)] + [
    Option(f"distractor {n}", "because not", misjudgement="wrong-order") for n in range(3)
]


def write(key: str) -> Question:
    question = Question.objects.create(key=key)
    services.write_draft(
        question, stem="?", difficulty=0.5, level="apply", references=["x"], options=OPTIONS
    )
    return question


def order_of_ids(question: Question, number: int) -> tuple[int, ...]:
    """Where the options stand in the file, in the order of the ids that candidates can see."""
    choices = Choice.objects.filter(version__question=question, version__number=number)
    return tuple(choices.order_by("pk").values_list("position", flat=True))


def test_the_ids_in_the_page_do_not_tell_where_the_key_was_written(db: None) -> None:
    """Authors write the key first, or last: the ids must not follow the order of writing."""
    orders = Counter(order_of_ids(write(f"q-{n}"), 1) for n in range(40))
    assert len(orders) > 5
    assert len({order[0] for order in orders}) == 4


def test_nor_do_those_of_a_next_version(db: None) -> None:
    questions = [write(f"q-{n}") for n in range(40)]
    for question in questions:
        question.versions.update(status="retired", retired_at=question.created_at)
        services.draft_from_published(question)
    pairs = [(order_of_ids(question, 1), order_of_ids(question, 2)) for question in questions]
    assert len({second for _, second in pairs}) > 5
    assert any(first != second for first, second in pairs)


def test_the_file_does_not_name_the_questions_of_an_open_exam(client: Client, world: World) -> None:
    """Their keys are words of the author's, often those of the principle that decides."""
    attempt = world.start(world.ada)
    drill = world.start(world.ben, "drill", domain=1)
    first = drill.items.get(position=1)
    world.answer(drill, lambda item: right(item) if item == first else None)

    client.force_login(world.ada)
    body = client.get(reverse("profile-data")).content.decode()
    assert not [
        key for key in attempt.items.values_list("version__question__key") if key[0] in body
    ]

    client.force_login(world.ben)
    (told,) = json.loads(client.get(reverse("profile-data")).content)["attempts"]
    assert [item["question"] for item in told["items"][:2]] == [first.version.question.key, None]


def test_rate_limits_do_not_fall_out_of_a_full_cache(client: Client, world: World) -> None:
    """The cache drops a third of what it holds once it is full, limits included."""
    url = reverse("account_login")
    for _ in range(12):
        client.post(url, {"login": world.ada.email, "password": "a guess"})
    for n in range(1000):
        cache.set(f"allauth:rl:allauth.account:signup:of-somebody-else:{n:04}", [1.0])
    response = client.post(url, {"login": world.ada.email, "password": PASSWORD})
    assert "_auth_user_id" not in client.session, response.status_code


@pytest.mark.parametrize("path", ["/exams/?outline=%00", "/exams/quick/?outline=%00"])
def test_an_address_with_a_zero_byte_is_not_found(client: Client, world: World, path: str) -> None:
    client.force_login(world.ada)
    client.raise_request_exception = False
    assert client.get(path).status_code == 404


def test_when_the_key_is_shown_cannot_change_under_an_attempt(client: Client, world: World) -> None:
    """The rule is read from the exam: changed, it would show the keys to those who are sitting."""
    client.force_login(world.person("root@example.org", is_staff=True, is_superuser=True))
    attempt = world.start(world.ada)
    exam = attempt.exam
    url = reverse("admin:attempts_exam_change", args=[exam.pk])
    fields = {"title": exam.title, "kind": "drill", "item_count": 24, "minutes": 35, "position": 3}
    client.post(url, {**fields, "is_offered": "on", "feedback": Exam.Feedback.AFTER_ANSWER})
    exam.refresh_from_db()
    assert (exam.kind, exam.feedback) == (Exam.Kind.QUICK, Exam.Feedback.AT_END)


def test_what_beat_asks_for_expires_before_it_is_asked_for_again() -> None:
    """A worker that was away for a night is not to find a night's worth of sweeps."""
    for entry in app.conf.beat_schedule.values():
        assert entry["options"]["expires"] <= entry["schedule"]
