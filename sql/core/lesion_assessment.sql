/* What a reader said of a lesion at a time point: in words, or of a non-target lesion by its size.
   Why: non-target and new lesions need not be measured; their response and progression are words.
   Caveats: taken from TR's tumor state through staging.tumor_state_word: SD stands for present without unequivocal
   progression. Words on a target lesion are here too. Of two words at one time point the accepted record counts, else
   the worse one (PD, SD, PR, CR, NE): it is the one that the next step must not miss; of two days with it the first for
   PD, else the last. NOT DONE gives no row. A non-target lesion with a size and no word at a time point (is_from_size)
   is gone (CR) at 0 mm and as a node with a short axis below 10 mm, else there (SD): a size is never unequivocal
   progression of a non-target lesion.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 4.3.3 to 4.3.5.
   Grain: one row per lesion_id and time_point_id; a lesion has one row on a day
   Key: lesion_id, time_point_id
   Tags: public
*/
WITH state_row AS (
    SELECT
        tumor_result.tr_row,
        tumor_result.lesion_id,
        tumor_result.time_point_id,
        tumor_result.day,
        tumor_result.date_flag,
        tumor_result.is_accepted,
        tumor_result.state_word,
        tumor_result.visit,
        tumor_result.source_file,
        tumor_result.source_row,
        lesion.study_id,
        lesion.patient_id,
        lesion.reader,
        lesion.lesion_type,
        tumor_state_word.status
    FROM staging.tumor_result AS tumor_result
    INNER JOIN staging.lesion AS lesion ON tumor_result.lesion_id = lesion.lesion_id
    INNER JOIN staging.tumor_state_word AS tumor_state_word
        ON lesion.lesion_type = tumor_state_word.lesion_type AND tumor_result.state_word = tumor_state_word.word
    WHERE tumor_result.result_kind = 'state'
),

ranked AS (
    SELECT
        state_row.*,
        row_number() OVER (
            PARTITION BY lesion_id, time_point_id
            ORDER BY
                is_accepted DESC,
                CASE status WHEN 'PD' THEN 1 WHEN 'SD' THEN 2 WHEN 'PR' THEN 3 WHEN 'CR' THEN 4 ELSE 5 END,
                CASE status WHEN 'PD' THEN day ELSE -day END ASC, source_file ASC, source_row ASC, tr_row ASC
        ) AS place,
        count(*) OVER one_time AS n_source_rows,
        min(status) OVER one_time <> max(status) OVER one_time AS has_conflict
    FROM state_row
    WINDOW one_time AS (PARTITION BY lesion_id, time_point_id)
),

in_words AS (
    SELECT *
    FROM ranked
    WHERE place = 1
),

-- The longest diameter of a node below 10 mm leaves none for its short axis.
by_size AS (
    SELECT
        measurement.*,
        CASE
            WHEN coalesce(measurement.diameter_mm, measurement.volume_mm3) = 0 THEN 'CR'
            WHEN lesion.is_nodal AND coalesce(measurement.short_axis_mm, measurement.long_axis_mm) < 10 THEN 'CR'
            ELSE 'SD'
        END AS status
    FROM core.measurement AS measurement
    INNER JOIN staging.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    LEFT JOIN in_words
        ON measurement.lesion_id = in_words.lesion_id AND measurement.time_point_id = in_words.time_point_id
    WHERE lesion.lesion_type = 'non-target' AND in_words.lesion_id IS NULL
),

assessment AS (
    SELECT
        lesion_id,
        time_point_id,
        day,
        date_flag,
        study_id,
        patient_id,
        reader,
        visit,
        lesion_type,
        status,
        state_word AS value_raw,
        FALSE AS is_from_size,
        has_conflict,
        n_source_rows,
        source_file,
        source_row
    FROM in_words
    UNION ALL
    SELECT
        lesion_id,
        time_point_id,
        day,
        date_flag,
        study_id,
        patient_id,
        reader,
        visit,
        'non-target' AS lesion_type,
        status,
        value_raw,
        TRUE AS is_from_size,
        has_conflict,
        n_source_rows,
        source_file,
        source_row
    FROM by_size
)

SELECT
    lesion_id, -- text id of the lesion
    time_point_id, -- assessment that the scan belongs to
    day, -- day of the scan that the word or size is of, from first dose
    date_flag, -- imputed part of its date, as ADaM's DTF: D day, M month and day; NULL: none
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    reader, -- who said it; '' where the source names no reader
    visit, -- the source's label of the visit
    lesion_type, -- target, non-target or new
    status, -- CR, PR, SD (present without unequivocal progression), PD or NE
    value_raw, -- the word as written, upper case; the size as written where there is no word
    is_from_size, -- of a non-target lesion without a word: by its size
    has_conflict, -- the source has different statuses at this time point
    n_source_rows, -- rows of TR behind this row
    source_file, -- file of the row
    source_row -- row in the file
FROM assessment
