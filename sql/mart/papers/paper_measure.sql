/* What this warehouse has for the figures and tables of three papers: one number each, with limits and p.
   Why: mart.fig_paper_comparison puts them beside the published ones.
   How: item names the number, and mart.published_finding asks for it by that name. Differences of two groups are here
   both ways round, of lesions and patients as Cliff's delta; survival is of mart.paper_survival, radiomic features of
   mart.paper_radiomics.
   Organs are ranked among those that have an estimate, from the highest or from below. Everything is of all patients
   together (subset and stratum all); of target lesions' times those on growth curves count. p of two groups of lesions
   is the one with patients as clusters (p_clustered).
   Caveats: what the settings do not ask for has no row (clusters are named by progression.encoding). Days
   to a second progression are of those in whom one was seen; further progressions are rates over the time at risk.
   Reference: Zhou et al., Nat Commun 2023; Zhou et al., Cancer Res 2021; Henry et al., Sci Rep 2022
   Grain: one row per item
   Key: item
*/
WITH analysed AS (
    SELECT
        lesion.lesion_id,
        lesion.lesion_type
    FROM core.lesion AS lesion
    INNER JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
    WHERE lesion.is_analysed AND patient.is_analysed
),

counted AS (
    SELECT
        CASE lesion_type
            WHEN 'target' THEN 'target lesions' WHEN 'non-target' THEN 'non-target lesions' ELSE 'new lesions'
        END AS item,
        count(*) AS value
    FROM analysed
    GROUP BY lesion_type
    UNION ALL
    SELECT
        'lesions' AS item,
        count(*) AS value
    FROM analysed
    UNION ALL
    SELECT
        'patients' AS item,
        count(*) AS value
    FROM core.patient
    WHERE is_analysed
    UNION ALL
    SELECT
        'measurements' AS item,
        count(*) AS value
    FROM core.measurement AS measurement
    INNER JOIN analysed ON measurement.lesion_id = analysed.lesion_id
    WHERE analysed.lesion_type = 'target' AND measurement.diameter_mm IS NOT NULL
),

level_of AS (
    SELECT
        variable,
        level,
        patient_id AS item_id,
        amount
    FROM analysis.patient_characteristic
    UNION ALL
    SELECT
        'Measurements per target lesion' AS variable,
        'all' AS level,
        lesion_id AS item_id,
        CAST(n_measurements AS DOUBLE) AS amount
    FROM core.lesion
    WHERE is_analysed AND lesion_type = 'target' AND patient_id IS NOT NULL
),

level_total AS (
    SELECT
        variable,
        level,
        count(*) AS n,
        count(*) / CAST(sum(count(*)) OVER (PARTITION BY variable) AS DOUBLE) AS share,
        avg(amount ORDER BY item_id) AS mean,
        quantile_cont(amount, 0.5) AS median
    FROM level_of
    GROUP BY variable, level
),

characteristic AS (
    SELECT
        'characteristic: ' || variable || ': ' || level || ': ' || unnest(['n', 'percent', 'mean', 'median']) AS item,
        unnest([CAST(n AS DOUBLE), 100 * share, mean, median]) AS value,
        n
    FROM level_total
),

growth_organ AS (
    SELECT
        unnest(['rank of ', 'rank from below of ']) || parameter || ': ' || organ AS item,
        unnest([
            rank() OVER (PARTITION BY parameter ORDER BY typical DESC),
            rank() OVER (PARTITION BY parameter ORDER BY typical ASC)
        ]) AS value,
        n_lesions AS n
    FROM analysis.growth_by_organ
    WHERE subset = 'all'
),

growth_pair AS (
    SELECT
        'growth correlation: ' || least(x, y) || ': ' || greatest(x, y) AS item,
        r AS value,
        ci_lower,
        ci_upper,
        p_value,
        n
    FROM analysis.growth_correlation
    WHERE subset = 'all' AND level = 'organ' AND estimate_kind = 'conditional_mode'
),

