/* One study, and how its data is to be read.
   Why: the conventions that a source follows (days, readers, too small to measure) stand beside its title, so that
   every number can be traced to them.
   Grain: one row per study_id
   Key: study_id
   Tags: public
*/
SELECT
    study_id, -- text id of the study
    title, -- title
    tumor_type, -- primary tumor
    phase, -- phase of the trial
    sponsor, -- who ran it
    layout, -- layout of the source: sdtm, lesion_long or mapped
    day_convention, -- how the source counts days: sdtm (no day 0) or zero_based
    day_zero_rule, -- what the source's day zero is, in words
    patients = 'unknown' AS is_patient_unknown, -- the source names no patients
    coalesce(
        too_small_mm,
        (SELECT CAST(value AS DOUBLE) FROM meta.setting WHERE name = 'too_small.default_mm')
    ) AS too_small_mm, -- diameter that 'too small to measure' becomes, mm
    too_small_mm IS NOT NULL AS is_too_small_stated, -- the study says so itself; else the setting does
    line_of_therapy, -- line of therapy of the whole study; NULL when it differs or is not stated
    primary_site -- primary site of the whole study; NULL when it differs or is not stated
FROM raw.study
