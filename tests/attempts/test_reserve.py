"""One full unseen simulation is kept for each person; what would break into it asks first."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from attempts.assembly import Reserve, ReserveInTheWay
from attempts.blueprint import outlook
from attempts.models import Attempt, AttemptItem, Exam
from attempts.services import discard_attempt
from domains.models import Outline
from tests.world import World

DRILL = reverse("exam-rules", args=("drill",))
DOMAIN = 2  # the smallest quota against its pool is the soonest used up
Q = f"?outline=current&domain={DOMAIN}"


def questions(attempt: Attempt) -> set[int]:
    return set(attempt.items.values_list("version__question", flat=True))


def has_unseen_simulation(world: World, user: User) -> bool:
    seen = outlook(user, world.exam("simulation"), world.outline, None)
    assert seen.missing == {}
    assert seen.choice is None  # it never asks: it is what was kept
    return seen.repeats == 0


def words(page: bytes) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.decode())).split())


@pytest.mark.parametrize(
    ("first", "second"), [("current", "current"), ("2022", "2022"), ("2022", "current")]
)
def test_a_second_simulation_shares_no_question_with_the_first(
    world: World, first: str, second: str
) -> None:
    for seed, user in enumerate([world.ada, world.ben]):
        world.__dict__["outline"] = Outline.objects.get(key=first)
        one = world.sat(user, "simulation", seed=seed)
        world.__dict__["outline"] = Outline.objects.get(key=second)
        two = world.sat(user, "simulation", seed=seed + 9)
        assert len(questions(one)) == len(questions(two)) == 125
        assert not questions(one) & questions(two)


def test_practice_in_between_does_not_make_the_second_repeat_the_first(world: World) -> None:
    """Even when drills have used up what was new, the first simulation's questions come last."""
    one = world.sat(world.ada, "simulation", seed=1)
    for domain in range(1, 7):
        world.sat(world.ada, "drill", domain=domain, reserve=Reserve.BREAK, seed=domain)
    two = world.sat(world.ada, "simulation", seed=2)
    assert not questions(one) & questions(two)


def test_scenario_sets_are_drawn_whole(world: World) -> None:
    attempt = world.start(world.ada, "simulation")
    rows = AttemptItem.objects.filter(attempt=attempt, version__question__scenario__isnull=False)
    sets = {
        row.version.question.scenario for row in rows.select_related("version__question__scenario")
    }
    assert sets
    for scenario in sets:
        assert scenario is not None
        places = list(
            rows.filter(version__question__scenario=scenario).values_list("position", flat=True)
        )
        assert len(places) == scenario.questions.count()
        assert max(places) - min(places) == len(places) - 1


def used_up(world: World) -> User:
    """A person who has sat a simulation, and drilled one domain for as long as it came free."""
    ada = world.ada
    world.sat(ada, "simulation", seed=1)
    for seed in range(9):
        try:
            world.sat(ada, "drill", domain=DOMAIN, seed=seed)
        except ReserveInTheWay:
            assert seed >= 1
            return ada
        assert has_unseen_simulation(world, ada)
    raise AssertionError("the reserve was never in the way")


def test_a_page_that_would_break_into_it_asks_and_says_the_numbers(
    world: World, client: Client
) -> None:
    ada = used_up(world)
    client.force_login(ada)
    choice = outlook(ada, world.exam("drill"), world.outline, world.domain(DOMAIN)).choice
    assert choice is not None
    assert choice.repeats is not None
    assert choice.repeats > choice.repeats_without
    page = words(client.get(DRILL + Q).content)
    assert "Keep a full simulation unseen?" in page
    assert f"To leave it whole, {choice.repeats} of these 10 questions would be" in page
    assert f"Keep it, and repeat {choice.repeats} question" in page
    assert "Use questions from it" in page
    assert "Start the domain drill" not in page


@pytest.mark.parametrize("answer", ["", "ask", "nonsense"])
def test_without_an_answer_nothing_starts_and_the_page_asks_again(
    world: World, client: Client, answer: str
) -> None:
    client.force_login(used_up(world))
    sent = {"outline": "current", "domain": str(DOMAIN), "reserve": answer}
    response = client.post(DRILL, sent)
    assert (response.status_code, response["Location"]) == (302, DRILL + Q)
    assert not Attempt.objects.filter(state="in_progress").exists()


def test_kept_it_stays_whole_and_the_drill_repeats(world: World, client: Client) -> None:
    ada = used_up(world)
    client.force_login(ada)
    choice = outlook(ada, world.exam("drill"), world.outline, world.domain(DOMAIN)).choice
    assert choice is not None
    before = set(AttemptItem.objects.values_list("version__question", flat=True))
    sent = {"outline": "current", "domain": str(DOMAIN), "reserve": "keep"}
    client.post(DRILL, sent | {"promised": str(choice.repeats)})
    attempt = Attempt.objects.get(state="in_progress")
    assert len(questions(attempt) & before) == choice.repeats
    world.answer(attempt)
    assert has_unseen_simulation(world, ada)


