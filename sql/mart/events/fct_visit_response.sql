/* One reader's response of a patient at one time point, derived by RECIST 1.1 beside the one that the source reports.
   Why: the fact behind waterfall, spider and swimmer plots.
   Grain: one row per patient_id, reader and time_point_id
   Key: patient_id, reader, time_point_id
   Tags: public
*/
WITH reported AS (
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        time_point_id,
        target_response,
        overall_response,
        sum_of_diameters_mm
    FROM core.response
    WHERE patient_id IS NOT NULL AND is_analysis_criterion
)

SELECT
    visit.patient_id, -- text id of the patient
    visit.reader, -- who read the scan; empty text where the source names none
    visit.time_point_id, -- text id of the time point
    visit.day, -- day of the response by staging.event_day_rule, from first dose
    visit.first_day, -- first scan of the time point, from first dose
    visit.last_day, -- last scan of the time point, from first dose
    patient.study_id, -- text id of the study
    visit.is_baseline, -- the baseline row
    visit.is_analysis_reader, -- the one reader of the patient whose lesions are analysed
    visit.n_target_lesions, -- target lesions due at the time point
    visit.n_target_measured, -- of them, measured
    visit.is_complete, -- every target lesion due was measured
    visit.sum_of_diameters_mm, -- sum over the target lesions measured, mm
    visit.baseline_sum_mm, -- sum at baseline, mm
    visit.nadir_sum_mm, -- smallest complete sum before, mm
    visit.change_from_baseline_percent, -- change of a complete sum from baseline, percent
    visit.change_from_nadir_percent, -- change of a complete sum from the nadir, percent
    visit.target_response, -- derived response of the target lesions
    visit.nontarget_response, -- derived response of the non-target lesions
    visit.has_new_lesion, -- a new lesion was detected at the time point or before
    visit.overall_response, -- derived overall response
    reported.sum_of_diameters_mm AS reported_sum_of_diameters_mm, -- sum as the source reports it, mm
    reported.target_response AS reported_target_response, -- response of the target lesions as the source reports it
    reported.overall_response AS reported_overall_response -- overall response as the source reports it
FROM analysis.visit_response AS visit
INNER JOIN core.patient AS patient ON visit.patient_id = patient.patient_id
LEFT JOIN reported
    ON
        visit.patient_id = reported.patient_id
        AND visit.reader = reported.reader
        AND visit.time_point_id = reported.time_point_id
