"""RS qualifiers: responses to other therapies are history, and each criterion stands by itself."""

from __future__ import annotations

from typing import Any

import pytest
from sqlkit import SqlKit


def respond(kit: SqlKit, day: int | None, word: str, usubjid: str = "1", **rs: Any) -> None:
    kit.add(
        "rs",
        {
            "usubjid": usubjid,
            "rstestcd": "OVRLRESP",
            "rscat": "RECIST 1.1",
            "rsstresc": word,
            "rsdy": None if day is None else str(day),
            **rs,
        },
    )


def stated_pfs(kit: SqlKit, columns: str = "pfs_days, pfs_event") -> list[tuple]:
    return kit.build("core.patient").rows("core.patient", columns)


def test_a_response_to_prior_therapy_is_history_and_no_event(kit):
    respond(kit, -31, "PD", rscat="UNSPECIFIED", rsenrtpt="BEFORE", rsentpt="FIRST DOSE")
    bestresp = {"rstestcd": "BESTRESP", "rsenrtpt": "BEFORE", "rsentpt": "FIRST DOSE"}
    respond(kit, None, "CR", rscat="UNSPECIFIED", **bestresp)
    respond(kit, 43, "SD")
    respond(kit, 85, "SD")
    respond(kit, 85, "SD", rstestcd="BESTRESP")
    columns = "pfs_days, pfs_event, best_overall_response"
    assert stated_pfs(kit, columns) == [(84.0, False, "SD")]
    kit.build("core.response", "core.response_history", "quality.row_disposition")
    assert kit.rows("core.response_history", "test_code, response, response_period, day") == [
        ("BESTRESP", "CR", "before", None),
        ("OVRLRESP", "PD", "before", -31),
    ]
    assert kit.rows("core.response", "criterion, day, overall_response") == [
        ("RECIST 1.1", 42, "SD"),
        ("RECIST 1.1", 84, "SD"),
    ]
    # Nor does it make an assessment of the trial.
    assert kit.build("core.time_point").rows("core.time_point", "first_day") == [(42,), (84,)]
    left = "step = 'staging.disease_response -> core.response' AND reason_id LIKE 'history%'"
    assert kit.rows("quality.row_disposition", "reason_id, n_rows", left) == [
        ("history_before_the_first_dose", 2)
    ]


PERIODS = {
    # (day, qualifiers): period, rule
    "nothing said": ((43, {}), ("on study", "day_on_study")),
    "before day 1": ((-9, {}), ("before", "day_before")),
    "no day": ((None, {"rstestcd": "BESTRESP"}), ("on study", None)),
    "before screening": (
        (None, {"rsenrtpt": "before", "rsentpt": "SCREEN"}),
        ("before", "end_before_start"),
    ),
    "before, of no named point": ((43, {"rsenrtpt": "BEFORE"}), ("before", "end_before_unnamed")),
    "before the first dose's date": (
        (None, {"rsenrtpt": "BEFORE", "rsentpt": "2020-01-01"}),
        ("before", "end_before_start"),
    ),
    "before a later date": (
        (43, {"rsenrtpt": "BEFORE", "rsentpt": "2020-06-01"}),
        ("on study", "day_on_study"),
    ),
    "before the last dose": (
        (43, {"rsenrtpt": "BEFORE", "rsentpt": "LAST DOSE"}),
        ("on study", "day_on_study"),
    ),
    "before the end of study": (
        (43, {"rsenrtpt": "BEFORE", "rsentpt": "STUDY COMPLETION"}),
        ("on study", "day_on_study"),
    ),
    "after the first dose": (
        (43, {"rsenrtpt": "AFTER", "rsentpt": "FIRST DOSE"}),
        ("on study", "end_after_start"),
    ),
    "after the last dose": (
        (190, {"rsenrtpt": "AFTER", "rsentpt": "LAST DOSE OF STUDY DRUG"}),
        ("on study", "end_after_treatment"),
    ),
    "after a new therapy": (
        (190, {"rsenrtpt": "AFTER", "rsentpt": "NEW ANTICANCER THERAPY"}),
        ("after", "end_after"),
    ),
    "after, of no named point": ((190, {"rsenrtpt": "AFTER"}), ("after", "end_after")),
    "began before": (
        (None, {"rsstrtpt": "BEFORE", "rssttpt": "RANDOMIZATION"}),
        ("before", "start_before_start"),
    ),
    "began after": (
        (190, {"rsstrtpt": "AFTER", "rssttpt": "SUBSEQUENT THERAPY"}),
        ("after", "start_after"),
    ),
    "before the reference period": ((None, {"rsenrf": "BEFORE"}), ("before", "period_before")),
    "subcategory": (
        (None, {"rsscat": "Response to prior systemic therapy"}),
        ("before", "category_prior"),
    ),
    "interval in words": (
        (200, {"rsevintx": "DURING NEXT LINE OF TREATMENT"}),
        ("after", "category_next"),
    ),
    "epoch without a day": ((None, {"epoch": "SCREENING"}), ("before", "epoch_before")),
    "epoch against the day": ((43, {"epoch": "SCREENING"}), ("on study", "day_on_study")),
}


