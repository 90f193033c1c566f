"""A person: logs in by e-mail, lives in a time zone, may be granted extra time."""

from __future__ import annotations

import zoneinfo
from datetime import date
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone we know. Choose one from the list.")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Made on the server, by whoever runs it: the address counts as verified."""
        from accounts.addresses import vouch_for  # which imports this module

        user = self.create_user(email, password, is_staff=True, is_superuser=True, **extra)
        vouch_for(user)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    class ExtraTime(models.IntegerChoices):
        """Accommodation: a property of the person, applied when an attempt starts."""

        NONE = 0, "None"
        QUARTER = 25, "25 % more time"
        HALF = 50, "50 % more time"
        DOUBLE = 100, "Twice the time"

    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(
        "name", max_length=80, blank=True, help_text="As your study group will see it."
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text="Every date and time is shown in it.",
    )
    exam_date = models.DateField(
        "date of your real exam", null=True, blank=True, help_text="Leave empty if not booked yet."
    )
    extra_time_percent = models.PositiveSmallIntegerField(
        "extra time", choices=ExtraTime.choices, default=ExtraTime.NONE
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(
        "may enter the authoring area", default=False, help_text="Needed by instructors."
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_whatever_case"),
            models.CheckConstraint(
                condition=models.Q(extra_time_percent__in=[0, 25, 50, 100]),
                name="user_extra_time_is_0_25_50_100",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or self.email.partition("@")[0]

    def days_to_exam(self, today: date) -> int | None:
        """Negative once the day has passed; None if no date is known."""
        return (self.exam_date - today).days if self.exam_date else None

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name
