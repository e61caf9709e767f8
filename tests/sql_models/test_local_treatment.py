"""Which lesions a procedure reaches, and from which day they are not evaluable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlkit import SqlKit

BASELINE = "-9"
"""SDTM study day of every baseline scan: day -9 from the first dose."""


def patient(settings: dict[str, Any] | None = None) -> SqlKit:
    """Subject 1: T01 and T02 in the liver, T03 in the lung, NT01 in bone, from baseline on."""
    kit = SqlKit(settings)
    kit.study("s1")
    kit.subject("1")
    for label, site in (("T01", "LIVER"), ("T02", "LIVER"), ("T03", "LUNG")):
        kit.lesion(label, tuloc=site)
        for day in (BASELINE, "57", "113"):
            kit.size(day, 30, label)
    kit.lesion("NT01", "NON-TARGET", tuloc="BONE", tudy=BASELINE)
    for day in (BASELINE, "57", "113"):
        kit.state(day, "PRESENT")
    return kit


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    with patient() as made:
        yield made


def treat(kit: SqlKit, name: str, day: str | None = "71", **pr: str) -> None:
    kit.add("pr", {"usubjid": "1", "prtrt": name, "prdecod": name, "prstdy": day, **pr})


def reach(kit: SqlKit) -> list[tuple[Any, ...]]:
    """Rule and labels of the lesions of each procedure, and whether it is ambiguous."""
    kit.build("analysis.procedure_reach")
    return kit.query(
        "SELECT rule_id, list_transform(lesion_ids, lambda x: split_part(x, '/', -1)), "
        "is_ambiguous FROM analysis.procedure_reach ORDER BY procedure_id"
    )


@pytest.mark.parametrize(
    ("name", "pr", "rule", "lesions", "is_ambiguous"),
    [
        ("RESECTION", {"prlnkid": "T01", "prloc": "LIVER"}, "named_lesion", ["T01"], False),
        ("RADIOTHERAPY", {"prlnkid": "NT01"}, "named_lesion", ["NT01"], False),
        ("RADIOTHERAPY", {"prloc": "LUNG"}, "only_lesion", ["T03"], False),
        ("RESECTION", {"prloc": "LIVER"}, "several_lesions", ["T01", "T02"], True),
        ("RADIOTHERAPY", {"prloc": "BRAIN"}, "no_lesion", [], True),
        ("RADIUM-223 DICHLORIDE", {}, "bone_seeking", ["NT01"], False),
        ("LUTETIUM (177LU) OXODOTREOTIDE", {}, "whole_body", ["NT01", "T01", "T02", "T03"], False),
        ("TACE", {}, "liver_artery", ["T01", "T02"], False),
        ("TACE", {"prlnkid": "T03"}, "liver_artery", ["T01", "T02", "T03"], False),
        ("WHOLE LUNG RADIOTHERAPY", {"prloc": "LUNG"}, "whole_organ", ["T03"], False),
        ("WBRT", {"prloc": "BRAIN"}, "no_lesion", [], True),
    ],
)
def test_the_first_rule_that_fits_says_which_lesions_were_treated(
    kit: SqlKit, name: str, pr: dict[str, str], rule: str, lesions: list[str], is_ambiguous: bool
) -> None:
    treat(kit, name, **pr)
    assert reach(kit) == [(rule, lesions, is_ambiguous)]


@pytest.mark.parametrize(
    "name", ["CHEST RADIOGRAPH", "LIVER BIOPSY", "BONE SCAN", "MIBG IMAGING", "RADIOLOGY REVIEW"]
)
def test_pictures_and_biopsies_treat_nothing(kit: SqlKit, name: str) -> None:
    treat(kit, name, prlnkid="T01")
    assert reach(kit) == []


def test_what_was_done_before_the_baseline_reaches_nothing(kit: SqlKit) -> None:
    treat(kit, "RESECTION", BASELINE, prloc="LUNG")
    treat(kit, "RADIOTHERAPY", "-40", prlnkid="T01")
    assert reach(kit) == []


def test_a_procedure_without_a_day_reaches_nothing_and_is_a_finding(kit: SqlKit) -> None:
    treat(kit, "RADIOTHERAPY", None, prlnkid="T01")
    treat(kit, "RESECTION", None, prloc="COLON", prcat="PRIOR TREATMENT")
    assert reach(kit) == [("day_unknown", [], True)] * 2
    kit.build("quality.finding_treatment")
    assert kit.rows("quality.finding_treatment", "defect_id, message") == [
        ("rows.4h", "RADIOTHERAPY on a day that is not known.")
    ]


def test_where_the_lesion_is_left_open_the_setting_and_a_finding_say_so() -> None:
    with patient({"local_treatment.unnamed_lesion": "none"}) as kit:
        treat(kit, "RESECTION", prloc="LIVER")
        treat(kit, "RADIOTHERAPY", prloc="BRAIN")
        kit.build("analysis.local_treatment", "quality.finding_treatment")
        assert kit.rows("analysis.local_treatment") == []
        assert kit.rows("quality.finding_treatment", "defect_id, message") == [
            ("rows.4g", "RESECTION on day 70 names no lesion of several in its organ; "
             "none is taken to be treated."),
            ("rows.4h", "RADIOTHERAPY on day 70 reaches no lesion that is followed."),
        ]  # fmt: skip


def test_each_reader_knows_lesions_of_their_own() -> None:
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1")
        for reader, label in (("A", "A-1"), ("B", "B-1"), ("B", "B-2")):
            kit.lesion(label, tuloc="LIVER", tueval=reader)
            kit.size(BASELINE, 30, label, treval=reader)
        treat(kit, "RADIOTHERAPY", prlnkid="A-1", prloc="LIVER")
        kit.build("analysis.procedure_reach")
        assert kit.rows("analysis.procedure_reach", "reader, rule_id, n_lesions") == [
            ("A", "named_lesion", 1),
            ("B", "several_lesions", 2),
        ]


@pytest.mark.parametrize(
    ("policy", "strategy", "day", "is_patient_censored"),
    [
        ("not_evaluable", "while on treatment", 70, False),
        ("censored", "hypothetical", 70, True),
        ("kept", "treatment policy", None, False),
    ],
)
def test_the_policy_is_stated_in_the_table(
    policy: str, strategy: str, day: int | None, is_patient_censored: bool
) -> None:
    with patient({"local_treatment.policy": policy}) as kit:
        treat(kit, "RADIOTHERAPY", "91", prlnkid="T01")
        treat(kit, "RESECTION", "71", prlnkid="T01")
        kit.build("analysis.local_treatment")
        columns = (
            "lesion_label, treated.first_day, not_evaluable_from, procedure_type, n_procedures, "
            "policy, strategy, is_patient_censored"
        )
        found = kit.query(
            f"SELECT {columns} FROM analysis.local_treatment AS treated "
            "JOIN core.lesion USING (lesion_id)"
        )
        assert found == [
            ("T01", 70, day, "surgery", 2, policy, strategy, is_patient_censored)
        ]  # fmt: skip


def test_a_lesion_that_split_off_a_treated_one_is_treated_too(kit: SqlKit) -> None:
    kit.lesion("T01.1", tuloc="LIVER", tudy="113", tutestcd="TUSPLIT")
    kit.size("113", 12, "T01.1")
    treat(kit, "RADIOTHERAPY", prlnkid="T01")
    kit.build("analysis.local_treatment")
    assert kit.rows("core.lesion_lineage", "relation") == [("split",)]
    found = kit.rows("analysis.local_treatment", "lesion_id, first_day, is_inherited")
    assert [(lesion.split("/")[-1], day, inherited) for lesion, day, inherited in found] == [
        ("T01", 70, False),
        ("T01.1", 70, True),
    ]


def test_a_study_has_a_policy_of_its_own() -> None:
    """The policy of study.yml takes precedence: a study of irradiation keeps its lesions."""
    with SqlKit({"local_treatment.policy": "censored"}) as kit:
        for study, policy in (("drug", None), ("irradiation", "kept")):
            kit.study(study, local_treatment=policy)
            kit.subject()
            kit.size(1, 20)
            kit.size(43, 20)
            kit.add("pr", {"usubjid": "1", "prtrt": "SBRT", "prlnkid": "T01", "prstdy": "8"})
        kit.build("analysis.local_treatment")
        columns = "study_id, policy, not_evaluable_from"
        assert kit.rows("analysis.local_treatment", columns) == [
            ("drug", "censored", 7),
            ("irradiation", "kept", None),
        ]