@pytest.mark.parametrize("case", PERIODS)
def test_what_the_qualifiers_say_of_the_time_of_a_response(kit, case):
    (day, qualifiers), expected = PERIODS[case]
    respond(kit, day, "SD", **qualifiers)
    # Without a day a response of the trial itself cannot be placed; history needs none.
    kit.build("staging.disease_response")
    columns = "response_period, period_rule_id"
    assert kit.rows("staging.disease_response", columns) == [expected]


def test_every_period_rule_is_reached_by_a_case():
    with SqlKit() as kit:
        kit.build("staging.response_period_rule")
        rules = {row[0] for row in kit.rows("staging.response_period_rule", "rule_id")}
    reached = {expected[1] for _, expected in PERIODS.values()}
    # Those of RSSTRTPT read as those of RSENRTPT do, and share their patterns.
    same = {"start_before_unnamed", "start_after_start", "start_after_treatment"}
    assert rules - reached == same


def test_the_progression_by_another_criterion_is_no_event(kit):
    respond(kit, 43, "SD")
    respond(kit, 43, "PD", rscat="MRECIST")
    respond(kit, 85, "SD")
    assert stated_pfs(kit) == [(84.0, False)]
    kit.build("core.response")
    columns = "criterion, day, overall_response, is_analysis_criterion"
    assert kit.rows("core.response", columns) == [
        ("RECIST 1.1", 42, "SD", True),
        ("RECIST 1.1", 84, "SD", True),
        ("mRECIST", 42, "PD", False),
    ]


def chosen(settings: dict[str, str] | None, *categories: str | None) -> list[tuple]:
    with SqlKit(settings) as kit:
        kit.study()
        kit.subject()
        for category in categories:
            respond(kit, 43, "SD", rscat=category)
        kit.build("staging.study_criterion")
        columns = "criterion, chosen_by"
        return kit.rows("staging.study_criterion", columns, "is_analysis_criterion")


def test_which_criterion_counts():
    assert chosen(None, "RECIST 1.0", "RECIST v1.1", "mRECIST") == [("RECIST 1.1", "recist_family")]
    assert chosen(None, "PCWG3", "mRECIST") == [("mRECIST", "recist_family")]
    assert chosen(None, "PCWG SCHER PROSTATE CANCER 2016") == [("PCWG3", "only_criterion")]
    assert chosen(None, None) == [("unspecified", "only_criterion")]
    assert chosen(None, "CENTRAL READ") == [("CENTRAL READ", "only_criterion")]
    assert chosen(None, "PCWG3", "CA125") == []
    wanted = {"response.criterion": "Lugano, pcwg3"}
    assert chosen(wanted, "PCWG3", "RECIST 1.1") == [("PCWG3", "setting")]
    assert chosen(wanted, "RECIST 1.1", "CA125") == [("RECIST 1.1", "recist_family")]


