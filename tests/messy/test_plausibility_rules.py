"""Rules of quality.defect's section 'plausibility' at their edges: a few rows in, findings out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlkit import SqlKit


def found(kit: SqlKit, defect_id: str, columns: str = "source_row") -> list[tuple[Any, ...]]:
    parts = {"1a": "sizes", "1b": "sizes", "1c": "sizes"}
    letter = defect_id.partition(".")[2]
    part = parts.get(letter, "lesions" if letter.startswith("1") else "courses")
    kit.build(f"quality.finding_plausible_{part}")
    return kit.rows(f"quality.finding_plausible_{part}", columns, f"defect_id = '{defect_id}'")


def course(kit: SqlKit, *sizes: Any, label: str = "T01", usubjid: str = "1", **more: Any) -> None:
    """A target lesion with a size every 42 days, None where it has no row."""
    kit.lesion(label, usubjid=usubjid)
    for number, size in enumerate(sizes):
        if size is not None:
            kit.size(42 * number + 1, size, label, usubjid, **more)


def overall(kit: SqlKit, day: int, word: str, **more: Any) -> None:
    kit.add("rs", {"usubjid": "1", "rstestcd": "OVRLRESP", "rscat": "RECIST 1.1", "rsorres": word,
                   "rsstresc": word, "rsdy": str(day), **more})  # fmt: skip


@pytest.mark.parametrize(
    ("one", "two", "n"),
    [
        ((40, 20, 38), (20, 40, 21), 1),
        ((40, 41, 38), (20, 20, 21), 0),
        # Both grew and shrank: exchanged, neither would fit better than a quarter.
        ((40, 20, 38), (20, 60, 21), 0),
        # Lesions of nearly one size cannot be told apart.
        ((24, 20, 24), (20, 24, 20), 0),
        # At an end nothing says which is which.
        ((40, 20), (20, 40), 0),
    ],
)
def test_exchanged_sizes(kit: SqlKit, one: tuple[int, ...], two: tuple[int, ...], n: int) -> None:
    course(kit, *one)
    course(kit, *two, label="T02")
    days = [(42, "s1/1/-/T01")] if n else []
    assert found(kit, "plausibility.1a", "day, lesion_id") == days


@pytest.mark.parametrize(
    ("sizes", "n"),
    [((20, 10, 50), 1), ((20, 10, 49), 0), ((20, 9, 90), 0), ((20, 10, 50, 50), 0)],
)
def test_the_last_size_is_five_times_the_one_before(
    kit: SqlKit, sizes: tuple[int, ...], n: int
) -> None:
    course(kit, *sizes)
    assert len(found(kit, "plausibility.1b")) == n


@pytest.mark.parametrize(
    ("original", "unit", "standard", "n"),
    [
        ("20", "mm", "29", 1),
        ("2.0", "cm", "20", 0),
        ("2.0", "cm", "2", 1),
        ("12.4", "mm", "12", 0),
        ("12.7", "mm", "12", 1),
        ("101", "mm", "100", 0),
        ("TOO SMALL TO MEASURE", None, "5", 0),
    ],
)
def test_the_standard_result_contradicts_the_original(
    kit: SqlKit, original: str, unit: str | None, standard: str, n: int
) -> None:
    kit.lesion()
    kit.size(1, original, trorresu=unit, trstresn=standard, trstresu="mm")
    assert len(found(kit, "plausibility.1c")) == n


@pytest.mark.parametrize(
    ("middle", "n"),
    [({}, 1), ({"trstat": "NOT DONE"}, 0), ({"trorres": "NOT EVALUABLE"}, 0)],
    ids=["no row", "not done", "quarantined"],
)
def test_a_target_without_a_row_at_one_visit(kit: SqlKit, middle: dict[str, str], n: int) -> None:
    course(kit, 20, None, 22)
    course(kit, 30, 30, 30, label="T02")
    if middle:
        kit.size(43, None, "T01", **middle)
    wanted = [("s1/1/-/T01", 42)] if n else []
    assert found(kit, "plausibility.1d", "lesion_id, day") == wanted


def test_a_scan_of_one_part_of_the_body_lacks_no_lesion(kit: SqlKit) -> None:
    for label in ("T01", "T02", "T03"):
        course(kit, 20, None, 22, label=label)
    course(kit, 30, 30, 30, label="T04")
    assert found(kit, "plausibility.1d") == []


def lesions_in_liver(kit: SqlKit, counts: list[int]) -> None:
    for number, n in enumerate(counts):
        usubjid = str(100 + number)
        kit.subject(usubjid)
        for i in range(n):
            kit.lesion(f"T{i + 1:02d}", usubjid=usubjid, tuloc="LIVER")
            kit.size(1, 20, f"T{i + 1:02d}", usubjid)
    overall(kit, 43, "SD")


@pytest.mark.parametrize(
    ("counts", "n"),
    [([3, *[2] * 19], 1), ([3, *[2] * 18], 0), ([3, 3, *[2] * 18], 0), ([3, 4, *[2] * 38], 2)],
    ids=["one of 20", "too few to tell", "the study's way", "two of 40"],
)
def test_more_than_two_targets_in_one_organ(kit: SqlKit, counts: list[int], n: int) -> None:
    lesions_in_liver(kit, counts)
    assert len(found(kit, "plausibility.1e")) == n


def test_recist_1_0_takes_more_targets_in_one_organ(kit: SqlKit) -> None:
    lesions_in_liver(kit, [3, *[2] * 19])
    kit.query("UPDATE raw.rs SET rscat = 'RECIST 1.0'")
    assert found(kit, "plausibility.1e") == []


@pytest.mark.parametrize(("day", "n"), [(1, 1), (-5, 1), (2, 0), (43, 0)])
def test_a_new_lesion_on_the_baseline_scan(kit: SqlKit, day: int, n: int) -> None:
    course(kit, 20, 22)
    kit.lesion("N01", "NEW", tudy=str(day))
    assert len(found(kit, "plausibility.1f")) == n


@pytest.mark.parametrize(("size", "n"), [(15, 0), (16, 1)])
def test_a_complete_response_with_a_target_above_15_mm(kit: SqlKit, size: int, n: int) -> None:
    course(kit, 30, size)
    overall(kit, 43, "CR")
    assert len(found(kit, "plausibility.2a")) == n


@pytest.mark.parametrize(
    ("words", "sizes", "days"),
    [
        (("PD", "PR"), (30, 40, 29), [84]),
        # The lesions did shrink beyond progression.
        (("PD", "PR"), (30, 40, 21), []),
        (("PD", "SD"), (30, 40, 29), []),
        (("PR", "PD"), (30, 40, 29), []),
    ],
)
def test_a_response_after_progression(
    kit: SqlKit, words: tuple[str, str], sizes: tuple[int, ...], days: list[int]
) -> None:
    course(kit, *sizes)
    for number, word in enumerate(words):
        overall(kit, 42 * (number + 1) + 1, word)
    assert found(kit, "plausibility.2b", "day") == [(day,) for day in days]


@pytest.mark.parametrize(
    ("row", "n"),
    [
        ({"rsdy": "-3"}, 1),
        ({"rsdy": "-90"}, 0),
        ({"rsdy": "-90", "visit": "WEEK 6"}, 1),
        ({"rsdy": "-3", "rscat": "RECIST 1.1", "rsscat": "RESPONSE TO PRIOR THERAPY"}, 0),
        ({"rsdy": "43"}, 0),
    ],
    ids=["after the first scan", "before all scans", "a visit of the trial", "prior", "later"],
)
def test_progression_before_the_first_dose(kit: SqlKit, row: dict[str, str], n: int) -> None:
    kit.lesion()
    kit.size(-7, 20)
    kit.size(43, 30, visit="WEEK 6")
    overall(kit, 85, "SD")
    overall(kit, 1, "PD", **row)
    assert len(found(kit, "plausibility.2c")) == n
    # Named once: as what it is, or as history.
    history = kit.build("quality.finding_responses").rows(
        "quality.finding_responses", "value", "defect_id = 'rows.7c'"
    )
    assert len(history) == (0 if n or row["rsdy"] == "43" else 1)


@pytest.mark.parametrize(("end", "n"), [("2020-05-01", 0), ("2020-05-02", 1)])
def test_treatment_that_ends_after_death(kit: SqlKit, end: str, n: int) -> None:
    kit.subject("2", dthfl="Y", dthdtc="2020-05-01")
    kit.add("ex", {"usubjid": "2", "extrt": "A", "exstdtc": "2020-01-01", "exendtc": end})
    assert len(found(kit, "plausibility.3a")) == n


@pytest.mark.parametrize(
    ("arm", "drug", "n"),
    [
        ("FOLFOX alone", "FOLFIRI", 1),
        ("FOLFOX alone", "FOLFOX", 0),
        # Its parts are no other drug, nor is what chemotherapy in general may hold.
        ("FOLFOX alone", "OXALIPLATIN", 0),
        ("Bevacizumab plus chemotherapy", "FOLFIRI", 0),
        ("Bevacizumab plus chemotherapy", "CETUXIMAB", 1),
        # Nothing is known of the arm, or of the drug.
        ("Arm A", "FOLFIRI", 0),
        ("FOLFOX alone", "PARACETAMOL", 0),
    ],
)
def test_a_drug_that_the_arm_does_not_hold(kit: SqlKit, arm: str, drug: str, n: int) -> None:
    kit.subject("2", arm=arm, actarm=arm)
    for day in ("2020-01-01", "2020-02-01"):
        kit.add("ex", {"usubjid": "2", "extrt": drug, "exstdtc": day})
    assert len(found(kit, "plausibility.3b")) == n


@pytest.mark.parametrize(
    ("end", "more", "n"),
    [
        ("2020-02-11", {}, 1),
        ("2020-02-12", {}, 0),
        ("2020-02-11", {"dthfl": "Y", "dthdtc": "2020-02-11"}, 0),
    ],
    ids=["before", "on the day", "a death has its own rule"],
)
def test_last_contact_before_the_last_scan(
    kit: SqlKit, end: str, more: dict[str, str], n: int
) -> None:
    kit.subject("2", rfpendtc=end, **more)
    course(kit, 20, 22, usubjid="2")
    assert len(found(kit, "plausibility.3c")) == n


def test_a_copy_of_another_patient(kit: SqlKit) -> None:
    sizes = (31, 27, 26, 25, 28, 33)
    for usubjid, mine in (("2", sizes), ("3", sizes), ("4", (*sizes[:5], 34)), ("5", (20,) * 6)):
        kit.subject(usubjid)
        course(kit, *mine, usubjid=usubjid)
    kit.subject("6")
    course(kit, *(20,) * 6, usubjid="6")
    assert found(kit, "plausibility.4a", "value, message") == [
        ("3", "All 6 sizes and their days are those of 2.")
    ]


@pytest.mark.parametrize(
    ("value", "n"), [("7", 1), ("5", 1), ("-1", 1), ("1.5", 1), ("4", 0), ("0.0", 0), ("NK", 0)]
)
def test_performance_status_is_0_to_4(kit: SqlKit, value: str, n: int) -> None:
    kit.add("suppdm", {"usubjid": "1", "qnam": "ECOG", "qval": value})
    assert len(found(kit, "plausibility.4b")) == n
