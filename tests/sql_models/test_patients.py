"""Patients: ids, treatment, covariates, survival, responses."""

from __future__ import annotations

from fractions import Fraction

import pytest
from sqlkit import SqlKit


def patients(kit: SqlKit, columns: str) -> list[tuple]:
    kit.build("core.patient")
    return kit.rows("core.patient", columns)


def test_spellings_of_one_id_are_one_patient(kit):
    kit.subject("010005")
    kit.subject("01-701-1015")
    kit.size(1, 20, usubjid="10005")
    kit.size(43, 20, usubjid="010005.0")
    kit.size(1, 20, usubjid=" 1-701-1015 ")
    kit.build("staging.subject_key", "core.measurement")
    assert kit.rows("core.measurement", "patient_id, day") == [
        ("s1/01-701-1015", 0),
        ("s1/010005", 0),
        ("s1/010005", 42),
    ]
    assert kit.rows("staging.subject_key", "usubjid_raw", "is_respelled") == [
        ("010005.0",),
        ("1-701-1015",),
        ("10005",),
    ]


def test_two_ids_that_dm_lists_stay_two_patients_however_alike(kit):
    for usubjid in ("7", "007", "9007199254740993", "9007199254740992", "-5", "5"):
        kit.subject(usubjid)
    assert len(patients(kit, "patient_id")) == 7


def test_a_subject_that_dm_does_not_know_stays(kit):
    kit.size(1, 20, usubjid="99")
    kit.size(43, 20, usubjid="99")
    assert patients(kit, "patient_id, is_in_demographics, is_analysed") == [
        ("s1/1", True, False),
        ("s1/99", False, True),
    ]


def test_of_two_rows_of_a_subject_in_dm_the_first_counts(kit):
    kit.subject("2", age="60")
    kit.subject("2", age="61")
    kit.subject("2", age="60")
    assert patients(kit, "patient_id, age_years") == [("s1/1", None), ("s1/2", 60.0)]
    kit.build("quality.quarantine", "quality.row_audit")
    assert kit.rows("quality.quarantine", "column_name, value, reason_id") == [
        ("usubjid", "2", "subject_twice")
    ]
    step = "step = 'raw.dm -> staging.subject'"
    assert kit.rows(
        "quality.row_audit", "rows_in, rows_out, rows_quarantined, rows_collapsed", step
    ) == [(4, 2, 1, 1)]


@pytest.mark.parametrize(
    ("arm", "treatment", "treatment_class", "backbone", "bevacizumab", "panitumumab"),
    [
        ("FOLFOX4", "FOLFOX alone", "chemotherapy", "FOLFOX", False, False),
        ("mFOLFOX6", "FOLFOX alone", "chemotherapy", "FOLFOX", False, False),
        ("FOLFIRI", "FOLFIRI alone", "chemotherapy", "FOLFIRI", False, False),
        (
            "Panitumumab + FOLFIRI",
            "Panitumumab plus FOLFIRI",
            "antibody plus chemotherapy",
            "FOLFIRI",
            False,
            True,
        ),
        (
            "Bevacizumab plus FOLFOX",
            "Bevacizumab plus FOLFOX",
            "antibody plus chemotherapy",
            "FOLFOX",
            True,
            False,
        ),
        (
            "Chemotherapy, bevacizumab and panitumumab",
            "Panitumumab plus bevacizumab plus chemotherapy",
            "antibody plus chemotherapy",
            "chemotherapy",
            True,
            True,
        ),
        ("Panitumumab plus BSC", "Panitumumab", "antibody", None, False, True),
        ("MPDL3280A", "Atezolizumab", "other", None, False, False),
        ("Study_2_Arm_1", "Study_2_Arm_1", "other", None, False, False),
    ],
)
def test_treatment_is_read_from_the_arm(
    kit, arm, treatment, treatment_class, backbone, bevacizumab, panitumumab
):
    kit.subject("2", actarm=arm, arm="something else")
    columns = "treatment, treatment_class, backbone, has_bevacizumab, has_panitumumab"
    assert patients(kit, columns)[0] == (
        treatment,
        treatment_class,
        backbone,
        bevacizumab,
        panitumumab,
    )


