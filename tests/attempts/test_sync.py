"""What a browser delivers over HTTP: each kind of change, each refusal, and what it costs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from attempts import identity, services
from attempts.deliveries import MOST_BYTES, MOST_OPS, BadDelivery, Unusable, parse
from attempts.identity import person_name
from attempts.models import AnswerEvent, Attempt, Contact, Marking, Scratchpad
from attempts.room import milliseconds
from tests.world import World

Json = dict[str, Any]


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def op(kind: str, **fields: object) -> Json:
    return {"id": str(uuid4()), "kind": kind, **fields}


def five_minutes_ago() -> datetime:
    return timezone.now().replace(microsecond=0) - timedelta(minutes=5)


def answer(position: int, choice: int, revision: int = 0, **changed: object) -> Json:
    at = ms(timezone.now())
    return op("answer", position=position, choice=choice, revision=revision, at=at) | changed


class Phone:
    """What it is told it remembers nowhere: a test says what it sends, and reads the reply."""

    def __init__(self, client: Client, attempt: Attempt) -> None:
        self.client, self.attempt = client, attempt
        self.device = uuid4()
        signer = signing.get_cookie_signer(salt=identity.COOKIE + identity._SALT)
        client.cookies[identity.COOKIE] = signer.sign(str(self.device))
        Contact.objects.create(attempt=attempt, device=self.device, at=attempt.started_at)

    def send(self, *ops: Json, **body: object) -> Any:
        data = {"person": person_name(self.attempt.user), "pending_since": None, "ops": ops, **body}
        return self.post(json.dumps(data))

    def post(self, body: str | bytes) -> Any:
        url = reverse("attempt-sync", args=(self.attempt.public_id,))
        return self.client.post(url, body, content_type="application/json")

    def deliver(self, *ops: Json, **body: object) -> Json:
        response = self.send(*ops, **body)
        assert response.status_code == 200, response.content
        reply: Json = response.json()
        assert [r["id"] for r in reply["replies"]] == [o["id"] for o in ops]
        return reply

    def one(self, op: Json, **body: object) -> Json:
        reply: Json = self.deliver(op, **body)["replies"][0]
        return reply

    @property
    def contact(self) -> Contact:
        return Contact.objects.get(device=self.device)


@pytest.fixture
def attempt(world: World) -> Attempt:
    return world.start(world.ada, now=five_minutes_ago())


@pytest.fixture
def phone(client: Client, attempt: Attempt) -> Phone:
    client.force_login(attempt.user)
    return Phone(client, attempt)


def options(attempt: Attempt, position: int = 1) -> list[int]:
    order: list[int] = attempt.items.get(position=position).choice_order
    return order


# --- Answers --------------------------------------------------------------------------------


def test_an_answer_is_stored_with_its_receipt(phone: Phone, attempt: Attempt) -> None:
    choice = options(attempt)[2]
    sent = answer(1, choice)
    reply = phone.one(sent)
    item = attempt.items.get(position=1)
    assert item.answered_at is not None
    assert reply == {
        "id": sent["id"],
        "status": "saved",
        "position": 1,
        "choice": choice,
        "revision": 1,
        "saved_at": milliseconds(item.answered_at),
    }
    assert (item.choice_id, item.revision) == (choice, 1)
    event = item.events.get()
    assert (event.choice_id, event.revision, event.late) == (choice, 1, False)
    assert event.at == item.answered_at
    assert event.op == UUID(sent["id"])
    assert event.chosen_at is not None
    assert ms(event.chosen_at) == sent["at"]


def test_several_changes_made_without_a_connection_are_taken_in_order(
    phone: Phone, attempt: Attempt
) -> None:
    a, b, c, _ = options(attempt)
    d = options(attempt, 2)[0]
    replies = phone.deliver(answer(1, a), answer(1, b, 1), answer(2, d), answer(1, c, 2))
    assert [r["status"] for r in replies["replies"]] == ["saved"] * 4
    assert [r["revision"] for r in replies["replies"]] == [1, 2, 1, 3]
    item = attempt.items.get(position=1)
    assert (item.choice_id, item.revision) == (c, 3)
    assert [event.choice_id for event in item.events.all()] == [a, b, c]
    assert attempt.items.get(position=2).choice_id == d


@pytest.mark.parametrize("believed", [True, False])
def test_a_full_delivery_of_answers_is_written_at_once(
    phone: Phone,
    attempt: Attempt,
    believed: bool,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    order = options(attempt)
    at = ms(timezone.now()) if believed else 0
    many = [answer(1, order[n % 4], n, at=at) for n in range(MOST_OPS)]
    with django_assert_max_num_queries(4 + 2):
        replies = phone.deliver(*many)["replies"]
    assert [r["revision"] for r in replies] == list(range(1, MOST_OPS + 1))
    events = AnswerEvent.objects.filter(item=attempt.items.get(position=1))
    assert [(e.choice_id, str(e.op)) for e in events.order_by("revision")] == [
        (op["choice"], op["id"]) for op in many
    ]
    assert events.filter(chosen_at__isnull=believed).count() == 0


def test_a_resend_after_a_lost_reply_gets_the_same_receipts_and_changes_nothing(
    phone: Phone, attempt: Attempt
) -> None:
    a, b, *_ = options(attempt)
    changes = [answer(1, a), answer(1, b, 1)]
    first = phone.deliver(*changes)["replies"]
    again = phone.deliver(*changes)["replies"]
    assert [r["status"] for r in again] == ["saved", "saved"]
    assert [r["saved_at"] for r in again] == [r["saved_at"] for r in first]
    assert [(r["choice"], r["revision"]) for r in again] == [(b, 2), (b, 2)]  # what is stored
    assert AnswerEvent.objects.count() == 2


def test_what_was_chosen_on_the_ground_of_a_stale_change_is_stale_too(
    phone: Phone, attempt: Attempt
) -> None:
    """The other device made revision 1; counted up without a connection, ours was a 1 as well."""
    a, b, c, _ = options(attempt)
    phone.one(answer(1, a))
    replies = phone.deliver(answer(1, b), answer(1, c, 1))["replies"]
    assert [(r["status"], r["choice"], r["revision"]) for r in replies] == [("stale", a, 1)] * 2
    assert attempt.items.get(position=1).choice_id == a


def test_the_same_choice_again_is_unchanged_whatever_its_revision(
    phone: Phone, attempt: Attempt
) -> None:
    choice = options(attempt)[0]
    phone.one(answer(1, choice))
    for revision in (0, 1, 7):
        assert phone.one(answer(1, choice, revision))["status"] == "unchanged"
    assert AnswerEvent.objects.count() == 1


def test_a_drills_answer_stands(client: Client, world: World) -> None:
    drill = world.start(world.ada, "drill", domain=2, now=five_minutes_ago())
    client.force_login(world.ada)
    phone = Phone(client, drill)
    a, b, *_ = options(drill)
    phone.one(answer(1, a))
    reply = phone.one(answer(1, b, 1))
    assert (reply["status"], reply["choice"], reply["revision"]) == ("locked", a, 1)


@pytest.mark.parametrize("off", [-30, -6, 6, 3600])
def test_a_time_that_cannot_be_is_not_kept_and_the_answer_is(
    phone: Phone, attempt: Attempt, off: int
) -> None:
    """Before the device's last contact, or ahead of us."""
    now = timezone.now()
    at = ms((attempt.started_at if off < 0 else now) + timedelta(seconds=off))
    with time_machine.travel(now, tick=False):  # a slow machine would catch up with it
        assert phone.one(answer(1, options(attempt)[0], at=at))["status"] == "saved"
    assert AnswerEvent.objects.get().chosen_at is None


