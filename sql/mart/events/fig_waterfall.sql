/* One bar of the waterfall plot: a patient's best change of the sum of diameters.
   Why: depth of response of all patients at a glance.
   Caveats: the smallest change up to and including the first overall progression, of complete sums of the analysis
   reader; patients without one have no bar.
   Grain: one row per patient_id
   Key: patient_id
   Tags: figure
*/
SELECT
    outcome.patient_id, -- text id of the patient
    outcome.study_id, -- text id of the study
    patient.treatment, -- treatment
    outcome.best_change_percent, -- best change of the sum from baseline, percent
    outcome.best_overall_response, -- best response derived by RECIST 1.1, not confirmed
    row_number() OVER (ORDER BY outcome.best_change_percent DESC, outcome.patient_id ASC) AS bar_order -- 1 = worst
FROM mart.fct_patient_outcome AS outcome
INNER JOIN mart.dim_patient AS patient ON outcome.patient_id = patient.patient_id
WHERE outcome.best_change_percent IS NOT NULL AND outcome.is_analysed