def keep_url(promised: int | str) -> dict[str, str]:
    page = {"outline": "current", "domain": str(DOMAIN), "reserve": "keep"}
    return page | {"promised": str(promised)}


def test_an_older_page_that_promised_fewer_repeats_is_asked_again(
    world: World, client: Client
) -> None:
    """Two tabs ask; the drill of one is finished before the other answers."""
    ada = used_up(world)
    client.force_login(ada)
    drill, domain = world.exam("drill"), world.domain(DOMAIN)
    first = outlook(ada, drill, world.outline, domain).choice
    assert first is not None
    assert first.repeats is not None
    world.sat(ada, "drill", domain=DOMAIN, reserve=Reserve.KEEP)
    now = outlook(ada, drill, world.outline, domain).choice
    assert now is not None
    assert now.repeats is not None
    assert now.repeats > first.repeats
    assert client.post(DRILL, keep_url(first.repeats))["Location"] == DRILL + Q
    for nonsense in ("", "-1", "lots", "9" * 9):
        assert client.post(DRILL, keep_url(nonsense))["Location"] == DRILL + Q
    assert not Attempt.objects.filter(state="in_progress").exists()
    client.post(DRILL, keep_url(now.repeats))
    assert Attempt.objects.filter(state="in_progress").exists()


def test_a_page_that_would_keep_what_is_gone_starts_nothing(world: World, client: Client) -> None:
    ada = used_up(world)
    client.force_login(ada)
    world.sat(ada, "drill", domain=DOMAIN, reserve=Reserve.BREAK)
    assert client.post(DRILL, keep_url(10))["Location"] == DRILL + Q
    assert not Attempt.objects.filter(state="in_progress").exists()


def test_another_answer_in_a_second_tab_is_told_that_the_first_stands(
    world: World, client: Client
) -> None:
    client.force_login(used_up(world))
    sent = {"outline": "current", "domain": str(DOMAIN)}
    client.post(DRILL, sent | {"reserve": "break"})
    page = client.post(DRILL, sent | {"reserve": "break"}, follow=True).content.decode()
    assert "This exam is already under way." in page
    assert Attempt.objects.filter(state="in_progress").count() == 1


def test_what_is_kept_is_not_used_up_through_another_outline(world: World) -> None:
    """Domain 2 weighs more in the outline of 2022: its full form would be the first to break."""
    ada = used_up(world)
    outlines = list(Outline.objects.all())
    assert len(outlines) == 2
    for outline in outlines:
        assert outlook(ada, world.exam("simulation"), outline, None).repeats == 0
        domain = outline.domains.get(number=DOMAIN)
        assert outlook(ada, world.exam("drill"), outline, domain).choice is not None
        world.__dict__["outline"] = outline
        with pytest.raises(ReserveInTheWay):
            world.start(ada, "drill", domain=DOMAIN)
    world.sat(ada, "drill", domain=DOMAIN, reserve=Reserve.KEEP)
    for outline in outlines:
        assert outlook(ada, world.exam("simulation"), outline, None).repeats == 0


def test_broken_it_is_gone_and_the_next_simulation_says_so(world: World, client: Client) -> None:
    ada = used_up(world)
    client.force_login(ada)
    before = set(AttemptItem.objects.values_list("version__question", flat=True))
    client.post(DRILL, {"outline": "current", "domain": str(DOMAIN), "reserve": "break"})
    attempt = Attempt.objects.get(state="in_progress")
    assert not questions(attempt) & before
    for item in attempt.items.all():
        AttemptItem.objects.filter(pk=item.pk).update(seen_at=timezone.now())
    discard_attempt(attempt, timezone.now())
    assert not has_unseen_simulation(world, ada)
    page = words(client.get(reverse("exam-rules", args=("simulation",))).content)
    assert re.search(r"You have met \d+ of these 125 questions before", page)
    assert "Start the full simulation" in page


def test_nothing_is_kept_for_a_simulation_that_is_not_offered(world: World) -> None:
    ada = used_up(world)
    Exam.objects.filter(kind=Exam.Kind.SIMULATION).update(is_offered=False)
    assert outlook(ada, world.exam("drill"), world.outline, world.domain(DOMAIN)).choice is None


def test_what_was_discarded_unseen_is_still_kept(world: World) -> None:
    for seed in range(3):
        discard_attempt(world.start(world.ada, "simulation", seed=seed), timezone.now())
    assert has_unseen_simulation(world, world.ada)


def test_nobody_is_asked_when_no_unseen_simulation_is_left_to_keep(world: World) -> None:
    for seed in range(2):
        world.sat(world.ada, "simulation", seed=seed)
    assert not has_unseen_simulation(world, world.ada)
    for domain in range(1, 7):
        seen = outlook(world.ada, world.exam("drill"), world.outline, world.domain(domain))
        assert seen.choice is None


def test_a_new_person_is_asked_nothing(world: World, client: Client) -> None:
    client.force_login(world.ben)
    for exam in ("simulation", "half", "quick"):
        page = words(client.get(reverse("exam-rules", args=(exam,))).content)
        assert "unseen?" not in page
        assert "You have met" not in page