burden AS (
    SELECT
        'burden: ' || parameter AS item,
        r AS value,
        ci_lower,
        ci_upper,
        p_value,
        n_organs AS n
    FROM analysis.growth_baseline
    WHERE subset = 'all' AND burden = 'organ_volume' AND estimate_kind = 'conditional_mode'
),

antibody_growth AS (
    SELECT
        'antibody effect: ' || parameter AS item,
        standardised AS value,
        standardised_lower AS ci_lower,
        standardised_upper AS ci_upper,
        p_value,
        n_patients AS n
    FROM analysis.growth_effect
    WHERE
        subset = 'all'
        AND treatment = 'targeted plus chemotherapy'
        AND organ = 'all'
        AND estimate_kind = 'conditional_mode'
        AND adjustment = 'line_of_therapy'
),

by_response AS (
    SELECT
        'hazard by best response: ' || endpoint || ': ' || best_overall_response AS item,
        hazard_ratio AS value,
        ci_lower,
        ci_upper,
        CAST(NULL AS DOUBLE) AS p_value,
        n_lesions AS n
    FROM analysis.event_by_response
    WHERE source = 'modelled'
),

first_pd AS (
    SELECT
        visit.patient_id,
        best.best_overall_response,
        arg_min(visit.target_response = 'PD', (visit.day, visit.time_point_id)) AS is_by_target
    FROM analysis.visit_response AS visit
    INNER JOIN core.patient AS best ON visit.patient_id = best.patient_id
    WHERE visit.is_analysis_reader AND visit.overall_response = 'PD' AND best.is_analysed
    GROUP BY visit.patient_id, best.best_overall_response
),

by_target AS (
    SELECT
        'first progression of target lesions: ' || best_overall_response AS item,
        100.0 * count(*) FILTER (WHERE is_by_target) / count(*) AS value,
        count(*) AS n
    FROM first_pd
    WHERE best_overall_response IS NOT NULL
    GROUP BY best_overall_response
),

hazard AS (
    SELECT
        endpoint,
        level AS organ,
        hazard_ratio,
        ci_lower,
        ci_upper,
        coalesce(lr_p_value, p_value) AS p_value,
        n_lesions,
        rank() OVER (PARTITION BY endpoint ORDER BY hazard_ratio DESC) AS place,
        rank() OVER (PARTITION BY endpoint ORDER BY hazard_ratio ASC) AS place_from_below
    FROM analysis.hazard_ratio
    WHERE
        is_primary
        AND stratum = 'all'
        AND model = 'final'
        AND term = 'organ'
        AND reference <> 'mean'
        AND NOT is_separated
),

hazard_organ AS (
    SELECT
        endpoint || ' hazard: ' || organ AS item,
        hazard_ratio AS value,
        ci_lower,
        ci_upper,
        p_value,
        n_lesions AS n
    FROM hazard
    UNION ALL
    SELECT
        unnest(['rank of ', 'rank from below of ']) || endpoint || ' hazard: ' || organ AS item,
        unnest([place, place_from_below]) AS value,
        CAST(NULL AS DOUBLE) AS ci_lower,
        CAST(NULL AS DOUBLE) AS ci_upper,
        CAST(NULL AS DOUBLE) AS p_value,
        n_lesions AS n
    FROM hazard
),

hazard_antibody AS (
    SELECT
        'antibody hazard: ' || endpoint || ': ' || level AS item,
        hazard_ratio AS value,
        ci_lower,
        ci_upper,
        coalesce(lr_p_value, p_value) AS p_value,
        n_lesions AS n
    FROM analysis.hazard_ratio
    WHERE is_primary AND term = 'antibody_within_organ' AND stratum = 'all'
),

phenotype AS (
    SELECT
        'probability of ' || phenotype || ': ' || organ AS item,
        probability AS value
    FROM analysis.organ_phenotype
    WHERE stratum = 'all' AND comparator = 'reference'
),

