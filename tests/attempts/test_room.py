"""The exam room through its URLs: plain pages and forms, and the form that the script asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attempts import remedies, sheets
from attempts.identity import person_name
from attempts.models import AnswerEvent, Attempt, Contact, Marking, Scratchpad
from attempts.room import milliseconds
from questions.models import Choice
from tests.world import World, right


@pytest.fixture
def attempt(world: World) -> Attempt:
    return world.start(world.ada)


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.ada)
    return client


def url(attempt: Attempt, position: int = 1, name: str = "attempt-item") -> str:
    args = (attempt.public_id, position) if name == "attempt-item" else (attempt.public_id,)
    return reverse(name, args=args)


def test_the_question_page_shows_stem_and_options_and_no_key(ada: Client, attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    page = ada.get(url(attempt)).content.decode()
    assert item.version.stem_html in page
    for choice in item.version.choices.all():
        assert choice.text_html in page
        assert choice.rationale_html not in page
    assert "is_correct" not in page
    assert "is-correct" not in page


def test_a_page_does_not_even_read_the_key(
    ada: Client, attempt: Attempt, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(10) as queries:
        ada.get(url(attempt))
    sql = " ".join(query["sql"] for query in queries.captured_queries)
    assert "rationale" not in sql
    assert '"questions_choice"."is_correct"' not in sql


def test_plain_form_saves_and_goes_on(ada: Client, attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    reply = ada.post(url(attempt), {"choice": right(item), "revision": 0, "go": "next"})
    assert reply.status_code == 302
    assert reply["Location"] == url(attempt, 2)
    item.refresh_from_db()
    assert item.choice_id == right(item)


@pytest.mark.parametrize(
    ("go", "place"),
    [("previous", "items/1/"), ("here", "items/2/"), ("all", "questions/"), ("review", "review/")],
)
def test_every_move_saves_what_is_chosen(
    ada: Client, attempt: Attempt, go: str, place: str
) -> None:
    item = attempt.items.get(position=2)
    reply = ada.post(url(attempt, 2), {"choice": right(item), "revision": 0, "go": go})
    assert reply["Location"].endswith(place)
    item.refresh_from_db()
    assert item.choice_id == right(item)


def test_next_on_the_last_question_leads_to_the_review(ada: Client, attempt: Attempt) -> None:
    reply = ada.post(url(attempt, 24), {"go": "next"})
    assert reply["Location"] == url(attempt, name="attempt-review")


def test_a_stale_plain_page_is_told_too(ada: Client, attempt: Attempt) -> None:
    first, second = list(attempt.items.get(position=1).choice_order)[:2]
    ada.post(url(attempt), {"choice": first, "revision": 0, "go": "here"})
    reply = ada.post(url(attempt), {"choice": second, "revision": 0, "go": "next"}, follow=True)
    assert "answered in another tab" in reply.content.decode()
    assert reply.redirect_chain[-1][0] == url(attempt)


def test_the_same_choice_twice_is_one_event(ada: Client, attempt: Attempt) -> None:
    choice = attempt.items.get(position=1).choice_order[0]
    for _ in range(2):
        ada.post(url(attempt), {"choice": choice, "revision": 0})
    assert AnswerEvent.objects.filter(item__attempt=attempt).count() == 1


def test_a_choice_of_another_question_is_refused(ada: Client, attempt: Attempt) -> None:
    foreign = attempt.items.get(position=2).choice_order[0]
    reply = ada.post(url(attempt), {"choice": foreign, "revision": 0, "go": "next"})
    assert reply.status_code == 400
    assert "Nothing was changed" in reply.content.decode()
    assert attempt.items.get(position=1).choice_id is None


@pytest.mark.parametrize("choice", ["x", "-1", "9" * 30, "1.5", "²"])
def test_nonsense_is_refused_in_words(ada: Client, attempt: Attempt, choice: str) -> None:
    reply = ada.post(url(attempt), {"choice": choice, "revision": "0", "go": "next"})
    assert reply.status_code == 400


@pytest.mark.parametrize("revision", ["", "x", "-1"])
def test_a_missing_revision_is_refused(ada: Client, attempt: Attempt, revision: str) -> None:
    choice = attempt.items.get(position=1).choice_order[0]
    reply = ada.post(url(attempt), {"choice": choice, "revision": revision, "go": "next"})
    assert reply.status_code == 400


def test_a_position_the_form_does_not_have_is_not_found(ada: Client, attempt: Attempt) -> None:
    assert ada.get(url(attempt, 25)).status_code == 404
    assert ada.post(url(attempt, 25), {"choice": 1, "revision": 0}).status_code == 404


def test_flag_goes_on_and_off(ada: Client, attempt: Attempt) -> None:
    ada.post(url(attempt), {"flag": "on"})
    assert attempt.items.get(position=1).flagged
    assert "Remove the flag" in ada.get(url(attempt)).content.decode()
    ada.post(url(attempt), {"flag": "off"})
    assert not attempt.items.get(position=1).flagged


def test_flagging_keeps_what_was_just_chosen(ada: Client, attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    ada.post(url(attempt), {"choice": right(item), "revision": 0, "flag": "on"})
    item.refresh_from_db()
    assert (item.flagged, item.choice_id) == (True, right(item))


def test_navigator_tells_answered_unanswered_unseen_flagged(ada: Client, attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    ada.post(url(attempt), {"choice": right(item), "revision": 0, "flag": "on"})
    ada.get(url(attempt, 2))
    page = ada.get(url(attempt, name="attempt-questions")).content.decode()
    assert ", answered, flagged" in page
    assert ", unanswered, you are here" in page
    assert page.count(", unseen") == 22


def test_review_counts_what_is_open(ada: Client, attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    ada.post(url(attempt), {"choice": right(item), "revision": 0, "go": "next"})
    page = ada.get(url(attempt, name="attempt-review")).content.decode()
    assert "23 of 24 questions are unanswered" in page
    assert "End the exam with 23 unanswered" in page


def test_resume_goes_to_the_last_question_seen(ada: Client, attempt: Attempt) -> None:
    ada.get(url(attempt, 7))
    reply = ada.get(url(attempt, name="attempt-resume"))
    assert reply["Location"] == url(attempt, 7)


def test_submit_twice_leads_to_the_same_report(ada: Client, attempt: Attempt) -> None:
    for _ in range(2):
        reply = ada.post(url(attempt, name="attempt-submit"))
        assert reply["Location"] == url(attempt, name="attempt-report")
    attempt.refresh_from_db()
    assert attempt.state == "closed"


def test_a_due_attempt_is_closed_by_whoever_touches_it(
    ada: Client, world: World, attempt: Attempt
) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        started_at=timezone.now() - timedelta(hours=2),
        deadline=timezone.now() - timedelta(hours=1),
    )
    reply = ada.get(url(attempt))
    assert reply["Location"] == url(attempt, name="attempt-report")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.close_reason) == ("closed", "clock")
    assert attempt.closed_at == attempt.deadline


def test_an_answer_after_the_end_leads_to_the_report(ada: Client, attempt: Attempt) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        started_at=timezone.now() - timedelta(hours=2),
        deadline=timezone.now() - timedelta(hours=1),
    )
    choice = attempt.items.get(position=1).choice_order[0]
    reply = ada.post(url(attempt), {"choice": choice, "revision": 0})
    assert reply["Location"] == url(attempt, name="attempt-report")
    assert attempt.items.get(position=1).choice_id is None


def test_discard_asks_then_keeps_it_as_void(ada: Client, attempt: Attempt) -> None:
    assert "Discard" in ada.get(url(attempt, name="attempt-discard")).content.decode()
    ada.post(url(attempt, name="attempt-discard"))
    attempt.refresh_from_db()
    assert attempt.state == "void"
    assert attempt.void_reason


URLS = [
    ("attempt-resume", "get"),
    ("attempt-item", "get"),
    ("attempt-item", "post"),
    ("attempt-over", "get"),
    ("attempt-questions", "get"),
    ("attempt-review", "get"),
    ("attempt-submit", "post"),
    ("attempt-discard", "get"),
    ("attempt-discard", "post"),
    ("attempt-report", "get"),
    ("attempt-report-status", "get"),
]


@pytest.mark.parametrize(("name", "method"), URLS)
@pytest.mark.parametrize("person", ["ben", "ines"])
def test_nobody_else_finds_the_attempt(
    client: Client, world: World, attempt: Attempt, name: str, method: str, person: str
) -> None:
    client.force_login(getattr(world, person))
    choice = attempt.items.get(position=1).choice_order[0]
    data = {"choice": choice, "revision": 0} if method == "post" else {}
    reply = getattr(client, method)(url(attempt, 1, name), data)
    assert reply.status_code == 404
    attempt.refresh_from_db()
    assert attempt.state == "in_progress"
    assert not AnswerEvent.objects.exists()


@pytest.mark.parametrize(("name", "method"), URLS)
def test_strangers_are_sent_to_log_in(
    client: Client, attempt: Attempt, name: str, method: str
) -> None:
    reply = getattr(client, method)(url(attempt, 1, name))
    assert reply.status_code == 302
    assert reply["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("attempt-submit", "get"),
        ("attempt-form", "post"),
        ("attempt-over", "post"),
        ("attempt-review", "post"),
        ("attempt-questions", "post"),
        ("attempt-item", "put"),
    ],
)
def test_wrong_methods_are_refused(ada: Client, attempt: Attempt, name: str, method: str) -> None:
    assert getattr(ada, method)(url(attempt, 1, name)).status_code == 405


def test_state_changes_need_a_csrf_token(world: World, attempt: Attempt) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.ada)
    for name in ["attempt-item", "attempt-submit", "attempt-discard"]:
        assert strict.post(url(attempt, 1, name)).status_code == 403
    attempt.refresh_from_db()
    assert attempt.state == "in_progress"


# --- A drill explains at once ---------------------------------------------------------------


@pytest.fixture
def drill(world: World) -> Attempt:
    return world.start(world.ada, "drill", domain=3)


def test_a_drill_shows_key_and_rationales_only_after_the_answer(
    ada: Client, drill: Attempt
) -> None:
    item = drill.items.get(position=1)
    rationales = [c.rationale_html for c in Choice.objects.filter(version=item.version)]
    page = ada.get(url(drill)).content.decode()
    assert not any(rationale in page for rationale in rationales)
    ada.post(url(drill), {"choice": right(item), "revision": 0, "go": "here"})
    page = ada.get(url(drill)).content.decode()
    assert all(rationale in page for rationale in rationales)
    other = ada.get(url(drill, 2)).content.decode()
    assert "is-correct" not in other


def test_a_drill_asks_for_a_choice_before_it_explains(ada: Client, drill: Attempt) -> None:
    reply = ada.post(url(drill), {"revision": 0, "go": "here"}, follow=True)
    assert "Choose an option first" in reply.content.decode()
    assert drill.items.get(position=1).choice_id is None


def test_a_drill_answer_stands_once_its_key_was_shown(ada: Client, drill: Attempt) -> None:
    first, second = drill.items.get(position=1).choice_order[:2]
    ada.post(url(drill), {"choice": first, "revision": 0, "go": "here"})
    ada.post(url(drill), {"choice": second, "revision": 1, "go": "here"})
    assert drill.items.get(position=1).choice_id == first


# --- Over, and not quite ----------------------------------------------------------------------


def over(attempt: Attempt, minutes_ago: float) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(
        started_at=timezone.now() - timedelta(hours=2),
        deadline=timezone.now() - timedelta(minutes=minutes_ago),
    )


@pytest.mark.parametrize("name", ["attempt-item", "attempt-questions", "attempt-review"])
def test_while_late_answers_may_count_the_room_leads_past_them(
    ada: Client, attempt: Attempt, name: str
) -> None:
    over(attempt, 5)
    assert ada.get(url(attempt, 1, name))["Location"] == url(attempt, name="attempt-over")
    page = ada.get(url(attempt, name="attempt-over")).content.decode()
    assert "Your quick check is over" in page
    assert url(attempt, name="attempt-report") in page
    Attempt.objects.filter(pk=attempt.pk).update(report_opened_at=timezone.now())
    assert ada.get(url(attempt, 1, name))["Location"] == url(attempt, name="attempt-report")


def test_over_is_shown_however_long_ago(ada: Client, attempt: Attempt) -> None:
    """Only the browser knows what it holds; a redirect from here could lead in a circle."""
    over(attempt, 100)
    assert ada.get(url(attempt, name="attempt-over")).status_code == 200


def test_over_leads_back_while_the_clock_runs(ada: Client, attempt: Attempt) -> None:
    reply = ada.get(url(attempt, name="attempt-over"))
    assert reply["Location"] == url(attempt, name="attempt-resume")


def test_over_waits_out_the_grace(ada: Client, attempt: Attempt) -> None:
    """The deadline has passed and the server still takes what was on its way."""
    over(attempt, 1 / 60)
    assert ada.get(url(attempt, name="attempt-over")).status_code == 200
    attempt.refresh_from_db()
    assert attempt.state == "in_progress"


# --- The whole form ---------------------------------------------------------------------------


def form(client: Client, attempt: Attempt) -> dict[str, Any]:
    reply = client.get(url(attempt, name="attempt-form"))
    assert "no-store" in reply["Cache-Control"]
    data: dict[str, Any] = reply.json()
    return data


def test_the_form_has_every_sheet_as_its_page_has_it(
    ada: Client, world: World, attempt: Attempt
) -> None:
    data = form(ada, attempt)
    assert data["attempt"] == str(attempt.public_id)
    assert data["person"] == person_name(world.ada)
    assert [item["position"] for item in data["items"]] == list(range(1, 25))
    for item in attempt.items.select_related("version"):
        page = ada.get(url(attempt, item.position)).content.decode()
        start, end = page.index('<h1 class="visually-hidden">'), page.index("</article>")
        sheet = data["items"][item.position - 1]["sheet"]
        assert page[start:end] in sheet
        assert item.version.stem_html in sheet


def test_the_form_tells_how_each_question_stands(ada: Client, attempt: Attempt) -> None:
    item = attempt.items.get(position=2)
    ada.post(url(attempt, 2), {"choice": right(item), "revision": 0, "flag": "on"})
    Marking.objects.create(item=item, struck=[item.choice_order[3]], highlights=[[2, 9]])
    Scratchpad.objects.create(attempt=attempt, text="Come back to 2.", written_at=timezone.now())
    data = form(ada, attempt)
    told = data["items"][1]
    item.refresh_from_db()
    assert item.answered_at is not None
    assert told["choice"] == right(item)
    assert told["revision"] == 1
    assert told["flagged"] is True
    assert told["saved_at"] == milliseconds(item.answered_at)
    assert told["struck"] == [item.choice_order[3]]
    assert told["highlights"] == [[2, 9]]
    assert data["notes"] == "Come back to 2."
    assert "checked" not in told["sheet"]


def keyless(text: str, attempt: Attempt) -> bool:
    choices = Choice.objects.filter(version__in=attempt.items.values("version"))
    return not any(
        choice.rationale_html in text or (choice.misjudgement and choice.misjudgement in text)
        for choice in choices
    ) and not any(word in text for word in ("is-correct", "is_correct", "rationale"))


@pytest.mark.parametrize("navigation", ["free", "forward"])
@pytest.mark.parametrize("feedback", ["at_end", "after_answer"])
def test_no_key_is_in_a_form(ada: Client, attempt: Attempt, feedback: str, navigation: str) -> None:
    ada.post(url(attempt), {"choice": right(attempt.items.get(position=1)), "revision": 0})
    Attempt.objects.filter(pk=attempt.pk).update(feedback=feedback, navigation=navigation)
    reply = ada.get(url(attempt, name="attempt-form"))
    texts = [item["sheet"] or "" for item in reply.json()["items"]]
    assert keyless("".join(texts), attempt)
    assert keyless(reply.content.decode(), attempt)
    sheets = [bool(text) for text in texts]
    if navigation == "forward":
        assert not any(sheets[1:])
    else:
        assert all(sheets[1:])
    assert sheets[0] is (feedback == "at_end")


def test_the_form_does_not_even_read_the_key(
    ada: Client, attempt: Attempt, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sheets._cuts.clear()
    with django_assert_max_num_queries(12) as queries:
        form(ada, attempt)
    sql = " ".join(query["sql"] for query in queries.captured_queries)
    assert "rationale" not in sql
    assert '"questions_choice"."is_correct"' not in sql


def test_a_form_that_is_over_is_gone(ada: Client, attempt: Attempt) -> None:
    over(attempt, 5)
    assert ada.get(url(attempt, name="attempt-form")).status_code == 404


def test_a_stranger_is_told_where_to_log_in(client: Client, attempt: Attempt) -> None:
    reply = client.get(url(attempt, name="attempt-form"))
    assert reply.status_code == 401
    assert reply.json()["login"].startswith(reverse("account_login"))


def test_a_page_of_the_room_begins_a_contact(ada: Client, attempt: Attempt) -> None:
    """From here on this browser's clock is believed; looking again does not move that."""
    for _ in range(2):
        ada.get(url(attempt))
    contact = Contact.objects.get(attempt=attempt)
    assert attempt.started_at <= contact.at <= timezone.now()
    ada.get(url(attempt, name="attempt-form"))
    assert Contact.objects.get(attempt=attempt).at == contact.at


