"""Every page, as each kind of person sees it: on a phone and at a desk, light and dark.

Nothing for axe to find, nothing the browser complains of, nothing wider than the screen, one main
heading, a title, the strict policy. The exam room at work is in test_exam_room.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize

from accounts.models import User
from attempts import saving
from attempts import services as exams
from attempts.models import Attempt
from cohorts import services as groups
from cohorts.models import Cohort, Invite, Membership
from domains.models import Domain, Outline
from issmp_site import demo, home
from issmp_site.security import POLICY
from questions import services as authoring
from questions.models import Question, Scenario
from tests.browser.conftest import AsPerson, Complaints, violations
from tests.world import PASSWORD, World, right, sometimes

SCREENS: Final[Sequence[ViewportSize]] = (
    {"width": 320, "height": 640},  # the narrowest that WCAG asks for
    {"width": 1280, "height": 860},
)
UNFOLDED: Final = 4  # of a page's folded parts; with all sixty questions open axe takes minutes


class Stage:
    """The people who look, and the situations they look at, made as they are asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = timezone.now()

    @property
    def nobody(self) -> None:
        return None

    @property
    def newcomer(self) -> User:
        return self.world.ada

    @property
    def instructor(self) -> User:
        return self.world.ines

    @cached_property
    def administrator(self) -> User:
        """Looks at what the demo world has of everything."""
        assert self.demo
        return self.world.person("root@example.org", is_staff=True, is_superuser=True)

    @cached_property
    def without_password(self) -> User:
        self.world.ada.set_unusable_password()
        self.world.ada.save()
        return self.world.ada

    # --- Accounts

    @property
    def confirmation(self) -> str:
        """The key in the message that asks whether an address is theirs."""
        address = EmailAddress.objects.create(user=self.world.ada, email="a@example.org")
        return str(EmailConfirmationHMAC(address).key)

    @property
    def whose_reset(self) -> str:
        return str(user_pk_to_url_str(self.world.ben))

    @property
    def reset(self) -> str:
        return str(default_token_generator.make_token(self.world.ben))

    # --- Exams

    @cached_property
    def demo(self) -> User:
        """The candidate of the demo world, who has five exams, a void one and one being scored."""
        demo.create(PASSWORD, self.now)
        person = User.objects.get(email=demo.CANDIDATE)
        exams.discard_attempt(self.world.start(person, "half"), self.now)
        exams.submit(self.world.start(person, "quick"), self.now)
        return person

    @property
    def lead(self) -> User:
        assert self.demo
        return User.objects.get(email=demo.LEAD)

    def scored(self, exam: str) -> object:
        return self._attempt(exam__key=exam, state="scored")

    @property
    def waiting(self) -> object:
        return self._attempt(state="closed")

    def _attempt(self, **which: str) -> object:
        return Attempt.objects.filter(user=self.demo, **which).latest("started_at").public_id

    @cached_property
    def in_an_exam(self) -> User:
        """Halfway through a half exam, after a quick one."""
        ben = self.world.ben
        self.world.sat(ben, "quick", sometimes(0.5))
        attempt = self.world.start(ben, "half")
        self.world.answer(attempt, lambda item: right(item) if item.position < 29 else None)
        for item in attempt.items.filter(position__lt=32):
            saving.mark_seen(attempt, item.position, self.now)
            saving.set_flag(attempt, item.position, item.position % 7 == 0)
        return ben

    @cached_property
    def in_a_drill(self) -> User:
        """One question answered and explained."""
        drill = self.world.start(self.world.ben, "drill", domain=3)
        self.world.answer(drill, lambda item: right(item) if item.position == 1 else None)
        return self.world.ben

    @property
    def open_attempt(self) -> object:
        return Attempt.objects.get(user=self.world.ben, state="in_progress").public_id

    # --- Groups

    @property
    def group(self) -> object:
        """The demo group: eight members."""
        assert self.demo
        return Cohort.objects.get(name="Thursday study group").public_id

    @property
    def somebody_in_it(self) -> int:
        members = Membership.objects.members().filter(cohort__name="Thursday study group")
        return members.earliest("joined_at").pk

    @cached_property
    def empty_group(self) -> object:
        return groups.create_cohort(self.lead, "Nobody’s group", self.now).public_id

    @cached_property
    def invite(self) -> Invite:
        group = groups.create_cohort(self.world.lena, "Northern circle", self.now)
        return groups.create_invite(group, self.world.lena, self.now)

    @property
    def expired_invite(self) -> str:
        long_ago = self.now - 2 * groups.INVITE_LIFE
        return groups.create_invite(self.invite.cohort, self.world.lena, long_ago).token

    @property
    def revoked_invite(self) -> str:
        invite = groups.create_invite(self.invite.cohort, self.world.lena, self.now)
        groups.revoke_invite(invite, self.now)
        return invite.token

    @property
    def invite_to_a_group_that_removed_you(self) -> str:
        group = groups.create_cohort(self.world.lena, "Southern circle", self.now)
        invite = groups.create_invite(group, self.world.lena, self.now)
        member = groups.accept_invite(
            self.newcomer, invite, shares_results=True, shares_pooled=False, now=self.now
        )
        groups.remove_member(member, self.now + timedelta(minutes=1))
        return invite.token

    # --- Questions

    @cached_property
    def published(self) -> int:
        return Question.objects.filter(scenario__isnull=True).earliest("pk").pk

    @cached_property
    def draft(self) -> int:
        """The next version of a published question."""
        question = Question.objects.filter(scenario__isnull=False).earliest("pk")
        authoring.draft_from_published(question, by=self.instructor)
        return question.pk

    @cached_property
    def retired(self) -> int:
        question = Question.objects.latest("pk")
        authoring.retire(question, now=self.now)
        return question.pk


