"""Lesions: who follows them, of which type, where, how related, and which are analysed."""

from __future__ import annotations

import pytest
from sqlkit import SqlKit


def lesions(kit: SqlKit, columns: str) -> list[tuple]:
    kit.build("core.lesion")
    return kit.rows("core.lesion", columns)


def test_the_id_tells_study_subject_reader_and_lesion(kit):
    kit.lesion("R1-T01", tueval="INDEPENDENT ASSESSOR", tuevalid="RADIOLOGIST 1")
    kit.lesion("T01")
    assert lesions(kit, "lesion_id, patient_id, reader, lesion_label") == [
        ("s1/1/-/T01", "s1/1", "", "T01"),
        (
            "s1/1/INDEPENDENT_ASSESSOR.RADIOLOGIST_1/R1-T01",
            "s1/1",
            "INDEPENDENT ASSESSOR / RADIOLOGIST 1",
            "R1-T01",
        ),
    ]


@pytest.mark.parametrize(
    ("word", "lesion_type"),
    [
        ("TARGET", "target"),
        ("Target lesion", "target"),
        ("NON-TARGET", "non-target"),
        ("Non Target Lesion", "non-target"),
        ("NONTARGET", "non-target"),
        ("NEW", "new"),
        ("New lesion", "new"),
    ],
)
def test_types_are_known_in_the_words_sources_use(kit, word, lesion_type):
    kit.lesion("L1", word)
    assert lesions(kit, "lesion_type, is_type_assumed") == [(lesion_type, False)]


def test_a_lesion_number_that_restarts_per_type_is_one_lesion_per_type(kit):
    kit.lesion("1", "TARGET", tuloc="LIVER")
    kit.lesion("1", "NON-TARGET", tuloc="LUNG")
    kit.size(1, 20, label="1", trgrpid="TARGET")
    kit.size(43, 10, label="1")
    kit.state(1, "PRESENT", label="1")
    assert lesions(kit, "lesion_id, lesion_type, organ, n_measurements, n_assessments") == [
        ("s1/1/-/1:non-target", "non-target", "lung", 0, 1),
        ("s1/1/-/1:target", "target", "liver", 2, 0),
    ]


def test_a_lesion_in_tr_without_tu_stays_with_an_unknown_organ(kit):
    kit.size(1, 20)
    kit.size(43, 10)
    kit.state(1, "PRESENT", label="NT01")
    columns = "lesion_label, lesion_type, organ, is_identified, is_type_assumed, source_file"
    assert lesions(kit, columns) == [
        ("NT01", "non-target", "unknown", False, True, "tr.csv"),
        ("T01", "target", "unknown", False, True, "tr.csv"),
    ]


def test_a_lesion_that_was_never_measured_stays(kit):
    kit.lesion("T01", tuloc="BRAIN")
    assert lesions(kit, "organ, n_measurements, is_analysed, exclusion_reason") == [
        ("brain_cns", 0, False, "Target lesion measured on fewer than two days.")
    ]


def test_a_tu_row_without_reader_names_the_lesion_of_each_reader(kit):
    kit.lesion("T01", "TARGET", tuloc="SPLEEN")
    for reader in ("A", "B"):
        kit.size(1, 20, treval=reader)
        kit.size(43, 10, treval=reader)
    assert lesions(kit, "reader, organ") == [("A", "spleen"), ("B", "spleen")]
    kit.build("quality.row_audit")
    assert kit.rows("quality.row_audit", "step", "NOT is_balanced") == []


def test_the_site_of_a_lesion_may_stand_in_the_supplement_of_tr(kit):
    kit.lesion("T01")
    kit.size(1, 20, trseq="7")
    kit.add(
        "supptr",
        {"usubjid": "1", "idvar": "TRSEQ", "idvarval": "7", "qnam": "TRLOC", "qval": "KIDNEY"},
    )
    assert lesions(kit, "site_raw, organ") == [("KIDNEY", "kidney")]


