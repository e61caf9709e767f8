/* Every row of RS with the verdict on it.
   Why: the responses that the trial's readers gave, in one vocabulary, under the criterion that they were given by.
   Caveats: best overall response needs no day, nor does a response to prior or later therapy (response_period 'before'
   or 'after', by staging.response_period_rule): it is history. Tests other than TRGRESP, NTRGRESP, NEWLIND, NEWLPROG,
   OVRLRESP and BESTRESP are kept as 'other'. A word that staging.response_word does not know is kept as written.
   A row that names RECIST without an edition, or no criterion, is by the one edition of RECIST that the study names
   (staging.response_criterion.edition_of; without a criterion only where the study names no other), unless the same
   patient, reader and day has answers to one test by both. Exact repeats are collapsed.
   Grain: one row per raw.rs row
   Key: rs_row
*/
WITH rs AS (
    SELECT
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        row_number() OVER () AS rs_row,
        clean_text(usubjid) AS usubjid_raw,
        reader_name(rseval, rsevalid) AS reader,
        known_id(rslnkid) AS lesion_label,
        clean_text(rslnkgrp) AS link_group,
        upper(clean_text(rstestcd)) AS test_code,
        clean_text(rscat) AS category,
        -- Both where both are given: 'LUGANO 2014' and 'NOT INCLUDING PET SCAN'.
        trim(
            regexp_replace(
                upper(
                    coalesce(
                        nullif(concat_ws(' ', clean_text(rscat), clean_text(rsscat)), ''),
                        CASE
                            WHEN
                                regexp_matches(
                                    upper(concat_ws(' ', rstest, rseval)), 'RECIST|PCWG|RANO|CA-?125|GCIG|LUGANO|IMWG'
                                )
                                THEN concat_ws(' ', clean_text(rstest), clean_text(rseval))
                        END,
                        ''
                    )
                ), '[^A-Z0-9.+]+', ' ', 'g'
            )
        ) AS criterion_text,
        plain_words(concat_ws(' ', rscat, rsscat, rsevlint, rsevintx)) AS category_words,
        upper(clean_text(rsenrtpt)) AS end_relation,
        clean_text(rsentpt) AS end_reference,
        upper(clean_text(rsstrtpt)) AS start_relation,
        clean_text(rssttpt) AS start_reference,
        plain_words(coalesce(clean_text(rsenrf), rsstrf)) AS period_words,
        plain_words(epoch) AS epoch_words,
        nullif(upper(coalesce(clean_text(rsstresc), clean_text(rsorres))), '.') AS result_word,
        -- 'Non-Response/ Non-PD' and its like: blanks do not tell words apart.
        regexp_replace(
            regexp_replace(upper(coalesce(clean_text(rsstresc), clean_text(rsorres))), '\s*/\s*', '/', 'g'),
            '\s+', ' ', 'g'
        ) AS result_key,
        upper(clean_text(rsstat)) AS completion_status,
        upper(coalesce(clean_text(rsacptfl), '')) = 'Y' AS is_accepted,
        clean_text(visit) AS visit,
        clean_text(visitnum) AS visit_number,
        clean_text(rsdtc) AS date_text,
        clean_text(rsdy) AS stated_day,
        hash(
            usubjid, rslnkid, rstestcd, rscat, rsscat, rsorres, rsstresc, rsstat, rseval, rsevalid, rsacptfl, visitnum,
            visit, rsdtc, rsdy, rsstrtpt, rsenrtpt
        ) AS content
    FROM raw.rs
),

-- Rows that are there more than once, all values but the sequence number: the first one counts.
repeated AS (
    SELECT
        _study_id AS study_id,
        hash(
            usubjid, rslnkid, rstestcd, rscat, rsscat, rsorres, rsstresc, rsstat, rseval, rsevalid, rsacptfl, visitnum,
            visit, rsdtc, rsdy, rsstrtpt, rsenrtpt
        ) AS content,
        min(struct_pack(file := _source_file, row := _source_row)) AS first_source
    FROM raw.rs
    GROUP BY ALL
    HAVING count(*) > 1
),

