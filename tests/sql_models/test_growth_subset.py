"""Whose growth is fitted together."""

from __future__ import annotations

import pytest
from sqlkit import SqlKit


def trials(kit: SqlKit, *tumors: str | None) -> None:
    """A study of each tumor type, with two patients who have a target lesion, in two arms."""
    for number, tumor in enumerate(tumors, 1):
        kit.study(f"s{number}", tumor_type=tumor)
        for patient in ("1", "2"):
            kit.subject(patient, arm=f"Arm {patient}")
            kit.lesion("T01", usubjid=patient)
            kit.size(1, 30, usubjid=patient)
            kit.size(43, 25, usubjid=patient)


def subsets(kit: SqlKit) -> set[tuple[str, str]]:
    kit.build("analysis.growth_subset")
    return set(kit.rows("analysis.growth_subset", "study_id, subset", "has_lesion"))


def test_each_tumor_type_is_fitted_by_itself():
    with SqlKit() as kit:
        trials(kit, "mCRC", "mHNSCC", "mCRC", None)
        assert subsets(kit) == {
            ("s1", "tumor type mCRC"),
            ("s2", "tumor type mHNSCC"),
            ("s3", "tumor type mCRC"),
            ("s4", "tumor type not stated"),
        }


def test_one_tumor_type_is_all():
    with SqlKit() as kit:
        trials(kit, "mCRC", "mCRC")
        assert subsets(kit) == {("s1", "all"), ("s2", "all")}


def test_a_tumor_type_without_a_lesion_to_fit_makes_no_second_subset():
    with SqlKit() as kit:
        trials(kit, "mCRC")
        kit.study("s2", tumor_type="mHNSCC")
        kit.subject("9")
        assert subsets(kit) == {("s1", "all")}
        assert kit.rows("analysis.growth_subset", "subset", "NOT has_lesion") == [("all",)]


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("all", {"all"}),
        ("study", {"study s1", "study s2"}),
        ("line_of_therapy", {"all"}),
        ("arm", {f"study {s} arm Arm {a}" for s in ("s1", "s2") for a in "12"}),
    ],
)
def test_the_setting_says_what_is_fitted_together(setting: str, wanted: set[str]):
    with SqlKit(settings={"growth.subset_by": setting}) as kit:
        trials(kit, "mCRC", "mHNSCC")
        assert {subset for _, subset in subsets(kit)} == wanted


def test_lesions_of_unknown_patients_follow_their_study():
    with SqlKit() as kit:
        trials(kit, "mCRC")
        kit.study("s2", tumor_type="mHNSCC", patients="unknown")
        kit.lesion("T01", usubjid="L1")
        kit.size(1, 30, usubjid="L1")
        kit.size(43, 25, usubjid="L1")
        assert subsets(kit) == {("s1", "tumor type mCRC"), ("s2", "tumor type mHNSCC")}
