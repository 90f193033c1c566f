"""Trying the exam room before any clock runs: nothing is stored, and nothing is sent.

With JavaScript the room's own script moves about in what the page carries along. Without it these
are pages to read, and the buttons lead from one to the next.
"""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import PersonRequest, person_required
from attempts.room import milliseconds
from attempts.tutorial import QUESTIONS, TutorialRoom, sheet

_COUNT: Final = len(QUESTIONS)
_LISTS: Final = {  # view: title, template
    "questions": ("All questions", "attempts/_tutorial_questions.html"),
    "review": ("Before you end the exam", "attempts/_tutorial_review.html"),
}


@never_cache
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: PersonRequest, position: int = 1) -> HttpResponse:
    if not 1 <= position <= _COUNT:
        raise Http404
    if request.method == "POST":
        return _go(request.POST.get("go", ""), position)
    title = f"Tutorial: question {position} of {_COUNT}"
    return _show(request, "question", title, "attempts/_sheet.html", position)


def _go(target: str, position: int) -> HttpResponse:
    """The question's buttons without JavaScript: they lead on, and leave nothing behind."""
    if target == "all":
        return redirect("exam-tutorial-list", view="questions")
    if target == "review" or (target == "next" and position == _COUNT):
        return redirect("exam-tutorial-list", view="review")
    step = {"next": 1, "previous": -1}.get(target, 0)
    return redirect("exam-tutorial-item", position=max(1, position + step))


@never_cache
@person_required
@require_safe
def overview(request: PersonRequest, view: str) -> HttpResponse:
    """All questions, or the review before the end."""
    if view not in _LISTS:
        raise Http404
    title, template = _LISTS[view]
    return _show(request, view, f"Tutorial: {title.lower()}", template, 1)


def _show(
    request: PersonRequest, view: str, title: str, template: str, position: int
) -> HttpResponse:
    room = TutorialRoom(
        now_ms=milliseconds(timezone.now()),
        zone=timezone.get_current_timezone_name(),
        last_position=position,
    )
    sheets = [sheet(number) for number in range(1, _COUNT + 1)]
    context = {
        "room": room,
        "view": view,
        "title": title,
        "main_template": template,
        "sheets": sheets,
        "lists": {name: template for name, (_, template) in _LISTS.items()},
    }
    return render(request, "attempts/tutorial.html", sheets[position - 1] | context)
