/* What this warehouse has for the numbers of Henry 2022, in the form of mart.paper_measure.
   How: of the study with the most lesions that have features; the means over patients of the selected features'
   absolute coefficients of variation, the shares of both indices that random lesions recover by the published
   definition, and the number of lesions that recover enough of the average.
   Reference: Henry et al., Sci Rep 2022, Table 1 and 2, Figs. 3 to 6
   Grain: one row per item
   Key: item
*/
WITH study AS (
    SELECT
        study_id,
        count(DISTINCT feature) AS n_features,
        count(DISTINCT feature) FILTER (WHERE is_kept) AS n_kept,
        count(DISTINCT cluster) AS n_clusters
    FROM analysis.radiomic_robustness
    GROUP BY study_id
),

segmented AS (
    SELECT
        study_id,
        count(*) AS n_patients,
        sum(n_lesions) AS n_lesions
    FROM analysis.radiomic_heterogeneity
    WHERE compared = 'lesions'
    GROUP BY study_id
),

largest AS (
    SELECT
        study.*,
        segmented.n_patients,
        segmented.n_lesions
    FROM study
    INNER JOIN segmented ON study.study_id = segmented.study_id
    ORDER BY segmented.n_lesions DESC, study.study_id ASC
    LIMIT 1
),

varying AS (
    SELECT
        variation.feature,
        100 * avg(variation.cv_abs ORDER BY variation.patient_id) AS percent,
        count(*) AS n
    FROM analysis.radiomic_variation AS variation
    INNER JOIN largest ON variation.study_id = largest.study_id
    INNER JOIN analysis.radiomic_robustness AS robustness
        ON variation.study_id = robustness.study_id AND variation.feature = robustness.feature
    WHERE variation.organ = 'all' AND robustness.is_selected
    GROUP BY variation.feature, robustness.comparison
    QUALIFY row_number() OVER (PARTITION BY variation.feature ORDER BY robustness.comparison) = 1
),

listed AS (
    SELECT
        'radiomics: ' || unnest(['patients', 'lesions', 'features', 'robust features', 'clusters']) AS item,
        unnest([n_patients, n_lesions, n_features, n_kept, n_clusters]) AS value,
        n_lesions AS n
    FROM largest
    UNION ALL
    SELECT
        'radiomics: ' || unnest(['variation: ', 'rank from below of variation: ']) || feature AS item,
        unnest([percent, rank() OVER (ORDER BY percent)]) AS value,
        n
    FROM varying
    UNION ALL
    SELECT
        'radiomics: recovered: ' || index || ': ' || n_lesions AS item,
        100 * recovered_mean AS value,
        n_patients AS n
    FROM analysis.radiomic_recovery_summary
    WHERE cohort = 'all' AND definition = 'published'
    UNION ALL
    SELECT
        'radiomics: lesions needed' AS item,
        n_needed_mean AS value,
        n_patients AS n
    FROM analysis.radiomic_lesions_needed
    WHERE
        heterogeneity = 'radiomic'
        AND cohort = 'all'
        AND definition = 'published'
        AND index = 'average_tumoral_heterogeneity'
)

SELECT
    item, -- name of the number
    CAST(value AS DOUBLE) AS value, -- the number
    CAST(n AS BIGINT) AS n -- lesions or patients that it rests on
FROM listed
