/* One radiomic feature of one lesion, region and segmentation on the day on which its patient's lesions are compared.
   Why: heterogeneity is between lesions of one acquisition; a patient scanned twice would count twice.
   How: of a patient's days up to baseline.latest_day (of all days, where there is none) the one with most lesions,
   then the nearest to the first dose, then the earlier. Lesions of unknown patients each have their own day. The
   study's reference segmentation is radiomics.segmentation where the study has it, else the one with most lesions;
   its reference region radiomics.region, likewise.
   Caveats: lesions that were not segmented on that day are left out.
   Reference: Henry et al. 2022, Methods (one acquisition before treatment).
   Grain: one row per lesion_id, region, segmentation and feature
   Key: lesion_id, region, segmentation, feature
   Tags: public
*/
WITH setting AS (
    SELECT
        max(CASE WHEN name = 'radiomics.segmentation' THEN value END) AS segmentation,
        max(CASE WHEN name = 'radiomics.region' THEN value END) AS region,
        CAST(max(CASE WHEN name = 'baseline.latest_day' THEN value END) AS INTEGER) AS latest_day
    FROM meta.setting
),

feature AS (
    SELECT
        radiomic_feature.*,
        coalesce(radiomic_feature.patient_id, radiomic_feature.lesion_id) AS subject
    FROM core.radiomic_feature
),

segmentation_choice AS (
    SELECT
        feature.study_id,
        feature.segmentation,
        row_number() OVER (
            PARTITION BY feature.study_id
            ORDER BY
                feature.segmentation = setting.segmentation DESC, count(DISTINCT feature.lesion_id) DESC,
                feature.segmentation
        ) AS place
    FROM feature
    CROSS JOIN setting
    GROUP BY feature.study_id, feature.segmentation, setting.segmentation
),

region_choice AS (
    SELECT
        feature.study_id,
        feature.region,
        row_number() OVER (
            PARTITION BY feature.study_id
            ORDER BY
                feature.region = setting.region DESC, count(DISTINCT feature.lesion_id) DESC, feature.region
        ) AS place
    FROM feature
    CROSS JOIN setting
    GROUP BY feature.study_id, feature.region, setting.region
),

subject_day AS (
    SELECT
        feature.subject,
        feature.day,
        row_number() OVER (
            PARTITION BY feature.subject
            ORDER BY
                feature.day > setting.latest_day, count(DISTINCT feature.lesion_id) DESC, abs(feature.day),
                feature.day
        ) AS place
    FROM feature
    CROSS JOIN setting
    GROUP BY feature.subject, feature.day, setting.latest_day
),

exhaustive AS (
    SELECT
        subject,
        coalesce(bool_and(is_exhaustive), FALSE) AS is_exhaustive
    FROM feature
    GROUP BY subject
)

SELECT
    feature.lesion_id, -- core.lesion
    feature.region, -- region of the lesion
    feature.segmentation, -- segmentation: original, eroded, dilated, a reader
    feature.feature, -- name of the feature
    feature.value, -- value
    feature.feature_class, -- first-order, shape, GLCM, GLRLM, GLSZM, GLDM, NGTDM or other
    feature.unit, -- unit; '1' is none; NULL where not known
    feature.study_id, -- core.study
    feature.patient_id, -- core.patient; NULL when the source names no patients
    lesion.organ, -- organ of the lesion
    feature.day, -- the patient's day, from the first dose
    feature.segmentation = segmentation_choice.segmentation AS is_reference_segmentation, -- the one that is analysed
    feature.region = region_choice.region AS is_reference_region, -- the one in which lesions are compared
    exhaustive.is_exhaustive -- the source says that every visible lesion of the patient was segmented
FROM feature
INNER JOIN subject_day ON feature.subject = subject_day.subject AND feature.day = subject_day.day
INNER JOIN segmentation_choice ON feature.study_id = segmentation_choice.study_id
INNER JOIN region_choice ON feature.study_id = region_choice.study_id
INNER JOIN exhaustive ON feature.subject = exhaustive.subject
INNER JOIN core.lesion AS lesion ON feature.lesion_id = lesion.lesion_id
WHERE subject_day.place = 1 AND segmentation_choice.place = 1 AND region_choice.place = 1
