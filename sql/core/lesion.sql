/* One lesion as followed by one reader.
   Why: everything else in this warehouse hangs on a lesion: its organ, its type, its baseline.
   Caveats: three readers of one scan give three lesions; analyses use those with is_analysed. A lesion of an unknown
   patient has a NULL patient_id and stands alone. Lesions in TU that were never measured are here with
   n_measurements 0. A baseline volume that the source itself states is kept beside ours, never used instead of it.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public
*/
WITH course AS (
    SELECT
        lesion_id,
        min(day) AS first_measured_day,
        max(day) AS last_measured_day,
        max(day) FILTER (WHERE is_baseline) AS baseline_day,
        max(diameter_mm) FILTER (WHERE is_baseline) AS baseline_diameter_mm,
        max(volume_mm3) FILTER (WHERE is_baseline) AS baseline_volume_mm3
    FROM core.measurement
    GROUP BY lesion_id
),

assessed AS (
    SELECT
        lesion_id,
        count(*) AS n_assessments
    FROM core.lesion_assessment
    GROUP BY lesion_id
)

SELECT
    lesion.lesion_id, -- text id, stable across rebuilds: study/subject/reader/lesion
    lesion.patient_id, -- text id of the patient; NULL when the source names no patients
    lesion.study_id, -- text id of the study
    lesion.reader, -- who followed the lesion; '' where the source names no reader
    lesion.lesion_label, -- the source's link id of the lesion
    CAST(
        row_number() OVER (
            PARTITION BY lesion.study_id, lesion.patient_id, lesion.reader
            ORDER BY
                CASE lesion.lesion_type WHEN 'target' THEN 1 WHEN 'non-target' THEN 2 ELSE 3 END,
                length(lesion.lesion_label), lesion.lesion_label, lesion.lesion_id
        ) AS INTEGER
    ) AS lesion_number, -- number within the patient and reader: targets first, then non-targets, then new lesions
    lesion.lesion_type, -- target, non-target or new
    lesion.organ, -- organ of core.organ; 'unknown' when not recorded or not mapped
    lesion.site_raw, -- site as the source writes it; NULL when not recorded
    lesion.laterality, -- side as the source writes it, lower case; NULL when not recorded
    lesion.is_nodal, -- lymph node: counts by its short axis
    lesion.first_day, -- first day that anything is known of it; of a new lesion, that it was found; NULL: never
    lesion.detection, -- of a new lesion: certain, equivocal, not_found, not_evaluable, no_tumor or undated; else NULL
    course.baseline_day, -- day of the baseline measurement; NULL for new lesions and without a measurement
    course.baseline_diameter_mm, -- diameter at baseline as sums use it, mm
    course.baseline_volume_mm3, -- volume at baseline, mm3
    lesion.stated_baseline_volume_mm3, -- baseline volume that the source itself states, mm3
    abs(lesion.stated_baseline_volume_mm3 - course.baseline_volume_mm3)
    > 0.01 * greatest(lesion.stated_baseline_volume_mm3, course.baseline_volume_mm3)
        AS is_stated_baseline_different, -- stated baseline volume more than 1 % off ours; NULL: not stated
    course.first_measured_day, -- first day with a size
    course.last_measured_day, -- last day with a size
    CAST(status.n_measurements AS INTEGER) AS n_measurements, -- days with a size
    CAST(coalesce(assessed.n_assessments, 0) AS INTEGER) AS n_assessments, -- days with a status
    lesion.is_patient_unknown, -- the source names no patients
    lesion.is_identified, -- TU has the lesion under this reader
    lesion.is_type_assumed, -- neither TU nor TR says the type
    lesion.has_two_sites, -- TU gives the lesion two different sites; the first counts
    status.is_analysis_reader, -- followed by the patient's analysis reader
    status.reason_id IS NULL AS is_analysed, -- used in analyses
    reason.reason AS exclusion_reason, -- why not, as a sentence; NULL when analysed
    lesion.source_file, -- file of the row that names it: TU, else its first TR row
    lesion.source_row -- row in the file
FROM staging.lesion AS lesion
INNER JOIN core.lesion_status AS status ON lesion.lesion_id = status.lesion_id
LEFT JOIN course ON lesion.lesion_id = course.lesion_id
LEFT JOIN assessed ON lesion.lesion_id = assessed.lesion_id
LEFT JOIN staging.exclusion_reason AS reason ON status.reason_id = reason.reason_id AND reason.level = 'lesion'