def test_the_dictionary_of_a_study_goes_before_the_arms_words(kit):
    kit.add(
        "study_arm",
        {"arm": "Study_2_Arm_1", "treatment": "docetaxel", "treatment_class": "chemotherapy"},
    )
    kit.subject("2", arm="Study_2_Arm_1")
    assert patients(kit, "treatment, treatment_class, backbone")[0] == (
        "docetaxel",
        "chemotherapy",
        None,
    )


def test_covariates_come_from_suppdm_in_any_usual_wording(kit):
    values = {
        "PRIMSITE": "COLON",
        "LINETHER": "First line",
        "PRSURG": "Yes",
        "PRSURGPRI": "Y",
        "PRSURGLIV": "N",
        "PRRAD": "maybe",
        "KRAS": "Wild-type",
        "BMI": "26.2",
        "ECOG": "Fully active, able to carry on",
        "LDHRATIO": "1.5",
        "COMPLT16": "Y",
    }
    kit.add("suppdm", *({"usubjid": "1", "qnam": k, "qval": v} for k, v in values.items()))
    kit.add("suppdm", {"usubjid": "1", "qnam": "KRAS", "qval": "Mutant"})
    columns = (
        "primary_site, line_of_therapy, prior_surgery, prior_surgery_primary, "
        "prior_surgery_liver, prior_radiation, "
        "kras_status, bmi_kg_m2, ecog, ldh_ratio"
    )
    expected = ("COLON", 1, True, True, False, None, "wild-type", 26.2, 0, 1.5)
    assert patients(kit, columns) == [expected]


DEATHS = {
    "adtte": {"paramcd": "OS", "aval": "101", "avalu": "DAYS", "cnsr": "0"},
    "dd": {"ddtestcd": "PRCDTH", "ddorres": "PROGRESSION", "dddy": "111"},
    "ds": {"dsdecod": "DEATH", "dsstdy": "131"},
    "ss": {"sstestcd": "SURVSTAT", "ssorres": "DEAD", "ssdy": "141"},
    "ae": {"aeterm": "SEPSIS", "aeout": "FATAL", "aestdy": "148", "aeendy": "151"},
}


@pytest.mark.parametrize(
    ("tables", "source", "day"),
    [
        (("adtte", "dd", "ds", "ss", "ae"), "adtte", 100),
        (("dd", "ds", "ss", "ae"), "dd", 110),
        (("dm", "ds", "ss", "ae"), "dm", 120),
        (("ds", "ss", "ae"), "ds", 130),
        (("ss", "ae"), "ss", 140),
        (("ae",), "ae", 150),
    ],
)
def test_the_day_of_death_follows_a_stated_order_of_sources(tables, source, day):
    with SqlKit() as kit:
        kit.study("s1")
        in_dm = {"dthfl": "Y", "dthdtc": "2020-04-30"} if "dm" in tables else {}
        kit.subject("1", **in_dm)
        for table in tables:
            if table != "dm":
                kit.add(table, {"usubjid": "1", **DEATHS[table]})
        columns = "os_days, os_event, death_source, is_death_date_known, has_death_conflict"
        assert patients(kit, columns) == [(float(day), True, source, True, len(tables) > 1)]


def test_a_death_on_an_unknown_day_is_an_event_without_a_time(kit):
    kit.subject("2", dthfl="Y")
    kit.subject("3", dthfl="Y", dthdtc="2020-04")
    columns = "patient_id, os_days, os_event, is_dead, is_death_date_known"
    assert patients(kit, columns)[1:] == [
        ("s1/2", None, True, True, False),
        ("s1/3", None, True, True, False),
    ]


