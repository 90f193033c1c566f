"""The group's own domain figures: from whom on, how they come about, and when they disappear."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from attempts.models import Attempt, AttemptItem
from attempts.psychometrics.mastery import DomainCount, domain_mastery
from attempts.results import cut_of
from cohorts import services
from cohorts.pooled import Pooled, Standing
from cohorts.reports import dashboard
from tests.cohorts.circle import NOW, Circle, bank, domain_of, sat


def pooled(circle: Circle) -> Pooled:
    return dashboard(circle.cohort, NOW).pooled


def standing(circle: Circle) -> Standing:
    return pooled(circle).domains.standing


def two_domains() -> tuple[list[int], list[int]]:
    """The questions of the first domain of the bank, and those of another."""
    domains = [domain_of(version) for version in bank()]
    home = domains[0]
    other = next(domain for domain in domains if domain != home)
    return (
        [i for i, domain in enumerate(domains) if domain == home],
        [i for i, domain in enumerate(domains) if domain == other],
    )


def people_and_answers(circle: Circle, questions: list[int]) -> tuple[int, int]:
    """On show for the domain of these questions."""
    domain = domain_of(bank()[questions[0]])
    (line,) = [line for line in pooled(circle).domains.lines if line.domain == domain]
    return line.people, line.reading.n


def test_nothing_is_shown_before_celery_has_looked(circle: Circle, lead: Client) -> None:
    circle.crowd(5)
    assert standing(circle) is Standing.PENDING
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "are being worked out")


def test_four_members_are_too_few(circle: Circle, lead: Client) -> None:
    circle.crowd(4)
    report = circle.refresh()
    assert (report.contributors, report.domains, report.questions) == (4, None, None)
    assert standing(circle) is Standing.TOO_FEW
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "need 5 members")
    assertContains(response, "There are 4 so far.")


def test_five_members_with_nine_answers_are_too_few(circle: Circle) -> None:
    circle.crowd(5, answers=9)
    assert circle.refresh().contributors == 0
    assert standing(circle) is Standing.TOO_FEW


@pytest.mark.parametrize("by_name", [True, False])
def test_five_members_with_ten_answers_are_enough(circle: Circle, by_name: bool) -> None:
    circle.crowd(5, answers=10, results=by_name)
    circle.refresh()
    assert standing(circle) is Standing.SHOWN
    assert pooled(circle).domains.counted == 5


def test_blanks_repeats_and_unscored_attempts_do_not_count(circle: Circle) -> None:
    members = [circle.join(name, pooled=True) for name in ("A1", "A2", "A3", "A4", "A5")]
    for member in members:
        sat(member.user, dict.fromkeys(range(9), True) | {9: None})
        sat(member.user, dict.fromkeys(range(5), True), first_exposure=False)
        thrown_away = sat(member.user, dict.fromkeys(range(10, 20), True))
        Attempt.objects.filter(pk=thrown_away.pk).update(
            state="void", voided_at=NOW, void_reason="Discarded by the candidate"
        )
    assert circle.refresh().contributors == 0


def test_someone_who_has_not_agreed_does_not_count(circle: Circle) -> None:
    circle.crowd(4)
    fifth = circle.join("Zoë", results=True)  # by name, but not in the pool
    sat(fifth.user, dict.fromkeys(range(12), True))
    assert circle.refresh().contributors == 4


def test_the_lead_never_counts(circle: Circle) -> None:
    circle.crowd(4)
    sat(circle.lead, dict.fromkeys(range(12), True))
    assert circle.refresh().contributors == 4


def test_the_figures_are_those_of_one_person_who_gave_all_answers(circle: Circle) -> None:
    """Against the counts, added up here by hand."""
    circle.crowd(6, answers=30)
    circle.refresh()
    versions = bank()
    outline = circle.world.outline
    counts = []
    for domain in outline.domains.all():
        mine = [i for i in range(30) if domain_of(versions[i]) == domain]
        difficulties = [float(versions[i].difficulty) for i in mine]
        counts.append(
            DomainCount(
                key=domain.pk,
                correct=6 * sum(i % 2 == 0 for i in mine),
                n=6 * len(mine),
                target=sum(difficulties) / len(mine) if mine else None,
                weight=domain.weight / 100,
            )
        )
    cut = cut_of(outline, otherwise=0.7)
    expected = {r.key: r for r in domain_mastery(counts, group_rate=cut, fallback_target=cut)}
    lines = pooled(circle).domains.lines
    assert len(lines) == 6
    for line in lines:
        wanted = expected[line.domain.pk]
        assert line.reading.n == wanted.n
        assert line.reading.percent == round(100 * wanted.estimate)
        assert (line.reading.low, line.reading.high) == (
            round(100 * wanted.low),
            round(100 * wanted.high),
        )
        assert line.reading.band == wanted.band.value
        assert line.study_first == wanted.study_first


def test_a_domain_that_few_have_met_is_not_told(circle: Circle) -> None:
    """Five are counted, but only four of them answered anything in the last question's domain."""
    versions = bank()
    inside = [i for i in range(len(versions)) if domain_of(versions[i]) == domain_of(versions[0])]
    outside = next(i for i in range(len(versions)) if i not in inside)
    for name in ("A1", "A2", "A3", "A4", "A5"):
        answers = dict.fromkeys(inside[:12], True) | ({} if name == "A5" else {outside: False})
        sat(circle.join(name, pooled=True).user, answers)
    circle.refresh()
    by_domain = {line.domain: line for line in pooled(circle).domains.lines}
    few = by_domain[domain_of(versions[outside])]
    assert (few.people, few.reading.n, few.reading.enough) == (0, 0, False)
    assert by_domain[domain_of(versions[0])].people == 5


