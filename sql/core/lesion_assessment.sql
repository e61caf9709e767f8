/* What a reader said in words of a lesion on a day.
   Why: non-target and new lesions are not measured; their response and progression are words.
   Caveats: taken from TR's tumor state through staging.tumor_state_word: SD stands for present without unequivocal
   progression. Words on a target lesion are here too. Of two words on one day the accepted record counts, else the
   worse one (PD, SD, PR, CR, NE): it is the one that the next step must not miss. NOT DONE gives no row.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 4.3.4 and 4.3.5.
   Grain: one row per lesion_id and day
   Key: lesion_id, day
   Tags: public
*/
WITH state_row AS (
    SELECT
        tumor_result.tr_row,
        tumor_result.lesion_id,
        tumor_result.time_point_id,
        tumor_result.day,
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
            PARTITION BY lesion_id, day
            ORDER BY
                is_accepted DESC,
                CASE status WHEN 'PD' THEN 1 WHEN 'SD' THEN 2 WHEN 'PR' THEN 3 WHEN 'CR' THEN 4 ELSE 5 END,
                source_file ASC, source_row ASC, tr_row ASC
        ) AS place,
        count(*) OVER lesion_day AS n_source_rows,
        min(status) OVER lesion_day <> max(status) OVER lesion_day AS has_conflict
    FROM state_row
    WINDOW lesion_day AS (PARTITION BY lesion_id, day)
)

SELECT
    lesion_id, -- text id of the lesion
    day, -- day from first dose
    time_point_id, -- assessment that the scan belongs to
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    reader, -- who said it; '' where the source names no reader
    visit, -- the source's label of the visit
    lesion_type, -- target, non-target or new
    status, -- CR, PR, SD (present without unequivocal progression), PD or NE
    state_word AS value_raw, -- the word as written, upper case
    has_conflict, -- the source has different statuses on this day
    n_source_rows, -- rows of TR behind this row
    source_file, -- file of the row
    source_row -- row in the file
FROM ranked
WHERE place = 1