def test_a_site_that_nothing_knows_is_unknown_and_reported(kit):
    kit.lesion("T01", tuloc="BODY")
    kit.lesion("T02", tuloc="17")
    kit.lesion("T03", tuloc="17")
    kit.lesion("T04")
    kit.lesion("T05", tuloc="OTHER")
    assert [row[0] for row in lesions(kit, "organ")] == ["other", *["unknown"] * 4]
    kit.build("quality.unmapped_site")
    assert kit.rows("quality.unmapped_site", "site_raw, is_blank, n_lesions") == [
        ("", True, 1),
        ("17", False, 2),
        ("BODY", False, 1),
    ]


def test_the_dictionary_of_a_study_goes_before_the_patterns(kit):
    kit.add("study_site", {"site_raw": "code 7", "organ": "liver"})
    kit.add("study_site", {"site_raw": "LUNG", "organ": "pleura"})
    kit.lesion("T01", tuloc="CODE 7")
    kit.lesion("T02", tuloc="Lung")
    assert lesions(kit, "organ") == [("liver",), ("pleura",)]


def test_the_analysis_reader_is_the_first_of_the_studys_order_who_measured(kit):
    kit.add("study_reader", {"reader": "INDEPENDENT ASSESSOR / RADIOLOGIST 1", "priority": 1})
    kit.add("study_reader", {"reader": "INVESTIGATOR", "priority": 2})
    radiologist = {"treval": "INDEPENDENT ASSESSOR", "trevalid": "RADIOLOGIST 1"}
    for subject in ("1", "2"):
        for day in (1, 43, 85):
            kit.size(day, 20, usubjid=subject, treval="INVESTIGATOR")
    kit.size(1, 20, usubjid="1", **radiologist)
    kit.state(1, "PRESENT", usubjid="2", **radiologist)
    kit.build("staging.analysis_reader")
    assert kit.rows("staging.analysis_reader", "patient_id, reader, chosen_by") == [
        ("s1/1", "INDEPENDENT ASSESSOR / RADIOLOGIST 1", "study_order"),
        ("s1/2", "INVESTIGATOR", "study_order"),
    ]


def test_a_role_in_the_studys_order_means_every_reader_of_that_role(kit):
    """README's example: before, the investigator was taken, for no reader is called by the role."""
    kit.add("study_reader", {"reader": "Independent Assessor", "priority": 1})
    kit.add("study_reader", {"reader": "INVESTIGATOR", "priority": 2})
    kit.add("study_reader", {"reader": "INDEPENDENT ASSESSOR/RADIOLOGIST 2", "priority": 3})
    for subject in ("1", "2", "3"):
        kit.size(1, 20, usubjid=subject, treval="INVESTIGATOR")
    for subject, which in (("1", "RADIOLOGIST 1"), ("1", "RADIOLOGIST 2"), ("2", "RADIOLOGIST 2")):
        kit.size(1, 20, usubjid=subject, treval="INDEPENDENT ASSESSOR", trevalid=which)
    kit.build("staging.analysis_reader", "analysis.baseline_lesion")
    assert kit.rows("staging.reader_priority", "reader, priority, is_named_in_full") == [
        ("INDEPENDENT ASSESSOR / RADIOLOGIST 1", 1, False),
        ("INDEPENDENT ASSESSOR / RADIOLOGIST 2", 3, True),
        ("INVESTIGATOR", 2, True),
    ]
    assert kit.rows("staging.analysis_reader", "patient_id, reader, chosen_by") == [
        ("s1/1", "INDEPENDENT ASSESSOR / RADIOLOGIST 1", "study_order"),
        ("s1/2", "INVESTIGATOR", "study_order"),
        ("s1/3", "INVESTIGATOR", "only_reader"),
    ]


def test_without_a_stated_order_accepted_records_then_results_then_the_name_decide(kit):
    for subject, accepted, more in (("1", "B", "A"), ("2", "", "B"), ("3", "", "")):
        for reader in ("A", "B"):
            flag = "Y" if reader == accepted else None
            kit.size(1, 20, usubjid=subject, treval=reader, tracptfl=flag)
            if reader == more:
                kit.size(43, 20, usubjid=subject, treval=reader)
    kit.build("staging.analysis_reader")
    assert kit.rows("staging.analysis_reader", "patient_id, reader, chosen_by") == [
        ("s1/1", "B", "accepted_record"),
        ("s1/2", "B", "most_results"),
        ("s1/3", "A", "most_results"),
    ]


