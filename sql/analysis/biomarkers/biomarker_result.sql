/* One laboratory result of a biomarker, and whether it is in the marker's course.
   Why: what is not followed is named with its reason, and a marker is compared only with itself by one method.
   How: of several units, assays or specimens of one marker in a patient the one with most results is followed (ties:
   the first in the alphabet). Of several results of one day the largest counts, as for the largest variant allele
   fraction of several. A result in words that says that nothing was found is below the limit, where the limit is
   stated. A zero without a limit is a result only of a count of cells.
   Grain: one row per biomarker_id
   Key: biomarker_id
*/
WITH known AS (
    SELECT
        result.biomarker_id,
        result.patient_id,
        result.study_id,
        marker.marker,
        marker.kind,
        result.day,
        result.unit,
        result.assay,
        specimen.specimen_type,
        result.detection_limit,
        result.value AS stated_value,
        result.is_below_limit AS is_stated_below,
        result.upper_limit_normal AS stated_upper_limit,
        CASE
            WHEN list_contains(string_split(marker.usual_units, ';'), result.unit) THEN marker.usual_upper_limit
        END AS usual_upper_limit,
        result.source_file,
        result.source_row,
        coalesce(
            regexp_full_match(
                upper(trim(result.value_raw)),
                'ND|N\.D\.|NOT DETECTED|UNDETECTED|UNDETECTABLE|NEGATIVE|NONE DETECTED'
            ),
            FALSE
        ) AS is_nothing_found
    FROM core.biomarker AS result
    INNER JOIN staging.biomarker_test AS test
        ON regexp_replace(upper(result.test_code), '[^A-Z0-9]', '', 'g') = test.test_key
    INNER JOIN staging.biomarker AS marker ON test.marker = marker.marker
    LEFT JOIN core.specimen AS specimen ON result.specimen_id = specimen.specimen_id
),

valued AS (
    SELECT
        *,
        coalesce(stated_value, CASE WHEN is_nothing_found THEN detection_limit END) AS value,
        is_stated_below
        OR (stated_value IS NULL AND is_nothing_found AND detection_limit IS NOT NULL) AS is_below_limit,
        coalesce(stated_upper_limit, usual_upper_limit) AS upper_limit_normal,
        stated_upper_limit IS NULL AND usual_upper_limit IS NOT NULL AS is_upper_limit_assumed
    FROM known
),

judged AS (
    SELECT
        *,
        CASE
            WHEN day IS NULL THEN 'no day'
            WHEN value IS NULL AND is_nothing_found THEN 'not detected, without a limit'
            WHEN value IS NULL THEN 'no number'
            WHEN value < 0 THEN 'negative'
            WHEN value = 0 AND kind <> 'cells' THEN 'zero without a limit'
        END AS fault
    FROM valued
),

method AS (
    SELECT
        patient_id,
        marker,
        unit,
        assay,
        specimen_type,
        row_number() OVER (
            PARTITION BY patient_id, marker
            ORDER BY count(*) DESC, unit ASC NULLS LAST, assay ASC NULLS LAST, specimen_type ASC NULLS LAST
        ) AS place
    FROM judged
    WHERE fault IS NULL
    GROUP BY patient_id, marker, unit, assay, specimen_type
),

placed AS (
    SELECT
        judged.*,
        coalesce(method.place > 1, FALSE) AS is_other_method,
        row_number() OVER (
            PARTITION BY judged.patient_id, judged.marker, judged.day, judged.fault, coalesce(method.place > 1, FALSE)
            ORDER BY judged.is_below_limit ASC, judged.value DESC, judged.biomarker_id ASC
        ) AS place_of_day
    FROM judged
    LEFT JOIN method
        ON
            judged.patient_id = method.patient_id
            AND judged.marker = method.marker
            AND judged.unit IS NOT DISTINCT FROM method.unit
            AND judged.assay IS NOT DISTINCT FROM method.assay
            AND judged.specimen_type IS NOT DISTINCT FROM method.specimen_type
)

SELECT
    biomarker_id, -- core.biomarker
    patient_id, -- text id of the patient
    study_id, -- text id of the study
    marker AS test, -- marker of staging.biomarker
    day, -- day from first dose
    value, -- result, in unit; the limit where below it
    unit, -- unit of the result
    assay, -- how it was tested
    specimen_type, -- what was tested
    detection_limit, -- lower limit, in unit
    is_below_limit, -- below the limit
    upper_limit_normal, -- upper limit of the normal range, in unit; the usual one where the source has none
    is_upper_limit_assumed, -- it is the usual one of staging.biomarker
    CASE
        WHEN fault IS NOT NULL THEN fault
        WHEN is_other_method THEN 'other unit, assay or specimen'
        WHEN place_of_day > 1 THEN 'another result of the day'
    END AS exclusion_reason, -- why it is not in the course; NULL where it is
    source_file, -- file of the row
    source_row -- row in the file
FROM placed
