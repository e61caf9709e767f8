/* One point of a lesion's fitted growth curve in the patient browser.
   Why: the model's answer beside the scans, with its band.
   Caveats: the fit of the lesion's subset; the band is that of the curve, without measurement error.
   Reference: Zhou et al. 2023, Fig. 2a.
   Grain: one row per lesion_id and day
   Key: lesion_id, day
   Tags: figure
*/
SELECT
    curve.lesion_id, -- text id of the lesion
    curve.day, -- day from first dose
    lesion.patient_id, -- text id of the patient
    curve.volume_mm3, -- fitted volume, mm3
    curve.lower AS volume_lower_mm3, -- lower end of its band, mm3
    curve.upper AS volume_upper_mm3 -- upper end of its band, mm3
FROM analysis.growth_curve AS curve
INNER JOIN analysis.growth_fit AS fit ON curve.fit_id = fit.fit_id
INNER JOIN meta.setting AS setting ON fit.model = setting.value AND setting.name = 'growth.model'
INNER JOIN mart.fig_patient_lesion AS lesion ON curve.lesion_id = lesion.lesion_id