def test_a_browser_without_a_name_can_save_and_its_clock_is_not_believed(
    client: Client, phone: Phone, attempt: Attempt
) -> None:
    del client.cookies[identity.COOKIE]
    assert phone.one(answer(1, options(attempt)[0]))["status"] == "saved"
    assert AnswerEvent.objects.get().chosen_at is None


# --- Anything else --------------------------------------------------------------------------


def test_a_flag_is_set_and_taken_down(phone: Phone, attempt: Attempt) -> None:
    assert phone.one(op("flag", position=2, on=True))["status"] == "ok"
    assert list(attempt.items.filter(flagged=True).values_list("position", flat=True)) == [2]
    phone.one(op("flag", position=2, on=False))
    assert not attempt.items.filter(flagged=True).exists()


def test_what_was_seen_is_noted_and_the_place_follows(phone: Phone, attempt: Attempt) -> None:
    phone.deliver(
        op("seen", position=3, visible_ms=4_000),
        op("seen", position=5, visible_ms=0),
    )
    attempt.refresh_from_db()
    assert attempt.last_position == 5
    assert set(attempt.items.exclude(seen_at=None).values_list("position", flat=True)) == {3, 5}
    assert attempt.items.get(position=3).visible_ms == pytest.approx(4_000, abs=1)