@pytest.mark.parametrize(
    ("categories", "days", "expected", "found"),
    [
        # RSCAT of SD (day 42) and PD (day 84); where the second is, from day 1.
        (("RECIST 1.1", "RECIST"), (43, 85), (84.0, True), ["rows.7h"]),
        (("RECIST 1.1", None), (43, 85), (84.0, True), ["rows.7h"]),
        (("RECIST 1.0", "RECIST"), (43, 85), (84.0, True), ["rows.7h"]),
        (("RECIST", None), (43, 85), (84.0, True), ["rows.7h"]),
        # One reader answers both on one day: two courses.
        (("RECIST 1.1", "RECIST"), (43, 43), (42.0, False), ["rows.7d", "rows.7i"]),
        (("RECIST 1.1", None), (43, 43), (42.0, False), ["rows.7d", "rows.7f"]),
        # A marker's responses may be those without a criterion.
        (("RECIST 1.1", None, "CA125"), (43, 85, 85), (42.0, False),
         ["rows.7d", "rows.7d", "rows.7f"]),
        # Two editions: which is meant?
        (("RECIST 1.1", "RECIST", "RECIST 1.0"), (43, 85, 85), (42.0, False),
         ["rows.7d", "rows.7d", "rows.7i"]),
    ],
)  # fmt: skip
def test_a_criterion_without_its_edition_is_the_one_that_the_study_names(
    kit, categories, days, expected, found
):
    for category, day in zip(categories, days, strict=True):
        respond(kit, day, "SD" if category == categories[0] else "PD", rscat=category)
    assert stated_pfs(kit) == [expected]
    kit.build("quality.finding_responses")
    assert [row[0] for row in kit.rows("quality.finding_responses", "defect_id, value")] == found


def test_history_by_another_edition_does_not_count_as_one(kit):
    respond(kit, -9, "PD", rscat="RECIST 1.0")
    respond(kit, 43, "SD")
    respond(kit, 85, "PD", rscat="RECIST")
    assert stated_pfs(kit) == [(84.0, True)]


def test_a_patient_with_responses_by_another_edition_alone_is_named(kit):
    """The censoring says what is the case, and a warning how to have the responses count."""
    kit.subject("2")
    respond(kit, 43, "SD")
    respond(kit, 43, "PD", usubjid="2", rscat="RECIST 1.0")
    kit.build("quality.finding_responses", "analysis.patient_endpoint")
    where = "defect_id = 'rows.7j'"
    assert kit.rows("quality.finding_responses", "value, message", where) == [
        ("RECIST 1.0",
         "1 subjects have responses by RECIST 1.0 and none by RECIST 1.1, which endpoints follow: "
         "none of theirs counts."),
    ]  # fmt: skip
    where = "endpoint = 'PFS' AND basis = 'stated' AND is_counted"
    assert kit.rows("analysis.patient_endpoint", "rule_id, time_days, is_event", where) == [
        ("PFS/no_event", 42.0, False),
        ("PFS/other_criterion", 0.0, False),
    ]


def test_a_criterion_without_an_overall_response_does_not_count(kit):
    """PCWG3: soft tissue by RECIST 1.1, the patient's response by PCWG3."""
    respond(kit, 43, "SD", rstestcd="TRGRESP")
    respond(kit, 43, "PD", rscat="PCWG3")
    assert stated_pfs(kit) == [(42.0, True)]


def test_new_lesions_alone_make_a_criterion_count(kit):
    respond(kit, 43, "Y", rstestcd="NEWLIND", rscat=None)
    kit.build("core.response")
    columns = "criterion, has_new_lesion, is_analysis_criterion"
    assert kit.rows("core.response", columns) == [("unspecified", True, True)]


