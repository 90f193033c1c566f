"""Which outline new exams are drawn by is one tick: setting it on one takes it from the other."""

from __future__ import annotations

from html import unescape

import pytest
from django.urls import reverse

from domains.models import Outline
from tests.questions.desk import enter
from tests.world import World


@pytest.fixture
def other(world: World) -> Outline:
    return Outline.objects.get(is_default=False)


def save(world: World, outline: Outline, **changed: str) -> tuple[int, str]:
    """The outline's page sent back as it stands, with these fields changed."""
    domains = list(outline.domains.order_by("number"))
    sent = {
        "title": outline.title,
        "key": outline.key,
        "effective_from": outline.effective_from.isoformat() if outline.effective_from else "",
        "note": outline.note,
        "domains-TOTAL_FORMS": str(len(domains)),
        "domains-INITIAL_FORMS": str(len(domains)),
    }
    for number, domain in enumerate(domains):
        sent |= {
            f"domains-{number}-id": str(domain.pk),
            f"domains-{number}-outline": str(outline.pk),
            f"domains-{number}-number": str(domain.number),
            f"domains-{number}-name": domain.name,
            f"domains-{number}-weight": str(domain.weight),
        }
    chief = world.person("chief@example.org", is_staff=True, is_superuser=True)
    url = reverse("admin:domains_outline_change", args=[outline.pk])
    reply = enter(chief).post(url, sent | changed)
    return reply.status_code, unescape(reply.content.decode())


def defaults() -> list[Outline]:
    return list(Outline.objects.filter(is_default=True))


def test_ticking_one_unticks_the_other(world: World, other: Outline) -> None:
    assert save(world, other, is_default="on")[0] == 302
    assert defaults() == [other]


def test_saving_the_default_again_keeps_it(world: World, other: Outline) -> None:
    default = Outline.objects.default()
    assert save(world, default, is_default="on", title="Another title")[0] == 302
    assert defaults() == [default]
    default.refresh_from_db()
    assert default.title == "Another title"


def test_unticking_the_last_is_refused_in_words(world: World, other: Outline) -> None:
    default = Outline.objects.default()
    status, html = save(world, default, title="Another title")
    assert status == 200
    assert "New exams are drawn by the default outline, so there is always one." in html
    assert defaults() == [default]
    default.refresh_from_db()
    assert default.title != "Another title"


def test_an_outline_without_the_tick_is_saved_as_it_is(world: World, other: Outline) -> None:
    default = Outline.objects.default()
    assert save(world, other, title="Another title")[0] == 302
    assert defaults() == [default]


def test_a_refused_page_takes_no_tick(world: World, other: Outline) -> None:
    default = Outline.objects.default()
    status, _ = save(world, other, is_default="on", **{"domains-0-weight": "99"})
    assert status == 200
    assert defaults() == [default]
