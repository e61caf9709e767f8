/* One row of RS that was kept: one response of one patient by one reader.
   Why: the trial's own verdicts, beside which ours are set.
   How: unconfirmed progression by iRECIST (iUPD) is PD unless a later overall response of the reader is CR, PR or SD
   before one is confirmed (iCPD): then it was none, and its response is NULL.
   Caveats: also holds what gave no response (not_done, blank, other), so that every row is accounted for. A response
   reaches an endpoint only where is_analysis_response: of the trial itself, by the criterion that counts.
   Reference: Seymour et al. 2017, Lancet Oncol 18:e143, table 2.
   Grain: one row per kept raw.rs row
   Key: rs_row
*/
WITH later AS (
    SELECT
        rs_row,
        min_by(response, struct_pack(day := day, response := response)) FILTER (
            WHERE response_term <> 'iUPD' AND response <> 'NE'
        ) OVER (
            PARTITION BY patient_id, reader, criterion
            ORDER BY day RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next_response
    FROM staging.disease_response_screen
    WHERE
        disposition = 'kept'
        AND test_code = 'OVRLRESP'
        AND result_kind = 'response'
        AND response_period = 'on study'
)

SELECT
    screen.rs_row, -- position of the row in raw.rs
    screen.study_id, -- text id of the study
    screen.usubjid, -- subject's id
    screen.patient_id, -- text id of the patient
    screen.reader, -- who gave the response; '' where the source names none
    screen.test_code, -- TRGRESP, NTRGRESP, NEWLIND, NEWLPROG, OVRLRESP, BESTRESP or another
    screen.category, -- criteria as the source names them
    screen.criterion, -- criterion of staging.response_criterion; the source's own text where none fits
    screen.criterion_family, -- criteria of one vocabulary
    screen.named_criterion, -- the same by RSCAT alone; the criterion is the study's where RSCAT names no edition
    screen.response_period, -- on study; before: of prior therapy; after: of follow-up after the next therapy
    screen.period_rule_id, -- rule of staging.response_period_rule that says so; NULL where nothing is said of the time
    screen.response_period = 'on study' AND coalesce(study_criterion.is_analysis_criterion, FALSE)
        AS is_analysis_response, -- of the trial itself, by the criterion that counts
    screen.result_kind, -- response, new_lesion, not_done, blank or other
    screen.response_term, -- term of the criterion (staging.response_word), such as iUPD; as written where unknown
    CASE
        WHEN screen.response_term <> 'iUPD' OR coalesce(later.next_response, 'PD') = 'PD' THEN screen.response
    END
        AS response, -- the same on RECIST's scale: CR, PR, SD, NON-CR/NON-PD, PD or NE; NULL where it is not on it
    screen.word_use, -- used, not used (by the criterion for this test) or unknown; NULL where it is no response
    screen.word_use <> 'unknown' AND screen.result_kind = 'response' AND coalesce(screen.response, '') <> 'NE'
        AS is_evaluable, -- a response that says something: neither not evaluable nor a word that is not known
    screen.has_new_lesion, -- an unequivocal new lesion at this visit
    screen.result_word AS value_raw, -- the result as written, upper case
    screen.is_accepted, -- the accepted record of several readers
    screen.visit, -- the source's label of the visit
    time_point.time_point_id, -- assessment that the row belongs to; NULL for a best overall response
    screen.day, -- day from first dose; NULL for a best overall response without one
    screen.is_date_partial, -- the date is partial and the stated day was used
    screen.date_flag, -- imputed part of the date, as ADaM's DTF: D day, M month and day, Y all; NULL where none is
    screen.source_file, -- file of the row
    screen.source_row -- row in the file
FROM staging.disease_response_screen AS screen
LEFT JOIN staging.time_point_row AS time_point ON time_point.domain = 'rs' AND screen.rs_row = time_point.domain_row
LEFT JOIN staging.study_criterion AS study_criterion
    ON screen.study_id = study_criterion.study_id AND screen.criterion = study_criterion.criterion
LEFT JOIN later ON screen.rs_row = later.rs_row
WHERE screen.disposition = 'kept'
