"""The bank as a list: search, filters, and what it costs."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from domains.models import Domain, Objective
from questions import services
from questions.models import Question
from tests.questions.desk import ADD, BANK, enter, page_of
from tests.world import World


def keys(html: str) -> set[str]:
    return set(re.findall(r'class="bank-key">([^<]+)<', html))


def listed(world: World, **asked: str | int) -> set[str]:
    """All pages of the list."""
    found: set[str] = set()
    for page in range(1, 20):
        reply = enter(world.ines).get(BANK, {**asked, "p": page})
        if reply.status_code == 302:  # past the last page
            break
        assert reply.status_code == 200
        here = keys(reply.content.decode())
        if here <= found:
            break
        found |= here
    return found


def in_domain(domain: Domain) -> set[str]:
    placed = Question.objects.filter(placements__objective__domain=domain)
    return set(placed.values_list("key", flat=True))


def test_search_looks_into_key_tags_stem_and_options(world: World) -> None:
    assert listed(world, q="d3-two-matrices") == {"d3-two-matrices"}
    tagged = Question.objects.filter(tags__contains=["risk-appetite", "aggregation", "acceptance"])
    assert [question.key for question in tagged] == ["d3-sum-of-acceptances"]
    assert "d3-sum-of-acceptances" in listed(world, q="risk-appetite aggregation acceptance")
    assert "d3-sum-of-acceptances" in listed(world, q="MUTUAL insurer")  # its stem
    assert listed(world, q='"combined exposure to the chief risk officer"') == {
        "d3-sum-of-acceptances"  # an option
    }
    assert listed(world, q="matrices zeppelin") == set()


def test_search_leaves_retired_text_alone(world: World) -> None:
    services.retire(Question.objects.get(key="d3-two-matrices"), now=timezone.now())
    assert listed(world, q="five-by-five") == set()
    assert listed(world, q="two-matrices") == {"d3-two-matrices"}


def test_nothing_found_says_so(world: World) -> None:
    html = enter(world.ines).get(BANK, {"q": "zeppelin"}).content.decode()
    assert "No question fits what you asked for." in html


def test_filters(world: World) -> None:
    domain = Domain.objects.get(outline__is_default=True, number=3)
    objective = Objective.objects.get(domain=domain, code="3.1")
    placed = Question.objects.filter(placements__objective=objective)
    assert listed(world, objective=objective.pk) == set(placed.values_list("key", flat=True))
    assert listed(world, domain=domain.pk) == in_domain(domain)
    assert listed(world, domain=domain.pk, objective=objective.pk) < listed(world, domain=domain.pk)

    draft = Question.objects.get(key="d3-two-matrices")
    services.draft_from_published(draft)
    gone = Question.objects.get(key="d3-sum-of-acceptances")
    services.retire(gone, now=timezone.now())
    enter(world.ines).post(ADD, {"key": "fresh", "difficulty": ".5", "level": "recall"})
    assert listed(world, status="waiting") == {"d3-two-matrices", "fresh"}
    assert listed(world, status="draft") == {"fresh"}
    assert listed(world, status="retired") == {"d3-sum-of-acceptances"}
    assert listed(world, status="published", q="d3-two-matrices") == {"d3-two-matrices"}
    assert listed(world, level="recall", status="draft") == {"fresh"}


@pytest.mark.parametrize("asked", [{"domain": "x"}, {"status": "lost"}, {"objective": "-1"}])
def test_a_filter_that_makes_no_sense_is_left_out(world: World, asked: dict[str, str]) -> None:
    assert len(listed(world, **asked)) == Question.objects.count()


def test_an_objective_of_another_domain_is_left_out(world: World) -> None:
    domain = Domain.objects.get(outline__is_default=True, number=3)
    elsewhere = Objective.objects.get(domain__outline__is_default=True, code="5.1")
    assert listed(world, domain=domain.pk, objective=elsewhere.pk) == in_domain(domain)


def test_the_objectives_offered_are_those_of_the_chosen_domain(world: World) -> None:
    domain = Domain.objects.get(outline__is_default=True, number=3)
    html = enter(world.ines).get(BANK, {"domain": domain.pk}).content.decode()
    offered = html.split('id="filter-objective"')[1].split("</select>")[0]
    assert "3.1 " in offered
    assert "4.1 " not in offered


def test_suggestions_for_enemies(world: World) -> None:
    ines = enter(world.ines)
    reply = ines.get("/admin/questions/question/suggest/", {"q": "two-matr"}).json()
    assert [entry["key"] for entry in reply["questions"]] == ["d3-two-matrices"]
    assert ines.get("/admin/questions/question/suggest/", {"q": "t"}).json() == {"questions": []}


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5_000, "٣", "3x", "-3"])
def test_a_number_that_is_none_of_ours_is_not_found(world: World, number: str) -> None:
    question = Question.objects.get(key="d3-two-matrices")
    ines = enter(world.ines)
    for leaf in ("change", "preview", "new-version", "publish", "retire", "discard", "history"):
        assert ines.get(f"{BANK}{number}/{leaf}/", follow=True).status_code == 404 or (
            leaf == "history"  # Django's own: leads to the index, and says so
        )
    assert ines.post(f"{BANK}{number}/change/").status_code == 404
    assert ines.get(page_of(question, "preview"), {"version": number}).status_code == 404


@pytest.mark.parametrize(
    ("where", "budget"),
    [("/admin/", 11), (BANK, 11), (ADD, 8), ("change", 17), ("read", 10), ("preview", 14)],
)
def test_what_a_page_costs(world: World, where: str, budget: int) -> None:
    """The whole bank is loaded; a page's statements do not grow with it."""
    question = Question.objects.get(key="d3-two-matrices")
    ines = enter(world.ines)
    if where == "change":
        services.draft_from_published(question)
    url = page_of(question, "preview" if where == "preview" else "change")
    url = where if where.startswith("/") else url
    ines.get(url)  # content types and the like are now in their caches
    with CaptureQueriesContext(connection) as captured:
        assert ines.get(url).status_code == 200
    statements = [query["sql"] for query in captured]
    assert len(statements) <= budget, "\n\n".join(statements)
