/* Subject-level analysis dataset (ADaM ADSL): who, treated how, in which population, with what at baseline.
   Why: every ADaM dataset is read beside it, and the populations of all tables are its flags.
   How: a comment is the variable's label, then after the semicolon where it comes from; define.xml says both.
   Caveats: the trial's own randomization is no domain that is read here, so the intent-to-treat flag stands for all
   who entered the trial. Dates are those of the source; subjects whose first dose has no full date have days only.
   Reference: CDISC, ADaM Implementation Guide 1.3, section 3.2.
   Grain: one row per patient_id
   Key: patient_id
   Tags: view, dataset
*/
WITH stated_study AS (
    SELECT
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        any_value(nullif(trim(studyid), '')) AS studyid
    FROM raw.dm
    GROUP BY _study_id, _source_file, _source_row
),

exposure AS (
    SELECT
        patient_id,
        max(coalesce(end_day, start_day)) AS last_dose_day
    FROM core.exposure
    GROUP BY patient_id
),

numbered AS (
    SELECT
        patient.*,
        subject.subjid,
        subject.siteid,
        subject.ethnic,
        subject.country,
        subject.planned_arm,
        coalesce(subject.actual_arm, subject.planned_arm) AS arm_as_treated,
        coalesce(stated_study.studyid, patient.study_id) AS studyid,
        exposure.last_dose_day,
        NOT coalesce(patient.is_screen_failure, FALSE) AS is_entered,
        NOT coalesce(patient.is_never_treated, FALSE) AS is_treated
    FROM core.patient AS patient
    INNER JOIN staging.subject AS subject ON patient.patient_id = subject.patient_id
    LEFT JOIN stated_study
        ON
            patient.study_id = stated_study.study_id
            AND patient.source_file = stated_study.source_file
            AND patient.source_row = stated_study.source_row
    LEFT JOIN exposure ON patient.patient_id = exposure.patient_id
)

