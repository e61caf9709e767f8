/* One measurement of an analysed lesion, with its organ and its patient.
   Why: what the measures of mart.metric that count measurements are computed from, and charts of size over time.
   Caveats: late months hold the lesions that were followed long: a falling median over time is not one lesion's
   course. mart.fig_spider follows single patients.
   Grain: one row per lesion_id and day
   Key: lesion_id, day
   Tags: public, view
*/
SELECT
    measurement.lesion_id, -- text id of the lesion
    measurement.day, -- day from first dose
    CAST(floor(measurement.day / CAST(30.4375 AS DOUBLE)) AS INTEGER)
        AS month, -- whole months of 30.4375 days from the first dose; negative before it
    measurement.patient_id, -- text id of the patient; NULL where the source does not say
    measurement.study_id, -- text id of the study
    study.tumor_type, -- tumor type, as the study states it
    patient.treatment, -- the patient's treatment
    patient.treatment_class, -- its class
    measurement.organ, -- id of the organ
    organ.display_name AS organ_name, -- name of the organ for a report
    organ.sort_order AS organ_order, -- order of the organ in figures
    measurement.diameter_mm, -- diameter as RECIST counts it, mm
    measurement.volume_mm3, -- volume, mm3
    measurement.is_baseline, -- the lesion's baseline scan
    measurement.is_after_baseline, -- scan after the lesion's baseline
    measurement.is_below_limit, -- volume below the limit of quantification
    measurement.is_imputed, -- the size stands for 'too small to measure'
    measurement.change_from_baseline_percent, -- change in diameter from baseline, percent
    measurement.change_from_nadir_percent -- change in diameter from the nadir, percent
FROM mart.fct_measurement AS measurement
INNER JOIN mart.dim_study AS study ON measurement.study_id = study.study_id
LEFT JOIN mart.dim_patient AS patient ON measurement.patient_id = patient.patient_id
LEFT JOIN mart.dim_organ AS organ ON measurement.organ = organ.organ
WHERE measurement.is_analysed
