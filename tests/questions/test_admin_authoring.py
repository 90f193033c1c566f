"""The life of a question at the instructor's desk: draft, published, next version, retired."""

from __future__ import annotations

from html import unescape

import pytest
from django.contrib.admin.models import LogEntry

from domains.models import Objective
from questions.bank import SLUG
from questions.models import Question, QuestionVersion, Scenario
from tests.questions.desk import ADD, WHOLE, enter, form_of, page_of
from tests.world import World


def objective(code: str = "5.1") -> str:
    return str(Objective.objects.get(domain__outline__is_default=True, code=code).pk)


def statuses(question: Question) -> dict[int, str]:
    return dict(question.versions.values_list("number", "status"))


def newest() -> Question:
    return Question.objects.order_by("pk").reverse()[0]


def test_a_question_from_the_first_words_to_the_third_version(world: World) -> None:
    ines = enter(world.ines)
    assert ines.get(ADD).status_code == 200

    # An unfinished draft is kept, and the page says what is missing.
    reply = ines.post(ADD, {"stem": "A port authority", "difficulty": "0.65", "level": "apply"})
    question = newest()
    assert reply["Location"] == page_of(question)
    assert question.key == "a-port-authority"
    html = unescape(ines.get(page_of(question)).content.decode())
    for words in (
        "Choose the objective this question belongs to.",
        "Option 1 has no text.",
        "Exactly one option must be marked as the key; 0 are.",
        "Give at least one public, checkable reference.",
    ):
        assert words in html

    # Publishing refuses with the same sentences, and keeps what was written.
    sent = form_of(html) | {"stem": "A port authority waits", "_publish": "1"}
    html = unescape(ines.post(page_of(question), sent, follow=True).content.decode())
    assert "Your draft is saved, and not published yet." in html
    assert "Option 4 has no rationale." in html
    assert statuses(question) == {1: "draft"}

    # Complete, previewed, published from the preview.
    sent = form_of(html) | WHOLE | {"objective": objective(), "_preview": "1"}
    reply = ines.post(page_of(question), sent, follow=True)
    assert reply.redirect_chain[0][0] == page_of(question, "preview")
    html = reply.content.decode()
    assert "Confirm with the owners" in html
    revision = html.split('name="revision" value="')[1].split('"')[0]
    ines.post(page_of(question, "publish"), {"revision": revision})
    assert statuses(question) == {1: "published"}
    first = question.versions.get(number=1)
    assert first.published_at is not None
    assert first.created_by == world.ines
    assert first.references == WHOLE["references"].split("\n")
    question.refresh_from_db()
    assert question.tags == ["recovery", "port-authority"]
    assert question.placements.count() == 2  # the other outline followed

    # Now it is text to read; editing makes the draft of version 2.
    html = ines.get(page_of(question)).content.decode()
    assert "question-form" not in html
    assert "Edit as version 2" in html
    ines.post(page_of(question, "new_version"))
    assert statuses(question) == {1: "published", 2: "draft"}
    html = unescape(ines.get(page_of(question)).content.decode())
    assert "Version 1 stays in use until you publish version 2." in html

    ines.post(
        page_of(question), form_of(html) | {"option_4-text": "Wait for the audit", "_publish": "1"}
    )
    assert statuses(question) == {1: "retired", 2: "published"}
    assert question.versions.get(number=1).choices.get(position=4).text == WHOLE["option_4-text"]
    assert question.versions.get(number=2).choices.get(position=4).text == "Wait for the audit"

    # Retired, it can come back as version 3.
    assert "New exams no longer draw it" in ines.get(page_of(question, "retire")).content.decode()
    ines.post(page_of(question, "retire"))
    assert statuses(question) == {1: "retired", 2: "retired"}
    ines.post(page_of(question, "new_version"))
    assert statuses(question) == {1: "retired", 2: "retired", 3: "draft"}

    said = [
        entry.get_change_message()
        for entry in LogEntry.objects.filter(object_id=str(question.pk)).order_by("pk")
    ]
    assert said == [
        "Wrote the first draft.",
        "Saved the draft of version 1.",
        "Saved the draft of version 1.",
        "Published version 1.",
        "Started a draft of version 2.",
        "Saved the draft of version 2.",
        "Published version 2.",
        "Retired.",
        "Started a draft of version 3.",
    ]


def test_an_unchanged_form_writes_what_the_file_gave(world: World) -> None:
    """Otherwise opening and saving would look like an instructor's change to the loader."""
    question = Question.objects.get(key="d3-sum-of-acceptances")
    before = question.versions.get().content_hash
    ines = enter(world.ines)
    ines.post(page_of(question, "new_version"))
    html = ines.get(page_of(question)).content.decode()
    sent = {name: text.replace("\n", "\r\n") for name, text in form_of(html).items()}
    ines.post(page_of(question), sent | {"_save": "1"})
    draft = question.versions.get(status=QuestionVersion.Status.DRAFT)
    assert draft.content_hash == before


