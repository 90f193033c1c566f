from __future__ import annotations

from django.urls import path

from cohorts.views import groups, joining, sharing

urlpatterns = [
    path("", groups.group_list, name="cohort-list"),
    path("new/", groups.create, name="cohort-create"),
    path("join/<str:token>/", joining.join, name="cohort-join"),
    path("<uuid:public_id>/", groups.detail, name="cohort-detail"),
    path("<uuid:public_id>/progress.csv", groups.progress, name="cohort-csv"),
    path("<uuid:public_id>/people/", groups.people, name="cohort-people"),
    path(
        "<uuid:public_id>/people/<int:membership_id>/remove/", sharing.remove, name="cohort-remove"
    ),
    path("<uuid:public_id>/invites/", joining.invite_create, name="cohort-invite-create"),
    path(
        "<uuid:public_id>/invites/<int:invite_id>/revoke/",
        joining.invite_revoke,
        name="cohort-invite-revoke",
    ),
    path("<uuid:public_id>/consent/", sharing.consent, name="cohort-consent"),
    path("<uuid:public_id>/leave/", sharing.leave, name="cohort-leave"),
    path("<uuid:public_id>/close/", groups.close, name="cohort-close"),
]
