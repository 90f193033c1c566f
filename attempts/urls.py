from __future__ import annotations

from django.urls import path

from attempts.views import history, report, room

urlpatterns = [
    path("", history.attempt_list, name="attempt-list"),
    path("<uuid:public_id>/", room.resume, name="attempt-resume"),
    path("<uuid:public_id>/items/<int:position>/", room.item, name="attempt-item"),
    path("<uuid:public_id>/items/<int:position>/time/", room.visible_time, name="attempt-time"),
    path("<uuid:public_id>/questions/", room.questions, name="attempt-questions"),
    path("<uuid:public_id>/review/", room.review, name="attempt-review"),
    path("<uuid:public_id>/submit/", room.submit, name="attempt-submit"),
    path("<uuid:public_id>/discard/", room.discard, name="attempt-discard"),
    path("<uuid:public_id>/clock/", room.clock, name="attempt-clock"),
    path("<uuid:public_id>/report/", report.report, name="attempt-report"),
    path("<uuid:public_id>/report/status/", report.status, name="attempt-report-status"),
]
