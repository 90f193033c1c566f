"""The admin site itself. What it shows of each app is in that app's `admin.py`."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from questions import overview


class AuthoringSite(AdminSite):
    site_header = "Touchstone authoring"
    site_title = "Touchstone authoring"
    index_title = "The question bank"
    site_url = "/"
    enable_nav_sidebar = False

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = dict(extra_context or {})
        if request.user.has_perm("questions.view_question"):
            context["bank"] = overview.bank_overview()
        else:
            context["title"] = "Overview"
        return super().index(request, context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The bank first: most people who come here come for it."""
        order = ("questions", "domains", "attempts", "accounts")
        apps: list[Any] = super().get_app_list(request, app_label)
        rank = {label: position for position, label in enumerate(order)}
        return sorted(apps, key=lambda app: rank.get(app["app_label"], len(order)))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One log-in for everybody, with one rate limit. Who is logged in and may not enter is
        told so, instead of being sent round in a circle."""
        index = reverse("admin:index", current_app=self.name)
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
            target = index
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if request.user.is_authenticated:
            return render(request, "admin/no_entry.html", status=403)
        return redirect_to_login(target, reverse("account_login"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return HttpResponseRedirect(reverse("account_logout"))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return HttpResponseRedirect(reverse("account_change_password"))
