/* One patient as the heterogeneity analyses see it: treatment, KRAS, number and size of lesions, how unlike they
   respond, and which organs shrank.
   Why: groups of patients are formed and compared by these columns; they stand in one place.
   How: therapy names what was added to chemotherapy; groups by the organs that shrank are those of
   analysis.organ_response. os_quarter is by recorded days: low are deaths up to the first quartile of all recorded
   days, high everyone followed to the third quartile or beyond; who was censored early may have lived long and is in
   neither.
   Caveats: screen failures are left out. Lesions are analysed target lesions with phases (analysis.lesion_phase).
   Reference: Zhou et al. 2021, Fig. 2 to 6.
   Grain: one row per patient_id
   Key: patient_id
   Tags: public
*/
WITH overall_quartile AS (
    SELECT
        quantile_cont(time_days, 0.25) AS first_quartile,
        quantile_cont(time_days, 0.75) AS third_quartile
    FROM analysis.patient_endpoint
    WHERE endpoint = 'OS' AND is_counted
),

overall AS (
    SELECT
        endpoint.patient_id,
        CASE
            WHEN endpoint.time_days >= quartile.third_quartile THEN 'high'
            WHEN endpoint.time_days <= quartile.first_quartile AND endpoint.is_event THEN 'low'
        END AS os_quarter
    FROM analysis.patient_endpoint AS endpoint
    CROSS JOIN overall_quartile AS quartile
    WHERE endpoint.endpoint = 'OS' AND endpoint.is_counted
)

SELECT
    patient.patient_id, -- text id of the patient
    patient.study_id, -- text id of the study
    study.tumor_type, -- primary tumor
    patient.arm, -- arm as treated, else as planned
    patient.treatment, -- treatment, antibodies first
    CASE
        WHEN patient.treatment_class = 'chemotherapy' THEN 'chemotherapy alone'
        WHEN patient.treatment_class <> 'antibody plus chemotherapy' THEN patient.treatment
        WHEN patient.has_bevacizumab AND patient.has_panitumumab THEN 'bevacizumab plus panitumumab plus chemotherapy'
        WHEN patient.has_bevacizumab THEN 'bevacizumab plus chemotherapy'
        WHEN patient.has_panitumumab THEN 'panitumumab plus chemotherapy'
        ELSE patient.treatment
    END AS therapy, -- what was given with chemotherapy, whichever the chemotherapy; other treatments by their name
    CASE
        WHEN patient.treatment_class = 'chemotherapy' THEN 'chemotherapy alone'
        WHEN patient.treatment_class = 'antibody plus chemotherapy' THEN 'targeted plus chemotherapy'
    END AS targeting, -- targeted plus chemotherapy or chemotherapy alone; NULL for other treatments
    patient.treatment_class, -- chemotherapy, antibody plus chemotherapy, antibody or other
    patient.has_bevacizumab, -- treatment includes bevacizumab
    patient.has_panitumumab, -- treatment includes panitumumab
    patient.kras_status, -- wild-type or mutant; NULL when not known
    coalesce(gower.n_lesions, 0) AS n_lesions, -- target lesions with phases
    gower.gower_distance AS patient_gower_distance, -- mean Gower distance between them
    CASE
        WHEN gower.patient_id IS NOT NULL THEN gower.null_reason
        WHEN stated.patient_id IS NOT NULL THEN 'only the sum of diameters is known'
        ELSE 'no analysed target lesion'
    END AS gower_null_reason, -- why there is no Gower distance; NULL where there is one
    phase.n_inconsistent_lesions, -- of the lesions, with other phases than the sum's
    coalesce(phase.baseline_sum_mm, stated.baseline_sum_mm) AS baseline_sum_mm, -- sum of baseline diameters, mm
    coalesce(phase.nadir_ratio, stated.nadir_ratio) AS sum_nadir_ratio, -- smallest sum after baseline over baseline
    coalesce(phase.last_ratio, stated.last_ratio) AS sum_last_ratio, -- last sum of diameters over baseline
    CASE
        WHEN phase.n_lesions > 0 THEN 'lesions'
        WHEN stated.patient_id IS NOT NULL THEN 'stated'
    END AS sum_source, -- the sum was added up from the lesions, or is the source's; NULL without a sum
    overall.os_quarter, -- low or high: bottom or top quarter of overall survival; NULL between
    response.liver_response, -- liver against all other organs; NULL without a liver lesion with phases
    response.liver_lung_response, -- the same for patients with lesions in liver and lung only
    response.liver_ln_response, -- the same for patients with lesions in liver and lymph nodes only
    response.lung_response, -- lung against all other organs, patients with lesions in both
    response.ln_response -- lymph nodes against all other organs, patients with lesions in both
FROM core.patient AS patient
INNER JOIN core.study AS study ON patient.study_id = study.study_id
LEFT JOIN analysis.gower_patient AS gower ON patient.patient_id = gower.patient_id
LEFT JOIN analysis.patient_phase AS phase ON patient.patient_id = phase.patient_id
LEFT JOIN analysis.stated_sum_phase AS stated ON patient.patient_id = stated.patient_id
LEFT JOIN analysis.organ_response AS response
    ON patient.patient_id = response.patient_id AND response.basis = 'follow-up'
LEFT JOIN overall ON patient.patient_id = overall.patient_id
WHERE NOT coalesce(patient.is_screen_failure, FALSE)
