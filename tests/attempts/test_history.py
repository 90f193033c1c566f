"""Every attempt of a person, and the picture of where they are heading."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attempts import remedies, services
from attempts.charts import Interval, Scored, trend
from attempts.models import Attempt
from attempts.psychometrics.mastery import Band
from attempts.readings import Verdict, domains_sentence, visible_time
from attempts.results import score_attempt
from tests.world import Chooser, World, right, wrong

URL = reverse("attempt-list")


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.ada)
    return client


def read(client: Client, query: str = "") -> str:
    response = client.get(URL + query)
    assert response.status_code == 200
    return response.content.decode()


def words(page: str) -> str:
    text = re.sub(r"</?(b|span|a|br)\b[^>]*>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def rows(page: str) -> list[str]:
    """The rows of the list, as read."""
    table = page[page.index('id="list"') :]
    read = [words(row) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]]
    return [re.sub(r" Log of the [a-z ]+ of \d+ \w+ \d+$", "", row) for row in read]


def first(count: int) -> Chooser:
    return lambda item: right(item) if item.position <= count else wrong(item)


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def scored(world: World, correct: int, days: float) -> Attempt:
    """Ada's quick check of 24 questions, with this many right, so many days ago."""
    return world.sat(world.ada, "quick", first(correct), now=ago(days), seed=correct)


# --- Who and how ----------------------------------------------------------------------------


def test_strangers_are_asked_to_log_in(client: Client, db: None) -> None:
    response = client.get(URL)
    assert response["Location"] == f"{reverse('account_login')}?next={URL}"


@pytest.mark.parametrize("person", ["ben", "ines"])
def test_nobody_sees_another_persons_attempts(world: World, client: Client, person: str) -> None:
    attempt = scored(world, 12, 1)
    client.force_login(getattr(world, person))
    page = read(client)
    assert str(attempt.public_id) not in page
    assert "No attempts yet" in page


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_list_is_only_read(ada: Client, method: str) -> None:
    assert getattr(ada, method)(URL).status_code == 405


# --- The list -------------------------------------------------------------------------------


def test_without_attempts_it_says_what_will_be_here(ada: Client) -> None:
    page = read(ada)
    assert "Every exam you start is kept here" in page
    assert f'href="{reverse("exam-list")}"' in page
    assert "<table" not in page


def test_states_in_words_newest_first(world: World, ada: Client) -> None:
    scored(world, 18, 9)
    world.sat(world.ada, "drill", first(7), domain=3, now=ago(8))
    timed_out = world.start(world.ada, now=ago(7))
    services.close_if_due(timed_out, timezone.now())
    score_attempt(timed_out.pk, timezone.now())
    void = world.start(world.ada, "half", now=ago(6))
    services.discard_attempt(void, ago(6))
    waiting = world.start(world.ada, now=ago(5))
    services.submit(waiting, ago(5))
    still_open = world.start(world.ada)
    page = read(ada)
    listed = rows(page)
    assert len(listed) == 6
    assert listed[0].startswith("Quick check")
    assert listed[0].endswith("In progress Resume")
    assert listed[1].endswith("Being scored")
    assert listed[2].startswith("Half exam")
    assert "Void Discarded before the end" in listed[2]
    assert listed[3].endswith("Scored Time ran out")
    assert listed[4].startswith("Domain drill Risk Management")
    assert "7 of 10 70 % " in listed[4]
    assert "none: a drill Scored" in listed[4]
    assert "18 of 24 75 % 59 to 87 %" in listed[5]
    assert listed[5].endswith(" % Scored")
    assert f'href="{reverse("attempt-resume", args=(still_open.public_id,))}"' in page
    assert f'href="{reverse("attempt-report", args=(waiting.public_id,))}"' in page
    assert reverse("attempt-report", args=(void.public_id,)) not in page
    for attempt in (void, waiting, still_open):  # each has its log, whatever became of it
        assert page.count(f'href="{reverse("attempt-log", args=(attempt.public_id,))}"') == 1
    assert "6 attempts, newest first." in words(page)