@pytest.mark.parametrize(
    ("rule", "month", "year", "seen"),
    [
        ("unknown", (None, None), (None, None), (None, None)),
        # 1 April, 1 January 2021 and, not before the scan of 20 April, that day.
        ("first", (91, "D"), (366, "M"), (110, "D")),
        # 15 April, 30 June 2021, 20 April.
        ("middle", (105, "D"), (546, "M"), (110, "D")),
    ],
)
def test_a_partial_date_of_death_is_imputed_only_where_the_setting_says_so(rule, month, year, seen):
    with SqlKit({"dates.partial_death": rule}) as kit:
        kit.study("s1")
        kit.subject("1", dthfl="Y", dthdtc="2020-04")
        kit.subject("2", dthfl="Y", dthdtc="2021")
        kit.subject("3", dthfl="Y", dthdtc="2020-04")
        kit.size(None, 20, usubjid="3", trdtc="2020-04-20")
        columns = "patient_id, os_days, death_date_flag"
        assert patients(kit, columns) == [("s1/1", *month), ("s1/2", *year), ("s1/3", *seen)]


def test_a_later_source_dates_a_death_that_an_earlier_one_does_not(kit):
    kit.subject("2", dthfl="Y")
    kit.add("ae", {"usubjid": "2", **DEATHS["ae"]})
    assert patients(kit, "os_days, death_source")[0] == (150.0, "ae")


def test_a_study_day_without_a_death_flag_is_no_death(kit):
    kit.subject("2", dthdy="500")
    kit.subject("3", dthfl="N", dthdtc="2020-04-30")
    assert patients(kit, "is_dead") == [(False,)] * 3


def test_those_who_live_are_censored_at_their_last_contact(kit):
    kit.size(1, 20)
    kit.size(43, 20)
    kit.add("ss", {"usubjid": "1", "sstestcd": "SURVSTAT", "ssorres": "ALIVE", "ssdy": "301"})
    assert patients(kit, "os_days, os_event, os_source, last_day") == [
        (300.0, False, "last_contact", 300)
    ]


def test_a_study_that_says_nothing_of_deaths_has_no_overall_survival(kit):
    """Alive at the last scan is no observation where a death would not have been told."""
    kit.size(1, 20)
    kit.size(250, 25)
    kit.add("ae", {"usubjid": "1", "aeterm": "RASH", "aeout": "RECOVERED", "aestdy": "20"})
    kit.add(
        "ds",
        {"usubjid": "1", "dsdecod": "RANDOMIZED", "dscat": "PROTOCOL MILESTONE", "dsstdy": "1"},
    )
    columns = "os_days, os_event, os_source, os_missing_reason, last_day, last_contact_source"
    assert patients(kit, columns) == [
        (None, None, None, "the study says nothing of deaths", 249, "tr")
    ]
    kit.build("analysis.patient_endpoint")
    assert kit.rows(
        "analysis.patient_endpoint",
        "time_days, is_event, rule_id",
        "endpoint = 'OS' AND is_counted",
    ) == [(None, None, "OS/deaths_not_reported")]


@pytest.mark.parametrize(
    ("table", "row", "source"),
    [
        ("ss", {"ssorres": "ALIVE", "ssdy": "90"}, "ss"),
        ("adtte", {"paramcd": "OS", "aval": "80", "avalu": "DAYS", "cnsr": "1"}, "adtte"),
        ("ds", {"dsdecod": "COMPLETED", "dscat": "DISPOSITION EVENT", "dsstdy": "100"}, "ds"),
        ("dd", {"ddtestcd": "PRCDTH", "ddorres": "PROGRESSION", "dddy": "111"}, "dd"),
        ("ae", {"aeterm": "SEPSIS", "aeout": "FATAL", "aestdy": "148"}, "ae"),
        ("dm", {"dthfl": "N"}, "dm"),
    ],
)
def test_one_row_on_deaths_lets_a_whole_study_have_survival(kit, table, row, source):
    """Subject 1 has scans only; another subject of the study has the row."""
    kit.size(1, 20)
    kit.size(250, 25)
    if table == "dm":
        kit.subject("2", **row)
    else:
        kit.subject("2")
        kit.add(table, {"usubjid": "2", **row})
    columns = "os_days, os_event, os_source, os_missing_reason"
    kit.build("core.patient")
    assert kit.rows("core.patient", columns, "patient_id = 's1/1'") == [
        (249.0, False, "last_contact", None)
    ]
    assert kit.rows("staging.survival_reporting") == [("s1", source)]