def test_the_key_stands_for_no_misjudgement(world: World) -> None:
    sent = WHOLE | {"option_2-misjudgement": "fact-error", "objective": objective()}
    enter(world.ines).post(ADD, sent | {"_publish": "1"})
    question = newest()
    assert statuses(question) == {1: "published"}
    assert question.versions.get().choices.get(is_correct=True).misjudgement == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"difficulty": "0.95"}, "Give a probability from 0.30 to 0.90."),
        ({"difficulty": ""}, "Give a probability from 0.30 to 0.90."),
        ({"key": "d3-two-matrices"}, "Another question already has the key “d3-two-matrices”."),
        ({"key": "Two words"}, "Use lower-case letters, digits and hyphens only."),
        ({"enemies": "no-such-question"}, "There is no question with the key “no-such-question”."),
        ({"stem": "word " * 1_300}, "This has 6,499 characters; the limit is 6,000."),
        ({"tags": "x" * 41}, "is too long for a tag"),
    ],
)
def test_what_cannot_be_stored_is_said_beside_the_field(
    world: World, change: dict[str, str], words: str
) -> None:
    before = Question.objects.count()
    reply = enter(world.ines).post(ADD, WHOLE | change)
    assert reply.status_code == 422
    html = unescape(reply.content.decode())
    assert words in html
    assert "Nothing was saved yet" in html
    assert WHOLE["option_3-rationale"] in html
    assert Question.objects.count() == before


def test_a_question_moves_and_its_place_in_the_other_outline_follows(world: World) -> None:
    question = Question.objects.get(key="d3-sum-of-acceptances")
    ines = enter(world.ines)
    ines.post(page_of(question, "new_version"))
    sent = form_of(ines.get(page_of(question)).content.decode())
    ines.post(page_of(question), sent | {"objective": objective("5.1")})
    places = {p.outline.key: p.objective.code for p in question.placements.all()}
    assert places == {"current": "5.1", "2022": "5.1"}


def test_discarding_a_draft_leaves_what_was_published(world: World) -> None:
    question = Question.objects.get(key="d3-two-matrices")
    ines = enter(world.ines)
    ines.post(page_of(question, "new_version"))
    assert "cannot be brought back" in ines.get(page_of(question, "discard")).content.decode()
    ines.post(page_of(question, "discard"))
    assert statuses(question) == {1: "published"}
    ines.post(page_of(question, "discard"))
    assert statuses(question) == {1: "published"}


def test_discarding_the_only_draft_takes_the_question_along(world: World) -> None:
    ines = enter(world.ines)
    ines.post(ADD, WHOLE | {"key": "soon-gone"})
    question = Question.objects.get(key="soon-gone")
    reply = ines.post(page_of(question, "discard"))
    assert reply["Location"] == "/admin/questions/question/"
    assert not Question.objects.filter(key="soon-gone").exists()


def test_two_questions_that_begin_alike_get_two_keys(world: World) -> None:
    ines = enter(world.ines)
    ines.post(ADD, WHOLE)
    ines.post(ADD, WHOLE)
    keys = Question.objects.filter(key__startswith="a-port-authority").order_by("pk")
    assert [question.key for question in keys] == [
        "a-port-authority-must-choose-between",
        "a-port-authority-must-choose-between-2",
    ]


@pytest.mark.parametrize("key", ["my_key", "two--hyphens", "-first", "last-"])
def test_a_key_no_file_could_name_is_refused_in_words(world: World, key: str) -> None:
    reply = enter(world.ines).post(ADD, {"key": key, "difficulty": ".5", "level": "recall"})
    assert reply.status_code == 422
    assert "joined by single hyphens" in reply.content.decode()
    reply = enter(world.ines).post(
        "/admin/questions/scenario/add/", {"key": key, "title": "A set", "text": "The facts."}
    )
    assert "joined by single hyphens" in reply.content.decode()
    assert not Scenario.objects.filter(key=key).exists()


def test_keys_and_tags_made_here_can_stand_in_a_file(world: World) -> None:
    sent = {
        "stem": "The foo_bar box -- of __init__",
        "tags": "Foo_Bar, two  words_-x",
        "difficulty": ".5",
        "level": "apply",
    }
    enter(world.ines).post(ADD, sent)
    question = newest()
    assert question.key == "the-foo-bar-box-of-init"
    assert question.tags == ["foo-bar", "two-words-x"]
    assert all(SLUG.fullmatch(word) for word in [question.key, *question.tags])