def test_visible_time_is_no_more_than_has_passed_since_the_last_contact(
    phone: Phone, attempt: Attempt
) -> None:
    phone.one(op("seen", position=3, visible_ms=2**31 - 1))
    assert attempt.items.get(position=3).visible_ms == pytest.approx(300_000, abs=20_000)


def test_marks_and_notes_are_kept_the_newest_of_each(phone: Phone, attempt: Attempt) -> None:
    a, b, *_ = options(attempt)
    phone.deliver(
        op("marks", position=1, struck=[a], highlights=[]),
        op("notes", text="first"),
        op("marks", position=2, struck=[], highlights=[[0, 4], [7, 9]]),
    )
    phone.deliver(
        op("marks", position=1, struck=[b, a], highlights=[[3, 5]]), op("notes", text="second \n∑")
    )
    one, two = Marking.objects.order_by("item__position")
    assert (one.item.position, one.struck, one.highlights) == (1, [b, a], [[3, 5]])
    assert (two.item.position, two.struck, two.highlights) == (2, [], [[0, 4], [7, 9]])
    assert Scratchpad.objects.get().text == "second \n∑"


def test_departures_are_counted_where_the_person_asked_for_it(
    phone: Phone, attempt: Attempt
) -> None:
    assert phone.one(op("departure", away_ms=500))["status"] == "refused"
    Attempt.objects.update(strict=True)
    phone.deliver(op("departure", away_ms=500), op("departure", away_ms=2_000))
    phone.one(op("departure", away_ms=2**31 - 1))  # longer than the attempt has lasted
    attempt.refresh_from_db()
    assert attempt.departures == 3
    assert attempt.away_ms == pytest.approx(300_000, abs=20_000)


def test_a_heartbeat_says_where_the_attempt_stands(phone: Phone, attempt: Attempt) -> None:
    reply = phone.deliver()
    assert reply["state"] == "in_progress"
    assert reply["deadline"] == milliseconds(attempt.deadline)
    assert reply["late_until"] == reply["deadline"] + 600_000
    assert reply["report_open"] is False
    assert abs(reply["now"] - ms(timezone.now())) < 20_000
    assert "items" not in reply


def test_all_items_come_when_they_are_wanted(phone: Phone, attempt: Attempt) -> None:
    choice = options(attempt, 2)[0]
    flag = op("flag", position=3, on=True)
    reply = phone.deliver(answer(2, choice), flag, want="items")
    items = reply["items"]
    assert [row[0] for row in items] == list(range(1, 25))
    saved_at = reply["replies"][0]["saved_at"]
    assert items[:3] == [[1, None, 0, False, None], [2, choice, 1, False, saved_at],
                         [3, None, 0, True, None]]  # fmt: skip


# --- The last contact -----------------------------------------------------------------------


def test_a_delivery_moves_the_contact_on_to_what_the_browser_still_holds(
    phone: Phone, attempt: Attempt
) -> None:
    held = attempt.started_at + timedelta(minutes=3)
    phone.deliver(pending_since=ms(held))
    assert phone.contact.at == held
    phone.deliver(pending_since=ms(attempt.started_at))  # never back
    assert phone.contact.at == held
    before = timezone.now()
    phone.deliver(pending_since=ms(before + timedelta(hours=1)))  # nor ahead of now
    assert before < phone.contact.at <= timezone.now()


def test_a_delivery_after_the_end_does_not_move_the_contact(phone: Phone, attempt: Attempt) -> None:
    services.submit(attempt, timezone.now())
    phone.deliver()
    assert phone.contact.at == attempt.started_at


