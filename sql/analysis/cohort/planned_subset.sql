/* The subsets of patients that the analysis plans ask for, by name.
   Why: a plan names a kind of subset; study stands for each study by itself, and tumor type for each tumor type. This
   is where kinds become subsets, so that a subset without patients is still planned and says that it has none.
   How: studies whose patients are unknown are none. Tumor types are listed where there are several; one by itself is
   all.
   Grain: one row per subset
   Key: subset
*/
WITH kind AS (
    SELECT subset_kind FROM staging.survival_plan
    UNION
    SELECT subset_kind FROM staging.cox_plan
    UNION
    SELECT subset_kind FROM staging.comparison_plan
    UNION
    SELECT subset_kind FROM staging.correlation_plan
),

study AS (
    SELECT
        study_id,
        tumor_type,
        min(tumor_type) OVER () <> max(tumor_type) OVER () AS is_one_of_several
    FROM core.study
    WHERE NOT is_patient_unknown
),

named AS (
    SELECT
        subset_kind,
        subset_kind AS subset
    FROM kind
    WHERE subset_kind NOT IN ('study', 'tumor type')
    UNION ALL
    SELECT
        'study' AS subset_kind,
        'study ' || study_id AS subset
    FROM study
    UNION ALL
    SELECT DISTINCT
        'tumor type' AS subset_kind,
        'tumor type ' || tumor_type AS subset
    FROM study
    WHERE is_one_of_several AND tumor_type IS NOT NULL
)

SELECT
    subset, -- name of the subset: all, study and its id, tumor type and its name, or which patients in words
    subset_kind -- what the plans name: the same, or study or tumor type for every one of them
FROM named
