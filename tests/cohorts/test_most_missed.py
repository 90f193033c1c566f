"""The questions a group misses most: which, how often, and never what the answer is."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from cohorts.pooled import PREVIEW, Part, QuestionLine, Standing, preview
from cohorts.reports import dashboard
from questions.services import retire
from tests.cohorts.circle import NAMES, NOW, Circle, bank, domain_of, sat


def missed(circle: Circle) -> Part[QuestionLine]:
    return dashboard(circle.cohort, NOW).pooled.questions


def told(circle: Circle) -> set[tuple[int, int]]:
    """Members and right answers of every question listed."""
    return {(line.people, line.correct) for line in missed(circle).lines}


def answer_all(circle: Circle, people: int, wrong: dict[int, int]) -> None:
    """`people` members answer questions 0 to 11; of each in `wrong`, so many get it wrong."""
    for rank, name in enumerate(NAMES[:people]):
        member = circle.join(name, pooled=True)
        sat(member.user, {i: rank >= wrong.get(i, 0) for i in range(12)})


def test_missed_most_first_with_counts(circle: Circle) -> None:
    answer_all(circle, 6, {3: 2, 7: 5, 9: 2})
    circle.refresh()
    lines = missed(circle).lines
    assert [(line.people, line.correct, line.n) for line in lines] == [
        (6, 1, 6),
        (6, 4, 6),
        (6, 4, 6),
    ]
    versions = bank()
    assert lines[0].preview == preview(versions[7].stem_html)
    assert lines[0].domain == domain_of(versions[7])
    assert lines[0].percent == 17


def test_a_question_that_four_have_met_is_not_told(circle: Circle) -> None:
    answer_all(circle, 6, {0: 1})
    for name in NAMES[:4]:
        sat(circle.join(name).user, {20: False})
    circle.refresh()
    assert [line.preview for line in missed(circle).lines] == [preview(bank()[0].stem_html)]


def test_a_question_that_five_have_met_is_told(circle: Circle) -> None:
    answer_all(circle, 6, {})
    for name in NAMES[:5]:
        sat(circle.join(name).user, {20: False})
    circle.refresh()
    assert [(line.people, line.correct) for line in missed(circle).lines] == [(5, 0)]


def test_a_question_few_hidden_members_have_met_is_not_told(circle: Circle) -> None:
    """A named row with everything wrong tells each answer, so it could be subtracted."""
    for i in range(9):
        named = i < 4
        member = circle.join(f"M{i}", results=named, pooled=True)
        sat(member.user, dict.fromkeys(range(12), True) | ({20: False} if i < 5 else {}))
    circle.refresh()
    assert missed(circle).lines == ()


def test_a_question_stays_as_it_was_until_a_crowd_has_answered_anew(circle: Circle) -> None:
    """Seven answer more; one of them meets question 20 for the first time."""
    members = [circle.join(f"M{i}", pooled=True) for i in range(12)]
    for i, member in enumerate(members):
        sat(member.user, dict.fromkeys(range(12), True) | ({20: False} if i < 5 else {}))
    circle.refresh()
    for member in members[:7]:
        sat(member.user, {21: False})
    sat(members[5].user, {20: True})
    circle.refresh()
    assert told(circle) == {(7, 0), (5, 0)}
    for member in members[6:10]:
        sat(member.user, {20: True, 22: True})
    sat(members[10].user, {22: True})
    circle.refresh()
    assert told(circle) == {(7, 0), (10, 5)}


def test_one_person_who_met_it_five_times_is_one_person(circle: Circle) -> None:
    answer_all(circle, 6, {})
    member = circle.join(NAMES[0])
    for day in range(1, 6):
        sat(member.user, {20: False}, at=NOW - timedelta(days=day))
    circle.refresh()
    assert missed(circle).lines == ()


def test_ten_at_most(circle: Circle) -> None:
    answer_all(circle, 5, dict.fromkeys(range(12), 1))
    circle.refresh()
    assert len(missed(circle).lines) == 10


def test_nothing_missed_says_so(circle: Circle, lead: Client) -> None:
    answer_all(circle, 5, {})
    circle.refresh()
    assert missed(circle).standing is Standing.SHOWN
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "No question has been missed")


def test_the_page_shows_the_opening_of_the_stem_and_no_option(circle: Circle, lead: Client) -> None:
    answer_all(circle, 5, {4: 5})
    circle.refresh()
    version = bank()[4]
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, preview(version.stem_html)[:60])
    assert len(preview(version.stem_html)) <= PREVIEW
    body = response.content.decode()
    # A picture's coordinates are numbers too, and so is the width of a cell; one of them may be an
    # option's id by chance.
    words = re.sub(r"<svg.*?</svg>|colspan=\"\d\"", "", body, flags=re.DOTALL)
    for choice in version.choices.all():
        assert choice.text not in body
        assert choice.rationale not in body
        assert f'"{choice.pk}"' not in words
    assertNotContains(response, version.question.key)


def test_a_question_retired_since_is_no_longer_held_against_the_group(circle: Circle) -> None:
    answer_all(circle, 5, {4: 5, 5: 4})
    circle.refresh()
    retire(bank()[4].question, now=NOW)
    assert [line.correct for line in missed(circle).lines] == [1]


def test_a_preview_is_plain_text() -> None:
    html = "<p>A bank &amp; its <em>board</em></p><ul><li>one</li><li>two</li></ul>"
    assert preview(html) == "A bank & its board one two"
    long = preview("<p>" + "word " * 100 + "</p>")
    assert len(long) <= PREVIEW
    assert long.endswith("…")
