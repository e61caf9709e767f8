/* One measurement of one lesion, with its change from baseline and from the nadir.
   Why: the fact behind every size on a chart.
   Caveats: the nadir includes baseline and is empty at baseline and before it.
   Grain: one row per lesion_id and day, which is one per lesion_id and time_point_id
   Key: lesion_id, day
   Tags: public
*/
SELECT
    measurement.lesion_id, -- text id of the lesion
    measurement.day, -- day of the scan, from first dose
    measurement.time_point_id, -- assessment that the scan belongs to
    measurement.patient_id, -- text id of the patient; NULL where the source does not say
    lesion.study_id, -- text id of the study
    lesion.organ, -- id of the organ
    measurement.visit, -- the source's label of the visit
    measurement.diameter_mm, -- diameter as RECIST counts it: short axis for nodes where measured throughout, mm
    measurement.short_axis_mm, -- short axis as measured, mm
    measurement.volume_mm3, -- volume, mm3
    measurement.volume_source, -- derived from diameters, or measured
    measurement.is_baseline, -- the lesion's baseline scan
    change.is_after_local_treatment, -- not evaluable any more: no change is worked out (analysis.local_treatment)
    change.is_after_baseline, -- scan after the lesion's baseline
    measurement.is_below_limit, -- volume below the limit of quantification
    measurement.is_imputed, -- the size stands for 'too small to measure'
    change.baseline_diameter_mm, -- diameter at baseline, mm
    change.nadir_diameter_mm, -- smallest diameter from baseline to the scan before, mm
    change.change_from_baseline_percent, -- change in diameter from baseline, percent
    change.change_from_nadir_mm, -- change in diameter from the nadir, mm
    change.change_from_nadir_percent, -- change in diameter from the nadir, percent
    measurement.volume_mm3 / nullif(change.baseline_volume_mm3, 0) AS volume_ratio_to_baseline, -- over baseline
    measurement.volume_mm3 / nullif(change.nadir_volume_mm3, 0) AS volume_ratio_to_nadir, -- over the nadir
    lesion.is_analysed -- the lesion is in the analyses
FROM core.measurement AS measurement
INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
INNER JOIN analysis.lesion_change AS change
    ON measurement.lesion_id = change.lesion_id AND measurement.day = change.day
