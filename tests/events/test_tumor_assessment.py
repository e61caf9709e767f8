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


def _response(kit: SqlKit, subject: str, day: int | None, word: str, **rs: Any) -> None:
    row = {"usubjid": subject, "rstestcd": "OVRLRESP", "rscat": "RECIST 1.1", "rsorres": word}
    kit.add("rs", {**row, "rsdy": None if day is None else str(day), **rs})


def test_stated_sums_are_held_against_the_sizes() -> None:
    """30 + 30 = 60 mm: 65 is named, 60.9 is rounding, 6 cm is 60; 30 without the node."""
    with _kit() as kit:
        kit.subject("1")
        kit.subject("2")
        days = {-5: "SCREENING", 56: "WEEK 8", 112: "WEEK 16", 168: "WEEK 24"}
        for label, site in (("T1", "LIVER"), ("T2", "LYMPH NODE")):
            kit.lesion(label, tuloc=site, tudy="-5")
            for day, visit in days.items():
                kit.size(day, 30, label, visit=visit)
        stated = {"trlnkid": None, "trtestcd": "SUMDIAM"}
        for day, value, unit in ((-5, 60, "mm"), (56, 65, "mm"), (112, 60.9, "mm"), (168, 6, "cm")):
            kit.size(None, value, visit=days[day], **{**stated, "trorresu": unit})
        kit.size(None, 45, visit="WEEK 8", **{**stated, "trtestcd": "SUMNLNLD"})
        for day, value in ((-5, 100), (56, 60)):
            kit.size(day, value, usubjid="2", **stated)
        kit.build("quality.finding")
        assert _findings(kit, "sizes.6d", "sizes.6e") == [
            ("sizes.6d", "1", "45",
             "SUMNLNLD is stated as 45 mm; the sizes add up to 30 mm, which count."),
            ("sizes.6d", "1", "65",
             "SUMDIAM is stated as 65 mm; the sizes add up to 60 mm, which count."),
            ("sizes.6e", "2", None,
             "The source states 2 sums and no size of a target lesion: no response follows from "
             "them."),
        ]  # fmt: skip


def test_parts_without_an_overall_response_give_it_by_recist() -> None:
    """RECIST 1.1, table 1: PR with a new lesion is PD; CR with non-target lesions left is PR."""
    with _kit() as kit:
        for subject in ("1", "2", "3"):
            kit.subject(subject)
        for subject, day, parts in (
            ("1", 56, {"TRGRESP": "PR", "NTRGRESP": "NON-CR/NON-PD", "NEWLPROG": "Y"}),
            ("2", 56, {"TRGRESP": "CR", "NTRGRESP": "NON-CR/NON-PD"}),
            # Stated before, and not at this time point: not evaluated, so that CR is PR.
            ("2", 112, {"TRGRESP": "CR"}),
            ("3", 56, {"TRGRESP": "CR"}),
            ("3", 112, {"TRGRESP": "CR", "OVRLRESP": "SD"}),
        ):
            for code, word in parts.items():
                _response(kit, subject, day, word, rstestcd=code)
        kit.build("analysis.patient_endpoint", "quality.finding")
        assert kit.rows(
            "core.response",
            "split_part(patient_id, '/', 2), day, overall_response, is_overall_from_parts",
        ) == [
            ("1", 56, "PD", True),
            ("2", 56, "PR", True),
            ("2", 112, "PR", True),
            ("3", 56, "CR", True),
            ("3", 112, "SD", False),
        ]
        assert kit.rows(
            "analysis.patient_endpoint",
            "time_days, is_event",
            "endpoint = 'PFS' AND basis = 'stated' AND patient_id = 's1/1'",
        ) == [(56.0, True)]
        assert _findings(kit, "rows.7k") == [
            ("rows.7k", None, "RECIST 1.1", "4 overall responses of 3 subjects by RECIST 1.1 are "
             "not stated: they follow from their parts."),
        ]  # fmt: skip


def test_a_best_overall_response_alone_is_the_stated_one() -> None:
    """Patient 1 has BESTRESP only; patient 2 has a visit, which counts and not its BESTRESP."""
    with _kit() as kit:
        kit.subject("1")
        kit.subject("2")
        for subject in ("1", "2"):
            _response(kit, subject, 112, "PR", rstestcd="BESTRESP")
        _response(kit, "2", 56, "SD")
        kit.build("analysis.patient_endpoint")
        assert kit.rows(
            "analysis.best_overall_response",
            "split_part(patient_id, '/', 2), basis, best_overall_response, "
            "confirmed_best_overall_response, n_assessments, is_counted_reader",
        ) == [("1", "stated", "PR", "PR", 0, True), ("2", "stated", "SD", "SD", 1, True)]


def test_two_responses_of_a_day_and_results_that_were_not_done_are_named() -> None:
    with _kit() as kit:
        kit.subject("1")
        _target(kit, "1", "T1", {-5: 50, 56: 30})
        kit.size(112, 30, "T1", trstat="NOT DONE")
        kit.size(168, "NOT DONE", "T1", trstat="NOT DONE")
        for word in ("PR", "PD"):
            _response(kit, "1", 56, word)
        _response(kit, "1", 112, "PD", rsstat="NOT DONE")
        _response(kit, "1", 168, "NE", rsstat="NOT DONE")
        kit.build("quality.finding")
        assert _findings(kit, "rows.7l", "rows.2f") == [
            ("rows.2f", "1", "30", "NOT DONE stands beside the result 30, which is not used."),
            ("rows.2f", "1", "PD", "NOT DONE stands beside the result PD, which is not used."),
            ("rows.7l", "1", "PD, PR",
             "OVRLRESP is PD, PR at one assessment: the accepted one, else the worse one, counts."),
        ]  # fmt: skip


def test_without_a_first_dose_the_endpoint_says_so() -> None:
    """Dates without a reference give no days; it is not the patient who was never assessed."""
    with _kit(day_convention="sdtm") as kit:
        kit.subject("1")
        _target(kit, "1", "T1", {-5: 50, 56: 30})
        kit.subject("2", first_dose=None)
        kit.lesion("T1", usubjid="2", tudtc="2020-01-05")
        for date in ("2020-01-05", "2020-03-06"):
            kit.size(None, 30, "T1", usubjid="2", trdtc=date)
        kit.build("analysis.patient_endpoint")
        assert kit.rows(
            "analysis.patient_endpoint",
            "time_days, missing_reason",
            f"{PFS} AND patient_id = 's1/2'",
        ) == [
            (None, "The day of the first dose is not known, and the patient's assessments were "
             "quarantined for want of it (quality.quarantine).")
        ]  # fmt: skip


def test_a_non_target_lesion_scanned_last_at_baseline_is_one_of_the_baseline() -> None:
    """Targets on day -24, a non-target lesion on day -20 of the same visit."""
    with _kit() as kit:
        kit.subject()
        kit.lesion("T01", tudy="-24", tuloc="LIVER")
        kit.lesion("NT01", "NON-TARGET", tuloc="LUNG", tudy="-20")
        for visit, size_day, state_day in (("SCREENING", -24, -20), ("WEEK 8", 56, 58)):
            kit.size(size_day, 30, visit=visit)
            kit.state(state_day, "PRESENT", visit=visit)
        kit.build("analysis.visit_response")
        counts = "n_nontarget_lesions, n_nontarget_assessed"
        assert kit.rows("analysis.visit_response", counts) == [(1, 1), (1, 1)]
