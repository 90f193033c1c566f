"""Choosing an exam, reading its rules, starting it, and giving it up."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attempts.blueprint import published_counts
from attempts.models import Attempt, Exam
from domains.models import Outline
from tests.world import World, right

EXAMS = reverse("exam-list")
HALF = reverse("exam-rules", args=("half",))
DRILL = reverse("exam-rules", args=("drill",))
SIMULATION = reverse("exam-rules", args=("simulation",))
FORWARD = reverse("exam-rules", args=("quick-forward",))
AGREED = {"agree": "on"}


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.ada)
    return client


def read(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def words(page: str) -> str:
    text = re.sub(r"</?(b|span|a|kbd)\b[^>]*>", "", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def discard_url(attempt: Attempt) -> str:
    return reverse("attempt-discard", args=(attempt.public_id,))


# --- Who and how ----------------------------------------------------------------------------


@pytest.mark.parametrize("url", [EXAMS, HALF, f"{DRILL}?domain=3"])
def test_strangers_are_asked_to_log_in(client: Client, db: None, url: str) -> None:
    assert client.get(url)["Location"].startswith(f"{reverse('account_login')}?next=")


def test_strangers_start_nothing(client: Client, db: None) -> None:
    assert client.post(HALF)["Location"].startswith(reverse("account_login"))
    assert not Attempt.objects.exists()


@pytest.mark.parametrize(
    ("url", "method"),
    [(EXAMS, "post"), (EXAMS, "delete"), (HALF, "put"), (HALF, "patch"), (HALF, "delete")],
)
def test_wrong_methods(ada: Client, url: str, method: str) -> None:
    assert getattr(ada, method)(url).status_code == 405


def test_starting_needs_the_forms_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.ada)
    assert client.post(HALF).status_code == 403
    assert not Attempt.objects.exists()


# --- The exams ------------------------------------------------------------------------------


def test_every_offered_exam_with_its_length_and_time(ada: Client) -> None:
    page = words(read(ada, EXAMS))
    for title, shape in (
        ("Full simulation", "125 questions 180 minutes"),
        ("Half exam", "60 questions 86 minutes"),
        ("Quick check", "24 questions 35 minutes"),
        ("Forward-only quick check", "24 questions 35 minutes forward only"),
    ):
        assert title in page
        assert shape in page
    assert "10 questions, 20 minutes." in page


def test_a_withdrawn_exam_is_not_offered(ada: Client) -> None:
    Exam.objects.filter(key="half").update(is_offered=False)
    assert "Half exam" not in read(ada, EXAMS)
    assert ada.get(HALF).status_code == 404
    assert ada.post(HALF, AGREED).status_code == 404


def test_every_exam_is_offered_the_full_simulation_too(ada: Client) -> None:
    page = read(ada, EXAMS)
    assert f'href="{SIMULATION}?outline=current"' in page
    assert "Not offered yet" not in page


def test_an_exam_the_bank_cannot_fill_says_what_is_missing_where(world: World, ada: Client) -> None:
    world.shrink(3, leave=20)
    world.shrink(6, leave=16)
    page = words(read(ada, EXAMS))
    assert "Not offered yet: the bank is 6 questions short" in page
    assert f"5 in {world.domain(3).name}; 1 in {world.domain(6).name}." in page
    assert f'href="{SIMULATION}' not in read(ada, EXAMS)


def test_six_drills_lead_to_their_rules(world: World, ada: Client) -> None:
    page = read(ada, EXAMS)
    for domain in world.outline.domains.all():
        assert f'href="{DRILL}?domain={domain.number}&amp;outline=current"' in page


@pytest.mark.parametrize(("short", "said"), [(1, "1 question short"), (2, "2 questions short")])
def test_a_domain_too_small_for_a_drill_says_so(
    world: World, ada: Client, short: int, said: str
) -> None:
    smallest = min(published_counts(world.outline).values())
    Exam.objects.filter(key="drill").update(item_count=smallest + short)
    assert f"The bank is {said} of a drill here." in words(read(ada, EXAMS))


def test_the_outline_can_be_switched_and_goes_along(ada: Client) -> None:
    current, old = Outline.objects.get(key="current"), Outline.objects.get(key="2022")
    page = read(ada, EXAMS)
    assert current.note in html.unescape(page)
    assert f'<a href="?outline=current" aria-current="page">{current.title}</a>' in page
    page = read(ada, f"{EXAMS}?outline=2022")
    assert old.note in html.unescape(page)
    assert f'<a href="?outline=2022" aria-current="page">{old.title}</a>' in page
    assert f'href="{HALF}?outline=2022"' in page
    assert f'href="{DRILL}?domain=1&amp;outline=2022"' in page


@pytest.mark.parametrize("url", [EXAMS, HALF])
def test_an_unknown_outline_does_not_exist(ada: Client, url: str) -> None:
    assert ada.get(f"{url}?outline=2031").status_code == 404


@pytest.mark.parametrize("url", [EXAMS, HALF])
def test_an_open_attempt_stands_first(world: World, ada: Client, url: str) -> None:
    attempt = world.start(world.ada)
    page = read(ada, url)
    assert f'href="{reverse("attempt-resume", args=(attempt.public_id,))}">Resume</a>' in page
    assert "Quick check under way" in page
    assert "Start the" not in page


@pytest.mark.parametrize("url", [EXAMS, HALF])
def test_an_attempt_that_ran_out_is_open_no_more(world: World, ada: Client, url: str) -> None:
    attempt = world.start(world.ada, now=timezone.now() - timedelta(days=1))
    assert "under way" not in read(ada, url)
    attempt.refresh_from_db()
    assert attempt.state == "closed"


def test_the_exams_page_has_a_budget(
    world: World, ada: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world.start(world.ada)
    with django_assert_max_num_queries(12):
        read(ada, EXAMS)


@pytest.mark.parametrize("key", ["half", "quick-forward", "simulation"])
def test_the_rules_have_a_budget(
    world: World, ada: Client, key: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """With nothing under way: the page that is about to start an exam asks the most."""
    world.sat(world.ada)
    with django_assert_max_num_queries(14):
        read(ada, reverse("exam-rules", args=(key,)))


# --- The rules ------------------------------------------------------------------------------


def test_the_rules_say_what_will_happen(ada: Client) -> None:
    page = words(read(ada, HALF))
    assert "60 questions, 86 minutes. Current ISSMP outline." in page
    for rule in (
        "does not pause",
        "closes by itself",
        "Each is saved as you choose it",
        "An unanswered question counts as wrong",
        "Go to any question in any order, and change any answer",
        "After the exam: the best answer to every question",
    ):
        assert rule in page
    assert "Start the half exam" in page


def test_a_forward_only_exam_says_what_that_means_and_where_it_is_sat(ada: Client) -> None:
    page = words(read(ada, FORWARD))
    assert "Forward only: a question needs an answer before the next one comes" in page
    assert "no flags and no list of questions" in page
    assert "any order" not in page
    assert "Start the forward-only quick check" in page
    listed = words(read(ada, EXAMS))
    assert "as adaptive exams such as the CISSP's are sat. The ISSMP itself lets you go" in listed


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(10, "it counts if it reaches us within 10 minutes of the end"), (1, "within 1 minute of")],
)
def test_the_allowance_for_late_answers_is_said(ada: Client, minutes: int, said: str) -> None:
    with override_settings(LATE_ANSWER_MINUTES=minutes):
        assert said in words(read(ada, HALF))


def test_where_there_is_no_allowance_none_is_promised(
    ada: Client,
) -> None:
    with override_settings(LATE_ANSWER_MINUTES=0):
        assert "reaches us" not in words(read(ada, HALF))


def test_a_drills_rules_differ(ada: Client) -> None:
    page = words(read(ada, f"{DRILL}?domain=3"))
    assert "Domain drill: Risk Management" in page
    assert "An answer is final, because its explanation follows at once." in page
    assert "After each answer: the best one" in page
    assert "By starting you agree to keep it so: never bring in, ask for or share" in page


def test_extra_time_is_in_the_minutes_and_said(world: World, ada: Client) -> None:
    world.ada.extra_time_percent = 50
    world.ada.save()
    assert "60 questions, 129 minutes, your extra time of 50 % included." in words(read(ada, HALF))


def test_rules_of_an_exam_that_cannot_be_filled_say_where_and_have_no_start(
    world: World, ada: Client
) -> None:
    world.shrink(3, leave=20)
    world.shrink(6, leave=16)
    page = read(ada, SIMULATION)
    said = (
        f"the bank is 6 questions short (5 in {world.domain(3).name}; 1 in {world.domain(6).name})"
    )
    assert f"This exam cannot be filled yet: {said}." in words(page)
    assert 'method="post" action="/exams/' not in page


def test_one_missing_question_is_singular(world: World, ada: Client) -> None:
    world.shrink(3, leave=9)
    assert "the bank is 1 question short (1 in " in words(read(ada, f"{DRILL}?domain=3"))


def test_a_drill_without_a_domain_leads_to_the_list_of_them(ada: Client) -> None:
    assert ada.get(DRILL)["Location"] == EXAMS
    assert ada.post(DRILL)["Location"] == EXAMS


@pytest.mark.parametrize("number", ["0", "7", "x", "-1", "³", "9999999999"])
def test_an_unknown_domain_does_not_exist(ada: Client, number: str) -> None:
    assert ada.get(DRILL, {"domain": number}).status_code == 404


# --- The start ------------------------------------------------------------------------------


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the start form, as a browser would send them."""
    form = page[page.index('<form class="start"') :]
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


