/* One cell of the clustered heat map of features: absolute correlation.
   Why: Fig. 3: which features say the same.
   Caveats: both halves and the diagonal, in the order of the tree's leaves.
   Reference: Henry et al. 2022, Fig. 3.
   Grain: one row per study_id, feature and other_feature
   Key: study_id, feature, other_feature
   Tags: figure
*/
WITH feature AS (
    SELECT DISTINCT
        study_id,
        feature,
        cluster,
        place,
        is_selected
    FROM analysis.radiomic_robustness
    WHERE cluster IS NOT NULL
),

cell AS (
    SELECT
        study_id,
        feature,
        other_feature,
        correlation_abs
    FROM analysis.radiomic_correlation
    UNION ALL
    SELECT
        study_id,
        other_feature AS feature,
        feature AS other_feature,
        correlation_abs
    FROM analysis.radiomic_correlation
    UNION ALL
    SELECT
        study_id,
        feature,
        feature AS other_feature,
        1 AS correlation_abs
    FROM feature
)

SELECT
    cell.study_id, -- core.study
    cell.feature, -- feature of the row
    cell.other_feature, -- feature of the column
    CAST(row_of.place AS INTEGER) AS row_place, -- place of the row, from 1
    CAST(column_of.place AS INTEGER) AS column_place, -- place of the column, from 1
    row_of.cluster, -- cluster of the row's feature
    row_of.is_selected, -- the row's feature speaks for its cluster
    CAST(cell.correlation_abs AS DOUBLE) AS correlation_abs -- absolute correlation, 0 to 1
FROM cell
INNER JOIN feature AS row_of ON cell.study_id = row_of.study_id AND cell.feature = row_of.feature
INNER JOIN feature AS column_of ON cell.study_id = column_of.study_id AND cell.other_feature = column_of.feature
