"""One patient at a time."""

from warehouse.report.parts import Count, Figure, Section

_LESIONS = """
WITH patient AS (
    SELECT patient_id, row_number() OVER (ORDER BY patient_id) - 1 AS patient
    FROM mart.fig_patient
),

lesion AS (
    SELECT
        lesion.*,
        patient.patient,
        row_number() OVER (
            ORDER BY
                patient.patient,
                CASE lesion.lesion_type WHEN 'target' THEN 1 WHEN 'non-target' THEN 2 ELSE 3 END,
                lesion.sort_order, lesion.lesion_label, lesion.lesion_id
        ) - 1 AS lesion
    FROM mart.fig_patient_lesion AS lesion
    INNER JOIN patient USING (patient_id)
)
"""

PATIENTS = Section(
    "patients",
    "Patient by patient",
    "Every analysed patient with each lesion's scans, its fitted growth curve with its band, and "
    "the days on which it was called a response or a progression.",
    (
        Figure(
            name="patient-browser",
            title="Patient browser",
            table="mart.fig_patient",
            tables=(
                "mart.fig_patient_lesion",
                "mart.fig_patient_scan",
                "mart.fig_patient_curve",
            ),
            query="SELECT * FROM mart.fig_patient ORDER BY patient_id",
            chart="patients",
            sources={
                "lesion": _LESIONS
                + "SELECT patient, lesion_label, lesion_type, display_name, first_day, "
                "baseline_diameter_mm, response_day, progression_day, kg_per_day, kd_per_day, f, "
                "nadir_day FROM lesion ORDER BY lesion",
                "scan": _LESIONS
                + "SELECT lesion.lesion, scan.day, scan.diameter_mm, scan.volume_mm3, "
                "scan.is_below_limit, scan.is_imputed, scan.status "
                "FROM mart.fig_patient_scan AS scan INNER JOIN lesion USING (lesion_id) "
                "ORDER BY lesion.lesion, scan.day",
                "curve": _LESIONS
                + "SELECT lesion.lesion, curve.day, curve.volume_mm3, curve.volume_lower_mm3, "
                "curve.volume_upper_mm3 "
                "FROM mart.fig_patient_curve AS curve INNER JOIN lesion USING (lesion_id) "
                "ORDER BY lesion.lesion, curve.day",
            },
            method="Volumes from diameters (setting volume.axis_ratio). Curves: conditional modes "
            "of the population fit of growth, with the band of the curve, without measurement "
            "error; non-target and new lesions are not fitted. Lesions in mart.fig_patient_lesion, "
            "scans in mart.fig_patient_scan, curves in mart.fig_patient_curve.",
            legend="Filled points are measured; hollow ones lie below the limit of quantification "
            "or stand for 'too small to measure' (on a logarithmic axis a size of 0 is drawn at "
            "its foot). R and P mark the days of the lesion's response and "
            "progression under the project's rule set.",
            counts=(
                Count("patients"),
                Count("lesions", total="n_lesions"),
            ),
        ),
    ),
)
