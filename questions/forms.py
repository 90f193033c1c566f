"""The authoring form: one page for where a question sits, its text and its four options.

A draft may be incomplete, so little is required here. What publication needs is said by
`services.publish_findings`, and shown beside the field it is about.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from django import forms
from django.http import QueryDict

from domains.models import Objective
from questions.authoring import BLANK, Sheet, Stored, plain_slug
from questions.bank import DIFFICULTY_RANGE, MAX_TEXT, SLUG, Option
from questions.misjudgements import MISJUDGEMENTS
from questions.models import Question, QuestionVersion, Scenario
from questions.services import Finding

_LOW, _HIGH = (Decimal(str(limit)) for limit in DIFFICULTY_RANGE)
_TAG_LENGTH: Final = 40
_RANGE_WORDS: Final = f"Give a probability from {_LOW:.2f} to {_HIGH:.2f}."


class ProseField(forms.CharField):
    """Markdown. Lines end as they do in the bank's files, so that both compare equal."""

    widget = forms.Textarea

    def __init__(self, *, label: str, rows: int, help_text: str = "") -> None:
        super().__init__(
            label=label,
            help_text=help_text,
            required=False,
            widget=forms.Textarea(attrs={"rows": rows, "spellcheck": "true"}),
        )

    def clean(self, value: Any) -> str:
        text: str = super().clean(value).replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > MAX_TEXT:
            raise forms.ValidationError(
                f"This has {len(text):,} characters; the limit is {MAX_TEXT:,}."
            )
        return text