def test_what_staff_did_is_told_with_its_reason(world: World, ada: Client) -> None:
    started = ago(1).replace(hour=9, minute=0, second=0, microsecond=0)
    attempt = world.start(world.ada, now=started)
    remedies.extend(attempt, 5, "Fire drill", world.ines, started)
    remedies.extend(attempt, 15, "Network outage in Lyon", world.ines, started)
    services.submit(attempt, started)
    assert rows(read(ada))[0].endswith(
        "Being scored Extended by 15 minutes, until 09:55:00 UTC: Network outage in Lyon"
    )
    assert "Ines" not in read(ada)
    remedies.void(attempt, "Two people sat it", world.ines, started)
    assert rows(read(ada))[0].endswith("Void Two people sat it")


def test_one_attempt_is_singular(world: World, ada: Client) -> None:
    scored(world, 12, 1)
    assert "1 attempt, newest first." in words(read(ada))


def test_looking_at_the_list_closes_what_ran_out(world: World, ada: Client) -> None:
    attempt = world.start(world.ada, now=ago(1))
    assert rows(read(ada))[0].endswith("Being scored Time ran out")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.closed_at) == ("closed", attempt.deadline)


@pytest.fixture
def many(world: World) -> None:
    """41 void attempts: quick to make, and all of them are listed."""
    quick, now = world.exam("quick"), timezone.now()
    Attempt.objects.bulk_create(
        Attempt(
            user=world.ada,
            exam=quick,
            outline=world.outline,
            state="void",
            seed=1,
            started_at=now - timedelta(days=day),
            deadline=now - timedelta(days=day - 1),
            voided_at=now,
            void_reason=f"number {day}",
            item_count=24,
        )
        for day in range(1, 42)
    )


@pytest.mark.parametrize(
    ("query", "top", "count"),
    [
        ("", 1, 20),
        ("?page=2", 21, 20),
        ("?page=3", 41, 1),
        ("?page=99", 41, 1),
        ("?page=0", 41, 1),
        ("?page=x", 1, 20),
    ],
)
def test_pages_of_twenty(ada: Client, many: None, query: str, top: int, count: int) -> None:
    page = read(ada, query)
    listed = rows(page)
    assert len(listed) == count
    assert listed[0].endswith(f"number {top}")
    assert f"Page {(top - 1) // 20 + 1} of 3." in words(page)


def test_first_and_last_page_lead_only_inwards(ada: Client, many: None) -> None:
    assert "Previous" not in read(ada)
    assert 'href="?page=2" rel="next"' in read(ada)
    assert "Next" not in read(ada, "?page=3")
    assert 'href="?page=2" rel="prev"' in read(ada, "?page=3")


# --- The trend ------------------------------------------------------------------------------


def test_one_exam_is_no_trend(world: World, ada: Client) -> None:
    scored(world, 12, 1)
    page = read(ada)
    assert 'class="trend"' not in page
    assert "One exam is a point, not a trend." in page


def test_drills_and_void_attempts_make_no_trend(world: World, ada: Client) -> None:
    for days in (5, 4):
        world.sat(world.ada, "drill", first(7), domain=3, now=ago(days))
        services.discard_attempt(world.start(world.ada, now=ago(days)), ago(days))
    page = read(ada)
    assert 'class="trend"' not in page
    assert "One exam is a point" not in page


def test_the_trend_is_in_order_of_time_with_its_numbers_behind(world: World, ada: Client) -> None:
    older, newer = scored(world, 12, 9), scored(world, 18, 2)
    page = read(ada)
    assert page.count('class="trend-point-open" cx=') == 2 + 1  # and the one of the key
    table = page[page.index("Scored exams, oldest first") : page.index('id="list"')]
    behind = [words(row) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]]
    assert [row.split()[5] for row in behind] == ["12", "18"]
    for attempt, row in zip((older, newer), behind, strict=True):
        assert attempt.pass_share is not None
        assert row.endswith(f"{round(100 * attempt.pass_share)} %")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (12, 16, "and not clearly different from the first one shown, at 50 %: their likely"),
        (4, 22, "and clearly higher than the first one shown, at 17 %."),
        (22, 4, "and clearly lower than the first one shown, at 92 %."),
    ],
)
def test_a_change_is_claimed_only_when_the_ranges_part(
    world: World, ada: Client, before: int, after: int, said: str
) -> None:
    scored(world, before, 9)
    scored(world, after, 2)
    assert said in words(read(ada))


