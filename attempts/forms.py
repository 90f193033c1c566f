"""What a person says before the clock starts."""

from __future__ import annotations

from django import forms


class StartForm(forms.Form):
    """The terms of practice, and how the exam is to be sat. Drills ask neither."""

    agree = forms.BooleanField(
        label="I agree to these terms",
        error_messages={
            "required": "Nothing was started and no clock runs. Agree to the terms to begin."
        },
    )
    strict = forms.BooleanField(
        required=False,
        label="Rehearse strictly",
        help_text=(
            "One sitting, as on the day. Leaving the exam’s window is counted: how often and how "
            "long is told to you alone, in your report. You may take a break; the clock runs on."
        ),
    )