@pytest.mark.parametrize(
    ("url", "outline", "domain"),
    [
        (f"{HALF}?outline=2022", "2022", None),
        (HALF, "current", None),
        (f"{DRILL}?domain=3&outline=2022", "2022", 3),
    ],
)
def test_the_form_starts_what_its_page_described(
    world: World, ada: Client, url: str, outline: str, domain: int | None
) -> None:
    response = ada.post(url.partition("?")[0], form_of(read(ada, url)) | AGREED)
    attempt = Attempt.objects.get(user=world.ada)
    assert response["Location"] == reverse("attempt-item", args=(attempt.public_id, 1))
    assert attempt.outline.key == outline
    assert (attempt.domain.number if attempt.domain else None) == domain


def test_pressing_start_twice_starts_once(world: World, ada: Client) -> None:
    one, two = ada.post(HALF, AGREED), ada.post(HALF, AGREED)
    assert one["Location"] == two["Location"]
    assert Attempt.objects.filter(user=world.ada).count() == 1


def test_starting_beside_an_open_exam_leads_into_that_one(world: World, ada: Client) -> None:
    attempt = world.start(world.ada)
    response = ada.post(HALF, AGREED)
    assert response["Location"] == reverse("attempt-resume", args=(attempt.public_id,))
    assert Attempt.objects.filter(user=world.ada).count() == 1