@pytest.mark.parametrize("hidden", [1, 4])
def test_a_domain_few_hidden_members_have_met_is_not_told(circle: Circle, hidden: int) -> None:
    """The named rows, subtracted from it, would leave those few."""
    home, elsewhere = two_domains()
    for name in ("N1", "N2", "N3", "N4"):
        member = circle.join(name, results=True, pooled=True)
        sat(member.user, dict.fromkeys([*home[:10], *elsewhere[:10]], True))
    for i in range(5):
        member = circle.join(f"H{i}", pooled=True)
        met = [*home[:10], *(elsewhere[:10] if i < hidden else [])]
        sat(member.user, dict.fromkeys(met, False))
    circle.refresh()
    assert people_and_answers(circle, home) == (9, 90)
    assert people_and_answers(circle, elsewhere) == (0, 0)


def test_a_domain_only_named_members_have_met_is_told(circle: Circle) -> None:
    home, elsewhere = two_domains()
    for i in range(10):
        named = i < 5
        member = circle.join(f"M{i}", results=named, pooled=True)
        met = [*home[:10], *(elsewhere[:10] if named else [])]
        sat(member.user, dict.fromkeys(met, True))
    circle.refresh()
    assert people_and_answers(circle, elsewhere) == (5, 50)


def test_no_domain_ever_differs_by_less_than_a_crowd(circle: Circle) -> None:
    """Five members have answered more, but only one of them in the second domain."""
    home, elsewhere = two_domains()
    members = [circle.join(f"M{i}", pooled=True) for i in range(6)]
    for member in members:
        sat(member.user, dict.fromkeys([*home[:10], *elsewhere[:10]], True))
    before = circle.refresh().domains
    for member in members[:5]:
        sat(member.user, {home[10]: True})
    sat(members[0].user, {elsewhere[10]: False})
    assert circle.refresh(NOW + timedelta(minutes=1)).domains == before
    for member in members[1:5]:
        sat(member.user, {elsewhere[10]: False})
    circle.refresh(NOW + timedelta(minutes=2))
    assert people_and_answers(circle, elsewhere) == (6, 65)


def test_scoring_again_does_not_feign_a_crowd(circle: Circle) -> None:
    """All six attempts are stamped anew, and one mark has changed."""
    members = circle.crowd(6)
    before = circle.refresh().domains
    Attempt.objects.update(scored_at=NOW)
    AttemptItem.objects.filter(attempt__user=members[0].user, position=1).update(is_correct=False)
    assert circle.refresh(NOW + timedelta(minutes=1)).domains == before


def test_what_is_remembered_of_a_figure_tells_no_marks(circle: Circle) -> None:
    circle.crowd(5)
    report = circle.refresh()
    for release in (report.domains, report.questions):
        assert release is not None
        for sources in release["seen"].values():
            for source in sources:
                assert set(source) == {"member", "version", "named"}
                assert len(source["version"]) == 16


def test_weakest_first_and_a_set_not_a_winner(circle: Circle, lead: Client) -> None:
    versions = bank()
    weak = domain_of(versions[-1])
    answers = {i: domain_of(versions[i]) != weak for i in range(len(versions))}
    for name in ("A1", "A2", "A3", "A4", "A5"):
        sat(circle.join(name, pooled=True).user, answers)
    circle.refresh()
    figures = pooled(circle)
    assert figures.domains.lines[0].domain == weak
    assert figures.weakest.startswith(weak.name)
    assert " or " in figures.weakest
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, f"The group is probably weakest in {weak.name}")


# --- Taking back ----------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["withdraw", "leave", "removed", "delete"])
def test_one_who_goes_takes_the_figures_along_at_once(circle: Circle, way: str) -> None:
    members = circle.crowd(6)
    circle.refresh()
    assert standing(circle) is Standing.SHOWN
    gone = members[0]
    if way == "withdraw":
        services.set_consent(gone, shares_results=False, shares_pooled=False, now=NOW)
    elif way == "leave":
        services.leave(gone, NOW)
    elif way == "removed":
        services.remove_member(gone, NOW)
    else:
        User.objects.get(pk=gone.user_id).delete()  # not even by way of the service
    figures = pooled(circle)
    assert figures.domains.standing is not Standing.SHOWN
    assert not figures.domains.lines
    assert not figures.questions.lines


