"""What a plan says before it lists everything."""

from __future__ import annotations

from warehouse.views import _summed_up


def test_a_plan_sums_up_first() -> None:
    rows = [
        ("load", "prime", "new"),
        ("build", "core.lesion", "new"),
        ("build", "core.patient", "new"),
        ("build", "mart.dim_study", "reads core.study"),
        ("build", "growth", "code changed"),
        ("check", "core.organ", "its suite changed"),
    ]
    assert _summed_up(rows) == "In all: load 1; build 4 (2 core, 1 mart); check 1 (1 core)."