# --- What nobody sends ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda choice: answer(25, choice),
        lambda choice: answer(2, choice),  # an option of question 1
        lambda choice: answer(1, choice, revision=-1),
        lambda choice: answer(1, choice, revision=True),
        lambda choice: answer(1, choice, revision=2**31),
        lambda choice: answer(1, choice) | {"choice": str(choice)},
        lambda choice: answer(1, choice) | {"choice": 2**63},
        lambda choice: answer(1, choice) | {"choice": choice + 0.0},
        lambda choice: answer(1, choice) | {"position": 0},
        lambda choice: answer(1, choice) | {"position": 10**30},
        lambda choice: answer(1, choice, at=None),
        lambda choice: answer(1, choice, at=-1),
        lambda choice: answer(1, choice, at=10**17),
        lambda choice: op("answer", position=1),
        lambda choice: op("flag", position=1, on=1),
        lambda choice: op("flag", position=99, on=True),
        lambda choice: op("seen", position=1),
        lambda choice: op("seen", position=1, visible_ms=-1),
        lambda choice: op("marks", position=1, struck=[choice, choice], highlights=[]),
        lambda choice: op("marks", position=2, struck=[choice], highlights=[]),
        lambda choice: op("marks", position=1, struck="no", highlights=[]),
        lambda choice: op("marks", position=1, struck=[], highlights=[[5, 5]]),
        lambda choice: op("marks", position=1, struck=[], highlights=[[0, 10**9]]),
        lambda choice: op("marks", position=1, struck=[], highlights=[[0, 1]] * 51),
        lambda choice: op("notes", text="x" * 20_001),
        lambda choice: op("notes", text="zero \x00 byte"),
        lambda choice: op("notes", text="half a pair \ud800"),
        lambda choice: op("departure", away_ms=True),
        lambda choice: op("departure", away_ms=5),  # not a strict attempt
        lambda choice: op("dance"),
        lambda choice: op("dance") | {"kind": ["answer"]},
    ],
)
def test_one_bad_change_is_refused_and_holds_up_nothing(
    phone: Phone, attempt: Attempt, change: Callable[[int], Json]
) -> None:
    choice = options(attempt)[0]
    bad, good = change(choice), op("flag", position=4, on=True)
    refused, taken = phone.deliver(bad, good)["replies"]
    assert refused["status"] == "refused"
    assert refused["reason"]
    assert taken["status"] == "ok"
    assert not AnswerEvent.objects.exists()
    assert not Marking.objects.exists()
    assert not Scratchpad.objects.exists()


def body(**changed: object) -> str:
    return json.dumps({"person": "p", "pending_since": None, "ops": [], **changed})


SAME = str(uuid4())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "[]",
        "null",
        "{}",
        body(person=None),
        body(person=5),
        body(ops=None),
        body(ops={}),
        body(ops=["x"]),
        body(ops=[{}]),
        body(ops=[{"id": "x", "kind": "notes", "text": ""}]),
        body(ops=[{"id": 5, "kind": "notes", "text": ""}]),
        body(ops=[{"id": "{" + SAME + "}", "kind": "notes", "text": ""}]),
        body(ops=[{"id": SAME, "kind": "notes", "text": ""}] * 2),
        body(pending_since="now"),
        body(pending_since=1.5),
        body(pending_since=10**18),
        body(pending_since=True),
        body(want="keys"),
        body().replace("null", "NaN"),
        body().replace("null", "-Infinity"),
        body().replace("null", "9" * 5_000),
        "[" * 100_000,
        b"\xff\xfe",
    ],
    ids=itertools.count(),
)
def test_what_is_no_delivery_is_refused_as_a_whole(phone: Phone, text: str | bytes) -> None:
    response = phone.post(text)
    assert response.status_code == 400
    assert response.json()["error"] == "delivery"


def test_more_than_a_delivery_may_carry(phone: Phone) -> None:
    assert phone.post(" " * MOST_BYTES + "{}").status_code == 413
    many = [op("notes", text="") for _ in range(MOST_OPS + 1)]
    assert phone.send(*many).status_code == 413
    assert phone.send(*many[1:]).status_code == 200


def test_a_delivery_is_read_without_a_database() -> None:
    batch = parse(body(ops=[{"id": SAME, "kind": "notes", "text": 5}]).encode())
    assert batch.ops == (Unusable(UUID(SAME), "text"),)
    with pytest.raises(BadDelivery):
        parse(b"{")


# --- Who may --------------------------------------------------------------------------------


