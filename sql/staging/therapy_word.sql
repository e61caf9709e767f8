/* What the words of one procedure, disposition event, dose or medication say of another anticancer therapy.
   Why: the words are judged once, by rules that are data; core.subsequent_therapy and the findings about what was left
   out read the verdict.
   How: of the rules of staging.subsequent_therapy_rule for its table, the first whose pattern its field holds.
   Caveats: rows that no rule speaks of are left out.
   Grain: one row per therapy_id
   Key: therapy_id
*/
WITH candidate AS (
    SELECT
        'pr' AS domain,
        procedure_id AS therapy_id,
        patient_id,
        study_id,
        day,
        open_days,
        procedure AS therapy,
        category,
        NULL AS class,
        indication,
        procedure AS term,
        source_file,
        source_row
    FROM staging.procedure
    UNION ALL
    SELECT
        'ds' AS domain,
        disposition_id AS therapy_id,
        patient_id,
        study_id,
        day,
        open_days,
        coalesce(term, event) AS therapy,
        category,
        NULL AS class,
        NULL AS indication,
        concat_ws(' ', event, term) AS term,
        source_file,
        source_row
    FROM staging.disposition
    UNION ALL
    SELECT
        'ex' AS domain,
        exposure_id AS therapy_id,
        patient_id,
        study_id,
        start_day AS day,
        open_days,
        treatment AS therapy,
        category,
        NULL AS class,
        NULL AS indication,
        treatment AS term,
        source_file,
        source_row
    FROM staging.exposure
    UNION ALL
    SELECT
        'cm' AS domain,
        medication_id AS therapy_id,
        patient_id,
        study_id,
        day,
        open_days,
        coalesce(medication, standard_term) AS therapy,
        category,
        class,
        indication,
        concat_ws(' ', medication, standard_term) AS term,
        source_file,
        source_row
    FROM staging.medication
),

worded AS (
    SELECT
        candidate.*,
        rule.rule_id,
        rule.priority,
        rule.is_subsequent,
        rule.after_last_dose
    FROM candidate
    INNER JOIN staging.subsequent_therapy_rule AS rule
        ON
            candidate.domain = rule.domain
            AND regexp_matches(
                upper(
                    CASE rule.field
                        WHEN 'category' THEN candidate.category
                        WHEN 'class' THEN candidate.class
                        WHEN 'indication' THEN candidate.indication
                        WHEN 'term' THEN candidate.term
                    END
                ),
                rule.pattern
            )
    QUALIFY row_number() OVER (PARTITION BY candidate.therapy_id ORDER BY rule.priority) = 1
)

SELECT
    therapy_id, -- text id: that of the row of PR, DS, EX or CM
    domain, -- pr, ds, ex or cm
    patient_id, -- text id of the patient
    study_id, -- text id of the study
    day, -- first day, from first dose; NULL when not known
    coalesce(day, greatest(open_days.first_day, 0))
        AS earliest_day, -- the same, else the first that the date leaves open
    coalesce(day, open_days.last_day) AS latest_day, -- the same, else the last; NULL where nothing is known
    therapy, -- as written
    rule_id, -- the rule of staging.subsequent_therapy_rule that speaks of it
    is_subsequent, -- the words call it another anticancer therapy
    after_last_dose, -- it is one only where it begins after the last dose
    source_file, -- file of the row
    source_row -- row in the file
FROM worded
