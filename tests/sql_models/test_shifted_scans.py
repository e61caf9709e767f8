"""Which day of its visit a scan lies on changes no response: many random courses, twice.

Each patient is in two studies: in one all scans of a visit lie on one day, in the other each scan
is up to three days away. Visits are six weeks apart; confirmation and stable disease ask for days
that no shift crosses (28 of 42 - 6, and 35 of 42 - 3), for what lies at such a limit may change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlkit import SqlKit

PATIENTS = 150
VISIT_DAYS = (-7, 42, 84, 126, 168)
SETTINGS = {"endpoints.stable_min_days": 35, "endpoints.confirmation_min_days": 28}
WORDS = ("NOT DONE", "EQUIVOCAL", "ABSENT", "UNEQUIVOCAL")


def random_patient(name: str, draw: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of TR without a day: targets, non-targets and perhaps a new lesion, visit by visit."""
    rows = []

    def add(visit: int, label: str, group: str, code: str, result: object) -> None:
        rows.append(
            {
                "usubjid": name,
                "trlnkid": label,
                "trgrpid": group,
                "trtestcd": code,
                "trorres": str(result),
                "trorresu": "mm" if code == "LDIAM" else None,
                "visit": f"VISIT {visit}",
                "visitnum": str(visit),
            }
        )

    n_visits = int(draw.integers(2, len(VISIT_DAYS) + 1))
    for target in range(int(draw.integers(1, 4))):
        size = int(draw.integers(12, 60))
        for visit in range(n_visits):
            if visit == 0 or draw.random() > 0.05:
                add(visit, f"T{target}", "TARGET", "LDIAM", size)
            size = max(0, round(size * float(draw.choice([0, 0.5, 0.7, 0.9, 1, 1.1, 1.25]))))
    for other in range(int(draw.integers(0, 3))):
        for visit in range(n_visits):
            word = (
                "PRESENT"
                if visit == 0 or draw.random() > 0.15
                else str(draw.choice(["ABSENT", "UNEQUIVOCAL PROGRESSION", "NOT EVALUABLE"]))
            )
            add(visit, f"NT{other}", "NON-TARGET", "TUMSTATE", word)
    if draw.random() < 0.4:
        for visit in range(1, n_visits):
            add(visit, "N1", "NEW", "TUMSTATE", draw.choice(WORDS))
    return rows


def test_the_days_of_single_scans_within_a_visit_change_no_response() -> None:
    draw = np.random.default_rng(20)
    with SqlKit(SETTINGS) as kit:
        patients = [random_patient(f"P{number}", draw) for number in range(PATIENTS)]
        for study, reach in (("one_day", 0), ("spread", 3)):
            kit.study(study, day_convention="zero_based")
            for number in range(PATIENTS):
                kit.add("dm", {"usubjid": f"P{number}"})
            for rows in patients:
                # A lesion of a visit is seen on one day.
                shift: dict[tuple[str, str], int] = {}
                for row in rows:
                    key = (row["visitnum"], row["trlnkid"])
                    shift.setdefault(key, int(draw.integers(-reach, reach + 1)))
                kit.add(
                    "tr",
                    *(
                        {
                            **row,
                            "trdy": str(
                                VISIT_DAYS[int(row["visitnum"])]
                                + shift[row["visitnum"], row["trlnkid"]]
                            ),
                        }
                        for row in rows
                    ),
                )
        kit.build("analysis.best_overall_response", "analysis.irecist_response")
        assert kit.query("SELECT max(n_days) FROM core.time_point") > [(2,)]

        def by_study(columns: str, table: str) -> list[list[tuple[Any, ...]]]:
            return [
                kit.query(
                    f"SELECT split_part(patient_id, '/', 2), {columns} FROM analysis.{table} "
                    f"WHERE patient_id LIKE '{study}/%' ORDER BY ALL"
                )
                for study in ("one_day", "spread")
            ]

        columns = (
            "visit, is_baseline, sum_of_diameters_mm, nadir_sum_mm, target_response, "
            "nontarget_response, has_new_lesion, overall_response"
        )
        one_day, spread = by_study(columns, "visit_response")
        assert spread == one_day
        assert {row[-1] for row in one_day} >= {"CR", "PR", "SD", "PD", "NE", None} - {None}
        columns = "best_overall_response, confirmed_best_overall_response"
        one_day, spread = by_study(columns, "best_overall_response")
        assert spread == one_day
        assert {row[1] for row in one_day} >= {"CR", "PR", "SD", "PD"}
        one_day, spread = by_study(
            "split_part(time_point_id, '/', 4), irecist_response, confirmed_by", "irecist_response"
        )
        assert spread == one_day
