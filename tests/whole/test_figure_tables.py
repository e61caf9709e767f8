"""Figure tables that rest on every layer: what they add up to, worked out from the tables below."""

from __future__ import annotations

import pytest

from warehouse.database import open_published
from warehouse.project import Project

ANALYSED = (
    "SELECT lesion_id FROM core.lesion JOIN core.patient USING (patient_id) "
    "WHERE lesion.is_analysed AND patient.is_analysed"
)


@pytest.mark.parametrize(
    ("figure", "below"),
    [
        # Baselines are not fitted, so they are in neither count.
        ("SELECT sum(n_observations), sum(n_below_limit) FROM mart.fig_growth_goodness",
         "SELECT n_observations, n_censored FROM analysis.growth_fit"),
        ("SELECT sum(n_lesions) FROM mart.fig_growth_distribution "
         "WHERE parameter = 'f' AND estimate_kind = 'conditional_mean'",
         "SELECT n_lesions FROM analysis.growth_fit"),
        ("SELECT count(*), sum(kg_per_day) FROM mart.fig_patient_lesion",
         f"SELECT count(*), (SELECT sum(kg_per_day) FROM analysis.growth_lesion "
         f"WHERE estimate_kind = 'conditional_mode') FROM ({ANALYSED})"),
        ("SELECT count(response_day), sum(response_day), count(progression_day), "
         "sum(progression_day) FROM mart.fig_patient_lesion",
         "SELECT count(*) FILTER (endpoint = 'response'), "
         "sum(time_days) FILTER (endpoint = 'response'), "
         "count(*) FILTER (endpoint = 'progression'), "
         "sum(time_days) FILTER (endpoint = 'progression') FROM analysis.lesion_event "
         "WHERE rule_set = 'recist_1_1' AND source = 'observed' AND is_event "
         f"AND lesion_id IN ({ANALYSED})"),
        ("SELECT count(*), count(diameter_mm), count(status) FROM mart.fig_patient_scan",
         f"WITH a AS ({ANALYSED}), m AS (SELECT lesion_id, day, diameter_mm FROM core.measurement "
         "SEMI JOIN a USING (lesion_id)), w AS (SELECT lesion_id, day FROM core.lesion_assessment "
         "SEMI JOIN a USING (lesion_id)) SELECT (SELECT count(*) FROM (SELECT lesion_id, day "
         "FROM m UNION SELECT lesion_id, day FROM w)), (SELECT count(diameter_mm) FROM m), "
         "(SELECT count(*) FROM w)"),
        ("SELECT count(*), sum(volume_mm3) FROM mart.fig_patient_curve",
         "SELECT count(*), sum(volume_mm3) FROM analysis.growth_curve"),
        ("SELECT sum(n_lesions) FROM mart.fig_exclusion WHERE analysis = 'cohort'",
         "SELECT count(lesion_id) FROM (SELECT DISTINCT level, reason, lesion_id "
         "FROM core.exclusion)"),
        ("SELECT sum(rows_in_file), sum(rows_quarantined) FROM mart.fig_load",
         "SELECT sum(rows_in_file), sum(rows_quarantined) FROM raw.load_audit"),
        ("SELECT coalesce(sum(n_rows), 0) FROM mart.fig_quarantine",
         "SELECT count(*) FROM quality.quarantine"),
        ("SELECT count(*), sum(n_findings) FROM mart.fig_finding",
         "SELECT (SELECT count(*) FROM quality.defect WHERE is_detectable), "
         "(SELECT count(*) FROM quality.finding)"),
        ("SELECT count(*) FROM mart.fig_hazard_frailty",
         "SELECT count(*) FROM analysis.hazard_fit WHERE method <> 'naive'"),
    ],
    ids=["goodness", "distribution", "patient lesions", "lesion events", "scans", "curves",
         "exclusions", "load", "quarantine", "findings", "frailty"],
)  # fmt: skip
def test_it_adds_up(built: Project, figure: str, below: str) -> None:
    with open_published(built.published) as con:
        (found,) = con.execute(figure).fetchall()
        (wanted,) = con.execute(below).fetchall()
    # Sums of floats in another order differ in the last places only.
    assert found == pytest.approx(wanted, rel=1e-12)