criterion AS (
    SELECT
        named.criterion_text,
        min_by(criterion.criterion, criterion.priority) AS criterion,
        min_by(criterion.family, criterion.priority) AS family
    FROM (SELECT DISTINCT criterion_text FROM rs) AS named
    LEFT JOIN staging.response_criterion AS criterion
        ON regexp_matches(named.criterion_text, criterion.category_pattern)
    GROUP BY named.criterion_text
),

typed AS (
    SELECT
        rs.*,
        coalesce(criterion.criterion, upper(rs.category), rs.criterion_text) AS named_criterion,
        coalesce(criterion.family, 'other') AS named_family,
        coalesce(study.patients = 'unknown', FALSE) AS is_patient_unknown,
        subject.usubjid,
        subject.patient_id,
        subject.first_dose_date,
        CASE
            WHEN rs.completion_status = 'NOT DONE' THEN 'not_done'
            WHEN rs.result_word IS NULL THEN 'blank'
            WHEN rs.test_code IN ('TRGRESP', 'NTRGRESP', 'OVRLRESP', 'BESTRESP') THEN 'response'
            WHEN rs.test_code IN ('NEWLIND', 'NEWLPROG') THEN 'new_lesion'
            ELSE 'other'
        END AS result_kind,
        coalesce(
            day_from_first_dose(
                rs.stated_day, rs.date_text, subject.first_dose_date, study.day_convention, subject.reference_shift_days
            ), undated.day
        ) AS day,
        undated.date_flag,
        repeated.first_source IS NOT NULL
        AND struct_pack(file := rs.source_file, row := rs.source_row) > repeated.first_source AS is_repeat
    FROM rs
    INNER JOIN criterion ON rs.criterion_text = criterion.criterion_text
    LEFT JOIN repeated ON rs.study_id = repeated.study_id AND rs.content = repeated.content
    LEFT JOIN raw.study AS study ON rs.study_id = study.study_id
    LEFT JOIN staging.subject_key AS subject_key
        ON rs.study_id = subject_key.study_id AND rs.usubjid_raw = subject_key.usubjid_raw
    LEFT JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    LEFT JOIN staging.undated_row AS undated ON undated.domain = 'rs' AND rs.rs_row = undated.domain_row
),

-- What each row says of the time it belongs to, in words that staging.response_period_rule knows.
evidence AS (
    SELECT
        typed.rs_row,
        said.evidence,
        said.words
    FROM typed
    CROSS JOIN
        LATERAL (
            VALUES
            ('rsenrtpt', relation_words(typed.end_relation, typed.end_reference, typed.first_dose_date)),
            ('rsstrtpt', relation_words(typed.start_relation, typed.start_reference, typed.first_dose_date)),
            ('rsenrf', typed.period_words),
            ('category', typed.category_words),
            ('day', CASE WHEN typed.day < 0 THEN 'BEFORE' WHEN typed.day >= 0 THEN 'ON OR AFTER' END),
            ('epoch', typed.epoch_words)
        ) AS said (evidence, words)
    WHERE said.words <> ''
),

rule_of_words AS (
    SELECT
        said.evidence,
        said.words,
        min_by(rule.rule_id, rule.priority) AS rule_id,
        min(rule.priority) AS priority
    FROM (SELECT DISTINCT
        evidence.evidence,
        evidence.words
    FROM evidence) AS said
    INNER JOIN staging.response_period_rule AS rule
        ON said.evidence = rule.evidence AND regexp_matches(said.words, rule.pattern)
    GROUP BY said.evidence, said.words
),

period AS (
    SELECT
        evidence.rs_row,
        min_by(rule_of_words.rule_id, rule_of_words.priority) AS rule_id
    FROM evidence
    INNER JOIN rule_of_words
        ON evidence.evidence = rule_of_words.evidence AND evidence.words = rule_of_words.words
    GROUP BY evidence.rs_row
),

timed AS (
    SELECT
        typed.*,
        period.rule_id AS period_rule_id,
        coalesce(rule.response_period, 'on study') AS response_period
    FROM typed
    LEFT JOIN period ON typed.rs_row = period.rs_row
    LEFT JOIN staging.response_period_rule AS rule ON period.rule_id = rule.rule_id
),

