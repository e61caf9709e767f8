/* One cell of the heat map of a patient's lesions: how unlike two of them look.
   Why: Fig. 5: do lesions of one organ look alike.
   Caveats: both halves and the diagonal, in the order of the patient's tree.
   Reference: Henry et al. 2022, Fig. 5.
   Grain: one row per lesion_id and other_lesion_id of one patient
   Key: lesion_id, other_lesion_id
   Tags: figure
*/
WITH lesion AS (
    SELECT
        lesion_id,
        patient_id,
        organ,
        cluster,
        place
    FROM analysis.radiomic_lesion_cluster
    WHERE cluster IS NOT NULL
),

cell AS (
    SELECT
        lesion_id,
        other_lesion_id,
        cosine_distance
    FROM analysis.radiomic_dissimilarity
    WHERE compared = 'lesions'
    UNION ALL
    SELECT
        other_lesion_id AS lesion_id,
        lesion_id AS other_lesion_id,
        cosine_distance
    FROM analysis.radiomic_dissimilarity
    WHERE compared = 'lesions'
    UNION ALL
    SELECT
        lesion_id,
        lesion_id AS other_lesion_id,
        0 AS cosine_distance
    FROM lesion
)

SELECT
    cell.lesion_id, -- core.lesion: the row
    cell.other_lesion_id, -- core.lesion: the column
    row_of.patient_id, -- core.patient
    CAST(row_of.place AS INTEGER) AS row_place, -- place of the row, from 1
    CAST(column_of.place AS INTEGER) AS column_place, -- place of the column, from 1
    row_of.organ, -- organ of the row's lesion
    column_of.organ AS other_organ, -- organ of the column's lesion
    row_of.cluster, -- cluster of the row's lesion
    CAST(cell.cosine_distance AS DOUBLE) AS cosine_distance -- distance, 0 = alike
FROM cell
INNER JOIN lesion AS row_of ON cell.lesion_id = row_of.lesion_id
INNER JOIN lesion AS column_of ON cell.other_lesion_id = column_of.lesion_id