@pytest.mark.parametrize(
    ("rule", "scanned", "never_seen"),
    [
        ("when_nothing_else", (42, "tr"), (500, "dm")),
        ("always", (500, "dm"), (500, "dm")),
        ("never", (42, "tr"), (None, None)),
    ],
)
def test_the_end_of_participation_is_evidence_of_life_only_as_the_setting_says(
    rule, scanned, never_seen
):
    with SqlKit({"last_contact.participation_end": rule}) as kit:
        kit.study("s1")
        for subject in ("1", "2"):
            kit.subject(subject, rfpendtc="2021-05-15", rfendtc="2021-01-01")
        kit.size(1, 20)
        kit.size(43, 20)
        columns = "patient_id, last_contact_day, last_contact_source"
        assert patients(kit, columns) == [("s1/1", *scanned), ("s1/2", *never_seen)]


def test_survival_never_ends_before_the_first_dose(kit):
    kit.subject("2")
    kit.size(-10, 20, usubjid="2")
    kit.add("ds", {"usubjid": "1", "dsdecod": "DEATH", "dsstdy": "-3"})
    assert patients(kit, "os_days, os_event, death_day, last_contact_day") == [
        (0.0, False, None, -10),
        (0.0, True, -3, None),
    ]


@pytest.mark.parametrize(
    ("unit", "days"), [("DAYS", 11.0), ("WEEKS", 83.0), ("MONTHS", 364.25), ("YEARS", 4382.0)]
)
def test_times_of_adtte_are_days_by_a_named_factor(kit, unit, days):
    """Twelve of each unit, the first day of which is day 1 in ADaM and day 0 here."""
    kit.add(
        "adtte",
        {"usubjid": "1", "paramcd": "OS", "aval": "12", "avalu": unit, "cnsr": "1"},
        {"usubjid": "1", "paramcd": "PFS", "aval": "12", "avalu": unit, "cnsr": "0"},
    )
    assert patients(kit, "os_days, os_event, pfs_days, pfs_event, pfs_source") == [
        (days, False, days, True, "adtte")
    ]


def test_equal_differences_of_months_are_tied(kit):
    """0.3 months after progression in five patients, worked out in fractions: 9.13125 days."""
    pairs = [("0.4", "0.1"), ("0.5", "0.2"), ("1.2", "0.9"), ("12.55", "12.25"), ("20.1", "19.8")]
    for subject, (death, progression) in enumerate(pairs, 1):
        if subject > 1:
            kit.subject(str(subject))
        for code, months in (("OS", death), ("PFS", progression)):
            row = {"paramcd": code, "aval": months, "avalu": "MONTHS", "cnsr": "0"}
            kit.add("adtte", {"usubjid": str(subject), **row})
    kit.build("analysis.patient_endpoint")
    exact = {(Fraction(a) - Fraction(b)) * Fraction("30.4375") for a, b in pairs}
    assert exact == {Fraction("9.13125")}
    times = kit.rows(
        "analysis.patient_endpoint", "DISTINCT time_days", "endpoint = 'PPS' AND is_counted"
    )
    assert times == [(9.13125,)]


def test_times_written_as_months_of_whole_days_are_whole_days(kit):
    for subject, days in enumerate((1, 382, 1000), 1):
        if subject > 1:
            kit.subject(str(subject))
        row = {
            "paramcd": "OS",
            "aval": f"{(days + 1) / 30.4375:.9f}",
            "avalu": "MONTHS",
            "cnsr": "1",
        }
        kit.add("adtte", {"usubjid": str(subject), **row})
    assert patients(kit, "os_days") == [(1.0,), (382.0,), (1000.0,)]


