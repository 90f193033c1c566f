"""Every attempt of a person, and where they are heading."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import PersonRequest, person_required
from attempts import services
from attempts.access import may_see_result
from attempts.models import Attempt
from attempts.remedies import words_of
from attempts.reports import attempts_of, marks_of, progress_of
from attempts.states import State

PER_PAGE: Final = 20


@never_cache
@person_required
@require_safe
def attempt_list(request: PersonRequest) -> HttpResponse:
    attempt = services.open_attempt_of(request.user)
    now = timezone.now()
    if attempt is not None:
        services.close_if_due(attempt, now)
    pages = Paginator(attempts_of(request.user).prefetch_related("remedies"), PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "page_numbers": list(pages.get_elided_page_range(page.number)),
        "gap": pages.ELLIPSIS,
        "rows": [
            (attempt, marks_of(attempt) if may_see_result(attempt, now) else None, _remedy(attempt))
            for attempt in page.object_list
        ],
        # The picture is about all of them; it stands above the newest.
        "progress": progress_of(request.user, now) if page.number == 1 else None,
    }
    return render(request, "attempts/attempt_list.html", context)


def _remedy(attempt: Attempt) -> str:
    """What staff did to it last; of a void attempt the list tells the reason anyway."""
    done = list(attempt.remedies.all())  # oldest first, as they come with the page
    if not done or attempt.status is State.VOID:
        return ""
    return f"{words_of(done[-1])}: {done[-1].reason}"
