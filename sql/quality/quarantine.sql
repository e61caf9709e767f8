/* A row of a source that cannot be used, and why.
   Why: nothing vanishes. Each row that is in a file and not in the tables is here, with the value at fault and the
   way to correct it.
   Caveats: a row is here once, for the first reason that applies. stage 'load': the record could not be read;
   'staging': it could not be given a subject, a lesion, a day or a value.
   Grain: one row per rejected row
   Key: quarantine_id
   Tags: public
*/
WITH rejected AS (
    SELECT
        'dm' AS domain,
        study_id,
        source_file,
        source_row,
        reason_id,
        FALSE AS is_size,
        usubjid_raw AS value
    FROM staging.demographics_screen
    WHERE disposition = 'quarantined'
    UNION ALL
    SELECT
        'tu' AS domain,
        study_id,
        source_file,
        source_row,
        reason_id,
        FALSE AS is_size,
        NULL AS value
    FROM staging.tumor_identification_screen
    WHERE disposition = 'quarantined'
    UNION ALL
    SELECT
        'tr' AS domain,
        study_id,
        source_file,
        source_row,
        reason_id,
        test_kind = 'size' AS is_size,
        CASE
            WHEN reason_id IN ('no_subject', 'no_lesion_id', 'no_result', 'no_day', 'visits_without_days') THEN NULL
            WHEN reason_id IN ('unknown_unit', 'area_unit', 'percent_unit') THEN unit_raw
            WHEN reason_id = 'bad_day' THEN stated_day
            WHEN reason_id IN ('bad_date', 'partial_date', 'no_reference_date') THEN date_text
            ELSE value_raw
        END AS value
    FROM staging.tumor_result_screen
    WHERE disposition = 'quarantined'
    UNION ALL
    SELECT
        'rs' AS domain,
        study_id,
        source_file,
        source_row,
        reason_id,
        FALSE AS is_size,
        CASE
            WHEN reason_id IN ('no_subject', 'no_day') THEN NULL
            WHEN reason_id = 'bad_day' THEN stated_day
            WHEN reason_id IN ('bad_date', 'partial_date', 'no_reference_date') THEN date_text
            ELSE result_word
        END AS value
    FROM staging.disease_response_screen
    WHERE disposition = 'quarantined'
    UNION ALL
    SELECT
        'rf' AS domain,
        study_id,
        source_file,
        source_row,
        reason_id,
        FALSE AS is_size,
        CASE
            WHEN reason_id = 'bad_day' THEN stated_day
            WHEN reason_id IN ('bad_date', 'partial_date', 'no_reference_date') THEN date_text
            WHEN reason_id = 'not_a_number' THEN value_raw
        END AS value
    FROM staging.lesion_feature_screen
    WHERE disposition = 'quarantined'
    UNION ALL
    SELECT
        domain,
        study_id,
        source_file,
        source_row,
        'no_subject' AS reason_id,
        FALSE AS is_size,
        NULL AS value
    FROM staging.subjectless_row
),

explained AS (
    SELECT
        rejected.study_id,
        rejected.source_file,
        rejected.source_row,
        rejected.domain,
        CASE
            WHEN rejected.reason_id IN ('no_subject', 'subject_twice') THEN reject_reason.variable
            ELSE rejected.domain || reject_reason.variable
        END AS column_name,
        rejected.value,
        reject_reason.reason,
        reject_reason.remedy,
        CASE
            WHEN
                rejected.is_size
                OR reject_reason.defect_id = 'time.2b'
                OR (rejected.domain = 'tr' AND reject_reason.defect_id LIKE 'time%')
                THEN reject_reason.defect_id
        END AS defect_id,
        'staging' AS stage,
        rejected.reason_id
    FROM rejected
    INNER JOIN quality.reject_reason AS reject_reason ON rejected.reason_id = reject_reason.reason_id
    UNION ALL
    SELECT
        study_id,
        source_file,
        source_row,
        domain,
        column_name,
        value,
        reason,
        remedy,
        defect_id,
        'load' AS stage,
        'load' AS reason_id
    FROM raw.reject
)

SELECT
    stage || ':' || domain || ':' || row_number() OVER (
        PARTITION BY stage, domain
        ORDER BY study_id, source_file, source_row, column_name, reason_id, value
    ) AS quarantine_id, -- text id of the row here
    study_id, -- text id of the study
    source_file, -- file of the row
    source_row, -- row in the file
    domain, -- table of raw that it was meant for
    column_name, -- column at fault
    value, -- the value found; NULL when blank
    reason, -- why it cannot be used
    remedy, -- what to do about it
    defect_id, -- entry of quality.defect; NULL where it is none
    stage, -- load or staging
    reason_id -- reason as a word
FROM explained
