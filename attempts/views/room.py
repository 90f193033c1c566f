"""The exam room: one question at a time, saved as it is chosen, with or without JavaScript.

Every move inside the room is a submit of the question's one form, so a choice made without
JavaScript is saved by whatever is pressed next. With JavaScript the browser asks once for the whole
form (`form`), moves by itself, and delivers to `views.sync`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import PersonRequest, person_required, person_required_json
from attempts import remedies, saving, services
from attempts.access import attempt_of, may_open, may_see_key
from attempts.identity import remember_device
from attempts.models import Attempt, AttemptItem, Exam, Marking, Scratchpad
from attempts.options import options_of
from attempts.room import Cell, Room, told
from attempts.saving import SaveResult, SaveStatus
from attempts.sheets import cells_of, scenario_key, scenario_label, sheet_of, sheets_of
from attempts.states import State
from questions.models import Choice, QuestionVersion


def _open_room(request: PersonRequest, public_id: UUID, *along: str) -> Room | HttpResponse:
    """The person's open attempt with what is named, or the way to where a closed one is shown."""
    now = timezone.now()
    attempt = attempt_of(request.user, public_id, *along)
    attempt.user = request.user  # spares a query: it is theirs
    services.close_if_due(attempt, now)
    if attempt.status is not State.IN_PROGRESS:
        return redirect(_way_out(attempt, now))
    return Room(attempt, now)


def _way_out(attempt: Attempt, now: datetime) -> str:
    """Where a room that is over leads: past `over` while an answer may still arrive and count."""
    if (
        attempt.status is State.VOID
    ):  # staff may do it while the person sits there: the log says why
        return reverse("attempt-log", args=(attempt.public_id,))
    until = saving.late_until(attempt.status, attempt.closed_at or attempt.deadline)
    if attempt.report_opened_at is None and until is not None and now <= until:
        return reverse("attempt-over", args=(attempt.public_id,))
    return reverse("attempt-report", args=(attempt.public_id,))


@never_cache
@person_required
@require_safe
def resume(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id)
    if isinstance(room, HttpResponse):
        return room
    return redirect("attempt-item", public_id=public_id, position=room.last_position)


# --- Pages ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _View:
    """What fills <main>. The room around it is the same for all (templates/attempts/_room.html)."""

    name: str
    title: str
    template: str


_QUESTIONS = _View("questions", "All questions", "attempts/_room_questions.html")
_REVIEW = _View("review", "Before you end the exam", "attempts/_room_review.html")


def _show(request: PersonRequest, room: Room, view: _View, **context: object) -> HttpResponse:
    context |= {
        "room": room,
        "attempt": room.attempt,
        "view": view.name,
        "title": view.title,
        "main_template": view.template,
        "notices": remedies.notices(room.attempt),
    }
    response = render(request, "attempts/room.html", context)
    saving.note_contact(room.attempt, remember_device(request, response), room.now)
    return response


@never_cache
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def item(request: PersonRequest, public_id: UUID, position: int) -> HttpResponse:
    if request.method == "POST":
        return _save_and_go(request, public_id, position)
    room = _open_room(request, public_id)
    return room if isinstance(room, HttpResponse) else _show_item(request, room, position)


def _show_item(request: PersonRequest, room: Room, position: int) -> HttpResponse:
    attempt = room.attempt
    shown = room.item(position)
    if shown is None:
        raise Http404
    if not may_open(attempt, position):
        return redirect("attempt-item", public_id=attempt.public_id, position=room.last_position)
    saving.mark_seen(attempt, position, room.now, first=not shown.seen)
    shown.seen = True
    reveal = may_see_key(attempt, shown)
    if reveal:
        sheet: dict[str, object] = _explained(room, shown)
    else:
        sheet = {"sheet": sheet_of(attempt, shown, room.cells)}
    return _show(
        request,
        room,
        _View("question", f"Question {position} of {room.count}", "attempts/_sheet.html"),
        position=position,
        asks_first=attempt.feedback == Exam.Feedback.AFTER_ANSWER and not reveal,
        flagged=shown.flagged,
        has_choice=shown.choice_id is not None,
        saved_at=shown.saved_at,
        **sheet,
    )