SELECT
    patient_id, -- text id of the patient in the warehouse
    study_id, -- text id of the study in the warehouse
    studyid, -- Study Identifier; as DM states it, else the warehouse's id of the study
    usubjid, -- Unique Subject Identifier; as the source writes it
    subjid, -- Subject Identifier for the Study; as DM states it
    siteid, -- Study Site Identifier; as DM states it
    age_years AS age, -- Age; in years, converted from AGEU
    CASE WHEN age_years IS NOT NULL THEN 'YEARS' END AS ageu, -- Age Units; YEARS
    CASE WHEN age_years < 65 THEN '<65' WHEN age_years >= 65 THEN '>=65' END
        AS agegr1, -- Pooled Age Group 1; below 65 years, or 65 and above
    sex, -- Sex; M or F
    race, -- Race; upper case
    ethnic, -- Ethnicity; as DM states it
    country, -- Country; as DM states it
    planned_arm AS arm, -- Description of Planned Arm; as DM states it
    arm_as_treated AS actarm, -- Description of Actual Arm; as DM states it, else the planned arm
    planned_arm AS trt01p, -- Planned Treatment for Period 01; the planned arm
    CASE
        WHEN planned_arm IS NOT NULL
            THEN
                CAST(dense_rank() OVER (PARTITION BY study_id ORDER BY planned_arm) AS DOUBLE)
    END AS trt01pn, -- Planned Treatment for Period 01 (N); place of the arm in the order of their names
    arm_as_treated AS trt01a, -- Actual Treatment for Period 01; the actual arm, else the planned arm
    CASE
        WHEN arm_as_treated IS NOT NULL
            THEN
                CAST(dense_rank() OVER (PARTITION BY study_id ORDER BY arm_as_treated) AS DOUBLE)
    END AS trt01an, -- Actual Treatment for Period 01 (N); place of the arm in the order of their names
    treatment_class AS trtclass, -- Class of Treatment; from the study's dictionary or the drugs of the arm
    CASE WHEN is_treated THEN first_dose_date END
        AS trtsdt, -- Date of First Exposure to Treatment; RFXSTDTC, else RFSTDTC; day 0 of the warehouse
    CASE WHEN is_treated THEN CAST(first_dose_date + CAST(last_dose_day AS INTEGER) AS DATE) END
        AS trtedt, -- Date of Last Exposure to Treatment; last EXENDTC, else EXSTDTC
    CASE WHEN is_treated AND last_dose_day >= 0 THEN CAST(last_dose_day AS DOUBLE) + 1 END
        AS trtdurd, -- Total Treatment Duration (Days); TRTEDT - TRTSDT + 1
    CASE WHEN is_entered THEN 'Y' ELSE 'N' END
        AS ittfl, -- Intent-To-Treat Population Flag; Y: entered the trial, that is no screen failure
    CASE WHEN is_entered AND is_treated THEN 'Y' ELSE 'N' END
        AS saffl, -- Safety Population Flag; Y: had a treatment of the trial
    CASE WHEN is_analysed THEN 'Y' ELSE 'N' END
        AS lesfl, -- Lesion Analysis Population Flag; Y: the patient's lesions are analyzed
    CASE WHEN is_dead THEN 'Y' END AS dthfl, -- Subject Death Flag; Y: a source says that the patient died
    CAST(first_dose_date + CAST(CASE WHEN is_dead THEN death_day END AS INTEGER) AS DATE)
        AS dthdt, -- Date of Death; of the first source that dates it: ADTTE, DD, DM, DS, SS, AE
    CASE WHEN is_dead THEN death_date_flag END AS dthdtf, -- Date of Death Imputation Flag; D the day, M month and day
    CASE WHEN is_dead THEN analysis_day(death_day) END AS dthady, -- Relative Day of Death; the first dose is day 1
    -- Domain for Date of Death Collection; the source believed
    CASE WHEN is_dead THEN upper(death_source) END AS dthdom,
    CAST(first_dose_date + CAST(last_contact_day AS INTEGER) AS DATE)
        AS lstalvdt, -- Date Last Known Alive; last record of the patient in any source
    bmi_kg_m2 AS bmibl, -- Baseline Body Mass Index (kg/m2); as the source gives it
    bsa_m2 AS bsabl, -- Baseline Body Surface Area (m2); as the source gives it
    CAST(ecog AS DOUBLE) AS ecogbl, -- Baseline ECOG Performance Status; as the source gives it
    ldh_ratio AS ldhratbl, -- Baseline LDH over Upper Normal Limit; ratio
    kras_status AS krasstat, -- KRAS Status; wild-type or mutant
    primary_site AS primsite, -- Primary Tumor Site; of the patient, else of the whole study
    CAST(line_of_therapy AS VARCHAR) AS lineth, -- Line of Therapy; of the patient, else of the whole study
    CASE WHEN prior_surgery THEN 'Y' WHEN NOT prior_surgery THEN 'N' END AS prsurgfl, -- Prior Surgery Flag; as stated
    CASE WHEN prior_radiation THEN 'Y' WHEN NOT prior_radiation THEN 'N' END
        AS prradfl, -- Prior Radiation Flag; as stated
    CASE WHEN prior_adjuvant THEN 'Y' WHEN NOT prior_adjuvant THEN 'N' END
        AS pradjfl, -- Prior Adjuvant Therapy Flag; as stated
    CAST(n_lesions AS DOUBLE) AS nles, -- Number of Lesions; of the reader whose lesions are analyzed
    CAST(n_target_lesions AS DOUBLE) AS ntgtles, -- Number of Target Lesions; of that reader
    nullif(analysis_reader, '') AS evalrdr, -- Reader Whose Lesions Are Analyzed; by the order of readers in study.yml
    CASE WHEN NOT is_analysed THEN exclusion_reason END AS exclrsn, -- Reason Not in Lesion Population; core.exclusion
    'DM' AS srcdom, -- Source Data; the domain that names the subject
    source_file AS srcfile, -- Source File; file of the DM record
    CAST(source_row AS DOUBLE) AS srcrow -- Source Row in the File; of the DM record
FROM numbered
