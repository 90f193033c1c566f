from __future__ import annotations

from django.urls import path

from attempts.views import choosing

urlpatterns = [
    path("", choosing.exam_list, name="exam-list"),
    path("<slug:key>/", choosing.rules, name="exam-rules"),
]
