/* Survival as observed and as the joint model simulates it from baseline, as two curves.
   Grain: one row per subset, endpoint, group_name, curve and day
   Key: subset, endpoint, group_name, curve, day
   Tags: figure
*/
WITH each AS (
    SELECT
        subset,
        endpoint,
        link,
        group_name,
        day,
        n_patients,
        'observed (Kaplan-Meier)' AS curve,
        observed AS survival,
        observed_lower AS lower,
        observed_upper AS upper
    FROM analysis.joint_check
    UNION ALL
    SELECT
        subset,
        endpoint,
        link,
        group_name,
        day,
        n_patients,
        'simulated from baseline' AS curve,
        simulated AS survival,
        simulated_lower AS lower,
        simulated_upper AS upper
    FROM analysis.joint_check
)

SELECT
    subset, -- in which patients
    endpoint, -- OS or PFS
    group_name, -- all, or level of a covariate
    curve, -- observed or simulated
    day, -- days from the first dose
    link, -- of the model
    n_patients, -- patients of the group
    survival, -- share without event
    lower, -- lower 95 % limit
    upper -- upper 95 % limit
FROM each
ORDER BY subset, endpoint, group_name, curve, day
