"""The second look: what an author is told of the text on the form, while writing it."""

from __future__ import annotations

import json
from html import unescape
from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from questions import cues, likeness, quality, services
from questions.bank import Item, Option
from questions.models import Choice, Question, QuestionVersion
from tests.questions.desk import ADD, WHOLE, enter, form_of, page_of
from tests.questions.items import REASON, STEM, TEXTS, item
from tests.world import World

LOOK = reverse("admin:questions_question_quality")
SOUND: dict[str, str] = {
    **WHOLE,
    "stem": STEM,
    "key_option": "1",
    **{f"option_{number}-text": text for number, text in enumerate(TEXTS, 1)},
    **{f"option_{number}-rationale": REASON for number in range(1, 5)},
    **{f"option_{number}-misjudgement": "wrong-order" for number in range(2, 5)},
}


def look(client: Client, **changes: str) -> str:
    """What the page says, as a person reads it."""
    reply = client.post(LOOK, SOUND | {name.replace("__", "-"): v for name, v in changes.items()})
    assert reply.status_code == 200
    return " ".join(unescape(reply.content.decode()).split())


@pytest.fixture
def ines(world: World) -> Client:
    return enter(world.ines)


# --- What it says ---------------------------------------------------------------------------


def test_a_sound_item_has_no_findings(ines: Client) -> None:
    html = look(ines)
    assert 'data-announce="No findings"' in html
    assert "Not judged yet" not in html
    assert "does not hold up publishing" in html


def test_where_nothing_at_all_is_found_one_sentence_says_so(ines: Client) -> None:
    with (
        patch.object(quality, "cue_notes", return_value=[]),
        patch.object(likeness, "nearest", return_value=[]),
    ):
        html = look(ines)
    assert "Nothing found: the rules of writing are kept" in html
    assert "Guessing rules" not in html
    assert "Nearest in the bank" not in html


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"stem": "What first?"}, "id_stem", "The stem has 2 words; 40 to 120 are asked."),
        ({"stem": STEM[:-1]}, "id_stem", "The stem's last paragraph must be the one question."),
        (
            {"stem": STEM.replace("What should", "Which should NOT")},
            "id_stem",
            "The question is asked in the negative",
        ),
        ({"option_1__text": f"{TEXTS[0]}, {'x' * 40}"}, "id_options", "times as long"),
        ({"option_3__text": "All of the above"}, "id_option_3-text", "Points at the other options"),
        (
            {"option_2__text": TEXTS[0].removesuffix(" Monday")},
            "id_option_2-text",
            "Is contained in option 1",
        ),
        (
            {"option_4__rationale": f"{REASON} Option B is better."},
            "id_option_4-text",
            "names an option by its place",
        ),
        ({"option_4__rationale": "Because."}, "id_option_4-text", "fewer than 10 words"),
    ],
)
def test_each_finding_is_shown_and_leads_to_its_field(
    ines: Client, changes: dict[str, str], field: str, words: str
) -> None:
    html = look(ines, **changes)
    assert words in html
    assert f'href="#{field}"' in html
    assert f'id="{field}"' in ines.get(ADD).content.decode()
    assert words not in look(ines)


def test_a_question_of_a_set_may_have_a_short_stem(ines: Client) -> None:
    scenario = str(Question.objects.filter(scenario__isnull=False)[0].scenario_id)
    stem = "Its board has one question left, " + "and time runs " * 6 + "\n\nWhat comes first?"
    assert "words; 40 to 120 are asked" in look(ines, stem=stem)
    assert "are asked" not in look(ines, stem=stem, scenario=scenario)


def test_a_cue_stands_beside_what_it_finds_in_the_whole_bank(ines: Client) -> None:
    longer = {"option_1__text": f"{TEXTS[0]} at seven"}
    html = look(ines, **longer)
    published = QuestionVersion.objects.filter(status="published").prefetch_related("choices")
    items = [item(options=tuple(services.options_of(version))) for version in published]
    share = 100 * cues.share_found(items, "always the longest")
    limit = 100 * cues.limit(len(items))
    assert "Always the longest" in html
    assert f"finds {share:.1f} % of the published keys; at most {limit:.1f} % may be." in html
    assert "Always the longest" not in look(ines, option_2__text=f"{TEXTS[1].strip()} at seven")


