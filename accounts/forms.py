from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django import forms

from accounts import time_zones
from accounts.models import User


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    time_zone = forms.ChoiceField(label="Time zone")

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "time_zone", "exam_date"]
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "exam_date": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = time_zones.choices(self.instance.time_zone)
        zone.help_text = User._meta.get_field("time_zone").help_text

    def clean_exam_date(self) -> date | None:
        """A past date is refused when it is entered; one that has since passed may stand, or the
        person could no longer change anything else here."""
        chosen: date | None = self.cleaned_data["exam_date"]
        if chosen and chosen < self.today and "exam_date" in self.changed_data:
            raise forms.ValidationError(
                "That day has passed. Enter the day of an exam still to come, or leave it empty."
            )
        return chosen


class DeleteAccountForm(forms.Form):
    """Asks for what only the owner of the account knows: the password, else the e-mail address."""

    proof = forms.CharField(strip=False)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        proof = self.fields["proof"]
        if person.has_usable_password():
            proof.label = "Your password"
            proof.widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
        else:
            proof.label = "Your e-mail address"
            proof.widget = forms.EmailInput(attrs={"autocomplete": "email"})
        proof.widget.is_required = True

    def clean_proof(self) -> str:
        given: str = self.cleaned_data["proof"]
        if self.person.has_usable_password():
            if not self.person.check_password(given):
                raise forms.ValidationError("That is not your password. Nothing was deleted.")
        elif given.strip().lower() != self.person.email.lower():
            raise forms.ValidationError("That is not your address. Nothing was deleted.")
        return given
