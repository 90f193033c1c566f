"""The log a person can open of their own attempt: it agrees with what is stored, and gives no key
away."""

from __future__ import annotations

import html
import random
import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from attempts import remedies, services
from attempts.models import AnswerEvent, Attempt, AttemptItem, Exam, NotCounted
from attempts.options import LETTERS
from attempts.receipts import Log, log_of
from attempts.results import score_attempt
from attempts.saving import save_answer
from tests.world import NOON, World, right, wrong

pytestmark = pytest.mark.usefixtures("at_noon")

NOW = NOON
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
WHY = "Network outage in Lyon"


def url_of(attempt: Attempt, query: str = "") -> str:
    return reverse("attempt-log", args=(attempt.public_id,)) + query


def words(page: str) -> str:
    text = re.sub(r"</?(b|span|a|time)\b[^>]*>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def read(client: Client, attempt: Attempt, query: str = "") -> str:
    response = client.get(url_of(attempt, query))
    assert response.status_code == 200
    page: str = response.content.decode()
    return page


def rows(page: str) -> list[str]:
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    found = re.findall(r"<tr\b[^>]*>.*?</tr>", table, re.DOTALL)
    return [words(row) for row in found if "log-day" not in row]


def choose(attempt: Attempt, position: int, option: int, at: datetime) -> None:
    item = attempt.items.get(position=position)
    save_answer(
        attempt.user,
        attempt.public_id,
        position,
        choice=item.choice_order[option],
        revision=item.revision,
        now=at,
    )


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.ada)
    return client


# --- Agreement ------------------------------------------------------------------------------


def letter_of(event: AnswerEvent) -> str:
    return LETTERS[event.item.choice_order.index(event.choice_id)]


def told(log: Log) -> list[tuple[object, ...]]:
    return [
        (entry.at, entry.position, entry.letter, entry.chosen_at, entry.late)
        for entry in log.entries
        if entry.letter and entry.counted
    ]


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_the_events_after_a_random_walk(world: World, seed: int) -> None:
    rng = random.Random(seed)
    attempt = world.start(world.ada, now=NOW)
    for step in range(120):
        at = NOW + timedelta(seconds=3 * step + rng.random())
        choose(attempt, rng.randint(1, 24), rng.randrange(4), at)
    for event in AnswerEvent.objects.filter(item__attempt=attempt):
        if rng.random() < 0.3:
            event.chosen_at = event.at - timedelta(seconds=rng.randint(0, 60))
            event.late = rng.random() < 0.2
            event.save()

    events = AnswerEvent.objects.filter(item__attempt=attempt).select_related("item")
    stored = sorted((e.at, e.item.position, letter_of(e), e.chosen_at, e.late) for e in events)
    assert len(stored) > 80
    assert told(log_of(attempt)) == stored
    by_question = [
        entry for position in range(1, 25) for entry in told(log_of(attempt, question=position))
    ]
    assert sorted(by_question, key=lambda entry: entry[0]) == stored  # type: ignore[arg-type, return-value]

    final: dict[int, str] = {}
    before: dict[int, str] = {}
    for entry in log_of(attempt).entries:
        if entry.position is None:
            continue
        if entry.position in final:
            assert entry.words == f"Changed from {final[entry.position]}"
            before[entry.position] = final[entry.position]
        else:
            assert entry.words == "Answered"
        final[entry.position] = entry.letter
    assert before, "the walk changed nothing"
    for position, order, choice in attempt.items.filter(choice__isnull=False).values_list(
        "position", "choice_order", "choice"
    ):
        assert final[position] == LETTERS[order.index(choice)]


