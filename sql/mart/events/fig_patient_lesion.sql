/* One lesion of the patient browser, with its events and its growth.
   Why: what a patient's panels are headed with.
   Caveats: events are those observed under the rule set that lesions.toml selects; growth parameters are conditional
   modes of the project's main fit, target lesions only.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: figure
*/
WITH event AS (
    SELECT
        lesion_id,
        max(time_days) FILTER (WHERE endpoint = 'response' AND is_event) AS response_day,
        max(time_days) FILTER (WHERE endpoint = 'progression' AND is_event) AS progression_day
    FROM mart.fct_lesion_event
    WHERE is_selected_rule_set AND source = 'observed'
    GROUP BY lesion_id
),

growth AS (
    SELECT
        growth.lesion_id,
        growth.kg_per_day,
        growth.kd_per_day,
        growth.f,
        growth.nadir_day
    FROM analysis.growth_lesion AS growth
    INNER JOIN analysis.growth_fit AS fit ON growth.fit_id = fit.fit_id
    INNER JOIN meta.setting AS setting ON fit.model = setting.value AND setting.name = 'growth.model'
    WHERE growth.estimate_kind = 'conditional_mode'
)

SELECT
    lesion.lesion_id, -- text id of the lesion
    lesion.patient_id, -- text id of the patient
    lesion.lesion_label, -- the source's own label of the lesion
    lesion.lesion_type, -- target, non-target or new
    lesion.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    lesion.first_day, -- first day on which it was seen, from first dose
    lesion.baseline_diameter_mm, -- diameter at baseline, mm
    event.response_day, -- day of its response; NULL where none was seen
    event.progression_day, -- day of its progression; NULL where none was seen
    growth.kg_per_day, -- growth rate of the resistant part, per day
    growth.kd_per_day, -- shrinkage rate of the sensitive part, per day
    growth.f, -- resistant share at the first dose
    growth.nadir_day -- day of the smallest fitted volume
FROM mart.dim_lesion AS lesion
INNER JOIN mart.fig_patient AS patient ON lesion.patient_id = patient.patient_id
LEFT JOIN core.organ AS organ ON lesion.organ = organ.organ
LEFT JOIN event ON lesion.lesion_id = event.lesion_id
LEFT JOIN growth ON lesion.lesion_id = growth.lesion_id
WHERE lesion.is_analysed