def response(kit: SqlKit, day: int, word: str, reader: str = "A", test: str = "OVRLRESP") -> None:
    kit.add(
        "rs",
        {
            "usubjid": "1",
            "rstestcd": test,
            "rsorres": word,
            "rseval": reader,
            "rsdy": str(day),
        },
    )


def test_progression_is_the_first_pd_of_the_analysis_reader(kit):
    kit.size(1, 20, treval="A")
    response(kit, 43, "PD", "B")
    response(kit, 43, "SD", "A")
    response(kit, 85, "PD", "A")
    response(kit, 127, "PD", "A")
    assert patients(kit, "pfs_days, pfs_event, pfs_source") == [(84.0, True, "rs")]


def test_progression_is_any_readers_where_the_analysis_reader_gave_no_response(kit):
    kit.size(1, 20, treval="A")
    response(kit, 43, "PD", "B")
    assert patients(kit, "pfs_days, pfs_event") == [(42.0, True)]


def test_death_before_progression_ends_progression_free_survival(kit):
    kit.size(1, 20, treval="A")
    response(kit, 43, "SD")
    kit.add("ds", {"usubjid": "1", **DEATHS["ds"]})
    assert patients(kit, "pfs_days, pfs_event, pfs_source") == [(130.0, True, "ds")]


def test_without_progression_the_last_evaluable_assessment_censors(kit):
    kit.size(1, 20, treval="A")
    kit.size(64, 18, treval="A")
    response(kit, 43, "SD")
    response(kit, 85, "NE")
    assert patients(kit, "pfs_days, pfs_event, pfs_source") == [(63.0, False, "last_assessment")]


def test_without_any_word_on_progression_it_is_not_known(kit):
    kit.size(1, 20)
    kit.size(43, 40)
    assert patients(kit, "pfs_days, pfs_event, pfs_source") == [(None, None, None)]


def test_best_overall_response_is_the_analysis_readers(kit):
    kit.size(1, 20, treval="B")
    for reader, word in (("A", "Progressive disease"), ("B", "Partial response")):
        response(kit, 43, word, reader, "BESTRESP")
    assert patients(kit, "analysis_reader, best_overall_response") == [("B", "PR")]


def test_the_responses_of_a_visit_stand_in_one_line(kit):
    kit.lesion("T01", tueval="A")
    kit.lesion("T02", tueval="A")
    for label, size in (("T01", 20), ("T02", 11.5)):
        kit.size(43, size, label=label, treval="A")
    kit.size(43, "31.5", label=None, trtestcd="SUMDIAM", treval="A")
    kit.lesion("N1", "NEW", tueval="A", tudy="85")
    for day, test, word in (
        (43, "TRGRESP", "SD"),
        (43, "NTRGRESP", "NON-CR/NON-PD"),
        (43, "NEWLIND", "N"),
        (43, "OVRLRESP", "SD"),
        (43, "OVRLRESP", "PD"),
        (85, "OVRLRESP", "Progressive disease"),
        (85, "BESTRESP", "SD"),
    ):
        response(kit, day, word, test=test)
    kit.build("core.response")
    columns = (
        "day, target_response, nontarget_response, has_new_lesion, overall_response, "
        "sum_of_diameters_mm, n_target_lesions, stated_sum_of_diameters_mm, has_conflict"
    )
    assert kit.rows("core.response", columns) == [
        (42, "SD", "NON-CR/NON-PD", False, "PD", 31.5, 2, 31.5, True),
        (84, None, None, True, "PD", None, 0, None, False),
    ]


def test_an_unknown_word_for_a_response_is_kept_as_written_with_a_finding(kit):
    response(kit, 43, "CHECK")
    kit.build("core.response", "quality.quarantine", "quality.finding_responses")
    assert kit.rows("quality.quarantine") == []
    assert kit.rows("core.response", "day, overall_response, overall_term") == [(42, None, "CHECK")]
    assert kit.rows("quality.finding_responses", "defect_id, value", "defect_id = 'rows.7a'") == [
        ("rows.7a", "CHECK")
    ]
    assert patients(kit, "pfs_days") == [(None,)]
