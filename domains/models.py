"""The exam's outline as versioned data: six weighted domains and their objectives."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class OutlineQuerySet(models.QuerySet["Outline"]):
    def default(self) -> Outline:
        """The outline new attempts are drawn by. Raises DoesNotExist before the first load."""
        return self.get(is_default=True)


class Outline(models.Model):
    key = models.SlugField(unique=True, help_text="Stable name used by files, for example 2022.")
    title = models.CharField(max_length=120)
    effective_from = models.DateField(null=True, blank=True)
    is_default = models.BooleanField(default=False)
    note = models.TextField(blank=True, help_text="What is second-hand or unverified, and why.")
    loaded_hash = models.CharField(max_length=64, blank=True, editable=False)

    objects: ClassVar[OutlineQuerySet] = OutlineQuerySet.as_manager()  # type: ignore[assignment]  # django-stubs types managers, not querysets as managers

    class Meta:
        ordering: ClassVar[list[str]] = ["-effective_from", "key"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_outline",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Domain(models.Model):
    outline = models.ForeignKey(Outline, on_delete=models.PROTECT, related_name="domains")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    weight = models.PositiveSmallIntegerField(
        help_text="Percent of the exam; the six add up to 100.",
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    loaded_hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["outline", "number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["outline", "number"], name="domain_number_once_per_outline"
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=1, weight__lte=100), name="domain_weight_is_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.name}"


class Objective(models.Model):
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="objectives")
    code = models.CharField(max_length=8)
    title = models.CharField(max_length=200, help_text="In our own words.")
    verified = models.BooleanField(
        default=True, help_text="Untick when the code could not be checked against the outline."
    )
    successor = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="predecessors",
        help_text="The objective that covers this ground in the next outline.",
    )
    loaded_hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["domain", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["domain", "code"], name="objective_code_once_per_domain"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"
