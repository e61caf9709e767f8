/* What one scan says of one lesion of the patient browser: a size, or an assessment in words.
   Why: the points of a patient's panels.
   Caveats: target lesions have sizes; non-target and new lesions mostly have a status only.
   Grain: one row per lesion_id and day
   Key: lesion_id, day
   Tags: figure
*/
SELECT
    lesion.lesion_id, -- text id of the lesion
    coalesce(measurement.day, assessment.day) AS day, -- day from first dose
    lesion.patient_id, -- text id of the patient
    measurement.diameter_mm, -- diameter as RECIST counts it, mm
    measurement.volume_mm3, -- volume, mm3
    coalesce(measurement.is_below_limit, FALSE) AS is_below_limit, -- volume below the limit of quantification
    coalesce(measurement.is_imputed, FALSE) AS is_imputed, -- the size stands for 'too small to measure'
    assessment.status -- CR, PR, SD, PD or NE, in words or of a non-target lesion by its size
FROM core.measurement AS measurement
FULL JOIN core.lesion_assessment AS assessment
    ON measurement.lesion_id = assessment.lesion_id AND measurement.time_point_id = assessment.time_point_id
INNER JOIN mart.fig_patient_lesion AS lesion
    ON coalesce(measurement.lesion_id, assessment.lesion_id) = lesion.lesion_id
