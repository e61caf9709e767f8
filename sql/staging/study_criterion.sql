/* The criteria by which a study gives responses, and the one that counts.
   Why: a study that states responses by two criteria has two courses per patient; endpoints follow one of them.
   The rule, in order: the first criterion of the setting response.criterion (a list, separated by commas) that the
   study has; the first of the RECIST family (staging.response_criterion.choice_rank); the only criterion. Where
   a study has several and none of these, none counts and quality.finding says so.
   Caveats: where any criterion has an overall or best overall response of the trial itself, only those that have one
   can count: one that is stated for prior therapy alone, or for target lesions beside another's overall response,
   cannot.
   Grain: one row per study_id and criterion
   Key: study_id, criterion
   Tags: public
*/
WITH preference AS (
    SELECT
        plain_words(named.wanted) AS wanted_words,
        min(named.place) AS place
    FROM (
        SELECT
            unnest(string_split(value, ',')) AS wanted,
            generate_subscripts(string_split(value, ','), 1) AS place
        FROM meta.setting
        WHERE name = 'response.criterion'
    ) AS named
    WHERE plain_words(named.wanted) <> ''
    GROUP BY ALL
),

tally AS (
    SELECT
        study_id,
        criterion,
        min(criterion_family) AS family,
        count(*) AS n_rows,
        count(DISTINCT patient_id) AS n_patients,
        count(*) FILTER (WHERE response_period = 'before') AS n_rows_before,
        count(*) FILTER (WHERE response_period = 'after') AS n_rows_after,
        count(*) FILTER (
            WHERE response_period = 'on study' AND result_kind = 'response' AND test_code IN ('OVRLRESP', 'BESTRESP')
        ) AS n_overall
    FROM staging.disease_response_screen
    WHERE disposition = 'kept' AND result_kind IN ('response', 'new_lesion')
    GROUP BY study_id, criterion
),

candidate AS (
    SELECT
        tally.*,
        n_rows > n_rows_before + n_rows_after
        AND (n_overall > 0 OR max(n_overall) OVER (PARTITION BY study_id) = 0) AS can_count
    FROM tally
),

ranked AS (
    SELECT
        candidate.*,
        preference.place,
        criterion.choice_rank,
        count(*) FILTER (WHERE candidate.can_count) OVER (PARTITION BY candidate.study_id) AS n_criteria,
        row_number() OVER (
            PARTITION BY candidate.study_id
            ORDER BY
                candidate.can_count DESC, preference.place ASC NULLS LAST, criterion.choice_rank ASC NULLS LAST,
                candidate.criterion ASC
        ) AS choice
    FROM candidate
    LEFT JOIN preference ON plain_words(candidate.criterion) = preference.wanted_words
    LEFT JOIN staging.response_criterion AS criterion ON candidate.criterion = criterion.criterion
),

judged AS (
    SELECT
        *,
        CASE
            WHEN choice > 1 OR NOT can_count THEN NULL
            WHEN place IS NOT NULL THEN 'setting'
            WHEN choice_rank IS NOT NULL THEN 'recist_family'
            WHEN n_criteria = 1 THEN 'only_criterion'
        END AS chosen_by
    FROM ranked
)

SELECT
    study_id, -- text id of the study
    criterion, -- criterion of staging.response_criterion; the source's own text where none fits
    family, -- criteria of one vocabulary
    chosen_by IS NOT NULL AS is_analysis_criterion, -- its responses are the study's stated endpoints
    chosen_by, -- why: setting, recist_family or only_criterion; NULL where it does not count
    CAST(n_rows AS BIGINT) AS n_rows, -- responses and new lesions of RS under it
    CAST(n_patients AS BIGINT) AS n_patients, -- patients with any of them
    CAST(n_rows_before AS BIGINT) AS n_rows_before, -- of the rows, history: of prior therapy
    CAST(n_rows_after AS BIGINT) AS n_rows_after -- of the rows, history: of follow-up after the next therapy
FROM judged