def _explained(room: Room, shown: Cell) -> dict[str, object]:
    """A question with its key and reasons, for the sheet's template."""
    attempt = room.attempt
    choices = Choice.objects.filter(version_id=shown.version_id).order_by()
    columns = ("version_id", "text_html", "is_correct", "rationale_html", "misjudgement")
    options = options_of(shown, choices.only(*columns))
    version = QuestionVersion.objects.only(
        "stem_html", "scenario_html", "scenario_text", "references"
    ).get(pk=shown.version_id)
    together = _scenario_positions(room, version)
    return {
        "reveal": True,
        "count": room.count,
        "action": reverse("attempt-item", args=(attempt.public_id, shown.position)),
        "revision": shown.revision,
        "version": version,
        "options": options,
        "key_letter": next((o.letter for o in options if o.choice.is_correct), ""),
        "chosen_letter": next((o.letter for o in options if o.chosen), ""),
        "scenario_key": scenario_key(attempt, together),
        "scenario_label": scenario_label(together),
        "told": json.dumps(told(shown)),
    }


def _scenario_positions(room: Room, version: QuestionVersion) -> list[int]:
    """The questions of this exam that show the same scenario, word for word."""
    if not version.scenario_text:
        return []
    items = room.attempt.items.filter(version__scenario_text=version.scenario_text)
    return list(items.values_list("position", flat=True))


@never_cache
@person_required
@require_safe
def questions(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id)
    if isinstance(room, HttpResponse):
        return room
    if room.navigation == Exam.Navigation.FORWARD:
        return redirect("attempt-item", public_id=public_id, position=room.last_position)
    return _show(request, room, _QUESTIONS)


@never_cache
@person_required
@require_safe
def review(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id)
    return room if isinstance(room, HttpResponse) else _show(request, room, _REVIEW)


# --- The form's submit, without JavaScript ----------------------------------------------------


