/* Which group a patient falls into, in one grouping of one subset.
   Why: survival by group, and who is in the group, come from the same rows.
   How: staging.survival_plan says which grouping is made in which subset; this table makes the groups. Quantiles of the
   Gower distance are those of the subset's patients: halves are cut at the median (low up to and with it), outer
   quarters at the quartiles, which belong to them. group_order 1 is the one others are compared with.
   Groupings at landmark are by the scans up to survival.landmark_days (analysis.landmark_gower, organ_response), in
   patients who were alive and followed beyond it: nobody has to live longer to be in one of their groups.
   The grouping everyone has the one group of all patients: there is nothing to compare, but a curve and its median.
   Caveats: patients without a value of the grouping are in none of its groups.
   Reference: Zhou et al. 2021, Fig. 2C, 2F, 3A, 3B, 4A, 4B, 6 and S8.
   Grain: one row per subset, grouping and patient_id
   Key: subset, grouping, patient_id
   Tags: public
*/
WITH planned AS (
    SELECT DISTINCT
        subset_kind,
        grouping,
        replace(grouping, ' at landmark', '') AS rule,
        clock = 'landmark' AS is_at_landmark
    FROM staging.survival_plan
),

-- Who is dead or lost by the landmark has no survival from it.
at_risk AS (
    SELECT endpoint.patient_id
    FROM analysis.patient_endpoint AS endpoint
    INNER JOIN meta.setting AS setting ON setting.name = 'survival.landmark_days'
    WHERE
        endpoint.endpoint = 'OS'
        AND endpoint.is_counted
        AND endpoint.time_days > CAST(setting.value AS DOUBLE)
),

member AS (
    SELECT
        subset.subset,
        subset.subset_kind,
        planned.grouping,
        planned.rule,
        profile.patient_id,
        profile.arm,
        profile.treatment,
        profile.therapy,
        profile.treatment_class,
        profile.targeting,
        profile.kras_status,
        CASE WHEN planned.is_at_landmark THEN at_landmark.liver_response ELSE profile.liver_response END
            AS liver_response,
        CASE WHEN planned.is_at_landmark THEN at_landmark.liver_lung_response ELSE profile.liver_lung_response END
            AS liver_lung_response,
        CASE WHEN planned.is_at_landmark THEN at_landmark.liver_ln_response ELSE profile.liver_ln_response END
            AS liver_ln_response,
        CASE WHEN planned.is_at_landmark THEN at_landmark.lung_response ELSE profile.lung_response END
            AS lung_response,
        CASE WHEN planned.is_at_landmark THEN at_landmark.ln_response ELSE profile.ln_response END
            AS ln_response,
        CASE WHEN planned.is_at_landmark THEN gower.gower_distance ELSE profile.patient_gower_distance END
            AS patient_gower_distance
    FROM analysis.patient_subset AS subset
    INNER JOIN planned ON subset.subset_kind = planned.subset_kind
    INNER JOIN analysis.patient_profile AS profile ON subset.patient_id = profile.patient_id
    LEFT JOIN at_risk ON subset.patient_id = at_risk.patient_id
    LEFT JOIN analysis.landmark_gower AS gower ON subset.patient_id = gower.patient_id
    LEFT JOIN analysis.organ_response AS at_landmark
        ON subset.patient_id = at_landmark.patient_id AND at_landmark.basis = 'landmark'
    WHERE NOT planned.is_at_landmark OR at_risk.patient_id IS NOT NULL
),

cut AS (
    SELECT
        member.*,
        quantile_cont(patient_gower_distance, 0.25) OVER one_subset AS first_quartile,
        quantile_cont(patient_gower_distance, 0.5) OVER one_subset AS median,
        quantile_cont(patient_gower_distance, 0.75) OVER one_subset AS third_quartile
    FROM member
    WINDOW one_subset AS (PARTITION BY subset, grouping)
),

halved AS (
    SELECT
        *,
        CASE WHEN therapy = 'chemotherapy alone' THEN treatment ELSE therapy END AS regimen,
        CASE
            WHEN patient_gower_distance <= median THEN 'low'
            WHEN patient_gower_distance > median THEN 'high'
        END AS gower_half,
        CASE
            WHEN patient_gower_distance <= first_quartile THEN 'low'
            WHEN patient_gower_distance >= third_quartile THEN 'high'
            WHEN patient_gower_distance IS NOT NULL THEN 'medium'
        END AS gower_quarter
    FROM cut
),

named AS (
    SELECT
        subset,
        subset_kind,
        grouping,
        patient_id,
        treatment_class,
        CASE rule
            WHEN 'arm' THEN arm
            WHEN 'treatment' THEN treatment
            WHEN 'therapy' THEN therapy
            WHEN 'regimen' THEN regimen
            WHEN 'targeting' THEN targeting
            WHEN 'KRAS' THEN kras_status
            WHEN 'liver response' THEN liver_response
            WHEN 'liver and lung response' THEN liver_lung_response
            WHEN 'liver and lymph node response' THEN liver_ln_response
            WHEN 'lung response' THEN lung_response
            WHEN 'lymph node response' THEN ln_response
            WHEN 'everyone' THEN 'all patients'
            WHEN 'Gower halves' THEN gower_half
            WHEN 'Gower quarters' THEN gower_quarter
        END AS group_name
    FROM halved
),

-- Chemotherapy is what antibodies are compared with; else the largest group, the first by name among equals.
treated AS (
    SELECT
        subset,
        grouping,
        group_name,
        row_number() OVER (
            PARTITION BY subset, grouping
            ORDER BY bool_and(treatment_class = 'chemotherapy') DESC, count(*) DESC, group_name ASC
        ) AS place
    FROM named
    WHERE group_name IS NOT NULL AND grouping IN ('arm', 'treatment', 'therapy', 'regimen', 'targeting')
    GROUP BY subset, grouping, group_name
)

SELECT
    named.subset, -- analysis.patient_subset
    named.subset_kind, -- its kind, as staging.survival_plan names it
    named.grouping, -- by what patients are grouped: staging.survival_plan
    named.patient_id, -- text id of the patient
    named.group_name, -- name of the group
    CAST(
        coalesce(
            treated.place,
            CASE named.group_name
                WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3
                WHEN 'wild-type' THEN 1 WHEN 'mutant' THEN 2
                WHEN 'all patients' THEN 1
                WHEN 'all shrank' THEN 1
                WHEN 'none shrank' THEN 4
                WHEN 'liver shrank, others not' THEN 2
                WHEN 'liver shrank, lung not' THEN 2
                WHEN 'liver shrank, lymph nodes not' THEN 2
                WHEN 'lung shrank, others not' THEN 2
                WHEN 'lymph nodes shrank, others not' THEN 2
                ELSE 3
            END
        ) AS INTEGER
    ) AS group_order -- order of the groups, from 1; tests for trend and figures follow it
FROM named
LEFT JOIN treated
    ON
        named.subset = treated.subset
        AND named.grouping = treated.grouping
        AND named.group_name = treated.group_name
WHERE named.group_name IS NOT NULL