@pytest.mark.parametrize(("bound", "full"), [(0.0, True), (1.0, False)])
def test_a_cue_at_its_limit_is_marked(ines: Client, bound: float, full: bool) -> None:
    with patch.object(cues, "limit", return_value=bound):
        html = look(ines, option_1__text=f"{TEXTS[0]} at seven")
    assert ("The limit is reached" in html) is full


def published_like(stem: str) -> Question:
    question = Question.objects.create(key="twin")
    sound = item()
    text = services.Text(stem, 0.65, "apply", ["A source"], sound.options)
    services.publish_new({question: text}, now=timezone.now())
    return question


def test_the_nearest_are_linked_and_a_double_is_a_finding(ines: Client) -> None:
    assert "twin" not in look(ines)
    twin = published_like(STEM)
    html = look(ines)
    assert f'href="{page_of(twin, "preview")}?version=1" target="_blank" rel="noopener"' in html
    assert "1.00" in html
    assert "Too near: rewrite this one" in html
    assert 'data-announce="1 finding"' in html

    html = look(ines, enemies="d3-two-matrices, twin")
    assert "you named it under “Never together with”" in html
    assert 'data-announce="No findings"' in html


def test_a_stem_that_is_only_somewhat_alike_is_no_finding(ines: Client) -> None:
    published_like(f"{STEM} " + "Lanterns guide ferries past harbour walls at dusk. " * 6)
    with patch.object(likeness, "NEAR_DUPLICATE", 1.1):
        html = look(ines)
    assert "twin" in html
    assert "Too near" not in html


def test_a_question_is_not_compared_with_itself(ines: Client) -> None:
    twin = published_like(STEM)
    reply = ines.post(f"{LOOK}?question={twin.pk}", SOUND)
    assert "twin" not in reply.content.decode()


def test_what_is_published_or_retired_counts_at_once(ines: Client) -> None:
    look(ines)
    twin = published_like(STEM)
    assert "twin" in look(ines)
    services.retire(twin, now=timezone.now())
    assert "twin" not in look(ines)


# --- Too little to judge --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"stem": " "}, "id_stem", "Write the stem."),
        ({"option_3__text": ""}, "id_option_3-text", "Write all four options; 1 to go."),
        ({"key_option": ""}, "id_options", "Mark one option as the key."),
        ({"key_option": "7"}, "id_options", "Select a valid choice"),
        ({"stem": "word " * 1_300}, "id_stem", "This has 6,499 characters; the limit is 6,000."),
        ({"option_2__rationale": "x" * 6_001}, "id_option_2-text", "the limit is 6,000."),
        ({"option_2__text": "a\x00b"}, "id_option_2-text", "Null characters are not allowed."),
    ],
)
def test_it_says_what_is_still_needed(
    ines: Client, changes: dict[str, str], field: str, words: str
) -> None:
    with patch.object(likeness, "nearest", return_value=[]):  # shown as soon as there is a stem
        html = look(ines, **changes)
    assert "Not judged yet." in html
    assert words in html
    assert f'href="#{field}"' in html
    assert html.count("<li>") == 1
    assert "data-announce" not in html


def test_unready_is_pure_and_says_each_thing_once() -> None:
    blank = item(stem="", options=(Option("", ""),) * 4)
    assert [(f.about, f.text) for f in quality.unready(blank)] == [
        ("stem", "Write the stem."),
        ("option_1", "Write all four options; 4 to go."),
        ("options", "Mark one option as the key."),
    ]
    assert quality.unready(item()) == []
    three: Item = item(options=item().options[:3])
    assert [f.about for f in quality.unready(three)] == ["option_4"]


def test_half_written_labels_refuse_nothing(ines: Client) -> None:
    html = look(ines, difficulty="7", tags="x" * 50, enemies="no-such", level="", references="")
    assert 'data-announce="No findings"' in html


# --- Inside the form's page -----------------------------------------------------------------


def test_the_form_shows_it_for_the_stored_draft(ines: Client) -> None:
    assert "Not judged yet" in ines.get(ADD).content.decode()
    ines.post(ADD, SOUND | {"key": "dull", "option_3-text": "All of the above"})
    question = Question.objects.get(key="dull")
    html = ines.get(page_of(question)).content.decode()
    assert "Points at the other options" in html
    assert f'data-quality="{LOOK}?question={question.pk}"' in html


