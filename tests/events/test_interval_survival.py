"""Turnbull's estimates of a small study, worked out by hand, and Kaplan-Meier at its scans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from heterogeneity.pipeline import run_node
from sqlkit import SqlKit

# Diameter on days 0, 42 and 84 of one liver lesion each. 1 responds by day 42, 2 between 42 and 84,
# 3 has no scan on day 42 and responds by 84, 4 progresses by 42, 5 stays.
SIZES = {
    "1": (20, 12, 12),
    "2": (20, 20, 12),
    "3": (20, None, 12),
    "4": (20, 26, 30),
    "5": (20, 20, 20),
}


@pytest.fixture(scope="module")
def kit() -> Iterator[SqlKit]:
    with SqlKit() as kit:
        kit.study("s1")
        for subject, sizes in SIZES.items():
            kit.subject(subject, arm="A")
            kit.lesion(usubjid=subject, tuloc="LIVER")
            for day, size in zip((1, 43, 85), sizes, strict=True):
                if size is not None:
                    kit.size(day, size, usubjid=subject)
        kit.build("analysis.patient_endpoint", "analysis.lesion_event", "core.organ")
        run_node(kit, "interval_survival")
        yield kit


WHOLE = "subset = 'all' AND arm = 'all' AND organ = 'all'"


def test_responses_lie_between_scans(kit: SqlKit) -> None:
    """Masses a on (0, 42] and b on (42, 84] maximise a b (a + b) (1 - a - b)^2: the sum is 3/5 by
    three of five, and a = b by symmetry."""
    rows = kit.rows(
        "analysis.interval_survival_curve",
        "from_days, to_days, mass, survival",
        f"{WHOLE} AND level = 'lesion' AND endpoint = 'response'",
    )
    assert [row[:2] for row in rows] == [(0, 42), (42, 84)]
    assert [row[2] for row in rows] == pytest.approx([0.3, 0.3], abs=1e-4)
    assert [row[3] for row in rows] == pytest.approx([0.7, 0.4], abs=1e-4)


def test_medians_are_intervals(kit: SqlKit) -> None:
    rows = kit.rows(
        "analysis.interval_survival_summary",
        "level, endpoint, n_members, n_patients, n_events, median_from_days, median_to_days, "
        "is_median_reached, scan_median_days",
        WHOLE,
    )
    assert rows == [
        ("lesion", "progression", 5, 5, 1, None, None, False, None),
        ("lesion", "response", 5, 5, 3, 42, 84, True, 84),
        ("patient", "progression", 5, 5, 1, None, None, False, None),
    ]


def test_every_group_of_arm_and_organ_is_there(kit: SqlKit) -> None:
    rows = kit.rows(
        "analysis.interval_survival_summary", "subset, arm, organ", "endpoint = 'response'"
    )
    assert rows == [
        ("all", "all", "all"),
        ("all", "all", "liver"),
        ("study s1", "A", "all"),
        ("study s1", "A", "liver"),
        ("study s1", "all", "all"),
        ("study s1", "all", "liver"),
    ]
