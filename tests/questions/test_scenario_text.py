"""A version carries its scenario as it was: what happens to the scenario later is for later
versions."""

from __future__ import annotations

from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from attempts import services as engine
from attempts.models import AttemptItem
from attempts.results import score_attempt
from questions import services
from questions.models import Question, QuestionVersion, Scenario
from tests.questions.desk import enter, form_of, page_of
from tests.world import World

NEW = "Everything is different now."


@pytest.fixture
def scenario(world: World) -> Scenario:
    return Scenario.objects.order_by("pk")[0]


@pytest.fixture
def question(scenario: Scenario) -> Question:
    return scenario.questions.order_by("pk")[0]


@pytest.fixture
def published(question: Question) -> QuestionVersion:
    return question.versions.get(status="published")


def rewrite(world: World, scenario: Scenario, text: str = NEW) -> str:
    """Save another text in the admin; what the page then says."""
    url = reverse("admin:questions_scenario_change", args=[scenario.pk])
    sent = {"title": scenario.title, "text": text, "_continue": "1"}
    reply = enter(world.ines).post(url, sent, follow=True)
    return " ".join(unescape(reply.content.decode()).split())


def scenario_of(version: QuestionVersion) -> tuple[str, str]:
    version.refresh_from_db()
    return version.scenario_title, version.scenario_text


def test_every_version_carries_the_scenario_of_its_question(world: World) -> None:
    for version in QuestionVersion.objects.select_related("question__scenario"):
        own = version.question.scenario
        expected = (own.title, own.text, own.text_html) if own else ("", "", "")
        assert (version.scenario_title, version.scenario_text, version.scenario_html) == expected


def test_a_rewritten_scenario_changes_drafts_and_nothing_published(
    world: World, scenario: Scenario, question: Question, published: QuestionVersion
) -> None:
    before = (scenario.title, scenario.text)
    draft = services.draft_from_published(question)
    sealed = draft.content_hash
    page = rewrite(world, scenario)
    assert scenario_of(published) == before
    assert scenario_of(draft) == (scenario.title, NEW)
    assert draft.scenario_html == f"<p>{NEW}</p>"
    assert draft.content_hash != sealed
    keys = ", ".join(scenario.questions.order_by("key").values_list("key", flat=True))
    assert (
        f"{scenario.questions.count()} published questions keep the earlier text until their next "
        f"version is published: {keys}." in page
    )
    assert "1 draft now has the new text." in page
    last = LogEntry.objects.filter(object_id=str(question.pk)).latest("pk")
    assert last.get_change_message() == f"The text of its scenario changed: {scenario.title}."


def test_the_scenarios_page_goes_on_naming_who_keeps_the_earlier_text(
    world: World, scenario: Scenario, question: Question
) -> None:
    rewrite(world, scenario)
    services.publish(services.draft_from_published(question), now=timezone.now())
    url = reverse("admin:questions_scenario_change", args=[scenario.pk])
    html = enter(world.ines).get(url).content.decode()
    assert html.count("Keeps an earlier text") == scenario.questions.count() - 1


def test_a_save_that_changes_nothing_has_nothing_to_tell(world: World, scenario: Scenario) -> None:
    page = rewrite(world, scenario, scenario.text)
    assert "keep the earlier text" not in page
    assert "now has the new text" not in page


def test_a_draft_with_another_scenario_leaves_the_published_text(
    world: World, question: Question, published: QuestionVersion
) -> None:
    other = Scenario.objects.exclude(questions=question).order_by("pk")[0]
    before = scenario_of(published)
    ines = enter(world.ines)
    ines.post(page_of(question, "new_version"))
    sent = form_of(ines.get(page_of(question)).content.decode())
    ines.post(page_of(question), sent | {"scenario": str(other.pk), "_save": "1"})
    assert scenario_of(published) == before
    draft = question.versions.get(status="draft")
    assert scenario_of(draft) == (other.title, other.text)
    ines.post(page_of(question), sent | {"scenario": "", "revision": "", "_save": "1"})
    sent = form_of(ines.get(page_of(question)).content.decode())
    ines.post(page_of(question), sent | {"scenario": "", "_save": "1"})
    assert scenario_of(draft) == ("", "")
    assert draft.scenario_html == ""


