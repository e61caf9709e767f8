/* How readily lesions of each organ respond, and progress: forest plots, with the naive model beside.
   Why: Zhou 2023, Fig. 3a and b, and within classes of treatment e and f; with several tumor types each has its own
   stratum, so that their charts can stand side by side (d, S6).
   Caveats: the naive model takes lesions of one patient as independent. The reference organ has a row of its own,
   with hazard ratio 1 and no interval. An organ whose hazard ratio is 0 or infinite (is_separated) has the one limit
   that there is, against the reference organ only, and no naive one.
   Grain: one row per stratum, endpoint, model, comparator and organ
   Key: stratum, endpoint, model, comparator, organ
   Tags: figure
*/
WITH mixed AS (
    SELECT
        ratio.stratum,
        ratio.endpoint,
        ratio.model,
        CASE ratio.reference WHEN 'mean' THEN 'mean' ELSE 'reference' END AS comparator,
        ratio.level AS organ,
        ratio.n_lesions,
        ratio.n_events,
        ratio.hazard_ratio,
        ratio.ci_lower,
        ratio.ci_upper,
        ratio.p_value,
        ratio.lr_p_value,
        ratio.is_separated
    FROM analysis.hazard_ratio AS ratio
    WHERE
        ratio.term = 'organ'
        AND ratio.is_primary
        AND ratio.model <> 'antibody within organ'
),

reference_organ AS (
    SELECT
        mixed.stratum,
        mixed.endpoint,
        mixed.model,
        'reference' AS comparator,
        mixed.organ,
        mixed.n_lesions,
        mixed.n_events,
        CAST(1.0 AS DOUBLE) AS hazard_ratio,
        CAST(NULL AS DOUBLE) AS ci_lower,
        CAST(NULL AS DOUBLE) AS ci_upper,
        CAST(NULL AS DOUBLE) AS p_value,
        CAST(NULL AS DOUBLE) AS lr_p_value,
        FALSE AS is_separated
    FROM mixed
    INNER JOIN analysis.hazard_fit AS fit
        ON
            mixed.stratum = fit.stratum
            AND mixed.endpoint = fit.endpoint
            AND mixed.model = fit.model
            AND mixed.organ = fit.organ_reference
    WHERE mixed.comparator = 'mean' AND fit.is_primary
),

separated_against_mean AS (
    SELECT
        * REPLACE (
            'mean' AS comparator, CAST(NULL AS DOUBLE) AS ci_lower, CAST(NULL AS DOUBLE) AS ci_upper,
            CAST(NULL AS DOUBLE) AS lr_p_value
        )
    FROM mixed
    WHERE is_separated
),

shown AS (
    SELECT
        stratum,
        endpoint,
        model,
        comparator,
        organ,
        n_lesions,
        n_events,
        hazard_ratio,
        ci_lower,
        ci_upper,
        p_value,
        lr_p_value,
        is_separated
    FROM mixed
    UNION ALL
    SELECT
        stratum,
        endpoint,
        model,
        comparator,
        organ,
        n_lesions,
        n_events,
        hazard_ratio,
        ci_lower,
        ci_upper,
        p_value,
        lr_p_value,
        is_separated
    FROM reference_organ
    UNION ALL
    SELECT
        stratum,
        endpoint,
        model,
        comparator,
        organ,
        n_lesions,
        n_events,
        hazard_ratio,
        ci_lower,
        ci_upper,
        p_value,
        lr_p_value,
        is_separated
    FROM separated_against_mean
)

SELECT
    shown.stratum, -- all, a class of treatment, or a tumor type
    shown.endpoint, -- response or progression
    shown.model, -- final, or without new lesions
    shown.comparator, -- reference: the organ of organ_reference; mean: the mean log hazard of the organs
    shown.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    fit.organ_reference, -- organ that the others are compared with
    shown.n_lesions, -- lesions of the organ
    shown.n_events, -- of them with the event
    shown.hazard_ratio, -- hazard ratio, with the patient's random effect; where separated 0, or NULL for infinite
    shown.ci_lower, -- lower limit; NULL where separated against the mean
    shown.ci_upper, -- upper limit; NULL where infinite, or separated against the mean
    shown.is_separated, -- no lesion of the organ has the event, or all fall on one side: one limit only
    shown.p_value, -- Wald
    shown.lr_p_value, -- likelihood ratio; NULL but in final models of all lesions or of a tumor type
    naive.hazard_ratio AS naive_hazard_ratio, -- without random effect
    naive.ci_lower AS naive_ci_lower, -- lower limit
    naive.ci_upper AS naive_ci_upper -- upper limit
FROM shown
INNER JOIN analysis.hazard_fit AS fit
    ON
        shown.stratum = fit.stratum
        AND shown.endpoint = fit.endpoint
        AND shown.model = fit.model
        AND fit.is_primary
LEFT JOIN analysis.hazard_ratio AS naive
    ON
        shown.stratum = naive.stratum
        AND shown.endpoint = naive.endpoint
        AND shown.model = naive.model
        AND shown.organ = naive.level
        AND naive.method = 'naive'
        AND naive.term = 'organ'
        AND (naive.reference = 'mean') = (shown.comparator = 'mean')
LEFT JOIN core.organ AS organ ON shown.organ = organ.organ
