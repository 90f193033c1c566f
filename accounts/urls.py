from __future__ import annotations

from django.urls import path

from accounts import views

urlpatterns = [
    path("", views.profile, name="profile"),
    path("deleted/", views.deleted, name="profile-deleted"),
]
