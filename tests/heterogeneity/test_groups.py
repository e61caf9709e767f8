"""Endpoints, organs, subsets and groups of seven patients, worked out by hand."""

from __future__ import annotations

import pytest
from sqlkit import SqlKit

MONTH = 30.4375


def test_times_to_each_endpoint(trial: SqlKit) -> None:
    found = {
        (patient[3:], endpoint): (time, event, reason)
        for patient, endpoint, time, event, reason in trial.rows(
            "analysis.patient_endpoint",
            "patient_id, endpoint, time_days, is_event, missing_reason",
            "is_counted AND endpoint IN ('OS', 'PFS', 'PPS')",
        )
    }
    assert len(found) == 21
    assert found["1", "OS"] == (20 * MONTH, True, None)
    assert found["1", "PFS"] == (10 * MONTH, True, None)
    assert found["1", "PPS"] == (10 * MONTH, True, None)
    assert found["2", "PPS"] == (13 * MONTH, False, None)
    assert found["3", "PPS"] == (None, None, "The patient died without progression.")
    assert found["5", "PPS"] == (None, None, "There was no progression, or none that counts.")
    assert found["6", "OS"][2] == "Neither a death nor a last contact is known."
    # Never assessed, in a study that assesses: censored on the day of the first dose.
    assert found["6", "PFS"] == (0, False, None)
    assert found["6", "PPS"][2] == "There was no progression, or none that counts."
    assert found["7", "PPS"] == (None, None, "Overall survival ends before the progression.")


def test_organs_are_pooled_by_class_and_number(trial: SqlKit) -> None:
    rows = trial.rows(
        "analysis.pooled_organ",
        "organ, organ_class, pooled_organ, n_lesions, n_class_lesions",
        "organ IN ('liver', 'ln', 'ln_distal', 'skin')",
    )
    assert rows == [
        ("liver", "liver", "other", 5, 5),  # five are fewer than 50
        ("ln", "ln", "other", 2, 2),
        ("ln_distal", "ln", "other", 0, 2),
        ("skin", "skin", "other", 0, 0),
    ]


def test_an_organ_shrank_by_the_sum_of_its_lesions(trial: SqlKit) -> None:
    found = {
        (patient[3:], organs): (n, ratio, shrunk)
        for patient, organs, n, ratio, shrunk in trial.rows(
            "analysis.organ_phase", "patient_id, organ_set, n_lesions, nadir_ratio, is_shrunk"
        )
    }
    assert found["1", "liver"] == (1, 0.6, True)
    assert found["1", "not liver"] == (1, 0.9, False)
    assert found["1", "lung"] == found["1", "not liver"]
    assert found["2", "liver"] == (2, pytest.approx(50 / 90), True)
    assert ("2", "not liver") not in found
    assert found["2", "not lung"] == found["2", "liver"]
    assert found["4", "not liver"] == (2, pytest.approx(51 / 50), False)
    assert found["4", "not lung"] == (2, pytest.approx(80 / 70), False)
    assert found["5", "not liver"] == (2, pytest.approx(31 / 50), True)
    assert ("5", "liver") not in found


RESPONSES = "liver_response, liver_lung_response, liver_ln_response, lung_response, ln_response"


def test_every_patient_with_a_liver_lesion_is_in_one_of_four_groups(trial: SqlKit) -> None:
    rows = trial.rows("analysis.patient_profile", f"patient_id, {RESPONSES}")
    nothing = (None,) * 5
    assert {row[0][3:]: row[1:] for row in rows} == {
        "1": (
            "liver shrank, others not", "liver shrank, lung not", None,
            "others shrank, lung not", None,
        ),
        "2": ("all shrank", None, None, None, None),
        "3": (
            "others shrank, liver not", None, "lymph nodes shrank, liver not", None,
            "lymph nodes shrank, others not",
        ),
        "4": ("none shrank", None, None, "none shrank", None),
        "5": (None, None, None, "lung shrank, others not", "others shrank, lymph nodes not"),
        "6": nothing,
        "7": nothing,
    }  # fmt: skip


def test_heterogeneity_or_the_reason_why_not(trial: SqlKit) -> None:
    columns = "n_lesions, round(patient_gower_distance, 9), gower_null_reason, sum_source"
    rows = trial.rows("analysis.patient_profile", f"patient_id, {columns}")
    found = {row[0][3:]: row[1:] for row in rows}
    # 1: response against none, and both have a stable phase; both ratios differ: (1 + 2) / 5.
    assert found["1"] == (2, 0.6, None, "lesions")
    assert found["2"][1] == 0.4  # both respond and then stay; the ratios differ
    assert found["6"] == (0, None, "no analysed target lesion", None)


def test_therapies_and_their_controls(trial: SqlKit) -> None:
    found: dict[str, list[str]] = {}
    for subset, kind, patient in trial.rows("analysis.patient_subset"):
        found.setdefault(subset, []).append(patient[3:])
        assert kind == ("study" if subset == "study s1" else subset)
    everyone = [str(k) for k in range(1, 8)]
    assert found == {
        "all": everyone,
        "study s1": everyone,
        "bevacizumab": ["1", "2", "7"],
        "chemotherapy": ["3", "4", "5", "6"],
        "bevacizumab or chemotherapy": everyone,
    }


