/* How many of their lesions go another way than the sum of diameters: shares of patients, by treatment.
   Why: what the sum hides.
   Caveats: patients whose sum has phases (analysis.patient_phase); a lesion is inconsistent when it differs from the
   sum in having a response, a stable or a relapse phase. Patients with one lesion cannot have an inconsistent one.
   Reference: Zhou et al. 2021, Fig. 1C.
   Grain: one row per treatment (and all treatments) and number of inconsistent lesions
   Key: treatment, n_inconsistent
   Tags: figure
*/
WITH patient AS (
    SELECT
        coalesce(profile.treatment, 'not recorded') AS treatment,
        least(profile.n_inconsistent_lesions, 3) AS n_inconsistent
    FROM analysis.patient_profile AS profile
    WHERE profile.n_inconsistent_lesions IS NOT NULL
),

both_ways AS (
    SELECT
        treatment,
        n_inconsistent
    FROM patient
    UNION ALL
    SELECT
        'all' AS treatment,
        n_inconsistent
    FROM patient
),

counted AS (
    SELECT
        treatment,
        count(*) AS n_all,
        count(*) FILTER (WHERE n_inconsistent = 0) AS n_0,
        count(*) FILTER (WHERE n_inconsistent = 1) AS n_1,
        count(*) FILTER (WHERE n_inconsistent = 2) AS n_2,
        count(*) FILTER (WHERE n_inconsistent = 3) AS n_3
    FROM both_ways
    GROUP BY treatment
),

listed AS (
    SELECT
        treatment,
        n_all,
        unnest(['0', '1', '2', '3 or more']) AS n_inconsistent,
        unnest([n_0, n_1, n_2, n_3]) AS n_patients
    FROM counted
)

SELECT
    treatment, -- treatment; all for all of them
    n_inconsistent, -- lesions that differ from the sum: 0, 1, 2 or 3 or more
    n_patients, -- patients with so many
    n_all, -- patients of the treatment
    n_patients / n_all AS fraction -- share of the treatment's patients
FROM listed
