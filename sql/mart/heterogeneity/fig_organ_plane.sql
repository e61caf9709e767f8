/* How lesions of an organ did in one group of patients against another: one point in a plane.
   Why: what a treatment, or mutant KRAS, changes organ by organ is how far the points lie from the diagonal.
   How: means of the lesions of liver, lung and lymph nodes in the two groups, with half a standard deviation to each
   side, as in the paper; days are counted plus one, so that 0 has a place on a log axis.
   Caveats: half a standard deviation says how lesions spread, not how sure the mean is: differences with their
   intervals and tests are in analysis.group_comparison. Lesions of one patient are not independent.
   Reference: Zhou et al. 2021, Fig. 3F, 4F and 5C.
   Grain: one row per subset, grouping, variable, organ and y_group
   Key: subset, grouping, variable, organ, y_group
   Tags: figure
*/
WITH class AS (
    SELECT
        pooled.organ_class,
        min(CASE WHEN organ.is_nodal THEN 'Lymph nodes' ELSE organ.display_name END) AS display_name,
        min(organ.sort_order) AS sort_order
    FROM analysis.pooled_organ AS pooled
    INNER JOIN core.organ AS organ ON pooled.organ = organ.organ
    GROUP BY pooled.organ_class
),

point AS (
    SELECT
        patient_subset,
        grouping,
        variable,
        organ,
        group_name,
        n,
        CASE WHEN ends_with(variable, '_days') THEN mean + 1 ELSE mean END AS mean,
        sd,
        group_name IN ('chemotherapy alone', 'wild-type') AS is_compared_with
    FROM analysis.group_summary
    WHERE
        level = 'lesion'
        AND organ IS NOT NULL
        AND grouping IN ('therapy', 'KRAS')
        AND variable <> 'gower_distance'
        AND n > 0
)

SELECT
    other.patient_subset AS subset, -- in which patients
    other.grouping, -- by what they are grouped
    other.variable, -- nadir_ratio, last_ratio, or days of a phase
    other.organ, -- class of organs
    class.display_name, -- its name for a report
    class.sort_order, -- order of the organ in figures
    base.group_name AS x_group, -- group that is compared with: chemotherapy alone, wild-type
    other.group_name AS y_group, -- the other group
    base.n AS x_n, -- lesions of the organ in the first
    other.n AS y_n, -- in the other
    base.mean AS x_mean, -- mean in the first group; of days plus one
    base.mean - base.sd / 2 AS x_lower, -- less half a standard deviation; NULL for one lesion
    base.mean + base.sd / 2 AS x_upper, -- plus half a standard deviation
    other.mean AS y_mean, -- mean in the other group
    other.mean - other.sd / 2 AS y_lower, -- less half a standard deviation
    other.mean + other.sd / 2 AS y_upper -- plus half a standard deviation
FROM point AS other
INNER JOIN point AS base
    ON
        other.patient_subset = base.patient_subset
        AND other.grouping = base.grouping
        AND other.variable = base.variable
        AND other.organ = base.organ
        AND base.is_compared_with
INNER JOIN class ON other.organ = class.organ_class
WHERE NOT other.is_compared_with
