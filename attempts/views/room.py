"""The exam room: one question at a time, saved as it is chosen, with or without JavaScript.

Every move inside the room is a submit of the question's one form, so a choice made without
JavaScript is saved by whatever is pressed next. htmx asks for the same URLs and gets the same
partials that the pages are made of.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, push_url, reswap, retarget

from accounts.access import PersonRequest, person_required
from attempts import services
from attempts.access import attempt_of, may_see_key
from attempts.models import Attempt, AttemptItem, Exam
from attempts.options import options_of
from attempts.room import Room
from attempts.services import SaveResult, SaveStatus
from attempts.states import State
from questions.models import Choice


def _open_room(request: PersonRequest, public_id: UUID) -> Room | HttpResponse:
    """The person's open attempt, or the way to where a closed one is shown."""
    now = timezone.now()
    attempt = attempt_of(request.user, public_id)
    services.close_if_due(attempt, now)
    if attempt.status is not State.IN_PROGRESS:
        return _leave(request, attempt)
    return Room(attempt, now)


def _leave(request: PersonRequest, attempt: Attempt) -> HttpResponse:
    url = reverse(
        "attempt-list" if attempt.status is State.VOID else "attempt-report",
        args=() if attempt.status is State.VOID else (attempt.public_id,),
    )
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


@never_cache
@person_required
@require_safe
def resume(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id)
    if isinstance(room, HttpResponse):
        return room
    return redirect("attempt-item", public_id=public_id, position=room.attempt.last_position)


@never_cache
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def item(request: PersonRequest, public_id: UUID, position: int) -> HttpResponse:
    if request.method == "POST":
        return _save_and_go(request, public_id, position)
    room = _open_room(request, public_id)
    return room if isinstance(room, HttpResponse) else _show_item(request, room, position)


def _show_item(
    request: PersonRequest, room: Room, position: int, *, notice: str = ""
) -> HttpResponse:
    try:
        shown = room.attempt.items.select_related("version").get(position=position)
    except AttemptItem.DoesNotExist as error:
        raise Http404 from error
    services.mark_seen(room.attempt, shown, room.now)
    reveal = may_see_key(room.attempt, shown)
    options = options_of(shown, _choices(shown, with_key=reveal))
    context = {
        "room": room,
        "attempt": room.attempt,
        "item": shown,
        "options": options,
        "reveal": reveal,
        "key_letter": next((o.letter for o in options if reveal and o.choice.is_correct), ""),
        "chosen_letter": next((o.letter for o in options if o.chosen), ""),
        "explains_at_once": room.attempt.feedback == Exam.Feedback.AFTER_ANSWER,
        "notice": notice,
        "scenario_positions": _scenario_positions(room, shown),
    }
    template = "attempts/_room_item.html" if request.htmx else "attempts/room_item.html"
    response = render(request, template, context)
    url = reverse("attempt-item", args=(room.attempt.public_id, position))
    return push_url(response, url) if request.htmx else response


def _choices(shown: AttemptItem, *, with_key: bool) -> list[Choice]:
    """The four options. Key and rationale are not even read before they may be shown."""
    columns = ["version_id", "text_html"]
    if with_key:
        columns += ["is_correct", "rationale_html", "misjudgement"]
    return list(Choice.objects.filter(version_id=shown.version_id).only(*columns))


def _scenario_positions(room: Room, shown: AttemptItem) -> list[int]:
    """The questions of this exam that show the same scenario, word for word."""
    text = shown.version.scenario_text
    if not text:
        return []
    items = room.attempt.items.filter(version__scenario_text=text)
    return list(items.values_list("position", flat=True))


def _save_and_go(request: PersonRequest, public_id: UUID, position: int) -> HttpResponse:
    """One submit of the question's form: save the choice, note flag and time, then move."""
    now = timezone.now()
    try:
        result = _save(request, public_id, position, now)
    except (ValueError, services.NotAnOption):
        return HttpResponseBadRequest(
            "This page sent something that is not an answer to its question. Nothing was changed. "
            "Load the page again and choose once more."
        )
    except AttemptItem.DoesNotExist as error:
        raise Http404 from error
    moves = request.POST.get("go") or request.POST.get("flag")
    stored = result is not None and result.status in (SaveStatus.SAVED, SaveStatus.UNCHANGED)
    if request.htmx and result is not None and stored and not moves:
        return _receipt(request, public_id, position, result)
    room = _open_room(request, public_id)
    if isinstance(room, HttpResponse):
        return room
    services.add_visible_time(room.attempt, position, _milliseconds(request), now)
    if request.POST.get("flag") in {"on", "off"}:
        services.set_flag(room.attempt, position, request.POST["flag"] == "on")
    if result is not None and result.status is SaveStatus.STALE:
        return _tell(request, room, position, _stale_words(result))
    if result is None and request.POST.get("go") == "here":
        return _tell(request, room, position, "Choose an option first; then you see the reasons.")
    return _go(request, room, position)


