/* One radiomic feature of one lesion on one day.
   Why: how lesions of one patient differ inside, as images show it.
   Caveats: features name no reader: the lesion is that of the analysis reader with the same link id, else the first
   by reader.
   Grain: one row per lesion_id, day, region, segmentation and feature
   Key: lesion_id, day, region, segmentation, feature
   Tags: public
*/
WITH labelled AS (
    SELECT
        lesion_id,
        study_id,
        coalesce(patient_id, study_id) AS subject,
        patient_id,
        lesion_label,
        row_number() OVER (
            PARTITION BY study_id, coalesce(patient_id, study_id), lesion_label
            ORDER BY is_analysis_reader DESC, reader ASC, lesion_id ASC
        ) AS place
    FROM core.lesion
)

SELECT
    labelled.lesion_id, -- text id of the lesion
    feature.day, -- day from first dose
    feature.region, -- region of the lesion
    feature.segmentation, -- segmentation: original, eroded, dilated, a reader
    feature.feature, -- name of the feature
    feature.value, -- value
    feature.feature_class, -- first-order, shape, GLCM, GLRLM, GLSZM, GLDM, NGTDM or other
    feature.unit, -- unit; '1' is none; NULL where neither the source nor the name says one
    feature.is_exhaustive, -- every visible lesion of the patient was segmented; NULL where the source does not say
    feature.study_id, -- text id of the study
    feature.patient_id, -- text id of the patient; NULL when the source names no patients
    feature.source_file, -- file of the row
    feature.source_row -- row in the file
FROM staging.lesion_feature_screen AS feature
INNER JOIN labelled
    ON
        feature.study_id = labelled.study_id
        AND coalesce(feature.patient_id, feature.study_id) = labelled.subject
        AND feature.lesion_label = labelled.lesion_label
        AND labelled.place = 1
WHERE feature.disposition = 'kept'
