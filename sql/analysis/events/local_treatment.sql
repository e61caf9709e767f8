/* One lesion that was operated on, irradiated or ablated while it was followed, and from which day it tells nothing of
   the drug.
   Why: local treatment is an intercurrent event (ICH E9(R1)). Sums, responses, events, growth data, hazards and
   heterogeneity join this one table, so that all deal with it alike.
   How: the first procedure that reached the lesion by analysis.procedure_reach; what the lesion later split or merged
   into, and a lesion marked twice, count as treated with it. The policy of the study (core.study) says what follows
   (staging.local_treatment_policy): under not_evaluable (while on treatment strategy) and censored (hypothetical) the
   lesion is not evaluable from not_evaluable_from on; under kept (treatment policy strategy) that day is empty and
   sizes count as they stand.
   Caveats: what is scanned on the day of the procedure itself counts as after it. Lesions of all readers are here.
   Reference: ICH E9(R1) 2019, section A.3.2; Eisenhauer et al. 2009, Eur J Cancer 45:228, section 3.1.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public
*/
WITH touched AS (
    SELECT
        unnest(lesion_ids) AS lesion_id,
        procedure_id,
        day,
        rule_id,
        is_ambiguous
    FROM analysis.procedure_reach
),

inherited AS (
    SELECT
        lineage.lesion_id,
        touched.procedure_id,
        touched.day,
        touched.rule_id,
        touched.is_ambiguous
    FROM touched
    INNER JOIN core.lesion_lineage AS lineage ON touched.lesion_id = lineage.related_lesion_id
    WHERE lineage.relation = 'duplicate' OR coalesce(lineage.day >= touched.day, TRUE)
),

any_touch AS (
    SELECT
        *,
        FALSE AS is_inherited
    FROM touched
    UNION ALL
    SELECT
        *,
        TRUE AS is_inherited
    FROM inherited
),

first_touch AS (
    SELECT
        *,
        count(DISTINCT procedure_id) OVER (PARTITION BY lesion_id) AS n_procedures,
        row_number() OVER (PARTITION BY lesion_id ORDER BY day, is_inherited, procedure_id) AS place
    FROM any_touch
),

assessed AS (
    SELECT
        lesion_id,
        day,
        TRUE AS is_size
    FROM core.measurement
    UNION ALL
    SELECT
        lesion_id,
        day,
        FALSE AS is_size
    FROM core.lesion_assessment
),

after_it AS (
    SELECT
        first_touch.lesion_id,
        count(seen.day) FILTER (WHERE seen.is_size) AS n_sizes_after,
        count(seen.day) FILTER (WHERE NOT seen.is_size) AS n_states_after
    FROM first_touch
    LEFT JOIN assessed AS seen ON first_touch.lesion_id = seen.lesion_id AND first_touch.day <= seen.day
    WHERE first_touch.place = 1
    GROUP BY first_touch.lesion_id
)

SELECT
    first_touch.lesion_id, -- text id of the lesion
    lesion.patient_id, -- text id of the patient
    lesion.study_id, -- text id of the study
    coalesce(lesion.reader, '') AS reader, -- who followed it; empty text where the source names no reader
    lesion.lesion_type, -- target, non-target or new
    lesion.organ, -- organ of the lesion
    first_touch.day AS first_day, -- day of the first local treatment, from first dose
    CASE WHEN NOT policy.is_lesion_evaluable THEN first_touch.day END AS not_evaluable_from, -- first day without
    first_touch.procedure_id, -- that procedure (core.procedure)
    procedure.procedure_type, -- surgery, radiotherapy or local ablation
    first_touch.rule_id, -- rule of staging.local_treatment_reach by which it reached the lesion
    first_touch.is_ambiguous, -- the source leaves open which of several lesions was treated
    first_touch.is_inherited, -- the lesion split off or merged from a treated one, or is marked twice
    first_touch.n_procedures, -- local treatments of the lesion
    after_it.n_sizes_after, -- sizes from that day on; left out unless the policy is kept
    after_it.n_states_after, -- states in words from that day on; likewise
    policy.policy, -- local_treatment of study.yml, else the setting local_treatment.policy
    policy.strategy, -- its strategy in the words of ICH E9(R1)
    policy.is_patient_censored, -- the patient's endpoints are censored before the procedure too
    lesion.is_analysed -- the lesion is used in analyses
FROM first_touch
INNER JOIN core.lesion AS lesion ON first_touch.lesion_id = lesion.lesion_id
INNER JOIN core.procedure AS procedure ON first_touch.procedure_id = procedure.procedure_id
INNER JOIN after_it ON first_touch.lesion_id = after_it.lesion_id
INNER JOIN core.study AS study ON lesion.study_id = study.study_id
INNER JOIN staging.local_treatment_policy AS policy ON study.local_treatment_policy = policy.policy
WHERE first_touch.place = 1