# Every term of CDISC's code list of responses (C96785, ONCRSR), its release of 2025-03-28.
CDISC_TERMS = """
ABSENT MORPHOLOGIC RESPONSE|CA125 50% RESPONSE|CA125 75% RESPONSE|cCR|CHR|CLINICAL RELAPSE|CMR
CNS1|CNS2|CNS3|cPR|CR|CR-CT|CRh|CRi|CYTOGENETIC CR|CYTOGENETIC MINIMAL RESPONSE
CYTOGENETIC MINOR RESPONSE|CYTOGENETIC NO RESPONSE|CYTOGENETIC PR|DECREASED
DISEASE TRANSFORMATION|EQUIVOCAL|FAVORABLE RESPONSE
HI-E|HI-N|HI-P|iCPD|iCR|IMMUNOPHENOTYPIC CR|IMPROVED|INCREASED|INDETERMINATE RESPONSE|INDETERMINATE
iPR|irCR|irPD|irPR|irSD|iSD|iUPD|M1|M2|M3|MAJOR PATHOLOGIC RESPONSE|mCR|MINOR PATHOLOGIC RESPONSE
MOLECULAR CR|MOLECULAR MAJOR RESPONSE|MORPHOLOGIC CR|MORPHOLOGIC CRi|MORPHOLOGIC LEUKEMIA-FREE STATE
MR|MRD RELAPSE|NE|NED|NEGATIVE|NON-CR/NON-PD|NON-iCR/NON-iUPD|NON-PD|NON-QUANTIFIABLE MRD POSITIVITY
NONE BEYOND PHYSIOLOGIC REPLACEMENT DOSE|NOT ALL EVALUATED|nPR|NR|OPTIMAL MORPHOLOGIC RESPONSE
PARTIAL MORPHOLOGIC RESPONSE|pCR|PD FROM PR|PD|PD-CT|PD/RELAPSE AFTER HI|PDu|PMD|PMR|POSITIVE
PR WITH LYMPHOCYTOSIS|PR|PR-CT|PSA PROGRESSION|PSEUDOPROGRESSION|PSEUDORESPONSE
QUANTIFIABLE MRD POSITIVITY|RELAPSED DISEASE FROM CR OR PR|RELAPSED DISEASE FROM CR|RELAPSED DISEASE
sCR|SD|SD-CT|SMD|STABLE|TREATMENT FAILURE|UNEQUIVOCAL|UNFAVORABLE RESPONSE|VGPR|WORSENED
"""


def test_every_term_of_cdisc_is_known_under_some_criterion():
    terms = {term for line in CDISC_TERMS.split("\n") for term in line.split("|") if term}
    assert len(terms) == 96
    with SqlKit() as kit:
        kit.build("staging.response_word")
        known = {row[0] for row in kit.rows("staging.response_word", "word")}
        assert {term.upper() for term in terms} <= known


MEANINGS = {
    # criterion, test, word: (response, term, use)
    ("RECIST 1.1", "NTRGRESP", "SD"): ("NON-CR/NON-PD", "NON-CR/NON-PD", "not used"),
    ("RECIST 1.1", "NTRGRESP", "Non-CR / Non-PD"): ("NON-CR/NON-PD", "NON-CR/NON-PD", "used"),
    ("RECIST 1.1", "TRGRESP", "NON-CR/NON-PD"): (None, "NON-CR/NON-PD", "not used"),
    ("RECIST 1.1", "OVRLRESP", "NED"): ("NON-CR/NON-PD", "NED", "used"),
    ("RECIST 1.1", "OVRLRESP", "VGPR"): (None, "VGPR", "unknown"),
    ("RECIST 1.1", "OVRLRESP", "iUPD"): (None, "IUPD", "unknown"),
    (None, "OVRLRESP", "iCPD"): ("PD", "iCPD", "used"),
    (None, "NTRGRESP", "SD"): ("NON-CR/NON-PD", "NON-CR/NON-PD", "not used"),
    ("iRECIST", "OVRLRESP", "iCPD"): ("PD", "iCPD", "used"),
    ("iRECIST", "NTRGRESP", "iSD"): ("NON-CR/NON-PD", "NON-iCR/NON-iUPD", "not used"),
    ("WOLCHOK SOLID TUMORS 2009", "OVRLRESP", "irPR"): ("PR", "irPR", "used"),
    ("CA125", "OVRLRESP", "Non-Response/ Non-PD"): ("SD", "NON-RESPONSE/NON-PD", "used"),
    ("CA125", "OVRLRESP", "CA125 50% RESPONSE"): ("PR", "CA125 50% RESPONSE", "used"),
    ("PCWG3", "OVRLRESP", "PDu"): (None, "PDu", "used"),
    ("PCWG3", "OVRLRESP", "NON-PD"): ("NON-CR/NON-PD", "NON-PD", "used"),
    ("LUGANO CLASSIFICATION", "OVRLRESP", "NMR"): ("SD", "SMD", "used"),
    ("LUGANO CLASSIFICATION", "OVRLRESP", "PMD"): ("PD", "PMD", "used"),
    ("IMWG", "OVRLRESP", "sCR"): ("CR", "sCR", "used"),
    ("IMWG", "OVRLRESP", "MR"): ("SD", "MR", "used"),
    ("IMWG", "OVRLRESP", "CLINICAL RELAPSE"): (None, "CLINICAL RELAPSE", "used"),
    ("IWC HALLEK CLL 2018", "OVRLRESP", "PR-L"): ("PR", "PR WITH LYMPHOCYTOSIS", "used"),
    ("IWC HALLEK CLL 2018", "OVRLRESP", "CMR"): (None, "MOLECULAR CR", "used"),
    ("INRC 2017", "OVRLRESP", "MR"): ("SD", "MR", "used"),
    ("INRC 1993", "OVRLRESP", "NR"): ("SD", "NR", "used"),
    ("IMWG", "OVRLRESP", "NR"): (None, "NR", "used"),
    ("RANO", "OVRLRESP", "PD"): ("PD", "PD", "used"),
    ("RANO", "OVRLRESP", "PSEUDOPROGRESSION"): (None, "PSEUDOPROGRESSION", "used"),
    ("IMWG", "OVRLRESP", "iUPD"): (None, "IUPD", "unknown"),
}


