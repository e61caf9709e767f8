/* Which organs of a patient shrank and which did not, in words, after the whole follow-up or by the landmark.
   Why: survival is compared by these groups: from the first dose on as published, and from the landmark on by what
   was known there.
   How: analysis.organ_phase and analysis.landmark_organ say whether an organ shrank. The four groups of an organ
   against all others take a patient without other lesions by the organ alone where the organ is the liver. Two-organ
   groups take patients whose target lesions lie in those two organs and nowhere else.
   Reference: Zhou et al. 2021, Fig. 6 and S8.
   Grain: one row per basis and patient_id
   Key: basis, patient_id
   Tags: public
*/
WITH organ AS (
    SELECT
        'follow-up' AS basis,
        patient_id,
        organ_set,
        is_complement,
        is_shrunk
    FROM analysis.organ_phase
    UNION ALL
    SELECT
        'landmark' AS basis,
        patient_id,
        organ_set,
        is_complement,
        is_shrunk
    FROM analysis.landmark_organ
),

shrunk AS (
    SELECT
        basis,
        patient_id,
        bool_or(is_shrunk) FILTER (WHERE organ_set = 'liver') AS liver,
        bool_or(is_shrunk) FILTER (WHERE organ_set = 'not liver') AS not_liver,
        bool_or(is_shrunk) FILTER (WHERE organ_set = 'lung') AS lung,
        bool_or(is_shrunk) FILTER (WHERE organ_set = 'not lung') AS not_lung,
        bool_or(is_shrunk) FILTER (WHERE organ_set = 'ln') AS ln,
        bool_or(is_shrunk) FILTER (WHERE organ_set = 'not ln') AS not_ln,
        count(*) FILTER (WHERE NOT is_complement) = 2 AS has_two_organs
    FROM organ
    WHERE is_shrunk IS NOT NULL
    GROUP BY basis, patient_id
)

SELECT
    basis, -- follow-up: by all scans; landmark: by those up to survival.landmark_days
    patient_id, -- text id of the patient
    response_of_two(
        liver, coalesce(not_liver, liver), 'liver', 'others'
    ) AS liver_response, -- liver against all other organs; NULL without a liver lesion with phases
    CASE
        WHEN has_two_organs THEN response_of_two(liver, lung, 'liver', 'lung')
    END AS liver_lung_response, -- the same for patients with lesions in liver and lung only
    CASE
        WHEN has_two_organs THEN response_of_two(liver, ln, 'liver', 'lymph nodes')
    END AS liver_ln_response, -- the same for patients with lesions in liver and lymph nodes only
    response_of_two(
        lung, not_lung, 'lung', 'others'
    ) AS lung_response, -- lung against all other organs, patients with lesions in both
    response_of_two(
        ln, not_ln, 'lymph nodes', 'others'
    ) AS ln_response -- lymph nodes against all other organs, patients with lesions in both
FROM shrunk
