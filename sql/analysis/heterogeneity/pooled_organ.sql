/* The organ under which lesions of an organ are compared.
   Why: organs with few lesions say little by themselves, and lymph nodes are reported as one organ.
   How: all lymph nodes are one class. A class with fewer analysed target lesions than the setting
   heterogeneity.organ_min_lesions is pooled as other.
   Caveats: lesions are counted over the whole warehouse. The class itself is not pooled, so that liver, lung and
   lymph nodes can be told apart in small studies too.
   Reference: Zhou et al. 2021, Methods, Patient demographics ('below 50').
   Grain: one row per organ
   Key: organ
   Tags: public
*/
WITH setting AS (
    SELECT CAST(value AS INTEGER) AS min_lesions
    FROM meta.setting
    WHERE name = 'heterogeneity.organ_min_lesions'
),

tally AS (
    SELECT
        organ,
        count(*) AS n_lesions
    FROM core.lesion
    WHERE lesion_type = 'target' AND is_analysed
    GROUP BY organ
),

organ_class AS (
    SELECT
        organ.organ,
        organ.sort_order,
        CASE WHEN organ.is_nodal THEN 'ln' ELSE organ.organ END AS organ_class,
        CASE WHEN organ.is_nodal THEN 'Lymph nodes' ELSE organ.display_name END AS display_name,
        coalesce(tally.n_lesions, 0) AS n_lesions
    FROM core.organ AS organ
    LEFT JOIN tally ON organ.organ = tally.organ
),

counted AS (
    SELECT
        organ,
        organ_class,
        display_name,
        n_lesions,
        CAST(sum(n_lesions) OVER one_class AS BIGINT) AS n_class_lesions,
        min(sort_order) OVER one_class AS class_order
    FROM organ_class
    WINDOW one_class AS (PARTITION BY organ_class)
),

judged AS (
    SELECT
        counted.*,
        counted.n_class_lesions < setting.min_lesions AS is_few
    FROM counted
    CROSS JOIN setting
),

other AS (
    SELECT
        sort_order,
        display_name
    FROM core.organ
    WHERE organ = 'other'
)

SELECT
    judged.organ, -- core.organ
    judged.organ_class, -- the organ, or ln for every kind of lymph node
    CASE WHEN judged.is_few THEN 'other' ELSE judged.organ_class END AS pooled_organ, -- the class, or other if too few
    CASE WHEN judged.is_few THEN other.display_name ELSE judged.display_name END AS display_name, -- name in figures
    judged.n_lesions, -- analysed target lesions in the organ
    judged.n_class_lesions, -- analysed target lesions in the class
    CASE WHEN judged.is_few THEN other.sort_order ELSE judged.class_order END AS sort_order -- order in figures
FROM judged
CROSS JOIN other
