/* The anatomical chart: each organ's hazard of response against its hazard of progression, and how sure its quadrant.
   Why: Zhou 2023, Fig. 3c and d.
   How: against the mean, organs are compared with the organs that both models have, so that limits here need not be
   those of analysis.hazard_ratio, whose mean is over the organs of one model.
   Caveats: probable_phenotype is the most probable; is_assigned says whether it is probable enough
   (hazards.phenotype_probability). Against the reference organ, that organ has no place.
   Grain: one row per stratum, comparator and organ
   Key: stratum, comparator, organ
   Tags: figure
*/
WITH organ_chart AS (
    SELECT
        stratum,
        comparator,
        organ,
        organ_reference,
        any_value(response_hr) AS response_hr,
        any_value(response_lower) AS response_lower,
        any_value(response_upper) AS response_upper,
        any_value(progression_hr) AS progression_hr,
        any_value(progression_lower) AS progression_lower,
        any_value(progression_upper) AS progression_upper,
        any_value(error_correlation) AS error_correlation,
        max(probability) AS probability,
        bool_or(is_assigned) AS is_assigned,
        arg_max(phenotype, (probability, phenotype)) AS probable_phenotype,
        max(probability) FILTER (WHERE phenotype = 'high-high') AS probability_high_high,
        max(probability) FILTER (WHERE phenotype = 'high-low') AS probability_high_low,
        max(probability) FILTER (WHERE phenotype = 'low-high') AS probability_low_high,
        max(probability) FILTER (WHERE phenotype = 'low-low') AS probability_low_low
    FROM analysis.organ_phenotype
    GROUP BY stratum, comparator, organ, organ_reference
),

ratio AS (
    SELECT
        stratum,
        endpoint,
        level AS organ,
        CASE reference WHEN 'mean' THEN 'mean' ELSE 'reference' END AS comparator,
        n_lesions,
        n_events
    FROM analysis.hazard_ratio
    WHERE term = 'organ' AND model = 'final' AND is_primary AND NOT is_separated
)

SELECT
    chart.stratum, -- all, a class of treatment, or a tumor type
    chart.comparator, -- reference: against organ_reference; mean: against the mean organ
    chart.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    organ.is_immune_privileged, -- immune-privileged or tolerogenic (Zhou 2023, Discussion)
    chart.organ_reference, -- reference organ of both models
    chart.response_hr, -- hazard ratio of response
    chart.response_lower, -- lower limit
    chart.response_upper, -- upper limit
    chart.progression_hr, -- hazard ratio of progression
    chart.progression_lower, -- lower limit
    chart.progression_upper, -- upper limit
    chart.probable_phenotype, -- most probable quadrant: response, then progression
    chart.probability, -- its probability
    chart.is_assigned, -- probable enough to be assigned
    chart.probability_high_high, -- probability of high response and high progression
    chart.probability_high_low, -- of high response and low progression
    chart.probability_low_high, -- of low response and high progression
    chart.probability_low_low, -- of low response and low progression
    chart.error_correlation, -- of the errors of the two log hazard ratios
    response.n_lesions AS n_lesions_response, -- lesions in the model of response
    response.n_events AS n_responses, -- of them responding
    progression.n_lesions AS n_lesions_progression, -- lesions in the model of progression, new ones among them
    progression.n_events AS n_progressions -- of them progressing
FROM organ_chart AS chart
LEFT JOIN ratio AS response
    ON
        chart.stratum = response.stratum
        AND chart.comparator = response.comparator
        AND chart.organ = response.organ
        AND response.endpoint = 'response'
LEFT JOIN ratio AS progression
    ON
        chart.stratum = progression.stratum
        AND chart.comparator = progression.comparator
        AND chart.organ = progression.organ
        AND progression.endpoint = 'progression'
LEFT JOIN core.organ AS organ ON chart.organ = organ.organ