Arg = str | int | Callable[[Stage], object]


@dataclass(frozen=True)
class Visit:
    """A page, by its route or its path. `then` does something there, answered with `answer`."""

    route: str
    args: tuple[Arg, ...] = ()
    query: str = ""
    status: int = 200
    then: Callable[[Page], None] | None = None
    answer: int = 200

    def path(self, stage: Stage) -> str:
        if self.route.startswith("/"):
            return self.route
        args = [arg(stage) if callable(arg) else arg for arg in self.args]
        return reverse(self.route, args=args) + self.query


def sends(button: str, **fields: str) -> Callable[[Page], None]:
    """Fills fields by their names and sends the form, unchecked by the browser."""

    def send(page: Page) -> None:
        for name, value in fields.items():
            page.locator(f"main [name={name}]:not([type=radio])").fill(value)
        page.locator("main form").evaluate_all("all => all.forEach(form => form.noValidate = true)")
        with page.expect_navigation():
            page.locator("main").get_by_role("button", name=button).click()

    return send


def sends_without_cookies(page: Page) -> None:
    page.context.clear_cookies()
    sends("Log in")(page)


def half(stage: Stage) -> object:
    return stage.scored("half")


def open_one(stage: Stage) -> object:
    return stage.open_attempt


def group(stage: Stage) -> object:
    return stage.group


def empty_group(stage: Stage) -> object:
    return stage.empty_group


def published(stage: Stage) -> object:
    return stage.published


def draft(stage: Stage) -> object:
    return stage.draft


def retired(stage: Stage) -> object:
    return stage.retired


RESET: Final[tuple[Arg, ...]] = (lambda stage: stage.whose_reset, lambda stage: stage.reset)


def pk_of(model: Any) -> Callable[[Stage], object]:
    return lambda _: model.objects.earliest("pk").pk


BANK: Final = "admin:questions_question"

