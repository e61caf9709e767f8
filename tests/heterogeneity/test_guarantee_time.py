"""Groups by responses that mean nothing: who lives longer has more, from the landmark not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from heterogeneity.pipeline import run_pipeline
from sqlkit import SqlKit

N, LANDMARK, EVERY = 300, 180, 56
FAR, NEAR = 1e-4, 0.05
"""p-values: below, the naive comparison finds what is not there; above, the one from the landmark
finds nothing. The seed is fixed; over seeds p from the landmark is uniform."""


def add_patients(kit: SqlKit) -> None:
    """Survival by a constant hazard, and sizes that go up and down by chance while they live."""
    rng = np.random.default_rng(5)
    days = np.ceil(rng.exponential(400.0, N)).astype(int)
    rows = []
    for patient, death in enumerate(np.minimum(days, 900).tolist()):
        subject = f"P{patient:03d}"
        kit.subject(subject, arm="A")
        if death < 900:
            kit.add("ds", {"usubjid": subject, "dsdecod": "DEATH", "dsstdy": str(death + 1)})
        else:
            kit.add("ds", {"usubjid": subject, "dsdecod": "COMPLETED", "dsstdy": "901"})
        for label, organ in (("T1", "LIVER"), ("T2", "LUNG")):
            kit.lesion(label, usubjid=subject, tuloc=organ)
            rows += [
                {
                    "usubjid": subject,
                    "trlnkid": label,
                    "trtestcd": "LDIAM",
                    "trorres": f"{50 * np.exp(0.3 * rng.standard_normal()):.1f}",
                    "trorresu": "mm",
                    "trdy": str(day + 1),
                }
                for day in range(0, min(death, 900), EVERY)
            ]
    kit.add("tr", *rows)


@pytest.fixture(scope="module")
def null() -> Iterator[SqlKit]:
    with SqlKit() as kit:
        kit.study("s1", tumor_type="colorectal")
        add_patients(kit)
        run_pipeline(kit, "survival_cox")
        yield kit


GROUPINGS = ("liver response", "lung response")


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_survival_differs_by_chance_responses_from_the_first_dose_only(
    null: SqlKit, grouping: str
) -> None:
    found = dict(
        null.rows(
            "analysis.survival_test",
            "grouping, struct_pack(p := p_value, free := is_guarantee_time_free, "
            "day := landmark_days, n := n_patients)",
            f"subset = 'all' AND endpoint = 'OS' AND test = 'log-rank' AND group_a = 'all' "
            f"AND starts_with(grouping, '{grouping}')",
        )
    )
    naive, landmark = found[grouping], found[f"{grouping} at landmark"]
    assert naive["p"] < FAR
    assert (naive["free"], naive["day"]) == (False, None)
    assert landmark["p"] > NEAR
    assert (landmark["free"], landmark["day"]) == (True, LANDMARK)
    assert 100 < landmark["n"] < naive["n"]


def test_groups_at_the_landmark_are_of_those_at_risk_then(null: SqlKit) -> None:
    rows = null.query(
        "SELECT min(endpoint.time_days) FROM analysis.patient_group AS grp "
        "INNER JOIN analysis.patient_endpoint AS endpoint ON grp.patient_id = endpoint.patient_id "
        "AND endpoint.endpoint = 'OS' AND endpoint.is_counted "
        "WHERE ends_with(grp.grouping, 'at landmark')"
    )
    assert rows[0][0] > LANDMARK


def test_responses_at_the_landmark_come_from_the_scans_before(null: SqlKit) -> None:
    """The smallest of the sizes of days 1 to 180 over that of day 0, from the rows as they came."""
    wanted = null.query(
        "SELECT usubjid, min(CAST(trorres AS DOUBLE)) FILTER (WHERE trdy <> '1') / "
        "min(CAST(trorres AS DOUBLE)) FILTER (WHERE trdy = '1') FROM raw.tr "
        f"WHERE trlnkid = 'T1' AND CAST(trdy AS INTEGER) - 1 <= {LANDMARK} "
        "GROUP BY usubjid HAVING count(*) > 1 ORDER BY usubjid"
    )
    found = null.rows(
        "analysis.landmark_organ", "split_part(patient_id, '/', 2), nadir_ratio",
        "organ_set = 'liver'",
    )  # fmt: skip
    assert len(found) > 200
    assert sorted(found) == [(name, pytest.approx(ratio)) for name, ratio in wanted]


def test_hazard_ratios_say_what_they_are_free_of(null: SqlKit) -> None:
    rows = null.rows(
        "analysis.survival_cox",
        "model, is_guarantee_time_free, landmark_days",
        "subset = 'all' AND endpoint = 'OS'",
    )
    found = {model: (free, day) for model, free, day in rows}
    assert found["liver response"] == (False, None)
    assert found["liver response at landmark"] == (True, LANDMARK)
    assert found["Gower distance"] == (False, None)
    assert found["treatment"] == (True, None)