def test_every_lesion_and_patient_that_is_not_analysed_has_one_exclusion(kit):
    for subject in ("2", "3", "4", "5"):
        kit.subject(subject)
    kit.subject("6", armcd="SCRNFAIL", arm="Screen Failure")
    # 1: analysed, with a lesion measured once; 2: none twice; 3: too early; 4: non-target only.
    kit.size(1, 20)
    kit.size(43, 10)
    kit.size(1, 20, label="T02")
    kit.size(1, 20, treval="SECOND READER")
    kit.size(1, 20, usubjid="2")
    kit.size(-100, 20, usubjid="3")
    kit.size(43, 20, usubjid="3")
    kit.state(1, "PRESENT", usubjid="4")
    kit.build("core.patient", "core.lesion")
    assert kit.rows("core.exclusion", "level, patient_id, lesion_id, reason_id") == [
        ("lesion", "s1/1", "s1/1/-/T02", "not_longitudinal"),
        ("lesion", "s1/1", "s1/1/SECOND_READER/T01", "other_reader"),
        ("lesion", "s1/2", "s1/2/-/T01", "not_longitudinal"),
        ("lesion", "s1/3", "s1/3/-/T01", "early_baseline"),
        ("lesion", "s1/4", "s1/4/-/NT01", "patient_excluded"),
        ("patient", "s1/2", None, "not_longitudinal"),
        ("patient", "s1/3", None, "early_baseline"),
        ("patient", "s1/4", None, "no_target_lesion"),
        ("patient", "s1/5", None, "no_lesions"),
        ("patient", "s1/6", None, "screen_failure"),
    ]
    assert kit.rows("core.patient", "patient_id", "is_analysed") == [("s1/1",)]
    assert kit.rows("core.lesion", "lesion_id", "is_analysed") == [("s1/1/-/T01",)]
    unexplained = "is_analysed <> (exclusion_reason IS NULL)"
    assert kit.rows("core.patient", "patient_id", unexplained) == []
    assert kit.rows("core.lesion", "lesion_id", unexplained) == []


@pytest.mark.parametrize(("limit", "is_analysed"), [(84, True), (83, False)])
def test_a_baseline_12_weeks_before_treatment_is_just_early_enough(limit, is_analysed):
    with SqlKit(settings={"exclusion.baseline_max_days_before": limit}) as kit:
        kit.study("s1")
        kit.subject("1")
        kit.size(-84, 20)
        kit.size(43, 20)
        assert lesions(kit, "baseline_day, is_analysed") == [(-84, is_analysed)]


def test_lesions_of_unknown_patients_stand_alone_and_are_analysed():
    with SqlKit() as kit:
        kit.study("s1", patients="unknown", day_convention="zero_based")
        for label in ("1", "2"):
            kit.size(-21, 39, label=label, usubjid=None, xbasevol="17283.08374")
        kit.size(41, 35, label="1", usubjid=None)
        columns = "lesion_id, patient_id, is_patient_unknown, is_analysed, lesion_number"
        assert lesions(kit, columns) == [
            ("s1/?/-/1", None, True, True, 1),
            ("s1/?/-/2", None, True, False, 2),
        ]
        kit.build("core.patient", "quality.row_audit")
        assert kit.rows("core.patient") == []
        assert kit.rows("quality.row_audit", "step", "NOT is_balanced") == []


def test_a_stated_baseline_volume_that_is_not_that_of_the_baseline_is_flagged(kit):
    for label, stated in (("T01", "17283.08"), ("T02", "2330.8665"), ("T03", None)):
        kit.size(1, 39, label=label, xbasevol=stated)
        kit.size(43, 20, label=label, xbasevol=stated)
    assert lesions(kit, "lesion_label, is_stated_baseline_different") == [
        ("T01", False),
        ("T02", True),
        ("T03", None),
    ]