class ListField(forms.CharField):
    """Several short entries in one field, as a tuple."""

    def __init__(self, *, between: str, **options: Any) -> None:
        self.between = between
        super().__init__(required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else self.joiner.join(value or ())

    @property
    def joiner(self) -> str:
        return "\n" if self.between == "\n" else f"{self.between} "

    def clean(self, value: Any) -> tuple[str, ...]:
        text = super().clean(value).replace("\r", "\n")
        entries = (" ".join(entry.split()) for entry in re.split(f"[\n{self.between}]", text))
        return tuple(dict.fromkeys(entry for entry in entries if entry))


class OptionForm(forms.Form):
    """One of the four. Which of them is the key is a radio of the main form."""

    text = ProseField(label="Text", rows=2)
    rationale = ProseField(label="Rationale", rows=3)
    misjudgement = forms.ChoiceField(
        label="Misjudgement",
        required=False,
        choices=[("", "Choose the way of thinking it stands for"), *MISJUDGEMENTS.items()],
    )

    def __init__(self, *, number: int, option: Option, data: QueryDict | None) -> None:
        self.number = number
        self.findings: list[str] = []
        super().__init__(
            data,
            prefix=f"option_{number}",
            initial={
                "text": option.text,
                "rationale": option.rationale,
                "misjudgement": option.misjudgement,
            },
        )


class QuestionForm(forms.Form):
    revision = forms.CharField(widget=forms.HiddenInput, required=False)
    replace = forms.CharField(required=False)  # the revision the author agreed to write over
    key = forms.SlugField(
        label="Key",
        required=False,
        max_length=80,
        help_text="A short name for files and records, stable for ever. Leave it empty and it is "
        "made from the first words of the stem.",
        error_messages={"invalid": "Use lower-case letters, digits and hyphens only."},
    )
    objective = forms.TypedChoiceField(
        label="Objective", required=False, coerce=int, empty_value=None
    )
    scenario = forms.TypedChoiceField(
        label="Scenario",
        required=False,
        coerce=int,
        empty_value=None,
        help_text="A text shared by several questions, shown above the stem.",
    )
    stem = ProseField(
        label="Stem",
        rows=9,
        help_text="Markdown: the situation in 40 to 120 words, then one question that can be "
        "answered before reading the options. Leave an empty line before the question.",
    )
    key_option = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value="",
        choices=[(number, f"Option {number}") for number in range(1, 5)],
    )
    difficulty = forms.DecimalField(
        label="Judged difficulty",
        min_value=_LOW,
        max_value=_HIGH,
        decimal_places=2,
        help_text="Of 100 candidates who only just qualify, how many get it right? "
        f"As a share, {_LOW:.2f} to {_HIGH:.2f}.",
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value", "max_decimal_places"), _RANGE_WORDS
        ),
        widget=forms.NumberInput(attrs={"step": "0.05", "inputmode": "decimal"}),
    )
    level = forms.ChoiceField(
        label="Cognitive level",
        choices=QuestionVersion.Level.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a level."},
    )
    references = ListField(
        label="References",
        between="\n",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Public and checkable, one a line, with the section where there is one.",
    )
    tags = ListField(label="Tags", between=",", help_text="Separated by commas.")
    enemies = ListField(
        label="Never together with",
        between=",",
        help_text="Keys of questions that give this one away, separated by commas.",
    )

    def __init__(self, *, stored: Stored | None = None, data: QueryDict | None = None) -> None:
        self.is_new = stored is None
        self._opened = sheet = stored.sheet if stored else BLANK
        right = [number for number, option in enumerate(sheet.options, 1) if option.correct]
        super().__init__(
            data,
            label_suffix="",
            initial={
                "revision": stored.revision if stored else "",
                "objective": sheet.objective,
                "scenario": sheet.scenario,
                "stem": sheet.stem,
                "key_option": right[0] if right else None,
                "difficulty": sheet.difficulty,
                "level": sheet.level,
                "references": sheet.references,
                "tags": sheet.tags,
                "enemies": sheet.enemies,
            },
        )
        if not self.is_new:
            del self.fields["key"]
        # A question that has a place can be moved, not left without one.
        empty = [] if sheet.objective else [("", "Choose an objective")]
        self._choices("objective", [*empty, *_objectives()])
        scenarios = Scenario.objects.order_by("title").values_list("pk", "title")
        self._choices("scenario", [("", "None"), *scenarios])
        self.options = [
            OptionForm(number=number, option=option, data=data)
            for number, option in enumerate(sheet.options, 1)
        ]
        self.findings: dict[str, list[str]] = {}

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def note(self, findings: Iterable[Finding]) -> None:
        """Lay what stands between the draft and publication beside the fields it is about."""
        notes = defaultdict(list)
        for finding in findings:
            notes[finding.about].append(finding.text)
        self.findings = dict(notes)
        for option in self.options:
            option.findings = notes.get(f"option_{option.number}", [])

    @property
    def key_chosen(self) -> str:
        """The number of the option that is, or was just said to be, the key; as text."""
        return str(self["key_option"].value() or "")

    def is_valid(self) -> bool:
        return all([super().is_valid(), *(option.is_valid() for option in self.options)])

    @property
    def error_count(self) -> int:
        return sum(len(form.errors) for form in (self, *self.options))

    def so_far(self) -> tuple[Sheet, list[Finding]]:
        """What is on the form now as far as its text can be read, and what cannot be, about which
        part. Of a form that was sent, only after is_valid()."""
        if not self.is_bound:
            return self._opened, []
        refused = [
            Finding(about, str(text))
            for errors, name, about in (
                (self.errors, "stem", "stem"),
                (self.errors, "key_option", "options"),
                *(
                    (option.errors, name, f"option_{option.number}")
                    for option in self.options
                    for name in ("text", "rationale")
                ),
            )
            for text in errors.get(name, ())
        ]
        data = self.cleaned_data
        sheet = replace(
            BLANK,
            scenario=data.get("scenario"),
            enemies=tuple(re.split(r"[\s,]+", self.data.get("enemies", ""))),
            stem=data.get("stem", ""),
            options=tuple(
                Option(
                    text=option.cleaned_data.get("text", ""),
                    rationale=option.cleaned_data.get("rationale", ""),
                    correct=option.number == data.get("key_option"),
                )
                for option in self.options
            ),
        )
        return sheet, refused

    def clean_key(self) -> str:
        key: str = as_key(self.cleaned_data["key"])
        if key and Question.objects.filter(key=key).exists():
            raise forms.ValidationError(
                f"Another question already has the key “{key}”. Choose another, or leave it empty."
            )
        return key

    def clean_tags(self) -> tuple[str, ...]:
        tags = tuple(dict.fromkeys(filter(None, map(plain_slug, self.cleaned_data["tags"]))))
        for tag in tags:
            if len(tag) > _TAG_LENGTH:
                raise forms.ValidationError(
                    f"“{tag}” is too long for a tag; {_TAG_LENGTH} characters is the most."
                )
        return tags

    def clean_enemies(self) -> tuple[str, ...]:
        keys: tuple[str, ...] = self.cleaned_data["enemies"]
        known = Question.objects.filter(key__in=keys).order_by("key").values_list("key", flat=True)
        if unknown := sorted(set(keys) - set(known)):
            raise forms.ValidationError(f"There is no question with the key “{unknown[0]}”.")
        return tuple(known)

    def sheet(self) -> Sheet:
        """What the author wrote. Only after is_valid()."""
        data = self.cleaned_data
        return Sheet(
            objective=data["objective"],
            scenario=data["scenario"],
            enemies=data["enemies"],
            tags=data["tags"],
            stem=data["stem"],
            difficulty=f"{data['difficulty']:.2f}",
            level=data["level"],
            references=data["references"],
            options=tuple(
                Option(
                    text=option.cleaned_data["text"],
                    rationale=option.cleaned_data["rationale"],
                    correct=option.number == data["key_option"],
                    # The key stands for no misjudgement, whatever the select was left at.
                    misjudgement=""
                    if option.number == data["key_option"]
                    else option.cleaned_data["misjudgement"],
                )
                for option in self.options
            ),
        )


def as_key(typed: str) -> str:
    """The key in lower case. Raises ValidationError for one that no file could name."""
    key = typed.lower()
    if key and not SLUG.fullmatch(key):
        raise forms.ValidationError("Use lower-case words and numbers joined by single hyphens.")
    return key


def as_typed(data: QueryDict) -> QuestionForm | None:
    """The form while it is written, to be read with `so_far`; None when the data is not of this
    form. Only what a second look judges is read: half-written labels refuse nothing, and cost
    nothing."""
    form = QuestionForm(data=data)
    texts = {option.add_prefix(name) for option in form.options for name in ("text", "rationale")}
    if not {"stem", *texts} <= data.keys():
        return None
    for name in form.fields.keys() - {"stem", "scenario", "key_option"}:
        del form.fields[name]
    form.is_valid()
    return form


def _objectives() -> list[tuple[str, list[tuple[int, str]]]]:
    """Objectives of the default outline, grouped by domain."""
    rows = (
        Objective.objects.filter(domain__outline__is_default=True)
        .select_related("domain")
        .order_by("domain__number", "pk")
    )
    return [
        (name, [(row.pk, str(row)) for row in group])
        for name, group in groupby(rows, key=lambda row: str(row.domain))
    ]
