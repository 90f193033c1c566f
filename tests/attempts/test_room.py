"""The exam room through its URLs, as plain pages and as htmx asks for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attempts.models import AnswerEvent, Attempt
from questions.models import Choice
from tests.world import World, right

HTMX = {"HX-Request": "true"}


@pytest.fixture
def attempt(world: World) -> Attempt:
    return world.start(world.ada)


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.ada)
    return client


def url(attempt: Attempt, position: int = 1, name: str = "attempt-item") -> str:
    args = (
        (attempt.public_id, position)
        if name in {"attempt-item", "attempt-time"}
        else (attempt.public_id,)
    )
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


def test_htmx_choice_gets_a_receipt_with_the_servers_time(ada: Client, attempt: Attempt) -> None:
    item = attempt.items.get(position=1)
    reply = ada.post(url(attempt), {"choice": right(item), "revision": 0}, headers=HTMX)
    item.refresh_from_db()
    assert item.answered_at is not None
    text = reply.content.decode()
    assert f"Saved {item.answered_at:%H:%M:%S}" in text
    assert 'value="1"' in text  # the next revision
    assert len(reply.content) < 700


def test_saving_by_htmx_is_five_statements(
    ada: Client, attempt: Attempt, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    item = attempt.items.get(position=1)
    choice = right(item)
    with django_assert_max_num_queries(5 + 2) as queries:
        ada.post(url(attempt), {"choice": choice, "revision": 0}, headers=HTMX)
    statements = [q["sql"] for q in queries.captured_queries if "SAVEPOINT" not in q["sql"]]
    assert len(statements) == 5


def test_htmx_move_gets_the_next_question_as_a_partial(ada: Client, attempt: Attempt) -> None:
    reply = ada.post(url(attempt), {"go": "next"}, headers=HTMX)
    assert reply["HX-Push-Url"] == url(attempt, 2)
    assert reply.content.lstrip().startswith(b"<div")
    assert b"<html" not in reply.content


def test_a_stale_page_is_told_and_changes_nothing(ada: Client, attempt: Attempt) -> None:
    first, second = list(attempt.items.get(position=1).choice_order)[:2]
    ada.post(url(attempt), {"choice": first, "revision": 0}, headers=HTMX)
    reply = ada.post(url(attempt), {"choice": second, "revision": 0}, headers=HTMX)
    assert "answered in another tab" in reply.content.decode()
    assert reply["HX-Retarget"] == "#room"
    assert attempt.items.get(position=1).choice_id == first


def test_a_stale_plain_page_is_told_too(ada: Client, attempt: Attempt) -> None:
    first, second = list(attempt.items.get(position=1).choice_order)[:2]
    ada.post(url(attempt), {"choice": first, "revision": 0, "go": "here"})
    reply = ada.post(url(attempt), {"choice": second, "revision": 0, "go": "next"}, follow=True)
    assert "answered in another tab" in reply.content.decode()
    assert reply.redirect_chain[-1][0] == url(attempt)


def test_the_same_choice_twice_is_one_event(ada: Client, attempt: Attempt) -> None:
    choice = attempt.items.get(position=1).choice_order[0]
    for _ in range(2):
        ada.post(url(attempt), {"choice": choice, "revision": 0}, headers=HTMX)
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
    reply = ada.post(url(attempt), {"choice": choice, "revision": 0}, headers=HTMX)
    assert reply["HX-Redirect"] == url(attempt, name="attempt-report")
    assert attempt.items.get(position=1).choice_id is None


def test_discard_asks_then_keeps_it_as_void(ada: Client, attempt: Attempt) -> None:
    assert "Discard" in ada.get(url(attempt, name="attempt-discard")).content.decode()
    ada.post(url(attempt, name="attempt-discard"))
    attempt.refresh_from_db()
    assert attempt.state == "void"
    assert attempt.void_reason


def test_visible_time_is_added_and_never_exceeds_the_truth(ada: Client, attempt: Attempt) -> None:
    ada.get(url(attempt))
    attempt.items.filter(position=1).update(seen_at=timezone.now() - timedelta(seconds=30))
    ada.post(url(attempt, 1, "attempt-time"), {"visible_ms": "12000"})
    assert attempt.items.get(position=1).visible_ms == 12000
    ada.post(url(attempt, 1, "attempt-time"), {"visible_ms": "99999999"})
    assert 29_000 < attempt.items.get(position=1).visible_ms < 40_000


def test_clock_tells_the_servers_time(ada: Client, attempt: Attempt) -> None:
    reply = ada.get(url(attempt, name="attempt-clock")).json()
    assert reply["open"] is True
    assert reply["deadline"] == int(attempt.deadline.timestamp() * 1000)


URLS = [
    ("attempt-resume", "get"),
    ("attempt-item", "get"),
    ("attempt-item", "post"),
    ("attempt-time", "post"),
    ("attempt-questions", "get"),
    ("attempt-review", "get"),
    ("attempt-submit", "post"),
    ("attempt-discard", "get"),
    ("attempt-discard", "post"),
    ("attempt-clock", "get"),
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


def test_an_expired_session_is_told_by_htmx_to_load_the_log_in(
    client: Client, attempt: Attempt
) -> None:
    reply = client.post(
        url(attempt),
        {"go": "next"},
        headers={**HTMX, "HX-Current-URL": f"http://testserver{url(attempt)}"},
    )
    assert reply["HX-Redirect"].startswith(reverse("account_login"))
    assert str(attempt.public_id) in reply["HX-Redirect"]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("attempt-submit", "get"),
        ("attempt-time", "get"),
        ("attempt-clock", "post"),
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
    for name in ["attempt-item", "attempt-submit", "attempt-discard", "attempt-time"]:
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


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_drill_asks_for_a_choice_before_it_explains(
    ada: Client, drill: Attempt, headers: dict[str, str]
) -> None:
    reply = ada.post(url(drill), {"revision": 0, "go": "here"}, headers=headers, follow=True)
    assert "Choose an option first" in reply.content.decode()
    assert drill.items.get(position=1).choice_id is None


def test_a_drill_answer_stands_once_its_key_was_shown(ada: Client, drill: Attempt) -> None:
    first, second = drill.items.get(position=1).choice_order[:2]
    ada.post(url(drill), {"choice": first, "revision": 0, "go": "here"})
    ada.post(url(drill), {"choice": second, "revision": 1, "go": "here"})
    assert drill.items.get(position=1).choice_id == first
