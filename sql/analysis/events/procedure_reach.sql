/* One operation, irradiation or ablation and the lesions of one reader that it reached.
   Why: local treatment is an intercurrent event; which lesions it touches is a stated rule, not a guess, and what the
   source leaves open is a finding (quality.finding, rows.4g and rows.4h).
   How: staging.local_treatment_reach. A procedure reaches only lesions that the reader knew before it: those with a
   baseline, or else a first day, before its day. Where it names no lesion of this reader and no word of it says more,
   it reaches the lesions of its organ: the only one there, or, where there are several, those of
   local_treatment.unnamed_lesion. Lymph nodes that the procedure does not specify are nodes of any kind.
   Caveats: biopsies treat nothing. A region such as the pelvis is an organ of its own here: irradiation of the pelvis
   does not reach a lesion of the gut. Procedures before the reader knew any lesion have no row.
   Grain: one row per procedure_id and reader, procedures after the reader's first lesion was known
   Key: procedure_id, reader
*/
WITH treatment AS (
    SELECT
        procedure.procedure_id,
        procedure.patient_id,
        procedure.study_id,
        procedure.day,
        procedure.procedure_type,
        procedure.organ,
        procedure.lesion_label,
        upper(concat_ws(' ', worded.procedure, worded.standard_term, worded.category, worded.site_raw)) AS words
    FROM core.procedure AS procedure
    INNER JOIN staging.procedure AS worded ON procedure.procedure_id = worded.procedure_id
    WHERE procedure.procedure_type IN ('surgery', 'radiotherapy', 'local ablation')
),

-- Patterns are matched once for each distinct text.
treatment_text AS (
    SELECT DISTINCT words
    FROM treatment
),

text_rule AS (
    SELECT
        text.words,
        rule.rule_id,
        rule.reach,
        rule.organ
    FROM treatment_text AS text
    INNER JOIN staging.local_treatment_reach AS rule ON regexp_matches(text.words, rule.word_pattern)
    QUALIFY row_number() OVER (PARTITION BY text.words ORDER BY rule.priority) = 1
),

lesion AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        lesion.lesion_label,
        lesion.organ,
        lesion.is_nodal,
        coalesce(lesion.baseline_day, lesion.first_day) AS known_day
    FROM core.lesion AS lesion
    WHERE lesion.patient_id IS NOT NULL
),

course AS (
    SELECT
        patient_id,
        reader,
        coalesce(min(known_day), 0) AS first_known_day
    FROM lesion
    GROUP BY patient_id, reader
),

candidate AS (
    SELECT
        treatment.procedure_id,
        course.reader,
        lesion.lesion_id,
        lesion.lesion_label = treatment.lesion_label AS is_named,
        CASE text_rule.reach
            WHEN 'all' THEN TRUE
            WHEN 'organ' THEN lesion.organ = text_rule.organ
            WHEN 'site' THEN lesion.organ = treatment.organ
        END AS is_worded,
        treatment.organ <> 'unknown'
        AND (lesion.organ = treatment.organ OR (treatment.organ = 'ln' AND lesion.is_nodal)) AS is_at_site
    FROM treatment
    INNER JOIN course ON treatment.patient_id = course.patient_id
    INNER JOIN lesion
        ON
            course.patient_id = lesion.patient_id
            AND course.reader = lesion.reader
            AND coalesce(treatment.day > lesion.known_day, treatment.day IS NOT NULL)
    LEFT JOIN text_rule ON treatment.words = text_rule.words
),

counted AS (
    SELECT
        procedure_id,
        reader,
        count(*) FILTER (WHERE is_worded) AS n_worded,
        count(*) FILTER (WHERE is_named OR is_worded) AS n_said,
        count(*) FILTER (WHERE is_at_site) AS n_at_site,
        list(lesion_id ORDER BY lesion_id) FILTER (WHERE is_named OR is_worded) AS said,
        list(lesion_id ORDER BY lesion_id) FILTER (WHERE is_at_site) AS at_site
    FROM candidate
    GROUP BY procedure_id, reader
),

ruled AS (
    SELECT
        treatment.procedure_id,
        course.reader,
        treatment.patient_id,
        treatment.study_id,
        treatment.day,
        treatment.procedure_type,
        treatment.organ,
        counted.said,
        counted.at_site,
        CASE
            WHEN treatment.day IS NULL THEN 'day_unknown'
            WHEN counted.n_worded > 0 THEN text_rule.rule_id
            WHEN counted.n_said > 0 THEN 'named_lesion'
            WHEN counted.n_at_site = 1 THEN 'only_lesion'
            WHEN counted.n_at_site > 1 THEN 'several_lesions'
            ELSE 'no_lesion'
        END AS rule_id
    FROM treatment
    INNER JOIN course
        ON
            treatment.patient_id = course.patient_id
            AND coalesce(treatment.day > course.first_known_day, TRUE)
    LEFT JOIN counted ON treatment.procedure_id = counted.procedure_id AND course.reader = counted.reader
    LEFT JOIN text_rule ON treatment.words = text_rule.words
),

reached AS (
    SELECT
        ruled.*,
        rule.is_ambiguous,
        CASE
            WHEN ruled.rule_id IN ('day_unknown', 'no_lesion') THEN []
            WHEN ruled.rule_id = 'several_lesions' AND setting.value = 'none' THEN []
            WHEN ruled.rule_id IN ('only_lesion', 'several_lesions') THEN ruled.at_site
            ELSE ruled.said
        END AS lesion_ids
    FROM ruled
    INNER JOIN staging.local_treatment_reach AS rule ON ruled.rule_id = rule.rule_id
    INNER JOIN meta.setting AS setting ON setting.name = 'local_treatment.unnamed_lesion'
)

SELECT
    procedure_id, -- text id of the procedure
    reader, -- whose lesions; empty text where the source names no reader
    patient_id, -- text id of the patient
    study_id, -- text id of the study
    day, -- day of the procedure from first dose; NULL where not known
    procedure_type, -- surgery, radiotherapy or local ablation
    organ, -- organ that the procedure names, or that of the lesion that it names; 'unknown' where neither
    rule_id, -- rule of staging.local_treatment_reach that says which lesions it reached
    is_ambiguous, -- the source leaves open which lesion was treated
    lesion_ids, -- lesions taken to be treated
    array_length(lesion_ids) AS n_lesions -- how many
FROM reached
