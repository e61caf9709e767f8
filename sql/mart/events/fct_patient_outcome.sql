/* What happened to one patient.
   Why: survival, response and the first lesion to give way side by side, for every patient, analysed or not.
   Caveats: first lesion events are those observed under the rule set that lesions.toml selects. Reported responses
   are the source's; derived ones are worked out from the lesions of the analysis reader. Progression-free survival is
   the one that endpoints.basis lets count.
   Grain: one row per patient_id
   Key: patient_id
   Tags: public
*/
WITH selected AS (
    SELECT value AS rule_set
    FROM meta.setting
    WHERE name = 'rules.rule_set'
),

lesion AS (
    SELECT
        patient_id,
        count(*) AS n_lesions,
        count(*) FILTER (WHERE lesion_type = 'target') AS n_target_lesions,
        count(*) FILTER (WHERE lesion_type = 'non-target') AS n_nontarget_lesions,
        count(*) FILTER (WHERE lesion_type = 'new') AS n_new_lesions,
        count(DISTINCT organ) FILTER (WHERE lesion_type <> 'new') AS n_baseline_organs
    FROM core.lesion
    WHERE is_analysed AND patient_id IS NOT NULL
    GROUP BY patient_id
),

event AS (
    SELECT
        event.patient_id,
        event.endpoint,
        event.is_event,
        event.time_days,
        event.organ,
        event.is_tied
    FROM analysis.patient_event AS event
    INNER JOIN selected ON event.rule_set = selected.rule_set
    WHERE event.source = 'observed'
),

best AS (
    SELECT
        patient_id,
        best_overall_response,
        confirmed_best_overall_response,
        progression_day
    FROM analysis.best_overall_response
    WHERE basis = 'derived' AND is_counted_reader
    QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY reader) = 1
),

progression_free AS (
    SELECT
        patient_id,
        time_days,
        is_event,
        basis,
        rule_id
    FROM analysis.patient_endpoint
    WHERE endpoint = 'PFS' AND is_counted
),

-- The smallest change of the sum up to the progression: what a waterfall shows.
burden AS (
    SELECT
        visit.patient_id,
        max(visit.baseline_sum_mm) AS baseline_sum_mm,
        min(visit.change_from_baseline_percent) FILTER (
            WHERE NOT visit.is_baseline AND visit.day <= coalesce(best.progression_day, visit.day)
        ) AS best_change_percent
    FROM analysis.visit_response AS visit
    LEFT JOIN best ON visit.patient_id = best.patient_id
    WHERE visit.is_analysis_reader
    GROUP BY visit.patient_id
)

SELECT
    patient.patient_id, -- text id of the patient
    patient.study_id, -- text id of the study
    patient.last_day, -- last day in the trial, from first dose
    patient.os_days, -- overall survival, or time under observation, days
    patient.os_event, -- died
    patient.os_missing_reason, -- why there is no time of overall survival; NULL where there is one
    progression_free.time_days AS pfs_days, -- progression-free survival (analysis.patient_endpoint), days
    progression_free.is_event AS pfs_event, -- progressed or died; else censored
    CASE WHEN progression_free.time_days IS NOT NULL THEN progression_free.basis END
        AS pfs_basis, -- derived from the lesions, or stated by the source (ADTTE, RS)
    progression_free.rule_id AS pfs_rule_id, -- the rule that decided: staging.endpoint_rule
    patient.best_overall_response AS reported_best_overall_response, -- best response as the source reports it
    best.best_overall_response, -- best response derived by RECIST 1.1, not confirmed
    best.confirmed_best_overall_response, -- best response derived by RECIST 1.1, CR and PR confirmed
    best.progression_day, -- day of the first overall progression by RECIST 1.1
    burden.baseline_sum_mm, -- sum of diameters at baseline, mm
    burden.best_change_percent, -- smallest change of the sum from baseline up to progression, percent
    coalesce(lesion.n_lesions, 0) AS n_lesions, -- analysed lesions
    coalesce(lesion.n_target_lesions, 0) AS n_target_lesions, -- of them, target lesions
    coalesce(lesion.n_nontarget_lesions, 0) AS n_nontarget_lesions, -- of them, non-target lesions
    coalesce(lesion.n_new_lesions, 0) AS n_new_lesions, -- of them, new lesions
    coalesce(lesion.n_baseline_organs, 0) AS n_baseline_organs, -- organs with a target or non-target lesion
    selected.rule_set, -- rule set of the lesion events
    responded.time_days AS first_lesion_response_days, -- day of the first lesion response; NULL where none
    responded.organ AS first_lesion_response_organ, -- its organ
    responded.is_tied AS is_first_response_tied, -- lesions of several organs first responded on that day
    progressed.time_days AS first_lesion_progression_days, -- day of the first lesion progression; NULL where none
    progressed.organ AS first_lesion_progression_organ, -- its organ
    progressed.is_tied AS is_first_progression_tied, -- lesions of several organs first progressed on that day
    gower.gower_distance, -- mean Gower distance between the patient's lesions: how unlike they respond
    patient.is_analysed, -- has an analysed lesion
    patient.exclusion_reason -- why not; NULL where analysed
FROM core.patient AS patient
CROSS JOIN selected
LEFT JOIN best ON patient.patient_id = best.patient_id
LEFT JOIN progression_free ON patient.patient_id = progression_free.patient_id
LEFT JOIN burden ON patient.patient_id = burden.patient_id
LEFT JOIN lesion ON patient.patient_id = lesion.patient_id
LEFT JOIN event AS responded
    ON patient.patient_id = responded.patient_id AND responded.endpoint = 'response' AND responded.is_event
LEFT JOIN event AS progressed
    ON patient.patient_id = progressed.patient_id AND progressed.endpoint = 'progression' AND progressed.is_event
LEFT JOIN analysis.gower_patient AS gower ON patient.patient_id = gower.patient_id