def test_split_and_merged_lesions_are_related_to_where_they_came_from(kit):
    for label in ("T01", "T02", "T03"):
        kit.lesion(label, tudy="1")
    kit.lesion("T01.1", tutestcd="TUSPLIT", tudy="43")
    kit.lesion("T01.2", tutestcd="TUSPLIT", tudy="43")
    kit.lesion("T02/T03", tutestcd="TUMERGE", tudy="85")
    kit.build("core.lesion_lineage")
    assert kit.rows("core.lesion_lineage", "lesion_id, related_lesion_id, relation, day") == [
        ("s1/1/-/T01.1", "s1/1/-/T01", "split", 42),
        ("s1/1/-/T01.2", "s1/1/-/T01", "split", 42),
        ("s1/1/-/T02/T03", "s1/1/-/T02", "merged", 84),
        ("s1/1/-/T02/T03", "s1/1/-/T03", "merged", 84),
    ]


def test_two_lesions_of_one_organ_that_coalesce_on_one_day_are_merged(kit):
    for label, site in (("T01", "LIVER"), ("T02", "LIVER"), ("T03", "LUNG")):
        kit.lesion(label, tuloc=site)
        kit.state(85, "COALESCED", label=label)
    kit.build("core.lesion_lineage")
    assert kit.rows("core.lesion_lineage", "lesion_id, related_lesion_id, relation, day") == [
        ("s1/1/-/T02", "s1/1/-/T01", "merged", 84)
    ]


@pytest.mark.parametrize(
    ("second", "is_duplicate"),
    [
        ((30, 25, 20, 22, 31), True),
        ((30, 25, 20, 22, 30), False),
        ((30, 25, 20, 22), False),
    ],
)
def test_two_target_lesions_of_one_site_with_equal_courses_are_one_marked_twice(
    kit, second, is_duplicate
):
    first = (30, 25, 20, 22, 31)
    for label, course in (("T01", first), ("T02", second)):
        kit.lesion(label, tuloc="LUNG")
        for scan, size in enumerate(course):
            kit.size(1 + 42 * scan, size, label=label)
    kit.build("core.lesion_lineage")
    expected = [("s1/1/-/T02", "s1/1/-/T01", "duplicate", 0, False)] if is_duplicate else []
    assert kit.rows("core.lesion_lineage") == expected


def test_equal_courses_of_two_sizes_only_are_no_duplicate(kit):
    for label in ("T01", "T02"):
        kit.lesion(label, tuloc="LUNG")
        for scan, size in enumerate((10, 10, 10, 9, 9, 9)):
            kit.size(1 + 42 * scan, size, label=label)
    kit.build("core.lesion_lineage")
    assert kit.rows("core.lesion_lineage") == []


@pytest.mark.parametrize(
    ("kind", "word", "status"),
    [
        ("NON-TARGET", "ABSENT", "CR"),
        ("NON-TARGET", "PRESENT", "SD"),
        ("NON-TARGET", "EQUIVOCAL", "SD"),
        ("NON-TARGET", "Unequivocal progression", "PD"),
        ("NON-TARGET", "UNEQUIVOCAL", "PD"),
        ("NON-TARGET", "Not evaluable", "NE"),
        ("NEW", "PRESENT", "PD"),
        ("NEW", "EQUIVOCAL", "NE"),
        ("NEW", "ABSENT", "CR"),
    ],
)
def test_words_on_a_lesion_become_a_status(kit, kind, word, status):
    kit.lesion("L1", kind)
    kit.state(43, word, label="L1")
    kit.build("core.lesion_assessment")
    assert kit.rows("core.lesion_assessment", "day, status") == [(42, status)]


def test_an_unknown_word_on_a_lesion_is_kept_and_reported(kit):
    kit.lesion("L1", "NON-TARGET")
    for day in (43, 85):
        kit.state(day, "so so", label="L1")
    kit.build("core.lesion_assessment", "quality.quarantine", "quality.finding_lesions")
    assert kit.rows("core.lesion_assessment") == []
    assert kit.rows("quality.quarantine") == []
    assert kit.rows("quality.finding_lesions", "defect_id, value, message") == [
        ("rows.6a", "SO SO", "A state that is not known, on 2 rows of 1 lesions.")
    ]


