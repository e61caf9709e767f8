/* One analysed patient in one group whose characteristics are compared.
   Why: Table 1 by arm, and how far the arms differ (analysis.baseline_balance).
   How: classes of treatment over all studies; and arms within each study that has two or more.
   Caveats: only the arms of one study can have been randomised against each other. Patients without a class, or
   without an arm, are in no such group.
   Grain: one row per patient_id and grouping
   Key: patient_id, grouping
*/
WITH analysed AS (
    SELECT
        patient_id,
        study_id,
        arm,
        treatment_class
    FROM core.patient
    WHERE is_analysed
),

several AS (
    SELECT study_id
    FROM analysed
    GROUP BY study_id
    HAVING count(DISTINCT arm) > 1
)

SELECT
    patient_id, -- text id of the patient
    'treatment class' AS grouping, -- treatment class, or arm
    'all' AS subset, -- all, or study and its id
    treatment_class AS group_name -- class of the treatment, or arm
FROM analysed
WHERE treatment_class IS NOT NULL
UNION ALL
SELECT
    analysed.patient_id,
    'arm' AS grouping,
    'study ' || analysed.study_id AS subset,
    analysed.arm AS group_name
FROM analysed
INNER JOIN several ON analysed.study_id = several.study_id
WHERE analysed.arm IS NOT NULL
