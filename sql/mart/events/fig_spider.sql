/* One point of the spider plot: a patient's change of the sum of diameters on one day.
   Why: how depth and length of response go together.
   Caveats: complete sums of the analysis reader only; the baseline is the point at 0 %.
   Grain: one row per patient_id and day
   Key: patient_id, day
   Tags: figure
*/
SELECT
    visit.patient_id, -- text id of the patient
    visit.day, -- day from first dose
    visit.study_id, -- text id of the study
    patient.treatment, -- treatment
    visit.sum_of_diameters_mm, -- sum of diameters, mm
    visit.change_from_baseline_percent, -- its change from baseline, percent
    visit.overall_response -- derived overall response of the day; NULL at baseline
FROM mart.fct_visit_response AS visit
INNER JOIN mart.dim_patient AS patient ON visit.patient_id = patient.patient_id
WHERE visit.is_analysis_reader AND visit.change_from_baseline_percent IS NOT NULL AND patient.is_analysed
