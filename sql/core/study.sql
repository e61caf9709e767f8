/* One study, and how its data is to be read.
   Why: the conventions that a source follows (days, readers, too small to measure) stand beside its title, so that
   every number can be traced to them.
   Grain: one row per study_id
   Key: study_id
   Tags: public
*/
WITH setting AS (
    SELECT
        CAST(max(value) FILTER (WHERE name = 'too_small.default_mm') AS DOUBLE) AS too_small_mm,
        max(value) FILTER (WHERE name = 'local_treatment.policy') AS local_treatment_policy
    FROM meta.setting
    WHERE name = 'too_small.default_mm' OR name = 'local_treatment.policy'
)

SELECT
    study.study_id, -- text id of the study
    study.title, -- title
    study.tumor_type, -- primary tumor
    study.phase, -- phase of the trial
    study.sponsor, -- who ran it
    study.registry_id, -- identifier in a trial registry (NCT...), as study.yml states it; NULL where it does not
    study.layout, -- layout of the source: sdtm, lesion_long, radiomics or mapped
    study.day_convention, -- how the source counts days: sdtm (no day 0) or zero_based
    study.day_zero_rule, -- what the source's day zero is, in words
    coalesce(regexp_matches(upper(study.day_zero_rule), 'DOSE|TREATMENT|RANDOMI'), TRUE)
        AS is_day_zero_treatment, -- day 0 is the start of treatment: so said, or nothing else said
    study.patients = 'unknown' AS is_patient_unknown, -- the source names no patients
    coalesce(study.too_small_mm, setting.too_small_mm) AS too_small_mm, -- what 'too small to measure' becomes, mm
    study.too_small_mm IS NOT NULL AS is_too_small_stated, -- the study says so itself; else the setting does
    coalesce(study.local_treatment, setting.local_treatment_policy)
        AS local_treatment_policy, -- what becomes of lesions treated locally: the study's own, else the setting's
    study.line_of_therapy, -- line of therapy of the whole study; NULL when it differs or is not stated
    study.primary_site -- primary site of the whole study; NULL when it differs or is not stated
FROM raw.study AS study
CROSS JOIN setting
