"""How the tests of the authoring pages reach them and fill them in."""

from __future__ import annotations

from html.parser import HTMLParser

from django.test import Client
from django.urls import reverse

from accounts.models import User
from questions.models import Question

ADD = "/admin/questions/question/add/"
BANK = "/admin/questions/question/"

WHOLE: dict[str, str] = {
    "key": "",
    "stem": "A port authority must choose between two recovery sites.\n\nWhat comes first?",
    "key_option": "2",
    "difficulty": "0.65",
    "level": "analyse",
    "references": "NIST SP 800-34 Rev. 1, section 3.2\nISO 22301:2019, clause 8.2",
    "tags": "recovery, Port Authority",
    "enemies": "",
    "scenario": "",
    "option_1-text": "Sign with the nearer site",
    "option_1-rationale": "Near is convenient, and nobody has said what must be back first.",
    "option_1-misjudgement": "skips-risk-assessment",
    "option_2-text": "Confirm with the owners which services must be back first",
    "option_2-rationale": "Recovery follows the priorities of those who own the services.",
    "option_2-misjudgement": "",
    "option_3-text": "Ask the supplier to decide and to carry the risk",
    "option_3-rationale": "The decision cannot be handed to a supplier.",
    "option_3-misjudgement": "delegates-accountability",
    "option_4-text": "Wait for the audit due in spring",
    "option_4-rationale": "The choice is due on Friday.",
    "option_4-misjudgement": "under-reacts",
}


def page_of(question: Question, page: str = "change") -> str:
    return reverse(f"admin:questions_question_{page}", args=[question.pk])


def enter(person: User) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def form_of(html: str) -> dict[str, str]:
    """What a browser would send back of the authoring form as it stands."""
    reader = _Form()
    reader.feed(html)
    return reader.values


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.inside = False
        self.text = ""
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = found.get("id") == "question-form"
        if not self.inside:
            return
        name = found.get("name", "")
        if tag == "textarea":
            self.text = name
            self.values[name] = ""
        elif tag == "select":
            self.select = name
            self.values[name] = ""
        elif tag == "option" and "selected" in found:
            self.values[self.select] = found["value"]
        elif tag == "input" and name and found.get("type") in {"radio", "checkbox"}:
            if "checked" in found:
                self.values[name] = found["value"]
        elif tag == "input" and name:
            self.values[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # The first line break after the tag is markup, not text.
            self.values[self.text] = self.values[self.text].removeprefix("\n")
            self.text = ""
        elif tag == "form":
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.text:
            self.values[self.text] += data
