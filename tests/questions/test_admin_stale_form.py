"""Two authors at one draft: the second to save is told, and nobody's text is lost."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from accounts.models import User
from questions.models import Question
from tests.questions.desk import enter, form_of, page_of
from tests.world import World


@pytest.fixture
def question(world: World) -> Question:
    question = Question.objects.get(key="d3-two-matrices")
    enter(world.ines).post(page_of(question, "new_version"))
    return question


@pytest.fixture
def other(world: World) -> Client:
    person = world.person("otto@example.org", "Otto", is_staff=True)
    person.groups.set(world.ines.groups.all())
    return enter(User.objects.get(pk=person.pk))


def stored(question: Question) -> str:
    return question.versions.get(status="draft").choices.get(position=1).text


def test_the_second_to_save_is_told(world: World, question: Question, other: Client) -> None:
    ines = enter(world.ines)
    opened = form_of(ines.get(page_of(question)).content.decode())
    other.post(page_of(question), opened | {"option_1-text": "Otto wrote this"})

    mine = opened | {"option_1-text": "Ines wrote that"}
    reply = ines.post(page_of(question), mine)
    html = unescape(reply.content.decode())
    assert reply.status_code == 409
    assert "Not saved: this question changed after you opened it" in html
    assert "Otto" in html
    assert "Ines wrote that" in html
    assert stored(question) == "Otto wrote this"

    # Sending it again without the tick does not help; with it, it does.
    again = form_of(html)
    assert ines.post(page_of(question), again).status_code == 409
    tick = html.split('name="replace" value="')[1].split('"')[0]
    assert ines.post(page_of(question), again | {"replace": tick}).status_code == 302
    assert stored(question) == "Ines wrote that"


def test_the_tick_is_good_for_the_state_it_was_shown_with(
    world: World, question: Question, other: Client
) -> None:
    ines = enter(world.ines)
    opened = form_of(ines.get(page_of(question)).content.decode())
    other.post(page_of(question), opened | {"option_1-text": "Otto, first"})
    html = ines.post(page_of(question), opened | {"stem": "Mine"}).content.decode()
    tick = html.split('name="replace" value="')[1].split('"')[0]
    current = form_of(other.get(page_of(question)).content.decode())
    other.post(page_of(question), current | {"option_1-text": "Otto, second"})
    assert ines.post(page_of(question), form_of(html) | {"replace": tick}).status_code == 409
    assert stored(question) == "Otto, second"


def test_a_change_of_place_alone_counts_as_a_change(
    world: World, question: Question, other: Client
) -> None:
    opened = form_of(enter(world.ines).get(page_of(question)).content.decode())
    other.post(page_of(question), opened | {"tags": "otto"})
    reply = enter(world.ines).post(page_of(question), opened | {"tags": "ines"})
    assert reply.status_code == 409


def test_a_double_click_is_no_conflict(world: World, question: Question) -> None:
    ines = enter(world.ines)
    sent = form_of(ines.get(page_of(question)).content.decode()) | {"option_1-text": "Once"}
    assert ines.post(page_of(question), sent).status_code == 302
    assert ines.post(page_of(question), sent).status_code == 302


def test_published_by_the_other_meanwhile(world: World, question: Question, other: Client) -> None:
    ines = enter(world.ines)
    opened = form_of(ines.get(page_of(question)).content.decode())
    other.post(page_of(question), opened | {"_publish": "1"})
    reply = ines.post(page_of(question), opened | {"option_1-text": "Too late"})
    assert reply.status_code == 409
    html = reply.content.decode()
    assert "Too late" in html
    tick = html.split('name="replace" value="')[1].split('"')[0]
    ines.post(page_of(question), form_of(html) | {"replace": tick})
    assert dict(question.versions.values_list("number", "status")) == {
        1: "retired",
        2: "published",
        3: "draft",
    }


def test_publishing_what_was_not_seen(world: World, question: Question, other: Client) -> None:
    ines = enter(world.ines)
    html = ines.get(page_of(question, "preview")).content.decode()
    revision = html.split('name="revision" value="')[1].split('"')[0]
    opened = form_of(other.get(page_of(question)).content.decode())
    other.post(page_of(question), opened | {"option_1-text": "Not seen by Ines"})
    reply = ines.post(page_of(question, "publish"), {"revision": revision}, follow=True)
    assert "Nothing was published: the draft changed" in reply.content.decode()
    assert question.versions.get(number=2).status == "draft"
