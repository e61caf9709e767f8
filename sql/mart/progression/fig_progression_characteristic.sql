/* Patients by cluster as a paper prints them: one cell of the table.
   Why: Supplementary Table 3 of Zhou 2023.
   How: numbers as mean (standard deviation; '-' for one patient), counts and volumes as median (quartiles), categories
   as count (percent of those known).
   Reference: Zhou et al. 2023, Supplementary Table 3.
   Grain: one row per subset, variable, level and cluster_name
   Key: subset, variable, level, cluster_name
   Tags: figure
*/
SELECT
    subset, -- analysis.progression_cluster
    variable, -- characteristic
    variable_order, -- order of the rows
    level, -- level of a category; number for a number
    cluster_name, -- column: all clusters, or a cluster
    cluster_order, -- order of the columns
    n_patients, -- patients of the column
    CASE
        WHEN n_known = 0 THEN '-'
        WHEN level <> 'number' OR mean IS NULL THEN printf('%d (%.1f)', n, 100 * share)
        WHEN variable IN ('age_years', 'bmi_kg_m2')
            THEN printf('%.1f', mean) || coalesce(printf(' (%.1f)', sd), ' (-)')
        ELSE printf('%.4g (%.4g, %.4g)', median, first_quartile, third_quartile)
    END AS cell, -- what is printed; '-' where nobody has a value
    test, -- Kruskal-Wallis, chi-squared or permutation
    CASE WHEN p_value < 0.0001 THEN '< 0.0001' ELSE printf('%.4f', p_value) END AS p_text, -- p-value as printed
    p_value -- p-value
FROM analysis.progression_characteristic
