/* The one reader of a patient whose lesions are analysed.
   Why: with three readers per scan every lesion would count three times.
   The rule, in order: a reader who measured anything; the study's own order of readers
   (staging.reader_priority); the
   reader with most accepted records (TRACPTFL); the reader with most results; the name.
   Caveats: the rule chooses a patient's reader once, not per visit: a patient followed half by one and half by
   another reader has no time course. Where the source names no patients it chooses one reader for the study.
   Grain: one row per study_id and patient_id (NULL: the source names no patients)
   Key: study_id, subject
*/
WITH tally AS (
    SELECT
        study_id,
        coalesce(patient_id, '') AS subject,
        patient_id,
        reader,
        count(*) FILTER (WHERE result_kind = 'size') AS n_sizes,
        count(*) FILTER (WHERE is_accepted) AS n_accepted,
        count(*) AS n_results
    FROM staging.tumor_result
    WHERE lesion_id IS NOT NULL
    GROUP BY study_id, patient_id, reader
    UNION ALL
    -- A patient whose lesions were identified but never followed.
    SELECT
        study_id,
        coalesce(patient_id, '') AS subject,
        patient_id,
        reader,
        0 AS n_sizes,
        0 AS n_accepted,
        0 AS n_results
    FROM staging.lesion
    WHERE NOT has_results
    GROUP BY study_id, patient_id, reader
),

candidate AS (
    SELECT
        study_id,
        subject,
        patient_id,
        reader,
        sum(n_sizes) AS n_sizes,
        sum(n_accepted) AS n_accepted,
        sum(n_results) AS n_results
    FROM tally
    GROUP BY study_id, subject, patient_id, reader
),

ranked AS (
    SELECT
        candidate.*,
        priority.priority,
        count(*) OVER (PARTITION BY candidate.study_id, candidate.subject) AS n_readers,
        row_number() OVER (
            PARTITION BY candidate.study_id, candidate.subject
            ORDER BY
                candidate.n_sizes > 0 DESC, priority.priority NULLS LAST, candidate.n_accepted DESC,
                candidate.n_results DESC, candidate.reader ASC
        ) AS place
    FROM candidate
    LEFT JOIN staging.reader_priority AS priority
        ON candidate.study_id = priority.study_id AND candidate.reader = priority.reader
)

SELECT
    study_id, -- text id of the study
    subject, -- text id of the patient; '' when the source names no patients
    patient_id, -- text id of the patient; NULL when the source names no patients
    reader, -- the reader; '' where the source names none
    n_readers, -- readers who followed the patient
    CASE
        WHEN n_readers = 1 THEN 'only_reader'
        WHEN priority IS NOT NULL THEN 'study_order'
        WHEN n_accepted > 0 THEN 'accepted_record'
        ELSE 'most_results'
    END AS chosen_by -- only_reader, study_order, accepted_record or most_results
FROM ranked
WHERE place = 1
