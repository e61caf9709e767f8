/* What SUPPDM says of a subject at baseline, in one line.
   Why: covariates of core.patient.
   Caveats: words and numbers that cannot be read are NULL.
   Grain: one row per patient_id
   Key: patient_id
*/
WITH wide AS (
    SELECT
        patient_id,
        max(value_text) FILTER (WHERE qualifier = 'PRIMSITE') AS primary_site,
        max(value_text) FILTER (WHERE qualifier = 'LINETHER') AS line_of_therapy,
        max(value_text) FILTER (WHERE qualifier = 'PRSURG') AS prior_surgery,
        max(value_text) FILTER (WHERE qualifier = 'PRSURGPRI') AS prior_surgery_primary,
        max(value_text) FILTER (WHERE qualifier = 'PRSURGLIV') AS prior_surgery_liver,
        max(value_text) FILTER (WHERE qualifier = 'PRSURGLUN') AS prior_surgery_lung,
        max(value_text) FILTER (WHERE qualifier = 'PRSURGLN') AS prior_surgery_ln,
        max(value_text) FILTER (WHERE qualifier = 'PRRAD') AS prior_radiation,
        max(value_text) FILTER (WHERE qualifier = 'PRADJ') AS prior_adjuvant,
        upper(max(value_text) FILTER (WHERE qualifier = 'KRAS')) AS kras,
        max(value_text) FILTER (WHERE qualifier = 'BMI') AS bmi,
        max(value_text) FILTER (WHERE qualifier = 'BSA') AS bsa,
        max(value_text) FILTER (WHERE qualifier = 'ECOG') AS ecog,
        max(value_text) FILTER (WHERE qualifier = 'LDHRATIO') AS ldh_ratio
    FROM staging.subject_qualifier
    GROUP BY patient_id
)

SELECT
    patient_id, -- text id of the patient
    primary_site, -- primary tumor site as written
    CAST(coalesce(
        whole_day(line_of_therapy),
        CASE
            WHEN regexp_matches(upper(line_of_therapy), '^(FIRST|1ST)') THEN 1
            WHEN regexp_matches(upper(line_of_therapy), '^(SECOND|2ND)') THEN 2
            WHEN regexp_matches(upper(line_of_therapy), '^(THIRD|3RD)') THEN 3
        END
    ) AS INTEGER) AS line_of_therapy, -- line of therapy
    yes_no(prior_surgery) AS prior_surgery, -- had surgery before
    yes_no(prior_surgery_primary) AS prior_surgery_primary, -- had the primary tumor resected before
    yes_no(prior_surgery_liver) AS prior_surgery_liver, -- had liver metastases resected before
    yes_no(prior_surgery_lung) AS prior_surgery_lung, -- had lung metastases resected before
    yes_no(prior_surgery_ln) AS prior_surgery_ln, -- had lymph node metastases resected before
    yes_no(prior_radiation) AS prior_radiation, -- had radiation before
    yes_no(prior_adjuvant) AS prior_adjuvant, -- had adjuvant treatment before
    CASE
        WHEN regexp_matches(kras, '^(WILD|WT)') THEN 'wild-type'
        WHEN regexp_matches(kras, '^(MUT|MT$)') THEN 'mutant'
    END AS kras_status, -- wild-type or mutant; NULL when not known
    finite_number(bmi) AS bmi_kg_m2, -- body mass index, kg/m2
    finite_number(bsa) AS bsa_m2, -- body surface area, m2
    CASE
        WHEN regexp_matches(ecog, '^[0-5](\.0+)?$') THEN CAST(left(ecog, 1) AS INTEGER)
        WHEN upper(ecog) LIKE '%FULLY ACTIVE%' THEN 0
        WHEN upper(ecog) LIKE '%RESTRICTED%' THEN 1
        WHEN upper(ecog) LIKE '%AMBULATORY%' THEN 2
        WHEN upper(ecog) LIKE '%LIMITED SELF%' THEN 3
        WHEN upper(ecog) LIKE '%DISABLED%' THEN 4
    END AS ecog, -- ECOG performance status, 0 to 5
    finite_number(ldh_ratio) AS ldh_ratio -- lactate dehydrogenase over its upper limit of normal
FROM wide