-- The one edition of a criterion that a study names: its rows without an edition are by that one. Rows without any
-- criterion too, where the study names no other.
edition AS (
    SELECT
        timed.study_id,
        coalesce(listed.edition_of, listed.criterion) AS general_criterion,
        count(DISTINCT timed.named_criterion) FILTER (WHERE listed.edition_of IS NOT NULL) AS n_editions,
        min_by(timed.named_criterion, listed.edition_of IS NULL) AS criterion,
        min(timed.named_family) AS family
    FROM timed
    INNER JOIN staging.response_criterion AS listed ON timed.named_criterion = listed.criterion
    WHERE
        timed.response_period = 'on study'
        AND timed.result_kind IN ('response', 'new_lesion')
        AND coalesce(listed.edition_of, listed.criterion) IN (
            SELECT with_edition.edition_of
            FROM staging.response_criterion AS with_edition
            WHERE with_edition.edition_of IS NOT NULL
        )
    GROUP BY timed.study_id, coalesce(listed.edition_of, listed.criterion)
    HAVING count(DISTINCT timed.named_criterion) FILTER (WHERE listed.edition_of IS NOT NULL) <= 1
),

other_criterion AS (
    SELECT DISTINCT timed.study_id
    FROM timed
    LEFT JOIN edition
        ON
            timed.study_id = edition.study_id
            AND timed.named_criterion IN (edition.general_criterion, edition.criterion)
    WHERE
        timed.response_period = 'on study'
        AND timed.result_kind IN ('response', 'new_lesion')
        AND timed.criterion_text <> ''
        AND edition.study_id IS NULL
),

candidate AS (
    SELECT
        timed.rs_row,
        timed.patient_id,
        timed.reader,
        timed.day,
        timed.test_code,
        timed.named_criterion,
        edition.criterion,
        edition.family
    FROM timed
    INNER JOIN edition
        ON
            timed.study_id = edition.study_id
            AND (
                timed.named_criterion IN (edition.general_criterion, edition.criterion)
                OR timed.criterion_text = ''
            )
    LEFT JOIN other_criterion ON timed.study_id = other_criterion.study_id
    WHERE
        timed.response_period = 'on study'
        AND timed.result_kind IN ('response', 'new_lesion')
        AND timed.patient_id IS NOT NULL
        AND (timed.criterion_text <> '' OR other_criterion.study_id IS NULL)
),

-- A reader who answers one test of one day twice, with the edition and without, judges by two criteria.
two_criteria AS (
    SELECT DISTINCT
        patient_id,
        reader
    FROM (
        SELECT
            patient_id,
            reader,
            count(DISTINCT named_criterion) AS n_criteria
        FROM candidate
        GROUP BY patient_id, reader, day, test_code
    ) AS answered
    WHERE n_criteria > 1
),

named AS (
    SELECT
        timed.*,
        coalesce(candidate.criterion, timed.named_criterion) AS criterion,
        coalesce(candidate.family, timed.named_family) AS criterion_family
    FROM timed
    LEFT JOIN (
        SELECT candidate.*
        FROM candidate
        ANTI JOIN two_criteria
            ON
                candidate.patient_id = two_criteria.patient_id
                AND candidate.reader IS NOT DISTINCT FROM two_criteria.reader
    ) AS candidate
        ON timed.rs_row = candidate.rs_row
),

-- The criterion's own word first, then those of every criterion; a criterion without a vocabulary has all words.
meaning AS (
    SELECT
        said.criterion_family,
        said.test_code,
        said.result_key,
        word.term,
        word.response,
        word.is_used
    FROM (
        SELECT DISTINCT
            named.criterion_family,
            named.test_code,
            named.result_key
        FROM named
        WHERE named.result_kind IN ('response', 'new_lesion')
    ) AS said
    INNER JOIN staging.response_word AS word
        ON
            said.result_key = word.word
            AND word.test_code IN (said.test_code, '*')
            AND (
                word.criterion_family IN (said.criterion_family, '*')
                OR said.criterion_family IN ('other', 'unspecified')
            )
    QUALIFY row_number() OVER (
        PARTITION BY said.criterion_family, said.test_code, said.result_key
        ORDER BY
            word.criterion_family = said.criterion_family DESC, word.criterion_family = '*' DESC,
            word.test_code <> '*' DESC, word.criterion_family ASC
    ) = 1
),

