"""The file for spreadsheets: who is in it, what is in it, and nothing that runs."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from cohorts.progress_csv import safe
from tests.cohorts.circle import Circle, sat


def rows(lead: Client, circle: Circle) -> list[dict[str, str]]:
    response = lead.get(reverse("cohort-csv", args=[circle.cohort.public_id]))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Cache-Control"].find("no-store") >= 0
    assert response["Content-Disposition"] == (
        'attachment; filename="northern-circle-2027-03-03.csv"'
    )
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_consenting_members_with_figures_intervals_and_counts(circle: Circle, lead: Client) -> None:
    member = circle.join("Bjørn", results=True)
    sat(member.user, {0: True}, to_date=[(0.7, 40), (0.5, 40), (0.5, 6)])
    circle.join("Carmen", pooled=True)
    circle.join("Amara", results=True)
    circle.refresh()
    amara, bjorn = rows(lead, circle)
    assert (amara["Member"], amara["Exams"], amara["Last exam"]) == ("Amara", "", "")
    assert bjorn["Member"] == "Bjørn"
    assert (bjorn["Joined"], bjorn["Exams"], bjorn["Last exam"]) == (
        "2027-03-03",
        "1",
        "2027-03-02",
    )
    assert (bjorn["All domains: correct"], bjorn["All domains: answers"]) == ("51", "86")
    first = "1. Leadership and Organizational Management"
    assert [
        bjorn[f"{first}: {part}"]
        for part in ("estimate %", "likely from %", "likely to %", "answers", "standing")
    ] == ["70", "60", "80", "40", "Too close to call"]
    last = next(key for key in bjorn if key.startswith("6.") and key.endswith("estimate %"))
    assert bjorn[last] == "", "no result is an empty cell, not a nought"


def test_the_file_begins_so_that_excel_reads_names(circle: Circle, lead: Client) -> None:
    response = lead.get(reverse("cohort-csv", args=[circle.cohort.public_id]))
    assert response.content.startswith(b"\xef\xbb\xbfMember,")


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+31 6", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://x","y")'],
)
def test_names_are_never_formulas(name: str) -> None:
    assert safe(name) == f"'{name}"


@pytest.mark.parametrize("name", ["Amara", "O'Neill", "Jean-Luc", "a=b", ""])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert safe(name) == name


def test_a_name_made_as_a_formula_comes_out_as_text(circle: Circle, lead: Client) -> None:
    member = circle.join("Mallory", results=True)
    member.user.name = "=cmd|' /C calc'!A0"
    member.user.save()
    (row,) = rows(lead, circle)
    assert row["Member"] == "'=cmd|' /C calc'!A0"


def test_a_group_whose_name_has_no_letters_still_has_a_file_name(
    circle: Circle, lead: Client
) -> None:
    circle.cohort.name = '学習 "\r\nX: y'
    circle.cohort.save()
    response = lead.get(reverse("cohort-csv", args=[circle.cohort.public_id]))
    assert response["Content-Disposition"] == 'attachment; filename="x-y-2027-03-03.csv"'