def test_the_next_version_takes_the_scenario_as_it_is_now(
    world: World, scenario: Scenario, question: Question, published: QuestionVersion
) -> None:
    rewrite(world, scenario)
    draft = services.draft_from_published(question)
    assert scenario_of(draft) == (scenario.title, NEW)
    assert draft.content_hash != published.content_hash


def test_a_scenario_that_changed_after_the_preview_is_not_published_unseen(
    world: World, scenario: Scenario, question: Question
) -> None:
    services.draft_from_published(question)
    ines = enter(world.ines)
    html = ines.get(page_of(question, "preview")).content.decode()
    revision = html.split('name="revision" value="')[1].split('"')[0]
    rewrite(world, scenario)
    reply = ines.post(page_of(question, "publish"), {"revision": revision}, follow=True)
    assert "Nothing was published: the draft changed" in reply.content.decode()
    assert question.versions.filter(status="draft").exists()


@pytest.mark.parametrize("leaf", ["preview", "change"])
def test_the_desk_shows_the_versions_own_scenario(
    world: World, scenario: Scenario, question: Question, published: QuestionVersion, leaf: str
) -> None:
    rewrite(world, scenario)
    html = enter(world.ines).get(page_of(question, leaf)).content.decode()
    assert published.scenario_html in html
    assert NEW not in html


def test_an_open_exam_and_its_report_keep_the_scenario(world: World) -> None:
    """Also when the question left its scenario, or the scenario its text, in the meantime."""
    attempt = world.start(world.ada, "simulation")
    items = list(
        attempt.items.filter(version__question__scenario__isnull=False).select_related(
            "version__question__scenario"
        )
    )
    shown = items[0]
    question, scenario = shown.version.question, shown.version.question.scenario
    assert scenario is not None
    before = scenario.text_html
    rewrite(world, scenario)
    Question.objects.filter(pk=question.pk).update(scenario=None)
    candidate = enter(attempt.user)

    def heading(html: str) -> str:
        """Of the scenario of our question: which questions it says it is for."""
        return html.split(before)[0].rsplit("<summary>", 1)[1].split("</summary>")[0]

    mates: list[AttemptItem] = [i for i in items if i.version.question.scenario_id == scenario.pk]
    places = [item.position for item in mates]
    expected = f"Scenario for questions {min(places)} to {max(places)}"
    expected = expected if len(places) > 1 else "Scenario"
    url = reverse("attempt-item", args=[attempt.public_id, shown.position])
    room = candidate.get(url).content.decode()
    assert before in room
    assert "has-scenario" in room
    assert heading(room) == expected
    assert NEW not in room

    engine.submit(attempt, timezone.now())
    score_attempt(attempt.pk, timezone.now())
    url = reverse("attempt-report", args=[attempt.public_id])
    report = candidate.get(url, {"open": "all"}).content.decode()
    assert before in report
    assert heading(report) == expected
    assert NEW not in report


def test_publishing_one_of_a_set_says_which_others_show_another_text(
    world: World, scenario: Scenario, question: Question
) -> None:
    """A set is drawn whole: both texts would stand in one exam."""
    rewrite(world, scenario)
    others = list(
        scenario.questions.exclude(pk=question.pk).order_by("key").values_list("key", flat=True)
    )

    def publish(one: Question) -> str:
        services.draft_from_published(one)
        ines = enter(world.ines)
        sent = form_of(ines.get(page_of(one)).content.decode()) | {"_publish": "1"}
        return unescape(ines.post(page_of(one), sent, follow=True).content.decode())

    page = publish(question)
    assert f"{len(others)} other questions of this set still show another text" in page
    assert ", ".join(others) in page
    for key in others[:-1]:
        publish(Question.objects.get(key=key))
    assert "of this set still" not in publish(Question.objects.get(key=others[-1]))
