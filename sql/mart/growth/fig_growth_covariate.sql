/* Growth parameters of lesions against what is known of the lesion and its patient: one box of a box plot.
   Why: what a model with covariates should hold is seen here first, as in Monolix's plot of parameters against
   covariates.
   How: one draw of each lesion's distribution given its measurements (the first of analysis.growth_draw), because
   conditional modes are drawn to the typical value where scans are few. Numbers are cut into five groups of about as
   many lesions, equal values together; correlation is Pearson's over lesions, of the number (its logarithm for volumes
   and LDH) with the parameter on the scale of estimation.
   Caveats: lesions of a patient share the patient's covariates and are not independent, and draws of a fit without
   covariates are drawn towards no difference: sizes of effects and tests are in analysis.growth_covariate and
   analysis.growth_covariate_test.
   Reference: Monolix documentation, Individual parameters vs covariates.
   Grain: one row per fit_id, parameter, covariate and level_order
   Key: fit_id, parameter, covariate, level_order
   Tags: figure
*/
WITH covariate (covariate_order, covariate) AS (
    VALUES
    (1, 'Organ'),
    (2, 'Treatment class'),
    (3, 'Treatment'),
    (4, 'Study'),
    (5, 'Volume of the lesion at baseline, mm3'),
    (6, 'Volume of the target lesions at baseline, mm3'),
    (7, 'Lesions at baseline'),
    (8, 'Age, years'),
    (9, 'Sex'),
    (10, 'Body mass index, kg/m2'),
    (11, 'ECOG performance status'),
    (12, 'LDH over its upper limit of normal'),
    (13, 'KRAS status'),
    (14, 'Primary site'),
    (15, 'Line of therapy')
),

distribution AS (
    SELECT
        fit_id,
        parameter,
        min(distribution) AS distribution,
        min(unit) AS unit
    FROM analysis.growth_lesion_parameter
    GROUP BY fit_id, parameter
),

drawn AS (
    SELECT
        draw.fit_id,
        draw.subset,
        draw.parameter,
        draw.lesion_id,
        distribution.unit,
        draw.gaussian_draws[1] AS gaussian,
        CASE distribution.distribution
            WHEN 'lognormal' THEN exp(draw.gaussian_draws[1])
            WHEN 'logitnormal' THEN 1 / (1 + exp(-draw.gaussian_draws[1]))
            ELSE draw.gaussian_draws[1]
        END AS amount
    FROM analysis.growth_draw AS draw
    INNER JOIN distribution ON draw.fit_id = distribution.fit_id AND draw.parameter = distribution.parameter
),

fitted AS (
    SELECT DISTINCT
        fit_id,
        lesion_id
    FROM drawn
),

valued AS (
    SELECT
        fitted.fit_id,
        fitted.lesion_id,
        lesion.patient_id,
        covariate.covariate_order,
        covariate.covariate,
        CASE covariate.covariate
            WHEN 'Organ' THEN coalesce(organ.display_name, lesion.organ)
            WHEN 'Treatment class' THEN feature.treatment_class
            WHEN 'Treatment' THEN feature.treatment
            WHEN 'Study' THEN lesion.study_id
            WHEN 'Sex' THEN feature.sex
            WHEN 'ECOG performance status' THEN CAST(feature.ecog AS VARCHAR)
            WHEN 'KRAS status' THEN feature.kras_status
            WHEN 'Primary site' THEN feature.primary_site
            WHEN 'Line of therapy' THEN CAST(feature.line_of_therapy AS VARCHAR)
        END AS word,
        CASE covariate.covariate
            WHEN 'Volume of the lesion at baseline, mm3' THEN lesion.baseline_volume_mm3
            WHEN 'Volume of the target lesions at baseline, mm3' THEN feature.target_volume_mm3
            WHEN 'Lesions at baseline' THEN feature.n_lesions
            WHEN 'Age, years' THEN feature.age_years
            WHEN 'Body mass index, kg/m2' THEN feature.bmi_kg_m2
            WHEN 'LDH over its upper limit of normal' THEN feature.ldh_ratio
        END AS number,
        CASE covariate.covariate WHEN 'Organ' THEN organ.sort_order ELSE 0 END AS word_order
    FROM fitted
    INNER JOIN core.lesion AS lesion ON fitted.lesion_id = lesion.lesion_id
    LEFT JOIN core.organ AS organ ON lesion.organ = organ.organ
    LEFT JOIN analysis.baseline_feature AS feature ON lesion.patient_id = feature.patient_id
    CROSS JOIN covariate
),