VISITS: Final[dict[str, list[Visit]]] = {
    "nobody": [
        Visit("home"),
        Visit("account_login"),
        Visit("account_login", then=sends("Log in", login="ada@example.org", password="wrong")),
        Visit("account_login", then=sends_without_cookies, answer=403),
        Visit("account_signup"),
        Visit("account_signup", then=sends("Create the account", email="ada@", password1="short")),
        Visit("account_reset_password"),
        Visit("account_reset_password", then=sends("", email="ada@")),
        Visit("account_reset_password_done"),
        Visit("account_reset_password_from_key", RESET),
        Visit("account_reset_password_from_key", RESET, then=sends("", password1="short")),
        Visit("account_reset_password_from_key", ("1", "used-before")),
        Visit("account_reset_password_from_key_done"),
        Visit("account_email_verification_sent"),
        Visit("account_confirm_email", (lambda stage: stage.confirmation,)),
        Visit("account_confirm_email", ("used-before",)),
        Visit("account_inactive"),
        Visit("profile-deleted"),
        Visit("/nothing/here/", status=404),
        Visit("/accounts/login/?" + "field&" * 1001, status=400),
    ],
    "newcomer": [
        Visit("home"),
        Visit("exam-list"),
        Visit("exam-list", query="?outline=2022"),
        Visit("exam-rules", ("quick",)),
        Visit("exam-rules", ("half",)),
        Visit("exam-rules", ("half",), then=sends("Start the half exam"), answer=422),
        Visit("exam-rules", ("quick-forward",)),
        Visit("exam-rules", ("simulation",)),
        Visit("exam-rules", ("drill",), query="?domain=3"),
        Visit("exam-tutorial"),
        Visit("exam-tutorial-item", (2,)),
        Visit("exam-tutorial-list", ("questions",)),
        Visit("exam-tutorial-list", ("review",)),
        Visit("attempt-list"),
        Visit("cohort-list"),
        Visit("cohort-create"),
        Visit("cohort-create", then=sends("Start the group")),
        Visit("cohort-join", (lambda stage: stage.invite.token,)),
        Visit("cohort-join", (lambda stage: stage.expired_invite,), status=410),
        Visit("cohort-join", (lambda stage: stage.revoked_invite,), status=410),
        Visit("cohort-join", (lambda stage: stage.invite_to_a_group_that_removed_you,), status=403),
        Visit("profile"),
        Visit("profile", then=sends("Save", exam_date="2001-01-01")),
        Visit("profile-delete"),
        Visit("account_email"),
        Visit("account_email", then=sends("Add it", email="ada@")),
        Visit("account_change_password"),
        Visit("account_change_password", then=sends("", oldpassword="wrong", password1="short")),
        Visit("account_reauthenticate"),
        Visit("account_logout"),
        Visit("/nothing/here/", status=404),
        Visit("admin:index", status=403),
    ],
    "without_password": [Visit("account_set_password"), Visit("profile"), Visit("profile-delete")],
    "demo": [
        Visit("home"),
        Visit("exam-list"),
        Visit("attempt-list"),
        Visit("attempt-report", (half,)),
        Visit("attempt-report", (half,), query="?show=wrong"),
        Visit("attempt-report", (half,), query="?show=flagged&open=all"),
        Visit("attempt-report-question", (half, 1)),
        Visit("attempt-report-question", (half, 12), query="?show=wrong"),
        Visit("attempt-report", (lambda stage: stage.scored("quick"),)),
        Visit("attempt-report", (lambda stage: stage.scored("drill"),)),
        Visit("attempt-report", (lambda stage: stage.waiting,)),
        Visit("attempt-log", (half,)),
        Visit("cohort-list"),
        Visit("cohort-detail", (group,)),
        Visit("cohort-leave", (group,)),
        Visit("cohort-people", (group,), status=404),
        Visit("profile"),
    ],
    "in_an_exam": [
        Visit("home"),
        Visit("exam-list"),
        Visit("exam-rules", ("quick",)),
        Visit("attempt-list"),
        Visit("attempt-resume", (open_one,)),
        Visit("attempt-item", (open_one, 1)),
        Visit("attempt-questions", (open_one,)),
        Visit("attempt-review", (open_one,)),
        Visit("attempt-log", (open_one,)),
        Visit("attempt-discard", (open_one,)),
    ],
    "in_a_drill": [Visit("attempt-item", (open_one, 1)), Visit("attempt-item", (open_one, 2))],
    "lead": [
        Visit("home"),
        Visit("cohort-list"),
        Visit("cohort-detail", (group,)),
        Visit("cohort-detail", (group,), query="?sort=name"),
        Visit("cohort-people", (group,)),
        Visit("cohort-remove", (group, lambda stage: stage.somebody_in_it)),
        Visit("cohort-close", (group,)),
        Visit("cohort-detail", (empty_group,)),
        Visit("cohort-people", (empty_group,)),
    ],
    "instructor": [
        Visit("admin:index"),
        Visit(f"{BANK}_changelist"),
        Visit(f"{BANK}_changelist", query="?q=plan&status=published"),
        Visit(f"{BANK}_changelist", query="?q=zeppelin"),
        Visit(f"{BANK}_add"),
        Visit(f"{BANK}_add", then=sends("Save draft", difficulty="2"), answer=422),
        Visit(f"{BANK}_add", then=sends("Save and publish", stem="A ship", difficulty="0.5")),
        Visit(f"{BANK}_change", (published,)),
        Visit(f"{BANK}_change", (draft,)),
        Visit(f"{BANK}_change", (retired,)),
        Visit(f"{BANK}_preview", (published,)),
        Visit(f"{BANK}_preview", (draft,)),
        Visit(f"{BANK}_retire", (published,)),
        Visit(f"{BANK}_discard", (draft,)),
        Visit(f"{BANK}_history", (draft,)),
        Visit("admin:questions_scenario_changelist"),
        Visit("admin:questions_scenario_add"),
        Visit("admin:questions_scenario_change", (pk_of(Scenario),)),
        Visit("admin:domains_outline_changelist"),
        Visit("admin:domains_outline_change", (pk_of(Outline),)),
        Visit("admin:domains_domain_change", (pk_of(Domain),)),
        Visit("admin:app_list", ("questions",)),
        Visit("admin:accounts_user_changelist", status=403),
    ],
    "administrator": [
        Visit("admin:index"),
        Visit("admin:accounts_user_changelist"),
        Visit("admin:accounts_user_add"),
        Visit("admin:accounts_user_change", (pk_of(User),)),
        Visit("admin:accounts_user_delete", (pk_of(User),)),
        Visit("admin:auth_user_password_change", (pk_of(User),)),
        Visit("admin:attempts_exam_changelist"),
        Visit("admin:attempts_exam_change", (1,)),
        Visit("admin:attempts_attempt_changelist"),
        Visit("admin:attempts_attempt_change", (pk_of(Attempt),)),
        Visit("admin:cohorts_cohort_changelist"),
        Visit("admin:cohorts_cohort_change", (pk_of(Cohort),)),
        Visit("admin:domains_outline_add"),
    ],
}