def test_starting_what_cannot_be_filled_starts_nothing_and_says_where(
    world: World, ada: Client
) -> None:
    world.shrink(3, leave=20)
    response = ada.post(SIMULATION, AGREED, follow=True)
    assert response.redirect_chain == [(EXAMS, 302)]
    page = words(response.content.decode())
    assert f"short of 5 questions: 5 in {world.domain(3).name}. Nothing was started." in page
    assert not Attempt.objects.exists()


# --- The terms, and strict rehearsal --------------------------------------------------------


@pytest.mark.parametrize("url", [HALF, SIMULATION, FORWARD])
def test_a_timed_exam_states_the_terms_before_its_clock(ada: Client, url: str) -> None:
    page = words(read(ada, url))
    for term in (
        "You sit it alone",
        "The questions stay here.",
        "All of them are original",
        "Nothing remembered from a real exam comes in: you neither bring it, ask for it nor share",
        "The clock runs from the button to the deadline",
        "I agree to these terms",
    ):
        assert term in page


@pytest.mark.parametrize("sent", [{}, {"agree": ""}, {"strict": "on"}])
def test_without_the_agreement_nothing_starts(ada: Client, sent: dict[str, str]) -> None:
    response = ada.post(HALF, {"outline": "current", **sent})
    assert response.status_code == 422
    assert not Attempt.objects.exists()


def test_the_error_stands_by_its_box_and_nothing_is_lost(ada: Client) -> None:
    response = ada.post(HALF, {"outline": "2022", "strict": "on"})
    page = response.content.decode()
    assert "Nothing was started and no clock runs. Agree to the terms to begin." in words(page)
    box = re.search(r'<input[^>]*name="agree"[^>]*>', page)
    assert box
    assert 'aria-invalid="true"' in box[0]
    assert "autofocus" in box[0]
    described = re.search(r'aria-describedby="([^"]+)"', box[0])
    assert described
    assert f'id="{described[1]}"' in page
    assert form_of(page) == {"outline": "2022"}
    assert re.search(r'<input[^>]*name="strict"[^>]*checked', page)
    assert not re.search(r'<input[^>]*name="agree"[^>]*checked', page)