ranked AS (
    SELECT
        *,
        rank() OVER (PARTITION BY fit_id, covariate ORDER BY number ASC NULLS LAST) AS number_rank,
        count(number) OVER of_covariate AS n_numbers,
        count(word) OVER of_covariate AS n_words
    FROM valued
    WINDOW of_covariate AS (PARTITION BY fit_id, covariate)
),

-- Ranks count from 1, groups from 0; what nobody has is no covariate.
cut AS (
    SELECT
        *,
        CASE WHEN number IS NOT NULL THEN 5 * (number_rank - 1) // n_numbers END AS fifth,
        CASE
            WHEN covariate LIKE 'Volume%' OR covariate LIKE 'LDH%' THEN CASE WHEN number > 0 THEN ln(number) END
            ELSE number
        END AS scaled_number
    FROM ranked
    WHERE n_numbers > 0 OR n_words > 0
),

item AS (
    SELECT
        drawn.fit_id,
        drawn.subset,
        drawn.parameter,
        drawn.unit,
        drawn.gaussian,
        drawn.amount,
        cut.lesion_id,
        cut.patient_id,
        cut.covariate,
        cut.covariate_order,
        cut.word,
        cut.word_order,
        cut.number,
        cut.scaled_number,
        cut.fifth
    FROM drawn
    INNER JOIN cut ON drawn.fit_id = cut.fit_id AND drawn.lesion_id = cut.lesion_id
),

related AS (
    SELECT
        fit_id,
        parameter,
        covariate,
        corr(gaussian, scaled_number ORDER BY lesion_id) AS correlation
    FROM item
    WHERE scaled_number IS NOT NULL
    GROUP BY fit_id, parameter, covariate
    HAVING min(scaled_number) < max(scaled_number)
),

box AS (
    SELECT
        fit_id,
        subset,
        parameter,
        unit,
        covariate,
        covariate_order,
        word,
        fifth,
        min(word_order) AS word_order,
        min(number) AS lowest,
        max(number) AS highest,
        count(*) AS n_lesions,
        count(DISTINCT patient_id) AS n_patients,
        quantile_cont(amount, [0.1, 0.25, 0.5, 0.75, 0.9]) AS quantile
    FROM item
    GROUP BY fit_id, subset, parameter, unit, covariate, covariate_order, word, fifth
),

named AS (
    SELECT
        *,
        CASE
            WHEN word IS NOT NULL THEN word
            WHEN fifth IS NULL THEN 'not known'
            WHEN lowest = highest THEN short_number(lowest)
            ELSE short_number(lowest) || ' to ' || short_number(highest)
        END AS level
    FROM box
)

SELECT
    named.fit_id, -- analysis.growth_fit
    named.subset, -- lesions that were fitted together, or all
    named.parameter, -- growth parameter, as the model names it
    named.unit, -- its unit; NULL without one
    named.covariate, -- covariate, with its unit
    named.covariate_order, -- order of the covariates
    named.level, -- level, or from which number to which; not known
    CAST(
        row_number() OVER (
            PARTITION BY named.fit_id, named.parameter, named.covariate
            ORDER BY
                named.word IS NULL AND named.fifth IS NULL, named.fifth ASC, named.word_order ASC, named.word ASC
        ) AS INTEGER
    ) AS level_order, -- order of the levels of a covariate, from 1
    named.n_lesions, -- lesions
    named.n_patients, -- their patients
    named.quantile[1] AS percentile_10, -- 10th percentile: the lower whisker
    named.quantile[2] AS first_quartile, -- first quartile
    named.quantile[3] AS median, -- median
    named.quantile[4] AS third_quartile, -- third quartile
    named.quantile[5] AS percentile_90, -- 90th percentile: the upper whisker
    related.correlation -- of a number with the parameter; NULL for words
FROM named
LEFT JOIN related
    ON
        named.fit_id = related.fit_id
        AND named.parameter = related.parameter
        AND named.covariate = related.covariate