def _save(
    request: PersonRequest, public_id: UUID, position: int, now: datetime
) -> SaveResult | None:
    """None when nothing is chosen. Raises ValueError for what no page of ours sends."""
    if not request.POST.get("choice"):
        return None
    return services.save_answer(
        request.user,
        public_id,
        position,
        choice=_whole(request.POST["choice"]),
        revision=_whole(request.POST.get("revision", "")),
        now=now,
    )


def _whole(text: str) -> int:
    """A non-negative whole number that fits the database, or ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def _milliseconds(request: PersonRequest) -> int:
    try:
        return _whole(request.POST.get("visible_ms", "0"))
    except ValueError:
        return 0


def _receipt(
    request: PersonRequest, public_id: UUID, position: int, result: SaveResult
) -> HttpResponse:
    """The reply to a choice: when it was saved, by the server's clock, and nothing else."""
    context = {"result": result, "public_id": public_id, "position": position}
    response = render(request, "attempts/_receipt.html", context)
    return reswap(retarget(response, "#save-state"), "outerHTML")


def _stale_words(result: SaveResult) -> str:
    at = timezone.localtime(result.saved_at).strftime("%H:%M:%S") if result.saved_at else ""
    return (
        f"This question was answered in another tab or on another device at {at}. "
        "What is stored is shown here; choose again if you want something else."
    )


def _tell(request: PersonRequest, room: Room, position: int, notice: str) -> HttpResponse:
    """The same question again, with a line about why."""
    if not request.htmx:
        messages.warning(request, notice)
        return redirect("attempt-item", public_id=room.attempt.public_id, position=position)
    return _into_room(_show_item(request, room, position, notice=notice))


def _into_room(response: HttpResponse, *, moved: bool = False) -> HttpResponse:
    """The whole room is replaced, whatever part of it asked; only a move starts at the top."""
    how: Any = "outerHTML show:window:top" if moved else "outerHTML"  # typed without modifiers
    return reswap(retarget(response, "#room"), how)


def _go(request: PersonRequest, room: Room, position: int) -> HttpResponse:
    target = request.POST.get("go", "here")
    last = room.attempt.item_count
    if target in {"all", "review"} or (target == "next" and position == last):
        name = "attempt-questions" if target == "all" else "attempt-review"
        if not request.htmx:
            return redirect(name, public_id=room.attempt.public_id)
        show = _show_questions if target == "all" else _show_review
        url = reverse(name, args=(room.attempt.public_id,))
        return push_url(_into_room(show(request, room), moved=True), url)
    step = {"next": 1, "previous": -1}.get(target, 0)
    position = min(max(position + step, 1), last)
    if request.htmx:
        return _into_room(_show_item(request, room, position), moved=bool(step))
    return redirect("attempt-item", public_id=room.attempt.public_id, position=position)


@person_required
@require_POST
def visible_time(request: PersonRequest, public_id: UUID, position: int) -> HttpResponse:
    """The browser's last word on a question it is leaving without a submit (sendBeacon)."""
    attempt = attempt_of(request.user, public_id)
    services.add_visible_time(attempt, position, _milliseconds(request), timezone.now())
    return HttpResponse(status=204)


@never_cache
@person_required
@require_safe
def questions(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id)
    return room if isinstance(room, HttpResponse) else _show_questions(request, room)


def _show_questions(request: PersonRequest, room: Room) -> HttpResponse:
    template = "attempts/_room_questions.html" if request.htmx else "attempts/room_questions.html"
    return render(request, template, {"room": room, "attempt": room.attempt})


@never_cache
@person_required
@require_safe
def review(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id)
    return room if isinstance(room, HttpResponse) else _show_review(request, room)


def _show_review(request: PersonRequest, room: Room) -> HttpResponse:
    template = "attempts/_room_review.html" if request.htmx else "attempts/room_review.html"
    return render(request, template, {"room": room, "attempt": room.attempt})


@person_required
@require_POST
def submit(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """End the attempt. Pressing twice, or after the clock did it, leads to the same report."""
    attempt = attempt_of(request.user, public_id)
    services.submit(attempt, timezone.now())
    return redirect("attempt-report", public_id=public_id)


@never_cache
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id)
    if isinstance(room, HttpResponse):
        return room
    if request.method != "POST":
        return render(request, "attempts/discard.html", {"room": room, "attempt": room.attempt})
    if services.discard_attempt(room.attempt, room.now):
        messages.success(
            request, f"Your {room.attempt.exam.title.lower()} was discarded. It counts nowhere."
        )
        return redirect("exam-list")
    return redirect("attempt-resume", public_id=public_id)


@never_cache
@person_required
@require_safe
def clock(request: PersonRequest, public_id: UUID) -> JsonResponse:
    """The server's time and the deadline, in milliseconds, for a page that woke up."""
    now = timezone.now()
    attempt = attempt_of(request.user, public_id)
    services.close_if_due(attempt, now)
    return JsonResponse(
        {
            "now": int(now.timestamp() * 1000),
            "deadline": int(attempt.deadline.timestamp() * 1000),
            "open": attempt.status is State.IN_PROGRESS,
        }
    )
