"""What staff fill in when they help: how long, why, and for an outage since when."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms

from attempts.remedies import LONGEST_REASON, MOST_MINUTES


class VoidForm(forms.Form):
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Stays on record, and the person is told it: “Network outage in Lyon”.",
        error_messages={"required": "Say why. Nothing was done yet."},
    )
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class MinutesForm(VoidForm):
    """For extending and reopening."""

    minutes = forms.IntegerField(
        min_value=1,
        max_value=MOST_MINUTES,
        error_messages={"required": "Say how many minutes. Nothing was done yet."},
    )
    field_order: Iterable[str] | None = ("minutes", "reason", "seen")


class OutageForm(MinutesForm):
    closed_since = forms.DateTimeField(
        required=False,
        label="Also reopen what the clock has closed since",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="When the outage began, in your time zone. Exams whose time ran out from then on "
        "and whose report nobody has opened go on for as many minutes from now. Leave empty to "
        "reopen none.",
    )
    field_order: Iterable[str] | None = ("minutes", "closed_since", "reason", "seen")
