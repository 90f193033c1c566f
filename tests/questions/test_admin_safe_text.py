"""What an author types is text to every page, never markup of its own."""

from __future__ import annotations

import pytest

from questions.models import Question, Scenario
from tests.questions.desk import ADD, BANK, WHOLE, enter, page_of
from tests.world import World

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)"> [go](javascript:alert(3))'


@pytest.fixture
def question(world: World) -> Question:
    evil = {name: EVIL for name in WHOLE if name.endswith(("-text", "-rationale"))}
    enter(world.ines).post(ADD, WHOLE | evil | {"key": "evil", "stem": EVIL, "references": EVIL})
    return Question.objects.get(key="evil")


def clean(html: str) -> bool:
    return not any(bad in html for bad in ("<script>alert", "<img src=x", 'href="javascript'))


@pytest.mark.parametrize("leaf", ["change", "preview", "history", "discard"])
def test_no_page_runs_it(world: World, question: Question, leaf: str) -> None:
    html = enter(world.ines).get(page_of(question, leaf)).content.decode()
    assert clean(html)


def test_nor_does_the_list(world: World, question: Question) -> None:
    html = enter(world.ines).get(BANK, {"q": "evil"}).content.decode()
    assert "&lt;script&gt;" in html
    assert clean(html)


def test_nor_what_is_stored_for_candidates(question: Question) -> None:
    version = question.versions.get()
    stored = [version.stem_html]
    for choice in version.choices.all():
        stored += [choice.text_html, choice.rationale_html]
    assert all(clean(html) and "<a" not in html for html in stored)


def test_a_scenario_is_rendered_and_cleaned_on_save(world: World) -> None:
    ines = enter(world.ines)
    ines.post(
        "/admin/questions/scenario/add/",
        {"title": "One", "key": "one", "text": f"Two *words*.\r\n\r\n{EVIL}"},
    )
    scenario = Scenario.objects.get(key="one")
    assert scenario.text_html.startswith("<p>Two <em>words</em>.</p>")
    assert clean(scenario.text_html)
    assert "\r" not in scenario.text
    ines.post(f"/admin/questions/scenario/{scenario.pk}/change/", {"title": "One", "text": "New."})
    scenario.refresh_from_db()
    assert scenario.text_html == "<p>New.</p>"
