"""The authoring pages of one question: write, see, publish, retire.

Each view: permission, one service, render or redirect. Every change is a POST and leaves a line in
the admin's log, in the same transaction.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator

from accounts.models import User
from questions import authoring, services
from questions.authoring import KeyTaken, Stale, Stored
from questions.forms import QuestionForm, as_typed
from questions.models import Question, QuestionVersion
from questions.second_look import findings_of, second_look

if TYPE_CHECKING:
    from questions.admin.bank import QuestionAdmin

_SUGGESTIONS = 10
_DIGITS = 18  # what fits the database's whole numbers


# --- Writing --------------------------------------------------------------------------------


def add(desk: QuestionAdmin, request: HttpRequest) -> HttpResponse:
    if not desk.has_add_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return _form_page(desk, request, QuestionForm())
    form = QuestionForm(data=request.POST)
    if not form.is_valid():
        return _form_page(desk, request, form, status=422)
    with transaction.atomic():
        try:
            version = authoring.create(form.cleaned_data["key"], form.sheet(), by=_author(request))
        except KeyTaken:
            form.add_error("key", "Somebody just took this key. Choose another.")
            return _form_page(desk, request, form, status=422)
        desk.log_addition(request, version.question, "Wrote the first draft.")
        return _after_saving(desk, request, version)


def change(desk: QuestionAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """The form while a draft is open; the published text, to be read, while none is."""
    question = get_object_or_404(Question, pk=_whole(object_id))
    if request.method == "POST":
        return _save(desk, request, question)
    if not desk.has_view_or_change_permission(request, question):
        raise PermissionDenied
    versions = _versions(question)
    has_draft = any(version.status == QuestionVersion.Status.DRAFT for version in versions)
    if not has_draft or not desk.has_change_permission(request, question):
        return _reading_page(desk, request, question, versions)
    stored = authoring.read(question)
    form = QuestionForm(stored=stored)
    if stored.draft:
        form.note(services.publish_findings(stored.draft))
    return _form_page(desk, request, form, question=question, stored=stored)


def _save(desk: QuestionAdmin, request: HttpRequest, question: Question) -> HttpResponse:
    if not desk.has_change_permission(request, question):
        raise PermissionDenied
    stored = authoring.read(question)
    form = QuestionForm(stored=stored, data=request.POST)
    if not form.is_valid():
        return _form_page(desk, request, form, question=question, stored=stored, status=422)
    revision = form.cleaned_data["replace"] or form.cleaned_data["revision"]
    with transaction.atomic():
        try:
            version = authoring.save(question, form.sheet(), revision=revision, by=_author(request))
        except Stale as stale:
            return _form_page(
                desk, request, form, question=question, stored=stale.stored, stale=True, status=409
            )
        desk.log_change(request, question, f"Saved the draft of version {version.number}.")
        return _after_saving(desk, request, version)


def _after_saving(
    desk: QuestionAdmin, request: HttpRequest, version: QuestionVersion
) -> HttpResponse:
    """The draft is saved; now what its author asked for next."""
    question = version.question
    if "_publish" in request.POST:
        try:
            services.publish(version, now=timezone.now())
        except services.NotPublishable as refusal:
            messages.error(
                request,
                "Your draft is saved, and not published yet. What is missing stands beside the "
                "fields: " + " ".join(refusal.problems),
            )
            return _to(question, "change")
        return _after_publishing(desk, request, version)
    if "_preview" in request.POST:
        return _to(question, "preview")
    messages.success(request, f"The draft of version {version.number} is saved.")
    return _to(question, "change")


def new_version(desk: QuestionAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    question = _for_change(desk, request, pk)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    with transaction.atomic():
        draft = services.draft_from_published(question, by=_author(request))
        desk.log_change(request, question, f"Started a draft of version {draft.number}.")
    return _to(question, "change")


def quality(desk: QuestionAdmin, request: HttpRequest) -> HttpResponse:
    """What a second look finds in the form as it is typed now. Keeps nothing of it."""
    if not desk.has_view_or_change_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form = as_typed(request.POST)
    if form is None:
        return HttpResponseBadRequest(
            "This address reads the authoring form: its stem and its four options. Nothing was "
            "judged and nothing was changed.",
            content_type="text/plain; charset=utf-8",
        )
    question = request.GET.get("question")
    look = second_look(*form.so_far(), question=_whole(question) if question else None)
    return TemplateResponse(request, "admin/questions/question/_quality.html", {"look": look})


def suggest(desk: QuestionAdmin, request: HttpRequest) -> HttpResponse:
    """Questions whose key or stem holds the words typed so far, for the field of enemies."""
    if not desk.has_view_permission(request):
        raise PermissionDenied
    words = request.GET.get("q", "").replace("\x00", "").strip()
    if len(words) < 2:
        return JsonResponse({"questions": []})
    versions = (
        QuestionVersion.objects.exclude(status=QuestionVersion.Status.RETIRED)
        .filter(Q(question__key__icontains=words) | Q(stem__icontains=words))
        .order_by("question__key", "number")
        .distinct("question__key")
        .values_list("question__key", "stem")[:_SUGGESTIONS]
    )
    return JsonResponse(
        {"questions": [{"key": key, "stem": Truncator(stem).chars(90)} for key, stem in versions]}
    )


# --- Seeing ---------------------------------------------------------------------------------


def preview(desk: QuestionAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """A version as the candidate sees it, before and after the answer."""
    question = get_object_or_404(Question, pk=pk)
    if not desk.has_view_or_change_permission(request, question):
        raise PermissionDenied
    stored = authoring.read(question)
    version = _version(question, request.GET.get("version"))
    choices = list(version.choices.all())
    random.shuffle(choices)  # the order of a page that nobody sits
    context = {
        "version": version,
        "versions": question.versions.order_by("-number"),
        "options": [
            {"letter": letter, "choice": choice}
            for letter, choice in zip("ABCD", choices, strict=False)
        ],
        "revision": stored.revision,
        "findings": services.publish_findings(version) if version == stored.draft else [],
        "can_publish": version == stored.draft and desk.has_change_permission(request, question),
    }
    return _page(desk, request, "preview", f"Preview of {question.key}", question, context)


def _version(question: Question, number: str | None) -> QuestionVersion:
    """The version asked for; else the draft, else the newest."""
    versions = question.versions.order_by("-number")
    if number is not None:
        versions = versions.filter(number=_whole(number))
    version = versions.first()
    if version is None:
        raise Http404
    return version


def _whole(text: str) -> int:
    """The number in an address. Raises Http404 for what no page of ours links to."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise Http404
    return int(text)


