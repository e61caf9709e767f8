/* One kept row of TU, TR or RS with all that says when it was: link group, visit, day.
   Why: the rows of one assessment lie on several days and in three tables; what ties them together is brought into
   one shape here, once.
   How: a visit is known by its number, else by its label; a label that one study uses with one number only stands for
   that number. 'Unscheduled' names no visit: it is used for any. A row without a link group takes the one that the
   other rows of its visit have, where they have one only.
   Caveats: a scan is a row with a size or a state in TR, or a lesion identified in TU; sums, tests not done and
   responses have a time point but make none where there are scans. Best overall responses belong to no time point, nor
   do rows that give no response. Lesions of unknown patients stand each by itself.
   Reference: CDISC SDTMIG 3.4, TU, TR and RS (--LNKGRP, VISITNUM, VISIT).
   Grain: one row per domain and domain_row
   Key: domain, domain_row
*/
WITH any_row AS (
    SELECT
        'tr' AS domain,
        tr_row AS domain_row,
        study_id,
        patient_id,
        coalesce(patient_id, lesion_base_id) AS subject,
        coalesce(reader, '') AS reader,
        link_group,
        visit,
        visit_number,
        day,
        result_kind IN ('size', 'state') AS is_scan,
        CASE
            WHEN result_kind IN ('size', 'state') THEN concat_ws(':', lesion_base_id, lesion_type, test_code)
        END AS seen
    FROM staging.tumor_result_screen
    WHERE disposition = 'kept'
    UNION ALL
    SELECT
        'tu' AS domain,
        tu_row AS domain_row,
        study_id,
        patient_id,
        coalesce(patient_id, lesion_base_id) AS subject,
        coalesce(reader, '') AS reader,
        link_group,
        visit,
        visit_number,
        day,
        TRUE AS is_scan,
        NULL AS seen
    FROM staging.tumor_identification_screen
    WHERE disposition = 'kept'
    UNION ALL
    SELECT
        'rs' AS domain,
        rs_row AS domain_row,
        study_id,
        patient_id,
        patient_id AS subject,
        reader,
        link_group,
        visit,
        visit_number,
        day,
        FALSE AS is_scan,
        NULL AS seen
    FROM staging.disease_response_screen
    WHERE
        disposition = 'kept'
        AND result_kind IN ('response', 'new_lesion')
        AND test_code <> 'BESTRESP'
        AND response_period = 'on study'
),

worded AS (
    SELECT
        *,
        upper(visit) AS visit_label,
        visit_number_key(visit_number) AS number_text,
        is_unscheduled_visit(visit) AS is_unscheduled
    FROM any_row
    WHERE subject IS NOT NULL
),

numbered_label AS (
    SELECT
        study_id,
        visit_label,
        min(number_text) AS number_text
    FROM worded
    WHERE visit_label IS NOT NULL AND number_text IS NOT NULL AND NOT is_unscheduled
    GROUP BY study_id, visit_label
    HAVING min(number_text) = max(number_text)
),

keyed AS (
    SELECT
        worded.*,
        CASE
            WHEN worded.is_unscheduled THEN NULL
            WHEN coalesce(worded.number_text, numbered_label.number_text) IS NOT NULL
                THEN 'VISIT ' || coalesce(worded.number_text, numbered_label.number_text)
            ELSE worded.visit_label
        END AS visit_key
    FROM worded
    LEFT JOIN numbered_label
        ON worded.study_id = numbered_label.study_id AND worded.visit_label = numbered_label.visit_label
),

visit_link AS (
    SELECT
        subject,
        reader,
        visit_key,
        min(link_group) AS link_group
    FROM keyed
    WHERE visit_key IS NOT NULL AND link_group IS NOT NULL
    GROUP BY subject, reader, visit_key
    HAVING min(link_group) = max(link_group)
)

SELECT
    keyed.domain, -- tu, tr or rs
    keyed.domain_row, -- position of the row in that raw table
    keyed.study_id, -- text id of the study
    keyed.patient_id, -- text id of the patient; NULL when the source names no patients
    keyed.subject, -- text id of the patient, or of the lesion when the source names no patients
    keyed.reader, -- who read the scan or gave the response; '' where the source names none
    coalesce(keyed.link_group, visit_link.link_group) AS link_group, -- --LNKGRP; NULL where none is given
    keyed.visit_key, -- the visit by which rows are put together; NULL: none, or unscheduled
    CASE WHEN NOT keyed.is_unscheduled THEN keyed.visit END AS visit, -- label of a visit that is one
    coalesce(keyed.number_text, keyed.visit_label) AS visit_written, -- number or label of any visit
    keyed.day, -- day from first dose; NULL when not known
    keyed.is_scan, -- a size or a state in TR, or a lesion identified in TU
    keyed.seen -- what the row measured or judged: lesion and test; NULL where it is no such row
FROM keyed
LEFT JOIN visit_link
    ON
        keyed.subject = visit_link.subject
        AND keyed.reader = visit_link.reader
        AND keyed.visit_key = visit_link.visit_key