def test_a_queue_of_somebody_else_is_not_taken(
    client: Client, world: World, phone: Phone, attempt: Attempt
) -> None:
    """Ben logged in on the device that still holds Ada's answers."""
    sent = answer(1, options(attempt)[0])
    response = phone.send(sent, person=person_name(world.ben))
    assert (response.status_code, response.json()) == (409, {"error": "person"})
    client.force_login(world.ben)
    assert phone.send(sent).status_code == 409
    assert phone.send(sent, person=person_name(world.ben)).status_code == 404
    assert not AnswerEvent.objects.exists()


def test_nobody_is_told_to_log_in_and_to_come_back_to_the_page(
    client: Client, phone: Phone, attempt: Attempt
) -> None:
    client.logout()
    page = reverse("attempt-item", args=(attempt.public_id, 3))
    response = client.post(
        reverse("attempt-sync", args=(attempt.public_id,)),
        "{}",
        content_type="application/json",
        headers={"Referer": f"https://exams.example{page}"},
    )
    assert response.status_code == 401
    login = f"{reverse('account_login')}?next={page.replace('/', '%2F')}"
    assert response.json() == {"error": "login", "login": login}


def test_without_the_token_nothing_is_taken_and_the_pass_gives_one(
    world: World, attempt: Attempt
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.ada)
    phone = Phone(client, attempt)
    sent = answer(1, options(attempt)[0])
    assert phone.send(sent).status_code == 403
    pass_ = client.get(reverse("attempt-pass"))
    assert pass_.json()["person"] == person_name(world.ada)
    assert "no-store" in pass_["Cache-Control"]
    client.defaults["HTTP_X_CSRFTOKEN"] = pass_.json()["token"]
    assert phone.send(sent).status_code == 200


def test_a_pass_for_nobody(client: Client, db: None) -> None:
    assert client.get(reverse("attempt-pass")).json() == {"person": None, "token": None}


# --- When it is over ------------------------------------------------------------------------


def test_after_the_end_only_answers_may_still_matter(phone: Phone, attempt: Attempt) -> None:
    services.submit(attempt, timezone.now())
    replies = phone.deliver(
        op("flag", position=1, on=True),
        op("seen", position=1, visible_ms=5),
        op("marks", position=1, struck=[], highlights=[]),
        op("notes", text="too late"),
        op("departure", away_ms=5),
    )
    assert {r["status"] for r in replies["replies"]} == {"over"}
    assert replies["state"] == "closed"
    assert not attempt.items.filter(flagged=True).exists()
    assert not Scratchpad.objects.exists()


def test_no_late_answers_where_none_are_allowed(
    phone: Phone, attempt: Attempt, settings: Settings
) -> None:
    settings.LATE_ANSWER_MINUTES = 0
    assert phone.deliver()["late_until"] is None
    services.submit(attempt, timezone.now())
    reply = phone.one(answer(1, options(attempt)[0], at=ms(attempt.started_at)))
    assert reply["status"] == "not_counted"
    assert reply["reason"]


def test_a_void_attempt_takes_nothing_and_says_so(phone: Phone, attempt: Attempt) -> None:
    services.discard_attempt(attempt, timezone.now())
    reply = phone.deliver(answer(1, options(attempt)[0]))
    assert (reply["state"], reply["late_until"]) == ("void", None)
    assert reply["replies"][0]["status"] == "not_counted"
    assert "void" in reply["replies"][0]["reason"]


# --- What it costs --------------------------------------------------------------------------


def test_an_answer_takes_four_statements(
    phone: Phone, attempt: Attempt, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sent = answer(1, options(attempt)[0])
    with django_assert_num_queries(4 + 2):  # a savepoint stands for BEGIN and COMMIT here
        phone.one(sent)


def test_a_whole_offline_hour_takes_as_many(
    phone: Phone, attempt: Attempt, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ops = [answer(item.position, item.choice_order[0]) for item in attempt.items.all()]
    ops += [op("flag", position=n, on=True) for n in range(1, 25)]
    ops += [op("seen", position=n, visible_ms=10) for n in range(1, 25)]
    ops += [op("marks", position=n, struck=[], highlights=[[1, 2]]) for n in range(1, 25)]
    ops.append(op("notes", text="all of it"))
    with django_assert_num_queries(4 + 2):
        replies = phone.deliver(*ops)["replies"]
    assert {r["status"] for r in replies} == {"saved", "ok"}
    assert attempt.items.filter(flagged=True, revision=1, marking__isnull=False).count() == 24