# --- Moving on ------------------------------------------------------------------------------


def publish(desk: QuestionAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Publish the draft as it was previewed."""
    question = _for_change(desk, request, pk)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        with transaction.atomic():
            version = authoring.publish(
                question, revision=request.POST.get("revision", ""), now=timezone.now()
            )
            return _after_publishing(desk, request, version)
    except Stale:
        messages.error(
            request,
            "Nothing was published: the draft changed after you opened this page. Read it as it "
            "is now, then publish.",
        )
    except services.NotPublishable as refusal:
        messages.error(request, "Not published yet. " + " ".join(refusal.problems))
        return _to(question, "change")
    return _to(question, "preview")


def _after_publishing(
    desk: QuestionAdmin, request: HttpRequest, version: QuestionVersion
) -> HttpResponse:
    question = version.question
    desk.log_change(request, question, f"Published version {version.number}.")
    earlier = (
        " The version before it is retired; attempts that hold it keep it."
        if version.number > 1
        else ""
    )
    messages.success(
        request, f"Version {version.number} is published: new exams draw it from now on.{earlier}"
    )
    if findings := findings_of(version):
        plural = "" if len(findings) == 1 else "s"
        messages.warning(
            request,
            f"The second look still has {len(findings)} finding{plural}: {' '.join(findings)}",
        )
    if behind := services.siblings_with_another_scenario(version):
        one = len(behind) == 1
        messages.warning(
            request,
            f"{len(behind)} other question{'' if one else 's'} of this set still "
            f"show{'s' if one else ''} another text of the scenario, beside this one in the same "
            f"exam: {', '.join(behind)}. Publish {'its' if one else 'their'} next version too.",
        )
    return _to(question, "change")


def retire(desk: QuestionAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    question = _for_change(desk, request, pk)
    if request.method != "POST":
        return _confirmation(
            desk,
            request,
            question,
            title="Retire this question",
            reading="New exams no longer draw it. Exams under way and past attempts keep it, and "
            "their results do not change. A draft of a later version stays as it is.",
            action="Retire the question",
        )
    with transaction.atomic():
        if services.retire(question, now=timezone.now()):
            desk.log_change(request, question, "Retired.")
            messages.success(request, "The question is retired: new exams no longer draw it.")
        else:
            messages.info(request, "Nothing to retire: no version of it was published.")
    return _to(question, "change")


def discard(desk: QuestionAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    question = _for_change(desk, request, pk)
    others = question.versions.exclude(status=QuestionVersion.Status.DRAFT).exists()
    if request.method != "POST":
        return _confirmation(
            desk,
            request,
            question,
            title="Discard this draft",
            reading="Its text is deleted and cannot be brought back. "
            + (
                "Published and retired versions are not touched."
                if others
                else "Nothing of this question was published, so the question goes with it."
            ),
            action="Discard the draft",
        )
    with transaction.atomic():
        if services.discard_draft(question):
            desk.log_change(request, question, "Discarded the draft.")
            messages.success(request, f"The draft of {question.key} is discarded.")
        else:
            messages.info(request, "There was no draft to discard.")
    if others:
        return _to(question, "change")
    return HttpResponseRedirect(reverse("admin:questions_question_changelist"))


# --- Rendering ------------------------------------------------------------------------------


def _form_page(
    desk: QuestionAdmin,
    request: HttpRequest,
    form: QuestionForm,
    *,
    question: Question | None = None,
    stored: Stored | None = None,
    stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "stale": stale, "stored": stored}
    context["look"] = second_look(*form.so_far(), question=question.pk if question else None)
    if question:
        context["versions"] = _versions(question)
        context["published"] = _published(context["versions"])
    if stale and question:
        context["last_entry"] = (
            LogEntry.objects.filter(
                content_type=get_content_type_for_model(question), object_id=str(question.pk)
            )
            .select_related("user")
            .first()
        )
    title = question.key if question else "New question"
    return _page(desk, request, "change_form", title, question, context, status)


def _reading_page(
    desk: QuestionAdmin, request: HttpRequest, question: Question, versions: list[QuestionVersion]
) -> HttpResponse:
    published = _published(versions)
    shown = published or (versions[0] if versions else None)
    context = {
        "version": shown,
        "versions": versions,
        "published": published,
        "place": question.placements.filter(outline__is_default=True)
        .select_related("objective__domain")
        .first(),
        "options": [
            {"letter": choice.position, "choice": choice}
            for choice in (shown.choices.all() if shown else [])
        ],
        "enemies": question.enemies.order_by("key"),
        "next_number": versions[0].number + 1 if versions else 1,
        "can_change": desk.has_change_permission(request, question),
    }
    return _page(desk, request, "read", question.key, question, context)


def _confirmation(
    desk: QuestionAdmin,
    request: HttpRequest,
    question: Question,
    *,
    title: str,
    reading: str,
    action: str,
) -> HttpResponse:
    context = {"reading": reading, "action": action}
    return _page(desk, request, "confirm", title, question, context)


def _page(
    desk: QuestionAdmin,
    request: HttpRequest,
    name: str,
    title: str,
    question: Question | None,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    return TemplateResponse(
        request,
        f"admin/questions/question/{name}.html",
        {
            **desk.admin_site.each_context(request),
            "opts": desk.opts,
            "title": title,
            "question": question,
            **context,
        },
        status=status,
    )


def _versions(question: Question) -> list[QuestionVersion]:
    """Newest first."""
    return list(question.versions.select_related("created_by").order_by("-number"))


def _published(versions: list[QuestionVersion]) -> QuestionVersion | None:
    live = (row for row in versions if row.status == QuestionVersion.Status.PUBLISHED)
    return next(live, None)


def _for_change(desk: QuestionAdmin, request: HttpRequest, pk: int) -> Question:
    question = get_object_or_404(Question, pk=pk)
    if not desk.has_change_permission(request, question):
        raise PermissionDenied
    return question


def _author(request: HttpRequest) -> User:
    return cast(User, request.user)


def _to(question: Question, page: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"admin:questions_question_{page}", args=[question.pk]))