phenotype_group AS (
    SELECT
        'phenotype survival: ' || grouping || ': ' || group_name AS item,
        median_days AS value,
        median_lower AS ci_lower,
        median_upper AS ci_upper,
        CAST(NULL AS DOUBLE) AS p_value,
        n_patients AS n
    FROM analysis.phenotype_survival
    WHERE comparator = 'reference' AND endpoint = 'OS'
    UNION ALL
    SELECT
        'phenotype survival difference: ' || grouping AS item,
        max(median_days) FILTER (WHERE group_name = 'yes') - max(median_days) FILTER (WHERE group_name <> 'yes')
            AS value,
        CAST(NULL AS DOUBLE) AS ci_lower,
        CAST(NULL AS DOUBLE) AS ci_upper,
        max(p_value) AS p_value,
        sum(n_patients) AS n
    FROM analysis.phenotype_survival
    WHERE comparator = 'reference' AND endpoint = 'OS'
    GROUP BY grouping
),

pair AS (
    SELECT
        'comparison' AS kind,
        subset,
        variable,
        grouping,
        group_a,
        group_b,
        effect_size,
        effect_lower,
        effect_upper,
        coalesce(p_clustered, p_adjusted) AS p_adjusted,
        n_a + n_b AS n
    FROM analysis.group_comparison
    WHERE test <> 'Kruskal-Wallis' AND null_reason IS NULL
    UNION ALL
    SELECT
        'interval' AS kind,
        subset,
        variable,
        grouping,
        group_a,
        group_b,
        effect_size,
        effect_lower,
        effect_upper,
        p_adjusted,
        n_a + n_b AS n
    FROM analysis.progression_comparison
    WHERE test <> 'Kruskal-Wallis' AND null_reason IS NULL
),

compared AS (
    SELECT
        kind || ': ' || subset || ': ' || variable || ': ' || grouping || ': ' || group_a || ' - ' || group_b AS item,
        effect_size AS value,
        effect_lower AS ci_lower,
        effect_upper AS ci_upper,
        p_adjusted AS p_value,
        n
    FROM pair
    UNION ALL
    SELECT
        kind || ': ' || subset || ': ' || variable || ': ' || grouping || ': ' || group_b || ' - ' || group_a AS item,
        -effect_size AS value,
        -effect_upper AS ci_lower,
        -effect_lower AS ci_upper,
        p_adjusted AS p_value,
        n
    FROM pair
),

summarised AS (
    SELECT
        'summary: ' || subset || ': ' || variable || ': ' || grouping || ': ' || group_name AS item,
        median AS value,
        median_lower AS ci_lower,
        median_upper AS ci_upper,
        n
    FROM analysis.group_summary
),

correlated AS (
    SELECT
        'correlation: ' || subset || ': ' || x || ': ' || y || ': ' || min_lesions || ': ' || method AS item,
        estimate AS value,
        ci_lower,
        ci_upper,
        p_value,
        n
    FROM analysis.variable_correlation
),

inconsistent AS (
    SELECT
        'inconsistent lesions: ' || organ AS item,
        100 * fraction_inconsistent AS value,
        n_lesions AS n
    FROM mart.fig_inconsistent_lesions
    UNION ALL
    SELECT
        'inconsistent lesions: liver - bone' AS item,
        100 * (
            max(fraction_inconsistent) FILTER (WHERE organ = 'liver')
            - max(fraction_inconsistent) FILTER (WHERE organ = 'bone')
        ) AS value,
        sum(n_lesions) FILTER (WHERE organ IN ('liver', 'bone')) AS n
    FROM mart.fig_inconsistent_lesions
    UNION ALL
    SELECT
        'patients with inconsistent lesions' AS item,
        100 * (1 - fraction) AS value,
        n_all AS n
    FROM mart.fig_inconsistent_patients
    WHERE treatment = 'all' AND n_inconsistent = '0'
),