placed AS (
    SELECT
        named.*,
        meaning.term,
        meaning.response,
        CASE
            WHEN named.result_kind NOT IN ('response', 'new_lesion') THEN NULL
            WHEN meaning.term IS NULL THEN 'unknown'
            WHEN meaning.is_used THEN 'used'
            ELSE 'not used'
        END AS word_use
    FROM named
    LEFT JOIN meaning
        ON
            named.criterion_family = meaning.criterion_family
            AND named.test_code = meaning.test_code
            AND named.result_key = meaning.result_key
            AND named.result_kind IN ('response', 'new_lesion')
),

judged AS (
    SELECT
        placed.*,
        CASE
            WHEN placed.usubjid IS NULL THEN 'no_subject'
            WHEN placed.is_repeat THEN 'exact_duplicate'
            WHEN placed.result_kind NOT IN ('response', 'new_lesion') THEN 'kept'
            WHEN
                placed.test_code = 'BESTRESP' OR placed.day IS NOT NULL OR placed.response_period <> 'on study'
                THEN 'kept'
            WHEN placed.stated_day IS NOT NULL AND whole_day(placed.stated_day) IS NULL AND placed.date_text IS NULL
                THEN 'bad_day'
            WHEN placed.date_text IS NULL THEN 'no_day'
            WHEN full_date(placed.date_text) IS NOT NULL THEN 'no_reference_date'
            WHEN partial_period(placed.date_text) IS NOT NULL THEN 'partial_date'
            ELSE 'bad_date'
        END AS reason_id
    FROM placed
)

SELECT
    rs_row, -- position of the row in raw.rs
    study_id, -- text id of the study
    usubjid_raw, -- subject's id as RS writes it
    usubjid, -- subject's id in this warehouse
    patient_id, -- text id of the patient
    coalesce(reader, '') AS reader, -- who gave the response; '' where the source names none
    test_code, -- TRGRESP, NTRGRESP, NEWLIND, NEWLPROG, OVRLRESP, BESTRESP or another
    category, -- criteria as the source names them
    criterion, -- criterion of staging.response_criterion; the source's own text where none fits
    criterion_family, -- criteria of one vocabulary; 'other' where none fits
    named_criterion, -- the same by RSCAT alone: criterion is the study's only edition where the row names none
    response_period, -- on study; before: of prior therapy; after: of follow-up after the next therapy
    period_rule_id, -- rule of staging.response_period_rule that says so; NULL where nothing is said of the time
    result_kind, -- response, new_lesion, not_done, blank or other
    result_word, -- the result as written, upper case
    CASE WHEN result_kind = 'response' THEN coalesce(term, result_word) END
        AS response_term, -- term of the criterion (staging.response_word); the result as written where none is known
    CASE WHEN result_kind = 'response' THEN response END
        AS response, -- the same on RECIST's scale: CR, PR, SD, NON-CR/NON-PD, PD or NE; NULL where it is not on it
    word_use, -- used, not used (by the criterion for this test) or unknown; NULL where it is no response
    CASE WHEN result_kind = 'new_lesion' THEN coalesce(term = 'UNEQUIVOCAL', FALSE) END
        AS has_new_lesion, -- an unequivocal new lesion at this visit
    is_accepted, -- the accepted record of several readers
    link_group, -- RSLNKGRP as written
    visit, -- the source's label of the visit
    visit_number, -- the source's number of the visit, as text
    date_text, -- date as written
    stated_day, -- study day as written
    day, -- day from first dose
    whole_day(stated_day) IS NOT NULL AND date_text IS NOT NULL AND full_date(date_text) IS NULL
        AS is_date_partial, -- the date is partial and the stated day was used
    date_flag, -- imputed part of the date, as ADaM's DTF: D day, M month and day, Y all of it; NULL where none is
    CASE
        WHEN reason_id = 'kept' THEN 'kept'
        WHEN reason_id = 'exact_duplicate' THEN 'collapsed'
        ELSE 'quarantined'
    END AS disposition, -- kept, collapsed or quarantined
    reason_id, -- why, as a word; 'kept' when kept
    source_file, -- file of the row
    source_row -- row in the file
FROM judged
