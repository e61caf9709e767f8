"""How unlike the images of one patient's lesions are."""

from warehouse.report.parts import Count, Figure, Filter, Section
from warehouse.report.sections.sampling import recovery, sampling

_NONE = "No study of the project brings radiomic features."

RADIOMICS = Section(
    "radiomics",
    "Radiomics",
    "Image features of lesions: which are robust, and how they vary between the lesions of one "
    "patient (Henry 2022). Only for studies that bring such features.",
    (
        Figure(
            name="radiomic-variation",
            title="Variation of features between a patient's lesions",
            table="mart.fig_radiomic_variation",
            query="SELECT * FROM (SELECT study_id, organ, "
            "CASE WHEN is_selected THEN 'selected' ELSE 'all' END AS features, "
            "feature_class AS display_name, 'coefficient of variation, percent' AS "
            "variable, count(*) AS n, avg(cv_percent ORDER BY patient_id, feature) AS mean, "
            "quantile_cont(cv_percent, 0.1) AS percentile_10, "
            "quantile_cont(cv_percent, 0.25) AS first_quartile, "
            "quantile_cont(cv_percent, 0.5) AS median, "
            "quantile_cont(cv_percent, 0.75) AS third_quartile, "
            "quantile_cont(cv_percent, 0.9) AS percentile_90, "
            "CAST(NULL AS DOUBLE) AS median_lower, CAST(NULL AS DOUBLE) AS median_upper "
            "FROM (SELECT *, FALSE AS is_selected FROM (SELECT * EXCLUDE (is_selected) "
            "FROM mart.fig_radiomic_variation) UNION ALL BY NAME SELECT * "
            "FROM mart.fig_radiomic_variation WHERE is_selected) WHERE cv_percent IS NOT NULL "
            "GROUP BY ALL) ORDER BY study_id, organ = 'all' DESC, organ, features, display_name",
            chart="boxes",
            method="Absolute coefficient of variation of each feature in each patient; quartiles, "
            "whiskers at the 10th and 90th percentile over patients and features (Henry 2022, "
            "Fig. 4).",
            counts=(Count("values", total="n"),),
            filters=(Filter("study_id", "Study"), Filter("organ", "Organ", "all"),
                     Filter("features", "Features", "all")),
            if_empty=_NONE,
        ),
        Figure(
            name="radiomic-features",
            title="Which features say the same",
            table="mart.fig_radiomic_features",
            query="SELECT * FROM mart.fig_radiomic_features "
            "ORDER BY study_id, row_place, column_place",
            chart="matrix",
            options={"x": "column_place", "y": "row_place", "value": "correlation_abs",
                     "row": "feature", "column": "other_feature", "domain": [0, 1],
                     "words": "Absolute correlation"},
            method="Absolute correlations in the order of the cluster tree (Henry 2022, Fig. 3).",
            counts=(Count("features", distinct="feature"),),
            filters=(Filter("study_id", "Study"),),
            if_empty=_NONE,
        ),
        Figure(
            name="radiomic-lesions",
            title="How unlike one patient's lesions look",
            table="mart.fig_radiomic_lesions",
            query="SELECT *, lesion_id || ' (' || organ || ')' AS lesion, "
            "other_lesion_id || ' (' || other_organ || ')' AS other_lesion "
            "FROM mart.fig_radiomic_lesions ORDER BY patient_id, row_place, column_place",
            chart="matrix",
            options={"x": "column_place", "y": "row_place", "value": "cosine_distance",
                     "row": "lesion", "column": "other_lesion", "domain": [0, None],
                     "words": "Cosine distance"},
            method="Cosine distances between lesions in the order of the patient's tree (Henry "
            "2022, Fig. 5); 0 is alike.",
            counts=(Count("lesions", distinct="lesion_id"),),
            filters=(Filter("patient_id", "Patient"),),
            if_empty=_NONE,
        ),
        recovery("radiomic-recovery", "mart.fig_radiomic_recovery", "image features"),
        sampling("radiomic-sampling", "mart.fig_radiomic_sampling", "image features"),
    ),
)  # fmt: skip