@pytest.mark.parametrize("case", MEANINGS, ids=str)
def test_a_word_means_what_its_criterion_says(kit, case):
    category, test, word = case
    respond(kit, 43, word, rscat=category, rstestcd=test)
    kit.build("staging.disease_response")
    columns = "response, response_term, word_use"
    assert kit.rows("staging.disease_response", columns) == [MEANINGS[case]]


CDISC_CATEGORIES = {
    "CHESON CLL 2012": "iwCLL",
    "CHESON MALIGNANT LYMPHOMA 2007": "Cheson",
    "DURIE MULTIPLE MYELOMA 2006": "IMWG",
    "GCIG RUSTIN OVARIAN CANCER 2011": "RECIST 1.1 and GCIG CA-125",
    "GUPPY OVARIAN CANCER 2002": "GCIG CA-125",
    "INRC 2017": "INRC",
    "iRECIST": "iRECIST",
    "IRANO 2015": "iRANO",
    "itRECIST GOLDMACHER 2020": "itRECIST",
    "IWG CHESON AML 2003": "AML (ELN, IWG)",
    "KUMAR IMWG 2016": "IMWG",
    "LUGANO CLASSIFICATION": "Lugano",
    "MRECIST BYRNE MESOTHELIOMA 2004": "mRECIST mesothelioma",
    "MRECIST LENCIONI LIVER CANCER 2010": "mRECIST",
    "PCWG SCHER PROSTATE CANCER 2008": "PCWG2",
    "PCWG SCHER PROSTATE CANCER 2016": "PCWG3",
    "PROTOCOL DEFINED RESPONSE CRITERIA": "protocol",
    "RANO": "RANO",
    "RANO-BM LIN 2015": "RANO-BM",
    "RECIST 1.0": "RECIST 1.0",
    "RECIST 1.1": "RECIST 1.1",
    "UNSPECIFIED": "unspecified",
    "WOLCHOK SOLID TUMORS 2009": "irRC",
    # as sponsors write them
    "Modified RECIST 1.1": "mRECIST",
    "RECIST1.1": "RECIST 1.1",
    "Response Evaluation Criteria in Solid Tumors (RECIST) Version 1.1": "RECIST 1.1",
    "RECIST 1.1 - CA125": "RECIST 1.1 and GCIG CA-125",
    "PCWG3-modified RECIST 1.1": "PCWG3",
    "irRECIST": "irRECIST",
    "CA-125": "GCIG CA-125",
    "TUMOR RESPONSE": "TUMOR RESPONSE",
    "": "unspecified",
}


def test_criteria_are_known_by_the_names_of_cdisc_and_of_sponsors(kit):
    for number, category in enumerate(CDISC_CATEGORIES):
        respond(kit, 43 + number, "SD", rscat=category)
    kit.build("staging.disease_response")
    found = dict(kit.rows("staging.disease_response", "coalesce(category, ''), criterion"))
    assert found == CDISC_CATEGORIES


