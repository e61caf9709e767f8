/* Lesion-level analysis dataset (ADLES): one row per lesion with its growth parameters, its event times, its phases
   and the phenotype of its organ.
   Why: no standard dataset holds lesions as the units of analysis; this one is named and made by ADaM's rules (class
   ADAM OTHER), so that it can be submitted beside the standard ones.
   How: lesions of the analysis reader. Growth parameters are the conditional modes of the model that lesions.toml
   selects; times count from the first dose as day 1, with CNSR 0 for an event; phenotypes are those of stratum all
   against the reference organ.
   Caveats: growth parameters of lesions with few scans are drawn to the typical value. Do not compare groups by them
   as if they were measured.
   Reference: Zhou et al. 2023, Nat Commun; Zhou et al. 2021, Cancer Res; CDISC, ADaM Implementation Guide 1.3, 1.3.1.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: view, dataset
*/
WITH growth AS (
    SELECT
        parameter.lesion_id,
        fit.model,
        parameter.kg_per_day,
        parameter.kd_per_day,
        parameter.f,
        parameter.kg_sd,
        parameter.kd_sd,
        parameter.f_sd,
        parameter.nadir_day
    FROM analysis.growth_lesion AS parameter
    INNER JOIN analysis.growth_fit AS fit ON parameter.fit_id = fit.fit_id
    INNER JOIN meta.setting AS setting ON fit.model = setting.value AND setting.name = 'growth.model'
    WHERE parameter.estimate_kind = 'conditional_mode'
),

event AS (
    SELECT
        lesion_id,
        max(time_days) FILTER (WHERE endpoint = 'response') AS response_days,
        bool_or(is_event) FILTER (WHERE endpoint = 'response') AS has_response,
        max(time_days) FILTER (WHERE endpoint = 'progression') AS progression_days,
        bool_or(is_event) FILTER (WHERE endpoint = 'progression') AS has_progression
    FROM mart.fct_lesion_event
    WHERE is_selected_rule_set AND source = 'observed'
    GROUP BY lesion_id
),

phenotype AS (
    SELECT
        organ,
        max(phenotype) FILTER (WHERE is_assigned) AS phenotype,
        max(probability) AS probability
    FROM analysis.organ_phenotype
    WHERE stratum = 'all' AND comparator = 'reference'
    GROUP BY organ
)

