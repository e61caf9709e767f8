/* What this warehouse has for the numbers of Henry 2022, in the form of mart.paper_measure.
   How: of the study with the most lesions that have features. Variation is the mean over patients of a feature's
   absolute coefficient of variation, and within an organ over patients and organs (lung, liver, lymph nodes). What the
   paper has of its cohort L, whose patients were included from ten lesions on, is here of patients with ten or more:
   both indices, the shares of them that a strategy recovers, and variation of all features; the curve and the lesions
   needed are of those with 15, to which it reaches. Shares are by the published definition, those of strategies per
   site within sites.
   Caveats: the eight published features are known by pyradiomics' names.
   Reference: Henry et al., Sci Rep 2022, Table 1 and 2, Figs. 3 to 6
   Grain: one row per item
   Key: item
*/
WITH study AS (
    SELECT
        study_id,
        count(DISTINCT feature) AS n_features,
        count(DISTINCT feature) FILTER (WHERE is_kept) AS n_kept,
        count(DISTINCT cluster) AS n_clusters,
        count(DISTINCT feature) FILTER (
            WHERE is_selected AND feature IN (
                'original_firstorder_90Percentile', 'original_gldm_LargeDependenceHighGrayLevelEmphasis',
                'original_gldm_LargeDependenceEmphasis', 'original_gldm_DependenceVariance', 'original_glcm_Imc1',
                'original_shape_Sphericity', 'original_shape_Maximum2DDiameterSlice', 'original_shape_VoxelVolume'
            )
        ) AS n_published
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

-- Patients whom the paper's cohort L would include.
many AS (
    SELECT
        heterogeneity.patient_id,
        heterogeneity.average_tumoral_heterogeneity,
        heterogeneity.maximal_tumoral_divergence
    FROM analysis.radiomic_heterogeneity AS heterogeneity
    INNER JOIN largest ON heterogeneity.study_id = largest.study_id
    WHERE heterogeneity.compared = 'lesions' AND heterogeneity.n_lesions >= 10
),

selected AS (
    SELECT DISTINCT robustness.feature
    FROM analysis.radiomic_robustness AS robustness
    INNER JOIN largest ON robustness.study_id = largest.study_id
    WHERE robustness.is_selected
),

varying AS (
    SELECT
        variation.feature,
        variation.feature_class,
        variation.patient_id,
        variation.organ,
        100 * variation.cv_abs AS percent,
        selected.feature IS NOT NULL AS is_selected,
        many.patient_id IS NOT NULL AS is_of_many
    FROM analysis.radiomic_variation AS variation
    INNER JOIN largest ON variation.study_id = largest.study_id
    LEFT JOIN selected ON variation.feature = selected.feature
    LEFT JOIN many ON variation.patient_id = many.patient_id
    WHERE variation.cv_abs IS NOT NULL
),

variation_of AS (
    SELECT
        feature,
        avg(percent ORDER BY patient_id) AS percent,
        count(*) AS n
    FROM varying
    WHERE organ = 'all' AND is_selected
    GROUP BY feature
),

variation_ranked AS (
    SELECT
        feature,
        percent,
        n,
        rank() OVER (ORDER BY percent) AS place,
        row_number() OVER (ORDER BY percent, feature) AS position
    FROM variation_of
),

within_organ AS (
    SELECT
        feature,
        avg(percent ORDER BY patient_id, organ) AS percent,
        count(*) AS n
    FROM varying
    WHERE is_selected AND (organ IN ('lung', 'liver') OR organ = 'ln' OR starts_with(organ, 'ln_'))
    GROUP BY feature
),

-- All features, in patients with many lesions.
variation_of_all AS (
    SELECT
        feature,
        count(*) AS n,
        avg(percent ORDER BY patient_id) AS percent
    FROM varying
    WHERE organ = 'all' AND is_of_many
    GROUP BY feature
),

ranked AS (
    SELECT
        feature,
        n,
        rank() OVER (ORDER BY percent ASC) AS place_from_below,
        rank() OVER (ORDER BY percent DESC) AS place
    FROM variation_of_all
),

variation_of_class AS (
    SELECT
        feature_class,
        count(*) AS n,
        median(percent) AS percent
    FROM varying
    WHERE organ = 'all' AND is_of_many
    GROUP BY feature_class
),

class_ranked AS (
    SELECT
        feature_class,
        n,
        rank() OVER (ORDER BY percent DESC) AS place
    FROM variation_of_class
),

indices AS (
    SELECT
        avg(average_tumoral_heterogeneity ORDER BY patient_id) AS average,
        avg(maximal_tumoral_divergence ORDER BY patient_id) AS maximum,
        count(*) AS n
    FROM many
    HAVING count(*) > 0
),

pooled AS (
    SELECT
        avg(percent ORDER BY patient_id, feature) AS percent,
        avg(percent ORDER BY patient_id, feature) FILTER (WHERE is_selected) AS percent_selected,
        count(DISTINCT patient_id) AS n
    FROM varying
    WHERE organ = 'all' AND is_of_many
    HAVING count(*) > 0
),

recovery AS (
    SELECT
        recovery.index,
        recovery.n_lesions,
        avg(recovery.recovered_mean ORDER BY recovery.patient_id) AS share,
        count(*) AS n
    FROM analysis.radiomic_recovery AS recovery
    INNER JOIN many ON recovery.patient_id = many.patient_id
    WHERE recovery.definition = 'published' AND recovery.n_available >= 15
    GROUP BY recovery.index, recovery.n_lesions
),

needed AS (
    SELECT
        index,
        -- From there on the curve stays at three quarters or above.
        coalesce(max(n_lesions) FILTER (WHERE share < 0.75), 1) + 1 AS n_needed,
        max(n_lesions) AS most,
        min(n) AS n
    FROM recovery
    GROUP BY index
),

listed AS (
    SELECT
        'radiomics: ' || unnest([
            'patients', 'lesions', 'features', 'robust features', 'clusters', 'selected as published'
        ]) AS item,
        unnest([n_patients, n_lesions, n_features, n_kept, n_clusters, n_published]) AS value,
        n_lesions AS n
    FROM largest
    UNION ALL
    SELECT
        'radiomics: ' || unnest(['variation: ', 'rank from below of variation: ']) || feature AS item,
        unnest([percent, place]) AS value,
        n
    FROM variation_ranked
    UNION ALL
    SELECT
        'radiomics: variation of the second least' AS item,
        percent AS value,
        n
    FROM variation_ranked
    WHERE position = 2
    UNION ALL
    SELECT
        'radiomics: variation within an organ: ' || feature AS item,
        percent AS value,
        n
    FROM within_organ
    UNION ALL
    SELECT
        'radiomics: ' || unnest(['rank from below', 'rank']) || ' of variation of all: ' || feature AS item,
        unnest([place_from_below, place]) AS value,
        n
    FROM ranked
    UNION ALL
    SELECT
        'radiomics: rank of class: ' || feature_class AS item,
        place AS value,
        n
    FROM class_ranked
    UNION ALL
    SELECT
        'radiomics: variation of ' || unnest(['all', 'the selected over that of all']) AS item,
        unnest([percent, percent_selected / percent]) AS value,
        n
    FROM pooled
    UNION ALL
    SELECT
        'radiomics: features that differ between few and many lesions' AS item,
        count(*) FILTER (WHERE test.is_significant) AS value,
        count(*) AS n
    FROM analysis.radiomic_test AS test
    INNER JOIN largest ON test.study_id = largest.study_id
    WHERE test.test = 'Wilcoxon rank sum'
    HAVING count(test.p_value) > 0
    UNION ALL
    SELECT
        'radiomics: ' || unnest(['average_tumoral_heterogeneity', 'maximal_tumoral_divergence']) AS item,
        unnest([average, maximum]) AS value,
        n
    FROM indices
    UNION ALL
    SELECT
        'radiomics: recovered: ' || sampling.index || ': ' || sampling.strategy AS item,
        100 * avg(sampling.recovered_mean ORDER BY sampling.patient_id) AS value,
        count(*) AS n
    FROM analysis.radiomic_sampling AS sampling
    INNER JOIN many ON sampling.patient_id = many.patient_id
    WHERE
        sampling.definition = 'published'
        AND sampling.scope = CASE WHEN sampling.strategy LIKE '%per_site%' THEN 'within_site' ELSE 'pooled' END
    GROUP BY sampling.index, sampling.strategy
    UNION ALL
    SELECT
        'radiomics: recovered: ' || index || ': ' || n_lesions || ' of the curve' AS item,
        100 * share AS value,
        n
    FROM recovery
    UNION ALL
    SELECT
        'radiomics: lesions needed: ' || index AS item,
        CASE WHEN n_needed <= most THEN n_needed END AS value,
        n
    FROM needed
)

SELECT
    item, -- name of the number
    CAST(value AS DOUBLE) AS value, -- the number
    CAST(n AS BIGINT) AS n -- lesions or patients that it rests on
FROM listed
