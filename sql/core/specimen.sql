/* One specimen that something was tested in: blood, plasma, tissue.
   Why: a biomarker belongs to a specimen, and a tissue specimen to a lesion.
   Caveats: SDTM's LB has no specimen id: all results of one patient, day and type of specimen are one specimen. A
   tissue specimen takes the lesion and organ of a biopsy on the same day, where there is exactly one.
   Grain: one row per specimen_id
   Key: specimen_id
   Tags: public
*/
WITH tested AS (
    SELECT
        study_id,
        patient_id,
        day,
        lower(specimen_type) AS specimen_type,
        count(*) AS n_results
    FROM staging.laboratory_result
    WHERE specimen_type IS NOT NULL
    GROUP BY study_id, patient_id, day, lower(specimen_type)
),

biopsy AS (
    SELECT
        patient_id,
        day,
        max(organ) AS organ,
        max(lesion_id) AS lesion_id
    FROM core.procedure
    WHERE procedure_type IN ('biopsy', 'surgery') AND day IS NOT NULL
    GROUP BY patient_id, day
    HAVING count(*) = 1
)

SELECT
    tested.patient_id || '/' || tested.specimen_type || '/' || coalesce(CAST(tested.day AS VARCHAR), '?')
        AS specimen_id, -- text id of the specimen
    tested.patient_id, -- text id of the patient
    tested.study_id, -- text id of the study
    tested.day, -- day from first dose; NULL when not known
    tested.specimen_type, -- what it is, lower case: plasma, serum, tissue and others
    biopsy.organ, -- organ that tissue was taken from; NULL when not known
    biopsy.lesion_id, -- text id of the lesion that tissue was taken from; NULL when not known
    CAST(tested.n_results AS INTEGER) AS n_results -- results of this specimen
FROM tested
LEFT JOIN biopsy
    ON
        tested.patient_id = biopsy.patient_id
        AND tested.day = biopsy.day
        AND regexp_matches(tested.specimen_type, 'tissue|tumou?r|biops')