SELECT
    lesion.patient_id, -- text id of the patient in the warehouse
    subject.study_id, -- text id of the study in the warehouse
    lesion.lesion_id, -- text id of the lesion in the warehouse
    subject.studyid, -- Study Identifier; ADSL.STUDYID
    subject.usubjid, -- Unique Subject Identifier; ADSL.USUBJID
    CAST(lesion.lesion_number AS INTEGER) AS aseq, -- Analysis Sequence Number; number of the lesion within the subject
    subject.trt01p AS trtp, -- Planned Treatment; ADSL.TRT01P
    subject.trt01a AS trta, -- Actual Treatment; ADSL.TRT01A
    lesion.lesion_label AS lnkid, -- Link ID; the source's label of the lesion
    upper(lesion.lesion_type) AS lestype, -- Type of the Lesion; TARGET, NON-TARGET or NEW
    lesion.organ AS lesorg, -- Organ of the Lesion; the site mapped by core.organ
    lesion.site_raw AS lesloc, -- Location of the Lesion; TULOC as written
    CASE WHEN lesion.is_nodal THEN 'Y' ELSE 'N' END AS nodalfl, -- Lymph Node Flag; Y: measured by its short axis
    CASE WHEN lesion.is_analysed THEN 'Y' ELSE 'N' END AS anl01fl, -- Analysis Flag 01; Y: used in analyses of lesions
    CASE WHEN NOT lesion.is_analysed THEN lesion.exclusion_reason END AS exclrsn, -- Reason Not Analyzed; core.exclusion
    CAST(lesion.n_measurements AS DOUBLE) AS nmeas, -- Number of Measurements; days with a size
    analysis_day(lesion.baseline_day) AS bldy, -- Day of the Baseline Scan; the first dose is day 1
    lesion.baseline_diameter_mm AS bldiam, -- Baseline Diameter (mm); nodes by their short axis
    lesion.baseline_volume_mm3 AS blvol, -- Baseline Volume (mm3); measured, or from the diameters
    growth.model AS grmodel, -- Growth Model; the setting growth.model
    growth.kg_per_day AS kg, -- Growth Rate (1/day); of the resistant part
    growth.kg_sd AS kgsd, -- Growth Rate SD (1/day); standard deviation given the data
    growth.kd_per_day AS kd, -- Shrinkage Rate (1/day); of the sensitive part
    growth.kd_sd AS kdsd, -- Shrinkage Rate SD (1/day); standard deviation given the data
    growth.f AS resfrac, -- Resistant Fraction at First Dose; 0 to 1
    growth.f_sd AS resfrsd, -- Resistant Fraction SD; standard deviation given the data
    growth.nadir_day + 1 AS nadirdy, -- Day of the Fitted Nadir; the first dose is day 1
    CAST(event.response_days AS DOUBLE) + 1 AS rspdays, -- Time to Response (days); the first dose is day 1
    CAST(CASE WHEN event.has_response THEN 0 WHEN NOT event.has_response THEN 1 END AS DOUBLE)
        AS rspcnsr, -- Censor of the Response; 0 event, 1 censored
    CAST(event.progression_days AS DOUBLE) + 1 AS prgdays, -- Time to Progression (days); the first dose is day 1
    CAST(CASE WHEN event.has_progression THEN 0 WHEN NOT event.has_progression THEN 1 END AS DOUBLE)
        AS prgcnsr, -- Censor of the Progression; 0 event, 1 censored
    CASE WHEN phase.has_response THEN 'Y' WHEN NOT phase.has_response THEN 'N' END
        AS rspphfl, -- Response Phase Flag; came down to 70 percent of baseline
    CASE WHEN phase.has_stable THEN 'Y' WHEN NOT phase.has_stable THEN 'N' END
        AS stbphfl, -- Stable Phase Flag; some time was neither response nor relapse
    CASE WHEN phase.has_relapse THEN 'Y' WHEN NOT phase.has_relapse THEN 'N' END
        AS rlpphfl, -- Relapse Phase Flag; exceeded 120 percent of the smallest so far
    CAST(phase.time_to_response_days AS DOUBLE) AS ttrphase, -- Time to the Response Phase (days); from baseline
    CAST(phase.stable_days AS DOUBLE) AS stbphdur, -- Duration of the Stable Phase (days); neither response nor relapse
    CAST(phase.relapse_days AS DOUBLE) AS rlpphdur, -- Duration of the Relapse Phase (days); to the last scan
    phase.nadir_ratio AS nadrat, -- Nadir over Baseline; smallest diameter after baseline over it
    phase.last_ratio AS lastrat, -- Last Diameter over Baseline; ratio
    CASE WHEN phase.is_consistent_with_total THEN 'Y' WHEN NOT phase.is_consistent_with_total THEN 'N' END
        AS conssfl, -- Consistent with the Sum Flag; Y: the same phases as the sum of diameters
    gower.gower_distance AS gower, -- Gower Distance to Other Lesions; mean over the patient's other lesions
    phenotype.phenotype AS phenotyp, -- Phenotype of the Organ; response, then progression, high or low
    phenotype.probability AS phenprob, -- Probability of the Phenotype; of the most probable one
    'TU' AS srcdom, -- Source Data; the domain that names the lesion
    'TULNKID' AS srcvar, -- Source Variable; that names the lesion
    source.sequence_number AS srcseq, -- Source Sequence Number; TUSEQ
    lesion.source_file AS srcfile, -- Source File; file of the record that names the lesion
    CAST(lesion.source_row AS DOUBLE) AS srcrow -- Source Row in the File; row of that record
FROM core.lesion AS lesion
INNER JOIN adam.adsl AS subject ON lesion.patient_id = subject.patient_id
LEFT JOIN growth ON lesion.lesion_id = growth.lesion_id
LEFT JOIN event ON lesion.lesion_id = event.lesion_id
LEFT JOIN analysis.lesion_phase AS phase ON lesion.lesion_id = phase.lesion_id
LEFT JOIN analysis.gower_lesion AS gower ON lesion.lesion_id = gower.lesion_id
LEFT JOIN phenotype ON lesion.organ = phenotype.organ
LEFT JOIN staging.source_sequence AS source
    ON
        source.domain = 'tu'
        AND subject.study_id = source.study_id
        AND lesion.source_file = source.source_file
        AND lesion.source_row = source.source_row
WHERE lesion.is_analysis_reader
