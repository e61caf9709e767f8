"""RECIST 1.1 as the simulated readers apply it, on sums small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.simulate.scans import (
    CR,
    NE,
    NONE,
    PD,
    PR,
    SD,
    Readings,
    best_response,
    nontarget_response,
    nontarget_status,
    overall_response,
    target_response,
)

LESIONS = {"patient": np.array([0, 0])}


def responses(*sizes: list[int], unread: tuple[int, int] | None = None) -> list[int]:
    long = np.array(sizes)
    read = np.ones(long.shape, dtype=bool)
    if unread:
        read[unread] = False
    made = np.ones((1, long.shape[1]), dtype=bool)
    readings = Readings(long, np.full(long.shape, -1))
    code, _ = target_response(readings, LESIONS, read, made)
    assert code[0, 0] == NONE
    return code[0, 1:].tolist()


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ([50, 35], [50, 35], [PR]),  # exactly 30 % less
        ([50, 36], [50, 35], [SD]),
        ([50, 60], [50, 60], [PD]),  # exactly 20 % more, 20 mm
        ([50, 60], [50, 59], [SD]),
        ([10, 12], [10, 12], [SD]),  # 20 % more but only 4 mm
        ([50, 30, 42], [50, 30, 30], [PR, PD]),  # 72 against the nadir 60, not the baseline
        ([50, 0], [50, 0], [CR]),
        ([50, 0], [50, 3], [PR]),  # too small to measure is still there, and counts 5 mm
    ],
)
def test_target_response(one: list[int], other: list[int], wanted: list[int]) -> None:
    assert responses(one, other) == wanted


def test_a_scan_with_an_unread_lesion_is_not_evaluable_and_no_nadir() -> None:
    # The sum of 20 on the first scan is not complete: the nadir stays 100, 80 is no progression.
    assert responses([50, 10, 40], [50, 10, 40], unread=(1, 1)) == [NE, SD]


def test_progression_shows_even_when_a_lesion_is_unread() -> None:
    assert responses([50, 130], [50, 10], unread=(1, 1)) == [PD]


def test_a_node_below_10_mm_counts_as_gone() -> None:
    readings = Readings(np.array([[30, 14], [20, 0]]), np.array([[18, 9], [-1, -1]]))
    made = np.ones((1, 2), dtype=bool)
    code, total = target_response(readings, LESIONS, np.ones((2, 2), dtype=bool), made)
    assert code[0, 1] == CR
    assert total.tolist() == [[38.0, 9.0]]  # the node by its short axis


def test_nontarget_lesions() -> None:
    readings = Readings(
        np.array([[20, 13, 30, 20], [20, 0, 0, 0]]), np.full((2, 4), -1)
    )  # fmt: skip
    status = nontarget_status(readings, 1.7, np.ones((2, 4), dtype=bool))
    assert status.tolist() == [[SD, PR, PD, PD], [SD, CR, CR, CR]]
    patient = np.array([0, 0])
    assert nontarget_response(status, patient, 2)[0, 1:].tolist() == [SD, PD, PD]
    assert (nontarget_response(status, patient, 2)[1] == NONE).all()


@pytest.mark.parametrize(
    ("target", "nontarget", "new", "wanted"),
    [
        (CR, CR, False, CR),
        (CR, SD, False, PR),
        (CR, NONE, False, CR),
        (PR, SD, False, PR),
        (SD, PD, False, PD),
        (CR, CR, True, PD),
        (NE, SD, False, NE),
        (NE, SD, True, PD),
        (NONE, NONE, False, NONE),
    ],
)
def test_overall_response(target: int, nontarget: int, new: bool, wanted: int) -> None:
    found = overall_response(np.array([[target]]), np.array([[nontarget]]), np.array([[new]]))
    assert found[0, 0] == wanted


@pytest.mark.parametrize(
    ("overall", "day", "wanted"),
    [
        ([SD, PR, PD, CR], [42, 84, 126, 168], PR),  # nothing counts after progression
        ([SD, NONE, NONE, NONE], [20, 84, 126, 168], NE),  # stable, but too early
        ([SD, NONE, NONE, NONE], [40, 84, 126, 168], SD),
        ([PD, NONE, NONE, NONE], [42, 84, 126, 168], PD),
        ([NE, NE, NONE, NONE], [42, 84, 126, 168], NE),
        ([NONE, NONE, NONE, NONE], [42, 84, 126, 168], NE),
    ],
)
def test_best_response(overall: list[int], day: list[int], wanted: int) -> None:
    assert best_response(np.array([overall]), np.array([day]))[0] == wanted
