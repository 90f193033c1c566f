from __future__ import annotations

from django.urls import path

from attempts.views import choosing, tutorial

urlpatterns = [
    path("", choosing.exam_list, name="exam-list"),
    path("tutorial/", tutorial.question, name="exam-tutorial"),  # see Exam.RESERVED_KEYS
    path("tutorial/items/<int:position>/", tutorial.question, name="exam-tutorial-item"),
    path("tutorial/<slug:view>/", tutorial.overview, name="exam-tutorial-list"),
    path("<slug:key>/", choosing.rules, name="exam-rules"),
]