def test_the_difference_one_leaver_makes_is_not_shown_either(circle: Circle, lead: Client) -> None:
    members = circle.crowd(7)
    circle.refresh()
    services.leave(members[0], NOW)
    report = circle.refresh()
    assert (report.contributors, report.counted) == (6, 6), "enough for figures of their own"
    assert standing(circle) is Standing.WITHHELD
    stored = str(report.domains) + str(report.questions)
    assert "estimate" not in stored, "what had to be taken back is not kept"
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "Hidden for now")
    assertNotContains(response, "domain-list")


def test_after_a_leaver_new_figures_wait_for_a_crowd_of_changes(circle: Circle) -> None:
    members = circle.crowd(7)
    circle.refresh()
    services.leave(members[0], NOW)
    for member in members[1:4]:
        sat(member.user, {12: True})  # in the domain the leaver had answered in
        circle.refresh()
        assert standing(circle) is Standing.WITHHELD
    sat(members[4].user, {12: True})  # the leaver and four more: five people's answers changed
    circle.refresh()
    assert standing(circle) is Standing.SHOWN
    assert pooled(circle).domains.counted == 6


def test_one_joiner_changes_nothing_on_show(circle: Circle) -> None:
    circle.crowd(5)
    before = circle.refresh().domains
    newcomer = circle.join("Zoë", pooled=True)
    sat(newcomer.user, dict.fromkeys(range(12), True))
    report = circle.refresh(NOW + timedelta(minutes=1))
    assert (report.contributors, report.domains) == (6, before)
    assert standing(circle) is Standing.SHOWN


def test_coming_back_to_it_shows_the_same_figures_again(circle: Circle) -> None:
    members = circle.crowd(5)
    circle.refresh()
    shown = pooled(circle).domains.lines
    services.set_consent(members[0], shares_results=False, shares_pooled=False, now=NOW)
    circle.refresh()
    assert standing(circle) is not Standing.SHOWN
    services.set_consent(members[0], shares_results=False, shares_pooled=True, now=NOW)
    circle.refresh()
    assert pooled(circle).domains.lines == shown


def test_named_figures_follow_each_other_freely(circle: Circle) -> None:
    """All five are on show by name, so their sum gives nobody away; questions still would."""
    members = circle.crowd(5, results=True)
    before = circle.refresh()
    sat(members[0].user, {20: True})
    after = circle.refresh(NOW + timedelta(minutes=1))
    assert after.domains != before.domains
    assert after.questions == before.questions


def test_a_few_hidden_ones_are_left_out_of_a_named_crowd(circle: Circle) -> None:
    circle.crowd(5, results=True)
    shy = circle.join("Zoë", pooled=True)
    sat(shy.user, dict.fromkeys(range(12), False))
    report = circle.refresh()
    assert (report.contributors, report.counted) == (6, 5)
    assert pooled(circle).domains.counted == 5


def test_a_mixed_five_is_no_crowd(circle: Circle, lead: Client) -> None:
    for name in ("A1", "A2", "A3"):
        sat(circle.join(name, pooled=True, results=True).user, dict.fromkeys(range(12), True))
    for name in ("B1", "B2"):
        sat(circle.join(name, pooled=True).user, dict.fromkeys(range(12), True))
    circle.refresh()
    assert standing(circle) is Standing.NO_CROWD
    response = lead.get(reverse("cohort-detail", args=[circle.cohort.public_id]))
    assertContains(response, "worked out by subtraction")


def test_turning_the_name_on_hides_what_it_would_give_away(circle: Circle) -> None:
    """Five hidden in the figures; one shows their own row, and four would be left."""
    members = circle.crowd(5)
    circle.refresh()
    services.set_consent(members[0], shares_results=True, shares_pooled=True, now=NOW)
    assert standing(circle) is not Standing.SHOWN


def test_turning_the_name_on_hides_a_domain_it_would_give_away(circle: Circle) -> None:
    """Ten stay hidden in all, but in the second domain four of five would."""
    home, elsewhere = two_domains()
    members = [circle.join(f"M{i}", pooled=True) for i in range(11)]
    for i, member in enumerate(members):
        met = [*home[:10], *(elsewhere[:10] if i < 5 else [])]
        sat(member.user, dict.fromkeys(met, True))
    circle.refresh()
    assert people_and_answers(circle, elsewhere) == (5, 50)
    services.set_consent(members[10], shares_results=True, shares_pooled=True, now=NOW)
    assert standing(circle) is Standing.SHOWN, "not one of those five"
    services.set_consent(members[0], shares_results=True, shares_pooled=True, now=NOW)
    assert standing(circle) is not Standing.SHOWN


def test_figures_go_when_the_answers_behind_them_are_voided(circle: Circle) -> None:
    members = circle.crowd(5)
    circle.refresh()
    Attempt.objects.filter(user=members[0].user).update(
        state="void", voided_at=NOW, void_reason="By staff"
    )
    circle.refresh()
    assert standing(circle) is Standing.TOO_FEW
    assert AttemptItem.objects.exists()
