from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from issmp_site import health, home, person

urlpatterns = [
    path("", home.home, name="home"),
    path("exams/", include("attempts.urls_exams")),
    path("attempts/", include("attempts.urls")),
    path("groups/", include("cohorts.urls")),
    path("profile/data.json", person.download, name="profile-data"),
    path("profile/delete/", person.delete, name="profile-delete"),
    path("profile/", include("accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
]

handler400 = "issmp_site.outage.bad_request"
handler500 = "issmp_site.outage.server_error"
