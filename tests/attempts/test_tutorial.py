"""The tutorial's pages: the room with nothing behind it, and readable without JavaScript."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from attempts.models import AnswerEvent, Attempt, AttemptItem, Contact, Exam, Marking, Scratchpad
from attempts.tutorial import QUESTIONS
from questions.models import Choice, QuestionVersion
from tests.world import World

START = reverse("exam-tutorial")
PAGES = [
    START,
    *(reverse("exam-tutorial-item", args=(n,)) for n in range(1, len(QUESTIONS) + 1)),
    *(reverse("exam-tutorial-list", args=(view,)) for view in ("questions", "review")),
]
STORED = (Attempt, AttemptItem, AnswerEvent, Contact, Marking, Scratchpad)


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.ada)
    return client


def read(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def seen(page: str) -> str:
    """What a reader without JavaScript reads: what <template>s hold is not shown."""
    shown = re.sub(r"<template.*?</template>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def item(position: int) -> str:
    return reverse("exam-tutorial-item", args=(position,))


def listed(view: str) -> str:
    return reverse("exam-tutorial-list", args=(view,))


@pytest.mark.parametrize("url", PAGES)
def test_strangers_are_asked_to_log_in(client: Client, db: None, url: str) -> None:
    assert client.get(url)["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("url", [item(0), item(len(QUESTIONS) + 1), listed("end"), f"{START}x/"])
def test_what_is_not_there_does_not_exist(ada: Client, url: str) -> None:
    assert ada.get(url).status_code == 404


@pytest.mark.parametrize(("url", "method"), [(START, "put"), (listed("review"), "post")])
def test_wrong_methods(ada: Client, url: str, method: str) -> None:
    assert getattr(ada, method)(url).status_code == 405


@pytest.mark.parametrize("url", PAGES)
def test_a_page_asks_the_database_who_is_there_and_nothing_else(
    ada: Client, url: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(2):
        read(ada, url)


def test_whatever_is_done_nothing_is_stored(ada: Client) -> None:
    for url in PAGES:
        read(ada, url)
    for go in ("next", "previous", "all", "review", "here", "nonsense"):
        sent = {"go": go, "choice": "5", "revision": "0", "flag": "on"}
        assert ada.post(item(2), sent).status_code == 302
    assert [model.__name__ for model in STORED if model.objects.exists()] == []


@pytest.mark.parametrize("url", PAGES)
def test_the_rooms_script_is_told_that_there_is_no_attempt(ada: Client, url: str) -> None:
    page = read(ada, url)
    room = re.search(r'<div class="room[^>]*>', page)
    assert room
    assert 'data-attempt=""' in room[0]
    assert 'data-person=""' in room[0]
    assert f'data-base="{START}"' in room[0]
    assert 'data-deadline="Infinity"' in room[0]
    assert "/attempts/" not in page


def test_no_clock_stands_in_it(ada: Client) -> None:
    assert 'id="clock"' not in read(ada, START)


def test_it_carries_every_question_along(ada: Client) -> None:
    page = read(ada, item(2))
    for position, question in enumerate(QUESTIONS, 1):
        sheet = re.search(
            rf'<template data-sheet="{position}">(.*?)</template>', page, flags=re.DOTALL
        )
        assert sheet
        assert f'data-position="{position}"' in sheet[1]
        assert all(html.escape(text) in sheet[1] for text in question.options)
        assert sheet[1].count('type="radio"') == 4
    assert page.count("<template data-questions>") == page.count("<template data-review>") == 1


def test_options_have_numbers_of_their_own(ada: Client) -> None:
    values = re.findall(
        r"value=\"(\d+)\"><span class=\"option-letter\"", read(ada, START).split("<template", 1)[1]
    )
    assert len(values) == len(set(values)) == 4 * len(QUESTIONS)


@pytest.mark.parametrize("position", range(1, len(QUESTIONS) + 1))
def test_without_javascript_it_reads_as_a_page(ada: Client, position: int) -> None:
    page = seen(read(ada, item(position)))
    question = QUESTIONS[position - 1]
    for text in (*question.stem, *question.options, question.scenario):
        assert text in page
    assert "nothing you do here is kept or sent" in page
    assert "The tools need JavaScript, which is off in this browser." in page
    for tool in ("Strike out", "Highlight", "Flag", "scratchpad", "calculator", "settings"):
        assert tool.lower() in page.lower()
    assert "Leave the tutorial" in page


@pytest.mark.parametrize(
    ("position", "go", "leads_to"),
    [
        (1, "next", item(2)),
        (2, "previous", item(1)),
        (1, "previous", item(1)),
        (2, "all", listed("questions")),
        (len(QUESTIONS), "next", listed("review")),
        (1, "review", listed("review")),
        (2, "", item(2)),
    ],
)
def test_without_javascript_its_buttons_lead_on(
    ada: Client, position: int, go: str, leads_to: str
) -> None:
    assert ada.post(item(position), {"go": go})["Location"] == leads_to


def test_its_questions_are_about_nothing_in_the_bank(world: World) -> None:
    ours = [text for question in QUESTIONS for text in (*question.stem, *question.options)]
    assert not QuestionVersion.objects.filter(stem__in=ours).exists()
    assert not Choice.objects.filter(text__in=ours).exists()


def test_no_exam_of_ours_hides_it(world: World) -> None:
    assert not Exam.objects.filter(key="tutorial").exists()