sequence AS (
    SELECT
        'clusters: ' || choice.subset AS item,
        choice.k AS value,
        choice.n_patients AS n,
        CAST(NULL AS DOUBLE) AS p_value
    FROM analysis.progression_cluster_choice AS choice
    INNER JOIN meta.setting AS setting
        ON choice.encoding = setting.value AND setting.name = 'progression.encoding'
    WHERE choice.is_chosen AND choice.is_stable AND choice.is_beyond_chance
    UNION ALL
    SELECT
        'association: ' || subset || ': ' || variable AS item,
        cramers_v AS value,
        n_patients AS n,
        p_value
    FROM analysis.progression_association
),

further AS (
    SELECT
        'further progressions: ' || from_organ AS item,
        sum(n_transitions) AS n,
        sum(n_transitions_otherwise) AS n_otherwise,
        (sum(n_transitions) / sum(patient_years)) / (sum(n_transitions_otherwise) / sum(patient_years_otherwise))
            AS rate_ratio
    FROM analysis.organ_transition
    WHERE subset = 'all' AND stratum = 'all' AND to_organ <> 'death' AND from_organ <> 'none'
    GROUP BY from_organ
    HAVING sum(n_transitions) > 0 AND sum(n_transitions_otherwise) > 0
),

-- Limits of a ratio of two Poisson rates on the logarithmic scale.
further_ratio AS (
    SELECT
        item,
        rate_ratio AS value,
        rate_ratio * exp(-1.959964 * sqrt(1 / n + 1 / n_otherwise)) AS ci_lower,
        rate_ratio * exp(1.959964 * sqrt(1 / n + 1 / n_otherwise)) AS ci_upper,
        n + n_otherwise AS n
    FROM further
),

predicted AS (
    SELECT
        'prediction: ' || metric AS item,
        value,
        ci_lower,
        ci_upper
    FROM analysis.progression_prediction_metric
    WHERE
        subset = 'all'
        AND model = 'gradient boosting'
        AND split = 'stratified folds'
        AND class = 'all'
        AND metric IN ('roc_auc', 'roc_auc_micro')
),

survival AS (
    SELECT
        item,
        value,
        ci_lower,
        ci_upper,
        p_value,
        n
    FROM mart.paper_survival
),

radiomics AS (
    SELECT
        item,
        value,
        n
    FROM mart.paper_radiomics
),

measure AS (
    SELECT * FROM counted
    UNION ALL BY NAME
    SELECT * FROM characteristic
    UNION ALL BY NAME
    SELECT * FROM growth_organ
    UNION ALL BY NAME
    SELECT * FROM growth_pair
    UNION ALL BY NAME
    SELECT * FROM burden
    UNION ALL BY NAME
    SELECT * FROM antibody_growth
    UNION ALL BY NAME
    SELECT * FROM by_response
    UNION ALL BY NAME
    SELECT * FROM by_target
    UNION ALL BY NAME
    SELECT * FROM hazard_organ
    UNION ALL BY NAME
    SELECT * FROM hazard_antibody
    UNION ALL BY NAME
    SELECT * FROM phenotype
    UNION ALL BY NAME
    SELECT * FROM phenotype_group
    UNION ALL BY NAME
    SELECT * FROM survival
    UNION ALL BY NAME
    SELECT * FROM compared
    UNION ALL BY NAME
    SELECT * FROM summarised
    UNION ALL BY NAME
    SELECT * FROM correlated
    UNION ALL BY NAME
    SELECT * FROM inconsistent
    UNION ALL BY NAME
    SELECT * FROM sequence
    UNION ALL BY NAME
    SELECT * FROM further_ratio
    UNION ALL BY NAME
    SELECT * FROM predicted
    UNION ALL BY NAME
    SELECT * FROM radiomics
)

SELECT
    item, -- name of the number
    CAST(value AS DOUBLE) AS value, -- the number; NULL where it cannot be had
    CAST(ci_lower AS DOUBLE) AS ci_lower, -- lower limit; NULL where there is none
    CAST(ci_upper AS DOUBLE) AS ci_upper, -- upper limit
    CAST(p_value AS DOUBLE) AS p_value, -- two-sided p; NULL where there is no test
    CAST(n AS BIGINT) AS n -- patients, lesions or organs that it rests on
FROM measure