def test_and_for_what_was_sent_and_not_saved(ines: Client) -> None:
    reply = ines.post(ADD, SOUND | {"difficulty": "7", "option_3-text": "All of the above"})
    assert reply.status_code == 422
    assert "Points at the other options" in reply.content.decode()


def test_what_stands_in_a_draft_reads_the_same_in_both_places(ines: Client) -> None:
    question = Question.objects.get(key="d3-two-matrices")
    ines.post(page_of(question, "new_version"))
    page = ines.get(page_of(question)).content.decode()
    reply = ines.post(f"{LOOK}?question={question.pk}", form_of(page))
    assert reply.content.decode().strip() in page


# --- Who, how, and what never happens -------------------------------------------------------


def test_only_those_who_see_questions(world: World, client: Client) -> None:
    assert client.post(LOOK, SOUND).status_code == 302
    assert enter(world.ada).post(LOOK, SOUND, follow=True).status_code == 403
    guest = enter(world.person("gert@example.org", is_staff=True))
    assert guest.post(LOOK, SOUND).status_code == 403
    assert Client(enforce_csrf_checks=True).post(LOOK, SOUND).status_code in {302, 403}


def test_it_needs_the_token_of_the_form(world: World) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(world.ines, "django.contrib.auth.backends.ModelBackend")
    assert careful.post(LOOK, SOUND).status_code == 403


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete"])
def test_it_is_asked_by_post_only(ines: Client, method: str) -> None:
    reply = getattr(ines, method)(LOOK)
    assert reply.status_code == 405
    assert reply["Allow"] == "POST"


@pytest.mark.parametrize("body", [{}, {"stem": "Half a form"}, {"q": "x" * 9_000}])
def test_what_is_not_the_form_is_refused_in_words(ines: Client, body: dict[str, str]) -> None:
    reply = ines.post(LOOK, body)
    assert reply.status_code == 400
    assert reply.content.startswith(b"This address reads the authoring form")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_nor_is_another_kind_of_body_read(ines: Client, kind: str) -> None:
    assert ines.post(LOOK, json.dumps(SOUND), content_type=kind).status_code == 400


def test_a_body_beyond_all_limits_is_refused(ines: Client) -> None:
    assert ines.post(LOOK, SOUND | {"stem": "x" * 3_000_000}).status_code == 400


@pytest.mark.parametrize("pk", ["x", "-1", "9" * 40, "1 or 1"])
def test_a_question_nobody_links_to_is_not_found(ines: Client, pk: str) -> None:
    assert ines.post(f"{LOOK}?question={pk}", SOUND).status_code == 404


def test_nothing_is_written(ines: Client) -> None:
    def stored() -> list[object]:
        models = (Question, QuestionVersion, Choice, LogEntry)
        return [list(model._default_manager.order_by("pk").values()) for model in models]

    before = stored()
    look(ines, option_3__text="All of the above")
    look(ines, stem="")
    assert stored() == before


def test_a_pause_in_writing_costs_few_statements(
    ines: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    cache.clear()
    with django_assert_max_num_queries(16):  # the first one after a publication measures the bank
        look(ines)
    with django_assert_max_num_queries(8):
        look(ines)


EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def test_what_is_typed_is_text_here_too(ines: Client) -> None:
    published_like(f"{EVIL} {STEM}")
    evil = {name: f"{EVIL} {text}" for name, text in SOUND.items() if name != "key_option"}
    html = ines.post(LOOK, SOUND | evil).content.decode()
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html


# --- Publishing all the same ----------------------------------------------------------------


@pytest.mark.parametrize(("key", "said"), [("x" * 130, True), (TEXTS[0], False)])
def test_publishing_with_open_findings_says_so(
    world: World, ines: Client, key: str, said: bool
) -> None:
    objective = world.domain(5).objectives.order_by("pk")[0]
    sent = SOUND | {"option_1-text": key, "objective": str(objective.pk), "_publish": "1"}
    page = unescape(ines.post(ADD, sent, follow=True).content.decode())
    assert "Version 1 is published" in page
    assert ("The second look still has 1 finding: The key is" in page) is said
