"""Tumor assessments as sources give them: late baselines, sizes of non-target lesions, sums."""

from __future__ import annotations

from typing import Any

from sqlkit import SqlKit

RESPONSES = "split_part(patient_id, '/', 2), day, target_response, nontarget_response"
PFS = "endpoint = 'PFS' AND basis = 'derived'"


def _kit(**study: Any) -> SqlKit:
    kit = SqlKit()
    kit.study(**{"day_convention": "zero_based", **study})
    return kit


def _target(
    kit: SqlKit, subject: str, label: str, sizes: dict[int, Any], site: str = "LIVER", **tr: Any
) -> None:
    kit.lesion(label, usubjid=subject, tuloc=site, tudy=str(min(sizes)))
    for day, size in sizes.items():
        kit.size(day, size, label, usubjid=subject, **tr)


def _nontarget(
    kit: SqlKit, subject: str, label: str, sizes: dict[int, Any], site: str = "LUNG", **tr: Any
) -> None:
    kit.lesion(label, "NON-TARGET", usubjid=subject, tuloc=site, tudy=str(min(sizes)))
    for day, size in sizes.items():
        kit.size(day, size, label, usubjid=subject, trgrpid="NON-TARGET", **tr)


def _findings(kit: SqlKit, *defects: str) -> list[tuple[Any, ...]]:
    listed = ", ".join(f"'{defect}'" for defect in defects)
    return kit.rows(
        "quality.finding",
        "defect_id, split_part(patient_id, '/', 2), value, message",
        f"defect_id IN ({listed})",
    )


def test_a_target_first_measured_under_treatment_is_in_no_sum() -> None:
    """50 mm, then 30: -40 %, PR. A target of 20 mm that begins on day 56 changes nothing."""
    with _kit() as kit:
        kit.subject("1")
        _target(kit, "1", "T1", {-5: 50, 56: 30, 112: 30})
        _target(kit, "1", "T2", {56: 20, 112: 60}, "LUNG")
        kit.build("analysis.visit_response", "core.exclusion", "quality.finding")
        assert kit.rows(
            "analysis.visit_response",
            "day, n_target_lesions, sum_of_diameters_mm, baseline_sum_mm, overall_response",
        ) == [(-5, 1, 50.0, 50.0, None), (56, 1, 30.0, 50.0, "PR"), (112, 1, 30.0, 50.0, "PR")]
        assert kit.rows("core.exclusion", "lesion_id, reason_id") == [("s1/1/-/T2", "no_baseline")]
        assert kit.rows("core.lesion", "baseline_day", "lesion_label = 'T2'") == [(None,)]
        assert [row[:3] for row in _findings(kit, "time.1d")] == [("time.1d", "1", "56")]


def test_without_a_scan_before_treatment_there_is_no_response_and_no_progression() -> None:
    """30, then 50 mm (+67 %): no baseline sum, NE; PFS is censored on day 0 (FDA 2018)."""
    with _kit() as kit:
        kit.subject("1")
        _target(kit, "1", "T1", {56: 30, 112: 50})
        kit.build("analysis.patient_endpoint")
        assert kit.rows("analysis.visit_response", f"{RESPONSES}, baseline_sum_mm") == [
            ("1", 56, "NE", "NONE", None),
            ("1", 112, "NE", "NONE", None),
        ]
        assert kit.rows(
            "analysis.patient_endpoint", "time_days, is_event, rule_id", PFS
        ) == [(0.0, False, "PFS/no_baseline")]  # fmt: skip
        assert kit.rows(
            "analysis.best_overall_response", "best_overall_response", "basis = 'derived'"
        ) == [("NE",)]


def test_a_longer_screening_or_another_day_zero_gives_late_scans_a_baseline() -> None:
    """The scan of day 5 is a baseline by baseline.latest_day 7, or where day 0 is the first MRI."""
    for settings, study in (
        ({"baseline.latest_day": 7}, {}),
        ({}, {"day_zero_rule": "first MRI"}),
    ):
        with SqlKit(settings) as kit:
            kit.study(day_convention="zero_based", **study)
            kit.subject("1")
            _target(kit, "1", "T1", {5: 50, 56: 30})
            kit.build("analysis.visit_response")
            assert kit.rows(
                "analysis.visit_response", "day, baseline_sum_mm, overall_response"
            ) == [(5, 50.0, None), (56, 50.0, "PR")]