def test_one_criterion_by_two_scans_is_two_courses(kit):
    """Lugano by PET-CT and by computed tomography alone, as RSSCAT tells them apart."""
    respond(kit, 43, "CMR", rscat="LUGANO 2014", rsscat="INCLUDING PET-CT SCAN")
    respond(kit, 43, "PAR", rscat="LUGANO 2014", rsscat="NOT INCLUDING PET SCAN")
    kit.build("core.response")
    columns = "criterion, overall_response, overall_term, has_conflict"
    assert kit.rows("core.response", columns) == [
        ("Lugano", "CR", "CMR", False),
        ("Lugano without PET", "PR", "PAR", False),
    ]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ((), (42.0, True)),  # no later assessment
        (("iUPD", "iUPD"), (42.0, True)),  # never confirmed, never refuted
        (("NE", "iCPD"), (42.0, True)),  # confirmed: the first day counts
        (("iSD", "iSD"), (126.0, False)),  # refuted
        (("iPR", "iUPD"), (126.0, True)),  # refuted, then anew
        (("iSD", "iCPD"), (126.0, True)),
    ],
)
def test_unconfirmed_progression_by_irecist_counts_unless_a_response_follows(kit, later, expected):
    """Seymour 2017, table 2: the day of the iUPD, unless iSD, iPR or iCR comes before iCPD."""
    for number, word in enumerate(("iUPD", *later)):
        respond(kit, 43 + 42 * number, word, rscat="iRECIST")
    assert stated_pfs(kit) == [expected]


def test_an_assessment_without_a_recist_response_is_still_an_assessment(kit):
    """PDu is neither a progression nor 'not evaluable': the patient is censored there."""
    respond(kit, 43, "SD", rscat="PCWG3")
    respond(kit, 85, "PDu", rscat="PCWG3")
    respond(kit, 127, "NE", rscat="PCWG3")
    assert stated_pfs(kit) == [(84.0, False)]


def test_what_is_left_aside_is_named_with_its_count(kit):
    respond(kit, 43, "SD")
    respond(kit, 43, "SD", rstestcd="NTRGRESP")
    respond(kit, 43, "CHECK", usubjid="1", rsdy="85")
    respond(kit, -9, "PD")
    respond(kit, 43, "PD", rsenrtpt="BEFORE", rsentpt="FIRST DOSE")
    respond(kit, 43, "PD", rscat="CA125")
    respond(kit, 43, "SD", rscat="CENTRAL READ")
    kit.build("quality.finding_responses")
    assert kit.rows("quality.finding_responses", "defect_id, value, message") == [
        ("rows.7a", "CHECK", "CHECK is no known word of RECIST 1.1 for OVRLRESP."),
        ("rows.7b", "SD", "SD is no NTRGRESP of RECIST 1.1: taken as NON-CR/NON-PD."),
        ("rows.7c", "RECIST 1.1", "2 rows of 1 subjects by RECIST 1.1 are of prior therapy."),
        (
            "rows.7d",
            "CENTRAL READ",
            "1 rows of 1 subjects are by CENTRAL READ; endpoints follow RECIST 1.1.",
        ),
        (
            "rows.7d",
            "GCIG CA-125",
            "1 rows of 1 subjects are by GCIG CA-125; endpoints follow RECIST 1.1.",
        ),
        ("rows.7f", "CENTRAL READ", "1 rows are by CENTRAL READ, which names no known criterion."),
        ("rows.7g", "42", "By end_before_start it lies before the trial, and its day is 42."),
    ]


def test_several_criteria_of_which_none_counts_are_a_finding_each(kit):
    respond(kit, 43, "PD", rscat="PCWG3")
    respond(kit, 43, "PD", rscat="CA125")
    assert stated_pfs(kit) == [(None, None)]
    kit.build("quality.finding_responses")
    assert kit.rows("quality.finding_responses", "defect_id, value") == [
        ("rows.7e", "GCIG CA-125"),
        ("rows.7e", "PCWG3"),
    ]


def test_an_unknown_best_response_is_counted_among_the_rows_that_say_none(kit):
    for code, word in (("OVRLRESP", "CR"), ("BESTRESP", "?")):
        kit.add("rs", {"usubjid": "1", "rsdy": "1", "rstestcd": code, "rsorres": word})
    kit.build("quality.row_audit")
    assert kit.rows(
        "quality.row_disposition", "reason_id, n_rows", "step LIKE '%response -> core.patient'"
    ) == [("no_response_of_recist", 1), ("not_best_overall_response", 1)]
    assert kit.query("SELECT step FROM quality.row_audit WHERE NOT is_balanced") == []