# --- Forward only -----------------------------------------------------------------------------


@pytest.fixture
def forward(attempt: Attempt) -> Attempt:
    Attempt.objects.filter(pk=attempt.pk).update(navigation="forward")
    attempt.refresh_from_db()
    return attempt


def test_forward_only_shows_the_one_question_there_is(ada: Client, forward: Attempt) -> None:
    for position in (2, 24):
        assert ada.get(url(forward, position))["Location"] == url(forward, 1)
    assert ada.get(url(forward, name="attempt-questions"))["Location"] == url(forward, 1)
    page = ada.get(url(forward)).content.decode()
    assert "Previous" not in page
    assert 'name="flag"' not in page


def test_forward_only_is_left_with_an_answer_and_for_good(ada: Client, forward: Attempt) -> None:
    reply = ada.post(url(forward), {"revision": 0, "go": "next"}, follow=True)
    assert "Choose an option first" in reply.content.decode()
    assert reply.redirect_chain[-1][0] == url(forward, 1)
    choice = right(forward.items.get(position=1))
    reply = ada.post(url(forward), {"choice": choice, "revision": 0, "go": "next"})
    assert reply["Location"] == url(forward, 2)
    for go in ("next", "previous", "here"):
        reply = ada.post(url(forward), {"choice": choice, "revision": 1, "go": go})
        assert reply["Location"] == url(forward, 2)
    forward.refresh_from_db()
    assert forward.last_position == 2


