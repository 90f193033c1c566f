"""A person's own profile. Their data and the end of their account: `issmp_site.person`."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import PersonRequest, person_required
from accounts.forms import ProfileForm


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def profile(request: PersonRequest) -> HttpResponse:
    today = timezone.localdate(timezone.now())
    days_to_exam = request.user.days_to_exam(today)  # before the form writes into the person
    form = ProfileForm(request.POST or None, instance=request.user, today=today)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("profile")
    return render(request, "accounts/profile.html", {"form": form, "days_to_exam": days_to_exam})


@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """The last page of an account. Whoever is logged in still has one."""
    if request.user.is_authenticated:
        return redirect("profile")
    return render(request, "accounts/deleted.html")