NOT_PAGES: Final = {
    "attempt-submit", "attempt-report-status", "attempt-form", "attempt-sync", "attempt-pass",
    "room-worker",
    "attempt-over",  # leads on to the report by itself; test_offline.py looks at it
    "cohort-csv", "cohort-invite-create", "cohort-invite-revoke", "cohort-consent",
    "profile-data", "health-live", "health-ready",
    "account_confirm_login_code",  # log-in codes are off; it leads to the log-in page
}  # fmt: skip


def test_no_page_is_forgotten() -> None:
    """Whoever adds a route adds a visit, or says that it shows nothing."""
    visited = {visit.route for visits in VISITS.values() for visit in visits}
    own = {name for name in routes(get_resolver()) if not name.startswith("admin:")}
    assert own - visited == NOT_PAGES


def routes(resolver: URLResolver) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        space = f"{resolver.namespace}:" if resolver.namespace else ""
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}"
        else:
            yield from (f"{space}{name}" for name in routes(pattern))


@pytest.mark.parametrize("who", VISITS)
def test_nothing_to_find(
    as_person: AsPerson, live_world: World, complaints: Complaints, who: str
) -> None:
    stage = Stage(live_world)
    person = getattr(stage, who)
    paths = [(visit, visit.path(stage)) for visit in VISITS[who]]
    page = as_person(person, reduced_motion="reduce")
    found: list[str] = []
    for visit, path in paths:
        complaints.clear()
        response = page.goto(path)
        assert response is not None
        assert response.status == visit.status, path
        assert response.headers["content-security-policy"] == POLICY
        if visit.then:
            visit.then(page)
        found += [f"{path[:80]}: {fault}" for fault in faults(page)]
        # The browser notes the status of the page itself as well.
        noted = {f"status of {status} " for status in (visit.status, visit.answer) if status != 200}
        found += [
            f"{path[:80]}: {complaint}"
            for complaint in complaints
            if not any(status in complaint for status in noted)
        ]
    complaints.clear()
    assert not found, "\n".join(found)


def test_nothing_to_find_when_something_breaks(
    as_person: AsPerson, live_world: World, complaints: Complaints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(home, "dashboard_of", broken)
    page = as_person(live_world.ada, reduced_motion="reduce")
    assert page.title() == "Something went wrong · Touchstone"
    assert list(faults(page)) == []
    complaints.clear()


def faults(page: Page) -> Iterator[str]:
    """What is wrong with the page as it stands, on every screen, in both colour schemes."""
    if (headings := page.locator("h1").count()) != 1:
        yield f"{headings} main headings"
    if "Touchstone" not in page.title():
        yield f"the title is {page.title()!r}"
    folded = page.locator("main details")
    folded.evaluate_all(f"all => all.slice(0, {UNFOLDED}).forEach(one => one.open = true)")
    for screen in SCREENS:
        page.set_viewport_size(screen)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            look = f"{scheme}, {screen['width']}"
            if (wider := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                yield f"{look}: wider than the screen by {wider}"
            # Between the schemes nothing but colours differs.
            rules = [] if scheme == "light" else ["color-contrast"]
            yield from (f"{look}: {violation}" for violation in violations(page, rules))