@pytest.mark.parametrize(
    ("correct", "said"),
    [
        (24, "Your latest exam, at 100 %, is above its pass mark"),
        (16, "Your latest exam, at 67 %, is too close to call against its pass mark"),
        (6, "Your latest exam, at 25 %, is below its pass mark"),
    ],
)
def test_the_latest_exam_is_held_against_its_pass_mark(
    world: World, ada: Client, correct: int, said: str
) -> None:
    scored(world, 12, 9)
    scored(world, correct, 2)
    assert said in words(read(ada))


def test_the_picture_stands_above_the_first_page_only(
    world: World, ada: Client, many: None
) -> None:
    scored(world, 12, 9)
    scored(world, 18, 2)
    assert 'class="trend"' in read(ada)
    assert 'class="trend"' not in read(ada, "?page=2")


def test_the_list_costs_the_same_however_long(
    world: World, ada: Client, many: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for days in (3, 2, 1):
        scored(world, 12, days)
    with django_assert_num_queries(7):
        read(ada)


# --- Where the marks go ---------------------------------------------------------------------


def exam(share: float, *, target: float = 0.7, long: bool = True) -> Scored:
    at = datetime(2027, 3, 5, tzinfo=UTC)
    return Scored(at=at, share=share, low=share - 0.1, high=share + 0.1, target=target, long=long)


def test_a_trend_puts_a_hundred_percent_on_top() -> None:
    drawn = trend([exam(0.5), exam(0.75, target=1.0)])
    assert [mark.y for mark in drawn.marks] == ["100.0", "58.0"]
    assert drawn.marks[1].target_y == "16.0"
    assert [line.percent for line in drawn.grid] == [0, 25, 50, 75, 100]
    assert [line.y for line in drawn.grid] == ["184.0", "142.0", "100.0", "58.0", "16.0"]


def test_a_trend_spaces_exams_evenly_and_joins_neighbours() -> None:
    drawn = trend([exam(0.5), exam(0.6), exam(0.7)])
    assert [mark.x for mark in drawn.marks] == ["20.83%", "52.50%", "84.17%"]
    assert [(s.x1, s.x2) for s in drawn.segments] == [("20.83%", "52.50%"), ("52.50%", "84.17%")]
    assert drawn.marks[0].target_from == "9.75%"
    assert drawn.marks[0].target_to == "31.92%"


@pytest.mark.parametrize(("exams", "labels"), [(2, 2), (5, 5), (6, 3), (20, 5)])
def test_a_trend_never_has_more_dates_than_a_phone_can_hold(exams: int, labels: int) -> None:
    marks = trend([exam(0.5)] * exams).marks
    assert sum(mark.labelled for mark in marks) == labels
    assert marks[-1].labelled


@pytest.mark.parametrize(
    ("target", "anchor"), [(0.10, "start"), (0.30, "middle"), (0.84, "middle"), (0.90, "end")]
)
def test_the_pass_marks_label_stays_inside(target: float, anchor: str) -> None:
    drawn = Interval.of(low=0.58, high=0.77, point=0.68, target=target)
    assert drawn.target_anchor == anchor
    assert (drawn.low, drawn.width, drawn.point) == ("58.0%", "19.0%", "68.0%")


# --- Words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        ([], ""),
        (["above"] * 6, "All six domains are above their target."),
        (["too_few"] * 2, "Two domains have fewer than 10 answers."),
        (["below"], "One domain is below its target."),
        (
            ["above", "below", "below", "unclear"],
            "One domain is above its target, two are below their target "
            "and one is too close to call.",
        ),
        (
            ["unclear", "too_few", "unclear"],
            "Two domains are too close to call and one has fewer than 10 answers.",
        ),
    ],
)
def test_the_sentence_about_domains(bands: list[str], said: str) -> None:
    assert domains_sentence(Band(band) for band in bands) == said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0, ""),
        (1, "1 s"),
        (59_400, "59 s"),
        (59_600, "1 min 0 s"),
        (112_000, "1 min 52 s"),
        (3_725_000, "1 h 2 min"),
    ],
)
def test_time_in_words(milliseconds: int, said: str) -> None:
    assert visible_time(milliseconds) == said


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(71, 90, "above"), (70, 90, "unsettled"), (40, 69, "below")]
)
def test_a_verdict_needs_the_whole_range_on_one_side(low: int, high: int, verdict: str) -> None:
    assert Verdict.of(low=low, high=high, pass_mark=70) == verdict