def test_other_tumors_chemotherapy_is_no_control() -> None:
    from heterogeneity.pipeline import run_pipeline

    with SqlKit() as kit:
        kit.study("s1", tumor_type="colorectal")
        kit.subject("1", arm="BEV + FOLFOX")
        kit.subject("2", arm="FOLFOX")
        kit.study("s2", tumor_type="NSCLC")
        kit.subject("3", arm="Docetaxel")
        run_pipeline(kit, "analysis.patient_subset")
        controls = kit.rows("analysis.patient_subset", "patient_id", "subset = 'chemotherapy'")
        assert controls == [("s1/2",)]


def test_halves_and_quarters_are_cut_in_the_subset(trial: SqlKit) -> None:
    distance = dict(
        trial.rows(
            "analysis.patient_profile",
            "patient_id, patient_gower_distance",
            "patient_gower_distance IS NOT NULL",
        )
    )
    ordered = sorted(distance.values())
    assert len(ordered) == 5
    halves = dict(
        trial.rows(
            "analysis.patient_group",
            "patient_id, group_name",
            "subset = 'all' AND grouping = 'Gower halves'",
        )
    )
    assert halves == {p: "low" if d <= ordered[2] else "high" for p, d in distance.items()}
    quarters = dict(
        trial.rows(
            "analysis.patient_group",
            "patient_id, group_name",
            "subset = 'all' AND grouping = 'Gower quarters'",
        )
    )
    wanted = {
        p: "low" if d <= ordered[1] else "high" if d >= ordered[3] else "medium"
        for p, d in distance.items()
    }
    assert quarters == wanted
    within = trial.rows(
        "analysis.patient_group",
        "patient_id, group_name",
        "subset = 'bevacizumab' AND grouping = 'Gower halves'",
    )
    assert within == [("s1/1", "high"), ("s1/2", "low")]


def test_chemotherapy_is_what_others_are_compared_with(trial: SqlKit) -> None:
    rows = trial.query(
        "SELECT DISTINCT group_name, group_order FROM analysis.patient_group "
        "WHERE subset = 'study s1' AND grouping = 'arm' ORDER BY group_order"
    )
    assert rows == [("FOLFOX", 1), ("BEV + FOLFOX", 2)]


@pytest.mark.parametrize(
    ("rule", "shrunk"), [("sum", True), ("every_lesion", False), ("any_lesion", True)]
)
def test_whose_shrinkage_counts_is_a_setting(rule: str, shrunk: bool) -> None:
    """50 to 30 and 20 to 16 mm: 46 of 70 is a shrinkage of 34 %, the small lesion's 20 %."""
    from heterogeneity.pipeline import run_pipeline

    with SqlKit() as kit:
        kit.study()
        kit.subject("1")
        for label, sizes in (("T1", (50, 30)), ("T2", (20, 16))):
            kit.lesion(label, tuloc="LIVER")
            for day, size in zip((1, 43), sizes, strict=True):
                kit.size(day, size, label)
        run_pipeline(kit, "organ_phase", heterogeneity__organ_shrinkage=rule)
        found = kit.rows("analysis.organ_phase", "is_shrunk", "organ_set = 'liver'")
        assert found == [(shrunk,)]


def test_exactly_thirty_per_cent_is_not_more_than_thirty() -> None:
    from heterogeneity.pipeline import run_pipeline

    with SqlKit() as kit:
        kit.study()
        for patient, last in (("1", 63), ("2", 62.9)):  # of 90 mm
            kit.subject(patient)
            kit.lesion("T1", usubjid=patient, tuloc="LIVER")
            kit.size(1, 90, "T1", usubjid=patient)
            kit.size(43, last, "T1", usubjid=patient)
        run_pipeline(kit, "organ_phase")
        found = kit.rows("analysis.organ_phase", "patient_id, is_shrunk", "organ_set = 'liver'")
        assert found == [("s1/1", False), ("s1/2", True)]


def test_an_organ_whose_lesions_never_share_a_day_carries_sizes_forward() -> None:
    from heterogeneity.pipeline import run_pipeline

    with SqlKit() as kit:
        kit.study()
        kit.subject("1")
        for label, days in (("T1", (1, 43)), ("T2", (1, 85))):
            kit.lesion(label, tuloc="LIVER")
            for day, size in zip(days, (40, 20), strict=True):
                kit.size(day, size, label)
        run_pipeline(kit, "organ_phase")
        found = kit.rows(
            "analysis.organ_phase",
            "is_carried_forward, nadir_ratio, is_shrunk",
            "organ_set = 'liver'",
        )
        assert found == [(True, 0.5, True)]
        assert kit.rows("analysis.patient_phase", "exclusion_reason") == [
            ("no day after baseline with every lesion measured",)
        ]
        run_pipeline(kit, "response_phase", phases__sum_days="carried_forward")
        assert kit.rows("analysis.patient_phase", "nadir_ratio") == [(0.5,)]
