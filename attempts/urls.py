from __future__ import annotations

from django.urls import path

from attempts.views import history, receipts, report, room, sync, worker

urlpatterns = [
    path("", history.attempt_list, name="attempt-list"),
    path("pass/", sync.pass_, name="attempt-pass"),
    path("room-worker.js", worker.worker, name="room-worker"),
    path("<uuid:public_id>/sync/", sync.sync, name="attempt-sync"),
    path("<uuid:public_id>/", room.resume, name="attempt-resume"),
    path("<uuid:public_id>/items/<int:position>/", room.item, name="attempt-item"),
    path("<uuid:public_id>/questions/", room.questions, name="attempt-questions"),
    path("<uuid:public_id>/review/", room.review, name="attempt-review"),
    path("<uuid:public_id>/submit/", room.submit, name="attempt-submit"),
    path("<uuid:public_id>/discard/", room.discard, name="attempt-discard"),
    path("<uuid:public_id>/form/", room.form, name="attempt-form"),
    path("<uuid:public_id>/over/", room.over, name="attempt-over"),
    path("<uuid:public_id>/log/", receipts.log, name="attempt-log"),
    path("<uuid:public_id>/report/", report.report, name="attempt-report"),
    path(
        "<uuid:public_id>/report/<int:position>/",
        report.question,
        name="attempt-report-question",
    ),
    path("<uuid:public_id>/report/status/", report.status, name="attempt-report-status"),
]
