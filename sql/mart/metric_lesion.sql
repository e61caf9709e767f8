/* One analysed lesion, with its organ, its patient, its events and its phases.
   Why: what the measures of mart.metric that count lesions are computed from.
   Caveats: events are those observed under the rule set that lesions.toml selects. Lesions of one patient are not
   independent: for hazard ratios see mart.fig_hazard_organ.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public, view
*/
WITH response AS (
    SELECT
        lesion_id,
        is_event,
        time_days
    FROM mart.fct_lesion_event
    WHERE is_selected_rule_set AND source = 'observed' AND endpoint = 'response'
),

progression AS (
    SELECT
        lesion_id,
        is_event,
        time_days
    FROM mart.fct_lesion_event
    WHERE is_selected_rule_set AND source = 'observed' AND endpoint = 'progression'
)

SELECT
    lesion.lesion_id, -- text id of the lesion: study / subject / reader / lesion
    lesion.patient_id, -- text id of the patient; NULL where the source does not say
    lesion.study_id, -- text id of the study
    study.tumor_type, -- tumor type, as the study states it
    patient.treatment, -- the patient's treatment
    patient.treatment_class, -- its class
    patient.kras_status, -- the patient's KRAS status
    patient.sex, -- the patient's sex: M or F
    lesion.lesion_type, -- target, non-target or new
    lesion.organ, -- id of the organ
    organ.display_name AS organ_name, -- name of the organ for a report
    organ.organ_group, -- group of organs
    organ.sort_order AS organ_order, -- order of the organ in figures
    lesion.baseline_diameter_mm, -- diameter at baseline, mm
    lesion.baseline_volume_mm3, -- volume at baseline, mm3
    lesion.n_measurements, -- measurements with a size
    response.is_event AS has_response, -- it responded; NULL where responses are not called for it
    response.time_days AS response_or_censoring_days, -- day of its response, or of censoring; from first dose
    progression.is_event AS has_progression, -- it progressed; NULL where progressions are not called for it
    progression.time_days
        AS progression_or_censoring_days, -- day of its progression, or of censoring; from first dose
    phase.nadir_ratio, -- smallest size over baseline size
    phase.last_ratio, -- last size over baseline size
    phase.is_consistent_with_total, -- the lesion goes the way of the patient's sum of diameters
    phase.gower_distance -- mean Gower distance to the patient's other lesions
FROM mart.dim_lesion AS lesion
INNER JOIN mart.dim_study AS study ON lesion.study_id = study.study_id
LEFT JOIN mart.dim_patient AS patient ON lesion.patient_id = patient.patient_id
LEFT JOIN mart.dim_organ AS organ ON lesion.organ = organ.organ
LEFT JOIN response ON lesion.lesion_id = response.lesion_id
LEFT JOIN progression ON lesion.lesion_id = progression.lesion_id
LEFT JOIN mart.fct_response_phase AS phase ON lesion.lesion_id = phase.lesion_id
WHERE lesion.is_analysed