def test_a_page_just_opened_complains_of_nothing(ada: Client) -> None:
    page = read(ada, HALF)
    assert "errorlist" not in page
    assert "autofocus" not in page
    assert re.search(r'<input[^>]*name="agree"[^>]*required', page)


def test_an_agreement_in_the_address_is_none(ada: Client) -> None:
    assert ada.post(f"{HALF}?agree=on").status_code == 422
    assert not re.search(r'name="agree"[^>]*checked', read(ada, f"{HALF}?agree=on"))


def test_a_drill_is_one_press(world: World, ada: Client) -> None:
    page = read(ada, f"{DRILL}?domain=3")
    assert 'type="checkbox"' not in page
    ada.post(DRILL, {"domain": "3", "strict": "on"})
    attempt = Attempt.objects.get(user=world.ada)
    assert not attempt.strict


@pytest.mark.parametrize(("sent", "strict"), [({}, False), ({"strict": "on"}, True)])
def test_strict_is_the_persons_own_choice(
    world: World, ada: Client, sent: dict[str, str], strict: bool
) -> None:
    ada.post(HALF, AGREED | sent)
    attempt = Attempt.objects.get(user=world.ada)
    assert attempt.strict is strict
    assert (attempt.departures, attempt.away_ms) == (0, 0)
    room = read(ada, reverse("attempt-item", args=(attempt.public_id, 1)))
    assert ('data-strict="yes"' in room) is strict


def test_the_page_says_what_strict_does_and_asks_for_nothing(ada: Client) -> None:
    page = read(ada, HALF)
    assert "how often and how long is told to you alone, in your report" in words(page)
    assert not re.search(r'<input[^>]*name="strict"[^>]*(required|checked)', page)


def test_another_choice_in_a_second_tab_is_told_that_the_first_stands(
    world: World, ada: Client
) -> None:
    ada.post(HALF, AGREED)
    page = ada.post(HALF, AGREED | {"strict": "on"}, follow=True).content.decode()
    assert "It keeps the choice it was started with." in page
    assert not Attempt.objects.get(user=world.ada).strict


@pytest.mark.parametrize(("key", "rule"), [("half", "free"), ("quick-forward", "forward")])
def test_an_attempt_keeps_the_rule_it_was_started_with(
    world: World, ada: Client, key: str, rule: str
) -> None:
    ada.post(reverse("exam-rules", args=(key,)), AGREED)
    Exam.objects.update(navigation="free")
    assert Attempt.objects.get(user=world.ada).navigation == rule


def test_the_tutorial_is_offered_first_and_then_at_hand(world: World, ada: Client) -> None:
    tutorial = f'href="{reverse("exam-tutorial")}"'
    page = read(ada, HALF)
    assert "Three minutes, no clock" in words(page)
    assert page.count(tutorial) == 1
    world.sat(world.ada)
    page = read(ada, HALF)
    assert "Three minutes, no clock" not in words(page)
    assert page.count(tutorial) == 1


# --- Giving it up ---------------------------------------------------------------------------


def test_discarding_asks_first(world: World, ada: Client) -> None:
    attempt = world.start(world.ada)
    page = words(read(ada, discard_url(attempt)))
    assert "Discard your quick check?" in page
    assert "0 of 24 questions are answered. None of it will be scored." in page
    assert "34 minutes left." in page  # and some seconds, which are not told
    attempt.refresh_from_db()
    assert attempt.state == "in_progress"


def test_one_answered_question_is_singular(world: World, ada: Client) -> None:
    attempt = world.start(world.ada)
    world.answer(attempt, lambda item: right(item) if item.position == 1 else None)
    assert "1 of 24 questions is answered." in words(read(ada, discard_url(attempt)))


def test_discarding_makes_it_void_and_says_so(world: World, ada: Client) -> None:
    attempt = world.start(world.ada)
    response = ada.post(discard_url(attempt), follow=True)
    assert "Your quick check was discarded. It counts nowhere." in response.content.decode()
    attempt.refresh_from_db()
    assert attempt.state == "void"


@pytest.mark.parametrize("person", ["ben", "ines"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_discards_another_persons_exam(
    world: World, client: Client, person: str, method: str
) -> None:
    attempt = world.start(world.ada)
    client.force_login(getattr(world, person))
    assert getattr(client, method)(discard_url(attempt)).status_code == 404
    attempt.refresh_from_db()
    assert attempt.state == "in_progress"
