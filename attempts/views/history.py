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
from attempts.reports import attempts_of, marks_of, progress_of

PER_PAGE: Final = 20


@never_cache
@person_required
@require_safe
def attempt_list(request: PersonRequest) -> HttpResponse:
    attempt = services.open_attempt_of(request.user)
    if attempt is not None:
        services.close_if_due(attempt, timezone.now())
    pages = Paginator(attempts_of(request.user), PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "page_numbers": list(pages.get_elided_page_range(page.number)),
        "gap": pages.ELLIPSIS,
        "rows": [(attempt, marks_of(attempt)) for attempt in page.object_list],
        # The picture is about all of them; it stands above the newest.
        "progress": progress_of(request.user) if page.number == 1 else None,
    }
    return render(request, "attempts/attempt_list.html", context)