def _save_and_go(request: PersonRequest, public_id: UUID, position: int) -> HttpResponse:
    """One submit of the question's form: save the choice, note the flag, then move."""
    now = timezone.now()
    try:
        result = _save(request, public_id, position, now)
    except (ValueError, saving.NotAnOption):
        return HttpResponseBadRequest(
            "This page sent something that is not an answer to its question. Nothing was changed. "
            "Load the page again and choose once more."
        )
    except AttemptItem.DoesNotExist as error:
        raise Http404 from error
    room = _open_room(request, public_id)
    if isinstance(room, HttpResponse):
        return room
    if request.POST.get("flag") in {"on", "off"}:
        saving.set_flag(room.attempt, position, request.POST["flag"] == "on")
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
    return saving.save_answer(
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


def _stale_words(result: SaveResult) -> str:
    at = timezone.localtime(result.saved_at).strftime("%H:%M:%S") if result.saved_at else ""
    return (
        f"This question was answered in another tab or on another device at {at}. "
        "What is stored is shown here; choose again if you want something else."
    )


def _tell(request: PersonRequest, room: Room, position: int, notice: str) -> HttpResponse:
    """The same question again, with a line about why."""
    messages.warning(request, notice)
    return redirect("attempt-item", public_id=room.attempt.public_id, position=position)


def _go(request: PersonRequest, room: Room, position: int) -> HttpResponse:
    target = request.POST.get("go", "here")
    public_id, last = room.attempt.public_id, room.count
    if target == "review" or (target == "next" and position == last):
        return redirect("attempt-review", public_id=public_id)
    if target == "all":
        return redirect("attempt-questions", public_id=public_id)
    if room.navigation == Exam.Navigation.FORWARD:
        return _go_forward(request, room, position, moves=target == "next")
    step = {"next": 1, "previous": -1}.get(target, 0)
    position = min(max(position + step, 1), last)
    return redirect("attempt-item", public_id=public_id, position=position)


def _go_forward(request: PersonRequest, room: Room, position: int, *, moves: bool) -> HttpResponse:
    """Where nothing is come back to, a question is left by answering it."""
    here: int | None = room.last_position
    if moves:
        try:
            here = saving.advance(request.user, room.attempt.public_id, position, room.now)
        except saving.NotAnswered:
            return _tell(request, room, position, "Choose an option first; then you can go on.")
    if here is None:  # the clock was faster
        return redirect("attempt-over", public_id=room.attempt.public_id)
    return redirect("attempt-item", public_id=room.attempt.public_id, position=here)


# --- The whole form, for the browser to go on with ---------------------------------------------


@never_cache
@person_required_json
@require_safe
def form(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Every sheet that may be read ahead, and how every question stands. Keyless, always."""
    now = timezone.now()
    attempt = attempt_of(request.user, public_id, "exam")
    attempt.user = request.user
    services.close_if_due(attempt, now)
    if attempt.status is not State.IN_PROGRESS:
        raise Http404
    room = Room(attempt, now)
    context = {
        "room": room,
        "attempt": attempt,
        "form_cells": cells_of(room.base, room.count),
    }
    free = attempt.navigation == Exam.Navigation.FREE
    response = JsonResponse(
        {
            "person": room.person,
            "attempt": room.name,
            "title": attempt.exam.title,
            "count": room.count,
            "navigation": room.navigation,
            "feedback": room.feedback,
            "strict": room.strict,
            "now": room.now_ms,
            "started": room.started_ms,
            "deadline": room.deadline_ms,
            "last_position": room.last_position,
            "items": _form_items(attempt, room.cells),
            "notes": _notes(attempt),
            "questions": render_to_string(_QUESTIONS.template, context) if free else "",
            "review": render_to_string(_REVIEW.template, context),
        }
    )
    saving.note_contact(attempt, remember_device(request, response), now)
    return response


def _form_items(attempt: Attempt, items: Iterable[Cell]) -> list[dict[str, object]]:
    sheets = sheets_of(attempt, items)
    marks = {mark.item_id: mark for mark in Marking.objects.filter(item__attempt=attempt)}
    return [
        told(item)
        | {
            "struck": marks[item.pk].struck if item.pk in marks else [],
            "highlights": marks[item.pk].highlights if item.pk in marks else [],
            "sheet": sheets.get(item.position),
        }
        for item in items
    ]


def _notes(attempt: Attempt) -> str:
    return Scratchpad.objects.filter(attempt=attempt).values_list("text", flat=True).first() or ""


# --- Ending -----------------------------------------------------------------------------------


@person_required
@require_POST
def submit(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """End the attempt. Pressing twice, or after the clock did it, leads to the same report."""
    mine = Attempt.objects.only("pk")  # what it is like is read when it is locked
    services.submit(get_object_or_404(mine, user=request.user, public_id=public_id), timezone.now())
    return redirect("attempt-report", public_id=public_id)


@never_cache
@person_required
@require_safe
def over(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Between a room that is over and its report: whatever the browser still holds is delivered
    here, and the person told what counted. Always shown for an attempt that is over, for only the
    browser knows what it holds."""
    now = timezone.now()
    attempt = attempt_of(request.user, public_id, "exam")
    attempt.user = request.user
    services.close_if_due(attempt, now)
    if attempt.status is State.VOID:
        return redirect("attempt-list")
    room = Room(attempt, now)
    if attempt.status is State.IN_PROGRESS and now < attempt.deadline:
        return redirect("attempt-resume", public_id=public_id)
    ended_at = attempt.closed_at or attempt.deadline
    context = {
        "room": room,
        "attempt": attempt,
        "ended_at": ended_at,
        "late_until": saving.late_until(attempt.status, ended_at),
    }
    return render(request, "attempts/over.html", context)


@never_cache
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: PersonRequest, public_id: UUID) -> HttpResponse:
    room = _open_room(request, public_id, "exam")
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
