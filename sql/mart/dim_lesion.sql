/* One lesion as followed by one reader.
   Why: what lesions are grouped by: type, organ, size at baseline.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public
*/
SELECT
    lesion_id, -- text id of the lesion: study / subject / reader / lesion
    patient_id, -- text id of the patient; NULL where the source does not say
    study_id, -- text id of the study
    reader, -- who read the scans
    lesion_label, -- the source's own label of the lesion
    lesion_type, -- target, non-target or new
    organ, -- id of the organ
    site_raw, -- site as the source writes it
    is_nodal, -- lymph node: judged by its short axis
    first_day, -- first day on which it was seen, from first dose
    baseline_day, -- day of its baseline scan
    baseline_diameter_mm, -- diameter at baseline, mm
    baseline_volume_mm3, -- volume at baseline, mm3
    n_measurements, -- measurements with a size
    is_analysis_reader, -- followed by the reader whose lesions are analysed
    is_analysed, -- in the analyses
    exclusion_reason -- why not; NULL where analysed
FROM core.lesion