def test_of_two_words_on_one_day_the_worse_counts_unless_one_is_accepted(kit):
    for label, accepted in (("NT01", None), ("NT02", "Y")):
        kit.state(43, "ABSENT", label=label, tracptfl=accepted)
        kit.state(43, "UNEQUIVOCAL PROGRESSION", label=label)
    kit.build("core.lesion_assessment")
    assert kit.rows("core.lesion_assessment", "lesion_id, status, has_conflict") == [
        ("s1/1/-/NT01", "PD", True),
        ("s1/1/-/NT02", "CR", True),
    ]


def test_the_first_day_of_a_new_lesion_is_its_detection(kit):
    kit.lesion("N01", "NEW", tudy="85")
    kit.state(85, "PRESENT", label="N01")
    kit.state(127, "PRESENT", label="N01")
    kit.lesion("N02", "NEW", tudy=None)
    kit.state(43, "PRESENT", label="N02")
    assert lesions(kit, "lesion_label, first_day") == [("N01", 84), ("N02", 42)]


def test_a_radiomic_feature_finds_the_lesion_of_the_analysis_reader(kit):
    for reader in ("A", "B"):
        kit.lesion("T01", tueval=reader, tuloc="LIVER")
        kit.size(1, 20, treval=reader)
    kit.size(43, 20, treval="B")
    rows = [("T01", "3.5"), ("T01", "3.6"), ("X9", "1.0"), ("X9", "big")]
    for label, value in rows:
        kit.add(
            "rf",
            {"usubjid": "1", "rflnkid": label, "rftestcd": "energy", "rforres": value, "rfdy": "1"},
        )
    kit.build("core.radiomic_feature", "quality.row_audit")
    assert kit.rows("core.radiomic_feature", "lesion_id, day, region, segmentation, value") == [
        ("s1/1/-/X9", 0, "whole", "original", 1.0),
        ("s1/1/B/T01", 0, "whole", "original", 3.5),
    ]
    step = "step = 'raw.rf -> core.radiomic_feature'"
    columns = "rows_in, rows_out, rows_quarantined, rows_collapsed, is_balanced"
    assert kit.rows("quality.row_audit", columns, step) == [(4, 2, 1, 1, True)]


def test_a_procedure_touches_a_lesion_or_an_organ(kit):
    kit.lesion("T01", tuloc="LIVER")
    kit.size(1, 20)
    pr = {"usubjid": "1", "prstdy": "50"}
    kit.add(
        "pr",
        {**pr, "prtrt": "SBRT", "prdecod": "RADIOTHERAPY", "prlnkid": "T01"},
        {**pr, "prtrt": "Left hemicolectomy", "prloc": "COLON", "prstdy": "-100"},
    )
    kit.build("core.procedure")
    columns = "procedure_type, organ, lesion_id, day, is_before_treatment"
    assert kit.rows("core.procedure", columns) == [
        ("radiotherapy", "liver", "s1/1/-/T01", 49, False),
        ("surgery", "gi_tract", None, -100, True),
    ]


def test_a_biomarker_below_its_limit_carries_the_limit(kit):
    lb = {"usubjid": "1", "lbtestcd": "CEA", "lbspec": "SERUM", "lborresu": "ug/L", "lbdy": "1"}
    kit.add(
        "lb",
        {**lb, "lborres": "<0.5", "lblloq": "0.5"},
        {**lb, "lborres": "20.1", "lbdy": "43"},
        {**lb, "lborres": "20.1", "lbdy": "43", "lbseq": "9"},
    )
    kit.build("core.specimen", "core.biomarker")
    columns = "day, value, unit, detection_limit, is_below_limit, specimen_id, n_source_rows"
    assert kit.rows("core.biomarker", columns) == [
        (0, 0.5, "ug/L", 0.5, True, "s1/1/serum/0", 1),
        (42, 20.1, "ug/L", None, False, "s1/1/serum/42", 2),
    ]
    assert kit.rows("core.specimen", "specimen_id") == [("s1/1/serum/0",), ("s1/1/serum/42",)]
