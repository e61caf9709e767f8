/* What a study brought, and what had to be done to it: counts.
   Why: the first page of a data review. Every choice that touched a number (imputed, below the limit, conflicting) is
   counted here.
   Grain: one row per study_id
   Key: study_id
   Tags: public
*/
WITH patient AS (
    SELECT
        study_id,
        count(*) AS n_patients,
        count(*) FILTER (WHERE is_analysed) AS n_patients_analysed,
        count(*) FILTER (WHERE NOT is_in_demographics) AS n_patients_not_in_dm,
        count(*) FILTER (WHERE is_dead) AS n_deaths,
        count(*) FILTER (WHERE is_dead AND NOT is_death_date_known) AS n_deaths_without_day,
        count(*) FILTER (WHERE has_death_conflict) AS n_death_conflicts
    FROM core.patient
    GROUP BY study_id
),

lesion AS (
    SELECT
        study_id,
        count(*) AS n_lesions,
        count(*) FILTER (WHERE is_analysed) AS n_lesions_analysed,
        count(DISTINCT reader) AS n_readers,
        count(*) FILTER (WHERE lesion_type = 'target') AS n_target_lesions,
        count(*) FILTER (WHERE lesion_type = 'non-target') AS n_nontarget_lesions,
        count(*) FILTER (WHERE lesion_type = 'new') AS n_new_lesions,
        count(*) FILTER (WHERE NOT is_identified) AS n_lesions_not_in_tu,
        count(*) FILTER (WHERE n_measurements = 0 AND n_assessments = 0) AS n_lesions_never_followed,
        count(*) FILTER (WHERE organ = 'unknown') AS n_lesions_organ_unknown,
        count(*) FILTER (WHERE is_stated_baseline_different) AS n_stated_baselines_different
    FROM core.lesion
    GROUP BY study_id
),

measurement AS (
    SELECT
        study_id,
        count(*) AS n_measurements,
        count(*) FILTER (WHERE is_imputed) AS n_imputed,
        count(*) FILTER (WHERE is_below_limit) AS n_below_limit,
        count(*) FILTER (WHERE diameter_mm = 0) AS n_zero,
        count(*) FILTER (WHERE has_conflict) AS n_conflicts
    FROM core.measurement
    GROUP BY study_id
),

assessment AS (
    SELECT
        study_id,
        count(*) AS n_assessments
    FROM core.lesion_assessment
    WHERE NOT is_from_size
    GROUP BY study_id
),

result AS (
    SELECT
        study_id,
        count(*) FILTER (WHERE result_kind = 'not_done') AS n_not_done,
        count(*) FILTER (WHERE is_date_partial) AS n_partial_dates,
        count(*) FILTER (WHERE is_unit_assumed) AS n_units_assumed
    FROM staging.tumor_result
    GROUP BY study_id
),

quarantine AS (
    SELECT
        study_id,
        count(*) AS n_quarantined
    FROM quality.quarantine
    GROUP BY study_id
),

respelled AS (
    SELECT
        study_id,
        count(*) FILTER (WHERE is_respelled) AS n_ids_respelled
    FROM staging.subject_key
    GROUP BY study_id
)

SELECT
    study.study_id, -- text id of the study
    coalesce(patient.n_patients, 0) AS n_patients, -- patients
    coalesce(patient.n_patients_analysed, 0) AS n_patients_analysed, -- patients whose lesions are analysed
    coalesce(patient.n_patients_not_in_dm, 0) AS n_patients_not_in_dm, -- patients whom DM does not know
    coalesce(respelled.n_ids_respelled, 0) AS n_ids_respelled, -- spellings of ids that differ from DM's
    coalesce(patient.n_deaths, 0) AS n_deaths, -- patients who died
    coalesce(patient.n_deaths_without_day, 0) AS n_deaths_without_day, -- of these, on an unknown day
    coalesce(patient.n_death_conflicts, 0) AS n_death_conflicts, -- of these, with sources that disagree on the day
    coalesce(lesion.n_readers, 0) AS n_readers, -- readers
    coalesce(lesion.n_lesions, 0) AS n_lesions, -- lesions, every reader's
    coalesce(lesion.n_target_lesions, 0) AS n_target_lesions, -- of these, target
    coalesce(lesion.n_nontarget_lesions, 0) AS n_nontarget_lesions, -- of these, non-target
    coalesce(lesion.n_new_lesions, 0) AS n_new_lesions, -- of these, new
    coalesce(lesion.n_lesions_analysed, 0) AS n_lesions_analysed, -- of all, analysed
    coalesce(lesion.n_lesions_not_in_tu, 0) AS n_lesions_not_in_tu, -- lesions with results and no TU row
    coalesce(lesion.n_lesions_never_followed, 0) AS n_lesions_never_followed, -- lesions without any size or state
    coalesce(lesion.n_lesions_organ_unknown, 0) AS n_lesions_organ_unknown, -- lesions whose organ is not known
    coalesce(lesion.n_stated_baselines_different, 0) AS n_stated_baselines_different, -- stated volumes not ours
    coalesce(measurement.n_measurements, 0) AS n_measurements, -- measurements, every reader's
    coalesce(measurement.n_imputed, 0) AS n_imputed, -- of these, too small to measure
    coalesce(measurement.n_zero, 0) AS n_zero, -- of these, 0 mm
    coalesce(measurement.n_below_limit, 0) AS n_below_limit, -- of these, below the limit of quantification
    coalesce(measurement.n_conflicts, 0) AS n_conflicts, -- of these, with two sizes on one day
    coalesce(assessment.n_assessments, 0) AS n_assessments, -- assessments in words, every reader's
    coalesce(result.n_not_done, 0) AS n_not_done, -- rows of TR that say not done
    coalesce(result.n_partial_dates, 0) AS n_partial_dates, -- rows of TR with a partial date and a study day
    coalesce(result.n_units_assumed, 0) AS n_units_assumed, -- rows of TR without a unit
    coalesce(quarantine.n_quarantined, 0) AS n_quarantined -- rows in quality.quarantine
FROM raw.study AS study
LEFT JOIN patient ON study.study_id = patient.study_id
LEFT JOIN lesion ON study.study_id = lesion.study_id
LEFT JOIN measurement ON study.study_id = measurement.study_id
LEFT JOIN assessment ON study.study_id = assessment.study_id
LEFT JOIN result ON study.study_id = result.study_id
LEFT JOIN quarantine ON study.study_id = quarantine.study_id
LEFT JOIN respelled ON study.study_id = respelled.study_id
