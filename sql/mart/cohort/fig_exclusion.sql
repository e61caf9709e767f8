/* Who and what is left out of which analysis, and why.
   Why: every analysis says what it rests on.
   Caveats: a lesion may be left out of more than one analysis, and stands in each.
   Grain: one row per analysis, level and reason
   Key: analysis, level, reason
   Tags: figure
*/
WITH left_out AS (
    SELECT
        'cohort' AS analysis,
        level,
        reason,
        count(DISTINCT patient_id) AS n_patients,
        count(DISTINCT lesion_id) AS n_lesions
    FROM core.exclusion
    GROUP BY level, reason
    UNION ALL
    SELECT
        'growth, ' || fit_id AS analysis,
        'lesion' AS level,
        reason,
        CAST(NULL AS BIGINT) AS n_patients,
        count(*) AS n_lesions
    FROM analysis.growth_excluded
    GROUP BY fit_id, reason
    UNION ALL
    SELECT
        'hazard of ' || endpoint || ', ' || stratum || ', ' || model AS analysis,
        'lesion' AS level,
        rule || ': ' || level AS reason,
        CAST(NULL AS BIGINT) AS n_patients,
        sum(n_lesions) AS n_lesions
    FROM analysis.hazard_exclusion
    GROUP BY endpoint, stratum, model, rule, level
)

SELECT
    analysis, -- cohort (all analyses), growth or hazard
    level, -- patient or lesion
    reason, -- why
    n_patients, -- patients left out, or whose lesions are; NULL where not counted
    CAST(n_lesions AS BIGINT) AS n_lesions -- lesions left out
FROM left_out