def test_who_is_sitting_an_exam_made_void_is_told_why(
    world: World, ada: Client, attempt: Attempt
) -> None:
    remedies.void(attempt, "Two people sat it.", world.ines, timezone.now())
    page = ada.get(reverse("attempt-resume", args=(attempt.public_id,)), follow=True)
    assert page.redirect_chain[-1][0] == reverse("attempt-log", args=(attempt.public_id,))
    assert (
        "This exam is void and counts nowhere. Reason: Two people sat it." in page.content.decode()
    )


def test_forward_only_leads_to_log_and_discard_from_its_review(
    ada: Client, forward: Attempt
) -> None:
    page = ada.get(reverse("attempt-review", args=(forward.public_id,))).content.decode()
    for name in ("attempt-log", "attempt-discard"):
        assert f'href="{reverse(name, args=(forward.public_id,))}"' in page


def test_forward_only_review_counts_and_ends(ada: Client, forward: Attempt) -> None:
    page = ada.get(url(forward, name="attempt-review")).content.decode()
    assert "24 of 24 questions are unanswered" in page
    assert "nav-cell" not in page
    ada.post(url(forward, name="attempt-submit"))
    forward.refresh_from_db()
    assert forward.state == "closed"


# --- The service worker -----------------------------------------------------------------------


def test_the_worker_is_a_script_for_everything_below_attempts(client: Client) -> None:
    reply = client.get(reverse("room-worker"))
    assert reply["Content-Type"].startswith("text/javascript")
    assert reply["Service-Worker-Allowed"] == "/attempts/"
    assert b"addEventListener" in reply.content
