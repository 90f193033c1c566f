from __future__ import annotations

from django import forms

from cohorts.models import Cohort


class CohortForm(forms.Form):
    name = forms.CharField(
        label="Name of the group",
        help_text="Everyone you invite sees it.",
        max_length=Cohort._meta.get_field("name").max_length,
        error_messages={
            "required": "Give the group a name.",
            "max_length": "That is too long: at most %(limit_value)d characters.",
        },
    )


class ConsentForm(forms.Form):
    """Two separate answers; neither is ever ticked for the person."""

    shares_results = forms.BooleanField(
        required=False,
        label="Show the lead my results by name",
        help_text=(
            "Your result in each domain, so far and from now on; how many exams you have finished, "
            "when, and the share you got right in each."
        ),
    )
    shares_pooled = forms.BooleanField(
        required=False,
        label="Count my answers in the group’s figures, without my name",
        help_text=(
            "How the group does in each domain, and which questions it misses most. Shown only "
            "when enough people are in them that nobody can be picked out."
        ),
    )