def test_every_event_is_on_the_page(world: World, ada: Client) -> None:
    attempt = world.start(world.ada, "half", now=NOW)
    for step in range(150):
        choose(attempt, step % 60 + 1, step // 60, NOW + timedelta(seconds=step))
    listed = rows(read(ada, attempt)) + rows(read(ada, attempt, "?page=2"))
    assert len(listed) == 1 + 150
    for row, event in zip(
        listed[1:],
        AnswerEvent.objects.filter(item__attempt=attempt).order_by("at").select_related("item"),
        strict=True,
    ):
        at, position = f"{event.at:%H:%M:%S}", event.item.position
        assert row.startswith(f"{at} UTC Question {position} {letter_of(event)} ")


# --- What it tells --------------------------------------------------------------------------


def test_the_course_of_an_attempt_in_order(world: World, ada: Client) -> None:
    started = NOW.replace(hour=9, minute=0, second=0) - timedelta(days=1)
    attempt = world.start(world.ada, now=started)
    choose(attempt, 5, 1, started + MINUTE)
    choose(attempt, 5, 2, started + MINUTE + 4 * SECOND)
    remedies.extend(attempt, 15, WHY, world.ines, started + 2 * MINUTE)
    services.submit(attempt, started + 3 * MINUTE)
    score_attempt(attempt.pk, started + 3 * MINUTE + SECOND)
    services.open_report(attempt, started + 4 * MINUTE)
    listed = rows(read(ada, attempt))
    assert listed[0] == "09:00:00 UTC Started 24 questions."
    assert re.fullmatch(r"09:01:00 UTC Question 5 B .+ Answered", listed[1])
    assert re.fullmatch(r"09:01:04 UTC Question 5 C .+ Changed from B", listed[2])
    assert listed[3:] == [
        f"09:02:00 UTC Extended by 15 minutes, until 09:50:00 UTC Reason: {WHY}",
        "09:03:00 UTC Submitted",
        "09:03:01 UTC Scored",
        "09:04:00 UTC Report opened From here on no late answer could count.",
    ]


def test_a_reopened_attempt_shows_both_scorings(world: World, ada: Client) -> None:
    attempt = world.sat(world.ada, now=NOW - timedelta(hours=2))
    remedies.reopen(attempt, 20, WHY, world.ines, NOW - timedelta(hours=1))
    attempt.refresh_from_db()
    services.submit(attempt, NOW - 50 * MINUTE)
    score_attempt(attempt.pk, NOW - 49 * MINUTE)
    text = words(read(ada, attempt, "?page=1"))
    assert "Scored Set aside since. Reason: The attempt was reopened" in text
    assert "Scored again" in rows(read(ada, attempt))[-1]


@pytest.mark.parametrize(
    ("apart", "late", "tells"),
    [(0, False, False), (4, False, False), (5, False, True), (0, True, True), (300, True, True)],
)
def test_the_browsers_time_where_it_matters(
    world: World, ada: Client, apart: int, late: bool, tells: bool
) -> None:
    attempt = world.start(world.ada, now=NOW - MINUTE)
    choose(attempt, 1, 0, NOW)
    chosen = NOW - timedelta(seconds=apart)
    AnswerEvent.objects.update(chosen_at=chosen, late=late)
    (row,) = (row for row in rows(read(ada, attempt)) if "Question" in row)
    assert (f"Chosen at {chosen:%H:%M:%S} UTC by your" in row) is tells
    assert ("Late, counted" in row) is late


def test_what_was_not_counted_says_why(world: World, ada: Client) -> None:
    attempt = world.sat(world.ada, now=NOW - timedelta(hours=1))
    item = attempt.items.get(position=7)
    at = NOW - 5 * MINUTE
    NotCounted.objects.create(
        item=item,
        choice_id=item.choice_order[3],
        chosen_at=at - MINUTE,
        at=at,
        reason=NotCounted.Reason.TOO_LATE,
    )
    page = read(ada, attempt)
    assert "1 came too late and does not count." in words(page)
    assert (
        "Not counted It arrived after the time for late answers was over. "
        f"Chosen at {at - MINUTE:%H:%M:%S} UTC by your browser’s clock"
    ) in rows(page)[-1]
    assert "Question 7 D" in rows(page)[-1]
    assert "Not counted" in words(read(ada, attempt, "?question=7"))
    assert "Not counted" not in words(read(ada, attempt, "?question=8"))


def test_times_are_in_the_persons_zone(world: World, ada: Client) -> None:
    world.ada.time_zone = "Asia/Kolkata"
    world.ada.save()
    attempt = world.start(world.ada, now=NOW - MINUTE)
    shown = NOW - MINUTE + timedelta(hours=5, minutes=30)
    page = read(ada, attempt)
    assert rows(page)[0].startswith(f"{shown:%H:%M:%S} IST Started")
    assert "Asia/Kolkata" in page


@pytest.mark.parametrize("strict", [True, False])
def test_strict_departures_are_told_to_their_person(
    world: World, ada: Client, strict: bool
) -> None:
    attempt = world.start(world.ada, now=NOW)
    Attempt.objects.update(strict=strict, departures=3, away_ms=130_000)
    said = "You left the window 3 times, 2 minutes 10 seconds in all." in words(read(ada, attempt))
    assert said is strict


def test_a_void_attempt_keeps_its_log(world: World, ada: Client) -> None:
    attempt = world.start(world.ada, now=NOW - MINUTE)
    choose(attempt, 1, 0, NOW - MINUTE)
    discarded = world.start(world.ben, now=NOW - MINUTE)
    remedies.void(attempt, WHY, world.ines, NOW)
    page = read(ada, attempt)
    assert rows(page)[-1].endswith(f"UTC Made void Reason: {WHY}")
    assert len(rows(page)) == 3
    ada.force_login(world.ben)
    services.discard_attempt(discarded, NOW)
    assert rows(read(ada, discarded))[-1].endswith("Made void Discarded before the end")


# --- What it does not tell ------------------------------------------------------------------


def test_no_key_while_the_exam_is_open(world: World, ada: Client) -> None:
    """The same page, whether the answers are right or wrong, but for the answers themselves."""
    attempt = world.start(world.ada, now=NOW)
    world.answer(attempt, lambda i: right(i) if i.position % 2 else wrong(i), now=NOW)
    page = read(ada, attempt)
    for item in attempt.items.select_related("version__question"):
        assert item.version.question.key not in page
        for choice in item.version.choices.all():
            assert choice.rationale_html not in page
            if choice.misjudgement:
                assert choice.misjudgement not in page
    shapes = {
        re.sub(r"\b[A-D]\b.*?(?=Answered)", "", row.partition("Question ")[2]).lstrip("0123456789")
        for row in rows(page)
        if "Question" in row
    }
    assert len(shapes) == 1


def test_the_clock_is_named_while_it_runs_and_closes_what_is_due(world: World, ada: Client) -> None:
    attempt = world.start(world.ada, now=NOW)
    page = read(ada, attempt)
    assert "The clock is running" in page
    assert reverse("attempt-resume", args=(attempt.public_id,)) in page
    Attempt.objects.update(started_at=NOW - timedelta(hours=2), deadline=NOW - timedelta(hours=1))
    page = read(ada, attempt)
    assert "The clock is running" not in page
    assert rows(page)[-1].endswith("Time ran out")
    assert Attempt.objects.get().closed_at == NOW - timedelta(hours=1)


def test_forward_only_never_repeats_a_question_that_was_left(world: World, ada: Client) -> None:
    Exam.objects.filter(key="quick").update(navigation=Exam.Navigation.FORWARD)
    attempt = world.start(world.ada, now=NOW)
    assert attempt.navigation == "forward"
    for position in (1, 2, 3):
        Attempt.objects.update(last_position=position)
        choose(attempt, position, 0, NOW)
    texts = {item.position: first_words(item) for item in attempt.items.filter(position__lte=3)}
    page = html.unescape(read(ada, attempt))
    assert [position for position, text in texts.items() if text in page] == [3]
    assert "Question 1 A" in words(page)
    services.submit(attempt, NOW + MINUTE)
    page = html.unescape(read(ada, attempt))
    assert all(text in page for text in texts.values())


def first_words(item: AttemptItem) -> str:
    text = item.version.choices.get(pk=item.choice_order[0]).text
    return " ".join(text.split())[:40].rpartition(" ")[0]


# --- Who and how ----------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["ben", "ines"])
def test_nobody_elses(world: World, client: Client, person: str) -> None:
    attempt = world.start(world.ada, now=NOW)
    client.force_login(getattr(world, person))
    assert client.get(url_of(attempt)).status_code == 404


def test_it_is_only_read_and_never_kept(world: World, ada: Client) -> None:
    attempt = world.start(world.ada, now=NOW)
    assert ada.post(url_of(attempt)).status_code == 405
    assert "no-store" in ada.get(url_of(attempt))["Cache-Control"]


@pytest.mark.parametrize("query", ["0", "25", "-1", "x", "1e1", "²", "9" * 40, ""])
def test_a_question_that_is_none_shows_the_whole_log(world: World, ada: Client, query: str) -> None:
    attempt = world.start(world.ada, now=NOW)
    assert rows(read(ada, attempt, f"?question={query}"))[0].endswith("Started 24 questions.")


def test_a_question_without_answers_says_so(world: World, ada: Client) -> None:
    attempt = world.start(world.ada, now=NOW)
    page = read(ada, attempt, "?question=24")
    assert "No answer has reached us for this question." in words(page)
    assert "<tbody>" not in page


def test_it_costs_the_same_however_long(
    world: World, ada: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    attempt = world.start(world.ada, "half", now=NOW)
    with django_assert_num_queries(7):
        read(ada, attempt)
    world.answer(attempt, now=NOW)
    remedies.extend(attempt, 5, WHY, world.ines, NOW)
    with django_assert_num_queries(7):
        read(ada, attempt)
    with django_assert_num_queries(5):
        read(ada, attempt, "?question=3")
