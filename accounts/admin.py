"""People, for superusers: accounts, the instructor's role, extra time."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.models import EmailAddress, EmailConfirmation
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.addresses import vouch_for
from accounts.models import User

# One place for people: their page holds the address and the groups, and `manage.py provision` keeps
# what a group may do.
for model in (EmailAddress, EmailConfirmation, Group):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


def _lower(email: str) -> str:
    return email.strip().lower()


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = User
        fields: ClassVar[list[str]] = [
            "email",
            "name",
            "time_zone",
            "exam_date",
            "extra_time_percent",
            "is_active",
            "is_staff",
            "is_superuser",
            "groups",
        ]
        widgets: ClassVar[dict[str, Any]] = {
            "exam_date": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "groups": forms.CheckboxSelectMultiple,
        }
        help_texts: ClassVar[dict[str, str]] = {
            "email": "People log in with it. An address you enter here counts as verified.",
            "is_active": "Untick to lock the account; nothing of it is deleted.",
            "is_superuser": "May see and change everything here, people and attempts included.",
            "groups": "“Instructors” may write and publish questions; “Exam staff” may extend, "
            "reopen and void attempts. Both also need the tick “may enter the authoring area”.",
        }

    def clean_email(self) -> str:
        return _lower(self.cleaned_data["email"])


class NewPersonForm(BaseUserCreationForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["email", "name"]
        help_texts: ClassVar[dict[str, str]] = PersonForm.Meta.help_texts

    def clean_email(self) -> str:
        return _lower(self.cleaned_data["email"])


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    form = PersonForm
    add_form = NewPersonForm
    list_display = ("email", "name", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_staff", "groups", "is_active")
    search_fields = ("email", "name")
    search_help_text = "E-mail address or name"
    show_full_result_count = False
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("date_joined", "last_login")
    actions = None
    fieldsets = (
        (None, {"fields": ("email", "name", "time_zone", "exam_date", "extra_time_percent")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "groups", "is_superuser")}),
        ("On record", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change or "email" in form.changed_data:
            vouch_for(obj)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Checkboxes say for themselves how to tick several."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.name == "groups":
            field.help_text = PersonForm.Meta.help_texts["groups"]
        return field