def test_link_ids_that_change_are_named() -> None:
    """T01 and T02 at baseline, T1 and T2 after it; t01 beside T01; three proper ids."""
    with _kit() as kit:
        for subject in ("1", "2", "3", "4"):
            kit.subject(subject)
        for label in ("T01", "T02"):
            _target(kit, "1", label, {-5: 50})
        for label in ("T1", "T2"):
            _target(kit, "1", label, {56: 30, 112: 80})
        _target(kit, "2", "T01", {-5: 50})
        kit.size(56, 30, "t01", usubjid="2")
        for label in ("T1", "T2", "T10"):
            _target(kit, "3", label, {-5: 50, 56: 50})
        _target(kit, "4", "A", {-5: 50})
        _target(kit, "4", "B", {56: 40})
        kit.build("quality.finding")
        assert [row[:3] for row in _findings(kit, "identity.1j", "identity.1k")] == [
            ("identity.1j", "1", "T1, T2"),
            ("identity.1j", "2", "t01"),
            ("identity.1j", "4", "B"),
            ("identity.1k", "1", "T01, T1"),
            ("identity.1k", "1", "T02, T2"),
            ("identity.1k", "2", "T01, t01"),
        ]
        assert _findings(kit, "identity.1j")[2][3] == (
            "Targets measured up to the first dose and never again: A; "
            "targets that begin after it: B."
        )


def test_sizes_say_what_becomes_of_non_target_lesions() -> None:
    """0 mm, or a node below 10 mm, is gone (RECIST 1.1, 4.3.3); any other size is there."""
    with _kit() as kit:
        for subject in ("1", "2", "3", "4"):
            kit.subject(subject)
        _target(kit, "1", "T1", {-5: 50, 56: 0})
        _nontarget(kit, "1", "NT1", {-5: 20, 56: 0})
        _target(kit, "2", "T1", {-5: 50, 56: 0, 112: 0})
        node = {"site": "LYMPH NODE", "trtestcd": "LPERP"}
        _nontarget(kit, "2", "NT1", {-5: 13, 56: 10, 112: 9.9}, **node)
        _target(kit, "3", "T1", {-5: 50, 56: 30})
        _nontarget(kit, "3", "NT1", {-5: 20, 56: 60})
        _nontarget(kit, "4", "NT1", {-5: 12, 56: 14, 112: 0})
        kit.build("analysis.best_overall_response", "quality.row_audit")
        after = "NOT is_baseline AND day > 0"
        assert kit.rows("analysis.visit_response", f"{RESPONSES}, overall_response", after) == [
            ("1", 56, "CR", "CR", "CR"),
            ("2", 56, "CR", "NON-CR/NON-PD", "PR"),
            ("2", 112, "CR", "CR", "CR"),
            ("3", 56, "PR", "NON-CR/NON-PD", "PR"),
            ("4", 56, "NONE", "NON-CR/NON-PD", "NON-CR/NON-PD"),
            ("4", 112, "NONE", "CR", "CR"),
        ]
        assert kit.rows("quality.row_audit", "step", "NOT is_balanced") == []
        assert kit.query("SELECT bool_and(is_from_size) FROM core.lesion_assessment") == [(True,)]


def test_a_word_goes_before_a_size_of_a_non_target_lesion() -> None:
    """60 mm called unequivocal progression is PD, though a size alone never is."""
    with _kit() as kit:
        kit.subject("1")
        _target(kit, "1", "T1", {-5: 50, 56: 30})
        _nontarget(kit, "1", "NT1", {-5: 20, 56: 60})
        kit.state(56, "UNEQUIVOCAL PROGRESSION", "NT1")
        kit.build("analysis.visit_response")
        assert kit.rows(
            "analysis.visit_response", "nontarget_response, overall_response", "NOT is_baseline"
        ) == [("PD", "PD")]


def test_a_non_target_lesion_is_due_once_it_is_known_and_said_to_be_late() -> None:
    """Gone targets are CR on day 56; the non-target lesion of day 112 is no miss of day 56."""
    with _kit() as kit:
        kit.subject("1")
        kit.subject("2")
        _target(kit, "1", "T1", {-5: 50, 56: 30, 112: 30})
        _target(kit, "2", "T1", {-5: 50, 56: 0, 112: 0})
        for subject in ("1", "2"):
            kit.lesion("NT1", "NON-TARGET", usubjid=subject, tuloc="BRAIN", tudy="112")
            kit.state(112, "PRESENT", "NT1", usubjid=subject)
        kit.build("analysis.visit_response", "quality.finding")
        assert kit.rows(
            "analysis.visit_response",
            f"{RESPONSES}, overall_response, n_nontarget_lesions",
            "NOT is_baseline",
        ) == [
            ("1", 56, "PR", "NONE", "PR", 0),
            ("1", 112, "PR", "NON-CR/NON-PD", "PR", 1),
            ("2", 56, "CR", "NONE", "CR", 0),
            # Anything seen after a complete response is progression.
            ("2", 112, "CR", "PD", "PD", 1),
        ]
        assert [row[:3] for row in _findings(kit, "time.1g")] == [
            ("time.1g", "1", "112"),
            ("time.1g", "2", "112"),
        ]


def test_a_time_point_without_a_size_keeps_the_name_of_its_visit() -> None:
    with _kit() as kit:
        kit.subject("1")
        kit.lesion("NT1", "NON-TARGET", tudy="-5")
        for day, visit in ((-5, "SCREENING"), (56, "WEEK 8")):
            kit.state(day, "PRESENT", "NT1", visit=visit)
        kit.build("analysis.visit_response")
        assert kit.rows("analysis.visit_response", "day, visit") == [(56, "WEEK 8")]
